//! What went wrong, in the words of each interface.

use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::server::problem::Problem;

/// Whose words an answer is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    OpenAi,
    Tei,
    Cohere,
}

/// An error as OpenAI says it.
#[derive(Serialize, ToSchema)]
pub struct OpenAiError {
    error: OpenAiErrorDetail,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
struct OpenAiErrorDetail {
    /// A sentence for people.
    message: String,
    /// What kind of error it is.
    #[serde(rename = "type")]
    #[schema(example = "invalid_request_error")]
    kind: &'static str,
    /// Always null.
    param: Option<String>,
    /// A word for programs.
    #[schema(example = "too_large")]
    code: &'static str,
}

/// An error as Text Embeddings Inference says it.
#[derive(Serialize, ToSchema)]
pub struct TeiError {
    /// A sentence for people.
    error: String,
    /// What kind of error it is.
    #[schema(example = "Validation")]
    error_type: &'static str,
}

/// An error as Cohere says it.
#[derive(Serialize, ToSchema)]
pub struct CohereError {
    /// A sentence for people.
    message: String,
}

/// Says what went wrong in the words of the interface that was asked. It is laid over whatever may refuse a request, and under
/// what compresses answers.
pub async fn in_their_words(request: Request, next: Next) -> Response {
    let dialect = Dialect::of(request.method(), request.uri().path());
    let mut response = next.run(request).await;
    let Some(dialect) = dialect else { return response };
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let (status, body) = dialect.say(problem);
    let (mut parts, _) = response.into_parts();
    parts.status = status;
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}

impl Dialect {
    fn of(method: &Method, path: &str) -> Option<Self> {
        match path {
            "/v1/embeddings" | "/v1/models" => Some(Self::OpenAi),
            _ if path.starts_with("/v1/models/") => Some(Self::OpenAi),
            "/embed" | "/similarity" | "/rerank" | "/info" => Some(Self::Tei),
            "/" if method == Method::POST => Some(Self::Tei),
            "/v2/embed" | "/v2/rerank" | "/v1/rerank" => Some(Self::Cohere),
            _ => None,
        }
    }

    /// The status and the body. OpenAI and Cohere have no 413: what is too much is not valid.
    fn say(self, problem: Problem) -> (StatusCode, Vec<u8>) {
        let Problem { status, code, message, .. } = problem;
        let valid = if status == StatusCode::PAYLOAD_TOO_LARGE { StatusCode::BAD_REQUEST } else { status };
        match self {
            Self::OpenAi => {
                let kind = match valid {
                    StatusCode::UNAUTHORIZED => "authentication_error",
                    StatusCode::FORBIDDEN => "permission_error",
                    StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
                    _ if valid.is_server_error() => "server_error",
                    _ => "invalid_request_error",
                };
                (valid, written(&OpenAiError { error: OpenAiErrorDetail { message, kind, param: None, code } }))
            }
            Self::Tei => {
                let (status, error_type) = match status {
                    StatusCode::TOO_MANY_REQUESTS => (status, "Overloaded"),
                    StatusCode::UNPROCESSABLE_ENTITY => (status, "Tokenizer"),
                    StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => (status, "Unhealthy"),
                    _ if status.is_server_error() => (StatusCode::FAILED_DEPENDENCY, "Backend"),
                    _ if code == "empty" => (status, "Empty"),
                    _ => (status, "Validation"),
                };
                (status, written(&TeiError { error: message, error_type }))
            }
            Self::Cohere => (valid, written(&CohereError { message })),
        }
    }
}

fn written(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("strings are written to memory")
}
