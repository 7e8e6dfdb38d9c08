//! The one thread that writes. All commits that wait are decided one after the other, written in one transaction and
//! acknowledged when that is on the disk.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::{fs, mem};

use jiff::Timestamp;
use kecs_core::tx::Commit;
use kecs_core::view::Entry;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::apply::{self, Deltas, Names, Rows};
use super::{Shared, failed, open};
use crate::batch::Needs;
use crate::codec;
use crate::error::{CommitError, StoreError};
use crate::store::{Committed, Fed};

/// Commits that are written at once.
const BATCH: usize = 256;
/// Bytes of the log above which it is begun anew even if readers must be waited for. Without that it grows as long as
/// there is always a reader.
const LONG_LOG: u64 = 64 << 20;

/// What the thread is asked for.
pub(super) enum Job {
    /// Write a commit.
    Commit(Box<CommitJob>),
    /// Something rarer, between two batches.
    Other(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// A commit that waits, encoded.
pub(super) struct CommitJob {
    commit: Commit,
    bodies: Vec<Option<Vec<u8>>>,
    events: Vec<String>,
    at: Timestamp,
    reply: oneshot::Sender<Result<Committed, CommitError>>,
}

/// What the thread works with.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) names: Names,
    pub(super) shared: Arc<Shared>,
}

impl CommitJob {
    pub(super) fn new(
        commit: Commit,
        at: Timestamp,
        reply: oneshot::Sender<Result<Committed, CommitError>>,
    ) -> Result<Self, StoreError> {
        let records = commit.changes.iter().map(|change| change.record.as_deref());
        let bodies: Result<_, _> = records
            .map(|record| record.map(codec::encode).transpose())
            .collect();
        let events: Result<_, _> = commit.events.iter().map(apply::text).collect();
        Ok(Self {
            bodies: bodies?,
            events: events?,
            commit,
            at,
            reply,
        })
    }
}

impl Writer {
    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut waiting = Vec::new();
        while let Ok(first) = jobs.recv() {
            let mut next = Some(first);
            while let Some(job) = next.take() {
                match job {
                    Job::Commit(job) => waiting.push(*job),
                    Job::Other(job) => {
                        self.flush(mem::take(&mut waiting));
                        job(&mut self);
                    }
                }
                if waiting.len() < BATCH {
                    next = jobs.try_recv().ok();
                }
            }
            self.flush(mem::take(&mut waiting));
            self.shorten_log();
        }
    }

    fn flush(&mut self, jobs: Vec<CommitJob>) {
        if jobs.is_empty() {
            return;
        }
        match self.attempt(&jobs) {
            Ok(outcomes) => {
                for (job, outcome) in jobs.into_iter().zip(outcomes) {
                    // Nobody waits for it any more: it is written all the same.
                    let _gone = job.reply.send(outcome);
                }
            }
            Err(error) => self.after(error, jobs),
        }
    }

    /// A batch that failed is written commit by commit, so that one that cannot be written fails alone.
    fn after(&mut self, error: StoreError, mut jobs: Vec<CommitJob>) {
        self.names.forget();
        if jobs.len() > 1 {
            for job in jobs {
                self.flush(vec![job]);
            }
        } else if let Some(job) = jobs.pop() {
            let _gone = job.reply.send(Err(error.into()));
        }
    }

    fn attempt(&mut self, jobs: &[CommitJob]) -> Result<Vec<Result<Committed, CommitError>>, StoreError> {
        let failed = failed("committing");
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&failed)?;
        let mut rows = Rows {
            connection: &transaction,
            names: &mut self.names,
        };
        let mut needs = Needs::default();
        for job in jobs {
            needs.add(&job.commit);
        }
        let (mut batch, ids) = rows.load(needs)?;
        let before = batch.head();
        let outcomes = jobs.iter().enumerate();
        let outcomes: Vec<_> = outcomes.map(|(at, job)| batch.apply(at, &job.commit)).collect();
        let head = batch.head();
        if head == before {
            return Ok(outcomes);
        }
        let (written, told) = batch.finish();
        let mut deltas = Deltas::default();
        let mut changed = Vec::with_capacity(written.len());
        for (key, written) in &written {
            let (job, change) = written.source;
            let job = jobs.get(job);
            let body = job
                .and_then(|job| job.bodies.get(change))
                .and_then(Option::as_deref);
            rows.write(key, ids.get(key).copied(), written, body, &mut deltas)?;
            let record = job
                .and_then(|job| job.commit.changes.get(change))
                .and_then(|change| change.record.clone());
            changed.push(Fed {
                key: key.clone(),
                revision: written.after.revision,
                entry: record.map(|record| Entry {
                    key: key.clone(),
                    generation: written.after.generation,
                    revision: written.after.revision,
                    record,
                }),
            });
        }
        rows.settle(&deltas)?;
        let identity = self.shared.identity();
        for told in &told {
            if let Some(job) = jobs.get(told.commit) {
                apply::tell(&transaction, identity, told, job.at, &job.events)?;
            }
        }
        apply::advance(&transaction, head)?;
        self.shared
            .publish(head, &changed, || transaction.commit().map_err(&failed))?;
        Ok(outcomes)
    }

    /// Begins the log anew where it has become long.
    fn shorten_log(&self) {
        let log = open::beside(&self.shared.path, "-wal");
        if fs::metadata(log).is_ok_and(|log| log.len() > LONG_LOG) {
            // A reader that stays longer than the patience keeps the log long: it is tried again after the next batch.
            let _later = self
                .connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    }
}
