//! Which articles of a store have text in common: an inverted index over all [shingles]; each pair of it is then verified
//! exactly.

use std::collections::HashMap;

use super::{Relation, SHARED_TEXT};
use crate::store::{Store, StoreError};
use crate::text::shingles::{Overlap, shingles};
use crate::types::ArticleId;

/// Articles beyond which a shingle is a turn of phrase rather than evidence: it makes no candidates.
const TOO_COMMON: usize = 200;

/// The relation that this much shared text makes, if any.
pub fn relation(overlap: Overlap) -> Option<Relation> {
    if overlap.jaccard >= Overlap::NEAR_IDENTICAL {
        Some(Relation::NearIdentical)
    } else if overlap.a_in_b.max(overlap.b_in_a) >= SHARED_TEXT {
        Some(Relation::SharedText)
    } else {
        None
    }
}

/// How much text two stored articles share.
///
/// # Errors
/// When the store fails.
pub fn overlap(store: &Store, a: ArticleId, b: ArticleId) -> Result<Overlap, StoreError> {
    Ok(Overlap::between(&shingles(&store.text(a)?), &shingles(&store.text(b)?)))
}

/// The pairs of `articles` (ascending) that share enough shingles for a relation, the lower id first, each verified.
///
/// # Errors
/// When the store fails.
pub fn overlaps(store: &Store, articles: &[ArticleId]) -> Result<Vec<(ArticleId, ArticleId, Overlap)>, StoreError> {
    let mut sets = Vec::with_capacity(articles.len());
    for article in articles {
        sets.push(shingles(&store.text(*article)?));
    }
    let mut postings: Vec<(u64, u32)> = sets
        .iter()
        .enumerate()
        .flat_map(|(at, shingles)| shingles.iter().map(move |shingle| (*shingle, at as u32)))
        .collect();
    postings.sort_unstable();
    let mut shared: HashMap<(u32, u32), u32> = HashMap::new();
    for run in postings.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1 && run.len() <= TOO_COMMON) {
        for (at, (_, a)) in run.iter().enumerate() {
            for (_, b) in &run[at + 1..] {
                *shared.entry((*a, *b)).or_default() += 1;
            }
        }
    }
    let mut found = Vec::new();
    for ((a, b), count) in shared {
        let (a, b) = (a as usize, b as usize);
        // Common shingles were not counted: half of what a relation asks for is enough to look closer.
        let least = sets[a].len().min(sets[b].len()) as f32 * SHARED_TEXT / 2.0;
        if count as f32 >= least {
            let overlap = Overlap::between(&sets[a], &sets[b]);
            if relation(overlap).is_some() {
                found.push((articles[a], articles[b], overlap));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relation_of_an_overlap() {
        let overlap = |a: &str, b: &str| Overlap::between(&shingles(a), &shingles(b));
        assert_eq!(relation(overlap("a b c d e f", "b c d e f g")), Some(Relation::SharedText));
        assert_eq!(relation(overlap("a b c d e f g h", "a b c d e f g h")), Some(Relation::NearIdentical));
        assert_eq!(relation(overlap("", "a")), None);
    }
}
