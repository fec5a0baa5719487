//! `voisin eval …`

use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::cli::args::eval::{Eval, Task};
use crate::cli::args::{Common, View};
use crate::cli::print::{Printer, one_line};
use crate::cli::progress::write_line;
use crate::cli::scratch::Scratch;
use crate::cli::{CliError, Outcome, settings, tables};
use crate::engine::{Engine, Options};
use crate::eval::duplicates::{Level, Measure};
use crate::eval::{EvalError, Row, Subject, ann, bitext, data, duplicates, names, pairs, retrieval, row, sts, suite};
use crate::search::Mode;

pub(super) fn run(common: &Common, args: &Eval) -> Result<Outcome, CliError> {
    let former = args.against.as_deref().map(row::read).transpose()?;
    let output = Output { common, former: former.as_deref(), printer: Printer::new(common.json) };
    let (rows, failed) = measure(common, args, output)?;
    if failed > 0 {
        return Err(CliError::Said(format!(
            "{failed} data {} could not be measured, as said above",
            if failed == 1 { "set" } else { "sets" }
        )));
    }
    Ok(super::outcome(rows > 0))
}

/// Where rows go: as JSON one by one, for people as a table at the end, with talk in between.
struct Output<'a> {
    common: &'a Common,
    former: Option<&'a [Row]>,
    printer: Printer,
}

impl Output<'_> {
    fn row(&mut self, row: &Row) -> Result<(), CliError> {
        if self.common.json {
            let mut object = row.to_json();
            if let Some(then) = self.former.and_then(|former| former.iter().find(|then| row.measures_as(then))) {
                let changes =
                    row.metrics.iter().filter_map(|metric| Some((&metric.name, row.change(then, &metric.name)?)));
                object["change"] = changes.map(|(name, change)| (name.clone(), Value::from(change))).collect();
            }
            self.printer.object(&object)?;
            self.printer.flush()?;
        }
        let metrics: Vec<String> =
            row.metrics.iter().map(|metric| format!("{} {:.4}", metric.name, metric.value)).collect();
        self.talk(&format!("{} {}: {} ({:.1} s)", row.task, row.data, metrics.join(", "), row.seconds));
        if row.cut_texts > 0 {
            self.talk(&format!("note: {} of its texts were cut at the model's limit", row.cut_texts));
        }
        row.notes.iter().for_each(|note| self.talk(&format!("note: {note}")));
        Ok(())
    }

    fn talk(&self, line: &str) {
        if !self.common.quiet {
            write_line(&one_line(line));
        }
    }

    /// Ends with the table; `whole`: whether all that there is was measured.
    fn end(mut self, rows: &[Row], whole: bool) -> Result<(), CliError> {
        let compared = |row: &Row| self.former.is_some_and(|former| former.iter().any(|then| row.measures_as(then)));
        if self.former.is_some() && !rows.iter().any(compared) {
            self.talk("note: no earlier row is of the same task and data");
        }
        if !self.common.json {
            self.printer.text(&tables::rows(rows, self.former.unwrap_or_default(), whole))?;
        }
        self.printer.end()
    }
}

/// Measures what is asked for: how many rows that gave, and how many data sets failed.
fn measure(common: &Common, args: &Eval, mut output: Output<'_>) -> Result<(usize, usize), CliError> {
    let options = Options { dims: args.dims, ..settings::options(common, View::Exact)? };
    let workers = settings::workers(args.threads);
    let of_store = matches!(args.task, Task::Duplicates { .. } | Task::Ann { .. });
    if of_store && (args.model.is_some() || args.dims.is_some()) {
        let option = if args.model.is_some() { "--model" } else { "--dims" };
        return Err(CliError::Said(format!("{option}: a store has a model of its own, which is the one measured")));
    }
    let wanted = match args.task {
        Task::Duplicates { .. } | Task::Ann { .. } => true,
        // Where there is one.
        Task::All { .. } => settings::store(common)?.is_some(),
        _ => false,
    };
    let engine = if wanted { Some(Engine::open(&common.store, options)?) } else { None };
    let loaded = if of_store { None } else { Some(settings::model(args.model.as_deref(), &options)?) };
    let of_engine = engine.as_ref().map(|engine| Subject {
        embedder: engine.embedder(),
        identity: engine.store().model(),
        workers,
    });
    let subject = loaded.as_ref().map(|(embedder, identity)| Subject { embedder, identity, workers }).or(of_engine);
    let (Some(subject), store) = (subject, engine.as_ref().zip(of_engine)) else {
        unreachable!("a task has a model, or a store that has one");
    };
    let scratch = Scratch::new()?;

    let start = Instant::now();
    // The folder says more than a file that is called dev: two parts of the path, as a folder of data sets has them.
    let name = |path: &Path| {
        let name = suite::name(path);
        let parts: Vec<&str> = name.rsplit('/').take(2).filter(|part| !part.is_empty()).collect();
        parts.into_iter().rev().collect::<Vec<_>>().join("/")
    };
    let rows = match (&args.task, store) {
        (Task::Sts { file }, _) => vec![sts::sts(&subject, &name(file), file)?],
        (Task::Pairs { file, dev }, _) => vec![pairs::pairs(&subject, &name(file), file, dev.as_deref())?],
        (Task::Bitext { a, b }, _) => {
            let translations = match b {
                Some(b) => data::parallel(a, b)?,
                None => data::translations(a)?,
            };
            let name = match b {
                // As the folder of parallel texts has them.
                Some(b) => format!("{}-{}", name(a), b.file_stem().unwrap_or_default().to_string_lossy()),
                None => name(a),
            };
            vec![bitext::bitext(&subject, &name, &translations, start)?]
        }
        (Task::Retrieval { passages, queries, qrels, mode, fusion }, _) => {
            let name = match qrels {
                // As the folder of a BEIR data set has them.
                Some(qrels) => {
                    let stem = qrels.file_stem().unwrap_or_default();
                    name(&queries.parent().unwrap_or(Path::new("")).join(stem))
                }
                None => name(queries),
            };
            let files = retrieval::Files { passages, queries, judgements: qrels.as_deref() };
            retrieval::retrieval(&subject, &name, &files, (&modes(mode), (*fusion).into()), scratch.path())?
        }
        (Task::Names { list, background, mode, fusion }, _) => {
            let files = (list.as_path(), background.as_deref());
            names::names(&subject, &name(list), files, (&modes(mode), (*fusion).into()), scratch.path())?
        }
        (Task::Duplicates { truth, min_jaccard, min_containment, below }, Some((engine, subject))) => {
            let (measure, least) = match min_containment {
                Some(least) => (Measure::Containment, *least),
                None => (Measure::Jaccard, min_jaccard.unwrap_or(0.5)),
            };
            let level = Level { measure, least, below: *below };
            duplicates::duplicates(&subject, engine, &name(truth), truth, &[level])?
        }
        (Task::Ann { k, queries }, Some((engine, subject))) => vec![ann::ann(&subject, engine.store(), *k, *queries)?],
        (Task::Duplicates { .. } | Task::Ann { .. }, None) => unreachable!("their store was opened above"),
        (Task::All { data }, store) => {
            let (rows, failed) = all(data, &subject, store, scratch.path(), &mut output)?;
            output.end(&rows, true)?;
            return Ok((rows.len(), failed));
        }
    };
    rows.iter().try_for_each(|row| output.row(row))?;
    output.end(&rows, false)?;
    Ok((rows.len(), 0))
}

/// The ways to search that are to be measured.
fn modes(asked: &[crate::cli::args::Mode]) -> Vec<Mode> {
    if asked.is_empty() { retrieval::MODES.to_vec() } else { asked.iter().map(|mode| (*mode).into()).collect() }
}

/// Every data set of a folder; one that cannot be measured is said and stops no other.
fn all(
    folder: &Path,
    subject: &Subject<'_>,
    store: Option<(&Engine, Subject<'_>)>,
    scratch: &Path,
    output: &mut Output<'_>,
) -> Result<(Vec<Row>, usize), CliError> {
    let mut items = suite::discover(folder)?;
    if store.is_some() {
        items.push(suite::Item { name: "the store".to_owned(), task: suite::Task::Ann });
    }
    let (mut rows, mut failed) = (Vec::new(), 0);
    for item in &items {
        let (subject, engine) = match (item.task.is_of_a_store(), &store) {
            (true, None) => {
                output.talk(&format!("skipped: {} needs a store of its articles: name it with --store", item.name));
                continue;
            }
            (true, Some((engine, subject))) => (subject, Some(*engine)),
            (false, _) => (subject, None),
        };
        match suite::measure(item, subject, engine, scratch) {
            Ok(measured) => {
                for row in measured {
                    output.row(&row)?;
                    rows.push(row);
                }
            }
            Err(error @ EvalError::Store { .. }) => output.talk(&format!("skipped: {error}")),
            Err(error) => {
                failed += 1;
                write_line(&format!("voisin: {error}"));
            }
        }
    }
    Ok((rows, failed))
}
