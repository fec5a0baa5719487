//! One engine of `scripts/peers`: a process that is asked over its standard input, one JSON object a line.
//!
//! `--engine voisin|candle --model DIR --threads N --texts FILE --precision NUMBERS --isa LEVEL` embeds; `--engine hnsw|exact --vectors FILE.npy
//! --queries FILE.npy --index FOLDER` searches. The requests are in `scripts/peers/README.md`. Without `--engine` it asks
//! each engine once, over tiny data, and checks the answers, so that the tests run it too.

#![allow(clippy::print_stdout, reason = "a bench prints its result")]

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use ndarray::Array2;
use serde_json::{Value, json};
use voisin::embed::precision::Wanted;
use voisin::embed::source::{ModelFiles, ModelRef};
use voisin::embed::stock::Stock;
use voisin::embed::tokenize::Tokens;
use voisin::embed::{Embedder, Passage, batch};
use voisin::index::hnsw::Hnsw;
use voisin::index::{self, Choice, VectorView, persist};
use voisin::kernels::Isa;
use voisin::store::{ContentHash, Field, Making, ModelIdentity, NewArticle, NewPassage, Store, TextKey};
use voisin::types::{Article, CharSpan};

type Failure = Box<dyn std::error::Error>;

/// Neighbours that a query asks for.
const K: usize = 10;

/// Answers requests; what it needs is loaded before.
trait Engine {
    /// The facts of the ready line.
    fn facts(&self) -> Value;
    /// The answer to one request.
    fn answer(&mut self, request: &Value) -> Result<Value, Failure>;
}

/// Says that `engine` is ready, then answers every line of `input`.
fn serve(engine: &mut dyn Engine, input: impl BufRead, mut output: impl Write) -> Result<(), Failure> {
    writeln!(output, "{}", json!({ "ready": engine.facts() }))?;
    output.flush()?;
    for line in input.lines() {
        let answer = serde_json::from_str(&line?).map_err(Failure::from).and_then(|request| engine.answer(&request));
        writeln!(output, "{}", answer.unwrap_or_else(|error| json!({ "error": error.to_string() })))?;
        output.flush()?;
    }
    Ok(())
}

/// The version that Cargo.lock has of a package.
fn locked(package: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split("[[package]]").find(|entry| entry.contains(&format!("name = \"{package}\"\n")));
    entry.and_then(|entry| entry.split('"').nth(3)).unwrap_or("unknown")
}

/// Which implementation embeds.
enum Backend {
    Voisin,
    Candle(Box<Stock>),
}

/// Embeds mixes of texts.
struct Embedding {
    backend: Backend,
    embedder: Embedder,
    threads: usize,
    mixes: HashMap<String, Vec<String>>,
    load_s: f64,
}

impl Embedding {
    fn load(
        engine: &str,
        model: &Path,
        threads: usize,
        texts: &Path,
        (precision, isa): (Wanted, Isa),
    ) -> Result<Self, Failure> {
        let mixes = serde_json::from_slice(&fs_err::read(texts)?)?;
        let start = Instant::now();
        let files = ModelFiles::open(&ModelRef::Local(model.to_owned()), true)?;
        let backend = match engine {
            "candle" => Backend::Candle(Box::new(Stock::load(&files)?)),
            _ => Backend::Voisin,
        };
        // For candle, this is its tokenizer.
        let embedder = Embedder::load(&files, isa, precision)?;
        Ok(Self { backend, embedder, threads, mixes, load_s: start.elapsed().as_secs_f64() })
    }

    fn tokenise(&self, texts: &[String]) -> Result<Vec<Tokens>, Failure> {
        Ok(texts.iter().map(|text| self.embedder.tokenize_passage(Passage(text))).collect::<Result<_, _>>()?)
    }

    /// Texts to vectors, tokenising included: [texts, dims].
    fn embed(&self, texts: &[String]) -> Result<Array2<f32>, Failure> {
        let Backend::Candle(stock) = &self.backend else {
            let passages: Vec<Passage<'_>> = texts.iter().map(|text| Passage(text)).collect();
            return Ok(self.embedder.embed_passages(&passages, self.threads)?);
        };
        // As voisin does it, a pass a thread, which is faster than candle's own threads: RAYON_NUM_THREADS=1 forgoes them.
        let tokens = self.tokenise(texts)?;
        Ok(batch::run(&tokens, self.embedder.spec().dims, self.threads, |batch| stock.embed_tokens(batch))?)
    }
}

impl Engine for Embedding {
    fn facts(&self) -> Value {
        let (engine, version, precision) = match self.backend {
            Backend::Voisin => {
                let version = format!("{}, {}", env!("CARGO_PKG_VERSION"), self.embedder.isa());
                ("voisin", version, self.embedder.precision().name())
            }
            Backend::Candle(_) => ("candle-transformers", locked("candle-transformers").to_owned(), "f32"),
        };
        json!({ "engine": engine, "version": version, "precision": precision, "load_s": self.load_s })
    }

    fn answer(&mut self, request: &Value) -> Result<Value, Failure> {
        let mix =
            request["run"].as_str().or(request["vectors"].as_str()).ok_or("neither run nor vectors is asked for")?;
        let texts = self.mixes.get(mix).ok_or("there is no such mix")?;
        let start = Instant::now();
        let vectors = self.embed(texts)?;
        let seconds = start.elapsed().as_secs_f64();
        if let Some(path) = request["to"].as_str() {
            let bytes = vectors.iter().flat_map(|value| value.to_le_bytes()).collect();
            write_npy(Path::new(path), "<f4", vectors.dim(), bytes)?;
        }
        let tokens: usize = self.tokenise(texts)?.iter().map(|tokens| tokens.ids.len()).sum();
        Ok(json!({ "seconds": seconds, "tokens": tokens }))
    }
}

/// A view that was opened.
enum View {
    Exact(Box<dyn VectorView>),
    Graph(Box<Hnsw>),
}

impl View {
    fn as_view(&self) -> &dyn VectorView {
        match self {
            View::Exact(view) => &**view,
            View::Graph(view) => &**view,
        }
    }
}

/// Widths of searches that the graph is asked for.
const WIDTHS: [usize; 7] = [16, 32, 64, 96, 128, 192, 256];

/// One of voisin's views, over a store in a folder of its own.
struct Searching {
    choice: Choice,
    vectors: PathBuf,
    folder: PathBuf,
    queries: Array2<f32>,
    view: Option<View>,
    /// Memory of the process before anything was opened.
    before: u64,
}

impl Searching {
    fn new(engine: &str, vectors: &Path, queries: &Path, folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            choice: if engine == "hnsw" { Choice::Hnsw } else { Choice::Exact },
            vectors: vectors.to_owned(),
            folder: folder.to_owned(),
            queries: read_npy(queries)?,
            view: None,
            before: memory(),
        })
    }

    /// Fills the store, which takes no part in the time, then makes the view and leaves it on disk.
    fn build(&self) -> Result<f64, Failure> {
        let vectors = read_npy(&self.vectors)?;
        let model = ModelIdentity {
            id: "random".into(),
            reference: "random".into(),
            revision: "0".into(),
            dims: vectors.ncols(),
        };
        let mut store = Store::open_to_write(&self.folder, &Making { model, passage_tokens: 180 })?;
        fill(&mut store, &vectors)?;
        // The graph is built over the rows, which are there before.
        if self.choice == Choice::Hnsw {
            persist(&store, Isa::best(), Choice::Exact)?;
        }
        let start = Instant::now();
        persist(&store, Isa::best(), self.choice)?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn load(&mut self) -> Result<f64, Failure> {
        let start = Instant::now();
        let store = Store::open(&self.folder)?;
        let view = if self.choice == Choice::Hnsw {
            View::Graph(Box::new(index::graph(&store, Isa::best())?.ok_or("these vectors have no graph")?))
        } else {
            View::Exact(index::open(&store, Isa::best(), self.choice)?)
        };
        self.view = Some(view);
        Ok(start.elapsed().as_secs_f64())
    }

    /// All queries, one after the other: the seconds, and the rows found, [queries, K].
    fn search(&mut self, width: Option<u64>) -> Result<(f64, Vec<i64>), Failure> {
        let view = self.view.as_mut().ok_or("search before load")?;
        if let (View::Graph(graph), Some(width)) = (&mut *view, width) {
            graph.set_width(usize::try_from(width)?);
        }
        let view = view.as_view();
        let queries: Vec<&[f32]> = self.queries.outer_iter().filter_map(|row| row.to_slice()).collect();
        let start = Instant::now();
        let found: Vec<_> = queries.iter().map(|query| view.search(query, K, None)).collect();
        let seconds = start.elapsed().as_secs_f64();
        // Ids count from 1, in the order in which rows are put into the store.
        Ok((seconds, found.into_iter().flatten().map(|(id, _)| id.0 - 1).collect()))
    }
}

impl Engine for Searching {
    fn facts(&self) -> Value {
        let (engine, widths) = match self.choice {
            Choice::Hnsw => ("voisin hnsw", json!(WIDTHS)),
            _ => ("voisin exact", json!(["all rows"])),
        };
        json!({ "engine": engine, "version": env!("CARGO_PKG_VERSION"), "precision": "f32", "load_s": 0.0,
            "widths": widths })
    }

    fn answer(&mut self, request: &Value) -> Result<Value, Failure> {
        if !request["build"].is_null() {
            return Ok(json!({ "seconds": self.build()? }));
        }
        if !request["load"].is_null() {
            return Ok(json!({ "seconds": self.load()? }));
        }
        if !request["memory"].is_null() {
            return Ok(json!({ "megabytes": (memory().saturating_sub(self.before)) as f64 / 1e6 }));
        }
        let (seconds, found) = self.search(request["search"].as_u64())?;
        if let Some(path) = request["to"].as_str() {
            let bytes = found.iter().flat_map(|row| row.to_le_bytes()).collect();
            write_npy(Path::new(path), "<i8", (self.queries.nrows(), K), bytes)?;
        }
        Ok(json!({ "seconds": seconds }))
    }
}

/// Puts every row into the store as a passage, a thousand an article, in their order.
fn fill(store: &mut Store, vectors: &Array2<f32>) -> Result<(), Failure> {
    const PASSAGES: usize = 1000;
    for first in (0..vectors.nrows()).step_by(PASSAGES) {
        let rows = first..(first + PASSAGES).min(vectors.nrows());
        let key = |row: usize| TextKey::of(&row.to_string());
        let values = rows.clone().map(|row| (key(row), vectors.row(row).to_vec())).collect();
        let span = CharSpan { start: 0, end: 0 };
        let passages = rows.map(|row| NewPassage { field: Field::Body, span, tokens: 1, key: key(row) }).collect();
        let article = Article { key: first.to_string(), ..Article::default() };
        let content = ContentHash::of(&article);
        let text_key = TextKey::of(&article.key);
        store.put(&[NewArticle { article, content, text_key, passages, boilerplate: Vec::new() }], &values)?;
    }
    Ok(())
}

/// Resident memory of this process in bytes, mapped files included; 0 where the system does not say.
fn memory() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Writes a NumPy array of two dimensions.
fn write_npy(path: &Path, kind: &str, (rows, columns): (usize, usize), values: Vec<u8>) -> Result<(), Failure> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // Magic, version and length take 10 bytes; the values begin at a multiple of 64.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut file = fs_err::File::create(path)?;
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&u16::try_from(header.len())?.to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    file.write_all(&values)?;
    Ok(())
}

/// Reads a NumPy array of two dimensions of f32, row after row.
fn read_npy(path: &Path) -> Result<Array2<f32>, Failure> {
    let bytes = fs_err::read(path)?;
    let wrong = || format!("{} is no array of f32 as NumPy's save() writes it", path.display());
    let length = usize::from(u16::from_le_bytes([*bytes.get(8).ok_or_else(wrong)?, *bytes.get(9).ok_or_else(wrong)?]));
    let header = std::str::from_utf8(bytes.get(10..10 + length).ok_or_else(wrong)?)?;
    if !bytes.starts_with(b"\x93NUMPY\x01") || !header.contains("'<f4'") || !header.contains("'fortran_order': False") {
        return Err(wrong().into());
    }
    let shape = header.split(['(', ')']).nth(1).ok_or_else(wrong)?;
    let shape = shape.split(',').map(|number| number.trim().parse()).collect::<Result<Vec<usize>, _>>()?;
    let [rows, columns] = shape[..] else { return Err(wrong().into()) };
    let values = bytes[10 + length..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok(Array2::from_shape_vec((rows, columns), values)?)
}

/// Asks every engine over tiny data and checks that the answers agree with each other.
fn check() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let ask = |engine: &mut dyn Engine, requests: &[Value]| -> Result<Vec<Value>, Failure> {
        let input: String = requests.iter().map(|request| format!("{request}\n")).collect();
        let mut output = Vec::new();
        serve(engine, input.as_bytes(), &mut output)?;
        Ok(String::from_utf8(output)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    };

    fs_err::write(path("texts.json"), r#"{"short": ["la ligne", "une crue soudaine de la Ligne", "le village"]}"#)?;
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/bert");
    let mut vectors = Vec::new();
    for name in ["voisin", "candle"] {
        let mut engine = Embedding::load(name, &model, 2, &path("texts.json"), ("f32".parse()?, Isa::best()))?;
        let answers =
            ask(&mut engine, &[json!({ "vectors": "short", "to": path("found.npy") }), json!({ "run": "?" })])?;
        assert!(answers[0]["ready"]["engine"].is_string() && answers[0]["ready"]["version"] != "unknown");
        assert!(answers[1]["tokens"].as_u64() > Some(6) && answers[1]["seconds"].is_number(), "{}", answers[1]);
        assert!(answers[2]["error"].is_string(), "{}", answers[2]);
        vectors.push(read_npy(&path("found.npy"))?);
    }
    assert!((&vectors[0] - &vectors[1]).iter().all(|difference| difference.abs() < 1e-4));

    let rows = Array2::from_shape_fn((300, 8), |(row, column)| ((row * 37 + column * 101 + row * column) as f32).sin());
    let rows = Array2::from_shape_fn(rows.dim(), |(row, column)| {
        rows[(row, column)] / rows.row(row).iter().map(|value| value * value).sum::<f32>().sqrt()
    });
    let bytes = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
    write_npy(&path("rows.npy"), "<f4", rows.dim(), bytes)?;
    for name in ["exact", "hnsw"] {
        let mut engine = Searching::new(name, &path("rows.npy"), &path("rows.npy"), &path(name))?;
        let answers = ask(&mut engine, &[json!({ "build": 2 }), json!({ "load": true }), json!({ "memory": true })])?;
        assert!(answers.iter().all(|answer| answer["error"].is_null()), "{answers:?}");
        let (_, found) = engine.search(None)?;
        let own = found.chunks(K).enumerate().filter(|(row, found)| found[0] == *row as i64).count();
        assert!(own > 290, "{name}: only {own} rows of 300 find themselves");
    }
    println!("the engines voisin, candle, exact and hnsw answer");
    Ok(())
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| -> Result<&str, Failure> {
        let at = args.iter().position(|arg| arg == name).ok_or(format!("{name} is missing"))?;
        Ok(args.get(at + 1).ok_or(format!("{name} has no value"))?)
    };
    let path = |name: &str| value(name).map(Path::new);
    let Ok(engine) = value("--engine") else { return check() };
    let mut engine: Box<dyn Engine> = match engine {
        "voisin" | "candle" => {
            let numbers = (value("--precision")?.parse()?, value("--isa")?.parse()?);
            Box::new(Embedding::load(
                engine,
                path("--model")?,
                value("--threads")?.parse()?,
                path("--texts")?,
                numbers,
            )?)
        }
        "exact" | "hnsw" => Box::new(Searching::new(engine, path("--vectors")?, path("--queries")?, path("--index")?)?),
        other => return Err(format!("there is no engine {other}").into()),
    };
    serve(&mut *engine, std::io::stdin().lock(), std::io::stdout().lock())
}
