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
use voisin::store::{ContentHash, Field, Filter, Making, ModelIdentity, NewArticle, NewPassage, Store, TextKey};
use voisin::text::analysis_form;
use voisin::types::{Article, CharSpan};

type Failure = Box<dyn std::error::Error>;

/// Words of which one is exchanged.
const EXCHANGED: u64 = 6;

/// Length of what is added to a vector of length 1: a cosine of 0.9.
const TURN: f32 = 0.484;

/// Articles of a transaction.
const TOGETHER: usize = 1000;

/// SplitMix64 (Steele, Lea and Flood 2014): the same store every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// About normally distributed: the sum of four uniform numbers.
    fn normal(&mut self) -> f32 {
        let bits = self.next();
        (0..4).map(|part| (bits >> (16 * part) & 0xffff) as f32 / 65_536.0 - 0.5).sum()
    }
}

/// An article as the copies are made of it.
struct Source {
    article: Article,
    /// The part it is of, its text and its vector.
    passages: Vec<(Field, String, Vec<f32>)>,
}

fn read(store: &Store) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for id in store.articles_matching(&Filter::default())?.iter() {
        let header = store.header(id)?;
        let mut passages = Vec::new();
        for passage in store.passages_of(id)? {
            let text = store.field_text(id, passage.field)?;
            let text = text[passage.span.to_bytes(&text).range()].trim().to_owned();
            let vector = store.vectors(&[passage.vector])?.remove(0);
            passages.push((passage.field, text, vector));
        }
        let article = Article {
            key: header.key,
            date: header.date,
            source: header.source,
            language: header.language,
            ..Article::default()
        };
        sources.push(Source { article, passages });
    }
    Ok(sources)
}

/// A text with some of its words from another.
fn exchange(text: &str, other: &str, random: &mut Random) -> String {
    let words: Vec<&str> = other.split_whitespace().collect();
    let pick = |word| {
        let draw = random.next();
        if draw.is_multiple_of(EXCHANGED) && !words.is_empty() {
            words[(draw >> 8) as usize % words.len()]
        } else {
            word
        }
    };
    text.split_whitespace().map(pick).collect::<Vec<_>>().join(" ")
}

fn turn(vector: &[f32], random: &mut Random) -> Vec<f32> {
    let mut noise: Vec<f32> = vector.iter().map(|_| random.normal()).collect();
    let length = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
    let scale = TURN / length(&noise).max(f32::MIN_POSITIVE);
    noise.iter_mut().zip(vector).for_each(|(noise, value)| *noise = *noise * scale + value);
    let whole = length(&noise);
    noise.iter().map(|value| value / whole).collect()
}

/// One more article like `source`, with its vectors.
fn copy(
    source: &Source,
    other: &Source,
    number: usize,
    random: &mut Random,
) -> (NewArticle, HashMap<TextKey, Vec<f32>>) {
    let mut article = Article { key: format!("{number}/{}", source.article.key), ..source.article.clone() };
    article.metadata.insert("part".to_owned(), (random.next() % 1000).into());
    let words: String = other.passages.iter().map(|(_, text, _)| text.as_str()).collect::<Vec<_>>().join(" ");
    let (mut passages, mut vectors) = (Vec::new(), HashMap::new());
    for (field, text, vector) in &source.passages {
        let text = exchange(text, &words, random);
        let start = match field {
            Field::Title => 0,
            Field::Body => article.text.chars().count(),
        };
        let span = CharSpan { start, end: start + text.chars().count() };
        let key = TextKey::of(&analysis_form(&text));
        vectors.insert(key, turn(vector, random));
        passages.push(NewPassage { field: *field, span, tokens: 160, key });
        match field {
            Field::Title => article.title = Some(text),
            Field::Body => article.text.push_str(&(text + "\n")),
        }
    }
    let text_key = TextKey::of(&analysis_form(&article.text));
    let content = ContentHash::of(&article);
    (NewArticle { article, content, text_key, passages, boilerplate: Vec::new() }, vectors)
}

fn fill(from: &Store, into: &Path, passages: u64) -> Result<(), Failure> {
    let timed = |what: &str, start: Instant| println!("{what}: {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let sources = read(from)?;
    let making = Making { model: from.model().clone(), passage_tokens: from.passage_tokens() };
    let mut store = Store::open_to_write(into, &making)?;
    let mut random = Random(2011);
    let (mut made, mut number) = (0, 0);
    while made < passages {
        let (mut articles, mut vectors) = (Vec::new(), HashMap::new());
        while articles.len() < TOGETHER && made < passages {
            let other = &sources[random.next() as usize % sources.len()];
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

/// Bytes of a file or of all files in a folder.
fn size(path: &Path) -> std::io::Result<u64> {
    if path.is_file() {
        return Ok(fs_err::metadata(path)?.len());
    }
    fs_err::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

/// A store of two articles, to make more of.
fn small(folder: &Path) -> Result<Store, Failure> {
    let model = ModelIdentity { id: "none".into(), reference: "none".into(), revision: "0".into(), dims: 8 };
    let mut store = Store::open_to_write(folder, &Making { model, passage_tokens: 180 })?;
    let mut random = Random(1);
    let vector = turn(&[0.0; 8], &mut random);
    let source = |key: &str, text: &str| Source {
        article: Article { key: key.to_owned(), ..Article::default() },
        passages: vec![(Field::Title, key.to_owned(), vector.clone()), (Field::Body, text.to_owned(), vector.clone())],
    };
    let both = [source("crue", "La crue monte dans la vallée."), source("gare", "Le train entre en gare de Lyon.")];
    for (at, one) in both.iter().enumerate() {
        let (article, vectors) = copy(one, &both[1 - at], at, &mut random);
        store.put(&[article], &vectors)?;
    }
    Ok(store)
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
            fill(&small(from.path())?, into.path(), 200)
        }
    }
}
