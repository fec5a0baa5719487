//! Views of a store's vectors that answer "which vectors are closest to this one?".
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`rows`] | the vectors as one mapped file, caught up from the store: all that [`exact`] needs |
//! | [`exact`] | scans every row: exact, nothing to build |
//! | [`hnsw`] | a graph over the rows (hnsw_rs), with the guards that it needs |
//!
//! A view names the last vector and the last change that it holds. What came later is read from the store when the view
//! is opened, so an answer never misses an acknowledged article, and a view that is missing or damaged is made again.

pub mod exact;
pub mod hnsw;
pub mod rows;

use std::collections::HashSet;
use std::path::Path;

use crate::kernels::Isa;
use crate::store::{Store, StoreError};
use crate::types::{Score, VectorId};
use exact::Exact;
use hnsw::Graph;
use rows::Rows;

/// What the views cost on two cores (Zen 4, AVX-512, 384 components), as `VOISIN_ROWS=N cargo bench --bench index` prints it.
/// Only their ratios matter here.
mod cost {
    /// Seconds that the exact scan takes for a row and query.
    pub(super) const SCAN_ROW: f64 = 1.0e-7;
    /// Seconds that the graph takes for a query.
    pub(super) const GRAPH_QUERY: f64 = 1.0e-3;
    /// Seconds that the graph takes to load, for a row.
    pub(super) const LOAD_ROW: f64 = 1.0e-5;
}

/// The vectors that a search may return; all, unless a filter says otherwise.
pub struct Allowed(HashSet<VectorId>);

impl Allowed {
    /// These and no others.
    pub fn new(vectors: impl IntoIterator<Item = VectorId>) -> Self {
        Self(vectors.into_iter().collect())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn contains(&self, vector: VectorId) -> bool {
        self.0.contains(&vector)
    }
}

/// Answers which vectors are closest to a query.
///
/// Contract: scores are inner products, greatest first; equal scores come in the order of ids; no id comes twice; no
/// more than `k` come, and exactly `k` if there are that many (allowed) vectors. A search changes nothing, and any number
/// may run at once.
pub trait VectorView: Send + Sync {
    /// The `k` closest of the (allowed) vectors.
    fn search(&self, query: &[f32], k: usize, allowed: Option<&Allowed>) -> Vec<(VectorId, Score)>;

    /// How many vectors can be found.
    fn len(&self) -> usize;

    /// Whether none can be found.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `exact` or `hnsw`.
    fn name(&self) -> &'static str;
}

/// Which view answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Whichever answers this many queries of one process sooner, loading included.
    ///
    /// For one query that is the scan at any size: the graph takes longer to load than the scan to answer. For many it
    /// is the graph, from some ten thousand vectors on.
    Auto {
        /// Queries that the process is expected to answer.
        queries: u32,
    },
    /// The scan.
    Exact,
    /// The graph, built if need be.
    Hnsw,
}

impl Default for Choice {
    fn default() -> Self {
        Self::Auto { queries: 1 }
    }
}

impl Choice {
    /// Whether the graph is meant, for this many rows.
    fn is_graph(self, rows: usize) -> bool {
        match self {
            Self::Exact => false,
            Self::Hnsw => true,
            Self::Auto { queries } => {
                let (rows, queries) = (rows as f64, f64::from(queries));
                queries * rows * cost::SCAN_ROW > rows * cost::LOAD_ROW + queries * cost::GRAPH_QUERY
            }
        }
    }
}

/// Why a view cannot be had. A damaged view is no error: it is made again.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of a view cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// hnsw_rs failed to write its graph.
    #[error("the graph could not be written: {0}")]
    Graph(String),
}

/// The folder of a store's views; it can be deleted at any time.
pub fn folder(store: &Store) -> std::path::PathBuf {
    store.views()
}

/// Opens the view that `choice` asks for, caught up with the store.
///
/// # Errors
/// When the store or a file fails.
pub fn open(store: &Store, isa: Isa, choice: Choice) -> Result<Box<dyn VectorView>, IndexError> {
    let rows = Rows::open(store)?;
    // The graph compares by cosine: vectors that a model leaves at their own lengths are scanned.
    let graph = choice.is_graph(rows.len()) && rows.are_unit() && !rows.is_empty();
    let exact = Exact::new(rows, isa);
    if graph { Ok(Box::new(Graph::open(store, exact))) } else { Ok(Box::new(exact)) }
}

/// The share of the `k` closest vectors to a query that a view finds; what is as close as the last of them is as right. A
/// vector that asks about itself is left out as `itself`.
pub fn recall(exact: &dyn VectorView, view: &dyn VectorView, query: &[f32], k: usize, itself: Option<VectorId>) -> f64 {
    let closest = |view: &dyn VectorView| {
        let mut found = view.search(query, k + usize::from(itself.is_some()), None);
        found.retain(|(id, _)| Some(*id) != itself);
        found.truncate(k);
        found
    };
    let truth = closest(exact);
    let Some((_, last)) = truth.last() else { return 1.0 };
    let right = |(id, score): &&(VectorId, Score)| score >= last || truth.iter().any(|(other, _)| other == id);
    closest(view).iter().filter(right).count() as f64 / truth.len() as f64
}

/// Writes the views of a store to disk, so that the next process opens them at once. For the process that has just
/// changed the store.
///
/// # Errors
/// When the store or a file fails.
pub fn persist(store: &Store, isa: Isa, choice: Choice) -> Result<(), IndexError> {
    Rows::open(store)?.persist(store)?;
    open(store, isa, choice).map(|_| ())
}

/// Replaces a file by `write`: under another name, synced, then renamed.
fn replace(path: &Path, write: impl FnOnce(&mut fs_err::File) -> std::io::Result<()>) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let result = fs_err::File::create(&temporary).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    match result.and_then(|()| fs_err::rename(&temporary, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = fs_err::remove_file(&temporary);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests;
