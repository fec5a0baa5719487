//! The approximate view: a walk over a graph that was built when the store was smaller, and what it cannot know beside it.
//!
//! What a graph does not promise, and what is done about it here:
//!
//! 1. *Equal vectors strand nodes.* One node stands for all rows with the same codes; the others are listed beside it.
//! 2. *Nodes can become unreachable.* After a build the lowest layer, where a search ends, is walked from the entry point, and
//!    nodes that no path leads to are given one.
//! 3. *No delete, no update.* Removed rows are passed over; rows that came after the build are scanned exactly; the graph
//!    is built again when these are more than a fifth of it.
//! 4. *A filter can leave fewer than k.* The walk is made wider by what the filter leaves out, and again where that does not
//!    do; where a walk would be so wide that a scan is sooner done, there is a scan.
//! 5. *Codes are not vectors.* What the walk finds is put in order by the vectors themselves.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::codes::{Codes, OwnedCodes, Query};
use super::exact::Exact;
use super::graph::{Graph, NONE, Near};
use super::{Allowed, IndexError, VectorView, build, cost, folder};
use crate::store::Store;
use crate::types::{Score, VectorId};

/// Nodes that a walk finds at least. It finds 99 of 100 of the closest ten at 100,000 passages of news.
pub(super) const WIDTH: usize = 160;

/// Approximate search, exact where the graph cannot help.
pub struct Hnsw {
    exact: Box<Exact>,
    graph: Arc<Graph>,
    /// The place of each node's row, [`NONE`] where it had left the store when the view was opened. Places stay when a view is
    /// caught up.
    places: Arc<[u32]>,
    /// Where rows begin that came after the build.
    later: usize,
    width: usize,
}

impl Hnsw {
    /// The graph of a store, built and saved where there is none that fits; the scan back where vectors are not of unit length,
    /// by which a graph could not compare them, or there is none.
    pub(super) fn open(store: &Store, exact: Box<Exact>) -> Result<Self, Box<Exact>> {
        match Self::load(store, exact) {
            Ok(view) => Ok(view),
            Err(exact) => Self::build(store, exact),
        }
    }

    /// The graph that lies on disk; the scan back if there is none, or none that is whole, or none that fits.
    pub(super) fn load(store: &Store, exact: Box<Exact>) -> Result<Self, Box<Exact>> {
        match Graph::open(&file(store), store.mark(), exact.rows().dims()) {
            Some(graph) => Self::new(exact, graph).fitting(),
            None => Err(exact),
        }
    }

    /// Builds the graph over all rows, and saves it.
    fn build(store: &Store, exact: Box<Exact>) -> Result<Self, Box<Exact>> {
        let rows = exact.rows();
        if rows.is_empty() || !rows.are_unit() {
            return Err(exact);
        }
        let (isa, width) = (exact.isa(), rows.dims());
        let (mut ids, mut codes, mut twins) = (Vec::new(), OwnedCodes::default(), Vec::new());
        let mut nodes: HashMap<&[i8], u32> = HashMap::with_capacity(rows.len());
        for place in rows.present() {
            let (run, at) = rows.codes(place);
            let (row, id) = (run.row(at, width), rows.id(place));
            let node = *nodes.entry(row).or_insert(ids.len() as u32);
            if node as usize == ids.len() {
                ids.push(id);
                codes.push_rows(Codes { codes: row, facts: &run.facts[3 * at..3 * at + 3] });
            } else {
                twins.push((node, id));
            }
        }
        drop(nodes);
        twins.sort_unstable();
        let links = build::build(isa, codes.borrow(), width, ids.len());
        let graph = Graph::new(isa, width, ids, twins, codes.into_parts(), links);
        // A graph that cannot be saved still answers; another process may be saving its own, or the disk is full.
        let saved = fs_err::create_dir_all(folder(store)).and_then(|()| graph.save(&file(store), store.mark()));
        let mapped = saved.ok().and_then(|()| Graph::open(&file(store), store.mark(), width));
        Ok(Self::new(exact, mapped.unwrap_or(graph)))
    }

    fn new(exact: Box<Exact>, graph: Graph) -> Self {
        let placed = exact.rows().placed(graph.rows().iter().copied());
        let places = placed.map(|place| place.map_or(NONE, |place| place as u32)).collect();
        let later = exact.rows().place_after(graph.last());
        Self { exact, graph: Arc::new(graph), places, later, width: WIDTH }
    }

    /// The same graph over the rows that the store has now; the scan back where it is far behind them.
    pub(super) fn caught_up(&self, store: &Store) -> Result<Result<Self, Box<Exact>>, IndexError> {
        let exact = Box::new(self.exact.caught_up(store)?);
        let (graph, places) = (Arc::clone(&self.graph), Arc::clone(&self.places));
        Ok(Self { exact, graph, places, later: self.later, width: self.width }.fitting())
    }

    /// The scan back where the graph is far behind the store.
    fn fitting(self) -> Result<Self, Box<Exact>> {
        let known = self.graph.known();
        let gone = (known + self.behind()).saturating_sub(self.exact.len());
        if (self.behind() + gone) * 5 > known { Err(self.exact) } else { Ok(self) }
    }

    /// Rows that came after the build.
    pub(super) fn behind(&self) -> usize {
        self.exact.rows().places() - self.later
    }

    /// Nodes of the graph.
    pub(super) fn nodes(&self) -> usize {
        self.places.len()
    }

    /// Nodes that no walk can find.
    pub(super) fn unreachable(&self) -> usize {
        self.graph.unreachable().len()
    }

    /// Bytes of the graph: codes, links and rows.
    pub fn bytes(&self) -> usize {
        self.graph.bytes()
    }

    /// Makes walks find at least so many nodes: more find more of what is closest, and take longer.
    pub fn set_width(&mut self, width: usize) {
        self.width = width.max(1);
    }

    /// The places of the rows that a node stands for.
    fn places_of(&self, node: u32) -> impl Iterator<Item = usize> {
        let rows = self.exact.rows();
        let own = Some(self.places[node as usize]).filter(|&place| place != NONE).map(|place| place as usize);
        let own = own.filter(|&place| !rows.is_removed(rows.id(place)));
        own.into_iter().chain(self.graph.twins_of(node).filter_map(|row| rows.place(row)))
    }

    /// How many rows a search may return.
    fn allowed(&self, allowed: Option<&Allowed>) -> usize {
        allowed.map_or(self.len(), |allowed| allowed.len().min(self.len()))
    }

    /// The `k` closest of the (allowed) rows by walks no wider than `widest`; `None` where these find no `k`.
    pub(super) fn walked(
        &self,
        query: &[f32],
        k: usize,
        allowed: Option<&Allowed>,
        widest: usize,
    ) -> Option<Vec<(VectorId, Score)>> {
        let codes = Query::new(query);
        // As many more as the filter leaves out.
        let mut width = self.width.max(k.saturating_mul(2)).saturating_mul(self.len()) / self.allowed(allowed).max(1);
        let found = loop {
            if width > widest.min(self.nodes()) {
                return None;
            }
            // The order by codes is nearly that by vectors: what is far behind is not among the closest.
            let found = self.walk(&codes, width, allowed, k.saturating_mul(2).saturating_add(16));
            if found.len() >= k {
                break found;
            }
            width = width.saturating_mul(2);
        };
        let mut best = self.exact.closest_of(query, k, found);
        best.merge(self.exact.closest_from(query, k, allowed, self.later));
        Some(best.sorted())
    }

    /// The places of (allowed) rows that a walk of this width finds, of as many of the closest nodes as have `enough` of them.
    fn walk(&self, query: &Query, width: usize, allowed: Option<&Allowed>, enough: usize) -> Vec<usize> {
        let mut found = self.graph.closest(self.exact.isa(), query, width);
        found.sort_unstable_by(|a, b| b.cmp(a));
        let wanted = |place: &usize| allowed.is_none_or(|allowed| allowed.contains(self.exact.rows().id(*place)));
        let mut places = Vec::with_capacity(enough);
        for Near { node, .. } in found {
            if places.len() >= enough {
                break;
            }
            places.extend(self.places_of(node).filter(wanted));
        }
        places
    }
}

impl VectorView for Hnsw {
    fn search(&self, query: &[f32], k: usize, allowed: Option<&Allowed>) -> Vec<(VectorId, Score)> {
        // What a scan takes, in nodes that a walk finds in that time.
        let scan = self.allowed(allowed) as f64 * cost::SCAN_ROW / cost::WALK_NODE;
        let found = self.walked(query, k, allowed, scan as usize);
        found.unwrap_or_else(|| self.exact.search(query, k, allowed))
    }

    fn len(&self) -> usize {
        self.exact.len()
    }

    fn caught_up(&self, store: &Store) -> Result<Box<dyn VectorView>, IndexError> {
        Ok(match Self::caught_up(self, store)? {
            Ok(view) => Box::new(view),
            Err(exact) => exact,
        })
    }

    fn name(&self) -> &'static str {
        "hnsw"
    }
}

/// The file of a store's graph.
pub(super) fn file(store: &Store) -> PathBuf {
    folder(store).join("graph")
}
