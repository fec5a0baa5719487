//! Articles put, got and removed, and their passages.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use crate::server::extract::{Body, Params, named};
use crate::server::options::Limits;
use crate::server::problem::{ErrorBody, Problem};
use crate::server::state::{Shared, State as Server};
use crate::server::writer::{Outcome, Writer};
use crate::store::{Field, Store};
use crate::types::{Article, ArticleId};
use crate::wire;

/// Characters of an id.
const LONGEST_ID: usize = 1_000;

/// The article of an id.
pub fn find(store: &Store, id: &str) -> Result<ArticleId, Problem> {
    store.find(id)?.ok_or_else(|| Problem::not_found(format!("there is no article \"{id}\"")))
}

/// What changes the store, if this server may.
pub fn writer(server: &Server) -> Result<&Writer, Problem> {
    server
        .writer
        .as_deref()
        .ok_or_else(|| Problem::forbidden("this server only reads its store: it was started with --read-only"))
}

/// What became of an article.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Stored {
    /// Its id.
    id: String,
    /// What became of it.
    outcome: Outcome,
    /// What the sender should know, such as a date that does not exist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// Refuses an article whose text is longer than the limit.
pub fn short_enough(article: &Article, limits: &Limits) -> Result<(), Problem> {
    let (bytes, most) = (article.text.len(), limits.article);
    if bytes > most {
        let message = format!("the text has {bytes} bytes, the limit of an article is {most}: cut it into several");
        return Err(Problem::too_large(message));
    }
    Ok(())
}

/// An article as it is to be stored, under an id.
pub fn named(new: wire::NewArticle, id: Option<&str>, limits: &Limits) -> Result<(Article, Vec<String>), Problem> {
    let wire::NewArticle { mut article, remarks } = new;
    short_enough(&article, limits)?;
    if let Some(id) = id {
        if !article.key.is_empty() && article.key != id {
            let message = format!("the article says that its id is \"{}\", the address says \"{id}\"", article.key);
            return Err(Problem::unprocessable(message));
        }
        article.key = id.to_owned();
    }
    if article.key.trim().is_empty() {
        return Err(Problem::unprocessable("the article has no id: give it one in the field id"));
    }
    if article.key.chars().count() > LONGEST_ID || article.key.chars().any(char::is_control) {
        let message = format!("an id has at most {LONGEST_ID} characters, and no control characters");
        return Err(Problem::unprocessable(message));
    }
    Ok((article, remarks.iter().map(ToString::to_string).collect()))
}

/// Stores an article, in the place of one with the same id. When this is answered it is safe on disk, and within a second it is
/// found.
#[utoipa::path(
    put,
    path = "/v1/articles/{id}",
    tag = "articles",
    params(("id" = String, Path, description = "The id, percent-encoded, slashes too")),
    request_body = wire::NewArticle,
    responses(
        (status = 200, body = Stored, description = "It replaced another, or was stored already"),
        (status = 201, body = Stored, description = "It was added"),
        (status = "default", body = ErrorBody)
    )
)]
pub async fn put(
    State(server): State<Shared>,
    Path(id): Path<String>,
    Body(article): Body<wire::NewArticle>,
) -> Result<(axum::http::StatusCode, Json<Stored>), Problem> {
    let (article, notes) = named(article, Some(&id), &server.options.limits)?;
    let outcomes = writer(&server)?.put(vec![article]).await?;
    let outcome = outcomes.first().copied().unwrap_or(Outcome::Unchanged);
    let status = match outcome {
        Outcome::Added => axum::http::StatusCode::CREATED,
        _ => axum::http::StatusCode::OK,
    };
    Ok((status, Json(Stored { id, outcome, notes })))
}

/// An article with its text, metadata and passages.
#[utoipa::path(
    get,
    path = "/v1/articles/{id}",
    tag = "articles",
    params(("id" = String, Path, description = "The id, percent-encoded, slashes too")),
    responses((status = 200, body = wire::FullArticle), (status = "default", body = ErrorBody))
)]
pub async fn get(State(server): State<Shared>, Path(id): Path<String>) -> Result<Json<wire::FullArticle>, Problem> {
    server
        .readers
        .ask(move |engine| {
            let _moment = engine.store().snapshot()?;
            Ok(Json(wire::FullArticle::read(engine.store(), find(engine.store(), &id)?)?))
        })
        .await
}

/// Removes an article.
#[utoipa::path(
    delete,
    path = "/v1/articles/{id}",
    tag = "articles",
    params(("id" = String, Path, description = "The id, percent-encoded, slashes too")),
    responses((status = 200, body = Stored), (status = "default", body = ErrorBody))
)]
pub async fn remove(State(server): State<Shared>, Path(id): Path<String>) -> Result<Json<Stored>, Problem> {
    match writer(&server)?.remove(vec![id.clone()]).await?.first() {
        Some(Outcome::Removed) => Ok(Json(Stored { id, outcome: Outcome::Removed, notes: Vec::new() })),
        _ => Err(Problem::not_found(format!("there is no article \"{id}\""))),
    }
}

/// Whose passages are wanted.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// The id of the article.
    article: String,
}

named! {
    Of: Of;
}

/// The passages of an article.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Passages {
    /// Its passages, in reading order.
    passages: Vec<PassageText>,
}

/// A passage with its text.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
struct PassageText {
    /// Where it is.
    #[serde(flatten)]
    passage: wire::Passage,
    /// Its text as published.
    text: String,
}

/// The passages that an article was cut into, with their texts.
#[utoipa::path(
    get,
    path = "/v1/passages",
    tag = "articles",
    params(Of),
    responses((status = 200, body = Passages), (status = "default", body = ErrorBody))
)]
pub async fn passages(State(server): State<Shared>, Params(of): Params<Of>) -> Result<Json<Passages>, Problem> {
    server
        .readers
        .ask(move |engine| {
            let store = engine.store();
            let _moment = store.snapshot()?;
            let article = find(store, &of.article)?;
            let (title, body) = (store.field_text(article, Field::Title)?, store.text(article)?);
            let passages = store.passages_of(article)?;
            let text = |field: Field| if field == Field::Title { &title } else { &body };
            let passages = passages.iter().map(|passage| PassageText {
                passage: passage.into(),
                text: text(passage.field)[passage.span.to_bytes(text(passage.field)).range()].to_owned(),
            });
            Ok(Json(Passages { passages: passages.collect() }))
        })
        .await
}
