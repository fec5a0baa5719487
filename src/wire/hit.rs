//! What a search found, and what is close to an article.

use serde::Serialize;

use super::{Article, Span, number, spans};
use crate::lexical::{self, TermKind};
use crate::search;
use crate::store::Field;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Answer {
    /// The hits of this page, best first unless another order was asked for.
    pub hits: Vec<Hit>,
    /// What of the question was not understood, or was answered in another way; a sentence each.
    pub notes: Vec<String>,
    /// What to ask the next page with; null where there is none.
    pub next: Option<String>,
}

impl From<&search::Answer> for Answer {
    fn from(answer: &search::Answer) -> Self {
        Self {
            hits: answer.hits.iter().map(Hit::from).collect(),
            notes: answer.notes.iter().map(ToString::to_string).collect(),
            next: answer.next.as_ref().map(ToString::to_string),
        }
    }
}

/// An article that answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Hit {
    /// Its place on this page, from 1.
    pub rank: usize,
    /// What it is ranked by: greater is better. Comparable within one answer only.
    pub score: f64,
    /// The article.
    pub article: Article,
    /// The words of its title that were asked for, as characters of the title.
    pub title_words: Vec<Span>,
    /// The passage that answers best: of the body, or the title of an article that has no other.
    pub passage: PassageHit,
    /// Near-identical articles that are folded under this one, best first.
    pub versions: Vec<Article>,
    /// Why it is there; null where that was not asked for.
    pub reasons: Option<Reasons>,
}

impl From<&search::Hit> for Hit {
    fn from(hit: &search::Hit) -> Self {
        Self {
            rank: hit.rank,
            score: number(hit.score),
            article: (&hit.article).into(),
            title_words: spans(&hit.title_words),
            passage: (&hit.passage).into(),
            versions: hit.versions.iter().map(Article::from).collect(),
            reasons: hit.reasons.as_ref().map(Reasons::from),
        }
    }
}

/// A passage to show.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PassageHit {
    /// Its number in the store; a changed article has others.
    pub id: i64,
    /// The part of the article that it is of.
    pub field: Field,
    /// Its closeness in meaning, a cosine from -1 to 1; 0 where meaning was not searched.
    pub score: f64,
    /// Its text as published, without white space around it.
    pub text: String,
    /// The first character of `text` in its part of the article, from 0.
    pub start: usize,
    /// One past the last character of `text` there.
    pub end: usize,
    /// The sentence that is closest to the question, as characters of `text`; all of it where none was looked for.
    pub sentence: Span,
    /// The words that were asked for, as characters of `text`.
    pub words: Vec<Span>,
}

impl From<&search::PassageHit> for PassageHit {
    fn from(passage: &search::PassageHit) -> Self {
        Self {
            id: passage.id.0,
            field: passage.field,
            score: number(passage.score),
            text: passage.text.clone(),
            start: passage.span.start,
            end: passage.span.end,
            sentence: passage.sentence.into(),
            words: spans(&passage.words),
        }
    }
}

/// Why a hit is there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Reasons {
    /// What words and meaning bring together, before any reranking.
    pub score: f64,
    /// Its place by words; null where these were not searched.
    pub words: Option<Place>,
    /// Its place by meaning; null where that was not searched.
    pub meaning: Option<Place>,
    /// What the reranker gave it, by which it is ranked then; null where none looked at it.
    pub reranked: Option<f64>,
    /// The words that it has, with what each brings to the score of words.
    pub terms: Vec<Term>,
}

impl From<&search::Reasons> for Reasons {
    fn from(search::Reasons { candidate, terms }: &search::Reasons) -> Self {
        Self {
            score: number(candidate.score),
            words: candidate.words.map(Place::from),
            meaning: candidate.meaning.map(Place::from),
            reranked: candidate.reranked.map(number),
            terms: terms.iter().map(Term::from).collect(),
        }
    }
}

/// The place of an article in one of the two lists.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Place {
    /// From 1; null where the list ended before it.
    pub rank: Option<usize>,
    /// The score there: BM25 by words, a cosine by meaning.
    pub score: f64,
    /// What it brings to the sum.
    pub share: f64,
}

impl From<search::Place> for Place {
    fn from(search::Place { rank, score, share }: search::Place) -> Self {
        Self { rank, score: number(score), share: number(share) }
    }
}

/// A part of a question that an article has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Term {
    /// The word of the question, or the words of the phrase.
    pub term: String,
    /// How it was found.
    pub kind: TermKind,
    /// Where it was found.
    pub field: Field,
    /// Its share of the score of words.
    pub score: f64,
}

impl From<&lexical::Term> for Term {
    fn from(term: &lexical::Term) -> Self {
        Self { term: term.term.clone(), kind: term.kind, field: term.field, score: number(term.score) }
    }
}

/// An article close to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Related {
    /// Its place, from 1.
    pub rank: usize,
    /// How close the two are in meaning, passage by passage both ways: 1 for the same passages.
    pub score: f64,
    /// The article.
    pub article: Article,
    /// Its passage that is closest to one of the other article.
    pub passage: PassageHit,
}

impl From<&search::Related> for Related {
    fn from(found: &search::Related) -> Self {
        Self {
            rank: found.rank,
            score: number(found.score),
            article: (&found.article).into(),
            passage: (&found.passage).into(),
        }
    }
}
