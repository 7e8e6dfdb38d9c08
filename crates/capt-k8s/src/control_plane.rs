//! The controller of `CAPTControlPlane`: an EKS control plane, its endpoint and its secrets. Cluster API's
//! control plane provider.
//!
//! # Flow
//!
//! Once the Cluster's infrastructure is provisioned, a `WorkspaceTemplateApply` makes the control plane. Its
//! output `cluster_endpoint` becomes `spec.controlPlaneEndpoint`; its output `kubeconfig`, or that of a second
//! apply from the kubeconfig template, becomes the Secret `<cluster>-kubeconfig`; its output
//! `cluster_certificate_authority_data` becomes the Secret `<name>-ca`.
//!
//! # Guarantees
//!
//! - Of `spec` only `controlPlaneEndpoint` is written, as the contract asks, and only where it is empty or what
//!   we have written ourselves: an endpoint that somebody set wins. `workspaceTemplateApplyName` is respected
//!   and never written.
//! - `initialized` and `initialization.controlPlaneInitialized` are set once endpoint and kubeconfig are there,
//!   and never taken back.
//! - A Secret of somebody else is never overwritten.
//! - No secret value is in a status, an event or a log.
//! - Deleting: first the kubeconfig, then the control plane, then the finalizer. The Cluster is not touched.
//!
//! # Variables of the control plane template
//!
//! | name | value |
//! |---|---|
//! | `cluster_name` | the Cluster's name |
//! | `kubernetes_version` | major and minor of `spec.version`, without `v` |
//! | `region` | `controlPlaneConfig.region`, else the `CAPTCluster`'s, else the Cluster's annotation `cluster.x-k8s.io/region` |
//! | `endpoint_public_access`, `endpoint_private_access` | `controlPlaneConfig.endpointAccess`; `true` where it is left out |
//! | `tags_<key>` | one for each of `additionalTags` |
//! | `endpoint_public_access_cidrs` | `publicCIDRs` as a JSON list, if set |
//! | `cluster_addons` | `addons` as a JSON list of `{name, version, configurationValues}`, if set |
//!
//! The kubeconfig template has `cluster_name`, `region`, `cluster_endpoint` and
//! `cluster_certificate_authority_data`, the last two as the control plane's workspace put them out.

pub(crate) mod endpoint;
mod infrastructure;
mod observe;
mod perform;
mod render;
mod secrets;
mod sources;
mod status;
#[cfg(test)]
mod tests;
pub(crate) mod version;

use std::sync::Arc;

use async_trait::async_trait;
use capt_api::{CAPTControlPlane, WorkspaceTemplateApply};
use capt_core::control_plane::{self, Command, Kubeconfig};
use capt_core::decision::Decision;
use capt_core::fault::Fault;
use capt_core::plan::Report;
use capt_core::record::Record;
use capt_runtime::{Subject, View, Writer};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;

use self::endpoint::Authority;
use crate::Options;
use crate::backend::Workspace;
use crate::follow::announce;

/// The controller of `CAPTControlPlane`.
#[derive(Debug)]
pub struct ControlPlaneController {
    options: Options,
}

impl ControlPlaneController {
    /// The controller of an installation.
    pub fn new(options: Options) -> Self {
        Self { options }
    }
}

/// What a round knows about one control plane. Deliberately without `Debug`: it holds secrets.
pub struct Seen {
    core: control_plane::Snapshot,
    object: Arc<CAPTControlPlane>,
    /// What the apply of the control plane should be.
    wanted: Option<WorkspaceTemplateApply>,
    apply: Option<Arc<WorkspaceTemplateApply>>,
    workspace: Option<Workspace>,
    /// What the apply of the kubeconfig should be.
    kubeconfig_wanted: Option<WorkspaceTemplateApply>,
    kubeconfig_apply: Option<Arc<WorkspaceTemplateApply>>,
    /// The endpoint that the spec has, or should have.
    endpoint: Option<Authority>,
    /// What the kubeconfig secret should be.
    kubeconfig: Option<Secret>,
    kubeconfig_live: Option<Arc<Secret>>,
    /// What the CA secret should be.
    ca: Option<Secret>,
    ca_live: Option<Arc<Secret>>,
}

#[async_trait]
impl Subject for ControlPlaneController {
    type Object = CAPTControlPlane;
    type Snapshot = Seen;
    type Record = Record;
    type Command = Command;

    const NAME: &'static str = "control-plane";

    async fn observe(
        &self,
        object: Arc<CAPTControlPlane>,
        view: &View,
        last: Option<&Report>,
    ) -> Result<Seen, Fault> {
        observe::observe(object, view, last, &self.options).await
    }

    fn is_left_alone(&self, object: &Self::Object) -> bool {
        capt_status::is_managed_elsewhere(&object.metadata)
    }

    fn decide(&self, seen: &Seen, now: Timestamp) -> Decision<Record, Command> {
        let assessment = control_plane::assess(&seen.core, now);
        let mut decision = control_plane::decide(&seen.core, assessment, now);
        let mut missing = seen.core.missing.clone();
        if let Kubeconfig::Nowhere(wait) = &seen.core.kubeconfig {
            missing.push(wait.clone());
        }
        let before = seen.object.status.as_ref().map(|status| &status.lifecycle);
        announce(&mut decision, &missing, before);
        decision
    }

    async fn perform(&self, command: &Command, seen: &Seen, writer: &Writer) -> Result<(), Fault> {
        perform::perform(command, seen, writer).await
    }

    fn status(
        &self,
        seen: &Seen,
        decision: &Decision<Record, Command>,
        report: &Report,
        now: Timestamp,
    ) -> serde_json::Value {
        serde_json::to_value(status::status(seen, decision, report, now)).unwrap_or_default()
    }
}
