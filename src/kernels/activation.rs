//! Activation functions, applied to a tile before it leaves the registers.

use super::simd::{Simd, exp};

/// What a linear layer does to its output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `x Φ(x)`, with the error function to 3e-7: to about a unit in the last place of `x`.
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

/// The error function on \[-4, 4\], where it comes to ±1 in f32, as `x P(x²) / Q(x²)`: the minimax approximation of Eigen
/// (`generic_fast_erf_float`), from the highest power to the lowest.
const ERF: ([f32; 7], [f32; 5]) = (
    [-2.726_142_3e-10, 2.770_681_4e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906e-4, -2.954_6e-3, -1.609_603_3e-2],
    [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2],
);

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
                let z = x.mul(V::splat(std::f32::consts::FRAC_1_SQRT_2)).max(V::splat(-4.0)).min(V::splat(4.0));
                let square = z.mul(z);
                let of = |coefficients: &[f32]| {
                    let mut p = V::splat(coefficients[0]);
                    for &c in &coefficients[1..] {
                        p = p.mul_add(square, V::splat(c));
                    }
                    p
                };
                let erf = z.mul(of(&ERF.0)).div(of(&ERF.1));
                x.mul(erf.mul_add(V::splat(0.5), V::splat(0.5)))
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
