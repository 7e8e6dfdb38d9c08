//! What every store does, on `PostgreSQL`: in a cluster that is made for it and thrown away. Where there are no binaries
//! of `PostgreSQL` it says that nothing was run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

#[macro_use]
mod cases;
mod cluster;
mod fixture;
mod histories;
mod replicas;

use std::sync::Arc;

use fixture::{Engine, Fixture, cached};
use kecs_store::postgres::Postgres;
use tempfile::TempDir;

const POSTGRES: Engine = Engine {
    open: |place| Arc::new(open(place)),
    lasts: true,
    restore: None,
    cached: false,
};
const CACHED_POSTGRES: Engine = Engine {
    open: |place| cached(open(place)),
    cached: true,
    ..POSTGRES
};

/// The database that belongs to a place.
fn database(place: &TempDir) -> String {
    let name = place.path().file_name().unwrap().to_str().unwrap();
    // Names of databases are not told apart by the case of letters, unless they are quoted everywhere.
    name.bytes()
        .fold("t".to_owned(), |all, byte| format!("{all}{byte:02x}"))
}

/// The address of the database that belongs to a place, which is made where there is none.
fn address(place: &TempDir) -> String {
    let database = database(place);
    let marker = place.path().join("made");
    if !marker.exists() {
        cluster::sql("postgres", &format!("CREATE DATABASE {database}"));
        std::fs::write(marker, "").unwrap();
    }
    format!("host={} user=kecs dbname={database}", cluster::sockets())
}

/// The store in the database that belongs to a place.
fn open(place: &TempDir) -> Postgres {
    Postgres::open(&address(place)).unwrap()
}

macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        /// Every case on a store of its own.
        fn run_all(engine: Engine) {
            $(run(concat!("postgres::", stringify!($case)), async {
                let fixture = Fixture::new(engine);
                cases::$case(&fixture).await;
            });)*
        }
    };
}
every_case!(conformance);

fn main() {
    let Some(cluster) = cluster::start() else { return };
    // Whatever fails, the cluster is ended.
    let outcome = std::panic::catch_unwind(|| {
        run_all(POSTGRES);
        run_all(CACHED_POSTGRES);
        run(
            "replicas::each_sees_what_the_others_acknowledged",
            replicas::each_sees_what_the_others_acknowledged(),
        );
        run(
            "replicas::what_others_write_is_told",
            replicas::what_others_write_is_told(),
        );
        run(
            "replicas::many_writers_have_one_order",
            replicas::many_writers_have_one_order(),
        );
        // It has a runtime of its own.
        println!("replicas::they_are_linearizable");
        replicas::they_are_linearizable();
        run(
            "replicas::a_lost_connection_is_made_anew",
            replicas::a_lost_connection_is_made_anew(),
        );
        run("replicas::a_later_version_is_left_alone", async {
            replicas::a_later_version_is_left_alone();
        });
        run("replicas::what_is_not_there_is_not_made", async {
            replicas::what_is_not_there_is_not_made();
        });
        run("replicas::one_of_them_leads", replicas::one_of_them_leads());
        run(
            "replicas::the_lead_can_be_given_up",
            replicas::the_lead_can_be_given_up(),
        );
        run(
            "replicas::each_schema_has_a_leader",
            replicas::each_schema_has_a_leader(),
        );
    });
    drop(cluster);
    if let Err(panicked) = outcome {
        std::panic::resume_unwind(panicked);
    }
}

fn run(name: &str, case: impl Future<Output = ()>) {
    println!("{name}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(case);
}
