//! Long work, and how far it has come: what the server does by itself, and what it was asked for.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use fs_err::File;
use jiff::Timestamp;
use serde::Serialize;

use crate::dedup;

/// Jobs that are remembered after their end, of those that were asked for, with their results, and of the server's own.
const REMEMBERED: usize = 20;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// The register of copies is caught up with the store: by the server itself.
    Copies,
    /// The views are written to disk: by the server itself.
    Views,
    /// All pairs or groups of copies are listed, as lines of JSON.
    Duplicates,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Others come first.
    Waiting,
    /// It is being done.
    Running,
    /// It came to its end.
    Done,
    /// It did not.
    Failed,
    /// Someone no longer wanted it.
    Cancelled,
}

/// How far a job has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Progress {
    /// What is being done, such as `comparing`.
    pub stage: Option<String>,
    /// How much of it is done.
    pub done: usize,
    /// How much there is; 0 where that is not known.
    pub all: usize,
}

impl From<dedup::Progress> for Progress {
    fn from(progress: dedup::Progress) -> Self {
        let stage = match progress.stage {
            dedup::Stage::Reading => "reading",
            dedup::Stage::Meaning => "meaning",
            dedup::Stage::Comparing => "comparing",
            dedup::Stage::Undated => "undated",
            dedup::Stage::Writing => "writing",
        };
        Self { stage: Some(stage.to_owned()), done: progress.done, all: progress.all }
    }
}

/// A job as it is told.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Job {
    /// Its number: jobs are numbered as they come, from 1 at each start of the server.
    pub id: u64,
    /// What it does.
    pub kind: JobKind,
    /// How it stands.
    pub standing: Standing,
    /// How far it has come.
    pub progress: Progress,
    /// When it was asked for (RFC 3339).
    pub asked: String,
    /// When it ended.
    pub ended: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// Lines of its result, where it has one.
    pub lines: Option<u64>,
}

struct Entry {
    job: Job,
    cancelled: Arc<AtomicBool>,
    result: Option<Arc<Mutex<File>>>,
}

/// The jobs of a server since its start.
#[derive(Default)]
pub struct Jobs {
    entries: Mutex<BTreeMap<u64, Entry>>,
}

/// A job that is being done.
pub struct Running {
    jobs: Arc<Jobs>,
    id: u64,
    cancelled: Arc<AtomicBool>,
}

impl Jobs {
    /// Notes a job that waits.
    pub fn ask(&self, kind: JobKind) -> u64 {
        let mut entries = self.entries();
        let id = entries.last_key_value().map_or(1, |(id, _)| id + 1);
        let job = Job {
            id,
            kind,
            standing: Standing::Waiting,
            progress: Progress::default(),
            asked: Timestamp::now().to_string(),
            ended: None,
            error: None,
            lines: None,
        };
        entries.insert(id, Entry { job, cancelled: Arc::default(), result: None });
        let asked_for = kind == JobKind::Duplicates;
        let over = entries.values().filter(|entry| (entry.job.kind == JobKind::Duplicates) == asked_for);
        let over: Vec<u64> = over.filter(|entry| entry.job.ended.is_some()).map(|entry| entry.job.id).collect();
        for old in over.iter().take(over.len().saturating_sub(REMEMBERED)) {
            entries.remove(old);
        }
        id
    }

    /// Lets go of a job that was not taken.
    pub fn forget(&self, id: u64) {
        self.entries().remove(&id);
    }

    /// Begins a job that was not asked for.
    pub fn begin(self: &Arc<Self>, kind: JobKind) -> Running {
        let id = self.ask(kind);
        self.take_up(id).unwrap_or_else(|| Running { jobs: self.clone(), id, cancelled: Arc::default() })
    }

    /// Begins a job that waits, unless it was cancelled.
    pub fn take_up(self: &Arc<Self>, id: u64) -> Option<Running> {
        let mut entries = self.entries();
        let entry = entries.get_mut(&id).filter(|entry| entry.job.standing == Standing::Waiting)?;
        entry.job.standing = Standing::Running;
        Some(Running { jobs: self.clone(), id, cancelled: entry.cancelled.clone() })
    }

    /// All jobs, the newest first.
    pub fn list(&self) -> Vec<Job> {
        self.entries().values().rev().map(|entry| entry.job.clone()).collect()
    }

    /// One job.
    pub fn get(&self, id: u64) -> Option<Job> {
        self.entries().get(&id).map(|entry| entry.job.clone())
    }

    /// The result of a job, where it has one.
    pub fn result(&self, id: u64) -> Option<Arc<Mutex<File>>> {
        self.entries().get(&id)?.result.clone()
    }

    /// Ends a job that someone asked for: before its next step where it runs. What the server does by itself goes on.
    pub fn cancel(&self, id: u64) -> Option<Job> {
        let mut entries = self.entries();
        let entry = entries.get_mut(&id)?;
        if entry.job.kind == JobKind::Duplicates {
            entry.cancelled.store(true, Ordering::Relaxed);
            if entry.job.standing == Standing::Waiting {
                entry.job.end(Standing::Cancelled);
            }
        }
        Some(entry.job.clone())
    }

    /// Ends all jobs that were asked for.
    pub fn cancel_all(&self) {
        let ids: Vec<u64> = self.entries().keys().copied().collect();
        for id in ids {
            self.cancel(id);
        }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<u64, Entry>> {
        self.entries.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Job {
    fn end(&mut self, standing: Standing) {
        self.standing = standing;
        self.ended = Some(Timestamp::now().to_string());
    }
}

impl Running {
    /// Says how far it has come.
    pub fn progress(&self, progress: Progress) {
        self.change(|entry| entry.job.progress = progress);
    }

    /// Whether nobody wants it any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// It came to its end.
    pub fn done(self) {
        self.change(|entry| entry.job.end(Standing::Done));
    }

    /// It came to its end, with so many lines of JSON.
    pub fn done_with(self, lines: u64, result: File) {
        self.change(|entry| {
            entry.result = Some(Arc::new(Mutex::new(result)));
            entry.job.lines = Some(lines);
            entry.job.end(Standing::Done);
        });
    }

    /// It was cancelled.
    pub fn cancelled(self) {
        self.change(|entry| entry.job.end(Standing::Cancelled));
    }

    /// It failed. Why goes to the log; it may name paths.
    pub fn failed(self, error: &dyn std::fmt::Display) {
        tracing::error!(%error, job = self.id, "a job failed");
        self.change(|entry| {
            entry.job.error = Some("the server's log says why, under the number of this job".to_owned());
            entry.job.end(Standing::Failed);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.jobs.entries().get_mut(&self.id) {
            change(entry);
        }
    }
}

/// Up to `most` bytes of a result from a place on; none at its end.
///
/// # Errors
/// When the file cannot be read.
pub fn read_at(result: &Mutex<File>, at: u64, most: usize) -> std::io::Result<Vec<u8>> {
    let mut file = result.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::with_capacity(most);
    file.by_ref().take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whoever did it panicked.
        self.change(|entry| {
            if entry.job.ended.is_none() {
                entry.job.end(Standing::Failed);
            }
        });
    }
}
