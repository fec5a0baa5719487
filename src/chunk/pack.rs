//! Packs pieces, which are sentences or parts of long ones, into passages: the target, the overlap, the limit, the tail.
//!
//! The simple version: take pieces while their tokens sum to the target, then begin again with the last one. Then:
//!
//! 1. A paragraph that ends in the last third of a passage ends the passage.
//! 2. Where the sum comes near the limit, the joined text is counted too, since tokens may differ at the seams.
//! 3. A last passage with little of its own joins the one before, or takes over a share of it.

use std::ops::Range;

use super::budget::{Gauge, TokenCounter};
use crate::text::is_blank;
use crate::types::Span;

/// A sentence, or a part of a long one: what passages are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub span: Span,
    /// Tokens of the piece alone; at most the limit, except for a single character that is above it.
    pub tokens: usize,
    /// Whether a line ends with the piece.
    pub ends_paragraph: bool,
}

/// The pieces of one body, none of which is blank unless all are.
#[derive(Debug, Default)]
pub(super) struct Pieces(pub Vec<Piece>);

impl Pieces {
    /// Adds the piece that follows. A blank one joins its neighbour.
    pub fn push(&mut self, text: &str, span: Span, tokens: usize) {
        let is_blank = |piece: &Piece| piece.tokens == 0 && is_blank(&text[piece.span.range()]);
        let content = text[span.range()].trim_end();
        let ends_paragraph = text[span.start + content.len()..span.end].contains(['\n', '\r', '\u{2028}', '\u{2029}']);
        let piece = Piece { span, tokens, ends_paragraph };
        match self.0.last_mut() {
            Some(last) if is_blank(last) => *last = Piece { span: Span::new(last.span.start, span.end), ..piece },
            Some(last) if is_blank(&piece) => {
                last.span.end = span.end;
                last.ends_paragraph |= ends_paragraph;
            }
            _ => self.0.push(piece),
        }
    }
}

/// Adds the passages of one body to `passages`.
pub(super) fn pack<C: TokenCounter + ?Sized>(
    text: &str,
    pieces: &Pieces,
    gauge: &Gauge<'_, C>,
    passages: &mut Vec<Span>,
) {
    let packer = Packer { text, pieces: &pieces.0, gauge };
    let mut runs: Vec<Run> = Vec::new();
    let mut fresh = 0;
    while fresh < pieces.0.len() {
        let run = packer.fill(fresh);
        fresh = run.end;
        runs.push(run);
    }
    if let [.., before, tail] = &mut runs[..]
        && packer.balance(before, tail)
    {
        runs.pop();
    }
    passages.extend(runs.into_iter().map(|run| packer.span(run.first..run.end)));
}

/// The pieces `first..end`, of which those before `fresh` repeat the end of the run before.
#[derive(Clone, Copy)]
struct Run {
    first: usize,
    fresh: usize,
    end: usize,
}

struct Packer<'p, C: ?Sized> {
    text: &'p str,
    pieces: &'p [Piece],
    gauge: &'p Gauge<'p, C>,
}

impl<C: TokenCounter + ?Sized> Packer<'_, C> {
    /// The run whose first new piece is `fresh`. It holds that piece at least.
    fn fill(&self, fresh: usize) -> Run {
        let target = self.gauge.budget.target();
        let mut run = Run { first: self.overlap(fresh), fresh, end: fresh + 1 };
        let mut tokens = self.tokens(run.first..run.end);
        let mut paragraph = None;
        while let Some(next) = self.pieces.get(run.end) {
            if self.pieces[run.end - 1].ends_paragraph && tokens * 3 >= target * 2 {
                paragraph = Some(run.end);
            }
            if tokens + next.tokens > target {
                run.end = paragraph.unwrap_or(run.end);
                break;
            }
            tokens += next.tokens;
            run.end += 1;
        }
        while !self.fits(run.first..run.end) {
            if run.end > fresh + 1 {
                run.end -= 1;
            } else {
                run.first = fresh;
            }
        }
        run
    }

    /// Where a run begins whose first new piece is `fresh`: one piece earlier, if that leaves room.
    fn overlap(&self, fresh: usize) -> usize {
        let target = self.gauge.budget.target();
        match fresh.checked_sub(1) {
            Some(last)
                if self.pieces[last].tokens * 3 <= target
                    && self.pieces[last].tokens + self.pieces[fresh].tokens <= target =>
            {
                last
            }
            _ => fresh,
        }
    }

    /// Deals with a `tail` whose own pieces are under a quarter of the target. True if `before` has taken it all.
    fn balance(&self, before: &mut Run, tail: &mut Run) -> bool {
        if self.tokens(tail.fresh..tail.end) * 4 >= self.gauge.budget.target() {
            return false;
        }
        if self.fits(before.first..tail.end) {
            before.end = tail.end;
            return true;
        }
        let mut left = self.tokens(before.first..before.end);
        let mut right = self.tokens(tail.fresh..tail.end);
        let mut border = tail.fresh;
        while border > before.fresh + 1 && right + self.pieces[border - 1].tokens < left {
            border -= 1;
            left -= self.pieces[border].tokens;
            right += self.pieces[border].tokens;
        }
        let first = self.overlap(border);
        if self.fits(before.first..border) && self.fits(first..tail.end) {
            before.end = border;
            *tail = Run { first, fresh: border, end: tail.end };
        }
        false
    }

    /// Whether the pieces together are within the limit. One piece always is.
    fn fits(&self, range: Range<usize>) -> bool {
        if range.len() <= 1 {
            return true;
        }
        // A seam may add a token for the space between; beyond that a fifth is kept for tokenizers that merge differently.
        let tokens = self.tokens(range.clone()) + range.len();
        tokens + tokens / 4 <= self.gauge.budget.limit()
            || self.gauge.tokens_within_limit(&self.text[self.span(range).range()]).is_some()
    }

    fn tokens(&self, range: Range<usize>) -> usize {
        self.pieces[range].iter().map(|piece| piece.tokens).sum()
    }

    /// The text from the first of the pieces to the last; there must be one.
    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.pieces[range.start].span.start, self.pieces[range.end - 1].span.end)
    }
}
