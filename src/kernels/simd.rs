//! A vector of f32 lanes, the least that the kernels need, and its instantiations.
//!
//! The kernels are generic functions marked `#[inline(always)]`; [`dispatch`] calls them from inside a function that
//! carries the `#[target_feature]` of the level, so that they are compiled with its instructions.

use super::arith::{bf16_of_f32, f32_of_bf16};

/// A vector of `LANES` f32.
///
/// # Safety
/// Every method is unsafe to call unless the CPU has the level that the type belongs to. `load` and `store` also
/// require `LANES` readable, respectively writable, f32 at the pointer, of any alignment.
pub(super) trait Simd: Copy {
    /// f32 in one vector.
    const LANES: usize;
    /// Rows of a [`gemm`](super::gemm) tile: as many as leave registers for two columns of vectors, the
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
    /// `self * 2^exponent` for integral lanes of `exponent` in \[-126, 127\].
    #[inline(always)]
    unsafe fn times_exp2(self, exponent: Self) -> Self {
        // SAFETY: passed on from the caller.
        unsafe { self.mul(exponent.exp2_integral()) }
    }
    /// Sum of the lanes, in a fixed order.
    unsafe fn sum(self) -> f32;
    /// Greatest lane.
    unsafe fn greatest(self) -> f32;
    /// `2 * LANES` numbers of bf16 as two vectors: those at even places, and those at odd ones.
    unsafe fn load_bf16_pairs(from: *const u16) -> (Self, Self);
    /// Writes `LANES` numbers of bf16, each the nearest, ties to even.
    unsafe fn store_bf16(self, to: *mut u16);
}

/// `2^x` for `x <= 0`, lane by lane; `2^-126` below -126. For softmax.
///
/// `x = n + f`, `|f| ≤ 1/2`, then a polynomial in `f`, whose coefficients are given from the highest power to the lowest, and an
/// exact scaling by `2^n`.
///
/// # Safety
/// The CPU has the level of `V`.
#[inline(always)]
pub(super) unsafe fn exp2<V: Simd>(x: V, coefficients: &[f32]) -> V {
    // SAFETY: the caller promises the level of `V`; nothing here touches memory.
    unsafe {
        let x = x.max(V::splat(-126.0));
        let n = x.round();
        let f = x.sub(n);
        let mut p = V::splat(coefficients[0]);
        for &c in &coefficients[1..] {
            p = p.mul_add(f, V::splat(c));
        }
        p.times_exp2(n)
    }
}

/// For [`exp2`] to 1e-7 of the value, beside what the rounding of `x` moves it (Cephes `exp2f`, S. Moshier).
pub(super) const EXP2: [f32; 7] =
    [1.535_336_2e-4, 1.339_887_4e-3, 9.618_437e-3, 5.550_332_5e-2, 2.402_264_8e-1, 6.931_472e-1, 1.0];

/// For [`exp2`] to 3e-6: minimax.
pub(super) const EXP2_ROUGH: [f32; 5] = [9.570_104e-3, 5.591_79e-2, 2.402_474_6e-1, 6.931_218e-1, 9.999_993e-1];

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
        value.times_exp2(n)
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
    #[inline(always)]
    unsafe fn load_bf16_pairs(from: *const u16) -> (Self, Self) {
        // SAFETY: the caller promises 16 readable numbers; `read_unaligned` asks for no alignment.
        let pairs = unsafe { from.cast::<[[u16; 2]; 8]>().read_unaligned() };
        (Self(pairs.map(|pair| f32_of_bf16(pair[0]))), Self(pairs.map(|pair| f32_of_bf16(pair[1]))))
    }
    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut u16) {
        // SAFETY: the caller promises 8 writable numbers; `write_unaligned` asks for no alignment.
        unsafe { to.cast::<[u16; 8]>().write_unaligned(self.0.map(bf16_of_f32)) }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    //! AVX2 with FMA, and AVX-512 F.

    use std::arch::x86_64::*;

    use super::Simd;

    /// Eight lanes of AVX2.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(pub(in super::super) __m256);

    /// Sixteen lanes of AVX-512 F.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(pub(in super::super) __m512);

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
        method!(load_bf16_pairs(from: *const u16) -> (Self, Self) = {
            let pairs = _mm256_loadu_si256(from.cast());
            let odd = _mm256_and_si256(pairs, _mm256_set1_epi32(0xffff_0000_u32 as i32));
            (Self(_mm256_castsi256_ps(_mm256_slli_epi32::<16>(pairs))), Self(_mm256_castsi256_ps(odd)))
        });
        method!(store_bf16(self, to: *mut u16) -> () = |v| {
            let bits = _mm256_castps_si256(v);
            let lowest = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
            let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(lowest, _mm256_set1_epi32(0x7fff)));
            let quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x0040_0000));
            let none = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(v, v));
            let upper = _mm256_srli_epi32::<16>(_mm256_blendv_epi8(rounded, quiet, none));
            let halves = (_mm256_castsi256_si128(upper), _mm256_extracti128_si256::<1>(upper));
            _mm_storeu_si128(to.cast(), _mm_packus_epi32(halves.0, halves.1));
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
        method!(times_exp2(self, exponent: Self) -> Self = |v| Self(_mm512_scalef_ps(v, exponent.0)));
        method!(sum(self) -> f32 = |v| _mm512_reduce_add_ps(v));
        method!(greatest(self) -> f32 = |v| _mm512_reduce_max_ps(v));
        method!(load_bf16_pairs(from: *const u16) -> (Self, Self) = {
            let pairs = _mm512_loadu_si512(from.cast());
            let odd = _mm512_and_si512(pairs, _mm512_set1_epi32(0xffff_0000_u32 as i32));
            (Self(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(pairs))), Self(_mm512_castsi512_ps(odd)))
        });
        method!(store_bf16(self, to: *mut u16) -> () = |v| {
            let bits = _mm512_castps_si512(v);
            let lowest = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
            let rounded = _mm512_add_epi32(bits, _mm512_add_epi32(lowest, _mm512_set1_epi32(0x7fff)));
            let none = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v);
            let rounded = _mm512_mask_or_epi32(rounded, none, bits, _mm512_set1_epi32(0x0040_0000));
            _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(rounded)));
        });
    }
}

#[cfg(target_arch = "aarch64")]
pub(super) mod arm {
    //! Advanced SIMD.

    use std::arch::aarch64::*;

    use super::Simd;

    /// Four lanes of Advanced SIMD.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Neon(pub(in super::super) float32x4_t);

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
        #[inline(always)]
        unsafe fn load_bf16_pairs(from: *const u16) -> (Self, Self) {
            // SAFETY: the caller promises the level and 8 readable numbers.
            unsafe {
                let pairs = vreinterpretq_u32_u16(vld1q_u16(from));
                let odd = vandq_u32(pairs, vdupq_n_u32(0xffff_0000));
                (Self(vreinterpretq_f32_u32(vshlq_n_u32::<16>(pairs))), Self(vreinterpretq_f32_u32(odd)))
            }
        }
        #[inline(always)]
        unsafe fn store_bf16(self, to: *mut u16) {
            // SAFETY: the caller promises the level and 4 writable numbers.
            unsafe {
                let bits = vreinterpretq_u32_f32(self.0);
                let lowest = vandq_u32(vshrq_n_u32::<16>(bits), vdupq_n_u32(1));
                let rounded = vaddq_u32(bits, vaddq_u32(lowest, vdupq_n_u32(0x7fff)));
                let quiet = vorrq_u32(bits, vdupq_n_u32(0x0040_0000));
                vst1_u16(to, vshrn_n_u32::<16>(vbslq_u32(vceqq_f32(self.0, self.0), rounded, quiet)));
            }
        }
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
        #[target_feature(enable = "avx2,fma,avx512f,avx512bw")]
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
                $crate::kernels::Level::Avx512
                | $crate::kernels::Level::Avx512Vnni
                | $crate::kernels::Level::Avx512Bf16
                | $crate::kernels::Level::Amx => avx512($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::Level::Avx2 | $crate::kernels::Level::AvxVnni => avx2($($arg),*),
                #[cfg(target_arch = "aarch64")]
                $crate::kernels::Level::Neon | $crate::kernels::Level::NeonDot => neon($($arg),*),
                _ => $kernel::<$crate::kernels::simd::Portable>($($arg),*),
            }
        }
    }};
}
pub(super) use dispatch;
