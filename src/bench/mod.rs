//! How fast it is on this machine.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`mod@embed`], [`mod@search`], [`mod@index`] | the three workloads |
//! | [`workload`] | the texts: short queries, passages of news, long passages |
//! | [`machine`] | what it runs on, the peak of its arithmetic, memory, and whether something else took the CPU |
//! | [`stats`] | medians, spreads, percentiles |
//! | [`report`] | what was measured, as JSON and against a former run |
//!
//! Everything is warmed up first. What is compared is measured in turns, round by round, so that a slow moment of the machine
//! falls on all of it.

pub mod embed;
pub mod index;
pub mod machine;
pub mod report;
pub mod search;
pub mod stats;
pub mod workload;

use crate::engine::EngineError;
use crate::ingest::IngestError;

pub use report::Report;

/// Why nothing could be timed.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// There is no text to measure with.
    #[error("{0} holds no article to measure with: name a file or folder of articles")]
    NoText(String),
    /// There is nothing to search.
    #[error("the store holds no passage to search: index some articles first")]
    EmptyStore,
    /// There is nothing to ask.
    #[error("the store has no titles to ask for: give questions with --queries FILE, one a line")]
    NoQuestions,
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The store, the model or a search failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Indexing failed.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

crate::engine::through_engine!(BenchError);

#[cfg(test)]
mod tests;
