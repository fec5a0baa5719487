//! The approximate view: a navigable graph (Malkov and Yashunin 2016) by hnsw_rs, with the guards that it needs.
//!
//! What hnsw_rs does not promise, and what is done about it here:
//!
//! 1. *Equal vectors strand nodes.* One node stands for all rows with the same bits; the others are listed beside it.
//! 2. *Nodes can become unreachable.* After a build the lowest layer, where a search ends, is walked from the entry point;
//!    nodes that no path leads to are listed as strays and scanned exactly in every search.
//! 3. *No delete, no update.* Removed rows are passed over; rows that came after the build are scanned exactly; the graph
//!    is built again when these are more than a fifth of it.
//! 4. *A filter can leave fewer than k.* The search is repeated twice as wide, and ends as an exact scan of what the filter
//!    allows.
//! 5. *Loading a damaged dump exits the process or reads beyond a buffer.* Nothing is loaded whose checksums, named in a
//!    manifest that is renamed into place last, do not hold; on any doubt the graph is built again.
//! 6. *A parallel build differs from run to run.* The build here is serial, and so reproducible.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err::File;
use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::api::AnnT;
use hnsw_rs::hnsw::{Hnsw, Point};
use hnsw_rs::hnswio::HnswIo;
use serde::{Deserialize, Serialize};

use super::exact::Exact;
use super::{Allowed, IndexError, VectorView, folder, replace};
use crate::kernels::Isa;
use crate::kernels::dot::dot;
use crate::store::Store;
use crate::types::{Score, VectorId};

/// Links of a node on each layer; twice as many on the lowest.
const LINKS: usize = 16;
/// Candidates that are looked at for the links of a new node.
const BUILD_WIDTH: usize = 200;
/// Candidates that a search keeps at least.
const SEARCH_WIDTH: usize = 128;
const LAYERS: usize = 16;

/// One minus the inner product, never below zero.
#[derive(Clone, Copy)]
struct Cosine(Isa);

impl Distance<f32> for Cosine {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        (1.0 - dot(self.0, a, b)).max(0.0)
    }
}

/// What a dump on disk is: two files with their checksums, and what the graph does not say itself.
#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// The mark of the store.
    store: String,
    name: String,
    graph: String,
    data: String,
    /// The last row that the graph has a node for.
    last: i64,
    /// Rows that the node of another row stands for.
    twins: Vec<(i64, Vec<i64>)>,
    /// Rows whose nodes no search reaches.
    strays: Vec<i64>,
}

const FORMAT: u32 = 1;

/// Approximate search, exact where the graph cannot help.
pub struct Graph {
    exact: Exact,
    graph: Hnsw<'static, f32, Cosine>,
    last: VectorId,
    twins: HashMap<VectorId, Vec<VectorId>>,
    strays: Vec<VectorId>,
}

impl Graph {
    /// Loads the graph of a store, or builds and saves it where there is none that fits.
    ///
    /// Rows must be of unit length.
    pub fn open(store: &Store, exact: Exact) -> Self {
        let Some((graph, manifest)) = load(&folder(store), &mark(store), exact.isa()) else {
            return Self::build(store, exact);
        };
        let ids = |ids: Vec<i64>| ids.into_iter().map(VectorId).collect::<Vec<_>>();
        let loaded = Self {
            last: VectorId(manifest.last),
            twins: manifest.twins.into_iter().map(|(id, twins)| (VectorId(id), ids(twins))).collect(),
            strays: ids(manifest.strays),
            graph,
            exact,
        };
        let known = loaded.graph.get_nb_point() + loaded.twins.values().map(Vec::len).sum::<usize>();
        let later = loaded.later().len();
        let gone = (known + later).saturating_sub(loaded.exact.len());
        if (later + gone) * 5 > known { Self::build(store, loaded.exact) } else { loaded }
    }

    /// Builds the graph over all rows, one after the other, and saves it.
    fn build(store: &Store, exact: Exact) -> Self {
        let isa = exact.isa();
        let mut nodes: HashMap<blake3::Hash, VectorId> = HashMap::new();
        let mut twins: HashMap<VectorId, Vec<VectorId>> = HashMap::new();
        let mut last = VectorId(0);
        let rows = exact.rows();
        let graph = Hnsw::new(LINKS, rows.len().max(1), LAYERS, BUILD_WIDTH, Cosine(isa));
        for (id, vector) in rows.iter() {
            last = id;
            let mut hasher = blake3::Hasher::new();
            vector.iter().for_each(|value| {
                hasher.update(&value.to_le_bytes());
            });
            match nodes.entry(hasher.finalize()) {
                std::collections::hash_map::Entry::Occupied(first) => {
                    twins.entry(*first.get()).or_default().push(id);
                }
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(id);
                    graph.insert((vector, id.0 as usize));
                }
            }
        }
        let strays = strays(&graph);
        let built = Self { exact, graph, last, twins, strays };
        // A graph that cannot be saved still answers; another process may be saving its own, or the disk is full.
        let _ = built.save(store);
        built
    }

    /// Writes a new dump beside the old one, then the manifest that names it, then deletes the old one.
    fn save(&self, store: &Store) -> Result<(), IndexError> {
        let folder = folder(store);
        if self.graph.get_nb_point() == 0 {
            return Ok(());
        }
        fs_err::create_dir_all(&folder)?;
        let name = format!("graph-{}-{}", self.last, std::process::id());
        // hnsw_rs picks another name where the file is there already.
        let name = self.graph.file_dump(&folder, &name).map_err(|error| IndexError::Graph(format!("{error:#}")))?;
        let [graph, data] = dump_files(&folder, &name);
        for file in [&graph, &data] {
            File::open(file)?.sync_all()?;
        }
        let numbers = |ids: &[VectorId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
        let manifest = Manifest {
            format: FORMAT,
            store: mark(store),
            name: name.clone(),
            graph: checksum(&graph)?,
            data: checksum(&data)?,
            last: self.last.0,
            twins: self.twins.iter().map(|(id, twins)| (id.0, numbers(twins))).collect(),
            strays: numbers(&self.strays),
        };
        replace(&folder.join("graph.json"), |file| serde_json::to_writer(file, &manifest).map_err(Into::into))?;
        for entry in fs_err::read_dir(&folder)?.flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            if file.starts_with("graph-") && !file.starts_with(&format!("{name}.")) {
                fs_err::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Rows that came after the build.
    fn later(&self) -> Vec<VectorId> {
        self.exact
            .rows()
            .runs()
            .into_iter()
            .flat_map(|(ids, _)| ids[ids.partition_point(|id| *id <= self.last)..].iter().copied())
            .collect()
    }

    /// What the graph gives for a width, with twins in their places and removed or forbidden rows left out.
    fn candidates(&self, query: &[f32], width: usize, allowed: Option<&Allowed>) -> Vec<VectorId> {
        let rows = self.exact.rows();
        let wanted = |id: &VectorId| rows.get(*id).is_some() && allowed.is_none_or(|allowed| allowed.contains(*id));
        self.graph
            .search(query, width, width)
            .into_iter()
            .flat_map(|found| {
                let node = VectorId(found.d_id as i64);
                std::iter::once(node).chain(self.twins_of(node).iter().copied())
            })
            .filter(wanted)
            .collect()
    }

    /// The rows that a node stands for beside its own.
    fn twins_of(&self, node: VectorId) -> &[VectorId] {
        self.twins.get(&node).map_or(&[], Vec::as_slice)
    }
}

impl VectorView for Graph {
    fn search(&self, query: &[f32], k: usize, allowed: Option<&Allowed>) -> Vec<(VectorId, Score)> {
        let nodes = self.graph.get_nb_point();
        if k == 0 {
            return Vec::new();
        }
        if let Some(allowed) = allowed.filter(|allowed| allowed.len() * 20 < nodes) {
            return self.exact.search(query, k, Some(allowed));
        }
        let mut width = SEARCH_WIDTH.max(k.saturating_mul(2));
        let found = loop {
            let found = self.candidates(query, width.min(nodes), allowed);
            if found.len() >= k || width >= nodes {
                break found;
            }
            width = width.saturating_mul(2);
        };
        if found.len() < k {
            return self.exact.search(query, k, allowed);
        }
        let strays = self.strays.iter().flat_map(|stray| std::iter::once(stray).chain(self.twins_of(*stray)));
        let unlinked = self.later().into_iter().chain(strays.copied());
        let unlinked = unlinked.filter(|id| allowed.is_none_or(|allowed| allowed.contains(*id)));
        let candidates: HashSet<VectorId> = found.into_iter().chain(unlinked).collect();
        self.exact.search_these(query, k, candidates)
    }

    fn len(&self) -> usize {
        self.exact.len()
    }

    fn name(&self) -> &'static str {
        "hnsw"
    }
}

/// The nodes of the lowest layer that no path of its links leads to from the entry point: the first node, in the order of
/// insertion, which is that of ids, that reached the highest layer.
fn strays(graph: &Hnsw<'static, f32, Cosine>) -> Vec<VectorId> {
    let points: HashMap<usize, Arc<Point<'_, f32>>> =
        graph.get_point_indexation().into_iter().map(|point| (point.get_origin_id(), point)).collect();
    let order = |point: &&Arc<Point<'_, f32>>| (point.get_point_id().0, std::cmp::Reverse(point.get_origin_id()));
    let Some(entry) = points.values().max_by_key(order) else { return Vec::new() };
    let mut seen = HashSet::from([entry.get_origin_id()]);
    let mut open = vec![entry.get_origin_id()];
    while let Some(id) = open.pop() {
        for neighbour in points[&id].get_neighborhood_id().into_iter().next().into_iter().flatten() {
            if seen.insert(neighbour.d_id) {
                open.push(neighbour.d_id);
            }
        }
    }
    let mut strays: Vec<_> = points.keys().filter(|id| !seen.contains(id)).map(|&id| VectorId(id as i64)).collect();
    strays.sort_unstable();
    strays
}

/// Loads a dump whose manifest and checksums hold.
fn load(folder: &Path, store: &str, isa: Isa) -> Option<(Hnsw<'static, f32, Cosine>, Manifest)> {
    let manifest: Manifest = serde_json::from_slice(&fs_err::read(folder.join("graph.json")).ok()?).ok()?;
    let [graph, data] = dump_files(folder, &manifest.name);
    let whole = manifest.format == FORMAT
        && manifest.store == store
        && checksum(&graph).is_ok_and(|sum| sum == manifest.graph)
        && checksum(&data).is_ok_and(|sum| sum == manifest.data);
    if !whole {
        return None;
    }
    // The graph borrows from its loader although nothing is mapped: a loader is a few hundred bytes, and lives as long
    // as the process.
    let loader: &'static HnswIo = Box::leak(Box::new(HnswIo::new(folder, &manifest.name)));
    let graph = loader.load_hnsw_with_dist(Cosine(isa)).ok()?;
    Some((graph, manifest))
}

/// The mark of a store, as hexadecimal digits.
fn mark(store: &Store) -> String {
    store.mark().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn dump_files(folder: &Path, name: &str) -> [PathBuf; 2] {
    [folder.join(format!("{name}.hnsw.graph")), folder.join(format!("{name}.hnsw.data"))]
}

fn checksum(file: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(file)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}
