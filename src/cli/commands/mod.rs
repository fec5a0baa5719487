//! One function a command; `eval`, `bench`, `serve` and what compares articles have modules of their own.

mod bench;
mod duplicates;
mod eval;
#[cfg(feature = "server")]
mod serve;

use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::CommandFactory;
use serde_json::json;

use crate::cli::args::{self, Args, Command, Common, EmbedFormat, Models, View};
use crate::cli::print::{Printer, one_line};
use crate::cli::progress::{Copying, Talk, write_line};
use crate::cli::{CliError, Outcome, settings};
use crate::dedup;
use crate::doctor::{Examination, Status, examine, repair};
use crate::embed::EmbedError;
use crate::embed::batch::share;
use crate::embed::source::{self, BUNDLED_ID};
use crate::embed::spec::Role;
use crate::engine::{self, Engine, EngineError, Options, budget};
use crate::index::{self, Choice};
use crate::ingest::read::{self, Input};
use crate::ingest::{Event, Job, run as ingest};
use crate::search::Request;
use crate::search::related::RelatedRequest;
use crate::store::Store;
use crate::types::Article;
use crate::verify::verify as check;

pub(in crate::cli) fn run(args: Args) -> Result<Outcome, CliError> {
    let common = &args.common;
    match args.command {
        Command::Index(index) => self::index(common, &index),
        Command::Search(search) => self::search(common, &search),
        Command::Similar(similar) => self::similar(common, &similar),
        Command::Duplicates(duplicates) => self::duplicates::duplicates(common, &duplicates),
        Command::Compare(compare) => self::duplicates::compare(common, &compare),
        Command::Facets(facets) => self::facets(common, &facets),
        Command::Embed(embed) => self::embed(common, &embed),
        #[cfg(feature = "server")]
        Command::Serve(serve) => self::serve::serve(common, &serve),
        #[cfg(feature = "server")]
        Command::Keys(keys) => self::serve::keys(common, &keys),
        Command::Models(Models::List) => list_models(common),
        Command::Models(Models::Show { model, dims }) => show_model(common, model.as_deref(), dims),
        Command::Models(Models::Pull { model }) => show_model(common, Some(&model), None),
        Command::Status => status(common),
        Command::Verify => verify(common),
        Command::Doctor(doctor) => self::doctor(common, &doctor),
        Command::Eval(eval) => self::eval::run(common, &eval),
        Command::Bench(bench) => self::bench::run(common, &bench),
        Command::Remove(remove) => self::remove(common, &remove.articles),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "voisin", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(Outcome::Found)
        }
        Command::Man { command } => man(command.as_deref()),
    }
}

/// Whether there is something.
fn outcome(found: bool) -> Outcome {
    if found { Outcome::Found } else { Outcome::Nothing }
}

fn index(common: &Common, args: &args::Index) -> Result<Outcome, CliError> {
    let options = settings::options(common, args.view)?;
    let reading = read::Options { fields: settings::fields(&args.fields)?, ..read::Options::default() };
    let inputs: Vec<Input> = args.paths.iter().map(|path| path.as_str().into()).collect();
    // Before a store is made: nothing to read is a mistake in the command, not in the input.
    if inputs.iter().all(|input| matches!(input, Input::Path(path) if !path.exists())) {
        return Err(CliError::Said(format!("there is no file or folder {}", args.paths.join(", "))));
    }
    let (embedder, making) = settings::making(args.model.as_deref(), args.dims, args.passage_tokens, common, &options)?;
    let mut store = Store::open_to_write(&common.store, &making)?;

    let stop = stop_on_signal(inputs.contains(&Input::Stdin))?;
    let survey = read::survey(&inputs);
    let mut talk = Talk::new(survey, common.quiet);
    let cache = settings::cache(args.cache.as_deref());
    let job = Job {
        inputs: &inputs,
        options: &reading,
        budget: budget(making.passage_tokens, &embedder),
        workers: settings::workers(args.threads),
        cache: cache.as_deref(),
        stop: &stop,
        until: None,
    };
    let result = ingest(&mut store, &embedder, &job, &mut |event| {
        match event {
        Event::Note(note) => talk.say(&format!("note: {note}")),
        Event::Skipped(problem) => talk.say(&format!("skipped: {problem}")),
        Event::Replaced(key) => talk.say(&format!(
            "note: the id \"{key}\" came twice in this run with different articles, and the later one was kept: if both \
             are wanted, name another field with --field id=NAME"
        )),
        Event::CacheLost(error) => talk.say(&format!("note: going on without the cache of vectors: {error}")),
        Event::Ignored(_) => {}
        Event::Stored(progress) => talk.show(&progress),
    }
    });
    talk.end();
    let summary = result?;
    let mut talk = Copying::new(common.quiet);
    engine::persist(&store, options.isa, options.view, &mut |progress| talk.show(progress))?;
    talk.end();

    let stats = store.stats()?;
    let mut printer = Printer::new(common.json);
    printer.summary(&summary, &stats)?;
    printer.end()?;
    if summary.stopped {
        if !common.quiet {
            write_line("stopped: what is stored is safe; run the same command again to go on");
        }
        return Ok(Outcome::Interrupted);
    }
    Ok(outcome(summary.added + summary.changed + summary.unchanged > 0))
}

/// How long a run may go on after an interrupt where it may be waiting for standard input: what is finished is stored once
/// a second, and a read that nothing arrives for cannot be broken off.
const GRACE: std::time::Duration = std::time::Duration::from_secs(3);

/// A flag that the first interrupt sets; the second ends the process, and so does time where standard input is read.
fn stop_on_signal(reads_stdin: bool) -> Result<std::sync::Arc<AtomicBool>, CliError> {
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        write_line("stopping: storing what is finished (once more to end at once)");
        if reads_stdin {
            std::thread::spawn(|| {
                std::thread::sleep(GRACE);
                std::process::exit(130);
            });
        }
    })
    .map_err(|error| CliError::Said(format!("cannot listen for interrupts: {error}")))?;
    Ok(stop)
}

fn search(common: &Common, args: &args::Search) -> Result<Outcome, CliError> {
    let options = settings::options(common, args.view)?;
    let after = args.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|error| CliError::Said(format!("--after: {error}")))?;
    let mut engine = Engine::open(&common.store, options)?;
    if let Some(model) = &args.rerank {
        engine = engine.with_reranker(settings::reranker(model, &options)?);
    }
    let answer = engine.search(&Request {
        query: &args.query,
        k: args.k,
        mode: args.mode.into(),
        fusion: args.fusion.into(),
        filter: settings::filter(&args.filters, engine.store())?,
        order: args.sort.into(),
        after: after.as_ref(),
        fold: !args.all_versions,
        explain: args.explain,
    })?;
    if !common.quiet {
        answer.notes.iter().for_each(|note| write_line(&format!("note: {}", one_line(&note.to_string()))));
    }
    let mut printer = Printer::new(common.json);
    printer.answer(&answer, args.full)?;
    printer.end()?;
    if !common.quiet {
        if let Some(next) = &answer.next {
            write_line(&format!("more: the same with --after {next}"));
        }
        if answer.hits.is_empty() {
            let nothing = match after {
                Some(_) => "no more hits: the page before was the last",
                None => {
                    "nothing found: the store is empty, no article has the words, or the filters leave none (see `voisin facets`)"
                }
            };
            write_line(nothing);
        }
    }
    Ok(outcome(!answer.hits.is_empty()))
}

fn similar(common: &Common, args: &args::Similar) -> Result<Outcome, CliError> {
    let engine = Engine::open(&common.store, settings::options(common, View::Auto)?)?;
    let filter = settings::filter(&args.filters, engine.store())?;
    let request = RelatedRequest { k: args.k, filter, within: args.within };
    let name = args.article.trim_start_matches("./");
    let related = match engine.store().find(name)? {
        Some(article) => engine.similar(article, &request)?,
        None if std::path::Path::new(name).is_file() => engine.similar_to_text(read_one(name)?, &request)?,
        None => {
            let hint = hint(name, engine.store())?;
            return Err(CliError::Said(format!("\"{name}\" is neither an article of the store nor a file{hint}")));
        }
    };
    let mut printer = Printer::new(common.json);
    printer.related(&related)?;
    printer.end()?;
    if related.is_empty() && !common.quiet {
        write_line("nothing found: the store holds no other article, or its filters leave none (see `voisin facets`)");
    }
    Ok(outcome(!related.is_empty()))
}

/// The articles of a store whose ids are like one that it does not have.
fn hint(name: &str, store: &Store) -> Result<String, CliError> {
    let like = store.keys_like(name, 5)?;
    Ok(if like.is_empty() { String::new() } else { format!("; is it one of: {}?", like.join(", ")) })
}

/// The first article of a file.
fn read_one(path: &str) -> Result<Article, CliError> {
    let (mut found, mut problem) = (None, None);
    let options = read::Options::default();
    let mut sink = |event, _| match event {
        read::Event::Article(article) => {
            found = Some(*article);
            std::ops::ControlFlow::Break(())
        }
        read::Event::Skipped(skipped) => {
            problem.get_or_insert(skipped);
            std::ops::ControlFlow::Continue(())
        }
        _ => std::ops::ControlFlow::Continue(()),
    };
    // Whether reading was broken off does not matter: what was found does.
    let _ = read::read(&[Input::Path(path.into())], &options, &mut sink);
    found.ok_or_else(|| match problem {
        Some(problem) => CliError::Said(problem.to_string()),
        None => CliError::Said(format!("{path} holds no article")),
    })
}

fn facets(common: &Common, args: &args::Facets) -> Result<Outcome, CliError> {
    let store = Store::open(&common.store)?;
    let _moment = store.snapshot()?;
    let filter = settings::filter(&args.filters, &store)?;
    args.names.iter().try_for_each(|name| store.expect_label(name))?;
    let within = if filter.is_all() { None } else { Some(store.articles_matching(&filter)?) };
    let mut printer = Printer::new(common.json);
    let mut any = false;
    if args.names.is_empty() {
        let names = store.label_names(within.as_ref())?;
        any = !names.is_empty();
        printer.label_names(&names)?;
    }
    for name in &args.names {
        let values = store.facets(name, within.as_ref(), args.k)?;
        any |= !values.is_empty();
        printer.facets(name, &values, args.names.len() > 1)?;
    }
    printer.end()?;
    Ok(outcome(any))
}

/// Lines embedded at a time: enough to sort by length.
const LINES: usize = 512;

fn embed(common: &Common, args: &args::Embed) -> Result<Outcome, CliError> {
    let options = Options { dims: args.dims, ..settings::options(common, View::Auto)? };
    let (embedder, identity) = settings::model(args.model.as_deref(), &options)?;
    let workers = settings::workers(args.threads);
    let role = if args.query { Role::Query } else { Role::Passage };
    let file = args.output.as_ref().map(fs_err::File::create).transpose()?;
    let mut out: Box<dyn Write> = match file {
        Some(file) => Box::new(std::io::BufWriter::new(file)),
        None => Box::new(std::io::BufWriter::new(std::io::stdout())),
    };
    let (mut count, mut dropped) = (0usize, 0usize);
    // The header of an array names its length, so its rows are kept until the end.
    let mut rows: Vec<f32> = Vec::new();
    let mut lines = std::io::stdin().lock().lines();
    loop {
        let batch = lines.by_ref().take(LINES).collect::<Result<Vec<String>, _>>().map_err(|error| {
            CliError::Said(format!("standard input, line {} or later: {error}: lines must be UTF-8", count + 1))
        })?;
        if batch.is_empty() {
            break;
        }
        let tokens = share(&batch, workers, |line| embedder.tokenize(&crate::text::analysis_form(line), role))?;
        let vectors = embedder.embed_all(&tokens, workers)?;
        for ((line, tokens), vector) in batch.iter().zip(&tokens).zip(vectors.rows()) {
            count += 1;
            dropped += tokens.dropped;
            match args.format {
                EmbedFormat::Jsonl => {
                    let object = json!({
                        "line": count,
                        "text": line,
                        "tokens": tokens.ids.len(),
                        "dropped_tokens": tokens.dropped,
                        "embedding": vector.to_vec(),
                    });
                    writeln!(out, "{object}")?;
                }
                EmbedFormat::Npy => rows.extend(vector),
            }
        }
    }
    if args.format == EmbedFormat::Npy {
        write_npy(&mut out, &rows, identity.dims)?;
    }
    out.flush()?;
    if dropped > 0 && !common.quiet {
        write_line(&format!(
            "note: {dropped} tokens were beyond the model's limit of {} and are in no vector",
            embedder.spec().max_tokens
        ));
    }
    Ok(outcome(count > 0))
}

/// Writes rows of f32 in NumPy's format, version 1.0.
fn write_npy(out: &mut dyn Write, rows: &[f32], dims: usize) -> std::io::Result<()> {
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {dims}), }}", rows.len() / dims.max(1));
    // Magic, version and length take 10 bytes; the data starts at a multiple of 64.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    rows.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
}

fn list_models(common: &Common) -> Result<Outcome, CliError> {
    let mut printer = Printer::new(common.json);
    let built_in = cfg!(feature = "bundled-model").then(|| (BUNDLED_ID.to_owned(), "built in"));
    let cached = source::cached().map_err(EmbedError::from)?.into_iter().map(|id| (id, "hub cache"));
    let mut any = false;
    for (id, place) in built_in.into_iter().chain(cached) {
        any = true;
        if common.json {
            printer.object(&json!({ "id": id, "place": place }))?;
        } else {
            printer.line(&format!("{id}  ({place})"))?;
        }
    }
    printer.end()?;
    Ok(outcome(any))
}

fn show_model(common: &Common, model: Option<&str>, dims: Option<usize>) -> Result<Outcome, CliError> {
    let options = Options { dims, ..settings::options(common, View::Auto)? };
    let mut printer = Printer::new(common.json);
    match (settings::model(model, &options), model) {
        (Err(CliError::Engine(EngineError::Embed(EmbedError::CrossEncoder { .. }))), Some(name)) if dims.is_none() => {
            let reranker = settings::reranker(name, &options)?;
            printer.model(reranker.spec(), Some(reranker.head()), reranker.precision())?;
        }
        (found, _) => {
            let (embedder, _) = found?;
            printer.model(embedder.spec(), None, embedder.precision())?;
        }
    }
    printer.end()?;
    Ok(Outcome::Found)
}

fn status(common: &Common) -> Result<Outcome, CliError> {
    let store = Store::open(&common.store)?;
    let stats = store.stats()?;
    let mut printer = Printer::new(common.json);
    let copies = dedup::counts(&store)?;
    printer.status(&common.store, store.model(), &stats, copies)?;
    printer.end()?;
    Ok(outcome(stats.articles > 0))
}

fn verify(common: &Common) -> Result<Outcome, CliError> {
    let engine = Engine::open(&common.store, settings::options(common, View::Exact)?)?;
    let findings = check(&engine)?;
    let mut printer = Printer::new(common.json);
    for finding in &findings {
        if common.json {
            printer
                .object(&json!({ "check": finding.check, "ok": finding.wrong.is_empty(), "wrong": finding.wrong }))?;
        } else if finding.wrong.is_empty() {
            printer.line(&format!("ok     {}", finding.check))?;
        } else {
            printer.line(&format!("WRONG  {}", finding.check))?;
            for wrong in &finding.wrong {
                printer.line(&format!("         {wrong}"))?;
            }
        }
    }
    printer.end()?;
    match findings.iter().filter(|finding| !finding.wrong.is_empty()).count() {
        0 => Ok(Outcome::Found),
        wrong => Err(CliError::Said(format!(
            "{wrong} checks failed: index the same files again into a new --store; if only the views are wrong, delete {}",
            index::folder(engine.store()).display()
        ))),
    }
}

fn doctor(common: &Common, args: &args::Doctor) -> Result<Outcome, CliError> {
    let view = match args.view {
        // Whatever graph there is, is to be measured.
        View::Auto => Choice::Auto { queries: u32::MAX },
        view => view.into(),
    };
    let examination = Examination { isa: common.isa.parse()?, sample: args.sample, view };
    let store = if args.repair { Store::open_to_remove(&common.store)? } else { Store::open(&common.store)? };
    if args.repair {
        repair(&store, &examination)?;
    }
    let findings = examine(&store, &examination)?;
    let mut printer = Printer::new(common.json);
    findings.iter().try_for_each(|finding| printer.finding(finding))?;
    printer.end()?;
    match findings.iter().filter(|finding| finding.status == Status::Wrong).count() {
        0 => Ok(Outcome::Found),
        wrong => Err(CliError::Said(format!("{wrong} of {} checks found something wrong", findings.len()))),
    }
}

fn remove(common: &Common, names: &[String]) -> Result<Outcome, CliError> {
    let mut store = Store::open_to_remove(&common.store)?;
    let mut found = Vec::new();
    for name in names {
        match store.find(name)? {
            Some(article) => found.push(article),
            None => write_line(&format!("voisin: no article \"{name}\" in the store")),
        }
    }
    let removed = store.remove(&found)?;
    store.sweep()?;
    engine::persist(&store, common.isa.parse()?, index::Choice::Exact, &mut |_| {})?;
    let mut printer = Printer::new(common.json);
    if common.json {
        printer.object(&json!({ "removed": removed }))?;
    } else {
        printer.line(&format!("{removed} articles removed"))?;
    }
    printer.end()?;
    Ok(outcome(removed > 0))
}

fn man(name: Option<&str>) -> Result<Outcome, CliError> {
    let mut command = Args::command();
    command.build();
    let command = match name {
        None => command,
        Some(name) => command
            .find_subcommand(name)
            .ok_or_else(|| CliError::Said(format!("there is no command \"{name}\": see `voisin --help`")))?
            .clone()
            .name(format!("voisin-{name}")),
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    std::io::stdout().write_all(&page)?;
    Ok(Outcome::Found)
}
