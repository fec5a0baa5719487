//! int8 and bf16 by the instructions of x86-64.

use std::arch::x86_64::*;

use super::{Arith, Columns, RowScale, bf16_of_f32, bias};
use crate::kernels::amx;
use crate::kernels::gemm::Product;
use crate::kernels::simd::Simd;
use crate::kernels::simd::x86::{Avx2, Avx512};

/// An [`Arith`] on integers, by the intrinsics of its level.
macro_rules! int8 {
    (
        $(#[$doc:meta])* $name:ident: $float:ident, $input:ty, step $step:literal,
        left |$l:ident| $left:expr, right |$r:ident| $right:expr, $vector:ty,
        multiply_add |$a:ident, $b:ident, $c:ident| $multiply_add:expr,
        encode |$v:ident, $o:ident, $to:ident| $encode:expr,
        $set1:ident $load:ident $mullo:ident $sub:ident $zero:ident $cvt:ident
        $(, product $product:expr)?
    ) => {
        $(#[$doc])*
        pub(in super::super) struct $name;

        impl Arith for $name {
            type Float = $float;
            type Input = $input;
            type Weight = i8;
            type Left = $vector;
            type Right = $vector;
            type Sum = $vector;
            const STEP: usize = $step;
            const QUANTISED: bool = true;

            #[inline(always)]
            unsafe fn left($l: *const $input) -> $vector {
                // SAFETY: the caller promises `STEP` readable inputs, which are 4 bytes, and the level.
                unsafe { $left }
            }
            #[inline(always)]
            unsafe fn right($r: *const i8) -> $vector {
                // SAFETY: the caller promises `STEP * LANES` readable weights, and the level.
                unsafe { $right }
            }
            #[inline(always)]
            unsafe fn start(columns: &Columns, col: usize, row: RowScale) -> $vector {
                // SAFETY: the caller promises the sums of `LANES` columns from `col` on, and the level.
                unsafe { $sub($zero(), $mullo($set1(row.zero), $load(columns.sum.add(col).cast()))) }
            }
            #[inline(always)]
            unsafe fn multiply_add($a: $vector, $b: $vector, $c: $vector) -> $vector {
                // SAFETY: the caller promises the level; nothing here touches memory.
                unsafe { $multiply_add }
            }
            #[inline(always)]
            unsafe fn finish(sum: $vector, columns: &Columns, col: usize, row: RowScale) -> $float {
                // SAFETY: the caller promises the scales of `LANES` columns from `col` on, what `bias` asks for, and the
                // level.
                unsafe {
                    let scale = $float::load(columns.scale.add(col)).mul($float::splat(row.scale));
                    $float($cvt(sum)).mul_add(scale, bias(columns, col))
                }
            }
            #[inline(always)]
            unsafe fn encode(values: $float, $o: i32, $to: *mut $input) {
                let $v = values.0;
                // SAFETY: the caller promises `LANES` writable inputs, and the level.
                unsafe { $encode }
            }
            #[inline(always)]
            fn weight(value: f32) -> i8 {
                value as i8
            }
            $(
                #[inline(always)]
                unsafe fn product(job: Product) {
                    // SAFETY: passed on from the caller.
                    unsafe { $product(job) }
                }
                #[inline(always)]
                unsafe fn peak(rounds: usize) -> Option<u64> {
                    // SAFETY: passed on from the caller.
                    Some(unsafe { amx::peak::<Self>(rounds) })
                }
            )?
        }
    };
}

/// # Safety
/// AVX2 is present.
#[inline(always)]
unsafe fn shorts_of_8(values: __m256, origin: i32) -> __m128i {
    // SAFETY: the caller promises AVX2; nothing here touches memory.
    unsafe {
        let wide = _mm256_add_epi32(_mm256_cvtps_epi32(values), _mm256_set1_epi32(origin));
        _mm_packus_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256::<1>(wide))
    }
}

int8! {
    /// `vpmaddwd`: inputs widened to 16 bits when they are written, weights when they are read.
    Avx2Int8: Avx2, i16, step 2,
    left |from| _mm256_set1_epi32(from.cast::<i32>().read_unaligned()),
    right |from| _mm256_cvtepi8_epi16(_mm_loadu_si128(from.cast())), __m256i,
    multiply_add |left, right, sum| _mm256_add_epi32(sum, _mm256_madd_epi16(left, right)),
    encode |values, origin, to| {
        let shorts = shorts_of_8(values, origin);
        _mm_storeu_si128(to.cast(), _mm_min_epu16(shorts, _mm_set1_epi16(255)));
    },
    _mm256_set1_epi32 _mm256_loadu_si256_epi32 _mm256_mullo_epi32 _mm256_sub_epi32 _mm256_setzero_si256 _mm256_cvtepi32_ps
}

int8! {
    /// `vpdpbusd` on 256 bits.
    AvxVnniInt8: Avx2, u8, step 4,
    left |from| _mm256_set1_epi32(from.cast::<i32>().read_unaligned()),
    right |from| _mm256_loadu_si256(from.cast()), __m256i,
    multiply_add |left, right, sum| _mm256_dpbusd_avx_epi32(sum, left, right),
    encode |values, origin, to| {
        let shorts = shorts_of_8(values, origin);
        _mm_storel_epi64(to.cast(), _mm_packus_epi16(shorts, shorts));
    },
    _mm256_set1_epi32 _mm256_loadu_si256_epi32 _mm256_mullo_epi32 _mm256_sub_epi32 _mm256_setzero_si256 _mm256_cvtepi32_ps
}

int8! {
    /// `vpmaddwd` on 512 bits.
    Avx512Int8: Avx512, i16, step 2,
    left |from| _mm512_set1_epi32(from.cast::<i32>().read_unaligned()),
    right |from| _mm512_cvtepi8_epi16(_mm256_loadu_si256(from.cast())), __m512i,
    multiply_add |left, right, sum| _mm512_add_epi32(sum, _mm512_madd_epi16(left, right)),
    encode |values, origin, to| {
        let integers = _mm512_add_epi32(_mm512_cvtps_epi32(values), _mm512_set1_epi32(origin));
        let integers = _mm512_min_epu32(integers, _mm512_set1_epi32(255));
        _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(integers));
    },
    _mm512_set1_epi32 _mm512_loadu_epi32 _mm512_mullo_epi32 _mm512_sub_epi32 _mm512_setzero_si512 _mm512_cvtepi32_ps
}

/// An [`Arith`] on integers by `vpdpbusd` on 512 bits.
macro_rules! int8_of_512_bits {
    ($(#[$doc:meta])* $name:ident $(, product $product:expr)?) => {
        int8! {
            $(#[$doc])*
            $name: Avx512, u8, step 4,
            left |from| _mm512_set1_epi32(from.cast::<i32>().read_unaligned()),
            right |from| _mm512_loadu_si512(from.cast()), __m512i,
            multiply_add |left, right, sum| _mm512_dpbusd_epi32(sum, left, right),
            encode |values, origin, to| {
                let integers = _mm512_add_epi32(_mm512_cvtps_epi32(values), _mm512_set1_epi32(origin));
                _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(integers));
            },
            _mm512_set1_epi32 _mm512_loadu_epi32 _mm512_mullo_epi32 _mm512_sub_epi32 _mm512_setzero_si512
            _mm512_cvtepi32_ps
            $(, product $product)?
        }
    };
}

int8_of_512_bits! {
    /// `vpdpbusd` on 512 bits.
    Avx512VnniInt8
}

int8_of_512_bits! {
    /// Tiles; `vpdpbusd` on 512 bits for the products of attention.
    AmxInt8, product amx::product::<AmxInt8>
}

/// `_mm256_loadu_si256` under the name that its sisters of 512 bits have.
///
/// # Safety
/// AVX is present, and 8 i32 are readable.
#[inline(always)]
unsafe fn _mm256_loadu_si256_epi32(from: *const i32) -> __m256i {
    // SAFETY: passed on from the caller.
    unsafe { _mm256_loadu_si256(from.cast()) }
}

/// An [`Arith`] on bf16: two products a lane, summed in f32 without rounding between them.
macro_rules! bf16 {
    ($(#[$doc:meta])* $name:ident $(, product $product:expr)?) => {
$(#[$doc])*
pub(in super::super) struct $name;

impl Arith for $name {
    type Float = Avx512;
    type Input = u16;
    type Weight = u16;
    type Left = __m512bh;
    type Right = __m512bh;
    type Sum = __m512;
    const STEP: usize = 2;
    const QUANTISED: bool = false;

    #[inline(always)]
    unsafe fn left(from: *const u16) -> __m512bh {
        // SAFETY: the caller promises two readable inputs and the level; any bits are 32 numbers of bf16.
        unsafe { std::mem::transmute(_mm512_set1_epi32(from.cast::<i32>().read_unaligned())) }
    }
    #[inline(always)]
    unsafe fn right(from: *const u16) -> __m512bh {
        // SAFETY: the caller promises 32 readable weights and the level; any bits are 32 numbers of bf16.
        unsafe { std::mem::transmute(_mm512_loadu_si512(from.cast())) }
    }
    #[inline(always)]
    unsafe fn start(columns: &Columns, col: usize, _: RowScale) -> __m512 {
        // SAFETY: passed on from the caller.
        unsafe { bias::<Avx512>(columns, col).0 }
    }
    #[inline(always)]
    unsafe fn multiply_add(left: __m512bh, right: __m512bh, sum: __m512) -> __m512 {
        // SAFETY: the caller promises the level.
        unsafe { _mm512_dpbf16_ps(sum, left, right) }
    }
    #[inline(always)]
    unsafe fn finish(sum: __m512, _: &Columns, _: usize, _: RowScale) -> Avx512 {
        Avx512(sum)
    }
    #[inline(always)]
    unsafe fn encode(values: Avx512, _: i32, to: *mut u16) {
        // SAFETY: the caller promises 16 writable inputs and the level; 16 numbers of bf16 are 256 bits.
        unsafe {
            _mm256_storeu_si256(to.cast(), std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(values.0)))
        }
    }
    #[inline(always)]
    fn weight(value: f32) -> u16 {
        bf16_of_f32(value)
    }
    $(
        #[inline(always)]
        unsafe fn product(job: Product) {
            // SAFETY: passed on from the caller.
            unsafe { $product(job) }
        }
            #[inline(always)]
            unsafe fn peak(rounds: usize) -> Option<u64> {
                // SAFETY: passed on from the caller.
                Some(unsafe { amx::peak::<Self>(rounds) })
            }
    )?
}
    };
}

bf16! {
    /// `vdpbf16ps`.
    Avx512Bf16
}

bf16! {
    /// Tiles; `vdpbf16ps` for the products of attention.
    AmxBf16, product amx::product::<AmxBf16>
}
