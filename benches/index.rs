//! Where the graph overtakes the exact scan: both views over the same clustered vectors of 384 components.
//!
//! `VOISIN_ROWS=100000 cargo bench --bench index`: the time to build the graph and its recall@10 against the scan, then the
//! times of queries and of opening. Without `VOISIN_ROWS` a small size is used, so that the tests run it too.

#![allow(clippy::print_stdout, reason = "a bench prints its result")]

use std::collections::HashMap;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use voisin::index::{self, Choice, VectorView, open, persist, recall};
use voisin::kernels::Isa;
use voisin::store::{ContentHash, Field, Making, ModelIdentity, NewArticle, NewPassage, Store, TextKey};
use voisin::types::{Article, CharSpan};

const DIMS: usize = 384;
const QUERIES: usize = 200;

/// Unit vectors in clusters, as passages of news are: a centre for every 50, and noise of half its length.
fn vector(seed: usize) -> Vec<f32> {
    let random = |seed: usize| {
        let mut reader = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
        let mut bytes = [0u8; 2 * DIMS];
        reader.fill(&mut bytes);
        bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0).collect::<Vec<f32>>()
    };
    let (centre, noise) = (random(seed / 50), random(seed + (1 << 40)));
    unit(centre.iter().zip(&noise).map(|(c, n)| c + 0.5 * n).collect())
}

fn fill(store: &mut Store, rows: usize) {
    for first in (0..rows).step_by(1000) {
        let seeds = first..(first + 1000).min(rows);
        let key = |seed: usize| TextKey::of(&seed.to_string());
        let vectors: HashMap<TextKey, Vec<f32>> = seeds.clone().map(|seed| (key(seed), vector(seed))).collect();
        let passages = seeds
            .map(|seed| NewPassage {
                field: Field::Body,
                span: CharSpan { start: 0, end: 0 },
                tokens: 1,
                key: key(seed),
            })
            .collect();
        let article = Article { key: first.to_string(), ..Article::default() };
        let text_key = TextKey::of(&first.to_string());
        store
            .put(
                &[NewArticle {
                    content: ContentHash::of(&article),
                    article,
                    text_key,
                    passages,
                    boilerplate: Vec::new(),
                }],
                &vectors,
            )
            .unwrap();
    }
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|v| *v /= length);
    vector
}

fn main() {
    let rows = std::env::var("VOISIN_ROWS").map_or(2000, |rows| rows.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let model = ModelIdentity { id: "random".into(), reference: "random".into(), revision: "0".into(), dims: DIMS };
    let mut store = Store::open_to_write(folder.path(), &Making { model, passage_tokens: 180 }).unwrap();
    fill(&mut store, rows);
    persist(&store, Isa::best(), Choice::Exact).unwrap();

    // Near a stored vector each, by noise of half its length.
    let queries: Vec<Vec<f32>> = (0..QUERIES)
        .map(|at| {
            let (near, noise) = (vector(at * (rows / QUERIES).max(1)), vector(at + (1 << 41)));
            unit(near.iter().zip(&noise).map(|(a, b)| a + 0.5 * b).collect())
        })
        .collect();

    let start = Instant::now();
    let exact = open(&store, Isa::best(), Choice::Exact).unwrap();
    let graph: Box<dyn VectorView> = Box::new(index::graph(&store, Isa::best()).unwrap().unwrap());
    let build = start.elapsed().as_secs_f64();
    let found: f64 = queries.iter().map(|query| recall(&*exact, &*graph, query, 10, None)).sum();
    println!(
        "{rows} vectors of {DIMS} components: the graph is built in {build:.2} s, recall@10 of {QUERIES} queries {:.4}",
        found / QUERIES as f64
    );
    for file in fs_err::read_dir(index::folder(&store)).unwrap().flatten() {
        println!("views/{}: {:.1} MB", file.file_name().display(), file.metadata().unwrap().len() as f64 / 1e6);
    }
    assert!(found / QUERIES as f64 > 0.9);

    let mut c = Criterion::default().configure_from_args().sample_size(10);
    let mut group = c.benchmark_group(format!("index/{rows} vectors"));
    for (choice, view) in [(Choice::Exact, &exact), (Choice::Hnsw, &graph)] {
        group.throughput(Throughput::Elements(QUERIES as u64));
        group.bench_function(format!("{}, {QUERIES} queries, k = 10", view.name()), |b| {
            b.iter(|| queries.iter().for_each(|query| drop(view.search(query, 10, None))));
        });
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(format!("{}, open", view.name()), |b| {
            b.iter(|| open(&store, Isa::best(), choice).unwrap())
        });
    }
    group.finish();
    c.final_summary();
}
