//! How much is done, how fast, and what waits: for people who look after the server.

use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::frame::{Failure, Page, Part, answer};
use super::visit::Visit;
use super::words::Thing;
use crate::dedup;
use crate::engine::{Engine, EngineError};
use crate::server::problem::Problem;
use crate::server::state::Shared;

/// What a store holds, and how far its views are behind.
struct Stored {
    articles: u64,
    vectors: u64,
    /// Changes that the views which answer do not hold yet.
    views: u64,
    /// Articles that the register of copies does not know yet; none where there is no register.
    copies: Option<u64>,
}

/// `GET /status`
pub async fn status(State(state): State<Shared>, visit: Visit) -> Response {
    answer(&visit, page(&state, &visit).await)
}

async fn page(state: &Shared, visit: &Visit) -> Result<Page, Failure> {
    let words = visit.words();
    let stored = state.readers.ask(look).await?;
    let main = html! {
        h1 { (words.status) }
        div #panel data-refresh="2" { (panel(visit, state, &stored)) }
        figure.speed hidden {
            svg #speed width="100%" height="64" viewBox="0 0 240 64" preserveAspectRatio="none" role="img" aria-label=(words.per_second) {}
            figcaption { (words.per_second) }
        }
        p.hint #refreshed hidden { (words.refreshed) }
    };
    Ok(Page { title: words.status.to_owned(), part: Part::Status, main })
}

fn look(engine: &Engine) -> Result<Stored, Problem> {
    let store = engine.store();
    let behind = store.sequence()?.0 - engine.words().sequence().0;
    let copies = dedup::counts(store).map_err(EngineError::from)?;
    Ok(Stored {
        articles: engine.words().len() as u64,
        vectors: engine.view().len() as u64,
        views: behind.max(0).unsigned_abs(),
        copies: copies.map(|known| known.behind as u64),
    })
}

/// What changes while one looks.
fn panel(visit: &Visit, state: &Shared, stored: &Stored) -> Markup {
    let (words, language) = (visit.words(), visit.language);
    let counts = state.embeddings.counts();
    let [passes, texts, tokens, micros] =
        [&counts.passes, &counts.texts, &counts.tokens, &counts.busy_micros].map(|count| count.load(Ordering::Relaxed));
    let up = state.started.elapsed();
    let threads = state.options.threads.max(1);
    let seconds = up.as_secs_f64().max(1e-3);
    let at_work = (micros as f64 / 1e6 / threads as f64).max(1e-6);
    let (waiting_texts, waiting_tokens) = state.embeddings.waiting();
    let spec = state.embeddings.embedder().spec();
    let lag = |behind: u64, thing: Thing| {
        if behind == 0 { words.up_to_date.to_owned() } else { language.count(behind, thing) }
    };
    html! {
        section.card aria-labelledby="embedded" {
            h2 #embedded { (words.embedded) }
            dl.figures {
                (figure(words.tokens, &language.number(tokens), Some(tokens)))
                (figure(words.texts, &language.number(texts), None))
                (figure(words.passes, &language.number(passes), None))
            }
            dl.details {
                @for (name, count) in [(words.tokens_per_second, tokens), (words.texts_per_second, texts)] {
                    @for (time, said) in [(at_work, words.at_work), (seconds, words.since_start)] {
                        div { dt { (name) ", " (said) } dd { (language.decimal(count as f64 / time)) } }
                    }
                }
                div { dt { (words.waiting) } dd { (language.count(waiting_texts as u64, Thing::Text)) ", " (language.count(waiting_tokens as u64, Thing::Token)) } }
            }
        }
        section.card aria-labelledby="searches" {
            h2 #searches { (words.searches) }
            dl.figures {
                (figure(words.searches, &language.number(state.readers.done()), None))
                (figure(words.waiting, &language.number(state.readers.waiting() as u64), None))
            }
        }
        section.card aria-labelledby="store" {
            h2 #store { (words.store) }
            dl.figures {
                (figure(words.articles, &language.number(stored.articles), None))
                (figure(words.vectors, &language.number(stored.vectors), None))
            }
            dl.details {
                div { dt { (words.lag) } dd { (lag(stored.views, Thing::Change)) } }
                div { dt { (words.lag_copies) }
                    dd { (stored.copies.map_or_else(|| words.not_made.to_owned(), |behind| lag(behind, Thing::Article))) } }
            }
        }
        section.card aria-labelledby="model" {
            h2 #model { (words.model) }
            dl.details {
                div { dt { (words.model) } dd { (spec.id) } }
                div { dt { (words.precision) } dd { (state.embeddings.embedder().precision()) ", " (spec.dims) " " (words.components) } }
                div { dt { (words.threads) } dd { (language.number(threads as u64)) } }
                div { dt { (words.uptime) } dd { (language.lasted(up)) } }
            }
        }
    }
}

fn figure(name: &str, number: &str, count: Option<u64>) -> Markup {
    html! { div { dt { (name) } dd data-count=[count] { (number) } } }
}
