//! How answers look to programs: the JSON of the command line's `--json`, and of the server.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`article`] | articles: a few fields of one, or all of it |
//! | [`new_article`] | an article that a program sends |
//! | [`hit`] | what a search found, and what is close to an article |
//! | [`copies`] | pairs, comparisons and groups of articles |
//! | [`store`] | what a store holds, in numbers |
//! | `schema` | the names that kinds of things have, for the description of the interface (feature `server`) |
//!
//! Every shape is made of a value of another room and decides nothing. Its documentation is what people read who write programs
//! against it: with the feature `server` it becomes the description of each field in the OpenAPI document. Offsets count
//! characters (Unicode scalar values) of the text as published, from 0, and the end is one past the last. Scores have six
//! digits behind the point. What is not known is `null`, never left out, unless a field says so.

pub mod article;
pub mod copies;
pub mod hit;
pub mod new_article;
#[cfg(feature = "server")]
mod schema;
pub mod store;

pub use article::{Article, FullArticle, Passage};
pub use copies::{Comparison, Credit, Credits, Equal, Fact, Group, Kind, Member, Mention, Pair, Stretch, Texts};
pub use hit::{Answer, Hit, PassageHit, Place, Reasons, Related, Term};
pub use new_article::NewArticle;
pub use store::{Copies, Facet, LabelName, Model, Stats, Status};

use serde::Serialize;

use crate::types::{CharSpan, Score};

/// A part of a text, in characters (Unicode scalar values).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Span {
    /// The first character, from 0.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

impl From<CharSpan> for Span {
    fn from(CharSpan { start, end }: CharSpan) -> Self {
        Self { start, end }
    }
}

fn spans(spans: &[CharSpan]) -> Vec<Span> {
    spans.iter().copied().map(Span::from).collect()
}

/// A score with the digits that mean something.
pub fn number(score: Score) -> f64 {
    (f64::from(score) * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests;
