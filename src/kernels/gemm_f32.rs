//! `out = activation(x · Wᵀ + bias)` in f32, with weights packed once.
//!
//! The easy version, of which this file is the fast form:
//!
//! ```text
//! for row in 0..m { for col in 0..n { out[row][col] = activation(bias[col] + Σ_k x[row][k] * w[col][k]) } }
//! ```
//!
//! Deviations, and what each buys:
//!
//! 1. W is packed into panels of two vectors of columns: `panel[k][2 * LANES]`, so that one step of `k` reads one or two
//!    cache lines in order. A panel is zero beyond column `n`.
//! 2. A tile of `TILE_ROWS` rows by one panel is summed in registers over the whole of `k`, so each element is one
//!    chain of fused multiply-adds in the order of `k`, whatever the number of rows: results do not depend on `m`.
//! 3. Rows are taken in blocks whose inputs stay in the second-level cache while every panel passes by.
//! 4. Bias and activation are applied in registers, and each output is written once.

use super::activation::{Activation, apply};
use super::aligned::AlignedBuffer;
use super::cpu::Isa;
use super::simd::{Simd, dispatch};

/// f32 of `x` that one block of rows may span: 384 KiB, well inside a second-level cache of 1 MiB.
const BLOCK: usize = 96 * 1024;

/// A weight matrix `W` of shape `[n, k]`, with its bias of shape `[n]`, packed for one level.
pub struct PackedMatrix {
    isa: Isa,
    n: usize,
    k: usize,
    /// (panels, k, panel width)
    panels: AlignedBuffer,
    /// (panels, panel width)
    bias: AlignedBuffer,
}

impl PackedMatrix {
    /// Packs `weights`: `[n, k]` row-major, as linear layers store them, and `bias`: `[n]`.
    ///
    /// # Panics
    /// If a length is not what the shape asks for.
    pub fn new(isa: Isa, weights: &[f32], bias: Option<&[f32]>, n: usize, k: usize) -> Self {
        assert_eq!(Some(weights.len()), n.checked_mul(k), "PackedMatrix::new: weights");
        assert!(bias.is_none_or(|b| b.len() == n), "PackedMatrix::new: bias");
        let width = panel_width(isa);
        let padded = n.next_multiple_of(width);
        let mut panels = AlignedBuffer::zeroed(padded.checked_mul(k).expect("PackedMatrix::new: panels fit in memory"));
        for (col, row) in weights.chunks_exact(k.max(1)).enumerate() {
            let panel = &mut panels.as_mut_slice()[(col / width) * width * k..];
            for (at, &weight) in row.iter().enumerate() {
                panel[at * width + col % width] = weight;
            }
        }
        let mut padded_bias = AlignedBuffer::zeroed(padded);
        if let Some(bias) = bias {
            padded_bias.as_mut_slice()[..n].copy_from_slice(bias);
        }
        Self { isa, n, k, panels, bias: padded_bias }
    }

    /// Columns of the product.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Columns of the input.
    pub fn k(&self) -> usize {
        self.k
    }
}

/// The columns that one panel holds at a level.
fn panel_width(isa: Isa) -> usize {
    /// # Safety
    /// None needed: `dispatch` calls all kernels as unsafe functions.
    unsafe fn width<V: Simd>() -> usize {
        2 * V::LANES
    }
    dispatch!(isa, width() -> usize)
}

/// `out = activation(x · Wᵀ + bias)`; `x`: [m, k], `out`: [m, n], both row-major.
///
/// # Panics
/// If a length is not what the shapes ask for.
pub fn linear(x: &[f32], matrix: &PackedMatrix, activation: Activation, out: &mut [f32]) {
    let m = x.len() / matrix.k.max(1);
    assert_eq!(x.len(), m * matrix.k, "linear: x");
    assert_eq!(out.len(), m * matrix.n, "linear: out");
    let job = Product {
        x: x.as_ptr(),
        x_stride: matrix.k,
        m,
        panels: matrix.panels.as_slice().as_ptr(),
        k: matrix.k,
        n: matrix.n,
        bias: matrix.bias.as_slice().as_ptr(),
        activation,
        out: out.as_mut_ptr(),
        out_stride: matrix.n,
    };
    dispatch!(matrix.isa, product(job: Product));
}

/// One product over raw memory.
#[derive(Clone, Copy)]
pub(super) struct Product {
    /// (m, k), rows `x_stride` apart
    pub(super) x: *const f32,
    pub(super) x_stride: usize,
    pub(super) m: usize,
    /// (ceil(n / width), k, width), width = 2 * LANES
    pub(super) panels: *const f32,
    pub(super) k: usize,
    pub(super) n: usize,
    /// (ceil(n / width), width), or null for none
    pub(super) bias: *const f32,
    pub(super) activation: Activation,
    /// (m, n), rows `out_stride` apart
    pub(super) out: *mut f32,
    pub(super) out_stride: usize,
}

/// # Safety
/// - The CPU has the level of `V`.
/// - Every pointer of `job` is valid for the shape that its field names, and `out` overlaps none of the others.
#[inline(always)]
pub(super) unsafe fn product<V: Simd>(job: Product) {
    let width = 2 * V::LANES;
    let block = (BLOCK / job.k.max(1)).max(V::TILE_ROWS).next_multiple_of(V::TILE_ROWS);
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
                        while $rows <= V::TILE_ROWS && last - row >= $rows {
                            tile::<V, $rows>(&job, row, col);
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
unsafe fn tile<V: Simd, const ROWS: usize>(job: &Product, row: usize, col: usize) {
    let width = 2 * V::LANES;
    // SAFETY: by the caller's promise, rows and the panel exist; a panel always has `width` columns, and the output is
    // written through a buffer where fewer than `width` columns are left.
    unsafe {
        let zero = V::splat(0.0);
        let mut sums = [[zero; 2]; ROWS];
        if !job.bias.is_null() {
            sums = [[V::load(job.bias.add(col)), V::load(job.bias.add(col + V::LANES))]; ROWS];
        }
        let mut panel = job.panels.add(col * job.k);
        let x = job.x.add(row * job.x_stride);
        for at in 0..job.k {
            let weights = [V::load(panel), V::load(panel.add(V::LANES))];
            for (r, sum) in sums.iter_mut().enumerate() {
                let input = V::splat(*x.add(r * job.x_stride + at));
                sum[0] = input.mul_add(weights[0], sum[0]);
                sum[1] = input.mul_add(weights[1], sum[1]);
            }
            panel = panel.add(width);
        }
        for (r, sum) in sums.iter().enumerate() {
            let out = job.out.add((row + r) * job.out_stride + col);
            let done = [apply(job.activation, sum[0]), apply(job.activation, sum[1])];
            if col + width <= job.n {
                done[0].store(out);
                done[1].store(out.add(V::LANES));
            } else {
                let mut rest = [0.0f32; 64];
                done[0].store(rest.as_mut_ptr());
                done[1].store(rest.as_mut_ptr().add(V::LANES));
                std::ptr::copy_nonoverlapping(rest.as_ptr(), out, job.n - col);
            }
        }
    }
}
