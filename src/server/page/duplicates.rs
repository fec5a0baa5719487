//! Groups of versions: who had it first, who took it when, and how much of it.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::frame::{Failure, Page, Part, answer, bar, carried, meta, title};
use super::visit::Visit;
use super::words::Thing;
use crate::dedup::{Copies, Group, Member, Precedence, Relation, Selection};
use crate::engine::{Engine, EngineError};
use crate::server::problem::Problem;
use crate::server::state::Shared;
use crate::store::Header;
use crate::types::{ArticleId, PartialDate};

/// Groups of a page.
const GROUPS: usize = 20;

/// Members of a group that are shown at once.
const MEMBERS: usize = 6;

/// What members of groups are to what represents them.
const RELATIONS: [Relation; 5] =
    [Relation::Identical, Relation::Republished, Relation::Updated, Relation::Contains, Relation::Excerpt];

/// Least shares to choose from, in percent.
const SHARES: [u8; 4] = [50, 80, 90, 100];

/// The groups of one page, of how many, and how far the register is behind.
struct Listed {
    groups: Vec<Group>,
    all: usize,
    behind: usize,
}

/// `GET /duplicates`
pub async fn duplicates(State(state): State<Shared>, visit: Visit) -> Response {
    answer(&visit, page(&state, &visit).await)
}

async fn page(state: &Shared, visit: &Visit) -> Result<Page, Failure> {
    let words = visit.words();
    let selection = selection(visit).map_err(Failure::invalid)?;
    let at: usize = match visit.get("page") {
        Some(typed) => {
            typed.parse().ok().filter(|at| *at > 0).ok_or_else(|| Failure::invalid(visit.language.no_choice(typed)))?
        }
        None => 1,
    };
    let asked = selection.clone();
    let listed = state.readers.ask(move |engine| list(engine, asked, at)).await?;
    let main = html! {
        h1 { (words.duplicates) }
        p.lead { (words.groups_by_size) }
        (form(visit, &selection))
        @match &listed {
            None => p.notice role="status" { (words.being_made) },
            Some(listed) => {
                p.count {
                    (visit.language.count(listed.all as u64, Thing::Group))
                    @if listed.behind > 0 { " · " (visit.language.behind(listed.behind as u64)) }
                }
                @if listed.groups.is_empty() { p.notice { (words.no_groups) } }
                @for found in &listed.groups { (group(visit, found, None)) }
                (paging(visit, at, listed.all.div_ceil(GROUPS)))
            }
        }
    };
    Ok(Page { title: words.duplicates.to_owned(), part: Part::Duplicates, main })
}

/// Which groups a visit asks for; a sentence where that is not understood.
fn selection(visit: &Visit) -> Result<Selection, String> {
    let language = visit.language;
    let relation = |typed: &str| {
        RELATIONS.into_iter().find(|known| known.name() == typed).ok_or_else(|| language.no_choice(typed))
    };
    let since = visit.get("since").map(|typed| typed.parse().map_err(|_| language.no_date(typed))).transpose()?;
    let least = visit.get("min").map_or(Ok(0.0), |typed| {
        typed
            .parse::<f32>()
            .ok()
            .filter(|percent| (0.0..=100.0).contains(percent))
            .ok_or_else(|| language.no_choice(typed))
    })?;
    let relations = visit.all("relation").map(relation).collect::<Result<_, _>>()?;
    Ok(Selection { least: least / 100.0, relations, since, of: None })
}

fn list(engine: &Engine, selection: Selection, page: usize) -> Result<Option<Listed>, Problem> {
    let known = Copies::known(engine.store(), selection).map_err(EngineError::from)?;
    let Some((copies, behind)) = known else { return Ok(None) };
    let groups = copies.groups().map_err(EngineError::from)?;
    let all = groups.len();
    let groups = groups.into_iter().skip((page - 1).saturating_mul(GROUPS)).take(GROUPS).collect();
    Ok(Some(Listed { groups, all, behind }))
}

fn form(visit: &Visit, selection: &Selection) -> Markup {
    let words = visit.words();
    let least = (selection.least * 100.0).round() as u8;
    html! {
        form.filters.fields action="/duplicates" method="get" {
            (carried(visit))
            label { (words.relation)
                select name="relation" {
                    option value="" { (words.all) }
                    @for relation in RELATIONS {
                        option value=(relation.name()) selected[selection.relations.contains(&relation)] { (visit.language.relation(relation)) }
                    }
                }
            }
            label { (words.since)
                input name="since" type="date" value=[selection.since.map(|date| date.first_day().to_string())];
            }
            label { (words.least_share)
                select name="min" {
                    option value="" { (visit.language.percent(0.0)) }
                    @for share in SHARES {
                        option value=(share) selected[share == least] { (visit.language.percent(f32::from(share) / 100.0)) }
                    }
                }
            }
            button type="submit" { (words.filter) }
        }
    }
}

fn paging(visit: &Visit, at: usize, pages: usize) -> Markup {
    let words = visit.words();
    let to = |page: usize| visit.here().without("page").with("page", &page.to_string());
    html! {
        @if pages > 1 {
            nav.paging aria-label=(words.paging) {
                @if at > 1 { a rel="prev" href=(to(at - 1)) { (words.previous) } }
                span { (visit.language.page_of(at, pages)) }
                @if at < pages { a rel="next" href=(to(at + 1)) { (words.next) } }
            }
        }
    }
}

/// A group along time; under its title, but where the page is about one of its articles.
pub fn group(visit: &Visit, group: &Group, about: Option<ArticleId>) -> Markup {
    let (words, first) = (visit.words(), &group.representative);
    let size = group.members.len() as u64 + 1;
    let (shown, rest) = group.members.split_at(group.members.len().min(MEMBERS));
    let row = |member: &Member| self::member(visit, first, member, about);
    html! {
        article.group {
            p.kicker { (visit.language.count(size, Thing::Version)) }
            @if about.is_none() {
                h2 lang=[first.language.as_deref()] dir="auto" { a href=(visit.to_article(&first.key)) { (title(visit, first)) } }
            }
            (timeline(visit, group))
            ol.members {
                li.first aria-current=[(about == Some(first.id)).then_some("true")] {
                    span.badge.first { (words.first_one) }
                    div.what {
                        @if about.is_some() {
                            a href=(visit.to_article(&first.key)) lang=[first.language.as_deref()] dir="auto" { (title(visit, first)) }
                        }
                        span.meta { (meta(visit, first)) }
                    }
                }
                @for member in shown { (row(member)) }
            }
            @if !rest.is_empty() {
                details {
                    summary { "+" (visit.language.count(rest.len() as u64, Thing::Version)) }
                    ol.members { @for member in rest { (row(member)) } }
                }
            }
        }
    }
}

fn member(visit: &Visit, first: &Header, member: &Member, about: Option<ArticleId>) -> Markup {
    let (words, article) = (visit.words(), &member.article);
    let apart =
        first.date.zip(article.date).map(|(first, own)| i64::from((own.first_day() - first.last_day()).get_days()));
    html! {
        li.(member.relation.name()) aria-current=[(about == Some(article.id)).then_some("true")] {
            span.badge { (visit.language.relation(member.relation)) }
            div.what {
                // A title that says nothing new is not said again.
                @if article.title != first.title {
                    a href=(visit.to_article(&article.key)) lang=[article.language.as_deref()] dir="auto" { (title(visit, article)) }
                }
                span.meta {
                    @if article.title == first.title {
                        a.meta href=(visit.to_article(&article.key)) { (meta(visit, article)) }
                    } @else {
                        (meta(visit, article))
                    }
                    span.lag { (visit.language.lag(member.precedence, member.minutes, apart)) }
                }
            }
            span.share {
                (bar(member.share))
                (visit.language.percent(member.share)) " " (words.of_it)
            }
            a.quiet href=(visit.to_comparison(&first.key, &article.key)) { (words.compare) }
        }
    }
}

/// Where the versions of a group lie in time, as dots on a line; nothing where they are all of one time.
fn timeline(visit: &Visit, group: &Group) -> Markup {
    let Some(start) = group.representative.date else { return html! {} };
    let minutes = |member: &Member| -> Option<i64> {
        let date = member.article.date?;
        let days = || i64::from((date.first_day() - start.first_day()).get_days());
        let known = member.minutes.filter(|_| member.precedence == Precedence::Known);
        Some(known.unwrap_or_else(|| days() * 24 * 60).max(0))
    };
    let dots: Vec<(i64, &Member)> =
        group.members.iter().filter_map(|member| Some((minutes(member)?, member))).collect();
    let last = dots.iter().max_by_key(|(minutes, _)| *minutes);
    let Some((most, last)) = last.filter(|(most, _)| *most > 0) else { return html! {} };
    let place = |minutes: i64| format!("{:.2}%", 1.0 + 98.0 * minutes as f64 / *most as f64);
    let end: Option<PartialDate> = last.article.date;
    html! {
        figure.timeline {
            svg width="100%" height="18" role="img" aria-label=(visit.words().timeline) {
                line.axis x1="1%" x2="99%" y1="9" y2="9" {}
                @for (minutes, member) in dots.iter().rev() {
                    circle.dot.(member.relation.name()) cx=(place(*minutes)) cy="9" r="5" {
                        title { (visit.language.minutes(minutes.unsigned_abs())) ": " (title(visit, &member.article)) }
                    }
                }
                circle.dot.first cx="1%" cy="9" r="5.5" {}
            }
            figcaption {
                span { (visit.language.date(start)) }
                span { @if let Some(end) = end { (visit.language.date(end)) " · " } "+\u{a0}" (visit.language.minutes(most.unsigned_abs())) }
            }
        }
    }
}
