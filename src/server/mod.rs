//! The HTTP interface: one process holds the model, the views and the right to write, and programs and people ask it.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`keys`] | the file of keys: who may ask, and who may change the store |
//! | [`options`] | what a server is started with, and its limits |
//! | `state` | what every route needs |
//! | `problem` | what went wrong, as a status and a sentence |
//! | `queue` | a line of work that is bounded, fair between requests, and left by those who give up |
//! | `embeddings` | texts of all requests in shared passes through the model |
//! | `inputs` | texts of a request to vectors, by an explicit rule for those that are too long |
//! | `readers` | threads that search |
//! | `compatible` | the interfaces that programs speak already: OpenAI's, TEI's, Cohere's |
//! | `page` | the web page |
//! | `writer` | the one thread that changes the store, and shows what it changed |
//! | `keeper` | the thread that keeps the views on disk and the register of copies up with the store |
//! | `jobs` | long work, and how far it has come |
//! | `clerk` | the thread that does the work that was asked for |
//! | `extract` | what a request asks for |
//! | `api` | our own interface, and its description |
//! | `listen` | connections: who is let in, how long silence is waited for, and how they end |
//! | `guard` | what stands around all routes: ids, keys, limits, headers, the log |
//! | `health` | how the server is, for programs that watch over it |
//! | `metrics` | the server in numbers |
//!
//! A request never waits for another one's work: texts of all of them go through the model together, searches run on
//! threads of their own, changes are put together into transactions. Every line is bounded; who comes when it is full is told
//! when to come again.

mod api;
mod clerk;
mod compatible;
mod embeddings;
mod extract;
mod guard;
mod health;
mod inputs;
mod jobs;
mod keeper;
pub mod keys;
mod listen;
mod metrics;
pub mod options;
mod page;
mod problem;
mod queue;
mod readers;
mod state;
mod writer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::{Extension, Router};
use tokio::sync::Semaphore;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::engine::{Engine, EngineError};
use crate::store::{Making, Store, StoreError};
use clerk::Clerk;
use embeddings::Embeddings;
use guard::{Compressible, Guard};
use jobs::Jobs;
use keeper::{Keeper, bell};
use keys::KeysError;
use metrics::Metrics;
use options::Options;
use readers::{Readers, Shown};
use state::{Shared, State};
use writer::Writer;

/// How often the end of threads is looked for.
const MOMENT: Duration = Duration::from_millis(5);

/// Why a server cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The store, its model or a view.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store, to be changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// It cannot listen there.
    #[error("cannot listen at {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The runtime cannot be started.
    #[error("cannot start: {0}")]
    Start(std::io::Error),
}

/// A server whose threads run, and that does not listen yet.
pub struct Server {
    state: Shared,
    /// That of the writer, which needs the others.
    writing: Option<JoinHandle<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts the threads that embed, search and write.
    ///
    /// # Errors
    /// When the store cannot be opened once more, or, to be changed, by this process; when the file of keys cannot be read.
    pub fn start(engine: &Engine, mut options: Options) -> Result<Self, ServerError> {
        options.limits.connections = listen::affordable(options.limits.connections);
        let guard = Guard::new(&options)?;
        let limits = options.limits;
        let shown = Arc::new(Shown::new(engine.views().clone()));
        let (embeddings, mut threads) =
            Embeddings::start(engine.embedder().clone(), options.threads, limits.waiting_tokens);
        let (readers, reading) = Readers::start(engine, &shown, options.threads, limits.waiting_searches)?;
        threads.extend(reading);
        let (embeddings, jobs) = (Arc::new(embeddings), Arc::<Jobs>::default());
        let keeper = Keeper::new(engine.store().reader()?, engine.isa(), jobs.clone(), shown.clone())?;
        let (writer, writing) = if options.writes {
            let making =
                Making { model: engine.store().model().clone(), passage_tokens: engine.store().passage_tokens() };
            let store = Store::open_to_write(engine.store().folder(), &making)?;
            let (bell, woken) = bell();
            let (writer, writing) = Writer::start(store, embeddings.clone(), shown.clone(), bell, limits.waiting_bytes);
            let writer = Arc::new(writer);
            threads.push(keeper.keep(Arc::downgrade(&writer), woken));
            (Some(writer), Some(writing))
        } else {
            let ending = guard.ending.clone();
            threads.push(keeper.follow(move || ending.load(Ordering::Relaxed)));
            (None, None)
        };
        let (clerk, clerking) = Clerk::start(engine, jobs.clone())?;
        threads.push(clerking);
        let reranker = engine.reranker().cloned();
        let (metrics, started) = (Metrics::new(), Instant::now());
        let loads = Arc::new(Semaphore::new(limits.loads));
        let state =
            State { embeddings, readers, reranker, writer, loads, jobs, clerk, guard, metrics, options, started };
        Ok(Self { state: Arc::new(state), writing, threads })
    }

    /// Listens, calls `ready` with the address, and answers until `stop` comes; then finishes what is begun.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn run(
        self,
        ready: impl FnOnce(SocketAddr),
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServerError> {
        let state = self.state.clone();
        let (address, limits) = (state.options.listen, &state.options.limits);
        let runtime = tokio::runtime::Runtime::new().map_err(ServerError::Start)?;
        let router = router(state.clone());
        let served = runtime.block_on(async {
            let listener = listen::bind(address)?;
            let address = listener.local_addr()?;
            tracing::info!(%address, keys = state.guard.asks_for_keys(), "listening");
            ready(address);
            let told = async {
                stop.await;
                tracing::info!("ending");
                state.guard.ending.store(true, Ordering::Relaxed);
            };
            listen::answer(listener, router, &state.guard.places, limits, told).await;
            Ok(())
        });
        // What takes longer than the grace at the end is cut off here.
        runtime.shutdown_timeout(Duration::ZERO);
        self.end();
        served.map_err(|error| ServerError::Listen(address, error))
    }

    /// Lets nothing more in, finishes what waits, and ends the threads: that of the writer first, which needs the model.
    fn end(self) {
        let Self { state, writing, threads } = self;
        state.guard.ending.store(true, Ordering::Relaxed);
        if let Some(writer) = &state.writer {
            writer.close();
        }
        // A thread that panicked has nothing left to finish.
        let _ = writing.map(JoinHandle::join);
        state.clerk.close();
        state.readers.close();
        state.embeddings.close();
        // What is derived from the store can be given up at any moment.
        let until = Instant::now() + state.options.limits.grace;
        while Instant::now() < until && threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(MOMENT);
        }
    }
}

/// All routes, and what stands around them.
fn router(state: Shared) -> Router {
    let described = OpenApiRouter::with_openapi(api::Description::openapi());
    let (routes, description) = described.merge(api::routes()).merge(compatible::routes()).split_for_parts();
    let description: Arc<str> = description.to_json().unwrap_or_default().into();
    let describe = move || {
        let answer = ([(CONTENT_TYPE, "application/json")], Extension(Compressible), description.to_string());
        std::future::ready(answer)
    };
    let routes = routes.merge(health::routes()).route("/openapi.json", get(describe));
    let routes = routes.merge(page::routes()).fallback(page::nothing_here);
    guard::around(routes.with_state(state.clone()), &state)
}

#[cfg(all(test, feature = "bundled-model"))]
mod tests;
