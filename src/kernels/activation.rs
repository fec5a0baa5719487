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
