//! Pair classification: can a threshold on the cosine tell the pairs that mean the same from the others?

use std::path::Path;
use std::time::Instant;

use super::metrics::{Confusion, at_threshold, average_precision, best_accuracy, best_f1};
use super::{EvalError, Metric, Row, Subject, data};

/// Average precision; precision, recall and F1 at the threshold that gives the best F1 on `dev`; accuracy at the one that
/// gives the best accuracy there.
///
/// Without `dev` the thresholds are the best of the file itself, which is then a development set.
///
/// # Errors
/// When a file cannot be used or has labels of one kind only, or the model fails.
pub fn pairs(subject: &Subject<'_>, name: &str, path: &Path, dev: Option<&Path>) -> Result<Row, EvalError> {
    let start = Instant::now();
    let file = Classified::read(subject, path)?;
    let dev = dev.map(|dev| Classified::read(subject, dev)).transpose()?;
    let Classified { cosines, labels, .. } = dev.as_ref().unwrap_or(&file);
    let best = best_f1(cosines, labels).zip(best_accuracy(cosines, labels));
    let (f1, accuracy) = best.ok_or_else(|| one_kind(path))?;
    let at = |threshold: f64, value: fn(&Confusion) -> Option<f64>| {
        move |cosines: &[f64], labels: &[bool]| value(&at_threshold(cosines, labels, threshold))
    };
    let metrics = [
        file.metric("ap", average_precision),
        file.metric("f1", at(f1.threshold, Confusion::f1)),
        file.metric("precision", at(f1.threshold, Confusion::precision)),
        file.metric("recall", at(f1.threshold, Confusion::recall)),
        file.metric("accuracy", at(accuracy.threshold, Confusion::accuracy)),
        Some(Metric::new("threshold", f1.threshold)),
    ];
    // Where no pair of the file reaches the threshold of another there is no precision.
    let metrics = metrics.into_iter().flatten().collect();
    let mut row = Row { cut_texts: file.cut, ..subject.row("pairs", name, file.labels.len(), metrics, start) };
    if dev.is_none() {
        row.notes.push("thresholds are the best of this file itself".to_owned());
    }
    Ok(row)
}

/// The pairs of a file.
struct Classified {
    cosines: Vec<f64>,
    labels: Vec<bool>,
    /// Texts that were cut.
    cut: usize,
}

impl Classified {
    fn read(subject: &Subject<'_>, path: &Path) -> Result<Self, EvalError> {
        let pairs = data::scored_pairs(path)?;
        if let Some(at) = pairs.iter().position(|pair| pair.score != 0.0 && pair.score != 1.0) {
            let score = pairs[at].score;
            let what = format!("pair {} has the score {score}, but a label is 0 or 1: see `voisin eval sts`", at + 1);
            return Err(EvalError::Data { path: path.to_owned(), what });
        }
        let labels: Vec<bool> = pairs.iter().map(|pair| pair.score == 1.0).collect();
        if labels.iter().all(|&label| label == labels[0]) {
            return Err(one_kind(path));
        }
        let (cosines, cut) = subject.cosines(pairs.iter().map(|pair| (pair.a.as_str(), pair.b.as_str())))?;
        Ok(Self { cosines, labels, cut })
    }

    /// A metric of all pairs, with the interval that resampling them gives.
    fn metric(&self, name: &str, of: impl Fn(&[f64], &[bool]) -> Option<f64>) -> Option<Metric> {
        let value = of(&self.cosines, &self.labels)?;
        Some(Metric::new(name, value).resampled(self.labels.len(), |sample| {
            let cosines: Vec<f64> = sample.iter().map(|&at| self.cosines[at]).collect();
            let labels: Vec<bool> = sample.iter().map(|&at| self.labels[at]).collect();
            of(&cosines, &labels)
        }))
    }
}

fn one_kind(path: &Path) -> EvalError {
    let what = "all pairs have the same label: expected pairs with 1 (mean the same) and pairs with 0".to_owned();
    EvalError::Data { path: path.to_owned(), what }
}
