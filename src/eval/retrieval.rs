//! Retrieval: is what answers a query among the first that are found?
//!
//! The passages go the way of articles into a store of their own, and queries take the way of `voisin search` up to the
//! ranking of articles: by words, by meaning and by both. So what is measured is what users get: the syntax of queries, how
//! passages are cut, titles, candidates, grouping and fusion, and not the model alone. A title is a passage of its own here,
//! where BEIR joins it to the text.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use super::data::{self, Collection, Document};
use super::metrics::Judged;
use super::{EvalError, Metric, Row, Subject};
use crate::embed::spec::Role;
use crate::engine::{self, PASSAGE_TOKENS};
use crate::index::{self, Choice};
use crate::ingest::prepare::{Prepared, prepare};
use crate::lexical;
use crate::search::{Fusion, Mode, Request, SearchError, Searcher};
use crate::store::{Making, Store};
use crate::types::{Article, ArticleId};

/// Articles that are ranked for each query: as deep as the deepest measure looks, and the query's own passage.
const DEPTH: usize = 101;

/// Passages that are cut, embedded and stored at a time.
const TOGETHER: usize = 2000;

/// The files of a data set: see [`data::collection`].
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// What is searched.
    pub passages: &'a Path,
    /// What is asked.
    pub queries: &'a Path,
    /// What answers what, where the queries do not say it.
    pub judgements: Option<&'a Path>,
}

/// Ways to search that are measured where none is chosen.
pub const MODES: [Mode; 3] = [Mode::Hybrid, Mode::Semantic, Mode::Lexical];

/// nDCG@10, recall@10, recall@100 and MRR@10: a row for each kind of query and each of `modes`. The store is made in
/// `scratch`, and removed.
///
/// # Errors
/// When a file cannot be used (see [`data::collection`]), or the model or the store fails.
pub fn retrieval(
    subject: &Subject<'_>,
    name: &str,
    files: &Files<'_>,
    ways: (&[Mode], Fusion),
    scratch: &Path,
) -> Result<Vec<Row>, EvalError> {
    let start = Instant::now();
    let Files { passages, queries, judgements } = *files;
    let collection = data::collection(passages, queries, judgements)?;
    answers(subject, (name, queries), &collection, ways, scratch, start)
}

/// [`retrieval`] on passages and queries from wherever; `name` of the data set comes with the file that errors name.
pub(super) fn answers(
    subject: &Subject<'_>,
    (name, file): (&str, &Path),
    Collection { documents, questions, unjudged }: &Collection,
    (modes, fusion): (&[Mode], Fusion),
    scratch: &Path,
    start: Instant,
) -> Result<Vec<Row>, EvalError> {
    let folder = tempfile::tempdir_in(scratch)?;
    let (store, mut cut) = fill(folder.path(), subject, documents)?;
    let vectors = index::open(&store, subject.embedder.isa(), Choice::Exact)?;
    let words = lexical::open(&store).map_err(SearchError::from)?;
    let embedded = subject.embed(questions.iter().map(|question| question.text.as_str()), Role::Query)?;
    cut += embedded.cut;
    let queries_with_vectors: Vec<(&str, Vec<f32>)> = questions
        .iter()
        .zip(embedded.vectors.rows())
        .map(|(question, row)| (question.text.as_str(), row.to_vec()))
        .collect();
    let searcher = Searcher {
        store: &store,
        vectors: &*vectors,
        words: &words,
        embedder: subject.embedder,
        reranker: None,
        groups: None,
    };

    let mut names: HashMap<ArticleId, &str> = HashMap::new();
    for document in documents {
        if let Some(article) = store.find(&document.id)? {
            names.insert(article, &document.id);
        }
    }
    let mut kinds: Vec<Option<&str>> = questions.iter().map(|question| question.kind.as_deref()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut rows = Vec::new();
    for &mode in modes {
        let rankings = rankings(&queries_with_vectors, mode, fusion, &searcher, subject.workers)?;
        for kind in &kinds {
            let mut values: [Vec<f64>; 4] = Default::default();
            for (question, ranking) in
                questions.iter().zip(&rankings).filter(|(question, _)| question.kind.as_deref() == *kind)
            {
                let ranking = ranking.iter().map(|(article, score)| (names[article], *score));
                let ranking = ranking.filter(|(name, _)| question.own.as_deref() != Some(*name));
                let gains = question.relevant.iter().map(|(id, gain)| (id.as_str(), *gain));
                let judged = Judged::new(ranking, gains).map_err(|error| EvalError::Data {
                    path: file.to_owned(),
                    what: format!("the query \"{}\": {error}", question.text),
                })?;
                let measured = [judged.ndcg_at(10), judged.recall_at(10), judged.recall_at(100), judged.mrr_at(10)];
                values.iter_mut().zip(measured).for_each(|(values, value)| values.push(value));
            }
            let metrics = ["ndcg@10", "recall@10", "recall@100", "mrr@10"]
                .iter()
                .zip(&values)
                .map(|(name, values)| Metric::mean(*name, values))
                .collect();
            let data = kind.map_or_else(|| name.to_owned(), |kind| format!("{name} {kind}"));
            let row = subject.row("retrieval", &data, values[0].len(), metrics, start);
            let note = || format!("{unjudged} queries that no judgement names were left out");
            let notes = if *unjudged > 0 { vec![note()] } else { Vec::new() };
            rows.push(Row { mode: Some(mode.name().to_owned()), cut_texts: cut, notes, ..row });
        }
    }
    Ok(rows)
}

/// A store of the documents, and how many of their texts were cut at the model's limit.
fn fill(folder: &Path, subject: &Subject<'_>, documents: &[Document]) -> Result<(Store, usize), EvalError> {
    let making = Making { model: subject.identity.clone(), passage_tokens: PASSAGE_TOKENS };
    let mut store = Store::open_to_write(folder, &making)?;
    let budget = engine::budget(PASSAGE_TOKENS, subject.embedder);
    let mut cut = 0;
    for documents in documents.chunks(TOGETHER) {
        let mut articles = Vec::new();
        let (mut keys, mut texts) = (Vec::new(), Vec::new());
        for document in documents {
            let article = Article {
                key: document.id.clone(),
                title: document.title.clone(),
                text: document.text.clone(),
                ..Article::default()
            };
            let Prepared { article, tokens } = prepare(article, subject.embedder, budget)?;
            articles.push(article);
            for (key, tokens) in tokens {
                keys.push(key);
                texts.push(tokens);
            }
        }
        cut += texts.iter().filter(|tokens| tokens.dropped > 0).count();
        let vectors = subject.embedder.embed_all(&texts, subject.workers)?;
        let vectors = keys.into_iter().zip(vectors.rows()).map(|(key, row)| (key, row.to_vec())).collect();
        store.put(&articles, &vectors)?;
    }
    Ok((store, cut))
}

/// The first articles for each query with its vector, in the order of the queries.
fn rankings(
    queries: &[(&str, Vec<f32>)],
    mode: Mode,
    fusion: Fusion,
    searcher: &Searcher<'_>,
    workers: usize,
) -> Result<Vec<Vec<(ArticleId, f32)>>, EvalError> {
    let rank = |searcher: &Searcher<'_>, (text, vector): &(&str, Vec<f32>)| {
        let request = Request { mode, fusion, fold: false, ..Request::new(text, DEPTH) };
        let mut question = searcher.understand(&request)?;
        question.vector = (mode != Mode::Lexical).then(|| vector.clone());
        let ranked = searcher.rank(&question, &request, request.k)?;
        Ok(ranked.into_iter().take(DEPTH).map(|candidate| (candidate.article, candidate.score)).collect())
    };
    let share = queries.len().div_ceil(workers.max(1)).max(1);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for queries in queries.chunks(share) {
            let store = searcher.store.reader()?;
            let Searcher { vectors, words, embedder, reranker, groups: _, store: _ } = *searcher;
            threads.push(scope.spawn(move || {
                let searcher = Searcher { store: &store, vectors, words, embedder, reranker, groups: None };
                queries.iter().map(|query| rank(&searcher, query)).collect::<Result<Vec<_>, SearchError>>()
            }));
        }
        let mut all = Vec::with_capacity(queries.len());
        for thread in threads {
            all.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(all)
    })
}
