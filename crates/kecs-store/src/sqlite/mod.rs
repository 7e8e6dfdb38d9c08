//! A store in one `SQLite` file, for one server.
//!
//! One thread writes, and writes all that waits with one sync of the disk. Views are read transactions on connections
//! of their own, which write-ahead logging keeps apart from the writer.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use async_trait::async_trait;
use jiff::Timestamp;
use kecs_core::tx::Commit;
use tokio::sync::{oneshot, watch};

use crate::check::Finding;
use crate::error::{CommitError, StoreError};
use crate::group::{Listeners, Writer};
use crate::lead::Lead;
use crate::store::{Committed, Feed, Head, Pruned, Retention, Snapshot, Stats, Store};
use crate::transfer::{self, Transferred};

mod apply;
mod copy;
mod open;
mod pool;
mod reader;
mod schema;
mod upkeep;
mod writer;

use pool::Pool;
use reader::Reader;
use writer::Writing;

/// A store in an `SQLite` file. The file is closed when this and its last view are dropped.
pub struct Sqlite {
    writer: Writer<Writing>,
    shared: Arc<Shared>,
}

/// What the writer and the views have in common.
struct Shared {
    pool: Pool,
    listeners: Listeners,
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
        let mut opened = open::open(path, steps)?;
        let log = writer::watch_log(&mut opened.connection).map_err(failed("watching the log"))?;
        let (head, _, identity) = apply::head(&opened.connection)?;
        let shared = Arc::new(Shared {
            pool: Pool::new(path),
            listeners: Listeners::new(head, identity),
            _lock: opened.lock,
        });
        let writing = Writing {
            connection: opened.connection,
            names: apply::Names::default(),
            shared: Arc::clone(&shared),
            log,
        };
        Ok(Self {
            writer: Writer::start(|| Ok(writing))?,
            shared,
        })
    }

    /// Makes a store out of a copy that [`Store::backup`] wrote. The copy is checked, and stays as it is; there must be
    /// no store at `to`.
    pub fn restore(copy: &Path, to: &Path) -> Result<(), StoreError> {
        copy::restore(copy, to)
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
        self.writer.commit(commit, now).await
    }

    async fn lead(&self) -> Result<Lead, StoreError> {
        // The lock on the file keeps others out.
        Ok(Lead::alone())
    }

    fn subscribe(&self) -> watch::Receiver<Head> {
        self.shared.listeners.subscribe()
    }

    fn feed(&self, feed: Arc<dyn Feed>) -> Result<u64, StoreError> {
        Ok(self.shared.listeners.feed(feed))
    }

    async fn prune(&self, retention: Retention) -> Result<Pruned, StoreError> {
        let mut all = Pruned::default();
        loop {
            let some = self
                .writer
                .between(move |writing| upkeep::prune(writing, retention))
                .await?;
            if some == Pruned::default() {
                return Ok(all);
            }
            all.events += some.events;
            all.deleted += some.deleted;
        }
    }

    async fn import(&self, lines: Box<dyn BufRead + Send>) -> Result<Transferred, StoreError> {
        let revision = self.shared.listeners.head().revision;
        if revision > 0 {
            return Err(StoreError::NotEmpty { revision });
        }
        let image = transfer::read(lines)?;
        self.writer
            .between(move |writing| upkeep::import(writing, &image))
            .await
    }

    fn identity(&self) -> u64 {
        self.shared.listeners.identity()
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
            .map_err(|error| StoreError::engine("starting a copy", &error))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    fn integrity(&self) -> Result<Vec<Finding>, StoreError> {
        // What the file holds by now, even if others should have written to it.
        self.shared.pool.end_idle();
        upkeep::integrity(Reader::begin(&self.shared)?.connection()?)
    }

    fn stats(&self) -> Result<Stats, StoreError> {
        let reader = Reader::begin(&self.shared)?;
        upkeep::stats(reader.connection()?, self.shared.pool.path())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // The writer is the last to close the file, and as such puts the log back into it.
        self.shared.pool.close();
    }
}

fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| StoreError::engine(doing, &error)
}

#[cfg(test)]
mod tests;
