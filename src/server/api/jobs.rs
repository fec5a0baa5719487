//! Long work: asked for, watched, cancelled, and its result.

use axum::Json;
use axum::body::{Body as Bytes, Bytes as Chunk};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};

use super::copies::Wanted;
use crate::server::extract::Body;
use crate::server::jobs::{Job, Standing, read_at};
use crate::server::problem::{ErrorBody, Problem};
use crate::server::state::Shared;

/// Bytes of a result that are read at a time.
const CHUNK: usize = 256 << 10;

/// Work to be done.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Work {
    /// All groups and pairs of copies are listed, as JSON Lines: groups first.
    Duplicates(Wanted),
}

/// The jobs since the start of the server.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobList {
    /// The newest first.
    jobs: Vec<Job>,
}

/// Lists the jobs since the start of the server, the newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "server", responses((status = 200, body = JobList), (status = "default", body = ErrorBody)))]
pub async fn list(State(server): State<Shared>) -> Json<JobList> {
    Json(JobList { jobs: server.jobs.list() })
}

/// Asks for work; it is done when others before it are.
#[utoipa::path(
    post,
    path = "/v1/jobs",
    tag = "server",
    request_body = Work,
    responses((status = 202, body = Job), (status = "default", body = ErrorBody))
)]
pub async fn ask(State(server): State<Shared>, Body(work): Body<Work>) -> Result<(StatusCode, Json<Job>), Problem> {
    let Work::Duplicates(wanted) = work;
    // What is wrong with it is said at once.
    let selection = server.readers.ask(move |engine| wanted.selection(engine.store())).await?;
    Ok((StatusCode::ACCEPTED, Json(server.clerk.list_duplicates(selection)?)))
}

fn found(server: &Shared, id: u64) -> Result<Job, Problem> {
    server.jobs.get(id).ok_or_else(|| Problem::not_found(format!("there is no job {id}, or it is long over")))
}

/// How a job stands.
#[utoipa::path(
    get,
    path = "/v1/jobs/{job}",
    tag = "server",
    params(("job" = u64, Path, description = "The number of the job")),
    responses((status = 200, body = Job), (status = "default", body = ErrorBody))
)]
pub async fn get(State(server): State<Shared>, Path(job): Path<u64>) -> Result<Json<Job>, Problem> {
    Ok(Json(found(&server, job)?))
}

/// Cancels a job that was asked for.
#[utoipa::path(
    delete,
    path = "/v1/jobs/{job}",
    tag = "server",
    params(("job" = u64, Path, description = "The number of the job")),
    responses((status = 200, body = Job), (status = "default", body = ErrorBody))
)]
pub async fn cancel(State(server): State<Shared>, Path(job): Path<u64>) -> Result<Json<Job>, Problem> {
    found(&server, job)?;
    server.jobs.cancel(job).map(Json).ok_or_else(|| Problem::not_found(format!("there is no job {job}")))
}

/// The result of a job, as JSON Lines.
#[utoipa::path(
    get,
    path = "/v1/jobs/{job}/result",
    tag = "server",
    params(("job" = u64, Path, description = "The number of the job")),
    responses((status = 200, content_type = "application/x-ndjson", body = String), (status = "default", body = ErrorBody))
)]
pub async fn result(State(server): State<Shared>, Path(id): Path<u64>) -> Result<Response, Problem> {
    let job = found(&server, id)?;
    let Some(file) = server.jobs.result(id) else {
        let message = match job.standing {
            Standing::Waiting | Standing::Running => format!("job {id} is not done yet: see /v1/jobs/{id}"),
            _ => format!("job {id} has no result: see /v1/jobs/{id}"),
        };
        return Err(Problem { status: StatusCode::CONFLICT, ..Problem::unprocessable(message) });
    };
    let chunks = stream::try_unfold((file, 0), |(file, at)| async move {
        let read = tokio::task::spawn_blocking(move || read_at(&file, at, CHUNK).map(|chunk| (file, chunk)));
        let (file, chunk) = read.await.map_err(std::io::Error::other)??;
        let next = at + chunk.len() as u64;
        Ok::<_, std::io::Error>((!chunk.is_empty()).then(|| (Chunk::from(chunk), (file, next))))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Bytes::from_stream(chunks)).into_response())
}
