//! What evaluations count: pure functions from scores, labels and rankings to numbers.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`correlation`] | do two lists of numbers agree: Pearson, Spearman |
//! | [`ranking`] | are the right documents on top: nDCG, recall, precision, reciprocal rank, average precision |
//! | [`pairs`] | do scores tell true pairs from false ones, and how many of the true pairs are found |
//! | [`bitext`] | does each sentence find its translation: accuracy, F1 by margin, F1 of the nearest |
//! | [`clustering`] | do two groupings agree: adjusted Rand index, V-measure |
//! | [`bootstrap`] | how far a number moves with the choice of items: percentile intervals |
//!
//! Everything is computed in f64, gives the same bits each time, and nothing here reads a file or runs a model. Each
//! metric agrees within 1e-9 with the reference that its module names; `scripts/make-metrics-golden.py` asks the
//! references. A metric that is not defined for its input is `None` or an error, never a zero. The docs of each say
//! what is equal to what, because ties are where implementations differ.

pub mod bitext;
pub mod bootstrap;
pub mod clustering;
pub mod correlation;
pub mod pairs;
pub mod ranking;

pub use bitext::{Bitext, BothWays};
pub use bootstrap::Interval;
pub use clustering::{VMeasure, adjusted_rand_index, v_measure};
pub use correlation::{pearson, spearman};
pub use pairs::{
    AccuracyThreshold, Confusion, PairCounts, Threshold, at_threshold, average_precision, best_accuracy, best_f1,
    harmonic_mean,
};
pub use ranking::{Judged, RankingError};

#[cfg(test)]
mod tests;
