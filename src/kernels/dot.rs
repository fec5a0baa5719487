//! Inner products of a query with many vectors.

use super::cpu::Isa;
use super::simd::{Simd, dispatch};

/// `out[i] = query · rows[i]`; `query`: `[width]`, `rows`: `[out.len(), width]`, row-major.
///
/// # Panics
/// If the lengths do not fit.
pub fn dot_rows(isa: Isa, query: &[f32], rows: &[f32], out: &mut [f32]) {
    assert_eq!(rows.len(), query.len() * out.len(), "dot_rows: rows");
    dispatch!(isa, dots(query: &[f32], rows: &[f32], out: &mut [f32]));
}

/// `a · b`.
///
/// # Panics
/// If the lengths differ.
pub fn dot(isa: Isa, a: &[f32], b: &[f32]) -> f32 {
    let mut out = [0.0];
    dot_rows(isa, a, b, &mut out);
    out[0]
}

/// # Safety
/// The CPU has the level of `V`. Lengths are as [`dot_rows`] asserts.
#[inline(always)]
unsafe fn dots<V: Simd>(query: &[f32], rows: &[f32], out: &mut [f32]) {
    let width = query.len();
    let step = 4 * V::LANES;
    let (unrolled, whole) = (width - width % step, width - width % V::LANES);
    for (row, out) in rows.chunks_exact(width.max(1)).zip(out) {
        let (a, b) = (query.as_ptr(), row.as_ptr());
        // SAFETY: the level is the caller's promise; every vector starts at a multiple of LANES and ends below
        // `whole <= width`, the length of both rows.
        unsafe {
            let mut sums = [V::splat(0.0); 4];
            for i in (0..unrolled).step_by(step) {
                for (s, sum) in sums.iter_mut().enumerate() {
                    let at = i + s * V::LANES;
                    *sum = V::load(a.add(at)).mul_add(V::load(b.add(at)), *sum);
                }
            }
            for at in (unrolled..whole).step_by(V::LANES) {
                sums[0] = V::load(a.add(at)).mul_add(V::load(b.add(at)), sums[0]);
            }
            let mut total = sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum();
            for at in whole..width {
                total += *a.add(at) * *b.add(at);
            }
            *out = total;
        }
    }
}
