//! `voisin duplicates` and `voisin compare`.

use std::collections::HashSet;
use std::path::Path;

use super::{hint, outcome, read_one};
use crate::cli::args::{self, Common, View};
use crate::cli::evidence::{Detail, count, html};
use crate::cli::print::Printer;
use crate::cli::progress::{Copying, write_line};
use crate::cli::{CliError, Outcome, settings};
use crate::dedup::{self, Comparison, Copies, Group, Pair, Relation, Selection, Subject};
use crate::embed::Embedder;
use crate::engine::{self, budget};
use crate::store::Store;
use crate::types::ArticleId;

pub(super) fn duplicates(common: &Common, args: &args::Duplicates) -> Result<Outcome, CliError> {
    let store = Store::open(&common.store)?;
    let of = args.of.as_deref().map(|name| known(name, &store)).transpose()?;
    let mut talk = Copying::new(common.quiet);
    let selection = Selection {
        least: args.min,
        relations: args.relation.iter().map(|relation| (*relation).into()).collect(),
        since: args.since,
        of,
    };
    let copies = Copies::of(&store, common.isa.parse()?, &selection, &mut |progress| talk.show(progress))?;
    talk.end();
    let (pairs, groups) = (copies.pairs()?, copies.groups()?);
    if let Some(path) = &args.html {
        page(path, args, &store, &copies, &pairs, &groups)?;
    }
    let mut printer = Printer::new(common.json);
    if common.json {
        for pair in &pairs {
            printer.comparison(&copies.comparison(pair)?, Detail::Full)?;
        }
        groups.iter().try_for_each(|group| printer.group(group, Detail::Full))?;
    } else if args.html.is_none() {
        let detail = if of.is_some() { Detail::Full } else { Detail::Brief };
        list(&mut printer, &copies, &pairs, &groups, detail)?;
    }
    printer.end()?;
    if !common.quiet {
        write_line(&summary(&pairs, &groups));
    }
    Ok(outcome(!pairs.is_empty() || !groups.is_empty()))
}

/// Groups, and then the pairs that they do not tell of; of one article, all of its pairs with all of the evidence.
fn list(
    printer: &mut Printer,
    copies: &Copies<'_>,
    pairs: &[Pair],
    groups: &[Group],
    detail: Detail,
) -> Result<(), CliError> {
    if detail == Detail::Full {
        groups.iter().try_for_each(|group| printer.group(group, detail))?;
        return pairs.iter().try_for_each(|pair| {
            printer.line("")?;
            printer.comparison(&copies.comparison(pair)?, detail)
        });
    }
    // One pair says it for all versions of the two.
    let mut told = HashSet::new();
    let outside = pairs.iter().filter(|pair| pair.groups.0 != pair.groups.1);
    let outside =
        outside.filter(|pair| told.insert((pair.groups.0.min(pair.groups.1), pair.groups.0.max(pair.groups.1))));
    let outside: Vec<&Pair> = outside.collect();
    printer.evidence(groups, outside.len(), outside.into_iter().map(|pair| Ok(copies.comparison(pair)?)))
}

fn summary(pairs: &[Pair], groups: &[Group]) -> String {
    let members: usize = groups.iter().map(|group| group.members.len()).sum();
    let counts: Vec<String> = Relation::ALL
        .iter()
        .map(|relation| (relation.name(), pairs.iter().filter(|pair| pair.relation == *relation).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    if counts.is_empty() {
        return "nothing found: no two articles of the store have that in common".to_owned();
    }
    let within = pairs.iter().filter(|pair| pair.groups.0 == pair.groups.1).count();
    format!(
        "{} with {}; {}, {within} of them within groups: {}",
        count(groups.len(), "group"),
        if members == 1 { "1 copy".to_owned() } else { format!("{members} copies") },
        count(pairs.len(), "pair"),
        counts.join(", ")
    )
}

/// Writes the page of `--html`.
fn page(
    path: &Path,
    args: &args::Duplicates,
    store: &Store,
    copies: &Copies<'_>,
    pairs: &[Pair],
    groups: &[Group],
) -> Result<(), CliError> {
    let mut comparisons: Vec<Comparison> = Vec::new();
    for group in groups {
        for member in &group.members {
            comparisons.push(copies.with_representative(group, member)?);
        }
    }
    for pair in pairs.iter().filter(|pair| pair.groups.0 != pair.groups.1 || args.of.is_some()) {
        comparisons.push(copies.comparison(pair)?);
    }
    let report = html::Report {
        title: &title(args, store),
        made: &jiff::Zoned::now().date().to_string(),
        articles: store.stats()?.articles,
        groups,
        comparisons: &comparisons,
    };
    let mut file = std::io::BufWriter::new(fs_err::File::create(path)?);
    html::write(&mut file, &report)?;
    Ok(std::io::Write::flush(&mut file)?)
}

/// What a report is of.
fn title(args: &args::Duplicates, store: &Store) -> String {
    let folder = fs_err::canonicalize(store.folder()).unwrap_or_else(|_| store.folder().to_owned());
    // A hidden folder says nothing: the one that it is in does.
    let named = folder.ancestors().filter_map(|folder| folder.file_name()).map(|name| name.to_string_lossy());
    let mut title = named.into_iter().find(|name| !name.starts_with('.')).unwrap_or_default().into_owned();
    if let Some(of) = &args.of {
        title.push_str(&format!(", of {of}"));
    }
    if let Some(since) = args.since {
        title.push_str(&format!(", since {since}"));
    }
    if args.min > 0.0 {
        title.push_str(&format!(", at least {:.0} % in common", 100.0 * args.min));
    }
    title
}

/// The article of a store with this id.
fn known(name: &str, store: &Store) -> Result<ArticleId, CliError> {
    let name = name.trim_start_matches("./");
    match store.find(name)? {
        Some(article) => Ok(article),
        None => Err(CliError::Said(format!("no article \"{name}\" in the store{}", hint(name, store)?))),
    }
}

pub(super) fn compare(common: &Common, args: &args::Compare) -> Result<Outcome, CliError> {
    let store = settings::store(common)?;
    // One model reads both, if both are files.
    let mut model: Option<Embedder> = None;
    let mut subject = |name: &str| -> Result<Subject, CliError> {
        let name = name.trim_start_matches("./");
        if let Some(store) = &store
            && let Some(article) = store.find(name)?
        {
            return Ok(Subject::stored(store, store.header(article)?)?);
        }
        if !Path::new(name).is_file() {
            let (place, hint) = match &store {
                Some(store) => ("neither an article of the store nor a file", hint(name, store)?),
                None => ("no file, and there is no store to look it up in", String::new()),
            };
            return Err(CliError::Said(format!("\"{name}\" is {place}{hint}")));
        }
        let article = read_one(name)?;
        let embedder = match &mut model {
            Some(embedder) => embedder,
            None => model.insert(embedder(common, store.as_ref())?),
        };
        let tokens = store.as_ref().map_or(engine::PASSAGE_TOKENS, Store::passage_tokens);
        Ok(engine::subject(article, embedder, budget(tokens, embedder))?)
    };
    let comparison = dedup::compare(subject(&args.a)?, subject(&args.b)?);
    let mut printer = Printer::new(common.json);
    printer.comparison(&comparison, Detail::Full)?;
    printer.end()?;
    Ok(outcome(comparison.relation.is_some()))
}

/// The model of the store, or the built-in one without a store.
fn embedder(common: &Common, store: Option<&Store>) -> Result<Embedder, CliError> {
    let dims = store.map(|store| store.model().dims);
    let options = engine::Options { dims, ..settings::options(common, View::Auto)? };
    let reference = store.map(|store| store.model().reference.as_str());
    Ok(settings::model(reference, &options)?.0)
}
