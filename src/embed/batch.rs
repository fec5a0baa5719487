//! Which texts share a forward pass, and the workers that run the passes.
//!
//! Batches are ragged: the tokens of all texts lie end to end, so nothing is padded and nothing masked. Their size is a
//! number of tokens, not of texts, so that a pass always has about the same activations to keep in cache.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ndarray::Array2;

use super::EmbedError;
use super::tokenize::Tokens;

/// Tokens of one forward pass: enough rows for the matrix products, few enough for the second-level cache.
pub const TOKENS_PER_PASS: usize = 1024;

/// Texts end to end.
pub struct Ragged {
    ids: Vec<u32>,
    sequences: Vec<Range<usize>>,
    seconds: Vec<usize>,
}

impl Ragged {
    /// Lays `texts` end to end.
    pub fn new(texts: &[&Tokens]) -> Self {
        let mut ids = Vec::with_capacity(texts.iter().map(|text| text.ids.len()).sum());
        let mut seconds = Vec::with_capacity(texts.len());
        let sequences = texts
            .iter()
            .map(|text| {
                let start = ids.len();
                seconds.push(start + text.first);
                ids.extend_from_slice(&text.ids);
                start..ids.len()
            })
            .collect();
        Self { ids, sequences, seconds }
    }

    /// The token ids of all texts: (tokens).
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Where each text lies in [`Self::ids`].
    pub fn sequences(&self) -> &[Range<usize>] {
        &self.sequences
    }

    /// Where the tokens of type 1 of each text begin in [`Self::ids`]: at its end, unless it is a pair.
    pub fn seconds(&self) -> &[usize] {
        &self.seconds
    }
}

/// Groups texts by length, longest first, into passes of at most [`TOKENS_PER_PASS`] tokens (a longer text is alone).
/// Returns indices into `lengths`; each index is in exactly one group.
pub fn plan(lengths: &[usize]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(lengths[at]));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for at in order {
        match groups.last_mut() {
            Some(group) if lengths[at] <= room => {
                group.push(at);
                room -= lengths[at];
            }
            _ => {
                groups.push(vec![at]);
                room = TOKENS_PER_PASS.saturating_sub(lengths[at]);
            }
        }
    }
    groups
}

/// What `make` makes of each of `items`, in their order, on `workers` threads.
///
/// # Errors
/// The first error in the order of the items, among those that were made.
pub fn share<I: Sync, O: Send, E: Send>(
    items: &[I],
    workers: usize,
    make: impl Fn(&I) -> Result<O, E> + Sync,
) -> Result<Vec<O>, E> {
    let part = items.len().div_ceil(workers.max(1)).max(1);
    let made = |part: &[I]| part.iter().map(&make).collect::<Result<Vec<O>, E>>();
    std::thread::scope(|scope| {
        let mut parts = items.chunks(part);
        let first = parts.next().unwrap_or_default();
        let others: Vec<_> = parts.map(|part| scope.spawn(move || made(part))).collect();
        let mut all = made(first)?;
        for other in others {
            all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(all)
    })
}

/// Embeds `texts` by `pass`, on `workers` threads, each taking the next group of [`plan`]: [texts, dims], in order.
///
/// # Errors
/// The first error of a pass; the others are then not begun.
pub fn run(
    texts: &[Tokens],
    dims: usize,
    workers: usize,
    pass: impl Fn(&[&Tokens]) -> Result<Array2<f32>, EmbedError> + Sync,
) -> Result<Array2<f32>, EmbedError> {
    let groups = plan(&texts.iter().map(|text| text.ids.len()).collect::<Vec<_>>());
    let out = Mutex::new(Array2::zeros((texts.len(), dims)));
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let work = || -> Result<(), EmbedError> {
        while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            let batch: Vec<&Tokens> = group.iter().map(|&at| &texts[at]).collect();
            let vectors = pass(&batch).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            let mut out = out.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            for (&at, vector) in group.iter().zip(vectors.rows()) {
                out.row_mut(at).assign(&vector);
            }
        }
        Ok(())
    };
    let workers = workers.clamp(1, groups.len().max(1));
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut result = work();
        for other in others {
            result = result.and(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        result
    })?;
    Ok(out.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_is_in_one_group_and_no_group_is_too_long(lengths in prop::collection::vec(0usize..1500, 0..80)) {
            let groups = plan(&lengths);
            let mut seen: Vec<usize> = groups.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for group in groups {
                let total: usize = group.iter().map(|&at| lengths[at]).sum();
                prop_assert!(group.len() == 1 || total <= TOKENS_PER_PASS);
            }
        }

        #[test]
        fn rows_come_back_in_the_order_of_the_texts(lengths in prop::collection::vec(1usize..700, 0..40), workers in 1usize..4) {
            let texts: Vec<Tokens> =
                lengths.iter().enumerate().map(|(i, &n)| Tokens { ids: vec![i as u32; n], first: n, dropped: 0 }).collect();
            let out = run(&texts, 1, workers, |batch| {
                Ok(Array2::from_shape_fn((batch.len(), 1), |(row, _)| batch[row].ids[0] as f32))
            }).unwrap();
            prop_assert_eq!(out.into_raw_vec_and_offset().0, (0..texts.len()).map(|i| i as f32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn shared_work_comes_back_in_order() {
        for (count, workers) in [(0, 2), (1, 4), (7, 3), (8, 1), (5, 0)] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(share(&items, workers, |&item| Ok::<_, ()>(item)), Ok(items.clone()));
            let failed = share(&items, workers, |&item| if item >= 3 { Err(item) } else { Ok(()) });
            assert_eq!(failed.is_err(), count > 3, "{count} on {workers}");
        }
    }

    #[test]
    fn an_error_ends_the_run() {
        let texts = vec![Tokens { ids: vec![0; 1000], first: 1000, dropped: 0 }; 5];
        let result = run(&texts, 1, 2, |_| Err(EmbedError::Tokenizer { model: "m".into(), what: "no".into() }));
        assert!(result.is_err());
    }
}
