//! Near-duplicates: are the pairs of articles that are alike found, and is what is found alike?

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::time::Instant;

use super::data::{self, TruePair};
use super::metrics::{adjusted_rand_index, harmonic_mean, v_measure};
use super::{EvalError, Metric, Row, Subject};
use crate::dedup::{Pair, Relation, Selection};
use crate::engine::Engine;
use crate::store::Filter;

/// By which similarity pairs are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Runs of five words in both articles, over those in either.
    Jaccard,
    /// Runs of five words in both, over those of the article that has fewer.
    Containment,
}

impl Measure {
    /// The beginning of the name of its column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jaccard => "jaccard",
            Self::Containment => "containment",
        }
    }

    fn of(self, pair: &Pair) -> f64 {
        match self {
            Self::Jaccard => pair.evidence.overlap.jaccard.into(),
            Self::Containment => pair.evidence.overlap.a_in_b.max(pair.evidence.overlap.b_in_a).into(),
        }
    }
}

/// Which of the true pairs are to be found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// How similarity is measured.
    pub measure: Measure,
    /// The least similarity.
    pub least: f64,
    /// The similarity at which the level ends, where it does.
    pub below: Option<f64>,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}>={}", self.measure.name(), self.least)?;
        self.below.map_or(Ok(()), |below| write!(f, ",<{below}"))
    }
}

/// Articles that belong together: a forest of parents (Tarjan's disjoint sets, with path halving).
#[derive(Clone)]
struct Groups(Vec<usize>);

impl Groups {
    fn apart(articles: usize) -> Self {
        Self((0..articles).collect())
    }

    fn of(&mut self, mut article: usize) -> usize {
        while self.0[article] != article {
            self.0[article] = self.0[self.0[article]];
            article = self.0[article];
        }
        article
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b)] = a.min(b);
    }

    fn labels(mut self) -> Vec<usize> {
        (0..self.0.len()).map(|article| self.of(article)).collect()
    }
}

/// The articles of a store, and what `voisin duplicates` reports of them.
struct Reported {
    /// Numbers of articles by their keys.
    numbers: HashMap<String, usize>,
    /// Articles that read the same are one: of such a group only the pairs with its first article are reported.
    identical: Groups,
    /// Copies of any relation, not what is merely related.
    copies: Vec<Pair>,
}

impl Reported {
    fn new(engine: &Engine) -> Result<Self, EvalError> {
        let mut numbers = HashMap::new();
        for article in engine.store().articles_matching(&Filter::default())?.iter() {
            numbers.insert(engine.store().header(article)?.key, numbers.len());
        }
        let mut copies = engine.copies(Selection::default(), &mut |_| {})?.pairs()?;
        copies.retain(|pair| pair.relation.is_copy());
        let mut identical = Groups::apart(numbers.len());
        for pair in copies.iter().filter(|pair| pair.relation == Relation::Identical) {
            identical.join(numbers[&pair.a.key], numbers[&pair.b.key]);
        }
        Ok(Self { numbers, identical, copies })
    }

    /// Two articles as the first of those that read like each, the lesser number first; none for one that is not stored.
    fn ends(&mut self, a: &str, b: &str) -> Option<(usize, usize)> {
        let (a, b) = (*self.numbers.get(a)?, *self.numbers.get(b)?);
        let (a, b) = (self.identical.of(a), self.identical.of(b));
        Some((a.min(b), a.max(b)))
    }

    /// The ends of the copies that are at least so similar.
    fn ends_of_copies(&mut self, similar: impl Fn(&Pair) -> bool) -> Vec<(usize, usize)> {
        let similar: Vec<_> = self
            .copies
            .iter()
            .filter(|pair| similar(pair))
            .map(|pair| (pair.a.key.clone(), pair.b.key.clone()))
            .collect();
        similar.iter().filter_map(|(a, b)| self.ends(a, b)).collect()
    }

    /// Groups of the articles that `pairs` connect, beside those that read the same.
    fn groups(&self, pairs: &[(usize, usize)]) -> Vec<usize> {
        let mut groups = self.identical.clone();
        pairs.iter().for_each(|&(a, b)| groups.join(a, b));
        groups.labels()
    }
}

/// Recall, precision, F1 and the adjusted Rand index of the groups, at each level.
///
/// What is judged are the pairs that are reported as copies with a similarity of the level or above. Recall is the share of the
/// true pairs that are among them; a pair with an article that is not stored is missed, and noted. Precision is the share of
/// them whose true similarity is no less than the level's. Groups are the articles that such pairs connect. For a level that
/// ends there is recall alone.
///
/// # Errors
/// When the file cannot be used or none of its pairs is in the store, or the store fails.
pub fn duplicates(
    subject: &Subject<'_>,
    engine: &Engine,
    name: &str,
    truth: &Path,
    levels: &[Level],
) -> Result<Vec<Row>, EvalError> {
    let start = Instant::now();
    let mut reported = Reported::new(engine)?;
    let wrong = |what: String| EvalError::Data { path: truth.to_owned(), what };
    let mut rows = Vec::new();
    for level in levels {
        let pairs = data::true_pairs(truth, level.measure.name())?;
        if !pairs.iter().any(|pair| reported.ends(&pair.a, &pair.b).is_some()) {
            let what = "is of other articles than the store's: name the store that has them with --store".to_owned();
            return Err(EvalError::Store { path: truth.to_owned(), what });
        }
        let is_true = |pair: &&TruePair| {
            pair.similarity >= level.least && level.below.is_none_or(|below| pair.similarity < below)
        };
        // An article that is not stored has no ends: its pairs are missed.
        let wanted: Vec<Option<(usize, usize)>> =
            pairs.iter().filter(is_true).map(|pair| reported.ends(&pair.a, &pair.b)).collect();
        let absent = wanted.iter().filter(|ends| ends.is_none()).count();
        if wanted.is_empty() {
            return Err(wrong(format!("has no pair with {level}")));
        }
        let claimed = reported.ends_of_copies(|pair| level.measure.of(pair) >= level.least);
        let found: HashSet<(usize, usize)> = claimed.iter().copied().collect();
        let is_found =
            |ends: &Option<(usize, usize)>| ends.is_some_and(|ends| ends.0 == ends.1 || found.contains(&ends));
        let hits: Vec<f64> = wanted.iter().map(|ends| f64::from(is_found(ends))).collect();
        let mut metrics = vec![Metric::mean("recall", &hits)];
        if level.below.is_none() {
            let wanted: Vec<(usize, usize)> = wanted.into_iter().flatten().collect();
            let true_ends: HashSet<_> = wanted.iter().copied().collect();
            let right: Vec<f64> = claimed.iter().map(|ends| f64::from(true_ends.contains(ends))).collect();
            if !right.is_empty() {
                let precision = Metric::mean("precision", &right);
                let f1 = Metric::new("f1", harmonic_mean(precision.value, metrics[0].value));
                metrics.extend([precision, f1]);
            }
            let (truth, found) = (reported.groups(&wanted), reported.groups(&claimed));
            metrics.push(Metric::new("ari", adjusted_rand_index(&truth, &found)));
            metrics.push(Metric::new("v_measure", v_measure(&truth, &found).v_measure));
        }
        let mut row = subject.row("duplicates", &format!("{name} {level}"), hits.len(), metrics, start);
        if absent > 0 {
            row.notes.push(format!("{absent} of its pairs have an article that the store lacks, and count as missed"));
        }
        rows.push(row);
    }
    Ok(rows)
}
