//! What a batch of commits does to a store, decided without one: an engine loads what the batch needs, applies the
//! commits one after the other, and writes what has come of it.

use std::collections::{BTreeMap, BTreeSet};

use kecs_core::call::Ids;
use kecs_core::key::{Key, Term};
use kecs_core::tx::{Commit, Expect};

use crate::codec;
use crate::error::{CommitError, StoreError};
use crate::store::{Committed, Head};

/// What has to be known before commits are decided.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// The keys that they change or expect something of.
    pub(crate) keys: BTreeSet<Key>,
    /// The terms whose number of records they expect.
    pub(crate) counts: BTreeSet<Term>,
}

impl Needs {
    pub(crate) fn add(&mut self, commit: &Commit) {
        self.keys
            .extend(commit.changes.iter().map(|change| change.key.clone()));
        for expect in &commit.expects {
            match expect {
                Expect::Generation(key, _) => {
                    self.keys.insert(key.clone());
                }
                Expect::Count(term, _) => {
                    self.counts.insert(term.clone());
                }
            }
        }
    }
}

/// What is known of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// How often it was written.
    pub(crate) generation: u64,
    /// The commit that wrote or deleted it last; zero: nothing is kept of it.
    pub(crate) revision: u64,
    /// The kind of its record; `None`: there is none.
    pub(crate) kind: Option<&'static str>,
    /// The terms of its record.
    pub(crate) terms: BTreeSet<Term>,
}

/// What becomes of a key by the whole batch.
#[derive(Debug)]
pub(crate) struct Written {
    /// As it was before the batch.
    pub(crate) before: Slot,
    /// As it is after it.
    pub(crate) after: Slot,
    /// Which commit of the batch wrote it last, and by which of its changes.
    pub(crate) source: (usize, usize),
}

impl Written {
    /// The terms that it is newly found by.
    pub(crate) fn added(&self) -> impl Iterator<Item = &Term> {
        self.after.terms.difference(&self.before.terms)
    }

    /// The terms that it is no longer found by.
    pub(crate) fn removed(&self) -> impl Iterator<Item = &Term> {
        self.before.terms.difference(&self.after.terms)
    }
}

/// The events of one commit of the batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Which commit of the batch.
    pub(crate) commit: usize,
    /// Its number.
    pub(crate) revision: u64,
    /// The number of its first event.
    pub(crate) first: u64,
}

/// A batch under way.
#[derive(Debug)]
pub(crate) struct Batch {
    head: Head,
    floor: u64,
    slots: BTreeMap<Key, Slot>,
    counts: BTreeMap<Term, u64>,
    written: BTreeMap<Key, Written>,
    told: Vec<Told>,
}

impl Batch {
    /// A batch upon a store that has come to `head`. `floor` is the highest generation of keys of which nothing is
    /// kept; `slots` and `counts` are what is kept of what the batch needs.
    pub(crate) fn new(
        head: Head,
        floor: u64,
        slots: BTreeMap<Key, Slot>,
        counts: BTreeMap<Term, u64>,
    ) -> Self {
        Self {
            head,
            floor,
            slots,
            counts,
            written: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    /// Applies the commit that has this number in the batch, or refuses it and changes nothing.
    pub(crate) fn apply(&mut self, number: usize, commit: &Commit) -> Result<Committed, CommitError> {
        well_formed(commit)?;
        if let Some(broken) = commit.expects.iter().find(|expect| !self.holds(expect)) {
            return Err(CommitError::Conflict(broken.clone()));
        }
        let mut generations = Vec::with_capacity(commit.changes.len());
        if !commit.is_empty() {
            self.head.revision += 1;
        }
        for (at, change) in commit.changes.iter().enumerate() {
            let kind = change.record.as_deref().map(codec::kind);
            let terms = match kind {
                Some(_) => change.terms.iter().cloned().collect(),
                None => BTreeSet::new(),
            };
            generations.push(self.write(&change.key, kind, terms, (number, at)));
        }
        if !commit.events.is_empty() {
            self.told.push(Told {
                commit: number,
                revision: self.head.revision,
                first: self.head.sequence + 1,
            });
            self.head.sequence += commit.events.len() as u64;
        }
        Ok(Committed {
            revision: self.head.revision,
            sequence: self.head.sequence,
            generations,
        })
    }

    fn holds(&self, expect: &Expect) -> bool {
        match expect {
            Expect::Generation(key, generation) => {
                let live = self.slots.get(key).filter(|slot| slot.kind.is_some());
                live.map_or(0, |slot| slot.generation) == *generation
            }
            Expect::Count(term, count) => self.counts.get(term).copied().unwrap_or_default() == *count,
        }
    }

    /// Answers with the new generation; zero: there is nothing under the key now.
    fn write(
        &mut self,
        key: &Key,
        kind: Option<&'static str>,
        terms: BTreeSet<Term>,
        source: (usize, usize),
    ) -> u64 {
        let before = self.slots.get(key).cloned().unwrap_or_default();
        if kind.is_none() && before.kind.is_none() {
            // A deletion of what is not there leaves no trace.
            return 0;
        }
        let last = if before.revision == 0 {
            self.floor
        } else {
            before.generation
        };
        for term in terms.difference(&before.terms) {
            if let Some(count) = self.counts.get_mut(term) {
                *count += 1;
            }
        }
        for term in before.terms.difference(&terms) {
            if let Some(count) = self.counts.get_mut(term) {
                *count = count.saturating_sub(1);
            }
        }
        let after = Slot {
            generation: if kind.is_some() { last + 1 } else { last },
            revision: self.head.revision,
            kind,
            terms,
        };
        self.slots.insert(key.clone(), after.clone());
        let generation = if kind.is_some() { after.generation } else { 0 };
        self.written
            .entry(key.clone())
            .and_modify(|written| {
                written.after = after.clone();
                written.source = source;
            })
            .or_insert(Written {
                before,
                after,
                source,
            });
        generation
    }

    /// How far the store comes by it.
    pub(crate) const fn head(&self) -> Head {
        self.head
    }

    /// What becomes of each key, and the events, in the order of the commits.
    pub(crate) fn finish(self) -> (BTreeMap<Key, Written>, Vec<Told>) {
        (self.written, self.told)
    }
}

fn well_formed(commit: &Commit) -> Result<(), CommitError> {
    let malformed = |why: String| Err(CommitError::Failed(StoreError::Malformed(why)));
    let mut keys = BTreeSet::new();
    for change in &commit.changes {
        if change.key.as_str().is_empty() {
            return malformed("a change has no key".to_owned());
        }
        if !keys.insert(&change.key) {
            return malformed(format!("{} is changed twice", change.key));
        }
    }
    Ok(())
}

/// The id of an event: the same for the same store and number, and like no other's.
pub(crate) fn event_id(identity: u64, sequence: u64) -> String {
    Ids::new(identity.wrapping_add(sequence)).uuid()
}

#[cfg(test)]
mod tests;
