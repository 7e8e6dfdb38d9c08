//! The server over HTTPS, asked by the real kubectl and the real terraform.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::needless_pass_by_value,
    unreachable_pub,
    reason = "a test fails by panicking; its helpers are called with literals"
)]

mod support;

mod kubectl;
mod terraform;
