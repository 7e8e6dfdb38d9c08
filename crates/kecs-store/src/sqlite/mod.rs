//! A store in one SQLite file, for one server.
//!
//! One thread writes, and writes all that waits with one sync of the disk. Views are read transactions on connections
//! of their own, which write-ahead logging keeps apart from the writer.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use jiff::Timestamp;
use kecs_core::tx::Commit;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{oneshot, watch};

use crate::check::Finding;
use crate::error::{CommitError, StoreError};
use crate::store::{Committed, Fed, Feed, Head, Pruned, Retention, Snapshot, Stats, Store};
use crate::transfer::{self, Transferred};

mod apply;
mod copy;
mod open;
mod reader;
mod schema;
mod upkeep;
mod writer;

use reader::Reader;
use writer::{CommitJob, Job, Writer};

/// Connections that are kept for the next view.
const IDLE: usize = 16;

/// A store in an SQLite file. The file is closed when this and its last view are dropped.
pub struct Sqlite {
    shared: Arc<Shared>,
    /// Always there until it is dropped.
    jobs: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

/// What the writer and the views have in common.
struct Shared {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    feeds: Mutex<Vec<Arc<dyn Feed>>>,
    newest: watch::Sender<Head>,
    identity: AtomicU64,
    /// Keeps others out of the file.
    _lock: std::fs::File,
}

impl Sqlite {
    /// Opens the store in this file, and makes it where there is none, with the directories on the way to it. The file
    /// and directories that are made are for their owner alone.
    ///
    /// Fails if another process has it open, if it is something else's file, or of a later version of this program.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path.as_ref(), schema::STEPS)
    }

    fn open_with(path: &Path, steps: &[&str]) -> Result<Self, StoreError> {
        let opened = open::open(path, steps)?;
        let (head, _, identity) = apply::head(&opened.connection)?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            idle: Mutex::default(),
            feeds: Mutex::default(),
            newest: watch::Sender::new(head),
            identity: AtomicU64::new(identity),
            _lock: opened.lock,
        });
        let (jobs, waiting) = mpsc::channel();
        let writer = Writer {
            connection: opened.connection,
            names: apply::Names::default(),
            shared: Arc::clone(&shared),
        };
        let writer = thread::Builder::new()
            .name("kecs-store".to_owned())
            .spawn(move || writer.run(&waiting))
            .map_err(|error| StoreError::engine("starting the writer", error))?;
        Ok(Self {
            shared,
            jobs: Some(jobs),
            writer: Some(writer),
        })
    }

    /// Makes a store out of a copy that [`Store::backup`] wrote. The copy is checked, and stays as it is; there must be
    /// no store at `to`.
    pub fn restore(copy: &Path, to: &Path) -> Result<(), StoreError> {
        copy::restore(copy, to)
    }

    fn ask(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).map_err(|_| StoreError::Closed)
    }

    /// Lets the writer do something between two batches.
    async fn between<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Job::Other(Box::new(move |writer| {
            let _gone = reply.send(what(writer));
        })))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

#[async_trait]
impl Store for Sqlite {
    fn engine(&self) -> &'static str {
        "sqlite"
    }

    fn view(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(Reader::begin(&self.shared)?))
    }

    async fn commit(&self, commit: Commit, now: Timestamp) -> Result<Committed, CommitError> {
        let (reply, answer) = oneshot::channel();
        let job = CommitJob::new(commit, now, reply)?;
        self.ask(Job::Commit(Box::new(job)))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    fn subscribe(&self) -> watch::Receiver<Head> {
        self.shared.newest.subscribe()
    }

    fn feed(&self, feed: Arc<dyn Feed>) -> Result<u64, StoreError> {
        let mut feeds = locked(&self.shared.feeds);
        feeds.push(feed);
        // Whoever publishes holds the lock until everybody was told.
        Ok(self.shared.newest.borrow().revision)
    }

    async fn prune(&self, retention: Retention) -> Result<Pruned, StoreError> {
        let mut all = Pruned::default();
        loop {
            let some = self
                .between(move |writer| upkeep::prune(writer, retention))
                .await?;
            if some == Pruned::default() {
                return Ok(all);
            }
            all.events += some.events;
            all.deleted += some.deleted;
        }
    }

    async fn import(&self, lines: Box<dyn BufRead + Send>) -> Result<Transferred, StoreError> {
        let revision = self.shared.newest.borrow().revision;
        if revision > 0 {
            return Err(StoreError::NotEmpty { revision });
        }
        let image = transfer::read(lines)?;
        self.between(move |writer| upkeep::import(writer, image)).await
    }

    fn identity(&self) -> u64 {
        self.shared.identity()
    }

    async fn backup(&self, path: &Path) -> Result<(), StoreError> {
        let reader = Reader::begin(&self.shared)?;
        let path = path.to_owned();
        let (reply, answer) = oneshot::channel();
        // It takes as long as the store is large, and must keep neither the writer nor the caller's thread.
        thread::Builder::new()
            .name("kecs-backup".to_owned())
            .spawn(move || {
                let copied = reader.connection().and_then(|from| copy::copy(from, &path));
                // Who waits for the copy may close the store next.
                drop(reader);
                let _gone = reply.send(copied);
            })
            .map_err(|error| StoreError::engine("starting a copy", error))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    fn integrity(&self) -> Result<Vec<Finding>, StoreError> {
        upkeep::integrity(Reader::begin(&self.shared)?.connection()?)
    }

    fn stats(&self) -> Result<Stats, StoreError> {
        let reader = Reader::begin(&self.shared)?;
        upkeep::stats(reader.connection()?, &self.shared.path)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // The writer ends when it has written all that it was asked for. As the last to close the file it puts the log
        // back into it.
        self.jobs = None;
        locked(&self.shared.idle).clear();
        if let Some(writer) = self.writer.take() {
            let _panicked = writer.join();
        }
    }
}

impl Shared {
    fn connection(&self) -> Result<Connection, StoreError> {
        let idle = locked(&self.idle).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => open::connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY),
        }
    }

    fn put_back(&self, connection: Connection) {
        let mut idle = locked(&self.idle);
        if idle.len() < IDLE {
            idle.push(connection);
        }
    }

    fn identity(&self) -> u64 {
        self.identity.load(Ordering::Relaxed)
    }

    fn set_identity(&self, identity: u64) {
        self.identity.store(identity, Ordering::Relaxed);
    }

    /// Makes what was written durable, then tells of it. Who begins to listen meanwhile hears all of it or finds it.
    fn publish(
        &self,
        head: Head,
        changed: &[Fed],
        commit: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let feeds = locked(&self.feeds);
        commit()?;
        self.newest.send_replace(head);
        for feed in &*feeds {
            feed.applied(head.revision, changed);
        }
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| StoreError::engine(doing, error)
}

#[cfg(test)]
mod tests;
