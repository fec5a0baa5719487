//! Approximate search: how much of what the exact scan finds does the graph find?

use std::path::PathBuf;
use std::time::Instant;

use super::{EvalError, Metric, Row, Subject};
use crate::index::{self, Choice, recall};
use crate::store::Store;

/// recall@k of the graph against the exact scan, over `queries` of the store's own vectors, evenly spread; a vector does not
/// count as its own neighbour, and what is as close as the last of the exact answer is as right.
///
/// Builds the graph where the store has none.
///
/// # Errors
/// When the store has fewer than two vectors or its vectors have no unit length, or fails.
pub fn ann(subject: &Subject<'_>, store: &Store, k: usize, queries: usize) -> Result<Row, EvalError> {
    let start = Instant::now();
    let isa = subject.embedder.isa();
    let exact = index::open(store, isa, Choice::Exact)?;
    let wrong = |what: &str| EvalError::Store { path: store.folder().to_owned(), what: what.to_owned() };
    if exact.len() < 2 {
        return Err(wrong("has fewer than two vectors: index some articles first"));
    }
    let graph = index::open(store, isa, Choice::Hnsw)?;
    if graph.name() == exact.name() {
        return Err(wrong(
            "has vectors of other lengths than 1, which are only ever scanned: there is no graph to measure",
        ));
    }
    let asked = index::sample(store, exact.len(), queries)?;
    let recalls: Vec<f64> = asked.iter().map(|(id, vector)| recall(&*exact, &*graph, vector, k, Some(*id))).collect();
    let metric = Metric::mean(format!("recall@{k}"), &recalls);
    let name: PathBuf = store.folder().components().next_back().into_iter().collect();
    let row = subject.row("ann", &name.display().to_string(), recalls.len(), vec![metric], start);
    Ok(Row { mode: Some(graph.name().to_owned()), ..row })
}
