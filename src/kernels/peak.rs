//! The fastest that a level can multiply and add: the ceiling that speeds are compared with.

use super::cpu::Isa;
use super::simd::{Simd, dispatch};

/// Runs `rounds` times some chains of multiply-adds on registers alone. Returns how many floating-point operations that was,
/// two a lane and multiply-add, and a value that depends on all of them, so that none is optimised away.
pub fn multiply_adds(isa: Isa, rounds: usize) -> (u64, f32) {
    dispatch!(isa, as_many_as_fit(rounds: usize) -> (u64, f32))
}

/// As many chains beside each other as registers hold with the two operands: no fewer than the latency of the instruction
/// times the number of its units, which is 16 at most on the CPUs that we know, and 10 on those with 16 registers.
///
/// # Safety
/// The CPU has the level of `V`.
#[inline(always)]
unsafe fn as_many_as_fit<V: Simd>(rounds: usize) -> (u64, f32) {
    // SAFETY: passed on from the caller.
    unsafe {
        match V::TILE_ROWS {
            12.. => chains::<V, 24>(rounds),
            6.. => chains::<V, 12>(rounds),
            // The vectors of the portable level take two registers each.
            _ => chains::<V, 6>(rounds),
        }
    }
}

/// # Safety
/// The CPU has the level of `V`.
#[inline(always)]
unsafe fn chains<V: Simd, const CHAINS: usize>(rounds: usize) -> (u64, f32) {
    // SAFETY: the caller promises the level of `V`; nothing here touches memory.
    unsafe {
        // The fixed point of x -> 0.5 x + 0.5 is 1: no chain overflows or falls into subnormal numbers.
        let half = V::splat(std::hint::black_box(0.5));
        let mut sums = [V::splat(std::hint::black_box(3.0)); CHAINS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = sum.mul_add(half, half);
            }
        }
        let mut total = V::splat(0.0);
        for sum in sums {
            total = total.add(sum);
        }
        (2 * (rounds * CHAINS * V::LANES) as u64, total.sum())
    }
}
