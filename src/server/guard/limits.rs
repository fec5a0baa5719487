//! The body, the time, and how much is worked on at once.
//!
//! A body is read here, before its request takes one of the places to be worked on: whoever sends one slowly holds a connection and
//! the bytes that have come, nothing that others need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::route;
use crate::server::options::Limits;
use crate::server::problem::Problem;
use crate::server::state::Shared;

/// Bodies are counted in units of so many bytes.
const UNIT: usize = 1 << 10;

/// When to come again where too much is worked on.
const SOON: Duration = Duration::from_secs(1);

/// Bodies that are read as they come, for as long as they come: bulk loads.
const STREAMED: [(Method, &str); 1] = [(Method::POST, "/v1/articles")];

/// What is left for further requests.
pub(super) struct Budget {
    requests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(u32::MAX as usize)));
        Self { requests: semaphore(limits.requests), bodies: semaphore(limits.bodies / UNIT) }
    }
}

pub(super) async fn limits(State(server): State<Shared>, request: Request, next: Next) -> Response {
    let route = route(&request);
    let route = route.as_ref().map_or("", |route| route.as_str());
    if STREAMED.iter().any(|(method, streamed)| (method, *streamed) == (request.method(), route)) {
        return next.run(request).await;
    }
    let limit = server.options.limits.request;
    let arrived = AtomicBool::new(false);
    let answered = async {
        let (parts, body) = request.into_parts();
        let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let (body, _held) = read(body, length, &server.options.limits, &server.guard.budget).await?;
        arrived.store(true, Ordering::Relaxed);
        let Ok(_place) = server.guard.budget.requests.try_acquire() else {
            let message = "as many requests as this server takes are worked on: come again later";
            return Err(Problem::unavailable(message, Some(SOON)));
        };
        Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
    };
    match tokio::time::timeout(limit, answered).await {
        Ok(answered) => answered.unwrap_or_else(IntoResponse::into_response),
        Err(_) if arrived.load(Ordering::Relaxed) => Problem::timeout(limit).into_response(),
        Err(_) => late(limit).into_response(),
    }
}

/// 408: the body did not come in time.
fn late(limit: Duration) -> Problem {
    let message = format!("the body did not arrive within {} s, the limit of a request", limit.as_secs());
    Problem { status: StatusCode::REQUEST_TIMEOUT, code: "late", message, retry_after: None }
}

/// A body, and what holds its place in the memory of the server.
async fn read(
    body: Body,
    length: Option<usize>,
    limits: &Limits,
    budget: &Budget,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Problem> {
    let too_large = || {
        Problem::too_large(format!(
            "the body is larger than {} bytes, the limit of this server: send less",
            limits.body
        ))
    };
    // Whoever asks before sending a body is spared to send it.
    if length.is_some_and(|length| length > limits.body) {
        return Err(too_large());
    }
    let (mut stream, mut bytes, mut held) = (body.into_data_stream(), Vec::new(), None::<OwnedSemaphorePermit>);
    while let Some(part) = stream.next().await {
        let part =
            part.map_err(|_| Problem::invalid("the body broke off, or is not in the form that its head says"))?;
        if bytes.len() + part.len() > limits.body {
            return Err(too_large());
        }
        let units = (bytes.len() + part.len()).div_ceil(UNIT) - bytes.len().div_ceil(UNIT);
        let Ok(more) = budget.bodies.clone().try_acquire_many_owned(units as u32) else {
            let message = "as many bytes of requests as this server holds are arriving: come again later";
            return Err(Problem::unavailable(message, Some(SOON)));
        };
        match &mut held {
            Some(held) => held.merge(more),
            None => held = Some(more),
        }
        bytes.extend_from_slice(&part);
    }
    Ok((bytes.into(), held))
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    /// What becomes of a body that comes in parts of these lengths, and the bytes that are free meanwhile.
    fn outcome(parts: &[usize], length: Option<usize>, limits: &Limits) -> (Result<usize, StatusCode>, usize) {
        let budget = Budget::new(limits);
        let parts = parts.iter().map(|length| Ok::<_, std::io::Error>(vec![b'a'; *length])).collect::<Vec<_>>();
        let body = Body::from_stream(stream::iter(parts));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(read(body, length, limits, &budget));
        let free = budget.bodies.available_permits() * UNIT;
        (read.as_ref().map(|(bytes, _)| bytes.len()).map_err(|problem| problem.status), free)
    }

    #[test]
    fn a_body_is_held_to_its_limit_and_to_that_of_all() {
        let limits = Limits { body: 10 * UNIT, bodies: 20 * UNIT, ..Limits::default() };
        assert_eq!(outcome(&[], None, &limits), (Ok(0), 20 * UNIT));
        assert_eq!(outcome(&[1, 1, 1], None, &limits), (Ok(3), 19 * UNIT), "a unit in all");
        assert_eq!(outcome(&[5 * UNIT, 5 * UNIT], None, &limits), (Ok(10 * UNIT), 10 * UNIT));
        let too_large = (Err(StatusCode::PAYLOAD_TOO_LARGE), 20 * UNIT);
        assert_eq!(outcome(&[5 * UNIT, 5 * UNIT, 1], None, &limits), too_large, "and nothing is held");
        assert_eq!(outcome(&[], Some(10 * UNIT + 1), &limits), too_large, "by what its head says");
        let few = Limits { bodies: 4 * UNIT, ..limits };
        assert_eq!(outcome(&[5 * UNIT], None, &few), (Err(StatusCode::SERVICE_UNAVAILABLE), 4 * UNIT));
    }
}
