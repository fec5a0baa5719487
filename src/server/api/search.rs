//! Search, related articles, facets.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::articles::short_enough;
use super::filters::Filters;
use crate::search::related::RelatedRequest;
use crate::search::{Cursor, Fusion, Mode, Order, Request};
use crate::server::extract::{Body, Fields, Params, many, named, parsed, told};
use crate::server::problem::{ErrorBody, Problem};
use crate::server::state::{Shared, State as Server};
use crate::types::Period;
use crate::wire;

/// Hits, related articles or facets that are given where nothing is said.
const USUAL: usize = 10;

/// A question.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// What is asked: words, "a phrase", -word, title:word, since:2023…
    #[param(example = "grève à l'hôpital")]
    q: String,
    /// Hits of a page, 10 without it.
    #[serde(default, deserialize_with = "told")]
    #[param(minimum = 1)]
    #[schema(minimum = 1)]
    k: Option<usize>,
    /// What is searched by: `hybrid` without it.
    #[serde(default)]
    #[param(inline)]
    mode: SearchBy,
    /// How the lists by words and by meaning become one: `calibrated` without it.
    #[serde(default)]
    #[param(inline)]
    fusion: FuseBy,
    /// In what order: `relevance` without it.
    #[serde(default)]
    #[param(inline)]
    sort: SortBy,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    after: Option<Cursor>,
    /// Whether near-identical articles are hits of their own.
    #[serde(default, deserialize_with = "told")]
    all_versions: Option<bool>,
    /// Whether hits say why they are there.
    #[serde(default, deserialize_with = "told")]
    explain: Option<bool>,
    /// Of these articles alone.
    #[serde(flatten)]
    #[param(ignore)]
    filters: Filters,
}

named! {
    Question: Question Filters;
    AroundStored: AroundStored Around Filters;
    Counted: Counted Filters;
}

/// What articles are searched by.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum SearchBy {
    /// Words and meaning.
    #[default]
    Hybrid,
    /// Meaning alone.
    Semantic,
    /// Words alone.
    Lexical,
}

/// How two lists become one.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum FuseBy {
    /// Both scores on one scale.
    #[default]
    Calibrated,
    /// By the places in both lists.
    Rrf,
}

/// In what order hits come.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum SortBy {
    /// Best first.
    #[default]
    Relevance,
    /// Newest first.
    Newest,
    /// Oldest first.
    Oldest,
}

impl From<SearchBy> for Mode {
    fn from(by: SearchBy) -> Self {
        match by {
            SearchBy::Hybrid => Self::Hybrid,
            SearchBy::Semantic => Self::Semantic,
            SearchBy::Lexical => Self::Lexical,
        }
    }
}

impl From<FuseBy> for Fusion {
    fn from(by: FuseBy) -> Self {
        match by {
            FuseBy::Calibrated => Self::Calibrated,
            FuseBy::Rrf => Self::ReciprocalRank,
        }
    }
}

impl From<SortBy> for Order {
    fn from(by: SortBy) -> Self {
        match by {
            SortBy::Relevance => Self::Relevance,
            SortBy::Newest => Self::Newest,
            SortBy::Oldest => Self::Oldest,
        }
    }
}

/// How many are wanted, within the limits.
pub fn wanted(k: Option<usize>, server: &Server) -> Result<usize, Problem> {
    let most = server.options.limits.results;
    let k = k.unwrap_or(USUAL);
    if (1..=most).contains(&k) {
        Ok(k)
    } else {
        Err(Problem::invalid(format!("k: {k} are asked for, expected 1 to {most}")))
    }
}

async fn answer(server: Shared, question: Question) -> Result<Json<wire::Answer>, Problem> {
    let (k, limits) = (wanted(question.k, &server)?, server.options.limits);
    let characters = question.q.chars().count();
    if characters > limits.question {
        return Err(Problem::invalid(format!(
            "the question has {characters} characters, the limit is {}: for what is like a text, POST it to /v1/similar",
            limits.question
        )));
    }
    server
        .readers
        .ask(move |engine| {
            let answer = engine.search(&Request {
                query: &question.q,
                k,
                mode: question.mode.into(),
                fusion: question.fusion.into(),
                filter: question.filters.resolve(engine.store(), &limits)?,
                order: question.sort.into(),
                after: question.after.as_ref(),
                fold: !question.all_versions.unwrap_or_default(),
                explain: question.explain.unwrap_or_default(),
            })?;
            Ok(Json(wire::Answer::from(&answer)))
        })
        .await
}

/// Searches: the passages that answer a question, with article, date and why.
#[utoipa::path(
    get,
    path = "/v1/search",
    tag = "search",
    params(Question, Filters),
    responses((status = 200, body = wire::Answer), (status = "default", body = ErrorBody))
)]
pub async fn search(
    State(server): State<Shared>,
    Params(question): Params<Question>,
) -> Result<Json<wire::Answer>, Problem> {
    answer(server, question).await
}

/// Searches, with the question in the body: for long ones.
#[utoipa::path(
    post,
    path = "/v1/search",
    tag = "search",
    request_body = Question,
    responses((status = 200, body = wire::Answer), (status = "default", body = ErrorBody))
)]
pub async fn search_by_post(
    State(server): State<Shared>,
    Fields(question): Fields<Question>,
) -> Result<Json<wire::Answer>, Problem> {
    answer(server, question).await
}

/// Which articles close to one are wanted.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[into_params(parameter_in = Query)]
pub struct Around {
    /// How many, 10 without it.
    #[serde(default, deserialize_with = "told")]
    #[param(minimum = 1)]
    #[schema(minimum = 1)]
    k: Option<usize>,
    /// No further in time from the article than this: `3d`, `2w`, `1m`, `1y`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    within: Option<Period>,
    /// Of these articles alone.
    #[serde(flatten)]
    #[param(ignore)]
    filters: Filters,
}

/// A stored article, and which ones close to it are wanted.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AroundStored {
    /// The id of the article.
    id: String,
    /// Which are wanted.
    #[serde(flatten)]
    #[param(ignore)]
    around: Around,
}

/// An article that is not stored, and which ones close to it are wanted.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct AroundText {
    /// The article; its text is what counts, its date where `within` is given.
    article: wire::NewArticle,
    /// Which are wanted.
    #[serde(flatten)]
    around: Around,
}

/// Articles close to others, closest first.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct RelatedArticles {
    /// The articles.
    related: Vec<wire::Related>,
}

/// The articles closest in meaning to a stored one.
#[utoipa::path(
    get,
    path = "/v1/similar",
    tag = "search",
    params(AroundStored, Around, Filters),
    responses((status = 200, body = RelatedArticles), (status = "default", body = ErrorBody))
)]
pub async fn similar(
    State(server): State<Shared>,
    Params(AroundStored { id, around }): Params<AroundStored>,
) -> Result<Json<RelatedArticles>, Problem> {
    let (k, limits) = (wanted(around.k, &server)?, server.options.limits);
    server
        .readers
        .ask(move |engine| {
            let article = super::articles::find(engine.store(), &id)?;
            let filter = around.filters.resolve(engine.store(), &limits)?;
            let related = engine.similar(article, &RelatedRequest { k, filter, within: around.within })?;
            Ok(Json(RelatedArticles { related: related.iter().map(Into::into).collect() }))
        })
        .await
}

/// The stored articles closest in meaning to one that is not stored.
#[utoipa::path(
    post,
    path = "/v1/similar",
    tag = "search",
    request_body = AroundText,
    responses((status = 200, body = RelatedArticles), (status = "default", body = ErrorBody))
)]
pub async fn similar_to_text(
    State(server): State<Shared>,
    Body(AroundText { article, around }): Body<AroundText>,
) -> Result<Json<RelatedArticles>, Problem> {
    let (k, limits) = (wanted(around.k, &server)?, server.options.limits);
    short_enough(&article.article, &limits)?;
    server
        .readers
        .ask(move |engine| {
            let filter = around.filters.resolve(engine.store(), &limits)?;
            let request = RelatedRequest { k, filter, within: around.within };
            let related = engine.similar_to_text(article.article, &request)?;
            Ok(Json(RelatedArticles { related: related.iter().map(Into::into).collect() }))
        })
        .await
}

/// What is counted.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Counted {
    /// Fields whose values are counted, such as `source` or `year`; without one, the names that there are.
    #[serde(default, deserialize_with = "many")]
    name: Vec<String>,
    /// Values of each name, 10 without it.
    #[serde(default, deserialize_with = "told")]
    #[param(minimum = 1)]
    k: Option<usize>,
    /// Of these articles alone.
    #[serde(flatten)]
    #[param(ignore)]
    filters: Filters,
}

/// Values of fields, with the articles that have them, or names of fields.
#[derive(Clone, Debug, Default, serde::Serialize, utoipa::ToSchema)]
pub struct Facets {
    /// Names that articles can be filtered and counted by; empty where names were given.
    names: Vec<wire::LabelName>,
    /// Values, most frequent first, name by name.
    facets: Vec<wire::Facet>,
}

/// Counts articles by the values of fields.
#[utoipa::path(
    get,
    path = "/v1/facets",
    tag = "search",
    params(Counted, Filters),
    responses((status = 200, body = Facets), (status = "default", body = ErrorBody))
)]
pub async fn facets(State(server): State<Shared>, Params(counted): Params<Counted>) -> Result<Json<Facets>, Problem> {
    let (k, limits) = (wanted(counted.k, &server)?, server.options.limits);
    if counted.name.len() > limits.labels {
        return Err(Problem::invalid(format!("{} names, the limit is {}", counted.name.len(), limits.labels)));
    }
    server
        .readers
        .ask(move |engine| {
            let store = engine.store();
            let _moment = store.snapshot()?;
            let filter = counted.filters.resolve(store, &limits)?;
            let within = if filter.is_all() { None } else { Some(store.articles_matching(&filter)?) };
            let mut facets = Facets::default();
            if counted.name.is_empty() {
                facets.names = store.label_names(within.as_ref())?.iter().map(Into::into).collect();
            }
            for name in &counted.name {
                store.expect_label(name)?;
                facets.facets.extend(wire::Facet::of(name, &store.facets(name, within.as_ref(), k)?));
            }
            Ok(Json(facets))
        })
        .await
}
