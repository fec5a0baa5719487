//! What stands around all routes. From the outside to the inside, in the order in which a request meets it:
//!
//! | layer | what it does |
//! | --- | --- |
//! | [`observe`] | gives the request its id; counts and logs how it was answered |
//! | [`headers`] | what browsers are told about every answer |
//! | [`in_their_words`] | says what went wrong as clients of other interfaces know it |
//! | [`shape`] | what the framework refuses by itself, and what panics, is said as a [`Problem`](super::problem::Problem) |
//! | [`origin`] | refuses what another site makes a browser ask |
//! | [`access`] | asks for a key, and what it allows |
//! | [`limits`] | the body, the time, and how much is worked on at once |
//! | compression | of what browsers load; vectors would not get much shorter |
//!
//! So a request is refused before its body is read, and every answer has its id, its headers and its line in the log.

mod access;
mod headers;
mod limits;
mod observe;
mod origin;
mod shape;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Extensions, HeaderMap, StatusCode, Version, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};

use super::compatible::in_their_words;
use super::keys::KeysError;
use super::listen::Places;
use super::options::Options;
use super::state::Shared;
use access::Ring;
use limits::Budget;
use observe::Ids;

/// What the layers know from one request to the next.
pub struct Guard {
    /// The keys, where they are asked for.
    keys: Option<Ring>,
    ids: Ids,
    budget: Budget,
    /// Places for connections.
    pub places: Places,
    /// Whether the server is ending.
    pub ending: Arc<AtomicBool>,
}

impl Guard {
    /// For a server with these options.
    ///
    /// # Errors
    /// When the file of keys cannot be read.
    pub fn new(options: &Options) -> Result<Self, KeysError> {
        Ok(Self {
            keys: options.keys.as_deref().map(Ring::open).transpose()?,
            ids: Ids::new(),
            budget: Budget::new(&options.limits),
            places: Places::new(options.limits.connections),
            ending: Arc::default(),
        })
    }

    /// Whether requests need a key.
    pub fn asks_for_keys(&self) -> bool {
        self.keys.is_some()
    }
}

/// An answer with this among its extensions is worth compressing, whatever its type.
#[derive(Clone, Copy, Debug)]
pub struct Compressible;

/// Stands around these routes.
pub fn around(routes: Router, state: &Shared) -> Router {
    // What is added later stands further outside.
    routes
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(1_024).and(compressible)))
        // The body was measured already.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), limits::limits))
        .layer(from_fn_with_state(state.clone(), access::access))
        .layer(from_fn_with_state(state.clone(), origin::origin))
        .layer(CatchPanicLayer::custom(shape::panicked))
        .layer(from_fn(shape::shape))
        .layer(from_fn(in_their_words))
        .layer(map_response(headers::headers))
        .layer(from_fn_with_state(state.clone(), observe::observe))
}

fn compressible(_: StatusCode, _: Version, headers: &HeaderMap, extensions: &Extensions) -> bool {
    const TYPES: [&str; 4] = ["text/html", "text/css", "text/javascript", "image/svg+xml"];
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    TYPES.iter().any(|known| kind.starts_with(known)) || extensions.get::<Compressible>().is_some()
}

/// The template of a request's route, as it was written in the program: never what was asked for, which may say anything.
fn route(request: &axum::extract::Request) -> Option<axum::extract::MatchedPath> {
    request.extensions().get().cloned()
}

#[cfg(test)]
mod tests;
