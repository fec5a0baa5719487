//! One line of a table of results.

use serde_json::{Map, Value, json};

use super::metrics::Interval;
use super::metrics::bootstrap::{interval, mean_interval};

/// A number with its name, as the field calls it: `spearman`, `ndcg@10`, `recall@100`.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its value; shares and correlations are of 1, not of 100.
    pub value: f64,
    /// The bounds between which it lies with 95 % confidence, where they were estimated.
    pub interval: Option<Interval>,
}

/// Resamples behind every interval.
const RESAMPLES: usize = 1000;

/// The seed of every resampling: the same data give the same interval.
const SEED: u64 = 2011;

impl Metric {
    /// A number without an interval.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, interval: None }
    }

    /// The mean of `values`, with the interval that resampling them gives; a single value has none.
    pub fn mean(name: impl Into<String>, values: &[f64]) -> Self {
        let value = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let interval = if values.len() > 1 { mean_interval(values, RESAMPLES, SEED) } else { None };
        Self { name: name.into(), value, interval }
    }

    /// The same with the interval that `statistic` gives on resampled `items`, by their places.
    pub fn resampled(self, items: usize, statistic: impl FnMut(&[usize]) -> Option<f64>) -> Self {
        Self { interval: interval(items, RESAMPLES, SEED, statistic), ..self }
    }
}

/// What a task measured on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The task: `sts`, `pairs`, `bitext`, `retrieval`, `duplicates`, `ann`.
    pub task: String,
    /// The data set.
    pub data: String,
    /// How was searched, where there are several ways: `semantic`.
    pub mode: Option<String>,
    /// The id of the model.
    pub model: String,
    /// The precision in which it ran.
    pub precision: String,
    /// Pairs, queries or vectors that were judged.
    pub n: usize,
    /// What was measured, the most telling first.
    pub metrics: Vec<Metric>,
    /// Texts of the data set that were longer than the model's limit and were cut there.
    pub cut_texts: usize,
    /// What a reader must know to trust the numbers.
    pub notes: Vec<String>,
    /// Seconds from reading the data to the last number; rows of one data set share them.
    pub seconds: f64,
}

impl Row {
    /// Whether another row measures the same, of whatever model: the same task on the same data, which one of them may name
    /// by the end of its path alone.
    pub fn measures_as(&self, other: &Self) -> bool {
        let ends = |long: &str, short: &str| {
            long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        (&self.task, &self.mode) == (&other.task, &other.mode)
            && (ends(&self.data, &other.data) || ends(&other.data, &self.data))
    }

    /// By how much a metric has changed since an earlier row, with the digits that are printed of both.
    pub fn change(&self, since: &Self, name: &str) -> Option<f64> {
        let value =
            |row: &Self| row.metrics.iter().find(|metric| metric.name == name).map(|metric| round(metric.value));
        // Adding zero makes a negative zero a plain one.
        Some(round(value(self)? - value(since)?) + 0.0)
    }

    /// As one JSON object; numbers have the six digits that can mean something.
    pub fn to_json(&self) -> Value {
        let metrics: Map<String, Value> =
            self.metrics.iter().map(|metric| (metric.name.clone(), json!(round(metric.value)))).collect();
        let intervals: Map<String, Value> = self
            .metrics
            .iter()
            .filter_map(|metric| Some((metric.name.clone(), metric.interval?)))
            .map(|(name, interval)| (name, json!([round(interval.low), round(interval.high)])))
            .collect();
        let mut row = json!({ "task": self.task, "data": self.data });
        if let Some(mode) = &self.mode {
            row["mode"] = json!(mode);
        }
        row["model"] = json!(self.model);
        row["precision"] = json!(self.precision);
        row["n"] = json!(self.n);
        row["metrics"] = Value::Object(metrics);
        row["ci95"] = Value::Object(intervals);
        row["cut_texts"] = json!(self.cut_texts);
        row["notes"] = json!(self.notes);
        row["seconds"] = json!((self.seconds * 1e3).round() / 1e3);
        row
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// What is missing.
    pub fn from_json(row: &Value) -> Result<Self, String> {
        let text = |name: &str| {
            row.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("has no \"{name}\""))
        };
        let number = |name: &str| row.get(name).and_then(Value::as_f64);
        let metrics = row.get("metrics").and_then(Value::as_object).ok_or("has no \"metrics\"")?;
        let interval = |name: &str| {
            let bounds = row.get("ci95")?.get(name)?;
            Some(Interval { low: bounds.get(0)?.as_f64()?, high: bounds.get(1)?.as_f64()? })
        };
        let metrics = metrics
            .iter()
            .map(|(name, value)| {
                let value = value.as_f64().ok_or_else(|| format!("\"{name}\" is no number"))?;
                Ok(Metric { name: name.clone(), value, interval: interval(name) })
            })
            .collect::<Result<_, String>>()?;
        Ok(Self {
            task: text("task")?,
            data: text("data")?,
            mode: text("mode").ok(),
            model: text("model")?,
            precision: text("precision")?,
            n: number("n").unwrap_or_default() as usize,
            metrics,
            cut_texts: number("cut_texts").unwrap_or_default() as usize,
            notes: Vec::new(),
            seconds: number("seconds").unwrap_or_default(),
        })
    }
}

/// The digits that can mean something.
fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Reads rows of JSON Lines, as `voisin eval … --json` prints them.
///
/// # Errors
/// When the file cannot be read or a line is no row.
pub fn read(path: &std::path::Path) -> Result<Vec<Row>, super::EvalError> {
    let lines = super::data::Lines::read(path)?;
    let rows = lines.objects().map(|object| {
        let (line, object) = object?;
        Row::from_json(&object).map_err(|what| lines.wrong(line, what))
    });
    rows.collect()
}
