//! Small worlds that once did not come to rest, or came to a wrong one.

#![allow(
    clippy::unwrap_used,
    reason = "in a test the line of the panic is the best report"
)]

mod precedence;
mod readiness;
mod requests;
mod standstill;
mod world;
