//! Which articles are meant.

use serde::Deserialize;

use crate::server::extract::{many, parsed};
use crate::server::options::Limits;
use crate::server::problem::Problem;
use crate::store::{Filter, Store};
use crate::types::PartialDate;

/// Which articles are meant; all, where nothing is said. Values of one name are alternatives, names are conditions that all hold.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[into_params(parameter_in = Query)]
pub struct Filters {
    /// Of this date or later: `2023`, `2023-08` or `2023-08-22`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "2023-08")]
    #[schema(value_type = Option<String>)]
    since: Option<PartialDate>,
    /// Of this date or earlier.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    until: Option<PartialDate>,
    /// In one of these languages (ISO 639-1).
    #[serde(default, deserialize_with = "many")]
    language: Vec<String>,
    /// Of one of these sources.
    #[serde(default, deserialize_with = "many")]
    source: Vec<String>,
    /// With this value of a field: `name=value`, as often as need be.
    #[serde(rename = "where", default, deserialize_with = "many")]
    #[param(rename = "where")]
    labels: Vec<String>,
}

impl Filters {
    /// The filter, if the store knows the names in it.
    pub fn resolve(&self, store: &Store, limits: &Limits) -> Result<Filter, Problem> {
        let (values, most) = (self.language.len() + self.source.len() + self.labels.len(), limits.labels);
        if values > most {
            return Err(Problem::invalid(format!("{values} values to filter by, the limit is {most}")));
        }
        let languages = self.language.iter().map(|code| Ok(("language", code.as_str())));
        let sources = self.source.iter().map(|source| Ok(("source", source.as_str())));
        let others = self.labels.iter().map(|label| {
            label.split_once('=').ok_or_else(|| Problem::invalid(format!("where: \"{label}\" is not name=value")))
        });
        let labels = languages.chain(sources).chain(others).collect::<Result<Vec<_>, Problem>>()?;
        let filter = Filter { since: self.since, until: self.until, labels: Vec::new() };
        Ok(store.labelled(filter, &labels)?)
    }
}
