//! Views of a store's vectors that answer "which vectors are closest to this one?".
//!
//! | module | reason to exist |
//! | --- | --- |
//! | `codes` | vectors as int8, with a bound of what that loses |
//! | [`rows`] | vectors and codes as one mapped file and what came later, caught up from the store: all that [`exact`] needs |
//! | [`exact`] | scans every row: exact, nothing to build |
//! | [`hnsw`] | walks a graph, and scans what it does not have |
//! | `graph` | the graph as one mapped file, and the walk |
//! | `build` | its links, by hnsw_rs |
//!
//! A view names the last vector and the last change that it holds. What came later is read from the store when the view
//! is opened, so an answer never misses an acknowledged article, and a view that is missing or damaged is made again.

mod build;
mod codes;
pub mod exact;
mod graph;
pub mod hnsw;
pub mod rows;

use std::path::Path;

use crate::kernels::Isa;
use crate::store::{Store, StoreError};
use crate::types::{Score, VectorId};
use exact::Exact;
use hnsw::Hnsw;
use rows::Rows;

/// What the views cost on one core (Zen 5, AVX-512 VNNI, 384 components), as `VOISIN_ROWS=N cargo bench --bench index` prints it.
/// Only their ratios matter here.
mod cost {
    /// Seconds that the exact scan takes for a row and query.
    pub(super) const SCAN_ROW: f64 = 1.3e-8;
    /// Seconds that a walk of the graph takes for each node that it finds.
    pub(super) const WALK_NODE: f64 = 1.0e-6;
    /// Seconds that the graph takes to open, for a row: its checksum is looked at.
    pub(super) const OPEN_ROW: f64 = 2.0e-7;
}

/// Rows from which on `voisin index` builds a graph without being asked: a scan takes more than 10 ms of a core.
const BUILD_FROM: usize = (10e-3 / cost::SCAN_ROW) as usize;

/// The vectors that a search may return; all, unless a filter says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// A bit for each id, which are dense.
    bits: Vec<u64>,
    count: usize,
}

impl Allowed {
    /// These and no others.
    pub fn new(vectors: impl IntoIterator<Item = VectorId>) -> Self {
        vectors.into_iter().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether a vector is among them.
    pub fn contains(&self, vector: VectorId) -> bool {
        let (word, bit) = Self::at(vector);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = VectorId> {
        self.bits.iter().enumerate().flat_map(|(word, &bits)| {
            (0..64).filter(move |bit| bits >> bit & 1 != 0).map(move |bit| VectorId(64 * word as i64 + bit))
        })
    }

    fn at(vector: VectorId) -> (usize, u64) {
        // Ids are never negative: SQLite counts them from 1.
        ((vector.0 / 64) as usize, 1 << (vector.0 % 64))
    }
}

impl FromIterator<VectorId> for Allowed {
    fn from_iter<I: IntoIterator<Item = VectorId>>(vectors: I) -> Self {
        let mut allowed = Self::default();
        for vector in vectors {
            let (word, bit) = Self::at(vector);
            if word >= allowed.bits.len() {
                allowed.bits.resize(word + 1, 0);
            }
            allowed.count += usize::from(allowed.bits[word] & bit == 0);
            allowed.bits[word] |= bit;
        }
        allowed
    }
}

/// Answers which vectors are closest to a query.
///
/// Contract: scores are inner products, greatest first; equal scores come in the order of ids; no id comes twice; no
/// more than `k` come, and exactly `k` if there are that many (allowed) vectors. A search changes nothing, and any number
/// may run at once.
pub trait VectorView: Send + Sync {
    /// The `k` closest of the (allowed) vectors.
    fn search(&self, query: &[f32], k: usize, allowed: Option<&Allowed>) -> Vec<(VectorId, Score)>;

    /// How many vectors can be found.
    fn len(&self) -> usize;

    /// Whether none can be found.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same view with what has changed in its store since: for whoever answers while the store is written to.
    ///
    /// All that this view has is shared with the new one, and both go on answering whatever becomes of the files on disk: it
    /// costs what has changed, at any size of the store. Rows that came since a graph was built are scanned; where they are too
    /// many, the scan answers. What was persisted in the meantime is taken up by opening the view anew, which also gives back
    /// what removed rows take.
    ///
    /// # Errors
    /// When the store fails.
    fn caught_up(&self, store: &Store) -> Result<Box<dyn VectorView>, IndexError>;

    /// `exact` or `hnsw`.
    fn name(&self) -> &'static str;
}

/// Which view answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Whichever answers this many queries of one process sooner, opening included; the graph only where there is one.
    ///
    /// For one query that is the scan at any size: the checksum of the graph takes longer than the scan. For many it is the
    /// graph, from some ten thousand vectors on.
    Auto {
        /// Queries that the process is expected to answer.
        queries: u32,
    },
    /// The scan.
    Exact,
    /// The graph, built if need be.
    Hnsw,
}

impl Default for Choice {
    fn default() -> Self {
        Self::Auto { queries: 1 }
    }
}

/// Whether so many queries over so many rows are answered sooner by the graph, opening included.
fn graph_pays(queries: u32, rows: usize) -> bool {
    let (rows, queries) = (rows as f64, f64::from(queries));
    queries * rows * cost::SCAN_ROW > rows * cost::OPEN_ROW + queries * hnsw::WIDTH as f64 * cost::WALK_NODE
}

/// Why a view cannot be had. A damaged view is no error: it is made again.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of a view cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The folder of a store's views; it can be deleted at any time.
pub fn folder(store: &Store) -> std::path::PathBuf {
    store.views()
}

/// Opens the view that `choice` asks for, caught up with the store; the scan where vectors are not of unit length, by which a
/// graph could not compare them.
///
/// # Errors
/// When the store or a file fails.
pub fn open(store: &Store, isa: Isa, choice: Choice) -> Result<Box<dyn VectorView>, IndexError> {
    let exact = Box::new(Exact::new(Rows::open(store)?, isa));
    let view = match choice {
        Choice::Hnsw => Hnsw::open(store, exact),
        Choice::Auto { queries } if graph_pays(queries, exact.len()) => Hnsw::load(store, exact),
        Choice::Auto { .. } | Choice::Exact => Err(exact),
    };
    Ok(match view {
        Ok(graph) => Box::new(graph),
        Err(exact) => exact,
    })
}

/// The graph of a store, built if need be; `None` where its vectors cannot have one.
///
/// # Errors
/// When the store or a file fails.
pub fn graph(store: &Store, isa: Isa) -> Result<Option<Hnsw>, IndexError> {
    Ok(Hnsw::open(store, Box::new(Exact::new(Rows::open(store)?, isa))).ok())
}

/// What can be said of the views that lie on disk.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Vectors of the store.
    pub rows: usize,
    /// Rows that the file of rows does not have, and rows of it that have left the store.
    pub behind: usize,
    /// The graph, where there is one that fits the store.
    pub graph: Option<GraphHealth>,
    /// What is wrong, a line each: checksums that do not hold.
    pub problems: Vec<String>,
}

/// What can be said of a graph.
#[derive(Clone, Copy, Debug)]
pub struct GraphHealth {
    /// Its nodes; those stand for more rows where rows are alike.
    pub nodes: usize,
    /// Nodes that no walk can find.
    pub unreachable: usize,
    /// Rows that came after the build, and are scanned.
    pub behind: usize,
    /// Bytes of it.
    pub bytes: usize,
}

/// Looks at the views of a store: what they have, what they lack, whether they are whole. Nothing is built or written.
///
/// # Errors
/// When the store or a file fails.
pub fn health(store: &Store, isa: Isa) -> Result<Health, IndexError> {
    let rows = Rows::open(store)?;
    let mut health = Health { rows: rows.len(), behind: rows.behind(), graph: None, problems: rows.file_problems() };
    match Hnsw::load(store, Box::new(Exact::new(rows, isa))) {
        Ok(view) => {
            let (nodes, unreachable, behind) = (view.nodes(), view.unreachable(), view.behind());
            health.graph = Some(GraphHealth { nodes, unreachable, behind, bytes: view.bytes() });
        }
        Err(_) if hnsw::file(store).exists() => {
            health.problems.push("the graph is damaged, of another store, or too far behind to be used".to_owned());
        }
        Err(_) => {}
    }
    Ok(health)
}

/// `count` of a store's vectors, or all if they are fewer, evenly spread over the order in which they came: what recall is
/// measured with.
///
/// # Errors
/// When the store fails.
pub fn sample(store: &Store, vectors: usize, count: usize) -> Result<Vec<(VectorId, Vec<f32>)>, IndexError> {
    let count = count.min(vectors);
    let (mut at, mut sample) = (0, Vec::with_capacity(count));
    store.vectors_after(VectorId(0), |id, vector| {
        // The next of the sample is due when its share of the way is reached.
        if at * count >= sample.len() * vectors && sample.len() < count {
            sample.push((id, vector.to_vec()));
        }
        at += 1;
    })?;
    Ok(sample)
}

/// The share of the `k` closest vectors to a query that a view finds; what is as close as the last of them is as right. A
/// vector that asks about itself is left out as `itself`.
pub fn recall(exact: &dyn VectorView, view: &dyn VectorView, query: &[f32], k: usize, itself: Option<VectorId>) -> f64 {
    let closest = |view: &dyn VectorView| {
        let mut found = view.search(query, k + usize::from(itself.is_some()), None);
        found.retain(|(id, _)| Some(*id) != itself);
        found.truncate(k);
        found
    };
    let truth = closest(exact);
    let Some((_, last)) = truth.last() else { return 1.0 };
    let right = |(id, score): &&(VectorId, Score)| score >= last || truth.iter().any(|(other, _)| other == id);
    closest(view).iter().filter(right).count() as f64 / truth.len() as f64
}

/// Writes the views of a store to disk, so that the next process opens them at once. For the process that has just
/// changed the store. A graph is built where one is asked for, and with [`Choice::Auto`] where a scan takes long; one that is
/// there already is then kept up.
///
/// # Errors
/// When the store or a file fails.
pub fn persist(store: &Store, isa: Isa, choice: Choice) -> Result<(), IndexError> {
    let rows = Rows::open(store)?;
    rows.persist(store)?;
    let build = match choice {
        Choice::Hnsw => true,
        Choice::Auto { .. } => rows.len() >= BUILD_FROM || hnsw::file(store).exists(),
        Choice::Exact => false,
    };
    if build {
        // Opened again, rows are mapped.
        graph(store, isa)?;
    }
    Ok(())
}

/// Replaces a file by `write`: under another name, synced, then renamed.
fn replace(path: &Path, write: impl FnOnce(&mut fs_err::File) -> std::io::Result<()>) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let result = fs_err::File::create(&temporary).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    match result.and_then(|()| fs_err::rename(&temporary, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = fs_err::remove_file(&temporary);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests;
