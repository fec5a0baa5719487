//! Medians, spreads, percentiles.

use std::time::Duration;

/// Measurements of one thing, in any unit.
#[derive(Clone, Debug, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Adds a measurement.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a time, in milliseconds.
    pub fn push_ms(&mut self, time: Duration) {
        self.push(time.as_secs_f64() * 1e3);
    }

    /// The measurements, in the order in which they came.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their sum.
    pub fn total(&self) -> f64 {
        self.0.iter().sum()
    }

    /// The value below which the share `p` of the measurements lie, interpolated between the two nearest (type 7 of Hyndman
    /// and Fan, 1996, as NumPy has it); 0 of none.
    pub fn percentile(&self, p: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = p * sorted.len().saturating_sub(1) as f64;
        let (low, high) = (at.floor() as usize, at.ceil() as usize);
        match (sorted.get(low), sorted.get(high)) {
            (Some(a), Some(b)) => a + (b - a) * at.fract(),
            _ => 0.0,
        }
    }

    /// The median; 0 of none.
    pub fn median(&self) -> f64 {
        self.percentile(0.5)
    }

    /// Half the distance between the quartiles, as a share of the median; nothing of fewer than three.
    pub fn spread(&self) -> Option<f64> {
        let median = self.median();
        (self.len() >= 3 && median != 0.0).then(|| (self.percentile(0.75) - self.percentile(0.25)) / 2.0 / median.abs())
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        Self(values.into_iter().collect())
    }
}
