//! The infrastructure of the Cluster, which a control plane waits for.

use capt_api::{CAPTCluster, Cluster};
use capt_core::wait::Wait;
use kube::ResourceExt;

use super::observe::KIND;
use crate::owner;

/// The kind of the infrastructure.
pub(super) const CLUSTER_KIND: &str = "CAPTCluster";

/// What the infrastructure of the Cluster is waited for, and what stands in its way as far as it is known.
pub(super) fn no_infrastructure(
    cluster: Option<&Cluster>,
    infrastructure: Option<&CAPTCluster>,
) -> Option<Wait> {
    let cluster = cluster?;
    let status = cluster.status.as_ref();
    if status.is_some_and(capt_api::cluster::ClusterStatus::infrastructure_provisioned) {
        return None;
    }
    let name = cluster.name_any();
    let waiting = format!("waiting for the infrastructure of Cluster/{name}");
    let (on, message) = match (&cluster.spec.infrastructure_ref, infrastructure) {
        (None, _) => (
            format!("Cluster/{name}"),
            format!("{waiting}, which names none; set its spec.infrastructureRef, as to a CAPTCluster"),
        ),
        (Some(reference), None) if reference.kind == CLUSTER_KIND => (
            format!("{CLUSTER_KIND}/{}", reference.name),
            format!(
                "{waiting}: there is no {CLUSTER_KIND} {}; create it, or correct spec.infrastructureRef of the \
                 Cluster",
                reference.name
            ),
        ),
        (Some(reference), None) if reference.kind == KIND => (
            format!("Cluster/{name}"),
            format!(
                "{waiting}, whose spec.infrastructureRef names a {KIND}; let it name a {CLUSTER_KIND}, and \
                 spec.controlPlaneRef the {KIND}"
            ),
        ),
        (Some(reference), None) => (format!("{}/{}", reference.kind, reference.name), waiting),
        (Some(_), Some(infrastructure)) if !belongs(infrastructure, &name) => {
            let whose: Vec<_> = owner::names(&infrastructure.metadata).into_iter().collect();
            let infrastructure = infrastructure.name_any();
            let message = format!(
                "{waiting}: {CLUSTER_KIND} {infrastructure} belongs to Cluster {}, and an object belongs to one; let \
                 spec.infrastructureRef of the Cluster name one of its own",
                whose.join(" and ")
            );
            (format!("{CLUSTER_KIND}/{infrastructure}"), message)
        }
        (Some(_), Some(infrastructure)) => {
            let status = infrastructure.status.as_ref();
            let failed = status.and_then(|status| status.failure_message.as_deref());
            let wait = status.and_then(|status| status.lifecycle.waits.first()?.message.as_deref());
            let why = match (failed, wait) {
                (Some(failed), _) => format!(", which failed: {failed}"),
                (None, Some(wait)) => format!(": {wait}"),
                (None, None) => " to be provisioned".to_owned(),
            };
            let on = format!("{CLUSTER_KIND}/{}", infrastructure.name_any());
            (on, format!("{waiting}{why}"))
        }
    };
    Some(Wait::new(on, "WaitingForVPC", message))
}

/// Whether no other Cluster owns the infrastructure.
fn belongs(infrastructure: &CAPTCluster, cluster: &str) -> bool {
    let owners = owner::names(&infrastructure.metadata);
    owners.is_empty() || owners.contains(cluster)
}
