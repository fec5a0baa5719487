//! Semantic textual similarity: do cosines of pairs follow the grades that people gave?

use std::path::Path;
use std::time::Instant;

use super::metrics::{pearson, spearman};
use super::{EvalError, Metric, Row, Subject, data};

/// Spearman's and Pearson's correlation of cosines with the scores of a file of [`data::scored_pairs`].
///
/// # Errors
/// When the file cannot be used, all of its scores are the same, or the model fails.
pub fn sts(subject: &Subject<'_>, name: &str, path: &Path) -> Result<Row, EvalError> {
    let start = Instant::now();
    let pairs = data::scored_pairs(path)?;
    let (cosines, cut) = subject.cosines(pairs.iter().map(|pair| (pair.a.as_str(), pair.b.as_str())))?;
    let scores: Vec<f64> = pairs.iter().map(|pair| pair.score).collect();
    let metric = |name: &str, correlation: fn(&[f64], &[f64]) -> Option<f64>| {
        let value = correlation(&cosines, &scores).ok_or_else(|| EvalError::Data {
            path: path.to_owned(),
            what: "a correlation needs two pairs with different scores and different cosines".to_owned(),
        })?;
        Ok::<_, EvalError>(Metric::new(name, value).resampled(pairs.len(), |sample| {
            let pick = |values: &[f64]| sample.iter().map(|&at| values[at]).collect::<Vec<_>>();
            correlation(&pick(&cosines), &pick(&scores))
        }))
    };
    let metrics = vec![metric("spearman", spearman)?, metric("pearson", pearson)?];
    Ok(Row { cut_texts: cut, ..subject.row("sts", name, pairs.len(), metrics, start) })
}
