//! Self-attention over ragged sequences: `softmax(Q Kᵀ / √d) V` per sequence and head, without padding or masks.
//!
//! For one sequence and head of length `l` and width `d`, in f32 or bf16:
//!
//! 1. K is packed as the weights of a product of shape [l, d], V as those of one of shape [d, l].
//! 2. A few queries at a time, so that all of this stays in the first cache: scores `S = Q Kᵀ` go to a scratch in f32.
//! 3. Each row becomes `exp((s - max s) / √d)`, as input of the next product; its sum is kept, not applied.
//! 4. `S V` goes to the output, and each row of `d` is scaled by its sum: fewer divisions than in a row of `l`.

use std::ops::Range;

use super::activation::Activation;
use super::aligned::AlignedBuffer;
use super::arith::{Arith, Columns, dispatch_arith};
use super::cpu::Isa;
use super::gemm::{Product, product};
use super::precision::Precision;
use super::simd::{EXP2, EXP2_ROUGH, Simd, exp2};

/// Queries whose scores are calculated together: two tiles of the highest level.
const QUERIES: usize = 24;

/// Room for the scores and packed keys and values of one sequence and head: grows to the longest sequence seen.
#[derive(Default)]
pub struct AttentionScratch {
    /// (`QUERIES`, d rounded up to whole steps)
    queries: AlignedBuffer,
    /// (ceil(l / width), ceil(d / STEP), width, STEP)
    keys: AlignedBuffer,
    /// (ceil(d / width), ceil(l / STEP), width, STEP)
    values: AlignedBuffer,
    /// (`QUERIES`, l rounded up to the panel width)
    scores: AlignedBuffer,
    /// As `scores`, as input of a product
    weights: AlignedBuffer,
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

/// Attention of each of `sequences` (ranges of rows) over itself, both products in `precision`, which is f32 or bf16.
///
/// `qkv`: [tokens, 3 * hidden], queries, keys and values side by side; `out`: [tokens, hidden]. Heads are slices of
/// `hidden / heads` columns, given together. Rows of `out` that no sequence names are left as they are.
///
/// # Panics
/// If `heads` does not divide the hidden width, a length is not what the shapes ask for, a range leaves the rows, or the
/// precision is another.
pub fn attention(
    isa: Isa,
    precision: Precision,
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
    assert!(precision != Precision::Int8, "attention: in f32 or bf16");
    let job = Job { qkv, sequences, heads, hidden, out, scratch };
    dispatch_arith!(isa, precision, attend(job => Job<'_>));
}

/// # Safety
/// - The CPU has the level of `A`, whose numbers are no integers.
/// - `qkv` holds 3 * hidden columns and `out` hidden columns for every row that a sequence names.
#[inline(always)]
unsafe fn attend<A: Arith>(job: Job<'_>) {
    let width = 2 * A::Float::LANES;
    let (hidden, d) = (job.hidden, job.hidden / job.heads);
    let stride = 3 * hidden;
    let depth = d.next_multiple_of(A::STEP);
    let scratch = job.scratch;
    for sequence in job.sequences.iter().filter(|s| !s.is_empty()) {
        let l = sequence.len();
        let padded = l.next_multiple_of(width);
        // In f32, of which every input takes one at most.
        scratch.queries.grow(QUERIES * depth);
        scratch.keys.grow(padded * depth);
        scratch.values.grow(d.next_multiple_of(width) * l.next_multiple_of(A::STEP));
        scratch.scores.grow(QUERIES * padded);
        scratch.weights.grow(QUERIES * padded);
        let (queries, weights) = (scratch.queries.as_mut_ptr(), scratch.weights.as_mut_ptr());
        for head in 0..job.heads {
            let first = sequence.start * stride + head * d;
            let row = |row: usize, part: usize| &job.qkv[first + row * stride + part * hidden..][..d];
            // SAFETY: keys, values, scores, weights and queries were grown for `l` and `d` above; the head's columns of
            // `out` belong to these rows alone, and nothing overlaps.
            unsafe {
                pack_keys::<A>(|at| row(at, 1), l, d, scratch.keys.as_mut_ptr().cast());
                pack_values::<A>(|at| row(at, 2), l, d, scratch.values.as_mut_ptr().cast());
                for start in (0..l).step_by(QUERIES) {
                    let m = QUERIES.min(l - start);
                    for at in 0..m {
                        narrow::<A>(row(start + at, 0), queries.cast::<A::Input>().add(at * depth));
                    }
                    let scores = scratch.scores.as_mut_ptr().cast::<f32>();
                    product::<A>(plain(
                        queries,
                        (depth, m, d, l),
                        (scratch.keys.as_ptr(), depth / A::STEP),
                        scores,
                        padded,
                    ));
                    let mut sums = [0.0; QUERIES];
                    for (at, sum) in sums[..m].iter_mut().enumerate() {
                        let scores = std::slice::from_raw_parts_mut(scores.add(at * padded), padded);
                        scores[l..].fill(f32::NEG_INFINITY);
                        *sum = exponentials::<A>(
                            scores,
                            weights.cast::<A::Input>().add(at * padded),
                            1.0 / (d as f32).sqrt(),
                        );
                    }
                    let out = job.out.as_mut_ptr().add((sequence.start + start) * hidden + head * d);
                    product::<A>(plain(
                        weights,
                        (padded, m, l, d),
                        (scratch.values.as_ptr(), l.div_ceil(A::STEP)),
                        out,
                        hidden,
                    ));
                    for (at, sum) in sums[..m].iter().enumerate() {
                        let factor = 1.0 / sum;
                        for value in std::slice::from_raw_parts_mut(out.add(at * hidden), d) {
                            *value *= factor;
                        }
                    }
                }
            }
        }
    }
}

/// A product of shape [m, n] over `k`, without bias or activation, of rows `x_stride` apart.
fn plain(
    x: *const u8,
    (x_stride, m, k, n): (usize, usize, usize, usize),
    (panels, steps): (*const u8, usize),
    out: *mut f32,
    out_stride: usize,
) -> Product {
    Product {
        x,
        x_stride,
        m,
        scales: std::ptr::null(),
        panels,
        panel_steps: Some(steps),
        k,
        n,
        columns: Columns { bias: std::ptr::null(), scale: std::ptr::null(), sum: std::ptr::null() },
        activation: Activation::Identity,
        out: out.cast(),
        out_stride,
        narrow: false,
    }
}

/// Writes `values` as inputs of a product, and zeros up to a whole step.
///
/// # Safety
/// The CPU has the level of `A`, and `to` is valid for the length of `values`, rounded up to a multiple of `STEP`.
#[inline(always)]
unsafe fn narrow<A: Arith>(values: &[f32], to: *mut A::Input) {
    let lanes = A::Float::LANES;
    let chunks = values.chunks_exact(lanes);
    let (rest, whole) = (chunks.remainder(), values.len() - values.len() % lanes);
    // SAFETY: chunks are `lanes` f32; the rest is padded in a buffer, of which what the caller promises is copied.
    unsafe {
        // A loop, and not a closure, which would not have the instructions of the level.
        for (at, chunk) in chunks.enumerate() {
            A::encode(A::Float::load(chunk.as_ptr()), 0, to.add(at * lanes));
        }
        if !rest.is_empty() {
            let mut padded = [0.0; 16];
            padded[..rest.len()].copy_from_slice(rest);
            let mut inputs = std::mem::MaybeUninit::<[A::Input; 16]>::uninit();
            A::encode(A::Float::load(padded.as_ptr()), 0, inputs.as_mut_ptr().cast());
            let count = rest.len().next_multiple_of(A::STEP);
            std::ptr::copy_nonoverlapping(inputs.as_ptr().cast(), to.add(whole), count);
        }
    }
}

/// Inputs that a product reads at a time: an f32, or two of bf16. Keys and values are moved as these.
type Unit = u32;

/// Keys as panels [depth / STEP, width, STEP]: column `row % width` of panel `row / width` is the key of `row`; zero beyond
/// `l`.
///
/// # Safety
/// The CPU has the level of `A`, whose `STEP` inputs are one [`Unit`], and `panels` is valid for `l` rounded up to whole
/// panels, times `d` rounded up to whole steps.
#[inline(always)]
unsafe fn pack_keys<'a, A: Arith>(key: impl Fn(usize) -> &'a [f32], l: usize, d: usize, panels: *mut Unit) {
    let width = 2 * A::Float::LANES;
    let steps = d.div_ceil(A::STEP);
    let mut units = [0; 64];
    for row in 0..l.next_multiple_of(width) {
        let panel = row / width * width * steps + row % width;
        for first in (0..steps).step_by(units.len()) {
            let count = units.len().min(steps - first);
            // SAFETY: `units` holds `64 * STEP` inputs; the places of a row are those of its column in its panel.
            unsafe {
                if row < l {
                    let part = first * A::STEP..d.min((first + count) * A::STEP);
                    narrow::<A>(&key(row)[part], units.as_mut_ptr().cast());
                } else {
                    units.fill(0);
                }
                for (at, &unit) in units[..count].iter().enumerate() {
                    panels.add(panel + (first + at) * width).write(unit);
                }
            }
        }
    }
}

/// Values as panels [ceil(l / STEP), width, STEP]: row `row` of panel `p` is columns `p * width..` of the value of `row`; zero
/// beyond `d` and `l`.
///
/// # Safety
/// The CPU has the level of `A`, whose `STEP` inputs are one [`Unit`] of little-endian halves, and `panels` is valid for `d`
/// rounded up to whole panels, times `l` rounded up to whole steps.
#[inline(always)]
unsafe fn pack_values<'a, A: Arith>(value: impl Fn(usize) -> &'a [f32], l: usize, d: usize, panels: *mut A::Input) {
    let width = 2 * A::Float::LANES;
    let steps = l.div_ceil(A::STEP);
    for first in (0..d).step_by(width) {
        let columns = width.min(d - first);
        for step in 0..steps {
            // The rows of a step, one after the other: two of 32 inputs at most.
            let mut inputs = std::mem::MaybeUninit::<[A::Input; 64]>::zeroed();
            let inputs = inputs.as_mut_ptr().cast::<A::Input>();
            // SAFETY: `STEP * width <= 64` inputs are zero, or written from as many values as there are, rounded up to a step
            // that a panel's width is a multiple of; the panel's step holds as many.
            unsafe {
                for at in 0..A::STEP.min(l - step * A::STEP) {
                    narrow::<A>(&value(step * A::STEP + at)[first..first + columns], inputs.add(at * width));
                }
                let to = panels.add((first * steps + step * width) * A::STEP);
                if A::STEP == 1 {
                    std::ptr::copy_nonoverlapping(inputs, to, width);
                } else {
                    let (even, odd) = (inputs.cast::<u16>(), inputs.cast::<u16>().add(width));
                    for column in 0..width {
                        let pair = Unit::from(*even.add(column)) | Unit::from(*odd.add(column)) << 16;
                        to.cast::<Unit>().add(column).write_unaligned(pair);
                    }
                }
            }
        }
    }
}

/// Turns a row of scores into `exp((s - max) * scale)`, written as inputs of a product, and returns the sum.
///
/// # Safety
/// The CPU has the level of `A`, the length of `scores` is a multiple of its lanes, and `to` is valid for as many inputs.
#[inline(always)]
unsafe fn exponentials<A: Arith>(scores: &[f32], to: *mut A::Input, scale: f32) -> f32 {
    let lanes = A::Float::LANES;
    // SAFETY: the caller promises the level, and `chunks_exact` hands out exactly `lanes` f32 at a time.
    unsafe {
        let mut greatest = A::Float::splat(f32::NEG_INFINITY);
        for chunk in scores.chunks_exact(lanes) {
            greatest = greatest.max(A::Float::load(chunk.as_ptr()));
        }
        // Narrow numbers hold no more than the rough exponential gives.
        let rough = size_of::<A::Input>() < size_of::<f32>();
        let scale = scale * std::f32::consts::LOG2_E;
        let (offset, scale) = (A::Float::splat(-greatest.greatest() * scale), A::Float::splat(scale));
        let mut sum = A::Float::splat(0.0);
        for (at, chunk) in scores.chunks_exact(lanes).enumerate() {
            let exponent = A::Float::load(chunk.as_ptr()).mul_add(scale, offset);
            let value = if rough { exp2(exponent, &EXP2_ROUGH) } else { exp2(exponent, &EXP2) };
            A::encode(value, 0, to.add(at * lanes));
            sum = sum.add(value);
        }
        sum.sum()
    }
}
