//! The server through a real `kube::Client` and `kube::runtime::watcher`, in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::needless_pass_by_value,
    unreachable_pub,
    reason = "a test fails by panicking; its helpers are called with literals"
)]

mod persisting;
mod stopping;
mod support;

mod apply;
mod builtin;
mod collection;
mod faults;
mod forms;
mod lifecycle;
mod listing;
mod refusals;
mod versions;
mod watching;
