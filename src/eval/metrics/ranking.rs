//! How good a ranking of documents is for a query whose relevant documents are known.
//!
//! As trec_eval 9 (and pytrec_eval) computes `ndcg_cut`, `recall`, `P`, `recip_rank` and `map`. The order of the
//! ranking is trec_eval's too: by score as f32, greatest first, and equal scores by document, greatest first; the order
//! in which documents are given does not count. What differs on purpose: a query without any relevant document is an
//! error here, and a zero in trec_eval, where it lowers the mean.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// Why a ranking cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RankingError {
    /// No document has a gain above zero.
    #[error("no document is relevant to this query, so no ranking is better than another: leave the query out")]
    NothingRelevant,
    /// The judgements name a document twice.
    #[error("judgement {index} is of a document that was judged before: keep one judgement a document")]
    JudgedTwice {
        /// Counted from zero, in the order given.
        index: usize,
    },
    /// The ranking holds a document twice.
    #[error("result {index} is a document that the ranking already holds: keep the best score of each document")]
    RankedTwice {
        /// Counted from zero, in the order given.
        index: usize,
    },
    /// A score is NaN, so it has no place in the order.
    #[error("the score of result {index} is not a number")]
    NotANumber {
        /// Counted from zero, in the order given.
        index: usize,
    },
}

/// A ranking whose gains are known, of a query that has a relevant document. Every metric is in [0, 1], greater is
/// better; a cut-off beyond the end of the ranking is allowed, and counts the missing places as documents that are not
/// relevant.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Best rank first.
    gains: Vec<u32>,
    /// The gains above zero of all judgements, greatest first.
    ideal: Vec<u32>,
}

impl Judged {
    /// Puts `results`, documents with scores in any order, in order of rank, and looks up what each is worth in
    /// `judgements`: documents with gains. A gain of zero counts as no judgement. There may be no results.
    ///
    /// # Errors
    /// When nothing is relevant, a document is judged or ranked twice, or a score is NaN.
    pub fn new<D: Ord + Hash>(
        results: impl IntoIterator<Item = (D, f32)>,
        judgements: impl IntoIterator<Item = (D, u32)>,
    ) -> Result<Self, RankingError> {
        let mut worth = HashMap::new();
        for (index, (document, gain)) in judgements.into_iter().enumerate() {
            if worth.insert(document, gain).is_some() {
                return Err(RankingError::JudgedTwice { index });
            }
        }
        let mut ideal: Vec<u32> = worth.values().copied().filter(|&gain| gain > 0).collect();
        if ideal.is_empty() {
            return Err(RankingError::NothingRelevant);
        }
        ideal.sort_unstable_by(|a, b| b.cmp(a));

        let mut ranking: Vec<(usize, D, f32)> =
            results.into_iter().enumerate().map(|(index, (document, score))| (index, document, score)).collect();
        if let Some(&(index, ..)) = ranking.iter().find(|(_, _, score)| score.is_nan()) {
            return Err(RankingError::NotANumber { index });
        }
        let mut seen = HashSet::new();
        if let Some((index, ..)) = ranking.iter().find(|(_, document, _)| !seen.insert(document)) {
            return Err(RankingError::RankedTwice { index: *index });
        }
        // Not total_cmp: zeros of both signs are equal scores.
        ranking.sort_unstable_by(|(_, a, a_score), (_, b, b_score)| {
            b_score.partial_cmp(a_score).unwrap_or(Ordering::Equal).then_with(|| b.cmp(a))
        });
        let gains = ranking.iter().map(|(_, document, _)| worth.get(document).copied().unwrap_or(0)).collect();
        Ok(Self { gains, ideal })
    }

    /// [`Judged::new`] where all relevant documents have a gain of one.
    ///
    /// # Errors
    /// As [`Judged::new`].
    pub fn binary<D: Ord + Hash>(
        results: impl IntoIterator<Item = (D, f32)>,
        relevant: impl IntoIterator<Item = D>,
    ) -> Result<Self, RankingError> {
        Self::new(results, relevant.into_iter().map(|document| (document, 1)))
    }

    /// Normalised discounted cumulative gain of the first `k`: the sum of gain / log2(rank + 1), over the greatest that
    /// any ranking of all relevant documents could have, also of those that were not found. Gains count as they are
    /// (not 2^gain − 1, as some write it).
    ///
    /// # Panics
    /// When `k` is zero.
    pub fn ndcg_at(&self, k: usize) -> f64 {
        discounted(self.first(k)) / discounted(&self.ideal[..k.min(self.ideal.len())])
    }

    /// The share of the relevant documents that are among the first `k`.
    ///
    /// # Panics
    /// When `k` is zero.
    pub fn recall_at(&self, k: usize) -> f64 {
        relevant(self.first(k)) as f64 / self.ideal.len() as f64
    }

    /// The share of the first `k` places that hold a relevant document; over `k` also where the ranking is shorter.
    ///
    /// # Panics
    /// When `k` is zero.
    pub fn precision_at(&self, k: usize) -> f64 {
        relevant(self.first(k)) as f64 / k as f64
    }

    /// One over the rank of the first relevant document, zero when it is not among the first `k`. Its mean over queries
    /// is MRR@k.
    ///
    /// # Panics
    /// When `k` is zero.
    pub fn mrr_at(&self, k: usize) -> f64 {
        self.first(k).iter().position(|&gain| gain > 0).map_or(0.0, |place| 1.0 / (place + 1) as f64)
    }

    /// The mean, over all relevant documents, of the precision at the rank of each; zero for those that were not found.
    /// Its mean over queries is MAP.
    pub fn average_precision(&self) -> f64 {
        let places = self.gains.iter().enumerate().filter(|&(_, &gain)| gain > 0).map(|(place, _)| place);
        sum(places.enumerate().map(|(before, place)| (before + 1) as f64 / (place + 1) as f64))
            / self.ideal.len() as f64
    }

    fn first(&self, k: usize) -> &[u32] {
        assert!(k > 0, "a cut-off of a ranking is at least 1, got 0");
        &self.gains[..k.min(self.gains.len())]
    }
}

fn relevant(gains: &[u32]) -> usize {
    gains.iter().filter(|&&gain| gain > 0).count()
}

/// The sum of gain / log2(rank + 1), ranks from one.
fn discounted(gains: &[u32]) -> f64 {
    sum(gains.iter().enumerate().map(|(place, &gain)| f64::from(gain) / ((place + 2) as f64).log2()))
}

/// As `Iterator::sum`, but of nothing it is 0, where that gives −0, which is printed with its sign.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}
