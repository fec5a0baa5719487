//! Texts of all requests in shared passes through the model.
//!
//! A worker takes whatever waits, up to the tokens of a pass. So a lone text goes through at once, and under load the texts that
//! arrive during a pass make the next one. Where the last pass was shared, a worker waits a moment for more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::problem::Problem;
use super::queue::{Place, Queue, Refused};
use crate::embed::Embedder;
use crate::embed::batch::TOKENS_PER_PASS;
use crate::embed::tokenize::Tokens;

/// How long a worker waits for more texts where the last pass had those of several requests.
const LINGER: Duration = Duration::from_micros(500);

/// Texts to vectors, for all requests.
pub struct Embeddings {
    embedder: Arc<Embedder>,
    queue: Arc<Queue<Text>>,
    counts: Arc<Counts>,
    tokenising: Arc<Semaphore>,
}

/// What has been done so far.
#[derive(Default)]
pub struct Counts {
    /// Passes through the model.
    pub passes: AtomicU64,
    /// Texts in them.
    pub texts: AtomicU64,
    /// Tokens in them.
    pub tokens: AtomicU64,
    /// Microseconds that they took, summed over the threads.
    pub busy_micros: AtomicU64,
}

struct Text {
    tokens: Tokens,
    at: usize,
    request: Arc<Request>,
}

/// A request's texts share it.
struct Request(Mutex<Pending>);

struct Pending {
    vectors: Vec<Vec<f32>>,
    missing: usize,
    answer: Option<oneshot::Sender<Result<Vec<Vec<f32>>, Problem>>>,
}

impl Request {
    fn answer(&self, arrived: Result<(usize, Vec<f32>), Problem>) {
        let mut pending = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let result = match arrived {
            Err(problem) => Err(problem),
            Ok((at, vector)) => {
                pending.vectors[at] = vector;
                pending.missing -= 1;
                if pending.missing > 0 {
                    return;
                }
                Ok(std::mem::take(&mut pending.vectors))
            }
        };
        if let Some(answer) = pending.answer.take() {
            // Whoever asked may have gone.
            let _ = answer.send(result);
        }
    }
}

impl Embeddings {
    /// Starts `threads` workers, which end when the line is [closed](Self::close) and empty.
    pub fn start(embedder: Arc<Embedder>, threads: usize, waiting_tokens: usize) -> (Self, Vec<JoinHandle<()>>) {
        let (queue, counts) = (Queue::new(waiting_tokens), Arc::new(Counts::default()));
        let worker = |_| {
            let (embedder, queue, counts) = (embedder.clone(), queue.clone(), counts.clone());
            std::thread::spawn(move || work(&embedder, &queue, &counts))
        };
        let workers = (0..threads.max(1)).map(worker).collect();
        (Self { embedder, queue, counts, tokenising: Arc::new(Semaphore::new(1)) }, workers)
    }

    /// The model.
    pub fn embedder(&self) -> &Arc<Embedder> {
        &self.embedder
    }

    /// The turn to cut much text into tokens, which lasts until this is dropped.
    pub async fn tokenising(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        self.tokenising.clone().acquire_owned().await.ok()
    }

    /// What has been done so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Texts that wait, and their tokens.
    pub fn waiting(&self) -> (usize, usize) {
        self.queue.waiting()
    }

    /// The vectors of texts, in their order. A caller that gives up takes its texts out of the line.
    ///
    /// # Errors
    /// When the line is full, the server is ending, or the model fails.
    pub async fn embed(&self, texts: Vec<Tokens>) -> Result<Vec<Vec<f32>>, Problem> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let (_place, answer) = self.join(texts, Queue::join)?;
        answer.await.unwrap_or_else(|_| Err(ending()))
    }

    /// The same for a thread, which waits, and for which the line is never full.
    ///
    /// # Errors
    /// When the server is ending, or the model fails.
    pub fn embed_waiting(&self, texts: Vec<Tokens>) -> Result<Vec<Vec<f32>>, Problem> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let (_place, answer) = self.join(texts, Queue::join_anyhow)?;
        answer.blocking_recv().unwrap_or_else(|_| Err(ending()))
    }

    #[allow(clippy::type_complexity, reason = "a place in the line, and what comes of it")]
    fn join(
        &self,
        texts: Vec<Tokens>,
        join: impl Fn(&Arc<Queue<Text>>, Vec<(usize, Text)>) -> Result<Place<Text>, Refused>,
    ) -> Result<(Place<Text>, oneshot::Receiver<Result<Vec<Vec<f32>>, Problem>>), Problem> {
        let (sender, receiver) = oneshot::channel();
        let pending = Pending { vectors: vec![Vec::new(); texts.len()], missing: texts.len(), answer: Some(sender) };
        let request = Arc::new(Request(Mutex::new(pending)));
        let text = |(at, tokens): (usize, Tokens)| (tokens.ids.len(), Text { tokens, at, request: request.clone() });
        match join(&self.queue, texts.into_iter().enumerate().map(text).collect()) {
            Ok(place) => Ok((place, receiver)),
            Err(Refused::Closed) => Err(ending()),
            Err(Refused::Full(tokens)) => {
                let message = format!("{tokens} tokens wait for the model already: come again later");
                Err(Problem::busy(message, self.time_for(tokens)))
            }
        }
    }

    /// How long so many tokens take, by what was done so far.
    fn time_for(&self, tokens: usize) -> Duration {
        let [done, micros] = [&self.counts.tokens, &self.counts.busy_micros].map(|count| count.load(Ordering::Relaxed));
        Duration::from_micros((tokens as f64 * micros as f64 / done.max(1) as f64) as u64)
    }

    /// Lets no more texts in; those that wait are still embedded.
    pub fn close(&self) {
        self.queue.close();
    }
}

fn ending() -> Problem {
    Problem::unavailable("the server is ending: ask again when it is back", None)
}

fn work(embedder: &Embedder, queue: &Queue<Text>, counts: &Counts) {
    let mut linger = Duration::ZERO;
    while let Some(texts) = queue.take(TOKENS_PER_PASS, linger) {
        let shared = texts.iter().any(|text| !Arc::ptr_eq(&text.request, &texts[0].request));
        linger = if shared { LINGER } else { Duration::ZERO };
        let tokens: Vec<&Tokens> = texts.iter().map(|text| &text.tokens).collect();
        let start = Instant::now();
        // A pass that panics must not take the thread with it: others wait for it.
        let vectors = catch_unwind(AssertUnwindSafe(|| embedder.embed_tokens(&tokens)));
        counts.passes.fetch_add(1, Ordering::Relaxed);
        counts.texts.fetch_add(texts.len() as u64, Ordering::Relaxed);
        counts.tokens.fetch_add(tokens.iter().map(|text| text.ids.len() as u64).sum(), Ordering::Relaxed);
        counts.busy_micros.fetch_add(start.elapsed().as_micros() as u64, Ordering::Relaxed);
        match vectors {
            Ok(Ok(vectors)) => {
                for (text, vector) in texts.iter().zip(vectors.rows()) {
                    text.request.answer(Ok((text.at, vector.to_vec())));
                }
            }
            failed => {
                let problem = match failed {
                    Ok(Err(error)) => Problem::from(error),
                    _ => Problem::internal(&"a pass through the model panicked"),
                };
                texts.iter().for_each(|text| text.request.answer(Err(problem.clone())));
            }
        }
    }
}
