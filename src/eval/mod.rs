//! How good it is: data sets, the tasks that are measured on them, and pure metrics.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`metrics`] | numbers from scores and labels; knows nothing of texts |
//! | [`data`] | the files that hold texts and what is true of them |
//! | [`row`] | one line of a table of results, and its change against a former one |
//! | [`subject`] | the model under evaluation: texts to vectors, cosines |
//! | [`sts`], [`pairs`], [`bitext`] | tasks on pairs of texts: the model alone |
//! | [`retrieval`] | queries against passages, by the way that `voisin search` takes |
//! | [`names`] | questions that spell a name otherwise than the articles do |
//! | [`duplicates`], [`ann`] | tasks on a store: its pairs of articles, its index |
//! | [`suite`] | every data set of a folder, one row after the other |
//!
//! A task never gives a number that its data do not support: a file without two different scores, or a query without a
//! relevant passage, is an error that names the place.

pub mod ann;
pub mod bitext;
pub mod data;
pub mod duplicates;
pub mod metrics;
pub mod names;
pub mod pairs;
pub mod retrieval;
pub mod row;
pub mod sts;
pub mod subject;
pub mod suite;

use std::path::PathBuf;

use crate::engine::EngineError;

pub use row::{Metric, Row};
pub use subject::Subject;

/// Why a task gave no number.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A file says something that a task cannot use.
    #[error("{}, line {line}: {what}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what is expected.
        what: String,
    },
    /// The data as a whole do not support the task.
    #[error("{}: {what}", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// What is missing.
        what: String,
    },
    /// A store does not fit the task, which says nothing of either.
    #[error("{} {what}", path.display())]
    Store {
        /// The file of the task, or the store.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// The store, the model or a search failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

crate::engine::through_engine!(EvalError);

#[cfg(test)]
mod tests;
