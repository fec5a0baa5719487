//! Token vectors to one vector a text.

use std::ops::Range;

use ndarray::{Array2, s};
use serde_json::{Map, Value};

/// How the vectors of a text's tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The first token's.
    Cls,
    /// Their mean.
    Mean,
    /// Their sum over the square root of their number.
    MeanSqrtLength,
    /// The greatest of each component.
    Max,
    /// The last token's.
    Last,
    /// Their mean, the first counted once, the second twice, and so on.
    WeightedMean,
}

impl Pooling {
    const NAMES: [(Self, &'static str, &'static str); 6] = [
        (Self::Cls, "cls", "pooling_mode_cls_token"),
        (Self::Mean, "mean", "pooling_mode_mean_tokens"),
        (Self::MeanSqrtLength, "mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens"),
        (Self::Max, "max", "pooling_mode_max_tokens"),
        (Self::Last, "lasttoken", "pooling_mode_lasttoken"),
        (Self::WeightedMean, "weightedmean", "pooling_mode_weightedmean_tokens"),
    ];

    /// The name that sentence-transformers gives it.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(pooling, ..)| *pooling == self).map_or("", |(_, name, _)| name)
    }

    /// Reads the configuration of a pooling module: `pooling_mode` since version 5, one flag a mode before.
    ///
    /// # Errors
    /// When it asks for a mode that is not supported, or for several side by side.
    pub fn from_config(config: &Map<String, Value>) -> Result<Self, String> {
        let wanted: Vec<&str> = match config.get("pooling_mode") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => config
                .iter()
                .filter(|(key, value)| key.starts_with("pooling_mode_") && **value == true)
                .map(|(key, _)| key.as_str())
                .collect(),
        };
        let [wanted] = wanted[..] else {
            return Err(format!("pooling modes {wanted:?}: exactly one is supported"));
        };
        Self::NAMES
            .iter()
            .find(|(_, name, flag)| *name == wanted || *flag == wanted)
            .map(|(pooling, ..)| *pooling)
            .ok_or_else(|| format!("pooling mode \"{wanted}\" is not supported"))
    }
}

/// Pools each of `sequences` (ranges of rows of `hidden`: [tokens, dims]) to a row: [sequences, dims]. An empty sequence
/// gives zeros.
pub fn pool(pooling: Pooling, hidden: &[f32], sequences: &[Range<usize>], dims: usize) -> Array2<f32> {
    let mut out = Array2::zeros((sequences.len(), dims));
    for (sequence, mut row) in sequences.iter().zip(out.rows_mut()).filter(|(s, _)| !s.is_empty()) {
        let row = row.as_slice_mut().expect("rows of a fresh array are contiguous");
        let token = |at: usize| &hidden[at * dims..(at + 1) * dims];
        match pooling {
            Pooling::Cls => row.copy_from_slice(token(sequence.start)),
            Pooling::Last => row.copy_from_slice(token(sequence.end - 1)),
            Pooling::Max => {
                row.copy_from_slice(token(sequence.start));
                for at in sequence.clone() {
                    row.iter_mut().zip(token(at)).for_each(|(out, &value)| *out = out.max(value));
                }
            }
            Pooling::WeightedMean => {
                for (at, weight) in sequence.clone().zip(1u32..) {
                    let weight = weight as f32;
                    row.iter_mut().zip(token(at)).for_each(|(out, &value)| *out += weight * value);
                }
                let length = sequence.len() as f32;
                row.iter_mut().for_each(|value| *value /= length * (length + 1.0) / 2.0);
            }
            Pooling::Mean | Pooling::MeanSqrtLength => {
                for at in sequence.clone() {
                    row.iter_mut().zip(token(at)).for_each(|(out, &value)| *out += value);
                }
                let length = sequence.len() as f32;
                let factor = if pooling == Pooling::Mean { 1.0 / length } else { 1.0 / length.sqrt() };
                row.iter_mut().for_each(|value| *value *= factor);
            }
        }
    }
    out
}

/// The first `dims` components of each row, of unit length if `normalised`: [texts, dims].
pub fn finish(vectors: Array2<f32>, dims: usize, normalised: bool) -> Array2<f32> {
    let mut vectors = if dims < vectors.ncols() { vectors.slice(s![.., ..dims]).to_owned() } else { vectors };
    if normalised {
        normalise(&mut vectors);
    }
    vectors
}

/// Scales each row to unit length; a row of zeros stays.
pub fn normalise(vectors: &mut Array2<f32>) {
    for mut row in vectors.rows_mut() {
        let length = row.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
        if length > 0.0 {
            row.mapv_inplace(|value| (f64::from(value) / length) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Result<Pooling, String> {
        Pooling::from_config(serde_json::from_str::<Value>(json).unwrap().as_object().unwrap())
    }

    #[test]
    fn both_generations_of_the_configuration_are_read() {
        assert_eq!(config(r#"{"pooling_mode": "max"}"#), Ok(Pooling::Max));
        assert_eq!(config(r#"{"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}"#), Ok(Pooling::Mean));
        assert!(config(r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#).is_err());
        assert_eq!(config(r#"{"pooling_mode_weightedmean_tokens": true}"#), Ok(Pooling::WeightedMean));
        assert!(config(r#"{"pooling_mode": "median"}"#).is_err());
        assert!(config("{}").is_err());
    }

    #[test]
    fn each_mode_gives_what_it_says() {
        let hidden = [9.0, 9.0, 1.0, -2.0, 3.0, 4.0];
        for (pooling, expected) in [
            (Pooling::Cls, [1.0, -2.0]),
            (Pooling::Last, [3.0, 4.0]),
            (Pooling::Max, [3.0, 4.0]),
            (Pooling::Mean, [2.0, 1.0]),
            (Pooling::MeanSqrtLength, [4.0 / 2f32.sqrt(), 2.0 / 2f32.sqrt()]),
            (Pooling::WeightedMean, [7.0 / 3.0, 2.0]),
        ] {
            let pooled = pool(pooling, &hidden, &[1..3, 3..3], 2);
            assert_eq!(pooled.row(0).to_vec(), expected, "{}", pooling.name());
            assert_eq!(pooled.row(1).to_vec(), [0.0, 0.0]);
        }
    }

    #[test]
    fn rows_are_cut_and_then_of_unit_length() {
        let rows = ndarray::array![[3.0, 4.0, 5.0], [0.0, 0.0, 1.0]];
        assert_eq!(finish(rows.clone(), 2, true), ndarray::array![[0.6, 0.8], [0.0, 0.0]]);
        assert_eq!(finish(rows.clone(), 2, false), ndarray::array![[3.0, 4.0], [0.0, 0.0]]);
        assert_eq!(finish(rows.clone(), 3, false), rows);
    }
}
