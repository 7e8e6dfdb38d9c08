//! A store in memory: for virtual time, and what the other engines are compared with.

use std::io::BufRead;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use kecs_core::tx::Commit;
use tokio::sync::watch;

use crate::batch::Needs;
use crate::check::Finding;
use crate::data::{Data, Moment, Source};
use crate::error::{CommitError, StoreError};
use crate::lead::Lead;
use crate::store::{Committed, Feed, Head, Pruned, Retention, Snapshot, Stats, Store};
use crate::transfer::{self, Transferred};

/// A store in memory. What is in it ends with it.
pub struct Memory {
    state: Mutex<State>,
    newest: watch::Sender<Head>,
}

struct State {
    identity: u64,
    data: Data,
    feeds: Vec<Arc<dyn Feed>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Memory {
    /// An empty store. The ids of its events come of `identity`: the same commits give the same ids.
    pub fn new(identity: u64) -> Self {
        Self {
            state: Mutex::new(State {
                identity,
                data: Data::default(),
                feeds: Vec::new(),
            }),
            newest: watch::Sender::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is replaced as a whole, so that a panic elsewhere leaves it as it was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Memory {
    fn engine(&self) -> &'static str {
        "memory"
    }

    fn view(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(Moment::of(self.state().data.clone())))
    }

    async fn commit(&self, commit: Commit, now: Timestamp) -> Result<Committed, CommitError> {
        let mut state = self.state();
        let mut needs = Needs::default();
        needs.add(&commit);
        let mut batch = state.data.batch(needs);
        let committed = batch.apply(0, &commit)?;
        let identity = state.identity;
        let source = Source {
            commit: &commit,
            at: now,
        };
        let head = batch.head();
        let (written, told) = batch.finish();
        let changed = state.data.take(head, written, told, &[source], identity);
        for feed in &state.feeds {
            feed.applied(head.revision, &changed);
        }
        self.newest.send_if_modified(|newest| {
            let further = *newest != head;
            *newest = head;
            further
        });
        Ok(committed)
    }

    async fn lead(&self) -> Result<Lead, StoreError> {
        Ok(Lead::alone())
    }

    fn subscribe(&self) -> watch::Receiver<Head> {
        self.newest.subscribe()
    }

    fn feed(&self, feed: Arc<dyn Feed>) -> Result<u64, StoreError> {
        let mut state = self.state();
        state.feeds.push(feed);
        Ok(state.data.head().revision)
    }

    async fn prune(&self, retention: Retention) -> Result<Pruned, StoreError> {
        Ok(self.state().data.prune(retention))
    }

    async fn import(&self, lines: Box<dyn BufRead + Send>) -> Result<Transferred, StoreError> {
        let revision = self.state().data.head().revision;
        if revision > 0 {
            return Err(StoreError::NotEmpty { revision });
        }
        let image = transfer::read(lines)?;
        let mut state = self.state();
        let revision = state.data.head().revision;
        if revision > 0 {
            return Err(StoreError::NotEmpty { revision });
        }
        let transferred = image.transferred();
        let changed = image.fed();
        state.identity = image.identity;
        state.data = Data::from(image);
        let head = state.data.head();
        for feed in &state.feeds {
            feed.applied(head.revision, &changed);
        }
        self.newest.send_replace(head);
        Ok(transferred)
    }

    fn identity(&self) -> u64 {
        self.state().identity
    }

    async fn backup(&self, _path: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unsupported {
            engine: self.engine(),
            doing: "write a copy to a file",
        })
    }

    fn integrity(&self) -> Result<Vec<Finding>, StoreError> {
        Ok(Vec::new())
    }

    fn stats(&self) -> Result<Stats, StoreError> {
        let data = self.state().data.clone();
        Ok(data.stats(0))
    }
}

#[cfg(test)]
mod tests;
