//! What is asked of the views: words, a vector, and the articles that may answer.

use super::note::Note;
use super::rank::BEST;
use super::syntax::{self, Syntax, both};
use super::{Mode, Order, Request, SearchError, Searcher};
use crate::embed::Query;
use crate::lexical;
use crate::store::Filter;
use crate::text::analysis_form;
use crate::types::{ArticleId, ArticleSet};

/// A question as the views understand it.
#[derive(Clone, Debug)]
pub struct Question {
    /// The words, as typed, and what an article must and must not have.
    pub words: lexical::Query,
    /// The [analysis form](analysis_form) of the words; empty where only filters were given.
    pub text: String,
    /// The vector of the text, where meaning is searched.
    pub vector: Option<Vec<f32>>,
    /// The articles that may answer; all without it.
    pub allowed: Option<ArticleSet>,
    /// The articles with every word, where the order of dates is asked for and there are any.
    pub(super) dated: Option<ArticleSet>,
    /// What was not understood, or is answered in another way.
    pub notes: Vec<Note>,
    pub(super) fingerprint: u32,
    pub(super) newest: ArticleId,
}

impl Searcher<'_> {
    /// Takes a request apart and finds out which articles may answer; [`embed`](Self::embed) adds the vector.
    ///
    /// # Errors
    /// When nothing is asked, the cursor is of another question, or the store or the view of the words fails.
    pub fn understand(&self, request: &Request<'_>) -> Result<Question, SearchError> {
        let mut syntax = syntax::parse(request.query, |name| self.store.has_label(name).unwrap_or(false));
        syntax.narrow(request.filter.since, request.filter.until);
        let Syntax { words, required, preferred, excluded, since, until, labels, other_labels, mut notes } = syntax;
        let filter = Filter { since, until, labels: request.filter.labels.iter().cloned().chain(labels).collect() };
        let text = analysis_form(&words);
        let mut words = lexical::Query { words, required, preferred, excluded };
        if text.is_empty() && filter.is_all() && other_labels.is_empty() && words.excluded.is_empty() {
            return Err(SearchError::Empty);
        }
        let fingerprint = fingerprint(request, self.reranker.is_some());
        if request.after.is_some_and(|cursor| cursor.question != fingerprint) {
            return Err(SearchError::OtherQuestion);
        }

        let all = || self.store.articles_matching(&Filter::default());
        let mut filtered = if filter.is_all() { None } else { Some(self.store.articles_matching(&filter)?) };
        for label in other_labels {
            let wrong = self.store.articles_matching(&Filter { labels: vec![label], ..Filter::default() })?;
            let from = filtered.map_or_else(all, Ok)?;
            filtered = Some(from.iter().filter(|article| !wrong.contains(*article)).collect());
        }
        let mut allowed = both(filtered.clone(), self.words.constraint(&words)?, |a, b| a.intersect(&b));
        if !words.required.is_empty() && allowed.as_ref().is_some_and(ArticleSet::is_empty) {
            let required = std::mem::take(&mut words.required);
            words.preferred.extend(required);
            let without = both(filtered, self.words.constraint(&words)?, |a, b| a.intersect(&b));
            if without.as_ref().is_none_or(|set| !set.is_empty()) {
                notes.push(Note::NoPhrase(words.preferred.iter().map(|phrase| phrase.text.clone()).collect()));
                allowed = without;
            }
        }
        let dated = if request.order == Order::Relevance { None } else { self.dated(&words, request.mode, &allowed)? };
        if request.order != Order::Relevance && dated.is_none() && !text.is_empty() {
            notes.push(Note::NotEveryWord(BEST));
        }
        let newest = match request.after {
            Some(cursor) => {
                let from = allowed.map_or_else(all, Ok)?;
                let rest = from.iter().filter(|id| *id <= cursor.newest && cursor.shown.binary_search(id).is_err());
                allowed = Some(rest.collect());
                cursor.newest
            }
            None => self.store.newest()?,
        };
        Ok(Question { words, text, vector: None, allowed, dated, notes, fingerprint, newest })
    }

    /// The articles, of those that pass the filters, that have every word. `None` where there are none, or words are not searched.
    fn dated(
        &self,
        words: &lexical::Query,
        mode: Mode,
        passing: &Option<ArticleSet>,
    ) -> Result<Option<ArticleSet>, SearchError> {
        if mode == Mode::Semantic {
            return Ok(None);
        }
        let all = self.words.with_every_word(words)?;
        let passing = passing.as_ref().map_or_else(|| all.clone(), |passing| all.intersect(passing));
        Ok((!passing.is_empty()).then_some(passing))
    }

    /// Embeds the words of a question, where meaning is searched.
    ///
    /// # Errors
    /// When the model fails.
    pub fn embed(&self, question: &mut Question, mode: Mode) -> Result<(), SearchError> {
        if mode != Mode::Lexical && !question.text.is_empty() {
            question.vector = Some(self.embedder.embed_query(Query(&question.text))?.to_vec());
        }
        Ok(())
    }
}

/// A hash of all that decides the order of hits.
fn fingerprint(request: &Request<'_>, reranked: bool) -> u32 {
    let Request { query, mode, fusion, filter, order, fold, k: _, after: _, explain: _ } = request;
    let all = format!("{:?}", (query, mode, fusion, filter, order, fold, reranked));
    let hash = blake3::hash(all.as_bytes());
    hash.as_bytes().first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
