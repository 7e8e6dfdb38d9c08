//! The programs as people run them: see the test target. What starts them is here, for other tests as well.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "this is for tests, which fail by panicking"
)]

pub mod harness;
