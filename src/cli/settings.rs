//! What the arguments mean on this machine.

use std::path::{Path, PathBuf};

use super::CliError;
use super::args::{self, Common, Filters, View};
use crate::chunk::Budget;
use crate::dedup::Relation;
use crate::embed::source::{BUNDLED_ID, ModelRef};
use crate::embed::{EmbedError, Embedder, Reranker, cores};
use crate::engine::{self, Options, PASSAGE_TOKENS};
use crate::index::Choice;
use crate::ingest::read::FieldNames;
use crate::search::{Fusion, Mode, Order};
use crate::store::{Filter, Making, ModelIdentity, Store, StoreError};

impl From<View> for Choice {
    fn from(view: View) -> Self {
        match view {
            // A command answers one question.
            View::Auto => Self::Auto { queries: 1 },
            View::Exact => Self::Exact,
            View::Hnsw => Self::Hnsw,
        }
    }
}

impl From<args::Mode> for Mode {
    fn from(mode: args::Mode) -> Self {
        match mode {
            args::Mode::Hybrid => Self::Hybrid,
            args::Mode::Semantic => Self::Semantic,
            args::Mode::Lexical => Self::Lexical,
        }
    }
}

impl From<args::Sort> for Order {
    fn from(sort: args::Sort) -> Self {
        match sort {
            args::Sort::Relevance => Self::Relevance,
            args::Sort::Newest => Self::Newest,
            args::Sort::Oldest => Self::Oldest,
        }
    }
}

impl From<args::Fusion> for Fusion {
    fn from(fusion: args::Fusion) -> Self {
        match fusion {
            args::Fusion::Calibrated => Self::Calibrated,
            args::Fusion::Rrf => Self::ReciprocalRank,
        }
    }
}

impl From<args::Relation> for Relation {
    fn from(relation: args::Relation) -> Self {
        match relation {
            args::Relation::Identical => Self::Identical,
            args::Relation::Republished => Self::Republished,
            args::Relation::Updated => Self::Updated,
            args::Relation::Contains => Self::Contains,
            args::Relation::Excerpt => Self::Excerpt,
            args::Relation::SharedSource => Self::SharedSource,
            args::Relation::SameStory => Self::SameStory,
        }
    }
}

/// How models are loaded and stores opened.
pub(super) fn options(common: &Common, view: View) -> Result<Options, CliError> {
    Ok(Options {
        isa: common.isa.parse()?,
        precision: common.precision,
        view: view.into(),
        offline: common.offline,
        dims: None,
    })
}

/// Threads that embed.
pub(super) fn workers(threads: Option<u16>) -> usize {
    threads.map_or_else(cores, usize::from)
}

/// The file of vectors that were embedded before: the one that was named, or the user's; `None` for "none", and for a user
/// without a folder for it.
pub(super) fn cache(named: Option<&Path>) -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    match named {
        Some(name) if name == "none" => None,
        Some(file) => Some(file.to_owned()),
        None => folder("XDG_CACHE_HOME")
            .or_else(|| if cfg!(windows) { folder("LOCALAPPDATA") } else { None })
            .or_else(|| Some(std::env::home_dir()?.join(".cache")))
            .map(|folder| folder.join("voisin/vectors.sqlite")),
    }
}

/// The model that was named, or the built-in one.
pub(super) fn model(name: Option<&str>, options: &Options) -> Result<(Embedder, ModelIdentity), CliError> {
    let model: ModelRef = name.unwrap_or(BUNDLED_ID).parse().map_err(EmbedError::from)?;
    Ok(engine::load_model(&model, options)?)
}

/// The cross-encoder of a name.
pub(super) fn reranker(name: &str, options: &Options) -> Result<Reranker, CliError> {
    let model: ModelRef = name.parse().map_err(EmbedError::from)?;
    Ok(engine::load_reranker(&model, options)?)
}

/// The store, if there is one.
pub(super) fn store(common: &Common) -> Result<Option<Store>, CliError> {
    match Store::open(&common.store) {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::Missing(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a store is to be made for, or was: what was named, else what the store has, else the built-in model and the usual
/// length of passages.
pub(super) fn making(
    model: Option<&str>,
    dims: Option<usize>,
    passage_tokens: Option<usize>,
    common: &Common,
    options: &Options,
) -> Result<(Embedder, Making), CliError> {
    let stored = store(common)?;
    let stored_model = stored.as_ref().map(|store| store.model());
    // The width belongs to the model that was named with it.
    let dims = dims.or(stored_model.filter(|_| model.is_none()).map(|model| model.dims));
    let name = model.or(stored_model.map(|model| model.reference.as_str()));
    let (embedder, model) = self::model(name, &Options { dims, ..*options })?;
    if let Some(tokens) = passage_tokens {
        // A number that cannot be met is refused; the usual one is bent to a small model.
        Budget::new(tokens, embedder.passage_limit())?;
    }
    let passage_tokens = passage_tokens.or(stored.as_ref().map(Store::passage_tokens)).unwrap_or(PASSAGE_TOKENS);
    Ok((embedder, Making { model, passage_tokens }))
}

/// The filter that was asked for. A name that no article of the store has is a mistake, and refused with those that there
/// are.
pub(super) fn filter(filters: &Filters, store: &Store) -> Result<Filter, CliError> {
    let languages = filters.lang.iter().map(|code| ("language", code.as_str()));
    let sources = filters.source.iter().map(|source| ("source", source.as_str()));
    let others = filters.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let labels: Vec<_> = languages.chain(sources).chain(others).collect();
    let filter = Filter { since: filters.since, until: filters.until, labels: Vec::new() };
    Ok(store.labelled(filter, &labels)?)
}

/// The names of fields that were given.
pub(super) fn fields(given: &[(String, String)]) -> Result<FieldNames, CliError> {
    let mut fields = FieldNames::default();
    for (part, name) in given {
        let field = match part.as_str() {
            "id" => &mut fields.id,
            "title" => &mut fields.title,
            "date" => &mut fields.date,
            "lead" => &mut fields.lead,
            "text" => &mut fields.text,
            "url" => &mut fields.url,
            "language" => &mut fields.language,
            "source" => &mut fields.source,
            _ => {
                return Err(CliError::Said(format!(
                    "--field {part}={name}: an article has no part \"{part}\": expected id, title, date, lead, text, \
                     url, language or source"
                )));
            }
        };
        *field = Some(name.clone());
    }
    Ok(fields)
}
