//! What a store holds, in numbers.

use serde::Serialize;

use crate::dedup::Known;
use crate::store::{self, ModelIdentity, VERSION};

/// What a store is and holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Status {
    /// The format of its database.
    pub format: u32,
    /// The model that made its vectors.
    pub model: Model,
    /// What it holds.
    pub store: Stats,
    /// What is known of copies; null where they were not looked for yet.
    pub copies: Option<Copies>,
}

impl Status {
    /// Of a store by its model, its numbers and what is known of copies.
    pub fn new(model: &ModelIdentity, stats: &store::Stats, copies: Option<Known>) -> Self {
        Self { format: VERSION, model: model.into(), store: stats.into(), copies: copies.map(Copies::from) }
    }
}

/// A model, as a store knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Model {
    /// What it is called.
    pub id: String,
    /// The fingerprint of its files.
    pub revision: String,
    /// Components of a vector.
    pub dims: usize,
}

impl From<&ModelIdentity> for Model {
    fn from(model: &ModelIdentity) -> Self {
        Self { id: model.id.clone(), revision: model.revision.clone(), dims: model.dims }
    }
}

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Stats {
    /// Articles.
    pub articles: u64,
    /// Passages of articles.
    pub passages: u64,
    /// Different texts among the passages: each has one vector.
    pub vectors: u64,
    /// Tokens of all passages.
    pub tokens: u64,
    /// Characters of all bodies.
    pub characters: u64,
    /// Characters that are page furniture.
    pub boilerplate_characters: u64,
    /// Articles without a date.
    pub undated: u64,
    /// The earliest day of any article, as `2023-08-22`; null where none has a date.
    pub first_day: Option<String>,
    /// The latest day of any article, as `2023-08-22`; null where none has a date.
    pub last_day: Option<String>,
    /// Languages with their numbers of articles, most frequent first: `["fr", 31]`.
    pub languages: Vec<(String, u64)>,
    /// Articles whose body reads the same as an earlier one's.
    pub identical: u64,
    /// Bytes of the database and its log.
    pub bytes: u64,
    /// The number of the last change.
    pub sequence: i64,
}

impl From<&store::Stats> for Stats {
    fn from(stats: &store::Stats) -> Self {
        Self {
            articles: stats.articles,
            passages: stats.passages,
            vectors: stats.vectors,
            tokens: stats.tokens,
            characters: stats.characters,
            boilerplate_characters: stats.boilerplate_characters,
            undated: stats.undated,
            first_day: stats.first_day.clone(),
            last_day: stats.last_day.clone(),
            languages: stats.languages.clone(),
            identical: stats.identical,
            bytes: stats.bytes,
            sequence: stats.sequence,
        }
    }
}

/// What is known of copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Copies {
    /// Articles that were compared.
    pub articles: u64,
    /// Groups of two articles or more.
    pub groups: u64,
    /// Articles in groups beyond the first of each.
    pub copies: u64,
    /// Pairs of texts that have something in common.
    pub pairs: u64,
    /// Articles that changed since, which are not compared yet.
    pub behind: usize,
}

impl From<Known> for Copies {
    fn from(Known { counts, behind }: Known) -> Self {
        let crate::dedup::Counts { articles, groups, copies, pairs } = counts;
        Self { articles, groups, copies, pairs, behind }
    }
}

/// A value of a field, with the number of articles that have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Facet {
    /// The field.
    pub name: String,
    /// The value, as articles have it.
    pub value: String,
    /// Articles that have it.
    pub articles: u64,
}

impl Facet {
    /// The values of a field, in their order.
    pub fn of(name: &str, values: &[(String, u64)]) -> Vec<Self> {
        let facet = |(value, articles): &(String, u64)| Self {
            name: name.to_owned(),
            value: value.clone(),
            articles: *articles,
        };
        values.iter().map(facet).collect()
    }
}

/// A field that articles can be filtered and counted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LabelName {
    /// Its name.
    pub name: String,
    /// Articles that have it.
    pub articles: u64,
}

impl From<&(String, u64)> for LabelName {
    fn from((name, articles): &(String, u64)) -> Self {
        Self { name: name.clone(), articles: *articles }
    }
}
