//! From a question to hits: two lists of candidates, one ranking, and the reasons for it.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`syntax`] | what was typed, taken apart: words, phrases, exclusions, fields, dates |
//! | [`note`] | what is said of a question that was not understood, or is answered in another way |
//! | [`question`] | what is asked of the views: words, vector, and the articles that may answer |
//! | [`group`] | passages to articles, without ever returning fewer than there are |
//! | [`rank`] | both lists, completed and fused |
//! | [`fusion`] | the arithmetic of that |
//! | [`rerank`] | the best candidates read again, question and passage together |
//! | [`versions`] | near-identical articles under one hit |
//! | [`present`] | the passage that speaks for an article, its sentence and its words |
//! | [`cursor`] | where a page ended |
//! | [`mod@related`] | articles close to an article, by all of its passages |
//!
//! The model and the vectors are seen through [`QueryEmbedder`] and [`VectorView`] only.

pub mod cursor;
pub mod fusion;
pub mod group;
pub mod note;
pub mod present;
pub mod question;
pub mod rank;
pub mod related;
pub mod rerank;
pub mod syntax;
pub mod versions;

use crate::embed::{EmbedError, PassageScorer, QueryEmbedder};
use crate::index::VectorView;
use crate::lexical::{LexicalError, LexicalView, Term};
use crate::store::{Filter, Header, Store, StoreError};
use crate::types::{ArticleId, CharSpan, Score};

pub use cursor::Cursor;
pub use fusion::{Candidate, Fusion, Place};
pub use note::Note;
pub use present::PassageHit;
pub use question::Question;
pub use related::{Related, related};
pub use versions::Groups;

/// What articles are searched by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Words and meaning.
    #[default]
    Hybrid,
    /// Meaning alone.
    Semantic,
    /// Words alone; the model is not asked.
    Lexical,
}

impl Mode {
    /// The name for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Semantic => "semantic",
            Self::Lexical => "lexical",
        }
    }
}

/// In what order hits come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Best first.
    #[default]
    Relevance,
    /// Newest first: of the articles that have every word of the question; where there are none, of the best
    /// [`rank::BEST`].
    Newest,
    /// Oldest first, of the same.
    Oldest,
}

/// A question to a store.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What is asked, as typed: see [`syntax`].
    pub query: &'a str,
    /// How many hits to return at most.
    pub k: usize,
    /// What articles are searched by.
    pub mode: Mode,
    /// How both lists become one.
    pub fusion: Fusion,
    /// Which articles may be returned, beside what the query itself says.
    pub filter: Filter,
    /// In what order.
    pub order: Order,
    /// Where the page before ended.
    pub after: Option<&'a Cursor>,
    /// Whether near-identical articles are one hit.
    pub fold: bool,
    /// Whether hits say why they are there.
    pub explain: bool,
}

impl<'a> Request<'a> {
    /// The `k` best articles for a question, as `voisin search` asks for them.
    pub fn new(query: &'a str, k: usize) -> Self {
        Self {
            query,
            k,
            mode: Mode::default(),
            fusion: Fusion::default(),
            filter: Filter::default(),
            order: Order::default(),
            after: None,
            fold: true,
            explain: false,
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The hits of this page.
    pub hits: Vec<Hit>,
    /// What of the question was not understood, or was answered in another way.
    pub notes: Vec<Note>,
    /// Where this page ends, if there may be another.
    pub next: Option<Cursor>,
}

/// An article that answers.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Its place on this page, from 1.
    pub rank: usize,
    /// What it is ranked by: greater is better. Comparable within one answer only.
    pub score: Score,
    /// The article.
    pub article: Header,
    /// The words of its title that were asked for, as characters of the title.
    pub title_words: Vec<CharSpan>,
    /// The passage to show: the one of the body that answers best, or the title of an article that has no other.
    pub passage: PassageHit,
    /// Near-identical articles that are folded under this one, best first.
    pub versions: Vec<Header>,
    /// Why it is there, where that was asked for.
    pub reasons: Option<Reasons>,
}

/// Why a hit is there.
#[derive(Clone, Debug)]
pub struct Reasons {
    /// Its places in both lists and what each brings.
    pub candidate: Candidate,
    /// The words that it has, with what each brings to the score of words.
    pub terms: Vec<Term>,
}

/// Why a search failed.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Nothing was asked.
    #[error("the question is empty: give some words, such as voisin search \"grève à l'hôpital\"")]
    Empty,
    /// The next page of another question.
    #[error("this is the mark of a page of another question: repeat the question and its options as they were")]
    OtherQuestion,
    /// Articles near in time to one without a date.
    #[error("\"{0}\" has no date to count from: leave --within out, or say --since and --until")]
    Undated(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The view of the words failed.
    #[error(transparent)]
    Lexical(#[from] LexicalError),
    /// The model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// What answers questions: a store, its two views, and a model or two.
#[derive(Clone, Copy)]
pub struct Searcher<'a> {
    /// The truth.
    pub store: &'a Store,
    /// By meaning.
    pub vectors: &'a dyn VectorView,
    /// By words.
    pub words: &'a LexicalView,
    /// The model of the vectors.
    pub embedder: &'a dyn QueryEmbedder,
    /// A model that reads question and passage together, for the best candidates.
    pub reranker: Option<&'a dyn PassageScorer>,
    /// Which articles are versions of one, where that is known.
    pub groups: Option<&'a dyn Groups>,
}

impl Searcher<'_> {
    /// Answers a question: at most `k` hits, best first; exactly `k` if that many articles pass the filters and, by
    /// [`Mode::Lexical`], have a word of the question. Equal scores come in the order of articles.
    ///
    /// # Errors
    /// When nothing is asked, the cursor is of another question, or the store, a view or a model fails.
    pub fn search(&self, request: &Request<'_>) -> Result<Answer, SearchError> {
        let mut question = self.understand(request)?;
        self.embed(&mut question, request.mode)?;
        let mut wanted = if request.fold { versions::looked_at(request.k) } else { request.k };
        loop {
            let mut ranked = self.rank(&question, request, wanted)?;
            let exhausted = ranked.len() < wanted;
            self.rerank(&mut ranked, &question, request)?;
            let folded = self.fold(&ranked, request)?;
            if folded.len() < request.k && !exhausted {
                // Versions of a few articles took the place of others.
                wanted = wanted.saturating_mul(4);
                continue;
            }
            let mut hits = self.present(folded, &question, request)?;
            self.mark(&mut hits, &question)?;
            let next = self.next(&hits, &question, request);
            return Ok(Answer { hits, notes: question.notes, next });
        }
    }

    /// Where this page ends, if there may be another.
    fn next(&self, hits: &[Hit], question: &Question, request: &Request<'_>) -> Option<Cursor> {
        if hits.len() < request.k {
            return None;
        }
        let now = hits.iter().flat_map(|hit| std::iter::once(hit.article.id).chain(hit.versions.iter().map(|v| v.id)));
        let before = request.after.map_or(&[][..], |cursor| &cursor.shown);
        let mut shown: Vec<ArticleId> = before.iter().copied().chain(now).collect();
        shown.sort_unstable();
        Some(Cursor { question: question.fingerprint, newest: question.newest, shown })
    }
}

/// The inner product of two vectors, for the few that are shown or compared; views score the many by the kernels.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> Score {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests;
