//! The interfaces that programs speak already: of OpenAI, of Text Embeddings Inference (TEI), and of Cohere.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | `openai` | `/v1/embeddings`, `/v1/models` |
//! | `tei` | `/embed`, `/similarity`, `/rerank`, `/info` |
//! | `cohere` | `/v2/embed`, `/v2/rerank`, `/v1/rerank` |
//! | `body` | what is sent: JSON, and the texts in it |
//! | `ranking` | texts by how well they answer a query: by a cross-encoder, or by the vectors |
//! | `forms` | a vector in the forms that clients ask for |
//! | `answer` | large answers written on another thread; what was cut or pooled, said in headers |
//! | `dialect` | what went wrong, in the words of each interface |
//!
//! All of them embed with the model of the store. A client that has to name a model may name any: the answer says which one it
//! was. A text that is longer than the model can take is treated by the rule that the request names in the words of its
//! interface, or by the server's; what was cut off, or pooled out of several passages, is said in headers, and in the body
//! where the interface has room for it.

mod answer;
mod body;
mod cohere;
mod dialect;
mod forms;
mod openai;
mod ranking;
mod tei;

#[cfg(test)]
mod tests;

pub use dialect::in_their_words;

use utoipa_axum::router::OpenApiRouter;

use super::inputs::{self, Embedded};
use super::options::LongInputs;
use super::problem::Problem;
use super::state::{Shared, State};
use crate::embed::spec::Role;
use body::Texts;

/// The routes of all three.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().merge(openai::routes()).merge(tei::routes()).merge(cohere::routes())
}

/// The vectors of a request's texts, by its rule for long ones or the server's.
async fn embedded(
    state: &State,
    texts: Texts,
    role: Role,
    rule: Option<LongInputs>,
    dims: Option<usize>,
) -> Result<Embedded, Problem> {
    let texts = texts.checked(state.options.limits.texts)?;
    inputs::embed(&state.embeddings, texts, role, rule.unwrap_or(state.options.long_inputs), dims).await
}
