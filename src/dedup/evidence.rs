//! How much two texts have in common, and what that makes them to each other.
//!
//! Everything here is about texts and their dates alone, so it is the same for two files and for two articles of a store.

use super::align::{Stretch, align};
use super::comparison::Relation;
use crate::text::shingles::{Overlap, shingles_in_order, shingles_of};
use crate::text::{Words, words};
use crate::types::{PartialDate, Score, Span};

/// A text made ready to be compared with many.
pub struct Readable {
    /// Its words, page furniture left out, unless there is nothing else.
    pub words: Words,
    /// The shingles of the whole text, ascending, each once.
    pub shingles: Vec<u64>,
    /// Which of the words are numbers.
    figures: Vec<bool>,
    /// Letters and digits of its words.
    letters: usize,
}

impl Readable {
    /// Of a text and its page furniture, ascending.
    pub fn new(text: &str, furniture: &[Span]) -> Self {
        let all = words(text);
        let shingles = shingles_of(all.hashes());
        let own = all.outside(furniture);
        let words = if own.is_empty() { all } else { own };
        let letters = (0..words.len()).map(|at| words.span(at).len()).sum();
        let is_figure = |at| text[words.span(at).range()].starts_with(|c: char| c.is_ascii_digit());
        let figures = (0..words.len()).map(is_figure).collect();
        Self { words, shingles, figures, letters }
    }

    /// The shingles that stand for it among many, in its order: of its words without page furniture.
    pub fn telling_shingles(&self) -> Vec<u64> {
        shingles_in_order(self.words.hashes())
    }
}

/// What two texts have in common. `a` is the earlier, where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Shingles in common.
    pub overlap: Overlap,
    /// The share of `a`'s letters that stand in words of shared stretches.
    pub share_a: f32,
    /// The share of `b`'s.
    pub share_b: f32,
    /// Words in shared stretches.
    pub words: u32,
    /// Numbers that stand in edits inside of stretches.
    pub figures: u32,
    /// Whether both begin with the same words, or nearly.
    pub same_start: bool,
    /// The share of the common text that is not found in articles of many other days as well: 1 where it is not known.
    pub telling: f32,
    /// [`closeness`](crate::search::related::closeness) of their passages, where it was asked for; else 0.
    pub closeness: Score,
    /// Weight of the names, numbers and quotations that both have, where it was asked for; else 0.
    pub facts: f32,
}

/// Words from the beginning within which two texts that begin alike have their first stretch.
const START: usize = 25;

impl Evidence {
    /// Of the words of two texts.
    pub fn between(a: &Readable, b: &Readable) -> Self {
        Self::of(a, b, &align(a.words.hashes(), b.words.hashes()))
    }

    /// Of two texts, and the stretches that they share.
    pub fn of(a: &Readable, b: &Readable, stretches: &[Stretch]) -> Self {
        let letters =
            |words: &Words, range: std::ops::Range<usize>| -> usize { range.map(|at| words.span(at).len()).sum() };
        let (mut in_a, mut in_b, mut count, mut figures) = (0, 0, 0, 0);
        let numbers = |figures: &[bool], range: std::ops::Range<usize>| figures[range].iter().filter(|is| **is).count();
        for stretch in stretches {
            figures += numbers(&a.figures, stretch.a.clone()) + numbers(&b.figures, stretch.b.clone());
            for run in &stretch.runs {
                in_a += letters(&a.words, run.a..run.a + run.len);
                in_b += letters(&b.words, run.b..run.b + run.len);
                figures -= numbers(&a.figures, run.a..run.a + run.len) + numbers(&b.figures, run.b..run.b + run.len);
            }
            count += stretch.matched();
        }
        let share = |part: usize, of: usize| if of == 0 { 0.0 } else { part as f32 / of as f32 };
        Self {
            overlap: Overlap::between(&a.shingles, &b.shingles),
            share_a: share(in_a, a.letters),
            share_b: share(in_b, b.letters),
            words: count as u32,
            figures: figures as u32,
            same_start: stretches.iter().any(|stretch| stretch.a.start < START && stretch.b.start < START),
            telling: 1.0,
            closeness: 0.0,
            facts: 0.0,
        }
    }

    /// The same from the other side.
    pub fn turned(self) -> Self {
        let Overlap { jaccard, a_in_b, b_in_a } = self.overlap;
        Self {
            overlap: Overlap { jaccard, a_in_b: b_in_a, b_in_a: a_in_b },
            share_a: self.share_b,
            share_b: self.share_a,
            ..self
        }
    }

    /// What the later text is to the earlier, if they have to do with each other, and how sure that is; `apart` are the days
    /// between them, where both have a date.
    ///
    /// The confidence is that of the weakest condition: 0.5 on its border, near 1 far from it.
    pub fn relation(&self, apart: Option<i64>) -> Option<(Relation, f32)> {
        let within = |days: i64| apart.is_none_or(|apart| apart <= days);
        let (less, more) = (self.share_a.min(self.share_b), self.share_a.max(self.share_b));
        let least = |conditions: &[f32]| conditions.iter().copied().fold(1.0, f32::min);
        if less >= 1.0 && self.overlap.jaccard >= 1.0 {
            return Some((Relation::Identical, 1.0));
        }
        // What is edited everywhere, as the figures of a weekly report are, is another version at most.
        if less >= REPUBLISHED && self.overlap.jaccard >= VERBATIM {
            // New figures are news.
            if self.figures >= NEW_FIGURES && within(VERSION_DAYS) {
                return Some((Relation::Updated, above(self.figures as f32, NEW_FIGURES as f32, 2.0)));
            }
            return Some((Relation::Republished, above(less, REPUBLISHED, 0.03)));
        }
        let whole = self.overlap.a_in_b.max(self.overlap.b_in_a);
        // What has nothing new is a part, however it begins.
        let shortened = self.share_b >= NOTHING_NEW && whole >= VERBATIM;
        if self.same_start && !shortened && less >= VERSION && more >= KEPT && within(VERSION_DAYS) {
            return Some((Relation::Updated, least(&[above(less, VERSION, 0.1), above(more, KEPT, 0.1)])));
        }
        if more >= PART && whole >= VERBATIM && self.words >= STRETCH {
            let relation = if self.share_a >= self.share_b { Relation::Contains } else { Relation::Excerpt };
            return Some((relation, least(&[above(more, PART, 0.06), above(self.told(), STRETCH as f32, 10.0)])));
        }
        let alike = self.overlap.jaccard >= ALIKE || whole >= HALF;
        let told = self.told();
        // What is alike after weeks is more often a list or a background paragraph than a dispatch.
        let (share, long) = if within(SOURCE_DAYS) { (SHARED, LONG) } else { (SHARED_LATER, LONG_LATER) };
        if alike || (told >= STRETCH as f32 && more >= share) || told >= long as f32 {
            let sure = least(&[
                above(told, STRETCH as f32, 10.0),
                above(more, share, 0.05).max(above(told, long as f32, 20.0)),
            ]);
            return Some((Relation::SharedSource, sure));
        }
        self.story(apart).map(|sure| (Relation::SameStory, sure))
    }

    /// How sure it is that both tell of the same event, in whatever words; nothing, where that is less likely than not.
    pub fn story(&self, apart: Option<i64>) -> Option<f32> {
        let near = self.closeness + A_FACT * self.facts.min(MOST_FACTS) - A_DAY * apart.unwrap_or(0) as f32;
        let told = self.closeness > 0.0 && near >= STORY && self.facts >= FACTS;
        told.then(|| above(near, STORY, 0.04).min(above(self.facts, FACTS, 1.0)))
    }

    /// Whether two texts of this relation are versions of one, so that a reader of the one has read the other: a part is, where
    /// it is two fifths of the whole or more.
    pub fn is_version(&self, relation: Relation) -> bool {
        match relation {
            Relation::Identical | Relation::Republished | Relation::Updated => true,
            Relation::Contains | Relation::Excerpt => self.share_a.min(self.share_b) >= VERSION,
            Relation::SharedSource | Relation::SameStory => false,
        }
    }

    /// Words in common that tell something of these two alone.
    fn told(&self) -> f32 {
        self.words as f32 * self.telling
    }
}

/// Shares of both from which on one is the other but for a few words.
const REPUBLISHED: f32 = 0.85;

/// Numbers in edits from which on one of two versions brings the other up to date: a changed number is one in each.
const NEW_FIGURES: u32 = 4;

/// The share of runs of five words that is in common where text was copied and hardly edited.
const VERBATIM: f32 = 0.6;

/// The lesser and the greater share of two versions of one piece, from which on the later is an update.
const VERSION: f32 = 0.4;
const KEPT: f32 = 0.6;

/// The share of the later of two texts that is in the earlier, from which on it has nothing new.
const NOTHING_NEW: f32 = 0.95;

/// Days within which a piece is brought up to date.
const VERSION_DAYS: i64 = 7;

/// The share of a text from which on it is a part of the other.
const PART: f32 = 0.8;

/// Words that make a stretch too long to be chance, and such a part of a text that a source is shared.
const STRETCH: u32 = 30;
const SHARED: f32 = 0.15;
const SHARED_LATER: f32 = 0.3;

/// Days within which a dispatch is used.
const SOURCE_DAYS: i64 = 30;

/// Words in common that are worth telling however long the texts are.
const LONG: u32 = 80;
const LONG_LATER: u32 = 160;

/// Shares of shingles that are always told.
const ALIKE: f32 = 0.3;
const HALF: f32 = 0.5;

/// What makes two texts two tellings of one story: closeness in meaning, with something for the facts that they share, up to
/// some weight of these, and something off for each day between them. What is like it every few days, as weather, strikes and
/// auctions are, is a series rather than a story. Cosines are those of the built-in model: another model, another border.
const STORY: Score = 0.775;
const A_FACT: Score = 0.015;
const MOST_FACTS: f32 = 8.0;
const A_DAY: Score = 0.04;

/// Weight of the facts that two tellings of a story share at least.
const FACTS: f32 = 2.0;

/// Closeness below which no facts make a story of two texts.
pub const CLOSE: Score = STORY - A_FACT * MOST_FACTS;

/// Days between two tellings of a story.
pub const STORY_DAYS: i64 = 7;

/// 0.5 where `value` is on `border`, 0.73 one `step` above it, near 1 far above (the logistic function).
fn above(value: f32, border: f32, step: f32) -> f32 {
    1.0 / (1.0 + (-(value - border) / step).exp())
}

/// Days between two dates, as few as they may be: 0 where they may be the same day; none where one is missing.
pub fn days_apart(a: Option<PartialDate>, b: Option<PartialDate>) -> Option<i64> {
    let (a, b) = (a?, b?);
    let gap = |earlier: PartialDate, later: PartialDate| i64::from((later.first_day() - earlier.last_day()).get_days());
    Some(gap(a, b).max(gap(b, a)).max(0))
}
