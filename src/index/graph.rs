//! A navigable graph (Malkov and Yashunin 2016) as it lies in a file, and the walk over it.
//!
//! Layers become sparser from the lowest, which has every node, to the highest. A search goes down greedily to the node of the
//! lowest layer that is closest by then, and from there looks at the neighbours of the closest node not yet looked at, until
//! as many nodes as the search is wide are closer than the next.
//!
//! The file (`views/graph`, little-endian), which is mapped:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | magic `voisinG1` |
//! | 8 | nodes |
//! | 8 | components of a vector |
//! | 8 | the last row that the graph stands for |
//! | 8 | rows that the node of another row stands for |
//! | 60 | nodes of each of 15 layers above the lowest, u32 |
//! | 4 | where a search begins: a place in the highest layer |
//! | 16 | the mark of the store |
//! | 32 | BLAKE3 of the 120 bytes before and of all that follows |
//! | 40 | nothing |
//! | 1 a component | codes of the nodes, int8; nothing up to a multiple of 64 |
//! | 128 a node | neighbours in the lowest layer, u32: nodes, [`NONE`] where there are fewer |
//! | 12 a node | what belongs to the codes, f32 |
//! | 68 a node of a higher layer, layer by layer | nodes, ascending, u32; then neighbours, u32: places in the layer |
//! | 4 a twin | nodes that stand for other rows too, u32, ascending; nothing up to a multiple of 8 |
//! | 8 a twin | those rows |
//! | 8 a node | rows of the nodes |

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;

use fs_err::File;

use super::codes::{Codes, Query};
use super::replace;
use crate::kernels::Isa;
use crate::kernels::codes::dot_listed;
use crate::kernels::mapped::MappedFile;
use crate::types::{Score, VectorId};

/// Links of a node in the lowest layer.
pub(super) const GROUND_LINKS: usize = 2 * UPPER_LINKS;
/// Links of a node in a higher layer.
pub(super) const UPPER_LINKS: usize = 16;
/// No neighbour, and none after it.
pub(super) const NONE: u32 = u32::MAX;

const MAGIC: &[u8; 8] = b"voisinG1";
const HEADER: usize = 192;
/// What the checksum stands behind.
const CHECKED: usize = 120;
const MOST_LAYERS: usize = 15;

/// Who is whose neighbour.
#[derive(Clone, Default)]
pub(super) struct Links {
    /// [nodes, [`GROUND_LINKS`]]
    pub(super) ground: Vec<u32>,
    /// The layers above the lowest, upwards.
    pub(super) layers: Vec<Layer>,
    /// Where a search begins: a place in the highest layer, or a node where there is only the lowest.
    pub(super) entry: u32,
}

/// A layer above the lowest.
#[derive(Clone)]
pub(super) struct Layer {
    /// Its nodes, ascending.
    pub(super) nodes: Vec<u32>,
    /// [nodes, [`UPPER_LINKS`]], places in `nodes`.
    pub(super) links: Vec<u32>,
}

/// A graph over codes.
pub(super) struct Graph {
    width: usize,
    last: VectorId,
    /// (node, row), ascending: rows that a node stands for beside its own.
    twins: Vec<(u32, VectorId)>,
    /// The rows of nodes, ascending.
    rows: Vec<VectorId>,
    layers: Vec<Layer>,
    entry: u32,
    large: Large,
    /// Lists of visited nodes that no search is using.
    visited: Mutex<Vec<Visited>>,
}

/// What is large: as it was made, or mapped.
enum Large {
    Made { codes: Vec<i8>, facts: Vec<f32>, ground: Vec<u32> },
    Mapped { file: MappedFile, nodes: usize, width: usize },
}

/// Where the large parts of a file lie.
fn parts(nodes: usize, width: usize) -> [usize; 3] {
    let ground = (HEADER + nodes * width).next_multiple_of(64);
    let facts = ground + 4 * GROUND_LINKS * nodes;
    [ground, facts, facts + 12 * nodes]
}

/// The nodes that a walk has seen, a bit each.
#[derive(Default)]
struct Visited(Vec<u64>);

impl Visited {
    /// Whether this is the first time.
    #[inline]
    fn insert(&mut self, node: u32) -> bool {
        let (word, bit) = (&mut self.0[node as usize / 64], 1 << (node % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

/// A node and how close it is; the greater is closer, and of equally close ones that with the smaller number.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub(super) score: Score,
    pub(super) node: u32,
}

impl Eq for Near {}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.node.cmp(&self.node))
    }
}

impl Graph {
    /// A graph of the given links. `rows` and `codes` belong to its nodes, in ascending order of rows; `last` is the last row that
    /// it stands for, twins included.
    pub(super) fn new(
        isa: Isa,
        width: usize,
        rows: Vec<VectorId>,
        twins: Vec<(u32, VectorId)>,
        (codes, facts): (Vec<i8>, Vec<f32>),
        links: Links,
    ) -> Self {
        let last = twins.iter().map(|(_, row)| *row).chain(rows.last().copied()).max().unwrap_or(VectorId(0));
        let Links { ground, layers, entry } = links;
        let large = Large::Made { codes, facts, ground };
        let mut graph = Self { width, last, twins, rows, layers, entry, large, visited: Mutex::default() };
        graph.repair(isa);
        graph
    }

    /// Maps the graph of a file, if it is one over vectors of this width for the store with this mark, and whole.
    pub(super) fn open(path: &Path, mark: [u8; 16], width: usize) -> Option<Self> {
        let file = MappedFile::open(File::open(path).ok()?.file()).ok()?;
        let bytes = file.bytes();
        let header = bytes.get(..HEADER)?;
        let number = |at: usize| header[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or_default();
        let count = |at: usize| usize::try_from(number(at)).ok();
        let whole = &header[..8] == MAGIC
            && header[104..120] == mark
            && number(16) == width as u64
            && checksum(bytes) == header[CHECKED..CHECKED + 32]
            && cfg!(target_endian = "little");
        if !whole {
            return None;
        }
        // The checksum holds, so that what follows is as it was written; lengths are checked all the same.
        let (nodes, twins) = (count(8)?, count(32)?);
        nodes.checked_mul(width.checked_add(4 * GROUND_LINKS + 20)?)?;
        let mut at = parts(nodes, width)[2];
        let mut take = |count: usize| {
            let numbers = file.numbers::<u32>(at, count)?.to_vec();
            at += 4 * count;
            Some(numbers)
        };
        let sizes: &[u32] = file.numbers(40, MOST_LAYERS + 1)?;
        let mut layers = Vec::new();
        for size in sizes[..MOST_LAYERS].iter().map(|&size| size as usize).take_while(|&size| size > 0) {
            layers.push(Layer { nodes: take(size)?, links: take(size * UPPER_LINKS)? });
        }
        let twin_nodes = take(twins)?;
        let at = at.next_multiple_of(8);
        let rows = |at: usize, count: usize| {
            Some(file.numbers::<i64>(at, count)?.iter().map(|&row| VectorId(row)).collect::<Vec<_>>())
        };
        Some(Self {
            width,
            last: VectorId(number(24) as i64),
            twins: twin_nodes.into_iter().zip(rows(at, twins)?).collect(),
            rows: rows(at + 8 * twins, nodes)?,
            layers,
            entry: sizes[MOST_LAYERS],
            large: Large::Mapped { file, nodes, width },
            visited: Mutex::default(),
        })
    }

    /// Writes the file.
    pub(super) fn save(&self, path: &Path, mark: [u8; 16]) -> std::io::Result<()> {
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        let numbers = [self.rows.len() as u64, self.width as u64, self.last.0 as u64, self.twins.len() as u64];
        header.extend(numbers.into_iter().flat_map(u64::to_le_bytes));
        let sizes = self.layers.iter().map(|layer| layer.nodes.len() as u32).chain(std::iter::repeat(0));
        header.extend(sizes.take(MOST_LAYERS).chain([self.entry]).flat_map(u32::to_le_bytes));
        header.extend_from_slice(&mark);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&header);
        self.write_body(&mut BufWriter::with_capacity(1 << 16, &mut hasher))?;
        header.extend_from_slice(hasher.finalize().as_bytes());
        header.resize(HEADER, 0);
        replace(path, |file| {
            let mut out = BufWriter::with_capacity(1 << 20, file);
            out.write_all(&header)?;
            self.write_body(&mut out)?;
            out.flush()
        })
    }

    /// What follows the header.
    fn write_body(&self, out: &mut impl Write) -> std::io::Result<()> {
        let codes = self.codes();
        for codes in codes.codes.chunks(self.width.max(1)) {
            out.write_all(&codes.iter().map(|&code| code as u8).collect::<Vec<u8>>())?;
        }
        out.write_all(&vec![0; parts(self.rows.len(), self.width)[0] - HEADER - codes.codes.len()])?;
        for node in self.ground() {
            out.write_all(&node.to_le_bytes())?;
        }
        for fact in codes.facts {
            out.write_all(&fact.to_le_bytes())?;
        }
        let above = self.layers.iter().flat_map(|layer| layer.nodes.iter().chain(&layer.links));
        for number in above.chain(self.twins.iter().map(|(node, _)| node)) {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_all(&vec![0; self.rows_at() - self.twins_end()])?;
        for row in self.twins.iter().map(|(_, row)| row).chain(&self.rows) {
            out.write_all(&row.0.to_le_bytes())?;
        }
        out.flush()
    }

    /// Where the nodes of twins end in a file.
    fn twins_end(&self) -> usize {
        let above: usize = self.layers.iter().map(|layer| layer.nodes.len() + layer.links.len()).sum();
        parts(self.rows.len(), self.width)[2] + 4 * (above + self.twins.len())
    }

    /// Where rows begin in a file.
    fn rows_at(&self) -> usize {
        self.twins_end().next_multiple_of(8)
    }

    /// The length of the file, which is all that a search reads of.
    pub(super) fn bytes(&self) -> usize {
        self.rows_at() + 8 * self.known()
    }

    /// The rows of nodes, ascending.
    pub(super) fn rows(&self) -> &[VectorId] {
        &self.rows
    }

    /// The last row that the graph stands for.
    pub(super) fn last(&self) -> VectorId {
        self.last
    }

    /// How many rows the graph stands for.
    pub(super) fn known(&self) -> usize {
        self.rows.len() + self.twins.len()
    }

    /// The rows that a node stands for beside its own.
    pub(super) fn twins_of(&self, node: u32) -> impl Iterator<Item = VectorId> {
        let first = self.twins.partition_point(|(other, _)| *other < node);
        self.twins[first..].iter().take_while(move |(other, _)| *other == node).map(|(_, row)| *row)
    }

    fn codes(&self) -> Codes<'_> {
        match &self.large {
            Large::Made { codes, facts, .. } => Codes { codes, facts },
            Large::Mapped { file, nodes, width } => Codes {
                codes: file.numbers(HEADER, nodes * width).unwrap_or_default(),
                facts: file.numbers(parts(*nodes, *width)[1], 3 * nodes).unwrap_or_default(),
            },
        }
    }

    fn ground(&self) -> &[u32] {
        match &self.large {
            Large::Made { ground, .. } => ground,
            Large::Mapped { file, nodes, width } => {
                file.numbers(parts(*nodes, *width)[0], GROUND_LINKS * nodes).unwrap_or_default()
            }
        }
    }

    /// The `width` nodes closest to the query that the walk meets, in no order.
    pub(super) fn closest(&self, isa: Isa, query: &Query, width: usize) -> Vec<Near> {
        if self.rows.is_empty() || width == 0 {
            return Vec::new();
        }
        self.walk(isa, query, width, self.descend(isa, query))
    }

    /// The `width` nodes closest to the query that a walk of the lowest layer from a node meets, in no order.
    fn walk(&self, isa: Isa, query: &Query, width: usize, first: Near) -> Vec<Near> {
        let (codes, ground) = (self.codes(), self.ground());
        let mut visited = self.visited.lock().ok().and_then(|mut free| free.pop()).unwrap_or_default();
        visited.0.clear();
        visited.0.resize(self.rows.len().div_ceil(64), 0);

        visited.insert(first.node);
        // Nodes whose neighbours are still to be looked at, closest first; the best so far, farthest first.
        let mut open = BinaryHeap::from([first]);
        let mut best = BinaryHeap::from([Reverse(first)]);
        let (mut listed, mut products) = ([0; GROUND_LINKS], [0; GROUND_LINKS]);
        while let Some(next) = open.pop() {
            let mut bar = best.peek().filter(|_| best.len() >= width).map(|Reverse(worst)| *worst);
            if bar.is_some_and(|bar| next < bar) {
                break;
            }
            let mut count = 0;
            for &neighbour in neighbours::<GROUND_LINKS>(ground, next.node) {
                if visited.insert(neighbour) {
                    listed[count] = neighbour;
                    count += 1;
                }
            }
            let (listed, products) = (&listed[..count], &mut products[..count]);
            dot_listed(isa, &query.codes, codes.codes, listed, products);
            for (&node, &product) in listed.iter().zip(&*products) {
                let near = Near { score: query.score(product, codes.facts(node as usize)), node };
                if bar.is_none_or(|bar| near > bar) {
                    open.push(near);
                    best.push(Reverse(near));
                    if best.len() > width {
                        best.pop();
                    }
                    bar = best.peek().filter(|_| best.len() >= width).map(|Reverse(worst)| *worst);
                }
            }
        }
        if let Ok(mut free) = self.visited.lock() {
            free.push(visited);
        }
        best.into_iter().map(|Reverse(near)| near).collect()
    }

    /// A node and how close it is to the query.
    fn near(&self, isa: Isa, query: &Query, node: u32) -> Near {
        let (codes, mut product) = (self.codes(), [0]);
        dot_listed(isa, &query.codes, codes.codes, &[node], &mut product);
        Near { score: query.score(product[0], codes.facts(node as usize)), node }
    }

    /// The node at which a search begins.
    fn entry(&self) -> u32 {
        self.layers.last().map_or(self.entry, |highest| highest.nodes[self.entry as usize])
    }

    /// The node that greedy steps down the layers lead to.
    fn descend(&self, isa: Isa, query: &Query) -> Near {
        let mut here = self.near(isa, query, self.entry());
        for layer in self.layers.iter().rev() {
            // The nodes of a layer are among those of the layers below.
            let Ok(mut place) = layer.nodes.binary_search(&here.node) else { continue };
            loop {
                let around = neighbours::<UPPER_LINKS>(&layer.links, place as u32);
                let closest = around.iter().map(|&at| (self.near(isa, query, layer.nodes[at as usize]), at)).max();
                match closest {
                    Some((closer, at)) if closer > here => (here, place) = (closer, at as usize),
                    _ => break,
                }
            }
        }
        here
    }

    /// The nodes of the lowest layer that no path of its links leads to from where a search of it may begin.
    pub(super) fn unreachable(&self) -> Vec<u32> {
        let nodes = self.rows.len();
        if nodes == 0 {
            return Vec::new();
        }
        let (ground, entry) = (self.ground(), self.entry());
        let mut visited = Visited(vec![0; nodes.div_ceil(64)]);
        visited.insert(entry);
        let mut open = vec![entry];
        while let Some(node) = open.pop() {
            open.extend(neighbours::<GROUND_LINKS>(ground, node).iter().filter(|&&other| visited.insert(other)));
        }
        (0..nodes as u32).filter(|&node| visited.insert(node)).collect()
    }

    /// Makes paths to the nodes that none leads to, until there are no such nodes.
    fn repair(&mut self, isa: Isa) {
        loop {
            let strays = self.unreachable();
            if strays.is_empty() {
                return;
            }
            strays.into_iter().for_each(|stray| self.attach(isa, stray));
        }
    }

    /// Makes a path to a stray, from the closest node that a walk from the entry meets: all that such a walk meets is reachable.
    ///
    /// Where that node has all its links already, the last of them gives way, and the stray links to what it led to: what was
    /// reachable stays so.
    fn attach(&mut self, isa: Isa, stray: u32) {
        let codes = self.codes();
        let query = Query::of(codes.row(stray as usize, self.width), codes.facts(stray as usize));
        let met = self.walk(isa, &query, GROUND_LINKS, self.near(isa, &query, self.entry()));
        let Some(host) = met.into_iter().filter(|near| near.node != stray).max() else { return };
        let Large::Made { ground, .. } = &mut self.large else { return };
        let slots = |node: u32| node as usize * GROUND_LINKS..(node as usize + 1) * GROUND_LINKS;
        let free = |ground: &[u32], node: u32| {
            ground[slots(node)].iter().position(|&other| other == NONE).unwrap_or(GROUND_LINKS - 1)
        };
        let at = slots(host.node).start + free(ground, host.node);
        let given_up = std::mem::replace(&mut ground[at], stray);
        if given_up != NONE {
            let at = slots(stray).start + free(ground, stray);
            ground[at] = given_up;
        }
    }
}

/// The neighbours of a node or place.
#[inline]
fn neighbours<const LINKS: usize>(links: &[u32], node: u32) -> &[u32] {
    let all = &links[node as usize * LINKS..(node as usize + 1) * LINKS];
    &all[..all.iter().position(|&other| other == NONE).unwrap_or(LINKS)]
}

fn checksum(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..CHECKED]);
    hasher.update(&bytes[HEADER..]);
    hasher.finalize().into()
}
