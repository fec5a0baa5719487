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

/// The nearest rows of each row of two lists, both ways; row `i` of one belongs to row `i` of the other.
pub struct Bitext {
    /// Of the rows of the first list, in the second.
    forward: Vec<Neighbours>,
    /// Of the rows of the second list, in the first.
    backward: Vec<Neighbours>,
}

impl Bitext {
    /// From vectors of unit length: `first` and `second` are [rows, dims] row-major, and similarities their inner
    /// products, summed in f64 in the order of the components: equal vectors have equal similarities, to the bit.
    ///
    /// Memory grows with the rows, time with their square.
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
        let mut bitext = Self::apart(first.len() / dims);
        products(first, second, dims, |row, similarities| bitext.meet(row, similarities));
        bitext
    }

    /// From any similarity: `similarity(i, j)` of row `i` of the first list and row `j` of the second, below `rows`.
    ///
    /// # Panics
    /// When there are no rows, or a similarity is not finite.
    pub fn of(rows: usize, similarity: impl Fn(usize, usize) -> f64) -> Self {
        let mut bitext = Self::apart(rows);
        for row in 0..rows {
            let similarities: Vec<f64> = (0..rows).map(|other| similarity(row, other)).collect();
            bitext.meet(row, &similarities);
        }
        bitext
    }

    fn apart(rows: usize) -> Self {
        assert!(rows > 0, "a bitext of no rows");
        let nobody = || vec![Neighbours::default(); rows];
        Self { forward: nobody(), backward: nobody() }
    }

    /// The similarities of a row of the first list with all rows of the second; rows come in their order.
    fn meet(&mut self, row: usize, similarities: &[f64]) {
        for (other, &similarity) in similarities.iter().enumerate() {
            assert!(similarity.is_finite(), "the similarity of rows {row} and {other} is {similarity}");
            self.forward[row].meet(other, similarity);
            self.backward[other].meet(row, similarity);
        }
    }

    /// For each row of the first list, whether its nearest of the second is its own; of several nearest the first
    /// counts.
    pub fn forward(&self) -> Vec<bool> {
        right(&self.forward)
    }

    /// For each row of the second list, whether its nearest of the first is its own; of several nearest the first
    /// counts.
    pub fn backward(&self) -> Vec<bool> {
        right(&self.backward)
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
        let f1 = |way: &[Neighbours]| {
            let mut predicted = vec![0usize; way.len()];
            way.iter().for_each(|neighbours| predicted[neighbours.nearest()] += 1);
            // Each number has one row: its F1 is 2 · right / (predicted + 1), where right is one or zero.
            let f1 = |(right, &predicted): (bool, &usize)| if right { 2.0 / (predicted + 1) as f64 } else { 0.0 };
            right(way).into_iter().zip(&predicted).map(f1).sum::<f64>() / way.len() as f64
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
        let (forward, backward) = (&self.forward, &self.backward);
        let mut proposed = proposals(forward, backward);
        proposed.extend(proposals(backward, forward).into_iter().map(|(margin, row, other)| (margin, other, row)));
        // Stable, so that equals stay in the order in which they were proposed.
        proposed.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
        let (mut first_taken, mut second_taken) = (vec![false; forward.len()], vec![false; forward.len()]);
        proposed.retain(|&(_, first, second)| {
            let free = !first_taken[first] && !second_taken[second];
            if free {
                (first_taken[first], second_taken[second]) = (true, true);
            }
            free
        });
        let margins: Vec<f64> = proposed.iter().map(|(margin, ..)| *margin).collect();
        let labels: Vec<bool> = proposed.iter().map(|(_, first, second)| first == second).collect();
        best_f1_of(&margins, &labels, forward.len())
    }
}

/// For each row of one list, the best margin with one of its neighbours, the row, and that neighbour.
fn proposals(way: &[Neighbours], back: &[Neighbours]) -> Vec<(f64, usize, usize)> {
    let mut proposals = Vec::with_capacity(way.len());
    for (row, neighbours) in way.iter().enumerate() {
        let mut best: Option<(f64, usize, usize)> = None;
        for &(other, similarity) in &neighbours.rows {
            let mean = (neighbours.mean() + back[other].mean()) / 2.0;
            let margin = similarity / mean;
            if mean > 0.0 && margin > 0.0 && best.is_none_or(|(greatest, ..)| margin > greatest) {
                best = Some((margin, row, other));
            }
        }
        proposals.extend(best);
    }
    proposals
}

fn right(way: &[Neighbours]) -> Vec<bool> {
    way.iter().enumerate().map(|(row, neighbours)| row == neighbours.nearest()).collect()
}

/// The nearest rows of the other list, nearest first; of equals, the earlier.
#[derive(Clone, Default)]
struct Neighbours {
    rows: Vec<(usize, f64)>,
}

impl Neighbours {
    /// Rows of the other list come in their order.
    fn meet(&mut self, row: usize, similarity: f64) {
        if self.rows.len() == NEIGHBOURS && similarity <= self.rows[NEIGHBOURS - 1].1 {
            return;
        }
        // Behind its equals, which came earlier.
        let place = self.rows.partition_point(|&(_, other)| other >= similarity);
        self.rows.insert(place, (row, similarity));
        self.rows.truncate(NEIGHBOURS);
    }

    /// As `numpy.argmax`: the first of the nearest.
    fn nearest(&self) -> usize {
        self.rows[0].0
    }

    fn mean(&self) -> f64 {
        self.rows.iter().map(|(_, similarity)| similarity).sum::<f64>() / self.rows.len() as f64
    }
}

/// Rows of the first list, and columns (rows of the second), that are multiplied at a time: as many sums as registers
/// hold.
const TILE: usize = 4;

/// `first` · `second`ᵀ, of [rows, dims] and [rows, dims], both row-major: hands each row of products to `take`, in order.
///
/// The easy version is three loops. Here four rows meet four columns at a time, laid out component by component, so
/// that one load serves four products; each sum still runs over the components in order, and does not depend on its
/// neighbours. Rows are padded with zeros to whole tiles.
fn products(first: &[f32], second: &[f32], dims: usize, mut take: impl FnMut(usize, &[f64])) {
    let rows = first.len() / dims;
    let (first, second) = (tiles(first, rows, dims), tiles(second, rows, dims));
    // (TILE, rows)
    let mut out = vec![0.0; TILE * rows];
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
            for (sums, row) in sums.iter().zip(out.chunks_exact_mut(rows)) {
                row[columns.clone()].copy_from_slice(&sums[..columns.len()]);
            }
        }
        for (row, similarities) in (at * TILE..rows).zip(out.chunks_exact(rows)) {
            take(row, similarities);
        }
    }
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
