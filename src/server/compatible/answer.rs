//! Large answers written on another thread; what was cut or pooled, said in headers.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::server::inputs::Embedded;
use crate::server::problem::Problem;

/// Texts of a request that were cut at the model's limit.
const TRUNCATED_INPUTS: &str = "x-voisin-truncated-inputs";

/// Tokens of theirs that are in no vector, or were not read.
const TRUNCATED_TOKENS: &str = "x-voisin-truncated-tokens";

/// Texts whose vector is the mean of several passages.
const POOLED_INPUTS: &str = "x-voisin-pooled-inputs";

/// These passages, of all of them.
const POOLED_PASSAGES: &str = "x-voisin-pooled-passages";

/// Components of an answer up to which writing it is not worth another thread: about a millisecond.
const FEW: usize = 32 << 10;

/// An answer with so many components of vectors.
///
/// # Errors
/// When it cannot be written.
pub async fn json<T: Serialize>(
    components: usize,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<Response, Problem> {
    if components <= FEW {
        return Ok(Json(body()).into_response());
    }
    let write = move || Json(body()).into_response();
    tokio::task::spawn_blocking(write).await.map_err(|error| Problem::internal(&error))
}

/// Headers that say how many texts were cut or pooled: none where none was.
pub fn notes(embedded: &Embedded) -> HeaderMap {
    let mut headers = truncation(&embedded.truncated);
    put(&mut headers, POOLED_INPUTS, embedded.pooled.len());
    put(&mut headers, POOLED_PASSAGES, embedded.pooled.iter().map(|(_, passages)| passages).sum());
    headers
}

/// Headers that say how many texts were cut, and by how many tokens: none where none was.
pub fn truncation(truncated: &[(usize, usize)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, TRUNCATED_INPUTS, truncated.len());
    put(&mut headers, TRUNCATED_TOKENS, truncated.iter().map(|(_, tokens)| tokens).sum());
    headers
}

fn put(headers: &mut HeaderMap, name: &'static str, count: usize) {
    if count > 0 {
        headers.insert(name, HeaderValue::from(count));
    }
}
