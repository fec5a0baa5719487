//! The interface of Cohere: `/v2/embed`, `/v2/rerank`; and `/v1/rerank`, which many others took over.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Body, Texts};
use super::dialect::CohereError;
use super::ranking::{Scale, rank};
use super::{answer, embedded, forms};
use crate::embed::spec::Role;
use crate::server::inputs::Embedded;
use crate::server::options::LongInputs;
use crate::server::problem::Problem;
use crate::server::state::Shared;

/// What is asked of `/v2/embed`.
#[derive(Deserialize, ToSchema)]
#[schema(as = CohereEmbedRequest)]
struct EmbedRequest {
    /// Any name: there is one model.
    #[expect(dead_code, reason = "clients have to name a model; it is the same whatever they say")]
    model: Option<String>,
    /// What the texts are for; `search_query` has the model's prompt for queries, all others that for passages.
    input_type: Option<InputType>,
    /// The texts; or else `inputs`.
    texts: Option<Vec<String>>,
    /// The texts, in parts that are read as lines.
    inputs: Option<Vec<EmbedInput>>,
    /// Refused: the model reads text alone.
    #[schema(max_items = 0)]
    images: Option<Vec<String>>,
    /// Refused: texts are cut where the model's limit is.
    max_tokens: Option<usize>,
    /// The first components of the vectors, which are then of unit length again. All of them without it.
    #[schema(minimum = 1)]
    output_dimension: Option<usize>,
    /// The forms of the vectors: `float` without it.
    embedding_types: Option<Vec<EmbeddingType>>,
    /// What happens to texts that are longer than the model can take. The server's rule without it.
    truncate: Option<Truncate>,
}

/// What texts are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = CohereInputType)]
#[serde(rename_all = "snake_case")]
enum InputType {
    /// What is searched.
    SearchDocument,
    /// What is asked.
    SearchQuery,
    /// What is sorted into classes.
    Classification,
    /// What is grouped.
    Clustering,
    /// Refused.
    Image,
}

/// A text in parts.
#[derive(Deserialize, ToSchema)]
#[schema(as = CohereEmbedInput)]
struct EmbedInput {
    content: Vec<Content>,
}

/// A part of a text.
#[derive(Deserialize, ToSchema)]
#[schema(as = CohereContent)]
struct Content {
    /// Only `text`.
    #[serde(rename = "type")]
    #[schema(example = "text")]
    kind: String,
    /// The text.
    text: Option<String>,
}

/// The form of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = CohereEmbeddingType)]
#[serde(rename_all = "lowercase")]
enum EmbeddingType {
    /// A list of numbers.
    Float,
    /// Whole numbers from -127 to 127, in proportion: the greatest component of each vector becomes 127 or -127.
    Int8,
    /// The same, with 128 added.
    Uint8,
    /// The same as `ubinary`, with 128 subtracted from each byte.
    Binary,
    /// A bit a component, 1 where it is above zero: eight in a byte, the first the highest.
    Ubinary,
    /// Little-endian f32, in base64.
    Base64,
}

/// What happens to a text that is longer than the model can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = CohereTruncate)]
#[serde(rename_all = "UPPERCASE")]
enum Truncate {
    /// The request is refused.
    None,
    /// Refused: what a text begins with says what it is about.
    Start,
    /// Its end is cut off.
    End,
}

/// The vectors of texts.
#[derive(Serialize, ToSchema)]
#[schema(as = CohereEmbedResponse)]
struct EmbedResponse {
    /// A name of this answer.
    id: String,
    #[schema(example = "embeddings_by_type")]
    response_type: &'static str,
    embeddings: Embeddings,
    /// The texts that were sent.
    texts: Vec<String>,
    meta: Meta,
}

/// A vector for each text, in their order, in each form that was asked for.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = CohereEmbeddings)]
struct Embeddings {
    #[serde(skip_serializing_if = "Option::is_none")]
    float: Option<Vec<Vec<f32>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    int8: Option<Vec<Vec<i8>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Vec<u16>>>)]
    uint8: Option<Vec<Vec<u8>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary: Option<Vec<Vec<i8>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Vec<u16>>>)]
    ubinary: Option<Vec<Vec<u8>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<Vec<String>>,
}

/// What is to be said beside an answer.
#[derive(Serialize, ToSchema)]
#[schema(as = CohereMeta)]
struct Meta {
    billed_units: BilledUnits,
    /// What was cut or pooled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// What went through the model. Nobody is billed.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = CohereBilledUnits)]
struct BilledUnits {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search_units: Option<usize>,
}

/// What is asked of `/v2/rerank`.
#[derive(Deserialize, ToSchema)]
#[schema(as = CohereRerankRequest)]
struct RerankRequest {
    /// Any name: there is one model.
    #[expect(dead_code, reason = "clients have to name a model; it is the same whatever they say")]
    model: Option<String>,
    /// What is asked.
    #[schema(min_length = 1)]
    query: String,
    /// What may answer it.
    #[schema(min_items = 1)]
    documents: Vec<Document>,
    /// How many are given back: all without it.
    #[schema(minimum = 1)]
    top_n: Option<usize>,
    /// Refused: documents are cut where the model's limit is.
    max_tokens_per_doc: Option<usize>,
    /// Whether the documents are given back.
    #[serde(default)]
    return_documents: bool,
}

/// A document: its text, alone or as the field `text`.
#[derive(Deserialize, ToSchema)]
#[schema(as = CohereDocument)]
#[serde(untagged)]
enum Document {
    /// A text.
    Text(String),
    /// A text in an object.
    Object {
        /// The text.
        text: String,
    },
}

/// The best documents.
#[derive(Serialize, ToSchema)]
#[schema(as = CohereRerankResponse)]
struct RerankResponse {
    /// A name of this answer.
    id: String,
    /// The best first.
    results: Vec<Relevance>,
    meta: Meta,
}

/// How well a document answers.
#[derive(Serialize, ToSchema)]
#[schema(as = CohereRelevance)]
struct Relevance {
    /// Its place among all that were sent.
    index: usize,
    /// 0 to 1.
    relevance_score: f32,
    /// The document, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Returned>,
}

/// A document that is given back.
#[derive(Serialize, ToSchema)]
#[schema(as = CohereReturnedDocument)]
struct Returned {
    text: String,
}

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(embed)).routes(routes!(rerank)).routes(routes!(rerank_v1))
}

impl EmbedRequest {
    fn rule(&self) -> Result<Option<LongInputs>, Problem> {
        match self.truncate {
            None => Ok(None),
            Some(Truncate::None) => Ok(Some(LongInputs::Reject)),
            Some(Truncate::End) => Ok(Some(LongInputs::Truncate)),
            Some(Truncate::Start) => Err(Problem::invalid("truncate: texts are cut at their END alone, or not (NONE)")),
        }
    }

    /// The texts, wherever they are.
    fn texts(&mut self) -> Result<Vec<String>, Problem> {
        let pictures = || Problem::invalid("images cannot be embedded: the model reads text alone");
        if self.images.as_ref().is_some_and(|images| !images.is_empty()) || self.input_type == Some(InputType::Image) {
            return Err(pictures());
        }
        if self.max_tokens.is_some() {
            return Err(Problem::invalid("max_tokens: texts are cut at the model's limit alone, leave it out"));
        }
        match (self.texts.take(), self.inputs.take()) {
            (Some(_), Some(_)) => Err(Problem::invalid("texts and inputs: send one of them")),
            (texts, None) => Ok(texts.unwrap_or_default()),
            (None, Some(inputs)) => {
                let text = |part: Content| part.text.filter(|_| part.kind == "text").ok_or_else(pictures);
                let joined = |input: EmbedInput| {
                    Ok(input.content.into_iter().map(text).collect::<Result<Vec<_>, _>>()?.join("\n"))
                };
                inputs.into_iter().map(joined).collect()
            }
        }
    }
}

/// Texts to vectors, as Cohere's clients ask for them.
///
/// Where a text was too long, the headers `x-voisin-truncated-inputs`, `x-voisin-truncated-tokens`, `x-voisin-pooled-inputs`
/// and `x-voisin-pooled-passages` say how many, and `meta.warnings` says which.
#[utoipa::path(post, path = "/v2/embed", tag = "Cohere", request_body = EmbedRequest, responses(
    (status = 200, description = "A vector for each text", body = EmbedResponse),
    (status = 400, description = "Not understood, or more than a limit allows", body = CohereError),
    (status = 429, description = "Too much waits already: come again when `Retry-After` says", body = CohereError),
    (status = "default", description = "Whatever else went wrong", body = CohereError),
))]
async fn embed(State(state): State<Shared>, Body(mut request): Body<EmbedRequest>) -> Result<Response, Problem> {
    let (rule, texts) = (request.rule()?, request.texts()?);
    let role = if request.input_type == Some(InputType::SearchQuery) { Role::Query } else { Role::Passage };
    let embedded = embedded(&state, Texts(texts.clone()), role, rule, request.output_dimension).await?;
    let notes = answer::notes(&embedded);
    let types = request.embedding_types.unwrap_or_else(|| vec![EmbeddingType::Float]);
    let id = name()?;
    let components = types.len() * embedded.vectors.iter().map(Vec::len).sum::<usize>();
    let answer = answer::json(components, move || {
        let billed_units = BilledUnits { input_tokens: Some(embedded.tokens), ..BilledUnits::default() };
        let meta = Meta { billed_units, warnings: warnings(&embedded) };
        let embeddings = Embeddings::of(embedded, &types);
        EmbedResponse { id, response_type: "embeddings_by_type", embeddings, texts, meta }
    });
    Ok((notes, answer.await?).into_response())
}

impl Embeddings {
    fn of(embedded: Embedded, types: &[EmbeddingType]) -> Self {
        let vectors = &embedded.vectors;
        let mut embeddings = Self::default();
        for form in types {
            match form {
                EmbeddingType::Float => embeddings.float = Some(vectors.clone()),
                EmbeddingType::Int8 => embeddings.int8 = Some(each(vectors, forms::int8)),
                EmbeddingType::Uint8 => embeddings.uint8 = Some(each(vectors, forms::uint8)),
                EmbeddingType::Binary => embeddings.binary = Some(each(vectors, forms::binary)),
                EmbeddingType::Ubinary => embeddings.ubinary = Some(each(vectors, forms::ubinary)),
                EmbeddingType::Base64 => embeddings.base64 = Some(each(vectors, forms::base64)),
            }
        }
        embeddings
    }
}

fn each<T>(vectors: &[Vec<f32>], form: impl Fn(&[f32]) -> T) -> Vec<T> {
    vectors.iter().map(|vector| form(vector)).collect()
}

fn warnings(embedded: &Embedded) -> Vec<String> {
    let truncated = embedded.truncated.iter();
    let cut = truncated.map(|(at, tokens)| format!("text {at} was cut: {tokens} tokens of it are in no vector"));
    let pooled = embedded.pooled.iter();
    let mean =
        pooled.map(|(at, passages)| format!("text {at} was too long: its vector is the mean of {passages} passages"));
    cut.chain(mean).collect()
}

/// Documents by how well they answer a query.
///
/// By a cross-encoder where the server was started with one, otherwise by the cosines of the vectors, each as (1 + it) / 2: the
/// header `x-voisin-scores` says which. A cross-encoder does not pool: where the server's rule for long texts is to pool, it
/// cuts them, and the headers `x-voisin-truncated-inputs` and `x-voisin-truncated-tokens` say how many.
#[utoipa::path(post, path = "/v2/rerank", tag = "Cohere", request_body = RerankRequest, responses(
    (status = 200, description = "The best documents", body = RerankResponse),
    (status = 400, description = "Not understood, or more than a limit allows", body = CohereError),
    (status = 429, description = "Too much waits already: come again when `Retry-After` says", body = CohereError),
    (status = "default", description = "Whatever else went wrong", body = CohereError),
))]
async fn rerank(
    State(state): State<Shared>,
    Body(request): Body<RerankRequest>,
) -> Result<(HeaderMap, Json<RerankResponse>), Problem> {
    let RerankRequest { query, documents, top_n, max_tokens_per_doc, return_documents, .. } = request;
    if max_tokens_per_doc.is_some() {
        return Err(Problem::invalid("max_tokens_per_doc: documents are cut at the model's limit alone, leave it out"));
    }
    if top_n == Some(0) {
        return Err(Problem::invalid("top_n: expected 1 or more"));
    }
    let texts: Vec<String> =
        documents.into_iter().map(|(Document::Text(text) | Document::Object { text })| text).collect();
    let mut kept = if return_documents { texts.clone() } else { Vec::new() };
    let ranking = rank(&state, query, texts, None, Scale::Unit).await?;
    let best = ranking.texts.into_iter().take(top_n.unwrap_or(usize::MAX));
    let results = best.map(|(index, relevance_score)| {
        let document = kept.get_mut(index).map(|text| Returned { text: std::mem::take(text) });
        Relevance { index, relevance_score, document }
    });
    let billed_units = BilledUnits { search_units: Some(1), ..BilledUnits::default() };
    let meta = Meta { billed_units, warnings: Vec::new() };
    Ok((ranking.notes, Json(RerankResponse { id: name()?, results: results.collect(), meta })))
}

/// The same as `/v2/rerank`.
#[utoipa::path(post, path = "/v1/rerank", tag = "Cohere", request_body = RerankRequest, responses(
    (status = 200, description = "The best documents", body = RerankResponse),
    (status = 400, description = "Not understood, or more than a limit allows", body = CohereError),
    (status = "default", description = "Whatever else went wrong", body = CohereError),
))]
async fn rerank_v1(
    state: State<Shared>,
    body: Body<RerankRequest>,
) -> Result<(HeaderMap, Json<RerankResponse>), Problem> {
    rerank(state, body).await
}

/// A name that no other answer has.
fn name() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Problem::internal(&error))?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}
