//! Requests to a whole server, without a socket.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::embed::precision::Wanted;
use crate::embed::spec::Role;
use crate::embed::{Embedder, Reranker, cores};
use crate::engine::{self, Engine, PASSAGE_TOKENS};
use crate::server::options::{Limits, LongInputs, Options};
use crate::server::{Server, compatible, router};
use crate::store::{Making, Store};
use crate::text::analysis_form;

const BUILT_IN: &str = "voisin-mini";
const TINY: &str = "bert";

/// A server over an empty store.
struct Desk {
    server: Server,
    router: Router,
    runtime: Runtime,
    _folder: TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Desk {
    /// With a tiny model: most of what is tested here does not ask what its vectors mean.
    fn new() -> Self {
        Self::with(TINY, None, Limits::default())
    }

    fn with(model: &str, reranker: Option<&str>, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = engine::Options { offline: true, precision: Wanted::Auto, ..engine::Options::default() };
        let named = |name: &str| if name == BUILT_IN { name.to_owned() } else { fixture(name) }.parse().unwrap();
        let (_, identity) = engine::load_model(&named(model), &options).unwrap();
        drop(Store::open_to_write(folder.path(), &Making { model: identity, passage_tokens: PASSAGE_TOKENS }).unwrap());
        let mut engine = Engine::open(folder.path(), options).unwrap();
        if let Some(name) = reranker {
            engine = engine.with_reranker(engine::load_reranker(&named(name), &options).unwrap());
        }
        let options = Options {
            listen: ([127, 0, 0, 1], 0).into(),
            keys: None,
            writes: false,
            long_inputs: LongInputs::Pool,
            threads: 2,
            limits,
        };
        let server = Server::start(&engine, options).unwrap();
        let router = router(server.state.clone());
        Self { server, router, runtime: Runtime::new().unwrap(), _folder: folder }
    }

    fn model(&self) -> &Arc<Embedder> {
        self.server.state.embeddings.embedder()
    }

    /// The vector that the model gives, asked without a server.
    fn vector(&self, text: &str, role: Role) -> Vec<f32> {
        let tokens = self.model().tokenize(&analysis_form(text), role).unwrap();
        self.model().embed_tokens(&[&tokens]).unwrap().row(0).to_vec()
    }

    fn send(&self, method: Method, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        self.runtime.block_on(send(self.router.clone(), method, path, kind, body.into()))
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, "application/json", body.to_string())
    }

    fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", Body::empty())
    }
}

impl Answer {
    /// The body of an answer that is as asked for.
    fn well(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.server.state.embeddings.close();
        self.server.state.readers.close();
    }
}

async fn send(router: Router, method: Method, path: &str, kind: &str, body: Body) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", kind).body(body).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

fn fixture(model: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden").join(model).display().to_string()
}

/// A vector out of JSON.
fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
}

/// A vector out of base64.
fn decoded(value: &Value) -> Vec<f32> {
    let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
    bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

const TEXTS: [&str; 3] =
    ["La crue de la Vilaine menace Redon.", "Le port de Sète rouvre lundi.", "The strike at the hospital goes on."];

/// More than a tiny model can take.
fn long_text() -> String {
    let sentence = |at| format!("Le conseil a voté la {at}e mesure de son plan. ");
    (1..12).map(sentence).collect()
}

#[cfg(feature = "bundled-model")]
#[test]
fn openai_gives_the_vectors_of_the_model_in_their_order() {
    let desk = Desk::with(BUILT_IN, None, Limits::default());
    let body = desk.post("/v1/embeddings", &json!({"model": "text-embedding-3-small", "input": TEXTS})).well();
    assert_eq!((&body["object"], &body["model"], body.get("voisin")), (&json!("list"), &json!(BUILT_IN), None));
    let mut tokens = 0;
    for (at, text) in TEXTS.iter().enumerate() {
        let data = &body["data"][at];
        assert_eq!((&data["object"], &data["index"]), (&json!("embedding"), &json!(at)));
        assert_eq!(floats(&data["embedding"]), desk.vector(text, Role::Passage));
        tokens += desk.model().tokenize(text, Role::Passage).unwrap().ids.len();
    }
    assert_eq!(body["usage"], json!({"prompt_tokens": tokens, "total_tokens": tokens}));

    let one = desk.post("/v1/embeddings", &json!({"input": TEXTS[1], "user": "u", "dimensions": null})).well();
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    assert_eq!(one["data"][0]["embedding"], body["data"][1]["embedding"]);
}

#[test]
fn base64_has_the_bits_of_the_floats() {
    let desk = Desk::new();
    let body = desk.post("/v1/embeddings", &json!({"input": TEXTS, "encoding_format": "base64"})).well();
    for (at, text) in TEXTS.iter().enumerate() {
        assert_eq!(decoded(&body["data"][at]["embedding"]), desk.vector(text, Role::Passage));
    }
}

#[test]
fn fewer_dimensions_are_the_first_ones_of_unit_length() {
    let desk = Desk::new();
    let whole = desk.vector(TEXTS[0], Role::Passage);
    let shorter = length(&whole[..8]);
    for (path, body) in [
        ("/v1/embeddings", json!({"input": TEXTS[0], "dimensions": 8})),
        ("/embed", json!({"inputs": TEXTS[0], "dimensions": 8})),
        ("/v2/embed", json!({"texts": [TEXTS[0]], "input_type": "clustering", "output_dimension": 8})),
    ] {
        let answer = desk.post(path, &body).well();
        let vector = [&answer["data"][0]["embedding"], &answer[0], &answer["embeddings"]["float"][0]];
        let vector = floats(vector.into_iter().find(|value| value.is_array()).unwrap());
        assert_eq!(vector.len(), 8, "{path}");
        assert!((length(&vector) - 1.0).abs() < 1e-6, "{path}");
        assert!(vector.iter().zip(&whole).all(|(short, long)| (short * shorter - long).abs() < 1e-6), "{path}");
    }
    let refused = desk.post("/v1/embeddings", &json!({"input": TEXTS[0], "dimensions": 33}));
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body["error"]["message"].as_str().unwrap().contains("expected 1 to 32"), "{}", refused.body);
}

#[test]
fn a_text_has_the_same_bits_whoever_else_asks() {
    let desk = Desk::new();
    let text = |at: usize| format!("{} {}", TEXTS[at % 3], "La suite. ".repeat(at % 4));
    let answers = desk.runtime.block_on(async {
        let ask = |at| {
            let body = json!({"input": text(at), "encoding_format": "base64"}).to_string();
            tokio::spawn(send(desk.router.clone(), Method::POST, "/v1/embeddings", "application/json", body.into()))
        };
        futures_util::future::join_all((0..64).map(ask).collect::<Vec<_>>()).await
    });
    let all = desk.post("/embed", &json!({"inputs": (0..64).map(text).collect::<Vec<_>>()})).well();
    for (at, answer) in answers.into_iter().enumerate() {
        let alone = desk.vector(&text(at), Role::Passage);
        assert_eq!(decoded(&answer.unwrap().well()["data"][0]["embedding"]), alone, "among others: {at}");
        assert_eq!(floats(&all[at]), alone, "in one request: {at}");
    }
}

#[test]
fn long_texts_are_pooled_cut_or_refused_and_it_is_said() {
    let desk = Desk::new();
    let long = long_text();
    let dropped = desk.model().tokenize(&long, Role::Passage).unwrap().dropped;
    assert!(dropped > 100);
    let input = [TEXTS[0], &long];

    let pooled = desk.post("/v1/embeddings", &json!({"input": input}));
    let passages: usize = pooled.header("x-voisin-pooled-passages").unwrap().parse().unwrap();
    assert_eq!(
        (pooled.header("x-voisin-pooled-inputs"), pooled.header("x-voisin-truncated-inputs")),
        (Some("1"), None)
    );
    let pooled = pooled.well();
    let told = json!({"long_inputs": "pool", "truncated": [], "pooled": [{"index": 1, "passages": passages}]});
    assert_eq!(pooled["voisin"], told);
    assert!(passages > 2 && (length(&floats(&pooled["data"][1]["embedding"])) - 1.0).abs() < 1e-6);
    assert_eq!(floats(&pooled["data"][0]["embedding"]), desk.vector(TEXTS[0], Role::Passage));

    let cut = desk.post("/v1/embeddings", &json!({"input": input, "long_inputs": "truncate"}));
    assert_eq!(cut.header("x-voisin-truncated-tokens"), Some(dropped.to_string().as_str()));
    let cut = cut.well();
    let told = json!({"long_inputs": "truncate", "truncated": [{"index": 1, "dropped_tokens": dropped}], "pooled": []});
    assert_eq!(cut["voisin"], told);
    assert_eq!(floats(&cut["data"][1]["embedding"]), desk.vector(&long, Role::Passage));

    let tei = desk.post("/embed", &json!({"inputs": input, "truncate": true}));
    assert_eq!(tei.header("x-voisin-truncated-tokens"), Some(dropped.to_string().as_str()));
    assert_eq!(tei.well()[1], cut["data"][1]["embedding"]);

    let cohere =
        desk.post("/v2/embed", &json!({"texts": input, "input_type": "classification", "truncate": "END"})).well();
    assert_eq!(cohere["embeddings"]["float"][1], cut["data"][1]["embedding"]);
    assert!(cohere["meta"]["warnings"][0].as_str().unwrap().contains(&dropped.to_string()));

    let refused = [
        ("/v1/embeddings", json!({"input": input, "long_inputs": "reject"}), 400),
        ("/embed", json!({"inputs": input, "truncate": false}), 413),
        ("/v2/embed", json!({"texts": input, "input_type": "classification", "truncate": "NONE"}), 400),
    ];
    for (path, body, status) in refused {
        let answer = desk.post(path, &body);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.to_string().contains("input 1 has"), "{}", answer.body);
    }
}

#[test]
fn each_interface_says_in_its_own_words_what_is_wrong() {
    let desk = Desk::with(TINY, None, Limits { texts: 2, ..Limits::default() });
    let said = |answer: &Answer, words: &str| assert!(answer.body.to_string().contains(words), "{}", answer.body);
    for (body, words) in [
        (json!({"input": ""}), "is empty"),
        (json!({"input": []}), "no text"),
        (json!({"input": ["a", ""]}), "input 1 is empty"),
        (json!({"input": [1, 2]}), "token ids"),
        (json!({"input": [[1, 2], [3]]}), "token ids"),
        (json!({"input": ["a", "b", "c"]}), "the limit is 2"),
        (json!({"input": {"text": "a"}}), "a text or a list of texts"),
        (json!({"input": "a", "encoding_format": "hex"}), "hex"),
        (json!({"model": "m"}), "missing field `input`"),
    ] {
        let answer = desk.post("/v1/embeddings", &body);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        let error = answer.body["error"].as_object().unwrap();
        assert_eq!(error.keys().collect::<Vec<_>>(), ["message", "type", "param", "code"]);
        assert_eq!(error["type"], "invalid_request_error");
        said(&answer, words);
    }
    for (body, status, kind) in [
        (json!({"inputs": [1]}), 400, "Validation"),
        (json!({"inputs": []}), 400, "Empty"),
        (json!({"inputs": ["a", "b", "c"]}), 413, "Validation"),
        (json!({"inputs": "a", "truncation_direction": "left"}), 400, "Validation"),
        (json!({"inputs": "a", "prompt_name": "s2p"}), 400, "Validation"),
    ] {
        for path in ["/embed", "/"] {
            let answer = desk.post(path, &body);
            assert_eq!(answer.status, status, "{body}");
            assert_eq!(answer.body["error_type"], kind);
            assert!(answer.body["error"].is_string());
        }
    }
    for (body, words) in [
        (json!({"texts": ["a", "b", "c"], "input_type": "clustering"}), "the limit is 2"),
        (json!({"input_type": "clustering"}), "no text"),
        (json!({"images": ["data:"], "input_type": "image"}), "images"),
        (json!({"inputs": [{"content": [{"type": "image_url", "image_url": {"url": "u"}}]}]}), "images"),
        (json!({"texts": ["a"], "truncate": "START"}), "END"),
        (json!({"texts": ["a"], "max_tokens": 5}), "max_tokens"),
    ] {
        let answer = desk.post("/v2/embed", &body);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.body.as_object().unwrap().keys().collect::<Vec<_>>(), ["message"]);
        said(&answer, words);
    }
    for (kind, body, status) in [
        ("application/json; charset=utf-8", &b"{\"input\": \"a\"}"[..], 200),
        ("application/json", b"{\"input\": ", 400),
        ("application/json", b"{\"input\": \"\xff\"}", 400),
        ("text/plain", b"{\"input\": \"a\"}", 415),
    ] {
        let answer = desk.send(Method::POST, "/v1/embeddings", kind, body);
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let quoted = desk.post("/embed", &json!({"inputs": "a", "normalize": "x".repeat(100_000)}));
    assert!(quoted.body.to_string().len() < 1_000, "an answer does not repeat a whole body");
}

#[test]
fn refusals_of_the_server_are_in_the_words_of_the_interface() {
    use crate::server::problem::Problem;
    use axum::routing::post;
    let busy = || async { Problem::busy("come again", std::time::Duration::from_millis(1_200)) };
    let broken = || async { Problem::internal(&"secret") };
    let router = Router::new()
        .route("/v1/embeddings", post(busy).get(broken))
        .route("/embed", post(busy).get(broken))
        .route("/v2/embed", post(busy).get(broken))
        .route("/v1/search", post(busy))
        .layer(axum::middleware::from_fn(compatible::in_their_words));
    let ask = |method: Method, path| {
        Runtime::new().unwrap().block_on(send(router.clone(), method, path, "application/json", Body::empty()))
    };
    for (path, expected) in [
        (
            "/v1/embeddings",
            json!({"error": {"message": "come again", "type": "rate_limit_error", "param": null, "code": "busy"}}),
        ),
        ("/embed", json!({"error": "come again", "error_type": "Overloaded"})),
        ("/v2/embed", json!({"message": "come again"})),
        ("/v1/search", json!({"error": {"code": "busy", "message": "come again"}})),
    ] {
        let answer = ask(Method::POST, path);
        assert_eq!((answer.status, &answer.body), (StatusCode::TOO_MANY_REQUESTS, &expected));
        assert_eq!(
            (answer.header("retry-after"), answer.header("content-type")),
            (Some("2"), Some("application/json"))
        );
    }
    for (path, status) in [("/v1/embeddings", 500), ("/embed", 424), ("/v2/embed", 500)] {
        let answer = ask(Method::GET, path);
        assert_eq!(answer.status, status);
        assert!(!answer.body.is_null() && !answer.body.to_string().contains("secret"));
    }
}

#[test]
fn the_models_are_one() {
    let desk = Desk::new();
    let models = desk.get("/v1/models").well();
    assert_eq!((&models["data"][0]["id"], models["data"].as_array().unwrap().len()), (&json!(TINY), 1));
    assert!(models["data"][0]["created"].as_u64().unwrap() > 1_700_000_000);
    assert_eq!(desk.get("/v1/models/bert").well(), models["data"][0]);
    let other = desk.get("/v1/models/intfloat%2Fmultilingual-e5-small");
    assert_eq!((other.status, &other.body["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));

    let info = desk.get("/info").well();
    assert_eq!((&info["model_id"], &info["max_input_length"]), (&json!(TINY), &json!(48)));
    assert_eq!(info["model_type"], json!({"embedding": {"pooling": "mean"}}));
    assert_eq!(info["max_client_batch_size"], Limits::default().texts);
}

#[test]
fn prompts_are_those_of_the_role() {
    let desk = Desk::with("bert-cls-prompts", None, Limits::default());
    let text = "budget";
    let [query, passage] = [Role::Query, Role::Passage].map(|role| desk.vector(text, role));
    assert_ne!(query, passage);
    for (path, body, expected) in [
        ("/v1/embeddings", json!({"input": text}), &passage),
        ("/v1/embeddings", json!({"input": text, "input_type": "query"}), &query),
        ("/embed", json!({"inputs": text}), &passage),
        ("/embed", json!({"inputs": text, "prompt_name": "query"}), &query),
        ("/embed", json!({"inputs": text, "prompt_name": "document"}), &passage),
        ("/v2/embed", json!({"texts": [text], "input_type": "search_document"}), &passage),
        ("/v2/embed", json!({"texts": [text], "input_type": "search_query"}), &query),
    ] {
        let answer = desk.post(path, &body).well();
        let vector = [&answer["data"][0]["embedding"], &answer[0], &answer["embeddings"]["float"][0]];
        assert_eq!(&floats(vector.into_iter().find(|value| value.is_array()).unwrap()), expected, "{path} {body}");
    }
}

#[test]
fn similarities_are_cosines() {
    let desk = Desk::new();
    let inputs = json!({"source_sentence": TEXTS[0], "sentences": [TEXTS[1], TEXTS[0], TEXTS[2]]});
    let body = desk.post("/similarity", &json!({"inputs": inputs, "parameters": {}})).well();
    let source = desk.vector(TEXTS[0], Role::Passage);
    for (at, text) in [TEXTS[1], TEXTS[0], TEXTS[2]].iter().enumerate() {
        let dot: f32 = source.iter().zip(desk.vector(text, Role::Passage)).map(|(a, b)| a * b).sum();
        assert!((floats(&body)[at] - dot).abs() < 1e-6);
    }
    assert_eq!(floats(&body)[1], 1.0);
    let none = desk.post("/similarity", &json!({"inputs": {"source_sentence": "a", "sentences": []}}));
    assert_eq!((none.status, &none.body["error_type"]), (StatusCode::BAD_REQUEST, &json!("Empty")));
}

#[cfg(feature = "bundled-model")]
#[test]
fn without_a_cross_encoder_the_vectors_rank() {
    let desk = Desk::with(BUILT_IN, None, Limits::default());
    let asked = json!({"query": "inondation", "texts": TEXTS, "return_text": true});
    let answer = desk.post("/rerank", &asked);
    assert_eq!(answer.header("x-voisin-scores"), Some("cosine"));
    let ranks = answer.well();
    assert_eq!((&ranks[0]["index"], &ranks[0]["text"]), (&json!(0), &json!(TEXTS[0])));
    let scores: Vec<f64> = ranks.as_array().unwrap().iter().map(|rank| rank["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores.iter().all(|score| (0.0..=1.0).contains(score)));

    let raw = desk.post("/rerank", &json!({"query": "inondation", "texts": TEXTS, "raw_scores": true})).well();
    assert!(raw[0].get("text").is_none());
    assert!((raw[0]["score"].as_f64().unwrap() - (2.0 * scores[0] - 1.0)).abs() < 1e-6);

    for path in ["/v2/rerank", "/v1/rerank"] {
        let documents = json!([TEXTS[1], {"text": TEXTS[0]}, TEXTS[2]]);
        let body = json!({"model": "m", "query": "inondation", "documents": documents, "top_n": 2});
        let body = desk.post(path, &body).well();
        let results = body["results"].as_array().unwrap();
        assert_eq!((results.len(), &results[0]["index"]), (2, &json!(1)));
        assert!((results[0]["relevance_score"].as_f64().unwrap() - scores[0]).abs() < 1e-6);
    }
}

#[test]
fn a_cross_encoder_ranks_where_there_is_one() {
    let desk = Desk::with(TINY, Some("cross-bert"), Limits::default());
    let reranker: &Reranker = desk.server.state.reranker.as_ref().unwrap();
    let scores = reranker.score("budget de la ville", &TEXTS, cores()).unwrap();
    let asked = |more: Value| {
        let mut body = json!({"query": "budget de la ville", "texts": TEXTS});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        desk.post("/rerank", &body)
    };
    let answer = asked(json!({}));
    assert_eq!(answer.header("x-voisin-scores"), Some("cross-encoder"));
    let raw = asked(json!({"raw_scores": true})).well();
    for (rank, raw) in answer.well().as_array().unwrap().iter().zip(raw.as_array().unwrap()) {
        let (score, logit) = (rank["score"].as_f64().unwrap(), raw["score"].as_f64().unwrap());
        let expected = f64::from(scores[rank["index"].as_u64().unwrap() as usize]);
        assert!((score - expected).abs() < 1e-6 && (1.0 / (1.0 + (-logit).exp()) - expected).abs() < 1e-6);
    }
    // More than a turn's worth.
    let many: Vec<String> = (0..130).map(|at| format!("{} {at}", TEXTS[at % 3])).collect();
    let expected = reranker.score("prix", &many.iter().map(String::as_str).collect::<Vec<_>>(), cores()).unwrap();
    let ranks = desk.post("/rerank", &json!({"query": "prix", "texts": many, "return_text": true})).well();
    assert_eq!(ranks.as_array().unwrap().len(), many.len());
    for rank in ranks.as_array().unwrap() {
        let at = rank["index"].as_u64().unwrap() as usize;
        assert!((rank["score"].as_f64().unwrap() - f64::from(expected[at])).abs() < 1e-6);
        assert_eq!(rank["text"], many[at]);
    }
    // What is cut is said, or refused.
    let texts = json!([TEXTS[0], long_text()]);
    let cut = desk.post("/rerank", &json!({"query": "budget", "texts": texts}));
    assert_eq!(cut.header("x-voisin-truncated-inputs"), Some("1"));
    let refused = desk.post("/rerank", &json!({"query": "budget", "texts": texts, "truncate": false}));
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.body["error"].as_str().unwrap().contains("text 1"));
}

#[test]
fn cohere_gives_the_forms_that_are_asked_for() {
    let desk = Desk::new();
    let types = ["float", "int8", "uint8", "binary", "ubinary", "base64"];
    let body = json!({"model": "m", "texts": TEXTS, "input_type": "search_document", "embedding_types": types});
    let body = desk.post("/v2/embed", &body).well();
    let embeddings = body["embeddings"].as_object().unwrap();
    assert_eq!(embeddings.keys().collect::<Vec<_>>(), types);
    assert_eq!(body["texts"], json!(TEXTS));
    assert!(body["meta"]["billed_units"]["input_tokens"].as_u64().unwrap() > 20 && body["id"].is_string());
    let vector = desk.vector(TEXTS[2], Role::Passage);
    assert_eq!(floats(&embeddings["float"][2]), vector);
    assert_eq!(decoded(&embeddings["base64"][2]), vector);
    for (form, components) in [("int8", 32), ("uint8", 32), ("binary", 4), ("ubinary", 4)] {
        assert_eq!(embeddings[form][2].as_array().unwrap().len(), components);
    }

    let parts = json!([{"content": [{"type": "text", "text": "Un."}, {"type": "text", "text": "Deux."}]}]);
    let body = desk.post("/v2/embed", &json!({"inputs": parts, "input_type": "search_document"})).well();
    assert_eq!(floats(&body["embeddings"]["float"][0]), desk.vector("Un.\nDeux.", Role::Passage));
}

#[test]
fn the_document_describes_what_there_is() {
    let document = serde_json::to_value(compatible::routes().into_openapi()).unwrap();
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    let expected = [
        "/v1/embeddings",
        "/v1/models",
        "/v1/models/{model}",
        "/embed",
        "/",
        "/similarity",
        "/rerank",
        "/info",
        "/v2/embed",
        "/v2/rerank",
        "/v1/rerank",
    ];
    assert_eq!(paths, expected);
    let mut left = vec![&document];
    while let Some(value) = left.pop() {
        if let Some(to) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(to.trim_start_matches('#')).is_some(), "{to} is described nowhere");
        }
        left.extend(value.as_object().into_iter().flat_map(|object| object.values()));
        left.extend(value.as_array().into_iter().flatten());
    }
}
