//! How the server is, for programs that watch over it: `/health`, `/ready`, `/metrics`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::metrics::{self, Stored};
use super::problem::Problem;
use super::state::Shared;
use crate::dedup;

/// How long numbers of the store are waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Its routes.
pub fn routes() -> Router<Shared> {
    Router::new().route("/health", get(health)).route("/ready", get(ready)).route("/metrics", get(metrics))
}

/// Whether the process lives: whoever gets no answer may start it again.
async fn health() -> &'static str {
    "alive\n"
}

/// Whether questions would be taken: whoever gets another answer should send them elsewhere.
async fn ready(State(server): State<Shared>) -> Result<&'static str, Problem> {
    let limits = server.options.limits;
    let not = |why| Err(Problem::unavailable(why, Some(Duration::from_secs(1))));
    if server.guard.ending.load(Ordering::Relaxed) {
        return Err(Problem::unavailable("the server is ending", None));
    }
    if server.embeddings.waiting().1 >= limits.waiting_tokens {
        return not("no more texts are taken for the moment: those that wait for the model are too many");
    }
    if server.readers.waiting() >= limits.waiting_searches {
        return not("no more searches are taken for the moment: those that wait are too many");
    }
    if server.writer.as_ref().is_some_and(|writer| writer.waiting().1 >= limits.waiting_bytes) {
        return not("no more articles are taken for the moment: those that wait to be stored are too many");
    }
    Ok("ready\n")
}

/// The server in numbers. Those of the store are left out where it takes too long to have them.
async fn metrics(State(server): State<Shared>) -> Response {
    let asked = server.readers.ask(|engine| {
        let store = engine.store();
        Ok(Stored {
            articles: store.articles()?,
            unseen: store.sequence()?.0 - engine.words().sequence().0,
            uncompared: dedup::lag(store).map_err(|error| Problem::internal(&error))?,
        })
    });
    let stored = tokio::time::timeout(PATIENCE, asked).await.ok().and_then(Result::ok);
    match server.metrics.text(&server, stored) {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}
