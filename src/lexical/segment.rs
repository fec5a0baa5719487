//! A part of the index as it is searched: documents, without those that are of another time.

use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::directory::OwnedBytes;
use tantivy::fastfield::{AliveBitSet, write_alive_bitset};
use tantivy::schema::IndexRecordOption;
use tantivy::{BitSet, DocId, DocSet, SegmentReader, TERMINATED, Term};

use super::document::Fields;
use crate::store::ArticleSet;
use crate::types::ArticleId;

/// A part of the index. What is open stays readable, whatever becomes of its files.
#[derive(Clone)]
pub(super) struct Segment {
    pub(super) reader: SegmentReader,
    /// The article of each document.
    articles: Column<u64>,
    /// Articles whose documents here are of another time.
    outdated: Arc<ArticleSet>,
}

impl Segment {
    /// A part of the index, without the documents of some articles.
    pub(super) fn new(reader: SegmentReader, outdated: Arc<ArticleSet>) -> tantivy::Result<Self> {
        let articles = reader.fast_fields().u64("article")?;
        Ok(Self { reader, articles, outdated })
    }

    /// The same part without the documents of other articles.
    pub(super) fn without(&self, outdated: Arc<ArticleSet>) -> Self {
        Self { outdated, ..self.clone() }
    }

    /// Articles whose documents here are of another time.
    pub(super) fn outdated(&self) -> &ArticleSet {
        &self.outdated
    }

    /// The article of a document, unless that is of another time.
    pub(super) fn article(&self, document: DocId) -> Option<ArticleId> {
        if self.reader.is_deleted(document) {
            return None;
        }
        let article = ArticleId(self.articles.first(document)? as i64);
        (!self.outdated.contains(article)).then_some(article)
    }

    /// The document of an article.
    pub(super) fn document(&self, fields: &Fields, article: ArticleId) -> tantivy::Result<Option<DocId>> {
        if self.outdated.contains(article) {
            return Ok(None);
        }
        let term = Term::from_field_u64(fields.article, article.0 as u64);
        let index = self.reader.inverted_index(fields.article)?;
        let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else { return Ok(None) };
        let mut document = postings.doc();
        while document != TERMINATED && self.reader.is_deleted(document) {
            document = postings.advance();
        }
        Ok((document != TERMINATED).then_some(document))
    }

    /// The documents that are not of another time, as tantivy takes them.
    pub(super) fn alive(&self) -> std::io::Result<AliveBitSet> {
        let mut alive = BitSet::with_max_value(self.reader.max_doc());
        for document in (0..self.reader.max_doc()).filter(|&document| self.article(document).is_some()) {
            alive.insert(document);
        }
        let mut bytes = Vec::new();
        write_alive_bitset(&alive, &mut bytes)?;
        Ok(AliveBitSet::open(OwnedBytes::new(bytes)))
    }
}
