//! kube-sim, a Cluster API stand-in and the operator in one process.
