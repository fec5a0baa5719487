//! How hits and related articles look for people; for programs, as [`crate::wire`] says.

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::CliError;
use super::print::{BOLD, DIM, Printer, one_line};
use crate::lexical::TermKind;
use crate::search::{Answer, Hit, PassageHit, Place, Reasons, Related};
use crate::store::{Field, Header};
use crate::types::{CharSpan, Score};
use crate::wire;

/// The sentence that answers.
const SENTENCE: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));

/// Characters of context on each side of a marked sentence.
const CONTEXT: usize = 160;

/// Versions of a hit that are named.
const NAMED: usize = 5;

/// Stand before and after a word that was asked for until its line is laid out; texts have no such characters of their own.
const WORD: [char; 2] = ['\u{e000}', '\u{e001}'];

/// A hit on a line of its own, the last with where the next page begins.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    hit: wire::Hit,
    next: Option<String>,
}

impl Printer {
    /// The hits of an answer; for programs, where the next page begins is said by the last of them.
    pub(super) fn answer(&mut self, answer: &Answer, full: bool) -> Result<(), CliError> {
        for hit in &answer.hits {
            if self.json {
                let next = answer.next.as_ref().filter(|_| hit.rank == answer.hits.len());
                self.object(&Line { hit: hit.into(), next: next.map(ToString::to_string) })?;
                continue;
            }
            let title = hit.article.title.as_deref().map(|title| with_words(title, &hit.title_words));
            self.heading(hit.rank, hit.score, title.as_deref(), &hit.article)?;
            self.passage(&hit.passage, full)?;
            self.versions(hit)?;
            if let Some(reasons) = &hit.reasons {
                self.reasons(hit.score, reasons)?;
            }
            self.line("")?;
        }
        Ok(())
    }

    pub(super) fn related(&mut self, related: &[Related]) -> Result<(), CliError> {
        for found in related {
            if self.json {
                self.object(&wire::Related::from(found))?;
                continue;
            }
            self.heading(found.rank, found.score, found.article.title.as_deref(), &found.article)?;
            self.passage(&found.passage, false)?;
            self.line("")?;
        }
        Ok(())
    }

    fn heading(&mut self, rank: usize, score: Score, title: Option<&str>, header: &Header) -> Result<(), CliError> {
        let title = one_line(title.unwrap_or(&header.key));
        let date = header.date.map_or_else(|| "no date".to_owned(), |date| date.to_string());
        let source = header.source.as_deref().map(one_line).unwrap_or_default();
        let score = figures(score);
        self.line(&format!("{rank:>2}. {}", styled(&title, BOLD)))?;
        self.line(&format!("    {DIM}{score}  {date}  {source}  [{}]{DIM:#}", one_line(&header.key)))
    }

    /// The marked sentence with what stands around it, each on lines of its own, so that the mark is seen without colour.
    fn passage(&mut self, passage: &PassageHit, full: bool) -> Result<(), CliError> {
        if passage.field == Field::Title {
            return Ok(());
        }
        let part = |from: usize, to: usize| {
            let span = CharSpan { start: from, end: to };
            let inside = passage.words.iter().filter(|word| from <= word.start && word.end <= to);
            let inside: Vec<CharSpan> =
                inside.map(|word| CharSpan { start: word.start - from, end: word.end - from }).collect();
            one_line(&with_words(&passage.text[span.to_bytes(&passage.text).range()], &inside))
        };
        let CharSpan { start, end } = passage.sentence;
        let (before, after) = (part(0, start), part(end, passage.text.chars().count()));
        let limit = if full { usize::MAX } else { CONTEXT };
        if !before.is_empty() {
            self.line(&format!("      {}", styled(&last_characters(&before, limit), DIM)))?;
        }
        self.line(&format!("    > {}", styled(&part(start, end), SENTENCE)))?;
        if !after.is_empty() {
            self.line(&format!("      {}", styled(&first_characters(&after, limit), DIM)))?;
        }
        Ok(())
    }

    fn versions(&mut self, hit: &Hit) -> Result<(), CliError> {
        if hit.versions.is_empty() {
            return Ok(());
        }
        let count = hit.versions.len();
        let name = |version: &Header| {
            let date = version.date.map(|date| format!("{date} ")).unwrap_or_default();
            format!("{date}[{}]", one_line(&version.key))
        };
        let names: Vec<String> = hit.versions.iter().take(NAMED).map(name).collect();
        let more = if count > NAMED { ", …" } else { "" };
        let plural = if count == 1 { "version" } else { "versions" };
        self.line(&format!("      {DIM}+{count} {plural}: {}{more}{DIM:#}", names.join(", ")))
    }

    fn reasons(&mut self, score: Score, reasons: &Reasons) -> Result<(), CliError> {
        let place = |name: &str, place: Option<Place>, what: &str| {
            place.map(|place| {
                let rank = place.rank.map_or_else(|| "beyond the list".to_owned(), |rank| format!("place {rank}"));
                format!("{name} {} ({rank}, {what} {})", figures(place.share), figures(place.score))
            })
        };
        let candidate = &reasons.candidate;
        let parts: Vec<String> =
            [place("words", candidate.words, "BM25"), place("meaning", candidate.meaning, "cosine")]
                .into_iter()
                .flatten()
                .collect();
        let sum = format!("{} = {}", figures(candidate.score), parts.join(" + "));
        let line = match candidate.reranked {
            Some(_) => format!("why: {} by the reranker; before: {sum}", figures(score)),
            None if parts.is_empty() => "why: it passes the filters".to_owned(),
            None => format!("why: {sum}"),
        };
        self.line(&format!("      {DIM}{line}{DIM:#}"))?;
        if reasons.terms.is_empty() {
            return Ok(());
        }
        let terms: Vec<String> = reasons
            .terms
            .chunk_by(|a, b| a.term == b.term)
            .map(|shares| {
                let mut places: Vec<&str> = Vec::new();
                for share in shares {
                    let part = if share.field == Field::Title { "title" } else { "text" };
                    let place = if share.kind == TermKind::Name { "as a name" } else { part };
                    if !places.contains(&place) {
                        places.push(place);
                    }
                }
                let sum = shares.iter().map(|share| share.score).sum();
                format!("{} {} ({})", one_line(&shares[0].term), figures(sum), places.join(", "))
            })
            .collect();
        self.line(&format!("      {DIM}words: {}{DIM:#}", terms.join(", ")))
    }
}

/// Three figures, whatever the scale: scores are sums of evidence, cosines, or shares of ranks.
fn figures(score: Score) -> String {
    match score.abs() {
        size if size >= 100.0 => format!("{score:.0}"),
        size if size >= 10.0 => format!("{score:.1}"),
        size if size >= 1.0 => format!("{score:.2}"),
        size if size >= 0.1 || size == 0.0 => format!("{score:.3}"),
        _ => format!("{score:.4}"),
    }
}

/// The text with its words between the marks of [`WORD`].
fn with_words(text: &str, words: &[CharSpan]) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut words = words.iter().peekable();
    for (at, character) in text.chars().enumerate() {
        if words.peek().is_some_and(|word| word.start == at) {
            marked.push(WORD[0]);
        }
        if !WORD.contains(&character) {
            marked.push(character);
        }
        if words.next_if(|word| word.end == at + 1).is_some() {
            marked.push(WORD[1]);
        }
    }
    marked
}

/// A text in a style, its words underlined.
fn styled(text: &str, style: Style) -> String {
    let underlined = style.underline();
    let text =
        text.replace(WORD[0], &format!("{style:#}{underlined}")).replace(WORD[1], &format!("{underlined:#}{style}"));
    format!("{style}{text}{style:#}")
}

/// At most `limit` characters from the start, cut between words.
pub(super) fn first_characters(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => {
            let cut = &text[..end];
            format!("{} …", cut.rsplit_once(' ').map_or(cut, |(words, _)| words))
        }
    }
}

/// At most `limit` characters from the end, cut between words.
pub(super) fn last_characters(text: &str, limit: usize) -> String {
    let skipped = text.chars().count().saturating_sub(limit);
    match text.char_indices().nth(skipped) {
        Some((start, _)) if start > 0 => {
            let cut = &text[start..];
            format!("… {}", cut.split_once(' ').map_or(cut, |(_, words)| words))
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_underlined_where_they_stand() {
        let words = [CharSpan { start: 3, end: 8 }, CharSpan { start: 12, end: 16 }];
        let marked = with_words("la grève des mé\u{e000}decins", &words);
        assert_eq!(marked.matches(WORD[0]).count(), 2);
        let plain = Style::new();
        let underlined = plain.underline();
        assert!(styled(&marked, plain).starts_with(&format!("la {underlined}grève{underlined:#} des")));
    }

    #[test]
    fn three_figures() {
        let printed = [123.4, 24.31, 5.0, 0.671, 0.0325, 0.0, -1.5].map(figures);
        assert_eq!(printed, ["123", "24.3", "5.00", "0.671", "0.0325", "0.000", "-1.50"]);
    }
}
