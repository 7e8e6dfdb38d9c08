//! The Cluster API side of CAPT: the controllers of `WorkspaceTemplateApply`, `CAPTCluster` and
//! `CAPTControlPlane`, and the backends that turn a rendered template into a workspace.
//!
//! Each controller is the same five files: what is observed, what children should be (pure), what is done,
//! and what is said (pure). What is decided is in `capt-core`.

pub mod apply;
pub mod backend;
pub mod cluster;
pub mod control_plane;
mod follow;
mod manifest;
mod operator;
mod options;
mod outputs;
mod owner;
pub mod substitute;
mod template;

pub use operator::{Operator, OperatorBuilder, install};
pub use options::Options;
