//! What every route needs.

use std::sync::Arc;
use std::time::Instant;

use super::embeddings::Embeddings;
use super::guard::Guard;
use super::metrics::Metrics;
use super::options::Options;
use super::readers::{Readers, Shown};

/// What every route needs, behind one pointer.
pub struct State {
    /// Texts to vectors.
    pub embeddings: Embeddings,
    /// Threads that search.
    pub readers: Readers,
    /// The views that answer.
    pub shown: Arc<Shown>,
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
