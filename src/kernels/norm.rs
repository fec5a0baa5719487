//! Layer normalisation (Ba, Kiros and Hinton 2016), with the residual sum that precedes it in a transformer.

use super::cpu::Isa;
use super::simd::{Simd, dispatch};

/// The learnt part of a layer normalisation.
pub struct LayerNorm {
    /// (width)
    pub weight: Vec<f32>,
    /// (width)
    pub bias: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f32,
}

/// `rows = normalise(rows + residual) * weight + bias`, row by row, in place; `rows` and `residual`: [m, width].
///
/// # Panics
/// If the lengths differ or are no multiple of the width.
pub fn add_layer_norm(isa: Isa, norm: &LayerNorm, residual: Option<&[f32]>, rows: &mut [f32]) {
    let width = norm.weight.len();
    assert_eq!(norm.bias.len(), width, "add_layer_norm: bias");
    assert_eq!(rows.len() % width.max(1), 0, "add_layer_norm: rows of {width}");
    assert!(residual.is_none_or(|r| r.len() == rows.len()), "add_layer_norm: residual");
    dispatch!(isa, normalise(norm: &LayerNorm, residual: Option<&[f32]>, rows: &mut [f32]));
}

/// # Safety
/// The CPU has the level of `V`. Lengths are as [`add_layer_norm`] asserts.
#[inline(always)]
unsafe fn normalise<V: Simd>(norm: &LayerNorm, residual: Option<&[f32]>, rows: &mut [f32]) {
    let width = norm.weight.len();
    let whole = width - width % V::LANES;
    for (index, row) in rows.chunks_exact_mut(width).enumerate() {
        let at = row.as_mut_ptr();
        // SAFETY: the level is the caller's promise; vectors start at multiples of LANES below `whole <= width`, and
        // `weight`, `bias`, `row` and the row of the residual are all `width` long.
        unsafe {
            let (mut sum, mut rest) = (V::splat(0.0), 0.0);
            if let Some(residual) = residual {
                let other = residual.as_ptr().add(index * width);
                for i in (0..whole).step_by(V::LANES) {
                    let value = V::load(at.add(i)).add(V::load(other.add(i)));
                    value.store(at.add(i));
                    sum = sum.add(value);
                }
                for i in whole..width {
                    *at.add(i) += *other.add(i);
                    rest += *at.add(i);
                }
            } else {
                (0..whole).step_by(V::LANES).for_each(|i| sum = sum.add(V::load(at.add(i))));
                (whole..width).for_each(|i| rest += *at.add(i));
            }
            let mean = (sum.sum() + rest) / width as f32;

            let centre = V::splat(mean);
            let (mut sum, mut rest) = (V::splat(0.0), 0.0);
            for i in (0..whole).step_by(V::LANES) {
                let value = V::load(at.add(i)).sub(centre);
                value.store(at.add(i));
                sum = value.mul_add(value, sum);
            }
            for i in whole..width {
                *at.add(i) -= mean;
                rest += *at.add(i) * *at.add(i);
            }
            let scale = 1.0 / ((sum.sum() + rest) / width as f32 + norm.epsilon).sqrt();

            let factor = V::splat(scale);
            let (weight, bias) = (norm.weight.as_ptr(), norm.bias.as_ptr());
            for i in (0..whole).step_by(V::LANES) {
                let value = V::load(at.add(i)).mul(factor);
                value.mul_add(V::load(weight.add(i)), V::load(bias.add(i))).store(at.add(i));
            }
            for i in whole..width {
                *at.add(i) = *at.add(i) * scale * *weight.add(i) + *bias.add(i);
            }
        }
    }
}
