//! From files to a store: read, cut, embed, write, all at once and resumable.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`read`] | files and standard input to articles |
//! | [`prepare`] | an article to passages and their tokens |
//! | [`pipeline`] | the threads between them and the store |
//! | `recall` | the cache of vectors, as a run uses it |
//!
//! A run writes articles in the order in which it reads them, each with all of its passages and vectors in one
//! transaction. Wherever it is stopped, the store holds the beginning of the input; the next run passes over what is
//! stored unchanged and goes on.

pub mod pipeline;
pub mod prepare;
pub mod read;
mod recall;

pub use pipeline::{Busy, Event, IngestError, Job, Progress, Summary, run};
