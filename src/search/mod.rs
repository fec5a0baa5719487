//! From a question to hits: candidates, grouping by article, and the sentence that answers.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`group`] | passages to articles, without ever returning fewer than there are |
//! | [`snippet`] | the sentence of a passage that is closest to the question |
//! | [`mod@related`] | articles close to an article, by all of its passages |
//!
//! The model and the index are seen through [`QueryEmbedder`] and [`VectorView`] only.

pub mod group;
pub mod related;
pub mod snippet;

use crate::embed::{EmbedError, Query, QueryEmbedder};
use crate::index::VectorView;
use crate::store::{Field, Filter, Header, Store, StoreError, StoredPassage};
use crate::types::{ArticleId, CharSpan, PassageId, Score};

pub use related::{Related, related};

/// Hits whose closest sentence is looked for: it costs a pass through the model for each, and people do not read more.
pub const MARKED: usize = 50;

/// A question to a store.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What is asked, in words.
    pub query: &'a str,
    /// How many articles to return at most.
    pub k: usize,
    /// Which articles may be returned.
    pub filter: Filter,
}

/// An article that answers.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Its place, from 1.
    pub rank: usize,
    /// The score of its closest passage.
    pub score: Score,
    /// The article.
    pub article: Header,
    /// The passage to show: the closest of the body, or the title of an article that has no other.
    pub passage: PassageHit,
}

/// A passage to show.
#[derive(Clone, Debug)]
pub struct PassageHit {
    /// Its row.
    pub id: PassageId,
    /// The part of the article that it is of.
    pub field: Field,
    /// Its own score.
    pub score: Score,
    /// Its text as published, without white space around it.
    pub text: String,
    /// The characters of `text` in the field.
    pub span: CharSpan,
    /// The sentence that is closest to the question, as characters of `text`; all of it beyond the first [`MARKED`] hits.
    pub sentence: CharSpan,
}

/// Why a search failed.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Nothing was asked.
    #[error("the question is empty: give some words, such as voisin search \"grève à l'hôpital\"")]
    Empty,
    /// Articles near in time to one without a date.
    #[error("\"{0}\" has no date to count from: leave --within out, or say --since and --until")]
    Undated(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// Answers a question: at most `k` articles, closest first; exactly `k` if that many articles have a passage and pass the
/// filter. Equal scores come in the order of articles.
///
/// # Errors
/// When the question is empty, or the store or the model fails.
pub fn search(
    request: &Request<'_>,
    embedder: &dyn QueryEmbedder,
    view: &dyn VectorView,
    store: &Store,
) -> Result<Vec<Hit>, SearchError> {
    let query = question(request.query)?;
    let query = embedder.embed_query(Query(&query))?.to_vec();
    let ranked = rank(&query, request.k, &request.filter, view, store)?;
    let mut hits = present(&ranked, &query, store)?;
    mark(&mut hits, &query, embedder)?;
    Ok(hits)
}

/// What is embedded of a question.
///
/// # Errors
/// When nothing is left of it.
pub fn question(words: &str) -> Result<String, SearchError> {
    let form = crate::text::analysis_form(words);
    if form.is_empty() { Err(SearchError::Empty) } else { Ok(form) }
}

/// The articles that answer the question with this vector, with the scores of their closest passages: the contract of
/// [`search`].
///
/// # Errors
/// When the store fails.
pub fn rank(
    query: &[f32],
    k: usize,
    filter: &Filter,
    view: &dyn VectorView,
    store: &Store,
) -> Result<Vec<(ArticleId, Score)>, SearchError> {
    let articles = if filter.is_all() { None } else { Some(store.articles_matching(filter)?) };
    Ok(group::closest_articles(query, k, articles.as_ref(), view, store)?)
}

/// Fetches what is shown of ranked articles.
///
/// # Errors
/// When the store fails.
pub fn present(ranked: &[(ArticleId, Score)], query: &[f32], store: &Store) -> Result<Vec<Hit>, SearchError> {
    let mut hits = Vec::with_capacity(ranked.len());
    for (at, &(article, score)) in ranked.iter().enumerate() {
        let (passage, passage_score) = passage_to_show(article, query, store)?;
        hits.push(Hit {
            rank: at + 1,
            score,
            article: store.header(article)?,
            passage: show(article, passage, passage_score, store)?,
        });
    }
    Ok(hits)
}

/// Marks the sentence that is closest to the question, in the first [`MARKED`] hits.
///
/// # Errors
/// When the model fails.
pub fn mark(hits: &mut [Hit], query: &[f32], embedder: &dyn QueryEmbedder) -> Result<(), SearchError> {
    Ok(snippet::mark_sentences(hits.iter_mut().take(MARKED).map(|hit| &mut hit.passage), query, embedder)?)
}

/// The inner product of two vectors, for the few that are shown or compared; views score the many by the kernels.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> Score {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The passage of an article that is closest to the query, of the body if there is one.
fn passage_to_show(article: ArticleId, query: &[f32], store: &Store) -> Result<(StoredPassage, Score), StoreError> {
    let passages = store.passages_of(article)?;
    let vectors = store.vectors(&passages.iter().map(|passage| passage.vector).collect::<Vec<_>>())?;
    passages
        .into_iter()
        .zip(vectors)
        .map(|(passage, vector)| {
            let score = dot(&vector, query);
            (passage, score)
        })
        .max_by(|(a, score_a), (b, score_b)| {
            let body = |passage: &StoredPassage| passage.field == Field::Body;
            body(a).cmp(&body(b)).then(score_a.total_cmp(score_b)).then(b.id.cmp(&a.id))
        })
        .ok_or_else(|| StoreError::Damaged {
            path: store.folder().join(crate::store::DATABASE),
            what: format!("article {article} was found by a passage that it does not have"),
        })
}

/// The text of a passage, with all of it as its sentence.
pub(crate) fn show(
    article: ArticleId,
    passage: StoredPassage,
    score: Score,
    store: &Store,
) -> Result<PassageHit, StoreError> {
    let field = store.field_text(article, passage.field)?;
    let whole = passage.span.to_bytes(&field);
    let inner = whole.trimmed(&field);
    let text = field[inner.range()].to_owned();
    let start = passage.span.start + field[whole.start..inner.start].chars().count();
    let length = text.chars().count();
    Ok(PassageHit {
        id: passage.id,
        field: passage.field,
        score,
        text,
        span: CharSpan { start, end: start + length },
        sentence: CharSpan { start: 0, end: length },
    })
}

#[cfg(test)]
mod tests;
