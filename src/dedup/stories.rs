//! Texts that tell of one event in other words: close in meaning, of the same days, with names and numbers in common.
//!
//! Neighbours are sought among the texts of the same days only, so all of them can be compared: the means of the passage
//! vectors as one blocked matrix product, and what is close there passage by passage.

use std::collections::BTreeMap;

use super::comparison::slices;
use super::evidence::{CLOSE, STORY_DAYS};
use super::register::{RegisterError, Text, TextId};
use crate::embed::batch::share;
use crate::embed::cores;
use crate::kernels::gemm::{PackedMatrix, linear};
use crate::kernels::rows::Rows;
use crate::kernels::{Activation, Isa, Precision};
use crate::search::related::{body_passages, closeness, unit};
use crate::store::Store;
use crate::types::Score;

/// Cosine of mean vectors from which on two texts are compared passage by passage: closeness is seldom much above it.
const CANDIDATE: Score = 0.7;

/// Texts that one text is paired with at most, of those before it in the order of texts, the closest: a series of a thousand
/// like articles (weather, stock markets) makes thousands of pairs, not half a million.
const PAIRED: usize = 8;

/// Texts of one block of the product of means with means.
const BLOCK: usize = 512;

/// The passages of a text, by their vectors.
struct Meaning {
    text: Text,
    /// [dims], of unit length; nothing for a text without passages.
    mean: Vec<f32>,
    passages: Vec<Vec<f32>>,
}

/// Two texts that are close in meaning, the earlier first in the order of texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Close {
    pub earlier: TextId,
    pub later: TextId,
    pub closeness: Score,
}

impl Close {
    /// Both, the lesser number first.
    pub fn ids(&self) -> (TextId, TextId) {
        (self.earlier.min(self.later), self.earlier.max(self.later))
    }
}

/// Looks for texts that are close in meaning.
pub(super) struct Meanings<'s> {
    store: &'s Store,
    isa: Isa,
}

impl<'s> Meanings<'s> {
    pub fn new(store: &'s Store, isa: Isa) -> Self {
        Self { store, isa }
    }

    fn read(&self, texts: &[Text]) -> Result<Vec<Meaning>, RegisterError> {
        texts.iter().map(|text| self.meaning(*text)).collect()
    }

    fn meaning(&self, text: Text) -> Result<Meaning, RegisterError> {
        let ids: Vec<_> = body_passages(self.store, text.article)?.into_iter().map(|passage| passage.vector).collect();
        let passages: Vec<Vec<f32>> = self.store.vectors(&ids)?.iter().map(|vector| unit(vector)).collect();
        let mut mean = vec![0.0; self.store.model().dims];
        for vector in &passages {
            mean.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        }
        Ok(Meaning { text, mean: unit(&mean), passages })
    }

    /// Gives `found` the pairs among `texts`, which are all there are, in the order of texts: the pairs of some later texts
    /// at a time, with the number of texts that are done.
    pub fn among_all(
        &self,
        texts: &[Text],
        found: &mut dyn FnMut(usize, Vec<Close>) -> Result<(), RegisterError>,
    ) -> Result<(), RegisterError> {
        let dated = texts.partition_point(|text| text.days.is_some());
        // What has no date may be of any day.
        let undated = self.read(&texts[dated..])?;
        let (mut window, mut of_undated): (Vec<Meaning>, Vec<Close>) = (Vec::new(), Vec::new());
        for (at, block) in texts[..dated].chunks(BLOCK).enumerate() {
            let first = block[0].days.map_or(i32::MIN, |days| days.0);
            window.retain(|before| before.text.days.is_some_and(|days| i64::from(first - days.1) <= STORY_DAYS));
            let block = self.read(block)?;
            let mut close = self.between(&block, &window)?;
            close.extend(self.between(&block, &block)?);
            of_undated.extend(self.between(&block, &undated)?);
            found(at * BLOCK + block.len(), close)?;
            window.extend(block);
        }
        of_undated.extend(self.between(&undated, &undated)?);
        found(texts.len(), of_undated)
    }

    /// The pairs of `new` texts with each other and with `others`.
    pub fn of_new(&self, new: &[Text], others: &[Text]) -> Result<Vec<Close>, RegisterError> {
        let mut found = Vec::new();
        let new: Vec<Vec<Meaning>> =
            new.chunks(BLOCK).map(|block| self.read(block)).collect::<Result<_, RegisterError>>()?;
        for (at, block) in new.iter().enumerate() {
            for before in &new[..=at] {
                found.extend(self.between(block, before)?);
            }
        }
        for others in others.chunks(BLOCK) {
            let others = self.read(others)?;
            for block in &new {
                found.extend(self.between(block, &others)?);
            }
        }
        found.sort_unstable_by_key(|close| (close.earlier, close.later));
        found.dedup_by_key(|close| (close.earlier, close.later));
        Ok(found)
    }

    /// The pairs of one of `left` and one of `right` that are close, and may be of the same days; each once, where both are
    /// the same.
    fn between(&self, left: &[Meaning], right: &[Meaning]) -> Result<Vec<Close>, RegisterError> {
        let dims = self.store.model().dims;
        if left.is_empty() || right.is_empty() {
            return Ok(Vec::new());
        }
        let same = std::ptr::eq(left, right);
        let flat = |part: &[Meaning]| part.iter().flat_map(|meaning| meaning.mean.clone()).collect::<Vec<f32>>();
        let rows = flat(left);
        let rows = Rows::of(self.isa, Precision::F32, &rows, dims);
        let blocks: Vec<(usize, &[Meaning])> =
            right.chunks(BLOCK).enumerate().map(|(at, block)| (at * BLOCK, block)).collect();
        let isa = self.isa;
        let found = share(&blocks, cores(), |(start, block)| -> Result<Vec<Close>, RegisterError> {
            let packed = PackedMatrix::new(isa, Precision::F32, &flat(block), None, block.len(), dims);
            let mut scores = vec![0.0; left.len() * block.len()];
            linear(&rows, &packed, Activation::Identity, &mut scores);
            let mut found = Vec::new();
            for (at, _) in scores.iter().enumerate().filter(|(_, score)| **score >= CANDIDATE) {
                let (i, j) = (at / block.len(), at % block.len());
                if same && i <= start + j {
                    continue;
                }
                found.extend(close(&left[i], &block[j]));
            }
            Ok(found)
        })?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn close(a: &Meaning, b: &Meaning) -> Option<Close> {
    if a.text.id == b.text.id || a.text.apart(&b.text).is_some_and(|days| days > STORY_DAYS) {
        return None;
    }
    // The sum does not depend on which comes first.
    let (a, b) = if a.text.order() <= b.text.order() { (a, b) } else { (b, a) };
    let closeness = closeness(&slices(&a.passages), &slices(&b.passages));
    (closeness >= CLOSE).then_some(Close { earlier: a.text.id, later: b.text.id, closeness })
}

/// For each text the [`PAIRED`] closest before it, of what is known of pairs.
pub(super) fn closest<T>(found: Vec<T>, close: impl Fn(&T) -> Close) -> Vec<T> {
    let mut by_later: BTreeMap<TextId, Vec<T>> = BTreeMap::new();
    found.into_iter().for_each(|pair| by_later.entry(close(&pair).later).or_default().push(pair));
    by_later
        .into_values()
        .flat_map(|mut own| {
            own.sort_unstable_by(|x, y| {
                let (x, y) = (close(x), close(y));
                y.closeness.total_cmp(&x.closeness).then(x.earlier.cmp(&y.earlier))
            });
            own.truncate(PAIRED);
            own
        })
        .collect()
}
