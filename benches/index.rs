//! Where the graph overtakes the exact scan: both views over the same clustered vectors of 384 components.
//!
//! `cargo bench --bench index -- --rows 100000`: prints, for one size, the time to build, to open in a new process, and
//! the median time of a query, with recall@10 of the graph against the scan. Without `--rows` a small size is used, so
//! that the tests run it too.

#![allow(clippy::print_stdout, reason = "a bench prints its result")]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use voisin::index::{Choice, VectorView, open, persist};
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
    let mut vector: Vec<f32> = centre.iter().zip(&noise).map(|(c, n)| c + 0.5 * n).collect();
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|v| *v /= length);
    vector
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

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let rows = args.iter().position(|arg| arg == "--rows").map_or(2000, |at| args[at + 1].parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let model = ModelIdentity { id: "random".into(), reference: "random".into(), revision: "0".into(), dims: DIMS };
    let mut store = Store::open_to_write(folder.path(), &Making { model, passage_tokens: 180 }).unwrap();
    fill(&mut store, rows);
    persist(&store, Isa::best(), Choice::Exact).unwrap();

    let queries: Vec<Vec<f32>> = (0..QUERIES).map(|at| vector(at * (rows / QUERIES).max(1) + (1 << 41))).collect();
    let queries: Vec<Vec<f32>> = queries
        .into_iter()
        .enumerate()
        .map(|(at, noise)| {
            let near = vector(at * (rows / QUERIES).max(1));
            let mut query: Vec<f32> = near.iter().zip(&noise).map(|(a, b)| a + 0.5 * b).collect();
            let length = query.iter().map(|v| v * v).sum::<f32>().sqrt();
            query.iter_mut().for_each(|v| *v /= length);
            query
        })
        .collect();
    let mut found: Vec<Vec<_>> = Vec::new();
    println!("{rows} vectors of {DIMS} components, {QUERIES} queries, k = 10, {}", Isa::best());
    println!("view    build s   open s   query ms (median)   recall@10");
    for choice in [Choice::Exact, Choice::Hnsw] {
        let start = Instant::now();
        open(&store, Isa::best(), choice).unwrap();
        let build = start.elapsed();
        let start = Instant::now();
        let view: Box<dyn VectorView> = open(&store, Isa::best(), choice).unwrap();
        let opened = start.elapsed();
        let mut times = Vec::new();
        let answers: Vec<Vec<_>> = queries
            .iter()
            .map(|query| {
                let start = Instant::now();
                let answer = view.search(query, 10, None);
                times.push(start.elapsed());
                answer.into_iter().map(|(id, _)| id).collect()
            })
            .collect();
        let truth = if found.is_empty() { &answers } else { &found };
        let shared: usize = answers.iter().zip(truth).map(|(a, b)| a.iter().filter(|id| b.contains(id)).count()).sum();
        println!(
            "{:<6} {:>8.2} {:>8.3} {:>12.3} {:>18.4}",
            view.name(),
            build.as_secs_f64(),
            opened.as_secs_f64(),
            median(times).as_secs_f64() * 1e3,
            shared as f64 / (10 * QUERIES) as f64
        );
        found = answers;
    }
}
