//! What the writing thread does to the file.

use std::ffi::c_int;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::hooks::Wal;
use rusqlite::{Connection, TransactionBehavior};

use super::apply::{self, Deltas, Names, Rows};
use super::{Shared, failed};
use crate::batch::Needs;
use crate::error::StoreError;
use crate::files::beside;
use crate::group::{self, CommitJob, Engine, Outcome};

/// Pages of the log above which they are copied into the file, as far as no view needs them. When all are, and no view
/// reads the log, the next batch begins it anew in the same place, which costs less than to make a file longer.
const LOG_PAGES: u32 = 4096;

/// Bytes of the log above which it is begun anew even if readers must be waited for. Without that it grows as long as
/// there is always a reader.
const LONG_LOG: u64 = 64 << 20;

/// What the thread works with.
pub(super) struct Writing {
    pub(super) connection: Connection,
    pub(super) names: Names,
    pub(super) shared: Arc<Shared>,
    /// Pages of the log after the last commit.
    pub(super) log: Arc<AtomicU32>,
}

/// Counts the pages of the log. Nothing else is done about a long one while a commit is waited for.
pub(super) fn watch_log(connection: &mut Connection) -> rusqlite::Result<Arc<AtomicU32>> {
    let log = Arc::<AtomicU32>::default();
    let counted = Arc::clone(&log);
    connection.wal_hook(Some(move |_: &mut Wal, pages: c_int| {
        counted.store(pages.unsigned_abs(), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(log)
}

impl Engine for Writing {
    fn attempt(&mut self, jobs: &[CommitJob]) -> Result<Vec<Outcome>, StoreError> {
        self.shared.pool.end_idle();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("committing"))?;
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
            changed.push(group::fed(key, written, jobs));
        }
        rows.settle(&deltas)?;
        let Shared { listeners, pool, .. } = &*self.shared;
        let identity = listeners.identity();
        for told in &told {
            if let Some(job) = jobs.get(told.commit) {
                apply::tell(&transaction, identity, told, job.at, &job.events)?;
            }
        }
        apply::advance(&transaction, head)?;
        listeners.publish(head, None, changed, || pool.commit(transaction))?;
        Ok(outcomes)
    }

    fn recover(&mut self) {
        // What was looked up may have been rolled back.
        self.names.forget();
    }

    /// Lets the log be begun anew where it has become long.
    fn rest(&mut self) {
        if self.log.load(Ordering::Relaxed) < LOG_PAGES {
            return;
        }
        // It is tried again after the next batch.
        let copy = "PRAGMA wal_checkpoint(PASSIVE)";
        let _later = self.connection.query_row(copy, [], |_| Ok(()));
        let log = beside(self.shared.pool.path(), "-wal");
        if fs::metadata(log).is_ok_and(|log| log.len() > LONG_LOG) {
            // A reader that stays longer than the patience keeps the log long: it is tried again after the next batch.
            let checkpoint = || {
                self.connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            };
            let _later = self.shared.pool.without_idle(checkpoint);
        }
    }
}
