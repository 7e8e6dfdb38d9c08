//! The programs as people run them, with real terraform and kubectl where they are needed.
//!
//! Nothing here waits for a fixed time: a test reads what the programs say until they say what it waits for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "everything here is a test"
)]

mod adoption;
mod changes;
mod kills;
mod kubectl;
mod locks;
mod manifests;
mod mistakes;
mod restart_server;
mod sandbox;

use e2e::harness;
