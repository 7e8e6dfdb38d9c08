//! A store in a `DuckDB` file, for one server whose records are to be analysed.
//!
//! `DuckDB` is made for statements over many rows, and planning one costs more than reading a record. So all records
//! are in memory as well, where views read them, and the file makes them durable: one thread writes all that waits in
//! one transaction, with one sync of the disk, and only then it is shown.
//!
//! No table has a key or an index: `DuckDB` holds rows that are deleted against the uniqueness of those that are
//! inserted, in some cases, and gives room back only where no index leads to it. Rows are told apart by numbers that
//! come once.

use std::fs::{self, File};
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use async_trait::async_trait;
use duckdb::Connection;
use jiff::Timestamp;
use kecs_core::tx::Commit;
use tokio::sync::{oneshot, watch};

use crate::check::Finding;
use crate::data::{Data, Moment};
use crate::error::{CommitError, StoreError};
use crate::files::beside;
use crate::group::{Listeners, Writer, locked};
use crate::lead::Lead;
use crate::store::{Committed, Feed, Head, Pruned, Retention, Snapshot, Stats, Store};
use crate::transfer::{self, Transferred};

mod copy;
mod open;
mod rows;
mod schema;
mod writer;

use writer::Writing;

/// A store in a directory that is its own. The file in it is closed when this is dropped; views outlive that.
pub struct DuckDb {
    writer: Writer<Writing>,
    shared: Arc<Shared>,
}

/// What the writer and the views have in common.
struct Shared {
    file: PathBuf,
    data: Mutex<Data>,
    listeners: Listeners,
    /// Held while the file and what is shown of it go from one moment to the next.
    moment: Mutex<()>,
    /// Reads the file while it is written.
    reading: Mutex<Connection>,
    /// Keeps others out of the file, until all connections are closed.
    _lock: File,
}

impl DuckDb {
    /// Opens the store in this directory, and makes it where there is none, with the directories on the way to it. The
    /// directory becomes its owner's alone: `DuckDB` makes files beside its own that anybody may read.
    ///
    /// Fails if another process has it open, if the file is something else's, or of a later version of this program.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(folder.as_ref(), schema::STEPS)
    }

    fn open_with(folder: &Path, steps: &[&str]) -> Result<Self, StoreError> {
        let opened = open::open(folder, steps)?;
        let loaded = rows::load(&opened.connection)?;
        let image = loaded.image;
        let shared = Arc::new(Shared {
            file: opened.file,
            listeners: Listeners::new(image.head, image.identity),
            data: Mutex::new(Data::from(image)),
            moment: Mutex::default(),
            reading: Mutex::new(open::again(&opened.connection)?),
            _lock: opened.lock,
        });
        let writing = Writing::new(opened.connection, loaded.numbers, Arc::clone(&shared));
        Ok(Self {
            writer: Writer::start(|| Ok(writing))?,
            shared,
        })
    }

    /// Makes a store out of a copy that [`Store::backup`] wrote. The copy is checked, and stays as it is; there must be
    /// no store in the directory `to`.
    pub fn restore(copy: &Path, to: &Path) -> Result<(), StoreError> {
        copy::restore(copy, to)
    }

    fn now(&self) -> Data {
        locked(&self.shared.data).clone()
    }
}

#[async_trait]
impl Store for DuckDb {
    fn engine(&self) -> &'static str {
        "duckdb"
    }

    fn view(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(Moment::of(self.now())))
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
        self.writer.between(move |writing| writing.prune(retention)).await
    }

    async fn import(&self, lines: Box<dyn BufRead + Send>) -> Result<Transferred, StoreError> {
        let revision = self.shared.listeners.head().revision;
        if revision > 0 {
            return Err(StoreError::NotEmpty { revision });
        }
        let image = transfer::read(lines)?;
        self.writer.between(move |writing| writing.import(image)).await
    }

    fn identity(&self) -> u64 {
        self.shared.listeners.identity()
    }

    async fn backup(&self, path: &Path) -> Result<(), StoreError> {
        let (view, identity) = (Moment::of(self.now()), self.identity());
        let path = path.to_owned();
        let (reply, answer) = oneshot::channel();
        // It takes as long as the store is large, and must keep neither the writer nor the caller's thread.
        thread::Builder::new()
            .name("kecs-backup".to_owned())
            .spawn(move || {
                let _gone = reply.send(copy::copy(&view, identity, &path));
            })
            .map_err(|error| StoreError::engine("starting a copy", &error))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Reads the whole file, by which `DuckDB` checks its blocks, and holds it against what is in memory.
    fn integrity(&self) -> Result<Vec<Finding>, StoreError> {
        let connection = locked(&self.shared.reading);
        let data = {
            let _moment = locked(&self.shared.moment);
            connection
                .execute_batch("BEGIN")
                .map_err(failed("checking the file"))?;
            // The first read is what fixes the moment.
            rows::top(&connection).map(|_| self.now())
        };
        let loaded = data.and_then(|data| Ok((data, rows::load(&connection)?)));
        connection
            .execute_batch("ROLLBACK")
            .map_err(failed("checking the file"))?;
        match loaded {
            Ok((data, loaded)) => rows::differences(&Moment::of(data), loaded.image),
            Err(error) => Ok(vec![Finding::Engine(error.to_string())]),
        }
    }

    fn stats(&self) -> Result<Stats, StoreError> {
        Ok(self.now().stats(self.shared.bytes()))
    }
}

impl Shared {
    /// Where commits are written before they get into the file.
    fn log(&self) -> PathBuf {
        beside(&self.file, ".wal")
    }

    fn bytes(&self) -> u64 {
        let size = |path: &Path| fs::metadata(path).map_or(0, |it| it.len());
        size(&self.file) + size(&self.log())
    }
}

fn failed(doing: &'static str) -> impl Fn(duckdb::Error) -> StoreError {
    move |error| StoreError::engine(doing, &error)
}

#[cfg(test)]
mod tests;
