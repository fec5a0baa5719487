//! Articles: the fields by which one is shown, or all of it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Span, spans};
use crate::store::{Field, Header, Store, StoreError, StoredPassage};
use crate::types::ArticleId;

/// An article without its text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Article {
    /// The source's own name for the article, unique in the store.
    pub id: String,
    /// Headline; null where there is none.
    pub title: Option<String>,
    /// Date of publication as precisely as it is known: `2023`, `2023-08` or `2023-08-22`; null where it is not.
    pub date: Option<String>,
    /// Publisher, site or file that it comes from; null where that is not known.
    pub source: Option<String>,
    /// Address on the web, as its source gave it; null where there is none.
    pub url: Option<String>,
    /// ISO 639-1 code of its language, stated or detected: `fr`; null where it is not known.
    pub language: Option<String>,
}

impl From<&Header> for Article {
    fn from(header: &Header) -> Self {
        Self {
            id: header.key.clone(),
            title: header.title.clone(),
            date: header.date.map(|date| date.to_string()),
            source: header.source.clone(),
            url: header.url.clone(),
            language: header.language.clone(),
        }
    }
}

/// An article with its text and what was made of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct FullArticle {
    /// The fields by which it is shown.
    #[serde(flatten)]
    pub article: Article,
    /// The body as published. Offsets of passages and furniture count its characters.
    pub text: String,
    /// Every other field that its source gave.
    pub metadata: Map<String, Value>,
    /// What is searched by meaning, in reading order: the title as one passage, then those of the body.
    pub passages: Vec<Passage>,
    /// The parts of the body that are page furniture, such as menus and links to other articles, in order. They stand in no
    /// passage.
    pub furniture: Vec<Span>,
}

impl FullArticle {
    /// Out of a store; where it may be changed meanwhile, under a [snapshot](Store::snapshot).
    ///
    /// # Errors
    /// When it is not there, or the store fails.
    pub fn read(store: &Store, article: ArticleId) -> Result<Self, StoreError> {
        Ok(Self {
            article: (&store.header(article)?).into(),
            text: store.text(article)?,
            metadata: store.metadata(article)?,
            passages: store.passages_of(article)?.iter().map(Passage::from).collect(),
            furniture: spans(&store.boilerplate_of(article)?),
        })
    }
}

/// A part of an article that has a vector of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Passage {
    /// Its number in the store; a changed article has others.
    pub id: i64,
    /// The part of the article that it is of.
    pub field: Field,
    /// Its first character in that part, from 0.
    pub start: usize,
    /// One past its last character in that part.
    pub end: usize,
    /// Its length in tokens, as the model of the store counts them.
    pub tokens: usize,
}

impl From<&StoredPassage> for Passage {
    fn from(passage: &StoredPassage) -> Self {
        let StoredPassage { id, field, span, tokens, .. } = *passage;
        Self { id: id.0, field, start: span.start, end: span.end, tokens }
    }
}
