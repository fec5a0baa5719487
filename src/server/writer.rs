//! The one thread that changes the store, and shows what it changed.
//!
//! Changes that wait are put together into one transaction. Whoever asked is answered when it is committed, which a power cut
//! does not undo; the views that answer are caught up right after.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::oneshot;

use super::embeddings::Embeddings;
use super::keeper::Bell;
use super::problem::Problem;
use super::queue::{Queue, Refused};
use super::readers::Shown;
use crate::embed::batch::share;
use crate::embed::cores;
use crate::engine::{Views, budget};
use crate::ingest::prepare::{Prepared, prepare};
use crate::store::{ContentHash, Held, NewArticle, Store, TextKey};
use crate::types::{Article, VectorId};

/// Bytes of articles that are stored in one transaction, if so many wait.
const TRANSACTION: usize = 1 << 20;

/// Vectors that are looked at in one go when those are removed that nothing uses any more.
const SWEPT: usize = 10_000;

/// What became of an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was not in the store.
    Added,
    /// It replaced one of the same id.
    Changed,
    /// It was stored already, just as it is.
    Unchanged,
    /// It was removed.
    Removed,
    /// There was none of this id.
    Missing,
}

enum Change {
    Put(Vec<Article>),
    Remove(Vec<String>),
    /// Views that were opened anew take the place of those that grew.
    Rebase(Box<Views>),
    /// Vectors after this one, and labels, that nothing uses any more are removed: some at a time, so that nobody waits long.
    Sweep(VectorId),
}

struct Request {
    change: Change,
    answer: Answer,
}

/// Whoever waits for what becomes of a request.
type Answer = oneshot::Sender<Result<Vec<Outcome>, Problem>>;

/// What has been done so far.
#[derive(Default)]
pub struct Counts {
    /// Changes of articles that were acknowledged.
    pub changes: AtomicU64,
    /// Transactions.
    pub transactions: AtomicU64,
    /// Microseconds from taking up the last changes until the views that answer had them.
    pub shown_after_micros: AtomicU64,
}

/// Changes a store, one transaction after the other.
pub struct Writer {
    queue: Arc<Queue<Request>>,
    counts: Arc<Counts>,
}

impl Writer {
    /// Starts the thread, which ends when the line is [closed](Self::close) and empty.
    pub fn start(
        store: Store,
        embeddings: Arc<Embeddings>,
        shown: Arc<Shown>,
        bell: Bell,
        waiting_bytes: usize,
    ) -> (Self, JoinHandle<()>) {
        let (queue, counts) = (Queue::new(waiting_bytes), Arc::new(Counts::default()));
        let writer = Self { queue: queue.clone(), counts: counts.clone() };
        let thread = std::thread::spawn(move || {
            let mut work = Work { queue: queue.clone(), store, embeddings, shown, bell, counts };
            while let Some(requests) = queue.take(TRANSACTION, Duration::ZERO) {
                // What panics answers nobody, so its requests fail; the transaction is rolled back.
                if catch_unwind(AssertUnwindSafe(|| work.all(requests))).is_err() {
                    tracing::error!("storing panicked");
                    // Of what was committed before.
                    work.show_changes(Instant::now());
                }
            }
        });
        (writer, thread)
    }

    /// What has been done so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Changes that wait, and their bytes.
    pub fn waiting(&self) -> (usize, usize) {
        self.queue.waiting()
    }

    /// Stores articles, replacing those of the same ids: when this returns they are safe, all or none. A caller that gives up
    /// before it was begun takes them out of the line.
    ///
    /// # Errors
    /// When the line is full, the server is ending, the tokenizer refuses a text, or the store fails.
    pub async fn put(&self, articles: Vec<Article>) -> Result<Vec<Outcome>, Problem> {
        let weight = articles.iter().map(size).sum();
        self.ask(weight, Change::Put(articles)).await
    }

    /// Removes articles by their ids: when this returns they are gone for good.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn remove(&self, ids: Vec<String>) -> Result<Vec<Outcome>, Problem> {
        self.ask(64 * ids.len(), Change::Remove(ids)).await
    }

    async fn ask(&self, weight: usize, change: Change) -> Result<Vec<Outcome>, Problem> {
        let (answer, receiver) = oneshot::channel();
        let place = self.queue.join(vec![(weight, Request { change, answer })]);
        let _place = place.map_err(|refused| match refused {
            Refused::Closed => Problem::unavailable("the server is ending: ask again when it is back", None),
            Refused::Full(bytes) => {
                let message = format!("{bytes} bytes of articles wait to be stored already: come again later");
                Problem::busy(message, Duration::from_secs(1 + bytes as u64 / TRANSACTION as u64))
            }
        })?;
        receiver.await.unwrap_or_else(|_| Err(Problem::internal(&"storing panicked")))
    }

    /// Lets these views answer, caught up, in the place of those that grew.
    pub fn rebase(&self, views: Views) {
        self.tell(Change::Rebase(Box::new(views)));
    }

    /// Removes what nothing in the store uses any more.
    pub fn sweep(&self) {
        self.tell(Change::Sweep(VectorId(0)));
    }

    fn tell(&self, change: Change) {
        tell(&self.queue, change);
    }

    /// Lets nothing more in; what waits is still stored.
    pub fn close(&self) {
        self.queue.close();
    }
}

/// Bytes of an article, about.
fn size(article: &Article) -> usize {
    let fields: usize = article.metadata.iter().map(|(name, value)| name.len() + value.to_string().len()).sum();
    article.text.len() + article.title.as_ref().map_or(0, String::len) + fields + 64
}

/// Puts a change into the line that nobody waits for.
fn tell(queue: &Arc<Queue<Request>>, change: Change) {
    let (answer, _) = oneshot::channel();
    // At the end nobody needs it.
    if let Ok(place) = queue.join_anyhow(vec![(0, Request { change, answer })]) {
        place.keep();
    }
}

struct Work {
    queue: Arc<Queue<Request>>,
    store: Store,
    embeddings: Arc<Embeddings>,
    shown: Arc<Shown>,
    bell: Bell,
    counts: Arc<Counts>,
}

impl Work {
    fn all(&mut self, requests: Vec<Request>) {
        let mut puts: Vec<(Vec<Article>, Answer)> = Vec::new();
        for Request { change, answer } in requests {
            if let Change::Put(articles) = change {
                puts.push((articles, answer));
                continue;
            }
            // In the order in which they came.
            self.put_together(std::mem::take(&mut puts));
            match change {
                Change::Remove(ids) => {
                    let start = Instant::now();
                    let removed = self.remove(&ids);
                    let changed = removed.as_ref().is_ok_and(|outcomes| outcomes.contains(&Outcome::Removed));
                    let _ = answer.send(removed);
                    if changed {
                        self.show_changes(start);
                    }
                }
                Change::Rebase(views) => self.show(&views),
                Change::Sweep(after) => match self.store.sweep_after(after, SWEPT) {
                    Ok((_, Some(last))) => tell(&self.queue, Change::Sweep(last)),
                    Ok((_, None)) => {}
                    Err(error) => tracing::error!(%error, "cannot remove what is not used any more"),
                },
                Change::Put(_) => {}
            }
        }
        self.put_together(puts);
    }

    /// Shows what has changed since `start`, and wakes the keeper.
    fn show_changes(&self, start: Instant) {
        let (_, views) = self.shown.now();
        self.show(&views);
        self.counts.shown_after_micros.store(start.elapsed().as_micros() as u64, Ordering::Relaxed);
        self.bell.ring();
    }

    /// Catches views up and lets them answer.
    fn show(&self, views: &Views) {
        match views.caught_up(&self.store) {
            Ok(views) => self.shown.show(Arc::new(views)),
            Err(error) => tracing::error!(%error, "what was stored cannot be shown yet"),
        }
    }

    /// Stores the articles of several requests in one transaction; where that fails, those of each in one of their own.
    fn put_together(&mut self, requests: Vec<(Vec<Article>, Answer)>) {
        let start = Instant::now();
        let mut ready: Vec<Vec<Prepared>> = Vec::new();
        let mut replies: Vec<(Answer, Vec<Outcome>)> = Vec::new();
        let mut before = HashSet::new();
        for (articles, answer) in requests {
            match self.prepared(articles, &mut before) {
                Ok((outcomes, articles)) => {
                    replies.push((answer, outcomes));
                    ready.push(articles);
                }
                Err(problem) => drop(answer.send(Err(problem))),
            }
        }
        let together: Vec<&Prepared> = ready.iter().flatten().collect();
        let alone = self.put(&together).err();
        let mut changed = 0;
        for ((answer, outcomes), articles) in replies.into_iter().zip(&ready) {
            let result = match &alone {
                None => Ok(()),
                Some(problem) if ready.len() == 1 => Err(problem.clone()),
                Some(_) => self.put(&articles.iter().collect::<Vec<_>>()),
            };
            if result.is_ok() {
                changed += articles.len();
                self.counts.changes.fetch_add(articles.len() as u64, Ordering::Relaxed);
            }
            // Whoever asked may have gone.
            let _ = answer.send(result.map(|()| outcomes));
        }
        if changed > 0 {
            self.show_changes(start);
        }
    }

    /// Cuts articles into passages, but those that are stored as they are. `before` holds the ids of earlier ones of the same
    /// transaction, which the store does not have yet.
    fn prepared(
        &self,
        articles: Vec<Article>,
        before: &mut HashSet<String>,
    ) -> Result<(Vec<Outcome>, Vec<Prepared>), Problem> {
        let mut outcomes = Vec::with_capacity(articles.len());
        let mut new = Vec::new();
        for article in articles {
            let outcome = match self.store.holds(&article.key, ContentHash::of(&article))? {
                _ if !before.insert(article.key.clone()) => Outcome::Changed,
                Held::Other => Outcome::Changed,
                Held::Same => Outcome::Unchanged,
                Held::Nothing => Outcome::Added,
            };
            outcomes.push(outcome);
            if outcome != Outcome::Unchanged {
                new.push(article);
            }
        }
        let embedder = self.embeddings.embedder();
        let budget = budget(self.store.passage_tokens(), embedder);
        let ready = share(&new, cores(), |article: &Article| prepare(article.clone(), embedder, budget))?;
        Ok((outcomes, ready))
    }

    /// Embeds what the store has no vectors of, and stores it.
    fn put(&mut self, articles: &[&Prepared]) -> Result<(), Problem> {
        if articles.is_empty() {
            return Ok(());
        }
        let (mut keys, mut texts, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (key, tokens) in articles.iter().flat_map(|prepared| &prepared.tokens) {
            if seen.insert(*key) && !self.store.has_vector(*key)? {
                keys.push(*key);
                texts.push(tokens.clone());
            }
        }
        let vectors: HashMap<TextKey, Vec<f32>> = keys.into_iter().zip(self.embeddings.embed_waiting(texts)?).collect();
        let articles: Vec<NewArticle> = articles.iter().map(|prepared| prepared.article.clone()).collect();
        self.store.put(&articles, &vectors)?;
        self.counts.transactions.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn remove(&mut self, ids: &[String]) -> Result<Vec<Outcome>, Problem> {
        let (mut outcomes, mut found) = (Vec::with_capacity(ids.len()), Vec::new());
        for id in ids {
            let article = self.store.find(id)?;
            outcomes.push(if article.is_some() { Outcome::Removed } else { Outcome::Missing });
            found.extend(article);
        }
        self.store.remove(&found)?;
        self.counts.changes.fetch_add(found.len() as u64, Ordering::Relaxed);
        self.counts.transactions.fetch_add(1, Ordering::Relaxed);
        Ok(outcomes)
    }
}
