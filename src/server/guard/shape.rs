//! One shape for what goes wrong: what the framework refuses by itself (no such route, another method, a body that is no JSON) and
//! what panics is said as a [`Problem`], as everything else is.

use std::any::Any;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::server::problem::Problem;

/// Bytes of a sentence of the framework.
const SENTENCE: usize = 4 << 10;

pub(super) async fn shape(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !plain {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let said = to_bytes(body, SENTENCE).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let (code, message) = match status {
        StatusCode::NOT_FOUND => {
            ("not_found", "there is nothing at this path: see /openapi.json for what there is".to_owned())
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            ("wrong_method", format!("this path does not take {method}: see the header allow"))
        }
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", said),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("wrong_type", said),
        StatusCode::UNPROCESSABLE_ENTITY => ("unprocessable", said),
        status if status.is_client_error() => ("invalid", said),
        _ => ("internal", said),
    };
    let message =
        if message.is_empty() { status.canonical_reason().unwrap_or("it failed").to_owned() } else { message };
    let told = Problem { status, code, message, retry_after: None }.into_response();
    let (told, body) = told.into_parts();
    // What else was said stays: which methods there are, say.
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(told.headers);
    Response::from_parts(parts, Body::new(body))
}

/// What became of a request whose handler panicked. Where is in the log; with what is nowhere: it may quote a text.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal(&"its handler panicked").into_response()
}
