//! How well two lists of numbers agree, item by item: for scores of sentence pairs against the judgements of people.
//!
//! As `scipy.stats.pearsonr` and `scipy.stats.spearmanr`, where those give a number; `None` where they give none.

/// Pearson's linear correlation, in [−1, 1].
///
/// `None` with fewer than two items, when all items of one side are equal, and when something is not finite.
///
/// # Panics
/// When the lists differ in length.
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "pearson: {} items against {}", a.len(), b.len());
    let (a, b) = (direction(a)?, direction(b)?);
    let product: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
    product.is_finite().then(|| product.clamp(-1.0, 1.0))
}

/// Spearman's rank correlation, in [−1, 1]: Pearson's of the ranks, where equal items share the mean of their ranks.
///
/// `None` with fewer than two items, when all items of one side are equal, and when an item is NaN.
///
/// # Panics
/// When the lists differ in length.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "spearman: {} items against {}", a.len(), b.len());
    pearson(&ranks(a)?, &ranks(b)?)
}

/// The items less their mean, as a vector of length one. Constant lists are told by equality: their computed mean may
/// miss them by a rounding, and noise would be taken for a direction.
fn direction(items: &[f64]) -> Option<Vec<f64>> {
    let first = *items.first()?;
    if items.iter().all(|&item| item == first) {
        return None;
    }
    let mean = items.iter().sum::<f64>() / items.len() as f64;
    let mut centred: Vec<f64> = items.iter().map(|item| item - mean).collect();
    // The largest goes to one before the squares, which could leave the range of f64.
    let largest = centred.iter().fold(0.0f64, |largest, item| largest.max(item.abs()));
    centred.iter_mut().for_each(|item| *item /= largest);
    let length = centred.iter().map(|item| item * item).sum::<f64>().sqrt();
    centred.iter_mut().for_each(|item| *item /= length);
    centred.iter().all(|item| item.is_finite()).then_some(centred)
}

/// Ranks from one, smallest item first; equal items share the mean of their ranks. `None` with a NaN.
fn ranks(items: &[f64]) -> Option<Vec<f64>> {
    if items.iter().any(|item| item.is_nan()) {
        return None;
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    // Zeros of both signs are equal, so they may come mixed here; the groups below are made by equality.
    order.sort_unstable_by(|&a, &b| items[a].total_cmp(&items[b]));
    let mut ranks = vec![0.0; items.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| items[a] == items[b]) {
        let rank = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|&item| ranks[item] = rank);
        before += equal.len();
    }
    Some(ranks)
}
