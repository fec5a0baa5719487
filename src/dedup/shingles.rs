//! Shared runs of words: which articles have text in common, and how much.
//!
//! A shingle is a run of five words, in lower case, without punctuation (Broder 1997). Candidates come from an inverted
//! index over all shingles; each is then verified exactly.

use std::collections::HashMap;

use super::{NEAR_IDENTICAL, Relation, SHARED_TEXT};
use crate::store::{Store, StoreError};
use crate::text::analysis_form;
use crate::types::ArticleId;

/// Words of a shingle.
const WORDS: usize = 5;

/// Articles beyond which a shingle is a turn of phrase rather than evidence: it makes no candidates.
const TOO_COMMON: usize = 200;

/// How much text two articles share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlap {
    /// Shingles in both, over those in either.
    pub jaccard: f32,
    /// The share of the first's shingles that are in the second.
    pub a_in_b: f32,
    /// The share of the second's shingles that are in the first.
    pub b_in_a: f32,
}

impl Overlap {
    /// That of two texts that read the same.
    pub fn whole() -> Self {
        Self { jaccard: 1.0, a_in_b: 1.0, b_in_a: 1.0 }
    }

    /// The relation that this much shared text makes, if any.
    pub fn relation(self) -> Option<Relation> {
        if self.jaccard >= NEAR_IDENTICAL {
            Some(Relation::NearIdentical)
        } else if self.a_in_b.max(self.b_in_a) >= SHARED_TEXT {
            Some(Relation::SharedText)
        } else {
            None
        }
    }

    /// Of two ascending lists of shingles.
    fn between(a: &[u64], b: &[u64]) -> Self {
        let (mut i, mut j, mut both) = (0, 0, 0usize);
        while i < a.len() && j < b.len() {
            match a[i].cmp(&b[j]) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => {
                    both += 1;
                    i += 1;
                    j += 1;
                }
            }
        }
        let share = |of: usize| if of == 0 { 0.0 } else { both as f32 / of as f32 };
        Self { jaccard: share(a.len() + b.len() - both), a_in_b: share(a.len()), b_in_a: share(b.len()) }
    }
}

/// The shingles of a text, ascending, each once. A text of fewer than five words is one shingle.
pub fn shingles(text: &str) -> Vec<u64> {
    let form = analysis_form(text).to_lowercase();
    let words: Vec<&str> = form.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let hash = |words: &[&str]| {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in words.iter().flat_map(|word| word.bytes().chain([b' '])) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash
    };
    let mut shingles: Vec<u64> = if words.len() < WORDS {
        words.chunks(WORDS).map(hash).collect()
    } else {
        words.windows(WORDS).map(hash).collect()
    };
    shingles.sort_unstable();
    shingles.dedup();
    shingles
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
            if overlap.relation().is_some() {
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
    fn shingles_see_words_only() {
        assert_eq!(shingles("L’été, « dit-il », arrive."), shingles("l'été dit il arrive"));
        assert_eq!(shingles("un deux trois quatre cinq six").len(), 2);
        assert_eq!(shingles("un deux").len(), 1);
        assert!(shingles("…").is_empty());
    }

    #[test]
    fn overlaps_are_counted_exactly() {
        let overlap = |a: &str, b: &str| Overlap::between(&shingles(a), &shingles(b));
        assert_eq!(overlap("a b c d e", "a b c d e"), Overlap::whole());
        // b c d e f is shared; each has one of its own.
        let half = overlap("a b c d e f", "b c d e f g");
        assert_eq!((half.jaccard, half.a_in_b, half.b_in_a), (1.0 / 3.0, 0.5, 0.5));
        assert_eq!(half.relation(), Some(Relation::SharedText));
        assert_eq!(overlap("", "a").relation(), None);
    }
}
