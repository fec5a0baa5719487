//! Texts of a request to vectors, by an explicit rule for those that are longer than the model can take.

use ndarray::Array2;

use super::embeddings::Embeddings;
use super::options::LongInputs;
use super::problem::Problem;
use crate::chunk;
use crate::embed::batch::share;
use crate::embed::spec::Role;
use crate::embed::tokenize::Tokens;
use crate::embed::{EmbedError, Embedder, cores, pooling};
use crate::engine::{PASSAGE_TOKENS, budget};
use crate::ingest::prepare::Counter;
use crate::text::analysis_form;

/// Bytes of text up to which tokenising is not worth another thread.
const SHORT: usize = 16 << 10;

/// Texts of a request, embedded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedded {
    /// A vector for each text, in their order: dims components each.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens that went through the model.
    pub tokens: usize,
    /// Texts that were cut, by their place among all, with the tokens that are in no vector.
    pub truncated: Vec<(usize, usize)>,
    /// Texts whose vector is the mean of their passages, by their place among all, with the number of these.
    pub pooled: Vec<(usize, usize)>,
}

/// The passes that a text needs.
struct Parts {
    tokens: Vec<Tokens>,
    dropped: usize,
}

/// Embeds texts in the role of queries or passages: vectors of `dims` components, of as many as the model gives without it.
///
/// # Errors
/// When a text is too long and that is to be refused, `dims` cannot be had, the line is full, or the model fails.
pub async fn embed(
    embeddings: &Embeddings,
    texts: Vec<String>,
    role: Role,
    rule: LongInputs,
    dims: Option<usize>,
) -> Result<Embedded, Problem> {
    let embedder = embeddings.embedder().clone();
    let there = embedder.spec().dims;
    if let Some(wanted) = dims.filter(|wanted| !(1..=there).contains(wanted)) {
        return Err(Problem::invalid(format!("dimensions: {wanted} components cannot be had, expected 1 to {there}")));
    }
    let parts = if texts.iter().map(String::len).sum::<usize>() <= SHORT {
        parts_of_all(&embedder, &texts, role, rule, 1)?
    } else {
        // One at a time, on all cores: whoever sends much waits for others who do.
        let turn = embeddings.tokenising().await;
        let work = move || {
            let _turn = turn;
            parts_of_all(&embedder, &texts, role, rule, cores())
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))??
    };
    let mut embedded = Embedded::default();
    let weights: Vec<Vec<usize>> =
        parts.iter().map(|parts| parts.tokens.iter().map(|tokens| tokens.ids.len()).collect()).collect();
    for (at, (parts, weights)) in parts.iter().zip(&weights).enumerate() {
        embedded.tokens += weights.iter().sum::<usize>();
        embedded.truncated.extend((parts.dropped > 0).then_some((at, parts.dropped)));
        embedded.pooled.extend((weights.len() > 1).then_some((at, weights.len())));
    }
    let vectors = embeddings.embed(parts.into_iter().flat_map(|parts| parts.tokens).collect()).await?;
    let (spec, mut vectors) = (embeddings.embedder().spec(), vectors.into_iter());
    for weights in &weights {
        let parts: Vec<Vec<f32>> = vectors.by_ref().take(weights.len()).collect();
        let vector = mean(parts, weights, spec.normalise);
        embedded.vectors.push(match dims {
            Some(dims) if dims < there => finished(vector, dims, spec.normalise),
            _ => vector,
        });
    }
    Ok(embedded)
}

fn parts_of_all(
    embedder: &Embedder,
    texts: &[String],
    role: Role,
    rule: LongInputs,
    workers: usize,
) -> Result<Vec<Parts>, Problem> {
    let parts = share(texts, workers, |text| parts(embedder, text, role, rule))?;
    if rule == LongInputs::Reject
        && let Some((at, long)) = parts.iter().enumerate().find(|(_, parts)| parts.dropped > 0)
    {
        let limit = embedder.spec().max_tokens;
        return Err(Problem::too_large(format!(
            "input {at} has {} tokens, the model takes {limit}: cut it, or let it be pooled or truncated",
            limit + long.dropped
        )));
    }
    Ok(parts)
}

fn parts(embedder: &Embedder, text: &str, role: Role, rule: LongInputs) -> Result<Parts, EmbedError> {
    let whole = embedder.tokenize(&analysis_form(text), role)?;
    if whole.dropped == 0 || rule != LongInputs::Pool {
        return Ok(Parts { dropped: whole.dropped, tokens: vec![whole] });
    }
    let found = chunk::passages(text, budget(PASSAGE_TOKENS, embedder), &Counter(embedder));
    let passages = found.passages.iter().map(|span| embedder.tokenize(&analysis_form(&text[span.range()]), role));
    let tokens = passages.collect::<Result<Vec<_>, _>>()?;
    let dropped = tokens.iter().map(|tokens| tokens.dropped).sum();
    // A text of page furniture alone has no passage.
    Ok(if tokens.is_empty() {
        Parts { dropped: whole.dropped, tokens: vec![whole] }
    } else {
        Parts { tokens, dropped }
    })
}

/// The mean of vectors by their weights, of unit length where the model's vectors are.
fn mean(mut vectors: Vec<Vec<f32>>, weights: &[usize], normalise: bool) -> Vec<f32> {
    if vectors.len() == 1 {
        return vectors.remove(0);
    }
    let total: usize = weights.iter().sum();
    let mut mean = vec![0.0; vectors.first().map_or(0, Vec::len)];
    for (vector, weight) in vectors.iter().zip(weights) {
        let share = *weight as f32 / total.max(1) as f32;
        mean.iter_mut().zip(vector).for_each(|(sum, value)| *sum += share * value);
    }
    let dims = mean.len();
    finished(mean, dims, normalise)
}

/// The first components of a vector, of unit length if `normalise`.
pub fn finished(vector: Vec<f32>, dims: usize, normalise: bool) -> Vec<f32> {
    let row = Array2::from_shape_vec((1, vector.len()), vector).expect("a vector is a row");
    pooling::finish(row, dims, normalise).into_raw_vec_and_offset().0
}
