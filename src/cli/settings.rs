//! What the arguments mean on this machine.

use super::CliError;
use super::args::{Common, View};
use crate::embed::source::{BUNDLED_ID, ModelRef};
use crate::embed::{EmbedError, Embedder, cores};
use crate::engine::{self, Options};
use crate::index::Choice;
use crate::ingest::read::FieldNames;
use crate::store::{ModelIdentity, Store, StoreError};

impl From<View> for Choice {
    fn from(view: View) -> Self {
        match view {
            View::Auto => Self::Auto,
            View::Exact => Self::Exact,
            View::Hnsw => Self::Hnsw,
        }
    }
}

/// How models are loaded and stores opened.
pub(super) fn options(common: &Common, view: View) -> Result<Options, CliError> {
    Ok(Options { isa: common.isa.parse()?, view: view.into(), offline: common.offline })
}

/// Threads that embed.
pub(super) fn workers(threads: Option<u16>) -> usize {
    threads.map_or_else(cores, usize::from)
}

/// The model that was named, or the built-in one.
pub(super) fn model(name: Option<&str>, options: &Options) -> Result<(Embedder, ModelIdentity), CliError> {
    let model: ModelRef = name.unwrap_or(BUNDLED_ID).parse().map_err(EmbedError::from)?;
    Ok(engine::load_model(&model, options)?)
}

/// The model that was named, or that of the store, or the built-in one for a store that is yet to be made.
pub(super) fn model_of_store(
    name: Option<&str>,
    common: &Common,
    options: &Options,
) -> Result<(Embedder, ModelIdentity), CliError> {
    let stored = match Store::open(&common.store) {
        Ok(store) => Some(store.model().reference.clone()),
        Err(StoreError::Missing(_)) => None,
        Err(error) => return Err(error.into()),
    };
    model(name.or(stored.as_deref()), options)
}

/// The names of fields that were given.
pub(super) fn fields(given: Vec<(String, String)>) -> Result<FieldNames, CliError> {
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
        *field = Some(name);
    }
    Ok(fields)
}
