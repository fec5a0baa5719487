//! Passages to articles.

use std::collections::HashMap;

use crate::index::{Allowed, VectorView};
use crate::store::{Store, StoreError};
use crate::types::{ArticleId, ArticleSet, Score};

/// Vectors asked for at first, for each article wanted: an article has several passages near a question about it.
const FIRST_ROUND: usize = 4;

/// A filter that leaves less than one article for so many vectors is a list of vectors to the view; one that leaves more is
/// looked at where vectors become articles.
const SELECTIVE: usize = 16;

/// The `k` articles whose closest passage is closest to `query`, with that passage's score; greatest first, then in the
/// order of articles.
///
/// Asks the view for more vectors until there are `k` articles or no vectors left, so that an article with many close
/// passages, a text that many articles share, or a filter hides no other.
///
/// # Errors
/// When the store fails.
pub fn closest_articles(
    query: &[f32],
    k: usize,
    allowed: Option<&ArticleSet>,
    view: &dyn VectorView,
    store: &Store,
) -> Result<Vec<(ArticleId, Score)>, StoreError> {
    let few = allowed.filter(|articles| articles.len() * SELECTIVE < view.len());
    let vectors = few.map(|articles| store.vectors_of(articles)).transpose()?.map(Allowed::new);
    let mut wanted = FIRST_ROUND.saturating_mul(k);
    loop {
        let found = view.search(query, wanted, vectors.as_ref());
        let exhausted = found.len() < wanted || wanted >= view.len();
        let scores: HashMap<_, _> = found.iter().copied().collect();
        let ids: Vec<_> = found.into_iter().map(|(vector, _)| vector).collect();
        let mut best: HashMap<ArticleId, Score> = HashMap::new();
        for located in store.passages_with(&ids, allowed)? {
            let score = scores[&located.passage.vector];
            let entry = best.entry(located.article).or_insert(score);
            *entry = entry.max(score);
        }
        if best.len() >= k || exhausted {
            let mut articles: Vec<_> = best.into_iter().collect();
            articles.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            articles.truncate(k);
            return Ok(articles);
        }
        wanted = wanted.saturating_mul(4);
    }
}
