//! Vectors that were embedded before, for whatever store: one SQLite file of the user's, and only ever a saving of time.
//!
//! A vector is found by a hash of all that its bits depend on: this version of the program, the files of the model, the
//! precision, the instruction-set level, and the tokens, which are what the model sees of a text. It is kept with the
//! beginning of its own hash, keyed by the key that it is found by, so neither a damaged row nor a damaged index can pass
//! for another text's vector.
//!
//! The file may be deleted at any time, several processes may use it at once, and it is kept to a limit: what was not
//! used for the longest time goes first. When a row was used is known to the day, so that reading seldom writes.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::{from_bytes, to_bytes};

/// Of the tables and of the keys.
const FORMAT: u32 = 1;

/// "voic", which marks the file as ours.
const APPLICATION: u32 = 0x766f_6963;

/// Bytes that the file may take: more than a million vectors of 384 components.
const LIMIT: i64 = 2 << 30;

/// Rows that are deleted in one transaction, which others wait for.
const EVICTED: i64 = 1024;

/// How long another process's transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the cache cannot be used. Nobody needs it, so this is never a reason to give up anything else.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file is damaged, not ours, or of another format.
    #[error(
        "{path} is damaged, or no cache of vectors of this version: delete it if nothing else needs it, or name another \
         file with --cache",
        path = .0.display()
    )]
    Unreadable(PathBuf),
    /// The file or its folder cannot be made.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// SQLite's own errors: the file is locked, read-only, or its disk is full.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
}

/// What a vector is found by: equal only where its bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The beginning of a hash of the vector that nothing but this key and these bytes has.
    fn seal(&self, vector: &[u8]) -> [u8; 8] {
        let mut seal = [0; 8];
        seal.copy_from_slice(&blake3::keyed_hash(&self.0, vector).as_bytes()[..8]);
        seal
    }
}

/// Makes the keys of one model as it is run here.
pub struct CacheKeys(blake3::Hasher);

impl CacheKeys {
    /// `revision` is the fingerprint of the model's files, `arithmetic` names all else that its vectors' bits depend on.
    ///
    /// The version of the program counts too: another may have had an error mended.
    pub fn new(revision: &str, arithmetic: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&FORMAT.to_le_bytes());
        for part in [env!("CARGO_PKG_VERSION"), revision, arithmetic] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        Self(hasher)
    }

    /// The key of a text's vector, by the ids of its tokens.
    pub fn of(&self, tokens: &[u32]) -> CacheKey {
        let mut hasher = self.0.clone();
        tokens.iter().for_each(|token| {
            hasher.update(&token.to_le_bytes());
        });
        CacheKey(*hasher.finalize().as_bytes())
    }
}

/// The cache.
pub struct VectorCache {
    path: PathBuf,
    connection: Connection,
    limit: i64,
    /// Days since 1970, when it was opened.
    today: i64,
}

impl VectorCache {
    /// Opens the cache, and makes it if there is none.
    ///
    /// # Errors
    /// When it can be neither opened nor made, or the file is not ours.
    pub fn open(path: &Path) -> Result<Self, CacheError> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self::open_as_of((now.as_secs() / 86_400) as i64, path, LIMIT)
    }

    fn open_as_of(today: i64, path: &Path, limit: i64) -> Result<Self, CacheError> {
        if !path.exists() {
            create(path)?;
        }
        let connect = || -> rusqlite::Result<Option<Connection>> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(PATIENCE)?;
            // A power cut may take the last vectors along: they are embedded again.
            connection.pragma_update(None, "synchronous", "normal")?;
            let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
            let ours = number("application_id")? == APPLICATION && number("user_version")? == FORMAT;
            Ok(ours.then_some(connection))
        };
        let connection = connect().map_err(|error| wrap(path, error))?;
        let connection = connection.ok_or_else(|| CacheError::Unreadable(path.to_owned()))?;
        Ok(Self { path: path.to_owned(), connection, limit, today })
    }

    /// The vectors of `keys`, in their order; `None` for those that are not here, or not as they were put: `dims`
    /// components with their seal.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn get(&mut self, keys: &[CacheKey], dims: usize) -> Result<Vec<Option<Vec<f32>>>, CacheError> {
        let mut run = || -> rusqlite::Result<_> {
            let mut stale = Vec::new();
            let moment = self.connection.transaction()?;
            let mut find = moment.prepare_cached("SELECT id, day, seal, vector FROM vectors WHERE key = ?1")?;
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                let row = find.query_row([&key.0[..]], |row| {
                    let vector = row.get_ref(3)?.as_blob()?;
                    let whole = vector.len() == 4 * dims && row.get_ref(2)?.as_blob()? == key.seal(vector);
                    if whole && row.get::<_, i64>(1)? != self.today {
                        stale.push(row.get::<_, i64>(0)?);
                    }
                    Ok(whole.then(|| from_bytes(vector).collect()))
                });
                found.push(row.optional()?.flatten());
            }
            drop(find);
            drop(moment);
            self.touch(&stale)?;
            Ok(found)
        };
        run().map_err(|error| wrap(&self.path, error))
    }

    /// Notes that rows were used today.
    fn touch(&mut self, rows: &[i64]) -> rusqlite::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut touch = transaction.prepare_cached("UPDATE vectors SET day = ?1 WHERE id = ?2")?;
        rows.iter().try_for_each(|row| touch.execute([self.today, *row]).map(|_| ()))?;
        drop(touch);
        transaction.commit()
    }

    /// Keeps vectors, in one transaction; then deletes the oldest while the file is beyond its limit.
    ///
    /// # Errors
    /// When SQLite fails: then none of them is kept.
    pub fn put<'a>(&mut self, vectors: impl IntoIterator<Item = (CacheKey, &'a [f32])>) -> Result<(), CacheError> {
        let run = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // A row that is there already was damaged, or is the same: another process was at the same text.
            let mut put = transaction.prepare_cached(
                "INSERT INTO vectors (key, day, seal, vector) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (key) DO UPDATE SET day = excluded.day, seal = excluded.seal, vector = excluded.vector",
            )?;
            for (key, vector) in vectors {
                let vector = to_bytes(vector);
                put.execute(params![&key.0[..], self.today, &key.seal(&vector)[..], vector])?;
            }
            drop(put);
            transaction.commit()?;
            self.evict()
        };
        run().map_err(|error| wrap(&self.path, error))
    }

    fn evict(&self) -> rusqlite::Result<()> {
        while self.bytes()? > self.limit {
            let mut oldest = self
                .connection
                .prepare_cached("DELETE FROM vectors WHERE id IN (SELECT id FROM vectors ORDER BY day, id LIMIT ?1)")?;
            if oldest.execute([EVICTED])? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Bytes in use; what was deleted is filled again before the file grows.
    fn bytes(&self) -> rusqlite::Result<i64> {
        let number = |pragma| self.connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        Ok((number("page_count")? - number("freelist_count")?) * number("page_size")?)
    }
}

/// Makes an empty cache under another name, and gives it its own when it is whole: processes that start at once see one
/// or none.
fn create(path: &Path) -> Result<(), CacheError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs_err::create_dir_all(folder)?;
    let new = tempfile::NamedTempFile::new_in(folder)?;
    let make = || -> rusqlite::Result<()> {
        let connection = Connection::open(new.path())?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection.pragma_update(None, "user_version", FORMAT)?;
        connection.execute_batch(
            "CREATE TABLE vectors (
                id      INTEGER PRIMARY KEY,
                key     BLOB NOT NULL UNIQUE,
                day     INTEGER NOT NULL,  -- since 1970, when it was last used
                seal    BLOB NOT NULL,     -- the beginning of the vector's hash, keyed by its key
                vector  BLOB NOT NULL      -- f32, little-endian
            ) STRICT;
            CREATE INDEX vectors_day ON vectors (day);",
        )?;
        connection.pragma_update(None, "journal_mode", "wal")
    };
    make().map_err(|error| wrap(path, error))?;
    match new.persist_noclobber(path) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.error.into()),
        _ => Ok(()),
    }
}

fn wrap(path: &Path, error: rusqlite::Error) -> CacheError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => CacheError::Unreadable(path.to_owned()),
        _ => CacheError::Sqlite { path: path.to_owned(), source: error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMS: usize = 384;
    const PLENTY: i64 = LIMIT;

    fn key(token: u32) -> CacheKey {
        CacheKeys::new("0123", "f32 on portable").of(&[token])
    }

    /// A vector with bits that arithmetic would not keep: a negative zero among them.
    fn vector(token: u32) -> Vec<f32> {
        (0..DIMS).map(|at| if at == 0 { -0.0 } else { (token as f32 + at as f32).sin() }).collect()
    }

    fn put(cache: &mut VectorCache, tokens: std::ops::Range<u32>) {
        let vectors: Vec<Vec<f32>> = tokens.clone().map(vector).collect();
        cache.put(tokens.map(key).zip(vectors.iter().map(Vec::as_slice))).unwrap();
    }

    /// Which of these tokens are here, each checked to have its own bits.
    fn held(cache: &mut VectorCache, tokens: std::ops::Range<u32>) -> Vec<u32> {
        let keys: Vec<CacheKey> = tokens.clone().map(key).collect();
        let bits = |vector: &[f32]| vector.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let found = cache.get(&keys, DIMS).unwrap();
        let found = tokens.zip(found).filter_map(|(token, found)| Some((token, found?)));
        found.inspect(|(token, found)| assert_eq!(bits(found), bits(&vector(*token)))).map(|(token, _)| token).collect()
    }

    fn desk() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/when/needed/vectors.sqlite");
        (folder, path)
    }

    #[test]
    fn a_key_is_of_the_model_the_precision_the_level_and_every_token() {
        let keys = [
            CacheKeys::new("0123", "f32 on avx2").of(&[1, 2]),
            CacheKeys::new("0124", "f32 on avx2").of(&[1, 2]),
            CacheKeys::new("0123", "int8 on avx2").of(&[1, 2]),
            CacheKeys::new("0123", "f32 on avx512").of(&[1, 2]),
            CacheKeys::new("0123f", "32 on avx2").of(&[1, 2]),
            CacheKeys::new("0123", "f32 on avx2").of(&[2, 1]),
            CacheKeys::new("0123", "f32 on avx2").of(&[1, 2, 0]),
            CacheKeys::new("0123", "f32 on avx2").of(&[0x0201]),
        ];
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        assert_eq!(keys[0], CacheKeys::new("0123", "f32 on avx2").of(&[1, 2]));
    }

    #[test]
    fn what_is_put_is_found_with_its_bits_by_another_process() {
        let (_folder, path) = desk();
        put(&mut VectorCache::open(&path).unwrap(), 0..20);
        let mut again = VectorCache::open(&path).unwrap();
        assert_eq!(held(&mut again, 10..30), Vec::from_iter(10..20));
    }

    #[test]
    fn a_row_that_was_changed_is_not_found_until_it_is_put_again() {
        let (_folder, path) = desk();
        let mut cache = VectorCache::open(&path).unwrap();
        put(&mut cache, 0..6);
        let change = |sql: &str, tokens: &[u32]| {
            let keys: Vec<CacheKey> = tokens.iter().map(|token| key(*token)).collect();
            let keys: Vec<&[u8]> = keys.iter().map(|key| &key.0[..]).collect();
            let database = Connection::open(&path).unwrap();
            assert_eq!(database.execute(sql, rusqlite::params_from_iter(keys)).unwrap(), 1);
        };
        change("UPDATE vectors SET vector = substr(vector, 1, 100) WHERE key = ?1", &[0]);
        change("UPDATE vectors SET vector = zeroblob(length(vector)) WHERE key = ?1", &[1]);
        change("UPDATE vectors SET seal = x'' WHERE key = ?1", &[2]);
        // Another text's vector, with the seal that it has there.
        change(
            "UPDATE vectors SET (seal, vector) = (SELECT seal, vector FROM vectors WHERE key = ?1) WHERE key = ?2",
            &[5, 3],
        );
        assert_eq!(held(&mut cache, 0..6), [4, 5]);
        put(&mut cache, 0..4);
        assert_eq!(held(&mut cache, 0..6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(cache.get(&[key(0)], DIMS + 1).unwrap(), [None], "of another width");
    }

    #[test]
    fn the_file_stays_below_its_limit_and_what_was_used_stays() {
        const ROWS: u32 = 4 * EVICTED as u32;
        let (_folder, path) = desk();
        let mut first = VectorCache::open_as_of(1, &path, PLENTY).unwrap();
        put(&mut first, 0..ROWS);
        let limit = first.bytes().unwrap();
        drop(first);

        let mut second = VectorCache::open_as_of(2, &path, limit).unwrap();
        assert_eq!(held(&mut second, 0..10).len(), 10);
        for batch in 0..16 {
            let start = ROWS + batch * 100;
            put(&mut second, start..start + 100);
            assert!(second.bytes().unwrap() <= limit);
        }
        assert_eq!(held(&mut second, 0..10).len(), 10, "they were used on the second day");
        assert!(held(&mut second, 10..10 + EVICTED as u32).is_empty(), "they were not");
        assert_eq!(held(&mut second, ROWS..ROWS + 1600).len(), 1600);
        drop(second);
        assert!(fs_err::metadata(&path).unwrap().len() as i64 <= limit + limit / 10);
    }

    #[test]
    fn reading_writes_once_a_day() {
        let (_folder, path) = desk();
        put(&mut VectorCache::open_as_of(1, &path, PLENTY).unwrap(), 0..10);
        let mut cache = VectorCache::open_as_of(2, &path, PLENTY).unwrap();
        let writes = |cache: &VectorCache| cache.connection.total_changes();
        held(&mut cache, 0..10);
        let after_the_first = writes(&cache);
        held(&mut cache, 0..10);
        assert_eq!((after_the_first, writes(&cache)), (10, 10));
    }

    #[test]
    fn several_use_it_at_once_from_its_making_on() {
        let (_folder, path) = desk();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let mut cache = VectorCache::open(path).unwrap();
                    for round in 0..20 {
                        // Half of it is what the next thread puts too.
                        let start = thread * 5 + round * 20;
                        put(&mut cache, start..start + 10);
                        assert_eq!(held(&mut cache, start..start + 10).len(), 10);
                    }
                });
            }
        });
        assert_eq!(held(&mut VectorCache::open(&path).unwrap(), 0..400).len(), 400);
    }

    #[test]
    fn what_is_no_cache_is_refused_and_left_alone() {
        let (folder, _) = desk();
        let path = folder.path().join("x");
        let other = Connection::open(folder.path().join("other.db")).unwrap();
        other.execute_batch("CREATE TABLE t (a)").unwrap();
        let newer = folder.path().join("newer.db");
        drop(VectorCache::open(&newer).unwrap());
        Connection::open(&newer).unwrap().pragma_update(None, "user_version", FORMAT + 1).unwrap();
        for bytes in
            [vec![], vec![b'x'; 9000], fs_err::read(other.path().unwrap()).unwrap(), fs_err::read(newer).unwrap()]
        {
            fs_err::write(&path, &bytes).unwrap();
            assert!(matches!(VectorCache::open(&path), Err(CacheError::Unreadable(_))));
            assert_eq!(fs_err::read(&path).unwrap(), bytes);
        }
    }
}
