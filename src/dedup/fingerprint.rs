//! A sample of a text's shingles such that whatever run of words two texts share, they share a sampled shingle of it.
//!
//! Winnowing (Schleimer, Wilkerson and Aiken, "Winnowing: local algorithms for document fingerprinting", 2003): of every
//! `WINDOW` shingles in a row the one with the least hash is kept. It is the same in every text that has the row, so
//! [`GUARANTEED`] words in common are never missed; about two in `WINDOW + 1` shingles are kept. Signatures of whole texts
//! (MinHash) would be smaller, but cannot see a short text inside of a long one.

use crate::text::shingles::WORDS;

/// Shingles in a row of which one is kept.
const WINDOW: usize = 8;

/// Words in a row that two texts have in common, from which on they share a fingerprint.
pub const GUARANTEED: usize = WINDOW + WORDS - 1;

/// Bits of a fingerprint: what is found by one is verified, so that few are enough.
pub const BITS: u32 = 38;

/// Shingles below which a text keeps all of them: a teaser has no long run of words to share.
const FEW: usize = 32;

/// The fingerprints of a text whose shingles are given in the order of the text, ascending, each once.
pub fn fingerprints(shingles: &[u64]) -> Vec<u64> {
    let mut kept: Vec<u64> = if shingles.len() < FEW {
        shingles.to_vec()
    } else {
        shingles.windows(WINDOW).map(|window| window.iter().min().copied().unwrap_or_default()).collect()
    };
    kept.iter_mut().for_each(|hash| *hash >>= u64::BITS - BITS);
    kept.sort_unstable();
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::shingles::shingles_in_order;

    fn of(words: &[u64]) -> Vec<u64> {
        fingerprints(&shingles_in_order(words))
    }

    #[test]
    fn few_words_keep_all_of_their_fingerprints() {
        assert_eq!(of(&[]), [0; 0]);
        assert_eq!(of(&[1, 2]).len(), 1);
        assert_eq!(of(&[1, 2, 3, 4, 5, 6, 7]).len(), 3);
    }

    proptest! {
        #[test]
        fn a_shared_run_of_words_is_never_missed(
            before in proptest::collection::vec(any::<u64>(), 0..80),
            shared in proptest::collection::vec(any::<u64>(), GUARANTEED..60),
            after in proptest::collection::vec(any::<u64>(), 0..80),
        ) {
            let a = of(&[&before[..], &shared[..], &after[..]].concat());
            let b = of(&[&after[..], &shared[..], &before[..]].concat());
            prop_assert!(a.iter().any(|fingerprint| b.contains(fingerprint)));
        }

        #[test]
        fn few_shingles_are_kept(words in proptest::collection::vec(any::<u64>(), 400)) {
            let kept = of(&words).len();
            prop_assert!((50..130).contains(&kept), "{kept} of 396");
        }
    }
}
