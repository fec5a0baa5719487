//! Texts with something marked in them: spans of several kinds, which may begin and end anywhere.

use maud::{Markup, html};

use crate::types::{CharSpan, Span};

/// A part of a text that lies in the same spans from its beginning to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<const N: usize> {
    /// In bytes of the text.
    pub span: Span,
    /// For each layer, which of its spans it lies in.
    pub of: [Option<usize>; N],
}

/// Cuts a part of a text where a span of a layer begins or ends: nothing is lost, nothing comes twice. Where spans of one layer
/// overlap, the first counts.
pub fn cut<const N: usize>(whole: Span, layers: [&[Span]; N]) -> Vec<Part<N>> {
    let mut borders = vec![whole.start, whole.end];
    let inside = |border: &usize| whole.start < *border && *border < whole.end;
    borders.extend(layers.iter().flat_map(|spans| spans.iter()).flat_map(|span| [span.start, span.end]).filter(inside));
    borders.sort_unstable();
    borders.dedup();
    // A layer in order is looked up; few are not.
    let in_order = layers.map(|spans| spans.is_sorted_by(|one, other| one.end <= other.start));
    let part = |two: &[usize]| {
        let span = Span::new(two[0], two[1]);
        let around = |other: &Span| other.start <= span.start && span.end <= other.end;
        let over = |layer: usize| {
            let spans = layers[layer];
            if in_order[layer] {
                let at = spans.partition_point(|other| other.end <= span.start);
                spans.get(at).is_some_and(around).then_some(at)
            } else {
                spans.iter().position(around)
            }
        };
        Part { span, of: std::array::from_fn(over) }
    };
    borders.windows(2).map(part).collect()
}

/// A title with the words marked that were asked for.
pub fn title(title: &str, words: &[CharSpan]) -> Markup {
    let words = bytes(title, words);
    html! {
        @for part in cut(Span::new(0, title.len()), [&words]) {
            @if part.of[0].is_some() { mark { (title[part.span.range()]) } } @else { (title[part.span.range()]) }
        }
    }
}

/// A passage with its closest sentence and the words marked that were asked for. A sentence that is the whole passage is not
/// marked.
pub fn passage(text: &str, sentence: CharSpan, words: &[CharSpan], hint: &str) -> Markup {
    let (sentence, words) = (sentence.to_bytes(text), bytes(text, words));
    let whole = Span::new(0, text.len());
    let sentences: &[Span] = if sentence == whole { &[] } else { &[sentence] };
    let parts = cut(whole, [sentences, &words]);
    html! {
        @for run in parts.chunk_by(|one, other| one.of[0] == other.of[0]) {
            @let inner = html! {
                @for part in run {
                    @if part.of[1].is_some() { mark { (text[part.span.range()]) } } @else { (text[part.span.range()]) }
                }
            };
            @if run[0].of[0].is_some() { mark.sentence title=(hint) { (inner) } } @else { (inner) }
        }
    }
}

/// Spans of characters in bytes.
pub fn bytes(text: &str, spans: &[CharSpan]) -> Vec<Span> {
    spans.iter().map(|span| span.to_bytes(text)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_nest_and_text_is_escaped() {
        let text = "Un <b>. Le train. Fin";
        let shown =
            passage(text, CharSpan { start: 8, end: 17 }, &[CharSpan { start: 11, end: 16 }], "proche").into_string();
        let expected = "Un &lt;b&gt;. <mark class=\"sentence\" title=\"proche\">Le <mark>train</mark>.</mark> Fin";
        assert_eq!(shown, expected);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_comes_twice(
            spans in prop::collection::vec((0usize..60, 0usize..60), 0..8),
            from in 0usize..30,
            to in 30usize..60,
        ) {
            let spans: Vec<Span> = spans.iter().map(|(a, b)| Span::new(*a.min(b), *a.max(b))).collect();
            let parts = cut(Span::new(from, to), [&spans[..]]);
            let mut at = from;
            for part in &parts {
                prop_assert_eq!(part.span.start, at);
                prop_assert!(part.span.end > at);
                let covered = spans.iter().any(|span| span.start <= part.span.start && part.span.end <= span.end);
                prop_assert_eq!(part.of[0].is_some(), covered);
                at = part.span.end;
            }
            prop_assert_eq!(at, to);
        }
    }
}
