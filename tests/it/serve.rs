//! The server as clients and attackers meet it: over real connections, to the real program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Answer, Desk, Running, tiny_model, wait_until};

/// A server on a desk, killed when the test ends.
pub struct Serving {
    running: Option<Running>,
    address: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Told {
    status: u16,
    head: String,
    body: String,
}

impl Told {
    /// The value of a header.
    fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Asserts a status, and that an error says all of `parts` in the shape of errors.
    #[track_caller]
    fn refused(self, status: u16, code: &str, parts: &[&str]) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:#?}");
        let body: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(body["error"]["code"], code, "{self:#?}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(parts.iter().all(|part| message.contains(part)), "{message} should say {parts:?}");
        self
    }

    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }
}

impl Serving {
    /// Starts a server with a tiny model; the store is made if the desk has none.
    fn start(desk: &Desk, args: &[&str]) -> Self {
        let model = tiny_model("bert");
        let listen = if args.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] };
        let mut running =
            Running::start(desk.command(&[&["serve", "--model", &model], listen, args].concat()), Stdio::null());
        let said = Arc::<Mutex<Vec<String>>>::default();
        let (lines, pipe) = (said.clone(), BufReader::new(running.0.stderr.take().unwrap()));
        std::thread::spawn(move || {
            pipe.lines().map_while(Result::ok).for_each(|line| lines.lock().unwrap().push(line))
        });
        let address = || -> Option<SocketAddr> {
            let said = said.lock().unwrap();
            let line = said.iter().find_map(|line| line.strip_prefix("listening at http://"))?;
            line.split_once(": ")?.0.parse().ok()
        };
        wait_until("the server to listen", || {
            assert!(running.0.try_wait().unwrap().is_none(), "it ended: {:?}", said.lock().unwrap());
            address().is_some()
        });
        Self { address: address().unwrap(), running: Some(running), said }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends bytes over a connection of their own, and reads the answer to its end.
    fn send(&self, bytes: &[u8]) -> Told {
        let mut stream = self.connect();
        // What is refused early may not be taken whole.
        let _ = stream.write_all(bytes);
        answer(&mut stream)
    }

    /// Asks with a method, a path and headers.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Told {
        let host = format!("localhost:{}", self.address.port());
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += &format!("host: {host}\r\n");
        }
        if !body.is_empty() {
            head += &format!("content-length: {}\r\n", body.len());
        }
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        self.send(&[head.as_bytes(), b"\r\n", body].concat())
    }

    fn get(&self, path: &str) -> Told {
        self.ask("GET", path, &[], b"")
    }

    fn with_key(&self, path: &str, key: &str) -> Told {
        self.ask("GET", path, &[("authorization", &format!("Bearer {key}"))], b"")
    }

    /// A number of `/metrics`.
    fn number(&self, name: &str) -> f64 {
        let text = self.get("/metrics").expect(200).body;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// What it logged, as objects.
    fn log(&self) -> Vec<Value> {
        let said = self.said.lock().unwrap();
        said.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.running.as_ref().unwrap().0.id());
        std::process::Command::new("sh").arg("-c").arg(kill).status().unwrap();
    }

    /// Waits for its end.
    fn end(mut self) -> Answer {
        self.running.take().unwrap().end()
    }
}

/// Reads an answer to the end of its connection.
#[track_caller]
fn answer(stream: &mut TcpStream) -> Told {
    let mut bytes = Vec::new();
    // A side that was refused while it sent may be told so by a reset, after the answer.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Told { status, head: head.to_owned(), body: body.to_owned() }
}

/// Half of a request whose body is still to come.
const BEGUN: &[u8] = b"POST /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n12345";

#[test]
fn it_says_how_it_is() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &[]);
    assert!(desk.path(".voisin/voisin.db").exists(), "a store is made");
    assert_eq!(server.get("/health").expect(200).body, "alive\n");
    assert_eq!(server.get("/ready").expect(200).body, "ready\n");
    let metrics = server.get("/metrics").expect(200);
    assert_eq!(metrics.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(metrics.body.ends_with("# EOF\n"));
    let sample = regex::Regex::new(r#"^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [-+0-9.eE]+$"#).unwrap();
    for line in metrics.body.lines().filter(|line| !line.starts_with('#')) {
        assert!(sample.is_match(line), "{line}");
    }
    assert_eq!(server.number("voisin_articles"), 0.0);
    assert!(server.number("voisin_resident_bytes") > 1e6);
    assert_eq!(server.number("voisin_requests_total{method=\"GET\",route=\"/health\",status=\"200\"}"), 1.0);
    assert_eq!(server.number("voisin_request_seconds_count{method=\"GET\",route=\"/ready\"}"), 1.0);
    assert!(server.number("voisin_requests_in_flight") >= 1.0, "this one");
}

#[test]
fn every_answer_has_its_headers_its_id_and_its_line() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &[]);
    let not_there = server.ask("GET", "/Nantes?q=secret", &[("x-request-id", "mine-1")], b"");
    let not_there = not_there.refused(404, "not_found", &["nothing at this path"]);
    assert_eq!(not_there.header("x-request-id"), Some("mine-1"));
    let wrong = server.ask("DELETE", "/health", &[("x-request-id", "not sane")], b"");
    let wrong = wrong.refused(405, "wrong_method", &["DELETE", "allow"]);
    assert_eq!(wrong.header("allow"), Some("GET,HEAD"));
    let made = wrong.header("x-request-id").unwrap().to_owned();
    assert!(made != "not sane" && made.len() > 9, "{made}");
    for answer in [&not_there, &wrong, &server.get("/health"), &server.get("/metrics")] {
        assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none';"));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value));
        }
        assert_eq!(answer.header("access-control-allow-origin"), None, "CORS is off");
    }
    wait_until("the log", || server.log().iter().filter(|line| line["fields"]["status"].is_u64()).count() >= 4);
    let line = |id: &str| server.log().into_iter().find(|line| line["span"]["id"] == id).unwrap();
    assert_eq!(line("mine-1")["fields"]["status"], 404);
    assert_eq!(line("mine-1")["fields"]["route"], "none");
    assert_eq!(line(&made)["fields"]["method"], "DELETE");
    assert_eq!(line(&made)["fields"]["route"], "/health");
    let said = server.said.lock().unwrap().join("\n");
    assert!(!said.contains("secret") && !said.contains("Nantes"), "what was asked for is not logged: {said}");
}

#[test]
fn keys_let_in_until_they_are_removed() {
    let desk = Desk::new();
    let add = |name: &str, scope: &str| {
        let answer = desk.run(&["keys", "add", name, "--scope", scope]).expect(0);
        answer.out.trim().to_owned()
    };
    let (reader, writer) = (add("reader", "read"), add("writer", "write"));
    desk.run(&["keys", "add", "reader"]).refused(&["already", "voisin keys remove reader"]);
    let listed: Vec<Value> = desk.run(&["keys", "list", "--json"]).expect(0).objects();
    assert_eq!(listed.iter().map(|key| &key["scope"]).collect::<Vec<_>>(), ["read", "write"]);
    let text = desk.read(".voisin/keys.json");
    assert!(!text.contains(&reader) && !text.contains(&writer));

    let server = Serving::start(&desk, &[]);
    assert!(server.said.lock().unwrap().iter().any(|line| line.contains("keys of .voisin/keys.json are needed")));
    server.get("/health").expect(200);
    server.get("/ready").expect(200);
    for path in ["/metrics", "/", "/nothing"] {
        let none = server.get(path).refused(401, "unauthorised", &["Authorization: Bearer"]);
        assert_eq!(none.header("www-authenticate"), Some("Bearer"));
    }
    let browser = server.ask("GET", "/metrics", &[("accept", "text/html,*/*;q=0.8")], b"");
    assert_eq!(browser.expect(401).header("www-authenticate"), Some("Basic realm=\"voisin\", charset=\"UTF-8\""));
    server.with_key("/metrics", &reader).expect(200);
    server.ask("GET", "/metrics", &[("x-api-key", &writer)], b"").expect(200);
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("me:{reader}"));
    server.ask("GET", "/metrics", &[("authorization", &format!("Basic {basic}"))], b"").expect(200);
    server.with_key("/metrics", &reader[..reader.len() - 1]).refused(401, "unauthorised", &["not known"]);
    server.with_key("/nothing", &reader).expect(404);

    // Wrong keys in large numbers keep nobody else waiting.
    std::thread::scope(|scope| {
        let wrong: Vec<_> =
            (0..64).map(|_| scope.spawn(|| server.with_key("/metrics", "voisin_wrong").status)).collect();
        let start = Instant::now();
        server.with_key("/metrics", &writer).expect(200);
        assert!(start.elapsed() < Duration::from_secs(5));
        assert!(wrong.into_iter().all(|wrong| wrong.join().unwrap() == 401));
    });

    desk.run(&["keys", "remove", "reader"]).expect(0);
    let removed = Instant::now();
    wait_until("the key to stop working", || server.with_key("/metrics", &reader).status == 401);
    assert!(removed.elapsed() < Duration::from_secs(5));
    server.with_key("/metrics", &writer).expect(200);
    desk.write(".voisin/keys.json", "{");
    std::thread::sleep(Duration::from_millis(1_100));
    server.with_key("/metrics", &writer).expect(200);
    assert!(server.log().iter().any(|line| line["level"] == "ERROR" && line["fields"]["error"].is_string()));
    drop(server);
    let damaged = desk.run(&["serve", "--listen", "127.0.0.1:0"]);
    damaged.refused(&["keys.json is no file of keys, or damaged"]);
}

#[test]
fn beyond_the_loopback_address_keys_are_needed_or_two_words() {
    let desk = Desk::new();
    for told in [&[][..], &["--without-keys"]] {
        let answer = desk.run(&[&["serve", "--listen", "0.0.0.0:0"], told].concat());
        answer.refused(&[
            "other machines could connect",
            "voisin keys add NAME",
            "--without-keys twice",
            "change and delete",
        ]);
    }
    assert!(!desk.path(".voisin").exists(), "refused before anything is made");
    let serve = |args: &[&str]| desk.run(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
    serve(&["--keys", "nowhere.json"]).refused(&["no file of keys at nowhere.json", "voisin keys add NAME"]);
    assert!(!desk.path(".voisin").exists(), "nor is it where the keys are missing");
    serve(&["--read-only"]).refused(&["there is no store at .voisin"]);

    let open = Serving::start(&desk, &["--listen", "0.0.0.0:0", "--without-keys", "--without-keys"]);
    assert!(open.said.lock().unwrap().iter().any(|line| line.contains("NO KEY IS NEEDED")));
    let told = TcpStream::connect(("127.0.0.1", open.address.port())).map(|mut stream| {
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: search.example\r\nconnection: close\r\n\r\n").unwrap();
        answer(&mut stream)
    });
    told.unwrap().expect(200);
}

#[test]
fn what_other_sites_make_browsers_ask_is_refused() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &[]);
    for host in ["evil.example", "127.0.0.1.evil.example", "192.168.0.1"] {
        server.ask("GET", "/health", &[("host", host)], b"").refused(403, "forbidden", &["localhost"]);
    }
    // No browser leaves out whom it asks.
    server.send(b"GET /health HTTP/1.0\r\n\r\n").expect(200);
    server.ask("GET", "/health", &[("host", &server.address.to_string())], b"").expect(200);
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example"), ("origin", "null")] {
        server.ask("POST", "/health", &[(name, value)], b"").refused(403, "forbidden", &["another site"]);
        server.ask("GET", "/health", &[(name, value)], b"").expect(200);
    }
    let own = format!("http://localhost:{}", server.address.port());
    server.ask("POST", "/health", &[("origin", &own), ("sec-fetch-site", "same-origin")], b"").expect(405);
    server.ask("OPTIONS", "/health", &[("origin", "http://evil.example")], b"").expect(405);
}

#[test]
fn bodies_that_are_too_large_are_refused_and_the_refusal_arrives() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &["--max-body", "1"]);
    let large = vec![b'a'; 100 << 20];
    server.ask("POST", "/health", &[], &large).refused(413, "too_large", &["1048576 bytes"]);
    // Whoever asks first is spared to send it.
    let asked = format!(
        "POST /health HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        1 << 30
    );
    server.send(asked.as_bytes()).refused(413, "too_large", &[]);
    let mut chunked =
        b"POST /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..20 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&large[..0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    server.send(&[&chunked[..], b"0\r\n\r\n"].concat()).refused(413, "too_large", &[]);
    server.ask("POST", "/health", &[], &large[..1 << 20]).expect(405);
    server.get("/health").expect(200);
}

#[test]
fn heads_and_bodies_that_trickle_in_are_not_waited_for() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &["--timeout", "1"]);
    let start = Instant::now();
    let mut body = server.connect();
    body.write_all(BEGUN).unwrap();
    let mut silent = server.connect();
    let mut head = server.connect();
    head.write_all(b"GET /health HTTP/1.1\r\nhost: local").unwrap();
    let trickle = std::thread::spawn({
        let mut head = head.try_clone().unwrap();
        move || {
            (0..60).all(|_| {
                std::thread::sleep(Duration::from_millis(100));
                head.write_all(b"a").is_ok()
            })
        }
    });
    server.get("/health").expect(200);
    answer(&mut body).refused(408, "late", &["within 1 s"]);
    let mut nothing = Vec::new();
    assert_eq!(silent.read_to_end(&mut nothing).unwrap_or(0), 0, "{nothing:?}");
    assert_eq!(head.read_to_end(&mut nothing).unwrap_or(0), 0, "{nothing:?}");
    assert!(!trickle.join().unwrap(), "the head was read for six seconds");
    assert!(start.elapsed() < Duration::from_secs(20));
    // So is a connection that says nothing after its first answer.
    let mut kept = server.connect();
    kept.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let told = answer(&mut kept);
    assert_eq!((told.status, told.header("connection")), (200, None));
    wait_until("connections to be closed", || server.number("voisin_connections") == 1.0);
}

#[test]
fn idle_connections_keep_nobody_else_from_being_answered() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &["--max-connections", "320"]);
    let idle: Vec<TcpStream> = (0..300).map(|_| server.connect()).collect();
    assert_eq!(server.number("voisin_connections"), 301.0);
    let more: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
    wait_until("the places to be taken", || server.get("/health").status == 503);
    let full = server.get("/health").refused(503, "unavailable", &["too many connections"]);
    assert_eq!(full.header("retry-after"), Some("1"));
    drop(more);
    wait_until("places to be free", || server.get("/health").status == 200);
    drop(idle);
}

#[test]
fn what_is_no_http_is_refused() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &[]);
    for (bytes, status) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), 400),
        (b"GET /health HTTP/1.1\r\nhost: localhost\r\n\xff\xfe: a\r\n\r\n".to_vec(), 400),
        (format!("GET /health HTTP/1.1\r\nhost: localhost\r\na: {}\r\n\r\n", "b".repeat(1 << 20)).into_bytes(), 431),
        (format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "a: b\r\n".repeat(100)).into_bytes(), 431),
        (format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(1 << 20)).into_bytes(), 431),
    ] {
        assert_eq!(server.send(&bytes).status, status);
    }
    for path in
        ["/../../etc/passwd", "/assets/../../etc/passwd", "/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "//etc/passwd"]
    {
        server.get(path).refused(404, "not_found", &[]);
    }
    server.get("/health").expect(200);
}

#[cfg(unix)]
#[test]
fn it_ends_when_the_requests_that_were_begun_are_answered() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &[]);
    let mut begun = server.connect();
    begun.write_all(BEGUN).unwrap();
    let mut idle = server.connect();
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 15];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    server.signal("TERM");
    wait_until("the end to begin", || server.said.lock().unwrap().iter().any(|line| line.starts_with("ending")));
    wait_until("new connections to be refused", || TcpStream::connect(server.address).is_err());
    idle.read_to_end(&mut Vec::new()).unwrap();
    begun.write_all(b"67890").unwrap();
    let told = answer(&mut begun);
    assert_eq!((told.status, told.header("connection")), (405, Some("close")));
    begun.shutdown(Shutdown::Both).ok();
    server.end().expect(0);
}

#[cfg(unix)]
#[test]
fn the_second_interrupt_ends_it_at_once() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &[]);
    let mut begun = server.connect();
    begun.write_all(BEGUN).unwrap();
    server.get("/health").expect(200);
    server.signal("INT");
    wait_until("the end to begin", || server.said.lock().unwrap().iter().any(|line| line.starts_with("ending")));
    server.signal("INT");
    assert_eq!(server.end().code, Some(130));
}

#[test]
fn a_key_to_ask_with_changes_nothing() {
    let desk = Desk::new();
    let [reader, writer] = ["read", "write"]
        .map(|scope| desk.run(&["keys", "add", scope, "--scope", scope]).expect(0).out.trim().to_owned());
    let server = Serving::start(&desk, &[]);
    let article = r#"{"title": "Crue en Ardèche", "text": "La rivière est sortie de son lit dans la nuit."}"#;
    let with = |key: &str, method: &str, path: &str, body: &str| {
        let key = format!("Bearer {key}");
        let kind = if path == "/v1/articles" { "application/x-ndjson" } else { "application/json" };
        server.ask(method, path, &[("authorization", &key), ("content-type", kind)], body.as_bytes())
    };
    for (method, path, body) in [
        ("PUT", "/v1/articles/a", article),
        ("POST", "/v1/articles", article),
        ("DELETE", "/v1/articles/a", ""),
        ("POST", "/v1/jobs", "{}"),
    ] {
        with(&reader, method, path, body).refused(403, "forbidden", &["read", "scope write"]);
        with("voisin_wrong", method, path, body).refused(401, "unauthorised", &[]);
    }
    with(&writer, "PUT", "/v1/articles/a", article).expect(201);
    with(&reader, "GET", "/v1/articles/a", "").expect(200);
    wait_until("the article", || {
        let found = with(&reader, "POST", "/v1/search", r#"{"q": "crue"}"#);
        assert_eq!(found.status, 200, "{found:#?}");
        found.body.contains("Ardèche")
    });
    let holder = |line: &Value| line["fields"]["key"] == "write" && line["fields"]["route"] == "/v1/articles/{id}";
    wait_until("the log", || server.log().iter().any(holder));
    with(&writer, "DELETE", "/v1/articles/a", "").expect(200);
    assert!(!server.said.lock().unwrap().join("\n").contains("rivière"), "no text is logged");
}

#[test]
fn one_process_writes_and_others_read() {
    let desk = Desk::with_tiny_corpus();
    let server = Serving::start(&desk, &[]);
    desk.index_tiny(&["articles"]).refused(&["is writing to .voisin"]);
    desk.run(&["serve", "--listen", "127.0.0.1:0"]).refused(&["is writing to .voisin"]);
    desk.run(&["search", "crue"]).expect(0);
    let reader = Serving::start(&desk, &["--read-only"]);
    let put = |server: &Serving| {
        let kind = [("content-type", "application/json")];
        server.ask("PUT", "/v1/articles/new", &kind, br#"{"text": "Le funiculaire de Fourvoirie repart mardi."}"#)
    };
    assert!((400..500).contains(&put(&reader).status));
    put(&server).expect(201);
    let finds =
        |server: &Serving| server.get("/v1/search?q=funiculaire+Fourvoirie&mode=lexical").body.contains("\"new\"");
    let stored = Instant::now();
    wait_until("it to be found", || finds(&server));
    assert!(stored.elapsed() < Duration::from_secs(1), "{:?}", stored.elapsed());
    wait_until("the other process to follow", || finds(&reader));
}

#[test]
fn bodies_that_are_no_json_are_refused() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &[]);
    let deep = ["[", "{\"a\":"].map(|open| open.repeat(200_000).into_bytes());
    let invalid = [b"{\"q\": \"\xff\xfe\"}".to_vec(), b"\xef\xbb".to_vec(), b"{\"q\": \"\\ud800\"}".to_vec()];
    for body in deep.into_iter().chain(invalid) {
        for path in
            ["/v1/search", "/v1/similar", "/v1/compare", "/v1/jobs", "/v1/embeddings", "/embed", "/rerank", "/v2/embed"]
        {
            let told = server.ask("POST", path, &[("content-type", "application/json")], &body);
            assert!([400, 404, 405, 422].contains(&told.status), "{path}: {told:#?}");
            let said: Value = serde_json::from_str(&told.body).unwrap_or_else(|_| panic!("{path}: {told:#?}"));
            assert!(said.is_object());
        }
        let bulk = server.ask("POST", "/v1/articles", &[("content-type", "application/x-ndjson")], &body);
        assert!(bulk.status == 200 && bulk.body.contains("\"failed\":1"), "a line of a bulk load: {bulk:#?}");
    }
    server.get("/ready").expect(200);
}

#[test]
fn whoever_goes_away_leaves_the_line() {
    let desk = Desk::new();
    let server = Serving::start(&desk, &["--threads", "1"]);
    let texts =
        vec!["La rivière est sortie de son lit dans la nuit de lundi à mardi, sans que personne l'ait vue."; 2_000];
    let body = serde_json::to_vec(&serde_json::json!({ "inputs": texts })).unwrap();
    let head = format!(
        "POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut gone = server.connect();
    gone.write_all(&[head.as_bytes(), &body].concat()).unwrap();
    wait_until("texts to wait", || server.number("voisin_waiting_texts") > 100.0);
    drop(gone);
    let left = "voisin_requests_left_total{method=\"POST\",route=\"/embed\"} 1\n";
    wait_until("the request to be given up", || server.get("/metrics").body.contains(left));
    assert_eq!(server.number("voisin_waiting_texts"), 0.0);
    assert!(server.number("voisin_embedded_texts_total") < 1_900.0, "most of them were not embedded");
}
