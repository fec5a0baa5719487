//! How far a metric moves with the choice of items: percentile bootstrap intervals (Efron, 1979).
//!
//! Items are drawn again with replacement, as many as there are, and the metric is computed anew, many times over; the
//! middle 95 % of the results are the interval. The percentiles are interpolated as `numpy.percentile` does. The same
//! seed gives the same bits on every machine. Two systems are compared by the interval of their difference over the
//! same draws, not by two intervals side by side.

/// Where 95 % of the resamples lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The percentile 2.5.
    pub low: f64,
    /// The percentile 97.5.
    pub high: f64,
}

/// The interval of a statistic over `items` items. `statistic` gets the places of the items drawn, `items` numbers
/// below `items` in no order, and gives `None` where it is not defined on them; such resamples are left out, and so are
/// results that are not finite. `None` when there is nothing to draw from, and when no resample is left.
pub fn interval(
    items: usize,
    resamples: usize,
    seed: u64,
    mut statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    if items == 0 {
        return None;
    }
    let mut random = SplitMix64(seed);
    let mut drawn = vec![0; items];
    let mut results = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        drawn.iter_mut().for_each(|place| *place = random.below(items));
        results.extend(statistic(&drawn));
    }
    middle(results)
}

/// The interval of the mean of `values`, in the same bits as [`interval`] with a mean for its statistic, without the
/// list of places.
pub fn mean_interval(values: &[f64], resamples: usize, seed: u64) -> Option<Interval> {
    if values.is_empty() {
        return None;
    }
    let mut random = SplitMix64(seed);
    let mut mean = || (0..values.len()).map(|_| values[random.below(values.len())]).sum::<f64>() / values.len() as f64;
    middle((0..resamples).map(|_| mean()).collect())
}

/// The percentiles 2.5 and 97.5 of what is finite.
fn middle(mut results: Vec<f64>) -> Option<Interval> {
    results.retain(|result| result.is_finite());
    results.sort_unstable_by(f64::total_cmp);
    let last = results.len().checked_sub(1)?;
    let percentile = |share: f64| {
        let place = share * last as f64;
        let below = place.floor();
        let (a, b) = (results[below as usize], results[(below as usize + 1).min(last)]);
        a + (b - a) * (place - below)
    };
    Some(Interval { low: percentile(0.025), high: percentile(0.975) })
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), with the
/// constants of Vigna's public-domain `splitmix64.c`. 64 bits of state, a period of 2^64; not for secrets.
pub(super) struct SplitMix64(pub(super) u64);

impl SplitMix64 {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, by the high half of a product (Lemire, 2019). No draw is rejected: the chances of two
    /// numbers differ by at most `end` / 2^64.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}
