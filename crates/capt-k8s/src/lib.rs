//! The Cluster API side of CAPT: its controllers and workspace backends.
