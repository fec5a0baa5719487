//! The threads between the input and the store.
//!
//! ```text
//! reader ─ reads, passes over what is stored, cuts, tokenises ─▶ batches ─▶ worker 1 … n ─▶ vectors ─▶ writer
//!        └───────────────────────── articles, in the order of reading ──────────────────────────────▶
//! ```
//!
//! The writer is the calling thread. It stores an article when its vectors have arrived and every article before it is
//! stored or about to be, a transaction at a time. All queues are bounded, so memory does not grow with the input. Texts
//! of a window of articles are sorted by length and packed by tokens before they are handed to the workers, those left out
//! that the cache knows: the reader looks them up, and the writer keeps what the workers give.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::prepare::{Prepared, prepare};
use super::read::{self, Input, Note, Options, Problem};
use super::recall::Recall;
use crate::chunk::Budget;
use crate::embed::tokenize::Tokens;
use crate::embed::{EmbedError, Embedder, batch};
use crate::store::{CacheError, ContentHash, Held, NewArticle, Store, StoreError, TextKey, VectorCache};
use crate::types::Article;

/// Texts that are sorted and packed together: enough to fill passes, few enough that a stop loses seconds.
const WINDOW: usize = 256;

/// Articles of one transaction, and of one window, at most.
const TRANSACTION: usize = 256;

/// How long finished articles may wait for their transaction, and texts for their window to fill.
const COMMIT_EVERY: Duration = Duration::from_millis(1000);

/// What to index, and how.
pub struct Job<'a> {
    /// Files, folders, standard input.
    pub inputs: &'a [Input],
    /// How to read them.
    pub options: &'a Options,
    /// How long passages are.
    pub budget: Budget,
    /// Threads that embed.
    pub workers: usize,
    /// The file of vectors that were embedded before, for this store or another; made if need be. `None` does without.
    pub cache: Option<&'a Path>,
    /// Set by someone else to stop: what is finished is stored, the rest is left for the next run.
    pub stop: &'a AtomicBool,
    /// When reading ends, if not with the input; all that was read by then is stored.
    pub until: Option<Instant>,
}

/// What happens during a run, for people to see.
pub enum Event {
    /// An article was kept with a remark.
    Note(Note),
    /// An input was left out.
    Skipped(Problem),
    /// A file of a folder whose kind is not read.
    Ignored(PathBuf),
    /// Two different articles of this run have the same key: the later one replaces the earlier.
    Replaced(String),
    /// The cache failed: all that follows is embedded, and nothing kept. At most once.
    CacheLost(CacheError),
    /// Articles were stored.
    Stored(Progress),
}

/// How far a run has come: all of it is safe on disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// How far reading has come when the last of these articles was read.
    pub read: read::Progress,
    /// What has been stored so far.
    pub summary: Summary,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Articles that were not in the store.
    pub added: u64,
    /// Articles that replaced one with the same key.
    pub changed: u64,
    /// Articles that were stored already, just as they are.
    pub unchanged: u64,
    /// Inputs that gave no article.
    pub skipped: u64,
    /// Files of folders whose kind is not read.
    pub ignored: u64,
    /// Remarks on articles that were kept.
    pub notes: u64,
    /// Passages of the articles that were added or changed.
    pub passages: u64,
    /// Different texts that were embedded; the other passages have the text of another one, or a vector of the cache.
    pub embedded: u64,
    /// Texts whose vectors came from the cache: embedded by an earlier run, or by this one under the same tokens.
    pub from_cache: u64,
    /// Tokens that went through the model.
    pub tokens: u64,
    /// Tokens beyond the model's limit: 0, unless a tokenizer counts a text otherwise alone than in its passage.
    pub dropped_tokens: u64,
    /// Seconds from start to end.
    pub seconds: f64,
    /// What the threads were busy with.
    pub busy: Busy,
    /// Whether the run was stopped before the end of its input.
    pub stopped: bool,
}

/// Seconds in which threads worked, waiting for each other left out. The stages overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Busy {
    /// Opening, unpacking and parsing input: one thread, the same as the next.
    pub reading: f64,
    /// Looking for what is stored or was embedded already, cutting and tokenising.
    pub preparing: f64,
    /// The model: the sum over the threads that embed.
    pub embedding: f64,
    /// Transactions, of the store and of the cache: one thread.
    pub storing: f64,
}

/// Why a run ended early. What was stored before stays stored.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// A message to the writer.
enum Message {
    /// Passed through to whoever watches.
    Event(Event),
    /// An article that is stored already.
    Unchanged(read::Progress),
    /// An article, and the texts whose vectors it waits for.
    Article(Box<Waiting>),
    /// Texts and their vectors.
    Vectors { texts: Batch, vectors: Vec<Vec<f32>>, origin: Origin },
    /// The reader has come to its end, perhaps before that of the input; seconds that it was busy.
    Read { reading: f64, preparing: f64, cut_short: bool },
    /// A thread failed.
    Failed(IngestError),
}

/// Where vectors come from.
enum Origin {
    Cache,
    /// A pass, which took so many seconds.
    Model(f64),
}

struct Waiting {
    article: NewArticle,
    held: Held,
    missing: HashSet<TextKey>,
    read: read::Progress,
}

type Batch = Vec<(TextKey, Tokens)>;

/// Runs a job to its end, or until it is stopped. `watch` is called on this thread.
///
/// # Errors
/// When the store or the model fails; bad input is no error, but an event.
pub fn run(
    store: &mut Store,
    embedder: &Embedder,
    job: &Job<'_>,
    watch: &mut dyn FnMut(Event),
) -> Result<Summary, IngestError> {
    let start = Instant::now();
    let workers = job.workers.max(1);
    let reader_store = store.reader()?;
    let (to_writer, from_all) = bounded::<Message>(2 * WINDOW);
    let (to_workers, from_reader) = bounded::<Batch>(2 * workers);
    let failed = AtomicBool::new(false);
    let cache = job.cache.map(VectorCache::open).transpose().unwrap_or_else(|error| {
        watch(Event::CacheLost(error));
        None
    });
    let recall = &Recall::new(cache, embedder);
    let stopping = || job.stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);

    let mut writer = Writer::new(store, recall, watch);
    let result = std::thread::scope(|scope| {
        let reader = Reader {
            store: reader_store,
            embedder,
            recall,
            job,
            to_writer: to_writer.clone(),
            to_workers,
            window: Vec::new(),
            behind: 0,
            flushed: Instant::now(),
            queued: HashSet::new(),
            seen: HashMap::new(),
            preparing: Duration::ZERO,
        };
        scope.spawn(|| {
            let _guard = StopOnPanic(&failed);
            reader.run(&stopping);
        });
        for _ in 0..workers {
            let (from_reader, to_writer) = (from_reader.clone(), to_writer.clone());
            scope.spawn(|| {
                let _guard = StopOnPanic(&failed);
                work(embedder, from_reader, to_writer, &stopping);
            });
        }
        drop((from_reader, to_writer));
        // On an error the channel is dropped, so that nobody waits to send.
        let result = writer.run(from_all);
        if result.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
        result
    });
    let mut summary = writer.summary;
    drop(writer);
    result?;
    store.sweep()?;
    summary.stopped |= job.stop.load(Ordering::Relaxed);
    summary.seconds = start.elapsed().as_secs_f64();
    Ok(summary)
}

/// Stops the run when its thread panics: what the thread was to deliver would be waited for in vain.
struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

struct Reader<'a> {
    store: Store,
    embedder: &'a Embedder,
    recall: &'a Recall,
    job: &'a Job<'a>,
    to_writer: Sender<Message>,
    to_workers: Sender<Batch>,
    /// Texts that wait to be packed.
    window: Batch,
    /// Articles since the window was last handed on: they wait for it, and so do all after them.
    behind: usize,
    flushed: Instant,
    /// Keys of `window`.
    queued: HashSet<TextKey>,
    /// Content of the articles of this run, by a hash of their keys.
    seen: HashMap<u64, ContentHash>,
    preparing: Duration,
}

impl Reader<'_> {
    fn run(mut self, stopping: &dyn Fn() -> bool) {
        let (job, mut failure) = (self.job, None);
        let (start, mut elsewhere, mut cut_short) = (Instant::now(), Duration::ZERO, false);
        let mut sink = |event: read::Event, progress: read::Progress| {
            if stopping() {
                return ControlFlow::Break(());
            }
            if job.until.is_some_and(|until| Instant::now() >= until) {
                cut_short = true;
                return ControlFlow::Break(());
            }
            let received = Instant::now();
            let sent = match event {
                read::Event::Article(article) => self.article(*article, progress),
                read::Event::Note(note) => self.send(Message::Event(Event::Note(note))),
                read::Event::Skipped(problem) => self.send(Message::Event(Event::Skipped(problem))),
                read::Event::Ignored { path } => self.send(Message::Event(Event::Ignored(path))),
            };
            elsewhere += received.elapsed();
            match sent {
                Ok(flow) => flow,
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        // Whether reading was broken off is known to whoever set the flag.
        let _ = read::read(job.inputs, job.options, &mut sink);
        let reading = start.elapsed().saturating_sub(elsewhere);
        let preparing = self.preparing.as_secs_f64();
        let _ = self.to_writer.send(Message::Read { reading: reading.as_secs_f64(), preparing, cut_short });
        if let Some(error) = failure {
            let _ = self.to_writer.send(Message::Failed(error));
        } else if !stopping() {
            let _ = self.flush();
        }
    }

    /// Breaks when the writer has gone.
    fn send(&self, message: Message) -> Result<ControlFlow<()>, IngestError> {
        Ok(match self.to_writer.send(message) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    }

    fn article(&mut self, article: Article, read: read::Progress) -> Result<ControlFlow<()>, IngestError> {
        let start = Instant::now();
        let content = ContentHash::of(&article);
        let key = blake3::hash(article.key.as_bytes()).as_bytes()[..8].iter().fold(0, |n, b| n << 8 | u64::from(*b));
        let earlier = self.seen.insert(key, content);
        let held = match earlier {
            None => self.store.holds(&article.key, content)?,
            Some(earlier) if earlier == content => Held::Same,
            Some(_) => {
                // The store may not have the earlier one yet; it will, by the time this one is written.
                let _ = self.send(Message::Event(Event::Replaced(article.key.clone())))?;
                Held::Other
            }
        };
        if held == Held::Same {
            self.preparing += start.elapsed();
            return self.send(Message::Unchanged(read));
        }
        let Prepared { article, tokens } = prepare(article, self.embedder, self.job.budget)?;
        let mut missing = HashSet::new();
        for (key, tokens) in tokens {
            if self.queued.contains(&key) {
                missing.insert(key);
            } else if !self.store.has_vector(key)? {
                missing.insert(key);
                self.queued.insert(key);
                self.window.push((key, tokens));
            }
        }
        self.preparing += start.elapsed();
        let flow = self.send(Message::Article(Box::new(Waiting { article, held, missing, read })))?;
        self.behind += 1;
        let full = self.window.len() >= WINDOW || self.behind >= TRANSACTION || self.flushed.elapsed() >= COMMIT_EVERY;
        if flow.is_continue() && full { Ok(self.flush()) } else { Ok(flow) }
    }

    /// Hands on the window: what the cache knows to the writer, the rest in batches of like lengths to the workers.
    fn flush(&mut self) -> ControlFlow<()> {
        let start = Instant::now();
        let window = std::mem::take(&mut self.window);
        self.queued.clear();
        (self.behind, self.flushed) = (0, start);
        let known = self.recall.vectors(window.iter().map(|(_, tokens)| tokens)).unwrap_or_else(|error| {
            // A writer that has gone is noticed below.
            let _ = self.to_writer.send(Message::Event(Event::CacheLost(error)));
            vec![None; window.len()]
        });
        let (mut texts, mut vectors, mut missing) = (Batch::new(), Vec::new(), Vec::new());
        for (text, vector) in window.into_iter().zip(known) {
            match vector {
                Some(vector) => {
                    texts.push(text);
                    vectors.push(vector);
                }
                None => missing.push(Some(text)),
            }
        }
        self.preparing += start.elapsed();
        if !texts.is_empty() && self.to_writer.send(Message::Vectors { texts, vectors, origin: Origin::Cache }).is_err()
        {
            return ControlFlow::Break(());
        }
        let lengths: Vec<usize> =
            missing.iter().map(|text| text.as_ref().map_or(0, |(_, tokens)| tokens.ids.len())).collect();
        for group in batch::plan(&lengths) {
            let batch: Batch = group.into_iter().filter_map(|at| missing[at].take()).collect();
            if self.to_workers.send(batch).is_err() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

/// Embeds batches until there are no more, or the run stops.
fn work(
    embedder: &Embedder,
    batches: Receiver<Batch>,
    to_writer: Sender<Message>,
    stopping: &(dyn Fn() -> bool + Sync),
) {
    for texts in batches {
        if stopping() {
            // Taken off the queue and left, so that the reader is not kept waiting.
            continue;
        }
        let tokens: Vec<&Tokens> = texts.iter().map(|(_, tokens)| tokens).collect();
        let start = Instant::now();
        let message = match embedder.embed_tokens(&tokens) {
            Ok(vectors) => {
                let origin = Origin::Model(start.elapsed().as_secs_f64());
                Message::Vectors {
                    texts,
                    vectors: vectors.rows().into_iter().map(|row| row.to_vec()).collect(),
                    origin,
                }
            }
            Err(error) => Message::Failed(error.into()),
        };
        if to_writer.send(message).is_err() {
            break;
        }
    }
}

struct Writer<'a> {
    store: &'a mut Store,
    recall: &'a Recall,
    watch: &'a mut dyn FnMut(Event),
    /// In the order of reading.
    waiting: VecDeque<Waiting>,
    /// How many of the first of `waiting` have all their vectors.
    ready: usize,
    vectors: HashMap<TextKey, Vec<f32>>,
    /// How many of `waiting` wait for a vector, or have not been stored with it yet.
    users: HashMap<TextKey, usize>,
    summary: Summary,
    read: read::Progress,
    last_commit: Instant,
}

impl<'a> Writer<'a> {
    fn new(store: &'a mut Store, recall: &'a Recall, watch: &'a mut dyn FnMut(Event)) -> Self {
        Self {
            store,
            recall,
            watch,
            waiting: VecDeque::new(),
            ready: 0,
            vectors: HashMap::new(),
            users: HashMap::new(),
            summary: Summary::default(),
            read: read::Progress::default(),
            last_commit: Instant::now(),
        }
    }

    /// Ends when every other thread has.
    fn run(&mut self, messages: Receiver<Message>) -> Result<(), IngestError> {
        loop {
            let message = match messages.recv_timeout(COMMIT_EVERY) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => {
                    self.commit()?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return self.commit(),
            };
            match message {
                Message::Event(event) => {
                    match event {
                        Event::Note(_) | Event::Replaced(_) => self.summary.notes += 1,
                        Event::Skipped(_) => self.summary.skipped += 1,
                        Event::Ignored(_) => self.summary.ignored += 1,
                        Event::CacheLost(_) | Event::Stored(_) => {}
                    }
                    (self.watch)(event);
                }
                Message::Unchanged(read) => {
                    self.summary.unchanged += 1;
                    if self.waiting.is_empty() {
                        self.read = read;
                        self.tell_if_due();
                    }
                }
                Message::Article(waiting) => {
                    for key in &waiting.missing {
                        *self.users.entry(*key).or_default() += 1;
                    }
                    self.waiting.push_back(*waiting);
                }
                Message::Vectors { texts, vectors, origin } => self.receive(texts, vectors, origin),
                Message::Read { reading, preparing, cut_short } => {
                    self.summary.busy.reading = reading;
                    self.summary.busy.preparing = preparing;
                    self.summary.stopped = cut_short;
                }
                Message::Failed(error) => {
                    self.commit()?;
                    return Err(error);
                }
            }
            self.advance();
            if self.ready >= TRANSACTION || (self.ready > 0 && self.last_commit.elapsed() >= COMMIT_EVERY) {
                self.commit()?;
            }
        }
    }

    /// Takes vectors in, and keeps those that are new for other runs.
    fn receive(&mut self, texts: Batch, vectors: Vec<Vec<f32>>, origin: Origin) {
        let tokens = || texts.iter().map(|(_, tokens)| tokens);
        self.summary.dropped_tokens += tokens().map(|tokens| tokens.dropped as u64).sum::<u64>();
        match origin {
            Origin::Cache => self.summary.from_cache += texts.len() as u64,
            Origin::Model(seconds) => {
                self.summary.embedded += texts.len() as u64;
                self.summary.tokens += tokens().map(|tokens| tokens.ids.len() as u64).sum::<u64>();
                self.summary.busy.embedding += seconds;
                let start = Instant::now();
                if let Err(error) = self.recall.keep(tokens().zip(&vectors)) {
                    (self.watch)(Event::CacheLost(error));
                }
                self.summary.busy.storing += start.elapsed().as_secs_f64();
            }
        }
        // A text that two windows had may come twice, the second time when nobody waits any more.
        let arrived = texts.into_iter().map(|(key, _)| key).zip(vectors);
        self.vectors.extend(arrived.filter(|(key, _)| self.users.contains_key(key)));
    }

    /// Moves `ready` over the articles whose vectors have all arrived.
    fn advance(&mut self) {
        while let Some(next) = self.waiting.get(self.ready) {
            if !next.missing.iter().all(|key| self.vectors.contains_key(key)) {
                break;
            }
            self.ready += 1;
        }
    }

    /// Stores what is ready.
    fn commit(&mut self) -> Result<(), IngestError> {
        if self.ready == 0 {
            return Ok(());
        }
        let done: Vec<Waiting> = self.waiting.drain(..self.ready).collect();
        self.ready = 0;
        for waiting in &done {
            match waiting.held {
                Held::Nothing => self.summary.added += 1,
                Held::Other | Held::Same => self.summary.changed += 1,
            }
            self.summary.passages += waiting.article.passages.len() as u64;
            self.read = waiting.read;
        }
        let mut missing = Vec::new();
        let articles: Vec<NewArticle> = done
            .into_iter()
            .map(|waiting| {
                missing.extend(waiting.missing);
                waiting.article
            })
            .collect();
        let start = Instant::now();
        self.store.put(&articles, &self.vectors)?;
        self.summary.busy.storing += start.elapsed().as_secs_f64();
        for key in missing {
            if let Some(users) = self.users.get_mut(&key) {
                *users -= 1;
                if *users == 0 {
                    self.users.remove(&key);
                    self.vectors.remove(&key);
                }
            }
        }
        self.tell();
        Ok(())
    }

    fn tell_if_due(&mut self) {
        if self.last_commit.elapsed() >= COMMIT_EVERY {
            self.tell();
        }
    }

    fn tell(&mut self) {
        self.last_commit = Instant::now();
        (self.watch)(Event::Stored(Progress { read: self.read, summary: self.summary }));
    }
}
