//! Histories of many clients on the stores of one server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

#[path = "conformance/histories.rs"]
mod histories;

use std::sync::Arc;
use std::time::Duration;

use kecs_store::Store;
use kecs_store::cached::Cached;
use kecs_store::memory::Memory;
use kecs_store::sqlite::Sqlite;
use tempfile::TempDir;

use crate::histories::KEYS;

fn clean(store: impl Store + 'static) {
    histories::clean(&[Arc::new(store)]);
}

#[test]
fn memory_is_linearizable() {
    clean(Memory::default());
}

#[test]
fn sqlite_is_linearizable() {
    let place = TempDir::new().unwrap();
    clean(Sqlite::open(place.path().join("kecs.db")).unwrap());
}

#[cfg(feature = "duckdb")]
#[test]
fn duckdb_is_linearizable() {
    let place = TempDir::new().unwrap();
    clean(kecs_store::duckdb::DuckDb::open(place.path()).unwrap());
}

#[test]
fn a_cache_leaves_it_linearizable() {
    // As many keys as there are; fewer, so that they are evicted all the time; and none that lasts.
    for (keys, ttl) in [(KEYS, 60), (3, 60), (KEYS, 0)] {
        let place = TempDir::new().unwrap();
        let store = Sqlite::open(place.path().join("kecs.db")).unwrap();
        clean(Cached::new(store, keys, Duration::from_secs(ttl)).unwrap());
    }
}
