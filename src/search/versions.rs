//! Versions of one article under one hit: news is copied, and ten copies are one answer.

use crate::store::{Store, StoreError};
use crate::text::shingles::{Overlap, shingles};
use crate::types::ArticleId;

use super::fusion::Candidate;

/// Candidates that are looked at beyond the hits for further versions of these, for each hit.
const BEYOND: usize = 2;

/// A candidate that stands for others.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// The best ranked of the versions.
    pub best: Candidate,
    /// The others, best ranked first.
    pub versions: Vec<ArticleId>,
}

/// How many candidates [`fold`] looks at for `k` hits, where no more are folded.
pub fn looked_at(k: usize) -> usize {
    k.saturating_mul(1 + BEYOND)
}

/// The first `k` candidates that are not versions of one before them, with those that are.
///
/// Two articles are versions of one where their bodies read the same, or half of their runs of five words are in both
/// ([`Overlap::NEAR_IDENTICAL`]). Every version is compared with the hit that it is listed under, so there are no chains.
///
/// # Errors
/// When the store fails.
pub fn fold(ranked: &[Candidate], k: usize, store: &Store) -> Result<Vec<Folded>, StoreError> {
    let mut folded: Vec<(Folded, Vec<u64>)> = Vec::new();
    for (at, candidate) in ranked.iter().enumerate() {
        if folded.len() >= k && at >= looked_at(k) {
            break;
        }
        let own = shingles(&store.text(candidate.article)?);
        let same = |(_, hit): &&mut (Folded, Vec<u64>)| {
            // No Jaccard index is greater than the ratio of the sizes.
            let (less, more) = (own.len().min(hit.len()), own.len().max(hit.len()));
            less as f32 >= Overlap::NEAR_IDENTICAL * more as f32
                && !own.is_empty()
                && Overlap::between(&own, hit).jaccard >= Overlap::NEAR_IDENTICAL
        };
        if let Some((hit, _)) = folded.iter_mut().find(same) {
            hit.versions.push(candidate.article);
        } else if folded.len() < k {
            folded.push((Folded { best: *candidate, versions: Vec::new() }, own));
        }
    }
    Ok(folded.into_iter().map(|(hit, _)| hit).collect())
}
