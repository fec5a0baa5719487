//! Articles close to an article, by all of its passages.

use std::collections::HashMap;

use super::present::show;
use super::{PassageHit, SearchError, dot};
use crate::index::{Allowed, VectorView};
use crate::store::{Field, Filter, Header, Store, StoreError, StoredPassage};
use crate::types::{ArticleId, ArticleSet, PartialDate, Period, Score, VectorId};

/// Vectors asked for around each passage of the article.
const AROUND_EACH: usize = 32;

/// Articles that are compared passage by passage, for each one wanted.
const COMPARED: usize = 8;

/// Which articles close to one are wanted.
#[derive(Clone, Debug)]
pub struct RelatedRequest {
    /// How many at most.
    pub k: usize,
    /// Which may be returned.
    pub filter: Filter,
    /// How far their dates may be from that of the article.
    pub within: Option<Period>,
}

impl RelatedRequest {
    /// The filter for an article of this date.
    ///
    /// # Errors
    /// When a distance in time is asked for, and `key` has no date to count from.
    pub fn filter_around(&self, key: &str, date: Option<PartialDate>) -> Result<Filter, SearchError> {
        match (self.within, date) {
            (None, _) => Ok(self.filter.clone()),
            (Some(within), Some(date)) => Ok(self.filter.clone().within(within, date)),
            (Some(_), None) => Err(SearchError::Undated(key.to_owned())),
        }
    }
}

/// An article close to another.
#[derive(Clone, Debug)]
pub struct Related {
    /// Its place, from 1.
    pub rank: usize,
    /// [`closeness`] of the two.
    pub score: Score,
    /// The article.
    pub article: Header,
    /// Its passage that is closest to one of the other article.
    pub passage: PassageHit,
    /// That one, as its place among the vectors that were given.
    pub to: usize,
}

/// How close two articles are: the mean over the passages of each of the score of its closest passage in the other, both
/// ways together (the symmetric Chamfer similarity); vectors are of unit length. 1 for the same passages in any order; a short article inside a long
/// one is less close to it than a copy.
pub fn closeness(a: &[&[f32]], b: &[&[f32]]) -> Score {
    let best = |from: &[f32], among: &[&[f32]]| among.iter().map(|to| dot(from, to)).fold(f32::NEG_INFINITY, f32::max);
    let mean = |from: &[&[f32]], among: &[&[f32]]| {
        from.iter().map(|vector| best(vector, among)).sum::<f32>() / from.len() as f32
    };
    if a.is_empty() || b.is_empty() { 0.0 } else { (mean(a, b) + mean(b, a)) / 2.0 }
}

/// The `k` articles, of the `allowed` ones or of all, that are closest to the one with these passage vectors; `itself` is left
/// out. Exactly `k` come if that many have a passage. Equal scores come in the order of articles.
///
/// # Errors
/// When the store fails.
pub fn related(
    vectors: &[Vec<f32>],
    itself: Option<ArticleId>,
    k: usize,
    allowed: Option<&ArticleSet>,
    view: &dyn VectorView,
    store: &Store,
) -> Result<Vec<Related>, SearchError> {
    let compared = COMPARED.saturating_mul(k);
    let candidates = match allowed {
        // Few enough to compare them all.
        Some(few) if few.len() <= compared => few.iter().filter(|article| Some(*article) != itself).collect(),
        _ => nearest(vectors, itself, k, allowed, view, store)?,
    };

    let vectors: Vec<Vec<f32>> = vectors.iter().map(|vector| unit(vector)).collect();
    let own: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
    let mut compared = Vec::with_capacity(candidates.len());
    for article in candidates {
        let passages = body_passages(store, article)?;
        if passages.is_empty() {
            continue;
        }
        let theirs = store.vectors(&passages.iter().map(|passage| passage.vector).collect::<Vec<_>>())?;
        let theirs: Vec<Vec<f32>> = theirs.iter().map(|vector| unit(vector)).collect();
        let score = closeness(&own, &theirs.iter().map(Vec::as_slice).collect::<Vec<_>>());
        compared.push((article, score, passages, theirs));
    }
    compared.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    compared.truncate(k);

    let mut found = Vec::with_capacity(compared.len());
    for (at, (article, score, passages, theirs)) in compared.into_iter().enumerate() {
        let pairs = own.iter().enumerate().flat_map(|(to, own)| {
            passages.iter().zip(&theirs).map(move |(passage, other)| (to, passage, dot(own, other)))
        });
        let Some((to, passage, pair_score)) = pairs.reduce(|best, next| if next.2 > best.2 { next } else { best })
        else {
            continue;
        };
        found.push(Related {
            rank: at + 1,
            score,
            article: store.header(article)?,
            passage: show(article, *passage, pair_score, store)?,
            to,
        });
    }
    Ok(found)
}

/// Articles with passages near `vectors`, nearest first: at least `k` if there are that many, enough of them to compare.
fn nearest(
    vectors: &[Vec<f32>],
    itself: Option<ArticleId>,
    k: usize,
    allowed: Option<&ArticleSet>,
    view: &dyn VectorView,
    store: &Store,
) -> Result<Vec<ArticleId>, SearchError> {
    let ids = allowed.map(|articles| store.vectors_of(articles)).transpose()?;
    let all = ids.as_ref().map_or(view.len(), Vec::len);
    let ids = ids.map(Allowed::new);
    let mut around = AROUND_EACH.max(k.saturating_mul(2));
    loop {
        let mut candidates = near(vectors, around, (allowed, ids.as_ref()), view, store)?;
        candidates.retain(|article| Some(*article) != itself);
        if candidates.len() >= k || around >= all {
            candidates.truncate(COMPARED.saturating_mul(k));
            return Ok(candidates);
        }
        around = around.saturating_mul(4);
    }
}

/// Articles with a passage among the `around` nearest to one of `vectors`, by the sum over these of the score of the nearest;
/// greatest first.
fn near(
    vectors: &[Vec<f32>],
    around: usize,
    (articles, allowed): (Option<&ArticleSet>, Option<&Allowed>),
    view: &dyn VectorView,
    store: &Store,
) -> Result<Vec<ArticleId>, SearchError> {
    let mut sums: HashMap<ArticleId, Score> = HashMap::new();
    for vector in vectors {
        let near = view.search(vector, around, allowed);
        let scores: HashMap<VectorId, Score> = near.iter().copied().collect();
        let ids: Vec<VectorId> = near.into_iter().map(|(id, _)| id).collect();
        let mut best: HashMap<ArticleId, Score> = HashMap::new();
        for located in store.passages_with(&ids, articles)? {
            let entry = best.entry(located.article).or_insert(f32::NEG_INFINITY);
            *entry = entry.max(scores[&located.passage.vector]);
        }
        for (article, score) in best {
            *sums.entry(article).or_default() += score;
        }
    }
    let mut candidates: Vec<_> = sums.into_iter().collect();
    candidates.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    Ok(candidates.into_iter().map(|(article, _)| article).collect())
}

/// A vector scaled to unit length: closeness compares by cosine, whatever the model.
pub(crate) fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter().map(|value| value / length).collect()
}

/// The passages of an article's body, or of its title where it has no other.
pub fn body_passages(store: &Store, article: ArticleId) -> Result<Vec<StoredPassage>, StoreError> {
    let passages = store.passages_of(article)?;
    let body: Vec<_> = passages.iter().copied().filter(|passage| passage.field == Field::Body).collect();
    Ok(if body.is_empty() { passages } else { body })
}
