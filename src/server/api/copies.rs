//! Duplicates, and two articles side by side.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::articles::{find, short_enough};
use super::search::wanted;
use crate::dedup::{Comparison, Copies, RegisterError, Relation, Selection, Subject, compare as side_by_side};
use crate::engine::{Engine, budget, subject};
use crate::server::extract::{Body, Params, many, named, parsed, told};
use crate::server::options::Limits;
use crate::server::problem::{ErrorBody, Problem};
use crate::server::state::Shared;
use crate::store::Store;
use crate::types::PartialDate;
use crate::wire;

/// Which copies are wanted.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Those of this article alone, by its id.
    #[serde(default)]
    of: Option<String>,
    /// The least share of one of two articles that is found in the other, from 0 to 1.
    #[serde(default, deserialize_with = "told")]
    #[param(minimum = 0, maximum = 1)]
    #[schema(minimum = 0, maximum = 1)]
    min: Option<f32>,
    /// Of these relations; of all, where there are none.
    #[serde(default, deserialize_with = "many")]
    #[param(inline)]
    relation: Vec<Relation>,
    /// With an article of this date or later.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    since: Option<PartialDate>,
}

named! {
    Page: Page Wanted;
    Two: Two;
}

impl Wanted {
    /// As the register is asked.
    pub fn selection(&self, store: &Store) -> Result<Selection, Problem> {
        let least = self.min.unwrap_or_default();
        if !(0.0..=1.0).contains(&least) {
            return Err(Problem::invalid(format!("min: {least} is no share, expected 0 to 1")));
        }
        let of = self.of.as_deref().map(|id| find(store, id)).transpose()?;
        Ok(Selection { least, relations: self.relation.clone(), since: self.since, of })
    }
}

/// Which groups and pairs are wanted.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Groups, and pairs, at most: 10 without it.
    #[serde(default, deserialize_with = "told")]
    #[param(minimum = 1)]
    k: Option<usize>,
    /// Groups, and pairs, that are passed over.
    #[serde(default, deserialize_with = "told")]
    skip: Option<usize>,
    /// Which.
    #[serde(flatten)]
    #[param(ignore)]
    wanted: Wanted,
}

/// Copies in the store, as far as they are known.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Duplicates {
    /// Articles that were changed and not compared with the others yet, which takes a moment: they are left out.
    behind: usize,
    /// How many groups there are.
    all_groups: usize,
    /// How many pairs there are.
    all_pairs: usize,
    /// Versions of one article, the largest group first.
    groups: Vec<wire::Group>,
    /// Two articles that have to do with each other, the strongest relation first; those of a group among them.
    pairs: Vec<wire::Pair>,
}

/// Lists who copied whom: groups of versions, and pairs.
#[utoipa::path(
    get,
    path = "/v1/duplicates",
    tag = "copies",
    params(Page, Wanted),
    responses((status = 200, body = Duplicates), (status = "default", body = ErrorBody))
)]
pub async fn duplicates(State(server): State<Shared>, Params(page): Params<Page>) -> Result<Json<Duplicates>, Problem> {
    let (k, skip) = (wanted(page.k, &server)?, page.skip.unwrap_or_default());
    server
        .readers
        .ask(move |engine| {
            let selection = page.wanted.selection(engine.store())?;
            let Some((copies, behind)) = failing(Copies::known(engine.store(), selection))? else {
                let message = "copies are being looked for, for the first time: see /v1/jobs";
                return Err(Problem::unavailable(message, Some(Duration::from_secs(5))));
            };
            let (groups, pairs) = (failing(copies.groups())?, failing(copies.pairs())?);
            Ok(Json(Duplicates {
                behind,
                all_groups: groups.len(),
                all_pairs: pairs.len(),
                groups: groups.iter().skip(skip).take(k).map(Into::into).collect(),
                pairs: pairs.iter().skip(skip).take(k).map(Into::into).collect(),
            }))
        })
        .await
}

/// An error of the register.
fn failing<T>(result: Result<T, RegisterError>) -> Result<T, Problem> {
    result.map_err(|error| Problem::internal(&error))
}

/// Two stored articles.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Two {
    /// The id of one.
    a: String,
    /// The id of the other.
    b: String,
    /// Whether both texts come with the answer.
    #[serde(default, deserialize_with = "told")]
    texts: Option<bool>,
}

/// Two articles, stored or not.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct TwoTexts {
    /// One of them.
    a: StoredOrNot,
    /// The other.
    b: StoredOrNot,
    /// Whether both texts come with the answer.
    #[serde(default)]
    texts: bool,
}

/// An article.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
enum StoredOrNot {
    /// The id of a stored one.
    Stored(String),
    /// One that is not stored.
    New(Box<wire::NewArticle>),
}

impl StoredOrNot {
    fn subject(self, engine: &Engine, limits: &Limits) -> Result<Subject, Problem> {
        let store = engine.store();
        match self {
            Self::Stored(id) => {
                let _moment = store.snapshot()?;
                Ok(Subject::stored(store, store.header(find(store, &id)?)?)?)
            }
            Self::New(article) => {
                short_enough(&article.article, limits)?;
                Ok(subject(article.article, engine.embedder(), budget(store.passage_tokens(), engine.embedder()))?)
            }
        }
    }
}

async fn compared(server: Shared, two: TwoTexts) -> Result<Json<wire::Comparison>, Problem> {
    let limits = server.options.limits;
    server
        .readers
        .ask(move |engine| {
            let (a, b) = (two.a.subject(engine, &limits)?, two.b.subject(engine, &limits)?);
            let comparison: Comparison = side_by_side(a, b);
            Ok(Json(match two.texts {
                true => wire::Comparison::with_texts(&comparison),
                false => wire::Comparison::from(&comparison),
            }))
        })
        .await
}

/// Lays two stored articles side by side: what they share, where, who was first.
#[utoipa::path(
    get,
    path = "/v1/compare",
    tag = "copies",
    params(Two),
    responses((status = 200, body = wire::Comparison), (status = "default", body = ErrorBody))
)]
pub async fn compare(
    State(server): State<Shared>,
    Params(Two { a, b, texts }): Params<Two>,
) -> Result<Json<wire::Comparison>, Problem> {
    let [a, b] = [a, b].map(StoredOrNot::Stored);
    compared(server, TwoTexts { a, b, texts: texts.unwrap_or_default() }).await
}

/// Lays two articles side by side, of which each may be stored or not.
#[utoipa::path(
    post,
    path = "/v1/compare",
    tag = "copies",
    request_body = TwoTexts,
    responses((status = 200, body = wire::Comparison), (status = "default", body = ErrorBody))
)]
pub async fn compare_texts(
    State(server): State<Shared>,
    Body(two): Body<TwoTexts>,
) -> Result<Json<wire::Comparison>, Problem> {
    compared(server, two).await
}
