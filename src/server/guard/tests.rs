//! What stands around routes, with routes that take long, panic, or want JSON.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::engine::{self, Engine};
use crate::server::Server;
use crate::server::options::{Limits, LongInputs};
use crate::store::{Making, Store};

/// Routes of all kinds, guarded with these limits, in a server on a store in `folder`.
fn guarded(folder: &Path, limits: Limits) -> Router {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/bert").display().to_string();
    let (_, model) = engine::load_model(&tiny.parse().unwrap(), &engine::Options::default()).unwrap();
    drop(Store::open_to_write(folder, &Making { model, passage_tokens: engine::PASSAGE_TOKENS }).unwrap());
    let listen: SocketAddr = ([127, 0, 0, 1], 0).into();
    let long_inputs = LongInputs::default();
    let options = Options { listen, keys: None, writes: false, long_inputs, threads: 1, limits };
    let server = Server::start(&Engine::open(folder, engine::Options::default()).unwrap(), options).unwrap();
    let long = "é".repeat(2_000);
    let page = move || std::future::ready(axum::response::Html(long.clone()));
    let routes = Router::new()
        .route("/slow", post(|| tokio::time::sleep(Duration::from_secs(3_600))))
        .route("/broken", get(broken))
        .route("/json", post(|Json(json): Json<Value>| async move { Json(json) }))
        .route("/page", get(page))
        .route(
            "/v1/articles",
            post(|body: Body| async move { to_bytes(body, usize::MAX).await.unwrap().len().to_string() }),
        );
    around(routes, &server.state)
}

async fn broken() -> &'static str {
    panic!("about a secret")
}

async fn ask(router: &Router, method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
    let request = request.header(header::CONTENT_TYPE, "application/json").header(header::ACCEPT_ENCODING, "gzip");
    let response = router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, to_bytes(body, usize::MAX).await.unwrap().to_vec())
}

/// The code and the message of an error.
fn error(body: &[u8]) -> (String, String) {
    let body: Value = serde_json::from_slice(body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(body)));
    let [code, message] = ["code", "message"].map(|name| body["error"][name].as_str().unwrap().to_owned());
    (code, message)
}

#[tokio::test]
async fn what_takes_too_long_is_broken_off_and_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { request: Duration::from_millis(300), requests: 2, ..Limits::default() };
    let router = guarded(folder.path(), limits);
    let slow = || ask(&router, "POST", "/slow", "1");
    let (first, second, third) = tokio::join!(slow(), slow(), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        slow().await
    });
    for (status, _, body) in [first, second] {
        assert_eq!((status, error(&body).0.as_str()), (StatusCode::GATEWAY_TIMEOUT, "timeout"));
    }
    assert_eq!((third.0, error(&third.2).0.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert_eq!(third.1[header::RETRY_AFTER], "1");
    assert_eq!(ask(&router, "POST", "/json", "[1]").await.0, StatusCode::OK, "their places are free again");
}

#[tokio::test]
async fn a_panic_is_an_answer_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let router = guarded(folder.path(), Limits::default());
    let (status, headers, body) = ask(&router, "GET", "/broken", "").await;
    assert_eq!((status, error(&body).0.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "internal"));
    assert!(!error(&body).1.contains("secret"));
    assert!(headers.contains_key("x-request-id") && headers.contains_key(header::CONTENT_SECURITY_POLICY));
}

#[tokio::test]
async fn what_the_framework_refuses_has_the_shape_of_errors() {
    let folder = tempfile::tempdir().unwrap();
    let router = guarded(folder.path(), Limits { body: 1 << 20, ..Limits::default() });
    let deep = "[".repeat(500_000);
    for (body, status, code) in [
        (Body::from("{"), StatusCode::BAD_REQUEST, "invalid"),
        (Body::from(deep), StatusCode::BAD_REQUEST, "invalid"),
        (Body::from(&b"[\"\xff\xfe\"]"[..]), StatusCode::BAD_REQUEST, "invalid"),
        (Body::from(vec![b' '; (1 << 20) + 1]), StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
    ] {
        let (found, headers, body) = ask(&router, "POST", "/json", body).await;
        assert_eq!((found, error(&body).0.as_str()), (status, code));
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(
            headers
                .get(header::CONTENT_LENGTH)
                .map_or(body.len().to_string(), |length| length.to_str().unwrap().to_owned()),
            body.len().to_string()
        );
    }
    let (status, headers, body) = ask(&router, "GET", "/json", "").await;
    assert_eq!((status, error(&body).0.as_str()), (StatusCode::METHOD_NOT_ALLOWED, "wrong_method"));
    assert_eq!(headers[header::ALLOW], "POST");
    // More than the framework would take by itself, and less than the limit.
    let router = guarded(&folder.path().join("other"), Limits { body: 4 << 20, ..Limits::default() });
    let large = format!("\"{}\"", "a".repeat(3 << 20));
    assert_eq!(ask(&router, "POST", "/json", large).await.0, StatusCode::OK);
}

#[tokio::test]
async fn bulk_loads_are_as_long_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let router = guarded(folder.path(), Limits { body: 1_000, bodies: 1_000, ..Limits::default() });
    let (status, _, body) = ask(&router, "POST", "/v1/articles", vec![b'a'; 1 << 20]).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, &b"1048576"[..]));
}

#[tokio::test]
async fn pages_are_compressed_and_numbers_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let router = guarded(folder.path(), Limits::default());
    let (_, headers, body) = ask(&router, "GET", "/page", "").await;
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    assert!(body.len() < 1_000);
    let (_, headers, _) = ask(&router, "POST", "/json", format!("[{}1]", "0.125,".repeat(1_000))).await;
    assert!(!headers.contains_key(header::CONTENT_ENCODING));
}
