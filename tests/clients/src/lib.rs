//! Clients of the ECS API, and what they share: a server to talk to, requests on the wire, files of expected text.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this is for tests, which fail by panicking"
)]

pub mod golden;
pub mod random;
pub mod server;
pub mod wire;
