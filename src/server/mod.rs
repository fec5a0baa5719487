//! The HTTP interface: one process holds the model, the views and the right to write, and programs and people ask it.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`options`] | what a server is started with, and its limits |
//! | `state` | what every route needs |
//! | `problem` | what went wrong, as a status and a sentence |
//! | `queue` | a line of work that is bounded, fair between requests, and left by those who give up |
//! | `embeddings` | texts of all requests in shared passes through the model |
//! | `inputs` | texts of a request to vectors, by an explicit rule for those that are too long |
//! | `readers` | threads that search |
//! | `page` | the web page |
//! | `writer` | the one thread that changes the store, and shows what it changed |
//! | `keeper` | the thread that keeps the views on disk and the register of copies up with the store |
//! | `jobs` | long work, and how far it has come |
//!
//! A request never waits for another one's work: texts of all of them go through the model together, searches run on
//! threads of their own, changes are put together into transactions. Every line is bounded; who comes when it is full is told
//! when to come again.

mod embeddings;
mod inputs;
pub mod options;
mod page;
mod problem;
mod queue;
mod readers;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use axum::Router;

use crate::engine::{Engine, EngineError};
use embeddings::Embeddings;
use options::Options;
use readers::{Readers, Shown};
use state::{Shared, State};

/// Why a server cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The store, its model or a view.
    #[error(transparent)]
    Engine(#[from] EngineError),
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
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts the threads that embed, search and write.
    ///
    /// # Errors
    /// When the store cannot be opened once more, or, to be changed, by this process.
    pub fn start(engine: &Engine, options: Options) -> Result<Self, ServerError> {
        let limits = options.limits;
        let shown = Arc::new(Shown::new(engine.views().clone()));
        let (embeddings, mut threads) =
            Embeddings::start(engine.embedder().clone(), options.threads, limits.waiting_tokens);
        let (readers, reading) = Readers::start(engine, &shown, options.threads, limits.waiting_searches)?;
        threads.extend(reading);
        let state = Arc::new(State { embeddings, readers, shown, options, started: Instant::now() });
        Ok(Self { state, threads })
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
        let address = self.state.options.listen;
        let runtime = tokio::runtime::Runtime::new().map_err(ServerError::Start)?;
        let router = router(self.state.clone());
        let served = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(address).await?;
            ready(listener.local_addr()?);
            axum::serve(listener, router).with_graceful_shutdown(stop).await
        });
        self.state.embeddings.close();
        self.state.readers.close();
        for thread in self.threads {
            // A thread that panicked has nothing left to finish.
            let _ = thread.join();
        }
        served.map_err(|error| ServerError::Listen(address, error))
    }
}

/// All routes.
fn router(state: Shared) -> Router {
    Router::new().merge(page::routes()).fallback(page::nothing_here).with_state(state)
}
