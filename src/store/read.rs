//! Questions to a store.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, params};

use super::write::{ContentHash, TextKey, change};
use super::{Field, Store, StoreError, from_bytes};
use crate::types::{ArticleId, ArticleSet, CharSpan, PartialDate, PassageId, Sequence, VectorId};

/// An article without its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Its row.
    pub id: ArticleId,
    /// The source's name for it.
    pub key: String,
    /// Headline.
    pub title: Option<String>,
    /// Date of publication.
    pub date: Option<PartialDate>,
    /// Address.
    pub url: Option<String>,
    /// Publisher, site or file.
    pub source: Option<String>,
    /// ISO 639-1.
    pub language: Option<String>,
}

/// What an article is told from its copies by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Its row.
    pub article: ArticleId,
    /// The source's name for it.
    pub key: String,
    /// Equal for articles whose bodies read the same.
    pub text: TextKey,
    /// Date of publication.
    pub date: Option<PartialDate>,
}

/// The words of an article, and what is needed to read them.
#[derive(Clone, Debug, PartialEq)]
pub struct Wording {
    /// Headline.
    pub title: Option<String>,
    /// The body, as published.
    pub text: String,
    /// ISO 639-1.
    pub language: Option<String>,
    /// The parts of the body that are page furniture, in order.
    pub boilerplate: Vec<CharSpan>,
}

/// A passage of a known article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredPassage {
    /// Its row.
    pub id: PassageId,
    /// The part of the article that it is of.
    pub field: Field,
    /// Its characters in that part.
    pub span: CharSpan,
    /// Its tokens, as the model counts them.
    pub tokens: usize,
    /// Its vector.
    pub vector: VectorId,
}

/// A passage found by its vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The article that it is of.
    pub article: ArticleId,
    /// The passage.
    pub passage: StoredPassage,
}

/// What a store has under the key of an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// No article.
    Nothing,
    /// An article that differs in something.
    Other,
    /// The same article.
    Same,
}

/// What a store holds, in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Articles.
    pub articles: u64,
    /// Passages of articles.
    pub passages: u64,
    /// Different texts among the passages: each has one vector.
    pub vectors: u64,
    /// Tokens of all passages.
    pub tokens: u64,
    /// Characters of all bodies.
    pub characters: u64,
    /// Characters that are marked as page furniture.
    pub boilerplate_characters: u64,
    /// Articles without a date.
    pub undated: u64,
    /// The earliest day of any article.
    pub first_day: Option<String>,
    /// The latest day of any article.
    pub last_day: Option<String>,
    /// Articles by language, most frequent first.
    pub languages: Vec<(String, u64)>,
    /// Articles whose body reads the same as an earlier one's.
    pub identical: u64,
    /// Bytes of the database and its log.
    pub bytes: u64,
    /// The last change.
    pub sequence: i64,
}

impl Store {
    /// The last change.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn sequence(&self) -> Result<Sequence, StoreError> {
        self.one("SELECT coalesce(max(sequence), 0) FROM changes").map(Sequence)
    }

    /// The article that was stored last, or would have been: no later one has a smaller row.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn newest(&self) -> Result<ArticleId, StoreError> {
        self.one("SELECT coalesce(max(id), 0) FROM articles").map(ArticleId)
    }

    /// How many articles there are.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn articles(&self) -> Result<u64, StoreError> {
        self.one("SELECT count(*) FROM articles").map(|n| n as u64)
    }

    /// What the store holds.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        let count = |sql| self.one(sql).map(|n| n as u64);
        let day = |sql: &str| self.sql(self.connection.query_row(sql, [], |row| row.get::<_, Option<String>>(0)));
        let files = [self.path.clone(), self.path.with_extension("db-wal")];
        Ok(Stats {
            articles: self.articles()?,
            passages: count("SELECT count(*) FROM passages")?,
            vectors: count("SELECT count(*) FROM vectors")?,
            tokens: count("SELECT coalesce(sum(tokens), 0) FROM passages")?,
            characters: count("SELECT coalesce(sum(length(text)), 0) FROM articles")?,
            boilerplate_characters: count("SELECT coalesce(sum(stop - start), 0) FROM boilerplate")?,
            undated: count("SELECT count(*) FROM articles WHERE date IS NULL")?,
            first_day: day("SELECT min(first_day) FROM articles")?,
            last_day: day("SELECT max(last_day) FROM articles")?,
            languages: self.list(
                "SELECT coalesce(language, '?'), count(*) FROM articles GROUP BY 1 ORDER BY 2 DESC, 1",
                [],
                |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)),
            )?,
            identical: count("SELECT count(*) - count(DISTINCT text_key) FROM articles")?,
            bytes: files.iter().filter_map(|file| fs_err::metadata(file).ok()).map(|data| data.len()).sum(),
            sequence: self.sequence()?.0,
        })
    }

    /// What the store has under the key of an article, whose content has this hash.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn holds(&self, key: &str, content: ContentHash) -> Result<Held, StoreError> {
        let stored: Option<Vec<u8>> = self.sql(
            self.connection
                .prepare_cached("SELECT content FROM articles WHERE key = ?1")
                .and_then(|mut statement| statement.query_row([key], |row| row.get(0)).optional()),
        )?;
        Ok(match stored {
            None => Held::Nothing,
            Some(stored) if stored == content.0 => Held::Same,
            Some(_) => Held::Other,
        })
    }

    /// Whether a text has a vector.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn has_vector(&self, key: TextKey) -> Result<bool, StoreError> {
        self.sql(
            self.connection
                .prepare_cached("SELECT 1 FROM vectors WHERE text_key = ?1")
                .and_then(|mut statement| statement.exists([key.0])),
        )
    }

    /// Calls `visit` with each vector whose row is after `after`, in the order of rows.
    ///
    /// # Errors
    /// When SQLite fails, or a vector has the wrong width.
    pub fn vectors_after(&self, after: VectorId, mut visit: impl FnMut(VectorId, &[f32])) -> Result<(), StoreError> {
        let mut statement =
            self.sql(self.connection.prepare_cached("SELECT id, embedding FROM vectors WHERE id > ?1 ORDER BY id"))?;
        let mut rows = self.sql(statement.query([after.0]))?;
        let mut vector = Vec::with_capacity(self.model().dims);
        while let Some(row) = self.sql(rows.next())? {
            let id = VectorId(self.sql(row.get(0))?);
            let bytes = self.sql(row.get_ref(1).map(|value| value.as_bytes().unwrap_or_default()))?;
            vector.clear();
            vector.extend(from_bytes(bytes));
            if vector.len() != self.model().dims || bytes.len() % 4 != 0 {
                return Err(self.damaged(format!("vector {id} has {} bytes", bytes.len())));
            }
            visit(id, &vector);
        }
        Ok(())
    }

    /// The vectors that were removed after a change.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn vectors_removed_after(&self, after: Sequence) -> Result<Vec<VectorId>, StoreError> {
        self.list(
            "SELECT subject FROM changes WHERE sequence > ?1 AND kind = ?2",
            [after.0, change::VECTOR_REMOVED],
            |row| row.get(0).map(VectorId),
        )
    }

    /// The vector of a row, `None` where there is no such row.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn vector(&self, id: VectorId) -> Result<Option<Vec<f32>>, StoreError> {
        let bytes: Option<Vec<u8>> = self.sql(
            self.connection
                .query_row("SELECT embedding FROM vectors WHERE id = ?1", [id.0], |row| row.get(0))
                .optional(),
        )?;
        Ok(bytes.map(|bytes| from_bytes(&bytes).collect()))
    }

    /// The vectors of the given rows, in that order.
    ///
    /// # Errors
    /// When SQLite fails, or a row is missing or has the wrong width.
    pub fn vectors(&self, ids: &[VectorId]) -> Result<Vec<Vec<f32>>, StoreError> {
        let mut statement = self.sql(self.connection.prepare_cached("SELECT embedding FROM vectors WHERE id = ?1"))?;
        ids.iter()
            .map(|id| {
                let bytes: Vec<u8> = self.sql(statement.query_row([id.0], |row| row.get(0)))?;
                if bytes.len() != 4 * self.model().dims {
                    return Err(self.damaged(format!("vector {id} has {} bytes", bytes.len())));
                }
                Ok(from_bytes(&bytes).collect())
            })
            .collect()
    }

    /// The passages that have one of the given vectors, in the articles that are allowed, or in all: the vectors in the order
    /// given, the passages of each in the order of rows.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn passages_with(
        &self,
        vectors: &[VectorId],
        allowed: Option<&ArticleSet>,
    ) -> Result<Vec<Located>, StoreError> {
        let mut statement = self.sql(self.connection.prepare_cached(
            "SELECT id, field, start, stop, vector, tokens, article FROM passages WHERE vector = ?1 ORDER BY id",
        ))?;
        let mut found = Vec::new();
        for vector in vectors {
            let rows = self.sql(statement.query_map([vector.0], |row| {
                Ok(Located { passage: stored_passage(row)?, article: ArticleId(row.get(6)?) })
            }))?;
            for row in rows {
                let located = self.sql(row)?;
                if allowed.is_none_or(|allowed| allowed.contains(located.article)) {
                    found.push(located);
                }
            }
        }
        Ok(found)
    }

    /// The passages of an article, in reading order.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn passages_of(&self, article: ArticleId) -> Result<Vec<StoredPassage>, StoreError> {
        self.list(
            "SELECT id, field, start, stop, vector, tokens FROM passages WHERE article = ?1 ORDER BY id",
            [article.0],
            stored_passage,
        )
    }

    /// The marked page furniture of an article's body.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn boilerplate_of(&self, article: ArticleId) -> Result<Vec<CharSpan>, StoreError> {
        self.list("SELECT start, stop FROM boilerplate WHERE article = ?1 ORDER BY start", [article.0], |row| {
            char_span(row, 0)
        })
    }

    /// The row of the article with this key.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn find(&self, key: &str) -> Result<Option<ArticleId>, StoreError> {
        let find = self.connection.query_row("SELECT id FROM articles WHERE key = ?1", [key], |row| row.get(0));
        self.sql(find.map(ArticleId).optional())
    }

    /// Articles whose key or address contains `part`, at most `limit`: to help a user who misspelt one.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn keys_like(&self, part: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        self.list(
            "SELECT key FROM articles WHERE instr(key, ?1) > 0 OR instr(url, ?1) > 0 ORDER BY key LIMIT ?2",
            params![part, limit as i64],
            |row| row.get(0),
        )
    }

    /// An article without its body.
    ///
    /// # Errors
    /// When it is not there, or SQLite fails.
    pub fn header(&self, article: ArticleId) -> Result<Header, StoreError> {
        self.sql(
            self.connection
                .prepare_cached("SELECT id, key, title, date, url, source, language FROM articles WHERE id = ?1")
                .and_then(|mut statement| {
                    statement.query_row([article.0], |row| {
                        Ok(Header {
                            id: ArticleId(row.get(0)?),
                            key: row.get(1)?,
                            title: row.get(2)?,
                            date: row.get::<_, Option<String>>(3)?.and_then(|date| date.parse().ok()),
                            url: row.get(4)?,
                            source: row.get(5)?,
                            language: row.get(6)?,
                        })
                    })
                }),
        )
    }

    /// Whether an article is there.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn holds_article(&self, article: ArticleId) -> Result<bool, StoreError> {
        self.sql(
            self.connection
                .prepare_cached("SELECT 1 FROM articles WHERE id = ?1")
                .and_then(|mut statement| statement.exists([article.0])),
        )
    }

    /// The body of an article, as published.
    ///
    /// # Errors
    /// When it is not there, or SQLite fails.
    pub fn text(&self, article: ArticleId) -> Result<String, StoreError> {
        self.sql(
            self.connection
                .prepare_cached("SELECT text FROM articles WHERE id = ?1")
                .and_then(|mut statement| statement.query_row([article.0], |row| row.get(0))),
        )
    }

    /// The fields of an article that are none of ours, as its source gave them.
    ///
    /// # Errors
    /// When the article is not there, or SQLite fails.
    pub fn metadata(&self, article: ArticleId) -> Result<serde_json::Map<String, serde_json::Value>, StoreError> {
        let json: String = self.sql(
            self.connection
                .prepare_cached("SELECT metadata FROM articles WHERE id = ?1")
                .and_then(|mut statement| statement.query_row([article.0], |row| row.get(0))),
        )?;
        // What is damaged there is nothing that a reader could mend: `voisin verify` looks at the whole file.
        Ok(serde_json::from_str(&json).unwrap_or_default())
    }

    /// The articles that were put, put again or removed after a change, ascending: after change 0, all that ever were.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn articles_changed_after(&self, after: Sequence) -> Result<Vec<ArticleId>, StoreError> {
        self.list(
            "SELECT DISTINCT subject FROM changes WHERE sequence > ?1 AND kind IN (?2, ?3) ORDER BY subject",
            [after.0, change::ARTICLE_PUT, change::ARTICLE_REMOVED],
            |row| row.get(0).map(ArticleId),
        )
    }

    /// What words there are in an article, `None` where it is not there (any more).
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn wording(&self, article: ArticleId) -> Result<Option<Wording>, StoreError> {
        let found = self.sql(
            self.connection.prepare_cached("SELECT title, text, language FROM articles WHERE id = ?1").and_then(
                |mut statement| {
                    let wording = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                    statement.query_row([article.0], wording).optional()
                },
            ),
        )?;
        let Some((title, text, language)) = found else { return Ok(None) };
        Ok(Some(Wording { title, text, language, boilerplate: self.boilerplate_of(article)? }))
    }

    /// The text of a field of an article.
    ///
    /// # Errors
    /// When it is not there, or SQLite fails.
    pub fn field_text(&self, article: ArticleId, field: Field) -> Result<String, StoreError> {
        match field {
            Field::Title => Ok(self.header(article)?.title.unwrap_or_default()),
            Field::Body => self.text(article),
        }
    }

    /// What every article is told from its copies by, in the order of rows.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn bodies(&self) -> Result<Vec<Body>, StoreError> {
        self.list("SELECT id, key, text_key, date FROM articles ORDER BY id", [], body)
    }

    /// The same of one article, `None` where it is not there (any more).
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn body(&self, article: ArticleId) -> Result<Option<Body>, StoreError> {
        self.sql(
            self.connection
                .prepare_cached("SELECT id, key, text_key, date FROM articles WHERE id = ?1")
                .and_then(|mut statement| statement.query_row([article.0], body).optional()),
        )
    }

    /// The vectors of every article's body, in the order of rows and of reading.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn body_vectors(&self) -> Result<HashMap<ArticleId, Vec<VectorId>>, StoreError> {
        let mut found: HashMap<ArticleId, Vec<VectorId>> = HashMap::new();
        let rows = self.list(
            "SELECT article, vector FROM passages WHERE field = ?1 ORDER BY id",
            [Field::Body as i64],
            |row| Ok((ArticleId(row.get(0)?), VectorId(row.get(1)?))),
        )?;
        for (article, vector) in rows {
            found.entry(article).or_default().push(vector);
        }
        Ok(found)
    }

    /// The articles that have no passage, so that no search by meaning finds them.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn articles_without_passages(&self) -> Result<Vec<ArticleId>, StoreError> {
        self.list(
            "SELECT id FROM articles WHERE NOT EXISTS (SELECT 1 FROM passages WHERE passages.article = articles.id)
             ORDER BY id",
            [],
            |row| row.get(0).map(ArticleId),
        )
    }

    /// What SQLite itself finds wrong with the file: its check of pages and indexes, and broken references.
    ///
    /// # Errors
    /// When SQLite cannot even look.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut wrong: Vec<String> = self.list("PRAGMA integrity_check", [], |row| row.get(0))?;
        wrong.retain(|line| line != "ok");
        wrong.extend(self.list("PRAGMA foreign_key_check", [], |row| {
            Ok(format!(
                "row {} of {} refers to a row that is not there",
                row.get::<_, i64>(1)?,
                row.get::<_, String>(0)?
            ))
        })?);
        Ok(wrong)
    }

    pub(super) fn one(&self, sql: &str) -> Result<i64, StoreError> {
        self.sql(self.connection.query_row(sql, [], |row| row.get(0)))
    }

    pub(super) fn list<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.sql(
            self.connection
                .prepare_cached(sql)
                .and_then(|mut statement| statement.query_map(params, read)?.collect::<rusqlite::Result<_>>()),
        )
    }
}

/// id, key, text_key, date
fn body(row: &Row<'_>) -> rusqlite::Result<Body> {
    Ok(Body {
        article: ArticleId(row.get(0)?),
        key: row.get(1)?,
        text: TextKey(row.get(2)?),
        date: row.get::<_, Option<String>>(3)?.and_then(|date| date.parse().ok()),
    })
}

/// id, field, start, stop, vector, tokens
fn stored_passage(row: &Row<'_>) -> rusqlite::Result<StoredPassage> {
    Ok(StoredPassage {
        id: PassageId(row.get(0)?),
        field: if row.get::<_, i64>(1)? == Field::Title as i64 { Field::Title } else { Field::Body },
        span: char_span(row, 2)?,
        vector: VectorId(row.get(4)?),
        tokens: row.get::<_, i64>(5)?.max(0) as usize,
    })
}

fn char_span(row: &Row<'_>, first: usize) -> rusqlite::Result<CharSpan> {
    let position = |column| row.get::<_, i64>(column).map(|position| position.max(0) as usize);
    let start = position(first)?;
    Ok(CharSpan { start, end: position(first + 1)?.max(start) })
}
