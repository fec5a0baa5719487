//! The truth: articles, passages, vectors and the log of changes, in one SQLite file.
//!
//! Everything else in a store's folder is derived from this file and can be deleted. An article is written in one
//! transaction with all of its passages and vectors, so a reader sees it whole or not at all, and what was committed
//! survives a killed process and a power cut (`synchronous = FULL` under a write-ahead log).
//!
//! A vector belongs to a *text*: passages with the same [analysis form](crate::text::analysis_form) share one row, found
//! by its [`TextKey`]. News repeats itself, so this saves both embedding and index; it also gives each index one node a
//! text for nothing.
//!
//! The room knows nothing of models but their names: vectors are bytes of a fixed width.
//!
//! Beside the stores, and never needed by them, lies the [cache](VectorCache) of vectors that all of them share.

mod cache;
mod filter;
mod labels;
mod read;
mod schema;
mod write;

use std::fs::TryLockError;
use std::path::{Path, PathBuf};

use fs_err::File;
use rusqlite::Connection;
use rusqlite::OpenFlags;

use crate::types::CharSpan;

pub use crate::types::ArticleSet;
pub use cache::{CacheError, CacheKey, CacheKeys, VectorCache};
pub use filter::{DateOrder, Filter, LabelFilter};
pub use read::{Body, Header, Held, Located, Stats, StoredPassage, Wording};
pub use schema::VERSION;
pub use write::{ContentHash, NewArticle, NewPassage, TextKey};

/// The name of the database in a store's folder.
pub const DATABASE: &str = "voisin.db";

/// The model whose vectors a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelIdentity {
    /// What the model is called.
    pub id: String,
    /// The name or path that it was opened with, and opens with again.
    pub reference: String,
    /// The fingerprint of its files.
    pub revision: String,
    /// Components of a vector.
    pub dims: usize,
}

/// What a store is made for, and keeps for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Making {
    /// The model of its vectors.
    pub model: ModelIdentity,
    /// Tokens that its passages should have.
    pub passage_tokens: usize,
}

/// Which part of an article a passage is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The headline: one passage.
    Title,
    /// The body.
    Body,
}

/// What a store refuses, and why.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is none.
    #[error("there is no store at {path}: make one with `voisin index PATH --store {path}`", path = .0.display())]
    Missing(PathBuf),
    /// The file is not ours.
    #[error("{path} is no store of voisin: choose another folder with --store", path = .0.display())]
    Foreign(PathBuf),
    /// It was written by a newer version.
    #[error(
        "{} has format {found}, but this voisin reads formats up to {VERSION}: use a newer voisin, or index again into \
         another folder with --store",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It was written by an older version, and cannot be brought forward here.
    #[error(
        "{} has format {found} of an older voisin, and has to be brought to format {VERSION} once: run `voisin status \
         --store DIR` on it as a user who may write there",
        path.display()
    )]
    Older {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It holds the vectors of another model.
    #[error(
        "{} holds vectors of the model {} (revision {}, {} components), but the model given is {} (revision {}, {} \
         components): leave --model and --dims out to go on with the first, or index again into another folder with --store",
        path.display(), stored.id, stored.revision, stored.dims, given.id, given.revision, given.dims
    )]
    OtherModel {
        /// The database.
        path: PathBuf,
        /// The model that made its vectors.
        stored: Box<ModelIdentity>,
        /// The model that was asked for.
        given: Box<ModelIdentity>,
    },
    /// Its passages are of another length.
    #[error(
        "{} holds passages of about {stored} tokens, but {given} were asked for: leave --passage-tokens out to go on, or \
         index again into another folder with --store",
        path.display()
    )]
    OtherLength {
        /// The database.
        path: PathBuf,
        /// Tokens of its passages.
        stored: usize,
        /// Tokens that were asked for.
        given: usize,
    },
    /// Another process writes to it.
    #[error(
        "another voisin is writing to {path}: wait until it has ended, or give the articles to it if it is a server, or use \
         another --store",
        path = .0.display()
    )]
    Locked(PathBuf),
    /// A filter by a field that no article has.
    #[error("no article has a field \"{name}\": the store can be asked by {there}")]
    NoLabel {
        /// The name that was given.
        name: String,
        /// Those that there are.
        there: String,
    },
    /// It cannot be read without being written to.
    #[error(
        "{path} may only be read by this user, but its last changes are still in its log: open it once as a user who may \
         write there, with `voisin status --store {path}`",
        path = .0.display()
    )]
    ReadOnly(PathBuf),
    /// The disk is full.
    #[error(
        "no space is left on the disk of {path}: free some and run the same command again; what was reported as indexed \
         is safe",
        path = .0.display()
    )]
    Full(PathBuf),
    /// A row says what no version of voisin writes.
    #[error("{} is damaged ({what}): run `voisin verify`", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The folder cannot be made or read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// SQLite's own errors.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
}

/// One store, for reading; [`Store::open_to_write`] adds the right to change it.
pub struct Store {
    folder: PathBuf,
    path: PathBuf,
    connection: Connection,
    /// Drawn when the store was made.
    id: String,
    making: Making,
    /// Held as long as this process may write.
    lock: Option<File>,
}

impl Store {
    /// Opens an existing store for reading. One of an older format is brought forward first, if nobody writes to it.
    ///
    /// # Errors
    /// When there is none, it is not ours, of a newer format, or damaged; of an older format, also when another process
    /// writes to it, or this user may not.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE);
        if !path.is_file() {
            return Err(StoreError::Missing(folder.to_owned()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(|error| wrap(&path, error))?;
        match Self::with_connection(folder, path.clone(), connection, None) {
            Err(StoreError::Sqlite { source, .. }) if is_read_only(&source) => Self::open_immutable(folder, path),
            Err(StoreError::Older { found, .. }) => Self::open_older(folder, path, found),
            result => result,
        }
    }

    /// Brings a store of an older format forward, and opens it for reading.
    fn open_older(folder: &Path, path: PathBuf, found: u32) -> Result<Self, StoreError> {
        let lock = match lock(folder) {
            Err(StoreError::Io(_)) => return Err(StoreError::Older { path, found }),
            lock => lock?,
        };
        let connection = Connection::open(&path).map_err(|error| wrap(&path, error))?;
        match Self::with_connection(folder, path.clone(), connection, Some(lock)) {
            Err(StoreError::Sqlite { source, .. }) if is_read_only(&source) => Err(StoreError::Older { path, found }),
            store => Ok(Self { lock: None, ..store? }),
        }
    }

    /// Opens a store that this user may only read: without the log, which nobody can be writing then.
    fn open_immutable(folder: &Path, path: PathBuf) -> Result<Self, StoreError> {
        if fs_err::metadata(path.with_extension("db-wal")).is_ok_and(|log| log.len() > 0) {
            return Err(StoreError::ReadOnly(folder.to_owned()));
        }
        let escaped = path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)
            .map_err(|error| wrap(&path, error))?;
        Self::with_connection(folder, path, connection, None)
    }

    /// Opens a store for writing, and makes it if there is none.
    ///
    /// # Errors
    /// As [`Self::open`]; also when another process writes to it, or it was made for another model or length of passages.
    pub fn open_to_write(folder: &Path, making: &Making) -> Result<Self, StoreError> {
        fs_err::create_dir_all(folder)?;
        let lock = lock(folder)?;
        let path = folder.join(DATABASE);
        let mut connection = Connection::open(&path).map_err(|error| wrap(&path, error))?;
        schema::create(&mut connection, making).map_err(|error| wrap(&path, error))?;
        let store = Self::with_connection(folder, path, connection, Some(lock))?;
        store.expect_model(&making.model)?;
        if store.making.passage_tokens != making.passage_tokens {
            let (stored, given) = (store.making.passage_tokens, making.passage_tokens);
            return Err(StoreError::OtherLength { path: store.path, stored, given });
        }
        Ok(store)
    }

    /// Refuses any model but the one whose vectors the store holds; it may be reached by another path.
    ///
    /// # Errors
    /// When it is another.
    pub fn expect_model(&self, given: &ModelIdentity) -> Result<(), StoreError> {
        let stored = self.model();
        if (&stored.revision, stored.dims) == (&given.revision, given.dims) {
            return Ok(());
        }
        Err(StoreError::OtherModel {
            path: self.path.clone(),
            stored: Box::new(stored.clone()),
            given: Box::new(given.clone()),
        })
    }

    /// Opens an existing store for changes that ask for no model: removing articles.
    ///
    /// # Errors
    /// As [`Self::open`]; also when another process writes to it.
    pub fn open_to_remove(folder: &Path) -> Result<Self, StoreError> {
        let store = Self::open(folder)?;
        Ok(Self { lock: Some(lock(folder)?), ..store })
    }

    /// A second connection to the same store, for another thread to read with.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reader(&self) -> Result<Self, StoreError> {
        Self::open(&self.folder)
    }

    fn with_connection(
        folder: &Path,
        path: PathBuf,
        mut connection: Connection,
        lock: Option<File>,
    ) -> Result<Self, StoreError> {
        let opened = schema::prepare(&mut connection, lock.is_some()).map_err(|error| wrap(&path, error))?;
        let (id, making) = match opened {
            schema::Opened::Ready(id, making) => (id, making),
            schema::Opened::Empty => return Err(StoreError::Missing(folder.to_owned())),
            schema::Opened::Foreign => return Err(StoreError::Foreign(path)),
            schema::Opened::Older(found) => return Err(StoreError::Older { path, found }),
            schema::Opened::Newer(found) => return Err(StoreError::Newer { path, found }),
        };
        Ok(Self { folder: folder.to_owned(), path, connection, id, making, lock })
    }

    /// The folder of the store.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of what is derived from the store, which can be deleted at any time.
    pub fn views(&self) -> PathBuf {
        self.folder.join("views")
    }

    /// The model whose vectors the store holds.
    pub fn model(&self) -> &ModelIdentity {
        &self.making.model
    }

    /// 16 bytes that no other store and no other model share: what a view of this store is marked with.
    pub fn mark(&self) -> [u8; 16] {
        let mut mark = [0; 16];
        let hash = blake3::hash(format!("{} {}", self.id, self.model().revision).as_bytes());
        mark.copy_from_slice(&hash.as_bytes()[..16]);
        mark
    }

    /// Tokens that its passages should have.
    pub fn passage_tokens(&self) -> usize {
        self.making.passage_tokens
    }

    /// Until the answer is dropped, everything read from this store is of this moment, whatever others write.
    ///
    /// # Errors
    /// When SQLite fails, or another snapshot of the same connection lives.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        let transaction = self.sql(self.connection.unchecked_transaction())?;
        // The moment is that of the first read.
        self.sequence()?;
        Ok(Snapshot(transaction))
    }

    fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(|error| wrap(&self.path, error))
    }

    fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what: what.into() }
    }
}

/// Takes the right to write, which the operating system gives back when the process ends in whatever way.
fn lock(folder: &Path) -> Result<File, StoreError> {
    let file = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    match file.file().try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn wrap(path: &Path, error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{DiskFull, NotADatabase};
    match error.sqlite_error_code() {
        Some(DiskFull) => StoreError::Full(path.to_owned()),
        Some(NotADatabase) => StoreError::Foreign(path.to_owned()),
        _ => StoreError::Sqlite { path: path.to_owned(), source: error },
    }
}

fn is_read_only(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | PermissionDenied | ReadOnly))
}

/// What a store holds at one moment, for as long as this lives: see [`Store::snapshot`].
pub struct Snapshot<'a>(
    #[allow(dead_code, reason = "held for its drop, which ends the transaction")] rusqlite::Transaction<'a>,
);

/// A vector as stored: f32, little-endian.
pub(crate) fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// Character positions as SQLite keeps them.
fn span_columns(span: CharSpan) -> (i64, i64) {
    (span.start as i64, span.end as i64)
}

#[cfg(test)]
mod tests;
