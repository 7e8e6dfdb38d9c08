//! A store whose commits are measured and traced, whoever makes them.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use kecs_core::event::EventType;
use kecs_core::tx::Commit;
use kecs_store::check::Finding;
use kecs_store::transfer::Transferred;
use kecs_store::{
    CommitError, Committed, Feed, Head, Lead, Logged, Pruned, Retention, Snapshot, Stats, Store, StoreError,
};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::metrics::{CommitOutcome, Metrics};
use crate::traced::Origins;

/// A store, measured.
pub struct Measured {
    store: Arc<dyn Store>,
    metrics: Metrics,
    origins: Origins,
}

impl Measured {
    /// Measures what is committed to `store`, and leaves in `origins` from where tasks come.
    pub fn new(store: Arc<dyn Store>, metrics: Metrics, origins: Origins) -> Self {
        Self {
            store,
            metrics,
            origins,
        }
    }
}

#[async_trait]
impl Store for Measured {
    fn engine(&self) -> &'static str {
        self.store.engine()
    }

    fn view(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.store.view()
    }

    async fn commit(&self, commit: Commit, now: Timestamp) -> Result<Committed, CommitError> {
        let span = tracing::info_span!("commit", engine = self.engine(), changes = commit.changes.len());
        let kinds: Vec<EventType> = commit.events.iter().map(|event| event.kind).collect();
        // Before the commit: once it is durable, the tasks may be handed over at any moment.
        let made = self.origins.remember(&commit, &span);
        let started = Instant::now();
        let committed = self.store.commit(commit, now).instrument(span).await;
        let outcome = match &committed {
            Ok(_) => CommitOutcome::Committed,
            Err(CommitError::Conflict(_)) => CommitOutcome::Conflict,
            Err(CommitError::Failed(_)) => CommitOutcome::Failed,
        };
        self.metrics.commit(outcome, started.elapsed());
        if committed.is_ok() {
            for kind in kinds {
                self.metrics.event(kind);
            }
        } else {
            self.origins.forget(&made);
        }
        committed
    }

    async fn lead(&self) -> Result<Lead, StoreError> {
        self.store.lead().await
    }

    fn subscribe(&self) -> watch::Receiver<Head> {
        self.store.subscribe()
    }

    fn feed(&self, feed: Arc<dyn Feed>) -> Result<u64, StoreError> {
        self.store.feed(feed)
    }

    fn events_since(&self, sequence: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        self.store.events_since(sequence, limit)
    }

    async fn prune(&self, retention: Retention) -> Result<Pruned, StoreError> {
        self.store.prune(retention).await
    }

    fn export(&self, out: &mut dyn Write) -> Result<Transferred, StoreError> {
        self.store.export(out)
    }

    async fn import(&self, lines: Box<dyn BufRead + Send>) -> Result<Transferred, StoreError> {
        self.store.import(lines).await
    }

    fn identity(&self) -> u64 {
        self.store.identity()
    }

    async fn backup(&self, path: &Path) -> Result<(), StoreError> {
        self.store.backup(path).await
    }

    fn integrity(&self) -> Result<Vec<Finding>, StoreError> {
        self.store.integrity()
    }

    fn check(&self) -> Result<Vec<Finding>, StoreError> {
        self.store.check()
    }

    fn stats(&self) -> Result<Stats, StoreError> {
        self.store.stats()
    }
}
