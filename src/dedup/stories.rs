//! Texts that tell of one event in other words: close in meaning, of the same days, with names and numbers in common.
//!
//! Neighbours are sought among the texts of the same days only, so all of them can be compared: the means of the passage
//! vectors as one blocked matrix product, and what is close there passage by passage. Texts whose date is not known to the
//! month at least may be of any day: they are compared with all, and where that would be too many, with what the vector
//! index has around their passages.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::comparison::slices;
use super::evidence::{CLOSE, STORY_DAYS};
use super::register::{RegisterError, Text, TextId};
use crate::embed::batch::share;
use crate::embed::cores;
use crate::index::{self, Choice};
use crate::kernels::gemm::{PackedMatrix, linear};
use crate::kernels::rows::Rows;
use crate::kernels::{Activation, Isa, Precision};
use crate::search::related::{body_passages, closeness, unit};
use crate::store::Store;
use crate::types::{ArticleId, Score};

/// Cosine of mean vectors from which on two texts are compared passage by passage: closeness is seldom much above it.
const CANDIDATE: Score = 0.775;

/// Texts that one text is paired with at most, of those before it in the order of texts, the closest: a series of a thousand
/// like articles (weather, stock markets) makes thousands of pairs, not half a million.
const PAIRED: usize = 8;

/// Texts of one block of the product of means with means.
const BLOCK: usize = 512;

/// Days that a date may mean at most, for a text to be of certain days.
const MONTH: i32 = 31;

/// Comparisons of texts without a day beyond which they are not made one by one: some minutes of work.
const MANY: usize = 20_000_000_000;

/// Vectors that the index is asked for around each passage of such a text.
const AROUND: usize = 24;

/// Texts whose passages are kept in memory.
const KEPT: usize = 8_192;

/// A text and the mean of its passage vectors.
struct Meaning {
    text: Text,
    /// [dims], of unit length; nothing for a text without passages.
    mean: Vec<f32>,
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
    /// Vectors of unit length, by the text that has them.
    passages: HashMap<TextId, Vec<Vec<f32>>>,
}

impl<'s> Meanings<'s> {
    pub fn new(store: &'s Store, isa: Isa) -> Self {
        Self { store, isa, passages: HashMap::new() }
    }

    /// Gives `found` the pairs among `texts`, which are all there are, those of some days at a time, with the number of texts that
    /// are done. `text_of` knows the text of an article. Returned is how many texts
    /// without a day were compared with none, as there are too many of them and no graph.
    pub fn among_all(
        &mut self,
        texts: &[Text],
        text_of: &dyn Fn(ArticleId) -> Result<Option<Text>, RegisterError>,
        found: &mut dyn FnMut(usize, Vec<Close>) -> Result<(), RegisterError>,
    ) -> Result<usize, RegisterError> {
        let (mut dated, any_day): (Vec<Text>, Vec<Text>) = texts.iter().partition(|text| is_of_a_month(text));
        dated.sort_unstable_by_key(|text| (text.days, text.id));
        let loose = if compares(any_day.len(), texts.len()) { self.read(&any_day)? } else { Vec::new() };
        let (mut window, mut others): (Vec<Meaning>, Vec<Close>) = (Vec::new(), Vec::new());
        for (at, block) in dated.chunks(BLOCK).enumerate() {
            let first = block[0].days.map_or(i32::MIN, |days| days.0);
            window.retain(|before| before.text.days.is_some_and(|days| i64::from(first - days.1) <= STORY_DAYS));
            let block = self.read(block)?;
            let mut close = self.between(&block, &window)?;
            close.extend(self.between(&block, &block)?);
            others.extend(self.between(&block, &loose)?);
            found(at * BLOCK + block.len(), close)?;
            window.extend(block);
        }
        let mut left_out = 0;
        if loose.len() == any_day.len() {
            others.extend(self.between(&loose, &loose)?);
        } else if let Some(around) = self.around(&any_day, text_of)? {
            others.extend(around);
        } else {
            left_out = any_day.len();
        }
        found(texts.len(), others)?;
        Ok(left_out)
    }

    /// The pairs of `new` texts with each other and with `others`.
    pub fn of_new(&mut self, new: &[Text], others: &[Text]) -> Result<Vec<Close>, RegisterError> {
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
        Ok(found)
    }

    fn read(&mut self, texts: &[Text]) -> Result<Vec<Meaning>, RegisterError> {
        texts
            .iter()
            .map(|text| {
                let mut mean = vec![0.0; self.store.model().dims];
                for vector in self.passages(text)? {
                    mean.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
                }
                Ok(Meaning { text: *text, mean: unit(&mean) })
            })
            .collect()
    }

    fn passages(&mut self, text: &Text) -> Result<&[Vec<f32>], RegisterError> {
        if !self.passages.contains_key(&text.id) {
            if self.passages.len() >= KEPT {
                self.passages.clear();
            }
            let ids: Vec<_> = body_passages(self.store, text.article)?.into_iter().map(|found| found.vector).collect();
            let vectors = self.store.vectors(&ids)?.iter().map(|vector| unit(vector)).collect();
            self.passages.insert(text.id, vectors);
        }
        Ok(&self.passages[&text.id])
    }

    /// The pairs of one of `left` and one of `right` that are close, and may be of the same days; each once, where both are
    /// the same.
    fn between(&mut self, left: &[Meaning], right: &[Meaning]) -> Result<Vec<Close>, RegisterError> {
        let (dims, isa) = (self.store.model().dims, self.isa);
        if left.is_empty() || right.is_empty() {
            return Ok(Vec::new());
        }
        let same = std::ptr::eq(left, right);
        let flat = |part: &[Meaning]| part.iter().flat_map(|meaning| meaning.mean.clone()).collect::<Vec<f32>>();
        let mut found = Vec::new();
        for (at, left) in left.chunks(BLOCK).enumerate() {
            let rows = flat(left);
            let rows = Rows::of(isa, Precision::F32, &rows, dims);
            let blocks: Vec<(usize, &[Meaning])> =
                right.chunks(BLOCK).enumerate().map(|(at, block)| (at * BLOCK, block)).collect();
            let near = share(&blocks, cores(), |(start, block)| -> Result<Vec<(Text, Text)>, RegisterError> {
                let packed = PackedMatrix::new(isa, Precision::F32, &flat(block), None, block.len(), dims);
                let mut scores = vec![0.0; left.len() * block.len()];
                linear(&rows, &packed, Activation::Identity, &mut scores);
                let near = scores.iter().enumerate().filter(|(_, score)| **score >= CANDIDATE);
                let near = near.map(|(place, _)| (place / block.len(), place % block.len()));
                let near = near.filter(|(i, j)| !same || at * BLOCK + i > start + j);
                let near = near.map(|(i, j)| (left[i].text, block[j].text));
                Ok(near.filter(|(a, b)| may_be_of_one_time(a, b)).collect())
            })?;
            for (a, b) in near.into_iter().flatten() {
                found.extend(self.close(&a, &b)?);
            }
        }
        Ok(found)
    }

    /// The pairs of texts with those that have a passage around one of theirs in the graph, where there is a graph.
    fn around(
        &mut self,
        texts: &[Text],
        text_of: &dyn Fn(ArticleId) -> Result<Option<Text>, RegisterError>,
    ) -> Result<Option<Vec<Close>>, RegisterError> {
        let view = index::open(self.store, self.isa, Choice::Auto { queries: u32::MAX })?;
        if view.name() != "hnsw" {
            return Ok(None);
        }
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        for text in texts {
            let passages = self.passages(text)?.to_vec();
            let near = share(&passages, cores(), |passage| Ok::<_, RegisterError>(view.search(passage, AROUND, None)))?;
            let near: Vec<_> = near.into_iter().flatten().map(|(vector, _)| vector).collect();
            for located in self.store.passages_with(&near, None)? {
                let Some(other) = text_of(located.article)? else { continue };
                let ids = (text.id.min(other.id), text.id.max(other.id));
                if may_be_of_one_time(text, &other) && seen.insert(ids) {
                    found.extend(self.close(text, &other)?);
                }
            }
        }
        Ok(Some(found))
    }

    fn close(&mut self, a: &Text, b: &Text) -> Result<Option<Close>, RegisterError> {
        // The sum does not depend on which comes first.
        let (a, b) = if a.order() <= b.order() { (a, b) } else { (b, a) };
        let own = self.passages(a)?.to_vec();
        let closeness = closeness(&slices(&own), &slices(self.passages(b)?));
        Ok((closeness >= CLOSE).then_some(Close { earlier: a.id, later: b.id, closeness }))
    }
}

/// Whether so many texts without a day can be compared one by one with all.
fn compares(without_a_day: usize, all: usize) -> bool {
    without_a_day.saturating_mul(all) <= MANY
}

/// Whether the date of a text is known to the month at least.
fn is_of_a_month(text: &Text) -> bool {
    text.days.is_some_and(|(first, last)| last - first < MONTH)
}

fn may_be_of_one_time(a: &Text, b: &Text) -> bool {
    a.id != b.id && a.apart(b).is_none_or(|days| days <= STORY_DAYS)
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
