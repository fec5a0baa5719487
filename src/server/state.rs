//! What every route needs.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;

use super::clerk::Clerk;
use super::embeddings::Embeddings;
use super::guard::Guard;
use super::jobs::Jobs;
use super::metrics::Metrics;
use super::options::Options;
use super::readers::Readers;
use super::writer::Writer;
use crate::embed::Reranker;

/// What every route needs, behind one pointer.
pub struct State {
    /// Texts to vectors.
    pub embeddings: Arc<Embeddings>,
    /// Threads that search.
    pub readers: Readers,
    /// What ranks anew, where there is one.
    pub reranker: Option<Arc<Reranker>>,
    /// What changes the store, where it may be changed.
    pub writer: Option<Arc<Writer>>,
    /// Places for bulk loads.
    pub loads: Arc<Semaphore>,
    /// Long work.
    pub jobs: Arc<Jobs>,
    /// What does it.
    pub clerk: Clerk,
    /// What stands around all routes.
    pub guard: Guard,
    /// What is counted.
    pub metrics: Metrics,
    /// What the server was started with.
    pub options: Options,
    /// When it was started.
    pub started: Instant,
}

/// The state as routes have it.
pub type Shared = Arc<State>;
