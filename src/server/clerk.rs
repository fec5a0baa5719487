//! The thread that does the long work that was asked for, one job after the other.

use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use fs_err::File;

use super::jobs::{Job, JobKind, Jobs, Progress, Running};
use super::problem::Problem;
use super::queue::{Queue, Refused};
use crate::dedup::{RegisterError, Selection};
use crate::engine::{Engine, EngineError};
use crate::wire;

/// Jobs that may wait.
const WAITING: usize = 8;

/// When to come again with a job, where too many wait.
const LATER: Duration = Duration::from_secs(60);

/// Does long work.
pub struct Clerk {
    jobs: Arc<Jobs>,
    queue: Arc<Queue<Order>>,
}

/// A job that was asked for.
struct Order {
    id: u64,
    selection: Selection,
}

/// Why a job did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("nobody wants it any more")]
    Cancelled,
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Register(#[from] RegisterError),
    #[error("its result cannot be written: {0}")]
    Io(#[from] std::io::Error),
}

impl Clerk {
    /// Starts the thread, which ends when its line is [closed](Self::close) and empty.
    ///
    /// # Errors
    /// When the store cannot be opened once more.
    pub fn start(engine: &Engine, jobs: Arc<Jobs>) -> Result<(Self, JoinHandle<()>), EngineError> {
        let engine = engine.reader()?;
        let clerk = Self { jobs: jobs.clone(), queue: Queue::new(WAITING) };
        let queue = clerk.queue.clone();
        let thread = std::thread::spawn(move || {
            while let Some(orders) = queue.take(1, Duration::ZERO) {
                for Order { id, selection } in orders {
                    let Some(job) = jobs.take_up(id) else { continue };
                    // What panics must not take the thread with it: others wait for it.
                    match catch_unwind(AssertUnwindSafe(|| list(&engine, &job, selection))) {
                        Ok(Ok((lines, result))) => job.done_with(lines, result),
                        Ok(Err(Stopped::Cancelled)) => job.cancelled(),
                        Ok(Err(error)) => job.failed(&error),
                        Err(_) => job.failed(&"it panicked"),
                    }
                }
            }
        });
        Ok((clerk, thread))
    }

    /// Asks for all groups and pairs of copies.
    ///
    /// # Errors
    /// When too many jobs wait, or the server is ending.
    pub fn list_duplicates(&self, selection: Selection) -> Result<Job, Problem> {
        let id = self.jobs.ask(JobKind::Duplicates);
        match self.queue.join(vec![(1, Order { id, selection })]) {
            Ok(place) => place.keep(),
            Err(refused) => {
                self.jobs.forget(id);
                return Err(match refused {
                    Refused::Full(waiting) => Problem::busy(format!("{waiting} jobs wait already"), LATER),
                    Refused::Closed => Problem::unavailable("the server is ending", None),
                });
            }
        }
        self.jobs.get(id).ok_or_else(|| Problem::not_found("the job is over already"))
    }

    /// Cancels all jobs and takes no more.
    pub fn close(&self) {
        self.queue.close();
        self.jobs.cancel_all();
    }
}

/// Writes the groups and pairs of copies as lines of JSON, as `voisin duplicates --json` prints them.
fn list(engine: &Engine, job: &Running, selection: Selection) -> Result<(u64, File), Stopped> {
    let mut out = BufWriter::new(tempfile::tempfile()?);
    let mut lines = 0;
    let mut line = |value: serde_json::Result<String>, all: usize| {
        if job.is_cancelled() {
            return Err(Stopped::Cancelled);
        }
        writeln!(out, "{}", value.map_err(std::io::Error::from)?)?;
        lines += 1;
        job.progress(Progress { stage: Some("listing".to_owned()), done: lines, all });
        Ok(())
    };
    let copies = engine.copies(selection, &mut |progress| job.progress(progress.into()))?;
    let (groups, pairs) = (copies.groups()?, copies.pairs()?);
    let all = groups.len() + pairs.len();
    groups.iter().try_for_each(|group| line(serde_json::to_string(&wire::Group::from(group)), all))?;
    for pair in &pairs {
        line(serde_json::to_string(&wire::Comparison::from(&copies.comparison(pair)?)), all)?;
    }
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    Ok((lines as u64, File::from_parts(file, "the result of a job")))
}
