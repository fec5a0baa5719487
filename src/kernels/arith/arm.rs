//! int8 by the instructions of aarch64. Inputs are signed here: 128 is taken away from each.

use std::arch::aarch64::*;

use super::{Arith, Columns, RowScale, bias};
use crate::kernels::simd::Simd;
use crate::kernels::simd::arm::Neon;

/// An [`Arith`] on signed integers of four columns.
macro_rules! int8 {
    (
        $(#[$doc:meta])* $name:ident: step $step:literal, $vector:ty,
        left |$l:ident| $left:expr, right |$r:ident| $right:expr,
        multiply_add |$a:ident, $b:ident, $c:ident| $multiply_add:expr
    ) => {
        $(#[$doc])*
        pub(in super::super) struct $name;

        impl Arith for $name {
            type Float = Neon;
            type Input = i8;
            type Weight = i8;
            type Left = $vector;
            type Right = $vector;
            type Sum = int32x4_t;
            const STEP: usize = $step;
            const QUANTISED: bool = true;
            const OFFSET: i32 = 128;

            #[inline(always)]
            unsafe fn left($l: *const i8) -> $vector {
                // SAFETY: the caller promises `STEP` readable inputs, and the level.
                unsafe { $left }
            }
            #[inline(always)]
            unsafe fn right($r: *const i8) -> $vector {
                // SAFETY: the caller promises `4 * STEP` readable weights, and the level.
                unsafe { $right }
            }
            #[inline(always)]
            unsafe fn start(columns: &Columns, col: usize, row: RowScale) -> int32x4_t {
                // SAFETY: the caller promises the sums of 4 columns from `col` on, and the level.
                unsafe { vmulq_n_s32(vld1q_s32(columns.sum.add(col)), -row.zero) }
            }
            #[inline(always)]
            unsafe fn multiply_add($a: $vector, $b: $vector, $c: int32x4_t) -> int32x4_t {
                // SAFETY: the caller promises the level; nothing here touches memory.
                unsafe { $multiply_add }
            }
            #[inline(always)]
            unsafe fn finish(sum: int32x4_t, columns: &Columns, col: usize, row: RowScale) -> Neon {
                // SAFETY: the caller promises the scales of 4 columns from `col` on, what `bias` asks for, and the level.
                unsafe {
                    let scale = Neon::load(columns.scale.add(col)).mul(Neon::splat(row.scale));
                    Neon(vcvtq_f32_s32(sum)).mul_add(scale, bias(columns, col))
                }
            }
            #[inline(always)]
            unsafe fn encode(values: Neon, origin: i32, to: *mut i8) {
                // SAFETY: the caller promises 4 writable inputs, and the level.
                unsafe {
                    // Narrowing to signed numbers stops at 127, which is 255 less the offset.
                    let integers = vaddq_s32(vcvtnq_s32_f32(values.0), vdupq_n_s32(origin - Self::OFFSET));
                    let shorts = vqmovn_s32(integers);
                    let bytes = vqmovn_s16(vcombine_s16(shorts, shorts));
                    to.cast::<i32>().write_unaligned(vget_lane_s32::<0>(vreinterpret_s32_s8(bytes)));
                }
            }
            #[inline(always)]
            fn weight(value: f32) -> i8 {
                value as i8
            }
        }
    };
}

int8! {
    /// `smull` and `sadalp`.
    NeonInt8: step 2, int8x8_t,
    left |from| vreinterpret_s8_s16(vdup_n_s16(from.cast::<i16>().read_unaligned())),
    right |from| vld1_s8(from),
    multiply_add |left, right, sum| vpadalq_s16(sum, vmull_s8(left, right))
}

int8! {
    /// `sdot`, whose intrinsic is not stable.
    NeonDotInt8: step 4, int8x16_t,
    left |from| vreinterpretq_s8_s32(vdupq_n_s32(from.cast::<i32>().read_unaligned())),
    right |from| vld1q_s8(from),
    multiply_add |left, right, sum| {
        let mut sum = sum;
        std::arch::asm!(
            "sdot {0:v}.4s, {1:v}.16b, {2:v}.16b",
            inout(vreg) sum, in(vreg) left, in(vreg) right,
            options(pure, nomem, nostack, preserves_flags)
        );
        sum
    }
}
