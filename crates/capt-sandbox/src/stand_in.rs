//! What the core Cluster controller of Cluster API does to the objects of a provider, and nothing else.
//!
//! # Flow
//!
//! A Cluster gets its finalizer; the objects that it refers to are adopted (owner reference and label); what
//! they say is latched and mirrored in the Cluster's status; their endpoint is copied once. A Cluster that is
//! deleted deletes its control plane, waits until it is gone, deletes its infrastructure, waits until that is
//! gone, and goes.
//!
//! # Guarantees
//!
//! It follows the contract of Cluster API v1.14, whose Cluster controller it stands in for: latches are never
//! taken back, a valid endpoint is never changed, and a paused Cluster is left alone, its deletion included. A
//! Cluster to which nothing happens is not written.
//!
//! # Limits
//!
//! It knows the kinds of CAPT alone, has no machines and no topology, and does not connect to the cluster.

mod decide;
mod snapshot;
mod status;

use std::sync::Arc;

use async_trait::async_trait;
use capt_api::cluster::ClusterStatus;
use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, keys};
use capt_core::decision::Decision;
use capt_core::fault::Fault;
use capt_core::plan::Report;
use capt_runtime::{DriverBuilder, Kind, ObjectKey, Subject, View, Writer};
use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::{Value, json};

pub use decide::Command;
pub use snapshot::{Found, Part, Role, Snapshot};

/// The finalizer that the core puts on a Cluster.
pub const FINALIZER: &str = "cluster.cluster.x-k8s.io";

/// The stand-in as a controller of Clusters.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClusterController;

/// Adds the stand-in to a driver, with the watches that it needs.
pub fn install(driver: DriverBuilder) -> DriverBuilder {
    driver
        .watch::<CAPTCluster>()
        .watch::<CAPTControlPlane>()
        .subject(ClusterController)
}

#[async_trait]
impl Subject for ClusterController {
    type Object = Cluster;
    type Snapshot = Snapshot;
    type Record = ClusterStatus;
    type Command = Command;

    const NAME: &'static str = "cluster-api";

    async fn observe(
        &self,
        object: Arc<Cluster>,
        view: &View,
        _last: Option<&Report>,
    ) -> Result<Snapshot, Fault> {
        let spec = &object.spec;
        let infrastructure = spec.infrastructure_ref.as_ref();
        let control_plane = spec.control_plane_ref.as_ref();
        Ok(Snapshot {
            infrastructure: infrastructure.map(|it| Part::observe(Role::Infrastructure, it, &object, view)),
            control_plane: control_plane.map(|it| Part::observe(Role::ControlPlane, it, &object, view)),
            cluster: object,
        })
    }

    fn decide(&self, snapshot: &Snapshot, now: Timestamp) -> Decision<ClusterStatus, Command> {
        decide::decide(snapshot, now)
    }

    async fn perform(&self, command: &Command, snapshot: &Snapshot, writer: &Writer) -> Result<(), Fault> {
        let cluster = &*snapshot.cluster;
        match command {
            Command::AddFinalizer => writer.add_finalizer(cluster, FINALIZER).await,
            Command::RemoveFinalizer => writer.remove_finalizer(cluster, FINALIZER).await,
            Command::Adopt(role) => match snapshot.found(*role) {
                Some((Role::Infrastructure, found)) => adopt::<CAPTCluster>(cluster, found, writer).await,
                Some((Role::ControlPlane, found)) => adopt::<CAPTControlPlane>(cluster, found, writer).await,
                None => Ok(()),
            },
            Command::SetEndpoint { host, port } => {
                let patch = json!({ "spec": { "controlPlaneEndpoint": { "host": host, "port": port } } });
                let version = cluster.resource_version();
                let key = ObjectKey::of(cluster);
                writer
                    .merge_patch::<Cluster>(&key, &patch, version.as_deref())
                    .await
                    .map(drop)
            }
            Command::Delete(role) => match snapshot.found(*role) {
                Some((Role::Infrastructure, found)) => {
                    writer.delete::<CAPTCluster>(&found.key, &found.uid).await
                }
                Some((Role::ControlPlane, found)) => {
                    writer.delete::<CAPTControlPlane>(&found.key, &found.uid).await
                }
                None => Ok(()),
            },
        }
    }

    fn status(
        &self,
        _snapshot: &Snapshot,
        decision: &Decision<ClusterStatus, Command>,
        _report: &Report,
        _now: Timestamp,
    ) -> Value {
        serde_json::to_value(&decision.record).expect("a status is plain data")
    }
}

/// Makes `cluster` an owner of the object that was found, and labels it with its name.
async fn adopt<K: Kind>(cluster: &Cluster, found: &Found, writer: &Writer) -> Result<(), Fault> {
    let patch = json!({ "metadata": {
        "labels": { keys::CLUSTER_NAME: cluster.name_any() },
        "ownerReferences": found.owners_with(cluster),
    } });
    // Owner references are a list: a merge patch replaces all of them, so it must know the latest.
    let version = found.resource_version.as_deref();
    writer
        .merge_patch::<K>(&found.key, &patch, version)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests;
