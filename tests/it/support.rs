//! What the tests of the command line share: a desk (a folder of its own, with the program and perhaps the fixtures
//! indexed on it), and the answers that the program gives.
//!
//! Nothing here asserts what a test is about; helpers only fail where the test could not go on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_voisin");

/// The user's folder of caches, on a desk; being hidden, it is not read as input.
pub const CACHES: &str = ".cache";

/// Longer than anything here may take: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(600);

/// `tests/fixtures`.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// One of the tiny models, for tests where vectors need not mean anything.
pub fn tiny_model(name: &str) -> String {
    fixtures().join("golden").join(name).display().to_string()
}

/// The option that has a tiny model embed, for tests where vectors need not mean anything.
pub fn tiny() -> [String; 2] {
    ["--model".into(), tiny_model("bert")]
}

/// `tests/fixtures/expected.json`.
pub fn expected() -> Value {
    serde_json::from_slice(&fs_err::read(fixtures().join("expected.json")).unwrap()).unwrap()
}

/// Says why a test did not run, where nextest and `cargo test -- --nocapture` show it.
#[expect(clippy::print_stderr, reason = "a test that does not run has to say so")]
pub fn say(line: &str) {
    eprintln!("{line}");
}

/// A folder in which the program runs; its store is `.voisin`. It goes when the test ends.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    /// An empty one.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One with the articles of the fixtures in `articles/`, indexed with the built-in model; `indexed.json` holds what
    /// indexing them said.
    ///
    /// Tests run in processes of their own, so the first that comes makes it under `target/tmp`, for this build of the
    /// program and these articles, and all of them copy it.
    pub fn with_corpus() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let lock = fs_err::File::create(root.join("corpus.lock")).unwrap();
        lock.file().lock().unwrap();
        let corpus = root.join("corpus");
        let key = corpus_key();
        if fs_err::read_to_string(corpus.join("key")).ok().as_ref() != Some(&key) {
            if corpus.exists() {
                fs_err::remove_dir_all(&corpus).unwrap();
            }
            copy(&fixtures().join("articles"), &corpus.join("articles"));
            let summary = run(&mut command(&corpus, &["index", "articles", "--json"]), b"").expect(0).out;
            fs_err::write(corpus.join("indexed.json"), summary).unwrap();
            fs_err::write(corpus.join("key"), key).unwrap();
        }
        let desk = Self::new();
        copy(&corpus, desk.folder.path());
        desk
    }

    /// The same with a tiny model, whose vectors mean nothing: for tests of everything else.
    pub fn with_tiny_corpus() -> Self {
        let desk = Self::new();
        copy(&fixtures().join("articles"), &desk.path("articles"));
        desk.index_tiny(&["articles"]).expect(0);
        desk
    }

    /// Where `name` is on this desk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, in folders that are made if need be.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, bytes).unwrap();
        path
    }

    /// Reads a text file.
    pub fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    /// The program with these arguments, yet to be run.
    pub fn command<S: AsRef<str>>(&self, args: &[S]) -> Command {
        command(self.folder.path(), args)
    }

    /// Runs the program.
    pub fn run<S: AsRef<str>>(&self, args: &[S]) -> Answer {
        self.run_with(args, b"")
    }

    /// Runs the program with something on its standard input.
    pub fn run_with<S: AsRef<str>>(&self, args: &[S], stdin: &[u8]) -> Answer {
        run(&mut self.command(args), stdin)
    }

    /// Runs `voisin index` with a tiny model on these paths and options.
    pub fn index_tiny(&self, args: &[&str]) -> Answer {
        let tiny = tiny();
        let all: Vec<&str> = ["index", "--json"]
            .into_iter()
            .chain(args.iter().copied())
            .chain(tiny.iter().map(String::as_str))
            .collect();
        self.run(&all)
    }

    /// What `voisin status --json` says of the store's content.
    pub fn stats(&self) -> Value {
        let mut status = self.run(&["status", "--json"]).one();
        status["store"].take()
    }

    /// Asserts that `voisin verify` finds nothing wrong.
    #[track_caller]
    pub fn verify(&self) {
        let findings = self.run(&["verify", "--json"]).expect(0).objects();
        assert!(!findings.is_empty());
        assert!(findings.iter().all(|finding| finding["ok"] == true), "{findings:?}");
    }
}

/// The program in a folder, seeing nothing of the settings of whoever runs the tests.
fn command<S: AsRef<str>>(folder: &Path, args: &[S]) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(folder).args(args.iter().map(AsRef::as_ref));
    for (name, _) in std::env::vars_os() {
        let known = name.to_string_lossy();
        if ["VOISIN_", "HF_", "CLICOLOR", "COLUMNS", "NO_COLOR"].iter().any(|start| known.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    command.env("HF_HOME", folder.join("no-hub-cache")).env("XDG_CACHE_HOME", folder.join(CACHES));
    // Which numbers are chosen depends on the machine.
    command.env("VOISIN_PRECISION", "f32");
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command, stdin: &[u8]) -> Answer {
    let mut whole = Command::new(command.get_program());
    whole.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        whole.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => whole.env(name, value),
            None => whole.env_remove(name),
        };
    }
    let shown = format!("{command:?}");
    let output = assert_cmd::Command::from_std(whole).timeout(PATIENCE).write_stdin(stdin).output().unwrap();
    Answer::new(shown, output)
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Answer {
    #[allow(dead_code, reason = "shown by Debug where an assertion fails")]
    /// The command that was run.
    pub command: String,
    /// Its exit status, `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Answer {
    /// What a process left; its output must be UTF-8.
    pub fn new(command: String, output: std::process::Output) -> Self {
        Self {
            command,
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts the exit status; a program that panicked never passes.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert!(self.code == Some(code), "expected exit status {code}: {self:#?}");
        assert!(!self.err.contains("panicked at"), "{self:#?}");
        self
    }

    /// Asserts an error: status 2, nothing on standard output, and a message of one line that says all of `parts`.
    #[track_caller]
    pub fn refused(self, parts: &[&str]) -> Self {
        let answer = self.expect(2);
        assert!(answer.out.is_empty(), "{answer:#?}");
        assert!(answer.err.lines().any(|line| line.starts_with("voisin: ")), "{answer:#?}");
        answer.says(parts)
    }

    /// Asserts that standard error says all of `parts`.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "standard error should say {part:?}: {self:#?}");
        }
        self
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(parse).collect()
    }

    /// Standard output as its only JSON object.
    #[track_caller]
    pub fn one(&self) -> Value {
        let mut objects = self.objects();
        assert_eq!(objects.len(), 1, "{self:#?}");
        objects.remove(0)
    }

    /// The ids of the articles that were found, in their order.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        self.objects().iter().map(|hit| hit["article"]["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// A running program, killed if the test ends before it does.
pub struct Running(pub std::process::Child);

impl Running {
    /// Starts a command with nothing to read, its outputs caught.
    pub fn start(mut command: Command, stdin: Stdio) -> Self {
        Self(command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Waits for its end.
    pub fn end(mut self) -> Answer {
        drop(self.0.stdin.take());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        // What these tests print fits into the pipes, so that reading one after the other cannot block.
        if let Some(mut pipe) = self.0.stdout.take() {
            std::io::Read::read_to_end(&mut pipe, &mut out).unwrap();
        }
        if let Some(mut pipe) = self.0.stderr.take() {
            std::io::Read::read_to_end(&mut pipe, &mut err).unwrap();
        }
        let status = self.0.wait().unwrap();
        Answer::new("a running voisin".to_owned(), std::process::Output { status, stdout: out, stderr: err })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until `done`, for a minute at most.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited a minute for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs_err::copy(entry.path(), &target).unwrap();
        }
    }
}

/// Changes when the program or an article does.
fn corpus_key() -> String {
    let mut files = vec![PathBuf::from(BINARY)];
    files.extend(fs_err::read_dir(fixtures().join("articles")).unwrap().map(|entry| entry.unwrap().path()));
    files.sort();
    files
        .iter()
        .map(|file| {
            let about = fs_err::metadata(file).unwrap();
            format!("{} {} {:?}\n", file.display(), about.len(), about.modified().unwrap())
        })
        .collect()
}

/// Numbers that look random and are the same in every run (splitmix64).
pub struct Numbers(pub u64);

impl Numbers {
    /// The next number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
