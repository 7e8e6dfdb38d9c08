//! What is decided, as tables that a person can review: for every subject and state a typical snapshot, what becomes
//! of it when one thing about it is different, and laws over any number of differences.
//!
//! A sheet has a section for each typical snapshot: its name, what is recorded of it, what is decided about it as it
//! is, and a row for each difference that makes one. Differences with one outcome stand together. A change of what is
//! decided is a changed row; `INSTA_UPDATE=always` writes the sheets anew, and their diff is what is reviewed.

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
