//! The register: what is known of the copies in a store, in a file of its own beside the other views.
//!
//! One row stands for each different text (articles that read the same have one), with its fingerprints, its pairs with other
//! texts, verified, and the text that represents it. It names the last change of the store that it holds, is caught up
//! text by text ([`catch_up`](super::catch_up)), and is made again where it is missing, damaged, or of another store or
//! format. Nothing in it is the truth: it can be deleted at any time.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use super::evidence::Evidence;
use super::fingerprint::BITS;
use crate::index::IndexError;
use crate::search::versions::{Groups, GroupsLost};
use crate::store::{Store, StoreError, TextKey};
use crate::text::shingles::Overlap;
use crate::types::{ArticleId, Score, Sequence};

/// Of the tables, of the fingerprints, and of how texts are compared: with another, the register is made again.
const FORMAT: u32 = 2;

/// How long another process that commits is waited for, by one that writes and by one that reads.
const PATIENCE: Duration = Duration::from_secs(60);
const READER_PATIENCE: Duration = Duration::from_secs(2);

const TABLES: &str = "
    CREATE TABLE meta (format INTEGER NOT NULL, store BLOB NOT NULL, sequence INTEGER NOT NULL) STRICT;

    CREATE TABLE texts (
        id             INTEGER PRIMARY KEY AUTOINCREMENT,
        text_key       BLOB NOT NULL UNIQUE,
        article        INTEGER NOT NULL,   -- the earliest that has it
        first_day      INTEGER,            -- of that article, in days since 1970; none without a date
        last_day       INTEGER,
        minute         INTEGER,            -- of the day, of UTC where that is known; none without a time
        fingerprints   INTEGER NOT NULL,   -- how many
        representative INTEGER NOT NULL    -- of its group: the text itself where it is alone
    ) STRICT;
    CREATE INDEX texts_days ON texts (first_day, last_day);
    CREATE INDEX texts_groups ON texts (representative);

    CREATE TABLE articles (article INTEGER PRIMARY KEY, text INTEGER NOT NULL) STRICT;
    CREATE INDEX articles_text ON articles (text);

    CREATE TABLE fingerprints (
        fingerprint    INTEGER NOT NULL,
        text           INTEGER NOT NULL,   -- perhaps of one that is gone: ids are not used again
        PRIMARY KEY (fingerprint, text)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE pairs (
        a              INTEGER NOT NULL,   -- a < b
        b              INTEGER NOT NULL,
        jaccard        REAL NOT NULL,
        a_in_b         REAL NOT NULL,
        b_in_a         REAL NOT NULL,
        share_a        REAL NOT NULL,
        share_b        REAL NOT NULL,
        words          INTEGER NOT NULL,
        figures        INTEGER NOT NULL,
        same_start     INTEGER NOT NULL,
        telling        REAL NOT NULL,
        closeness      REAL NOT NULL,
        facts          REAL NOT NULL,
        PRIMARY KEY (a, b)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX pairs_b ON pairs (b);
";

/// Number of a text in the register.
pub(super) type TextId = u32;

/// A text as the register knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub id: TextId,
    pub key: TextKey,
    /// The earliest article that has it.
    pub article: ArticleId,
    /// The first and the last day that its date may mean, in days since 1970.
    pub days: Option<(i32, i32)>,
    /// The minute of the day, of UTC where that is known.
    pub minute: Option<i32>,
}

impl Text {
    /// What texts are ordered by: the earliest first. What is known less precisely comes later: a month at its end, last of a
    /// day those without a time, and last of all those without a date.
    pub fn order(&self) -> (i32, i32, i32, [u8; 16]) {
        let (first, last) = self.days.unwrap_or((i32::MAX, i32::MAX));
        (last, first, self.minute.unwrap_or(i32::MAX), self.key.0)
    }

    /// Days between this and another, as few as they may be; none where one has no date.
    pub fn apart(&self, other: &Self) -> Option<i64> {
        let (a, b) = (self.days?, other.days?);
        Some(i64::from((b.0 - a.1).max(a.0 - b.1).max(0)))
    }
}

/// Two texts that have something in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Kin {
    pub a: TextId,
    pub b: TextId,
    /// Seen from the text of the lower number.
    pub evidence: Evidence,
}

impl Kin {
    /// The one of the two that is not `id`.
    pub fn other(&self, id: TextId) -> TextId {
        if self.a == id { self.b } else { self.a }
    }

    /// Whether they were found as one story, rather than by words in common.
    pub fn is_story(&self) -> bool {
        self.evidence.closeness > 0.0
    }

    /// The evidence as seen from one of the two.
    pub fn evidence_from(&self, id: TextId) -> Evidence {
        if self.a == id { self.evidence } else { self.evidence.turned() }
    }

    /// How much one is a version of the other, if it is: the lesser of the shares in common.
    pub fn version(&self, a: &Text, b: &Text) -> Option<f32> {
        let evidence = self.evidence_from(std::cmp::min_by_key(a, b, |text| text.order()).id);
        let (relation, _) = evidence.relation(a.apart(b))?;
        let less = evidence.share_a.min(evidence.share_b);
        evidence.is_version(relation).then_some(less)
    }
}

/// The register of a store.
pub struct Register {
    connection: Connection,
}

/// What a register knows, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Articles that it knows.
    pub articles: u64,
    /// Groups of two articles or more.
    pub groups: u64,
    /// Articles in groups beyond the first of each.
    pub copies: u64,
    /// Pairs of texts that have something in common.
    pub pairs: u64,
}

/// Why a register cannot be had or asked. A damaged one is no error: it is made again.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// SQLite's own errors: the disk is full, or another process writes for too long.
    #[error(
        "the register of copies: {0}: delete the file copies.sqlite in the folder views of the store if it comes again"
    )]
    Sqlite(#[from] rusqlite::Error),
    /// The index of the vectors.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Its file cannot be made.
    #[error("the register of copies: {0}")]
    Io(#[from] std::io::Error),
}

impl RegisterError {
    /// Whether the file of the register is damaged, so that it has to be made again.
    pub(super) fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        matches!(self, Self::Sqlite(error) if matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)))
    }
}

/// What a register knows as it lies, and how much it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it knows.
    pub counts: Counts,
    /// Articles that were changed in the store since.
    pub behind: usize,
}

/// What the register of a store knows as it lies; nothing, where there is none.
///
/// # Errors
/// When SQLite or the store fails.
pub fn counts(store: &Store) -> Result<Option<Known>, RegisterError> {
    let Some(register) = Register::as_it_lies(store) else { return Ok(None) };
    Ok(Some(Known { counts: register.counts()?, behind: behind(&register, store)? }))
}

/// How many articles were changed since the register of a store was brought up to date; nothing, where there is none.
///
/// # Errors
/// When SQLite or the store fails.
pub fn lag(store: &Store) -> Result<Option<usize>, RegisterError> {
    Register::as_it_lies(store).map(|register| behind(&register, store)).transpose()
}

fn behind(register: &Register, store: &Store) -> Result<usize, RegisterError> {
    Ok(store.articles_changed_after(register.sequence()?)?.len())
}

/// Where the register of a store lies.
pub(super) fn path(store: &Store) -> PathBuf {
    store.views().join("copies.sqlite")
}

impl Groups for Register {
    fn group(&self, article: ArticleId) -> Result<Option<i64>, GroupsLost> {
        Ok(self.representative(article).map_err(|_| GroupsLost)?.map(i64::from))
    }
}

/// What can be said of the register that lies on disk.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Changes of the store that it does not hold yet.
    pub behind: usize,
    /// What is wrong with its file, a line each.
    pub problems: Vec<String>,
}

/// Looks over the register as it lies on disk.
///
/// # Errors
/// When the store fails.
pub fn health(store: &Store) -> Result<Health, RegisterError> {
    let path = path(store);
    let problem = |what: &dyn std::fmt::Display| vec![format!("{}: {what}", path.display())];
    let all = store.bodies()?.len();
    if !path.exists() {
        return Ok(Health { behind: all, problems: Vec::new() });
    }
    let Some(register) = Register::as_it_lies(store) else {
        let problems = problem(&"damaged, or of another store or version");
        return Ok(Health { behind: all, problems });
    };
    let check: Result<String, _> = register.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    let problems = match check {
        Ok(ok) if ok == "ok" => Vec::new(),
        Ok(wrong) => problem(&wrong),
        Err(error) => problem(&error),
    };
    Ok(Health { behind: store.articles_changed_after(register.sequence()?)?.len(), problems })
}

impl Register {
    /// The register as it lies beside the store, behind or not; none where there is none of this store and format.
    pub fn as_it_lies(store: &Store) -> Option<Self> {
        Self::open(store, OpenFlags::SQLITE_OPEN_READ_ONLY, READER_PATIENCE)
    }

    /// The same, to be caught up.
    pub(super) fn to_write(store: &Store) -> Option<Self> {
        let register = Self::open(store, OpenFlags::SQLITE_OPEN_READ_WRITE, PATIENCE)?;
        // Readers are only in the way of a commit, not of the work before it.
        register.connection.pragma_update(None, "cache_spill", false).ok()?;
        Some(register)
    }

    fn open(store: &Store, how: OpenFlags, patience: Duration) -> Option<Self> {
        let connection = Connection::open_with_flags(path(store), how | OpenFlags::SQLITE_OPEN_NO_MUTEX).ok()?;
        connection.busy_timeout(patience).ok()?;
        connection.pragma_update(None, "synchronous", "normal").ok()?;
        let register = Self { connection };
        let (format, mark, sequence): (u32, Vec<u8>, i64) = register
            .connection
            .query_row("SELECT format, store, sequence FROM meta", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .ok()?;
        let size = |name| register.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).ok();
        // A file that was cut short may well begin as it should.
        let whole = fs_err::metadata(path(store)).ok()?.len() as i64 >= size("page_count")? * size("page_size")?;
        let known = store.sequence().ok()?.0;
        (whole && format == FORMAT && mark == store.mark() && sequence <= known).then_some(register)
    }

    /// An empty one, to be filled in one go: in the file, or in memory without one.
    pub(super) fn create(file: Option<&Path>) -> Result<Self, RegisterError> {
        let connection = match file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        // It is not in its place before it is whole, so nothing has to be kept of a half.
        connection.pragma_update(None, "journal_mode", "off")?;
        connection.pragma_update(None, "synchronous", "off")?;
        connection.execute_batch(TABLES)?;
        Ok(Self { connection })
    }

    /// The last change of the store that it holds.
    pub fn sequence(&self) -> Result<Sequence, RegisterError> {
        Ok(Sequence(self.connection.query_row("SELECT sequence FROM meta", [], |row| row.get(0))?))
    }

    /// What it knows, in numbers.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn counts(&self) -> Result<Counts, RegisterError> {
        let one = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|count| count as u64);
        const GROUPS: &str = "SELECT texts.representative, count(*) AS members FROM articles
             JOIN texts ON texts.id = articles.text GROUP BY 1 HAVING members > 1";
        Ok(Counts {
            articles: one("SELECT count(*) FROM articles")?,
            groups: one(&format!("SELECT count(*) FROM ({GROUPS})"))?,
            copies: one(&format!("SELECT coalesce(sum(members - 1), 0) FROM ({GROUPS})"))?,
            pairs: one("SELECT count(*) FROM pairs")?,
        })
    }

    /// The text that represents the group of an article; none for an article that is not known.
    ///
    /// # Errors
    /// When SQLite fails.
    pub(super) fn representative(&self, article: ArticleId) -> Result<Option<TextId>, RegisterError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT representative FROM articles JOIN texts ON texts.id = articles.text WHERE articles.article = ?1",
            )?
            .query_row([article.0], |row| row.get(0))
            .optional()?)
    }

    /// All texts.
    pub(super) fn texts(&self) -> Result<HashMap<TextId, Text>, RegisterError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, text_key, article, first_day, last_day, minute FROM texts")?;
        let texts = statement.query_map([], text)?.map(|text| text.map(|text| (text.id, text)));
        Ok(texts.collect::<Result<_, _>>()?)
    }

    /// A text by the hash of its form.
    pub(super) fn text_of(&self, key: TextKey) -> Result<Option<Text>, RegisterError> {
        Ok(self
            .connection
            .prepare_cached("SELECT id, text_key, article, first_day, last_day, minute FROM texts WHERE text_key = ?1")?
            .query_row([key.0], text)
            .optional()?)
    }

    /// A text by its number.
    pub(super) fn text(&self, id: TextId) -> Result<Option<Text>, RegisterError> {
        Ok(self
            .connection
            .prepare_cached("SELECT id, text_key, article, first_day, last_day, minute FROM texts WHERE id = ?1")?
            .query_row([id], text)
            .optional()?)
    }

    /// The number of the text that an article has.
    pub(super) fn text_of_article(&self, article: ArticleId) -> Result<Option<TextId>, RegisterError> {
        Ok(self
            .connection
            .prepare_cached("SELECT text FROM articles WHERE article = ?1")?
            .query_row([article.0], |row| row.get(0))
            .optional()?)
    }

    /// The articles of each text that has several.
    pub(super) fn identical(&self) -> Result<BTreeMap<TextId, Vec<ArticleId>>, RegisterError> {
        let mut found: BTreeMap<TextId, Vec<ArticleId>> = BTreeMap::new();
        let mut statement = self.connection.prepare_cached(
            "SELECT text, article FROM articles WHERE text IN
                 (SELECT text FROM articles GROUP BY text HAVING count(*) > 1) ORDER BY text, article",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, TextId>(0)?, ArticleId(row.get(1)?))))?;
        for row in rows {
            let (text, article) = row?;
            found.entry(text).or_default().push(article);
        }
        Ok(found)
    }

    /// The articles that have a text, ascending.
    pub(super) fn articles_of(&self, text: TextId) -> Result<Vec<ArticleId>, RegisterError> {
        let mut statement =
            self.connection.prepare_cached("SELECT article FROM articles WHERE text = ?1 ORDER BY article")?;
        let rows = statement.query_map([text], |row| Ok(ArticleId(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The representative of each text that is not its own.
    pub(super) fn members(&self) -> Result<HashMap<TextId, TextId>, RegisterError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, representative FROM texts WHERE representative <> id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All pairs.
    pub(super) fn kin(&self) -> Result<Vec<Kin>, RegisterError> {
        let mut statement = self.connection.prepare_cached(&format!("SELECT {KIN} FROM pairs ORDER BY a, b"))?;
        let rows = statement.query_map([], kin)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The pairs of one text.
    pub(super) fn kin_of(&self, text: TextId) -> Result<Vec<Kin>, RegisterError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {KIN} FROM pairs WHERE a = ?1 UNION SELECT {KIN} FROM pairs WHERE b = ?1"
        ))?;
        let rows = statement.query_map([text], kin)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The articles whose text is another one in the store than here, or that are not known: for those who look for damage.
    ///
    /// # Errors
    /// When SQLite or the store fails.
    pub fn verify(&self, store: &Store) -> Result<Vec<String>, RegisterError> {
        let mut wrong = Vec::new();
        let texts = self.texts()?;
        for body in store.bodies()? {
            let known = self.text_of_article(body.article)?.and_then(|text| texts.get(&text));
            if known.is_none_or(|text| text.key != body.text) {
                wrong.push(format!("article {} has another text in the register of copies", body.article));
            }
        }
        Ok(wrong)
    }

    /// The texts that have a fingerprint.
    pub(super) fn holders(&self, fingerprint: u64) -> Result<Vec<Text>, RegisterError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, text_key, article, first_day, last_day, minute FROM fingerprints
             JOIN texts ON texts.id = fingerprints.text WHERE fingerprint = ?1",
        )?;
        let rows = statement.query_map([fingerprint as i64], text)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many fingerprints a text has.
    pub(super) fn fingerprint_count(&self, text: TextId) -> Result<u32, RegisterError> {
        let mut statement = self.connection.prepare_cached("SELECT fingerprints FROM texts WHERE id = ?1")?;
        Ok(statement.query_row([text], |row| row.get(0))?)
    }

    /// The texts whose date may lie within a range of days, and those without a date.
    pub(super) fn texts_within(&self, first: i32, last: i32) -> Result<Vec<Text>, RegisterError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, text_key, article, first_day, last_day, minute FROM texts
             WHERE (first_day <= ?2 AND last_day >= ?1) OR first_day IS NULL",
        )?;
        let rows = statement.query_map([first, last], text)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The greatest number of a text that was ever given.
    pub(super) fn greatest(&self) -> Result<TextId, RegisterError> {
        let greatest = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'texts'), 0)";
        Ok(self.connection.query_row(greatest, [], |row| row.get(0))?)
    }

    /// How many articles it knows.
    pub(super) fn len(&self) -> Result<usize, RegisterError> {
        Ok(self.connection.query_row("SELECT count(*) FROM articles", [], |row| row.get::<_, i64>(0))? as usize)
    }

    /// What is read meanwhile is of one moment.
    pub(super) fn at_once<T>(&self, read: impl FnOnce() -> Result<T, RegisterError>) -> Result<T, RegisterError> {
        let moment = self.connection.unchecked_transaction()?;
        let found = read()?;
        drop(moment);
        Ok(found)
    }

    /// Writes, in one transaction that names the change that the register then holds; what is read meanwhile has the changes.
    pub(super) fn write(
        &self,
        store: &Store,
        sequence: Sequence,
        changes: impl FnOnce() -> Result<(), RegisterError>,
    ) -> Result<(), RegisterError> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        changes()?;
        self.connection.execute("DELETE FROM meta", [])?;
        self.connection.execute("INSERT INTO meta VALUES (?1, ?2, ?3)", params![FORMAT, store.mark(), sequence.0])?;
        Ok(transaction.commit()?)
    }

    pub(super) fn add_text(&self, text: &Text, fingerprints: usize) -> Result<(), RegisterError> {
        self.connection.prepare_cached("INSERT INTO texts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?1)")?.execute(
            params![
                text.id,
                text.key.0,
                text.article.0,
                text.days.map(|days| days.0),
                text.days.map(|days| days.1),
                text.minute,
                fingerprints as i64,
            ],
        )?;
        Ok(())
    }

    /// That another article is now the earliest that has a text.
    pub(super) fn date_text(&self, text: &Text) -> Result<(), RegisterError> {
        self.connection
            .prepare_cached("UPDATE texts SET article = ?2, first_day = ?3, last_day = ?4, minute = ?5 WHERE id = ?1")?
            .execute(params![
                text.id,
                text.article.0,
                text.days.map(|days| days.0),
                text.days.map(|days| days.1),
                text.minute
            ])?;
        Ok(())
    }

    /// Forgets a text that no article has any more. Its fingerprints stay, and lead nowhere.
    pub(super) fn remove_text(&self, text: TextId) -> Result<(), RegisterError> {
        self.connection.prepare_cached("DELETE FROM pairs WHERE a = ?1")?.execute([text])?;
        self.connection.prepare_cached("DELETE FROM pairs WHERE b = ?1")?.execute([text])?;
        self.connection.prepare_cached("DELETE FROM texts WHERE id = ?1")?.execute([text])?;
        Ok(())
    }

    pub(super) fn add_article(&self, article: ArticleId, text: TextId) -> Result<(), RegisterError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO articles VALUES (?1, ?2)")?
            .execute(params![article.0, text])?;
        Ok(())
    }

    pub(super) fn remove_article(&self, article: ArticleId) -> Result<(), RegisterError> {
        self.connection.prepare_cached("DELETE FROM articles WHERE article = ?1")?.execute([article.0])?;
        Ok(())
    }

    pub(super) fn add_fingerprint(&self, fingerprint: u64, text: TextId) -> Result<(), RegisterError> {
        debug_assert!(fingerprint < 1 << BITS);
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO fingerprints VALUES (?1, ?2)")?
            .execute(params![fingerprint as i64, text])?;
        Ok(())
    }

    pub(super) fn add_kin(&self, kin: &Kin) -> Result<(), RegisterError> {
        debug_assert!(kin.a < kin.b);
        let Evidence {
            overlap: Overlap { jaccard, a_in_b, b_in_a },
            share_a,
            share_b,
            words,
            figures,
            same_start,
            telling,
            closeness,
            facts,
        } = kin.evidence;
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO pairs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                kin.a, kin.b, jaccard, a_in_b, b_in_a, share_a, share_b, words, figures, same_start, telling,
                closeness, facts
            ])?;
        Ok(())
    }

    pub(super) fn remove_kin(&self, a: TextId, b: TextId) -> Result<(), RegisterError> {
        self.connection.prepare_cached("DELETE FROM pairs WHERE a = ?1 AND b = ?2")?.execute([a.min(b), a.max(b)])?;
        Ok(())
    }

    pub(super) fn represent(&self, text: TextId, by: TextId) -> Result<(), RegisterError> {
        self.connection.prepare_cached("UPDATE texts SET representative = ?2 WHERE id = ?1")?.execute([text, by])?;
        Ok(())
    }
}

/// The columns of a pair, as [`kin`] reads them.
const KIN: &str =
    "a, b, jaccard, a_in_b, b_in_a, share_a, share_b, words, figures, same_start, telling, closeness, facts";

fn kin(row: &rusqlite::Row<'_>) -> rusqlite::Result<Kin> {
    let score = |at: usize| row.get::<_, f64>(at).map(|value| value as Score);
    Ok(Kin {
        a: row.get(0)?,
        b: row.get(1)?,
        evidence: Evidence {
            overlap: Overlap { jaccard: score(2)?, a_in_b: score(3)?, b_in_a: score(4)? },
            share_a: score(5)?,
            share_b: score(6)?,
            words: row.get(7)?,
            figures: row.get(8)?,
            same_start: row.get(9)?,
            telling: score(10)?,
            closeness: score(11)?,
            facts: score(12)?,
        },
    })
}

fn text(row: &rusqlite::Row<'_>) -> rusqlite::Result<Text> {
    let days: (Option<i32>, Option<i32>) = (row.get(3)?, row.get(4)?);
    Ok(Text {
        id: row.get(0)?,
        key: TextKey(row.get(1)?),
        article: ArticleId(row.get(2)?),
        days: days.0.zip(days.1),
        minute: row.get(5)?,
    })
}
