//! The interface of OpenAI: `/v1/embeddings`, `/v1/models`.

use std::time::SystemTime;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dialect::OpenAiError;
use super::texts::Texts;
use super::{answer, embedded, forms};
use crate::embed::spec::Role;
use crate::server::extract::Body;
use crate::server::inputs::Embedded;
use crate::server::options::LongInputs;
use crate::server::problem::Problem;
use crate::server::state::{self, Shared};

/// What is asked of `/v1/embeddings`.
#[derive(Deserialize, ToSchema)]
struct EmbeddingsRequest {
    /// One text or several. Token ids are refused: those of another model's tokenizer mean nothing here.
    input: Texts,
    /// Any name: there is one model, which the answer names.
    #[expect(dead_code, reason = "clients have to name a model; it is the same whatever they say")]
    model: Option<String>,
    /// How the vectors are written: `float` without it.
    encoding_format: Option<EncodingFormat>,
    /// The first components of the vectors, which are then of unit length again. All of them without it.
    #[schema(minimum = 1)]
    dimensions: Option<usize>,
    /// Ignored.
    #[expect(dead_code, reason = "for the log of another server")]
    user: Option<String>,
    /// Ours: which prompt of the model stands before the texts, where it has them. `passage` without it.
    input_type: Option<InputType>,
    /// Ours: what happens to texts that are longer than the model can take. The server's rule without it.
    long_inputs: Option<LongInputs>,
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum EncodingFormat {
    /// A list of numbers.
    #[default]
    Float,
    /// Little-endian f32, in base64: a third of the bytes.
    Base64,
}

/// Which side of a search texts are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum InputType {
    /// What is asked.
    Query,
    /// What is searched.
    Passage,
}

/// The vectors of texts.
#[derive(Serialize, ToSchema)]
struct EmbeddingsResponse {
    #[schema(example = "list")]
    object: &'static str,
    /// A vector for each text, in their order.
    data: Vec<EmbeddingObject>,
    /// The model that made them.
    model: String,
    /// What went through the model.
    usage: Usage,
    /// Ours: which texts were too long, and what was done with them. Left out where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    voisin: Option<LongTexts>,
}

/// The vector of a text.
#[derive(Serialize, ToSchema)]
struct EmbeddingObject {
    #[schema(example = "embedding")]
    object: &'static str,
    /// The text's place among all.
    index: usize,
    /// Its vector.
    embedding: Components,
}

/// A vector as it is written.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Components {
    /// A list of numbers.
    Float(Vec<f32>),
    /// Little-endian f32, in base64.
    Base64(String),
}

/// Tokens that went through the model.
#[derive(Serialize, ToSchema)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// Texts that were longer than the model can take.
#[derive(Serialize, ToSchema)]
struct LongTexts {
    /// The rule for them.
    long_inputs: LongInputs,
    /// Those that were cut.
    truncated: Vec<TruncatedText>,
    /// Those whose vector is the mean of their passages, by tokens.
    pooled: Vec<PooledText>,
}

/// A text that was cut.
#[derive(Serialize, ToSchema)]
struct TruncatedText {
    /// Its place among all.
    index: usize,
    /// Tokens that are in no vector.
    dropped_tokens: usize,
}

/// A text whose vector is the mean of its passages.
#[derive(Serialize, ToSchema)]
struct PooledText {
    /// Its place among all.
    index: usize,
    /// These passages.
    passages: usize,
}

/// The models that there are: one.
#[derive(Serialize, ToSchema)]
struct ModelList {
    #[schema(example = "list")]
    object: &'static str,
    data: Vec<ModelObject>,
}

/// A model.
#[derive(Serialize, ToSchema)]
struct ModelObject {
    #[schema(example = "voisin-mini")]
    id: String,
    #[schema(example = "model")]
    object: &'static str,
    /// When the server was started, in seconds since 1970.
    created: u64,
    #[schema(example = "voisin")]
    owned_by: &'static str,
}

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(embeddings)).routes(routes!(models)).routes(routes!(model))
}

/// Texts to vectors, as OpenAI's clients ask for them.
///
/// Where a text was too long, the headers `x-voisin-truncated-inputs`, `x-voisin-truncated-tokens`, `x-voisin-pooled-inputs`
/// and `x-voisin-pooled-passages` say how many, and the field `voisin` says which.
#[utoipa::path(post, path = "/v1/embeddings", tag = "OpenAI", request_body = EmbeddingsRequest, responses(
    (status = 200, description = "A vector for each text", body = EmbeddingsResponse),
    (status = 400, description = "Not understood, or more than a limit allows", body = OpenAiError),
    (status = 429, description = "Too much waits already: come again when `Retry-After` says", body = OpenAiError),
    (status = "default", description = "Whatever else went wrong", body = OpenAiError),
))]
async fn embeddings(State(state): State<Shared>, Body(request): Body<EmbeddingsRequest>) -> Result<Response, Problem> {
    let EmbeddingsRequest { input, encoding_format, dimensions, input_type, long_inputs, .. } = request;
    let role = if input_type == Some(InputType::Query) { Role::Query } else { Role::Passage };
    let embedded = embedded(&state, input, role, long_inputs, dimensions).await?;
    let notes = answer::notes(&embedded);
    let rule = long_inputs.unwrap_or(state.options.long_inputs);
    let model = state.embeddings.embedder().spec().id.clone();
    let components = embedded.vectors.iter().map(Vec::len).sum();
    let format = encoding_format.unwrap_or_default();
    let answer = answer::json(components, move || response(embedded, model, format, rule)).await?;
    Ok((notes, answer).into_response())
}

fn response(embedded: Embedded, model: String, format: EncodingFormat, long_inputs: LongInputs) -> EmbeddingsResponse {
    let Embedded { vectors, tokens, truncated, pooled } = embedded;
    let written = |vector: Vec<f32>| match format {
        EncodingFormat::Float => Components::Float(vector),
        EncodingFormat::Base64 => Components::Base64(forms::base64(&vector)),
    };
    let object = |(index, vector)| EmbeddingObject { object: "embedding", index, embedding: written(vector) };
    let long = !(truncated.is_empty() && pooled.is_empty());
    let voisin = long.then(|| LongTexts {
        long_inputs,
        truncated: truncated
            .into_iter()
            .map(|(index, dropped_tokens)| TruncatedText { index, dropped_tokens })
            .collect(),
        pooled: pooled.into_iter().map(|(index, passages)| PooledText { index, passages }).collect(),
    });
    EmbeddingsResponse {
        object: "list",
        data: vectors.into_iter().enumerate().map(object).collect(),
        model,
        usage: Usage { prompt_tokens: tokens, total_tokens: tokens },
        voisin,
    }
}

/// The model, as a list of one.
#[utoipa::path(get, path = "/v1/models", tag = "OpenAI", responses(
    (status = 200, description = "The models that there are", body = ModelList),
    (status = "default", description = "Whatever else went wrong", body = OpenAiError),
))]
async fn models(State(state): State<Shared>) -> Json<ModelList> {
    Json(ModelList { object: "list", data: vec![object(&state)] })
}

/// The model, if that is its name. A `/` in it is written `%2F`.
#[utoipa::path(get, path = "/v1/models/{model}", tag = "OpenAI",
    params(("model" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The model", body = ModelObject),
        (status = 404, description = "It is not this one", body = OpenAiError),
        (status = "default", description = "Whatever else went wrong", body = OpenAiError),
    )
)]
async fn model(State(state): State<Shared>, Path(name): Path<String>) -> Result<Json<ModelObject>, Problem> {
    let object = object(&state);
    if object.id != name {
        return Err(Problem::not_found(format!("the model of this server is \"{}\", there is no other", object.id)));
    }
    Ok(Json(object))
}

fn object(state: &state::State) -> ModelObject {
    let started = SystemTime::now() - state.started.elapsed();
    let created = started.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    ModelObject { id: state.embeddings.embedder().spec().id.clone(), object: "model", created, owned_by: "voisin" }
}
