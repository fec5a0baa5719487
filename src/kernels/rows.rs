//! Activations as products read them: rows of f32, of bf16, or of integers with a scale and a zero point a row.
//!
//! **int8.** A row of values in `[low, high]` (0 among them) becomes integers `q = round(x / scale) + zero` in 0..=255, with
//! `scale = (high - low) / 255`. Each row is measured alone, when it is made (dynamic quantisation a token, as in Dettmers et
//! al. 2022, but with a zero point: half the step of a symmetric range for what a GELU leaves).

use super::aligned::AlignedBuffer;
use super::arith::{Arith, RowScale, dispatch_arith};
use super::cpu::Isa;
use super::precision::Precision;
use super::simd::Simd;

/// Rows start at multiples of so many numbers, so that no step of a product leaves its row.
const STRIDE: usize = 64;

/// Bytes that the widest kind of number takes.
const WIDEST: usize = 4;

/// A matrix of activations in one precision, on one level: [rows, width].
///
/// It is a buffer: it grows to the largest shape that it is given and keeps its memory.
pub struct Rows {
    isa: Isa,
    precision: Precision,
    rows: usize,
    width: usize,
    stride: usize,
    /// (rows, stride) of the level's input numbers; what comes after `width` meets weights of zero
    data: AlignedBuffer,
    /// (rows), where the precision is [`Precision::Int8`]
    scales: Vec<RowScale>,
    /// What is calculated before it is rounded.
    pub(super) scratch: AlignedBuffer,
}

impl Rows {
    /// No rows yet.
    pub fn new(isa: Isa, precision: Precision) -> Self {
        Self {
            isa,
            precision,
            rows: 0,
            width: 0,
            stride: 0,
            data: AlignedBuffer::default(),
            scales: Vec::new(),
            scratch: AlignedBuffer::default(),
        }
    }

    /// Rows of `values`: [values.len() / width, width], row-major.
    ///
    /// # Panics
    /// If `width` does not divide the length.
    pub fn of(isa: Isa, precision: Precision, values: &[f32], width: usize) -> Self {
        let mut rows = Self::new(isa, precision);
        rows.fill(values, width);
        rows
    }

    /// Takes the shape [rows, width]; what the rows hold is then for a kernel to write.
    pub(super) fn reshape(&mut self, rows: usize, width: usize) {
        (self.rows, self.width, self.stride) = (rows, width, width.next_multiple_of(STRIDE));
        let numbers = rows.checked_mul(self.stride).expect("Rows::reshape: rows fit in memory");
        self.data.grow(numbers * WIDEST / size_of::<f32>());
        if self.precision == Precision::Int8 {
            self.scales.resize(rows, RowScale::default());
        }
    }

    /// Becomes `values`: [values.len() / width, width], row-major.
    ///
    /// # Panics
    /// If `width` does not divide the length.
    pub fn fill(&mut self, values: &[f32], width: usize) {
        assert!(width > 0 && values.len().is_multiple_of(width), "Rows::fill: rows of {width}");
        self.reshape(values.len() / width, width);
        let isa = self.isa;
        let narrow = Narrow { values: values.as_ptr(), rows: self.raw() };
        dispatch_arith!(isa, self.precision, narrow_all(narrow => Narrow));
    }

    /// The level that the rows are laid out for.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The numbers that the rows hold.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Numbers from one row to the next.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    pub(super) fn as_ptr(&self) -> *const u8 {
        self.data.as_ptr()
    }

    /// (rows), or null where rows have no scales.
    pub(super) fn scales(&self) -> *const RowScale {
        if self.precision == Precision::Int8 { self.scales.as_ptr() } else { std::ptr::null() }
    }

    /// The rows for a kernel that writes them.
    pub(super) fn raw(&mut self) -> RawRows {
        RawRows {
            data: self.data.as_mut_ptr(),
            scales: self.scales.as_mut_ptr(),
            rows: self.rows,
            width: self.width,
            stride: self.stride,
        }
    }
}

/// [`Rows`] as raw memory: `data` is valid for `rows * stride` input numbers, `scales` for `rows` where rows have them.
#[derive(Clone, Copy)]
pub(super) struct RawRows {
    pub(super) data: *mut u8,
    pub(super) scales: *mut RowScale,
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) stride: usize,
}

/// Rows to write, and what: (rows, width) of f32.
struct Narrow {
    values: *const f32,
    rows: RawRows,
}

/// # Safety
/// The CPU has the level of `A`; the pointers of `job` are valid for its shape.
#[inline(always)]
unsafe fn narrow_all<A: Arith>(job: Narrow) {
    for row in 0..job.rows.rows {
        // SAFETY: `row` is one of the rows, which the caller promises on both sides.
        unsafe { narrow_row::<A>(job.values.add(row * job.rows.width), &job.rows, row) }
    }
}

/// Writes one row: rounds `rows.width` f32 from `values` on to the numbers of `A`, and fills up the stride with zeros.
///
/// A row with a value that is no number gets a scale that is none, so that no product hides it.
///
/// # Safety
/// The CPU has the level of `A`; `values` is valid for `rows.width` f32, and `row < rows.rows`.
#[inline(always)]
pub(super) unsafe fn narrow_row<A: Arith>(values: *const f32, rows: &RawRows, row: usize) {
    let lanes = A::Float::LANES;
    let (width, whole) = (rows.width, rows.width - rows.width % lanes);
    // SAFETY: vectors start at multiples of `lanes` below `whole <= width`; the rest of a row goes through `rest`, which holds
    // `lanes <= 16` f32. A row has `stride` writable inputs, a multiple of `lanes` that is no less than `width`.
    unsafe {
        let to = rows.data.cast::<A::Input>().add(row * rows.stride);
        let mut rest = [0.0f32; 16];
        std::ptr::copy_nonoverlapping(values.add(whole), rest.as_mut_ptr(), width - whole);
        // Where the vector at `i` is read.
        let at = |i: usize| if i < whole { values.add(i) } else { rest.as_ptr() };
        let zero = A::Float::splat(0.0);
        if A::QUANTISED {
            let (mut high, mut low, mut check) = (zero, zero, zero);
            for i in (0..width).step_by(lanes) {
                let value = A::Float::load(at(i));
                high = high.max(value);
                low = low.min(value);
                check = value.mul_add(zero, check);
            }
            let (high, low) = (high.greatest(), -zero.sub(low).greatest());
            let scale = (high - low) / 255.0;
            let inverse = if scale >= f32::MIN_POSITIVE { 1.0 / scale } else { 0.0 };
            let origin = (-low * inverse).round_ties_even();
            // The least value becomes 0 exactly, and the others no less; the greatest may become 256 by two roundings up.
            let factor = A::Float::splat(inverse);
            for i in (0..width).step_by(lanes) {
                A::encode(A::Float::load(at(i)).mul(factor), origin as i32, to.add(i));
            }
            *rows.scales.add(row) = RowScale { scale: scale + check.sum(), zero: origin as i32 - A::OFFSET };
        } else {
            for i in (0..width).step_by(lanes) {
                A::encode(A::Float::load(at(i)), 0, to.add(i));
            }
        }
        let written = width.next_multiple_of(lanes);
        std::ptr::write_bytes(to.add(written), 0, rows.stride - written);
    }
}
