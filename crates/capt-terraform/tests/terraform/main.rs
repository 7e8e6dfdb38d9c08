//! Runs through a real `terraform`, offline: only its built-in provider.
#![cfg(feature = "engine")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

mod applying;
mod demo;
mod failing;
mod stopping;
