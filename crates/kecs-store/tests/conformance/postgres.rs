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
mod replicas;

use std::sync::Arc;

use fixture::{Engine, Fixture, cached};

const POSTGRES: Engine = Engine {
    open: |place| Arc::new(cluster::open(place)),
    lasts: true,
    restore: None,
    cached: false,
};
const CACHED_POSTGRES: Engine = Engine {
    open: |place| cached(cluster::open(place)),
    cached: true,
    ..POSTGRES
};

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
    let Some(cluster) = cluster::start() else {
        println!("not run: there is no PostgreSQL under {}", cluster::BINARIES);
        return;
    };
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
        run(
            "replicas::a_lost_connection_is_made_anew",
            replicas::a_lost_connection_is_made_anew(),
        );
        run("replicas::a_later_version_is_left_alone", async {
            replicas::a_later_version_is_left_alone()
        });
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
