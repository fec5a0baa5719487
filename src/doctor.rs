//! How well a store is: whether its views are whole, caught up, reachable in every part, and find what they should; and what to
//! do where they are not.
//!
//! The examination is quick and needs no model. Whether the truth itself is whole, and of this model, is what
//! [`crate::verify`] looks at.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use crate::dedup::{self, RegisterError};
use crate::index::{self, Choice, Health, IndexError, recall};
use crate::kernels::Isa;
use crate::lexical::{self, LexicalError};
use crate::store::{Filter, Store, StoreError};
use crate::types::VectorId;

/// How many of the closest vectors are looked at.
const CLOSEST: usize = 10;

/// Recall below which the graph is wrong, and below which it is worth a word.
const RECALL: (f64, f64) = (0.9, 0.98);

/// Share of a view that may be missing on disk, or of vectors that may be alike, before it is worth a word.
const LITTLE: f64 = 0.01;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Answers are right, but something could be better.
    Advice,
    /// Answers may be wrong.
    Wrong,
}

/// What was found of one thing.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub status: Status,
    /// What was seen, a line each.
    pub seen: Vec<String>,
    /// What to do, unless it is as it should be.
    pub advice: Option<String>,
}

/// How a store is examined.
#[derive(Clone, Copy, Debug)]
pub struct Examination {
    /// The instruction-set level of every kernel.
    pub isa: Isa,
    /// Vectors that recall is measured with.
    pub sample: usize,
    /// The view that is measured: a graph is built with [`Choice::Hnsw`]; else the one that lies on disk is taken, if any.
    pub view: Choice,
}

/// Why a store cannot be examined or repaired.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A view of the vectors failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The view of words failed.
    #[error(transparent)]
    Lexical(#[from] LexicalError),
    /// The register of copies failed.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Examines a store. Nothing is written, but a graph that is asked for and not there.
///
/// # Errors
/// When the store cannot be read at all.
pub fn examine(store: &Store, examination: &Examination) -> Result<Vec<Finding>, DoctorError> {
    let health = index::health(store, examination.isa)?;
    let words = lexical::health(store)?;
    let copies = dedup::health(store)?;
    let all = store.articles_matching(&Filter::default())?.len();
    let mut findings = vec![
        articles(store)?,
        vectors(store)?,
        view("the view of vectors is whole and caught up", store, health.rows, health.behind, &health.problems),
        graph(store, &health, examination)?,
        view("the view of words is whole and caught up", store, all, words.behind, &words.problems),
        view("the register of copies is whole and caught up", store, all, copies.behind, &copies.problems),
    ];
    findings.extend(space(store));
    Ok(findings)
}

/// Brings the views on disk up to date, and makes again what is damaged.
///
/// # Errors
/// When the store cannot be read, or its folder cannot be written.
pub fn repair(store: &Store, examination: &Examination) -> Result<(), DoctorError> {
    let vectors = index::health(store, examination.isa)?.problems;
    let words = lexical::health(store)?.problems;
    let copies = dedup::health(store)?.problems;
    let had_graph = store.views().join("graph").exists();
    if !(vectors.is_empty() && words.is_empty() && copies.is_empty()) {
        for entry in fs_err::read_dir(store.views())? {
            let entry = entry?;
            match entry.file_type()? {
                kind if kind.is_dir() => fs_err::remove_dir_all(entry.path())?,
                // Another process may hold the lock, and would go on holding a file that is no more.
                _ if entry.file_name().to_string_lossy().ends_with(".lock") => {}
                // It is made anew under its lock.
                _ if entry.file_name().to_string_lossy().starts_with("copies.") => {}
                _ => fs_err::remove_file(entry.path())?,
            }
        }
    }
    index::persist(store, examination.isa, if had_graph { Choice::Hnsw } else { examination.view })?;
    lexical::persist(store)?;
    if !copies.is_empty() {
        dedup::again(store, examination.isa)?;
    }
    dedup::caught_up(store, examination.isa, &mut |_| {})?;
    Ok(())
}

/// Whether every article can be found.
fn articles(store: &Store) -> Result<Finding, DoctorError> {
    let lost = store.articles_without_passages()?;
    let check = "every article has a passage";
    let Some(first) = lost.first() else {
        return Ok(Finding { check, status: Status::Ok, seen: Vec::new(), advice: None });
    };
    Ok(Finding {
        check,
        status: Status::Advice,
        seen: vec![format!("{} have none, such as {}", lost.len(), store.header(*first)?.key)],
        advice: Some(
            "they hold no words, and no search finds them: look at their source, index it again, or `voisin remove` them"
                .to_owned(),
        ),
    })
}

/// Whether different texts have different vectors.
fn vectors(store: &Store) -> Result<Finding, DoctorError> {
    let mut seen: HashMap<[u8; 16], u32> = HashMap::new();
    let (mut all, mut alike) = (0u64, 0u64);
    store.vectors_after(VectorId(0), |_, vector| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&crate::store::to_bytes(vector));
        let mut half = [0; 16];
        half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        let times = seen.entry(half).or_default();
        alike += u64::from(*times > 0);
        *times += 1;
        all += 1;
    })?;
    let worth = alike as f64 > LITTLE * all as f64;
    Ok(Finding {
        check: "different texts have different vectors",
        status: if worth { Status::Advice } else { Status::Ok },
        seen: vec![format!("{alike} of {all} vectors are the same as an earlier one")],
        advice: worth.then(|| {
            "the model does not tell these texts apart: index into another --store with another --model".to_owned()
        }),
    })
}

/// Whether what lies on disk of a view of `all` things is whole and caught up: `behind` of them are missing, or gone.
fn view(check: &'static str, store: &Store, all: usize, behind: usize, problems: &[String]) -> Finding {
    let repair = command(store, "--repair");
    let (status, advice) = if !problems.is_empty() {
        (Status::Wrong, Some(format!("make it again: `{repair}`")))
    } else if behind as f64 > LITTLE * all as f64 {
        let advice = format!("each command reads them from the database until they are written: `{repair}`");
        (Status::Advice, Some(advice))
    } else {
        (Status::Ok, None)
    };
    let mut seen = vec![format!("{behind} of {all} are missing on disk, or gone from the store")];
    seen.extend(problems.iter().cloned());
    Finding { check, status, seen, advice }
}

/// Whether the graph reaches every vector, and finds the closest.
fn graph(store: &Store, health: &Health, examination: &Examination) -> Result<Finding, DoctorError> {
    let check = "the graph reaches every vector and finds the closest";
    // One that is there is examined, whether searches of one question use it or not.
    let choice = if health.graph.is_some() { Choice::Hnsw } else { examination.view };
    let view = index::open(store, examination.isa, choice)?;
    if view.name() != "hnsw" || view.is_empty() {
        let seen = vec!["there is none: every search scans all vectors, which is exact".to_owned()];
        return Ok(Finding { check, status: Status::Ok, seen, advice: None });
    }
    let exact = index::open(store, examination.isa, Choice::Exact)?;
    let sample = index::sample(store, exact.len(), examination.sample)?;
    let found: f64 = sample.iter().map(|(id, vector)| recall(&*exact, &*view, vector, CLOSEST, Some(*id))).sum();
    let found = found / sample.len().max(1) as f64;
    let mut seen =
        vec![format!("recall@{CLOSEST} is {found:.4} against exact search, for {} vectors of the store", sample.len())];
    let mut unreachable = 0;
    if let Some(graph) = health.graph {
        unreachable = graph.unreachable;
        seen.push(format!(
            "{} nodes, {unreachable} of them unreachable; {} vectors came later and are scanned",
            graph.nodes, graph.behind
        ));
    }
    let again = format!("delete {}, then `{}`", store.views().display(), command(store, "--view hnsw --repair"));
    let (status, advice) = match found {
        _ if found < RECALL.0 || unreachable > 0 => (Status::Wrong, Some(again)),
        _ if found < RECALL.1 => {
            (Status::Advice, Some("where it matters to miss nothing, give `--view exact` to searches".to_owned()))
        }
        _ => (Status::Ok, None),
    };
    Ok(Finding { check, status, seen, advice })
}

/// Whether there is room to write the views again, where the disk says how much it has.
fn space(store: &Store) -> Option<Finding> {
    let free = fs4::available_space(store.folder()).ok()?;
    let size = |path: &Path| -> u64 {
        let entries = ignore::WalkBuilder::new(path).standard_filters(false).build().flatten();
        entries.filter_map(|entry| entry.metadata().ok()).filter(|data| data.is_file()).map(|data| data.len()).sum()
    };
    let (all, views) = (size(store.folder()), size(&store.views()));
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let scarce = free < views;
    Some(Finding {
        check: "there is room on the disk",
        status: if scarce { Status::Advice } else { Status::Ok },
        seen: vec![format!(
            "{} free, the store takes {}, of which its views {}",
            megabytes(free),
            megabytes(all),
            megabytes(views)
        )],
        advice: scarce.then(|| {
            format!(
                "the views cannot be written again beside the old ones: free {} on the disk of {}",
                megabytes(views - free),
                store.folder().display()
            )
        }),
    })
}

fn command(store: &Store, options: &str) -> String {
    format!("voisin doctor --store {} {options}", store.folder().display())
}
