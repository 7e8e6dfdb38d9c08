//! What every store does, whatever its engine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

#[macro_use]
mod cases;
mod fixture;

use std::sync::Arc;

use fixture::{Engine, Fixture, cached};
use kecs_store::memory::Memory;
use kecs_store::sqlite::Sqlite;
use tempfile::TempDir;

const MEMORY: Engine = Engine {
    open: |_| Arc::new(Memory::new(7)),
    lasts: false,
    restore: None,
    cached: false,
};
const CACHED_MEMORY: Engine = Engine {
    open: |_| cached(Memory::new(7)),
    cached: true,
    ..MEMORY
};
const SQLITE: Engine = Engine {
    open: |place| Arc::new(file(place)),
    lasts: true,
    restore: Some(|copy, to| {
        Sqlite::restore(copy, to)?;
        Ok(Arc::new(Sqlite::open(to)?))
    }),
    cached: false,
};
const CACHED_SQLITE: Engine = Engine {
    open: |place| cached(file(place)),
    cached: true,
    ..SQLITE
};

fn file(place: &TempDir) -> Sqlite {
    Sqlite::open(place.path().join("data/kecs.db")).unwrap()
}

/// Runs every case on every engine.
macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        conformance!(@on memory MEMORY, $($case),*);
        conformance!(@on sqlite SQLITE, $($case),*);
        conformance!(@on cached_memory CACHED_MEMORY, $($case),*);
        conformance!(@on cached_sqlite CACHED_SQLITE, $($case),*);
    };
    (@on $module:ident $engine:ident, $($case:ident),*) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $case() {
                    super::cases::$case(&super::Fixture::new(super::$engine)).await;
                }
            )*
        }
    };
}

every_case!(conformance);
