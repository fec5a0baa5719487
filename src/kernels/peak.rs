//! The fastest that a level can multiply and add: the ceiling that speeds are compared with.

use super::arith::{Arith, Columns, RowScale, dispatch_arith};
use super::cpu::Isa;
use super::precision::Precision;
use super::simd::Simd;

/// Runs `rounds` times some chains of multiply-adds on registers alone. Returns how many operations that was, two a number and
/// multiply-add, and a value that depends on all of them, so that none is optimised away.
pub fn multiply_adds(isa: Isa, precision: Precision, rounds: usize) -> (u64, f32) {
    let (mut operations, mut value) = (0, 0.0);
    let job = Job { rounds, operations: &mut operations, value: &mut value };
    dispatch_arith!(isa, precision, as_many_as_fit(job => Job<'_>));
    (operations, value)
}

struct Job<'a> {
    rounds: usize,
    operations: &'a mut u64,
    value: &'a mut f32,
}

/// As many chains beside each other as registers hold with the two operands: no fewer than the latency of the instruction
/// times the number of its units, which is 16 at most on the CPUs that we know, and 10 on those with 16 registers.
///
/// # Safety
/// The CPU has the level of `A`.
#[inline(always)]
unsafe fn as_many_as_fit<A: Arith>(job: Job<'_>) {
    // SAFETY: passed on from the caller.
    unsafe {
        match A::Float::TILE_ROWS {
            12.. => chains::<A, 24>(job),
            6.. => chains::<A, 12>(job),
            // The vectors of the portable level take two registers each.
            _ => chains::<A, 6>(job),
        }
    }
}

/// # Safety
/// The CPU has the level of `A`.
#[inline(always)]
unsafe fn chains<A: Arith, const CHAINS: usize>(job: Job<'_>) {
    let lanes = A::Float::LANES;
    // SAFETY: passed on from the caller.
    if let Some(operations) = unsafe { A::peak(job.rounds) } {
        *job.operations = operations;
        *job.value = (operations / 2) as f32;
        return;
    }
    // SAFETY: the caller promises the level of `A`. The arrays below hold more numbers than a step (of four) or the lanes (of
    // sixteen) read and write.
    unsafe {
        let (ones, zeros) = ([1.0f32; 16], [0i32; 16]);
        let columns = Columns { bias: std::ptr::null(), scale: ones.as_ptr(), sum: zeros.as_ptr() };
        let row = RowScale { scale: 1.0, zero: 0 };
        // Inputs and weights of 1: after n rounds a sum is n times the step, exact in every kind of number for a while.
        let mut inputs = [std::mem::MaybeUninit::<A::Input>::uninit(); 16];
        A::encode(A::Float::splat(std::hint::black_box(1.0)), A::OFFSET, inputs.as_mut_ptr().cast());
        let weights = [A::weight(std::hint::black_box(1.0)); 64];
        let (mut left, right) = (A::left(inputs.as_ptr().cast()), A::right(weights.as_ptr()));
        let mut sums = [A::start(&columns, 0, row); CHAINS];
        for _ in 0..job.rounds {
            // The compiler may not know that the operands stay the same, or it would multiply once.
            left = std::hint::black_box(left);
            for sum in &mut sums {
                *sum = A::multiply_add(left, right, *sum);
            }
        }
        let mut total = A::Float::splat(0.0);
        for sum in sums {
            total = total.add(A::finish(sum, &columns, 0, row));
        }
        *job.operations = 2 * (job.rounds * CHAINS * lanes * A::STEP) as u64;
        *job.value = total.sum();
    }
}
