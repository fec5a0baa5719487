//! Searching: a question, filters, hits with what speaks for them, and what they can be narrowed down by.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::frame::{Failure, Page, Part, answer, bar, carried, meta, title};
use super::marked;
use super::visit::{Address, Visit};
use super::words::Thing;
use crate::engine::Engine;
use crate::search::{Answer, Cursor, Hit, Mode, Order, Request, SearchError};
use crate::server::problem::Problem;
use crate::server::state::Shared;
use crate::store::Filter;
use crate::types::PartialDate;

/// Hits of a page.
const HITS: usize = 10;

/// Characters of a question at most: a paragraph.
const LONGEST: usize = 2_000;

/// Values of a facet that are shown.
const VALUES: usize = 12;

/// What articles can be narrowed down by, which is also the name of the parameter.
const FACETS: [&str; 3] = ["language", "source", "year"];

/// A search as it is asked for by the address.
#[derive(Clone, Debug)]
struct Asked {
    question: String,
    mode: Mode,
    order: Order,
    fold: bool,
    filter: Filter,
    after: Option<Cursor>,
}

const MODES: [Mode; 3] = [Mode::Hybrid, Mode::Semantic, Mode::Lexical];
const ORDERS: [(Order, &str); 3] =
    [(Order::Relevance, "relevance"), (Order::Newest, "newest"), (Order::Oldest, "oldest")];

impl Asked {
    /// What a visit asks for; a sentence where that is not understood.
    fn read(visit: &Visit) -> Result<Self, String> {
        let (language, words) = (visit.language, visit.words());
        let question = visit.get("q").unwrap_or_default().to_owned();
        if question.chars().nth(LONGEST).is_some() {
            return Err(words.too_long.to_owned());
        }
        let date = |name: &str| -> Result<Option<PartialDate>, String> {
            visit.get(name).map(|typed| typed.parse().map_err(|_| language.no_date(typed))).transpose()
        };
        let mut filter = Filter { since: date("since")?, until: date("until")?, ..Filter::default() };
        for name in FACETS {
            filter = visit.all(name).fold(filter, |filter, value| filter.with_label(name, value));
        }
        let mode = match visit.get("by") {
            Some(typed) => {
                MODES.into_iter().find(|mode| mode.name() == typed).ok_or_else(|| language.no_choice(typed))?
            }
            None => Mode::default(),
        };
        let order = match visit.get("sort") {
            Some(typed) => {
                let known = ORDERS.into_iter().find(|(_, name)| *name == typed);
                known.ok_or_else(|| language.no_choice(typed))?.0
            }
            None => Order::default(),
        };
        let after =
            visit.get("after").map(|word| word.parse().map_err(|_| words.other_question.to_owned())).transpose()?;
        Ok(Self { question, mode, order, fold: visit.get("versions").is_none(), filter, after })
    }

    /// The request, with another filter where facets are counted.
    fn request<'a>(&'a self, filter: Filter, after: Option<&'a Cursor>) -> Request<'a> {
        let (mode, order, fold) = (self.mode, self.order, self.fold);
        Request { mode, order, fold, filter, after, explain: true, ..Request::new(&self.question, HITS) }
    }
}

/// A value that articles can be narrowed down to, with how many have it.
type Facet = (&'static str, Vec<(String, u64)>);

/// What was found.
struct Found {
    answer: Answer,
    /// Articles that pass the filters.
    passing: u64,
    facets: Vec<Facet>,
}

/// What a store holds, for those who have not asked yet.
struct Holding {
    articles: u64,
    languages: Vec<(String, u64)>,
    years: Option<(String, String)>,
}

/// `GET /`
pub async fn search(State(state): State<Shared>, visit: Visit) -> Response {
    answer(&visit, page(&state, &visit).await)
}

async fn page(state: &Shared, visit: &Visit) -> Result<Page, Failure> {
    let words = visit.words();
    let asked = Asked::read(visit).map_err(Failure::invalid)?;
    if asked.question.is_empty() && asked.filter.is_all() {
        if visit.has("q") {
            return Err(Failure::invalid(words.empty));
        }
        let holding = state.readers.ask(hold).await?;
        let main = html! {
            section.welcome {
                h1 { (words.question) }
                (form(visit, &asked, &[]))
                (welcome(visit, &holding))
            }
        };
        return Ok(Page { title: words.search.to_owned(), part: Part::Search, main });
    }
    let question = asked.clone();
    let work = move |engine: &Engine| look(engine, &question);
    let Some(found) = state.readers.ask(work).await? else { return Err(Failure::invalid(words.empty)) };
    let found = found.map_err(|OtherQuestion| Failure::invalid(words.other_question))?;
    let name = if asked.question.is_empty() { words.results } else { &asked.question };
    let main = html! {
        h1.unseen { (words.results) @if !asked.question.is_empty() { " · " (asked.question) } }
        (form(visit, &asked, &found.facets))
        div.columns {
            section.results aria-label=(words.results) { (results(visit, &asked, &found)) }
            aside.facets aria-labelledby="narrow" {
                h2 #narrow { (words.narrow) }
                (chosen(visit))
                @for facet in &found.facets { (links(visit, facet)) }
            }
        }
    };
    Ok(Page { title: name.to_owned(), part: Part::Search, main })
}

/// The mark of a page is that of another question.
struct OtherQuestion;

/// Searches, and counts what can be narrowed down by; nothing where nothing is asked.
fn look(engine: &Engine, asked: &Asked) -> Result<Option<Result<Found, OtherQuestion>>, Problem> {
    let searcher = engine.searcher();
    let _moment = engine.store().snapshot()?;
    let answer = match searcher.search(&asked.request(asked.filter.clone(), asked.after.as_ref())) {
        Ok(answer) => answer,
        Err(SearchError::Empty) => return Ok(None),
        Err(SearchError::OtherQuestion) => return Ok(Some(Err(OtherQuestion))),
        Err(error) => return Err(error.into()),
    };
    let allowed = |filter: Filter| match searcher.understand(&asked.request(filter, None)) {
        Ok(question) => Ok(question.allowed),
        // A filter was all that was asked.
        Err(SearchError::Empty) => Ok(None),
        Err(error) => Err(Problem::from(error)),
    };
    let within = allowed(asked.filter.clone())?;
    let passing = match &within {
        Some(articles) => articles.len(),
        None => engine.store().articles_matching(&Filter::default())?.len(),
    };
    let mut facets = Vec::new();
    for name in FACETS {
        // A choice among values is made without the one that is chosen.
        let mut others = asked.filter.clone();
        others.labels.retain(|label| label.name != name);
        let counted = if others == asked.filter { &within } else { &allowed(others)? };
        let mut values = engine.store().facets(name, counted.as_ref(), VALUES)?;
        if name == "year" {
            values.sort_unstable_by(|one, other| other.cmp(one));
        }
        facets.push((name, values));
    }
    Ok(Some(Ok(Found { answer, passing: passing as u64, facets })))
}

fn hold(engine: &Engine) -> Result<Holding, Problem> {
    let store = engine.store();
    let years: Vec<String> = store.facets("year", None, usize::MAX)?.into_iter().map(|(year, _)| year).collect();
    Ok(Holding {
        articles: store.articles_matching(&Filter::default())?.len() as u64,
        languages: store.facets("language", None, VALUES)?,
        years: years.iter().min().cloned().zip(years.iter().max().cloned()),
    })
}

/// The box and the filters.
fn form(visit: &Visit, asked: &Asked, facets: &[Facet]) -> Markup {
    let words = visit.words();
    let values = |name: &str| facets.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, values)| values);
    let set = ["since", "until", "by", "sort", "versions", "language", "source"];
    let open = set.iter().any(|name| visit.get(name).is_some());
    let day = |date: Option<jiff::civil::Date>| date.map(|date| date.to_string());
    let language = visit.get("language");
    html! {
        form.search role="search" action="/" method="get" {
            (carried(visit))
            // What was chosen beyond the fields stays chosen.
            @for (name, skipped) in [("language", 1), ("source", 1), ("year", 0)] {
                @for value in visit.all(name).skip(skipped) { input type="hidden" name=(name) value=(value); }
            }
            label.unseen for="q" { (words.question) }
            input #q name="q" type="search" value=(asked.question) placeholder=(words.example) autocomplete="off"
                spellcheck="false" autofocus[asked.question.is_empty()];
            button type="submit" { (words.ask) }
            details.filters open[open] {
                summary { (words.filters) }
                div.fields {
                    label { (words.language)
                        select name="language" {
                            option value="" { (words.all) }
                            @for (code, _) in values("language") {
                                option value=(code) selected[language == Some(code)] { (visit.language.language(code)) }
                            }
                            @if let Some(code) = language.filter(|code| !values("language").iter().any(|(known, _)| known == code)) {
                                option value=(code) selected { (visit.language.language(code)) }
                            }
                        }
                    }
                    label { (words.source)
                        input name="source" value=[visit.get("source")] list="sources" autocomplete="off";
                        datalist #sources { @for (source, _) in values("source") { option value=(source) {} } }
                    }
                    label { (words.since)
                        input name="since" type="date" value=[day(asked.filter.since.map(PartialDate::first_day))];
                    }
                    label { (words.until)
                        input name="until" type="date" value=[day(asked.filter.until.map(PartialDate::last_day))];
                    }
                    label { (words.by)
                        select name="by" {
                            @for mode in MODES {
                                @let value = if mode == Mode::default() { "" } else { mode.name() };
                                option value=(value) selected[mode == asked.mode] { (visit.language.mode(mode)) }
                            }
                        }
                    }
                    label { (words.order)
                        select name="sort" {
                            @for (order, name) in ORDERS {
                                @let value = if order == Order::default() { "" } else { name };
                                option value=(value) selected[order == asked.order] { (visit.language.order(order)) }
                            }
                        }
                    }
                    label.check { input type="checkbox" name="versions" value="all" checked[!asked.fold]; (words.all_versions) }
                }
            }
        }
    }
}

/// The hits of a page, and the way to the next.
fn results(visit: &Visit, asked: &Asked, found: &Found) -> Markup {
    let words = visit.words();
    html! {
        p.count { (visit.language.among(found.passing)) }
        @for note in &found.answer.notes { p.note { (visit.language.note(note)) } }
        @if found.answer.hits.is_empty() { p.notice { (words.nothing) } }
        ol.hits {
            @for hit in &found.answer.hits { li { (shown(visit, asked, hit)) } }
        }
        @if let Some(next) = &found.answer.next {
            nav.paging aria-label=(words.paging) {
                a.next rel="next" href=(visit.here().without("after").with("after", &next.to_string())) { (words.next) }
            }
        }
    }
}

/// A hit.
fn shown(visit: &Visit, asked: &Asked, hit: &Hit) -> Markup {
    let words = visit.words();
    let Hit { article, passage, .. } = hit;
    let address = {
        let address = visit.to_article(&article.key);
        if asked.question.is_empty() { address } else { address.with("q", &asked.question) }
    };
    html! {
        article.hit {
            p.meta { (meta(visit, article)) }
            h2 lang=[article.language.as_deref()] dir="auto" {
                a href=(address) {
                    @match &article.title {
                        Some(text) if !text.trim().is_empty() => (marked::title(text, &hit.title_words)),
                        _ => (title(visit, article)),
                    }
                }
            }
            p.passage lang=[article.language.as_deref()] dir="auto" {
                (marked::passage(&passage.text, passage.sentence, &passage.words, words.closest_sentence))
            }
            div.under {
                (why(visit, hit))
                a.quiet href=(address.at(format_args!("p{}", passage.id))) { (words.in_context) }
                (versions(visit, hit))
            }
        }
    }
}

/// What words and meaning bring to a hit.
fn why(visit: &Visit, hit: &Hit) -> Markup {
    let Some(reasons) = &hit.reasons else { return html! {} };
    let share = |place: Option<crate::search::Place>| place.map_or(0.0, |place| place.share.max(0.0));
    let (by_words, by_meaning) = (share(reasons.candidate.words), share(reasons.candidate.meaning));
    let sum = by_words + by_meaning;
    let mut terms: Vec<&str> = Vec::new();
    for term in &reasons.terms {
        if !terms.contains(&term.term.as_str()) {
            terms.push(&term.term);
        }
    }
    html! {
        @if sum > 0.0 {
            span.why title=[(!terms.is_empty()).then(|| terms.join(", "))] {
                @let said = visit.language.brings(by_words / sum, by_meaning / sum);
                (bar(by_words / sum))
                (said)
            }
        }
    }
}

/// The near-identical articles that are folded under a hit.
fn versions(visit: &Visit, hit: &Hit) -> Markup {
    let (words, key) = (visit.words(), &hit.article.key);
    html! {
        @if !hit.versions.is_empty() {
            details.versions {
                summary { "+" (visit.language.count(hit.versions.len() as u64, Thing::Version)) }
                ul {
                    @for version in &hit.versions {
                        li {
                            span.meta { (meta(visit, version)) }
                            a href=(visit.to_article(&version.key)) lang=[version.language.as_deref()] dir="auto" { (title(visit, version)) }
                            a.quiet href=(visit.to_comparison(key, &version.key)) { (words.compare) }
                        }
                    }
                }
            }
        }
    }
}

/// The filters that are set, each with the way to this page without it.
fn chosen(visit: &Visit) -> Markup {
    let words = visit.words();
    let filters: Vec<(&str, &str)> = ["language", "source", "year", "since", "until"]
        .into_iter()
        .flat_map(|name| visit.all(name).map(move |value| (name, value)))
        .collect();
    html! {
        @if !filters.is_empty() {
            ul.chosen {
                @for (name, value) in filters {
                    li {
                        a href=(first_page(visit).less(name, value)) {
                            (label(visit, name)) " " b dir="auto" { (value_of(visit, name, value)) }
                            span aria-hidden="true" { " ×" } span.unseen { " (" (words.remove_filter) ")" }
                        }
                    }
                }
            }
        }
    }
}

/// The values of a facet as links: to this search with the value, or without it where it is chosen.
fn links(visit: &Visit, (name, values): &Facet) -> Markup {
    html! {
        @if !values.is_empty() {
            h3 { (label(visit, name)) }
            ul {
                @for (value, count) in values {
                    @let is_chosen = visit.all(name).any(|known| known == value);
                    @let address = if is_chosen { first_page(visit).less(name, value) } else { first_page(visit).with(name, value) };
                    li {
                        a href=(address) aria-current=[is_chosen.then_some("true")] dir="auto" { (value_of(visit, name, value)) }
                        span.number { (visit.language.number(*count)) }
                    }
                }
            }
        }
    }
}

fn first_page(visit: &Visit) -> Address {
    visit.here().without("after")
}

/// What a filter is called.
fn label(visit: &Visit, name: &str) -> &'static str {
    let words = visit.words();
    match name {
        "language" => words.language,
        "source" => words.source,
        "year" => words.year,
        "since" => words.since,
        _ => words.until,
    }
}

/// The value of a filter, for people.
fn value_of(visit: &Visit, name: &str, value: &str) -> String {
    match (name, value.parse::<PartialDate>()) {
        ("language", _) => visit.language.language(value),
        ("since" | "until", Ok(date)) => visit.language.date(date),
        _ => value.to_owned(),
    }
}

/// What the store holds, and what can be typed.
fn welcome(visit: &Visit, holding: &Holding) -> Markup {
    let words = visit.words();
    let syntax = [
        (words.example, words.syntax_words),
        (words.phrase_example, words.syntax_phrase),
        (words.exclude_example, words.syntax_exclude),
        (words.title_example, words.syntax_title),
        (words.date_example, words.syntax_date),
        (words.label_example, words.syntax_label),
    ];
    html! {
        dl.figures {
            div { dt { (words.articles) } dd { (visit.language.number(holding.articles)) } }
            @if let Some((first, last)) = &holding.years {
                div { dt { (words.dates_of) } dd { (first) @if first != last { "\u{202f}–\u{202f}" (last) } } }
            }
            @if !holding.languages.is_empty() {
                div.wide { dt { (words.languages) }
                    dd.list {
                        @for (code, count) in holding.languages.iter().take(4) {
                            a href=(visit.to("/").with("language", code)) { (visit.language.language(code)) }
                            " " span.number { (visit.language.number(*count)) }
                        }
                    }
                }
            }
        }
        h2 { (words.syntax) }
        dl.syntax {
            @for (example, meaning) in syntax {
                div { dt { a href=(visit.to("/").with("q", example)) { code { (example) } } } dd { (meaning) } }
            }
        }
    }
}
