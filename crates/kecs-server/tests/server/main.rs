//! A server over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what helps a test fails as the test does"
)]

mod auth;
mod events;
mod operate;
mod support;
mod trace;
mod wire;
