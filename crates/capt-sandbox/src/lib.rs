//! kube-sim, a Cluster API stand-in and the operator in one process.

pub mod convert;
pub mod demo;
pub mod stand_in;
