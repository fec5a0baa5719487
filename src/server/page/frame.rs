//! What all pages have in common: head, navigation, search box and foot; and pages that say what went wrong.

use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets::{ICON, SCRIPT, STYLE};
use super::visit::Visit;
use super::words::Language;
use crate::server::problem::{Problem, set_retry_after};
use crate::store::Header;

/// Which part of the site a page is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Searching, and reading what was found.
    Search,
    /// Copies.
    Duplicates,
    /// How the server is.
    Status,
}

/// A page: what stands between head and foot.
pub struct Page {
    /// What it is called.
    pub title: String,
    /// Where it belongs.
    pub part: Part,
    /// What it says.
    pub main: Markup,
}

impl Page {
    /// The page as an answer. What is shown may change at any time and may be confidential, so that nobody keeps it.
    pub fn answer(self, visit: &Visit) -> Response {
        let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_LANGUAGE, visit.language.code())];
        (headers, Html(self.whole(visit).into_string())).into_response()
    }

    fn whole(self, visit: &Visit) -> Markup {
        let words = visit.words();
        let parts = [
            (Part::Search, "/", words.search),
            (Part::Duplicates, "/duplicates", words.duplicates),
            (Part::Status, "/status", words.status),
        ];
        html! {
            (DOCTYPE)
            html lang=(visit.language.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (self.title) " · voisin" }
                    link rel="icon" href=(ICON.address()) type="image/svg+xml";
                    link rel="stylesheet" href=(STYLE.address());
                    script src=(SCRIPT.address()) defer {}
                }
                body {
                    a.skip href="#main" { (words.skip) }
                    header.masthead {
                        a.brand href=(visit.to("/")) { "voisin" }
                        nav.parts aria-label=(words.pages) {
                            @for (part, path, name) in parts {
                                a href=(visit.to(path)) aria-current=[(part == self.part).then_some("true")] { (name) }
                            }
                        }
                        nav.languages aria-label=(words.language) {
                            @for language in Language::ALL {
                                @let code = language.code();
                                a href=(visit.in_language(language)) hreflang=(code) lang=(code)
                                    aria-current=[(language == visit.language).then_some("true")] { (code.to_uppercase()) }
                            }
                        }
                    }
                    main #main tabindex="-1" { (self.main) }
                    footer.colophon {
                        p { "voisin " (env!("CARGO_PKG_VERSION")) ", " (words.motto) }
                        p.keys hidden { (words.keys) }
                    }
                }
            }
        }
    }
}

/// A box to ask something in: on pages that are not about a search.
pub fn search_box(visit: &Visit, question: &str) -> Markup {
    let words = visit.words();
    html! {
        form.search role="search" action="/" method="get" {
            (carried(visit))
            label.unseen for="q" { (words.question) }
            input #q name="q" type="search" value=(question) placeholder=(words.example) autocomplete="off" spellcheck="false";
            button type="submit" { (words.ask) }
        }
    }
}

/// The language as a part of a form, where the address chooses it.
pub fn carried(visit: &Visit) -> Markup {
    html! { @if let Some((name, value)) = visit.carried() { input type="hidden" name=(name) value=(value); } }
}

/// Why there is no page, and what the page then says of it.
pub struct Failure {
    problem: Problem,
    said: Option<String>,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, said: None }
    }
}

impl Failure {
    /// What was asked is not understood, and why, in the language of the page.
    pub fn invalid(said: impl Into<String>) -> Self {
        let said = said.into();
        Self { problem: Problem::invalid(said.clone()), said: Some(said) }
    }

    /// There is no such thing.
    pub fn not_found() -> Self {
        Problem::not_found("there is nothing at this address").into()
    }

    /// As a page with the status of what went wrong.
    pub fn answer(self, visit: &Visit) -> Response {
        let Problem { status, retry_after, .. } = self.problem;
        let [title, sentence] = visit.language.problem(status);
        let question = visit.get("q").unwrap_or_default();
        let main = html! {
            (search_box(visit, question))
            div.notice.problem role="alert" {
                h1 { (title) }
                p { (self.said.as_deref().unwrap_or(sentence)) }
                p { a href=(visit.to("/")) { (visit.words().home) } }
            }
        };
        let mut response = Page { title: title.to_owned(), part: Part::Search, main }.answer(visit);
        *response.status_mut() = status;
        set_retry_after(&mut response, retry_after);
        response
    }
}

/// A page where there is none; a program is told in its own way.
pub async fn nothing_here(visit: Visit, headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    if accepted.contains("text/html") {
        Failure::not_found().answer(&visit)
    } else {
        Problem::not_found("there is nothing at this path: see /openapi.json for what there is").into_response()
    }
}

/// A page, or why there is none.
pub fn answer(visit: &Visit, page: Result<Page, Failure>) -> Response {
    page.map_or_else(|failure| failure.answer(visit), |page| page.answer(visit))
}

/// When and where an article appeared.
pub fn meta(visit: &Visit, article: &Header) -> Markup {
    let words = visit.words();
    html! {
        @match article.date {
            Some(date) => time datetime=(date) { (visit.language.date(date)) },
            None => span { (words.undated) },
        }
        @if let Some(source) = &article.source { span.source dir="auto" { (source) } }
        @if let Some(language) = article.language.as_deref().filter(|code| *code != visit.language.code()) {
            span.language { (visit.language.language(language)) }
        }
    }
}

/// A share as a bar, for the eye: the words beside it say it, too.
pub fn bar(share: f32) -> Markup {
    html! {
        svg.bar viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.whole width="100" height="10" {}
            rect.share width=(format!("{:.0}", 100.0 * share.clamp(0.0, 1.0))) height="10" {}
        }
    }
}

/// The title of an article, or what it is called without one.
pub fn title<'a>(visit: &Visit, article: &'a Header) -> &'a str {
    match article.title.as_deref().map(str::trim) {
        Some(title) if !title.is_empty() => title,
        _ => visit.words().untitled,
    }
}
