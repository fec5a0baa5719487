//! Versions of one article under one hit: news is copied, and ten copies are one answer.

use std::collections::{BTreeSet, HashMap};

use crate::store::StoreError;
use crate::text::shingles::{Overlap, shingles};
use crate::types::ArticleId;

use super::fusion::Candidate;
use super::{Request, Searcher};

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

/// How many candidates [`Searcher::fold`] looks at for `k` hits, where no more are folded.
pub fn looked_at(k: usize) -> usize {
    k.saturating_mul(1 + BEYOND)
}

/// Shingles of an article that are looked up, the least of their hashes: a sample that is the same for all articles (Broder
/// 1997). Of two versions, half of whose shingles are shared at least, all are missing from the other once in 60,000 times.
const SAMPLED: usize = 16;

impl Searcher<'_> {
    /// The first `k` candidates that are not versions of one before them, with those that are; each alone where versions are
    /// not to be folded.
    ///
    /// Two articles are versions of one where their bodies read the same, or half of their runs of five words are in both
    /// ([`Overlap::NEAR_IDENTICAL`]). Every version is compared with the hit that it is listed under, so there are no chains.
    ///
    /// # Errors
    /// When the store fails.
    pub fn fold(&self, ranked: &[Candidate], request: &Request<'_>) -> Result<Vec<Folded>, StoreError> {
        let alone = |best: &Candidate| Folded { best: *best, versions: Vec::new() };
        if !request.fold {
            return Ok(ranked.iter().take(request.k).map(alone).collect());
        }
        let mut folded: Vec<Folded> = Vec::new();
        let mut texts: Vec<Vec<u64>> = Vec::new();
        let mut having: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, candidate) in ranked.iter().enumerate() {
            if folded.len() >= request.k && at >= looked_at(request.k) {
                break;
            }
            let own = shingles(&self.store.text(candidate.article)?);
            let sample = &own[..own.len().min(SAMPLED)];
            let near: BTreeSet<usize> =
                sample.iter().filter_map(|shingle| having.get(shingle)).flatten().copied().collect();
            let same = |hit: &usize| Overlap::between(&own, &texts[*hit]).jaccard >= Overlap::NEAR_IDENTICAL;
            if let Some(hit) = near.into_iter().find(same) {
                folded[hit].versions.push(candidate.article);
            } else if folded.len() < request.k {
                sample.iter().for_each(|shingle| having.entry(*shingle).or_default().push(folded.len()));
                folded.push(alone(candidate));
                texts.push(own);
            }
        }
        Ok(folded)
    }
}
