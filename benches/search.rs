//! Latency of whole searches on a store: `VOISIN_STORE=DIR cargo bench --bench search -- QUERIES.txt`.
//!
//! Asks every line of the file (at most 500), once to warm up and once to measure, and prints percentiles for a search
//! with its sentences marked, for its stages, and the memory of the process. Without a store it says that it was skipped.

#![allow(clippy::print_stdout, reason = "a bench prints its result")]

use std::path::Path;
use std::time::{Duration, Instant};

use voisin::embed::{Query, QueryEmbedder};
use voisin::engine::{Engine, Options};
use voisin::search::Request;
use voisin::store::Filter;
use voisin::text::analysis_form;

const QUERIES: usize = 500;

fn main() {
    let queries = std::env::args().skip(1).find(|arg| Path::new(arg).is_file());
    let (Ok(store), Some(queries)) = (std::env::var("VOISIN_STORE"), queries) else {
        println!("skipped: give a store as VOISIN_STORE and a file of queries, one a line");
        return;
    };
    let start = Instant::now();
    let engine = Engine::open(Path::new(&store), Options::default()).unwrap();
    println!(
        "opened in {:.3} s: {} vectors, {} view",
        start.elapsed().as_secs_f64(),
        engine.view().len(),
        engine.view().name()
    );
    let text = fs_err::read_to_string(queries).unwrap();
    let queries: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(QUERIES).collect();

    let (mut whole, mut embedding, mut scanning) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..2 {
        for query in &queries {
            let start = Instant::now();
            let hits = engine.search(&Request { query, k: 10, filter: Filter::default() }).unwrap();
            let total = start.elapsed();
            assert!(!hits.is_empty());
            let start = Instant::now();
            let vector = engine.embedder().embed_query(Query(&analysis_form(query))).unwrap().to_vec();
            let embedded = start.elapsed();
            let start = Instant::now();
            engine.view().search(&vector, 40, None);
            let scanned = start.elapsed();
            if round == 1 {
                whole.push(total);
                embedding.push(embedded);
                scanning.push(scanned);
            }
        }
    }
    println!("{} queries, k = 10, one after the other, {}", queries.len(), engine.embedder().isa());
    println!("stage                          p50 ms   p99 ms");
    for (name, times) in
        [("search, sentences marked", whole), ("  embedding the query", embedding), ("  closest 40 vectors", scanning)]
    {
        let [p50, p99] = percentiles(times);
        println!("{name:<28} {:>8.2} {:>8.2}", p50.as_secs_f64() * 1e3, p99.as_secs_f64() * 1e3);
    }
    if let Ok(status) = fs_err::read_to_string("/proc/self/status") {
        status
            .lines()
            .filter(|line| line.starts_with("VmHWM") || line.starts_with("RssAnon"))
            .for_each(|line| println!("{line}"));
    }
}

fn percentiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    [50, 99].map(|p| times[(times.len() * p / 100).min(times.len() - 1)])
}
