//! Who copied whom: pairs of identical, nearly identical and related articles.
//!
//! Candidates come from three sources, and every pair is verified before it is reported:
//!
//! 1. equal bodies, by the key of their analysis form;
//! 2. shared runs of five words ([`overlaps`]), verified by exact Jaccard index and containment both ways;
//! 3. close mean vectors ([`related`]), verified passage by passage.

pub mod comparison;
pub mod credits;
pub mod facts;
pub mod moment;
pub mod overlaps;
pub mod related;

use std::collections::{HashMap, HashSet};

use crate::kernels::Isa;
use crate::search::SearchError;
use crate::store::{Header, Store, TextKey};
use crate::text::shingles::Overlap;
use crate::types::{ArticleId, PartialDate, Score};

/// What two articles are to each other, from the strongest to the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The bodies read the same. Each copy is paired with the first that was stored.
    Identical,
    /// At least half of the runs of five words are in both.
    NearIdentical,
    /// At least three in ten of the runs of five words of one are in the other.
    SharedText,
    /// The passages mean nearly the same, in other words, at nearly the same time.
    Related,
}

impl Relation {
    /// The name for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::NearIdentical => "near-identical",
            Self::SharedText => "shared-text",
            Self::Related => "related",
        }
    }
}

/// Containment from which on one article shares text with another.
pub const SHARED_TEXT: f32 = 0.3;

/// Days between two articles beyond which closeness in meaning is a common subject rather than a common event.
pub const SAME_EVENT_DAYS: i64 = 7;

/// Two articles that belong together; `a` is the earlier, by date and then by the order in which they were stored.
#[derive(Clone, Debug)]
pub struct Pair {
    /// What they are to each other.
    pub relation: Relation,
    /// The earlier.
    pub a: Header,
    /// The later.
    pub b: Header,
    /// Runs of five words in both, over those in either.
    pub jaccard: f32,
    /// The share of `a`'s runs of five words that are in `b`.
    pub a_in_b: f32,
    /// The share of `b`'s runs of five words that are in `a`.
    pub b_in_a: f32,
    /// [`closeness`](crate::search::related::closeness) of their passages.
    pub closeness: Score,
}

/// All pairs of a store, the strongest relation first, then the greatest Jaccard index and closeness.
///
/// # Errors
/// When the store fails.
pub fn pairs(store: &Store, isa: Isa) -> Result<Vec<Pair>, SearchError> {
    let keys = store.text_keys()?;
    let texts: HashMap<ArticleId, TextKey> = keys.iter().copied().collect();
    // Articles that read the same are one to the slower sources: the first stands for them.
    let mut groups: HashMap<TextKey, Vec<ArticleId>> = HashMap::new();
    for (article, key) in &keys {
        groups.entry(*key).or_default().push(*article);
    }
    let first: Vec<ArticleId> =
        keys.iter().filter(|(article, key)| groups[key][0] == *article).map(|(article, _)| *article).collect();

    let mut found: HashMap<(ArticleId, ArticleId), (Relation, Overlap)> = HashMap::new();
    // Each copy is paired with the first, not with every other: a text that came a thousand times makes 999 pairs.
    for members in groups.values() {
        for copy in &members[1..] {
            found.insert((members[0], *copy), (Relation::Identical, Overlap::whole()));
        }
    }
    for (a, b, overlap) in overlaps::overlaps(store, &first)? {
        if let Some(relation) = overlaps::relation(overlap) {
            found.insert((a, b), (relation, overlap));
        }
    }
    let close = related::Closeness::new(store, isa)?;
    let known: HashSet<(ArticleId, ArticleId)> = found.keys().copied().collect();
    for (a, b) in close.pairs(&first) {
        if !known.contains(&(a, b)) && texts[&a] != texts[&b] {
            let overlap = overlaps::overlap(store, a, b)?;
            found.insert((a, b), (overlaps::relation(overlap).unwrap_or(Relation::Related), overlap));
        }
    }

    let mut pairs = Vec::with_capacity(found.len());
    for ((a, b), (relation, overlap)) in found {
        let closeness = close.of(a, b);
        let (a, b) = (store.header(a)?, store.header(b)?);
        if relation == Relation::Related && !may_be_same_event(a.date, b.date) {
            continue;
        }
        let later = |header: &Header| header.date.map(|date| date.first_day());
        // An article without a date says nothing of its time.
        let swap = matches!((later(&a), later(&b)), (Some(a), Some(b)) if b < a);
        let ((a, b), (a_in_b, b_in_a)) =
            if swap { ((b, a), (overlap.b_in_a, overlap.a_in_b)) } else { ((a, b), (overlap.a_in_b, overlap.b_in_a)) };
        pairs.push(Pair { relation, a, b, jaccard: overlap.jaccard, a_in_b, b_in_a, closeness });
    }
    pairs.sort_by(|p, q| {
        p.relation
            .cmp(&q.relation)
            .then(q.jaccard.total_cmp(&p.jaccard))
            .then(q.closeness.total_cmp(&p.closeness))
            .then(p.a.id.cmp(&q.a.id))
            .then(p.b.id.cmp(&q.b.id))
    });
    Ok(pairs)
}

/// Whether two dates, as precise as they are, may be [`SAME_EVENT_DAYS`] apart or less; an unknown date may be any.
fn may_be_same_event(a: Option<PartialDate>, b: Option<PartialDate>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return true };
    let apart = |earlier: PartialDate, later: PartialDate| {
        later.first_day().duration_since(earlier.last_day()).as_hours() > 24 * SAME_EVENT_DAYS
    };
    !apart(a, b) && !apart(b, a)
}

#[cfg(test)]
mod tests;
