//! The fastest that a level can multiply and add: the ceiling that speeds are compared with.

use super::cpu::Isa;
use super::simd::{Simd, dispatch};

/// Chains of multiply-adds that run beside each other: more than the latency of the instruction times the number of its
/// units on every CPU that we know, and few enough that 16 registers hold them with their two operands.
const CHAINS: usize = 12;

/// Runs `rounds` times [`CHAINS`] multiply-adds on registers alone. Returns how many floating-point operations that was,
/// two a lane and multiply-add, and a value that depends on all of them, so that none is optimised away.
pub fn multiply_adds(isa: Isa, rounds: usize) -> (u64, f32) {
    dispatch!(isa, chains(rounds: usize) -> (u64, f32))
}

/// # Safety
/// The CPU has the level of `V`.
#[inline(always)]
unsafe fn chains<V: Simd>(rounds: usize) -> (u64, f32) {
    // SAFETY: the caller promises the level of `V`; nothing here touches memory.
    unsafe {
        // The fixed point of x -> 0.5 x + 0.5 is 1: no chain overflows or falls into subnormal numbers.
        let half = V::splat(std::hint::black_box(0.5));
        let mut sums: [V; CHAINS] = std::array::from_fn(|chain| V::splat(std::hint::black_box(chain as f32)));
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
