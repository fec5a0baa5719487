//! An article to read: its text with the passages that are searched, its versions, what is close to it, and what is known of it.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::duplicates;
use super::frame::{Failure, Page, Part, answer, bar, meta, search_box, title};
use super::marked::{bytes, cut};
use super::visit::{Visit, web};
use crate::dedup::{Copies, Group, Pair, Relation, Selection};
use crate::engine::{Engine, EngineError};
use crate::search::related::RelatedRequest;
use crate::search::{Mode, Related, Request};
use crate::server::problem::Problem;
use crate::server::state::Shared;
use crate::store::{Field, Filter, Header};
use crate::types::{PassageId, Span};

/// Related articles that are shown.
const RELATED: usize = 8;

/// Other articles with text in common that are shown.
const OTHERS: usize = 20;

/// An article, with all that its page shows.
struct Read {
    header: Header,
    text: String,
    passages: Vec<(PassageId, Span)>,
    furniture: Vec<Span>,
    /// The words that were asked for on the way here.
    asked: Vec<Span>,
    metadata: Map<String, Value>,
    related: Vec<Related>,
    /// Its group and its pairs outside of it; none where the register has yet to be made.
    copies: Option<Known>,
}

/// What is known of the copies of an article.
struct Known {
    groups: Vec<Group>,
    pairs: Vec<Pair>,
    behind: usize,
}

/// `GET /article/KEY`
pub async fn by_path(State(state): State<Shared>, visit: Visit, key: Result<Path<String>, PathRejection>) -> Response {
    let page = match key {
        Ok(Path(key)) => page(&state, &visit, key).await,
        Err(_) => Err(Failure::not_found()),
    };
    answer(&visit, page)
}

/// `GET /article?key=KEY`, for keys that no path can hold.
pub async fn by_parameter(State(state): State<Shared>, visit: Visit) -> Response {
    let page = match visit.get("key").map(str::to_owned) {
        Some(key) => page(&state, &visit, key).await,
        None => Err(Failure::not_found()),
    };
    answer(&visit, page)
}

async fn page(state: &Shared, visit: &Visit, key: String) -> Result<Page, Failure> {
    let question = visit.get("q").unwrap_or_default().to_owned();
    let visit = visit.clone();
    // Laid out where it is read: a long text takes a while.
    let work = move |engine: &Engine| Ok(read(engine, &key, &question)?.map(|read| laid_out(&visit, &read)));
    state.readers.ask(work).await?.ok_or_else(Failure::not_found)
}

fn laid_out(visit: &Visit, read: &Read) -> Page {
    let main = html! {
        (search_box(visit, visit.get("q").unwrap_or_default()))
        div.columns {
            article.reading aria-labelledby="title" {
                header {
                    p.meta { (meta(visit, &read.header)) }
                    h1 #title lang=[read.header.language.as_deref()] dir="auto" { (title(visit, &read.header)) }
                    (ways(visit, read))
                }
                (text(visit, read))
            }
            aside.beside { (details(visit, read)) }
        }
        section #versions aria-labelledby="versions-title" {
            h2 #versions-title { (visit.words().versions) }
            (versions(visit, read))
        }
        section #related aria-labelledby="related-title" {
            h2 #related-title { (visit.words().related) }
            (related(visit, read))
        }
    };
    Page { title: title(visit, &read.header).to_owned(), part: Part::Search, main }
}

fn read(engine: &Engine, key: &str, question: &str) -> Result<Option<Read>, Problem> {
    let store = engine.store();
    let Some(id) = store.find(key)? else { return Ok(None) };
    let request = RelatedRequest { k: RELATED + OTHERS, filter: Filter::default(), within: None };
    let mut related = engine.similar(id, &request)?;
    let copies = copies(engine, Selection { of: Some(id), ..Selection::default() })?;
    // Copies are shown as such.
    let is_copy = |one: &Related| {
        copies.iter().any(|known| {
            let members = known.groups.iter().flat_map(|group| {
                std::iter::once(group.representative.id).chain(group.members.iter().map(|member| member.article.id))
            });
            members.chain([id]).any(|copy| copy == one.article.id)
        })
    };
    related.retain(|one| !is_copy(one));
    related.truncate(RELATED);
    // It may have changed meanwhile, or gone.
    let _moment = store.snapshot()?;
    if !store.holds_article(id)? {
        return Ok(None);
    }
    let (header, text) = (store.header(id)?, store.text(id)?);
    let mut passages: Vec<(PassageId, Span)> = store
        .passages_of(id)?
        .into_iter()
        .filter(|passage| passage.field == Field::Body)
        .map(|passage| (passage.id, passage.span.to_bytes(&text)))
        .collect();
    passages.sort_unstable_by_key(|(_, span)| span.start);
    let furniture = bytes(&text, &store.boilerplate_of(id)?);
    let asked = if question.is_empty() {
        Vec::new()
    } else {
        let request = Request { mode: Mode::Lexical, ..Request::new(question, 1) };
        // What cannot be asked marks nothing.
        let understood = engine.searcher().understand(&request).ok();
        understood.map_or_else(Vec::new, |asked| engine.words().marks(&asked.words, &text, header.language.as_deref()))
    };
    Ok(Some(Read { metadata: store.metadata(id)?, header, text, passages, furniture, asked, related, copies }))
}

/// What is known of the copies of an article.
fn copies(engine: &Engine, selection: Selection) -> Result<Option<Known>, Problem> {
    let known = Copies::known(engine.store(), selection).map_err(EngineError::from)?;
    let Some((copies, behind)) = known else { return Ok(None) };
    let groups = copies.groups().map_err(EngineError::from)?;
    let mut pairs = copies.pairs().map_err(EngineError::from)?;
    let grouped = |pair: &Pair| {
        groups.iter().any(|group| {
            let has = |header: &Header| {
                group.representative.id == header.id
                    || group.members.iter().any(|member| member.article.id == header.id)
            };
            has(&pair.a) && has(&pair.b)
        })
    };
    pairs.retain(|pair| !grouped(pair));
    pairs.truncate(OTHERS);
    Ok(Some(Known { groups, pairs, behind }))
}

/// Links to the original and to the parts of the page.
fn ways(visit: &Visit, read: &Read) -> Markup {
    let words = visit.words();
    html! {
        p.ways {
            @if let Some(address) = web(read.header.url.as_deref()) { a href=(address) rel="noreferrer" { (words.original) } }
            a href="#versions" { (words.versions) }
            a href="#related" { (words.related) }
        }
    }
}

/// The body, a paragraph a passage; page furniture is dimmed.
fn text(visit: &Visit, read: &Read) -> Markup {
    let words = visit.words();
    let spans: Vec<Span> = read.passages.iter().map(|(_, span)| *span).collect();
    let parts = cut(Span::new(0, read.text.len()), [&spans, &read.furniture, &read.asked]);
    html! {
        div.text lang=[read.header.language.as_deref()] dir="auto" {
            @for run in parts.chunk_by(|one, other| one.of[0] == other.of[0]) {
                @let inner = html! {
                    @for part in run {
                        @let said = &read.text[part.span.range()];
                        @match (part.of[1], part.of[2]) {
                            (Some(_), _) => span.furniture title=(words.furniture) { (said) },
                            (None, Some(_)) => mark { (said) },
                            (None, None) => (said),
                        }
                    }
                };
                @match run[0].of[0] {
                    Some(at) => p.passage id=(format_args!("p{}", read.passages[at].0)) { (inner) },
                    None if run.iter().all(|part| read.text[part.span.range()].trim().is_empty()) => {},
                    None => p.between { (inner) },
                }
            }
        }
        @if !read.furniture.is_empty() { p.hint { (words.has_furniture) } }
    }
}

/// What the source says of the article.
fn details(visit: &Visit, read: &Read) -> Markup {
    let (words, header) = (visit.words(), &read.header);
    html! {
        h2 { (words.details) }
        dl.details {
            div { dt { (words.key) } dd.key { (header.key) } }
            @if let Some(source) = &header.source {
                div { dt { (words.source) } dd dir="auto" { a href=(visit.to("/").with("source", source)) { (source) } } }
            }
            @if let Some(date) = header.date {
                div { dt { (words.date) } dd { time datetime=(date) { (visit.language.date(date)) } } }
            }
            @if let Some(language) = &header.language {
                div { dt { (words.language) } dd { (visit.language.language(language)) } }
            }
            @if let Some(address) = &header.url { div { dt { (words.address) } dd.key { (value(&Value::from(address.as_str()))) } } }
            @for (name, said) in &read.metadata {
                @if !said.is_null() { div { dt dir="auto" { (name) } dd dir="auto" { (value(said)) } } }
            }
        }
    }
}

/// A value of the metadata: an address of the web as a link, a list with commas, all else as it is written.
fn value(said: &Value) -> Markup {
    html! {
        @match said {
            Value::String(text) => @match web(Some(text)) {
                Some(address) => a href=(address) rel="noreferrer" { (address) },
                None => (text),
            },
            Value::Array(values) => @for (at, one) in values.iter().enumerate() { @if at > 0 { ", " } (value(one)) },
            Value::Object(_) => code { (said.to_string()) },
            said => (said.to_string()),
        }
    }
}

/// The group of the article along time, and what else it has text in common with.
fn versions(visit: &Visit, read: &Read) -> Markup {
    let words = visit.words();
    let Some(known) = &read.copies else { return html! { p.notice role="status" { (words.being_made) } } };
    let other = |pair: &Pair| -> Header { if pair.a.id == read.header.id { pair.b.clone() } else { pair.a.clone() } };
    let (stories, copied): (Vec<&Pair>, Vec<&Pair>) =
        known.pairs.iter().partition(|pair| pair.relation == Relation::SameStory);
    html! {
        @if known.behind > 0 { p.count { (visit.language.behind(known.behind as u64)) } }
        @if known.groups.is_empty() && known.pairs.is_empty() { p { (words.no_versions) } }
        @for group in &known.groups { (duplicates::group(visit, group, Some(read.header.id))) }
        @for (name, pairs) in [(words.others, copied), (visit.language.relation(Relation::SameStory), stories)] {
            @if !pairs.is_empty() {
                h3.capital { (name) }
                ol.members {
                    @for pair in pairs {
                        @let other = other(pair);
                        @let own_is_first = pair.a.id == read.header.id;
                        @let share = if own_is_first { pair.evidence.share_b } else { pair.evidence.share_a };
                        li.(pair.relation.name()) {
                            span.badge { (visit.language.relation(pair.relation)) }
                            div.what {
                                a href=(visit.to_article(&other.key)) lang=[other.language.as_deref()] dir="auto" { (title(visit, &other)) }
                                span.meta { (meta(visit, &other)) }
                            }
                            span.share {
                                @if pair.relation != Relation::SameStory {
                                    (bar(share))
                                    (visit.language.percent(share)) " " (words.of_it)
                                }
                            }
                            a.quiet href=(visit.to_comparison(&pair.a.key, &pair.b.key)) { (words.compare) }
                        }
                    }
                }
            }
        }
    }
}

/// Articles close to this one that are no copies of it, each with its closest passage.
fn related(visit: &Visit, read: &Read) -> Markup {
    let words = visit.words();
    html! {
        @if read.related.is_empty() { p { (words.no_related) } }
        ol.hits.two {
            @for one in &read.related {
                @let Related { article, passage, .. } = one;
                li { article.hit {
                    p.meta { (meta(visit, article)) }
                    h3 lang=[article.language.as_deref()] dir="auto" { a href=(visit.to_article(&article.key)) { (title(visit, article)) } }
                    p.passage.clamped lang=[article.language.as_deref()] dir="auto" { (passage.text) }
                    div.under {
                        span.why {
                            (bar(one.score))
                            (words.closeness) " " (visit.language.percent(one.score))
                        }
                        a.quiet href=(visit.to_comparison(&read.header.key, &article.key)) { (words.compare) }
                    }
                } }
            }
        }
    }
}
