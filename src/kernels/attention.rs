//! Self-attention over ragged sequences: `softmax(Q Kᵀ / √d) V` per sequence and head, without padding or masks.
//!
//! For one sequence and head of length `l` and width `d`:
//!
//! 1. K is packed as the weights of a product of shape [l, d], V as those of one of shape [d, l].
//! 2. Scores `S = Q Kᵀ` go to a scratch of `l` rows that stays in cache.
//! 3. Each row becomes `exp((s - max s) / √d)`; its sum is kept, not applied.
//! 4. `S V` goes to the output, and each row of `d` is scaled by its sum: fewer divisions than in a row of `l`.

use std::ops::Range;

use super::activation::Activation;
use super::aligned::AlignedBuffer;
use super::cpu::Isa;
use super::gemm_f32::{Product, product};
use super::simd::{Simd, dispatch, exp};

/// Room for the scores and packed keys and values of one sequence and head: grows to the longest sequence seen.
#[derive(Default)]
pub struct AttentionScratch {
    /// (ceil(l / width), d, width)
    keys: AlignedBuffer,
    /// (ceil(d / width), l, width)
    values: AlignedBuffer,
    /// (l, l rounded up to the panel width)
    scores: AlignedBuffer,
    /// (l)
    sums: Vec<f32>,
}

/// The shape of one call of [`attention`].
struct Job<'a> {
    qkv: &'a [f32],
    sequences: &'a [Range<usize>],
    heads: usize,
    hidden: usize,
    out: &'a mut [f32],
    scratch: &'a mut AttentionScratch,
}

/// Attention of each of `sequences` (ranges of rows) over itself.
///
/// `qkv`: [tokens, 3 * hidden], queries, keys and values side by side; `out`: [tokens, hidden]. Heads are slices of
/// `hidden / heads` columns, given together. Rows of `out` that no sequence names are left as they are.
///
/// # Panics
/// If `heads` does not divide the hidden width, a length is not what the shapes ask for, or a range leaves the rows.
pub fn attention(
    isa: Isa,
    qkv: &[f32],
    sequences: &[Range<usize>],
    (heads, hidden): (usize, usize),
    out: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    assert_eq!(qkv.len(), 3 * out.len(), "attention: qkv is three times as wide as out");
    assert!(hidden > 0 && out.len().is_multiple_of(hidden), "attention: out has rows of {hidden}");
    let rows = out.len() / hidden;
    assert!(
        sequences.iter().all(|s| s.start <= s.end && s.end <= rows),
        "attention: a sequence leaves the {rows} rows"
    );
    assert!(heads > 0 && hidden.is_multiple_of(heads), "attention: {heads} heads do not divide a width of {hidden}");
    let mut job = Job { qkv, sequences, heads, hidden, out, scratch };
    let job = &mut job;
    dispatch!(isa, attend(job: &mut Job));
}

/// # Safety
/// - The CPU has the level of `V`.
/// - `qkv` holds 3 * hidden columns and `out` hidden columns for every row that a sequence names.
#[inline(always)]
unsafe fn attend<V: Simd>(job: &mut Job) {
    let width = 2 * V::LANES;
    let (hidden, d) = (job.hidden, job.hidden / job.heads);
    let stride = 3 * hidden;
    let scale = 1.0 / (d as f32).sqrt();
    for sequence in job.sequences.iter().filter(|s| !s.is_empty()) {
        let l = sequence.len();
        let padded = l.next_multiple_of(width);
        job.scratch.keys.grow(padded * d);
        job.scratch.values.grow(d.next_multiple_of(width) * l);
        job.scratch.scores.grow(l * padded);
        job.scratch.sums.resize(l, 0.0);
        for head in 0..job.heads {
            let first = sequence.start * stride + head * d;
            let at = |row: usize, part: usize| first + row * stride + part * hidden;
            pack_keys(job.qkv, |row| at(row, 1), l, d, width, job.scratch.keys.as_mut_slice());
            pack_values(job.qkv, |row| at(row, 2), l, d, width, job.scratch.values.as_mut_slice());
            let scores = job.scratch.scores.as_mut_slice();
            // SAFETY: the queries of this head are `l` rows of `d` columns inside `qkv`; keys, values, scores and sums
            // were grown for `l` above; the head's columns of `out` belong to these rows alone, and nothing overlaps.
            unsafe {
                product::<V>(Product {
                    x: job.qkv.as_ptr().add(at(0, 0)),
                    x_stride: stride,
                    m: l,
                    panels: job.scratch.keys.as_slice().as_ptr(),
                    k: d,
                    n: l,
                    bias: std::ptr::null(),
                    activation: Activation::Identity,
                    out: scores.as_mut_ptr(),
                    out_stride: padded,
                });
                for (row, sum) in scores.chunks_exact_mut(padded).zip(&mut job.scratch.sums) {
                    row[l..].fill(f32::NEG_INFINITY);
                    *sum = exponentials::<V>(row, scale);
                }
                let out = job.out.as_mut_ptr().add(sequence.start * hidden + head * d);
                product::<V>(Product {
                    x: scores.as_ptr(),
                    x_stride: padded,
                    m: l,
                    panels: job.scratch.values.as_slice().as_ptr(),
                    k: l,
                    n: d,
                    bias: std::ptr::null(),
                    activation: Activation::Identity,
                    out,
                    out_stride: hidden,
                });
                for (row, sum) in job.scratch.sums.iter().enumerate() {
                    let factor = 1.0 / sum;
                    for value in std::slice::from_raw_parts_mut(out.add(row * hidden), d) {
                        *value *= factor;
                    }
                }
            }
        }
    }
}

/// Keys as panels [d, width]: column `row % width` of panel `row / width` is the key of `row`; zero beyond `l`.
#[inline(always)]
fn pack_keys(qkv: &[f32], at: impl Fn(usize) -> usize, l: usize, d: usize, width: usize, panels: &mut [f32]) {
    for (p, panel) in panels.chunks_exact_mut(width * d).take(l.div_ceil(width)).enumerate() {
        for column in 0..width {
            let row = p * width + column;
            if row < l {
                let key = &qkv[at(row)..at(row) + d];
                key.iter().enumerate().for_each(|(i, &value)| panel[i * width + column] = value);
            } else {
                (0..d).for_each(|i| panel[i * width + column] = 0.0);
            }
        }
    }
}

/// Values as panels [l, width]: row `row` of panel `p` is columns `p * width..` of the value of `row`; zero beyond `d`.
#[inline(always)]
fn pack_values(qkv: &[f32], at: impl Fn(usize) -> usize, l: usize, d: usize, width: usize, panels: &mut [f32]) {
    for (p, panel) in panels.chunks_exact_mut(width * l).take(d.div_ceil(width)).enumerate() {
        let columns = (d - p * width).min(width);
        for (row, line) in panel.chunks_exact_mut(width).enumerate() {
            let value = at(row) + p * width;
            line[..columns].copy_from_slice(&qkv[value..value + columns]);
            line[columns..].fill(0.0);
        }
    }
}

/// Turns a row of scores into `exp((s - max) * scale)` and returns the sum.
///
/// # Safety
/// The CPU has the level of `V`, and the length of `row` is a multiple of its lanes.
#[inline(always)]
unsafe fn exponentials<V: Simd>(row: &mut [f32], scale: f32) -> f32 {
    // SAFETY: the caller promises the level, and `chunks_exact` hands out exactly `LANES` f32 at a time.
    unsafe {
        let mut greatest = V::splat(f32::NEG_INFINITY);
        for chunk in row.chunks_exact(V::LANES) {
            greatest = greatest.max(V::load(chunk.as_ptr()));
        }
        let offset = V::splat(-greatest.greatest() * scale);
        let scale = V::splat(scale);
        let mut sum = V::splat(0.0);
        for chunk in row.chunks_exact_mut(V::LANES) {
            let value = exp(V::load(chunk.as_ptr()).mul_add(scale, offset));
            value.store(chunk.as_mut_ptr());
            sum = sum.add(value);
        }
        sum.sum()
    }
}
