//! kube-sim, a Cluster API stand-in and the operator in one process.

pub mod convert;
pub mod demo;
pub mod manifests;
pub mod picture;
pub mod stand_in;
pub mod watch;
