//! What the stand-in does next. Pure.

use capt_api::cluster::{Cluster, ClusterInitialization, ClusterPhase, ClusterStatus, MachineCounters};
use capt_api::keys;
use capt_core::decision::{Decision, Requeue};
use capt_core::plan::{Checked, Plan};
use capt_core::wait::Notice;
use jiff::Timestamp;
use kube::ResourceExt;

use super::snapshot::{Found, Part, Role, Snapshot};
use super::{FINALIZER, status};

/// One effect of the stand-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Put the core's finalizer on the Cluster.
    AddFinalizer,
    /// Make the Cluster an owner of an object, and label it.
    Adopt(Role),
    /// Copy the endpoint into the Cluster.
    SetEndpoint {
        /// The bare host.
        host: String,
        /// The port.
        port: u16,
    },
    /// Delete an object.
    Delete(Role),
    /// Let the Cluster go.
    RemoveFinalizer,
}

/// What is done, and what the Cluster's status says from now on.
pub(super) fn decide(snapshot: &Snapshot, now: Timestamp) -> Decision<ClusterStatus, Command> {
    let cluster = &*snapshot.cluster;
    let before = ClusterStatus {
        // Written by others, if at all: what is not sent stays theirs.
        workers: None,
        deprecated: None,
        ..cluster.status.clone().unwrap_or_default()
    };
    if let Some(why) = paused(cluster) {
        let mut record = before;
        status::set_paused(&mut record, cluster, &why, now);
        return Decision::hold(record);
    }
    let mut record = ClusterStatus {
        observed_generation: cluster.metadata.generation,
        ..before.clone()
    };
    latch(&mut record, snapshot);
    record.phase = Some(phase(cluster, &record));
    record.conditions = status::conditions(snapshot, &record, &before.conditions, now);
    let notices = notices(&before, &record);
    let plan = if is_deleting(cluster) {
        plan_deletion(snapshot)
    } else {
        plan(snapshot, &record)
    };
    Decision {
        record,
        plan,
        requeue: Requeue::OnChange,
        waits: Vec::new(),
        notices,
    }
}

/// Why the Cluster is left alone, if it is.
fn paused(cluster: &Cluster) -> Option<String> {
    if cluster.spec.paused == Some(true) {
        Some("Cluster spec.paused is set to true".to_owned())
    } else if cluster.annotations().contains_key(keys::PAUSED) {
        Some(format!("Cluster has the {} annotation", keys::PAUSED))
    } else {
        None
    }
}

pub(super) fn is_deleting(cluster: &Cluster) -> bool {
    cluster.metadata.deletion_timestamp.is_some()
}

/// Takes over what the objects have reached. Nothing is taken back.
fn latch(record: &mut ClusterStatus, snapshot: &Snapshot) {
    let mut latches = record.initialization.take().unwrap_or_default();
    let found = |part: &Option<Part>| {
        part.as_ref()
            .filter(|it| it.known)
            .and_then(|it| it.own().cloned())
    };
    let infrastructure = found(&snapshot.infrastructure);
    let control_plane = found(&snapshot.control_plane);
    let has_reached = |found: &Option<Found>| found.as_ref().is_some_and(|it| it.reached);
    if has_reached(&infrastructure) {
        latches.infrastructure_provisioned = Some(true);
    }
    if has_reached(&control_plane) {
        latches.control_plane_initialized = Some(true);
    }
    record.initialization = (latches != ClusterInitialization::default()).then_some(latches);
    if record.infrastructure_provisioned()
        && let Some(found) = infrastructure
    {
        record.failure_domains = found.failure_domains;
        record.failure_domains.sort_by(|a, b| a.name.cmp(&b.name));
    }
    if let Some(found) = control_plane {
        record.control_plane = (!found.versions.is_empty()).then(|| MachineCounters {
            versions: found.versions,
            ..MachineCounters::default()
        });
    }
}

fn phase(cluster: &Cluster, record: &ClusterStatus) -> ClusterPhase {
    if is_deleting(cluster) {
        ClusterPhase::Deleting
    } else if record.infrastructure_provisioned() && has_endpoint(cluster) {
        ClusterPhase::Provisioned
    } else if cluster.spec.infrastructure_ref.is_some() || cluster.spec.control_plane_ref.is_some() {
        ClusterPhase::Provisioning
    } else {
        ClusterPhase::Pending
    }
}

fn has_endpoint(cluster: &Cluster) -> bool {
    let endpoint = cluster.spec.control_plane_endpoint.as_ref();
    endpoint.is_some_and(|it| {
        it.host.as_deref().is_some_and(|host| !host.is_empty()) && it.port.is_some_and(|port| port > 0)
    })
}

fn plan(snapshot: &Snapshot, record: &ClusterStatus) -> Plan<Command, Checked> {
    let cluster = &*snapshot.cluster;
    if !cluster.finalizers().iter().any(|it| it == FINALIZER) {
        return Plan::single("add-finalizer", Command::AddFinalizer);
    }
    let mut plan = Plan::draft();
    for (id, role) in [
        ("adopt-infrastructure", Role::Infrastructure),
        ("adopt-control-plane", Role::ControlPlane),
    ] {
        if known(snapshot, role).is_some_and(|found| !found.adopted && !found.deleting) {
            plan = plan.step(id, Command::Adopt(role));
        }
    }
    // An endpoint that is valid is never changed; the infrastructure's comes first.
    let endpoint = [
        (Role::Infrastructure, record.infrastructure_provisioned()),
        (Role::ControlPlane, record.control_plane_initialized()),
    ]
    .into_iter()
    .filter(|(_, reached)| *reached && !has_endpoint(cluster))
    .find_map(|(role, _)| known(snapshot, role)?.endpoint.clone());
    if let Some((host, port)) = endpoint {
        plan = plan.step("set-endpoint", Command::SetEndpoint { host, port });
    }
    plan.check()
        .expect("steps of different names that depend on nothing")
}

fn plan_deletion(snapshot: &Snapshot) -> Plan<Command, Checked> {
    for (id, role) in [
        ("delete-control-plane", Role::ControlPlane),
        ("delete-infrastructure", Role::Infrastructure),
    ] {
        match known(snapshot, role) {
            Some(found) if found.deleting => return Plan::empty(),
            Some(_) => return Plan::single(id, Command::Delete(role)),
            None => {}
        }
    }
    Plan::single("remove-finalizer", Command::RemoveFinalizer)
}

fn known(snapshot: &Snapshot, role: Role) -> Option<&Found> {
    snapshot.part(role).filter(|it| it.known)?.own()
}

fn notices(before: &ClusterStatus, record: &ClusterStatus) -> Vec<Notice> {
    let mut notices = Vec::new();
    if record.infrastructure_provisioned() && !before.infrastructure_provisioned() {
        notices.push(Notice::normal(
            "InfrastructureReady",
            "the infrastructure is provisioned",
        ));
    }
    if record.control_plane_initialized() && !before.control_plane_initialized() {
        notices.push(Notice::normal(
            "ControlPlaneInitialized",
            "the control plane is initialized",
        ));
    }
    if record.phase != before.phase
        && let Some(phase) = record.phase
    {
        let name = status::phase_name(phase);
        notices.push(Notice::normal(name, format!("the Cluster is in phase {name}")));
    }
    notices.extend(status::new_conflicts(&before.conditions, &record.conditions));
    notices
}
