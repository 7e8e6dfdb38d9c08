//! A store in memory: for virtual time, and what the other engines are compared with.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use kecs_core::key::{Key, Term};
use kecs_core::record::Record;
use kecs_core::tx::Commit;
use kecs_core::view::{Entry, Page, Unreadable, View};
use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};
use tokio::sync::watch;

use crate::batch::{self, Batch, Needs, Slot, Written};
use crate::check::Finding;
use crate::error::{CommitError, StoreError};
use crate::lead::Lead;
use crate::store::{
    Committed, Fed, Feed, Floors, Head, KindCount, Logged, Pruned, Retention, Snapshot, Stats, Store, Stored,
    TermCount,
};
use crate::transfer::{self, Image, Transferred};

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

/// Everything that a snapshot shows. A clone shares all of it.
#[derive(Clone, Default)]
struct Data {
    head: Head,
    floors: Floors,
    records: RedBlackTreeMapSync<Key, Kept>,
    terms: RedBlackTreeMapSync<Term, RedBlackTreeSetSync<Key>>,
    events: RedBlackTreeMapSync<u64, Arc<Logged>>,
}

#[derive(Clone)]
struct Kept {
    slot: Slot,
    record: Option<Arc<Record>>,
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
        Ok(Box::new(Moment {
            data: self.state().data.clone(),
            rows: Cell::new(0),
        }))
    }

    async fn commit(&self, commit: Commit, now: Timestamp) -> Result<Committed, CommitError> {
        let mut state = self.state();
        let mut needs = Needs::default();
        needs.add(&commit);
        let mut batch = state.data.batch(needs);
        let committed = batch.apply(0, &commit)?;
        let identity = state.identity;
        let changed = state.data.take(batch, &commit, now, identity);
        let head = state.data.head;
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
        Ok(state.data.head.revision)
    }

    async fn prune(&self, retention: Retention) -> Result<Pruned, StoreError> {
        Ok(self.state().data.prune(retention))
    }

    async fn import(&self, lines: Box<dyn BufRead + Send>) -> Result<Transferred, StoreError> {
        let revision = self.state().data.head.revision;
        if revision > 0 {
            return Err(StoreError::NotEmpty { revision });
        }
        let image = transfer::read(lines)?;
        let mut state = self.state();
        let revision = state.data.head.revision;
        if revision > 0 {
            return Err(StoreError::NotEmpty { revision });
        }
        let transferred = image.transferred();
        let changed = image.fed();
        state.identity = image.identity;
        state.data = Data::from(image);
        let head = state.data.head;
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
        let mut kinds = BTreeMap::<&str, u64>::new();
        for kind in data.records.values().filter_map(|kept| kept.slot.kind) {
            *kinds.entry(kind).or_default() += 1;
        }
        let deleted = data.records.values().filter(|kept| kept.record.is_none());
        Ok(Stats {
            head: data.head,
            deleted: deleted.count() as u64,
            events: data.events.size() as u64,
            bytes: 0,
            kinds: kinds
                .into_iter()
                .map(|(kind, records)| KindCount {
                    kind: kind.to_owned(),
                    records,
                })
                .collect(),
        })
    }
}

impl Data {
    fn batch(&self, needs: Needs) -> Batch {
        let slot = |key: Key| {
            let slot = self.records.get(&key)?.slot.clone();
            Some((key, slot))
        };
        let count = |term: Term| {
            let count = self.terms.get(&term).map_or(0, RedBlackTreeSetSync::size) as u64;
            (term, count)
        };
        Batch::new(
            self.head,
            self.floors.generation,
            needs.keys.into_iter().filter_map(slot).collect(),
            needs.counts.into_iter().map(count).collect(),
        )
    }

    /// Takes in a batch of one commit.
    fn take(&mut self, batch: Batch, commit: &Commit, now: Timestamp, identity: u64) -> Vec<Fed> {
        self.head = batch.head();
        let (written, told) = batch.finish();
        let mut changed = Vec::with_capacity(written.len());
        for (key, written) in written {
            self.index(&key, &written);
            let record = commit
                .changes
                .get(written.source.1)
                .and_then(|change| change.record.clone());
            let kept = Kept {
                slot: written.after,
                record,
            };
            changed.push(Fed {
                key: key.clone(),
                revision: kept.slot.revision,
                entry: kept.entry(&key),
            });
            self.records.insert_mut(key, kept);
        }
        for told in told {
            for (sequence, event) in (told.first..).zip(&commit.events) {
                let logged = Logged {
                    sequence,
                    id: batch::event_id(identity, sequence),
                    revision: told.revision,
                    at: now,
                    event: event.clone(),
                };
                self.events.insert_mut(sequence, Arc::new(logged));
            }
        }
        changed
    }

    fn index(&mut self, key: &Key, written: &Written) {
        for term in written.removed() {
            let Some(mut members) = self.terms.get(term).cloned() else {
                continue;
            };
            members.remove_mut(key);
            if members.is_empty() {
                self.terms.remove_mut(term);
            } else {
                self.terms.insert_mut(term.clone(), members);
            }
        }
        for term in written.added() {
            let mut members = self.terms.get(term).cloned().unwrap_or_default();
            members.insert_mut(key.clone());
            self.terms.insert_mut(term.clone(), members);
        }
    }

    fn prune(&mut self, retention: Retention) -> Pruned {
        let kept_from = (self.head.sequence + 1).saturating_sub(retention.events);
        let goes = |logged: &Logged| {
            logged.sequence < kept_from && retention.since.is_none_or(|since| logged.at < since)
        };
        let mut pruned = Pruned::default();
        while let Some((&sequence, _)) = self.events.first().filter(|(_, logged)| goes(logged)) {
            self.floors.sequence = sequence;
            self.events.remove_mut(&sequence);
            pruned.events += 1;
        }
        let through = self.head.revision.saturating_sub(retention.deleted);
        let gone = |(_, kept): &(&Key, &Kept)| kept.record.is_none() && kept.slot.revision <= through;
        let gone: Vec<Key> = self
            .records
            .iter()
            .filter(gone)
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            let generation = self.records.get(&key).map_or(0, |kept| kept.slot.generation);
            self.floors.generation = self.floors.generation.max(generation);
            self.records.remove_mut(&key);
            pruned.deleted += 1;
        }
        pruned
    }
}

impl From<Image> for Data {
    fn from(image: Image) -> Self {
        let mut data = Self {
            head: image.head,
            floors: image.floors,
            events: image
                .events
                .into_iter()
                .map(|logged| (logged.sequence, Arc::new(logged)))
                .collect(),
            ..Self::default()
        };
        for stored in image.stored {
            let written = Written {
                before: Slot::default(),
                after: Slot {
                    generation: stored.generation,
                    revision: stored.revision,
                    kind: stored.record.as_deref().map(crate::codec::kind),
                    terms: stored.terms.into_iter().collect(),
                },
                source: (0, 0),
            };
            data.index(&stored.key, &written);
            let kept = Kept {
                slot: written.after,
                record: stored.record,
            };
            data.records.insert_mut(stored.key, kept);
        }
        data
    }
}

impl Kept {
    fn entry(&self, key: &Key) -> Option<Entry> {
        Some(Entry {
            key: key.clone(),
            generation: self.slot.generation,
            revision: self.slot.revision,
            record: self.record.clone()?,
        })
    }
}

/// A store in memory at one moment.
struct Moment {
    data: Data,
    rows: Cell<u64>,
}

impl Moment {
    fn read(&self, rows: usize) {
        self.rows.set(self.rows.get() + rows as u64);
    }
}

impl View for Moment {
    fn get(&self, key: &Key) -> Result<Option<Entry>, Unreadable> {
        self.read(1);
        Ok(self.data.records.get(key).and_then(|kept| kept.entry(key)))
    }

    fn list(&self, term: &Term, page: Page<'_>) -> Result<Vec<Entry>, Unreadable> {
        let Some(members) = self.data.terms.get(term) else {
            return Ok(Vec::new());
        };
        let keys: Vec<&Key> = match (page.after, page.descending) {
            (None, false) => members.iter().take(page.limit).collect(),
            (None, true) => members.iter().rev().take(page.limit).collect(),
            (Some(after), false) => {
                let behind = (Bound::Excluded(after), Bound::Unbounded);
                members.range::<Key, _>(behind).take(page.limit).collect()
            }
            (Some(after), true) => members.range::<Key, _>(..after).rev().take(page.limit).collect(),
        };
        self.read(keys.len());
        let entry = |key: &Key| self.data.records.get(key).and_then(|kept| kept.entry(key));
        Ok(keys.into_iter().filter_map(entry).collect())
    }

    fn count(&self, term: &Term) -> Result<u64, Unreadable> {
        self.read(1);
        Ok(self.data.terms.get(term).map_or(0, RedBlackTreeSetSync::size) as u64)
    }
}

impl Snapshot for Moment {
    fn head(&self) -> Head {
        self.data.head
    }

    fn rows_read(&self) -> u64 {
        self.rows.get()
    }

    fn floors(&self) -> Result<Floors, StoreError> {
        Ok(self.data.floors)
    }

    fn stored(&self, after: Option<&Key>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let stored = |(key, kept): (&Key, &Kept)| Stored {
            key: key.clone(),
            generation: kept.slot.generation,
            revision: kept.slot.revision,
            record: kept.record.clone(),
            terms: kept.slot.terms.iter().cloned().collect(),
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.data.records.range::<Key, _>((from, Bound::Unbounded));
        Ok(behind.take(limit).map(stored).collect())
    }

    fn terms(&self, after: Option<&Term>, limit: usize) -> Result<Vec<TermCount>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.data.terms.range::<Term, _>((from, Bound::Unbounded));
        let counted = behind.take(limit).map(|(term, members)| TermCount {
            term: term.clone(),
            count: members.size() as u64,
        });
        Ok(counted.collect())
    }

    fn members(&self, term: &Term) -> Result<Vec<Key>, StoreError> {
        let members = self.data.terms.get(term).into_iter().flatten();
        Ok(members.cloned().collect())
    }

    fn events(&self, sequence: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        let behind = (Bound::Excluded(&sequence), Bound::Unbounded);
        let events = self.data.events.range::<u64, _>(behind).take(limit);
        Ok(events.map(|(_, logged)| Logged::clone(logged)).collect())
    }
}
