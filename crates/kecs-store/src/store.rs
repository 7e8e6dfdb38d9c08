//! What every store can do.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use kecs_core::event::Event;
use kecs_core::key::{Key, Term};
use kecs_core::record::Record;
use kecs_core::tx::Commit;
use kecs_core::view::{Entry, View};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::check::{self, Finding};
use crate::error::{CommitError, StoreError};
use crate::lead::Lead;
use crate::transfer::{self, Transferred};

/// How far a store has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// The number of its last commit; zero: there was none.
    pub revision: u64,
    /// The number of its last event; zero: there was none.
    pub sequence: u64,
}

/// A commit that is durable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Its number. A commit that changes and tells nothing takes none: it has that of the commit before it.
    pub revision: u64,
    /// The number of the last event up to and with this commit. Its own events have the numbers that end here.
    pub sequence: u64,
    /// The generation that each of its changes made, in their order; zero for what was deleted.
    pub generations: Vec<u64>,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// Its number.
    pub sequence: u64,
    /// Its id, which stays the same wherever it is read.
    pub id: String,
    /// The commit that it came with.
    pub revision: u64,
    /// When that was committed.
    pub at: Timestamp,
    /// What has happened.
    pub event: Event,
}

/// All that is kept of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The key.
    pub key: Key,
    /// How often it was written.
    pub generation: u64,
    /// The commit that wrote or deleted it last.
    pub revision: u64,
    /// The record; `None`: it was deleted.
    pub record: Option<Arc<Record>>,
    /// The terms that it is found by, in their order.
    pub terms: Vec<Term>,
}

/// A term and the number that is kept with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermCount {
    /// The term.
    pub term: Term,
    /// How many records it is said to have.
    pub count: u64,
}

/// The records at one moment.
pub trait Snapshot: View + Send {
    /// Which moment: the last commit that it shows, and the last event of that.
    fn head(&self) -> Head;

    /// How many rows of records and terms were read through it until now.
    fn rows_read(&self) -> u64;

    /// The last event that is no longer kept, and the highest generation of a key of which nothing is kept any more.
    fn floors(&self) -> Result<Floors, StoreError>;

    /// All that is kept of the keys behind `after`, the deleted ones too, at most `limit` of them, in their order.
    fn stored(&self, after: Option<&Key>, limit: usize) -> Result<Vec<Stored>, StoreError>;

    /// The terms behind `after`, at most `limit` of them, in their order.
    fn terms(&self, after: Option<&Term>, limit: usize) -> Result<Vec<TermCount>, StoreError>;

    /// The keys that are kept with a term, in their order.
    fn members(&self, term: &Term) -> Result<Vec<Key>, StoreError>;

    /// The events behind `sequence`, at most `limit` of them, in their order.
    fn events(&self, sequence: u64, limit: usize) -> Result<Vec<Logged>, StoreError>;
}

/// Below what nothing is kept any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floors {
    /// The last event that is no longer kept.
    pub sequence: u64,
    /// No deleted key that is no longer kept had a higher generation. New keys begin above it, so that a generation
    /// never comes twice.
    pub generation: u64,
}

/// What is to be kept when a store is pruned. Records are always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// So many of the newest events.
    pub events: u64,
    /// And every event that was committed at this time or later.
    pub since: Option<Timestamp>,
    /// What is known of keys that were deleted by so many of the last commits.
    pub deleted: u64,
}

/// What was pruned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// So many events.
    pub events: u64,
    /// What was known of so many deleted keys.
    pub deleted: u64,
}

/// How many records there are of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindCount {
    /// The kind, as records name it.
    pub kind: String,
    /// How many.
    pub records: u64,
}

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// How far it has come.
    pub head: Head,
    /// Its records by kind, in the order of the names; kinds without any are left out.
    pub kinds: Vec<KindCount>,
    /// Deleted keys that are still known.
    pub deleted: u64,
    /// Events that are kept.
    pub events: u64,
    /// Bytes on disk; zero where there is none.
    pub bytes: u64,
}

/// What became of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Fed {
    /// The key.
    pub key: Key,
    /// The commit that wrote or deleted it.
    pub revision: u64,
    /// What is kept now.
    pub entry: Option<Entry>,
}

/// What is told of every commit once it is durable and before it is acknowledged, in the order of the commits.
pub trait Feed: Send + Sync {
    /// Everything up to this commit was told of: `changed` is what became of all keys that were written since the last
    /// call.
    fn applied(&self, revision: u64, changed: &[Fed]);

    /// Up to this commit keys were deleted that nobody can name any more: what is remembered from before it must not be
    /// used. Comes before the call of `applied` that goes beyond it.
    fn missed(&self, _revision: u64) {}
}

/// Where records are kept.
#[async_trait]
pub trait Store: Send + Sync {
    /// The engine's name.
    fn engine(&self) -> &'static str;

    /// The records as they are now. It shows every commit that was acknowledged before. It is meant to be short-lived.
    fn view(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Applies a commit whole if all that it expects is so, and else not at all. It is durable when this returns.
    /// `now` is what is kept as the time of its events. A caller that goes away meanwhile does not undo it.
    async fn commit(&self, commit: Commit, now: Timestamp) -> Result<Committed, CommitError>;

    /// Waits until this server is the one that leads among all that share the store: what only one of them may do is its
    /// business then. A server that has the store for itself leads at once. Dropping the future is to wait no longer.
    async fn lead(&self) -> Result<Lead, StoreError>;

    /// How far it has come, and a notice each time it goes further.
    fn subscribe(&self) -> watch::Receiver<Head>;

    /// Tells `feed` of every commit from now on. Answers with the last commit that it is not told of.
    fn feed(&self, feed: Arc<dyn Feed>) -> Result<u64, StoreError>;

    /// The events behind `sequence`, at most `limit` of them, in their order. Fails if some of them are no longer
    /// kept.
    fn events_since(&self, sequence: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        let view = self.view()?;
        let forgotten = view.floors()?.sequence;
        if sequence < forgotten {
            return Err(StoreError::Forgotten {
                asked: sequence,
                forgotten,
            });
        }
        view.events(sequence, limit)
    }

    /// Forgets what need not be kept.
    async fn prune(&self, retention: Retention) -> Result<Pruned, StoreError>;

    /// Writes everything as lines of JSON.
    fn export(&self, out: &mut dyn Write) -> Result<Transferred, StoreError> {
        transfer::export(&*self.view()?, self.identity(), out)
    }

    /// Reads in an export, whole or not at all. The store must be empty.
    async fn import(&self, lines: Box<dyn BufRead + Send>) -> Result<Transferred, StoreError>;

    /// From what the ids of events are made. It stays the same over export, import, backup and restore.
    fn identity(&self) -> u64;

    /// Writes a copy as of now, which opens as a store of the same kind. The file must not exist.
    async fn backup(&self, path: &Path) -> Result<(), StoreError>;

    /// What the engine's own check of its files finds.
    fn integrity(&self) -> Result<Vec<Finding>, StoreError>;

    /// Everything that is wrong with what is kept; empty: nothing is.
    fn check(&self) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.integrity()?;
        findings.extend(check::check(&*self.view()?)?);
        Ok(findings)
    }

    /// What it holds.
    fn stats(&self) -> Result<Stats, StoreError>;
}
