//! A store of as many passages as asked for, out of a smaller one, and what its views cost: for measurements beyond the
//! articles that there are.
//!
//! `cargo bench --bench scale -- --from STORE --into FOLDER --passages 1000000`, then `voisin bench search --store FOLDER`.
//!
//! Each article of STORE comes again and again, each time as another one: one word in six of every passage is exchanged for
//! a word of another article, so that no two texts are the same, and rare words stay rare; every vector is turned by a random
//! angle, to a cosine of about 0.9 with the real one (and of 0.8 between two copies), so that it has a neighbourhood of its own around a real
//! place. Each article has a label `part` of 1,000 values: `part:7` keeps 0.1 % of all.
//!
//! Without arguments it makes a small one out of a store of two articles, so that the tests run it too.

#![allow(clippy::print_stdout, reason = "a bench prints its result")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use voisin::index::{self, Choice};
use voisin::kernels::Isa;
use voisin::lexical;
use voisin::store::{NewArticle, Store, TextKey};
use voisin::types::Article;

use synthetic::{Failure, Random, Source, TOGETHER, TURN, exchange, like, read, size, small, turn, written};

#[path = "common/synthetic.rs"]
mod synthetic;

/// Words of which one is exchanged.
const EXCHANGED: u64 = 6;

/// One more article like `source`, with its vectors.
fn copy(
    source: &Source,
    other: &Source,
    number: usize,
    random: &mut Random,
) -> (NewArticle, HashMap<TextKey, Vec<f32>>) {
    let mut article = Article { key: format!("{number}/{}", source.article.key), ..source.article.clone() };
    article.metadata.insert("part".to_owned(), random.below(1000).into());
    let words = other.passages.iter().map(|(_, text, _)| text.as_str()).collect::<Vec<_>>().join(" ");
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut passages = Vec::new();
    for (field, text, vector) in &source.passages {
        passages.push((*field, exchange(text, &words, EXCHANGED, random), turn(vector, TURN, random)));
    }
    written(article, passages)
}

fn fill(from: &Store, into: &Path, passages: u64) -> Result<(), Failure> {
    let timed = |what: &str, start: Instant| println!("{what}: {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let sources = read(from)?;
    let mut store = like(from, into)?;
    let mut random = Random(2011);
    let (mut made, mut number) = (0, 0);
    while made < passages {
        let (mut articles, mut vectors) = (Vec::new(), HashMap::new());
        while articles.len() < TOGETHER && made < passages {
            let other = &sources[random.below(sources.len())];
            let (article, own) = copy(&sources[number % sources.len()], other, number, &mut random);
            made += article.passages.len() as u64;
            number += 1;
            articles.push(article);
            vectors.extend(own);
        }
        store.put(&articles, &vectors)?;
    }
    timed(&format!("{made} passages of {number} articles stored"), start);
    for (what, choice) in [("rows", Choice::Exact), ("rows and graph", Choice::Hnsw)] {
        let start = Instant::now();
        index::persist(&store, Isa::best(), choice)?;
        timed(what, start);
    }
    let start = Instant::now();
    lexical::persist(&store)?;
    timed("words", start);
    let mut sizes = vec![(into.join(voisin::store::DATABASE), "database")];
    let views = index::folder(&store);
    for entry in fs_err::read_dir(&views)? {
        sizes.push((entry?.path(), "view"));
    }
    for (path, what) in sizes {
        println!("{what} {}: {:.0} MB", path.file_name().unwrap_or_default().display(), size(&path)? as f64 / 1e6);
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).cloned()
    };
    match (after("--from"), after("--into")) {
        (Some(from), Some(into)) => {
            let passages = after("--passages").map_or(Ok(1_000_000), |number| number.parse())?;
            fill(&Store::open(&PathBuf::from(from))?, &PathBuf::from(into), passages)
        }
        _ => {
            let (from, into) = (tempfile::tempdir()?, tempfile::tempdir()?);
            let texts = [("crue", "La crue monte dans la vallée."), ("gare", "Le train entre en gare de Lyon.")];
            let texts = texts.map(|(title, text)| (title.to_owned(), text.to_owned()));
            fill(&small(from.path(), &texts)?, into.path(), 200)
        }
    }
}
