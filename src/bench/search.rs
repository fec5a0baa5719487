//! Questions to hits.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::machine::{Machine, Watch, peak_memory};
use super::stats::Sample;
use super::{BenchError, Report};
use crate::engine::{Engine, Options};
use crate::index::{self, Allowed, Choice, IndexError, VectorView, recall};
use crate::search::{Mode, Request, Searcher, versions};
use crate::store::{Filter, Store};
use crate::text::analysis_form;
use crate::types::{Score, VectorId};

/// Questions that are asked, at most.
const QUESTIONS: usize = 500;

/// Questions asked before anything is timed.
const WARM_UP: usize = 5;

/// Questions whose times are taken, at least.
const LEAST: usize = 10;

/// Questions on which recall is measured, at most.
const JUDGED: usize = 200;

/// What to run.
pub struct Settings<'a> {
    /// The folder of the store.
    pub store: &'a Path,
    /// How it is opened.
    pub options: Options,
    /// Questions; titles of the store without them.
    pub questions: Option<Vec<String>>,
    /// Hits of a question.
    pub k: usize,
    /// What articles are searched by.
    pub mode: Mode,
    /// Time to measure for.
    pub time: Duration,
}

/// The stages of a search, in their order.
const STAGES: [&str; 7] = [
    "understand",
    "embed the question",
    "closest vectors",
    "words, grouping, fusion",
    "fold versions",
    "fetch",
    "mark sentences",
];

/// Searches a second, one after the other, the latency of each stage, and recall against the exact scan.
///
/// # Errors
/// When the store is empty or fails, there is no question or an empty one, or the model fails.
pub fn search(settings: &Settings<'_>) -> Result<Report, BenchError> {
    // The first to open it may have to build the graph.
    drop(Engine::open(settings.store, settings.options)?);
    let start = Instant::now();
    let engine = Engine::open(settings.store, settings.options)?;
    let opened = start.elapsed();
    if engine.view().is_empty() {
        return Err(BenchError::EmptyStore);
    }
    let (questions, from) = match &settings.questions {
        Some(questions) => (questions.clone(), "a file"),
        None => (titles(engine.store())?, "titles of the store"),
    };
    let questions: Vec<&String> = questions.iter().take(QUESTIONS).collect();
    if questions.is_empty() {
        return Err(BenchError::NoQuestions);
    }
    let judged = questions.len().min(JUDGED);
    let mut report = Report::new(
        "search",
        Machine::this(settings.options.isa),
        &[
            ("model", engine.store().model().id.clone()),
            ("precision", engine.embedder().precision().name().to_owned()),
            ("mode", settings.mode.name().to_owned()),
            ("view", engine.view().name().to_owned()),
            ("vectors", engine.view().len().to_string()),
            ("questions", format!("{} ({from}), {judged} of them for recall", questions.len())),
            ("k", settings.k.to_string()),
            ("threads", "1; all cores for a long scan and to mark sentences".to_owned()),
        ],
    );

    let request = |text| Request { mode: settings.mode, ..Request::new(text, settings.k) };
    let mut stages: [Sample; STAGES.len()] = Default::default();
    let mut whole = Sample::default();
    for text in questions.iter().cycle().take(WARM_UP) {
        ask(&engine, &request(text))?;
    }
    let (start, watch) = (Instant::now(), Watch::start());
    for (at, text) in questions.iter().cycle().enumerate() {
        let began = Instant::now();
        let times = ask(&engine, &request(text))?;
        whole.push_ms(began.elapsed());
        stages.iter_mut().zip(times).for_each(|(stage, time)| stage.push_ms(time));
        if start.elapsed() >= settings.time && at + 1 >= LEAST {
            break;
        }
    }
    report.note_others(&watch);
    report.notes.push(format!("{} searches were timed; fewer than 100 have no p99", whole.len()));
    let memory = peak_memory();

    let total = whole.total();
    let mut row = |name: &str, sample: &Sample| {
        report.add(name, "p50", "ms", sample.percentile(0.5));
        report.add_p99(name, "p99", "ms", sample);
        report.add(name, "mean", "ms", sample.total() / sample.len() as f64);
        report.add(name, "share", "%", 100.0 * sample.total() / total);
    };
    STAGES.iter().zip(&stages).for_each(|(name, stage)| row(name, stage));
    row("whole search", &whole);
    report.add("one after the other", "process", "searches/s", 1e3 * whole.len() as f64 / total);
    report.add("opening the store", "process", "ms", opened.as_secs_f64() * 1e3);
    if let Some(bytes) = memory {
        report.add("memory, most", "process", "MB", bytes as f64 / 1e6);
    }
    let exact = index::open(engine.store(), settings.options.isa, Choice::Exact)?;
    let mut recalls = Sample::default();
    for text in &questions[..judged] {
        let mut question = engine.searcher().understand(&request(text))?;
        engine.searcher().embed(&mut question, Mode::Semantic)?;
        if let Some(vector) = &question.vector {
            recalls.push(recall(&*exact, engine.view(), vector, settings.k, None));
        }
    }
    let name = format!("recall@{} against the exact scan", settings.k);
    report.add(&name, "process", "%", 100.0 * recalls.total() / recalls.len() as f64);
    Ok(report)
}

/// Answers a question as [`Searcher::search`] does, stage by stage: the times of [`STAGES`].
fn ask(engine: &Engine, request: &Request<'_>) -> Result<[Duration; STAGES.len()], BenchError> {
    let view = Timed { inner: engine.view(), nanoseconds: AtomicU64::new(0) };
    let searcher = Searcher { vectors: &view, ..engine.searcher() };
    let _moment = searcher.store.snapshot()?;
    let mut last = Instant::now();
    let mut lap = || std::mem::replace(&mut last, Instant::now()).elapsed();
    let mut question = searcher.understand(request)?;
    let understand = lap();
    searcher.embed(&mut question, request.mode)?;
    let embed = lap();
    let ranked = searcher.rank(&question, request, versions::looked_at(request.k))?;
    let ranking = lap();
    let folded = searcher.fold(&ranked, request)?;
    let folding = lap();
    let mut hits = searcher.present(folded, &question, request)?;
    let fetch = lap();
    searcher.mark(&mut hits, &question)?;
    let marking = lap();
    let closest = Duration::from_nanos(view.nanoseconds.load(Ordering::Relaxed));
    Ok([understand, embed, closest, ranking.saturating_sub(closest), folding, fetch, marking])
}

/// A view that adds up how long it searched.
struct Timed<'a> {
    inner: &'a dyn VectorView,
    nanoseconds: AtomicU64,
}

impl VectorView for Timed<'_> {
    fn search(&self, query: &[f32], k: usize, allowed: Option<&Allowed>) -> Vec<(VectorId, Score)> {
        let start = Instant::now();
        let found = self.inner.search(query, k, allowed);
        self.nanoseconds.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        found
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn caught_up(&self, store: &Store) -> Result<Box<dyn VectorView>, IndexError> {
        self.inner.caught_up(store)
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }
}

/// Titles of a store, evenly spread over the order in which its articles came.
fn titles(store: &Store) -> Result<Vec<String>, BenchError> {
    let articles = store.articles_matching(&Filter::default())?;
    let step = articles.len().div_ceil(QUESTIONS).max(1);
    let mut titles = Vec::new();
    for article in articles.iter().step_by(step) {
        titles.extend(store.header(article)?.title.filter(|title| !analysis_form(title).is_empty()));
    }
    Ok(titles)
}
