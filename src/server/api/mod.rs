//! Our own interface, under `/v1`, and its description.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | `filters` | which articles are meant |
//! | `search` | search, related articles, facets |
//! | `copies` | duplicates, and two articles side by side |
//! | `articles` | articles put, got, removed; their passages; bulk loads |
//! | `status` | the store and the server in numbers |
//! | `jobs` | long work |

mod articles;
mod bulk;
mod copies;
mod filters;
mod jobs;
mod search;
mod status;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::Shared;

/// What the description begins with.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "voisin",
        description = "Semantic search, related and near-duplicate articles, embeddings: French first, on the CPU.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "search", description = "Questions to passages, related articles, facets"),
        (name = "copies", description = "Who copied whom, where, how much"),
        (name = "articles", description = "What is stored"),
        (name = "server", description = "How it is, and long work"),
    ),
    modifiers(&Keys)
)]
pub struct Description;

/// Says how keys are given.
struct Keys;

impl utoipa::Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A key of `voisin keys add`; needed where the server was started with keys."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
        document.security =
            Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>("key", []), SecurityRequirement::default()]);
    }
}

/// The routes of our own interface.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(search::search, search::search_by_post))
        .routes(routes!(search::similar, search::similar_to_text))
        .routes(routes!(search::facets))
        .routes(routes!(copies::duplicates))
        .routes(routes!(copies::compare, copies::compare_texts))
        .routes(routes!(bulk::put_all))
        .routes(routes!(articles::put, articles::get, articles::remove))
        .routes(routes!(articles::passages))
        .routes(routes!(status::status))
        .routes(routes!(jobs::list, jobs::ask))
        .routes(routes!(jobs::get, jobs::cancel))
        .routes(routes!(jobs::result))
}
