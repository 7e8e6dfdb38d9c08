//! Everything that a store holds, in memory: a view of it is a clone, which shares all that has not changed since.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use kecs_core::key::{Key, Term};
use kecs_core::record::Record;
use kecs_core::tx::Commit;
use kecs_core::view::{Entry, Page, Unreadable, View};
use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};

use crate::batch::{self, Batch, Needs, Slot, Told, Written};
use crate::error::StoreError;
use crate::store::{
    Fed, Floors, Head, KindCount, Logged, Pruned, Retention, Snapshot, Stats, Stored, TermCount,
};
use crate::transfer::Image;

/// Where the records and events of a batch come from.
pub(crate) struct Source<'a> {
    pub(crate) commit: &'a Commit,
    /// What is kept as the time of its events.
    pub(crate) at: Timestamp,
}

/// Everything that a snapshot shows. A clone shares all of it.
#[derive(Clone, Default)]
pub(crate) struct Data {
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

impl Data {
    /// How far it has come.
    pub(crate) const fn head(&self) -> Head {
        self.head
    }

    /// Below what nothing is kept any more.
    #[cfg(feature = "duckdb")]
    pub(crate) const fn floors(&self) -> Floors {
        self.floors
    }

    /// Whether anything is kept of a key.
    #[cfg(feature = "duckdb")]
    pub(crate) fn keeps(&self, key: &Key) -> bool {
        self.records.contains_key(key)
    }

    /// A batch upon it, with what is known of what that needs.
    pub(crate) fn batch(&self, needs: Needs) -> Batch {
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

    /// Takes in what a batch makes of keys, and what its commits tell.
    pub(crate) fn take(
        &mut self,
        head: Head,
        written: BTreeMap<Key, Written>,
        told: Vec<Told>,
        sources: &[Source<'_>],
        identity: u64,
    ) -> Vec<Fed> {
        self.head = head;
        let mut changed = Vec::with_capacity(written.len());
        for (key, written) in written {
            self.index(&key, &written);
            let (commit, change) = written.source;
            let change = sources
                .get(commit)
                .and_then(|source| source.commit.changes.get(change));
            let kept = Kept {
                slot: written.after,
                record: change.and_then(|change| change.record.clone()),
            };
            changed.push(Fed {
                key: key.clone(),
                revision: kept.slot.revision,
                entry: kept.entry(&key),
            });
            self.records.insert_mut(key, kept);
        }
        for told in told {
            let Some(source) = sources.get(told.commit) else {
                continue;
            };
            for (sequence, event) in (told.first..).zip(&source.commit.events) {
                let logged = Logged {
                    sequence,
                    id: batch::event_id(identity, sequence),
                    revision: told.revision,
                    at: source.at,
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

    /// Forgets what need not be kept.
    pub(crate) fn prune(&mut self, retention: Retention) -> Pruned {
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

    /// What it holds, which takes so many bytes on disk.
    pub(crate) fn stats(&self, bytes: u64) -> Stats {
        let mut kinds = BTreeMap::<&str, u64>::new();
        for kind in self.records.values().filter_map(|kept| kept.slot.kind) {
            *kinds.entry(kind).or_default() += 1;
        }
        let deleted = self.records.values().filter(|kept| kept.record.is_none());
        Stats {
            head: self.head,
            deleted: deleted.count() as u64,
            events: self.events.size() as u64,
            bytes,
            kinds: kinds
                .into_iter()
                .map(|(kind, records)| KindCount {
                    kind: kind.to_owned(),
                    records,
                })
                .collect(),
        }
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

/// All of it at one moment.
pub(crate) struct Moment {
    data: Data,
    rows: Cell<u64>,
}

impl Moment {
    pub(crate) const fn of(data: Data) -> Self {
        Self {
            data,
            rows: Cell::new(0),
        }
    }

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
