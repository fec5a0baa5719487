//! Vectors as int8: a quarter of the bytes, and a bound of what that loses.
//!
//! A vector `v` becomes codes `c` in -127..=127 and a scale `s`, the greatest of its components by 127, so that `s · c` is close
//! to it. Of what is lost, its length is kept: `lost = |v - s · c|`. Then an inner product by codes is off by no more than
//!
//! ```text
//! |⟨q, v⟩ - ⟨q', v'⟩| = |⟨q - q', v'⟩ + ⟨q, v - v'⟩| <= lost(q) · |v'| + |q| · lost(v)        (Cauchy and Schwarz)
//! ```
//!
//! and what rounding adds. So a scan of codes can say of a row that it is not among the closest, and be right.

use crate::kernels::Isa;
use crate::kernels::codes::dot_codes;
use crate::types::Score;

/// Rows that stand in the way of every bound: what is not finite.
const UNBOUNDED: Facts = Facts { scale: 0.0, length: 0.0, lost: f32::INFINITY };

/// What belongs to the codes of one vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Facts {
    /// What a code counts.
    pub(super) scale: f32,
    /// The length of the vector that codes and scale make; not less.
    pub(super) length: f32,
    /// The length of what the codes do not have of the vector; not less.
    pub(super) lost: f32,
}

/// Appends the codes of a vector.
pub(super) fn quantise(vector: &[f32], codes: &mut Vec<i8>) -> Facts {
    let greatest = vector.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let (scale, inverse) = (greatest / 127.0, 127.0 / greatest);
    // NaN is in no comparison the greatest.
    let finite = inverse.is_finite() && vector.iter().all(|value| value.is_finite());
    if !finite || scale < f32::MIN_POSITIVE {
        codes.resize(codes.len() + vector.len(), 0);
        return if vector.iter().all(|&value| value == 0.0) { Facts { lost: 0.0, ..UNBOUNDED } } else { UNBOUNDED };
    }
    let (mut length, mut lost) = (0.0f64, 0.0f64);
    codes.extend(vector.iter().map(|&value| {
        let code = (value * inverse).round_ties_even().clamp(-127.0, 127.0);
        let made = f64::from(scale) * f64::from(code);
        length += made * made;
        lost += (f64::from(value) - made).powi(2);
        code as i8
    }));
    // Rounded to f32 they may not become less; the sums in f64 are off by far less than this adds.
    let up = |squares: f64| (squares.sqrt() * (1.0 + 1e-6)) as f32;
    Facts { scale, length: up(length), lost: up(lost) }
}

/// A vector that is compared with many.
pub(super) struct Query {
    pub(super) codes: Vec<i8>,
    facts: Facts,
    /// The length of the vector; not less.
    length: f32,
    /// What rounding can add to a product of this query and a row of length 1, in f32 and by codes.
    rounding: f32,
}

impl Query {
    pub(super) fn new(vector: &[f32]) -> Self {
        let mut codes = Vec::with_capacity(vector.len());
        let facts = quantise(vector, &mut codes);
        Self::made_of(codes, facts)
    }

    /// The vector that a row of codes makes.
    pub(super) fn of(codes: &[i8], facts: Facts) -> Self {
        Self::made_of(codes.to_vec(), facts)
    }

    fn made_of(codes: Vec<i8>, facts: Facts) -> Self {
        let length = facts.length + facts.lost;
        // A sum of n products in f32, in any order, is off by n · 2^-24 · |a| · |b| at most (Higham, section 3.1), to first
        // order; the 8 stand for the roundings of scales and bounds, and for the second.
        let rounding = length * (codes.len() + 8) as f32 * 2.0f32.powi(-24);
        Self { codes, facts, length, rounding }
    }

    /// The inner product by codes.
    #[inline]
    pub(super) fn score(&self, product: i32, row: Facts) -> Score {
        self.facts.scale * row.scale * product as f32
    }

    /// What the score by codes can be off from that in f32; infinite or no number where nothing is known.
    #[inline]
    pub(super) fn error(&self, row: Facts) -> f32 {
        let lost = self.facts.lost * row.length + self.length * row.lost + self.rounding * (row.length + row.lost);
        // What underflows is less than the last number.
        lost * (1.0 + 1e-6) + 1e-28
    }
}

/// The codes of many vectors, borrowed.
#[derive(Clone, Copy)]
pub(super) struct Codes<'a> {
    /// [rows, width]
    pub(super) codes: &'a [i8],
    /// [rows, 3]: scale, length and what is lost, as in [`Facts`].
    pub(super) facts: &'a [f32],
}

impl<'a> Codes<'a> {
    /// The codes of a row.
    pub(super) fn row(&self, row: usize, width: usize) -> &'a [i8] {
        &self.codes[row * width..(row + 1) * width]
    }

    /// What belongs to a row.
    #[inline]
    pub(super) fn facts(&self, row: usize) -> Facts {
        let [scale, length, lost] = [0, 1, 2].map(|at| self.facts[3 * row + at]);
        Facts { scale, length, lost }
    }

    /// Products with the rows from `first` on.
    pub(super) fn products(&self, isa: Isa, query: &Query, first: usize, out: &mut [i32]) {
        let width = query.codes.len();
        dot_codes(isa, &query.codes, &self.codes[first * width..(first + out.len()) * width], out);
    }
}

/// The codes of many vectors.
#[derive(Default)]
pub(super) struct OwnedCodes {
    codes: Vec<i8>,
    facts: Vec<f32>,
}

impl OwnedCodes {
    pub(super) fn push(&mut self, vector: &[f32]) {
        let Facts { scale, length, lost } = quantise(vector, &mut self.codes);
        self.facts.extend([scale, length, lost]);
    }

    /// Codes and what belongs to them.
    pub(super) fn into_parts(self) -> (Vec<i8>, Vec<f32>) {
        (self.codes, self.facts)
    }

    /// A copy of rows.
    pub(super) fn push_rows(&mut self, rows: Codes<'_>) {
        self.codes.extend_from_slice(rows.codes);
        self.facts.extend_from_slice(rows.facts);
    }

    pub(super) fn borrow(&self) -> Codes<'_> {
        Codes { codes: &self.codes, facts: &self.facts }
    }
}
