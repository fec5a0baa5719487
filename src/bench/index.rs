//! Files to a store.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::machine::{Machine, Watch, peak_memory};
use super::stats::Sample;
use super::{BenchError, Report};
use crate::embed::Embedder;
use crate::engine::{self, PASSAGE_TOKENS, budget};
use crate::index::{self, Choice};
use crate::ingest::read::{self, Input};
use crate::ingest::{self, Busy, Job, Summary};
use crate::store::{Making, ModelIdentity, Stats, Store};

/// What to run.
pub struct Settings<'a> {
    /// A file or folder of articles, and what to call it.
    pub input: (PathBuf, String),
    /// The model.
    pub model: (&'a Embedder, &'a ModelIdentity),
    /// Threads that embed.
    pub threads: usize,
    /// Time to measure for.
    pub time: Duration,
    /// Folder in which the stores are made, and removed.
    pub scratch: &'a Path,
}

/// Articles a second from file to store, by stage; memory; bytes on disk.
///
/// Indexes into a new store again and again until the time is over, at least once. Where the time is over before the input is,
/// reading ends, and what was read is stored; that takes some seconds more, and they count.
///
/// # Errors
/// When the input holds no article, or the store or the model fails.
pub fn index(settings: &Settings<'_>) -> Result<Report, BenchError> {
    let (embedder, identity) = settings.model;
    let (path, name) = &settings.input;
    let making = Making { model: identity.clone(), passage_tokens: PASSAGE_TOKENS };
    let mut report = Report::new(
        "index",
        Machine::this(embedder.isa()),
        &[
            ("model", identity.id.clone()),
            ("precision", embedder.precision().name().to_owned()),
            ("threads", settings.threads.to_string()),
            ("articles", name.clone()),
            ("passage tokens", PASSAGE_TOKENS.to_string()),
        ],
    );
    // The first text through a model meets cold caches and unmapped pages.
    let words = "Le conseil municipal a adopté le budget.";
    embedder.embed_passages(&[crate::embed::Passage(words)], 1)?;

    let (start, watch) = (Instant::now(), Watch::start());
    let mut runs: Vec<Run> = Vec::new();
    while runs.is_empty() || start.elapsed() + runs[0].wall < settings.time {
        runs.push(run(settings, path, &making)?);
    }
    let last = &runs[runs.len() - 1];
    if last.stats.articles == 0 {
        return Err(BenchError::NoText(name.clone()));
    }

    let over = |value: &dyn Fn(&Run) -> f64| runs.iter().map(value).collect::<Sample>();
    let rate = |amount: &dyn Fn(&Run) -> f64| over(&|run| amount(run) / run.wall.as_secs_f64());
    let articles = |run: &Run| run.stats.articles as f64;
    report.add("articles", "whole run", "", articles(last));
    report.add("passages", "whole run", "", last.stats.passages as f64);
    report.add("different texts", "whole run", "", last.stats.vectors as f64);
    report.add_rounds("time", "whole run", "s", &over(&|run| run.wall.as_secs_f64()));
    report.add_rounds("articles", "a second", "articles/s", &rate(&articles));
    report.add_rounds("passages", "a second", "passages/s", &rate(&|run| run.stats.passages as f64));
    report.add_rounds("tokens embedded", "a second", "tokens/s", &rate(&|run| run.summary.tokens as f64));
    report.add_rounds("text", "a second", "MB/s", &rate(&|run| run.text_bytes as f64 / 1e6));
    let busy = |run: &Run| {
        let Busy { reading, preparing, embedding, storing } = run.summary.busy;
        [reading, preparing, embedding / settings.threads as f64, storing, run.view.as_secs_f64()]
    };
    let embedding = match settings.threads {
        1 => "embed".to_owned(),
        threads => format!("embed, {threads} threads"),
    };
    for (at, stage) in ["read", "cut and tokenise", &embedding, "store", "write the view"].into_iter().enumerate() {
        let share = over(&|run| 100.0 * busy(run)[at] / run.wall.as_secs_f64());
        report.add_rounds(stage, "busy", "s", &over(&|run| busy(run)[at]));
        report.add(stage, "share of time", "%", share.median());
        report.add(stage, "alone", "articles/s", over(&|run| articles(run) / busy(run)[at].max(1e-9)).median());
    }
    if let Some(bytes) = peak_memory() {
        report.add("memory, most", "whole run", "MB", bytes as f64 / 1e6);
    }
    let per_passage = |bytes: u64| bytes as f64 / last.stats.passages.max(1) as f64;
    report.add("database", "a passage", "bytes", per_passage(last.database_bytes));
    report.add("views", "a passage", "bytes", per_passage(last.view_bytes));

    if last.summary.stopped {
        report.notes.push("the time was over before the input was: this is its beginning".to_owned());
    }
    report
        .notes
        .push(format!("stores were made in {}", settings.scratch.parent().unwrap_or(settings.scratch).display()));
    report.notes.push(match runs.len() {
        1 => "one run, so without a spread".to_owned(),
        several => format!("median of {several} runs, each into a new store"),
    });
    report.note_noise();
    report.note_others(&watch);
    Ok(report)
}

/// One run into a new store.
struct Run {
    summary: Summary,
    stats: Stats,
    /// Bytes of the bodies, decoded.
    text_bytes: u64,
    view: Duration,
    view_bytes: u64,
    database_bytes: u64,
    wall: Duration,
}

fn run(settings: &Settings<'_>, path: &Path, making: &Making) -> Result<Run, BenchError> {
    let (embedder, _) = settings.model;
    let folder = tempfile::tempdir_in(settings.scratch)?;
    let mut store = Store::open_to_write(folder.path(), making)?;
    let start = Instant::now();
    let job = Job {
        inputs: &[Input::Path(path.to_owned())],
        options: &read::Options::default(),
        budget: budget(PASSAGE_TOKENS, embedder),
        workers: settings.threads,
        // What is timed is embedding, not remembering.
        cache: None,
        stop: &AtomicBool::new(false),
        until: Some(start + settings.time),
    };
    let summary = ingest::run(&mut store, embedder, &job, &mut |_| ())?;
    let viewing = Instant::now();
    engine::persist(&store, embedder.isa(), Choice::Exact, &mut |_| {})?;
    let (view, wall) = (viewing.elapsed(), start.elapsed());
    let stats = store.stats()?;
    let mut text_bytes = 0;
    for article in store.articles_matching(&crate::store::Filter::default())?.iter() {
        text_bytes += store.text(article)?.len() as u64;
    }
    let view_bytes = size(&index::folder(&store))?;
    // Closed, it has no log beside it any more.
    drop(store);
    let database_bytes = fs_err::metadata(folder.path().join(crate::store::DATABASE))?.len();
    Ok(Run { summary, stats, text_bytes, view, view_bytes, database_bytes, wall })
}

/// Bytes of all files in a folder.
fn size(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}
