//! Builds a graph by hnsw_rs, and takes its links out.
//!
//! hnsw_rs is given the numbers of nodes instead of vectors, and a distance that looks their codes up: the codes lie once in
//! memory, in the order of rows, which is that of articles, so that neighbours are often beside each other.
//!
//! Built by all cores, a graph differs a little from build to build, because nodes see each other come in another order. The
//! first [`SERIAL`] nodes are inserted one after the other: a small graph is the same each time, and threads meet only in one that
//! is large enough for them.

use std::sync::atomic::{AtomicUsize, Ordering};

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw;

use super::codes::Codes;
use super::graph::{GROUND_LINKS, Layer, Links, NONE, UPPER_LINKS};
use crate::kernels::Isa;
use crate::kernels::codes::dot_codes;

/// Candidates that are looked at for the links of a new node.
const BUILD_WIDTH: usize = 100;
/// Layers at most: what hnsw_rs can have.
const LAYERS: usize = 16;
/// Nodes that are inserted one after the other.
const SERIAL: usize = 4096;

/// One minus the inner product of the vectors that the codes of two nodes make, never below zero.
#[derive(Clone, Copy)]
struct ByCodes<'a> {
    isa: Isa,
    width: usize,
    codes: Codes<'a>,
}

impl Distance<u32> for ByCodes<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        let (a, b) = (a[0] as usize, b[0] as usize);
        let mut product = [0];
        dot_codes(self.isa, self.codes.row(a, self.width), self.codes.row(b, self.width), &mut product);
        let scale = self.codes.facts(a).scale * self.codes.facts(b).scale;
        (1.0 - scale * product[0] as f32).max(0.0)
    }
}

/// The links of a graph over `nodes` rows of codes, of vectors of unit length.
pub(super) fn build(isa: Isa, codes: Codes<'_>, width: usize, nodes: usize) -> Links {
    let numbers: Vec<u32> = (0..nodes as u32).collect();
    let graph: Hnsw<'_, u32, ByCodes<'_>> =
        Hnsw::new(UPPER_LINKS, nodes.max(1), LAYERS, BUILD_WIDTH, ByCodes { isa, width, codes });
    let insert = |at: usize| graph.insert((&numbers[at..=at], at));
    let serial = SERIAL.min(nodes);
    (0..serial).for_each(insert);
    let next = AtomicUsize::new(serial);
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= nodes {
                        break;
                    }
                    insert(at);
                }
            });
        }
    });
    links(&graph, nodes)
}

/// Takes the links out: those of the lowest layer by node, those above by their places in their layers.
fn links(graph: &Hnsw<'_, u32, ByCodes<'_>>, nodes: usize) -> Links {
    let mut links = Links { ground: vec![NONE; nodes * GROUND_LINKS], layers: Vec::new(), entry: 0 };
    if nodes == 0 {
        return links;
    }
    // Nodes with their neighbours, by layer above the lowest.
    let mut above: Vec<Vec<(u32, Vec<u32>)>> = Vec::new();
    for point in graph.get_point_indexation() {
        let (node, top) = (point.get_origin_id(), usize::from(point.get_point_id().0));
        above.resize_with(above.len().max(top), Vec::new);
        // What stands above the node's own top layer is where its insertion passed by.
        for (layer, neighbours) in point.get_neighborhood_id().into_iter().take(top + 1).enumerate() {
            let neighbours = neighbours.into_iter().map(|neighbour| neighbour.d_id as u32);
            match layer.checked_sub(1) {
                None => {
                    let mine = &mut links.ground[node * GROUND_LINKS..(node + 1) * GROUND_LINKS];
                    mine.iter_mut().zip(neighbours).for_each(|(slot, neighbour)| *slot = neighbour);
                }
                Some(layer) => above[layer].push((node as u32, neighbours.collect())),
            }
        }
    }
    for mut layer in above {
        layer.sort_unstable_by_key(|(node, _)| *node);
        let nodes: Vec<u32> = layer.iter().map(|(node, _)| *node).collect();
        let mut placed = vec![NONE; nodes.len() * UPPER_LINKS];
        for (slots, (_, neighbours)) in placed.chunks_exact_mut(UPPER_LINKS).zip(layer) {
            let places = neighbours.iter().filter_map(|neighbour| nodes.binary_search(neighbour).ok());
            slots.iter_mut().zip(places).for_each(|(slot, place)| *slot = place as u32);
        }
        links.layers.push(Layer { nodes, links: placed });
    }
    links
}
