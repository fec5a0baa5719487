//! Pure load: clients that ask one request after the other, beside the same work done by the library in this process.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use voisin::bench::stats::Sample;
use voisin::bench::workload::{articles_of_store, mixes};
use voisin::embed::Embedder;
use voisin::embed::batch::{TOKENS_PER_PASS, share};
use voisin::embed::cores;
use voisin::embed::spec::Role;
use voisin::engine::{Engine, EngineError};
use voisin::search::Request as Search;
use voisin::text::analysis_form;
use voisin::wire;

use crate::client::{Client, encoded, get, request};
use crate::process::{Memory, Server, own_cpu};
use crate::synthetic::Failure;

/// Different texts, and different questions, at most.
const DIFFERENT: usize = 256;

/// Tokens of a question and of a passage, about.
const LENGTHS: [usize; 2] = [15, 120];

/// Passes of a thread in one go of the library, so that one waits for the other only a little at its end.
const PASSES: usize = 12;

/// Something that is asked, and what has to come back, byte by byte.
pub struct Ask {
    bytes: Vec<u8>,
    expected: Vec<u8>,
}

/// A kind of request.
pub struct Workload {
    pub name: String,
    pub asks: Vec<Ask>,
    /// The texts that are embedded; the questions of a search.
    texts: Vec<String>,
    /// Tokens of a request, on average; 0 where nothing is embedded.
    pub tokens: f64,
}

/// How vectors are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Float,
    Base64,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Base64 => "base64",
        }
    }
}

/// Texts of a store of about so many tokens each.
pub fn texts(engine: &Engine, length: usize) -> Result<Vec<String>, Failure> {
    let embedder = engine.embedder();
    let mixes = mixes(&articles_of_store(engine.store())?, "the store", embedder)?;
    let all: Vec<(usize, &String)> =
        mixes.iter().flat_map(|mix| &mix.texts).map(|text| (embedder.count_tokens(text), text)).collect();
    let near = |share: usize| {
        let range = length - length / share..=length + length / share;
        all.iter().filter(move |(tokens, _)| range.contains(tokens)).map(|(_, text)| (*text).clone()).take(DIFFERENT)
    };
    let [narrow, wide] = [4, 2].map(|share| near(share).collect::<Vec<_>>());
    match if narrow.len() * 2 < wide.len() { wide } else { narrow } {
        texts if texts.is_empty() => Err(format!("the store has no text of about {length} tokens").into()),
        texts => Ok(texts),
    }
}

/// A request for the vectors of texts.
pub fn embed_request(texts: &[&str], format: Format) -> Vec<u8> {
    let body = json!({ "input": texts, "encoding_format": format.name() }).to_string();
    request("POST", "/v1/embeddings", "application/json", body.as_bytes())
}

/// The vectors of an answer.
pub fn vectors(body: &[u8], format: Format) -> Result<Vec<Vec<f32>>, Failure> {
    #[derive(Deserialize)]
    struct Answer<T> {
        data: Vec<Object<T>>,
    }
    #[derive(Deserialize)]
    struct Object<T> {
        embedding: T,
    }
    if format == Format::Float {
        let answer: Answer<Vec<f32>> = serde_json::from_slice(body)?;
        return Ok(answer.data.into_iter().map(|object| object.embedding).collect());
    }
    let answer: Answer<String> = serde_json::from_slice(body)?;
    let vector = |object: Object<String>| {
        let bytes = STANDARD.decode(object.embedding)?;
        Ok(bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect())
    };
    answer.data.into_iter().map(vector).collect()
}

/// The vectors of texts, by the library.
pub fn embedded(embedder: &Embedder, texts: &[String], workers: usize) -> Result<Vec<Vec<f32>>, Failure> {
    let tokens = share(texts, workers, |text: &String| embedder.tokenize(&analysis_form(text), Role::Passage))?;
    let vectors = embedder.embed_all(&tokens, workers)?;
    Ok(vectors.rows().into_iter().map(|row| row.to_vec()).collect())
}

impl Workload {
    /// Texts of about `length` tokens to vectors, one text a request. What the server answers to each the first time has to be the
    /// library's vectors bit for bit, and the same bytes ever after.
    fn embed(engine: &Engine, server: &Server, length: usize, format: Format) -> Result<Self, Failure> {
        let (texts, embedder) = (texts(engine, length)?, engine.embedder());
        let (expected, mut asks) = (embedded(embedder, &texts, cores())?, Vec::new());
        // A connection that is silent for too long is closed.
        let mut client = Client::new(server.address)?;
        for (text, vector) in texts.iter().zip(expected) {
            let bytes = embed_request(&[text], format);
            let answer = client.ask(&bytes)?;
            if answer.status != 200 || vectors(answer.body, format)? != [vector] {
                return Err(format!("status {}, or another vector than the library's: {text}", answer.status).into());
            }
            let expected = answer.body.to_vec();
            asks.push(Ask { bytes, expected });
        }
        let tokens = texts.iter().map(|text| embedder.count_tokens(text)).sum::<usize>() as f64 / texts.len() as f64;
        let name = format!("embed {tokens:.0} tokens, {}", format.name());
        Ok(Self { name, asks, texts, tokens })
    }

    /// Titles as questions, with the answers of the library.
    fn search(engine: &Engine) -> Result<Self, Failure> {
        let mut found = Self { name: "search".to_owned(), asks: Vec::new(), texts: Vec::new(), tokens: 0.0 };
        for article in articles_of_store(engine.store())?.into_iter().take(DIFFERENT) {
            let Some(title) = article.title.filter(|title| !title.trim().is_empty()) else { continue };
            let answer = engine.search(&Search::new(&title, 10))?;
            let expected = serde_json::to_vec(&wire::Answer::from(&answer))?;
            found.asks.push(Ask { bytes: get(&format!("/v1/search?q={}&k=10", encoded(&title))), expected });
            found.texts.push(title);
        }
        Ok(found)
    }

    /// All of them.
    pub fn all(engine: &Engine, server: &Server) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::new();
        for length in LENGTHS {
            for format in [Format::Float, Format::Base64] {
                all.push(Self::embed(engine, server, length, format)?);
            }
        }
        all.push(Self::search(engine)?);
        Ok(all)
    }

    /// Requests a second that the library's work for them makes on all cores: texts in full passes, searches one a thread.
    pub fn directly(&self, engine: &Engine, time: Duration) -> Result<f64, Failure> {
        let start = Instant::now();
        if self.tokens > 0.0 {
            let enough = (PASSES * cores() * TOKENS_PER_PASS) as f64 / self.tokens;
            let batch: Vec<String> = self.texts.iter().cycle().take(enough as usize).cloned().collect();
            let mut done = 0;
            while done == 0 || start.elapsed() < time {
                embedded(engine.embedder(), &batch, cores())?;
                done += batch.len();
            }
            return Ok(done as f64 / start.elapsed().as_secs_f64());
        }
        let engines = (0..cores()).map(|_| engine.reader()).collect::<Result<Vec<_>, _>>()?;
        let ask = |engine: Engine, thread: usize| -> Result<usize, EngineError> {
            let (mut done, mut questions) = (0, self.texts.iter().cycle().skip(thread * self.texts.len() / cores()));
            while let Some(question) = questions.next().filter(|_| start.elapsed() < time) {
                engine.search(&Search::new(question, 10))?;
                done += 1;
            }
            Ok(done)
        };
        let done = std::thread::scope(|scope| {
            let engines = engines.into_iter().enumerate();
            let threads: Vec<_> = engines.map(|(at, engine)| scope.spawn(move || ask(engine, at))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a search does not panic")).sum::<Result<usize, _>>()
        })?;
        Ok(done as f64 / start.elapsed().as_secs_f64())
    }

    /// Lets clients ask one request after the other, each over its own connection.
    pub fn run(&self, server: &Server, clients: usize, time: Duration) -> Result<Run, Failure> {
        let (ready, over) = (Barrier::new(clients + 1), AtomicBool::new(false));
        let ask = |number: usize| -> Result<(Sample, usize), std::io::Error> {
            let client = Client::new(server.address);
            ready.wait();
            let mut client = client?;
            let (mut latencies, mut wrong) = (Sample::default(), 0);
            for ask in self.asks.iter().cycle().skip(number * self.asks.len() / clients) {
                let start = Instant::now();
                let answer = client.ask(&ask.bytes)?;
                if over.load(Ordering::Relaxed) {
                    break;
                }
                latencies.push_ms(start.elapsed());
                wrong += usize::from(answer.status != 200 || answer.body != ask.expected);
            }
            Ok((latencies, wrong))
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..clients).map(|number| scope.spawn(move || ask(number))).collect();
            ready.wait();
            let (start, cpu) = (Instant::now(), (server.cpu(), own_cpu()));
            std::thread::sleep(time);
            over.store(true, Ordering::Relaxed);
            let seconds = start.elapsed().as_secs_f64();
            let used = |before: Option<f64>, now: Option<f64>| Some((now? - before?) / seconds);
            let (server_cpu, own_cpu) = (used(cpu.0, server.cpu()), used(cpu.1, own_cpu()));
            let (mut all, mut wrong) = (Sample::default(), 0);
            for thread in threads {
                let (latencies, its) = thread.join().expect("a client does not panic")?;
                latencies.values().iter().for_each(|latency| all.push(*latency));
                wrong += its;
            }
            if wrong > 0 {
                return Err(format!("{}: {wrong} of {} answers are wrong", self.name, all.len()).into());
            }
            let memory = server.memory();
            Ok(Run { rate: all.len() as f64 / seconds, latencies: all, server_cpu, own_cpu, memory })
        })
    }

    /// The same text in turns by request and by the library, one at a time, and beside it a request for nothing: what a lone request
    /// pays for being served.
    pub fn lone(&self, engine: &Engine, server: &Server, time: Duration) -> Result<Lone, Failure> {
        let mut client = Client::new(server.address)?;
        let nothing = nothing(&mut client)?;
        let (start, mut lone) = (Instant::now(), Lone::default());
        for (ask, text) in self.asks.iter().zip(&self.texts).cycle() {
            let timed = |sample: &mut Sample, work: &mut dyn FnMut() -> Result<(), Failure>| {
                let start = Instant::now();
                work()?;
                sample.push_ms(start.elapsed());
                Ok::<_, Failure>(())
            };
            timed(&mut lone.asked, &mut || {
                client.ask(&ask.bytes)?;
                Ok(())
            })?;
            timed(&mut lone.direct, &mut || {
                let tokens = engine.embedder().tokenize(&analysis_form(text), Role::Passage)?;
                std::hint::black_box(engine.embedder().embed_tokens(&[&tokens])?);
                Ok(())
            })?;
            timed(&mut lone.nothing, &mut || {
                client.ask(&nothing)?;
                Ok(())
            })?;
            if start.elapsed() > time {
                break;
            }
        }
        Ok(lone)
    }
}

/// A request whose answer takes no work.
fn nothing(client: &mut Client) -> Result<Vec<u8>, Failure> {
    for path in ["/health", "/v1/models"] {
        let nothing = get(path);
        if client.ask(&nothing)?.status == 200 {
            return Ok(nothing);
        }
    }
    Err("the server has no health".into())
}

/// What clients measured.
pub struct Run {
    /// Requests a second.
    pub rate: f64,
    /// Milliseconds.
    pub latencies: Sample,
    /// CPUs.
    pub server_cpu: Option<f64>,
    pub own_cpu: Option<f64>,
    pub memory: Memory,
}

/// Milliseconds of one request at a time.
#[derive(Default)]
pub struct Lone {
    /// A text, asked of the server.
    pub asked: Sample,
    /// The same, in this process.
    pub direct: Sample,
    /// Nothing, asked of the server.
    pub nothing: Sample,
}
