//! What was measured.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::machine::{Machine, Watch};

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// What it says: a row of the table.
    pub name: String,
    /// What it says it of: a column of the table.
    pub group: String,
    /// Its unit; empty for a count that the name explains.
    pub unit: String,
    /// The median of the rounds, or the only value.
    pub value: f64,
    /// Half the distance between the quartiles, as a share of the value, where there were rounds.
    pub spread: Option<f64>,
}

impl Measure {
    fn to_json(&self, former: Option<&Former>) -> Value {
        let mut measure = json!({
            "name": self.name,
            "group": self.group,
            "unit": self.unit,
            "value": self.value,
            "spread": self.spread,
        });
        if let Some(former) = former {
            measure["change"] = json!(former.change(self));
        }
        measure
    }

    fn from_json(measure: &Value) -> Option<Self> {
        let text = |name: &str| measure.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            name: text("name")?,
            group: text("group")?,
            unit: text("unit")?,
            value: measure.get("value")?.as_f64()?,
            spread: measure.get("spread").and_then(Value::as_f64),
        })
    }
}

/// A finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// `embed`, `search` or `index`.
    pub bench: String,
    /// The machine.
    pub machine: Machine,
    /// What was run, and how: names and values.
    pub settings: Vec<(String, String)>,
    /// The numbers.
    pub measures: Vec<Measure>,
    /// What a reader must know to trust the numbers.
    pub notes: Vec<String>,
}

impl Report {
    /// One without numbers yet.
    pub fn new(bench: &str, machine: Machine, settings: &[(&str, String)]) -> Self {
        Self {
            bench: bench.to_owned(),
            machine,
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            measures: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a number that was measured once.
    pub fn add(&mut self, name: &str, group: &str, unit: &str, value: f64) {
        self.measures.push(Measure { name: name.into(), group: group.into(), unit: unit.into(), value, spread: None });
    }

    /// Adds the median of rounds, with their spread.
    pub fn add_rounds(&mut self, name: &str, group: &str, unit: &str, rounds: &super::stats::Sample) {
        self.add(name, group, unit, rounds.median());
        if let Some(measure) = self.measures.last_mut() {
            measure.spread = rounds.spread();
        }
    }

    /// Adds the 99th percentile, where there are enough measurements to have one.
    pub fn add_p99(&mut self, name: &str, group: &str, unit: &str, sample: &super::stats::Sample) {
        const ENOUGH: usize = 100;
        if sample.len() >= ENOUGH {
            self.add(name, group, unit, sample.percentile(0.99));
        }
    }

    /// Notes what makes a rate doubtful: rounds that differ by more than this share.
    pub fn note_noise(&mut self) {
        const NOISY: f64 = 0.05;
        let widest = self.measures.iter().filter_map(|measure| Some((measure.spread?, measure)));
        if let Some((spread, measure)) =
            widest.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(spread, _)| *spread > NOISY)
        {
            self.notes.push(format!(
                "noisy: \"{}\" of {} varied by ±{:.0} % from round to round; run it again, with more --seconds",
                measure.name,
                measure.group,
                100.0 * spread
            ));
        }
    }

    /// Notes what others had of the cores since `watch` began, where it is more than a little.
    pub fn note_others(&mut self, watch: &Watch) {
        const LITTLE: f64 = 0.03;
        if let Some(others) = watch.others().filter(|others| *others > LITTLE) {
            self.notes.push(format!(
                "noisy: other programs, or the host, had {:.0} % of the CPUs; close them and run it again",
                100.0 * others
            ));
        }
    }

    /// As one JSON object; against a former report, each number with its change.
    pub fn to_json(&self, former: Option<&Former>) -> Value {
        let measures: Vec<Value> = self.measures.iter().map(|measure| measure.to_json(former)).collect();
        let settings: Map<String, Value> =
            self.settings.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "bench": self.bench,
            "version": env!("CARGO_PKG_VERSION"),
            "machine": self.machine.to_json(),
            "settings": settings,
            "measures": measures,
            "notes": self.notes,
        })
    }
}

/// The numbers of an earlier report.
#[derive(Clone, Debug, PartialEq)]
pub struct Former {
    measures: Vec<Measure>,
    all: Value,
}

impl Former {
    /// Reads what [`Report::to_json`] wrote, of the same bench.
    ///
    /// # Errors
    /// When the file cannot be read, is no report, or is one of another bench.
    pub fn read(path: &Path, bench: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{}: {what}", path.display());
        let text = fs_err::read_to_string(path).map_err(|error| error.to_string())?;
        let all: Value = serde_json::from_str(&text).map_err(|error| wrong(&format!("is no report: {error}")))?;
        let of = all.get("bench").and_then(Value::as_str);
        let of = of.ok_or_else(|| wrong("is no report of `voisin bench … --json`"))?;
        if of != bench {
            return Err(wrong(&format!("is a report of `bench {of}`, but this is `bench {bench}`")));
        }
        let measures = all.get("measures").and_then(Value::as_array).ok_or_else(|| wrong("has no measures"))?;
        let measures = measures
            .iter()
            .map(|measure| Measure::from_json(measure).ok_or_else(|| wrong("has a measure without a value")))
            .collect::<Result<_, _>>()?;
        Ok(Self { measures, all })
    }

    /// By how much a number has changed since, as a share of what it was.
    pub fn change(&self, now: &Measure) -> Option<f64> {
        let then = self.measures.iter().find(|then| then.name == now.name && then.group == now.group)?;
        (then.value != 0.0 && then.unit == now.unit).then(|| now.value / then.value - 1.0)
    }

    /// What was otherwise then: machine and settings.
    pub fn differences(&self, now: &Report) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differ = |name: &str, then: Option<&Value>, now: &str| {
            if let Some(then) = then.and_then(Value::as_str).filter(|then| *then != now) {
                differences.push(format!("{name} was {then}"));
            }
        };
        let machine = now.machine.to_json();
        for name in ["cpu", "isa", "system"] {
            differ(name, self.all.pointer(&format!("/machine/{name}")), machine[name].as_str().unwrap_or_default());
        }
        differ("version", self.all.get("version"), env!("CARGO_PKG_VERSION"));
        for (name, value) in &now.settings {
            differ(name, self.all.get("settings").and_then(|settings| settings.get(name)), value);
        }
        differences
    }
}
