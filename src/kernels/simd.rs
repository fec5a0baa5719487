//! A vector of f32 lanes, the least that the kernels need, and its instantiations.
//!
//! The kernels are generic functions marked `#[inline(always)]`; [`dispatch`] calls them from inside a function that
//! carries the `#[target_feature]` of the level, so that they are compiled with its instructions.

/// A vector of `LANES` f32.
///
/// # Safety
/// Every method is unsafe to call unless the CPU has the level that the type belongs to. `load` and `store` also
/// require `LANES` readable, respectively writable, f32 at the pointer, of any alignment.
pub(super) trait Simd: Copy {
    /// f32 in one vector.
    const LANES: usize;
    /// Rows of a [`gemm_f32`](super::gemm_f32) tile: as many as leave registers for two columns of vectors, the
    /// two vectors of weights and a broadcast input.
    const TILE_ROWS: usize;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;
    /// `self * factor + addend`; rounded once where the level has a fused instruction.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// Nearest integer, ties to even.
    unsafe fn round(self) -> Self;
    /// `2^self` for integral lanes in \[-126, 127\].
    unsafe fn exp2_integral(self) -> Self;
    /// Sum of the lanes, in a fixed order.
    unsafe fn sum(self) -> f32;
    /// Greatest lane.
    unsafe fn greatest(self) -> f32;
}

/// `e^x`, lane by lane, to about 2 units in the last place; 0 below -87.3 and `e^88` above 88.
///
/// Range reduction by `x = n ln 2 + r`, `|r| ≤ ln 2 / 2`, then a polynomial of degree 6 in `r` (the coefficients of
/// Cephes `expf`, S. Moshier) and an exact scaling by `2^n`.
///
/// # Safety
/// The CPU has the level of `V`.
#[inline(always)]
pub(super) unsafe fn exp<V: Simd>(x: V) -> V {
    // SAFETY: the caller promises the level of `V`; nothing here touches memory.
    unsafe {
        let x = x.max(V::splat(-87.3)).min(V::splat(88.0));
        let n = x.mul(V::splat(std::f32::consts::LOG2_E)).round();
        let r = n.mul_add(V::splat(-0.693_359_4), x);
        let r = n.mul_add(V::splat(2.121_944_4e-4), r);
        let mut p = V::splat(1.987_569_1e-4);
        for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 0.5] {
            p = p.mul_add(r, V::splat(c));
        }
        let value = p.mul_add(r.mul(r), r).add(V::splat(1.0));
        value.mul(n.exp2_integral())
    }
}

/// Eight lanes without any intrinsic: the baseline of every target.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Simd for Portable {
    const LANES: usize = 8;
    const TILE_ROWS: usize = 2;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 8 readable f32; `read_unaligned` asks for no alignment.
        Self(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises 8 writable f32; `write_unaligned` asks for no alignment.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + addend.0[i]))
    }
    #[inline(always)]
    unsafe fn round(self) -> Self {
        // Adding and taking away 1.5 * 2^23 leaves the nearest integer, ties to even, for |x| < 2^22: exp stays below.
        const MAGIC: f32 = 12_582_912.0;
        Self(self.0.map(|x| (x + MAGIC) - MAGIC))
    }
    #[inline(always)]
    unsafe fn exp2_integral(self) -> Self {
        Self(self.0.map(|x| f32::from_bits(((x as i32 + 127) as u32) << 23)))
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.0;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }
    #[inline(always)]
    unsafe fn greatest(self) -> f32 {
        self.0.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    //! AVX2 with FMA, and AVX-512 F.

    use std::arch::x86_64::*;

    use super::Simd;

    /// Eight lanes of AVX2.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256);

    /// Sixteen lanes of AVX-512 F.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(__m512);

    /// One method of [`Simd`] in terms of intrinsics.
    macro_rules! method {
        ($name:ident($($arg:ident: $ty:ty),*) -> $out:ty = $body:expr) => {
            #[inline(always)]
            unsafe fn $name($($arg: $ty),*) -> $out {
                // SAFETY: the caller promises the level, and the memory where a pointer is given.
                unsafe { $body }
            }
        };
        ($name:ident(self $(, $arg:ident: $ty:ty)*) -> $out:ty = |$this:ident| $body:expr) => {
            #[inline(always)]
            unsafe fn $name(self $(, $arg: $ty)*) -> $out {
                let $this = self.0;
                // SAFETY: the caller promises the level, and the memory where a pointer is given.
                unsafe { $body }
            }
        };
    }

    impl Simd for Avx2 {
        const LANES: usize = 8;
        const TILE_ROWS: usize = 6;
        method!(splat(value: f32) -> Self = Self(_mm256_set1_ps(value)));
        method!(load(from: *const f32) -> Self = Self(_mm256_loadu_ps(from)));
        method!(store(self, to: *mut f32) -> () = |v| _mm256_storeu_ps(to, v));
        method!(add(self, other: Self) -> Self = |v| Self(_mm256_add_ps(v, other.0)));
        method!(sub(self, other: Self) -> Self = |v| Self(_mm256_sub_ps(v, other.0)));
        method!(mul(self, other: Self) -> Self = |v| Self(_mm256_mul_ps(v, other.0)));
        method!(div(self, other: Self) -> Self = |v| Self(_mm256_div_ps(v, other.0)));
        method!(max(self, other: Self) -> Self = |v| Self(_mm256_max_ps(v, other.0)));
        method!(min(self, other: Self) -> Self = |v| Self(_mm256_min_ps(v, other.0)));
        method!(mul_add(self, factor: Self, addend: Self) -> Self = |v| Self(_mm256_fmadd_ps(v, factor.0, addend.0)));
        method!(round(self) -> Self = |v| {
            Self(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v))
        });
        method!(exp2_integral(self) -> Self = |v| {
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(v), _mm256_set1_epi32(127));
            Self(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased)))
        });
        method!(sum(self) -> f32 = |v| {
            let halves = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let pairs = _mm_add_ps(halves, _mm_movehl_ps(halves, halves));
            _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehdup_ps(pairs)))
        });
        method!(greatest(self) -> f32 = |v| {
            let halves = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let pairs = _mm_max_ps(halves, _mm_movehl_ps(halves, halves));
            _mm_cvtss_f32(_mm_max_ss(pairs, _mm_movehdup_ps(pairs)))
        });
    }

    impl Simd for Avx512 {
        const LANES: usize = 16;
        const TILE_ROWS: usize = 12;
        method!(splat(value: f32) -> Self = Self(_mm512_set1_ps(value)));
        method!(load(from: *const f32) -> Self = Self(_mm512_loadu_ps(from)));
        method!(store(self, to: *mut f32) -> () = |v| _mm512_storeu_ps(to, v));
        method!(add(self, other: Self) -> Self = |v| Self(_mm512_add_ps(v, other.0)));
        method!(sub(self, other: Self) -> Self = |v| Self(_mm512_sub_ps(v, other.0)));
        method!(mul(self, other: Self) -> Self = |v| Self(_mm512_mul_ps(v, other.0)));
        method!(div(self, other: Self) -> Self = |v| Self(_mm512_div_ps(v, other.0)));
        method!(max(self, other: Self) -> Self = |v| Self(_mm512_max_ps(v, other.0)));
        method!(min(self, other: Self) -> Self = |v| Self(_mm512_min_ps(v, other.0)));
        method!(mul_add(self, factor: Self, addend: Self) -> Self = |v| Self(_mm512_fmadd_ps(v, factor.0, addend.0)));
        method!(round(self) -> Self = |v| {
            Self(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v))
        });
        method!(exp2_integral(self) -> Self = |v| {
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(v), _mm512_set1_epi32(127));
            Self(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased)))
        });
        method!(sum(self) -> f32 = |v| _mm512_reduce_add_ps(v));
        method!(greatest(self) -> f32 = |v| _mm512_reduce_max_ps(v));
    }
}

#[cfg(target_arch = "aarch64")]
pub(super) mod arm {
    //! Advanced SIMD.

    use std::arch::aarch64::*;

    use super::Simd;

    /// Four lanes of Advanced SIMD.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Neon(float32x4_t);

    macro_rules! method {
        ($name:ident(self $(, $arg:ident)*) -> $out:ty = |$this:ident| $body:expr) => {
            #[inline(always)]
            unsafe fn $name(self $(, $arg: Self)*) -> $out {
                let $this = self.0;
                // SAFETY: the caller promises the level; nothing here touches memory.
                unsafe { $body }
            }
        };
    }

    impl Simd for Neon {
        const LANES: usize = 4;
        const TILE_ROWS: usize = 12;
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller promises the level.
            Self(unsafe { vdupq_n_f32(value) })
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller promises the level and 4 readable f32.
            Self(unsafe { vld1q_f32(from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller promises the level and 4 writable f32.
            unsafe { vst1q_f32(to, self.0) }
        }
        method!(add(self, other) -> Self = |v| Self(vaddq_f32(v, other.0)));
        method!(sub(self, other) -> Self = |v| Self(vsubq_f32(v, other.0)));
        method!(mul(self, other) -> Self = |v| Self(vmulq_f32(v, other.0)));
        method!(div(self, other) -> Self = |v| Self(vdivq_f32(v, other.0)));
        method!(max(self, other) -> Self = |v| Self(vmaxq_f32(v, other.0)));
        method!(min(self, other) -> Self = |v| Self(vminq_f32(v, other.0)));
        method!(mul_add(self, factor, addend) -> Self = |v| Self(vfmaq_f32(addend.0, v, factor.0)));
        method!(round(self) -> Self = |v| Self(vrndnq_f32(v)));
        method!(exp2_integral(self) -> Self = |v| {
            Self(vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(vcvtq_s32_f32(v), vdupq_n_s32(127)))))
        });
        method!(sum(self) -> f32 = |v| vaddvq_f32(v));
        method!(greatest(self) -> f32 = |v| vmaxvq_f32(v));
    }
}

/// Calls the generic kernel `$kernel::<V>($args)` with the vector type of `$isa`, inside a function that is compiled
/// with the instructions of that level.
///
/// What the kernel itself requires of its arguments (lengths, pointers) is for the caller to have checked.
macro_rules! dispatch {
    ($isa:expr, $kernel:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $out:ty)?) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2($($arg: $ty),*) $(-> $out)? {
            // SAFETY: this function runs where AVX2 and FMA are present; the rest is passed on from the caller.
            unsafe { $kernel::<$crate::kernels::simd::x86::Avx2>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,avx512f")]
        unsafe fn avx512($($arg: $ty),*) $(-> $out)? {
            // SAFETY: this function runs where AVX-512 F is present; the rest is passed on from the caller.
            unsafe { $kernel::<$crate::kernels::simd::x86::Avx512>($($arg),*) }
        }
        #[cfg(target_arch = "aarch64")]
        #[target_feature(enable = "neon")]
        unsafe fn neon($($arg: $ty),*) $(-> $out)? {
            // SAFETY: this function runs where Advanced SIMD is present; the rest is passed on from the caller.
            unsafe { $kernel::<$crate::kernels::simd::arm::Neon>($($arg),*) }
        }
        // SAFETY: an `Isa` exists only for a level that this CPU has been seen to have, and the caller of the macro has
        // checked the lengths that the kernel relies on.
        unsafe {
            match $crate::kernels::Isa::level($isa) {
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::Level::Avx512 => avx512($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::Level::Avx2 => avx2($($arg),*),
                #[cfg(target_arch = "aarch64")]
                $crate::kernels::Level::Neon => neon($($arg),*),
                _ => $kernel::<$crate::kernels::simd::Portable>($($arg),*),
            }
        }
    }};
}
pub(super) use dispatch;
