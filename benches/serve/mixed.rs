//! Mixed load: clients search, embed and read while others put, replace and delete articles, and every answer is checked.
//!
//! The articles that come and go are dated after [`BEFORE`], made of the words of the others in no order, and each has a word that no
//! other has. So what is asked about articles before that day has one right answer, whatever is written meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use voisin::bench::stats::Sample;
use voisin::bench::workload::articles_of_store;
use voisin::embed::cores;
use voisin::engine::Engine;
use voisin::store::Store;
use voisin::types::Article;

use crate::client::{Client, encoded, get, request};
use crate::load::{Format, embed_request, embedded, texts, vectors};
use crate::process::Server;
use crate::synthetic::{Failure, Random};

/// The last day of the articles that nobody touches.
const BEFORE: &str = "2029";

/// How soon a change has to be seen by searches.
const SOON: Duration = Duration::from_secs(1);

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Articles that each writer keeps in the store, about.
const KEPT: usize = 300;

/// Questions, articles and texts whose answers are known.
const KNOWN: usize = 60;

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A request, and what its answer has to be.
type Known<T> = Vec<(Vec<u8>, T)>;

/// What the server has to answer about articles that nobody touches.
struct Truth {
    articles: Vec<Article>,
    /// Questions by meaning, with the hits.
    searches: Known<Value>,
    /// Articles close to one.
    similar: Known<Value>,
    /// Pairs of copies.
    duplicates: Known<BTreeSet<String>>,
    /// Texts and their vectors.
    texts: Vec<(String, Vec<f32>)>,
    /// Words that articles are made of.
    words: Vec<String>,
    /// Whether all vectors are compared: a graph that is built anew may find others.
    exact: bool,
}

impl Truth {
    fn new(engine: &Engine, server: &Server) -> Result<Self, Failure> {
        let mut client = Client::new(server.address)?;
        // What it does at its start may still change the answers.
        settled(&mut client)?;
        let mut ask = |path: String| -> Result<(Vec<u8>, Value), Failure> {
            let bytes = get(&path);
            let answer = client.ask(&bytes)?;
            if answer.status != 200 {
                return Err(format!("{path}: {}", String::from_utf8_lossy(answer.body)).into());
            }
            let value = serde_json::from_slice(answer.body)?;
            Ok((bytes, value))
        };
        let articles = articles_of_store(engine.store())?;
        let (mut searches, mut similar, mut duplicates) = (Vec::new(), Vec::new(), Vec::new());
        for article in articles.iter().take(KNOWN) {
            let (id, title) = (encoded(&article.key), encoded(article.title.as_deref().unwrap_or("la crue")));
            let (bytes, answer) = ask(format!("/v1/search?q={title}&mode=semantic&until={BEFORE}"))?;
            searches.push((bytes, answer["hits"].clone()));
            let (bytes, answer) = ask(format!("/v1/similar?id={id}&until={BEFORE}"))?;
            similar.push((bytes, answer));
            let (bytes, answer) = ask(format!("/v1/duplicates?of={id}&k=1000"))?;
            duplicates.push((bytes, untouched(&answer)));
        }
        let (_, status) = ask("/v1/status".to_owned())?;
        let mut known = Vec::new();
        for length in [15, 120] {
            let mut texts = texts(engine, length)?;
            texts.truncate(KNOWN);
            known.extend(embedded(engine.embedder(), &texts, cores())?.into_iter().zip(texts));
        }
        let plain = |word: &&str| word.chars().all(char::is_alphabetic);
        let words = articles.iter().flat_map(|article| article.text.split_whitespace().filter(plain));
        Ok(Self {
            words: words.map(str::to_lowercase).collect(),
            articles,
            searches,
            similar,
            duplicates,
            texts: known.into_iter().map(|(vector, text)| (text, vector)).collect(),
            exact: status["server"]["view"] == "exact",
        })
    }
}

/// Waits until no job runs.
fn settled(client: &mut Client) -> Result<(), Failure> {
    let start = Instant::now();
    loop {
        let jobs: Value = serde_json::from_slice(client.ask(&get("/v1/jobs"))?.body)?;
        let jobs = jobs["jobs"].as_array().map_or(&[][..], Vec::as_slice);
        let over = |job: &Value| !["waiting", "running"].contains(&job["standing"].as_str().unwrap_or_default());
        if jobs.iter().all(over) && client.ask(&get("/v1/duplicates?k=1"))?.status == 200 {
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(600) {
            return Err(format!("the server is not done with its start: {jobs:?}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Pairs of copies that no writer has to do with.
fn untouched(duplicates: &Value) -> BTreeSet<String> {
    let pairs = duplicates["pairs"].as_array().map_or(&[][..], Vec::as_slice);
    let name = |pair: &Value| format!("{} {} {}", pair["a"]["id"], pair["b"]["id"], pair["relation"]);
    let ours = |pair: &&Value| ["a", "b"].iter().any(|side| pair[side]["id"].as_str().is_some_and(is_ours));
    pairs.iter().filter(|pair| !ours(pair)).map(name).collect()
}

/// Whether a writer of this bench made the article of this id.
fn is_ours(id: &str) -> bool {
    id.starts_with("charge/")
}

/// What all threads see.
#[derive(Default)]
struct Shared {
    over: AtomicBool,
    requests: AtomicU64,
    refused: AtomicU64,
    wrong: AtomicU64,
}

/// What a thread has seen.
#[derive(Default)]
struct Tally {
    latencies: BTreeMap<&'static str, Sample>,
    wrong: Vec<String>,
    /// Lists that a graph which was built anew answers in another way.
    other_lists: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        for (what, sample) in other.latencies {
            let all = self.latencies.entry(what).or_default();
            sample.values().iter().for_each(|value| all.push(*value));
        }
        self.wrong.extend(other.wrong);
        self.other_lists += other.other_lists;
    }
}

/// A client that judges what it is answered.
struct Caller<'a> {
    server: &'a Server,
    client: Option<Client>,
    truth: &'a Truth,
    shared: &'a Shared,
    random: Random,
    tally: Tally,
}

impl<'a> Caller<'a> {
    fn new(server: &'a Server, truth: &'a Truth, shared: &'a Shared, number: usize) -> Self {
        let random = Random(number as u64 * 1_000_003 + 17);
        Self { server, client: None, truth, shared, random, tally: Tally::default() }
    }

    fn wrong(&mut self, what: String) {
        self.shared.wrong.fetch_add(1, Ordering::Relaxed);
        if self.tally.wrong.len() < 10 {
            self.tally.wrong.push(what);
        }
    }

    fn took(&mut self, what: &'static str, time: Duration) {
        self.tally.latencies.entry(what).or_default().push_ms(time);
    }

    fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::Relaxed)
    }

    /// Asks until it is not refused; the answer, if its status is one of `expected`.
    fn ask(&mut self, what: &'static str, request: &[u8], expected: &[u16]) -> Option<(u16, Vec<u8>)> {
        loop {
            let start = Instant::now();
            if self.client.is_none() {
                self.client = Client::new(self.server.address).ok();
            }
            let answer = self.client.as_mut().ok_or_else(|| "no connection".to_owned()).and_then(|client| {
                let answer = client.ask(request).map_err(|error| error.to_string())?;
                Ok((answer.status, answer.retry_after, answer.body.to_vec()))
            });
            self.shared.requests.fetch_add(1, Ordering::Relaxed);
            match answer {
                Ok((429 | 503, Some(seconds), _)) => {
                    self.shared.refused.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_secs(seconds));
                }
                Ok((status, _, body)) if expected.contains(&status) => {
                    self.took(what, start.elapsed());
                    return Some((status, body));
                }
                failed => {
                    self.client = None;
                    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    let said = failed.map(|(status, _, body)| format!("{status} {}", String::from_utf8_lossy(&body)));
                    self.wrong(format!("{}: {said:?}", String::from_utf8_lossy(line)));
                    return None;
                }
            }
        }
    }

    /// The same, with an answer that is an object.
    fn json(&mut self, what: &'static str, request: &[u8], expected: &[u16]) -> Option<(u16, Value)> {
        let (status, body) = self.ask(what, request, expected)?;
        match serde_json::from_slice(&body) {
            Ok(value) => Some((status, value)),
            Err(error) => {
                self.wrong(format!("{what}: {error}"));
                None
            }
        }
    }

    /// One of a list.
    fn one<T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.random.below(of.len())]
    }

    fn search(&mut self) {
        if self.random.below(3) == 0 {
            // By words and meaning, among all: what comes and goes changes the ranks, not that there are hits.
            let title = self.one(&self.truth.articles).title.as_deref().unwrap_or("la crue");
            let asked = get(&format!("/v1/search?q={}&explain=true", encoded(title)));
            if let Some((_, answer)) = self.json("search, hybrid", &asked, &[200])
                && answer["hits"].as_array().is_none_or(|hits| hits.is_empty() || hits.len() > 10)
            {
                self.wrong(format!("no hits, or too many: {answer}"));
            }
            return;
        }
        let truth = self.truth;
        let (asked, expected) = self.one(&truth.searches);
        let Some((_, answer)) = self.json("search, by meaning", asked, &[200]) else { return };
        let hits = &answer["hits"];
        if hits == expected {
            return;
        }
        self.tally.other_lists += 1;
        // A graph may find other articles, not other scores.
        let empty = Vec::new();
        let of = |hits: &'_ Value| -> HashMap<String, Value> {
            let hits = hits.as_array().unwrap_or(&empty).iter();
            hits.map(|hit| (hit["article"]["id"].to_string(), hit["passage"].clone())).collect()
        };
        let (known, now) = (of(expected), of(hits));
        let differ = now.iter().any(|(id, passage)| known.get(id).is_some_and(|known| known != passage));
        if truth.exact || differ || now.is_empty() {
            self.wrong(format!("other hits: {hits} instead of {expected}"));
        }
    }

    fn similar(&mut self) {
        let truth = self.truth;
        let (asked, expected) = self.one(&truth.similar);
        let Some((_, answer)) = self.json("similar", asked, &[200]) else { return };
        if answer != *expected {
            self.tally.other_lists += 1;
            if truth.exact {
                self.wrong(format!("other related articles: {answer} instead of {expected}"));
            }
        }
    }

    fn duplicates(&mut self) {
        let (asked, expected) = self.one(&self.truth.duplicates);
        let Some((_, answer)) = self.json("duplicates", asked, &[200]) else { return };
        let pairs = untouched(&answer);
        if pairs != *expected {
            self.wrong(format!("other copies: {pairs:?} instead of {expected:?}"));
        }
    }

    fn get(&mut self) {
        let article = self.one(&self.truth.articles);
        self.reads_as("get", &article.key, &article.text);
    }

    fn reads_as(&mut self, what: &'static str, key: &str, text: &str) {
        let asked = get(&format!("/v1/articles/{}", encoded(key)));
        let Some((_, answer)) = self.json(what, &asked, &[200]) else { return };
        if answer["id"] != key || answer["text"] != text {
            self.wrong(format!("{key} reads {} instead of {text}", answer["text"]));
        }
    }

    fn embed(&mut self) {
        let format = [Format::Float, Format::Base64][self.random.below(2)];
        let texts: Vec<_> = (0..1 + self.random.below(8)).map(|_| self.one(&self.truth.texts)).collect();
        let asked = embed_request(&texts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), format);
        let Some((_, body)) = self.ask("embed", &asked, &[200]) else { return };
        let expected: Vec<&[f32]> = texts.iter().map(|(_, vector)| vector.as_slice()).collect();
        if !vectors(&body, format).is_ok_and(|vectors| vectors == expected) {
            self.wrong(format!("other vectors: {texts:?}"));
        }
    }

    /// Searches for a word until the article that has it is a hit, or is none any more.
    fn seen(&mut self, what: &'static str, word: &str, key: &str, there: bool) {
        let (start, asked) = (Instant::now(), get(&format!("/v1/search?q={word}&mode=lexical&all_versions=true")));
        loop {
            let Some((_, answer)) = self.json("search, by words", &asked, &[200]) else { return };
            let hits = answer["hits"].as_array().map_or(&[][..], Vec::as_slice);
            let time = start.elapsed();
            if hits.iter().any(|hit| hit["article"]["id"] == key) == there {
                self.took(what, time);
                if time > SOON {
                    self.wrong(format!("{what} after {} ms: {key}", time.as_millis()));
                }
                return;
            }
            if time > PATIENCE {
                self.wrong(format!("{what} not within {} s: {key}", PATIENCE.as_secs()));
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// An article of a writer's.
struct Own {
    word: String,
    text: String,
}

/// A client that changes the store: no other writer touches its articles.
struct Writer<'a> {
    caller: Caller<'a>,
    name: String,
    /// Words so far.
    made: usize,
    stored: BTreeMap<String, Own>,
}

impl<'a> Writer<'a> {
    fn new(caller: Caller<'a>, name: &str) -> Self {
        Self { caller, name: name.to_owned(), made: 0, stored: BTreeMap::new() }
    }

    /// Another text, with a word that was in none before; some are another one but for that word.
    fn text(&mut self) -> Own {
        self.made += 1;
        // A word with digits is no spelling of another.
        let word = format!("zq{}{}", self.name, self.made);
        let random = &mut self.caller.random;
        if random.below(5) == 0 && !self.stored.is_empty() {
            let like = self.stored.values().nth(random.below(self.stored.len())).expect("there are so many");
            return Own { text: like.text.replace(&like.word, &word), word };
        }
        let words = &self.caller.truth.words;
        let mut text = format!("Le {word} de la nuit.");
        for sentence in 0..2 + random.below(15) {
            text.push_str(if sentence % 4 == 3 { "\n\nLa " } else { " La " });
            let words: Vec<&str> =
                (0..8 + random.below(10)).map(|_| words[random.below(words.len())].as_str()).collect();
            text.push_str(&words.join(" "));
            text.push('.');
        }
        Own { word, text }
    }

    fn article(&mut self, key: Option<&str>, own: &Own) -> Value {
        let random = &mut self.caller.random;
        let day = format!("{}-{:02}-{:02}", 2030 + random.below(10), 1 + random.below(12), 1 + random.below(28));
        let mut article = json!({ "title": "Charge", "date": day, "source": "charge", "text": own.text });
        if let Some(key) = key {
            article["id"] = key.into();
        }
        article
    }

    /// One of its articles.
    fn any(&mut self) -> Option<String> {
        let at = self.caller.random.below(self.stored.len().max(1));
        self.stored.keys().nth(at).cloned()
    }

    fn put(&mut self, key: String) {
        let own = self.text();
        let article = self.article(None, &own).to_string();
        let asked = request("PUT", &format!("/v1/articles/{}", encoded(&key)), "application/json", article.as_bytes());
        let before = self.stored.remove(&key);
        let expected = if before.is_some() { (200, "changed") } else { (201, "added") };
        let Some((status, answer)) = self.caller.json("put", &asked, &[200, 201]) else { return };
        if status != expected.0 || answer["outcome"] != expected.1 {
            self.caller.wrong(format!("{key}: {status} {answer}, expected {expected:?}"));
        }
        self.caller.seen("FOUND after", &own.word, &key, true);
        self.caller.reads_as("get, just put", &key, &own.text);
        if let Some(before) = before {
            self.caller.seen("GONE after", &before.word, &key, false);
        }
        self.stored.insert(key, own);
    }

    fn remove(&mut self, key: &str) {
        let path = format!("/v1/articles/{}", encoded(key));
        let Some(own) = self.stored.remove(key) else { return };
        if self.caller.json("delete", &request("DELETE", &path, "", b""), &[200]).is_none() {
            return;
        }
        self.caller.seen("GONE after", &own.word, key, false);
        self.caller.json("get, just deleted", &get(&path), &[404]);
    }

    /// Changes one article after the other.
    fn one_by_one(mut self) -> (Tally, BTreeMap<String, Own>) {
        let mut next = 0;
        while !self.caller.is_over() {
            let grow = if self.stored.len() < KEPT { 5 } else { 3 };
            match (self.caller.random.below(10), self.any()) {
                (draw, Some(key)) if draw > grow + 2 => self.remove(&key),
                (draw, Some(key)) if draw > grow => self.put(key),
                _ => {
                    next += 1;
                    self.put(format!("charge/{}/{next}", self.name));
                }
            }
        }
        (self.caller.tally, self.stored)
    }

    /// Puts articles by the line.
    fn by_the_line(mut self) -> (Tally, BTreeMap<String, Own>) {
        while !self.caller.is_over() {
            let first = self.caller.random.below(KEPT);
            let keys: Vec<String> = (first..first + 10 + self.caller.random.below(100))
                .map(|number| format!("charge/{}/{}", self.name, number % KEPT))
                .collect();
            let (mut lines, mut expected, mut texts) = (String::new(), Vec::new(), Vec::new());
            for key in &keys {
                let own = self.text();
                lines += &format!("{}\n", self.article(Some(key), &own));
                let outcome = if self.stored.contains_key(key) { "changed" } else { "added" };
                expected.push(json!({ "line": expected.len() + 1, "id": key, "outcome": outcome }));
                texts.push(own);
            }
            let asked = request("POST", "/v1/articles", "application/x-ndjson", lines.as_bytes());
            let Some((_, body)) = self.caller.ask("bulk load", &asked, &[200]) else { continue };
            let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let mut told: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap_or_default()).collect();
            let whole = told.pop().is_some_and(|summary| summary["complete"] == true && summary["failed"] == 0);
            if !whole || told != expected {
                self.caller.wrong(format!("a bulk load: {}", String::from_utf8_lossy(&body)));
            }
            let at = self.caller.random.below(keys.len());
            self.caller.seen("FOUND after", &texts[at].word, &keys[at], true);
            self.caller.reads_as("get, just put", &keys[at], &texts[at].text);
            self.stored.extend(keys.into_iter().zip(texts));
        }
        (self.caller.tally, self.stored)
    }
}

/// What readers do, a thread each, over and over.
const READERS: [fn(&mut Caller<'_>); 9] = [
    |caller| caller.search(),
    |caller| caller.search(),
    |caller| caller.search(),
    |caller| caller.search(),
    |caller| caller.embed(),
    |caller| caller.embed(),
    |caller| caller.get(),
    |caller| caller.similar(),
    |caller| caller.duplicates(),
];

/// Loads a server over a store of this bench's own for so long.
///
/// # Errors
/// When an answer was wrong, or the store does not hold what was acknowledged.
pub fn mixed(folder: &Path, engine: &Engine, time: Duration) -> Result<(), Failure> {
    let server = Server::start(folder, &[])?;
    let truth = Truth::new(engine, &server)?;
    let before = Store::open(folder)?.stats()?.articles;
    let shared = Shared::default();
    println!("{before} articles, {} readers and 3 writers\n", READERS.len());
    println!("| s | requests | refused | wrong | RSS MB | anonymous MB |\n| ---: | ---: | ---: | ---: | ---: | ---: |");
    let (mut tally, stored) = std::thread::scope(|scope| {
        let (server, truth, shared) = (&server, &truth, &shared);
        let readers: Vec<_> = READERS
            .iter()
            .enumerate()
            .map(|(number, read)| {
                scope.spawn(move || {
                    let mut caller = Caller::new(server, truth, shared, number);
                    while !caller.is_over() {
                        read(&mut caller);
                    }
                    caller.tally
                })
            })
            .collect();
        let writers: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .enumerate()
            .map(|(number, name)| {
                scope.spawn(move || {
                    let writer = Writer::new(Caller::new(server, truth, shared, 100 + number), name);
                    if name == "c" { writer.by_the_line() } else { writer.one_by_one() }
                })
            })
            .collect();
        let (start, mut next) = (Instant::now(), LOOK_EVERY.min(time));
        loop {
            std::thread::sleep(next.saturating_sub(start.elapsed()));
            let memory = server.memory();
            let [requests, refused, wrong] =
                [&shared.requests, &shared.refused, &shared.wrong].map(|count| count.load(Ordering::Relaxed));
            println!(
                "| {:.0} | {requests} | {refused} | {wrong} | {:.0} | {:.0} |",
                start.elapsed().as_secs_f64(),
                memory.resident,
                memory.anonymous
            );
            if next >= time {
                break;
            }
            next = (next + LOOK_EVERY).min(time);
        }
        shared.over.store(true, Ordering::Relaxed);
        let (mut tally, mut stored) = (Tally::default(), BTreeMap::new());
        readers.into_iter().for_each(|thread| tally.add(thread.join().expect("a reader does not panic")));
        for thread in writers {
            let (its, own) = thread.join().expect("a writer does not panic");
            tally.add(its);
            stored.extend(own);
        }
        (tally, stored)
    });
    server.end()?;
    print(&mut tally);
    let store = Store::open(folder)?;
    let held = store.stats()?.articles;
    if held != before + stored.len() as u64 {
        tally.wrong.push(format!("{held} articles are stored, expected {before} and {}", stored.len()));
    }
    for (key, own) in &stored {
        match store.find(key)? {
            Some(id) if store.text(id)? == own.text => {}
            _ => tally.wrong.push(format!("{key} was acknowledged and is not there as it was put")),
        }
    }
    println!("\n{} articles that were acknowledged are in the store after the end.", stored.len());
    if tally.wrong.is_empty() { Ok(()) } else { Err(tally.wrong.join("\n").into()) }
}

fn print(tally: &mut Tally) {
    println!("\n| what | times | p50 ms | p99 ms | most ms |\n| --- | ---: | ---: | ---: | ---: |");
    for (what, sample) in &tally.latencies {
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|p| sample.percentile(p));
        println!("| {what} | {} | {p50:.1} | {p99:.1} | {most:.1} |", sample.len());
    }
    if tally.other_lists > 0 {
        println!("\n{} lists differ from those at the start: the graph was built anew", tally.other_lists);
    }
}
