//! Every data set of a folder.
//!
//! ```text
//! stsb/*.tsv            sts          graded pairs
//! pawsx/*.tsv           pairs        labelled pairs; test-XX takes its threshold from dev-XX
//! bitext/*.tsv          bitext       a text and its translation a line
//! flores200/*.txt       bitext       the same texts in many languages, a file each: French against every other
//! retrieval/**          retrieval    NAME.passages.jsonl with NAME.queries.jsonl, or passages.jsonl with queries.jsonl, or
//!                                    BEIR's corpus.jsonl, queries.jsonl and qrels/*.tsv
//! names.tsv             names        the spellings of a name a line
//! *neardup*.tsv         duplicates   of the articles of a store
//! ```
//!
//! Files with `train` as a part of their name (`fr-train`, not `trains`) are training data and left alone.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::ann::ann;
use super::bitext::bitext;
use super::duplicates::{Level, Measure, duplicates};
use super::names::names;
use super::pairs::pairs;
use super::retrieval::{Files, MODES, retrieval};
use super::sts::sts;
use super::{EvalError, Row, Subject, data};
use crate::engine::Engine;
use crate::search::Fusion;

/// One data set and its task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The name of the data set: its path under the folder, without what every such file has.
    pub name: String,
    /// What is to be measured.
    pub task: Task,
}

/// What is to be measured, and the files that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// [`fn@sts`]
    Sts(PathBuf),
    /// [`fn@pairs`]: the pairs, and the pairs that the threshold comes from.
    Pairs(PathBuf, Option<PathBuf>),
    /// [`fn@bitext`]: one file.
    Bitext(PathBuf),
    /// [`fn@bitext`]: two files, line by line.
    Parallel(PathBuf, PathBuf),
    /// [`fn@retrieval`]: passages, queries, judgements.
    Retrieval(PathBuf, PathBuf, Option<PathBuf>),
    /// [`fn@names`], without other articles.
    Names(PathBuf),
    /// [`fn@duplicates`], at the levels of [`LEVELS`].
    Duplicates(PathBuf),
    /// [`fn@ann`]
    Ann,
}

impl Task {
    /// Whether it is about a store rather than about files alone.
    pub fn is_of_a_store(&self) -> bool {
        matches!(self, Self::Duplicates(_) | Self::Ann)
    }
}

/// What is asked of near-duplicates: copies, edited copies, and articles that hold much of another.
pub const LEVELS: [Level; 3] = [
    Level { measure: Measure::Jaccard, least: 0.5, below: None },
    Level { measure: Measure::Jaccard, least: 0.3, below: Some(0.5) },
    Level { measure: Measure::Containment, least: 0.5, below: None },
];

/// Neighbours and queries of [`Task::Ann`].
pub const ANN: (usize, usize) = (10, 1000);

/// The data sets of `folder`, or of `eval` in it, in the order of the tasks and their names.
///
/// # Errors
/// When a folder cannot be read, or holds none.
pub fn discover(folder: &Path) -> Result<Vec<Item>, EvalError> {
    if !folder.is_dir() {
        return Err(EvalError::Data { path: folder.to_owned(), what: "there is no such folder".to_owned() });
    }
    let inner = folder.join("eval");
    let root = if inner.is_dir() { &inner } else { folder };
    let mut items: Vec<Item> = Vec::new();
    let mut add = |path: &Path, task: Task| {
        items.push(Item { name: name(path.strip_prefix(root).unwrap_or(path)), task });
    };
    for path in files(&root.join("stsb"), "tsv")? {
        add(&path, Task::Sts(path.clone()));
    }
    let labelled = files(&root.join("pawsx"), "tsv")?;
    for path in &labelled {
        let dev = stem(path).strip_prefix("test").map(|rest| path.with_file_name(format!("dev{rest}.tsv")));
        add(path, Task::Pairs(path.clone(), dev.filter(|dev| labelled.contains(dev))));
    }
    for path in files(&root.join("bitext"), "tsv")? {
        add(&path, Task::Bitext(path.clone()));
    }
    let languages = files(&root.join("flores200"), "txt")?;
    if let Some(french) = languages.iter().find(|path| stem(path).starts_with("fra")) {
        for other in languages.iter().filter(|other| *other != french) {
            let pair = other.with_file_name(format!("{}-{}", stem(french), stem(other)));
            add(&pair, Task::Parallel(french.clone(), other.clone()));
        }
    }
    for folder in folders(&root.join("retrieval"))? {
        for path in files(&folder, "jsonl")? {
            if stem(&path).ends_with("passages") {
                // Where there are no queries the task will say so.
                let queries = path.with_file_name(stem(&path).replace("passages", "queries") + ".jsonl");
                add(&path, Task::Retrieval(path.clone(), queries, None));
            } else if stem(&path) == "corpus" {
                for judgements in files(&folder.join("qrels"), "tsv")? {
                    let queries = folder.join("queries.jsonl");
                    add(&folder.join(stem(&judgements)), Task::Retrieval(path.clone(), queries, Some(judgements)));
                }
            }
        }
    }
    for path in files(root, "tsv")? {
        if stem(&path) == "names" {
            add(&path, Task::Names(path.clone()));
        } else if stem(&path).contains("neardup") {
            add(&path, Task::Duplicates(path.clone()));
        }
    }
    if items.is_empty() {
        let what = "holds no data set: expected folders such as stsb, pawsx, bitext, flores200, retrieval".to_owned();
        return Err(EvalError::Data { path: folder.to_owned(), what });
    }
    Ok(items)
}

/// The name of a data set by the path of its file: without the extension, and without the word that all such files have.
pub fn name(path: &Path) -> String {
    let name = path.with_extension("").to_string_lossy().replace('\\', "/");
    let plain = name.trim_end_matches("passages").trim_end_matches("queries").trim_end_matches(['.', '/']);
    if plain.is_empty() { name } else { plain.to_owned() }
}

/// Measures one data set; a task of a store gives nothing without `engine`, whose model `subject` must then be. What has to be
/// written on the way goes into `scratch`.
///
/// # Errors
/// When the data cannot be used, or the model or the store fails.
pub fn measure(
    item: &Item,
    subject: &Subject<'_>,
    engine: Option<&Engine>,
    scratch: &Path,
) -> Result<Vec<Row>, EvalError> {
    let start = Instant::now();
    let name = &item.name;
    match (&item.task, engine) {
        (Task::Sts(path), _) => Ok(vec![sts(subject, name, path)?]),
        (Task::Pairs(path, dev), _) => Ok(vec![pairs(subject, name, path, dev.as_deref())?]),
        (Task::Bitext(path), _) => Ok(vec![bitext(subject, name, &data::translations(path)?, start)?]),
        (Task::Parallel(a, b), _) => Ok(vec![bitext(subject, name, &data::parallel(a, b)?, start)?]),
        (Task::Retrieval(passages, queries, judgements), _) => {
            let files = Files { passages, queries, judgements: judgements.as_deref() };
            retrieval(subject, name, &files, (&MODES, Fusion::default()), scratch)
        }
        (Task::Names(list), _) => names(subject, name, (list, None), (&MODES, Fusion::default()), scratch),
        (Task::Duplicates(truth), Some(engine)) => duplicates(subject, engine, name, truth, &LEVELS),
        (Task::Ann, Some(engine)) => Ok(vec![ann(subject, engine.store(), ANN.0, ANN.1)?]),
        (Task::Duplicates(_) | Task::Ann, None) => Ok(Vec::new()),
    }
}

/// The file's name without its last extension.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files of a folder with this extension, but for training data, by name; none where there is no such folder.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, EvalError> {
    let mut found = entries(folder)?;
    found.retain(|path| path.is_file() && path.extension().is_some_and(|kind| kind == extension));
    let training = |path: &PathBuf| stem(path).split(|c: char| !c.is_alphanumeric()).any(|part| part == "train");
    found.retain(|path| !training(path));
    Ok(found)
}

/// A folder and all folders in it, by name; none where there is no such folder.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let mut found = if folder.is_dir() { vec![folder.to_owned()] } else { Vec::new() };
    for inner in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        found.extend(folders(&inner)?);
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths =
        fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
