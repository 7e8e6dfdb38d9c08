//! What every store does, on `DuckDB`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

#[macro_use]
mod cases;
mod fixture;

use std::sync::Arc;

use fixture::{Engine, Fixture, cached};
use kecs_store::duckdb::DuckDb;
use tempfile::TempDir;

const DUCKDB: Engine = Engine {
    open: |place| Arc::new(file(place)),
    lasts: true,
    restore: Some(|copy, to| {
        DuckDb::restore(copy, to)?;
        Ok(Arc::new(DuckDb::open(to)?))
    }),
    cached: false,
};
const CACHED_DUCKDB: Engine = Engine {
    open: |place| cached(file(place)),
    cached: true,
    ..DUCKDB
};

fn file(place: &TempDir) -> DuckDb {
    DuckDb::open(place.path().join("data/kecs")).unwrap()
}

/// Runs every case, with a cache in front of the store and without.
macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        conformance!(@on duckdb DUCKDB, $($case),*);
        conformance!(@on cached_duckdb CACHED_DUCKDB, $($case),*);
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
