//! Bitext retrieval: is the translation of a text the closest of all texts in the other language?

use std::time::Instant;

use super::data::Translation;
use super::metrics::Bitext;
use super::{EvalError, Metric, Row, Subject};
use crate::embed::spec::Role;

/// Accuracy from the first language to the second and back, F1 by margin, and the F1 that MTEB publishes for this task, both
/// ways.
///
/// # Errors
/// When the model fails.
pub fn bitext(subject: &Subject<'_>, name: &str, pairs: &[Translation], start: Instant) -> Result<Row, EvalError> {
    let a = subject.embed(pairs.iter().map(|pair| pair.a.as_str()), Role::Query)?;
    let b = subject.embed(pairs.iter().map(|pair| pair.b.as_str()), Role::Query)?;
    let found = Bitext::new(rows(&a.vectors), rows(&b.vectors), a.vectors.ncols());
    let share = |hits: Vec<bool>| hits.into_iter().map(f64::from).collect::<Vec<f64>>();
    let mut metrics = vec![
        Metric::mean("accuracy", &share(found.forward())),
        Metric::mean("accuracy_back", &share(found.backward())),
    ];
    // Where no pair has a margin, none is found.
    metrics.push(Metric::new("f1", found.margin_f1().map_or(0.0, |best| best.f1)));
    let nearest = found.nearest_f1();
    metrics.push(Metric::new("nearest_f1", nearest.forward));
    metrics.push(Metric::new("nearest_f1_back", nearest.backward));
    Ok(Row { cut_texts: a.cut + b.cut, ..subject.row("bitext", name, pairs.len(), metrics, start) })
}

fn rows(vectors: &ndarray::Array2<f32>) -> &[f32] {
    vectors.as_slice().expect("vectors come in rows")
}
