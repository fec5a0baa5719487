//! Articles that mean nearly the same in other words.
//!
//! The mean of an article's passage vectors is compared with that of every other, as one blocked matrix product; pairs
//! that are close there are compared passage by passage.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::embed::cores;
use crate::kernels::gemm::{PackedMatrix, linear};
use crate::kernels::rows::Rows;
use crate::kernels::{Activation, Isa, Precision};
use crate::search::related::{closeness, unit};
use crate::store::{Store, StoreError};
use crate::types::{ArticleId, Score, VectorId};

/// Closeness from which on two articles are related.
pub const RELATED: Score = 0.7;

/// Mean vectors closer than this are compared passage by passage: closeness is seldom much above the cosine of the means.
const CANDIDATE: Score = 0.8;

/// Related articles that one article is paired with at most, the closest: a series of a thousand like articles (weather,
/// stock markets) makes thousands of pairs, not half a million.
const PAIRED: usize = 8;

/// Rows of one block of the product of all means with all means.
const BLOCK: usize = 512;

/// The passage vectors of every article of a store, for comparisons.
pub struct Closeness {
    isa: Isa,
    dims: usize,
    articles: HashMap<ArticleId, Vec<VectorId>>,
    rows: HashMap<VectorId, usize>,
    /// (rows, dims)
    values: Vec<f32>,
}

impl Closeness {
    /// Reads the vectors of a store.
    ///
    /// # Errors
    /// When the store fails.
    pub fn new(store: &Store, isa: Isa) -> Result<Self, StoreError> {
        let (mut rows, mut values) = (HashMap::new(), Vec::new());
        store.vectors_after(VectorId(0), |id, vector| {
            rows.insert(id, rows.len());
            values.extend(unit(vector));
        })?;
        Ok(Self { isa, dims: store.model().dims, articles: store.body_vectors()?, rows, values })
    }

    fn vectors(&self, article: ArticleId) -> Vec<&[f32]> {
        let ids = self.articles.get(&article).map_or(&[][..], Vec::as_slice);
        ids.iter()
            .filter_map(|id| self.rows.get(id))
            .map(|row| &self.values[row * self.dims..(row + 1) * self.dims])
            .collect()
    }

    /// The closeness of the bodies of two articles.
    pub fn of(&self, a: ArticleId, b: ArticleId) -> Score {
        closeness(&self.vectors(a), &self.vectors(b))
    }

    /// The pairs of `articles` (ascending) that are related, the lower id first: for each article the few
    /// closest of those after it.
    pub fn pairs(&self, articles: &[ArticleId]) -> Vec<(ArticleId, ArticleId)> {
        let articles: Vec<ArticleId> =
            articles.iter().copied().filter(|article| !self.vectors(*article).is_empty()).collect();
        let means: Vec<f32> = articles.iter().flat_map(|article| self.mean(*article)).collect();
        let blocks: Vec<PackedMatrix> = means
            .chunks(BLOCK * self.dims.max(1))
            .map(|block| PackedMatrix::new(self.isa, Precision::F32, block, None, block.len() / self.dims, self.dims))
            .collect();
        let next = AtomicUsize::new(0);
        let found = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..cores() {
                scope.spawn(|| {
                    let mut scores = vec![0.0; BLOCK * BLOCK];
                    loop {
                        let left = next.fetch_add(1, Ordering::Relaxed);
                        let Some(rows) = means.chunks(BLOCK * self.dims.max(1)).nth(left) else { break };
                        let rows = Rows::of(self.isa, Precision::F32, rows, self.dims);
                        let mut candidates: HashMap<usize, Vec<(Score, usize)>> = HashMap::new();
                        for (right, block) in blocks.iter().enumerate().skip(left) {
                            let scores = &mut scores[..rows.len() * block.n()];
                            linear(&rows, block, Activation::Identity, scores);
                            for (at, &score) in scores.iter().enumerate().filter(|(_, score)| **score >= CANDIDATE) {
                                debug_assert!(score <= 1.01);
                                let a = left * BLOCK + at / block.n();
                                let b = right * BLOCK + at % block.n();
                                if a < b {
                                    candidates.entry(a).or_default().push((score, b));
                                }
                            }
                        }
                        let mut close = Vec::new();
                        for (a, mut others) in candidates {
                            others.sort_unstable_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
                            let others = others.into_iter().map(|(_, b)| (articles[a], articles[b]));
                            close.extend(others.filter(|(a, b)| self.of(*a, *b) >= RELATED).take(PAIRED));
                        }
                        found.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(close);
                    }
                });
            }
        });
        found.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The mean of an article's vectors, scaled to unit length.
    fn mean(&self, article: ArticleId) -> Vec<f32> {
        let mut mean = vec![0.0; self.dims];
        for vector in self.vectors(article) {
            mean.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        }
        let length = mean.iter().map(|value| value * value).sum::<f32>().sqrt();
        mean.iter_mut().for_each(|value| *value /= length.max(f32::MIN_POSITIVE));
        mean
    }
}
