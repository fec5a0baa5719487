//! Lines of a text, and what breaks them. Says nothing about what a line means.

use crate::types::Span;

/// Whether `c` ends a line: the line feed and its kin, as Unicode lists them.
pub(super) fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\u{0B}' | '\u{0C}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Number of line breaks in `gap`, where a carriage return and line feed together are one.
pub(super) fn line_breaks(gap: &str) -> usize {
    let mut previous = ' ';
    gap.chars()
        .filter(|&c| {
            let new = is_line_break(c) && !(previous == '\r' && c == '\n');
            previous = c;
            new
        })
        .count()
}

/// The lines of `text` in order, each with its line break. Together they are the text; an empty text has none.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Span> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = &text[start..];
        if rest.is_empty() {
            return None;
        }
        let end = match rest.find(is_line_break) {
            None => text.len(),
            Some(at) if rest[at..].starts_with("\r\n") => start + at + 2,
            Some(at) => start + at + rest[at..].chars().next().map_or(0, char::len_utf8),
        };
        let line = Span::new(start, end);
        start = end;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_breaks_whatever_the_platform() {
        let text = "un\ndeux\r\ntrois\rquatre\u{2028}\n";
        let found: Vec<_> = lines(text).map(|line| &text[line.range()]).collect();
        assert_eq!(found, ["un\n", "deux\r\n", "trois\r", "quatre\u{2028}", "\n"]);
        assert_eq!(lines("").count(), 0);
    }

    #[test]
    fn a_carriage_return_with_its_line_feed_is_one_break() {
        for (gap, breaks) in [("", 0), (" \t", 0), ("\n", 1), ("\r\n", 1), ("\r\n \r\n", 2), ("\n\n", 2), ("\n\r", 2)] {
            assert_eq!(line_breaks(gap), breaks, "{gap:?}");
        }
    }
}
