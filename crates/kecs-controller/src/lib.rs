//! What goes on without a request: services are kept at their desired count, tasks are handed to the data plane, what
//! that reports is kept, and what is over is forgotten in time.
//!
//! It follows the store: whatever a commit has changed is looked at once more, whoever made the commit. A round of a
//! service is a pure decision ([`kecs_core::scheduler`]) and a commit; nothing is known here that could not be read
//! again after a restart.

mod changed;
mod commit;
mod controller;
mod expiry;
mod orders;
mod reports;
mod round;
mod tasks;

pub use commit::commit;
pub use controller::{Controller, Settings};
