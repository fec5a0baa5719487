//! `voisin serve` and `voisin keys …`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use super::outcome;
use crate::cli::args::Common;
use crate::cli::args::serve::{self as args, KeysWhat};
use crate::cli::print::Printer;
use crate::cli::progress::write_line;
use crate::cli::{CliError, Outcome, settings};
use crate::engine::{Engine, Options};
use crate::index::Choice;
use crate::server::keys::{self, Keys, Scope};
use crate::server::options::{self, Limits, LongInputs};
use crate::server::{Server, ServerError};
use crate::store::Store;

impl From<args::LongInputs> for LongInputs {
    fn from(rule: args::LongInputs) -> Self {
        match rule {
            args::LongInputs::Pool => Self::Pool,
            args::LongInputs::Truncate => Self::Truncate,
            args::LongInputs::Reject => Self::Reject,
        }
    }
}

impl From<args::Scope> for Scope {
    fn from(scope: args::Scope) -> Self {
        match scope {
            args::Scope::Read => Self::Read,
            args::Scope::Write => Self::Write,
        }
    }
}

impl From<args::Log> for LevelFilter {
    fn from(log: args::Log) -> Self {
        match log {
            args::Log::Error => Self::ERROR,
            args::Log::Warn => Self::WARN,
            args::Log::Info => Self::INFO,
            args::Log::Debug => Self::DEBUG,
        }
    }
}

impl From<ServerError> for CliError {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Engine(error) => Self::Engine(error),
            error => Self::Said(error.to_string()),
        }
    }
}

pub(super) fn serve(common: &Common, args: &args::Serve) -> Result<Outcome, CliError> {
    let keys = keys_asked_for(common, args)?;
    let engine = engine(common, args)?;
    let started = Server::start(&engine, options(args, keys.clone()))?;
    // The server has what it needs of it.
    drop(engine);
    log(args.log);
    let quiet = common.quiet;
    let ready = move |address: SocketAddr| {
        let who = match &keys {
            Some(file) => format!("keys of {} are needed", file.display()),
            None if address.ip().is_loopback() => "no key is needed, this machine alone can connect".to_owned(),
            None => "NO KEY IS NEEDED, and other machines can connect".to_owned(),
        };
        if !quiet {
            write_line(&format!("listening at http://{address}: {who}"));
        }
    };
    started.run(ready, stop(quiet)?)?;
    Ok(Outcome::Found)
}

/// The file of keys, or nobody's who may be let in without.
fn keys_asked_for(common: &Common, args: &args::Serve) -> Result<Option<PathBuf>, CliError> {
    let usual = common.store.join(keys::FILE);
    let file = match &args.keys {
        Some(file) => Some(file.clone()),
        None => {
            // A link that leads nowhere is there, too: nobody meant everyone to come in.
            let there = fs_err::symlink_metadata(&usual).map(|_| true).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(false),
                _ => Err(CliError::Said(format!("cannot tell whether there are keys: {error}"))),
            });
            Some(usual.clone())
                .filter(|_| args.without_keys == 0)
                .map(|file| there.map(|there| there.then_some(file)))
                .transpose()?
                .flatten()
        }
    };
    if file.is_none() && !args.listen.ip().is_loopback() && args.without_keys < 2 {
        let told = match args.without_keys {
            0 => "make one with `voisin keys add NAME`",
            _ => "make one with `voisin keys add NAME` and leave --without-keys out",
        };
        return Err(CliError::Said(format!(
            "--listen {}: other machines could connect, and no key would be needed: {told}, listen at 127.0.0.1 behind a proxy that \
             lets nobody else in, or give --without-keys twice to let everyone read{} what is stored",
            args.listen,
            if args.read_only { "" } else { ", change and delete" }
        )));
    }
    // Before a store is made for nothing.
    let held = file.as_deref().map(Keys::read).transpose().map_err(|error| CliError::Said(error.to_string()))?;
    if let Some(file) = file.as_ref().filter(|_| held.is_some_and(|keys| keys.list().is_empty())) {
        let file = file.display();
        return Err(CliError::Said(format!(
            "{file} holds no key, so nobody could ask: make one with `voisin keys add NAME`, or delete the file"
        )));
    }
    Ok(file)
}

/// The engine, on a store that is made if there is none.
fn engine(common: &Common, args: &args::Serve) -> Result<Engine, CliError> {
    // A process that answers many questions is better served by a graph.
    let options = Options {
        view: Choice::Auto { queries: u32::MAX },
        ..settings::options(common, crate::cli::args::View::Auto)?
    };
    match settings::store(common)? {
        None if !args.read_only => {
            let (_, making) = settings::making(args.model.as_deref(), None, None, common, &options)?;
            Store::open_to_write(&common.store, &making)?;
        }
        Some(store) if args.model.is_some() => {
            let of_store = Options { dims: Some(store.model().dims), ..options };
            store.expect_model(&settings::model(args.model.as_deref(), &of_store)?.1)?;
        }
        _ => {}
    }
    let engine = Engine::open(&common.store, options)?;
    Ok(match &args.rerank {
        Some(model) => engine.with_reranker(settings::reranker(model, &options)?),
        None => engine,
    })
}

fn options(args: &args::Serve, keys: Option<PathBuf>) -> options::Options {
    let (body, request) = (usize::from(args.max_body) << 20, Duration::from_secs(args.timeout.into()));
    let usual = Limits::default();
    let limits = Limits {
        body,
        line: body,
        request,
        // A head is a part of its request.
        head: usual.head.min(request),
        connections: args.max_connections as usize,
        ..usual
    };
    options::Options {
        listen: args.listen,
        keys,
        writes: !args.read_only,
        long_inputs: args.long_inputs.into(),
        threads: settings::workers(args.threads),
        limits,
    }
}

/// Has the log written to standard error, one JSON object a line.
fn log(least: args::Log) {
    tracing_subscriber::fmt().json().with_max_level(LevelFilter::from(least)).with_writer(std::io::stderr).init();
    // The message of a panic may quote a text.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a thread panicked");
    }));
}

/// Comes with the first interrupt, or a request to end; the second ends the process, however far it is.
fn stop(quiet: bool) -> Result<impl Future<Output = ()> + Send + 'static, CliError> {
    let (told, stop) = tokio::sync::oneshot::channel();
    let mut told = Some(told);
    ctrlc::set_handler(move || match told.take() {
        Some(told) => {
            if !quiet {
                write_line("ending: requests may finish (once more to end at once)");
            }
            // The server may have ended by itself.
            let _ = told.send(());
        }
        None => std::process::exit(130),
    })
    .map_err(|error| CliError::Said(format!("cannot listen for interrupts: {error}")))?;
    Ok(async {
        let _ = stop.await;
    })
}

pub(super) fn keys(common: &Common, args: &args::Keys) -> Result<Outcome, CliError> {
    let file = args.keys.clone().unwrap_or_else(|| common.store.join(keys::FILE));
    let failed = |error: keys::KeysError| CliError::Said(error.to_string());
    let mut printer = Printer::new(common.json);
    let mut found = true;
    match &args.what {
        KeysWhat::Add { name, scope } => {
            let first = !file.exists();
            let key = Keys::add(&file, name, (*scope).into()).map_err(failed)?;
            if common.json {
                printer.object(&json!({ "name": name, "scope": Scope::from(*scope), "key": key }))?;
            } else {
                printer.line(&key)?;
            }
            if !common.quiet {
                write_line(
                    "keep it well: it is not stored, and not shown again; in a browser it is the password, under any name",
                );
                if first {
                    let file = file.display();
                    write_line(&format!(
                        "it is the first of {file}: a server that runs without keys has to be started again to ask for them"
                    ));
                }
            }
        }
        KeysWhat::List => {
            let keys = Keys::read(&file).map_err(failed)?;
            found = !keys.list().is_empty();
            for key in keys.list() {
                if common.json {
                    printer.object(&json!({ "name": key.name, "scope": key.scope, "added": key.added }))?;
                } else {
                    printer.line(&format!("{:<5}  {}  {}", key.scope, key.added, key.name))?;
                }
            }
        }
        KeysWhat::Remove { name } => {
            Keys::remove(&file, name).map_err(failed)?;
            if common.json {
                printer.object(&json!({ "removed": name }))?;
            } else {
                printer.line(&format!("key {name} removed"))?;
            }
        }
    }
    printer.end()?;
    Ok(outcome(found))
}
