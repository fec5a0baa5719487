//! Models of the hub, over HTTP: the binary against a small hub of one repository on this machine.
//!
//! [`Hub`] answers as the real hub does where hf-hub 1.0 asks (its `repository/download.rs`): small files behind a
//! relative redirect, weights behind one to another host, `X-Repo-Commit` with every file and with every file that is
//! missing, 401 to strangers who ask for what does not exist. It knows nothing of Xet, by which the real hub also hands
//! out weights.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;
use tiny_http::{Header, Method, Response, Server};
use voisin::text::analysis_form;

const ID: &str = "voisin-tests/tiny-bert";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const WEIGHTS: &str = "model.safetensors";

/// A hub that is down: nobody listens on this port.
const DOWN: &str = "http://127.0.0.1:1";

/// What the hub holds, and how it hands it out.
struct Repository {
    files: BTreeMap<String, Vec<u8>>,
    /// The token of those who may read it, if not all may.
    gate: Option<&'static str>,
    delivery: Delivery,
}

/// How weights arrive.
#[derive(Clone, Copy)]
enum Delivery {
    Whole,
    /// The connection ends half-way.
    BrokenOff,
    /// A page that says why not, as from a proxy or for a link that has expired.
    Refused,
}

impl Repository {
    /// The model whose vectors depend on the most of its files: prompts, another pooling than usual, a limit.
    fn tiny() -> Self {
        let names = [
            "modules.json",
            "config.json",
            "config_sentence_transformers.json",
            "tokenizer_config.json",
            "tokenizer.json",
            "1_Pooling/config.json",
            WEIGHTS,
        ];
        let files = names.map(|name| (name.to_owned(), fs_err::read(fixture().join(name)).unwrap()));
        Self { files: files.into(), gate: None, delivery: Delivery::Whole }
    }
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/bert-cls-prompts")
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    method: String,
    path: String,
    authorization: Option<String>,
}

/// A running hub; its threads end with the process.
struct Hub {
    endpoint: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Hub {
    fn start(repository: Repository) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let store = start_file_store(&repository, seen.clone());
        let server = Server::http("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", server.server_addr());
        let log = seen.clone();
        std::thread::spawn(move || {
            for request in server.incoming_requests() {
                let header = |name: &'static str| {
                    let found = request.headers().iter().find(|header| header.field.equiv(name));
                    found.map(|header| header.value.to_string())
                };
                let authorization = header("Authorization");
                log.lock().unwrap().push(Seen {
                    method: request.method().to_string(),
                    path: request.url().to_owned(),
                    authorization: authorization.clone(),
                });
                let known = header("If-None-Match");
                let answer = answer(&repository, &store, request.url(), authorization.as_deref(), known.as_deref());
                assert!([Method::Get, Method::Head].contains(request.method()));
                // A client that went away is its own business.
                let _ = request.respond(answer);
            }
        });
        Self { endpoint, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

type Answer = Response<std::io::Cursor<Vec<u8>>>;

fn answer(repository: &Repository, store: &str, url: &str, authorization: Option<&str>, known: Option<&str>) -> Answer {
    let direct = format!("/api/resolve-cache/models/{ID}/");
    let refuse = |status: u16, code: &str, message: &str| {
        reply(status, Vec::new(), &[("X-Error-Code", code), ("X-Error-Message", message)])
    };
    let path = url.strip_prefix(&direct).or_else(|| url.strip_prefix(&format!("/{ID}/resolve/")));
    let Some((revision, file)) = path.and_then(|path| path.split_once('/')) else {
        // To a stranger, the hub does not say what there is.
        let status = if authorization.is_some() { 404 } else { 401 };
        return refuse(status, "RepoNotFound", "Repository not found");
    };
    match (repository.gate, authorization) {
        (Some(_), None) => return refuse(401, "GatedRepo", "Access to this model is restricted. Please log in."),
        (Some(gate), Some(given)) if given != format!("Bearer {gate}") => {
            return refuse(403, "GatedRepo", "You are not in the authorized list.");
        }
        _ => {}
    }
    if ![COMMIT, "main"].contains(&revision) {
        return refuse(404, "RevisionNotFound", "Invalid rev id");
    }
    let Some(bytes) = repository.files.get(file) else {
        let message = "Entry not found";
        return reply(
            404,
            Vec::new(),
            &[("X-Error-Code", "EntryNotFound"), ("X-Error-Message", message), ("X-Repo-Commit", COMMIT)],
        );
    };
    let hash = blake3::hash(bytes).to_hex();
    // As SHA-256 for files in LFS and SHA-1 for those in git.
    let etag = if file == WEIGHTS { format!("\"{hash}\"") } else { format!("\"{}\"", &hash[..40]) };
    if known == Some(&etag) {
        reply(304, Vec::new(), &[("ETag", &etag), ("X-Repo-Commit", COMMIT)])
    } else if file == WEIGHTS {
        let (location, size) = (format!("{store}/{file}"), bytes.len().to_string());
        reply(
            302,
            b"Found".to_vec(),
            &[
                ("Location", &location),
                ("X-Repo-Commit", COMMIT),
                ("ETag", "\"of the redirect\""),
                ("X-Linked-ETag", &etag),
                ("X-Linked-Size", &size),
            ],
        )
    } else if url.starts_with(&direct) {
        reply(200, bytes.clone(), &[("ETag", &etag), ("X-Repo-Commit", COMMIT)])
    } else {
        reply(307, Vec::new(), &[("Location", &format!("{direct}{COMMIT}/{file}")), ("X-Repo-Commit", COMMIT)])
    }
}

fn reply(status: u16, body: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| Header::from_bytes(*name, *value).unwrap());
    headers
        .fold(Response::from_data(body).with_status_code(status), Response::with_header)
        .with_chunked_threshold(usize::MAX)
}

/// The host that holds large files. By hand, as tiny_http breaks no connection off.
fn start_file_store(repository: &Repository, log: Arc<Mutex<Vec<Seen>>>) -> String {
    let delivery = repository.delivery;
    let weights = repository.files.get(WEIGHTS).cloned().unwrap_or_default();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            log.lock().unwrap().push(read_head(&mut stream));
            let (status, length, body) = match delivery {
                Delivery::Whole => ("200 OK", weights.len(), &weights[..]),
                Delivery::BrokenOff => ("200 OK", weights.len(), &weights[..weights.len() / 2]),
                Delivery::Refused => ("403 Forbidden", 19, &b"Request has expired"[..]),
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            // A client that went away is its own business.
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
    });
    address
}

fn read_head(stream: &mut TcpStream) -> Seen {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split(' ').map(str::to_owned);
    let authorization =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("authorization: ").map(Into::into));
    Seen { method: words.next().unwrap(), path: words.next().unwrap(), authorization }
}

/// A user with a cache of their own.
struct User {
    home: TempDir,
}

impl User {
    fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    /// The binary, with nothing of this machine's settings.
    fn voisin(&self, endpoint: &str, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("voisin").unwrap();
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_uppercase();
            let ours = ["HF_", "HUGGINGFACE_", "XDG_", "VOISIN_"].iter().any(|prefix| upper.starts_with(prefix));
            if ours || upper.ends_with("_PROXY") {
                command.env_remove(name);
            }
        }
        command.env("HF_ENDPOINT", endpoint).env("HF_HOME", self.home.path()).current_dir(self.home.path());
        command.env("XDG_CACHE_HOME", self.home.path().join("caches")).env("VOISIN_PRECISION", "f32");
        command.args(arguments).timeout(Duration::from_secs(20));
        command
    }

    fn pull(&self, hub: &Hub) -> Command {
        self.voisin(&hub.endpoint, &["models", "pull", ID])
    }

    fn snapshot(&self) -> PathBuf {
        self.home.path().join("hub/models--voisin-tests--tiny-bert/snapshots").join(COMMIT)
    }
}

/// What the command prints, which must succeed.
fn output(mut command: Command) -> String {
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

/// What the command says, which must fail, in one line and with no results.
fn refusal(mut command: Command) -> String {
    let output = command.assert().code(2).get_output().clone();
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// That the command embeds the texts of the reference as the reference does.
fn assert_golden(mut command: Command, kind: &str) {
    let golden: Value = serde_json::from_slice(&fs_err::read(fixture().join("golden.json")).unwrap()).unwrap();
    // The command embeds the analysis form of a line, the reference embeds what it is given.
    let same = |text: &str| !text.is_empty() && analysis_form(text) == text;
    let texts = golden["texts"].as_array().unwrap().iter();
    let texts: Vec<&Value> = texts.filter(|t| t["kind"] == kind && same(t["text"].as_str().unwrap())).collect();
    assert!(texts.len() >= 10);
    let lines: String = texts.iter().map(|text| format!("{}\n", text["text"].as_str().unwrap())).collect();
    command.write_stdin(lines);
    let vectors = output(command);
    assert_eq!(vectors.lines().count(), texts.len());
    for (line, text) in vectors.lines().zip(texts) {
        let got: Value = serde_json::from_str(line).unwrap();
        assert_eq!(got["text"], text["text"]);
        assert_eq!(got["tokens"], text["token_ids"].as_array().unwrap().len());
        let cosine = cosine(&floats(&got["embedding"]), &floats(&text["embedding"]));
        assert!(cosine >= 0.99999, "{}: cosine {cosine}", text["name"]);
    }
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn a_model_is_pulled_into_the_cache_of_the_hub() {
    let repository = Repository::tiny();
    let files = repository.files.clone();
    let (hub, user) = (Hub::start(repository), User::new());
    let list = |arguments: &[&str]| output(user.voisin(DOWN, &[&["models", "list"], arguments].concat()));
    assert!(!list(&[]).contains(ID));

    let said = output(user.pull(&hub));
    for part in [ID, COMMIT, "BERT", "cls"] {
        assert!(said.contains(part), "no {part} in {said}");
    }
    for (name, bytes) in &files {
        assert_eq!(fs_err::read(user.snapshot().join(name)).unwrap(), *bytes, "{name}");
    }
    let branch = user.snapshot().join("../../refs/main");
    assert_eq!(fs_err::read_to_string(branch).unwrap(), COMMIT);
    assert!(list(&[]).lines().any(|line| line == format!("{ID}  (hub cache)")));
    assert!(list(&["--json"]).lines().any(|line| line == format!(r#"{{"id":"{ID}","place":"hub cache"}}"#)));

    // One commit, whatever happens to the branch meanwhile: it is asked for once, by HEAD and then GET.
    let asked = hub.seen();
    assert_eq!(asked.iter().filter(|seen| seen.path.contains("/resolve/main/")).count(), 2, "{asked:?}");

    let mut again = user.pull(&hub);
    again.arg("--json");
    let model: Value = serde_json::from_str(&output(again)).unwrap();
    assert_eq!((&model["id"], &model["commit"], &model["family"]), (&ID.into(), &COMMIT.into(), &"BERT".into()));
    let asked = hub.seen().split_off(asked.len());
    assert!(asked.iter().all(|seen| seen.method == "HEAD"), "fetched what is there: {asked:?}");
}

#[test]
fn a_pulled_model_needs_no_hub() {
    let (hub, user) = (Hub::start(Repository::tiny()), User::new());
    output(user.pull(&hub));
    assert_golden(user.voisin(DOWN, &["embed", "--model", ID, "--offline"]), "passage");
    assert_golden(user.voisin(DOWN, &["embed", "--model", ID, "--offline", "--query"]), "query");
    let pinned = format!("{ID}@{COMMIT}");
    assert_golden(user.voisin(DOWN, &["embed", "--model", &pinned, "--offline"]), "passage");

    let start = Instant::now();
    assert_golden(user.voisin(DOWN, &["embed", "--model", ID]), "passage");
    assert!(start.elapsed() < Duration::from_secs(5), "took {:?} to do without the hub", start.elapsed());
}

/// Word vectors as sentence-transformers 3 saves them: no config.json, and all the rest in a folder of their own.
#[test]
fn word_vectors_are_pulled_from_their_folder() {
    let folder = fixture().with_file_name("static");
    let names = [
        "modules.json",
        "config_sentence_transformers.json",
        "0_StaticEmbedding/tokenizer.json",
        "0_StaticEmbedding/model.safetensors",
    ];
    let files = names.map(|name| (name.to_owned(), fs_err::read(folder.join(name)).unwrap())).into();
    let (hub, user) = (Hub::start(Repository { files, ..Repository::tiny() }), User::new());
    assert!(output(user.pull(&hub)).contains("static word vectors"));
    assert!(output(user.voisin(DOWN, &["models", "show", ID, "--offline"])).contains("static word vectors"));
    assert!(output(user.voisin(DOWN, &["models", "list"])).contains(ID));
}

#[test]
fn offline_never_asks_the_hub() {
    let (hub, user) = (Hub::start(Repository::tiny()), User::new());
    refusal(user.voisin(&hub.endpoint, &["models", "show", ID, "--offline"]));
    refusal(user.voisin(&hub.endpoint, &["models", "pull", ID, "--offline"]));
    let mut by_environment = user.voisin(&hub.endpoint, &["models", "show", ID]);
    by_environment.env("HF_HUB_OFFLINE", "1");
    refusal(by_environment);
    assert_eq!(hub.seen(), []);
}

#[test]
fn offline_without_the_model_says_what_to_run() {
    let user = User::new();
    for name in [ID.to_owned(), format!("{ID}@v2")] {
        let said = refusal(user.voisin(DOWN, &["embed", "--model", &name, "--offline"]));
        assert!(said.contains(&format!("`voisin models pull {name}`")), "{said}");
    }
}

#[test]
fn offline_with_part_of_a_model_gives_no_wrong_vectors() {
    let (hub, user) = (Hub::start(Repository::tiny()), User::new());
    output(user.pull(&hub));
    // As transformers leaves it, which needs neither: without them, this model would be pooled by the mean.
    for name in ["modules.json", "1_Pooling/config.json"] {
        let path = user.snapshot().join(name);
        let aside = path.with_extension("aside");
        fs_err::rename(&path, &aside).unwrap();
        let said = refusal(user.voisin(DOWN, &["embed", "--model", ID, "--offline"]));
        assert!(said.contains(ID) && said.contains(name), "{said}");
        fs_err::rename(&aside, &path).unwrap();
    }
}

#[test]
fn what_the_hub_does_not_know_is_named() {
    let (hub, user) = (Hub::start(Repository::tiny()), User::new());
    for token in [None, Some("hf_valid")] {
        for (name, parts) in [
            ("nobody/nothing", ["\"nobody/nothing\"", "check the spelling"]),
            ("voisin-tests/tiny-bert@nope", ["\"voisin-tests/tiny-bert\" at revision \"nope\"", "check the spelling"]),
        ] {
            let mut command = user.voisin(&hub.endpoint, &["models", "pull", name]);
            command.envs(token.map(|token| ("HF_TOKEN", token)));
            let said = refusal(command);
            for part in parts {
                assert!(said.contains(part), "no {part} in {said}");
            }
        }
    }
    assert!(!output(user.voisin(DOWN, &["models", "list"])).contains('/'));
}

#[test]
fn a_repository_without_a_model_says_so() {
    let repository = Repository { files: [("README.md".to_owned(), Vec::new())].into(), ..Repository::tiny() };
    let (hub, user) = (Hub::start(repository), User::new());
    let said = refusal(user.pull(&hub));
    assert!(said.contains(ID) && said.contains("config.json"), "{said}");
    assert!(!said.contains("spelling"), "{said}");
}

#[test]
fn the_token_opens_a_gated_model_and_goes_to_the_hub_alone() {
    let hub = Hub::start(Repository { gate: Some("hf_member"), ..Repository::tiny() });
    let user = User::new();
    let with_token = |token: &str| {
        let mut command = user.pull(&hub);
        command.env("HF_TOKEN", token);
        command
    };
    let said = refusal(user.pull(&hub));
    assert!(said.contains(ID) && said.contains("HF_TOKEN") && said.contains("restricted"), "{said}");
    let said = refusal(with_token("hf_stranger"));
    assert!(said.contains(ID) && said.contains("not in the authorized list"), "{said}");
    assert!(!said.contains("hf_stranger"), "{said}");

    let before = hub.seen().len();
    output(with_token("hf_member"));
    let seen = hub.seen().split_off(before);
    let (elsewhere, at_hub): (Vec<_>, Vec<_>) = seen.iter().partition(|seen| seen.path == format!("/{WEIGHTS}"));
    assert!(at_hub.iter().all(|seen| seen.authorization.as_deref() == Some("Bearer hf_member")), "{at_hub:?}");
    assert_eq!(elsewhere.len(), 1);
    assert_eq!(elsewhere[0].authorization, None);
}

#[test]
fn no_network_is_said_within_seconds() {
    let user = User::new();
    let start = Instant::now();
    let said = refusal(user.voisin(DOWN, &["models", "pull", ID]));
    assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
    for part in [ID, "check the network", DOWN] {
        assert!(said.contains(part), "no {part} in {said}");
    }
}

#[test]
fn weights_that_did_not_arrive_are_fetched_again() {
    for delivery in [Delivery::BrokenOff, Delivery::Refused] {
        let user = User::new();
        let said = refusal(user.pull(&Hub::start(Repository { delivery, ..Repository::tiny() })));
        assert!(said.contains(ID) && said.contains(WEIGHTS), "{said}");
        assert!(!output(user.voisin(DOWN, &["models", "list"])).contains(ID));
        let said = refusal(user.voisin(DOWN, &["embed", "--model", ID, "--offline"]));
        assert!(said.contains(WEIGHTS) && said.contains("models pull"), "{said}");

        output(user.pull(&Hub::start(Repository::tiny())));
        assert_golden(user.voisin(DOWN, &["embed", "--model", ID, "--offline"]), "passage");
    }
}

#[test]
fn weights_in_another_format_are_refused() {
    let mut repository = Repository::tiny();
    let weights = repository.files.remove(WEIGHTS).unwrap();
    repository.files.insert("pytorch_model.bin".to_owned(), weights);
    let (hub, user) = (Hub::start(repository), User::new());
    let said = refusal(user.pull(&hub));
    assert!(said.contains(ID) && said.contains("only weights as safetensors are supported"), "{said}");
    assert!(!hub.seen().iter().any(|seen| seen.path.ends_with("pytorch_model.bin")));
}
