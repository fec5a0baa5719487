//! Labels: the short facts of an article by which it is chosen and counted.
//!
//! A label is a name and a value: `rubrique` and `Société`. An article has one for its language, its source, and the year and
//! month of its date as far as they are known, and one for each short scalar of its metadata; an array gives one for each
//! of its scalars. Objects and prose give none.
//!
//! Names and values are compared in their [folded form](folded); values are kept as published beside it, so that
//! counts show the form that is used most.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result, params};
use serde_json::Value;

use super::{Filter, Store, StoreError};
use crate::text::folded;
use crate::types::{Article, ArticleId, ArticleSet, DatePrecision};

/// The longest value that is a label, in characters: longer ones are prose.
const LONGEST: usize = 200;

/// Values of one field of an article that are labels, the first.
const MOST_VALUES: usize = 64;

/// Labels whose rows are remembered from one article to the next.
const REMEMBERED: usize = 1 << 16;

/// A label of an article.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Label {
    /// Folded.
    name: String,
    /// As published, without white space around it.
    shown: String,
}

/// The name under which a label is kept: folded, and in full.
pub(super) fn label_name(name: &str) -> String {
    let name = folded(name);
    if name == "lang" { "language".to_owned() } else { name }
}

/// The labels of an article, in the order of their sources; values that fold to the same come once under a name.
fn labels_of(article: &Article) -> Vec<(Label, String)> {
    let mut labels: Vec<(Label, String)> = Vec::new();
    let mut add = |name: &str, shown: &str| {
        let shown = shown.trim();
        let (name, value) = (label_name(name), folded(shown));
        let short = shown.chars().nth(LONGEST).is_none();
        let known = |(label, other): &(Label, String)| label.name == name && *other == value;
        if short && !name.is_empty() && !value.is_empty() && !labels.iter().any(known) {
            labels.push((Label { name, shown: shown.to_owned() }, value));
        }
    };
    article.language.iter().for_each(|language| add("language", language));
    article.source.iter().for_each(|source| add("source", source));
    if let Some(date) = article.date {
        let day = date.first_day();
        add("year", &format!("{:04}", day.year()));
        if date.precision() != DatePrecision::Year {
            add("month", &format!("{:04}-{:02}", day.year(), day.month()));
        }
    }
    for (name, value) in &article.metadata {
        let values = if let Value::Array(values) = value { values.as_slice() } else { std::slice::from_ref(value) };
        // More are data, such as a vector, and nothing to filter by.
        for value in values.iter().take(MOST_VALUES) {
            match value {
                Value::String(text) => add(name, text),
                Value::Number(number) => add(name, &number.to_string()),
                Value::Bool(flag) => add(name, if *flag { "true" } else { "false" }),
                Value::Null | Value::Array(_) | Value::Object(_) => {}
            }
        }
    }
    labels
}

/// Writes labels, and remembers the rows of those that it met.
pub(super) struct Labeller<'a> {
    connection: &'a Connection,
    rows: HashMap<Label, i64>,
}

impl<'a> Labeller<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, rows: HashMap::new() }
    }

    /// Gives an article, which has none, its labels.
    pub(super) fn label(&mut self, id: i64, article: &Article) -> Result<()> {
        for (label, value) in labels_of(article) {
            let row = self.row(label, &value)?;
            self.connection
                .prepare_cached("INSERT INTO labelled (label, article) VALUES (?1, ?2)")?
                .execute([row, id])?;
        }
        Ok(())
    }

    /// The row of a label, made if need be.
    fn row(&mut self, label: Label, value: &str) -> Result<i64> {
        if let Some(&row) = self.rows.get(&label) {
            return Ok(row);
        }
        let found = self
            .connection
            .prepare_cached("SELECT id FROM labels WHERE name = ?1 AND value = ?2 AND shown = ?3")?
            .query_row(params![label.name, value, label.shown], |row| row.get(0))
            .optional()?;
        let row = match found {
            Some(row) => row,
            None => {
                self.connection
                    .prepare_cached("INSERT INTO labels (name, value, shown) VALUES (?1, ?2, ?3)")?
                    .execute(params![label.name, value, label.shown])?;
                self.connection.last_insert_rowid()
            }
        };
        if self.rows.len() == REMEMBERED {
            self.rows.clear();
        }
        self.rows.insert(label, row);
        Ok(row)
    }
}

/// Labels all articles of a store that has none yet.
pub(super) fn label_all(connection: &Connection) -> Result<()> {
    let mut labeller = Labeller::new(connection);
    let mut statement = connection.prepare("SELECT id, date, source, language, metadata FROM articles")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let article = Article {
            date: row.get::<_, Option<String>>(1)?.and_then(|date| date.parse().ok()),
            source: row.get(2)?,
            language: row.get(3)?,
            metadata: serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default(),
            ..Article::default()
        };
        labeller.label(row.get(0)?, &article)?;
    }
    Ok(())
}

impl Store {
    /// The values under a name, as published, with the numbers of articles that have them, most frequent first and then
    /// in the order of values: at most `limit` of them, counted over the articles `within` a set, or over all.
    ///
    /// Values that differ in case and accents alone are one, shown as most of these articles write it. The name is that of
    /// a field of the metadata, or `language`, `source`, `year` or `month`; one that no article has gives nothing.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn facets(
        &self,
        name: &str,
        within: Option<&ArticleSet>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let name = label_name(name);
        let mut counts: HashMap<i64, u64> = HashMap::new();
        self.each_label(Some(&name), within, |label, _| *counts.entry(label).or_default() += 1)?;
        let forms =
            self.list("SELECT id, value, shown FROM labels WHERE name = ?1 ORDER BY shown", [&name], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            })?;
        /// One value: articles that have it, its most frequent form, articles that write it so.
        struct Facet {
            count: u64,
            shown: String,
            most: u64,
        }
        let mut facets: HashMap<String, Facet> = HashMap::new();
        for (label, value, shown) in forms {
            let Some(&count) = counts.get(&label) else { continue };
            let facet = facets.entry(value).or_insert(Facet { count: 0, shown: String::new(), most: 0 });
            facet.count += count;
            if count > facet.most {
                (facet.shown, facet.most) = (shown, count);
            }
        }
        let mut facets: Vec<_> = facets.into_iter().collect();
        facets.sort_unstable_by(|(a, one), (b, other)| other.count.cmp(&one.count).then_with(|| a.cmp(b)));
        facets.truncate(limit);
        Ok(facets.into_iter().map(|(_, facet)| (facet.shown, facet.count)).collect())
    }

    /// The names that articles `within` a set, or all, can be filtered and counted by, folded, with the numbers of articles
    /// that have them; most frequent first, then in the order of names.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn label_names(&self, within: Option<&ArticleSet>) -> Result<Vec<(String, u64)>, StoreError> {
        let labels = self.list("SELECT id, name FROM labels ORDER BY name", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        let mut names: Vec<(String, Vec<ArticleId>)> = Vec::new();
        let mut name_of: HashMap<i64, usize> = HashMap::new();
        for (label, name) in labels {
            if names.last().is_none_or(|(last, _)| *last != name) {
                names.push((name, Vec::new()));
            }
            name_of.insert(label, names.len() - 1);
        }
        self.each_label(None, within, |label, article| {
            if let Some(&name) = name_of.get(&label) {
                names[name].1.push(article);
            }
        })?;
        let mut names: Vec<_> = names
            .into_iter()
            .map(|(name, articles)| (name, articles.into_iter().collect::<ArticleSet>().len() as u64))
            .filter(|(_, count)| *count > 0)
            .collect();
        names.sort_by(|(a, one), (b, other)| other.cmp(one).then_with(|| a.cmp(b)));
        Ok(names)
    }

    /// A filter with further conditions, each a name and a value: see [`Filter::with_label`].
    ///
    /// # Errors
    /// When no article has a name: that is a mistake.
    pub fn labelled(&self, filter: Filter, labels: &[(&str, &str)]) -> Result<Filter, StoreError> {
        labels.iter().try_fold(filter, |filter, (name, value)| {
            self.expect_label(name)?;
            Ok(filter.with_label(name, value))
        })
    }

    /// Refuses a name that no article has, with those that there are.
    ///
    /// # Errors
    /// When no article has it.
    pub fn expect_label(&self, name: &str) -> Result<(), StoreError> {
        if self.has_label(name)? {
            return Ok(());
        }
        let names: Vec<String> = self.label_names(None)?.into_iter().map(|(name, _)| name).collect();
        let there = if names.is_empty() { "nothing, for the store is empty".to_owned() } else { names.join(", ") };
        Err(StoreError::NoLabel { name: name.to_owned(), there })
    }

    /// Whether some article has, or had until the store was last swept, a label of this name. Every store knows
    /// `language`, `source`, `year` and `month`.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn has_label(&self, name: &str) -> Result<bool, StoreError> {
        let name = label_name(name);
        if ["language", "source", "year", "month"].contains(&name.as_str()) {
            return Ok(true);
        }
        self.sql(
            self.connection
                .prepare_cached("SELECT 1 FROM labels WHERE name = ?1")
                .and_then(|mut statement| statement.exists([name])),
        )
    }

    /// Calls `visit` with each label of articles `within` a set, or of all, under one name or under any.
    fn each_label(
        &self,
        name: Option<&str>,
        within: Option<&ArticleSet>,
        mut visit: impl FnMut(i64, ArticleId),
    ) -> Result<(), StoreError> {
        if let Some(few) = within.filter(|within| self.is_few(within).unwrap_or(false)) {
            let mut statement = self.sql(self.connection.prepare_cached(
                "SELECT labelled.label FROM labelled JOIN labels ON labels.id = labelled.label
                 WHERE labelled.article = ?1 AND (?2 IS NULL OR labels.name = ?2)",
            ))?;
            for article in few.iter() {
                let labels = self.sql(statement.query_map(params![article.0, name], |row| row.get(0)))?;
                for label in labels {
                    visit(self.sql(label)?, article);
                }
            }
            return Ok(());
        }
        let sql = match name {
            Some(_) => {
                "SELECT labelled.label, labelled.article FROM labels CROSS JOIN labelled ON labelled.label = labels.id
                 WHERE labels.name = ?1"
            }
            None => "SELECT label, article FROM labelled WHERE ?1 IS NULL",
        };
        let mut statement = self.sql(self.connection.prepare_cached(sql))?;
        let mut rows = self.sql(statement.query([name]))?;
        while let Some(row) = self.sql(rows.next())? {
            let article = ArticleId(self.sql(row.get(1))?);
            if within.is_none_or(|within| within.contains(article)) {
                visit(self.sql(row.get(0))?, article);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_is_labelled_by_what_is_short() {
        let metadata = serde_json::json!({
            "Rubrique": " Société ",
            "mots": ["Grève", "GREVE", "hôpital", 7, null, ["trop profond"]],
            "payant": true,
            "signes": 1200,
            "vide": " ",
            "rien": null,
            "auteur": {"nom": "Jane"},
            "chapo": "x".repeat(LONGEST + 1),
            "titre court": "x".repeat(LONGEST),
            "lang": "FR",
        });
        let article = Article {
            date: "2023-08".parse().ok(),
            source: Some("Le Populaire".into()),
            language: Some("fr".into()),
            metadata: metadata.as_object().unwrap().clone(),
            ..Article::default()
        };
        let labels = labels_of(&article);
        let labels: Vec<(&str, &str)> =
            labels.iter().map(|(label, _)| (label.name.as_str(), label.shown.as_str())).collect();
        let expected = [
            ("language", "fr"),
            ("source", "Le Populaire"),
            ("year", "2023"),
            ("month", "2023-08"),
            ("rubrique", "Société"),
            ("mots", "Grève"),
            ("mots", "hôpital"),
            ("mots", "7"),
            ("payant", "true"),
            ("signes", "1200"),
            ("titre court", &"x".repeat(LONGEST)),
        ];
        assert_eq!(labels, expected);
    }
}
