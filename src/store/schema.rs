//! The tables, their version, and the steps from one version to the next.

use rusqlite::{Connection, Result, params};

use super::{Making, ModelIdentity, labels};

/// The newest format that this version reads, and the one that it writes.
pub const VERSION: u32 = 2;

/// "vois", which marks the file as ours.
const APPLICATION: u32 = 0x766f_6973;

/// A step to the next format.
type Step = fn(&Connection) -> Result<()>;

/// Step `i` leads from format `i` to format `i + 1`.
const STEPS: [Step; VERSION as usize] = [
    |connection| connection.execute_batch(ARTICLES),
    |connection| {
        connection.execute_batch(LABELS)?;
        labels::label_all(connection)
    },
];

/// Format 1: articles, their passages and vectors, and the log of changes.
const ARTICLES: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

    CREATE TABLE articles (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        key         TEXT NOT NULL UNIQUE,
        content     BLOB NOT NULL,  -- hash of all that the source gave
        text_key    BLOB NOT NULL,  -- hash of the body's analysis form: equal for identical articles
        title       TEXT,
        date        TEXT,           -- as precise as it is known: 2023, 2023-08, 2023-08-22
        first_day   TEXT,           -- of the date
        last_day    TEXT,           -- of the date
        url         TEXT,
        source      TEXT,
        language    TEXT,
        text        TEXT NOT NULL,
        metadata    TEXT NOT NULL   -- JSON object
    ) STRICT;
    CREATE INDEX articles_text ON articles (text_key);

    CREATE TABLE vectors (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        text_key    BLOB NOT NULL UNIQUE,  -- hash of the analysis form that was embedded
        embedding   BLOB NOT NULL          -- f32, little-endian
    ) STRICT;

    CREATE TABLE passages (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        article     INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        field       INTEGER NOT NULL,      -- 0 title, 1 body
        start       INTEGER NOT NULL,      -- characters of the field
        stop        INTEGER NOT NULL,
        tokens      INTEGER NOT NULL,
        vector      INTEGER NOT NULL REFERENCES vectors (id)
    ) STRICT;
    CREATE INDEX passages_article ON passages (article);
    CREATE INDEX passages_vector ON passages (vector);

    CREATE TABLE boilerplate (
        article     INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        start       INTEGER NOT NULL,      -- characters of the body
        stop        INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX boilerplate_article ON boilerplate (article);

    CREATE TABLE changes (
        sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
        kind        INTEGER NOT NULL,      -- 1 article put, 2 article removed, 3 vector added, 4 vector removed
        subject     INTEGER NOT NULL       -- id of the article or vector
    ) STRICT;
";

/// Format 2: what articles are chosen and counted by.
const LABELS: &str = "
    CREATE INDEX articles_days ON articles (first_day, last_day);

    CREATE TABLE labels (
        id          INTEGER PRIMARY KEY,
        name        TEXT NOT NULL,         -- folded
        value       TEXT NOT NULL,         -- folded
        shown       TEXT NOT NULL,         -- the value as published
        UNIQUE (name, value, shown)
    ) STRICT;

    CREATE TABLE labelled (
        label       INTEGER NOT NULL REFERENCES labels (id),
        article     INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
        PRIMARY KEY (label, article)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX labelled_article ON labelled (article);
";

/// What opening found.
pub(super) enum Opened {
    /// A store of this format: its id, and what it was made for.
    Ready(String, Making),
    /// A file without tables: its making was cut short, or goes on.
    Empty,
    /// A database that is not ours.
    Foreign,
    /// A store of an older format, and no right to bring it forward.
    Older(u32),
    /// A store of a newer format.
    Newer(u32),
}

/// Makes the tables in an empty file.
pub(super) fn create(connection: &mut Connection, making: &Making) -> Result<()> {
    let model = &making.model;
    if !is_empty(connection)? {
        return Ok(());
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    migrate(&transaction, 0)?;
    for (key, value) in [
        ("model_id", model.id.clone()),
        ("model_reference", model.reference.clone()),
        ("model_revision", model.revision.clone()),
        ("model_dims", model.dims.to_string()),
        ("passage_tokens", making.passage_tokens.to_string()),
        ("made_by", format!("voisin {}", env!("CARGO_PKG_VERSION"))),
    ] {
        transaction.execute("INSERT INTO meta VALUES (?1, ?2)", params![key, value])?;
    }
    // Views of another store are told from those of this one by it.
    transaction.execute("INSERT INTO meta VALUES ('store_id', hex(randomblob(16)))", [])?;
    transaction.commit()
}

fn is_empty(connection: &Connection) -> Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Sets a connection up, brings an older format forward if this process may write, and reads the model.
pub(super) fn prepare(connection: &mut Connection, may_write: bool) -> Result<Opened> {
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "full")?;
    let application: u32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if application != APPLICATION {
        return Ok(if application == 0 && is_empty(connection)? { Opened::Empty } else { Opened::Foreign });
    }
    if version > VERSION {
        return Ok(Opened::Newer(version));
    }
    if version < VERSION {
        if !may_write {
            return Ok(Opened::Older(version));
        }
        let transaction = connection.transaction()?;
        migrate(&transaction, version)?;
        transaction.commit()?;
    }
    let meta = |key: &str| -> Result<String> {
        connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
    };
    let number = |key: &str| meta(key).map(|value| value.parse().unwrap_or(0));
    let making = Making {
        model: ModelIdentity {
            id: meta("model_id")?,
            reference: meta("model_reference")?,
            revision: meta("model_revision")?,
            dims: number("model_dims")?,
        },
        passage_tokens: number("passage_tokens")?,
    };
    Ok(Opened::Ready(meta("store_id")?, making))
}

fn migrate(connection: &Connection, from: u32) -> Result<()> {
    STEPS[from as usize..].iter().try_for_each(|step| step(connection))?;
    connection.pragma_update(None, "user_version", VERSION)
}
