//! A server that is killed, or told to end, while articles are put: what was acknowledged is there, and nobody waits for an answer
//! that does not come.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Desk, Numbers, Running, tiny, wait_until};
use client::{Client, get, request};

#[allow(dead_code, reason = "the bench needs more of it")]
#[path = "../../benches/serve/client.rs"]
mod client;

/// Times that a server is killed.
const KILLS: u64 = 6;

/// Clients that put articles: all but the last one by one, that one by the line.
const WRITERS: usize = 4;

/// Articles of each that are put over and over.
const KEYS: u64 = 40;

/// A running server.
struct Serving {
    running: Running,
    address: SocketAddr,
    log: JoinHandle<String>,
}

impl Serving {
    /// Starts one over the desk's store, which is made if there is none.
    fn start(desk: &Desk) -> Self {
        let tiny = tiny();
        let options = ["serve", "--listen", "127.0.0.1:0"].into_iter().chain(tiny.iter().map(String::as_str));
        let mut running = Running::start(desk.command(&options.collect::<Vec<_>>()), Stdio::null());
        let mut said = BufReader::new(running.0.stderr.take().unwrap());
        let mut log = String::new();
        let address = loop {
            assert_ne!(said.read_line(&mut log).unwrap(), 0, "it ended: {log}");
            let line = log.lines().next_back().and_then(|line| line.strip_prefix("listening at http://"));
            if let Some((address, _)) = line.and_then(|line| line.split_once(": ")) {
                break address.parse().unwrap();
            }
        };
        // A log that nobody reads would stop it.
        let log = std::thread::spawn(move || {
            std::io::Read::read_to_string(&mut said, &mut log).unwrap();
            log
        });
        Self { running, address, log }
    }

    fn client(&self) -> Client {
        Client::new(self.address).unwrap()
    }

    /// What it logged until its end, with its status.
    fn end(mut self) -> (Option<i32>, String) {
        wait_until("the end of the server", || self.running.0.try_wait().unwrap().is_some());
        (self.running.0.wait().unwrap().code(), self.log.join().unwrap())
    }
}

/// What the store may hold under an id: the text that was acknowledged last, and those that were sent since. No text: it may be
/// missing.
type Held = BTreeMap<String, Vec<Option<String>>>;

/// A text with a word that no other has, and with no run of words that another has.
fn text(word: &str) -> String {
    format!("La crue {word} a inondé {word}a dans la nuit.\n\nDes {word}es ont été évacués, {word}ent compris.")
}

/// The word in it.
fn word(text: &str) -> &str {
    text.split(' ').nth(2).unwrap()
}

/// Another word every time: one with digits, which is no spelling of another.
fn another(number: usize) -> String {
    format!("zq{number}")
}

fn of(client: &mut Client, path: &str) -> (u16, Value) {
    let answer = client.ask(&get(path)).unwrap();
    (answer.status, serde_json::from_slice(answer.body).unwrap())
}

/// Puts, replaces and deletes articles until the server is gone.
fn write(server: SocketAddr, writer: usize, held: &mut Held, (next, acknowledged): (&AtomicUsize, &AtomicUsize)) {
    let mut numbers = Numbers((next.load(Ordering::Relaxed) * WRITERS + writer) as u64);
    let mut client = Client::new(server).unwrap();
    loop {
        let mut key = || format!("{writer}-{}", numbers.below(KEYS));
        let keys: Vec<String> = if writer + 1 < WRITERS { vec![key()] } else { (0..10).map(|_| key()).collect() };
        let texts: Vec<String> = keys.iter().map(|_| text(&another(next.fetch_add(1, Ordering::Relaxed)))).collect();
        let path = format!("/v1/articles/{}", keys[0]);
        let (sent, expected) = if keys.len() > 1 {
            let line = |(key, text): (&String, &String)| format!("{}\n", json!({ "id": key, "text": text }));
            let lines: String = keys.iter().zip(&texts).map(line).collect();
            (request("POST", "/v1/articles", "application/x-ndjson", lines.as_bytes()), vec![200])
        } else if numbers.below(5) == 0 {
            (request("DELETE", &path, "", b""), vec![200, 404])
        } else {
            let article = json!({ "text": texts[0] }).to_string();
            (request("PUT", &path, "application/json", article.as_bytes()), vec![200, 201])
        };
        let removes = sent.starts_with(b"DELETE");
        for (key, text) in keys.iter().zip(&texts) {
            held.entry(key.clone()).or_insert_with(|| vec![None]).push((!removes).then(|| text.clone()));
        }
        let Ok(answer) = client.ask(&sent) else { return };
        assert!(expected.contains(&answer.status), "{}: {}", answer.status, String::from_utf8_lossy(answer.body));
        if keys.len() > 1 {
            let told = answer
                .body
                .split(|byte| *byte == b'\n')
                .filter(|line| line.windows(9).any(|part| part == b"\"outcome\""));
            assert_eq!(told.count(), keys.len(), "{}", String::from_utf8_lossy(answer.body));
        }
        for key in &keys {
            let last = held[key].last().cloned();
            held.insert(key.clone(), last.into_iter().collect());
        }
        acknowledged.fetch_add(keys.len(), Ordering::Relaxed);
    }
}

/// Asserts that a server has what was acknowledged, and finds it. What was not is known from then on.
fn check(server: &Serving, held: &mut Held) {
    let mut client = server.client();
    for (key, texts) in held {
        let (status, answer) = of(&mut client, &format!("/v1/articles/{key}"));
        let found = (status == 200).then(|| answer["text"].as_str().unwrap().to_owned());
        assert!(
            texts.contains(&found),
            "{key}: {status} {found:?}, and one of these was acknowledged or sent: {texts:?}"
        );
        let word = |text: &String| word(text).to_owned();
        for text in texts.iter().flatten().chain(&found).map(word).collect::<std::collections::BTreeSet<_>>() {
            let (_, answer) = of(&mut client, &format!("/v1/search?mode=lexical&all_versions=true&q={text}"));
            let hits: Vec<&Value> =
                answer["hits"].as_array().unwrap().iter().map(|hit| &hit["article"]["id"]).collect();
            let there = found.as_ref().is_some_and(|found| word(found) == text);
            assert_eq!(hits, if there { vec![key.as_str()] } else { vec![] }, "{text}");
        }
        *texts = vec![found];
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_server_was_killed() {
    let desk = Desk::new();
    let (mut numbers, next) = (Numbers(31), AtomicUsize::new(0));
    let mut held = vec![Held::new(); WRITERS];
    for _ in 0..KILLS {
        let mut server = Serving::start(&desk);
        held.iter_mut().for_each(|held| check(&server, held));
        let (address, acknowledged) = (server.address, AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let counts = (&next, &acknowledged);
            for (writer, held) in held.iter_mut().enumerate() {
                scope.spawn(move || write(address, writer, held, counts));
            }
            let enough = 5 + numbers.below(50) as usize;
            wait_until("articles to be acknowledged", || acknowledged.load(Ordering::Relaxed) >= enough);
            std::thread::sleep(Duration::from_millis(numbers.below(30)));
            server.running.0.kill().unwrap();
        });
        server.end();
    }
    let server = Serving::start(&desk);
    held.iter_mut().for_each(|held| check(&server, held));
    drop(server);
    desk.verify();
}

#[test]
fn a_store_that_a_server_changes_is_changed_by_no_other_process() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    let _server = Serving::start(&desk);
    let parts = ["another voisin is writing", "give the articles to it if it is a server"];
    desk.index_tiny(&["a.txt"]).refused(&parts);
    desk.run(&["serve", "--listen", "127.0.0.1:0"]).refused(&parts);
}

/// How long a request may be on its way until the server has it.
#[cfg(unix)]
const ON_ITS_WAY: Duration = Duration::from_millis(100);

#[cfg(unix)]
#[test]
fn a_server_that_is_told_to_end_answers_what_it_was_asked() {
    let desk = Desk::new();
    let server = Serving::start(&desk);
    let told = Mutex::new(None::<Instant>);
    let over = AtomicBool::new(false);
    let lines: String =
        (0..30).map(|at| format!("{}\n", json!({ "id": format!("b{at}"), "text": text(&another(at)) }))).collect();
    let texts: Vec<String> = (0..20).map(|at| text(&another(at))).collect();
    let requests = Arc::new([
        request(
            "PUT",
            "/v1/articles/a",
            "application/json",
            json!({ "text": text("première") }).to_string().as_bytes(),
        ),
        request("POST", "/v1/articles", "application/x-ndjson", lines.as_bytes()),
        request("POST", "/v1/embeddings", "application/json", json!({ "input": texts }).to_string().as_bytes()),
        get("/v1/search?q=crue"),
        get("/health"),
    ]);
    /// What became of a request.
    struct Sent {
        which: usize,
        start: Instant,
        end: Instant,
        answer: Result<u16, String>,
    }
    let ask = |which: usize| {
        let mut sent = Vec::new();
        let mut client = None;
        while !over.load(Ordering::Relaxed) {
            let start = Instant::now();
            let answer = client.take().map_or_else(|| Client::new(server.address), Ok).and_then(|mut open| {
                let status = open.ask(&requests[which])?.status;
                client = Some(open);
                Ok(status)
            });
            let answer = answer.map_err(|error| error.to_string());
            let failed = answer.is_err();
            sent.push(Sent { which, start, end: Instant::now(), answer });
            // Nothing listens any more.
            if failed && told.lock().unwrap().is_some() {
                break;
            }
        }
        sent
    };
    let sent: Vec<Sent> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..10).map(|client| scope.spawn(move || ask(client % 5))).collect();
        std::thread::sleep(Duration::from_millis(700));
        *told.lock().unwrap() = Some(Instant::now());
        assert!(Command::new("kill").args(["-TERM", &server.running.0.id().to_string()]).status().unwrap().success());
        let sent = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        sent
    });
    let told = told.into_inner().unwrap().unwrap();
    let mut answered = 0;
    for Sent { which, start, end, answer } in sent {
        match answer {
            Ok(200 | 201 | 429 | 503) => answered += usize::from(end > told),
            _ if start + ON_ITS_WAY > told => {}
            other => panic!("request {which}, sent {:?} before the end was told: {other:?}", told - start),
        }
    }
    assert!(answered > 0, "nothing was asked when the end was told");
    let (status, log) = server.end();
    assert_eq!(status, Some(0), "{log}");
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
    desk.verify();
}
