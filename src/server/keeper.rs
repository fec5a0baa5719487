//! The thread that keeps the views on disk and the register of copies up with the store, so that the next start is quick and
//! groups are known. Nothing waits for it: a view that is behind on disk is caught up in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::jobs::{JobKind, Jobs};
use super::readers::Shown;
use super::writer::Writer;
use crate::dedup;
use crate::engine::{EngineError, Views};
use crate::index::{self, Choice};
use crate::kernels::Isa;
use crate::lexical;
use crate::store::Store;
use crate::types::Sequence;

/// Changes after which the views are written to disk.
const SAVE_AFTER: i64 = 5_000;

/// How long changes stay unwritten in the views on disk.
const SAVE_EVERY: Duration = Duration::from_secs(300);

/// How long the register of copies may lag, so that changes that come together are looked at together.
const REST: Duration = Duration::from_secs(1);

/// The view of vectors for a process that answers many questions.
pub const MANY: Choice = Choice::Auto { queries: u32::MAX };

/// How often a store that another process writes is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Wakes the keeper.
#[derive(Clone)]
pub struct Bell(SyncSender<()>);

/// What the keeper is woken by.
pub struct Woken(Receiver<()>);

/// A bell, and what hears it.
pub fn bell() -> (Bell, Woken) {
    let (sender, receiver) = sync_channel(1);
    (Bell(sender), Woken(receiver))
}

impl Bell {
    /// Says that the store was changed.
    pub fn ring(&self) {
        // One that rings already is enough, and at the end nobody hears it.
        if let Err(TrySendError::Full(())) = self.0.try_send(()) {}
    }
}

/// Keeps what is derived from a store up with it.
pub struct Keeper {
    store: Store,
    isa: Isa,
    jobs: Arc<Jobs>,
    shown: Arc<Shown>,
    /// Of the last change that the views on disk hold.
    saved: Sequence,
    saved_at: Instant,
}

impl Keeper {
    /// A keeper of a store, over its own connection.
    ///
    /// # Errors
    /// When the store fails.
    pub fn new(store: Store, isa: Isa, jobs: Arc<Jobs>, shown: Arc<Shown>) -> Result<Self, EngineError> {
        let saved = store.sequence()?;
        Ok(Self { store, isa, jobs, shown, saved, saved_at: Instant::now() })
    }

    /// Follows a writer of this process until its bell is gone, then writes the views to disk a last time.
    pub fn keep(mut self, writer: std::sync::Weak<Writer>, woken: Woken) -> JoinHandle<()> {
        std::thread::spawn(move || {
            // What an earlier process left to be written.
            self.guarded(|keeper| {
                if let Some(writer) = writer.upgrade() {
                    keeper.save_and_open(&writer);
                }
            });
            self.guarded(|keeper| keeper.copies());
            loop {
                match woken.0.recv_timeout(SAVE_EVERY) {
                    Ok(()) => {
                        std::thread::sleep(REST);
                        self.guarded(|keeper| keeper.copies());
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                let Some(writer) = writer.upgrade() else { break };
                self.guarded(|keeper| keeper.save_if_due(&writer));
            }
            self.guarded(|keeper| {
                if keeper.behind() > 0 {
                    keeper.save(Choice::Exact);
                }
            });
        })
    }

    /// Follows a store that other processes write, until `ended`.
    pub fn follow(mut self, ended: impl Fn() -> bool + Send + 'static) -> JoinHandle<()> {
        std::thread::spawn(move || {
            while !ended() {
                std::thread::sleep(LOOK_EVERY);
                let (_, views) = self.shown.now();
                let held = views.words().sequence();
                let newer = match self.store.sequence() {
                    Ok(sequence) if sequence == held => continue,
                    Ok(Sequence(sequence)) if sequence - self.saved.0 < SAVE_AFTER => views.caught_up(&self.store),
                    Ok(sequence) => {
                        // What was kept in memory until now may be on disk.
                        self.saved = sequence;
                        Views::open(&self.store, self.isa, MANY)
                    }
                    Err(error) => Err(error.into()),
                };
                match newer {
                    Ok(views) => self.shown.show(Arc::new(views)),
                    Err(error) => tracing::error!(%error, "changes of another process cannot be shown yet"),
                }
            }
        })
    }

    /// Does something. What panics must not take the thread with it: the next change is looked at again.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            tracing::error!("keeping views or register up panicked");
        }
    }

    /// Catches the register of copies up.
    fn copies(&self) {
        let behind = dedup::counts(&self.store).map_or(true, |known| known.is_none_or(|known| known.behind > 0));
        if !behind {
            return;
        }
        let job = self.jobs.begin(JobKind::Copies);
        let register = dedup::caught_up(&self.store, self.isa, &mut |progress| job.progress(progress.into()));
        match register {
            Ok(register) => {
                drop(register);
                // Readers look at it anew.
                self.shown.again();
                job.done();
            }
            Err(error) => job.failed(&error),
        }
    }

    fn behind(&self) -> i64 {
        self.store.sequence().map_or(0, |sequence| sequence.0 - self.saved.0)
    }

    fn save_if_due(&mut self, writer: &Writer) {
        let behind = self.behind();
        if behind >= SAVE_AFTER || behind > 0 && self.saved_at.elapsed() >= SAVE_EVERY {
            writer.sweep();
            self.save_and_open(writer);
        }
    }

    /// Writes the views to disk, and lets what lies there answer in the place of what is in memory.
    fn save_and_open(&mut self, writer: &Writer) {
        if self.save(Choice::default()) {
            match Views::open(&self.store, self.isa, MANY) {
                Ok(views) => writer.rebase(views),
                Err(error) => tracing::error!(%error, "the views that were written cannot be opened"),
            }
        }
    }

    /// Writes the views to disk.
    fn save(&mut self, choice: Choice) -> bool {
        let job = self.jobs.begin(JobKind::Views);
        let saved = || -> Result<Sequence, EngineError> {
            let sequence = self.store.sequence()?;
            index::persist(&self.store, self.isa, choice)?;
            lexical::persist(&self.store)?;
            Ok(sequence)
        };
        match saved() {
            Ok(sequence) => {
                (self.saved, self.saved_at) = (sequence, Instant::now());
                job.done();
                true
            }
            Err(error) => {
                // The next try is not at once.
                self.saved_at = Instant::now();
                job.failed(&error);
                false
            }
        }
    }
}
