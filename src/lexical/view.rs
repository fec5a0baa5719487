//! The index as it is searched: what lies on disk, and what came later in memory. Both are scored with the same statistics,
//! so the rank of an article does not depend on where it lies.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use tantivy::query::{Bm25StatisticsProvider, EnableScoring};
use tantivy::{DocId, Index, ReloadPolicy, Searcher, SegmentReader};

use super::clause::{Clause, clauses, in_a_row};
use super::disk::{self, OnDisk};
use super::document::{DEFAULT_LANGUAGE, Fields, is_capitalised, place};
use super::memory::Memory;
use super::question::{asked, phrase};
use super::segment::Segment;
use super::{Found, LexicalError, Phrase, Query, Term};
use crate::store::{ArticleSet, Field, Filter, Store};
use crate::text::name_keys;
use crate::text::terms::{Word, is_stop_word, stem, words};
use crate::types::{ArticleId, Sequence, Span};

/// Distinct words of a query that are looked for: the rarest of them, where there are more.
const MOST_WORDS: usize = 64;

/// The view of a store that finds articles by their words. A search changes nothing, and any number may run at once.
pub struct LexicalView {
    fields: Fields,
    held: Held,
    /// Of an empty index: what tantivy wants to see where it is given statistics.
    searcher: Searcher,
    statistics: Statistics,
    /// That articles are written in; there is at least one.
    languages: Vec<String>,
}

/// What a view is made of.
struct Held {
    on_disk: Vec<Segment>,
    in_memory: Memory,
    /// That articles are written in.
    languages: BTreeSet<String>,
    /// The change of the store that all this is up to.
    sequence: Sequence,
}

/// What BM25 counts, over all parts. Documents that are passed over count until a merge drops them: those on disk when it is written,
/// those in memory when parts are joined.
struct Statistics {
    readers: Vec<SegmentReader>,
}

impl Bm25StatisticsProvider for Statistics {
    fn total_num_tokens(&self, field: tantivy::schema::Field) -> tantivy::Result<u64> {
        self.readers.iter().map(|reader| Ok(reader.inverted_index(field)?.total_num_tokens())).sum()
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.readers.iter().map(|reader| u64::from(reader.max_doc())).sum())
    }

    fn doc_freq(&self, term: &tantivy::Term) -> tantivy::Result<u64> {
        let frequency = |reader: &SegmentReader| Ok(u64::from(reader.inverted_index(term.field())?.doc_freq(term)?));
        self.readers.iter().map(frequency).sum()
    }
}

impl Held {
    fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.on_disk.iter().chain(self.in_memory.segments())
    }
}

impl LexicalView {
    /// See [`super::open`].
    pub(super) fn open(store: &Store) -> Result<Self, LexicalError> {
        // Read first: articles that change later are indexed twice rather than never.
        let sequence = store.sequence()?;
        let (schema, fields) = Fields::schema();
        let OnDisk { readers, mut languages, changed } = disk::open(store)?;
        let in_memory = Memory::default().with(&fields, store, &changed, &mut languages)?;
        let outdated = Arc::new(changed.into_iter().collect());
        let on_disk = readers.into_iter().map(|reader| Segment::new(reader, Arc::clone(&outdated)));
        let on_disk = on_disk.collect::<tantivy::Result<_>>()?;
        let reader = Index::create_in_ram(schema).reader_builder().reload_policy(ReloadPolicy::Manual);
        let searcher = reader.try_into()?.searcher();
        Ok(Self::of(fields, searcher, Held { on_disk, in_memory, languages, sequence }))
    }

    /// The same view with what has changed in the store since, for whoever answers while the store is written to.
    ///
    /// All that this view has is shared with the new one, and both go on answering whatever becomes of the files on disk: it
    /// costs the articles that have changed, at any size of the store. What was persisted in the meantime is taken up by opening
    /// the view anew; until then, what has changed since this one was opened lies in memory.
    ///
    /// The same articles are found as by a view that is opened now. Their scores differ a little where articles were replaced or
    /// removed: documents of another time count as documents until they are dropped, which two views do at different times; and a
    /// language that no article is written in any more is known until the view is opened anew.
    ///
    /// # Errors
    /// When the store or a file fails.
    pub fn caught_up(&self, store: &Store) -> Result<Self, LexicalError> {
        let Held { on_disk, in_memory, languages, sequence } = &self.held;
        // A reader that began before may see less of the store than this view does.
        let (now, changed) = (store.sequence()?.max(*sequence), store.articles_changed_after(*sequence)?);
        let mut languages = languages.clone();
        let in_memory = in_memory.with(&self.fields, store, &changed, &mut languages)?;
        // All parts on disk pass over the same articles.
        let before = on_disk.iter().take(1).flat_map(|segment| segment.outdated().iter());
        let outdated = Arc::new(before.chain(changed).collect());
        let on_disk = on_disk.iter().map(|segment| segment.without(Arc::clone(&outdated))).collect();
        let held = Held { on_disk, in_memory, languages, sequence: now };
        Ok(Self::of(self.fields, self.searcher.clone(), held))
    }

    fn of(fields: Fields, searcher: Searcher, held: Held) -> Self {
        let statistics = Statistics { readers: held.segments().map(|segment| segment.reader.clone()).collect() };
        let mut languages: Vec<String> = held.languages.iter().cloned().collect();
        if languages.is_empty() {
            languages.push(DEFAULT_LANGUAGE.to_owned());
        }
        Self { fields, held, searcher, statistics, languages }
    }

    /// How many parts there are in memory, and documents in them.
    #[cfg(test)]
    pub(super) fn parts_in_memory(&self) -> (usize, usize) {
        let parts = self.held.in_memory.segments();
        parts.fold((0, 0), |(parts, documents), part| (parts + 1, documents + part.reader.max_doc() as usize))
    }

    /// The change of the store that the view is up to.
    pub fn sequence(&self) -> Sequence {
        self.held.sequence
    }

    /// How many articles can be found.
    pub fn len(&self) -> usize {
        self.articles().len()
    }

    /// Whether none can be found.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All articles that can be found.
    fn articles(&self) -> ArticleSet {
        let of = |segment: &Segment| {
            (0..segment.reader.max_doc()).filter_map(|document| segment.article(document)).collect::<Vec<_>>()
        };
        self.held.segments().flat_map(of).collect()
    }

    /// The `k` best articles, greatest score first, equal scores in the order of articles.
    ///
    /// An article is found that has a word of `words` or a phrase of `required`, satisfies `required` and `excluded`, and is
    /// `allowed`; exactly `k` come if there are that many.
    ///
    /// # Errors
    /// When a file of the index cannot be read.
    pub fn search(&self, query: &Query, k: usize, allowed: Option<&ArticleSet>) -> Result<Vec<Found>, LexicalError> {
        let constraint = self.constraint(query)?;
        let may_be = |article| {
            allowed.is_none_or(|allowed| allowed.contains(article))
                && constraint.as_ref().is_none_or(|constraint| constraint.contains(article))
        };
        let clauses = self.clauses(query)?;
        let mut found = Vec::new();
        for segment in self.held.segments() {
            let mut scores = vec![0.0f32; segment.reader.max_doc() as usize];
            for clause in &clauses {
                let scoring = clause.scoring(self.scoring())?;
                scoring.for_each(&segment.reader, &mut |document, score| {
                    scores[document as usize] += clause.weight * score;
                })?;
            }
            for (document, &score) in scores.iter().enumerate().filter(|(_, score)| **score > 0.0) {
                if let Some(article) = segment.article(document as DocId).filter(|&article| may_be(article)) {
                    found.push(Found { article, score });
                }
            }
        }
        let better = |a: &Found, b: &Found| b.score.total_cmp(&a.score).then(a.article.cmp(&b.article));
        if k < found.len() {
            found.select_nth_unstable_by(k, better);
            found.truncate(k);
        }
        found.sort_unstable_by(better);
        Ok(found)
    }

    /// The score of each of the given articles, 0 for one that has none of the words. `required` and `excluded` are not
    /// enforced.
    ///
    /// # Errors
    /// When a file of the index cannot be read.
    pub fn scores(&self, query: &Query, articles: &[ArticleId]) -> Result<Vec<f32>, LexicalError> {
        let mut scores = vec![0.0; articles.len()];
        self.shares(&self.clauses(query)?, articles, |at, _, share| scores[at] += share)?;
        Ok(scores)
    }

    /// Which parts of the query an article has, each with its share of the article's score, in the order of the query.
    ///
    /// # Errors
    /// When a file of the index cannot be read.
    pub fn explain(&self, query: &Query, article: ArticleId) -> Result<Vec<Term>, LexicalError> {
        let mut terms = Vec::new();
        self.shares(&self.clauses(query)?, &[article], |_, clause, score| {
            terms.push(Term { term: clause.term.clone(), kind: clause.kind, field: clause.field, score });
        })?;
        Ok(terms)
    }

    /// All articles that satisfy `required` and `excluded`, whatever their words. `None` where there is neither.
    ///
    /// # Errors
    /// When a file of the index cannot be read.
    pub fn constraint(&self, query: &Query) -> Result<Option<ArticleSet>, LexicalError> {
        let asks = |phrases: &[Phrase]| phrases.iter().map(|one| (phrase(one), one.field)).collect::<Vec<_>>();
        let (mut required, mut excluded) = (asks(&query.required), asks(&query.excluded));
        required.retain(|(words, _)| !words.is_empty());
        excluded.retain(|(words, _)| !words.is_empty());
        if required.is_empty() && excluded.is_empty() {
            return Ok(None);
        }
        let mut articles = Vec::new();
        for segment in self.held.segments() {
            let mut may_be = vec![true; segment.reader.max_doc() as usize];
            for (phrases, must) in [(&required, true), (&excluded, false)] {
                for (words, field) in phrases {
                    let has = self.having(segment, words, *field)?;
                    may_be.iter_mut().zip(has).for_each(|(may_be, has)| *may_be &= has == must);
                }
            }
            let documents = may_be.iter().enumerate().filter(|(_, may_be)| **may_be);
            articles.extend(documents.filter_map(|(document, _)| segment.article(document as DocId)));
        }
        Ok(Some(articles.into_iter().collect()))
    }

    /// The articles that have every word of `words`, in the title or the body, in whatever form; none where there is no word.
    ///
    /// # Errors
    /// When a file of the index cannot be read.
    pub fn with_every_word(&self, query: &Query) -> Result<ArticleSet, LexicalError> {
        let asked = asked(&query.words, &self.languages);
        let mut articles = Vec::new();
        for segment in self.held.segments().filter(|_| !asked.is_empty()) {
            let mut has_all = vec![true; segment.reader.max_doc() as usize];
            for word in &asked {
                let mut has = vec![false; has_all.len()];
                let frequency = |term: &tantivy::Term| self.statistics.doc_freq(term);
                for clause in clauses(&self.fields, std::slice::from_ref(word), &[], &[], frequency)? {
                    let unscored = EnableScoring::disabled_from_searcher(&self.searcher);
                    clause.query.weight(unscored)?.for_each_no_score(&segment.reader, &mut |documents| {
                        documents.iter().for_each(|&document| has[document as usize] = true);
                    })?;
                }
                has_all.iter_mut().zip(has).for_each(|(all, has)| *all &= has);
            }
            let documents = has_all.iter().enumerate().filter(|(_, has)| **has);
            articles.extend(documents.filter_map(|(document, _)| segment.article(document as DocId)));
        }
        Ok(articles.into_iter().collect())
    }

    /// For each document of a part, whether it has these words next to each other.
    fn having(&self, segment: &Segment, words: &[String], field: Option<Field>) -> tantivy::Result<Vec<bool>> {
        let mut has = vec![false; segment.reader.max_doc() as usize];
        for field in [Field::Title, Field::Body].into_iter().filter(|one| field.is_none_or(|only| only == *one)) {
            let phrase = in_a_row(self.fields.exact[place(field)], words);
            let unscored = EnableScoring::disabled_from_searcher(&self.searcher);
            phrase.weight(unscored)?.for_each_no_score(&segment.reader, &mut |documents| {
                documents.iter().for_each(|&document| has[document as usize] = true);
            })?;
        }
        Ok(has)
    }

    /// The words of `text`, in `language`, that match the query, and phrases of it: for marking. In order, not overlapping.
    pub fn marks(&self, query: &Query, text: &str, language: Option<&str>) -> Vec<Span> {
        let asked = asked(&query.words, &self.languages);
        let language = language.unwrap_or(DEFAULT_LANGUAGE);
        let forms: HashSet<&String> = asked.iter().map(|asked| &asked.form).collect();
        let stems: HashSet<&String> = asked.iter().flat_map(|asked| &asked.stems).collect();
        let names: HashSet<&String> = asked.iter().flat_map(|asked| &asked.names).collect();
        let matches = |word: &Word| {
            forms.contains(&word.form)
                || !is_stop_word(language, &word.form) && stems.contains(&stem(language, &word.form))
                || !names.is_empty()
                    && is_capitalised(text, word)
                    && name_keys(&text[word.span.range()]).iter().any(|key| names.contains(key))
        };
        let found = words(text);
        let mut marked: Vec<bool> = found.iter().map(matches).collect();
        for wanted in query.required.iter().chain(&query.preferred) {
            let phrase = phrase(wanted);
            for at in 0..(found.len() + 1).saturating_sub(phrase.len()) {
                if found[at..].iter().zip(&phrase).all(|(word, form)| word.form == *form) {
                    marked[at..at + phrase.len()].fill(true);
                }
            }
        }
        found.iter().zip(marked).filter(|(_, marked)| *marked).map(|(word, _)| word.span).collect()
    }

    /// What is wrong with the view, a line each: files that do not have their checksums, articles that are missing or too many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn verify(&self, store: &Store) -> Result<Vec<String>, LexicalError> {
        // How far the files are behind is no damage: what they lack is in memory.
        let mut wrong = disk::health(store)?.problems;
        let (held, stored) = (self.articles(), store.articles_matching(&Filter::default())?);
        let shared = held.intersect(&stored).len();
        for (count, what) in [
            (stored.len() - shared, "of the store are not in the view of words"),
            (held.len() - shared, "of the view of words are not in the store"),
        ] {
            if count > 0 {
                wrong.push(format!("{count} articles {what}"));
            }
        }
        Ok(wrong)
    }

    fn scoring(&self) -> EnableScoring<'_> {
        EnableScoring::enabled_from_statistics_provider(&self.statistics, &self.searcher)
    }

    /// What to look for: of a long text, its rarest words.
    fn clauses(&self, query: &Query) -> Result<Vec<Clause>, LexicalError> {
        let mut asked = asked(&query.words, &self.languages);
        if asked.len() > MOST_WORDS {
            let mut frequencies = Vec::with_capacity(asked.len());
            for (at, word) in asked.iter().enumerate() {
                let term = tantivy::Term::from_field_text(self.fields.exact[place(Field::Body)], &word.form);
                let frequency = self.statistics.doc_freq(&term)?;
                // What no article has is not rare: it is nothing.
                frequencies.push((frequency == 0, frequency, at));
            }
            frequencies.sort_unstable();
            let mut kept: Vec<usize> = frequencies.into_iter().take(MOST_WORDS).map(|(.., at)| at).collect();
            kept.sort_unstable();
            asked = kept.into_iter().map(|at| asked[at].clone()).collect();
        }
        let whole: Vec<String> = words(&query.words).into_iter().map(|word| word.form).collect();
        let phrases: Vec<&Phrase> = query.required.iter().chain(&query.preferred).collect();
        Ok(clauses(&self.fields, &asked, &whole, &phrases, |term| self.statistics.doc_freq(term))?)
    }

    /// Calls `visit` with the place of an article among `articles`, a clause that it fits, and its share of the score.
    fn shares(
        &self,
        clauses: &[Clause],
        articles: &[ArticleId],
        mut visit: impl FnMut(usize, &Clause, f32),
    ) -> Result<(), LexicalError> {
        for segment in self.held.segments() {
            let mut places: Vec<(DocId, usize)> = Vec::new();
            for (at, article) in articles.iter().enumerate() {
                places.extend(segment.document(&self.fields, *article)?.map(|document| (document, at)));
            }
            places.sort_unstable();
            if places.is_empty() {
                continue;
            }
            for clause in clauses {
                let mut scorer = clause.scoring(self.scoring())?.scorer(&segment.reader, 1.0)?;
                for &(document, at) in &places {
                    if scorer.doc() < document {
                        scorer.seek(document);
                    }
                    if scorer.doc() == document {
                        visit(at, clause, clause.weight * scorer.score());
                    }
                }
            }
        }
        Ok(())
    }
}
