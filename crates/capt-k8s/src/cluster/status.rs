//! The status of a `CAPTCluster`.

use capt_api::capt_cluster::{CAPTClusterStatus, InfrastructureInitialization};
use capt_core::cluster::{Command, Vpc, loss, progress};
use capt_core::condition::Condition;
use capt_core::decision::Decision;
use capt_core::lifecycle::State;
use capt_core::loss::Loss;
use capt_core::plan::Report;
use capt_core::record::Record;
use capt_core::wait::Wait;
use jiff::Timestamp;
use kube::ResourceExt;

use super::Seen;
use crate::apply::workspace_name;
use crate::control_plane::endpoint::Authority;
use crate::follow::{Rendered, failure, template_status, waits};

pub(super) fn status(
    seen: &Seen,
    decision: &Decision<Record, Command>,
    report: &Report,
    now: Timestamp,
) -> CAPTClusterStatus {
    let before = seen.object.status.clone().unwrap_or_default();
    let record = &decision.record;
    let waits = waits(decision, report);
    let loss = loss(&seen.core);
    let own = vec![vpc_ready(seen, record, loss.as_ref(), &waits)];
    let rendered = Rendered {
        object: &seen.core.object,
        record,
        waits,
        progress: progress(&seen.core, record),
        generation: seen.object.metadata.generation,
        before: &before.lifecycle,
        now,
    };
    let provisioned = record.initialized
        || before
            .initialization
            .as_ref()
            .is_some_and(|latch| latch.provisioned == Some(true));
    let (failure_reason, failure_message) = failure(record).unzip();
    let apply = seen.apply.as_deref();
    CAPTClusterStatus {
        lifecycle: rendered.lifecycle(own),
        initialization: provisioned.then_some(InfrastructureInitialization {
            provisioned: Some(true),
        }),
        // That of a network which is gone helps nobody.
        vpc_id: seen
            .core
            .vpc_id
            .clone()
            .or_else(|| before.vpc_id.filter(|_| stands(seen))),
        vpc_workspace_name: apply
            .map(|apply| workspace_name(&apply.name_any()).to_owned())
            .or(before.vpc_workspace_name),
        failure_domains: before.failure_domains,
        endpoint: endpoint(seen),
        failure_reason,
        failure_message,
        workspace_template_status: apply
            .map(|apply| template_status(apply, seen.workspace.as_ref()))
            .or(before.workspace_template_status),
    }
}

/// Where the API server answers, as the Cluster has it.
fn endpoint(seen: &Seen) -> Option<String> {
    let endpoint = seen.cluster.as_ref()?.spec.control_plane_endpoint.as_ref()?;
    let host = endpoint.host.as_deref().filter(|host| !host.is_empty())?;
    let port = endpoint.port.and_then(|port| u16::try_from(port).ok())?;
    Some(Authority::new(host, port).to_string())
}

/// Whether the network that was known before is still the one to name: it may be there, or everything goes.
fn stands(seen: &Seen) -> bool {
    let made = seen.core.object.deleting
        || seen
            .workspace
            .as_ref()
            .is_some_and(|workspace| workspace.child.made);
    match &seen.core.vpc {
        Vpc::Existing => true,
        Vpc::Owned { .. } | Vpc::Shared { .. } => made,
    }
}

fn vpc_ready(seen: &Seen, record: &Record, loss: Option<&Loss>, waits: &[Wait]) -> Condition {
    const KIND: &str = "VPCReady";
    let made = match &seen.core.vpc {
        Vpc::Existing => "ExistingVPCUsed",
        Vpc::Owned { .. } | Vpc::Shared { .. } => "VPCCreated",
    };
    let failed = record.state == State::Failed || record.gave_up;
    match &record.fault {
        _ if seen.core.object.deleting => Condition::new(KIND, false, "Deleting", "being deleted"),
        Some(fault) if failed => Condition::new(KIND, false, "VPCCreationFailed", fault.to_string()),
        Some(_) | None if record.ready => Condition::new(KIND, true, made, ""),
        Some(_) | None if let Some(wait) = loss.and_then(Loss::wait) => {
            Condition::new(KIND, false, &*wait.reason, &*wait.message)
        }
        Some(_) | None => {
            let message = waits.first().map_or("", |wait| wait.message.as_str());
            Condition::new(KIND, false, "VPCCreating", message)
        }
    }
}
