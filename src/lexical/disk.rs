//! The index in `views/lexical`: caught up with the store, made again where it cannot be trusted, read without a lock.
//!
//! A commit of tantivy names the last change of the store that it holds, so what a killed process leaves is the commit
//! before. One process writes at a time, held by a lock of our own beside the folder, which can be deleted and made again
//! under it. Readers take no lock, so they work on a disk that may only be read: where a writer drops a file between the
//! list of files and their opening, the list is read again.

use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::path::PathBuf;
use std::sync::Arc;

use fs_err::File;
use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::{Index, IndexSettings, IndexWriter, SegmentReader, TantivyDocument, Term};

use super::document::{Fields, language};
use super::segment::Segment;
use super::{Health, LexicalError};
use crate::store::Store;
use crate::types::{ArticleId, Sequence};

/// Of the fields, and of the words that go into them: with another, an index is made again.
const FORMAT: u32 = 2;

/// Changed articles above which the index on disk is caught up before it is searched.
const LAG: usize = 1_000;

/// Articles for which a second thread indexes.
pub(super) const LARGE: usize = 2_000;

/// Bytes that each indexing thread fills before it writes a segment.
const MEMORY: usize = 64 << 20;

/// Bytes that tantivy wants at least.
const LEAST_MEMORY: usize = 16 << 20;

/// How often a reader asks again for the files of an index that is being written.
const ATTEMPTS: usize = 10;

/// What a commit says of itself.
#[derive(Serialize, Deserialize)]
struct Payload {
    format: u32,
    /// The mark of the store.
    store: String,
    /// The last change of the store that it holds.
    sequence: i64,
    /// That articles are written in.
    languages: BTreeSet<String>,
}

fn folder(store: &Store) -> PathBuf {
    store.views().join("lexical")
}

/// The index on disk, if it is of this store and format, and what its last commit says.
fn committed(store: &Store) -> Option<(Index, Payload)> {
    let folder = folder(store);
    if !folder.join("meta.json").is_file() {
        return None;
    }
    let index = Index::open(MmapDirectory::open(folder).ok()?).ok()?;
    let payload: Payload = serde_json::from_str(&index.load_metas().ok()?.payload?).ok()?;
    let (schema, _) = Fields::schema();
    let fits = payload.format == FORMAT && payload.store == mark(store) && index.schema() == schema;
    (fits && payload.sequence <= store.sequence().ok()?.0).then_some((index, payload))
}

fn mark(store: &Store) -> String {
    store.mark().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The parts of the index on disk.
fn segments(index: &Index) -> tantivy::Result<Vec<SegmentReader>> {
    let mut attempt = 0;
    loop {
        let opened: tantivy::Result<Vec<_>> = index.searchable_segments()?.iter().map(SegmentReader::open).collect();
        attempt += 1;
        if attempt == ATTEMPTS || opened.is_ok() {
            return opened;
        }
    }
}

/// What lies on disk.
pub(super) struct OnDisk {
    pub(super) readers: Vec<SegmentReader>,
    /// That its articles are written in.
    pub(super) languages: BTreeSet<String>,
    /// Articles that have changed since, ascending.
    pub(super) changed: Vec<ArticleId>,
}

/// Opens the index on disk; where it is far behind, it is caught up first, if it may be.
pub(super) fn open(store: &Store) -> Result<OnDisk, LexicalError> {
    let mut on_disk = readable(store);
    let mut changed = store.articles_changed_after(since(&on_disk))?;
    if changed.len() > LAG && try_persist(store) {
        on_disk = readable(store);
        changed = store.articles_changed_after(since(&on_disk))?;
    }
    let (readers, languages) = on_disk.map(|(readers, payload)| (readers, payload.languages)).unwrap_or_default();
    Ok(OnDisk { readers, languages, changed })
}

fn readable(store: &Store) -> Option<(Vec<SegmentReader>, Payload)> {
    let (index, payload) = committed(store)?;
    let readers = segments(&index).ok()?;
    // What cannot be opened now cannot be searched either.
    let whole = readers.iter().all(|reader| Segment::new(reader.clone(), Arc::default()).is_ok());
    whole.then_some((readers, payload))
}

fn since(on_disk: &Option<(Vec<SegmentReader>, Payload)>) -> Sequence {
    Sequence(on_disk.as_ref().map_or(0, |(_, payload)| payload.sequence))
}

/// What writes so many articles into an index.
pub(super) fn writer(index: &Index, articles: usize) -> tantivy::Result<IndexWriter> {
    if articles < LARGE {
        index.writer_with_num_threads(1, LEAST_MEMORY)
    } else {
        index.writer_with_num_threads(2, 2 * MEMORY)
    }
}

/// Writes those of the articles that the store has, and adds the languages that they are in; returns how many there were.
pub(super) fn add(
    fields: &Fields,
    store: &Store,
    articles: &[ArticleId],
    languages: &mut BTreeSet<String>,
    mut write: impl FnMut(TantivyDocument) -> tantivy::Result<()>,
) -> Result<usize, LexicalError> {
    let mut added = 0;
    for &article in articles {
        if let Some(wording) = store.wording(article)? {
            languages.insert(language(&wording).to_owned());
            write(fields.document(article, &wording))?;
            added += 1;
        }
    }
    Ok(added)
}

/// Catches the index on disk up, if nothing stands against it.
fn try_persist(store: &Store) -> bool {
    let lock = || {
        let file = lock_file(store)?;
        match file.file().try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(std::io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    };
    lock().is_ok_and(|_lock| catch_up(store).is_ok())
}

/// See [`super::persist`].
pub(super) fn persist(store: &Store) -> Result<(), LexicalError> {
    let lock = lock_file(store)?;
    lock.file().lock()?;
    catch_up(store)
}

fn lock_file(store: &Store) -> std::io::Result<File> {
    fs_err::create_dir_all(store.views())?;
    fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(store.views().join("lexical.lock"))
}

/// Catches the index on disk up, or makes it again: where there is none, it is not of this store and format, or a file of it
/// does not have its checksum.
fn catch_up(store: &Store) -> Result<(), LexicalError> {
    let sequence = store.sequence()?;
    let (schema, fields) = Fields::schema();
    let whole = committed(store).filter(|(index, _)| index.validate_checksum().is_ok_and(|damaged| damaged.is_empty()));
    let (index, mut payload) = match whole {
        Some(found) => found,
        None => {
            let folder = folder(store);
            if folder.exists() {
                fs_err::remove_dir_all(&folder)?;
            }
            fs_err::create_dir_all(&folder)?;
            let directory = MmapDirectory::open(&folder).map_err(tantivy::TantivyError::from)?;
            let index = Index::create(directory, schema, IndexSettings::default())?;
            (index, Payload { format: FORMAT, store: mark(store), sequence: 0, languages: BTreeSet::new() })
        }
    };
    let changed = store.articles_changed_after(Sequence(payload.sequence))?;
    if changed.is_empty() && payload.sequence > 0 {
        return Ok(());
    }
    let mut writer = writer(&index, changed.len())?;
    for article in &changed {
        writer.delete_term(Term::from_field_u64(fields.article, article.0 as u64));
    }
    add(&fields, store, &changed, &mut payload.languages, |document| writer.add_document(document).map(|_| ()))?;
    payload.sequence = sequence.0;
    let mut commit = writer.prepare_commit()?;
    commit.set_payload(&serde_json::to_string(&payload).unwrap_or_default());
    commit.commit()?;
    let parts = index.searchable_segment_ids()?;
    if changed.len() >= LARGE && parts.len() > 1 {
        writer.merge(&parts).wait()?;
        writer.garbage_collect_files().wait()?;
    }
    writer.wait_merging_threads()?;
    share(store)
}

/// Lets whoever may read the database read the index: tantivy writes its list of files for its own user alone.
fn share(store: &Store) -> Result<(), LexicalError> {
    let allowed = fs_err::metadata(store.folder().join(crate::store::DATABASE))?.permissions();
    for name in ["meta.json", ".managed.json"] {
        let file = folder(store).join(name);
        if file.exists() {
            fs_err::set_permissions(file, allowed.clone())?;
        }
    }
    Ok(())
}

/// See [`super::health`].
pub(super) fn health(store: &Store) -> Result<Health, LexicalError> {
    let mut problems = Vec::new();
    let found = committed(store);
    if let Some((index, _)) = &found {
        match index.validate_checksum() {
            Ok(damaged) => problems.extend(
                damaged
                    .iter()
                    .map(|file| format!("{} of the index of words does not have its checksum", file.display())),
            ),
            Err(error) => problems.push(format!("the index of words cannot be read: {error}")),
        }
    } else if folder(store).join("meta.json").exists() {
        problems.push("the index of words on disk is damaged, or of another store or format".to_owned());
    }
    let after = Sequence(found.map_or(0, |(_, payload)| payload.sequence));
    Ok(Health { behind: store.articles_changed_after(after)?.len(), problems })
}
