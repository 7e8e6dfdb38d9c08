//! Fixtures and the scenario harness shared by tests.
//!
//! A [`Scenario`] is a whole installation in one process: the simulated API server with the custom resources, a
//! stand-in for the core of Cluster API, and the operator over the simulated Terraform engine. It runs on one
//! thread under tokio's paused clock, so that hours pass in milliseconds and every run is the same, byte by byte.
//!
//! ```no_run
//! # use std::time::Duration;
//! capt_testing::simulate(async {
//!     let mut world = capt_testing::Scenario::start().await;
//!     world.apply(capt_testing::fixture::VPC_TEMPLATE).await;
//!     world.until_state("CAPTCluster/demo", "Ready", Duration::from_secs(60)).await;
//!     println!("{}", world.transcript());
//! });
//! ```
//!
//! # Guarantees
//!
//! - No socket, no disk, no other thread, no wall clock: the order of everything follows from the script.
//! - After every write the invariants of [`invariants`] are checked; a violation fails the scenario at its next step.
//! - A wait that does not come true fails with the transcript, in virtual time: a scenario cannot hang.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a scenario ends where something is not as it says"
)]

pub mod fixture;
pub mod invariants;
pub mod kstatus;

mod engine;
mod facet;
mod fresh;
mod manifest;
mod moment;
mod operator;
mod recorder;
mod row;
mod scenario;

pub use manifest::Target;
pub use operator::Settings;
pub use row::{Account, Fresh, Part, Row, ends_as_fresh};
pub use scenario::Scenario;

/// Runs a simulation to its end: on this thread, in virtual time.
pub fn simulate<T>(simulation: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(simulation)
}
