//! Who copied whom, where, and how much.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`fingerprint`] | a sample of a text by which shared runs of words are never missed |
//! | [`candidates`] | texts with enough fingerprints in common to be compared |
//! | [`stories`] | texts that are close in meaning and of the same days |
//! | [`mod@align`] | the stretches that two texts share, with their places |
//! | [`facts`] | names, numbers and quotations in common |
//! | [`credits`] | agencies that an article names as its source |
//! | [`moment`] | when an article was published, to the minute where its source says so |
//! | [`evidence`] | all of that about two texts, and what it makes them to each other |
//! | [`groups`] | versions around a representative, without chains |
//! | [`register`] | what was found, in a file beside the other views |
//! | [`catch_up`] | keeps the register up to date |
//! | [`copies`] | pairs and groups of articles, out of the register |
//! | [`comparison`] | two articles beside each other |
//! | [`blocks`] | their texts beside each other: what is equal, edited, moved, or only in one |
//!
//! Candidates are found by what they share, never by comparing all with all, and every pair is compared exactly before it is
//! reported. A text, not an article, is what is compared: articles that read the same are one.

pub mod align;
pub mod blocks;
pub mod candidates;
pub mod catch_up;
pub mod comparison;
pub mod copies;
pub mod credits;
pub mod evidence;
pub mod facts;
pub mod fingerprint;
pub mod groups;
pub mod moment;
pub mod register;
pub mod stories;

use crate::store::{Store, StoreError};
use crate::types::{ArticleId, Span};

pub use catch_up::{Progress, Stage, again, at_hand, caught_up};
pub use comparison::{Comparison, Group, Member, Precedence, Relation, Side, Subject, compare};
pub use copies::{Copies, Pair, Selection};
pub use register::{Counts, Health, Known, Register, RegisterError, counts, health, lag};

/// The body of a stored article as published, with its page furniture, in bytes and ascending.
fn source(store: &Store, article: ArticleId) -> Result<(String, Vec<Span>), StoreError> {
    let text = store.text(article)?;
    let mut furniture: Vec<Span> =
        store.boilerplate_of(article)?.into_iter().map(|span| span.to_bytes(&text)).collect();
    furniture.sort_unstable();
    Ok((text, furniture))
}

#[cfg(test)]
mod tests;
