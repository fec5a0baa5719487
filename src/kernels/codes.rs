//! Inner products of int8 codes, exact in i32 on every level: what candidates of a search are found by.
//!
//! | level | a step |
//! | --- | --- |
//! | avx512vnni and above, avxvnni | `vpdpbusd`: four products; it takes unsigned numbers on one side, so 128 is added to the codes of the row, and 128 times the sum of the query taken away |
//! | avx2, avx512 | `vpmaddwd` on codes widened to 16 bits: two products |
//! | neondot | `sdot`: four products |
//! | neon | `smull`, `sadalp`: two products |
//! | portable | one product |
//!
//! **Bounds.** A code is in -128..=127 and a row has at most [`MOST`] = 2^16 of them. With the 128 added a product is at most
//! 255 · 128 in size, and a row of them at most 255 · 128 · 2^16 = 2,139,095,040 < 2^31; without it less. So no sum
//! overflows, and all levels agree to the last bit.

use super::cpu::{Isa, Level};

/// The most codes that a row may have.
pub const MOST: usize = 1 << 16;

/// Rows that are asked of memory before they are multiplied, where they lie apart.
const AHEAD: usize = 8;

/// The same where they follow each other: beyond the next page.
const RUN_AHEAD: usize = 24;

/// `out[i] = query · rows[i]`; `query`: `[width]`, `rows`: `[out.len(), width]`, row-major.
///
/// # Panics
/// If the lengths do not fit, or the width is over [`MOST`].
pub fn dot_codes(isa: Isa, query: &[i8], rows: &[i8], out: &mut [i32]) {
    assert!(query.len() <= MOST, "dot_codes: width");
    assert_eq!(rows.len(), query.len() * out.len(), "dot_codes: rows");
    dispatch(isa, Job { query, rows, listed: None, out });
}

/// `out[i] = query · rows[listed[i]]`; `query`: `[width]`, `rows`: `[any number, width]`, row-major.
///
/// # Panics
/// If the lengths do not fit, the width is over [`MOST`], or a row that is listed is not there.
pub fn dot_listed(isa: Isa, query: &[i8], rows: &[i8], listed: &[u32], out: &mut [i32]) {
    assert!(query.len() <= MOST, "dot_listed: width");
    assert_eq!(listed.len(), out.len(), "dot_listed: out");
    if let Some(&last) = listed.iter().max() {
        assert!((last as usize + 1) * query.len() <= rows.len(), "dot_listed: row {last}");
    }
    dispatch(isa, Job { query, rows, listed: Some(listed), out });
}

/// What is to be multiplied: `rows` holds `width` codes for each of `out`, or for each that is listed.
struct Job<'a> {
    query: &'a [i8],
    rows: &'a [i8],
    listed: Option<&'a [u32]>,
    out: &'a mut [i32],
}

/// Multiplying and summing codes on one level.
///
/// # Safety
/// Every method is unsafe to call unless the CPU has the level that the type belongs to; `multiply_add` reads `STEP` codes
/// at both pointers.
trait Codes {
    /// Codes that a step multiplies.
    const STEP: usize;
    /// What a step adds to each code of the row.
    const OFFSET: i32 = 0;
    /// Running sums.
    type Sum: Copy;
    unsafe fn zero() -> Self::Sum;
    /// `sum + query · (row + OFFSET)`.
    unsafe fn multiply_add(query: *const i8, row: *const i8, sum: Self::Sum) -> Self::Sum;
    unsafe fn total(a: Self::Sum, b: Self::Sum) -> i32;
}

/// The job by the instructions of a level.
fn dispatch(isa: Isa, job: Job<'_>) {
    macro_rules! levels {
        ($($arch:literal $name:ident $features:literal ($($level:ident)|+) => $codes:ty;)*) => {{
            $(
                #[cfg(target_arch = $arch)]
                #[target_feature(enable = $features)]
                unsafe fn $name(job: Job<'_>) {
                    // SAFETY: this function runs where its instructions are present; the rest is passed on from the caller.
                    unsafe { dots::<$codes>(job) }
                }
            )*
            // SAFETY: an `Isa` exists only for a level that this CPU has been seen to have, and the callers of `dispatch` have
            // checked what `dots` relies on.
            unsafe {
                match isa.level() {
                    $(
                        #[cfg(target_arch = $arch)]
                        $(Level::$level)|+ => $name(job),
                    )*
                    _ => dots::<Portable>(job),
                }
            }
        }};
    }
    levels! {
        "x86_64" avx2 "avx2" (Avx2) => x86::Avx2;
        "x86_64" avxvnni "avx2,avxvnni" (AvxVnni) => x86::AvxVnni;
        "x86_64" avx512 "avx2,avx512f,avx512bw" (Avx512) => x86::Avx512;
        "x86_64" avx512vnni "avx2,avx512f,avx512bw,avx512vnni" (Avx512Vnni | Avx512Bf16 | Amx) => x86::Avx512Vnni;
        "aarch64" neon "neon" (Neon) => arm::Neon;
        "aarch64" neondot "neon,dotprod" (NeonDot) => arm::NeonDot;
    }
}

/// # Safety
/// The CPU has the level of `C`; the job is as [`dot_codes`] or [`dot_listed`] asserts.
#[inline(always)]
unsafe fn dots<C: Codes>(job: Job<'_>) {
    let width = job.query.len();
    let (pairs, whole) = (width - width % (2 * C::STEP), width - width % C::STEP);
    let sum: i32 = job.query[..whole].iter().map(|&code| i32::from(code)).sum();
    let (query, rows) = (job.query.as_ptr(), job.rows.as_ptr());
    if let Some(listed) = job.listed {
        listed.iter().take(AHEAD).for_each(|&at| fetch(rows.wrapping_add(at as usize * width), width));
    }
    for (i, out) in job.out.iter_mut().enumerate() {
        let at = match job.listed {
            None => {
                // Mapped memory has small pages, at whose ends the prefetchers of CPUs stop.
                fetch(rows.wrapping_add((i + RUN_AHEAD) * width), width);
                i
            }
            Some(listed) => {
                if let Some(&next) = listed.get(i + AHEAD) {
                    fetch(rows.wrapping_add(next as usize * width), width);
                }
                listed[i] as usize
            }
        };
        // SAFETY: the level is the caller's promise; row `at` lies within `rows`, and every step starts at a multiple of STEP
        // and ends at `whole <= width` at most.
        unsafe {
            let row = rows.add(at * width);
            let mut sums = [C::zero(); 2];
            for step in (0..pairs).step_by(2 * C::STEP) {
                sums[0] = C::multiply_add(query.add(step), row.add(step), sums[0]);
                sums[1] = C::multiply_add(query.add(step + C::STEP), row.add(step + C::STEP), sums[1]);
            }
            if pairs < whole {
                sums[0] = C::multiply_add(query.add(pairs), row.add(pairs), sums[0]);
            }
            let mut total = C::total(sums[0], sums[1]) - C::OFFSET * sum;
            for step in whole..width {
                total += i32::from(*query.add(step)) * i32::from(*row.add(step));
            }
            *out = total;
        }
    }
}

/// Asks memory for a row, which need not be there.
#[inline(always)]
fn fetch(row: *const i8, width: usize) {
    for line in (0..width).step_by(64) {
        let from = row.wrapping_add(line);
        // SAFETY: a prefetch is a hint that no address makes fault, and changes nothing but caches.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(from);
        }
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            std::arch::asm!("prfm pldl1keep, [{0}]", in(reg) from, options(nostack, readonly, preserves_flags));
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let _ = from;
    }
}

struct Portable;

impl Codes for Portable {
    const STEP: usize = 16;
    type Sum = i32;
    #[inline(always)]
    unsafe fn zero() -> i32 {
        0
    }
    #[inline(always)]
    unsafe fn multiply_add(query: *const i8, row: *const i8, sum: i32) -> i32 {
        // SAFETY: the caller promises `STEP` readable codes at both pointers; a code has no alignment.
        let (query, row) = unsafe { (&*query.cast::<[i8; 16]>(), &*row.cast::<[i8; 16]>()) };
        query.iter().zip(row).fold(sum, |sum, (&a, &b)| sum + i32::from(a) * i32::from(b))
    }
    #[inline(always)]
    unsafe fn total(a: i32, b: i32) -> i32 {
        a + b
    }
}

/// A [`Codes`] by intrinsics.
macro_rules! codes {
    (
        $name:ident: step $step:literal, offset $offset:literal, $sum:ty, zero $zero:expr,
        multiply_add |$q:ident, $r:ident, $s:ident| $multiply_add:expr, total |$t:ident| $total:expr, add $add:ident
    ) => {
        pub(super) struct $name;

        impl Codes for $name {
            const STEP: usize = $step;
            const OFFSET: i32 = $offset;
            type Sum = $sum;
            #[inline(always)]
            unsafe fn zero() -> $sum {
                // SAFETY: the caller promises the level; nothing here touches memory.
                unsafe { $zero }
            }
            #[inline(always)]
            unsafe fn multiply_add($q: *const i8, $r: *const i8, $s: $sum) -> $sum {
                // SAFETY: the caller promises the level and `STEP` readable codes at both pointers.
                unsafe { $multiply_add }
            }
            #[inline(always)]
            unsafe fn total(a: $sum, b: $sum) -> i32 {
                // SAFETY: the caller promises the level; nothing here touches memory.
                unsafe {
                    let $t = $add(a, b);
                    $total
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Codes;

    /// # Safety
    /// AVX2 is present.
    #[inline(always)]
    unsafe fn total_of_8(sums: __m256i) -> i32 {
        // SAFETY: the caller promises AVX2; nothing here touches memory.
        unsafe {
            let four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
            _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
        }
    }

    codes! {
        Avx2: step 16, offset 0, __m256i, zero _mm256_setzero_si256(),
        multiply_add |query, row, sum| {
            let query = _mm256_cvtepi8_epi16(_mm_loadu_si128(query.cast()));
            let row = _mm256_cvtepi8_epi16(_mm_loadu_si128(row.cast()));
            _mm256_add_epi32(sum, _mm256_madd_epi16(query, row))
        },
        total |sums| total_of_8(sums), add _mm256_add_epi32
    }

    codes! {
        AvxVnni: step 32, offset 128, __m256i, zero _mm256_setzero_si256(),
        multiply_add |query, row, sum| {
            let row = _mm256_xor_si256(_mm256_loadu_si256(row.cast()), _mm256_set1_epi8(-128));
            _mm256_dpbusd_avx_epi32(sum, row, _mm256_loadu_si256(query.cast()))
        },
        total |sums| total_of_8(sums), add _mm256_add_epi32
    }

    codes! {
        Avx512: step 32, offset 0, __m512i, zero _mm512_setzero_si512(),
        multiply_add |query, row, sum| {
            let query = _mm512_cvtepi8_epi16(_mm256_loadu_si256(query.cast()));
            let row = _mm512_cvtepi8_epi16(_mm256_loadu_si256(row.cast()));
            _mm512_add_epi32(sum, _mm512_madd_epi16(query, row))
        },
        total |sums| _mm512_reduce_add_epi32(sums), add _mm512_add_epi32
    }

    codes! {
        Avx512Vnni: step 64, offset 128, __m512i, zero _mm512_setzero_si512(),
        multiply_add |query, row, sum| {
            let row = _mm512_xor_si512(_mm512_loadu_si512(row.cast()), _mm512_set1_epi8(-128));
            _mm512_dpbusd_epi32(sum, row, _mm512_loadu_si512(query.cast()))
        },
        total |sums| _mm512_reduce_add_epi32(sums), add _mm512_add_epi32
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::*;

    use super::Codes;

    codes! {
        Neon: step 8, offset 0, int32x4_t, zero vdupq_n_s32(0),
        multiply_add |query, row, sum| vpadalq_s16(sum, vmull_s8(vld1_s8(query), vld1_s8(row))),
        total |sums| vaddvq_s32(sums), add vaddq_s32
    }

    codes! {
        NeonDot: step 16, offset 0, int32x4_t, zero vdupq_n_s32(0),
        multiply_add |query, row, sum| {
            let (query, row, mut sum) = (vld1q_s8(query), vld1q_s8(row), sum);
            // The intrinsic is not stable.
            std::arch::asm!(
                "sdot {0:v}.4s, {1:v}.16b, {2:v}.16b",
                inout(vreg) sum, in(vreg) query, in(vreg) row,
                options(pure, nomem, nostack, preserves_flags)
            );
            sum
        },
        total |sums| vaddvq_s32(sums), add vaddq_s32
    }
}
