//! Two texts beside each other, cut into blocks: what both have, with its edits, and what only one has.
//!
//! Nothing is lost: every byte of both texts is in one block, and blocks stand in the order of the first text. A part that only
//! the second has follows what it follows there.

use super::comparison::{Comparison, SharedStretch};
use crate::types::Span;

/// A part of two texts.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Both have it, but for edits.
    Shared {
        /// Whether it stands in another order in the second than most of what they share.
        moved: bool,
        /// Its parts, in order.
        pieces: Vec<Piece>,
    },
    /// What the first and the second have there for themselves; one of them may be empty.
    Own {
        /// In bytes of the first.
        a: Span,
        /// In bytes of the second.
        b: Span,
    },
}

/// A part of a stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// In bytes of the first; empty where the second has something more.
    pub a: Span,
    /// In bytes of the second.
    pub b: Span,
    /// Whether the words are the same.
    pub equal: bool,
}

/// The blocks of a comparison.
pub fn blocks(comparison: &Comparison) -> Vec<Block> {
    let (a, b) = (comparison.a.text.as_str(), comparison.b.text.as_str());
    let stretches = &comparison.stretches;
    // The places of stretches in the order of the second text, to find what follows each of them there.
    let mut in_b: Vec<usize> = (0..stretches.len()).collect();
    in_b.sort_by_key(|&at| stretches[at].b.start);
    let mut end_of_own = vec![b.len(); stretches.len()];
    in_b.windows(2).for_each(|two| end_of_own[two[0]] = stretches[two[1]].b.start);

    let mut blocks = Vec::new();
    let own = |blocks: &mut Vec<Block>, a: Span, b: Span| {
        if !a.is_empty() || !b.is_empty() {
            blocks.push(Block::Own { a, b });
        }
    };
    let first_a = stretches.first().map_or(a.len(), |first| first.a.start);
    let first_b = in_b.first().map_or(b.len(), |&first| stretches[first].b.start);
    own(&mut blocks, Span::new(0, first_a), Span::new(0, first_b));
    let kept = in_order(stretches);
    for (at, stretch) in stretches.iter().enumerate() {
        blocks.push(Block::Shared { moved: !kept[at], pieces: pieces(stretch, a, b) });
        let next_a = stretches.get(at + 1).map_or(a.len(), |next| next.a.start);
        own(&mut blocks, Span::new(stretch.a.end, next_a), Span::new(stretch.b.end, end_of_own[at]));
    }
    blocks
}

/// The equal parts of a stretch, and the edits of words between them. What differs only between words is counted as equal, and
/// so is what an edit has on both sides beside its words, such as a comma after it.
pub fn pieces(stretch: &SharedStretch, a: &str, b: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut add = |from: (usize, usize), to: (usize, usize), equal: bool| {
        let (in_a, in_b) = (Span::new(from.0, to.0), Span::new(from.1, to.1));
        match pieces.last_mut() {
            _ if in_a.is_empty() && in_b.is_empty() => {}
            Some(last) if last.equal == equal => (last.a.end, last.b.end) = to,
            _ => pieces.push(Piece { a: in_a, b: in_b, equal }),
        }
    };
    let mut done = (stretch.a.start, stretch.b.start);
    let end = (Span::new(stretch.a.end, stretch.a.end), Span::new(stretch.b.end, stretch.b.end));
    for (equal_a, equal_b) in stretch.equal.iter().chain([&end]) {
        let (edit_a, edit_b) = (&a[done.0..equal_a.start], &b[done.1..equal_b.start]);
        let before = same_margin(edit_a.chars(), edit_b.chars());
        let (rest_a, rest_b) = (&edit_a[before..], &edit_b[before..]);
        let after = same_margin(rest_a.chars().rev(), rest_b.chars().rev());
        let (from, to) = ((done.0 + before, done.1 + before), (equal_a.start - after, equal_b.start - after));
        let worded = [&a[from.0..to.0], &b[from.1..to.1]].iter().any(|edit| edit.contains(char::is_alphanumeric));
        add(done, from, true);
        add(from, to, !worded);
        add(to, (equal_a.start, equal_b.start), true);
        add((equal_a.start, equal_b.start), (equal_a.end, equal_b.end), true);
        done = (equal_a.end, equal_b.end);
    }
    pieces
}

/// Bytes of the characters that both begin with and that belong to no word.
pub fn same_margin(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b && !a.is_alphanumeric()).map(|(a, _)| a.len_utf8()).sum()
}

/// Which stretches stand in the same order in both texts: of all ways to choose such, the one with the most bytes. The others
/// were moved. (The heaviest increasing subsequence, by the plain quadratic way: stretches are few.)
fn in_order(stretches: &[SharedStretch]) -> Vec<bool> {
    // The weight of the best choice that ends with each stretch, and the stretch before it in that choice.
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(stretches.len());
    for (at, stretch) in stretches.iter().enumerate() {
        let before =
            (0..at).filter(|&other| stretches[other].b.end <= stretch.b.start).max_by_key(|&other| best[other].0);
        best.push((stretch.a.len() + before.map_or(0, |other| best[other].0), before));
    }
    let mut kept = vec![false; stretches.len()];
    let mut last = (0..stretches.len()).max_by_key(|&at| best[at].0);
    while let Some(at) = last {
        kept[at] = true;
        last = best[at].1;
    }
    kept
}
