//! Terraform and `OpenTofu` as an engine: process, JSON stream, error classes, state.
//!
//! [`classify`] is pure and always there: it turns the text of a failure into one of fourteen classes.
//!
//! With the feature `engine` there is also everything that runs something: an [`engine::Engine`] knows how to
//! initialize, plan, apply and read the outputs of one prepared workspace ([`cli::Cli`] with a `terraform` or
//! `tofu` binary, [`simulated::Simulated`] without one); [`runs::Runs`] puts these steps in a row, one run at a
//! time for each workspace, and takes them up again after a restart.

#[cfg(feature = "engine")]
mod block;
pub mod classify;
#[cfg(feature = "engine")]
pub mod cli;
#[cfg(feature = "engine")]
pub mod diagnostics;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
pub mod progress;
#[cfg(feature = "engine")]
pub mod run;
#[cfg(feature = "engine")]
pub mod runs;
#[cfg(feature = "engine")]
mod secrets;
#[cfg(feature = "engine")]
pub mod simulated;
#[cfg(feature = "engine")]
pub mod stream;

pub use classify::ErrorClass;
#[cfg(feature = "engine")]
pub use {
    cli::{Cli, CliOptions},
    engine::{Engine, EngineKind},
    run::{
        Backend, Changes, Operation, Output, ResourceState, ResourceStatus, RunEnd, RunId, RunProgress,
        RunSpec, RunView, Stage, WorkspaceId,
    },
    runs::{Clock, Runs, RunsOptions},
    simulated::{Simulated, SimulatedCloud},
};
