//! The best candidates read again by a model that sees question and passage together (a cross-encoder): slower by far than
//! comparing vectors, and better at telling an answer from a passage about the same things.

use super::fusion::Candidate;
use super::{Order, Question, Request, SearchError, Searcher};
use crate::text::analysis_form;

/// Candidates that are read again.
pub const RERANKED: usize = 50;

impl Searcher<'_> {
    /// Puts the first [`RERANKED`] candidates, or as many as there will be hits if those are more, in the order that the
    /// reranker gives them by their passages to show; nothing without a reranker or words, or in the order of dates.
    ///
    /// # Errors
    /// When the store or a model fails.
    pub fn rerank(
        &self,
        ranked: &mut [Candidate],
        question: &Question,
        request: &Request<'_>,
    ) -> Result<(), SearchError> {
        let asked = !question.text.is_empty() && request.order == Order::Relevance;
        let Some(reranker) = self.reranker.filter(|_| asked) else { return Ok(()) };
        let read = ranked.len().min(RERANKED.max(request.k));
        let mut texts = Vec::with_capacity(read);
        for candidate in &ranked[..read] {
            let passage = self.passage_to_show(candidate.article, question)?;
            texts.push(passage.map_or_else(String::new, |passage| analysis_form(&passage.text)));
        }
        let passages: Vec<&str> = texts.iter().map(String::as_str).collect();
        for (candidate, score) in ranked.iter_mut().zip(reranker.score(&question.text, &passages)?) {
            candidate.reranked = Some(score);
        }
        ranked[..read].sort_by(|a, b| b.reranked.unwrap_or_default().total_cmp(&a.reranked.unwrap_or_default()));
        Ok(())
    }
}
