//! What every store does, whatever its engine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

#[macro_use]
mod cases;
mod fixture;

use fixture::{Engine, Fixture};

/// Runs every case on every engine.
macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        conformance!(@on memory Memory, $($case),*);
        conformance!(@on sqlite Sqlite, $($case),*);
        conformance!(@on cached_memory CachedMemory, $($case),*);
        conformance!(@on cached_sqlite CachedSqlite, $($case),*);
    };
    (@on $module:ident $engine:ident, $($case:ident),*) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $case() {
                    super::cases::$case(&super::Fixture::new(super::Engine::$engine)).await;
                }
            )*
        }
    };
}

every_case!(conformance);
