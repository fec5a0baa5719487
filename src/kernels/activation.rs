//! Activation functions, applied to a tile before it leaves the registers.

use super::simd::{Simd, exp};

/// What a linear layer does to its output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `x Φ(x)`, with the error function to 2e-7 (Abramowitz and Stegun 7.1.26).
    Gelu,
    /// The approximation of GELU by a hyperbolic tangent (Hendrycks and Gimpel 2016, equation 2).
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `x / (1 + e^-x)`.
    Silu,
    /// Hyperbolic tangent.
    Tanh,
}

/// From the highest power of the square to the lowest.
const GELU_ROUGH: [f32; 7] =
    [2.258_821_2e-8, -1.588_827_4e-6, 4.776_389_3e-5, -8.121_875_8e-4, 8.763_691e-3, -6.455_441_6e-2, 3.978_702_7e-1];

/// [`Activation::Gelu`] to 2e-4, for what is rounded to narrow numbers next: `x Φ(x)` with `Φ(x) - 1/2` as an odd minimax
/// polynomial of degree 13 on \[-4, 4\], exactly ±1/2 at the ends and beyond.
///
/// # Safety
/// The CPU has the level of `V`.
#[inline(always)]
unsafe fn gelu_rough<V: Simd>(x: V) -> V {
    // SAFETY: the caller promises the level of `V`; nothing here touches memory.
    unsafe {
        let near = x.max(V::splat(-4.0)).min(V::splat(4.0));
        let square = near.mul(near);
        let mut p = V::splat(GELU_ROUGH[0]);
        for &c in &GELU_ROUGH[1..] {
            p = p.mul_add(square, V::splat(c));
        }
        x.mul(p.mul_add(near, V::splat(0.5)))
    }
}

/// As [`apply`], to the accuracy that narrow numbers can hold.
///
/// # Safety
/// The CPU has the level of `V`.
#[inline(always)]
pub(super) unsafe fn apply_rough<V: Simd>(activation: Activation, x: V) -> V {
    // SAFETY: passed on from the caller.
    unsafe { if activation == Activation::Gelu { gelu_rough(x) } else { apply(activation, x) } }
}

/// # Safety
/// The CPU has the level of `V`.
#[inline(always)]
pub(super) unsafe fn apply<V: Simd>(activation: Activation, x: V) -> V {
    // SAFETY: the caller promises the level of `V`; nothing here touches memory.
    unsafe {
        let one = V::splat(1.0);
        let sigmoid = |x: V| one.div(one.add(exp(V::splat(0.0).sub(x))));
        match activation {
            Activation::Identity => x,
            Activation::Gelu => {
                let magnitude = x.max(V::splat(0.0).sub(x)).mul(V::splat(std::f32::consts::FRAC_1_SQRT_2));
                let t = one.div(magnitude.mul_add(V::splat(0.327_591_1), one));
                let mut p = V::splat(1.061_405_4);
                for c in [-1.453_152_1, 1.421_413_8, -0.284_496_72, 0.254_829_6] {
                    p = p.mul_add(t, V::splat(c));
                }
                // 1 - erf(|x| / √2), so that x Φ(x) = relu(x) - |x| / 2 (1 - erf): no cancellation for x << 0.
                let complement = p.mul(t).mul(exp(V::splat(0.0).sub(magnitude.mul(magnitude))));
                let half = magnitude.mul(V::splat(std::f32::consts::FRAC_1_SQRT_2));
                x.max(V::splat(0.0)).sub(half.mul(complement))
            }
            Activation::GeluTanh => {
                let cubic = x.mul(x).mul_add(V::splat(0.044_715), one);
                let u = x.mul(cubic).mul(V::splat(2.0 * 0.797_884_6));
                x.mul(sigmoid(u))
            }
            Activation::Relu => x.max(V::splat(0.0)),
            Activation::Silu => x.mul(sigmoid(x)),
            Activation::Tanh => sigmoid(x.add(x)).mul_add(V::splat(2.0), V::splat(-1.0)),
        }
    }
}
