//! An engine that needs no binary: it reads the configuration, works out what Terraform would do, and lets
//! virtual time pass for it.
//!
//! What it says is honest within its limits: a syntax error, an undeclared variable or a missing value fails
//! with Terraform's own summary; a second apply of the same inputs changes nothing; what a provider would
//! compute (an ARN, an endpoint) is a placeholder that follows from the workspace, the address and the
//! attribute alone.
//!
//! It touches no disk and no thread: everything happens on tokio's clock, which tests may pause.

mod apply;
mod blocks;
mod cloud;
mod computed;
mod engine;
mod eval;
mod functions;
mod graph;
mod inputs;
mod kept;
mod locks;
mod module;
mod placeholder;
mod provisioner;
mod references;
mod script;

pub use cloud::{Counters, SimulatedCloud};
pub use engine::Simulated;
pub use kept::{Keeper, KeptError};
pub use script::Scripted;
