//! The web page: searching, reading and comparing in a browser, in French and English, with or without a script.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | `words` | every word in both languages, and how each writes numbers and dates |
//! | `visit` | what is asked of a page, and the addresses of others |
//! | `frame` | what all pages have in common, and pages that say what went wrong |
//! | `assets` | style, script and icon, under names that never change what they mean |
//! | `marked` | texts with something marked in them |
//! | `search` | a question, filters, hits |
//! | `article` | an article with its passages, versions and relatives |
//! | `duplicates` | groups of versions along time |
//! | `compare` | two articles beside each other |
//! | `status` | how much is done, and how fast |
//!
//! Pages are made here and whole: a script only adds comfort. What articles say is text, never markup; there is no style and no
//! script in a page, so that a policy can forbid both.

mod article;
mod assets;
mod compare;
mod duplicates;
mod frame;
mod marked;
mod search;
mod status;
mod visit;
mod words;

use axum::Router;
use axum::routing::get;

use super::state::Shared;

pub use frame::nothing_here;

/// The routes of all pages.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(search::search))
        .route("/article", get(article::by_parameter))
        .route("/article/{*key}", get(article::by_path))
        .route("/duplicates", get(duplicates::duplicates))
        .route("/compare", get(compare::compare))
        .route("/status", get(status::status))
        .route("/assets/{name}", get(assets::asset))
}

#[cfg(test)]
mod tests;
