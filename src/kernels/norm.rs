//! Layer normalisation (Ba, Kiros and Hinton 2016), with the residual sum that precedes it in a transformer.

use super::arith::{Arith, dispatch_arith};
use super::cpu::Isa;
use super::precision::Precision;
use super::rows::{RawRows, Rows, narrow_row};
use super::simd::Simd;

/// The learnt part of a layer normalisation.
pub struct LayerNorm {
    /// (width)
    pub weight: Vec<f32>,
    /// (width)
    pub bias: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f32,
}

/// `rows = normalise(rows + residual) * weight + bias`, row by row, in place; `rows` and `residual`: [m, width]. `narrow`,
/// where given, becomes the same rows in its own precision, while they are in the first cache.
///
/// # Panics
/// If the lengths differ or are no multiple of the width, or `narrow` is of another level.
pub fn add_layer_norm(
    isa: Isa,
    norm: &LayerNorm,
    residual: Option<&[f32]>,
    rows: &mut [f32],
    narrow: Option<&mut Rows>,
) {
    let width = norm.weight.len();
    assert!(width > 0 && norm.bias.len() == width, "add_layer_norm: bias");
    assert!(rows.len().is_multiple_of(width), "add_layer_norm: rows of {width}");
    assert!(residual.is_none_or(|r| r.len() == rows.len()), "add_layer_norm: residual");
    assert!(narrow.as_ref().is_none_or(|narrow| narrow.isa() == isa), "add_layer_norm: level");
    let precision = narrow.as_ref().map_or(Precision::F32, |narrow| narrow.precision());
    let narrow = narrow.map(|narrow| {
        narrow.reshape(rows.len() / width, width);
        narrow.raw()
    });
    let job = Job { norm, residual, rows, narrow };
    dispatch_arith!(isa, precision, normalise(job => Job<'_>));
}

/// One call of [`add_layer_norm`], checked.
struct Job<'a> {
    norm: &'a LayerNorm,
    residual: Option<&'a [f32]>,
    rows: &'a mut [f32],
    narrow: Option<RawRows>,
}

/// # Safety
/// The CPU has the level of `A`. Lengths are as [`add_layer_norm`] asserts.
#[inline(always)]
unsafe fn normalise<A: Arith>(job: Job<'_>) {
    let width = job.norm.weight.len();
    for (index, row) in job.rows.chunks_exact_mut(width).enumerate() {
        let residual = job.residual.map(|residual| &residual[index * width..(index + 1) * width]);
        // SAFETY: the level is the caller's promise; `row` is row `index` of both, of `width` values.
        unsafe {
            normalise_row::<A::Float>(job.norm, residual, row);
            if let Some(narrow) = &job.narrow {
                narrow_row::<A>(row.as_ptr(), narrow, index);
            }
        }
    }
}

/// # Safety
/// The CPU has the level of `V`, and all rows have the norm's width.
#[inline(always)]
unsafe fn normalise_row<V: Simd>(norm: &LayerNorm, residual: Option<&[f32]>, row: &mut [f32]) {
    let width = row.len();
    let whole = width - width % V::LANES;
    let at = row.as_mut_ptr();
    // SAFETY: the level is the caller's promise; vectors start at multiples of LANES below `whole <= width`, and
    // `weight`, `bias`, `row` and the row of the residual are all `width` long.
    unsafe {
        let (mut sum, mut rest) = (V::splat(0.0), 0.0);
        if let Some(residual) = residual {
            let other = residual.as_ptr();
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
            for i in (0..whole).step_by(V::LANES) {
                sum = sum.add(V::load(at.add(i)));
            }
            for i in whole..width {
                rest += *at.add(i);
            }
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
