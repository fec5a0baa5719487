//! The store and the server in numbers.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::dedup;
use crate::server::problem::{ErrorBody, Problem};
use crate::server::state::Shared;
use crate::wire;

/// The store and the server in numbers.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ServerStatus {
    /// The store.
    #[serde(flatten)]
    status: wire::Status,
    /// The server.
    server: ServerNumbers,
}

/// The server in numbers.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
struct ServerNumbers {
    /// Of this program.
    version: &'static str,
    /// Seconds since it was started.
    uptime: u64,
    /// Whether articles may be put.
    writes: bool,
    /// Numbers that the model multiplies: `f32`, `bf16` or `int8`.
    precision: &'static str,
    /// Instruction-set level.
    isa: String,
    /// The view of vectors that answers: `exact` or `hnsw`.
    view: &'static str,
    /// Texts embedded since the start.
    texts_embedded: u64,
    /// Tokens of them.
    tokens_embedded: u64,
    /// Texts that wait for the model.
    texts_waiting: usize,
    /// Searches that wait for a thread.
    searches_waiting: usize,
    /// Changes that wait to be stored.
    changes_waiting: usize,
    /// Changes of the store that searches do not see yet.
    changes_unseen: i64,
}

/// How the store and the server are.
#[utoipa::path(
    get,
    path = "/v1/status",
    tag = "server",
    responses((status = 200, body = ServerStatus), (status = "default", body = ErrorBody))
)]
pub async fn status(State(server): State<Shared>) -> Result<Json<ServerStatus>, Problem> {
    let state = server.clone();
    server
        .readers
        .ask(move |engine| {
            let store = engine.store();
            let known = dedup::counts(store).map_err(|error| Problem::internal(&error))?;
            let counts = state.embeddings.counts();
            let numbers = ServerNumbers {
                version: env!("CARGO_PKG_VERSION"),
                uptime: state.started.elapsed().as_secs(),
                writes: state.writer.is_some(),
                precision: engine.embedder().precision().name(),
                isa: engine.isa().to_string(),
                view: engine.view().name(),
                texts_embedded: counts.texts.load(Ordering::Relaxed),
                tokens_embedded: counts.tokens.load(Ordering::Relaxed),
                texts_waiting: state.embeddings.waiting().0,
                searches_waiting: state.readers.waiting(),
                changes_waiting: state.writer.as_ref().map_or(0, |writer| writer.waiting().0),
                changes_unseen: store.sequence()?.0 - engine.words().sequence().0,
            };
            let status = wire::Status::new(store.model(), &store.stats()?, known);
            Ok(Json(ServerStatus { status, server: numbers }))
        })
        .await
}
