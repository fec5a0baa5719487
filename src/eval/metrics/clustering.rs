//! Whether two groupings of the same items agree, whatever their groups are called.
//!
//! As `adjusted_rand_score` and `homogeneity_completeness_v_measure` of `sklearn.metrics`, also for empty input and for
//! single groups, where both are one by definition.

use std::collections::HashMap;
use std::hash::Hash;

use super::pairs::harmonic_mean;

/// How far groups found keep to the true groups, each in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VMeasure {
    /// One when each found group holds items of one true group only.
    pub homogeneity: f64,
    /// One when the items of each true group are in one found group.
    pub completeness: f64,
    /// The harmonic mean of both.
    pub v_measure: f64,
}

/// The adjusted Rand index (Hubert and Arabie, 1985): one when the groupings are the same, about zero when they agree
/// by chance only, −0.5 at the least. Symmetric.
///
/// Counts pairs of items in whole numbers: with n items each product is below n⁴, and their sums below 2 n⁴, which
/// 128 bits hold up to n = 2³¹.
///
/// # Panics
/// When the lists differ in length.
pub fn adjusted_rand_index<A, B>(truth: &[A], found: &[B]) -> f64
where
    A: Copy + Eq + Hash,
    B: Copy + Eq + Hash,
{
    let table = Table::new(truth, found);
    let square = |count: &usize| (*count as i128).pow(2);
    let items = truth.len() as i128;
    // Ordered pairs of two different items: together in both, in one, in none.
    let both: i128 = table.cells.iter().map(|(.., count)| square(count)).sum();
    let in_truth: i128 = table.rows.iter().map(square).sum();
    let in_found: i128 = table.columns.iter().map(square).sum();
    let together = both - items;
    let (only_truth, only_found) = (in_truth - both, in_found - both);
    let apart = items * items - in_truth - in_found + both;
    if only_truth == 0 && only_found == 0 {
        return 1.0;
    }
    let above = 2 * (together * apart - only_truth * only_found);
    let under = (together + only_truth) * (only_truth + apart) + (together + only_found) * (only_found + apart);
    above as f64 / under as f64
}

/// Homogeneity, completeness and their harmonic mean (Rosenberg and Hirschberg, 2007).
///
/// # Panics
/// When the lists differ in length.
pub fn v_measure<A, B>(truth: &[A], found: &[B]) -> VMeasure
where
    A: Copy + Eq + Hash,
    B: Copy + Eq + Hash,
{
    let table = Table::new(truth, found);
    let items = truth.len() as f64;
    // One group: the logarithm of one is exactly zero.
    let entropy = |counts: &[usize]| -> f64 {
        counts.iter().map(|&count| count as f64 / items * (items / count as f64).ln()).sum()
    };
    let shared = |&(row, column, count): &(usize, usize, usize)| {
        let (row, column, count) = (table.rows[row] as f64, table.columns[column] as f64, count as f64);
        count / items * (count * items / (row * column)).ln()
    };
    let information: f64 = table.cells.iter().map(shared).sum();
    let share = |entropy: f64| if entropy == 0.0 { 1.0 } else { (information / entropy).clamp(0.0, 1.0) };
    let (homogeneity, completeness) = (share(entropy(&table.rows)), share(entropy(&table.columns)));
    VMeasure { homogeneity, completeness, v_measure: harmonic_mean(homogeneity, completeness) }
}

/// The contingency table. Groups are numbered in the order of their first item, so that sums have one order.
struct Table {
    /// Items of each true group.
    rows: Vec<usize>,
    /// Items of each found group.
    columns: Vec<usize>,
    /// Row, column and items of each cell that is not empty, by row and column.
    cells: Vec<(usize, usize, usize)>,
}

impl Table {
    fn new<A: Copy + Eq + Hash, B: Copy + Eq + Hash>(truth: &[A], found: &[B]) -> Self {
        assert_eq!(truth.len(), found.len(), "{} true labels against {} found ones", truth.len(), found.len());
        let (mut rows, mut columns) = (Groups::default(), Groups::default());
        let mut places: Vec<(usize, usize)> =
            truth.iter().zip(found).map(|(&truth, &found)| (rows.count(truth), columns.count(found))).collect();
        // Sorted rather than hashed: there may be as many cells as items.
        places.sort_unstable();
        let cells = places.chunk_by(|a, b| a == b).map(|cell| (cell[0].0, cell[0].1, cell.len())).collect();
        Self { rows: rows.counts, columns: columns.counts, cells }
    }
}

/// Labels, numbered as they come, and how many items have each.
struct Groups<L> {
    numbers: HashMap<L, usize>,
    counts: Vec<usize>,
}

impl<L> Default for Groups<L> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), counts: Vec::new() }
    }
}

impl<L: Eq + Hash> Groups<L> {
    /// Counts one item and returns the number of its label.
    fn count(&mut self, label: L) -> usize {
        let next = self.counts.len();
        let number = *self.numbers.entry(label).or_insert(next);
        if number == next {
            self.counts.push(0);
        }
        self.counts[number] += 1;
        number
    }
}
