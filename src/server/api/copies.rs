//! Duplicates, and two articles side by side.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::articles::find;
use super::search::wanted;
use crate::dedup::{Comparison, Copies, Relation, Selection, Subject, compare as side_by_side, counts};
use crate::engine::{Engine, budget, subject};
use crate::server::extract::{Body, Params, many, named, parsed, told};
use crate::server::problem::{ErrorBody, Problem};
use crate::server::state::Shared;
use crate::store::Store;
use crate::types::PartialDate;
use crate::wire;

/// How long a request waits for the register of copies.
const PATIENCE: Duration = Duration::from_secs(2);

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

/// Copies in the store.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Duplicates {
    /// How many groups there are.
    all_groups: usize,
    /// How many pairs there are.
    all_pairs: usize,
    /// Versions of one article, the largest group first.
    groups: Vec<wire::Group>,
    /// Two articles that have to do with each other, the strongest relation first; those of a group among them.
    pairs: Vec<wire::Pair>,
}

/// The copies at hand; waits a moment for those that are being compared.
pub fn at_hand<'e>(engine: &'e Engine, selection: &Selection) -> Result<Copies<'e>, Problem> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(copies) = engine.copies_at_hand(selection.clone())? {
            return Ok(copies);
        }
        if Instant::now() > until {
            let known = counts(engine.store()).map_err(|error| Problem::internal(&error))?;
            let behind = known.map_or_else(|| "all articles".to_owned(), |known| format!("{} articles", known.behind));
            let message = format!("copies are still being looked for: {behind} are not compared yet, see /v1/jobs");
            return Err(Problem::unavailable(message, Some(Duration::from_secs(5))));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
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
            let copies = at_hand(engine, &page.wanted.selection(engine.store())?)?;
            let (groups, pairs) = (failing(copies.groups())?, failing(copies.pairs())?);
            Ok(Json(Duplicates {
                all_groups: groups.len(),
                all_pairs: pairs.len(),
                groups: groups.iter().skip(skip).take(k).map(Into::into).collect(),
                pairs: pairs.iter().skip(skip).take(k).map(Into::into).collect(),
            }))
        })
        .await
}

/// An error of the register.
pub fn failing<T>(result: Result<T, crate::dedup::RegisterError>) -> Result<T, Problem> {
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
    fn subject(self, engine: &Engine) -> Result<Subject, Problem> {
        let store = engine.store();
        match self {
            Self::Stored(id) => Ok(Subject::stored(store, store.header(find(store, &id)?)?)?),
            Self::New(article) => {
                Ok(subject(article.article, engine.embedder(), budget(store.passage_tokens(), engine.embedder()))?)
            }
        }
    }
}

async fn compared(server: Shared, two: TwoTexts) -> Result<Json<wire::Comparison>, Problem> {
    server
        .readers
        .ask(move |engine| {
            let _moment = engine.store().snapshot()?;
            let comparison: Comparison = side_by_side(two.a.subject(engine)?, two.b.subject(engine)?);
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
