//! Threads that search, each with its own connection to the store and all else shared.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::problem::Problem;
use super::queue::{Queue, Refused};
use crate::engine::{Engine, EngineError, Views};

type Work = Box<dyn FnOnce(&Engine) + Send>;

/// The views that answer now: whoever changes the store shows new ones.
pub struct Shown {
    current: Mutex<(u64, Arc<Views>)>,
}

impl Shown {
    /// Begins with these.
    pub fn new(views: Arc<Views>) -> Self {
        Self { current: Mutex::new((0, views)) }
    }

    /// Lets these answer from now on.
    pub fn show(&self, views: Arc<Views>) {
        let mut current = self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *current = (current.0 + 1, views);
    }

    /// Lets readers look anew at what is known beside the views.
    pub fn again(&self) {
        self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).0 += 1;
    }

    /// The views that answer now, and how often they were exchanged.
    pub fn now(&self) -> (u64, Arc<Views>) {
        self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

/// A pool of threads that ask engines.
pub struct Readers {
    queue: Arc<Queue<Work>>,
    done: Arc<AtomicU64>,
    busy_micros: Arc<AtomicU64>,
    threads: usize,
}

impl Readers {
    /// Starts `threads` threads, which end when the line is [closed](Self::close) and empty.
    ///
    /// # Errors
    /// When the store cannot be opened once more.
    pub fn start(
        engine: &Engine,
        shown: &Arc<Shown>,
        threads: usize,
        waiting: usize,
    ) -> Result<(Self, Vec<JoinHandle<()>>), EngineError> {
        let threads = threads.max(1);
        let (queue, done, busy_micros) = (Queue::<Work>::new(waiting), Arc::default(), Arc::default());
        let readers = Self { queue, done, busy_micros, threads };
        let start = |_| {
            let (mut engine, shown, queue) = (engine.reader()?, shown.clone(), readers.queue.clone());
            let (done, busy) = (readers.done.clone(), readers.busy_micros.clone());
            Ok(std::thread::spawn(move || {
                let mut generation = 0;
                while let Some(work) = queue.take(1, Duration::ZERO) {
                    let (current, views) = shown.now();
                    if current != generation {
                        engine.set_views(views);
                        generation = current;
                    }
                    let start = Instant::now();
                    for work in work {
                        // Work that panics must not take the thread with it; whoever waits for it is told by its channel.
                        let _ = catch_unwind(AssertUnwindSafe(|| work(&engine)));
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                    busy.fetch_add(start.elapsed().as_micros() as u64, Ordering::Relaxed);
                }
            }))
        };
        let handles = (0..threads).map(start).collect::<Result<_, EngineError>>()?;
        Ok((readers, handles))
    }

    /// Does some work on one of the threads. A caller that gives up before it was begun takes it out of the line.
    ///
    /// # Errors
    /// When the line is full, the server is ending, or the work fails.
    pub async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (sender, receiver) = oneshot::channel();
        // What is logged on the way has the id of the request.
        let span = tracing::Span::current();
        let work = move |engine: &Engine| {
            // Whoever asked may have gone.
            let _ = sender.send(span.in_scope(|| work(engine)));
        };
        let place = self.queue.join(vec![(1, Box::new(work) as Work)]);
        let _place = place.map_err(|refused| match refused {
            Refused::Closed => Problem::unavailable("the server is ending: ask again when it is back", None),
            Refused::Full(waiting) => {
                let message = format!("{waiting} searches wait already: come again later");
                Problem::busy(message, self.time_for(waiting))
            }
        })?;
        receiver.await.unwrap_or_else(|_| Err(Problem::internal(&"a search panicked")))
    }

    /// How many searches wait.
    pub fn waiting(&self) -> usize {
        self.queue.waiting().0
    }

    /// How many searches have been done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    fn time_for(&self, searches: usize) -> Duration {
        let [done, micros] = [&self.done, &self.busy_micros].map(|count| count.load(Ordering::Relaxed));
        Duration::from_micros(searches as u64 * micros / done.max(1) / self.threads as u64)
    }

    /// Lets nothing more in; what waits is still done.
    pub fn close(&self) {
        self.queue.close();
    }
}
