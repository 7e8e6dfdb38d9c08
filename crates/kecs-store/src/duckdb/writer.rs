//! What the writing thread does to the file.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use duckdb::Connection;
use jiff::Timestamp;
use kecs_core::key::Key;

use super::rows::{self, Row, Top};
use super::{Shared, copy, failed, open};
use crate::batch::{Needs, Told, Written, event_id};
use crate::data::{Data, Source};
use crate::error::StoreError;
use crate::files::{folder, sync};
use crate::group::{CommitJob, Engine, Outcome, locked};
use crate::store::{Pruned, Retention};
use crate::transfer::{Image, Transferred};

/// Bytes of the log above which it is put into the file, and begun anew.
const LONG_LOG: u64 = 16 << 20;

/// What the thread works with.
pub(super) struct Writing {
    connection: Connection,
    shared: Arc<Shared>,
    /// The row of each key.
    numbers: HashMap<Key, u64>,
    /// The number of the last row that was written.
    last: u64,
    /// Which file the log is whose name is on the disk.
    log: Option<u64>,
    /// Why nothing is written any more.
    broken: Option<String>,
}

impl Writing {
    pub(super) fn new(connection: Connection, numbers: HashMap<Key, u64>, shared: Arc<Shared>) -> Self {
        Self {
            connection,
            last: numbers.values().copied().max().unwrap_or_default(),
            numbers,
            shared,
            log: None,
            broken: None,
        }
    }

    /// Begins a transaction and writes something; undoes it if that fails.
    fn write<T>(&mut self, what: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(cause) = &self.broken {
            return Err(StoreError::engine(
                "writing to a file whose state is not known",
                cause,
            ));
        }
        self.connection
            .execute_batch("BEGIN")
            .map_err(failed("writing"))?;
        let written = what(&self.connection);
        if written.is_err()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            self.broken = Some(error.to_string());
        }
        written
    }

    /// Makes what was written durable, and shows it.
    ///
    /// If that fails, nobody knows what of it is in the log, and a second sync may say that all is well when it is not.
    /// So nothing is written any more: who opens the file again sees what is so.
    fn finish(&mut self, next: Data) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let _moment = locked(&shared.moment);
        let durable = self
            .connection
            .execute_batch("COMMIT")
            .map_err(|error| error.to_string())
            .and_then(|()| self.name_log().map_err(|error| error.to_string()));
        if let Err(cause) = durable {
            self.broken = Some(cause.clone());
            return Err(StoreError::Uncertain { cause });
        }
        *locked(&shared.data) = next;
        Ok(())
    }

    /// `DuckDB` syncs the log and not its name, and begins another one after each checkpoint.
    fn name_log(&mut self) -> Result<(), StoreError> {
        let log = fs::metadata(self.shared.log()).ok().map(|it| it.ino());
        if log.is_some() && log != self.log {
            sync(folder(&self.shared.file))?;
        }
        self.log = log;
        Ok(())
    }

    /// Does something behind the store's back.
    #[cfg(test)]
    pub(super) fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(failed("testing"))
    }

    /// Ends a transaction that is not there.
    #[cfg(test)]
    pub(super) fn lose(&mut self) -> Result<(), StoreError> {
        self.finish(self.now())
    }

    fn now(&self) -> Data {
        locked(&self.shared.data).clone()
    }

    /// Forgets what need not be kept.
    pub(super) fn prune(&mut self, retention: Retention) -> Result<Pruned, StoreError> {
        let mut next = self.now();
        let pruned = next.prune(retention);
        if pruned == Pruned::default() {
            return Ok(pruned);
        }
        let top = Top {
            head: next.head(),
            floors: next.floors(),
            identity: self.shared.listeners.identity(),
        };
        self.write(|connection| {
            let sql = "DELETE FROM events WHERE sequence <= ?";
            let gone = rows::changed(connection, sql, [top.floors.sequence])?;
            rows::expect(pruned.events, gone)?;
            let through = top.head.revision.saturating_sub(retention.deleted);
            let sql = "DELETE FROM records WHERE kind IS NULL AND revision <= ?";
            let gone = rows::changed(connection, sql, [through])?;
            rows::expect(pruned.deleted, gone)?;
            rows::set_top(connection, &top)
        })?;
        self.finish(next.clone())?;
        if pruned.deleted > 0 {
            self.numbers.retain(|key, _| next.keeps(key));
        }
        Ok(pruned)
    }

    /// Takes in what was exported.
    pub(super) fn import(&mut self, image: Image) -> Result<Transferred, StoreError> {
        let revision = self.now().head().revision;
        if revision > 0 {
            return Err(StoreError::NotEmpty { revision });
        }
        let numbers = self.write(|connection| copy::fill(connection, &image))?;
        let (head, identity, transferred) = (image.head, image.identity, image.transferred());
        let keys = image.stored.iter().map(|stored| stored.key.clone());
        let numbers: HashMap<Key, u64> = keys.zip(numbers).collect();
        let shared = Arc::clone(&self.shared);
        shared.listeners.publish(head, None, image.fed(), || {
            self.finish(Data::from(image))?;
            shared.listeners.set_identity(identity);
            Ok(())
        })?;
        self.last = numbers.values().copied().max().unwrap_or_default();
        self.numbers = numbers;
        Ok(transferred)
    }
}

impl Engine for Writing {
    fn attempt(&mut self, jobs: &[CommitJob]) -> Result<Vec<Outcome>, StoreError> {
        let mut next = self.now();
        let mut needs = Needs::default();
        for job in jobs {
            needs.add(&job.commit);
        }
        let mut batch = next.batch(needs);
        let outcomes = jobs.iter().enumerate();
        let outcomes: Vec<_> = outcomes.map(|(at, job)| batch.apply(at, &job.commit)).collect();
        let head = batch.head();
        if head == next.head() {
            return Ok(outcomes);
        }
        let (written, told) = batch.finish();
        let before = written.keys().filter_map(|key| self.numbers.get(key).copied());
        let before: Vec<u64> = before.collect();
        let keys: Vec<Key> = written.keys().cloned().collect();
        let (first, identity) = (self.last + 1, self.shared.listeners.identity());
        self.write(|connection| {
            rows::delete(connection, &before)?;
            put(connection, first, &written, jobs)?;
            tell(connection, identity, &told, jobs)?;
            rows::advance(connection, head)
        })?;
        let sources: Vec<Source<'_>> = jobs
            .iter()
            .map(|job| Source {
                commit: &job.commit,
                at: kept(job.at),
            })
            .collect();
        let changed = next.take(head, written, told, &sources, identity);
        let shared = Arc::clone(&self.shared);
        shared
            .listeners
            .publish(head, None, changed, || self.finish(next))?;
        for key in keys {
            self.last += 1;
            self.numbers.insert(key, self.last);
        }
        Ok(outcomes)
    }

    fn recover(&mut self) {
        // What was begun is undone already, and what is shown was not touched.
    }

    /// Puts the log into the file where it has become long. Nobody waits for that but the next batch.
    fn rest(&mut self) {
        if fs::metadata(self.shared.log()).is_ok_and(|log| log.len() > LONG_LOG) {
            // Where it fails it is tried again after the next batch; the log holds everything until then.
            let _later = self.connection.execute_batch(open::CHECKPOINT);
            // The next one may be the same file by its number.
            self.log = None;
        }
    }
}

/// Writes what becomes of keys, as rows from this number on.
fn put(
    connection: &Connection,
    first: u64,
    written: &BTreeMap<Key, Written>,
    jobs: &[CommitJob],
) -> Result<(), StoreError> {
    let mut records = rows::records(connection)?;
    for ((key, written), number) in written.iter().zip(first..) {
        let (job, change) = written.source;
        let body = jobs.get(job).and_then(|job| job.bodies.get(change));
        records.put(&Row {
            number,
            key,
            slot: &written.after,
            body: body.and_then(Option::as_deref),
        })?;
    }
    records.done()
}

/// Writes the events of a batch.
fn tell(connection: &Connection, identity: u64, told: &[Told], jobs: &[CommitJob]) -> Result<(), StoreError> {
    if told.is_empty() {
        return Ok(());
    }
    let mut events = rows::events(connection)?;
    for told in told {
        let Some(job) = jobs.get(told.commit) else {
            continue;
        };
        for (sequence, event) in (told.first..).zip(&job.events) {
            let id = event_id(identity, sequence);
            events.put(sequence, &id, told.revision, job.at, event)?;
        }
    }
    events.done()
}

/// A time as it comes back from the file.
fn kept(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
