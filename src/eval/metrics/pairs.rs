//! Whether scores tell true pairs from false ones, and how many of the true pairs were found.
//!
//! A pair is called positive when its score is at or above a threshold, so pairs with equal scores are always called
//! the same. [`average_precision`] is `sklearn.metrics.average_precision_score`. The shares agree with scikit-learn
//! where it defines them; where it warns and gives zero, they are `None`.

use std::collections::HashSet;
use std::hash::Hash;

/// The threshold with the best F1, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Pairs with this score or more are called positive.
    pub threshold: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
    /// The share of the pairs called positive that are true.
    pub precision: f64,
    /// The share of the true pairs that are called positive.
    pub recall: f64,
}

/// The threshold with the best accuracy, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccuracyThreshold {
    /// Pairs with this score or more are called positive.
    pub threshold: f64,
    /// The share of all pairs that are called what they are.
    pub accuracy: f64,
}

/// How many pairs were called what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// True, and called positive.
    pub true_positives: usize,
    /// False, and called positive.
    pub false_positives: usize,
    /// True, and called negative.
    pub false_negatives: usize,
    /// False, and called negative.
    pub true_negatives: usize,
}

impl Confusion {
    /// The share of the pairs called positive that are true; `None` when none is called positive.
    pub fn precision(&self) -> Option<f64> {
        self.pairs().precision()
    }

    /// The share of the true pairs that are called positive; `None` when none is true.
    pub fn recall(&self) -> Option<f64> {
        self.pairs().recall()
    }

    /// The harmonic mean of precision and recall; `None` when no pair is true or called positive.
    pub fn f1(&self) -> Option<f64> {
        self.pairs().f1()
    }

    /// The share of all pairs that are called what they are; `None` without pairs.
    pub fn accuracy(&self) -> Option<f64> {
        let right = self.true_positives + self.true_negatives;
        share(right, right + self.false_positives + self.false_negatives)
    }

    fn pairs(&self) -> PairCounts {
        PairCounts {
            found_and_true: self.true_positives,
            found: self.true_positives + self.false_positives,
            truth: self.true_positives + self.false_negatives,
        }
    }
}

/// Pairs that were found against pairs that are true, where the pairs that are neither are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairCounts {
    /// Pairs in both.
    pub found_and_true: usize,
    /// Pairs that were found.
    pub found: usize,
    /// Pairs that are true.
    pub truth: usize,
}

impl PairCounts {
    /// Counts pairs as sets: a pair has no order, and counts once however often it is given.
    pub fn of<D: Ord + Hash>(
        found: impl IntoIterator<Item = (D, D)>,
        truth: impl IntoIterator<Item = (D, D)>,
    ) -> PairCounts {
        let sorted = |(a, b): (D, D)| if a <= b { (a, b) } else { (b, a) };
        let found: HashSet<(D, D)> = found.into_iter().map(sorted).collect();
        let truth: HashSet<(D, D)> = truth.into_iter().map(sorted).collect();
        PairCounts { found_and_true: found.intersection(&truth).count(), found: found.len(), truth: truth.len() }
    }

    /// The share of the found pairs that are true; `None` when none was found.
    pub fn precision(&self) -> Option<f64> {
        share(self.found_and_true, self.found)
    }

    /// The share of the true pairs that were found; `None` when none is true.
    pub fn recall(&self) -> Option<f64> {
        share(self.found_and_true, self.truth)
    }

    /// The harmonic mean of precision and recall; `None` when no pair is true or found.
    pub fn f1(&self) -> Option<f64> {
        share(2 * self.found_and_true, self.found + self.truth)
    }
}

/// Average precision: the sum over thresholds of precision times the gain in recall, without interpolation. Equal
/// scores are one threshold, so their order cannot count. `None` when no pair is true.
///
/// # Panics
/// When the lists differ in length, or a score is NaN.
pub fn average_precision(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let steps = steps(scores, labels);
    let truth = steps.last()?.found_and_true;
    let mut before = 0;
    let mut sum = 0.0;
    for step in &steps {
        sum += (step.found_and_true - before) as f64 * step.found_and_true as f64 / step.found as f64;
        before = step.found_and_true;
    }
    (truth > 0).then(|| sum / truth as f64)
}

/// The threshold with the best F1. Thresholds lie halfway between neighbouring distinct scores; the lowest is the
/// lowest score. Of several with the same F1 it is the highest, which calls the fewest pairs positive. `None` when no
/// pair is true.
///
/// # Panics
/// When the lists differ in length, or a score is NaN.
pub fn best_f1(scores: &[f64], labels: &[bool]) -> Option<Threshold> {
    let truth = labels.iter().filter(|&&label| label).count();
    if truth == 0 { None } else { best_f1_of(scores, labels, truth) }
}

/// [`best_f1`] where `truth` pairs are true, of which `labels` may lack some. `None` without scores.
pub(super) fn best_f1_of(scores: &[f64], labels: &[bool], truth: usize) -> Option<Threshold> {
    let steps = steps(scores, labels);
    // One division of whole numbers: equal fractions give equal bits, so ties are exact.
    let f1 = |step: &Step| 2.0 * step.found_and_true as f64 / (step.found + truth) as f64;
    let best = first_greatest(steps.iter().map(f1))?;
    let step = &steps[best];
    Some(Threshold {
        threshold: below(step.score, steps.get(best + 1)),
        f1: f1(step),
        precision: step.found_and_true as f64 / step.found as f64,
        recall: step.found_and_true as f64 / truth as f64,
    })
}

/// The threshold with the best accuracy. Thresholds lie halfway between neighbouring distinct scores; the lowest is the
/// lowest score, and the highest, which calls no pair positive, the next number above the highest score. Of several
/// with the same accuracy it is the highest. `None` without pairs.
///
/// # Panics
/// When the lists differ in length, or a score is NaN.
pub fn best_accuracy(scores: &[f64], labels: &[bool]) -> Option<AccuracyThreshold> {
    let steps = steps(scores, labels);
    let truth = steps.last()?.found_and_true;
    let negatives = scores.len() - truth;
    let right = |step: &Step| step.found_and_true + negatives - (step.found - step.found_and_true);
    let best = first_greatest(std::iter::once(negatives).chain(steps.iter().map(right)))?;
    let (threshold, right) = match best.checked_sub(1) {
        None => (steps[0].score.next_up(), negatives),
        Some(at) => (below(steps[at].score, steps.get(best)), right(&steps[at])),
    };
    Some(AccuracyThreshold { threshold, accuracy: right as f64 / scores.len() as f64 })
}

/// What the threshold `threshold` gives: a pair with this score or more is called positive.
///
/// # Panics
/// When the lists differ in length, or a score or the threshold is NaN.
pub fn at_threshold(scores: &[f64], labels: &[bool], threshold: f64) -> Confusion {
    check(scores, labels);
    assert!(!threshold.is_nan(), "a threshold is a number");
    let mut confusion = Confusion::default();
    for (&score, &label) in scores.iter().zip(labels) {
        *match (label, score >= threshold) {
            (true, true) => &mut confusion.true_positives,
            (false, true) => &mut confusion.false_positives,
            (true, false) => &mut confusion.false_negatives,
            (false, false) => &mut confusion.true_negatives,
        } += 1;
    }
    confusion
}

/// The harmonic mean of two shares; zero when both are. Of precision and recall it is F1.
pub fn harmonic_mean(a: f64, b: f64) -> f64 {
    if a + b == 0.0 { 0.0 } else { 2.0 * a * b / (a + b) }
}

/// All pairs with at least this score.
struct Step {
    score: f64,
    found: usize,
    found_and_true: usize,
}

/// One step a distinct score, highest first.
fn steps(scores: &[f64], labels: &[bool]) -> Vec<Step> {
    check(scores, labels);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut steps: Vec<Step> = Vec::new();
    let mut true_so_far = 0;
    for (at, &pair) in order.iter().enumerate() {
        true_so_far += usize::from(labels[pair]);
        let step = Step { score: scores[pair], found: at + 1, found_and_true: true_so_far };
        match steps.last_mut() {
            Some(last) if last.score == step.score => *last = step,
            _ => steps.push(step),
        }
    }
    steps
}

fn check(scores: &[f64], labels: &[bool]) {
    assert_eq!(scores.len(), labels.len(), "{} scores against {} labels", scores.len(), labels.len());
    if let Some(index) = scores.iter().position(|score| score.is_nan()) {
        panic!("the score of pair {index} is not a number");
    }
}

/// A number that is at most `score` and above the score of the step below.
fn below(score: f64, next: Option<&Step>) -> f64 {
    let Some(next) = next else { return score };
    let middle = next.score / 2.0 + score / 2.0;
    // Neighbouring numbers have no middle, and that of an infinity is the infinity.
    if middle > next.score && middle <= score { middle } else { score }
}

/// The place of the first of the greatest values.
fn first_greatest<T: PartialOrd + Copy>(values: impl Iterator<Item = T>) -> Option<usize> {
    let mut best: Option<(usize, T)> = None;
    for (at, value) in values.enumerate() {
        if best.is_none_or(|(_, greatest)| value > greatest) {
            best = Some((at, value));
        }
    }
    best.map(|(at, _)| at)
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
