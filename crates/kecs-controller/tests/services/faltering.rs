//! A store that now and then takes no commits.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use kecs_core::tx::Commit;
use kecs_store::check::Finding;
use kecs_store::memory::Memory;
use kecs_store::transfer::Transferred;
use kecs_store::{
    CommitError, Committed, Feed, Head, Lead, Pruned, Retention, Snapshot, Stats, Store, StoreError,
};
use tokio::sync::watch;

/// A store in memory, which takes no commits while it is away.
pub(crate) struct Faltering {
    store: Memory,
    pub(crate) away: AtomicBool,
}

impl Faltering {
    pub(crate) fn new() -> Self {
        Self {
            store: Memory::new(7),
            away: AtomicBool::new(false),
        }
    }
}

#[async_trait]
impl Store for Faltering {
    fn engine(&self) -> &'static str {
        self.store.engine()
    }

    fn view(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.store.view()
    }

    async fn commit(&self, commit: Commit, now: Timestamp) -> Result<Committed, CommitError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Closed.into());
        }
        self.store.commit(commit, now).await
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

    async fn prune(&self, retention: Retention) -> Result<Pruned, StoreError> {
        self.store.prune(retention).await
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

    fn stats(&self) -> Result<Stats, StoreError> {
        self.store.stats()
    }
}
