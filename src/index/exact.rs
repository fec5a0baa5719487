//! The exact view: the codes of every row are compared with the query, on all cores, and the vectors of those rows whose bound
//! reaches the closest. The answer is the one that comparing all vectors gives, to the last bit.

use std::cmp::Ordering;
use std::ops::Range;

use super::codes::Query;
use super::rows::{Rows, Run};
use super::{Allowed, IndexError, VectorView};
use crate::kernels::Isa;
use crate::kernels::codes::dot_listed;
use crate::kernels::dot::dot;
use crate::store::Store;
use crate::types::{Score, VectorId};

/// Rows compared at a time: their products and the query stay in the first-level cache.
const BLOCK: usize = 256;

/// Rows from which on a second thread is worth its start.
const PARALLEL_FROM: usize = 32_768;

/// Exact search over all rows.
pub struct Exact {
    rows: Rows,
    isa: Isa,
}

impl Exact {
    /// A scan over `rows`.
    pub fn new(rows: Rows, isa: Isa) -> Self {
        Self { rows, isa }
    }

    /// The same scan with what has changed in its store since.
    pub(super) fn caught_up(&self, store: &Store) -> Result<Self, IndexError> {
        Ok(Self::new(self.rows.caught_up(store)?, self.isa))
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    /// The `k` closest of the rows at the given places, by their vectors.
    pub(super) fn closest_of(&self, query: &[f32], k: usize, places: impl IntoIterator<Item = usize>) -> Best {
        let mut best = Best::new(k);
        for place in places {
            best.offer(self.rows.id(place), dot(self.isa, query, self.rows.vector(place)));
        }
        best
    }

    /// The `k` closest of the (allowed) rows from a place on.
    pub(super) fn closest_from(&self, query: &[f32], k: usize, allowed: Option<&Allowed>, from: usize) -> Best {
        let codes = Query::new(query);
        let mut candidates = Candidates::new(k);
        for run in self.rows.runs() {
            let places = run.places.start.max(from)..run.places.end;
            if places.is_empty() {
                continue;
            }
            let cores = if places.len() < PARALLEL_FROM {
                1
            } else {
                std::thread::available_parallelism().map_or(1, |cores| cores.get())
            };
            let share = places.len().div_ceil(cores).next_multiple_of(BLOCK);
            let part = |first: usize| first..(first + share).min(places.end);
            let (run, codes) = (&run, &codes);
            std::thread::scope(|scope| {
                let others: Vec<_> = places
                    .clone()
                    .step_by(share)
                    .skip(1)
                    .map(|first| scope.spawn(move || self.scan(codes, k, allowed, run, part(first))))
                    .collect();
                candidates.merge(self.scan(codes, k, allowed, run, part(places.start)));
                for other in others {
                    candidates.merge(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
                }
            });
        }
        self.decide(query, k, candidates)
    }

    /// Compares the codes of one run of places.
    fn scan(
        &self,
        query: &Query,
        k: usize,
        allowed: Option<&Allowed>,
        run: &Run<'_>,
        places: Range<usize>,
    ) -> Candidates {
        let mut candidates = Candidates::new(k);
        let mut products = [0; BLOCK];
        for first in places.clone().step_by(BLOCK) {
            let products = &mut products[..BLOCK.min(places.end - first)];
            let at = first - run.places.start;
            run.codes.products(self.isa, query, at, products);
            for (i, &product) in products.iter().enumerate() {
                let facts = run.codes.facts(at + i);
                let (score, error) = (query.score(product, facts), query.error(facts));
                if candidates.would_take(score, error) {
                    let id = run.ids[at + i];
                    if !self.rows.is_removed(id) && allowed.is_none_or(|allowed| allowed.contains(id)) {
                        candidates.offer(first + i, score, error);
                    }
                }
            }
        }
        candidates
    }

    /// The `k` closest of few rows, by their codes first.
    fn closest_allowed(&self, query: &[f32], k: usize, allowed: &Allowed) -> Best {
        let codes = Query::new(query);
        let mut candidates = Candidates::new(k);
        let places: Vec<usize> = self.rows.places_of(allowed.iter()).collect();
        let mut products = [0; BLOCK];
        for run in self.rows.runs() {
            let first = places.partition_point(|&place| place < run.places.start);
            let last = places.partition_point(|&place| place < run.places.end);
            for block in places[first..last].chunks(BLOCK) {
                let listed: Vec<u32> = block.iter().map(|&place| (place - run.places.start) as u32).collect();
                let products = &mut products[..block.len()];
                dot_listed(self.isa, &codes.codes, run.codes.codes, &listed, products);
                for ((&place, &at), &product) in block.iter().zip(&listed).zip(&*products) {
                    let facts = run.codes.facts(at as usize);
                    candidates.offer(place, codes.score(product, facts), codes.error(facts));
                }
            }
        }
        self.decide(query, k, candidates)
    }

    /// The closest of the candidates by their vectors.
    fn decide(&self, query: &[f32], k: usize, mut candidates: Candidates) -> Best {
        candidates.cut();
        self.closest_of(query, k, candidates.kept.into_iter().map(|(place, ..)| place))
    }
}

impl VectorView for Exact {
    fn search(&self, query: &[f32], k: usize, allowed: Option<&Allowed>) -> Vec<(VectorId, Score)> {
        if k == 0 {
            return Vec::new();
        }
        match allowed.filter(|allowed| allowed.len() * 4 < self.rows.len()) {
            Some(allowed) => self.closest_allowed(query, k, allowed),
            None => self.closest_from(query, k, allowed, 0),
        }
        .sorted()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn caught_up(&self, store: &Store) -> Result<Box<dyn VectorView>, IndexError> {
        Ok(Box::new(Self::caught_up(self, store)?))
    }

    fn name(&self) -> &'static str {
        "exact"
    }
}

/// Rows that may be among the `k` closest: whose score can reach what `k` others have at least.
struct Candidates {
    k: usize,
    /// Place, least and most that the score can be; in no order.
    kept: Vec<(usize, Score, Score)>,
    /// What `k` rows have at least.
    floor: Score,
    /// Candidates from which on those below the floor are looked for.
    room: usize,
}

impl Candidates {
    fn new(k: usize) -> Self {
        Self { k, kept: Vec::new(), floor: Score::NEG_INFINITY, room: k.saturating_mul(4).max(64) }
    }

    /// Whether a row can be among the closest. No number is a bound that says no.
    #[inline]
    fn would_take(&self, score: Score, error: f32) -> bool {
        (score + error).partial_cmp(&self.floor) != Some(Ordering::Less)
    }

    fn offer(&mut self, place: usize, score: Score, error: f32) {
        if !self.would_take(score, error) {
            return;
        }
        let known = |bound: Score, otherwise| if bound.is_nan() { otherwise } else { bound };
        let least = known(score - error, Score::NEG_INFINITY);
        self.kept.push((place, least, known(score + error, Score::INFINITY)));
        if self.kept.len() >= self.room {
            self.cut();
            self.room = self.room.max(2 * self.kept.len());
        }
    }

    fn cut(&mut self) {
        if self.kept.len() >= self.k && self.k > 0 {
            let (_, (_, least, _), _) = self.kept.select_nth_unstable_by(self.k - 1, |a, b| b.1.total_cmp(&a.1));
            self.floor = self.floor.max(*least);
            self.kept.retain(|(_, _, most)| *most >= self.floor);
        }
    }

    fn merge(&mut self, other: Self) {
        self.kept.extend(other.kept);
        self.cut();
    }
}

/// The `k` best seen so far: greatest score first, then smallest id.
pub(super) struct Best {
    k: usize,
    /// At most `2 * k`, in no order; cut back to the best `k` when full.
    kept: Vec<(VectorId, Score)>,
    /// The worst of the best `k`, once that many were seen.
    bar: Option<(VectorId, Score)>,
}

fn closer(a: &(VectorId, Score), b: &(VectorId, Score)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

impl Best {
    pub(super) fn new(k: usize) -> Self {
        Self { k, kept: Vec::new(), bar: None }
    }

    fn would_take(&self, id: VectorId, score: Score) -> bool {
        self.k > 0 && self.bar.is_none_or(|bar| closer(&(id, score), &bar).is_lt())
    }

    pub(super) fn offer(&mut self, id: VectorId, score: Score) {
        if !self.would_take(id, score) {
            return;
        }
        self.kept.push((id, score));
        if self.kept.len() >= self.k.saturating_mul(2).max(32) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.kept.len() >= self.k && self.k > 0 {
            self.kept.select_nth_unstable_by(self.k - 1, closer);
            self.kept.truncate(self.k);
            self.bar = self.kept.last().copied();
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (id, score) in other.kept {
            self.offer(id, score);
        }
    }

    pub(super) fn sorted(mut self) -> Vec<(VectorId, Score)> {
        self.cut();
        self.kept.sort_unstable_by(closer);
        self.kept
    }
}
