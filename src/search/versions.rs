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

/// Knows which articles are versions of one.
pub trait Groups {
    /// The group that an article is in: the same for its versions, and no other's; none for an article that is not known.
    ///
    /// # Errors
    /// When what is known cannot be read.
    fn group(&self, article: ArticleId) -> Result<Option<i64>, GroupsLost>;
}

/// Groups that cannot be read: versions are then told by their texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupsLost;

impl Searcher<'_> {
    /// The first `k` candidates that are not versions of one before them, with those that are; each alone where versions are
    /// not to be folded.
    ///
    /// Versions are what stands in one group. Where no groups are known, or they cannot be read, two articles are versions of one if their bodies
    /// read the same, or half of their runs of five words are in both ([`Overlap::NEAR_IDENTICAL`]), each compared with the
    /// hit that it is listed under. There are no chains in either case.
    ///
    /// # Errors
    /// When the store fails.
    pub fn fold(&self, ranked: &[Candidate], request: &Request<'_>) -> Result<Vec<Folded>, StoreError> {
        if !request.fold {
            let alone = |best: &Candidate| Folded { best: *best, versions: Vec::new() };
            return Ok(ranked.iter().take(request.k).map(alone).collect());
        }
        match self.groups.map(|groups| fold_groups(ranked, request.k, groups)) {
            Some(Ok(folded)) => Ok(folded),
            None | Some(Err(GroupsLost)) => self.fold_alike(ranked, request.k),
        }
    }

    /// Folds what reads nearly the same.
    fn fold_alike(&self, ranked: &[Candidate], k: usize) -> Result<Vec<Folded>, StoreError> {
        let mut folded: Vec<Folded> = Vec::new();
        let mut texts: Vec<Vec<u64>> = Vec::new();
        let mut having: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, candidate) in ranked.iter().enumerate() {
            if folded.len() >= k && at >= looked_at(k) {
                break;
            }
            let own = shingles(&self.store.text(candidate.article)?);
            let sample = &own[..own.len().min(SAMPLED)];
            let near: BTreeSet<usize> =
                sample.iter().filter_map(|shingle| having.get(shingle)).flatten().copied().collect();
            let same = |hit: &usize| Overlap::between(&own, &texts[*hit]).jaccard >= Overlap::NEAR_IDENTICAL;
            if let Some(hit) = near.into_iter().find(same) {
                folded[hit].versions.push(candidate.article);
            } else if folded.len() < k {
                sample.iter().for_each(|shingle| having.entry(*shingle).or_default().push(folded.len()));
                folded.push(Folded { best: *candidate, versions: Vec::new() });
                texts.push(own);
            }
        }
        Ok(folded)
    }
}

/// Folds what stands in one group.
fn fold_groups(ranked: &[Candidate], k: usize, groups: &dyn Groups) -> Result<Vec<Folded>, GroupsLost> {
    let mut folded: Vec<Folded> = Vec::new();
    let mut hits: HashMap<i64, usize> = HashMap::new();
    for (at, candidate) in ranked.iter().enumerate() {
        if folded.len() >= k && at >= looked_at(k) {
            break;
        }
        let group = groups.group(candidate.article)?;
        if let Some(hit) = group.and_then(|group| hits.get(&group)) {
            folded[*hit].versions.push(candidate.article);
        } else if folded.len() < k {
            hits.extend(group.map(|group| (group, folded.len())));
            folded.push(Folded { best: *candidate, versions: Vec::new() });
        }
    }
    Ok(folded)
}
