//! The custom resources of CAPT and the fields of the Cluster API contract.
