//! The whole controller against an API server in process, in virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    clippy::duration_suboptimal_units,
    clippy::format_collect,
    reason = "what is unexpected ends a test"
)]

mod harness;

mod inputs;
mod kept;
mod lifecycle;
mod removal;
mod restart;
mod state;
