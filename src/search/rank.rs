//! One ranking of articles, by words and by meaning.

use std::collections::{BTreeMap, HashMap};

use super::fusion::{Candidate, Place, fuse, sort};
use super::group::closest_articles;
use super::{Mode, Order, Question, Request, SearchError, Searcher};
use crate::store::{DateOrder, Filter};
use crate::types::{ArticleId, ArticleSet, Score};

/// Candidates of each list, at least.
const DEPTH: usize = 100;

/// Articles that are put in the order of dates where none has every word of the question.
pub const BEST: usize = 100;

impl Searcher<'_> {
    /// The candidates for hits in their order: `wanted` or more, if there are so many.
    ///
    /// # Errors
    /// When the store or a view fails.
    pub fn rank(
        &self,
        question: &Question,
        request: &Request<'_>,
        wanted: usize,
    ) -> Result<Vec<Candidate>, SearchError> {
        let mut ranked = self.in_order(question, request, wanted)?;
        // A view may have been opened before another process removed an article.
        let mut gone = None;
        ranked.retain(|candidate| match self.store.holds_article(candidate.article) {
            Ok(held) => held,
            Err(error) => {
                gone = Some(error);
                false
            }
        });
        gone.map_or(Ok(ranked), |error| Err(error.into()))
    }

    fn in_order(
        &self,
        question: &Question,
        request: &Request<'_>,
        wanted: usize,
    ) -> Result<Vec<Candidate>, SearchError> {
        if question.text.is_empty() {
            // Only filters were given: there is nothing to be relevant to.
            let all = match &question.allowed {
                Some(allowed) => allowed.clone(),
                None => self.store.articles_matching(&Filter::default())?,
            };
            let ids = self.store.by_date(&all, date_order(request.order), 0, wanted)?;
            return Ok(ids.into_iter().map(Candidate::new).collect());
        }
        let by_relevance = self.by_relevance(question, request, wanted)?;
        if request.order == Order::Relevance {
            return Ok(by_relevance);
        }
        let mut dated: ArticleSet = match &question.dated {
            Some(dated) => dated.clone(),
            None => {
                // What earlier pages showed was of the best.
                let shown = request.after.map_or(0, |cursor| cursor.shown.len());
                let best = by_relevance.iter().take(BEST.saturating_sub(shown));
                best.map(|candidate| candidate.article).collect()
            }
        };
        if let Some(allowed) = &question.allowed {
            dated = dated.intersect(allowed);
        }
        let ids = self.store.by_date(&dated, date_order(request.order), 0, wanted)?;
        let ranked: HashMap<ArticleId, Candidate> = by_relevance.into_iter().map(|c| (c.article, c)).collect();
        let known = |id: &ArticleId| ranked.get(id).copied().unwrap_or(Candidate::new(*id));
        let mut candidates: Vec<Candidate> = ids.iter().map(known).collect();
        self.score(&mut candidates, question, request)?;
        let place: HashMap<ArticleId, usize> = ids.into_iter().enumerate().map(|(at, id)| (id, at)).collect();
        candidates.sort_unstable_by_key(|candidate| place[&candidate.article]);
        Ok(candidates)
    }

    /// The best of both lists: `wanted` or more, if there are so many.
    fn by_relevance(
        &self,
        question: &Question,
        request: &Request<'_>,
        wanted: usize,
    ) -> Result<Vec<Candidate>, SearchError> {
        let depth = wanted.max(DEPTH);
        let allowed = question.allowed.as_ref();
        let words: Vec<(ArticleId, Score)> = match request.mode {
            Mode::Semantic => Vec::new(),
            Mode::Hybrid | Mode::Lexical => {
                let found = self.words.search(&question.words, depth, allowed)?;
                found.into_iter().map(|found| (found.article, found.score)).collect()
            }
        };
        let meaning = match &question.vector {
            Some(vector) => closest_articles(vector, depth, allowed, self.vectors, self.store)?,
            None => Vec::new(),
        };
        let placed = |(rank, (article, score)): (usize, (ArticleId, Score))| {
            (article, Place { rank: Some(rank + 1), score, share: 0.0 })
        };
        let mut found: BTreeMap<ArticleId, Candidate> = BTreeMap::new();
        for (article, place) in words.into_iter().enumerate().map(placed) {
            found.entry(article).or_insert(Candidate::new(article)).words = Some(place);
        }
        for (article, place) in meaning.into_iter().enumerate().map(placed) {
            found.entry(article).or_insert(Candidate::new(article)).meaning = Some(place);
        }
        let mut candidates: Vec<Candidate> = found.into_values().collect();
        self.score(&mut candidates, question, request)?;
        Ok(candidates)
    }

    /// Gives candidates their scores in the lists that were asked and did not find them, and ranks them.
    fn score(
        &self,
        candidates: &mut [Candidate],
        question: &Question,
        request: &Request<'_>,
    ) -> Result<(), SearchError> {
        self.complete(candidates, question, request.mode)?;
        match request.mode {
            Mode::Hybrid => fuse(candidates, request.fusion),
            Mode::Semantic | Mode::Lexical => {
                for candidate in &mut *candidates {
                    if let Some(place) = candidate.words.as_mut().or(candidate.meaning.as_mut()) {
                        place.share = place.score;
                        candidate.score = place.score;
                    }
                }
                sort(candidates);
            }
        }
        Ok(())
    }

    fn complete(&self, candidates: &mut [Candidate], question: &Question, mode: Mode) -> Result<(), SearchError> {
        let unplaced = |score| Some(Place { rank: None, score, share: 0.0 });
        if mode != Mode::Semantic {
            let missing: Vec<usize> = (0..candidates.len()).filter(|&at| candidates[at].words.is_none()).collect();
            let ids: Vec<ArticleId> = missing.iter().map(|&at| candidates[at].article).collect();
            for (at, score) in missing.into_iter().zip(self.words.scores(&question.words, &ids)?) {
                candidates[at].words = unplaced(score);
            }
        }
        let Some(vector) = &question.vector else { return Ok(()) };
        let missing: ArticleSet = candidates.iter().filter(|c| c.meaning.is_none()).map(|c| c.article).collect();
        let scores: HashMap<ArticleId, Score> =
            closest_articles(vector, missing.len(), Some(&missing), self.vectors, self.store)?.into_iter().collect();
        for candidate in candidates.iter_mut().filter(|candidate| candidate.meaning.is_none()) {
            // An article without a passage means nothing: it lies across.
            candidate.meaning = unplaced(scores.get(&candidate.article).copied().unwrap_or(0.0));
        }
        Ok(())
    }
}

/// The order in time; of what has no other order, newest first.
fn date_order(order: Order) -> DateOrder {
    match order {
        Order::Relevance | Order::Newest => DateOrder::Newest,
        Order::Oldest => DateOrder::Oldest,
    }
}
