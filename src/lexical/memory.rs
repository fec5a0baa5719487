//! What changed after the index on disk was written, indexed in memory.
//!
//! It lies in parts that never change, so that views which were caught up from one another share them, and neither threads nor
//! locks are kept for them. Each catch-up makes one more part, of the articles that changed, and merges the last ones so that
//! each has more articles than all that follow it. So there are few parts, an article is written some ten times while a
//! thousand others come one by one, and documents that were replaced or removed are dropped before there are many of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use tantivy::directory::RamDirectory;
use tantivy::indexer::merge_filtered_segments;
use tantivy::{Index, IndexSettings, SegmentReader};

use super::LexicalError;
use super::disk::{LARGE, add, writer};
use super::document::Fields;
use super::segment::Segment;
use crate::store::{ArticleSet, Store};
use crate::types::ArticleId;

/// Bytes by which tantivy chooses the size that its table of words begins with.
const TABLE: usize = 1 << 20;

/// The index in memory.
#[derive(Clone, Default)]
pub(super) struct Memory {
    parts: Vec<Part>,
}

/// A part of it.
#[derive(Clone)]
struct Part {
    files: tantivy::Segment,
    searched: Segment,
    /// Articles that it has and no later part.
    articles: usize,
}

impl Memory {
    /// The parts as they are searched.
    pub(super) fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.parts.iter().map(|part| &part.searched)
    }

    /// The same with some articles as the store has them now, if it has them; the languages of these are added.
    pub(super) fn with(
        &self,
        fields: &Fields,
        store: &Store,
        changed: &[ArticleId],
        languages: &mut BTreeSet<String>,
    ) -> Result<Self, LexicalError> {
        let mut memory = Self::default();
        for part in &self.parts {
            memory.parts.extend(part.without(fields, changed)?);
        }
        if let Some(index) = indexed(fields, store, changed, languages)? {
            for files in index.searchable_segments()? {
                memory.parts.push(Part::new(files)?);
            }
        }
        memory.join()?;
        Ok(memory)
    }

    /// Merges the last parts, so that each has more articles than all that follow it.
    fn join(&mut self) -> tantivy::Result<()> {
        let articles = |parts: &[Part]| parts.iter().map(|part| part.articles).sum::<usize>();
        let small = |&at: &usize| self.parts[at].articles <= articles(&self.parts[at + 1..]);
        if let Some(from) = (0..self.parts.len()).find(small) {
            let joined = Part::joined(&self.parts[from..])?;
            self.parts.truncate(from);
            self.parts.push(joined);
        }
        Ok(())
    }
}

impl Part {
    fn new(files: tantivy::Segment) -> tantivy::Result<Self> {
        let searched = Segment::new(SegmentReader::open(&files)?, Arc::default())?;
        Ok(Self { articles: searched.reader.num_docs() as usize, files, searched })
    }

    /// The part without articles that have changed; `None` where it has no others.
    fn without(&self, fields: &Fields, changed: &[ArticleId]) -> tantivy::Result<Option<Self>> {
        let mut outdated = Vec::new();
        for &article in changed {
            outdated.extend(self.searched.document(fields, article)?.map(|_| article));
        }
        if outdated.is_empty() {
            return Ok(Some(self.clone()));
        }
        let (files, articles) = (self.files.clone(), self.articles - outdated.len());
        let outdated: ArticleSet = self.searched.outdated().iter().chain(outdated).collect();
        let searched = self.searched.without(Arc::new(outdated));
        Ok((articles > 0).then_some(Self { files, searched, articles }))
    }

    /// The articles of some parts as one.
    fn joined(parts: &[Self]) -> tantivy::Result<Self> {
        let (mut files, mut alive) = (Vec::new(), Vec::new());
        for part in parts {
            files.push(part.files.clone());
            alive.push(if part.searched.outdated().is_empty() { None } else { Some(part.searched.alive()?) });
        }
        let joined = merge_filtered_segments(&files, IndexSettings::default(), alive, RamDirectory::create())?;
        Self::new(joined.searchable_segments()?.remove(0))
    }
}

/// An index of those articles that the store has; `None` where it has none of them.
fn indexed(
    fields: &Fields,
    store: &Store,
    articles: &[ArticleId],
    languages: &mut BTreeSet<String>,
) -> Result<Option<Index>, LexicalError> {
    let (schema, _) = Fields::schema();
    if articles.len() >= LARGE {
        let index = Index::create_in_ram(schema);
        let mut writer = writer(&index, articles.len())?;
        let added = add(fields, store, articles, languages, |document| writer.add_document(document).map(|_| ()))?;
        writer.commit()?;
        writer.wait_merging_threads()?;
        return Ok((added > 0).then_some(index));
    }
    // Starts no thread, of which a writer has several.
    let mut writer = Index::builder().schema(schema).single_segment_index_writer(RamDirectory::create(), TABLE)?;
    let added = add(fields, store, articles, languages, |document| writer.add_document(document))?;
    Ok(if added > 0 { Some(writer.finalize()?) } else { None })
}
