//! Changes: put articles, remove articles, sweep what nothing refers to any more.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::labels::Labeller;
use super::{Field, Store, StoreError, span_columns, to_bytes, wrap};
use crate::types::{Article, ArticleId, CharSpan, Sequence, VectorId};

/// The hash of a text's analysis form: texts that read the same have the same key, and share one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextKey(pub [u8; 16]);

impl TextKey {
    /// The key of a text that already is in its analysis form.
    pub fn of(analysis_form: &str) -> Self {
        Self(first_half(blake3::hash(analysis_form.as_bytes())))
    }
}

fn first_half(hash: blake3::Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    half
}

/// A passage about to be stored.
#[derive(Clone, Debug)]
pub struct NewPassage {
    /// The part of the article that it is of.
    pub field: Field,
    /// Its characters in that part.
    pub span: CharSpan,
    /// Its tokens, as the model counts them.
    pub tokens: usize,
    /// The key of its vector.
    pub key: TextKey,
}

/// An article about to be stored, cut into passages.
#[derive(Clone, Debug)]
pub struct NewArticle {
    /// What the source gave, with what was found out since.
    pub article: Article,
    /// The hash of what the source gave.
    pub content: ContentHash,
    /// The key of the body.
    pub text_key: TextKey,
    /// The passages, in reading order.
    pub passages: Vec<NewPassage>,
    /// Parts of the body that are page furniture and are in no passage.
    pub boilerplate: Vec<CharSpan>,
}

/// The hash of all that a source gives of an article: it changes when anything does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash(pub [u8; 16]);

impl ContentHash {
    /// The hash of an article as it was read, before anything is found out about it.
    pub fn of(article: &Article) -> Self {
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: Option<&str>| {
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            hasher.update(&length.to_le_bytes()).update(text.unwrap_or_default().as_bytes());
        };
        part(article.title.as_deref());
        part(article.date.map(|date| date.to_string()).as_deref());
        part(article.url.as_deref());
        part(article.source.as_deref());
        part(article.language.as_deref());
        part(Some(&article.text));
        part(serde_json::to_string(&article.metadata).ok().as_deref());
        Self(first_half(hasher.finalize()))
    }
}

/// Kinds of rows in the change log.
pub(super) mod change {
    pub(in super::super) const ARTICLE_PUT: i64 = 1;
    pub(in super::super) const ARTICLE_REMOVED: i64 = 2;
    pub(in super::super) const VECTOR_ADDED: i64 = 3;
    pub(in super::super) const VECTOR_REMOVED: i64 = 4;
}

impl Store {
    /// Stores articles, replacing those with the same key, in one transaction: after it, all of them are safe, or after
    /// an error none is changed. `vectors` holds the vectors of the passages whose keys the store does not have yet.
    ///
    /// # Errors
    /// When a passage has no vector, neither here nor in the store; when a vector has the wrong width; when SQLite fails.
    pub fn put(
        &mut self,
        articles: &[NewArticle],
        vectors: &HashMap<TextKey, Vec<f32>>,
    ) -> Result<Sequence, StoreError> {
        let dims = self.model().dims;
        if let Some(vector) = vectors.values().find(|vector| vector.len() != dims) {
            return Err(self.damaged(format!("a vector of {} components instead of {dims}", vector.len())));
        }
        let path = self.path.clone();
        let sql = |error| wrap(&path, error);
        let transaction = self.writable().transaction().map_err(sql)?;
        let mut labeller = Labeller::new(&transaction);
        for new in articles {
            put_article(&transaction, new, vectors, &mut labeller).map_err(|error| match error {
                rusqlite::Error::QueryReturnedNoRows => StoreError::Damaged {
                    path: path.clone(),
                    what: format!("a passage of \"{}\" has no vector", new.article.key),
                },
                error => sql(error),
            })?;
        }
        let sequence = last_sequence(&transaction).map_err(sql)?;
        transaction.commit().map_err(sql)?;
        Ok(sequence)
    }

    /// Removes articles by id, in one transaction. Ids that are not there are passed over; returns how many were.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn remove(&mut self, articles: &[ArticleId]) -> Result<usize, StoreError> {
        let path = self.path.clone();
        let mut removed = 0;
        let mut run = || -> rusqlite::Result<()> {
            let transaction = self.writable().transaction()?;
            for article in articles {
                if transaction.execute("DELETE FROM articles WHERE id = ?1", [article.0])? > 0 {
                    log(&transaction, change::ARTICLE_REMOVED, article.0)?;
                    removed += 1;
                }
            }
            transaction.commit()
        };
        run().map_err(|error| wrap(&path, error))?;
        Ok(removed)
    }

    /// Deletes the vectors that no passage uses any more, and the labels that no article has; returns how many vectors.
    ///
    /// It is not done while articles are being put, so that a text which moves between articles keeps its vector.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn sweep(&mut self) -> Result<usize, StoreError> {
        let (mut swept, mut after) = (0, Some(VectorId(0)));
        while let Some(from) = after {
            let (count, next) = self.sweep_after(from, usize::MAX)?;
            (swept, after) = (swept + count, next);
        }
        Ok(swept)
    }

    /// Does a part of [`Self::sweep`], in one transaction: looks at the next `count` vectors, and at the labels where there are no
    /// more. Returns how many vectors were deleted, and after which to go on.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn sweep_after(&mut self, after: VectorId, count: usize) -> Result<(usize, Option<VectorId>), StoreError> {
        let path = self.path.clone();
        let mut run = || -> rusqlite::Result<(usize, Option<VectorId>)> {
            const ORPHANS: &str =
                "id > ?1 AND id <= ?2 AND NOT EXISTS (SELECT 1 FROM passages WHERE passages.vector = vectors.id)";
            let transaction = self.writable().transaction()?;
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let last: Option<i64> = transaction.query_row(
                "SELECT max(id) FROM (SELECT id FROM vectors WHERE id > ?1 ORDER BY id LIMIT ?2)",
                [after.0, count],
                |row| row.get(0),
            )?;
            let mut swept = 0;
            match last {
                Some(last) => {
                    transaction.execute(
                        &format!("INSERT INTO changes (kind, subject) SELECT ?3, id FROM vectors WHERE {ORPHANS}"),
                        [after.0, last, change::VECTOR_REMOVED],
                    )?;
                    swept = transaction.execute(&format!("DELETE FROM vectors WHERE {ORPHANS}"), [after.0, last])?;
                }
                None => {
                    transaction.execute(
                        "DELETE FROM labels WHERE NOT EXISTS (SELECT 1 FROM labelled WHERE labelled.label = labels.id)",
                        [],
                    )?;
                }
            }
            transaction.commit()?;
            Ok((swept, last.map(VectorId)))
        };
        run().map_err(|error| wrap(&path, error))
    }

    fn writable(&mut self) -> &mut rusqlite::Connection {
        assert!(self.lock.is_some(), "a store that was opened for reading is not written to");
        &mut self.connection
    }
}

/// Stores one article; `QueryReturnedNoRows` says that a vector is missing.
fn put_article(
    transaction: &Transaction<'_>,
    new: &NewArticle,
    vectors: &HashMap<TextKey, Vec<f32>>,
    labeller: &mut Labeller<'_>,
) -> rusqlite::Result<()> {
    let article = &new.article;
    let metadata = serde_json::Value::Object(article.metadata.clone()).to_string();
    let old: Option<i64> = transaction
        .prepare_cached("SELECT id FROM articles WHERE key = ?1")?
        .query_row([&article.key], |row| row.get(0))
        .optional()?;
    if let Some(old) = old {
        // The id stays, so that what users noted of an article still leads to it.
        transaction.prepare_cached("DELETE FROM passages WHERE article = ?1")?.execute([old])?;
        transaction.prepare_cached("DELETE FROM boilerplate WHERE article = ?1")?.execute([old])?;
        transaction.prepare_cached("DELETE FROM labelled WHERE article = ?1")?.execute([old])?;
    }
    let id: i64 = transaction
        .prepare_cached(
            "INSERT INTO articles (id, key, content, text_key, title, date, first_day, last_day, url, source, language,
                                   text, metadata)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (key) DO UPDATE SET
                 content = excluded.content, text_key = excluded.text_key, title = excluded.title,
                 date = excluded.date, first_day = excluded.first_day, last_day = excluded.last_day,
                 url = excluded.url, source = excluded.source, language = excluded.language, text = excluded.text,
                 metadata = excluded.metadata
             RETURNING id",
        )?
        .query_row(
            params![
                old,
                article.key,
                new.content.0,
                new.text_key.0,
                article.title,
                article.date.map(|date| date.to_string()),
                article.date.map(|date| date.first_day().to_string()),
                article.date.map(|date| date.last_day().to_string()),
                article.url,
                article.source,
                article.language,
                article.text,
                metadata,
            ],
            |row| row.get(0),
        )?;
    labeller.label(id, article)?;
    for span in &new.boilerplate {
        let (start, stop) = span_columns(*span);
        transaction
            .prepare_cached("INSERT INTO boilerplate (article, start, stop) VALUES (?1, ?2, ?3)")?
            .execute([id, start, stop])?;
    }
    for passage in &new.passages {
        let vector = vector_id(transaction, passage.key, vectors)?;
        let (start, stop) = span_columns(passage.span);
        transaction
            .prepare_cached(
                "INSERT INTO passages (article, field, start, stop, tokens, vector) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute([id, passage.field as i64, start, stop, passage.tokens as i64, vector])?;
    }
    log(transaction, change::ARTICLE_PUT, id)
}

/// The row of a text's vector, made if need be.
fn vector_id(
    transaction: &Transaction<'_>,
    key: TextKey,
    vectors: &HashMap<TextKey, Vec<f32>>,
) -> rusqlite::Result<i64> {
    let found = transaction
        .prepare_cached("SELECT id FROM vectors WHERE text_key = ?1")?
        .query_row([key.0], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    let vector = vectors.get(&key).ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    transaction
        .prepare_cached("INSERT INTO vectors (text_key, embedding) VALUES (?1, ?2)")?
        .execute(params![key.0, to_bytes(vector)])?;
    let id = transaction.last_insert_rowid();
    log(transaction, change::VECTOR_ADDED, id)?;
    Ok(id)
}

fn log(transaction: &Transaction<'_>, kind: i64, subject: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO changes (kind, subject) VALUES (?1, ?2)")?
        .execute([kind, subject])
        .map(|_| ())
}

fn last_sequence(transaction: &Transaction<'_>) -> rusqlite::Result<Sequence> {
    transaction.query_row("SELECT coalesce(max(sequence), 0) FROM changes", [], |row| row.get(0)).map(Sequence)
}
