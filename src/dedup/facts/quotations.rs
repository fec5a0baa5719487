//! Quotations: what stands between quotation marks, by its runs of three words.

use std::collections::HashSet;

use super::tokens::{Token, hash, hash_of};
use crate::types::Span;

/// Words of a run.
const RUN: usize = 3;

/// Bytes of a quotation at most: what is longer has lost a mark.
const LONGEST: usize = 600;

/// Quotations of a text that are kept: no article has more, and lists of them are compared each with each.
const MOST: usize = 256;

/// The quotations of a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Quotations {
    /// Where each stands, without its marks, and how many runs it has.
    pub(super) places: Vec<(Span, usize)>,
    /// Each run of each quotation: its hash and the quotation, ascending.
    pub(super) runs: Vec<(u64, u32)>,
}

/// The quotations of three words or more, each once.
pub(super) fn quotations(text: &str, tokens: &[Token<'_>]) -> Quotations {
    let mut found = Quotations::default();
    let mut words = Vec::new();
    let mut known = HashSet::new();
    for span in marked(text) {
        if found.places.len() == MOST {
            break;
        }
        let first = tokens.partition_point(|token| token.span.start < span.start);
        words.clear();
        words.extend(
            tokens[first..].iter().take_while(|token| token.span.end <= span.end).map(|token| hash(token.text)),
        );
        if words.len() < RUN || !known.insert(words.clone()) {
            continue;
        }
        let quotation = found.places.len() as u32;
        let start = found.runs.len();
        found
            .runs
            .extend(words.windows(RUN).map(|run| (hash_of(run.iter().flat_map(|word| word.to_le_bytes())), quotation)));
        found.runs[start..].sort_unstable();
        found.runs.dedup();
        found.places.push((span, found.runs.len() - start));
    }
    found.runs.sort_unstable();
    found
}

/// What stands between quotation marks, in order; marks pair within one line.
fn marked(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, '"' | '«' | '»' | '“' | '”' | '\n')) {
        let after = at + c.len_utf8();
        match (open, c) {
            (_, '\n') => open = None,
            (Some((start, '"')), '"') | (Some((start, '«')), '»') | (Some((start, '“')), '”') => {
                found.extend((at - start <= LONGEST).then_some(Span::new(start, at)));
                open = None;
            }
            (None, '"' | '«' | '“') => open = Some((after, c)),
            _ => {}
        }
    }
    found
}
