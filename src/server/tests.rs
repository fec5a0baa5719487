//! A server over a real store with the built-in model, asked through its routes without a network.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::Server;
use super::embeddings::Embeddings;
use super::inputs::embed;
use super::options::{LongInputs, Options};
use crate::embed::source::ModelRef;
use crate::embed::spec::Role;
use crate::engine::{self, Engine, PASSAGE_TOKENS};
use crate::index::Choice;
use crate::store::{Making, Store, StoreError};

/// A server that runs, and the folder of its store.
pub(super) struct Trial {
    pub(super) folder: TempDir,
    pub(super) server: Option<Server>,
    pub(super) router: Router,
}

impl Trial {
    /// Over an empty store.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (_, model) = engine::load_model(&ModelRef::Bundled, &engine::Options::default()).unwrap();
        drop(Store::open_to_write(folder.path(), &Making { model, passage_tokens: PASSAGE_TOKENS }).unwrap());
        Self::over(folder, true)
    }

    /// Over the store of a folder.
    pub(super) fn over(folder: TempDir, writes: bool) -> Self {
        let options = engine::Options { view: Choice::Auto { queries: u32::MAX }, ..engine::Options::default() };
        let engine = Engine::open(folder.path(), options).unwrap();
        let server = Server::start(&engine, Options { writes, ..Options::default() }).unwrap();
        let router = super::router(server.state.clone());
        Self { folder, server: Some(server), router }
    }

    /// Ends the server as a shutdown does, and gives the folder.
    pub(super) fn end(mut self) -> TempDir {
        self.server.take().unwrap().end();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// Sends a request as it is.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, Vec<u8>) {
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, kind);
        let answer = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = answer.status();
        (status, answer.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    async fn json(&self, method: Method, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let (status, bytes) = self.send(method, path, "application/json", body).await;
        (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&bytes))))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.json(Method::GET, path, Body::empty()).await
    }

    async fn put(&self, id: &str, article: Value) -> (StatusCode, Value) {
        self.json(Method::PUT, &format!("/v1/articles/{id}"), article.to_string()).await
    }

    /// The ids of hits, once the first of them is as expected: a second later at the latest.
    async fn finds(&self, question: &str, expected: &[&str]) {
        let start = Instant::now();
        loop {
            let (status, answer) = self.get(&format!("/v1/search?mode=lexical&q={question}")).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
            let hits = answer["hits"].as_array().unwrap();
            let found: Vec<&str> = hits.iter().map(|hit| hit["article"]["id"].as_str().unwrap()).collect();
            if found == expected {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(1), "{question}: {found:?} instead of {expected:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.end();
        }
    }
}

fn article(text: &str) -> Value {
    json!({ "title": "Titre", "date": "2024-03-05", "source": "Le Quotidien", "text": text })
}

const FLOOD: &str =
    "La crue de la Garonne a inondé les quais de Toulouse dans la nuit, et des habitants ont été évacués.";
const STRIKE: &str = "Les infirmières de l'hôpital poursuivent leur grève pour demander des renforts aux urgences.";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_is_found_within_a_second_and_what_is_removed_is_gone() {
    let trial = Trial::new();
    let (status, answer) = trial.put("crue%2F1", article(FLOOD)).await;
    assert_eq!((status, &answer), (StatusCode::CREATED, &json!({ "id": "crue/1", "outcome": "added" })));
    trial.finds("garonne", &["crue/1"]).await;
    let (status, _) = trial.put("greve", article(STRIKE)).await;
    assert_eq!(status, StatusCode::CREATED);
    trial.finds("infirmières", &["greve"]).await;

    let (status, answer) = trial.put("greve", article(STRIKE)).await;
    assert_eq!((status, &answer["outcome"]), (StatusCode::OK, &json!("unchanged")));
    let (status, answer) = trial.put("greve", article(FLOOD)).await;
    assert_eq!((status, &answer["outcome"]), (StatusCode::OK, &json!("changed")));
    trial.finds("infirmières", &[]).await;

    let (_, full) = trial.get("/v1/articles/crue%2F1").await;
    assert_eq!((&full["text"], &full["source"]), (&json!(FLOOD), &json!("Le Quotidien")));
    let (_, passages) = trial.get("/v1/passages?article=crue%2F1").await;
    let texts: Vec<&str> =
        passages["passages"].as_array().unwrap().iter().map(|passage| passage["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Titre", FLOOD]);

    let (status, answer) = trial.json(Method::DELETE, "/v1/articles/greve", Body::empty()).await;
    assert_eq!((status, &answer["outcome"]), (StatusCode::OK, &json!("removed")));
    assert_eq!(trial.json(Method::DELETE, "/v1/articles/greve", Body::empty()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(trial.get("/v1/articles/greve").await.0, StatusCode::NOT_FOUND);
    trial.finds("garonne", &["crue/1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_article_that_was_acknowledged_is_there_after_the_end() {
    let trial = Trial::new();
    let puts = (0..40).map(|at| {
        let trial = &trial;
        async move { trial.put(&format!("a{at}"), article(&format!("{FLOOD} Dépêche numéro {at}."))).await.0 }
    });
    let statuses = futures_util::future::join_all(puts).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::CREATED), "{statuses:?}");
    let folder = trial.end();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.stats().unwrap().articles, 40);
    // All views were written at the end.
    assert_eq!(crate::lexical::health(&store).unwrap().behind, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_loads_tell_what_became_of_each_line() {
    let trial = Trial::new();
    let mut lines = Vec::new();
    for at in 0..150 {
        lines.push(json!({ "id": format!("b{at}"), "title": "Crue", "text": format!("{FLOOD} {at}") }).to_string());
    }
    lines[3] = "{ this is no JSON".to_owned();
    lines[5] = json!({ "title": "sans nom", "text": "Il n'a pas d'identifiant." }).to_string();
    lines[7] = format!("{{\"id\": \"long\", \"text\": \"{}\"}}", "x".repeat(5 << 20));
    lines[9] = lines[8].clone();
    let kind = "application/x-ndjson";
    let (status, answer) = trial.send(Method::POST, "/v1/articles", kind, lines.join("\n")).await;
    assert_eq!(status, StatusCode::OK);
    let told: Vec<Value> = answer
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(told.len(), 151);
    let summary = told.last().unwrap();
    assert_eq!(summary, &json!({ "added": 146, "changed": 1, "unchanged": 0, "failed": 3, "complete": true }));
    let failed: Vec<u64> =
        told.iter().filter(|line| line["error"].is_string()).map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(failed, [4, 6, 8]);
    let (_, status) = trial.get("/v1/status").await;
    assert_eq!(status["store"]["articles"], 146);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_has_one_writer_and_those_who_read_follow_it() {
    let trial = Trial::new();
    let making =
        Making { model: Store::open(trial.folder.path()).unwrap().model().clone(), passage_tokens: PASSAGE_TOKENS };
    let second = Store::open_to_write(trial.folder.path(), &making);
    assert!(matches!(second, Err(StoreError::Locked(_))));

    let engine = Engine::open(trial.folder.path(), engine::Options::default()).unwrap();
    let reading = Server::start(&engine, Options { writes: false, ..Options::default() }).unwrap();
    let reader = Trial {
        folder: tempfile::tempdir().unwrap(),
        router: super::router(reading.state.clone()),
        server: Some(reading),
    };
    assert_eq!(reader.put("x", article(FLOOD)).await.0, StatusCode::FORBIDDEN);
    assert_eq!(trial.put("x", article(FLOOD)).await.0, StatusCode::CREATED);
    reader.finds("garonne", &["x"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_known_soon_and_listed_by_a_job() {
    let trial = Trial::new();
    trial.put("premier", json!({ "date": "2024-01-01", "text": format!("{FLOOD} {STRIKE}") })).await;
    trial.put("second", json!({ "date": "2024-01-02", "text": format!("{FLOOD} {STRIKE} (avec AFP)") })).await;
    let start = Instant::now();
    let found = loop {
        let (status, found) = trial.get("/v1/duplicates").await;
        if status == StatusCode::OK && found["behind"] == 0 && found["all_groups"] != 0 {
            break found;
        }
        assert!(matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE), "{found}");
        assert!(start.elapsed() < Duration::from_secs(20), "{found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(found["groups"][0]["representative"]["id"], "premier", "{found}");
    assert_eq!(found["pairs"][0]["b"]["id"], "second");
    let (_, compared) = trial.get("/v1/compare?a=second&b=premier&texts=true").await;
    assert_eq!((&compared["a"]["id"], &compared["relation"]), (&json!("premier"), &found["pairs"][0]["relation"]));
    assert!(compared["texts"]["a"].as_str().unwrap().starts_with("La crue"));

    let (status, job) =
        trial.json(Method::POST, "/v1/jobs", json!({ "kind": "duplicates", "min": 0.5 }).to_string()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{job}");
    let path = format!("/v1/jobs/{}", job["id"]);
    let start = Instant::now();
    while trial.get(&path).await.1["standing"] != "done" {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", trial.get(&path).await.1);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (_, lines) = trial.send(Method::GET, &format!("{path}/result"), "", Body::empty()).await;
    let kinds: Vec<Value> = String::from_utf8(lines)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].clone())
        .collect();
    assert_eq!(kinds, ["group", "pair"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_refused_with_a_sentence() {
    let trial = Trial::new();
    for (path, status, part) in [
        ("/v1/search", StatusCode::BAD_REQUEST, "q"),
        ("/v1/search?q=", StatusCode::BAD_REQUEST, "empty"),
        ("/v1/search?q=a&colour=red", StatusCode::BAD_REQUEST, "colour"),
        ("/v1/search?q=a&k=0", StatusCode::BAD_REQUEST, "k: 0"),
        ("/v1/search?q=a&k=many", StatusCode::BAD_REQUEST, "many"),
        ("/v1/search?q=a&since=yesterday", StatusCode::BAD_REQUEST, "yesterday"),
        ("/v1/search?q=a&where=rubrique%3Dx", StatusCode::UNPROCESSABLE_ENTITY, "rubrique"),
        ("/v1/search?q=a&after=x", StatusCode::BAD_REQUEST, "mark of a page"),
        ("/v1/similar?id=nobody", StatusCode::NOT_FOUND, "nobody"),
        ("/v1/duplicates?min=2", StatusCode::BAD_REQUEST, "min"),
        ("/v1/jobs/77", StatusCode::NOT_FOUND, "77"),
        (&format!("/v1/search?q={}", "mot+".repeat(2_000)), StatusCode::BAD_REQUEST, "8000 characters"),
        (&format!("/v1/search?q=a{}", "&source=a".repeat(200)), StatusCode::BAD_REQUEST, "200 values"),
    ] {
        let (found, answer) = trial.get(path).await;
        assert_eq!(found, status, "{path}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{path}: {message}");
    }
    let deep = "[".repeat(100_000);
    for (body, status) in [
        (deep.into_bytes(), StatusCode::BAD_REQUEST),
        (b"{\"text\": \"\xff\xfe\"}".to_vec(), StatusCode::BAD_REQUEST),
        (b"{}".to_vec(), StatusCode::BAD_REQUEST),
        (b"{\"text\": \"\", \"title\": \"\"}".to_vec(), StatusCode::BAD_REQUEST),
        (br#"{"id": "other", "text": "Un texte."}"#.to_vec(), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "text": "trop long ".repeat(60_000) }).to_string().into_bytes(), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let (found, answer) = trial.json(Method::PUT, "/v1/articles/x", body).await;
        assert_eq!(found, status, "{shown}: {answer}");
    }
    let (status, _) = trial.send(Method::PUT, "/v1/articles/x", "text/plain", "{}").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vector_does_not_depend_on_who_asks_beside() {
    let trial = Trial::new();
    let state = trial.server.as_ref().unwrap().state.clone();
    let text = |at: usize| format!("{} {STRIKE}", FLOOD.repeat(at % 5));
    let ask = |at: usize| {
        let state = state.clone();
        async move {
            let embedded = embed(&state.embeddings, vec![text(at)], Role::Passage, LongInputs::Pool, None).await;
            embedded.unwrap().vectors.remove(0)
        }
    };
    let together = futures_util::future::join_all((0..64).map(ask)).await;
    for (at, vector) in together.iter().enumerate().step_by(7) {
        assert_eq!(&ask(at).await, vector, "{at}");
    }
    assert!(state.embeddings.counts().passes.load(std::sync::atomic::Ordering::Relaxed) < 74, "no pass was shared");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_inputs_are_pooled_truncated_or_refused_as_was_asked() {
    let trial = Trial::new();
    let state = trial.server.as_ref().unwrap().state.clone();
    let texts = || vec![FLOOD.to_owned(), format!("{FLOOD}\n\n").repeat(200)];
    let embed = |rule| embed(&state.embeddings, texts(), Role::Passage, rule, Some(100));
    let pooled = embed(LongInputs::Pool).await.unwrap();
    assert!(
        pooled.truncated.is_empty() && pooled.pooled.len() == 1 && pooled.pooled[0].0 == 1 && pooled.pooled[0].1 > 10
    );
    let truncated = embed(LongInputs::Truncate).await.unwrap();
    assert!(truncated.pooled.is_empty() && truncated.truncated[0].0 == 1 && truncated.truncated[0].1 > 1_000);
    assert_eq!(pooled.vectors[0], truncated.vectors[0]);
    let length: f32 = pooled.vectors[1].iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-5 && pooled.vectors[1].len() == 100);
    let refused = embed(LongInputs::Reject).await.unwrap_err();
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.message.contains("input 1"), "{}", refused.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gives_up_leaves_the_line_and_a_full_line_says_when_to_come_again() {
    let (embedder, _) = engine::load_model(&ModelRef::Bundled, &engine::Options::default()).unwrap();
    let (embeddings, workers) = Embeddings::start(Arc::new(embedder), 1, 5_000);
    let embeddings = Arc::new(embeddings);
    let embed = |count| {
        let embeddings = embeddings.clone();
        let texts = vec![FLOOD.repeat(4); count];
        async move { embed(&embeddings, texts, Role::Passage, LongInputs::Truncate, None).await }
    };
    let first = tokio::spawn(embed(150));
    while embeddings.waiting().1 < 5_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let refused = embed(1).await.unwrap_err();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.retry_after.is_some());
    first.abort();
    let _ = first.await;
    assert_eq!(embeddings.waiting(), (0, 0));
    assert!(embed(1).await.is_ok());
    embeddings.close();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_names_every_route_and_is_whole() {
    let trial = Trial::new();
    let (status, description) = trial.get("/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    let paths: Vec<&String> = description["paths"].as_object().unwrap().keys().collect();
    for path in [
        "/v1/search",
        "/v1/similar",
        "/v1/facets",
        "/v1/duplicates",
        "/v1/compare",
        "/v1/articles",
        "/v1/articles/{id}",
        "/v1/passages",
        "/v1/status",
        "/v1/jobs",
        "/v1/jobs/{job}",
        "/v1/jobs/{job}/result",
    ] {
        assert!(paths.iter().any(|known| *known == path), "{path} is not in {paths:?}");
    }
    // Whatever is referred to is there.
    let text = description.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(description.pointer(pointer).is_some(), "{pointer} is not described");
    }
}
