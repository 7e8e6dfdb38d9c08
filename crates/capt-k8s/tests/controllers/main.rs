//! The three controllers against an API server in process, in virtual time. A player stands in for those who
//! are not here: the controller of `TerraformWorkspace`s and the core of Cluster API.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it says"
)]

mod applies;
mod clusters;
mod harness;
mod ownership;
mod player;
mod removal;
