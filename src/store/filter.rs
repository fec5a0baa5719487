//! Filters: which articles are meant, found before anything is scored, and their order in time.
//!
//! **Dates with partial precision.** An article passes where its date *may* lie in the range: its last possible day is not before
//! the first day of `since`, and its first possible day is not after the last day of `until`. So an article of `2023-08`
//! passes since `2023-08-15` and until `2023-08-15`; one without a date passes no range.
//!
//! **Labels.** An article passes where it has one of the values under each name: see [`super::labels`].
//!
//! The conditions of a filter are asked in the order of how few articles meet them. Once few are left, the others are
//! asked article by article, so that a selective filter costs what it selects.

use rusqlite::{OptionalExtension, params};

use super::labels::label_name;
use super::{Store, StoreError};
use crate::text::folded;
use crate::types::{ArticleId, ArticleSet, PartialDate, Period, VectorId};

/// Which articles are meant. The default means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Articles whose date may be this one or a later one.
    pub since: Option<PartialDate>,
    /// Articles whose date may be this one or an earlier one.
    pub until: Option<PartialDate>,
    /// Articles that pass each of these.
    pub labels: Vec<LabelFilter>,
}

/// One condition on labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFilter {
    /// A field of the metadata, or `language` (also `lang`), `source`, `year` or `month`; in any case, with or without
    /// accents.
    pub name: String,
    /// The article has one of these values, in any case, with or without accents. None of them passes no article.
    pub values: Vec<String>,
}

impl Filter {
    /// Whether every article is meant.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// This filter, and articles no further in time from `date` than `period`, as far as both dates are known.
    #[must_use]
    pub fn within(mut self, period: Period, date: PartialDate) -> Self {
        let (first, last) = period.around(date);
        self.since = Some(self.since.map_or(first, |since| since.max(first)));
        self.until = Some(self.until.filter(|until| until.last_day() < last.last_day()).unwrap_or(last));
        self
    }

    /// This filter, and articles have this value under this name, or another that was asked for under the same.
    #[must_use]
    pub fn with_label(mut self, name: &str, value: &str) -> Self {
        let same = |label: &&mut LabelFilter| label_name(&label.name) == label_name(name);
        match self.labels.iter_mut().find(same) {
            Some(label) => label.values.push(value.to_owned()),
            None => self.labels.push(LabelFilter { name: name.to_owned(), values: vec![value.to_owned()] }),
        }
        self
    }
}

/// An order in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// Latest first.
    Newest,
    /// Earliest first.
    Oldest,
}

/// Articles up to which it is counted how many meet a condition, to begin with the one that fewest do.
const COUNTED: usize = 2_000;

/// How many times as many rows a scan reads in the time that finding one by its id takes.
const ROWS_A_LOOKUP: usize = 16;

/// A condition of a filter.
enum Condition {
    Dates(DateRange),
    /// Rows of labels, of which an article has one.
    Labels(Vec<i64>),
}

/// The days of a filter, as SQLite compares them.
struct DateRange {
    first: String,
    last: String,
    /// The first days of the year and of the month of `first`: dates of less precision that begin there reach into the range.
    begin: [String; 2],
}

impl DateRange {
    /// Articles that pass: dates that begin in the range, and vaguer ones that began before it and reach into it.
    const SQL: &str = "SELECT id FROM articles WHERE first_day BETWEEN ?1 AND ?2
                       UNION ALL
                       SELECT id FROM articles
                       WHERE first_day IN (?3, ?4) AND first_day < ?1 AND first_day <= ?2 AND last_day >= ?1";

    fn of(filter: &Filter) -> Option<Self> {
        if filter.since.is_none() && filter.until.is_none() {
            return None;
        }
        let first = filter.since.map_or(jiff::civil::date(1, 1, 1), |date| date.first_day());
        let last = filter.until.map_or(jiff::civil::Date::MAX, |date| date.last_day());
        let begin = [first.first_of_year(), first.first_of_month()];
        Some(Self { first: first.to_string(), last: last.to_string(), begin: begin.map(|day| day.to_string()) })
    }

    fn params(&self) -> [&str; 4] {
        [&self.first, &self.last, &self.begin[0], &self.begin[1]]
    }
}

impl Store {
    /// The articles that `filter` means.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn articles_matching(&self, filter: &Filter) -> Result<ArticleSet, StoreError> {
        let mut conditions = Vec::new();
        for condition in self.conditions(filter)? {
            conditions.push((self.count(&condition)?, condition));
        }
        conditions.sort_by_key(|(count, _)| *count);
        let mut conditions = conditions.into_iter().map(|(_, condition)| condition);
        let Some(first) = conditions.next() else {
            return self.ids("SELECT id FROM articles", []);
        };
        let mut chosen = self.articles_meeting(&first)?;
        for condition in conditions {
            chosen = if !self.is_few(&chosen)? {
                chosen.intersect(&self.articles_meeting(&condition)?)
            } else {
                let mut kept = Vec::with_capacity(chosen.len());
                for article in chosen.iter() {
                    if self.meets(article, &condition)? {
                        kept.push(article);
                    }
                }
                kept.into_iter().collect()
            };
        }
        Ok(chosen)
    }

    /// The vectors of the passages of these articles, ascending.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn vectors_of(&self, articles: &ArticleSet) -> Result<Vec<VectorId>, StoreError> {
        let mut vectors: Vec<VectorId> = Vec::new();
        if self.is_few(articles)? {
            let mut statement =
                self.sql(self.connection.prepare_cached("SELECT vector FROM passages WHERE article = ?1"))?;
            for article in articles.iter() {
                let rows = self.sql(statement.query_map([article.0], |row| row.get(0)))?;
                for row in rows {
                    vectors.push(VectorId(self.sql(row)?));
                }
            }
        } else {
            let mut statement = self.sql(self.connection.prepare_cached("SELECT article, vector FROM passages"))?;
            let mut rows = self.sql(statement.query([]))?;
            while let Some(row) = self.sql(rows.next())? {
                if articles.contains(ArticleId(self.sql(row.get(0))?)) {
                    vectors.push(VectorId(self.sql(row.get(1))?));
                }
            }
        }
        vectors.sort_unstable();
        vectors.dedup();
        Ok(vectors)
    }

    /// The vectors of articles that `filter` means, ascending.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn vectors_matching(&self, filter: &Filter) -> Result<Vec<VectorId>, StoreError> {
        self.vectors_of(&self.articles_matching(filter)?)
    }

    /// The articles of a set in the order of their dates, `limit` of them after the first `offset`. Of dates with the same
    /// first day the order is that of their last days; equal ones come in the order of articles; articles without a date come
    /// last in both orders.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn by_date(
        &self,
        articles: &ArticleSet,
        order: DateOrder,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<ArticleId>, StoreError> {
        if self.is_few(articles)? {
            let mut dated = Vec::with_capacity(articles.len());
            for article in articles.iter() {
                dated.push((self.days(article)?, article));
            }
            dated.sort_by(|(a, one), (b, other)| {
                let days = if order == DateOrder::Newest { b.cmp(a) } else { a.cmp(b) };
                a.is_none().cmp(&b.is_none()).then(days).then(one.cmp(other))
            });
            return Ok(dated.into_iter().map(|(_, article)| article).skip(offset).take(limit).collect());
        }
        let dated = match order {
            DateOrder::Newest => {
                "SELECT id FROM articles WHERE first_day IS NOT NULL ORDER BY first_day DESC, last_day DESC, id"
            }
            DateOrder::Oldest => "SELECT id FROM articles WHERE first_day IS NOT NULL ORDER BY first_day, last_day, id",
        };
        let (mut skipped, mut page) = (0, Vec::new());
        for sql in [dated, "SELECT id FROM articles WHERE first_day IS NULL ORDER BY id"] {
            let mut statement = self.sql(self.connection.prepare_cached(sql))?;
            let mut rows = self.sql(statement.query([]))?;
            while page.len() < limit
                && let Some(row) = self.sql(rows.next())?
            {
                let article = ArticleId(self.sql(row.get(0))?);
                if articles.contains(article) {
                    if skipped < offset { skipped += 1 } else { page.push(article) }
                }
            }
        }
        Ok(page)
    }

    /// Whether finding each of these by its id is sooner done than reading through all.
    pub(super) fn is_few(&self, articles: &ArticleSet) -> Result<bool, StoreError> {
        let last = self.one("SELECT coalesce(max(id), 0) FROM articles")?;
        Ok(articles.len().saturating_mul(ROWS_A_LOOKUP) < last as usize)
    }

    fn conditions(&self, filter: &Filter) -> Result<Vec<Condition>, StoreError> {
        let mut conditions: Vec<Condition> = DateRange::of(filter).map(Condition::Dates).into_iter().collect();
        for LabelFilter { name, values } in &filter.labels {
            let name = label_name(name);
            let mut labels = Vec::new();
            for value in values {
                labels.extend(self.list(
                    "SELECT id FROM labels WHERE name = ?1 AND value = ?2",
                    [&name, &folded(value)],
                    |row| row.get::<_, i64>(0),
                )?);
            }
            labels.sort_unstable();
            labels.dedup();
            conditions.push(Condition::Labels(labels));
        }
        Ok(conditions)
    }

    /// How many articles meet a condition, as far as they are [`COUNTED`] for a label.
    fn count(&self, condition: &Condition) -> Result<i64, StoreError> {
        let count = |sql: &str, params: &[&dyn rusqlite::ToSql]| {
            let sql = format!("SELECT count(*) FROM ({sql} LIMIT {COUNTED})");
            self.sql(
                self.connection
                    .prepare_cached(&sql)
                    .and_then(|mut statement| statement.query_row(params, |row| row.get::<_, i64>(0))),
            )
        };
        match condition {
            Condition::Dates(range) => {
                count(DateRange::SQL, &range.params().each_ref().map(|day| day as &dyn rusqlite::ToSql))
            }
            Condition::Labels(labels) => labels.iter().map(|label| count(LABELLED, &[label])).sum(),
        }
    }

    fn articles_meeting(&self, condition: &Condition) -> Result<ArticleSet, StoreError> {
        match condition {
            Condition::Dates(range) => self.ids(DateRange::SQL, range.params()),
            Condition::Labels(labels) => match labels.as_slice() {
                [only] => self.ids(LABELLED, [only]),
                several => {
                    let mut articles = Vec::new();
                    for label in several {
                        articles.extend(self.list(LABELLED, [label], |row| row.get(0).map(ArticleId))?);
                    }
                    Ok(articles.into_iter().collect())
                }
            },
        }
    }

    fn meets(&self, article: ArticleId, condition: &Condition) -> Result<bool, StoreError> {
        match condition {
            Condition::Dates(range) => {
                Ok(self.days(article)?.is_some_and(|(first, last)| first <= range.last && last >= range.first))
            }
            Condition::Labels(labels) => {
                let mut statement = self
                    .sql(self.connection.prepare_cached("SELECT 1 FROM labelled WHERE label = ?1 AND article = ?2"))?;
                for label in labels {
                    if self.sql(statement.exists(params![label, article.0]))? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// The first and the last day of an article's date.
    fn days(&self, article: ArticleId) -> Result<Option<(String, String)>, StoreError> {
        let row = self.sql(
            self.connection.prepare_cached("SELECT first_day, last_day FROM articles WHERE id = ?1").and_then(
                |mut statement| {
                    statement
                        .query_row([article.0], |row| Ok(row.get::<_, Option<String>>(0)?.zip(row.get(1)?)))
                        .optional()
                },
            ),
        )?;
        Ok(row.flatten())
    }

    /// The articles whose ids a statement gives.
    fn ids(&self, sql: &str, params: impl rusqlite::Params) -> Result<ArticleSet, StoreError> {
        self.sql(self.connection.prepare_cached(sql).and_then(|mut statement| {
            statement.query_map(params, |row| row.get(0).map(ArticleId))?.collect::<rusqlite::Result<_>>()
        }))
    }
}

/// The articles that have the label ?1.
const LABELLED: &str = "SELECT article FROM labelled WHERE label = ?1";
