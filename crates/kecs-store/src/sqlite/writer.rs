//! What the writing thread does to the file.

use std::fs;
use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};

use super::apply::{self, Deltas, Names, Rows};
use super::{Shared, failed};
use crate::batch::Needs;
use crate::error::StoreError;
use crate::files::beside;
use crate::group::{self, CommitJob, Engine, Outcome};

/// Bytes of the log above which it is begun anew even if readers must be waited for. Without that it grows as long as
/// there is always a reader.
const LONG_LOG: u64 = 64 << 20;

/// What the thread works with.
pub(super) struct Writing {
    pub(super) connection: Connection,
    pub(super) names: Names,
    pub(super) shared: Arc<Shared>,
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

    /// Begins the log anew where it has become long.
    fn rest(&mut self) {
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
