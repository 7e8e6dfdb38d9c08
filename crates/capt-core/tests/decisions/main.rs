//! What is decided, as tables that a person can review: for every subject and state a typical snapshot, what becomes
//! of it when one thing about it is different, and laws over any number of differences.

#![allow(
    clippy::unwrap_used,
    reason = "in a test the line of the panic is the best report"
)]
#![allow(
    clippy::unnecessary_wraps,
    reason = "fixtures have the type of the field that they fill"
)]

mod applies;
mod children;
mod clusters;
mod control_planes;
mod factors;
mod healing;
mod health;
mod laws;
mod sheet;
mod signals;
mod subject;
mod words;
mod workspaces;
mod world;
