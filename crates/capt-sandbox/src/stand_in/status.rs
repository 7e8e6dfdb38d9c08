//! The conditions of a Cluster, in the words of the core.

use std::collections::BTreeSet;

use capt_api::Cluster;
use capt_api::cluster::{ClusterPhase, ClusterStatus, ConditionPolarity};
use capt_core::wait::Notice;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::decide::is_deleting;
use super::snapshot::{Part, Role, Snapshot};

/// The conditions that the stand-in writes. Those of others (of availability gates, for example) stay theirs.
const OWN: [&str; 7] = [
    "Available",
    "InfrastructureReady",
    "ControlPlaneInitialized",
    "ControlPlaneAvailable",
    "RollingOut",
    "Deleting",
    "Paused",
];

/// The reason of a condition about an object that belongs to another Cluster.
const OWNED_BY_ANOTHER: &str = "OwnedByAnotherCluster";

/// All conditions of a Cluster that is not paused.
pub(super) fn conditions(
    snapshot: &Snapshot,
    record: &ClusterStatus,
    before: &[Condition],
    now: Timestamp,
) -> Vec<Condition> {
    let mut conditions = vec![
        mirror(
            snapshot,
            Role::Infrastructure,
            record.infrastructure_provisioned(),
        ),
        initialized(snapshot, record),
        mirror(snapshot, Role::ControlPlane, record.control_plane_initialized()),
    ];
    let control_plane = snapshot.control_plane.as_ref();
    let rolling_out = control_plane.and_then(|part| part.own()?.rolling_out.as_ref());
    if let Some(rolling_out) = rolling_out {
        conditions.push(condition(
            "RollingOut",
            &rolling_out.status,
            &rolling_out.reason,
            &rolling_out.message,
        ));
    }
    conditions.push(deleting(snapshot));
    conditions.push(condition("Paused", "False", "NotPaused", ""));
    conditions.insert(0, available(&snapshot.cluster, &conditions, before));
    for it in &mut conditions {
        it.observed_generation = snapshot.cluster.metadata.generation;
        keep_time(it, before, now);
    }
    conditions
}

/// Says on a paused Cluster, and nothing else, that it is paused.
pub(super) fn set_paused(record: &mut ClusterStatus, cluster: &Cluster, why: &str, now: Timestamp) {
    record.conditions.retain(|it| OWN.contains(&it.type_.as_str()));
    let mut paused = condition("Paused", "True", "Paused", why);
    paused.observed_generation = cluster.metadata.generation;
    keep_time(&mut paused, &record.conditions, now);
    match record.conditions.iter_mut().find(|it| it.type_ == paused.type_) {
        Some(present) => *present = paused,
        None => record.conditions.push(paused),
    }
}

/// The name of a phase on the wire.
pub(super) const fn phase_name(phase: ClusterPhase) -> &'static str {
    match phase {
        ClusterPhase::Pending => "Pending",
        ClusterPhase::Provisioning => "Provisioning",
        ClusterPhase::Provisioned => "Provisioned",
        ClusterPhase::Deleting => "Deleting",
        ClusterPhase::Failed => "Failed",
        ClusterPhase::Unknown => "Unknown",
    }
}

/// What an object says of itself, as a condition of the Cluster; its flag where it says nothing.
fn mirror(snapshot: &Snapshot, role: Role, reached: bool) -> Condition {
    let (type_, field, good, bad) = match role {
        Role::Infrastructure => (
            "InfrastructureReady",
            "status.initialization.provisioned",
            "Ready",
            "NotReady",
        ),
        Role::ControlPlane => (
            "ControlPlaneAvailable",
            "status.initialization.controlPlaneInitialized",
            "Available",
            "NotAvailable",
        ),
    };
    let Some(part) = snapshot.part(role) else {
        let message = "the Cluster refers to no such object";
        return condition(type_, "Unknown", "ReferenceMissing", message);
    };
    if !part.known {
        let message = format!("{} is of a kind that this stand-in does not know", part.title());
        return condition(type_, "Unknown", "InternalError", &message);
    }
    if let Some(conflict) = owned_by_another(type_, part, role) {
        return conflict;
    }
    let Some(found) = &part.found else {
        return absent(type_, part, snapshot, reached);
    };
    match &found.condition {
        Some(source) => condition(type_, &source.status, &source.reason, &source.message),
        None if found.reached => condition(type_, "True", good, ""),
        None => condition(type_, "False", bad, &format!("{} {field} is false", part.kind)),
    }
}

/// What is said of an object that belongs to another Cluster. The core would become an owner of it as well, if that one
/// does not control it, and both would write the label for ever; one that is controlled it refuses.
fn owned_by_another(type_: &str, part: &Part, role: Role) -> Option<Condition> {
    let owner = part.other_owner()?;
    let field = match role {
        Role::Infrastructure => "spec.infrastructureRef",
        Role::ControlPlane => "spec.controlPlaneRef",
    };
    let message = format!(
        "{} is owned by Cluster {owner}, and an object belongs to one Cluster; let {field} name another one",
        part.title()
    );
    Some(condition(type_, "False", OWNED_BY_ANOTHER, &message))
}

/// What is told of conflicts that are new.
pub(super) fn new_conflicts(before: &[Condition], now: &[Condition]) -> Vec<Notice> {
    let conflicts = |conditions: &[Condition]| -> BTreeSet<String> {
        let conflicts = conditions.iter().filter(|it| it.reason == OWNED_BY_ANOTHER);
        conflicts.map(|it| it.message.clone()).collect()
    };
    let new = conflicts(now)
        .difference(&conflicts(before))
        .cloned()
        .collect::<Vec<_>>();
    new.into_iter()
        .map(|message| Notice::warning(OWNED_BY_ANOTHER, message))
        .collect()
}

fn absent(type_: &str, part: &Part, snapshot: &Snapshot, reached: bool) -> Condition {
    let title = part.title();
    if is_deleting(&snapshot.cluster) {
        condition(
            type_,
            "False",
            "ObjectDeleted",
            &format!("{title} has been deleted"),
        )
    } else if reached {
        let message = format!("{title} has been deleted while the cluster still exists");
        condition(type_, "False", "ObjectDeleted", &message)
    } else {
        condition(
            type_,
            "False",
            "ObjectDoesNotExist",
            &format!("{title} does not exist"),
        )
    }
}

fn initialized(snapshot: &Snapshot, record: &ClusterStatus) -> Condition {
    let type_ = "ControlPlaneInitialized";
    if record.control_plane_initialized() {
        return condition(type_, "True", "Initialized", "");
    }
    match &snapshot.control_plane {
        None => condition(
            type_,
            "Unknown",
            "ReferenceMissing",
            "the Cluster refers to no control plane",
        ),
        Some(part) => {
            owned_by_another(type_, part, Role::ControlPlane).unwrap_or_else(|| not_initialized(part))
        }
    }
}

fn not_initialized(part: &Part) -> Condition {
    let type_ = "ControlPlaneInitialized";
    match &part.found {
        None => condition(
            type_,
            "False",
            "ObjectDoesNotExist",
            &format!("{} does not exist", part.title()),
        ),
        Some(_) => condition(
            type_,
            "False",
            "NotInitialized",
            "the control plane is not yet initialized",
        ),
    }
}

fn deleting(snapshot: &Snapshot) -> Condition {
    if !is_deleting(&snapshot.cluster) {
        return condition("Deleting", "False", "NotDeleting", "");
    }
    for (part, reason) in [
        (&snapshot.control_plane, "WaitingForControlPlaneDeletion"),
        (&snapshot.infrastructure, "WaitingForInfrastructureDeletion"),
    ] {
        if let Some(part) = part.as_ref().filter(|part| part.known && part.own().is_some()) {
            let message = format!("waiting for {} to be deleted", part.title());
            return condition("Deleting", "True", reason, &message);
        }
    }
    condition("Deleting", "True", "DeletionCompleted", "")
}

/// The summary: what is wrong with the conditions that the availability depends on.
fn available(cluster: &Cluster, conditions: &[Condition], before: &[Condition]) -> Condition {
    let gates = cluster.spec.availability_gates.iter().map(|gate| {
        let good = match gate.polarity {
            Some(ConditionPolarity::Negative) => "False",
            Some(ConditionPolarity::Positive) | None => "True",
        };
        (gate.condition_type.as_str(), good)
    });
    let own = [
        ("Deleting", "False"),
        ("InfrastructureReady", "True"),
        ("ControlPlaneAvailable", "True"),
    ];
    let (mut issues, mut unknowns) = (Vec::new(), Vec::new());
    for (type_, good) in own.into_iter().chain(gates) {
        let found = conditions.iter().chain(before).find(|it| it.type_ == type_);
        match found {
            Some(it) if it.status == good => {}
            Some(it) if it.status != "Unknown" => issues.push(line(type_, &it.message, &it.reason)),
            Some(it) => unknowns.push(line(type_, &it.message, &it.reason)),
            None => unknowns.push(line(type_, "not reported yet", "")),
        }
    }
    let (status, reason) = match (issues.is_empty(), unknowns.is_empty()) {
        (false, _) => ("False", "NotAvailable"),
        (true, false) => ("Unknown", "AvailableUnknown"),
        (true, true) => ("True", "Available"),
    };
    issues.append(&mut unknowns);
    condition("Available", status, reason, &issues.join("\n"))
}

fn line(type_: &str, message: &str, reason: &str) -> String {
    let text = if message.is_empty() { reason } else { message };
    // Lines below the first belong to the same point.
    format!("* {type_}: {}", text.replace('\n', "\n  "))
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: if reason.is_empty() {
            type_.to_owned()
        } else {
            reason.to_owned()
        },
        message: message.to_owned(),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
        observed_generation: None,
    }
}

/// The time of a condition moves only when its status flips.
fn keep_time(condition: &mut Condition, before: &[Condition], now: Timestamp) {
    let same = |it: &&Condition| it.type_ == condition.type_ && it.status == condition.status;
    let kept = before.iter().find(same);
    condition.last_transition_time = kept.map_or(Time(now), |it| it.last_transition_time.clone());
}
