//! `out = activation(x · Wᵀ + bias)` in f32, bf16 or int8, with weights packed once.
//!
//! The easy version, of which this file is the fast form:
//!
//! ```text
//! for row in 0..m { for col in 0..n { out[row][col] = activation(bias[col] + Σ_k x[row][k] * w[col][k]) } }
//! ```
//!
//! Deviations, and what each buys:
//!
//! 1. W is packed into panels of two vectors of columns: `panel[k / STEP][2 * LANES][STEP]`, so that a step of the level's
//!    arithmetic reads one or two cache lines in order. A panel is zero beyond column `n` and number `k`.
//! 2. A tile of `TILE_ROWS` rows by one panel is summed in registers over the whole of `k`, so each element is one
//!    chain of multiply-adds in the order of `k`, whatever the number of rows: results do not depend on `m`.
//! 3. Rows are taken in blocks whose inputs stay in the second-level cache while every panel passes by.
//! 4. Bias and activation are applied in registers, and each output is written once.
//!
//! **int8.** A column of W has the scale `max |w| / 127`, and integers in -127..=127; the zero points of the rows are taken
//! into account before the first product: the sum of row `r` and column `c` begins at `-zero[r] * Σ_k w[c][k]`, so that it ends
//! as the exact integer `Σ_k (x[r][k] - zero[r]) w[c][k]`, which is scaled once.

use super::activation::{Activation, apply, apply_rough};
use super::aligned::AlignedBuffer;
use super::arith::{Arith, Columns, RowScale, dispatch_arith};
use super::cpu::Isa;
use super::precision::Precision;
use super::rows::{RawRows, Rows, narrow_row};
use super::simd::Simd;

/// Bytes of `x` that one block of rows may span, well inside a second-level cache of 1 MiB.
const BLOCK: usize = 384 * 1024;

/// Rows that are calculated in f32 before they are rounded to integers, since a row's scale depends on all of it.
const ROUNDED_ROWS: usize = 48;

/// A weight matrix `W` of shape `[n, k]`, with its bias of shape `[n]`, packed for one level and precision.
pub struct PackedMatrix {
    isa: Isa,
    precision: Precision,
    n: usize,
    k: usize,
    /// (panels, ceil(k / STEP), panel width, STEP) of the level's weights
    panels: AlignedBuffer,
    /// (panels, panel width)
    bias: AlignedBuffer,
    /// (panels, panel width): the scale of a column's integers
    scale: AlignedBuffer,
    /// (panels, panel width): the sum of a column's integers
    sum: Vec<i32>,
}

/// Steps of a panel: those that `k` numbers take, rounded up to what a tile of rows takes.
pub(super) fn panel_steps(k: usize, step: usize) -> usize {
    k.div_ceil(step).next_multiple_of(16)
}

/// The matrix to pack, and where to.
struct Pack<'a> {
    weights: &'a [f32],
    n: usize,
    k: usize,
    panels: &'a mut AlignedBuffer,
    scale: &'a mut AlignedBuffer,
    sum: &'a mut Vec<i32>,
    width: &'a mut usize,
}

impl PackedMatrix {
    /// Packs `weights`: `[n, k]` row-major, as linear layers store them, and `bias`: `[n]`.
    ///
    /// # Panics
    /// If a length is not what the shape asks for.
    pub fn new(isa: Isa, precision: Precision, weights: &[f32], bias: Option<&[f32]>, n: usize, k: usize) -> Self {
        assert_eq!(Some(weights.len()), n.checked_mul(k), "PackedMatrix::new: weights");
        assert!(bias.is_none_or(|b| b.len() == n), "PackedMatrix::new: bias");
        let (mut panels, mut scale) = (AlignedBuffer::default(), AlignedBuffer::default());
        let (mut sum, mut width) = (Vec::new(), 0);
        let job = Pack { weights, n, k, panels: &mut panels, scale: &mut scale, sum: &mut sum, width: &mut width };
        dispatch_arith!(isa, precision, pack(job => Pack<'_>));
        let mut padded_bias = AlignedBuffer::zeroed(n.next_multiple_of(width));
        if let Some(bias) = bias {
            padded_bias.as_mut_slice()[..n].copy_from_slice(bias);
        }
        Self { isa, precision, n, k, panels, bias: padded_bias, scale, sum }
    }

    /// Columns of the product.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Columns of the input.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The product with `x`, whose output is for the caller to name.
    ///
    /// # Panics
    /// If `x` has another width, level or precision.
    fn product(&self, x: &Rows, activation: Activation) -> Product {
        assert_eq!((x.width(), x.precision(), x.isa()), (self.k, self.precision, self.isa), "linear: x");
        Product {
            x: x.as_ptr(),
            x_stride: x.stride(),
            m: x.len(),
            scales: x.scales(),
            panels: self.panels.as_ptr(),
            panel_steps: None,
            k: self.k,
            n: self.n,
            columns: Columns {
                bias: self.bias.as_slice().as_ptr(),
                scale: self.scale.as_slice().as_ptr(),
                sum: self.sum.as_ptr(),
            },
            activation,
            out: std::ptr::null_mut(),
            out_stride: self.n,
            narrow: false,
        }
    }
}

/// # Safety
/// The CPU has the level of `A`.
#[inline(always)]
unsafe fn pack<A: Arith>(job: Pack<'_>) {
    let width = 2 * A::Float::LANES;
    let (padded, steps) = (job.n.next_multiple_of(width), panel_steps(job.k, A::STEP));
    let bytes =
        padded.checked_mul(steps * A::STEP * size_of::<A::Weight>()).expect("PackedMatrix::new: panels fit in memory");
    *job.panels = AlignedBuffer::zeroed(bytes.div_ceil(size_of::<f32>()));
    *job.scale = AlignedBuffer::zeroed(padded);
    *job.sum = vec![0; padded];
    *job.width = width;
    for (col, row) in job.weights.chunks_exact(job.k.max(1)).enumerate() {
        let mut inverse = 1.0;
        if A::QUANTISED {
            let greatest = row.iter().fold(0.0f32, |greatest, weight| greatest.max(weight.abs()));
            let none = row.iter().fold(0.0f32, |none, weight| weight.mul_add(0.0, none));
            let scale = greatest / 127.0;
            inverse = if scale >= f32::MIN_POSITIVE { 1.0 / scale } else { 0.0 };
            job.scale.as_mut_slice()[col] = scale + none;
        }
        let panel = job.panels.as_mut_ptr().cast::<A::Weight>();
        let first = (col / width) * steps * width * A::STEP + (col % width) * A::STEP;
        let mut sum = 0;
        for (step, weights) in row.chunks(A::STEP).enumerate() {
            for (at, &weight) in weights.iter().enumerate() {
                let weight = if A::QUANTISED { (weight * inverse).round_ties_even() } else { weight };
                sum += weight as i32;
                // SAFETY: `col < n` and `step < steps`, so the place lies within the `padded * steps * STEP` weights above.
                unsafe { panel.add(first + step * width * A::STEP + at).write(A::weight(weight)) };
            }
        }
        job.sum[col] = sum;
    }
}

/// `out = activation(x · Wᵀ + bias)`; `x`: [m, k], `out`: [m, n], row-major.
///
/// # Panics
/// If `x` has another width, level or precision than the matrix, or a length is not what the shapes ask for.
pub fn linear(x: &Rows, matrix: &PackedMatrix, activation: Activation, out: &mut [f32]) {
    assert_eq!(out.len(), x.len() * matrix.n, "linear: out");
    let job = Product { out: out.as_mut_ptr().cast(), ..matrix.product(x, activation) };
    dispatch_arith!(matrix.isa, matrix.precision, product_of(job => Product));
}

/// As [`linear`], into rows for the next product: `out` takes the shape [m, n], in the precision that it has, which must be
/// f32 or that of the matrix.
///
/// # Panics
/// If `x` has another width, level or precision than the matrix, or `out` a level or precision that is not possible.
pub fn linear_rows(x: &Rows, matrix: &PackedMatrix, activation: Activation, out: &mut Rows) {
    assert_eq!((out.isa(), out.precision()), (matrix.isa, matrix.precision), "linear_rows: out");
    out.reshape(x.len(), matrix.n);
    if matrix.precision == Precision::Int8 {
        out.scratch.grow(ROUNDED_ROWS * matrix.n);
    }
    let job = RowsProduct {
        product: matrix.product(x, activation),
        scratch: out.scratch.as_mut_ptr().cast(),
        out: out.raw(),
    };
    dispatch_arith!(matrix.isa, matrix.precision, product_rows(job => RowsProduct));
}

/// # Safety
/// As [`product`].
#[inline(always)]
unsafe fn product_of<A: Arith>(job: Product) {
    // SAFETY: passed on from the caller.
    unsafe { A::product(job) }
}

/// A product whose output is rounded to the numbers of its input.
struct RowsProduct {
    product: Product,
    /// (`ROUNDED_ROWS`, n), where rows have scales
    scratch: *mut f32,
    /// (m, n)
    out: RawRows,
}

/// # Safety
/// As [`product`]; moreover `out` and `scratch` are valid for the shapes that their fields name.
#[inline(always)]
unsafe fn product_rows<A: Arith>(job: RowsProduct) {
    let RowsProduct { product: whole, scratch, out } = job;
    // SAFETY: each block is within the rows that the caller promises; columns from `n` to the stride are written as zeros.
    unsafe {
        if !A::QUANTISED {
            A::product(Product { out: out.data, out_stride: out.stride, narrow: true, ..whole });
            let data = out.data.cast::<A::Input>();
            for row in 0..out.rows {
                std::ptr::write_bytes(data.add(row * out.stride + out.width), 0, out.stride - out.width);
            }
            return;
        }
        let input = whole.x.cast::<A::Input>();
        for first in (0..whole.m).step_by(ROUNDED_ROWS) {
            let m = ROUNDED_ROWS.min(whole.m - first);
            A::product(Product {
                x: input.add(first * whole.x_stride).cast(),
                m,
                scales: whole.scales.add(first),
                out: scratch.cast(),
                out_stride: whole.n,
                ..whole
            });
            for row in 0..m {
                narrow_row::<A>(scratch.add(row * whole.n), &out, first + row);
            }
        }
    }
}

/// One product over raw memory.
#[derive(Clone, Copy)]
pub(super) struct Product {
    /// (m, k) of the level's inputs, rows `x_stride` apart
    pub(super) x: *const u8,
    pub(super) x_stride: usize,
    pub(super) m: usize,
    /// (m), where rows have scales
    pub(super) scales: *const RowScale,
    /// (ceil(n / width), `panel_steps`, width, STEP), width = 2 * LANES
    pub(super) panels: *const u8,
    /// Steps of a panel; those of a packed matrix if there is none.
    pub(super) panel_steps: Option<usize>,
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) columns: Columns,
    pub(super) activation: Activation,
    /// (m, n), rows `out_stride` apart: f32, or where `narrow`, the level's inputs
    pub(super) out: *mut u8,
    pub(super) out_stride: usize,
    pub(super) narrow: bool,
}

impl Product {
    /// Steps from one panel to the next.
    #[inline(always)]
    pub(super) fn panel_steps<A: Arith>(&self) -> usize {
        self.panel_steps.unwrap_or_else(|| panel_steps(self.k, A::STEP))
    }
}

/// # Safety
/// - The CPU has the level of `A`.
/// - Every pointer of `job` is valid for the shape that its field names, and `out` overlaps none of the others.
/// - A row of `x` is readable up to the next multiple of `STEP`.
#[inline(always)]
pub(super) unsafe fn product<A: Arith>(job: Product) {
    let width = 2 * A::Float::LANES;
    let rows = BLOCK / (job.k.max(1) * size_of::<A::Input>());
    let block = rows.max(A::Float::TILE_ROWS).next_multiple_of(A::Float::TILE_ROWS);
    let mut first = 0;
    while first < job.m {
        let last = (first + block).min(job.m);
        let mut col = 0;
        while col < job.n {
            let mut row = first;
            // SAFETY: rows `row..row + ROWS` lie below `last <= m` and columns start below `n`, so every pointer that
            // `tile` derives stays in the shapes which the caller promises.
            unsafe {
                macro_rules! tiles {
                    ($($rows:literal)*) => {$(
                        while $rows <= A::Float::TILE_ROWS && last - row >= $rows {
                            tile::<A, $rows>(&job, row, col);
                            row += $rows;
                        }
                    )*};
                }
                tiles!(12 6 4 2 1);
            }
            col += width;
        }
        first = last;
    }
}

/// The elements of rows `row..row + ROWS` and of the panel that starts at column `col`.
///
/// # Safety
/// As [`product`]; moreover `row + ROWS <= m`, `col < n` and `col` is a multiple of the panel width.
#[inline(always)]
unsafe fn tile<A: Arith, const ROWS: usize>(job: &Product, row: usize, col: usize) {
    let lanes = A::Float::LANES;
    let (width, steps) = (2 * lanes, job.k.div_ceil(A::STEP));
    // SAFETY: by the caller's promise, rows and the panel exist; a panel always has `width` columns, and the output is
    // written through a buffer where fewer than `width` columns are left.
    unsafe {
        let scale = |r: usize| if A::QUANTISED { *job.scales.add(row + r) } else { RowScale::default() };
        let mut sums = [[A::start(&job.columns, col, scale(0)), A::start(&job.columns, col + lanes, scale(0))]; ROWS];
        if A::QUANTISED {
            for (r, sum) in sums.iter_mut().enumerate() {
                *sum = [A::start(&job.columns, col, scale(r)), A::start(&job.columns, col + lanes, scale(r))];
            }
        }
        let mut panel = job.panels.cast::<A::Weight>().add(col * job.panel_steps::<A>() * A::STEP);
        let x = job.x.cast::<A::Input>().add(row * job.x_stride);
        for step in 0..steps {
            let weights = [A::right(panel), A::right(panel.add(lanes * A::STEP))];
            for (r, sum) in sums.iter_mut().enumerate() {
                let input = A::left(x.add(r * job.x_stride + step * A::STEP));
                sum[0] = A::multiply_add(input, weights[0], sum[0]);
                sum[1] = A::multiply_add(input, weights[1], sum[1]);
            }
            panel = panel.add(width * A::STEP);
        }
        // The sums stay in registers only as long as nothing indexes them by a variable, so that is done to a copy.
        let mut ended = [const { std::mem::MaybeUninit::<[A::Sum; 2]>::uninit() }; ROWS];
        for (ended, sum) in ended.iter_mut().zip(sums) {
            ended.write(sum);
        }
        for (r, sum) in ended.iter().enumerate() {
            finish::<A>(job, row + r, col, sum.assume_init());
        }
    }
}

/// Turns the sums of row `row` and of the panel that starts at column `col` into output.
///
/// # Safety
/// As [`product`]; moreover `row < m`, `col < n` and `col` is a multiple of the panel width.
#[inline(always)]
pub(super) unsafe fn finish<A: Arith>(job: &Product, row: usize, col: usize, sums: [A::Sum; 2]) {
    let lanes = A::Float::LANES;
    // SAFETY: by the caller's promise the row and the panel exist; the output is written through a buffer where fewer than
    // `width` columns are left.
    unsafe {
        let scale = if A::QUANTISED { *job.scales.add(row) } else { RowScale::default() };
        let values = [
            activate::<A>(job.activation, A::finish(sums[0], &job.columns, col, scale)),
            activate::<A>(job.activation, A::finish(sums[1], &job.columns, col + lanes, scale)),
        ];
        let size = if job.narrow { size_of::<A::Input>() } else { size_of::<f32>() };
        let to = job.out.add((row * job.out_stride + col) * size);
        if job.n - col >= 2 * lanes {
            write::<A>(values, job.narrow, to);
        } else {
            let mut all = std::mem::MaybeUninit::<[f32; 32]>::uninit();
            write::<A>(values, job.narrow, all.as_mut_ptr().cast());
            std::ptr::copy_nonoverlapping(all.as_ptr().cast(), to, (job.n - col) * size);
        }
    }
}

/// Writes the values of a row of a panel, as inputs of a product where `narrow`.
///
/// # Safety
/// The CPU has the level of `A`, and `to` is valid for `2 * LANES` numbers.
#[inline(always)]
unsafe fn write<A: Arith>(values: [A::Float; 2], narrow: bool, to: *mut u8) {
    let lanes = A::Float::LANES;
    // SAFETY: passed on from the caller.
    unsafe {
        if narrow {
            A::encode(values[0], 0, to.cast());
            A::encode(values[1], 0, to.cast::<A::Input>().add(lanes));
        } else {
            values[0].store(to.cast());
            values[1].store(to.cast::<f32>().add(lanes));
        }
    }
}

/// # Safety
/// The CPU has the level of `A`.
#[inline(always)]
unsafe fn activate<A: Arith>(activation: Activation, x: A::Float) -> A::Float {
    // SAFETY: passed on from the caller. f32 inputs take 4 bytes, and only they do.
    unsafe { if size_of::<A::Input>() == size_of::<f32>() { apply(activation, x) } else { apply_rough(activation, x) } }
}
