//! Two lists into one: how articles that words found and articles that meaning found share one ranking.
//!
//! - [`Fusion::Calibrated`], the default: the sum of both scores on one scale, that of evidence. BM25 is a sum of logarithms
//!   of odds, a word each (Robertson and Zaragoza 2009); a cosine is brought to the same by [`evidence`], the logarithm of how
//!   near passage and question are. Nothing depends on the other candidates, so an article has one score for one question,
//!   whatever the page. Articles that only one list found get their score of the other first.
//! - [`Fusion::ReciprocalRank`]: the sum of 1 / (60 + rank) (Cormack, Clarke and Büttcher 2009), which needs no scores.
//!
//! That the first is better, and by what weight, was measured on the dev sets: ARCHITECTURE.md has the table.

use crate::types::{ArticleId, Score};

/// How the two lists become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fusion {
    /// By scores.
    #[default]
    Calibrated,
    /// By ranks.
    ReciprocalRank,
}

/// What the logarithm of nearness weighs beside the score of words.
const MEANING: f32 = 18.0;

/// The least distance that counts, as one minus the cosine: texts that are closer mean the same.
const SAME: f32 = 0.02;

/// The constant of [`Fusion::ReciprocalRank`], as its authors chose it.
const RANKS: f32 = 60.0;

/// What a cosine says for an article, on the scale of BM25: 0 for a text that lies across.
pub fn evidence(cosine: Score) -> Score {
    MEANING * ((1.0 + SAME) / (1.0 + SAME - cosine.min(1.0))).ln()
}

/// An article on its way into one ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The article.
    pub article: ArticleId,
    /// By its words, where these were searched.
    pub words: Option<Place>,
    /// By its closest passage, where meaning was searched.
    pub meaning: Option<Place>,
    /// What both bring together.
    pub score: Score,
    /// What a reranker gave it, which then counts instead.
    pub reranked: Option<Score>,
}

impl Candidate {
    /// An article that no list has placed yet.
    pub fn new(article: ArticleId) -> Self {
        Self { article, words: None, meaning: None, score: 0.0, reranked: None }
    }
}

/// The place of an article in one of the two lists.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// From 1; `None` where the list ended before it.
    pub rank: Option<usize>,
    /// The score there, which is known beyond the end of the list too: BM25, or a cosine.
    pub score: Score,
    /// What it brings to the sum.
    pub share: Score,
}

/// Ranks candidates by both of their places: see [`sort`].
pub fn fuse(candidates: &mut [Candidate], fusion: Fusion) {
    for candidate in &mut *candidates {
        let share = |place: &mut Option<Place>, by_score: fn(Score) -> Score| {
            let Some(place) = place else { return 0.0 };
            place.share = match fusion {
                Fusion::Calibrated => by_score(place.score),
                Fusion::ReciprocalRank => place.rank.map_or(0.0, |rank| 1.0 / (RANKS + rank as f32)),
            };
            place.share
        };
        candidate.score = share(&mut candidate.words, |bm25| bm25) + share(&mut candidate.meaning, evidence);
    }
    sort(candidates);
}

/// Greatest score first, then in the order of articles.
pub fn sort(candidates: &mut [Candidate]) {
    candidates.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.article.cmp(&b.article)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(article: i64, words: (Option<usize>, f32), meaning: (Option<usize>, f32)) -> Candidate {
        let place = |(rank, score)| Some(Place { rank, score, share: 0.0 });
        Candidate { words: place(words), meaning: place(meaning), ..Candidate::new(ArticleId(article)) }
    }

    #[test]
    fn evidence_grows_with_nearness_and_has_an_end() {
        assert_eq!(evidence(0.0), 0.0);
        assert!(evidence(-0.5) < 0.0 && evidence(0.5) > 0.0);
        assert!(evidence(0.95) - evidence(0.9) > evidence(0.55) - evidence(0.5), "near texts are told apart best");
        assert!(evidence(1.0).is_finite() && evidence(1.1) == evidence(1.0));
    }

    #[test]
    fn both_places_count_and_ties_come_in_the_order_of_articles() {
        let mut candidates = [
            candidate(3, (Some(1), 9.0), (None, 0.1)),
            candidate(2, (None, 0.0), (Some(1), 0.6)),
            candidate(1, (Some(2), 8.0), (Some(2), 0.5)),
        ];
        fuse(&mut candidates, Fusion::Calibrated);
        assert_eq!(candidates.map(|c| c.article.0), [1, 2, 3]);
        let sum = candidates.map(|c| c.words.unwrap().share + c.meaning.unwrap().share);
        assert_eq!(sum, candidates.map(|c| c.score));
        fuse(&mut candidates, Fusion::ReciprocalRank);
        assert_eq!(candidates.map(|c| c.article.0), [1, 2, 3]);
        assert_eq!(candidates[1].score, 1.0 / 61.0);
        assert_eq!(candidates[1].score, candidates[2].score);
    }
}
