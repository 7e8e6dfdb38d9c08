//! One operation's reads and writes, and the commit that they end in.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use kecs_model::Refusal;
use serde::{Deserialize, Serialize};

use crate::event::{self, Event};
use crate::key::{Key, Scope, Term};
use crate::record::{Kind, Record};
use crate::view::{Entry, Page, View};

/// What is to be written, all of it or nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Commit {
    /// What must still be so.
    pub expects: Vec<Expect>,
    /// What becomes of each key, in the order of the keys.
    pub changes: Vec<Change>,
    /// What is told of it, in this order.
    pub events: Vec<Event>,
}

/// What a commit rests upon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expect {
    /// The record under this key has this generation; zero: there is none.
    Generation(Key, u64),
    /// The term has so many records.
    Count(Term, u64),
}

/// What becomes of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The key.
    pub key: Key,
    /// What is kept under it from now on; `None`: nothing.
    pub record: Option<Arc<Record>>,
    /// The terms that it is found by from now on.
    pub terms: Vec<Term>,
}

impl Commit {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.events.is_empty()
    }
}

/// What was read: how often it had been written, and what it was.
type Read = (u64, Option<Arc<Record>>);

/// The reads and writes of one operation. It reads what it has written.
pub struct Tx<'v> {
    view: &'v dyn View,
    scope: &'v Scope,
    now: Timestamp,
    read: RefCell<BTreeMap<Key, Read>>,
    counted: RefCell<BTreeMap<Term, u64>>,
    written: BTreeMap<Key, Option<Arc<Record>>>,
}

impl<'v> Tx<'v> {
    /// A transaction that has read and written nothing.
    pub fn new(view: &'v dyn View, scope: &'v Scope, now: Timestamp) -> Self {
        Self {
            view,
            scope,
            now,
            read: RefCell::default(),
            counted: RefCell::default(),
            written: BTreeMap::new(),
        }
    }

    /// Whose records these are.
    pub const fn scope(&self) -> &'v Scope {
        self.scope
    }

    /// The time.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The record under this key, if it is of this kind. The commit fails if it has changed by then.
    pub fn get<K: Kind>(&self, key: &Key) -> Result<Option<K>, Refusal> {
        Ok(self.record(key)?.as_deref().and_then(K::of).cloned())
    }

    fn record(&self, key: &Key) -> Result<Option<Arc<Record>>, Refusal> {
        if let Some(written) = self.written.get(key) {
            return Ok(written.clone());
        }
        if let Some((_, known)) = self.read.borrow().get(key) {
            return Ok(known.clone());
        }
        let entry = self.view.get(key)?;
        let generation = entry.as_ref().map_or(0, |entry| entry.generation);
        let record = entry.map(|entry| entry.record);
        self.read
            .borrow_mut()
            .insert(key.clone(), (generation, record.clone()));
        Ok(record)
    }

    /// Keeps `record` under `key`.
    pub fn put<K: Kind>(&mut self, key: Key, record: K) {
        self.written.insert(key, Some(Arc::new(record.into_record())));
    }

    /// Keeps `record` under a key that is new. The commit fails if there is anything under it by then.
    pub fn create<K: Kind>(&mut self, key: Key, record: K) {
        self.read.borrow_mut().insert(key.clone(), (0, None));
        self.put(key, record);
    }

    /// Keeps nothing under `key`.
    pub fn delete(&mut self, key: Key) {
        self.written.insert(key, None);
    }

    /// The records of a term as they were when the transaction began; what it has written itself is not among them.
    /// Nothing is expected of it: who rests a decision on a list reads its records by key, or counts.
    pub fn list(&self, term: &Term, page: Page<'_>) -> Result<Vec<Entry>, Refusal> {
        Ok(self.view.list(term, page)?)
    }

    /// The records of a term that are of this kind, with their keys.
    pub fn all<K: Kind>(&self, term: &Term) -> Result<Vec<(Key, K)>, Refusal> {
        let entries = self.list(term, Page::ALL)?.into_iter();
        let of_kind = |entry: Entry| K::of(&entry.record).cloned().map(|it| (entry.key.clone(), it));
        Ok(entries.filter_map(of_kind).collect())
    }

    /// How many records a term had, for showing.
    pub fn count(&self, term: &Term) -> Result<u64, Refusal> {
        Ok(self.view.count(term)?)
    }

    /// How many records a term has. The commit fails if it has another number by then.
    pub fn guarded_count(&self, term: &Term) -> Result<u64, Refusal> {
        let count = self.view.count(term)?;
        self.counted.borrow_mut().insert(term.clone(), count);
        Ok(count)
    }

    /// What is to be committed. What only reads expects nothing.
    pub fn finish(self) -> Commit {
        let Self {
            view,
            scope,
            now,
            read,
            counted,
            written,
        } = self;
        let read = read.into_inner();
        let mut changes = Vec::new();
        let mut events = Vec::new();
        let mut generations: BTreeMap<Key, u64> = read
            .iter()
            .map(|(key, (generation, _))| (key.clone(), *generation))
            .collect();
        for (key, record) in written {
            let before = match read.get(&key) {
                Some((_, before)) => before.clone(),
                // Written without a look: what is told of it depends on what was there.
                None => view.get(&key).ok().flatten().map(|entry| {
                    generations.insert(key.clone(), entry.generation);
                    entry.record
                }),
            };
            generations.entry(key.clone()).or_insert(0);
            if before == record {
                continue;
            }
            events.extend(event::of(before.as_deref(), record.as_deref(), now));
            let terms = record
                .as_ref()
                .map(|record| record.terms(scope))
                .unwrap_or_default();
            changes.push(Change { key, record, terms });
        }
        if changes.is_empty() {
            return Commit::default();
        }
        let generations = generations
            .into_iter()
            .map(|(key, it)| Expect::Generation(key, it));
        let counts = counted
            .into_inner()
            .into_iter()
            .map(|(term, it)| Expect::Count(term, it));
        Commit {
            expects: generations.chain(counts).collect(),
            changes,
            events,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Family;
    use crate::view::Unreadable;

    /// A view with one family.
    struct One(Key);

    impl View for One {
        fn get(&self, key: &Key) -> Result<Option<Entry>, Unreadable> {
            Ok((*key == self.0).then(|| Entry {
                key: key.clone(),
                generation: 3,
                revision: 9,
                record: Arc::new(Family::default().into_record()),
            }))
        }

        fn list(&self, _: &Term, _: Page<'_>) -> Result<Vec<Entry>, Unreadable> {
            Ok(Vec::new())
        }

        fn count(&self, _: &Term) -> Result<u64, Unreadable> {
            Ok(4)
        }
    }

    fn expected(write: impl Fn(&mut Tx<'_>, &Key)) -> Vec<Expect> {
        let scope = Scope::new("123456789012", "eu-west-1");
        let key = scope.family("web");
        let view = One(key.clone());
        let mut tx = Tx::new(&view, &scope, Timestamp::UNIX_EPOCH);
        write(&mut tx, &key);
        tx.finish().expects
    }

    fn changed() -> Family {
        Family {
            last_revision: 7,
            ..Family::default()
        }
    }

    #[test]
    fn what_is_created_must_not_be_there_and_what_is_put_must_be_as_it_was() {
        let key = Scope::new("123456789012", "eu-west-1").family("web");
        assert_eq!(
            expected(|tx, key| tx.create(key.clone(), changed())),
            [Expect::Generation(key.clone(), 0)]
        );
        assert_eq!(
            expected(|tx, key| tx.put(key.clone(), changed())),
            [Expect::Generation(key.clone(), 3)]
        );
        let unchanged = expected(|tx, key| tx.put(key.clone(), Family::default()));
        assert_eq!(unchanged, []);
    }

    #[test]
    fn a_commit_is_empty_where_nothing_changes_whatever_it_expects() {
        let key = Scope::new("123456789012", "eu-west-1").family("web");
        let expects = Commit {
            expects: vec![Expect::Generation(key.clone(), 3)],
            ..Commit::default()
        };
        assert!(expects.is_empty());
        let changes = Commit {
            changes: vec![Change {
                key,
                record: None,
                terms: Vec::new(),
            }],
            ..Commit::default()
        };
        assert!(!changes.is_empty());
    }

    #[test]
    fn a_count_is_expected_only_where_it_is_guarded() {
        let term = Scope::new("123456789012", "eu-west-1").term("families");
        let counted = |guarded: bool| {
            expected(|tx, key| {
                let count = if guarded {
                    tx.guarded_count(&term)
                } else {
                    tx.count(&term)
                };
                assert_eq!(count, Ok(4));
                tx.put(key.clone(), changed());
            })
        };
        assert_eq!(counted(true).last(), Some(&Expect::Count(term.clone(), 4)));
        assert_eq!(counted(false).len(), 1);
    }
}
