//! Text of several styles, wrapped by the width that it has on the screen, in one column or in two.

use anstyle::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Between two columns.
const GUTTER: &str = " │ ";

/// A text and its style.
pub(super) type Run = (String, Style);

/// A line of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    /// With its styles.
    text: String,
    /// Cells that it fills.
    width: usize,
}

/// A character as it is seen.
#[derive(Clone, Copy)]
struct Glyph<'a> {
    text: &'a str,
    style: Style,
    width: usize,
}

/// The runs as lines of at most `width` cells: white space becomes a space or an end of line, and a word that is longer than a
/// line is cut.
pub(super) fn wrap(runs: &[Run], width: usize) -> Vec<Line> {
    let runs: Vec<Run> = runs.iter().map(|(text, style)| (harmless(text), *style)).collect();
    let glyphs: Vec<Glyph> = runs
        .iter()
        .flat_map(|(text, style)| text.graphemes(true).map(|text| Glyph { text, style: *style, width: text.width() }))
        .collect();
    let mut lines = Vec::new();
    let mut line: Vec<Glyph> = Vec::new();
    let mut filled = 0;
    for (at, word) in glyphs.split(|glyph| glyph.text == " ").filter(|word| !word.is_empty()).enumerate() {
        let wide: usize = word.iter().map(|glyph| glyph.width).sum();
        if at > 0 && filled + 1 + wide <= width {
            line.push(space(line.last(), word));
            filled += 1;
        } else if !line.is_empty() {
            lines.push(finished(&std::mem::take(&mut line)));
            filled = 0;
        }
        for glyph in word {
            if filled + glyph.width > width && !line.is_empty() {
                lines.push(finished(&std::mem::take(&mut line)));
                filled = 0;
            }
            line.push(*glyph);
            filled += glyph.width;
        }
    }
    if !line.is_empty() {
        lines.push(finished(&line));
    }
    lines
}

/// A space between two words has their style where they have the same.
fn space<'a>(before: Option<&Glyph>, word: &[Glyph]) -> Glyph<'a> {
    let style = before.map(|before| before.style).filter(|style| word[0].style == *style).unwrap_or_default();
    Glyph { text: " ", style, width: 1 }
}

/// The glyphs of a line, each style said once for all that have it in a row.
fn finished(glyphs: &[Glyph]) -> Line {
    let mut text = String::new();
    for run in glyphs.chunk_by(|a, b| a.style == b.style) {
        let style = run[0].style;
        text.push_str(&style.render().to_string());
        run.iter().for_each(|glyph| text.push_str(&glyph.text.replace(FIXED_SPACE, " ")));
        text.push_str(&style.render_reset().to_string());
    }
    Line { text, width: glyphs.iter().map(|glyph| glyph.width).sum() }
}

/// A space at which no line ends.
const FIXED_SPACE: char = '\u{a0}';

/// The text without the characters by which it could speak to the terminal or turn the direction of what follows. White space
/// becomes spaces; no line ends at those that French has before `»`, `:`, `;`, `!`, `?`, `%` and after `«`, however they were typed.
fn harmless(text: &str) -> String {
    let speaks = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let space = |c: char| match c {
        FIXED_SPACE | '\u{202f}' => FIXED_SPACE,
        c if c.is_whitespace() => ' ',
        c => c,
    };
    let text: String = text.chars().map(space).filter(|&c| !speaks(c)).collect();
    let text = text.replace("« ", "«\u{a0}");
    ["»", ":", ";", "!", "?", "%"]
        .iter()
        .fold(text, |text, mark| text.replace(&format!(" {mark}"), &format!("{FIXED_SPACE}{mark}")))
}

/// Lines that each begin with `indent` cells, the first with `label` there.
pub(super) fn hanging(label: &str, indent: usize, lines: Vec<Line>) -> String {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        let pad = " ".repeat(indent.saturating_sub(label.width()));
        text.push_str(&format!("{label}{pad}{}\n", line.text));
    }
    text
}

/// How wide each of two columns is on a screen of `width` cells.
pub(super) fn column(width: usize) -> usize {
    (width - GUTTER.width()) / 2
}

/// Two columns of `width` cells beside each other.
pub(super) fn beside(left: &[Line], right: &[Line], width: usize) -> String {
    let empty = Line::default();
    let mut text = String::new();
    for at in 0..left.len().max(right.len()) {
        let (left, right) = (left.get(at).unwrap_or(&empty), right.get(at).unwrap_or(&empty));
        let pad = " ".repeat(width - left.width);
        let row = format!("{}{pad}{GUTTER}{}", left.text, right.text);
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// The beginning of a text that fits into `width` cells, with `…` where it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for glyph in text.graphemes(true) {
        if kept.width() + glyph.width() + 1 > width {
            break;
        }
        kept.push_str(glyph);
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_are_as_wide_as_they_look() {
        let runs = [("l’été  d’après\n👩‍🚒 東京 ville".to_owned(), Style::new())];
        assert_eq!(plain(&wrap(&runs, 8)), ["l’été", "d’après", "👩‍🚒 東京", "ville"]);
        assert_eq!(
            plain(&wrap(&[("anticonstitutionnellement".into(), Style::new())], 10)),
            ["anticonsti", "tutionnell", "ement"]
        );
        assert_eq!(cut("東京の天気", 5), "東京…");
    }

    #[test]
    fn no_line_begins_with_what_french_sets_apart() {
        let runs = [("Il a dit « non » ; pourquoi\u{202f}? À 12\u{a0}% ?".to_owned(), Style::new())];
        assert_eq!(plain(&wrap(&runs, 12)), ["Il a dit", "« non » ;", "pourquoi ? À", "12 % ?"]);
    }

    #[test]
    fn a_text_does_not_speak_to_the_terminal() {
        let runs = [("rouge\x1b[31m \u{202e}sreinned\u{2066} fin".to_owned(), Style::new())];
        assert_eq!(plain(&wrap(&runs, 40)), ["rouge[31m sreinned fin"]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_word_is_lost(texts in prop::collection::vec("\\PC{0,40}", 1..5), width in 2usize..50) {
            let runs: Vec<Run> = texts.iter().map(|text| (text.clone(), Style::new())).collect();
            let lines = wrap(&runs, width);
            // A character that is wider than a line has one of its own.
            let widest = texts.iter().flat_map(|text| text.graphemes(true)).map(UnicodeWidthStr::width).max();
            prop_assert!(lines.iter().all(|line| line.width <= width.max(widest.unwrap_or_default())));
            let solid = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let printed: String = lines.iter().map(|line| solid(&line.text)).collect();
            prop_assert_eq!(printed, solid(&harmless(&texts.concat())));
        }
    }
}
