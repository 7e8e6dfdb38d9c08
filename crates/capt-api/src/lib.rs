//! The custom resources of CAPT and the fields of the Cluster API contract.
//!
//! Types only: what a field means and what a schema can refuse is said here, what is done about it is said
//! in the controllers. Names on the wire are those of the Go implementation of CAPT, so that its manifests
//! apply unchanged; what is ours stands beside them.
//!
//! # Guarantees
//!
//! - Everything optional is an [`Option`] or a collection that is left out when empty, so that a status that
//!   is read and written again is the same bytes.
//! - No floating point numbers, no secret values.
//! - A field that a user wrote into an embedded workspace is never dropped
//!   ([`terraform_workspace::TerraformWorkspaceSpec::other`]).

#![allow(
    unreachable_pub,
    reason = "KubeSchema copies each struct into a function body, where `pub` cannot be reached"
)]
#![allow(
    clippy::duplicated_attributes,
    reason = "the lint takes the keys of several printcolumn(...) for repetitions"
)]

pub mod capt_cluster;
pub mod cluster;
pub mod control_plane;
pub mod crd;
pub mod duration;
pub mod keys;
pub mod policy;
pub mod reference;
pub mod status;
pub mod template_apply;
pub mod terraform_workspace;
pub mod workspace_template;

pub use capt_cluster::{CAPTCluster, CAPTClusterTemplate};
pub use cluster::Cluster;
pub use control_plane::{CAPTControlPlane, CAPTControlPlaneTemplate};
pub use crd::{all_crds, cluster_crd};
pub use duration::Duration;
pub use template_apply::WorkspaceTemplateApply;
pub use terraform_workspace::TerraformWorkspace;
pub use workspace_template::WorkspaceTemplate;
