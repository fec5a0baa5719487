//! Cuts a sentence that is too long for a passage: between clauses, else between words, else between characters.
//!
//! The simple way asks the counter about every border. Here each piece takes a handful of counts of about its own length:
//! guess from the bytes where the target falls, count, correct in proportion, then step back to the best border.

use unicode_normalization::char::is_combining_mark;

use super::budget::{Gauge, TokenCounter};
use crate::text::is_blank;
use crate::types::Span;

/// Guesses in proportion before bisection takes over.
const GUESSES: usize = 4;

/// Calls `piece` with spans that tile `sentence`, in order, and their tokens: within the target, or a single character.
pub(super) fn cut<C: TokenCounter + ?Sized>(
    text: &str,
    sentence: Span,
    gauge: &mut Gauge<'_, C>,
    mut piece: impl FnMut(Span, usize),
) {
    let mut start = sentence.start;
    while start < sentence.end {
        let rest = &text[start..sentence.end];
        let (mut len, mut tokens) = reach(rest, gauge);
        if !is_blank(&rest[len..]) {
            let border = best_border(rest, len);
            let fewer = gauge.tokens(&rest[..border]);
            if fewer <= gauge.budget.target() {
                (len, tokens) = (border, fewer);
            }
        }
        let end = if is_blank(&rest[len..]) { sentence.end } else { start + len };
        piece(Span::new(start, end), tokens);
        start = end;
    }
}

/// About the longest start of `text` within the target: its bytes and its tokens. At least one character.
///
/// Ends within an eighth of the target, or where no longer start fits.
fn reach<C: TokenCounter + ?Sized>(text: &str, gauge: &mut Gauge<'_, C>) -> (usize, usize) {
    let target = gauge.budget.target();
    let first = text.ceil_char_boundary(1);
    let mut fitting = (0, 0);
    let mut too_long = text.len() + 1;
    let mut guess = (target as f64 * gauge.bytes_per_token) as usize;
    for tries in 1.. {
        let at = text.floor_char_boundary(guess.clamp(fitting.0 + 1, too_long - 1));
        let at = if at > fitting.0 { at } else { text.ceil_char_boundary(fitting.0 + 1) };
        if at >= too_long {
            break;
        }
        let tokens = gauge.tokens(&text[..at]);
        if tokens <= target {
            fitting = (at, tokens);
        } else {
            too_long = at;
        }
        if fitting.0 == text.len() || fitting.1 * 8 >= target * 7 || too_long <= fitting.0 + 1 {
            break;
        }
        guess = if too_long > text.len() {
            // Never leap: what comes may be much denser than what was seen.
            (at * target / tokens.max(1)).clamp(at + at / 8, at * 4)
        } else if tries <= GUESSES && tokens > 0 {
            (at as f64 * (target as f64 / tokens as f64) * 0.96) as usize
        } else {
            fitting.0.midpoint(too_long)
        };
    }
    let (bytes, tokens) = fitting;
    if bytes == 0 {
        return (first, gauge.tokens(&text[..first]));
    }
    if tokens > 0 {
        gauge.bytes_per_token = bytes as f64 / tokens as f64;
    }
    fitting
}

/// The best place to cut `text` in the second half of its first `reach` bytes, or right after them.
fn best_border(text: &str, reach: usize) -> usize {
    let half = text.floor_char_boundary(reach / 2);
    let (mut clause, mut word) = (None, None);
    let (mut mark, mut spaced) = ('a', false);
    let borders = text[half..].char_indices().map(|(at, c)| (half + at, c));
    for (at, c) in borders.take_while(|&(at, _)| at <= reach) {
        if c.is_whitespace() {
            spaced = true;
            continue;
        }
        if spaced && at > half {
            word = Some(at);
        }
        if matches!(mark, '，' | '、' | '；' | '：' | '،' | '؛')
            || spaced && (c == '(' || matches!(mark, ';' | ':' | ',' | '–' | '—' | ')'))
        {
            clause = Some(at);
        }
        (mark, spaced) = (c, false);
    }
    clause.or(word).unwrap_or_else(|| before_marks(text, half, reach)).max(text.ceil_char_boundary(1))
}

/// The last border of characters in `half..=reach` that parts no accent from its letter, or `reach`.
fn before_marks(text: &str, half: usize, reach: usize) -> usize {
    let starts_whole = |at: usize| !text[at..].starts_with(|c: char| is_combining_mark(c) || c == '\u{200D}');
    let inner = text[half..reach].char_indices().rev().map(|(at, _)| half + at);
    std::iter::once(reach).chain(inner).find(|&at| at > 0 && starts_whole(at)).unwrap_or(reach)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Budget;
    use std::cell::Cell;

    /// One token for four bytes, and a record of what counting cost.
    #[derive(Default)]
    struct Counter {
        calls: Cell<usize>,
        bytes: Cell<usize>,
    }

    impl TokenCounter for Counter {
        fn count(&self, text: &str) -> usize {
            self.calls.set(self.calls.get() + 1);
            self.bytes.set(self.bytes.get() + text.len());
            text.len().div_ceil(4)
        }
    }

    fn cut_all<'t>(text: &'t str, target: usize, counter: &Counter) -> Vec<&'t str> {
        let budget = Budget::new(target, target).expect("a sound budget");
        let mut pieces = Vec::new();
        cut(text, Span::new(0, text.len()), &mut Gauge::new(budget, counter), |span, tokens| {
            assert!(tokens <= target);
            pieces.push(&text[span.range()]);
        });
        assert_eq!(pieces.concat(), text);
        pieces
    }

    #[test]
    fn between_clauses_then_words_then_characters() {
        let counter = Counter::default();
        for (text, first) in [
            ("Le port de la ville est fermé, les bateaux attendent au large", "Le port de la ville est fermé, "),
            ("Le port de la ville (Marseille) accueille tous les bateaux", "Le port de la ville (Marseille) "),
            ("Le port accueille tous les bateaux de la grande ville", "Le port accueille tous les "),
            ("anticonstitutionnellementanticonstitutionnellement", "anticonstitutionnellementanticon"),
            ("ils sont tous là。港口今天关闭，所有船只都在等待进入", "ils sont tous là。港口今天"),
        ] {
            assert_eq!(cut_all(text, 8, &counter)[0], first);
        }
    }

    #[test]
    fn an_accent_stays_with_its_letter() {
        let pieces = cut_all(&"e\u{301}".repeat(200), 8, &Counter::default()).len();
        assert!(pieces > 10);
        for piece in cut_all(&"xe\u{301}".repeat(200), 8, &Counter::default()) {
            assert!(!piece.starts_with('\u{301}'), "{piece:?}");
        }
    }

    #[test]
    fn blank_ends_stay_with_the_last_piece() {
        let text = format!("{}{}", "mot ".repeat(40), " \u{200B}".repeat(100));
        assert!(cut_all(&text, 16, &Counter::default()).iter().all(|piece| !is_blank(piece)));
    }

    #[test]
    fn counting_is_linear() {
        for text in ["a".repeat(100_000), "mot ".repeat(100_000), "un, deux ".repeat(50_000), "é漢🙂".repeat(20_000)]
        {
            let counter = Counter::default();
            let pieces = cut_all(&text, 256, &counter).len();
            assert!(counter.calls.get() <= 5 * pieces + 10, "{} calls for {pieces} pieces", counter.calls.get());
            assert!(counter.bytes.get() <= 5 * text.len(), "{} bytes of {}", counter.bytes.get(), text.len());
        }
    }

    #[test]
    fn a_desert_then_a_thicket() {
        let text = format!("{}{}{}", "\u{200B}".repeat(50_000), "a".repeat(5_000), " ".repeat(50_000));
        assert!(!cut_all(&text, 8, &Counter::default()).is_empty());
    }
}
