//! Two articles beside each other: what both have stands in one row, in one colour, with its edits marked.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::frame::{self, Failure, Page, answer, bar, carried, meta, title};
use super::marked::{Part, cut};
use super::visit::Visit;
use super::words::Thing;
use crate::dedup::blocks::{Block, Piece, blocks, same_margin};
use crate::dedup::credits::Credit;
use crate::dedup::facts::FactKind;
use crate::dedup::{Comparison, Precedence, Side, Subject, compare as side_by_side};
use crate::engine::Engine;
use crate::server::problem::Problem;
use crate::server::state::Shared;
use crate::types::Span;

/// Colours of shared passages, in turns.
const HUES: usize = 6;

/// Facts of a kind that are listed, those that say most.
const FACTS: usize = 40;

/// One of the two articles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    A,
    B,
}

impl Which {
    fn letter(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }

    /// In names of places of the page.
    fn small(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    fn of(self, comparison: &Comparison) -> &Side {
        match self {
            Self::A => &comparison.a,
            Self::B => &comparison.b,
        }
    }
}

/// `GET /compare`
pub async fn compare(State(state): State<Shared>, visit: Visit) -> Response {
    answer(&visit, page(&state, &visit).await)
}

async fn page(state: &Shared, visit: &Visit) -> Result<Page, Failure> {
    let words = visit.words();
    let title = words.compare_title.to_owned();
    let (Some(a), Some(b)) = (visit.get("a"), visit.get("b")) else {
        let main = html! { h1 { (title) } p.lead { (words.compare_how) } (form(visit)) };
        return Ok(Page { title, part: frame::Part::Duplicates, main });
    };
    let keys = [a.to_owned(), b.to_owned()];
    let visit = visit.clone();
    // Laid out where it is read: long texts take a while.
    let work = move |engine: &Engine| Ok(look(engine, &keys)?.map(|comparison| laid_out(&visit, &comparison)));
    state.readers.ask(work).await?.ok_or_else(Failure::not_found)
}

fn laid_out(visit: &Visit, comparison: &Comparison) -> Page {
    let title = visit.words().compare_title.to_owned();
    let main = html! {
        h1 { (title) }
        p.lead.says { (visit.language.says(comparison.relation, comparison.precedence, comparison.confidence)) }
        (evidence(visit, comparison))
        (ribbons(visit, comparison))
        (rows(visit, comparison))
        (legend(visit, comparison))
    };
    Page { title, part: frame::Part::Duplicates, main }
}

fn look(engine: &Engine, keys: &[String; 2]) -> Result<Option<Comparison>, Problem> {
    let store = engine.store();
    let _moment = store.snapshot()?;
    let subject = |key: &str| -> Result<Option<Subject>, Problem> {
        let Some(id) = store.find(key)? else { return Ok(None) };
        Ok(Some(Subject::stored(store, store.header(id)?)?))
    };
    Ok(subject(&keys[0])?.zip(subject(&keys[1])?).map(|(a, b)| side_by_side(a, b)))
}

fn form(visit: &Visit) -> Markup {
    let words = visit.words();
    html! {
        form.filters.fields action="/compare" method="get" {
            (carried(visit))
            label { "A" input name="a" required value=[visit.get("a")]; }
            label { "B" input name="b" required value=[visit.get("b")]; }
            button type="submit" { (words.compare) }
        }
    }
}

/// What there is to say of the two beside their texts.
fn evidence(visit: &Visit, comparison: &Comparison) -> Markup {
    let (words, language) = (visit.words(), visit.language);
    let Comparison { a, b, overlap, precedence, minutes, .. } = comparison;
    let (first, second) = (a.header.date, b.header.date);
    let shares = |of_a: f32, of_b: f32| {
        html! {
            (share(visit, of_a, words.of_a)) (share(visit, of_b, words.of_b))
        }
    };
    html! {
        section.evidence aria-labelledby="evidence" {
            h2.unseen #evidence { (words.evidence) }
            (timeline(visit, comparison))
            dl {
                div { dt { (words.was_first) } dd { (language.first(first, second, *precedence, *minutes)) } }
                div { dt { (words.share_text) } dd { (shares(a.share, b.share)) } }
                div { dt { (words.runs) } dd { (shares(overlap.a_in_b, overlap.b_in_a)) } }
                @if let Some(closeness) = comparison.closeness {
                    div { dt.capital { (words.closeness) } dd { (language.percent(closeness)) } }
                }
                @if comparison.relation.is_some() {
                    div { dt { (words.confidence) } dd { (language.percent(comparison.confidence)) } }
                }
                @let credits = [Which::A, Which::B].map(|which| credits(visit, comparison, which));
                @if credits.iter().any(Option::is_some) {
                    div { dt { (words.credits) } dd { @for said in credits.iter().flatten() { span.credits { (said) } } } }
                }
                @for kind in [FactKind::Name, FactKind::Number, FactKind::Quotation] { (facts(visit, comparison, kind)) }
            }
        }
    }
}

fn share(visit: &Visit, share: f32, of: &str) -> Markup {
    html! {
        span.share {
            (bar(share))
            (visit.language.percent(share)) " " (of)
        }
    }
}

/// Which appeared when, in the order in which they stand.
fn timeline(visit: &Visit, comparison: &Comparison) -> Markup {
    let lag = (comparison.precedence == Precedence::Known).then(|| {
        let (a, b) = (comparison.a.header.date, comparison.b.header.date);
        let apart = a.zip(b).map(|(a, b)| i64::from((b.first_day() - a.last_day()).get_days()));
        visit.language.lag(comparison.precedence, comparison.minutes, apart)
    });
    html! {
        ol.sides {
            @for which in [Which::A, Which::B] {
                @let header = &which.of(comparison).header;
                li {
                    span.letter { (which.letter()) }
                    div {
                        h2 lang=[header.language.as_deref()] dir="auto" { a href=(visit.to_article(&header.key)) { (title(visit, header)) } }
                        p.meta {
                            (meta(visit, header))
                            @if which == Which::B { @if let Some(lag) = &lag { span.lag { (lag) } } }
                        }
                    }
                }
            }
        }
    }
}

/// The agencies that one of the two names.
fn credits(visit: &Visit, comparison: &Comparison, which: Which) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    for Credit { agency, kind, .. } in &which.of(comparison).credits {
        let one = format!("{} {agency}", visit.language.credit(*kind));
        if !said.contains(&one) {
            said.push(one);
        }
    }
    (!said.is_empty()).then(|| format!("{}\u{a0}: {}", which.letter(), said.join(", ")))
}

/// The facts of a kind that both have, each a link to where it stands.
fn facts(visit: &Visit, comparison: &Comparison, kind: FactKind) -> Markup {
    let (a, b) = (&comparison.a.text, &comparison.b.text);
    let mut known: Vec<_> = comparison.facts.iter().enumerate().filter(|(_, fact)| fact.kind == kind).collect();
    known.sort_by(|(_, one), (_, other)| other.weight.total_cmp(&one.weight));
    let mut seen: Vec<&str> = Vec::new();
    known.retain(|(_, fact)| {
        let said = &a[fact.a.range()];
        let is_new = !seen.contains(&said);
        seen.push(said);
        is_new
    });
    html! {
        @if !known.is_empty() {
            div { dt { (visit.language.facts(kind)) }
                dd { ul.facts {
                    @for (at, fact) in known.iter().take(FACTS) {
                        @let (in_a, in_b) = (&a[fact.a.range()], &b[fact.b.range()]);
                        li {
                            a href=(format_args!("#fact-{at}-a")) dir="auto" { (in_a) }
                            @if in_a.to_lowercase() != in_b.to_lowercase() {
                                " / " a href=(format_args!("#fact-{at}-b")) dir="auto" { (in_b) }
                            }
                        }
                    }
                } }
            }
        }
    }
}

/// Where shared passages stand in both, as ribbons between two bars: those that cross were moved.
fn ribbons(visit: &Visit, comparison: &Comparison) -> Markup {
    let words = visit.words();
    let x = |place: usize, side: &Side| 1000.0 * place as f64 / side.text.len().max(1) as f64;
    html! {
        @if !comparison.stretches.is_empty() {
            figure.ribbons {
                span.letter aria-hidden="true" { "A" }
                svg viewBox="0 0 1000 60" preserveAspectRatio="none" role="group" aria-label=(words.where_they_meet) {
                    rect.whole x="0" y="0" width="1000" height="10" {}
                    rect.whole x="0" y="50" width="1000" height="10" {}
                    @for (at, stretch) in comparison.stretches.iter().enumerate() {
                        @let (a0, a1) = (x(stretch.a.start, &comparison.a), x(stretch.a.end, &comparison.a));
                        @let (b0, b1) = (x(stretch.b.start, &comparison.b), x(stretch.b.end, &comparison.b));
                        a.(hue(at)) href=(format_args!("#shared-{at}")) tabindex="-1" aria-label=(format!("{} {}", words.passage, at + 1)) {
                            path d=(format!("M{a0:.1} 10C{a0:.1} 32 {b0:.1} 28 {b0:.1} 50H{b1:.1}C{b1:.1} 28 {a1:.1} 32 {a1:.1} 10Z")) {}
                            rect x=(format!("{a0:.1}")) y="0" width=(format!("{:.1}", (a1 - a0).max(2.0))) height="10" {}
                            rect x=(format!("{b0:.1}")) y="50" width=(format!("{:.1}", (b1 - b0).max(2.0))) height="10" {}
                        }
                    }
                }
                span.letter aria-hidden="true" { "B" }
                figcaption { (visit.language.count(comparison.stretches.len() as u64, Thing::Shared)) }
            }
        }
    }
}

fn hue(at: usize) -> String {
    format!("hue-{}", at % HUES)
}

/// The texts, block by block: what both have in one row, and between the rows what each has for itself.
fn rows(visit: &Visit, comparison: &Comparison) -> Markup {
    let words = visit.words();
    let mut shared = 0..;
    let rows: Vec<(Option<usize>, Block)> = closed(comparison, blocks(comparison))
        .into_iter()
        .map(|block| (matches!(block, Block::Shared { .. }).then(|| shared.next()).flatten(), block))
        .collect();
    html! {
        section.rows aria-labelledby="rows" {
            h2 #rows { (words.side_by_side) }
            div.heads aria-hidden="true" { span.letter { "A" } span.letter { "B" } }
            @for (at, block) in &rows {
                @match block {
                    Block::Own { a, b } => div.row.own {
                        (cell(visit, comparison, Which::A, None, html! { (words_of(visit, comparison, Which::A, *a)) }, a.is_empty()))
                        (cell(visit, comparison, Which::B, None, html! { (words_of(visit, comparison, Which::B, *b)) }, b.is_empty()))
                    },
                    Block::Shared { moved, pieces } => div.row.shared.(hue(at.unwrap_or_default())) id=(format_args!("shared-{}", at.unwrap_or_default())) {
                        @for which in [Which::A, Which::B] {
                            @let said = html! {
                                @if *moved { span.moved { (words.moved) } " " }
                                @for piece in pieces { (self::piece(visit, comparison, which, *piece)) }
                            };
                            (cell(visit, comparison, which, *at, said, false))
                        }
                    },
                }
            }
        }
    }
}

/// Blocks of which those that both have end with the marks that follow them in both, such as a full stop; what is left without
/// words is no row of its own.
fn closed(comparison: &Comparison, blocks: Vec<Block>) -> Vec<Block> {
    let (text_a, text_b) = (&comparison.a.text, &comparison.b.text);
    let mut closed: Vec<Block> = Vec::with_capacity(blocks.len());
    for block in blocks {
        match (closed.last_mut(), block) {
            (Some(Block::Shared { pieces, .. }), Block::Own { mut a, mut b }) => {
                let margin = same_margin(text_a[a.range()].chars(), text_b[b.range()].chars());
                let (in_a, in_b) = (Span::new(a.start, a.start + margin), Span::new(b.start, b.start + margin));
                (a.start, b.start) = (in_a.end, in_b.end);
                pieces.push(Piece { a: in_a, b: in_b, equal: true });
                if !a.trimmed(text_a).is_empty() || !b.trimmed(text_b).is_empty() {
                    closed.push(Block::Own { a, b });
                }
            }
            (_, block) => closed.push(block),
        }
    }
    closed
}

/// One side of a row.
fn cell(visit: &Visit, comparison: &Comparison, which: Which, at: Option<usize>, said: Markup, empty: bool) -> Markup {
    let (words, side) = (visit.words(), which.of(comparison));
    html! {
        div.cell.empty[empty] lang=[side.header.language.as_deref()] dir="auto"
            id=[at.map(|at| format!("shared-{at}-{}", which.small()))] {
            @if let Some(at) = at {
                @let to = if which == Which::A { words.go_to_b } else { words.go_to_a };
                a.jump href=(format_args!("#shared-{at}-{}", which.other().small())) title=(to) aria-label=(format!("{}{}, {to}", which.letter(), at + 1)) {
                    (which.letter()) (at + 1)
                }
            }
            (said)
        }
    }
}

/// A piece of a shared passage: an edit is marked, but for the white space around it.
fn piece(visit: &Visit, comparison: &Comparison, which: Which, piece: Piece) -> Markup {
    let span = if which == Which::A { piece.a } else { piece.b };
    let text = &which.of(comparison).text;
    let inner = span.trimmed(text);
    if piece.equal || inner.is_empty() {
        return words_of(visit, comparison, which, span);
    }
    let edit = words_of(visit, comparison, which, inner);
    html! {
        (text[span.start..inner.start])
        @if which == Which::A { del { (edit) } } @else { ins { (edit) } }
        (text[inner.end..span.end])
    }
}

/// A part of a text, with page furniture, credits and facts marked.
fn words_of(visit: &Visit, comparison: &Comparison, which: Which, span: Span) -> Markup {
    let side = which.of(comparison);
    let credits: Vec<Span> = side.credits.iter().map(|credit| credit.span).collect();
    let facts: Vec<Span> =
        comparison.facts.iter().map(|fact| if which == Which::A { fact.a } else { fact.b }).collect();
    let part = |part: Part<3>| {
        let said = &side.text[part.span.range()];
        let said = match part.of {
            [Some(_), ..] => html! { span.furniture title=(visit.words().furniture) { (said) } },
            [None, Some(_), _] => html! { b.credit { (said) } },
            [None, None, Some(at)] if facts[at].start != part.span.start => html! { span.fact { (said) } },
            [None, None, _] => html! { (said) },
        };
        // Facts may begin inside of others: each has its place.
        let begins = facts.iter().enumerate().filter(|(_, fact)| fact.start == part.span.start);
        begins
            .fold(said, |said, (at, _)| html! { span.fact id=(format_args!("fact-{at}-{}", which.small())) { (said) } })
    };
    html! { @for one in cut(span, [&side.furniture, &credits, &facts]) { (part(one)) } }
}

/// What the marks mean that are there.
fn legend(visit: &Visit, comparison: &Comparison) -> Markup {
    let words = visit.words();
    let furniture = [&comparison.a, &comparison.b].iter().any(|side| !side.furniture.is_empty());
    html! {
        ul.legend aria-label=(words.legend) {
            @if !comparison.stretches.is_empty() {
                li { span.sample.hue-0 { (words.passage) } " " (words.in_both) }
                li { del { (words.word) } " " (words.only_a) }
                li { ins { (words.word) } " " (words.only_b) }
            }
            @if !comparison.facts.is_empty() { li { span.fact { (words.fact) } " " (words.in_both) } }
            @if furniture { li { span.furniture { (words.text) } " " (words.furniture) } }
        }
    }
}
