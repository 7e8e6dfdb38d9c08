//! A store to try, and what is put into it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kecs_core::event::{Event, EventType};
use kecs_core::key::{Key, Scope, Term};
use kecs_core::record::{AccountSetting, Kind as _, Record};
use kecs_core::tx::{Change, Commit, Expect};
use kecs_core::view::{Entry, Page};
use kecs_store::cached::Cached;
use kecs_store::{CommitError, Committed, Store, StoreError};
use serde_json::json;
use tempfile::TempDir;

/// A store in a place of its own.
pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) place: TempDir,
    pub(crate) engine: Engine,
}

/// What makes a store out of a copy.
pub(crate) type Restore = fn(&Path, &Path) -> Result<Arc<dyn Store>, StoreError>;

/// What kind of store it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Engine {
    /// Opens the store that belongs to a place, and makes it where there is none.
    pub(crate) open: fn(&TempDir) -> Arc<dyn Store>,
    /// Whether it outlives the process.
    pub(crate) lasts: bool,
    /// Makes a store out of a copy, somewhere else, and opens it; `None`: it cannot be copied to a file.
    pub(crate) restore: Option<Restore>,
    /// Whether there is a cache in front of it.
    pub(crate) cached: bool,
}

/// The store with a cache that has room for so few keys that some are evicted while others are read.
pub(crate) fn cached(store: impl Store + 'static) -> Arc<dyn Store> {
    Arc::new(Cached::new(store, 8, Duration::from_mins(1)).unwrap())
}

impl Fixture {
    pub(crate) fn new(engine: Engine) -> Self {
        let place = TempDir::new().unwrap();
        Self {
            store: (engine.open)(&place),
            place,
            engine,
        }
    }

    /// The same store, opened anew.
    pub(crate) fn reopened(self) -> Self {
        let Self { store, place, engine } = self;
        drop(store);
        Self {
            store: (engine.open)(&place),
            place,
            engine,
        }
    }

    /// An empty store of the same kind.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.engine)
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        self.store.commit(commit, at(1)).await
    }

    /// Commits what must not be refused.
    pub(crate) async fn done(&self, commit: Commit) -> Committed {
        self.commit(commit).await.unwrap()
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Entry> {
        self.store.view().unwrap().get(key).unwrap()
    }

    pub(crate) fn keys(&self, term: &Term, page: Page<'_>) -> Vec<Key> {
        let entries = self.store.view().unwrap().list(term, page).unwrap();
        entries.into_iter().map(|entry| entry.key).collect()
    }

    pub(crate) fn count(&self, term: &Term) -> u64 {
        self.store.view().unwrap().count(term).unwrap()
    }

    /// Nothing is wrong with it.
    pub(crate) fn sound(&self) {
        assert_eq!(self.store.check().unwrap(), []);
    }
}

pub(crate) fn scope() -> Scope {
    Scope::new("123456789012", "eu-west-1")
}

/// So many seconds after the beginning.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn key(name: &str) -> Key {
    scope().account_setting(name, "root")
}

pub(crate) fn setting(name: &str, value: &str) -> Record {
    of("root", name, value)
}

pub(crate) fn of(principal: &str, name: &str, value: &str) -> Record {
    AccountSetting {
        name: name.to_owned(),
        value: value.to_owned(),
        principal: principal.to_owned(),
    }
    .into_record()
}

pub(crate) fn value(entry: Option<&Entry>) -> Option<&str> {
    entry
        .and_then(|entry| AccountSetting::of(&entry.record))
        .map(|it| it.value.as_str())
}

/// The term of all settings.
pub(crate) fn all() -> Term {
    scope().term("account-settings")
}

/// The term of a principal's settings.
pub(crate) fn theirs(principal: &str) -> Term {
    all().and("principal", principal)
}

pub(crate) fn put(key: Key, record: Record) -> Change {
    Change {
        key,
        terms: record.terms(&scope()),
        record: Some(Arc::new(record)),
    }
}

pub(crate) fn set(name: &str, value: &str) -> Change {
    put(key(name), setting(name, value))
}

pub(crate) fn delete(name: &str) -> Change {
    Change {
        key: key(name),
        record: None,
        terms: Vec::new(),
    }
}

pub(crate) fn changes(changes: impl Into<Vec<Change>>) -> Commit {
    Commit {
        changes: changes.into(),
        ..Commit::default()
    }
}

pub(crate) fn expecting(expects: impl Into<Vec<Expect>>, commit: Commit) -> Commit {
    Commit {
        expects: expects.into(),
        ..commit
    }
}

pub(crate) fn telling(commit: Commit, resources: &[&str]) -> Commit {
    Commit {
        events: resources.iter().map(|resource| event(resource)).collect(),
        ..commit
    }
}

pub(crate) fn event(resource: &str) -> Event {
    Event {
        kind: EventType::TaskStatusChanged,
        timestamp: at(0),
        resource: resource.to_owned(),
        data: json!({"name": resource, "share": 0.1, "none": null, "text": "é \u{0}"}),
    }
}

pub(crate) const EVERYTHING: Page<'static> = Page::ALL;
