//! How each level multiplies and sums each kind of numbers: what the tile of a product is made of.
//!
//! A product takes `STEP` numbers of a row at a time, given to all lanes, and as many numbers of each of `LANES` columns:
//!
//! | numbers | level | a step |
//! | --- | --- | --- |
//! | f32 | all | one fused multiply-add |
//! | bf16, int8 | amx | tiles of 16 rows by 64 bytes: see [`super::amx`] |
//! | bf16 | avx512bf16 | `vdpbf16ps`: two products, summed in f32 |
//! | bf16 | others | each half widened to f32, two fused multiply-adds |
//! | int8 | avxvnni, avx512vnni, avx512bf16 | `vpdpbusd`: four products, summed in i32 |
//! | int8 | avx2, avx512 | `vpmaddwd` on 16-bit numbers: two products (`vpmaddubsw` would saturate) |
//! | int8 | neondot | `sdot`: four products |
//! | int8 | neon | `smull`, `sadalp`: two products |
//! | int8 | portable | two products |
//!
//! int8 sums are exact, so all levels agree on them to the last bit.

#[cfg(target_arch = "aarch64")]
pub(super) mod arm;
pub(super) mod portable;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86;

use std::marker::PhantomData;

use super::gemm::{self, Product};
use super::simd::Simd;

/// What turns the integers of a row back into numbers: `value = scale * (integer - zero)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct RowScale {
    pub(super) scale: f32,
    pub(super) zero: i32,
}

/// What belongs to the columns of a product: each pointer is valid for the columns rounded up to whole panels.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    /// Added to every sum; null for none.
    pub(super) bias: *const f32,
    /// The scale of each column's integers; not read by floating-point numbers.
    pub(super) scale: *const f32,
    /// The sum of each column's integers; not read by floating-point numbers.
    pub(super) sum: *const i32,
}

/// Multiplying and summing one kind of numbers on one level.
///
/// # Safety
/// Every method is unsafe to call unless the CPU has the level that the type belongs to, and the memory that pointers name
/// holds what the method says.
pub(super) trait Arith {
    /// The level's vector of f32: sums end as this.
    type Float: Simd;
    /// One number of a row.
    type Input: Copy;
    /// One number of a packed column.
    type Weight: Copy;
    /// `STEP` numbers of a row in all lanes.
    type Left: Copy;
    /// `STEP` numbers of each of `LANES` columns.
    type Right: Copy;
    /// A running sum in each of `LANES` lanes.
    type Sum: Copy;
    /// Numbers of a row that one step multiplies.
    const STEP: usize;
    /// Whether rows have a [`RowScale`].
    const QUANTISED: bool;
    /// What [`Self::encode`] takes away from such an integer, so that it fits the input.
    const OFFSET: i32 = 0;

    /// Reads `STEP` inputs.
    unsafe fn left(from: *const Self::Input) -> Self::Left;
    /// Reads `STEP * LANES` weights, those of a column beside each other.
    unsafe fn right(from: *const Self::Weight) -> Self::Right;
    /// The sums to begin with, for the columns from `col` on.
    unsafe fn start(columns: &Columns, col: usize, row: RowScale) -> Self::Sum;
    /// `sum + left * right`.
    unsafe fn multiply_add(left: Self::Left, right: Self::Right, sum: Self::Sum) -> Self::Sum;
    /// The sums as numbers, for the columns from `col` on.
    unsafe fn finish(sum: Self::Sum, columns: &Columns, col: usize, row: RowScale) -> Self::Float;
    /// Writes `LANES` inputs, each the nearest to its value plus `origin`, ties to even. Floating-point numbers have an origin of
    /// 0; integers are at least 0, and 255 at most: what is greater becomes that.
    unsafe fn encode(values: Self::Float, origin: i32, to: *mut Self::Input);
    /// One weight, of the value that it shall have; integers must be in -127..=127 and whole.
    fn weight(value: f32) -> Self::Weight;
    /// Runs `rounds` rounds of the level's fastest instruction, if it is not [`Self::multiply_add`]; the operations of all.
    #[inline(always)]
    unsafe fn peak(_rounds: usize) -> Option<u64> {
        None
    }
    /// A whole product: by vectors, unless the level has more than vectors.
    ///
    /// What [`gemm::product`] asks for.
    #[inline(always)]
    unsafe fn product(job: Product)
    where
        Self: Sized,
    {
        // SAFETY: passed on from the caller.
        unsafe { gemm::product::<Self>(job) }
    }
}

/// Bias, or zero, for the columns from `col` on.
///
/// # Safety
/// The CPU has the level of `V`; `columns.bias` is null or valid for `LANES` columns from `col` on.
#[inline(always)]
unsafe fn bias<V: Simd>(columns: &Columns, col: usize) -> V {
    // SAFETY: passed on from the caller.
    unsafe { if columns.bias.is_null() { V::splat(0.0) } else { V::load(columns.bias.add(col)) } }
}

/// f32.
pub(super) struct F32<V>(PhantomData<V>);

impl<V: Simd> Arith for F32<V> {
    type Float = V;
    type Input = f32;
    type Weight = f32;
    type Left = V;
    type Right = V;
    type Sum = V;
    const STEP: usize = 1;
    const QUANTISED: bool = false;

    #[inline(always)]
    unsafe fn left(from: *const f32) -> V {
        // SAFETY: the caller promises one readable f32, and the level.
        unsafe { V::splat(*from) }
    }
    #[inline(always)]
    unsafe fn right(from: *const f32) -> V {
        // SAFETY: the caller promises `LANES` readable f32, and the level.
        unsafe { V::load(from) }
    }
    #[inline(always)]
    unsafe fn start(columns: &Columns, col: usize, _: RowScale) -> V {
        // SAFETY: passed on from the caller.
        unsafe { bias(columns, col) }
    }
    #[inline(always)]
    unsafe fn multiply_add(left: V, right: V, sum: V) -> V {
        // SAFETY: the caller promises the level.
        unsafe { left.mul_add(right, sum) }
    }
    #[inline(always)]
    unsafe fn finish(sum: V, _: &Columns, _: usize, _: RowScale) -> V {
        sum
    }
    #[inline(always)]
    unsafe fn encode(values: V, _: i32, to: *mut f32) {
        // SAFETY: the caller promises `LANES` writable f32, and the level.
        unsafe { values.store(to) }
    }
    #[inline(always)]
    fn weight(value: f32) -> f32 {
        value
    }
}

/// bf16 on levels without an instruction for it: the halves of 32 bits are widened, multiplied and summed as f32.
pub(super) struct WidenedBf16<V>(PhantomData<V>);

impl<V: Simd> Arith for WidenedBf16<V> {
    type Float = V;
    type Input = u16;
    type Weight = u16;
    type Left = (V, V);
    type Right = (V, V);
    type Sum = V;
    const STEP: usize = 2;
    const QUANTISED: bool = false;

    #[inline(always)]
    unsafe fn left(from: *const u16) -> (V, V) {
        // SAFETY: the caller promises two readable numbers, and the level.
        unsafe { (V::splat(f32_of_bf16(*from)), V::splat(f32_of_bf16(*from.add(1)))) }
    }
    #[inline(always)]
    unsafe fn right(from: *const u16) -> (V, V) {
        // SAFETY: the caller promises `2 * LANES` readable numbers, and the level.
        unsafe { V::load_bf16_pairs(from) }
    }
    #[inline(always)]
    unsafe fn start(columns: &Columns, col: usize, _: RowScale) -> V {
        // SAFETY: passed on from the caller.
        unsafe { bias(columns, col) }
    }
    #[inline(always)]
    unsafe fn multiply_add(left: (V, V), right: (V, V), sum: V) -> V {
        // SAFETY: the caller promises the level.
        unsafe { left.1.mul_add(right.1, left.0.mul_add(right.0, sum)) }
    }
    #[inline(always)]
    unsafe fn finish(sum: V, _: &Columns, _: usize, _: RowScale) -> V {
        sum
    }
    #[inline(always)]
    unsafe fn encode(values: V, _: i32, to: *mut u16) {
        // SAFETY: the caller promises `LANES` writable numbers, and the level.
        unsafe { values.store_bf16(to) }
    }
    #[inline(always)]
    fn weight(value: f32) -> u16 {
        bf16_of_f32(value)
    }
}

/// The f32 of the same value.
#[inline(always)]
pub(super) fn f32_of_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest bf16, ties to even; a number that is none stays none.
#[inline(always)]
pub(super) fn bf16_of_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// Calls `$kernel::<A>($job)` with the arithmetic `A` of `$precision` on the level of `$isa`, inside a function that is
/// compiled with the instructions of that level. `$job` is the kernel's only argument, of type `$ty`.
///
/// What the kernel itself requires of its job (lengths, pointers) is for the caller to have checked.
macro_rules! dispatch_arith {
    ($isa:expr, $precision:expr, $kernel:ident($job:expr => $ty:ty)) => {
        $crate::kernels::arith::dispatch_arith!(@ $isa, $precision, $kernel, $job, $ty;
            "x86_64" avx2_f32 "avx2,fma" (Avx2 | AvxVnni) F32 => F32<simd::x86::Avx2>;
            "x86_64" avx2_bf16 "avx2,fma" (Avx2 | AvxVnni) Bf16 => WidenedBf16<simd::x86::Avx2>;
            "x86_64" avx2_int8 "avx2,fma" (Avx2) Int8 => x86::Avx2Int8;
            "x86_64" avxvnni_int8 "avx2,fma,avxvnni" (AvxVnni) Int8 => x86::AvxVnniInt8;
            "x86_64" avx512_f32 "avx2,fma,avx512f,avx512bw"
                (Avx512 | Avx512Vnni | Avx512Bf16 | Amx) F32 => F32<simd::x86::Avx512>;
            "x86_64" avx512_bf16 "avx2,fma,avx512f,avx512bw" (Avx512 | Avx512Vnni) Bf16 => WidenedBf16<simd::x86::Avx512>;
            "x86_64" avx512_int8 "avx2,fma,avx512f,avx512bw" (Avx512) Int8 => x86::Avx512Int8;
            "x86_64" avx512vnni_int8 "avx2,fma,avx512f,avx512bw,avx512vnni"
                (Avx512Vnni | Avx512Bf16) Int8 => x86::Avx512VnniInt8;
            "x86_64" avx512bf16_bf16 "avx2,fma,avx512f,avx512bw,avx512bf16" (Avx512Bf16) Bf16 => x86::Avx512Bf16;
            "x86_64" amx_int8 "avx2,fma,avx512f,avx512bw,avx512vnni" (Amx) Int8 => x86::AmxInt8;
            "x86_64" amx_bf16 "avx2,fma,avx512f,avx512bw,avx512bf16" (Amx) Bf16 => x86::AmxBf16;
            "aarch64" neon_f32 "neon" (Neon | NeonDot) F32 => F32<simd::arm::Neon>;
            "aarch64" neon_bf16 "neon" (Neon | NeonDot) Bf16 => WidenedBf16<simd::arm::Neon>;
            "aarch64" neon_int8 "neon" (Neon) Int8 => arm::NeonInt8;
            "aarch64" neondot_int8 "neon,dotprod" (NeonDot) Int8 => arm::NeonDotInt8;
        )
    };
    (@ $isa:expr, $precision:expr, $kernel:ident, $job:expr, $ty:ty;
     $($arch:literal $name:ident $features:literal ($($level:ident)|+) $numbers:ident => $arith:ty;)*) => {{
        #[cfg(target_arch = "aarch64")]
        use $crate::kernels::arith::arm;
        #[cfg(target_arch = "x86_64")]
        use $crate::kernels::arith::x86;
        use $crate::kernels::arith::{F32, WidenedBf16, portable};
        use $crate::kernels::{Level, Precision, simd};
        $(
            #[cfg(target_arch = $arch)]
            #[target_feature(enable = $features)]
            unsafe fn $name(job: $ty) {
                // SAFETY: this function runs where its instructions are present; the rest is passed on from the caller.
                unsafe { $kernel::<$arith>(job) }
            }
        )*
        let job = $job;
        // SAFETY: an `Isa` exists only for a level that this CPU has been seen to have, and the caller of the macro has
        // checked what the kernel relies on.
        unsafe {
            match ($crate::kernels::Isa::level($isa), $precision) {
                $(
                    #[cfg(target_arch = $arch)]
                    ($(Level::$level)|+, Precision::$numbers) => $name(job),
                )*
                (_, Precision::F32) => $kernel::<F32<simd::Portable>>(job),
                (_, Precision::Bf16) => $kernel::<WidenedBf16<simd::Portable>>(job),
                (_, Precision::Int8) => $kernel::<portable::Int8>(job),
            }
        }
    }};
}
pub(super) use dispatch_arith;
