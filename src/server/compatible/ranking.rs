//! Texts by how well they answer a query: by a cross-encoder where the server has one, by the vectors otherwise.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue};
use futures_util::future::try_join;

use super::body::Texts;
use super::{answer, embedded};
use crate::embed::spec::Role;
use crate::embed::tokenize::Tokens;
use crate::embed::{Reranker, cores};
use crate::server::options::LongInputs;
use crate::server::problem::Problem;
use crate::server::state::State;

/// Says what the scores are.
const SCORES: &str = "x-voisin-scores";

/// Pairs that a cross-encoder scores at a time: some hundred milliseconds.
const TURN: usize = 64;

/// Texts in the order of their scores.
pub struct Ranking {
    /// Each text's place among all, and its score: the best first, those of one score in their order.
    pub texts: Vec<(usize, f32)>,
    /// What the scores are, and which texts were cut or pooled for them.
    pub notes: HeaderMap,
}

/// On which scale scores are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// 0 to 1: the probability that a cross-encoder gives; of a cosine, (1 + it) / 2.
    Unit,
    /// The logit of the cross-encoder, or the cosine.
    Raw,
}

/// Ranks texts.
///
/// # Errors
/// When there are none, or too many; when one is too long and that is to be refused; when a line is full or a model fails.
pub async fn rank(
    state: &State,
    query: String,
    texts: Vec<String>,
    rule: Option<LongInputs>,
    scale: Scale,
) -> Result<Ranking, Problem> {
    if query.is_empty() {
        return Err(Problem { code: "empty", ..Problem::invalid("the query is empty: give some words") });
    }
    let (by, scores, mut notes) = match &state.reranker {
        Some(reranker) => by_cross_encoder(state, reranker, query, texts, rule, scale).await?,
        None => by_vectors(state, query, texts, rule, scale).await?,
    };
    notes.insert(SCORES, HeaderValue::from_static(by));
    let mut texts: Vec<(usize, f32)> = scores.into_iter().enumerate().collect();
    texts.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(Ranking { texts, notes })
}

/// What the scores are, those of the texts in their order, and what is to be said of long ones.
type Scores = (&'static str, Vec<f32>, HeaderMap);

/// A pair cannot be pooled: where texts are, it is cut. Pairs are scored [`TURN`] at a time, so that others have their turn
/// between, and nothing more is done for a client that has gone.
async fn by_cross_encoder(
    state: &State,
    reranker: &Arc<Reranker>,
    query: String,
    texts: Vec<String>,
    rule: Option<LongInputs>,
    scale: Scale,
) -> Result<Scores, Problem> {
    let texts = Texts(texts).checked(state.options.limits.texts)?;
    let tokenizing = reranker.clone();
    let tokenize = move || {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        tokenizing.tokenize_pairs(&query, &texts, cores())
    };
    let mut pairs = state.readers.ask(move |_| Ok(tokenize()?)).await?;
    let dropped = pairs.iter().enumerate().map(|(at, pair)| (at, pair.dropped));
    let truncated: Vec<(usize, usize)> = dropped.filter(|(_, dropped)| *dropped > 0).collect();
    if let (LongInputs::Reject, Some((at, dropped))) = (rule.unwrap_or(state.options.long_inputs), truncated.first()) {
        let limit = reranker.spec().max_tokens;
        return Err(Problem::too_large(format!(
            "text {at} and the query have {} tokens, the model takes {limit}: cut one, or let it be truncated",
            limit + dropped
        )));
    }
    let mut scores = Vec::with_capacity(pairs.len());
    while !pairs.is_empty() {
        let turn: Vec<Tokens> = pairs.drain(..pairs.len().min(TURN)).collect();
        let reranker = reranker.clone();
        let logits = state.readers.ask(move |_| Ok(reranker.logits(&turn, cores())?)).await?;
        scores.extend(logits.into_iter().map(|logit| match scale {
            Scale::Raw => logit,
            Scale::Unit => (1.0 / (1.0 + f64::from(-logit).exp())) as f32,
        }));
    }
    Ok(("cross-encoder", scores, answer::truncation(&truncated)))
}

async fn by_vectors(
    state: &State,
    query: String,
    texts: Vec<String>,
    rule: Option<LongInputs>,
    scale: Scale,
) -> Result<Scores, Problem> {
    let (query, mut texts) = try_join(
        embedded(state, Texts(vec![query]), Role::Query, rule, None),
        embedded(state, Texts(texts), Role::Passage, rule, None),
    )
    .await?;
    texts.truncated.extend(query.truncated);
    texts.pooled.extend(query.pooled);
    let score = |text: &Vec<f32>| match (scale, cosine(&query.vectors[0], text)) {
        (Scale::Raw, cosine) => cosine,
        (Scale::Unit, cosine) => (1.0 + cosine) / 2.0,
    };
    Ok(("cosine", texts.vectors.iter().map(score).collect(), answer::notes(&texts)))
}

/// The cosine of the angle between two vectors: 0 where one has no direction.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { (dot(a, b) / lengths).clamp(-1.0, 1.0) as f32 } else { 0.0 }
}
