//! The Cluster API side of CAPT: the controllers of `WorkspaceTemplateApply`, `CAPTCluster` and
//! `CAPTControlPlane`, and the backends that turn a rendered template into a workspace.

pub mod substitute;
