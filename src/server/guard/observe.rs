//! The id of a request, and its line in the log and the numbers of the server.
//!
//! A line has the id, the name of the key, the method, the template of the route, the status, the milliseconds until the answer
//! began, and its bytes. There is no query string, no path as it was asked for, and nothing of a body in it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::Body as _;
use tracing::Instrument;

use super::access::Holder;
use super::route;
use crate::server::metrics::Metrics;
use crate::server::state::Shared;

/// Where ids of requests stand.
const ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of an id that somebody else gave.
const LONGEST: usize = 64;

/// Ids that no other request has, of this process or another.
pub(super) struct Ids {
    start: u32,
    next: AtomicU64,
}

impl Ids {
    pub(super) fn new() -> Self {
        // Without random numbers ids of two runs may meet in a log, which has times too.
        Self { start: getrandom::u32().unwrap_or_default(), next: AtomicU64::new(1) }
    }

    /// The id that a request came with, if it looks like one, or a new one.
    fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let sane = |id: &&HeaderValue| {
            let known = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
            (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(known)
        };
        headers.get(ID).filter(sane).cloned().unwrap_or_else(|| {
            let id = format!("{:08x}-{:x}", self.start, self.next.fetch_add(1, Ordering::Relaxed));
            HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
        })
    }
}

/// A request that is being answered. One that nobody waits for any more is counted, too.
struct Watched<'a> {
    metrics: &'a Metrics,
    method: String,
    route: String,
    start: Instant,
    answered: bool,
}

impl Watched<'_> {
    fn answered(mut self, response: &Response) {
        self.answered = true;
        let status = response.status().as_u16();
        let seconds = self.start.elapsed().as_secs_f64();
        self.metrics.answered(&self.method, &self.route, status, seconds);
        let key = response.extensions().get::<Holder>().map(|holder| holder.0.as_str());
        let (method, route, ms) = (&self.method, &self.route, (seconds * 1e6).round() / 1e3);
        let bytes = response.body().size_hint().exact();
        tracing::info!(key, method, route, status, ms, bytes, "answered");
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.metrics.in_flight(-1);
        if !self.answered {
            self.metrics.left(&self.method, &self.route);
            tracing::info!(method = self.method, route = self.route, "nobody waits for the answer any more");
        }
    }
}

pub(super) async fn observe(State(server): State<Shared>, request: Request, next: Next) -> Response {
    let id = server.guard.ids.of(request.headers());
    // On every level, so that whatever is logged on the way has the id.
    let span = tracing::error_span!("request", id = id.to_str().unwrap_or_default());
    let method = match request.method().as_str() {
        method @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "PATCH") => method,
        // Anybody can make names up.
        _ => "other",
    };
    let watched = Watched {
        metrics: &server.metrics,
        method: method.to_owned(),
        route: route(&request).map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned()),
        start: Instant::now(),
        answered: false,
    };
    server.metrics.in_flight(1);
    async move {
        let mut response = next.run(request).await;
        response.headers_mut().insert(ID, id);
        watched.answered(&response);
        response
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sane_ids_are_kept_and_others_are_made() {
        let ids = Ids::new();
        let of = |id: &[u8]| {
            let value = HeaderValue::from_bytes(id).unwrap();
            ids.of(&HeaderMap::from_iter([(ID, value)])).to_str().unwrap().to_owned()
        };
        assert_eq!(of(b"7f3a-B.c_1"), "7f3a-B.c_1");
        let made: Vec<String> = [&b""[..], b"a b", b"a\"b", "é".as_bytes(), &[b'a'; 65]].map(of).into();
        assert!(made.iter().all(|id| id.len() > 9 && id.contains('-')), "{made:?}");
        assert!(made.windows(2).all(|pair| pair[0] != pair[1]), "{made:?}");
    }
}
