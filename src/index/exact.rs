//! The exact view: every row is compared with the query, on all cores.

use super::rows::Rows;
use super::{Allowed, VectorView};
use crate::kernels::Isa;
use crate::kernels::dot::{dot, dot_rows};
use crate::types::{Score, VectorId};

/// Rows scored at a time: their scores and the query stay in the first-level cache.
const BLOCK: usize = 256;

/// Rows from which on a second thread is worth its start.
const PARALLEL_FROM: usize = 4096;

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

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    /// The `k` closest of the given rows; ids that are not there are passed over.
    pub(super) fn search_these(
        &self,
        query: &[f32],
        k: usize,
        ids: impl IntoIterator<Item = VectorId>,
    ) -> Vec<(VectorId, Score)> {
        let mut best = Best::new(k);
        for id in ids {
            if let Some(vector) = self.rows.get(id) {
                best.offer(id, dot(self.isa, query, vector));
            }
        }
        best.sorted()
    }

    /// Scans one run of rows.
    fn scan(&self, query: &[f32], k: usize, allowed: Option<&Allowed>, ids: &[VectorId], values: &[f32]) -> Best {
        let mut best = Best::new(k);
        let mut scores = [0.0; BLOCK];
        for (ids, values) in ids.chunks(BLOCK).zip(values.chunks(BLOCK * self.rows.dims().max(1))) {
            let scores = &mut scores[..ids.len()];
            dot_rows(self.isa, query, values, scores);
            for (&id, &score) in ids.iter().zip(&*scores) {
                if best.would_take(id, score)
                    && !self.rows.is_removed(id)
                    && allowed.is_none_or(|allowed| allowed.contains(id))
                {
                    best.offer(id, score);
                }
            }
        }
        best
    }
}

impl VectorView for Exact {
    fn search(&self, query: &[f32], k: usize, allowed: Option<&Allowed>) -> Vec<(VectorId, Score)> {
        if let Some(allowed) = allowed.filter(|allowed| allowed.len() * 4 < self.rows.len()) {
            return self.search_these(query, k, allowed.0.iter().copied());
        }
        let mut best = Best::new(k);
        for (ids, values) in self.rows.runs() {
            let cores = if ids.len() < PARALLEL_FROM {
                1
            } else {
                std::thread::available_parallelism().map_or(1, |cores| cores.get())
            };
            let share = ids.len().div_ceil(cores).max(1);
            let mut parts = ids.chunks(share).zip(values.chunks(share * self.rows.dims().max(1)));
            let first = parts.next();
            std::thread::scope(|scope| {
                let others: Vec<_> =
                    parts.map(|(ids, values)| scope.spawn(move || self.scan(query, k, allowed, ids, values))).collect();
                if let Some((ids, values)) = first {
                    best.merge(self.scan(query, k, allowed, ids, values));
                }
                for other in others {
                    best.merge(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
                }
            });
        }
        best.sorted()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn name(&self) -> &'static str {
        "exact"
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

fn closer(a: &(VectorId, Score), b: &(VectorId, Score)) -> std::cmp::Ordering {
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

    fn merge(&mut self, other: Self) {
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
