//! What engines with one writing thread have in common: commits that wait are decided and written together, and are
//! told of before they are acknowledged.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use kecs_core::tx::Commit;
use kecs_core::view::Entry;
use tokio::sync::{oneshot, watch};

use crate::batch::Written;
use crate::codec;
use crate::error::{CommitError, StoreError};
use crate::store::{Committed, Fed, Feed, Head};

/// Commits that are written at once.
const BATCH: usize = 256;

/// What becomes of a commit.
pub(crate) type Outcome = Result<Committed, CommitError>;

/// A commit that waits, encoded.
pub(crate) struct CommitJob {
    pub(crate) commit: Commit,
    /// The record of each change.
    pub(crate) bodies: Vec<Option<Vec<u8>>>,
    /// Each event.
    pub(crate) events: Vec<String>,
    pub(crate) at: Timestamp,
    reply: oneshot::Sender<Outcome>,
}

/// What writes.
pub(crate) trait Engine: Sized + 'static {
    /// Decides the commits one after the other, writes those that are applied, makes them durable and tells of them.
    fn attempt(&mut self, jobs: &[CommitJob]) -> Result<Vec<Outcome>, StoreError>;

    /// Is called when an attempt has failed.
    fn recover(&mut self);

    /// Is called when a batch was written.
    fn rest(&mut self) {}
}

enum Job<E> {
    Commit(Box<CommitJob>),
    /// Something rarer, between two batches.
    Other(Box<dyn FnOnce(&mut E) + Send>),
}

/// The thread that writes.
pub(crate) struct Writer<E> {
    /// Always there until it is dropped.
    jobs: Option<Sender<Job<E>>>,
    thread: Option<JoinHandle<()>>,
}

impl<E: Engine> Writer<E> {
    /// Starts the thread, which makes the engine itself.
    pub(crate) fn start(
        make: impl FnOnce() -> Result<E, StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel();
        let (started, ready) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("kecs-store".to_owned())
            .spawn(move || match make() {
                Ok(engine) => {
                    let _waits = started.send(Ok(()));
                    run(engine, &waiting);
                }
                Err(error) => {
                    let _waits = started.send(Err(error));
                }
            })
            .map_err(|error| StoreError::engine("starting the writer", &error))?;
        ready.recv().map_err(|_| StoreError::Closed)??;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    fn ask(&self, job: Job<E>) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).map_err(|_| StoreError::Closed)
    }

    /// Lets a commit wait for the next batch, and waits for that.
    pub(crate) async fn commit(&self, commit: Commit, at: Timestamp) -> Outcome {
        let records = commit.changes.iter().map(|change| change.record.as_deref());
        let bodies: Result<_, _> = records
            .map(|record| record.map(codec::encode).transpose())
            .collect();
        let events: Result<_, _> = commit.events.iter().map(codec::text).collect();
        let (reply, answer) = oneshot::channel();
        let job = CommitJob {
            bodies: bodies?,
            events: events?,
            commit,
            at,
            reply,
        };
        self.ask(Job::Commit(Box::new(job)))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets the engine do something between two batches.
    pub(crate) async fn between<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut E) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Job::Other(Box::new(move |engine| {
            let _gone = reply.send(what(engine));
        })))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

impl<E> Drop for Writer<E> {
    fn drop(&mut self) {
        // The thread ends when it has written all that it was asked for.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn run<E: Engine>(mut engine: E, jobs: &Receiver<Job<E>>) {
    let mut waiting = Vec::new();
    while let Ok(first) = jobs.recv() {
        let mut next = Some(first);
        while let Some(job) = next.take() {
            match job {
                Job::Commit(job) => waiting.push(*job),
                Job::Other(job) => {
                    flush(&mut engine, mem::take(&mut waiting));
                    job(&mut engine);
                }
            }
            if waiting.len() < BATCH {
                next = jobs.try_recv().ok();
            }
        }
        flush(&mut engine, mem::take(&mut waiting));
        engine.rest();
    }
}

fn flush<E: Engine>(engine: &mut E, mut jobs: Vec<CommitJob>) {
    if jobs.is_empty() {
        return;
    }
    match engine.attempt(&jobs) {
        Ok(outcomes) => {
            for (job, outcome) in jobs.into_iter().zip(outcomes) {
                // Nobody waits for it any more: it is written all the same.
                let _gone = job.reply.send(outcome);
            }
        }
        // It may have been applied: once more would be twice.
        Err(StoreError::Uncertain { cause }) => {
            engine.recover();
            for job in jobs {
                let uncertain = StoreError::Uncertain { cause: cause.clone() };
                let _gone = job.reply.send(Err(uncertain.into()));
            }
        }
        Err(error) => {
            engine.recover();
            // Commit by commit, so that one that cannot be written fails alone.
            if jobs.len() > 1 {
                for job in jobs {
                    flush(engine, vec![job]);
                }
            } else if let Some(job) = jobs.pop() {
                let _gone = job.reply.send(Err(error.into()));
            }
        }
    }
}

/// What has become of a key, for those that are told.
pub(crate) fn fed(key: &kecs_core::key::Key, written: &Written, jobs: &[CommitJob]) -> Fed {
    let (job, change) = written.source;
    let change = jobs.get(job).and_then(|job| job.commit.changes.get(change));
    let record = change.and_then(|change| change.record.clone());
    Fed {
        key: key.clone(),
        revision: written.after.revision,
        entry: record.map(|record| Entry {
            key: key.clone(),
            generation: written.after.generation,
            revision: written.after.revision,
            record,
        }),
    }
}

/// Who is told of commits.
pub(crate) struct Listeners {
    feeds: Mutex<Vec<Arc<dyn Feed>>>,
    newest: watch::Sender<Head>,
    identity: AtomicU64,
}

impl Listeners {
    pub(crate) fn new(head: Head, identity: u64) -> Self {
        Self {
            feeds: Mutex::default(),
            newest: watch::Sender::new(head),
            identity: AtomicU64::new(identity),
        }
    }

    pub(crate) fn identity(&self) -> u64 {
        self.identity.load(Ordering::Relaxed)
    }

    pub(crate) fn set_identity(&self, identity: u64) {
        self.identity.store(identity, Ordering::Relaxed);
    }

    /// The last commit that was told of.
    pub(crate) fn head(&self) -> Head {
        *self.newest.borrow()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Head> {
        self.newest.subscribe()
    }

    pub(crate) fn feed(&self, feed: Arc<dyn Feed>) -> u64 {
        let mut feeds = locked(&self.feeds);
        feeds.push(feed);
        // Whoever publishes holds the lock until everybody was told.
        self.head().revision
    }

    /// Makes what was written durable, then tells of it, as far as it was not told of. Who begins to listen meanwhile
    /// hears all of it or finds it. Keys that were deleted up to `missed` may not be among those that `changed`.
    pub(crate) fn publish(
        &self,
        head: Head,
        missed: Option<u64>,
        mut changed: Vec<Fed>,
        commit: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let feeds = locked(&self.feeds);
        commit()?;
        let known = self.head().revision;
        if head.revision > known {
            changed.retain(|fed| fed.revision > known);
            for feed in &*feeds {
                if let Some(missed) = missed {
                    feed.missed(missed);
                }
                feed.applied(head.revision, &changed);
            }
            // Whoever waits for it finds that everybody was told.
            self.newest.send_replace(head);
        }
        Ok(())
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
