//! int8 without any intrinsic.

use super::{Arith, Columns, RowScale};
use crate::kernels::simd::{Portable, Simd};

/// Eight columns; inputs widened to 16 bits when they are written.
pub(in super::super) struct Int8;

const LANES: usize = Portable::LANES;

impl Arith for Int8 {
    type Float = Portable;
    type Input = i16;
    type Weight = i8;
    type Left = [i16; 2];
    type Right = [[i8; 2]; LANES];
    type Sum = [i32; LANES];
    const STEP: usize = 2;
    const QUANTISED: bool = true;

    #[inline(always)]
    unsafe fn left(from: *const i16) -> [i16; 2] {
        // SAFETY: the caller promises two readable inputs.
        unsafe { from.cast::<[i16; 2]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn right(from: *const i8) -> [[i8; 2]; LANES] {
        // SAFETY: the caller promises `2 * LANES` readable weights.
        unsafe { from.cast::<[[i8; 2]; LANES]>().read() }
    }
    #[inline(always)]
    unsafe fn start(columns: &Columns, col: usize, row: RowScale) -> [i32; LANES] {
        // SAFETY: the caller promises the sums of `LANES` columns from `col` on.
        let sums = unsafe { columns.sum.add(col).cast::<[i32; LANES]>().read_unaligned() };
        sums.map(|sum| -row.zero * sum)
    }
    #[inline(always)]
    unsafe fn multiply_add(left: [i16; 2], right: [[i8; 2]; LANES], sum: [i32; LANES]) -> [i32; LANES] {
        std::array::from_fn(|lane| {
            let [a, b] = right[lane];
            sum[lane] + i32::from(left[0]) * i32::from(a) + i32::from(left[1]) * i32::from(b)
        })
    }
    #[inline(always)]
    unsafe fn finish(sum: [i32; LANES], columns: &Columns, col: usize, row: RowScale) -> Portable {
        // SAFETY: the caller promises the scales of `LANES` columns from `col` on, and what `bias` asks for.
        unsafe {
            let sum = sum.map(|value| value as f32);
            let scale = Portable::load(columns.scale.add(col)).mul(Portable::splat(row.scale));
            Portable::load(sum.as_ptr()).mul_add(scale, super::bias(columns, col))
        }
    }
    #[inline(always)]
    unsafe fn encode(values: Portable, origin: i32, to: *mut i16) {
        let mut floats = [0.0; LANES];
        // SAFETY: `floats` has room for `LANES`; the caller promises as many writable inputs.
        unsafe {
            values.round().store(floats.as_mut_ptr());
            to.cast::<[i16; LANES]>().write_unaligned(floats.map(|value| (value as i32 + origin).min(255) as i16));
        }
    }
    #[inline(always)]
    fn weight(value: f32) -> i8 {
        value as i8
    }
}
