//! Whether each sentence finds its translation: rows of two lists, where rows of the same number belong together.
//!
//! | metric | what it counts |
//! | --- | --- |
//! | [`Bitext::accuracy`] | rows whose nearest row is their own |
//! | [`Bitext::nearest_f1`] | what MTEB calls the F1 of bitext mining: the nearest row as a classifier, a class a row |
//! | [`Bitext::margin_f1`] | mining as for BUCC: one-to-one pairs above a threshold of the margin score |
//!
//! The two F1 are different things: MTEB's has no threshold, no margin, and looks in one direction; every row counts.
//!
//! The margin is that of Artetxe and Schwenk, "Margin-based parallel corpus mining with multilingual sentence
//! embeddings" (ACL 2019), "ratio" with four neighbours, and candidates are merged as by the retrieval "max" of their
//! code (LASER, `source/mine_bitexts.py`); the threshold is chosen on the truth itself, as LASER does for BUCC, so that
//! it is an upper bound for a threshold that was fixed before.

use super::pairs::{Threshold, best_f1_of};

/// Neighbours whose mean similarity the margin divides by.
const NEIGHBOURS: usize = 4;

/// A metric from the first list to the second, and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BothWays {
    /// Rows of the first list look for rows of the second.
    pub forward: f64,
    /// Rows of the second list look for rows of the first.
    pub backward: f64,
}

/// The similarities of all rows of one list with all rows of another; row `i` of one belongs to row `i` of the other.
pub struct Bitext {
    rows: usize,
    /// [rows, rows] row-major: first list by second list.
    forward: Vec<f64>,
    /// The same, second list by first list.
    backward: Vec<f64>,
}

impl Bitext {
    /// From vectors of unit length: `first` and `second` are [rows, dims] row-major, and similarities their inner
    /// products, summed in f64 in the order of the components: equal vectors have equal similarities, to the bit.
    ///
    /// Takes 16 bytes for each pair of rows: 70 MB for 2,100 rows.
    ///
    /// # Panics
    /// When there are no rows, the lists differ in length or are not whole rows, or a similarity is not finite.
    pub fn new(first: &[f32], second: &[f32], dims: usize) -> Self {
        assert!(dims > 0, "vectors of no components");
        assert_eq!(
            first.len(),
            second.len(),
            "{} numbers in the first list, {} in the second",
            first.len(),
            second.len()
        );
        assert_eq!(first.len() % dims, 0, "{} numbers are not whole rows of {dims}", first.len());
        let rows = first.len() / dims;
        Self::of_matrix(rows, products(first, second, rows, dims))
    }

    /// From any similarity: `similarity(i, j)` of row `i` of the first list and row `j` of the second, below `rows`.
    ///
    /// # Panics
    /// When there are no rows, or a similarity is not finite.
    pub fn of(rows: usize, similarity: impl Fn(usize, usize) -> f64) -> Self {
        let similarity = &similarity;
        Self::of_matrix(rows, (0..rows).flat_map(|i| (0..rows).map(move |j| similarity(i, j))).collect())
    }

    fn of_matrix(rows: usize, forward: Vec<f64>) -> Self {
        assert!(rows > 0, "a bitext of no rows");
        if let Some(at) = forward.iter().position(|similarity| !similarity.is_finite()) {
            panic!("the similarity of rows {} and {} is {}", at / rows, at % rows, forward[at]);
        }
        let backward = transposed(&forward, rows);
        Self { rows, forward, backward }
    }

    /// For each row of the first list, whether its nearest of the second is its own; of several nearest the first
    /// counts.
    pub fn forward(&self) -> Vec<bool> {
        right(&nearest(&self.forward, self.rows))
    }

    /// For each row of the second list, whether its nearest of the first is its own; of several nearest the first
    /// counts.
    pub fn backward(&self) -> Vec<bool> {
        right(&nearest(&self.backward, self.rows))
    }

    /// The shares of [`Self::forward`] and [`Self::backward`] that are true.
    pub fn accuracy(&self) -> BothWays {
        let share = |right: &[bool]| right.iter().filter(|&&right| right).count() as f64 / right.len() as f64;
        BothWays { forward: share(&self.forward()), backward: share(&self.backward()) }
    }

    /// The F1 of the nearest row as a prediction of the row's number, averaged over the numbers: `f1_score(range(rows),
    /// nearest, average="weighted")` of scikit-learn, which is what MTEB reports as `f1` of bitext mining. MTEB looks
    /// forward only. A right row counts less when it is the nearest of other rows too.
    pub fn nearest_f1(&self) -> BothWays {
        let f1 = |similarities| {
            let nearest = nearest(similarities, self.rows);
            let mut predicted = vec![0usize; self.rows];
            nearest.iter().for_each(|&row| predicted[row] += 1);
            // Each number has one row: its F1 is 2 · right / (predicted + 1), where right is one or zero.
            let f1 = |(right, &predicted): (bool, &usize)| if right { 2.0 / (predicted + 1) as f64 } else { 0.0 };
            right(&nearest).into_iter().zip(&predicted).map(f1).sum::<f64>() / self.rows as f64
        };
        BothWays { forward: f1(&self.forward), backward: f1(&self.backward) }
    }

    /// The best F1 of mined pairs over all thresholds of the margin; see [`best_f1`](super::pairs::best_f1) for
    /// thresholds and ties. Recall is over all rows.
    ///
    /// 1. The margin of two rows is their similarity, over the mean of two means: of the similarities of each row with
    ///    its four nearest of the other list (all, if there are fewer).
    /// 2. Each row of either list proposes the one of its four nearest that has the best margin with it.
    /// 3. Proposals are taken best first, where neither row is taken yet.
    ///
    /// Among equals, forward comes before backward and earlier rows before later ones (LASER leaves that to an unstable
    /// sort). Where the mean of means or the margin is zero or less, the pair is not proposed: the ratio means nothing
    /// there (LASER, too, drops margins that are not positive, but keeps those of two negative numbers). `None` when no
    /// pair is left; no pair is found then.
    pub fn margin_f1(&self) -> Option<Threshold> {
        let (forward, backward) = (neighbours_of(&self.forward, self.rows), neighbours_of(&self.backward, self.rows));
        let mut proposed = proposals(&forward, &backward);
        proposed.extend(proposals(&backward, &forward).into_iter().map(|(margin, row, other)| (margin, other, row)));
        // Stable, so that equals stay in the order in which they were proposed.
        proposed.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
        let (mut first_taken, mut second_taken) = (vec![false; self.rows], vec![false; self.rows]);
        proposed.retain(|&(_, first, second)| {
            let free = !first_taken[first] && !second_taken[second];
            if free {
                (first_taken[first], second_taken[second]) = (true, true);
            }
            free
        });
        let margins: Vec<f64> = proposed.iter().map(|(margin, ..)| *margin).collect();
        let labels: Vec<bool> = proposed.iter().map(|(_, first, second)| first == second).collect();
        best_f1_of(&margins, &labels, self.rows)
    }
}

/// For each row of one list, the best margin with one of its neighbours, the row, and that neighbour.
fn proposals(way: &[Neighbours], back: &[Neighbours]) -> Vec<(f64, usize, usize)> {
    let mut proposals = Vec::with_capacity(way.len());
    for (row, neighbours) in way.iter().enumerate() {
        let mut best: Option<(f64, usize, usize)> = None;
        for &(other, similarity) in &neighbours.rows {
            let mean = (neighbours.mean + back[other].mean) / 2.0;
            let margin = similarity / mean;
            if mean > 0.0 && margin > 0.0 && best.is_none_or(|(greatest, ..)| margin > greatest) {
                best = Some((margin, row, other));
            }
        }
        proposals.extend(best);
    }
    proposals
}

/// The number of the nearest row for each row of `similarities`, [rows, rows].
fn nearest(similarities: &[f64], rows: usize) -> Vec<usize> {
    similarities.chunks_exact(rows).map(first_greatest).collect()
}

fn right(nearest: &[usize]) -> Vec<bool> {
    nearest.iter().enumerate().map(|(row, &nearest)| row == nearest).collect()
}

/// The nearest rows of the other list, nearest first, and the mean of their similarities.
struct Neighbours {
    rows: Vec<(usize, f64)>,
    mean: f64,
}

fn neighbours_of(similarities: &[f64], rows: usize) -> Vec<Neighbours> {
    let nearest = |similarities: &[f64]| {
        let mut kept: Vec<(usize, f64)> = Vec::with_capacity(NEIGHBOURS + 1);
        for (row, &similarity) in similarities.iter().enumerate() {
            if kept.len() == NEIGHBOURS && similarity <= kept[NEIGHBOURS - 1].1 {
                continue;
            }
            // Behind its equals, which came earlier.
            let place = kept.partition_point(|&(_, other)| other >= similarity);
            kept.insert(place, (row, similarity));
            kept.truncate(NEIGHBOURS);
        }
        let mean = kept.iter().map(|(_, similarity)| similarity).sum::<f64>() / kept.len() as f64;
        Neighbours { rows: kept, mean }
    };
    similarities.chunks_exact(rows).map(nearest).collect()
}

/// The place of the first of the greatest numbers, as `numpy.argmax`.
fn first_greatest(values: &[f64]) -> usize {
    values.iter().enumerate().fold(0, |best, (at, &value)| if value > values[best] { at } else { best })
}

/// Rows of the first list, and columns (rows of the second), that are multiplied at a time: as many sums as registers
/// hold.
const TILE: usize = 4;

/// `first` · `second`ᵀ: [rows, dims] and [rows, dims] to [rows, rows], all row-major.
///
/// The easy version is three loops. Here four rows meet four columns at a time, laid out component by component, so
/// that one load serves four products; each sum still runs over the components in order, and does not depend on its
/// neighbours. Rows are padded with zeros to whole tiles.
fn products(first: &[f32], second: &[f32], rows: usize, dims: usize) -> Vec<f64> {
    let (first, second) = (tiles(first, rows, dims), tiles(second, rows, dims));
    let mut out = vec![0.0; rows * rows];
    for (at, a) in first.chunks_exact(dims).enumerate() {
        for (to, b) in second.chunks_exact(dims).enumerate() {
            let mut sums = [[0.0; TILE]; TILE];
            for (a, b) in a.iter().zip(b) {
                for (sums, a) in sums.iter_mut().zip(a) {
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum += a * b;
                    }
                }
            }
            let columns = to * TILE..rows.min(to * TILE + TILE);
            for (sums, row) in sums.iter().zip(at * TILE..rows) {
                out[row * rows..][columns.clone()].copy_from_slice(&sums[..columns.len()]);
            }
        }
    }
    out
}

/// [rows, dims] row-major to [rows / TILE rounded up, dims, TILE].
fn tiles(vectors: &[f32], rows: usize, dims: usize) -> Vec<[f64; TILE]> {
    let mut tiles = vec![[0.0; TILE]; rows.div_ceil(TILE) * dims];
    for (row, vector) in vectors.chunks_exact(dims).enumerate() {
        for (tile, &component) in tiles[row / TILE * dims..][..dims].iter_mut().zip(vector) {
            tile[row % TILE] = f64::from(component);
        }
    }
    tiles
}

/// In squares that fit in the cache, since one of the two sides is always read or written across.
fn transposed(matrix: &[f64], rows: usize) -> Vec<f64> {
    const SQUARE: usize = 32;
    let mut out = vec![0.0; matrix.len()];
    for top in (0..rows).step_by(SQUARE) {
        for left in (0..rows).step_by(SQUARE) {
            for row in top..rows.min(top + SQUARE) {
                for column in left..rows.min(left + SQUARE) {
                    out[column * rows + row] = matrix[row * rows + column];
                }
            }
        }
    }
    out
}
