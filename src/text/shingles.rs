//! Shared runs of words: how much text two articles have in common.
//!
//! A shingle is a run of five words, in lower case, without punctuation (Broder 1997).

use super::words::{run, words};

/// Words of a shingle.
pub const WORDS: usize = 5;

/// How much text two articles share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overlap {
    /// Shingles in both, over those in either.
    pub jaccard: f32,
    /// The share of the first's shingles that are in the second.
    pub a_in_b: f32,
    /// The share of the second's shingles that are in the first.
    pub b_in_a: f32,
}

impl Overlap {
    /// Jaccard index from which on two articles are nearly identical: half of the runs of five words are in both.
    pub const NEAR_IDENTICAL: f32 = 0.5;

    /// That of two texts that read the same.
    pub fn whole() -> Self {
        Self { jaccard: 1.0, a_in_b: 1.0, b_in_a: 1.0 }
    }

    /// Of two ascending lists of shingles.
    pub fn between(a: &[u64], b: &[u64]) -> Self {
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
    shingles_of(words(text).hashes())
}

/// The [`shingles`] of a text, by the hashes of its words.
pub fn shingles_of(words: &[u64]) -> Vec<u64> {
    let mut shingles = shingles_in_order(words);
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

/// The shingles of a text in its order, by the hashes of its words.
pub fn shingles_in_order(words: &[u64]) -> Vec<u64> {
    if words.len() < WORDS { words.chunks(WORDS).map(run).collect() } else { words.windows(WORDS).map(run).collect() }
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
        assert_eq!(overlap("", "a").jaccard, 0.0);
    }
}
