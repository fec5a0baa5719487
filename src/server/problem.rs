//! What went wrong, as a status and a sentence for whoever asked.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::embed::EmbedError;
use crate::engine::EngineError;
use crate::search::SearchError;
use crate::store::StoreError;

/// Why a request was not answered.
///
/// Each interface says it in its own shape; this one's `IntoResponse` is that of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// A word for programs.
    pub code: &'static str,
    /// A sentence for people: what is wrong, where, what to do. Never a path of this machine, never text of an article.
    pub message: String,
    /// When it may be worth trying again.
    pub retry_after: Option<Duration>,
}

/// The body of an error.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    error: ErrorDetail,
}

/// What went wrong.
#[derive(Serialize, utoipa::ToSchema)]
struct ErrorDetail {
    /// A word for programs, such as `not_found`.
    code: String,
    /// A sentence for people.
    message: String,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// 400: the request is not understood.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    /// 401: no key, or none that is known.
    pub fn unauthorised(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorised", message)
    }

    /// 403: the key does not allow it.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 404: there is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 413: more than a limit allows.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// 422: understood, but it cannot be done.
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", message)
    }

    /// 429: a line is full.
    pub fn busy(message: impl Into<String>, retry_after: Duration) -> Self {
        let retry_after = Some(retry_after);
        Self { retry_after, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", message) }
    }

    /// 503: not now.
    pub fn unavailable(message: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message) }
    }

    /// 504: it took too long.
    pub fn timeout(limit: Duration) -> Self {
        let message = format!(
            "not answered within {} s, the limit of a request: ask for less (what was sent to be stored may still be)",
            limit.as_secs()
        );
        Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message)
    }

    /// 500: a fault of ours or of the machine. What it was goes to the log alone: it may name paths.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        let message = "the server failed on this request: its log says more, under the id of this answer";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Search(error) => error.into(),
            EngineError::Store(error) => error.into(),
            EngineError::Embed(error) => error.into(),
            error => Self::internal(&error),
        }
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Empty => Self::invalid("the question is empty: give some words, such as grève à l'hôpital"),
            SearchError::OtherQuestion => Self::invalid(error.to_string()),
            SearchError::Undated(key) => Self::unprocessable(format!(
                "\"{key}\" has no date to count from: leave within out, or say since and until"
            )),
            SearchError::Store(error) => error.into(),
            SearchError::Embed(error) => error.into(),
            SearchError::Lexical(error) => Self::internal(&error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(_) => {
                tracing::error!(%error, "the disk is full");
                let message =
                    "no space is left on the server's disk: what was acknowledged is safe, this was not stored";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "full", message)
            }
            StoreError::NoLabel { .. } => Self::unprocessable(error.to_string()),
            error => Self::internal(&error),
        }
    }
}

impl From<EmbedError> for Problem {
    fn from(error: EmbedError) -> Self {
        match error {
            EmbedError::Tokenizer { what, .. } => {
                Self::unprocessable(format!("the model's tokenizer refuses a text: {what}"))
            }
            error => Self::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let error = ErrorDetail { code: self.code.to_owned(), message: self.message.clone() };
        let mut response = (self.status, Json(ErrorBody { error })).into_response();
        set_retry_after(&mut response, self.retry_after);
        // For whoever says it in another shape.
        response.extensions_mut().insert(self);
        response
    }
}

/// Says when to come again, in whole seconds, one at least.
pub fn set_retry_after(response: &mut Response, after: Option<Duration>) {
    if let Some(after) = after {
        let seconds = after.as_secs_f64().ceil().clamp(1.0, 3600.0) as u64;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}
