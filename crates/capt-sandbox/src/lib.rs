//! kube-sim, a Cluster API stand-in and the operator in one process.
//!
//! What a person needs to see CAPT at work without a management cluster and without an account: an API server
//! that kubectl and Terraform can talk to, what the core Cluster controller does to the objects of a provider,
//! the operator, and a demo.
//!
//! # Invariants
//!
//! Nothing that the operator needs lives here. The stand-in does what Cluster API's contract says and knows
//! nothing of the operator beside it: each works the same without the other.

pub mod convert;
mod counted;
mod data_dir;
pub mod demo;
mod kubeconfig;
mod left;
pub mod manifests;
pub mod sandbox;
pub mod stand_in;
pub mod watch;

pub use capt_picture as picture;
pub use counted::EngineCounts;
pub use data_dir::{DataDir, DataDirError};
pub use kubeconfig::KubeconfigError;
pub use left::{Left, LeftRun};
pub use sandbox::{NAMESPACE, Options, Remark, Sandbox, StartError, Stats};
