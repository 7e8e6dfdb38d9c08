//! A cache of records by key, in front of a store.
//!
//! It never shows what the store below would not show at the same moment. A view has the number of the last commit
//! that it shows, `R`; the cache knows up to which commit it was told of everything, `F`, and since which commit a
//! record has been as it is, `S`. What is cached is used only where `S <= R <= F`: there was no write of the key in
//! between, or the cache would have been told of it. What a view reads below is offered to the cache with its `R`, and
//! is taken only if no write to a key with the same hash was told of after that; so a slow reader never brings back
//! what was overwritten, even if that was evicted meanwhile. All of this holds for keys without a record as well.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use kecs_core::key::{Key, Term};
use kecs_core::record::Record;
use kecs_core::tx::Commit;
use kecs_core::view::{Entry, Page, Unreadable, View};
use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::sync::watch;

use crate::check::Finding;
use crate::error::{CommitError, StoreError};
use crate::lead::Lead;
use crate::store::{
    Committed, Fed, Feed, Floors, Head, Logged, Pruned, Retention, Snapshot, Stats, Store, Stored, TermCount,
};
use crate::transfer::Transferred;

/// Keys share the number of the last write among so many hashes. More of them cost eight bytes each, fewer make a
/// reader's offer fail for the write of another key.
const HASHES: usize = 4096;

/// A store with a cache in front of it.
pub struct Cached<S> {
    store: S,
    records: Arc<Records>,
}

/// How often the cache knew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Reads by key that it answered.
    pub hits: u64,
    /// Reads by key that the store below answered.
    pub misses: u64,
    /// Keys that it knows now, about.
    pub keys: u64,
}

/// What is cached.
struct Records {
    known: Cache<Key, Known>,
    /// Everything up to this commit was told of.
    fed: AtomicU64,
    /// What was known before this commit counts no more.
    floor: AtomicU64,
    /// The last write of any key of a hash.
    written: Box<[AtomicU64]>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    /// It has been so since this commit, or longer.
    since: u64,
    entry: Option<Entry>,
}

impl<S: Store> Cached<S> {
    /// Caches up to `keys` records of a store, those that were used last, and each for at most `ttl`.
    pub fn new(store: S, keys: u64, ttl: Duration) -> Result<Self, StoreError> {
        let known = Cache::builder()
            .max_capacity(keys)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(ttl)
            .build();
        let records = Arc::new(Records {
            known,
            fed: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            written: (0..HASHES).map(|_| AtomicU64::new(0)).collect(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        });
        let untold = store.feed(Arc::clone(&records) as Arc<dyn Feed>)?;
        // A commit may have been told of already.
        records.fed.fetch_max(untold, Ordering::SeqCst);
        Ok(Self { store, records })
    }

    /// The store below.
    pub const fn inner(&self) -> &S {
        &self.store
    }

    /// How often the cache knew.
    pub fn cache_stats(&self) -> CacheStats {
        CacheStats {
            hits: self.records.hits.load(Ordering::Relaxed),
            misses: self.records.misses.load(Ordering::Relaxed),
            keys: self.records.known.entry_count(),
        }
    }
}

impl Records {
    fn written(&self, key: &Key) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = usize::try_from(hasher.finish() % HASHES as u64).unwrap_or_default();
        &self.written[hash]
    }

    /// What is known of the key at this commit.
    fn get(&self, key: &Key, at: u64) -> Option<Known> {
        if self.fed.load(Ordering::SeqCst) < at {
            return None;
        }
        let since = self.floor.load(Ordering::SeqCst)..=at;
        self.known.get(key).filter(|known| since.contains(&known.since))
    }

    /// Takes what a view that ends with this commit has read, unless a write came in between.
    fn offer(&self, key: &Key, entry: Option<&Entry>, at: u64) {
        // That there is none is known for this commit; since when is not.
        let floor = self.floor.load(Ordering::SeqCst);
        if at < floor {
            return;
        }
        let since = entry.map_or(at, |entry| entry.revision.max(floor));
        self.known.entry_by_ref(key).and_compute_with(|known| {
            let newer = known.is_some_and(|known| known.value().since >= since);
            if newer || self.written(key).load(Ordering::SeqCst) > at {
                Op::Nop
            } else {
                Op::Put(Known {
                    since,
                    entry: entry.map(lean),
                })
            }
        });
    }
}

/// A copy that takes no more memory than it needs: lists that grew while they were read have room for more, which is
/// most of what a task definition takes.
fn lean(entry: &Entry) -> Entry {
    Entry {
        record: Arc::new(Record::clone(&entry.record)),
        ..entry.clone()
    }
}

impl Feed for Records {
    fn applied(&self, revision: u64, changed: &[Fed]) {
        for fed in changed {
            // First the number: who offers after the record below was put, and evicted, must find it.
            self.written(&fed.key).fetch_max(fed.revision, Ordering::SeqCst);
            self.known.entry_by_ref(&fed.key).and_compute_with(|known| {
                if known.is_some_and(|known| known.value().since > fed.revision) {
                    return Op::Nop;
                }
                Op::Put(Known {
                    since: fed.revision,
                    entry: fed.entry.as_ref().map(lean),
                })
            });
        }
        self.fed.fetch_max(revision, Ordering::SeqCst);
    }

    fn missed(&self, revision: u64) {
        self.floor.fetch_max(revision, Ordering::SeqCst);
    }
}

/// A view that looks into the cache first.
struct Through {
    below: Box<dyn Snapshot>,
    at: u64,
    records: Arc<Records>,
}

impl View for Through {
    fn get(&self, key: &Key) -> Result<Option<Entry>, Unreadable> {
        if let Some(known) = self.records.get(key, self.at) {
            self.records.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(known.entry);
        }
        self.records.misses.fetch_add(1, Ordering::Relaxed);
        let entry = self.below.get(key)?;
        self.records.offer(key, entry.as_ref(), self.at);
        Ok(entry)
    }

    fn list(&self, term: &Term, page: Page<'_>) -> Result<Vec<Entry>, Unreadable> {
        self.below.list(term, page)
    }

    fn count(&self, term: &Term) -> Result<u64, Unreadable> {
        self.below.count(term)
    }
}

impl Snapshot for Through {
    fn head(&self) -> Head {
        self.below.head()
    }

    fn rows_read(&self) -> u64 {
        self.below.rows_read()
    }

    fn floors(&self) -> Result<Floors, StoreError> {
        self.below.floors()
    }

    fn stored(&self, after: Option<&Key>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.below.stored(after, limit)
    }

    fn terms(&self, after: Option<&Term>, limit: usize) -> Result<Vec<TermCount>, StoreError> {
        self.below.terms(after, limit)
    }

    fn members(&self, term: &Term) -> Result<Vec<Key>, StoreError> {
        self.below.members(term)
    }

    fn events(&self, sequence: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        self.below.events(sequence, limit)
    }
}

#[async_trait]
impl<S: Store> Store for Cached<S> {
    fn engine(&self) -> &'static str {
        self.store.engine()
    }

    fn view(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let below = self.store.view()?;
        Ok(Box::new(Through {
            at: below.head().revision,
            below,
            records: Arc::clone(&self.records),
        }))
    }

    async fn commit(&self, commit: Commit, now: Timestamp) -> Result<Committed, CommitError> {
        // The store below tells the cache of it, whether or not somebody still waits here.
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

#[cfg(test)]
mod tests;
