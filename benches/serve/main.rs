//! `voisin serve` under load from a second process, beside the library doing the same work directly.
//!
//! `cargo bench --bench serve -- --store DIR [--seconds 10] [--rounds 3] [--clients 1,8,64]` asks a server that only reads DIR. Clients
//! send one request after the other, each over a connection of its own: texts to embed, one a request, and titles as questions. Every
//! answer is compared with what the library gives, byte by byte. The generator shares the cores with the server, so what it
//! takes of them is shown. Rounds are interleaved, medians shown.
//!
//! `cargo bench --bench serve -- --mixed SECONDS [--store DIR]` searches, embeds and reads a copy of DIR while articles are put,
//! replaced and deleted, checks every answer, and shows the server's memory from time to time. It fails if any answer is wrong.
//!
//! Without `--store`, the store is made of `tests/fixtures`. Without `--bench`, as in `cargo test --benches`, all of it runs for a moment.

#![allow(clippy::print_stdout, reason = "a bench prints its result")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use voisin::bench::machine::Machine;
use voisin::bench::stats::Sample;
use voisin::engine::{Engine, Options};
use voisin::index::Choice;
use voisin::kernels::Isa;

use load::{Lone, Run, Workload};
use process::{Server, voisin};
use synthetic::Failure;

mod client;
mod load;
mod mixed;
mod process;

#[allow(dead_code, reason = "what makes articles of stored ones is for other benches")]
#[path = "../common/synthetic.rs"]
mod synthetic;

/// What is measured.
struct Settings {
    seconds: f64,
    rounds: usize,
    clients: Vec<usize>,
}

/// A store of the articles of the fixtures.
fn small() -> Result<TempDir, Failure> {
    let folder = tempfile::tempdir()?;
    let articles = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/articles");
    let mut index = voisin();
    index.arg("index").arg(articles).args(["--quiet", "--cache", "none", "--store"]).arg(folder.path());
    let made = index.output()?;
    if made.status.success() { Ok(folder) } else { Err(String::from_utf8_lossy(&made.stderr).into()) }
}

/// The engine as the server opens it.
fn engine(store: &Path) -> Result<Engine, Failure> {
    Ok(Engine::open(store, Options { view: Choice::Auto { queries: u32::MAX }, ..Options::default() })?)
}

/// What was measured of a workload.
struct Measured {
    workload: Workload,
    /// Requests a second, by the library.
    direct: Sample,
    /// Of each number of clients, round by round.
    runs: Vec<Vec<Run>>,
    lone: Vec<Lone>,
}

fn median<T>(of: &[T], value: impl Fn(&T) -> f64) -> f64 {
    of.iter().map(value).collect::<Sample>().median()
}

fn load(store: &Path, settings: &Settings) -> Result<(), Failure> {
    let engine = engine(store)?;
    let server = Server::start(store, &["--read-only"])?;
    let time = Duration::from_secs_f64(settings.seconds);
    let mut all: Vec<Measured> = Vec::new();
    for workload in Workload::all(&engine, &server)? {
        let most = settings.clients.iter().copied().max().unwrap_or(1);
        workload.run(&server, most, time / 5)?;
        workload.directly(&engine, time / 5)?;
        let runs = settings.clients.iter().map(|_| Vec::new()).collect();
        all.push(Measured { workload, direct: Sample::default(), runs, lone: Vec::new() });
    }
    for _ in 0..settings.rounds {
        for Measured { workload, direct, runs, lone } in &mut all {
            direct.push(workload.directly(&engine, time)?);
            for (runs, clients) in runs.iter_mut().zip(&settings.clients) {
                runs.push(workload.run(&server, *clients, time)?);
            }
            if workload.tokens > 0.0 {
                lone.push(workload.lone(&engine, &server, time / 2)?);
            }
        }
    }
    print(&all, settings);
    server.end()
}

fn print(all: &[Measured], settings: &Settings) {
    let Settings { seconds, rounds, clients } = settings;
    println!("{}; {rounds} rounds of {seconds} s each, medians\n", Machine::this(Isa::best()).describe());
    println!(
        "| what | clients | requests/s | p50 ms | p99 ms | tokens/s | library/s | share | server CPUs | generator CPUs | RSS MB | anonymous MB |"
    );
    println!("| --- |{}", " ---: |".repeat(11));
    for Measured { workload, direct, runs, .. } in all {
        for (runs, clients) in runs.iter().zip(clients) {
            let rate = median(runs, |run| run.rate);
            let share =
                runs.iter().zip(direct.values()).map(|(run, direct)| run.rate / direct).collect::<Sample>().median();
            let [p50, p99] = [0.5, 0.99].map(|p| median(runs, |run| run.latencies.percentile(p)));
            let cpu = |of: fn(&Run) -> Option<f64>| median(runs, |run| of(run).unwrap_or(f64::NAN));
            println!(
                "| {} | {clients} | {rate:.0} | {p50:.2} | {p99:.2} | {:.0} | {:.0} | {share:.2} | {:.2} | {:.2} | {:.0} | {:.0} |",
                workload.name,
                rate * workload.tokens,
                direct.median(),
                cpu(|run| run.server_cpu),
                cpu(|run| run.own_cpu),
                median(runs, |run| run.memory.resident),
                median(runs, |run| run.memory.anonymous),
            );
        }
    }
    println!(
        "\nOne request at a time, p50 in ms: the same text by the server and directly, and a request for nothing.\n"
    );
    println!("| what | server | directly | difference | of it HTTP | left |");
    println!("| --- |{}", " ---: |".repeat(5));
    for Measured { workload, lone, .. } in all.iter().filter(|measured| !measured.lone.is_empty()) {
        let p50 = |of: fn(&Lone) -> f64| median(lone, of);
        let asked = p50(|lone| lone.asked.median());
        let direct = p50(|lone| lone.direct.median());
        let nothing = p50(|lone| lone.nothing.median());
        let difference = asked - direct;
        println!(
            "| {} | {asked:.3} | {direct:.3} | {difference:.3} | {nothing:.3} | {:.3} |",
            workload.name,
            difference - nothing
        );
    }
}

/// Mixed load over a copy of a store.
fn mixed(store: &Path, time: Duration) -> Result<(), Failure> {
    let copy = tempfile::tempdir()?;
    copy_all(store, copy.path())?;
    mixed::mixed(copy.path(), &engine(copy.path())?, time)
}

fn copy_all(from: &Path, into: &Path) -> Result<(), Failure> {
    for entry in fs_err::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if path.is_dir() {
            fs_err::create_dir(into.join(&name))?;
            copy_all(&path, &into.join(&name))?;
        } else {
            fs_err::copy(&path, into.join(&name))?;
        }
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).cloned()
    };
    let number = |name: &str, usual: f64| after(name).map_or(Ok(usual), |number| number.parse());
    let given = after("--store").map(PathBuf::from);
    let made = if given.is_none() { Some(small()?) } else { None };
    let store = given.as_deref().or(made.as_ref().map(TempDir::path)).ok_or("no store")?;
    if !arguments.iter().any(|argument| argument == "--bench") {
        load(store, &Settings { seconds: 0.1, rounds: 1, clients: vec![1, 8] })?;
        return mixed(store, Duration::from_secs(1));
    }
    if after("--mixed").is_some() {
        return mixed(store, Duration::from_secs_f64(number("--mixed", 0.0)?));
    }
    let clients = after("--clients").unwrap_or_else(|| "1,8,64".to_owned());
    let clients = clients.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
    load(store, &Settings { seconds: number("--seconds", 10.0)?, rounds: number("--rounds", 3.0)? as usize, clients })
}
