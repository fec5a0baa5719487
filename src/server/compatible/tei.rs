//! The interface of Text Embeddings Inference: `/embed`, `/similarity`, `/rerank`, `/info`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dialect::TeiError;
use super::ranking::{Scale, cosine, rank};
use super::texts::Texts;
use super::{answer, embedded};
use crate::embed::batch::TOKENS_PER_PASS;
use crate::embed::spec::Role;
use crate::server::extract::Body;
use crate::server::inputs::{Embedded, finished};
use crate::server::options::LongInputs;
use crate::server::problem::Problem;
use crate::server::state::{self, Shared};

/// What is asked of `/embed`.
#[derive(Deserialize, ToSchema)]
#[schema(as = TeiEmbedRequest)]
struct EmbedRequest {
    /// One text or several. Token ids are refused.
    inputs: Texts,
    /// Whether vectors are made of unit length: true without it. Models that compare by cosine, such as the built-in one, give
    /// no others.
    normalize: Option<bool>,
    /// The first components of the vectors. All of them without it.
    #[schema(minimum = 1)]
    dimensions: Option<usize>,
    #[serde(flatten)]
    reading: Reading,
}

/// How texts are read.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[schema(as = TeiReading)]
struct Reading {
    /// Whether texts that are longer than the model can take are cut (true) or refused (false). The server's rule without it.
    truncate: Option<bool>,
    /// From which end they are cut: only the right.
    truncation_direction: Option<TruncationDirection>,
    /// The prompt of the model that stands before the texts: of queries or, without it, of passages.
    prompt_name: Option<PromptName>,
}

/// From which end a text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = TeiTruncationDirection)]
enum TruncationDirection {
    /// Refused: what a text begins with says what it is about.
    #[serde(alias = "left")]
    Left,
    /// From the end.
    #[serde(alias = "right")]
    Right,
}

/// A prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = TeiPromptName)]
#[serde(rename_all = "lowercase")]
enum PromptName {
    /// What is asked.
    Query,
    /// What is searched.
    #[serde(alias = "document", alias = "corpus")]
    Passage,
}

impl Reading {
    fn role(self) -> Role {
        if self.prompt_name == Some(PromptName::Query) { Role::Query } else { Role::Passage }
    }

    fn rule(self) -> Result<Option<LongInputs>, Problem> {
        if self.truncation_direction == Some(TruncationDirection::Left) {
            return Err(Problem::invalid("truncation_direction: texts are cut on the right alone, leave it out"));
        }
        Ok(self.truncate.map(|truncate| if truncate { LongInputs::Truncate } else { LongInputs::Reject }))
    }
}

/// What is asked of `/similarity`.
#[derive(Deserialize, ToSchema)]
#[schema(as = TeiSimilarityRequest)]
struct SimilarityRequest {
    inputs: SimilarityInputs,
    /// How the texts are read.
    parameters: Option<Reading>,
}

/// Texts to compare.
#[derive(Deserialize, ToSchema)]
#[schema(as = TeiSimilarityInputs)]
struct SimilarityInputs {
    /// What the others are compared with.
    #[schema(min_length = 1)]
    source_sentence: String,
    /// The others.
    #[schema(min_items = 1)]
    sentences: Vec<String>,
}

/// What is asked of `/rerank`.
#[derive(Deserialize, ToSchema)]
#[schema(as = TeiRerankRequest)]
struct RerankRequest {
    /// What is asked.
    #[schema(min_length = 1)]
    query: String,
    /// What may answer it.
    #[schema(min_items = 1)]
    texts: Vec<String>,
    /// Whether scores are logits, or cosines, rather than numbers from 0 to 1.
    #[serde(default)]
    raw_scores: bool,
    /// Whether the texts are given back.
    #[serde(default)]
    return_text: bool,
    #[serde(flatten)]
    reading: Reading,
}

/// A text and its score.
#[derive(Serialize, ToSchema)]
#[schema(as = TeiRank)]
struct Rank {
    /// The text's place among all that were sent.
    index: usize,
    /// The text, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// How well it answers.
    score: f32,
}

/// What is served.
#[derive(Serialize, ToSchema)]
#[schema(as = TeiInfo)]
struct Info {
    /// The model.
    #[schema(example = "voisin-mini")]
    model_id: String,
    /// The hub's commit, where it comes from there.
    model_sha: Option<String>,
    /// The numbers that its layers multiply.
    #[schema(example = "int8")]
    model_dtype: String,
    model_type: ModelType,
    /// Connections at a time.
    max_concurrent_requests: usize,
    /// Tokens of a text; 2^32 - 1 where there is no limit.
    max_input_length: usize,
    /// Tokens of a pass through the model.
    max_batch_tokens: usize,
    /// Always null: passes are limited by tokens.
    max_batch_requests: Option<usize>,
    /// Texts of a request.
    max_client_batch_size: usize,
    /// Whether texts that are too long are cut where a request does not say what happens to them.
    auto_truncate: bool,
    /// Threads that embed.
    tokenization_workers: usize,
    /// The version of this program.
    version: &'static str,
    /// Always null.
    sha: Option<String>,
    /// Always null.
    docker_label: Option<String>,
}

/// What kind of model it is.
#[derive(Serialize, ToSchema)]
#[schema(as = TeiModelType)]
struct ModelType {
    embedding: EmbeddingModel,
}

/// A model that embeds.
#[derive(Serialize, ToSchema)]
#[schema(as = TeiEmbeddingModel)]
struct EmbeddingModel {
    /// How the vectors of tokens become one.
    #[schema(example = "mean")]
    pooling: &'static str,
}

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(embed))
        .routes(routes!(embed_at_root))
        .routes(routes!(similarity))
        .routes(routes!(rerank))
        .routes(routes!(info))
}

/// Texts to vectors, as clients of Text Embeddings Inference ask for them.
///
/// Where a text was too long, the headers `x-voisin-truncated-inputs`, `x-voisin-truncated-tokens`, `x-voisin-pooled-inputs`
/// and `x-voisin-pooled-passages` say how many.
#[utoipa::path(post, path = "/embed", tag = "TEI", request_body = EmbedRequest, responses(
    (status = 200, description = "A vector for each text", body = Vec<Vec<f32>>),
    (status = 400, description = "Not understood", body = TeiError),
    (status = 413, description = "More than a limit allows", body = TeiError),
    (status = 422, description = "The tokenizer refuses a text", body = TeiError),
    (status = 424, description = "The model fails", body = TeiError),
    (status = 429, description = "Too much waits already: come again when `Retry-After` says", body = TeiError),
    (status = "default", description = "Whatever else went wrong", body = TeiError),
))]
async fn embed(State(state): State<Shared>, Body(request): Body<EmbedRequest>) -> Result<Response, Problem> {
    let EmbedRequest { inputs, normalize, dimensions, reading } = request;
    let embedded = embedded(&state, inputs, reading.role(), reading.rule()?, dimensions).await?;
    let notes = answer::notes(&embedded);
    let Embedded { vectors, .. } = embedded;
    let to_unit = normalize.unwrap_or(true) && !state.embeddings.embedder().spec().normalise;
    let unit = move |vector: Vec<f32>| {
        let dims = vector.len();
        if to_unit { finished(vector, dims, true) } else { vector }
    };
    let components = vectors.iter().map(Vec::len).sum();
    let answer = answer::json(components, move || vectors.into_iter().map(unit).collect::<Vec<_>>()).await?;
    Ok((notes, answer).into_response())
}

/// The same as `/embed`, for clients that are given the address of the server alone.
#[utoipa::path(post, path = "/", tag = "TEI", request_body = EmbedRequest, responses(
    (status = 200, description = "A vector for each text", body = Vec<Vec<f32>>),
    (status = 400, description = "Not understood", body = TeiError),
    (status = "default", description = "Whatever else went wrong", body = TeiError),
))]
async fn embed_at_root(state: State<Shared>, body: Body<EmbedRequest>) -> Result<Response, Problem> {
    embed(state, body).await
}

/// How close texts are to another one: cosines.
#[utoipa::path(post, path = "/similarity", tag = "TEI", request_body = SimilarityRequest, responses(
    (status = 200, description = "A cosine for each sentence", body = Vec<f32>),
    (status = 400, description = "Not understood", body = TeiError),
    (status = 413, description = "More than a limit allows", body = TeiError),
    (status = 429, description = "Too much waits already: come again when `Retry-After` says", body = TeiError),
    (status = "default", description = "Whatever else went wrong", body = TeiError),
))]
async fn similarity(
    State(state): State<Shared>,
    Body(request): Body<SimilarityRequest>,
) -> Result<(HeaderMap, Json<Vec<f32>>), Problem> {
    let SimilarityRequest { inputs: SimilarityInputs { source_sentence, sentences: mut texts }, parameters } = request;
    let reading = parameters.unwrap_or_default();
    if texts.is_empty() {
        return Err(Problem { code: "empty", ..Problem::invalid("no sentence to compare with was sent") });
    }
    texts.push(source_sentence);
    let embedded = embedded(&state, Texts(texts), reading.role(), reading.rule()?, None).await?;
    let (source, others) = embedded.vectors.split_last().expect("one text at least was embedded");
    let cosines = others.iter().map(|other| cosine(source, other)).collect();
    Ok((answer::notes(&embedded), Json(cosines)))
}

/// Texts by how well they answer a query.
///
/// By a cross-encoder where the server was started with one, otherwise by the cosines of the vectors: the header
/// `x-voisin-scores` says which. A cross-encoder does not pool: where the rule for long texts is to pool, it cuts them, and the
/// headers `x-voisin-truncated-inputs` and `x-voisin-truncated-tokens` say how many.
#[utoipa::path(post, path = "/rerank", tag = "TEI", request_body = RerankRequest, responses(
    (status = 200, description = "The texts, the best first", body = Vec<Rank>),
    (status = 400, description = "Not understood", body = TeiError),
    (status = 413, description = "More than a limit allows", body = TeiError),
    (status = 429, description = "Too much waits already: come again when `Retry-After` says", body = TeiError),
    (status = "default", description = "Whatever else went wrong", body = TeiError),
))]
async fn rerank(
    State(state): State<Shared>,
    Body(request): Body<RerankRequest>,
) -> Result<(HeaderMap, Json<Vec<Rank>>), Problem> {
    let RerankRequest { query, texts, raw_scores, return_text, reading } = request;
    let mut kept = if return_text { texts.clone() } else { Vec::new() };
    let scale = if raw_scores { Scale::Raw } else { Scale::Unit };
    let ranking = rank(&state, query, texts, reading.rule()?, scale).await?;
    let ranks = ranking.texts.into_iter().map(|(index, score)| {
        let text = kept.get_mut(index).map(std::mem::take);
        Rank { index, text, score }
    });
    Ok((ranking.notes, Json(ranks.collect())))
}

/// What is served.
#[utoipa::path(get, path = "/info", tag = "TEI", responses(
    (status = 200, description = "The model and the limits", body = Info),
    (status = "default", description = "Whatever went wrong", body = TeiError),
))]
async fn info(State(state): State<Shared>) -> Json<Info> {
    Json(description(&state))
}

fn description(state: &state::State) -> Info {
    let (embedder, options) = (state.embeddings.embedder(), &state.options);
    let spec = embedder.spec();
    Info {
        model_id: spec.id.clone(),
        model_sha: spec.commit.clone(),
        model_dtype: embedder.precision().to_string(),
        model_type: ModelType { embedding: EmbeddingModel { pooling: spec.pooling.name() } },
        max_concurrent_requests: options.limits.connections,
        max_input_length: spec.max_tokens.min(u32::MAX as usize),
        max_batch_tokens: TOKENS_PER_PASS,
        max_batch_requests: None,
        max_client_batch_size: options.limits.texts,
        auto_truncate: options.long_inputs == LongInputs::Truncate,
        tokenization_workers: options.threads,
        version: env!("CARGO_PKG_VERSION"),
        sha: None,
        docker_label: None,
    }
}
