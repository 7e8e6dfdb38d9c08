//! Recovery and health in the rounds of a subject: what is tried, when a person is asked, and what is written down.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test the line of the panic is the best report"
)]

mod health;
mod kept;
mod tries;
mod world;
