//! The controller of `CAPTCluster`: the VPC of a cluster. Cluster API's infrastructure provider.
//!
//! # Flow
//!
//! Once a Cluster owns the object, the VPC is made through a `WorkspaceTemplateApply` of our own
//! (`vpcTemplateRef`), looked up in somebody else's (`vpcWorkspaceRef`), or taken as it is (`existingVpcId`).
//! When its id is known the object is Ready and `status.initialization.provisioned` is set, once and for ever.
//!
//! # Guarantees
//!
//! - `spec` is never written. An old object's `workspaceTemplateApplyName` is respected; a new one has none,
//!   so that whoever owns the manifest (a `GitOps` tool, the topology controller) never finds a difference.
//! - The endpoint belongs to the control plane; here it is mirrored from the Cluster for people.
//! - Fields that people set on the apply of the VPC stay: we own only what we render.
//! - The VPC is not deleted while a control plane of the Cluster exists.
//! - `retainVpcOnDelete` is written into the apply before the apply is deleted.
//!
//! # Variables of the VPC template
//!
//! | name | value |
//! |---|---|
//! | `cluster_name` | the Cluster's name |
//! | `vpc_name` | `spec.vpcConfig.name`, else `<name>-vpc` |
//! | `environment` | `production` |
//! | `region` | `spec.region` |

mod observe;
mod perform;
mod render;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use capt_api::{CAPTCluster, Cluster, WorkspaceTemplateApply};
use capt_core::cluster::{self, Command};
use capt_core::decision::Decision;
use capt_core::fault::Fault;
use capt_core::plan::Report;
use capt_core::record::Record;
use capt_runtime::{Subject, View, Writer};
use jiff::Timestamp;

use crate::Options;
use crate::backend::Workspace;
use crate::follow::announce;

pub(crate) use render::{is_vpc_owned, vpc_apply_name};

/// The controller of `CAPTCluster`.
#[derive(Debug)]
pub struct ClusterController {
    options: Options,
}

impl ClusterController {
    /// The controller of an installation.
    pub fn new(options: Options) -> Self {
        Self { options }
    }
}

/// What a round knows about one `CAPTCluster`.
#[derive(Debug)]
pub struct Seen {
    core: cluster::Snapshot,
    object: Arc<CAPTCluster>,
    cluster: Option<Arc<Cluster>>,
    wanted: Option<WorkspaceTemplateApply>,
    apply: Option<Arc<WorkspaceTemplateApply>>,
    workspace: Option<Workspace>,
}

#[async_trait]
impl Subject for ClusterController {
    type Object = CAPTCluster;
    type Snapshot = Seen;
    type Record = Record;
    type Command = Command;

    const NAME: &'static str = "cluster";

    async fn observe(
        &self,
        object: Arc<CAPTCluster>,
        view: &View,
        last: Option<&Report>,
    ) -> Result<Seen, Fault> {
        observe::observe(object, view, last, &self.options).await
    }

    fn is_left_alone(&self, object: &Self::Object) -> bool {
        capt_status::is_managed_elsewhere(&object.metadata)
    }

    fn decide(&self, seen: &Seen, now: Timestamp) -> Decision<Record, Command> {
        let assessment = cluster::assess(&seen.core, now);
        let mut decision = cluster::decide(&seen.core, assessment, now);
        let before = seen.object.status.as_ref().map(|status| &status.lifecycle);
        announce(&mut decision, &seen.core.missing, before);
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
