//! Runs over the simulated engine, in virtual time.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

mod applying;
mod demo;
mod failing;
mod modules;
mod running;
