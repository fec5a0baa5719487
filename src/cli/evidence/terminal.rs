//! A comparison or a group as lines of text.

use anstyle::{AnsiColor, Color, Style};
use terminal_size::{Width, terminal_size_of};
use unicode_width::UnicodeWidthStr;

use super::Detail;
use super::columns::{Run, beside, column, cut, hanging, wrap};
use super::words::{self, count, percent};
use crate::cli::hits::{first_characters, last_characters};
use crate::cli::print::{BOLD, DIM, one_line};
use crate::dedup::blocks::{Block, Piece, blocks};
use crate::dedup::comparison::{Comparison, Group, Member, Relation, Side};
use crate::dedup::facts::{FactKind, SharedFact};
use crate::store::Header;
use crate::types::Span;

/// What only the first has.
const REMOVED: Style = Style::new().bold().fg_color(Some(Color::Ansi(AnsiColor::Red)));

/// What only the second has.
const ADDED: Style = Style::new().bold().underline().fg_color(Some(Color::Ansi(AnsiColor::Green)));

/// A width on which texts stand beside each other.
const TWO_COLUMNS: usize = 60;

/// The width where nobody says how wide the screen is.
const USUAL_WIDTH: usize = 100;

/// Lines longer than this are hard to read.
const GREATEST_WIDTH: usize = 200;

/// Characters of equal text beyond which its middle is left out.
const EQUAL: usize = 600;

/// Characters of what was added or removed that are shown.
const OWN: usize = 320;

/// Cells of the names of evidence.
const LABEL: usize = 13;

/// Facts of one kind that are named.
const FACTS: usize = 24;

/// Members of a group that are named in a list.
const MEMBERS: usize = 12;

/// What the lines are for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Cells of a line.
    pub(super) width: usize,
    /// Whether colours are seen; edits are put between marks where they are not.
    pub(super) colours: bool,
}

impl Look {
    /// That of standard output.
    pub(super) fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        // What is piped has the width that its reader says it has.
        let said = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(USUAL_WIDTH);
        let width = terminal_size_of(&stdout).map_or_else(said, |(Width(width), _)| usize::from(width));
        let colours = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        Self { width: width.clamp(TWO_COLUMNS / 2, GREATEST_WIDTH), colours }
    }
}

/// What there is to say of two articles: as an entry of a list, or all of it with their texts beside each other.
pub(super) fn comparison(comparison: &Comparison, look: Look, detail: Detail) -> String {
    match detail {
        Detail::Brief => brief(comparison, look),
        Detail::Full => full(comparison, look),
    }
}

/// What the columns of members are.
pub(super) const LEGEND: &str = "of each version: date, how long after the first (? where the order is not known), what it is to the \
                                 first, how much of the first is in it → how much of it is in the first, confidence";

/// The versions of one article: the representative, then a line a member.
pub(super) fn group(group: &Group, look: Look, detail: Detail) -> String {
    let shown = if detail == Detail::Full { group.members.len() } else { MEMBERS.min(group.members.len()) };
    let versions = count(group.members.len() + 1, "version");
    let first = entry(&group.representative, look.width.saturating_sub(2 + versions.len()));
    let mut text = format!("{first}  {DIM}{versions}{DIM:#}\n");
    for member in &group.members[..shown] {
        text.push_str(&self::member(member, look.width));
    }
    let more = group.members.len() - shown;
    if more > 0 {
        text.push_str(&format!("  {DIM}+{more} more: --json has all{DIM:#}\n"));
    }
    text
}

/// Date, relation, how much of the representative is in it and of it in the representative, confidence, title, name.
fn member(member: &Member, width: usize) -> String {
    let evidence = format!(
        "{:<13} {:>5} → {:<5} {:.2}",
        member.relation.name(),
        percent(member.share_of_first),
        percent(member.share),
        member.confidence
    );
    let taken = evidence.width();
    let lag = words::lag(member.precedence, member.minutes);
    let line = format!("  {:<10} {DIM}{lag:>7}  {evidence}{DIM:#}  ", date(&member.article));
    format!("{line}{}\n", name(&member.article, width.saturating_sub(2 + 10 + 8 + 2 + taken + 2), Style::new()))
}

/// Date, title and name of an article on a line of about `width` cells.
fn entry(header: &Header, width: usize) -> String {
    format!("{:<10}  {}", date(header), name(header, width.saturating_sub(12), BOLD))
}

fn date(header: &Header) -> String {
    header.date.map_or_else(|| "no date".to_owned(), |date| date.to_string())
}

/// The title, shortened so that the name still fits behind it, and the name, which is never cut: it is what to ask for.
fn name(header: &Header, room: usize, style: Style) -> String {
    let key = format!("[{}]", one_line(&header.key));
    match header.title.as_deref().map(one_line).filter(|title| !title.is_empty()) {
        None => format!("{DIM}{key}{DIM:#}"),
        Some(title) => {
            let left = room.saturating_sub(key.width() + 2).max(20);
            format!("{style}{}{style:#}  {DIM}{key}{DIM:#}", cut(&title, left))
        }
    }
}

/// Both articles, what the second is to the first, and the longest thing that they share.
fn brief(comparison: &Comparison, look: Look) -> String {
    let mut text = String::new();
    for side in [&comparison.a, &comparison.b] {
        text.push_str(&entry(&side.header, look.width));
        text.push('\n');
    }
    let mut said = vec![heading(comparison)];
    if comparison.relation.is_some_and(Relation::is_copy) {
        said.push(words::shares(comparison.a.share, comparison.b.share));
    } else if let Some(closeness) = comparison.closeness {
        said.push(format!("closeness {closeness:.3}"));
    }
    said.extend(words::credits(comparison));
    let lines = wrap(&[(said.join("; "), DIM)], look.width - 6);
    text.push_str(&hanging("", 6, lines));
    let longest = comparison.stretches.iter().max_by_key(|stretch| stretch.a.len());
    let evidence = match longest {
        Some(stretch) => {
            let text = one_line(&comparison.a.text[stretch.a.range()]);
            format!("« {} »", cut(&text, look.width - 6 - "«  »".width()))
        }
        None => [FactKind::Quotation, FactKind::Name, FactKind::Number]
            .iter()
            .flat_map(|&kind| facts(comparison, kind))
            .collect::<Vec<_>>()
            .join(" · "),
    };
    if !evidence.is_empty() {
        text.push_str(&format!("      {}\n", cut(&evidence, look.width - 6)));
    }
    text
}

/// What the two are to each other, and how sure that is.
fn heading(comparison: &Comparison) -> String {
    let said = words::relation(comparison.relation, comparison.precedence, comparison.confidence);
    match comparison.relation {
        Some(_) => format!("{said}: confidence {:.2}", comparison.confidence),
        None => said.to_owned(),
    }
}

fn full(comparison: &Comparison, look: Look) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}\n\n", heading(comparison));
    for (letter, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        text.push_str(&hanging(letter, 3, wrap(&particulars(&side.header), look.width - 3)));
    }
    text.push('\n');
    for (label, said) in evidence(comparison) {
        text.push_str(&hanging(label, LABEL, wrap(&[(said, Style::new())], look.width - LABEL)));
    }
    text.push('\n');
    text.push_str(&texts(comparison, look));
    text
}

/// All that tells an article from others.
fn particulars(header: &Header) -> Vec<Run> {
    let title = header.title.as_deref().map(one_line).unwrap_or_default();
    let source = header.source.as_deref().map(|source| format!("{} ", one_line(source))).unwrap_or_default();
    vec![
        (format!("{} ", date(header)), Style::new()),
        (format!("{title} "), BOLD),
        (format!("{source}[{}]", one_line(&header.key)), DIM),
    ]
}

/// What is known of the two beside their texts, each under its name.
fn evidence(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let Comparison { a, b, overlap, .. } = comparison;
    let mut rows = vec![
        ("first", words::first(&a.header, &b.header, comparison.precedence, comparison.minutes)),
        ("text", words::shares(a.share, b.share)),
        (
            "runs",
            format!("of five words: {}; Jaccard {:.3}", words::shares(overlap.a_in_b, overlap.b_in_a), overlap.jaccard),
        ),
    ];
    rows.extend(comparison.closeness.map(|closeness| ("closeness", format!("{closeness:.3}"))));
    rows.extend(words::credits(comparison).map(|said| ("credits", said)));
    let kinds = [(FactKind::Name, "names"), (FactKind::Number, "numbers"), (FactKind::Quotation, "quotations")];
    for (kind, label) in kinds {
        let mut facts = facts(comparison, kind);
        if facts.is_empty() {
            continue;
        }
        let more = facts.len().saturating_sub(FACTS);
        facts.truncate(FACTS);
        let more = if more > 0 { format!(" · +{more} more") } else { String::new() };
        rows.push((label, facts.join(" · ") + &more));
    }
    rows
}

/// The shared facts of a kind, each once, those first that say most; in both spellings, where these differ.
fn facts(comparison: &Comparison, kind: FactKind) -> Vec<String> {
    let mut shared: Vec<&SharedFact> = comparison.facts.iter().filter(|fact| fact.kind == kind).collect();
    shared.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    let mut facts = Vec::new();
    for SharedFact { a, b, .. } in shared {
        let said = |side: &Side, span: &Span| first_characters(&one_line(&side.text[span.range()]), 120);
        let (a, b) = (said(&comparison.a, a), said(&comparison.b, b));
        let fact = if a.to_lowercase() == b.to_lowercase() { a } else { format!("{a} / {b}") };
        if !facts.iter().any(|other: &String| other.to_lowercase() == fact.to_lowercase()) {
            facts.push(fact);
        }
    }
    facts
}

/// The texts beside each other, or one under the other on a narrow screen: what is shared, and between that how much is not.
fn texts(comparison: &Comparison, look: Look) -> String {
    let page = Page { comparison, look };
    if comparison.stretches.is_empty() {
        return match comparison.relation {
            Some(Relation::Identical) => {
                let whole = equal(Span::new(0, comparison.a.text.len()), &comparison.a);
                hanging("= ", 2, wrap(&[(whole, Style::new())], look.width - 2))
            }
            _ => format!("{DIM}no passage in common{DIM:#}\n"),
        };
    }
    let mut text = String::new();
    if page.two_columns() {
        let width = column(look.width);
        let rule = |letter: &str| wrap(&[(format!("{letter} {}", "─".repeat(width - 2)), DIM)], width);
        text.push_str(&beside(&rule("A"), &rule("B"), width));
    }
    for block in blocks(comparison) {
        match block {
            Block::Shared { moved, pieces } => text.push_str(&page.shared(moved, &pieces)),
            Block::Own { a, b } => text.push_str(&page.own(a, b)),
        }
    }
    text
}

/// The two texts, and what they are shown on.
struct Page<'a> {
    comparison: &'a Comparison,
    look: Look,
}

impl Page<'_> {
    fn two_columns(&self) -> bool {
        self.look.width >= TWO_COLUMNS
    }

    /// A stretch that both have, its edits in colours. The columns begin again at the same height with each paragraph of both,
    /// and where an edit pushed them apart by more than a line.
    fn shared(&self, moved: bool, pieces: &[Piece]) -> String {
        let Comparison { a, b, .. } = self.comparison;
        let mut text = String::new();
        if moved {
            let note = |other: &str| vec![(format!("↕ moved: elsewhere in {other}"), DIM)];
            text.push_str(&self.row(note("B"), note("A"), "  "));
        }
        let line = column(self.look.width.max(TWO_COLUMNS));
        let (mut left, mut right, mut apart) = (Vec::new(), Vec::new(), 0);
        let mut edited = false;
        for piece in pieces {
            if piece.equal {
                for (at, (in_a, in_b)) in paragraphs(equal(piece.a, a), equal(piece.b, b)).into_iter().enumerate() {
                    if at > 0 || (apart > line && in_a.len() > line) {
                        let both = if edited { "  " } else { "= " };
                        text.push_str(&self.row(std::mem::take(&mut left), std::mem::take(&mut right), both));
                        (apart, edited) = (0, false);
                    }
                    left.push((in_a, Style::new()));
                    right.push((in_b, Style::new()));
                }
            } else {
                edited = true;
                apart += piece.a.len().abs_diff(piece.b.len());
                left.extend(self.edit(&a.text[piece.a.range()], REMOVED));
                right.extend(self.edit(&b.text[piece.b.range()], ADDED));
            }
        }
        text + &self.row(left, right, if edited { "  " } else { "= " })
    }

    /// Edited text, with the white space around it outside the colour and the marks.
    fn edit(&self, text: &str, style: Style) -> Vec<Run> {
        let inner = text.trim();
        if inner.is_empty() {
            return vec![(text.to_owned(), Style::new())];
        }
        let start = text.len() - text.trim_start().len();
        let marked = match (self.look.colours, style == REMOVED) {
            (true, _) => inner.to_owned(),
            (false, true) => format!("[-{inner}-]"),
            (false, false) => format!("{{+{inner}+}}"),
        };
        let outside = |text: &str| (text.to_owned(), Style::new());
        vec![outside(&text[..start]), (marked, style), outside(&text[start + inner.len()..])]
    }

    /// What stands between stretches: of a later version what was taken out and put in, of others how much there is.
    fn own(&self, a: Span, b: Span) -> String {
        let Comparison { a: first, b: second, .. } = self.comparison;
        let left = self.own_side(first, a, "A", REMOVED);
        let right = self.own_side(second, b, "B", ADDED);
        if left.is_empty() && right.is_empty() { String::new() } else { self.row(left, right, "  ") }
    }

    fn own_side(&self, side: &Side, span: Span, letter: &str, style: Style) -> Vec<Run> {
        let (content, furniture) = without_furniture(side, span);
        let mut runs = Vec::new();
        let characters = content.chars().count();
        if content.contains(char::is_alphanumeric) {
            if self.comparison.relation == Some(Relation::Updated) {
                runs.extend(self.edit(&first_characters(&content, OWN), style));
                if characters > OWN {
                    runs.push((format!(" ({} in all)", count(characters, "character")), DIM));
                }
            } else {
                runs.push((format!("… {} only in {letter} …", count(characters, "character")), DIM));
            }
        }
        if furniture > 0 {
            runs.push((format!(" … {} of page furniture in {letter} …", count(furniture, "character")), DIM));
        }
        runs
    }

    /// Text of both, beside each other or one under the other; with `= ` for `both`, it is the same and shown once in the latter
    /// case.
    fn row(&self, left: Vec<Run>, right: Vec<Run>, both: &str) -> String {
        if self.two_columns() {
            let width = column(self.look.width);
            return beside(&wrap(&left, width), &wrap(&right, width), width);
        }
        let lines = |label: &str, runs: Vec<Run>| hanging(label, 2, wrap(&runs, self.look.width - 2));
        if both == "= " { lines(both, left) } else { lines("A ", left) + &lines("B ", right) }
    }
}

/// Equal text, without its middle where that is long.
fn equal(span: Span, side: &Side) -> String {
    let text = &side.text[span.range()];
    let characters = text.chars().count();
    if characters <= EQUAL {
        return text.to_owned();
    }
    let (head, tail) = (first_characters(text, EQUAL / 3), last_characters(text, EQUAL / 3));
    format!("{head} [{}] {tail}", count(characters - 2 * (EQUAL / 3), "equal character"))
}

/// The paragraphs of two texts of the same words, side by side; where they are cut in different places, each text is one.
fn paragraphs(a: String, b: String) -> Vec<(String, String)> {
    let lines = |text: &str| -> Vec<String> {
        text.split('\n').filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
    };
    let (in_a, in_b) = (lines(&a), lines(&b));
    if in_a.len() == in_b.len() && !in_a.is_empty() { in_a.into_iter().zip(in_b).collect() } else { vec![(a, b)] }
}

/// The words of a span on one line without page furniture, and the number of characters of that.
fn without_furniture(side: &Side, span: Span) -> (String, usize) {
    let mut content = String::new();
    let (mut from, mut furniture) = (span.start, 0);
    for part in side.furniture.iter().filter(|part| part.start < span.end && span.start < part.end) {
        let (start, end) = (part.start.max(span.start), part.end.min(span.end));
        content.push_str(&side.text[from..start.max(from)]);
        content.push(' ');
        furniture += side.text[start..end].trim().chars().count();
        from = end;
    }
    content.push_str(&side.text[from..span.end]);
    (one_line(&content), furniture)
}
