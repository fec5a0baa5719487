//! Groups that hold: versions of one text around the earliest of them.
//!
//! Texts are taken in one order, the earliest first. Each joins the representative before it that it is the surest version of,
//! or else becomes a representative itself. So every member was compared with its representative, a chain of small changes
//! ends where the first and the last are no longer versions of each other, and the groups depend on the texts alone, not on
//! the order in which they were stored. Tools that join whatever is connected merge thousands of unrelated articles.

use std::collections::HashMap;

/// Two texts, one of which is a version of the other, by their places in the order of texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Versions {
    /// The earlier.
    pub earlier: usize,
    /// The later.
    pub later: usize,
    /// How much they are the same: the greater, the surer.
    pub alike: f32,
}

/// The representative of each text that is no representative itself, by its place; `versions` in any order.
pub fn groups(versions: &[Versions]) -> HashMap<usize, usize> {
    let mut later: Vec<&Versions> = versions.iter().collect();
    // For each text in order, the surest representative first, then the earliest.
    later.sort_unstable_by(|a, b| {
        a.later.cmp(&b.later).then(b.alike.total_cmp(&a.alike)).then(a.earlier.cmp(&b.earlier))
    });
    let mut representatives: HashMap<usize, usize> = HashMap::new();
    for own in later.chunk_by(|a, b| a.later == b.later) {
        if let Some(joined) = own.iter().find(|pair| !representatives.contains_key(&pair.earlier)) {
            representatives.insert(joined.later, joined.earlier);
        }
    }
    representatives
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn versions(earlier: usize, later: usize, alike: f32) -> Versions {
        Versions { earlier, later, alike }
    }

    #[test]
    fn a_chain_is_cut_where_the_first_is_lost() {
        // 0 - 1 - 2 - 3, each a version of the one before only.
        let found = groups(&[versions(0, 1, 0.9), versions(1, 2, 0.9), versions(2, 3, 0.9)]);
        assert_eq!(found, HashMap::from([(1, 0), (3, 2)]));
    }

    #[test]
    fn the_surest_representative_is_joined() {
        let found = groups(&[versions(0, 2, 0.6), versions(1, 2, 0.8), versions(0, 3, 0.7), versions(1, 3, 0.7)]);
        assert_eq!(found, HashMap::from([(2, 1), (3, 0)]));
    }

    proptest! {
        #[test]
        fn members_are_versions_of_a_representative_in_whatever_order(
            (pairs, shuffled) in proptest::collection::btree_map((0..30usize, 0..30usize), 1..9u8, 0..80)
                .prop_map(|pairs| pairs.into_iter().filter(|((a, b), _)| a < b)
                    .map(|((a, b), alike)| versions(a, b, f32::from(alike) / 10.0)).collect::<Vec<_>>())
                .prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle()))
        ) {
            let found = groups(&pairs);
            prop_assert_eq!(&found, &groups(&shuffled));
            for (member, representative) in &found {
                prop_assert!(!found.contains_key(representative));
                prop_assert!(pairs.iter().any(|pair| pair.earlier == *representative && pair.later == *member));
            }
            for pair in &pairs {
                prop_assert!(
                    found.contains_key(&pair.later) || found.contains_key(&pair.earlier),
                    "one of two versions is no representative"
                );
            }
        }
    }
}
