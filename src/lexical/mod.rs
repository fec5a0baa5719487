//! The view of a store that answers "which articles have these words?": an inverted index by tantivy.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | `document` | an article as the index keeps it: fields, and the words that go into each |
//! | `question` | a query as words, stems, names and phrases |
//! | `clause` | one thing to look for in one field, and what finding it is worth |
//! | `disk` | the index in `views/lexical`: caught up, made again, looked over |
//! | `memory` | what changed since that was written, indexed in memory |
//! | `segment` | a part of either, without documents that are of another time |
//! | `view` | the index as it is searched: what is on disk, and what came later in memory |
//!
//! The view names the last change that it holds. What came later is indexed in memory when it is opened, and what lies on
//! disk of the articles that changed is passed over, so that an answer shows every acknowledged change. A view that is
//! missing, damaged, or of another store or format is made again.
//!
//! Text is analysed in [`text::terms`](crate::text::terms); tantivy sees words, and no type of its own leaves this room.

mod clause;
mod disk;
mod document;
mod memory;
mod question;
mod segment;
mod view;

use crate::store::{Field, Store, StoreError};
use crate::types::ArticleId;

pub use view::LexicalView;

/// What is asked of the view. Any text will do: what is no word asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Words that should occur: the more of them and the rarer, the better. Plain text, as typed.
    pub words: String,
    /// Articles must have each of these.
    pub required: Vec<Phrase>,
    /// Articles should have these: they count as what is required does, and nothing is left out for want of them.
    pub preferred: Vec<Phrase>,
    /// Articles must have none of these.
    pub excluded: Vec<Phrase>,
}

/// Words next to each other, in their exact forms: case and accents do not count, grammar does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// The words, as typed.
    pub text: String,
    /// Where they must stand; `None` means the title or the body.
    pub field: Option<Field>,
}

/// An article that has words of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The article.
    pub article: ArticleId,
    /// BM25, summed over words and fields: greater is better, and only comparable within one query.
    pub score: f32,
}

/// A part of a query that an article has.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The word of the query in its exact form, or the words of the phrase.
    pub term: String,
    /// How it was found.
    pub kind: TermKind,
    /// Where it was found.
    pub field: Field,
    /// Its share of the article's score.
    pub score: f32,
}

/// How a part of a query is found in an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TermKind {
    /// A word with the same stem.
    Stem,
    /// The same word.
    Exact,
    /// Another spelling of the same name.
    Name,
    /// The same words next to each other.
    Phrase,
}

/// Why the view cannot be had or asked. A damaged view is no error: it is made again.
#[derive(Debug, thiserror::Error)]
pub enum LexicalError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the view cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// tantivy failed.
    #[error("the index of words failed: {0}; delete views/lexical in the store's folder to have it made again")]
    Index(#[from] tantivy::TantivyError),
}

/// Opens the view, caught up with the store.
///
/// Works on a disk that may only be read, and while another process writes; where the index on disk is far behind and may
/// be written, it is caught up first.
///
/// # Errors
/// When the store or the index fails.
pub fn open(store: &Store) -> Result<LexicalView, LexicalError> {
    LexicalView::open(store)
}

/// Brings the index on disk up to date, so that the next process opens it at once. For the process that has just changed
/// the store.
///
/// # Errors
/// When the store fails, or the index cannot be written.
pub fn persist(store: &Store) -> Result<(), LexicalError> {
    disk::persist(store)
}

/// What can be said of the index that lies on disk.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Articles that changed since it was written; each opening indexes them in memory.
    pub behind: usize,
    /// What is wrong, a line each: files that do not have their checksums.
    pub problems: Vec<String>,
}

/// Looks at the index on disk: whether it is whole, and how far it is behind. Nothing is written.
///
/// # Errors
/// When the store fails.
pub fn health(store: &Store) -> Result<Health, LexicalError> {
    disk::health(store)
}

#[cfg(test)]
mod tests;
