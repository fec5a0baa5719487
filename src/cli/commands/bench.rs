//! `voisin bench …`

use std::path::PathBuf;
use std::time::Duration;

use crate::bench::report::Former;
use crate::bench::{Report, embed, index, search, workload};
use crate::cli::args::bench::{Bench, What};
use crate::cli::args::{Common, View};
use crate::cli::print::Printer;
use crate::cli::progress::write_line;
use crate::cli::scratch::Scratch;
use crate::cli::{CliError, Outcome, settings, tables};
use crate::embed::EmbedError;
use crate::embed::source::{BUNDLED_ID, ModelRef};
use crate::engine::Options;

pub(super) fn run(common: &Common, args: &Bench) -> Result<Outcome, CliError> {
    let time = Duration::from_secs(args.seconds.into());
    let name = match args.what {
        What::Embed { .. } => "embed",
        What::Search { .. } => "search",
        What::Index { .. } => "index",
    };
    // Opened before anything is timed: a mistyped name is not to cost a minute.
    let former = args.compare.as_deref().map(|path| Former::read(path, name)).transpose().map_err(CliError::Said)?;
    if let Some(path) = &args.save {
        can_be_written(path)?;
    }
    if let What::Embed { path: Some(path), .. } | What::Index { path: Some(path), .. } = &args.what
        && !std::path::Path::new(path).exists()
    {
        return Err(CliError::Said(format!("there is no file or folder {path}")));
    }
    if !common.quiet {
        write_line(&format!("measuring for about {} s: leave the machine to itself", args.seconds));
    }
    let report = match &args.what {
        What::Embed { path, model, dims, threads } => {
            let threads = settings::workers(*threads);
            let options = Options { dims: *dims, ..settings::options(common, View::Exact)? };
            embed(common, &options, path.as_deref(), model.as_deref(), threads, time)?
        }
        What::Search { queries, k, mode, view } => {
            let questions = queries.as_deref().map(lines).transpose()?;
            let options = settings::options(common, *view)?;
            let (store, k, mode) = (&common.store, *k, (*mode).into());
            search::search(&search::Settings { store, options, questions, k, mode, time })?
        }
        What::Index { path, model, dims, threads } => {
            let options = Options { dims: *dims, ..settings::options(common, View::Exact)? };
            let (embedder, identity) = settings::model(model.as_deref(), &options)?;
            let scratch = Scratch::new()?;
            let input = match path {
                Some(path) => (PathBuf::from(path), path.clone()),
                None => {
                    let samples = scratch.path().join("samples");
                    fs_err::create_dir(&samples)?;
                    workload::unpack_samples(&samples)?;
                    (samples, SAMPLES.to_owned())
                }
            };
            let (model, threads) = ((&embedder, &identity), settings::workers(*threads));
            index::index(&index::Settings { input, model, threads, time, scratch: scratch.path() })?
        }
    };
    let mut printer = Printer::new(common.json);
    if common.json {
        printer.object(&report.to_json(former.as_ref()))?;
    } else {
        printer.text(&tables::report(&report, former.as_ref()))?;
    }
    printer.end()?;
    if let Some(path) = &args.save {
        let text = format!("{}\n", report.to_json(former.as_ref()));
        fs_err::write(path, text).map_err(|error| CliError::Said(format!("--save: {error}")))?;
    }
    Ok(Outcome::Found)
}

/// Tries the folder of a file with another one, which goes at once: what is there now stays until there is something better.
fn can_be_written(path: &std::path::Path) -> Result<(), CliError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let tried = tempfile::NamedTempFile::new_in(folder).map(drop);
    tried.map_err(|error| CliError::Said(format!("--save: cannot write {}: {error}", path.display())))
}

const SAMPLES: &str = "built-in samples";

fn embed(
    common: &Common,
    options: &Options,
    path: Option<&str>,
    model: Option<&str>,
    threads: usize,
    time: Duration,
) -> Result<Report, CliError> {
    // The store is asked for what was not named.
    let store = match (path, model) {
        (Some(_), Some(_)) => None,
        _ => settings::store(common)?,
    };
    let (articles, from) = match (path, &store) {
        (Some(path), _) => (workload::articles_of(path.as_ref()), path.to_owned()),
        (None, Some(store)) => (workload::articles_of_store(store)?, common.store.display().to_string()),
        (None, None) => (workload::samples()?, SAMPLES.to_owned()),
    };
    let stored = store.as_ref().map(|store| store.model()).filter(|_| model.is_none());
    let options = Options { dims: options.dims.or(stored.map(|stored| stored.dims)), ..*options };
    let name = model.or(stored.map(|stored| stored.reference.as_str())).unwrap_or(BUNDLED_ID);
    let model: ModelRef = name.parse().map_err(EmbedError::from)?;
    let articles = (articles.as_slice(), from);
    Ok(embed::embed(&embed::Settings { model: &model, options: &options, threads, time, articles })?)
}

/// The lines of a file that are not blank.
fn lines(path: &std::path::Path) -> Result<Vec<String>, CliError> {
    let text = fs_err::read_to_string(path).map_err(|error| CliError::Said(error.to_string()))?;
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    if lines.is_empty() {
        return Err(CliError::Said(format!("{}: holds no question: expected one a line", path.display())));
    }
    Ok(lines)
}
