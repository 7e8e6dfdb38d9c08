//! The status of a control plane.

use capt_api::control_plane::{
    CAPTControlPlaneStatus, ControlPlaneInitialization, StatusVersion, WorkspaceStatus,
};
use capt_core::condition::Condition;
use capt_core::control_plane::{Command, Endpoint, Kubeconfig, Secret as Standing, progress};
use capt_core::decision::Decision;
use capt_core::object::Child;
use capt_core::plan::Report;
use capt_core::record::{OperationKind, Record};
use capt_status::FOREIGN_OBJECT;
use jiff::Timestamp;
use serde_json::json;

use super::Seen;
use super::version::Version;
use crate::backend::Workspace;
use crate::follow::{Rendered, failure, template_status, waits};

pub(super) fn status(
    seen: &Seen,
    decision: &Decision<Record, Command>,
    report: &Report,
    now: Timestamp,
) -> CAPTControlPlaneStatus {
    let before = seen.object.status.clone().unwrap_or_default();
    let record = &decision.record;
    let initialized = record.initialized || before.initialized == Some(true);
    let version = version(seen, before.version.as_deref());
    let secrets_ready = secrets_ready(seen).or(before.secrets_ready).unwrap_or(false);
    let rendered = Rendered {
        object: &seen.core.object,
        record,
        waits: waits(decision, report),
        progress: progress(&seen.core, record),
        generation: seen.object.metadata.generation,
        before: &before.lifecycle,
        now,
    };
    let (failure_reason, failure_message) = failure(record).unzip();
    let workspace = seen.workspace.as_ref();
    CAPTControlPlaneStatus {
        lifecycle: rendered.lifecycle(conditions(seen, record, initialized)),
        phase: Some(capt_status::phase(record)),
        initialized: Some(initialized),
        initialization: initialized.then_some(ControlPlaneInitialization {
            control_plane_initialized: Some(true),
        }),
        external_managed_control_plane: Some(true),
        secrets_ready: Some(secrets_ready),
        endpoint: seen
            .endpoint
            .as_ref()
            .map(ToString::to_string)
            .or(before.endpoint),
        versions: version
            .iter()
            .map(|version| StatusVersion {
                version: version.clone(),
                replicas: None,
            })
            .collect(),
        version,
        failure_reason,
        failure_message,
        workspace_template_status: seen
            .apply
            .as_deref()
            .map(|apply| template_status(apply, workspace))
            .or(before.workspace_template_status),
        workspace_status: workspace.map(workspace_status).or(before.workspace_status),
    }
}

/// The version that is applied: that of the spec once its apply is done, and what it was before until then.
fn version(seen: &Seen, before: Option<&str>) -> Option<String> {
    let applied = seen.core.apply.as_ref().is_some_and(Child::is_current);
    let spec = Version::parse(&seen.object.spec.version).ok();
    spec.filter(|_| applied)
        .map(|version| version.published())
        .or_else(|| before.map(ToOwned::to_owned))
}

/// Whether both secrets are written, as far as it is known.
fn secrets_ready(seen: &Seen) -> Option<bool> {
    let kubeconfig = match &seen.core.kubeconfig {
        Kubeconfig::Output(secret) | Kubeconfig::Template { secret, .. } => *secret,
        Kubeconfig::Nowhere(_) => Standing::Unknown,
    };
    let written = |secret| match secret {
        Standing::Current | Standing::Unwanted => Some(true),
        Standing::Stale => Some(false),
        Standing::Unknown => None,
    };
    Some(written(kubeconfig)? && written(seen.core.ca)?)
}

/// `Available` and `RollingOut`, which Cluster API copies into the Cluster.
fn conditions(seen: &Seen, record: &Record, initialized: bool) -> Vec<Condition> {
    let deleting = seen.core.object.deleting;
    // Of a workspace that is no longer known to be ours nothing is known.
    let disowned = || {
        let fault = seen.core.apply.as_ref().and_then(|apply| apply.fault.as_ref());
        fault.is_some_and(|fault| fault.code == FOREIGN_OBJECT)
    };
    let workspace = seen.workspace.as_ref();
    let made = workspace.map_or_else(disowned, |workspace| workspace.child.made);
    let available = match (initialized, deleting) {
        (_, true) => Condition::new("Available", false, "Deleting", "being deleted"),
        (true, false) if !made => {
            let message = "the workspace of the control plane is gone";
            Condition::new("Available", false, "ControlPlaneGone", message)
        }
        (true, false) if seen.core.endpoint == Endpoint::Found => {
            let message = "the control plane was made anew, and its endpoint is not published yet";
            Condition::new("Available", false, "ControlPlaneGone", message)
        }
        (true, false) => Condition::new("Available", true, "Available", ""),
        (false, false) => {
            let message = "endpoint and kubeconfig are not published yet";
            Condition::new("Available", false, "NotInitialized", message)
        }
    };
    let operation = record.operation.as_ref().map(|operation| operation.kind);
    let rolling_out = operation == Some(OperationKind::Updating);
    let reason = if rolling_out {
        "RollingOut"
    } else {
        "NotRollingOut"
    };
    vec![available, Condition::new("RollingOut", rolling_out, reason, "")]
}

/// What add-on charts read.
fn workspace_status(workspace: &Workspace) -> WorkspaceStatus {
    let ready = workspace
        .conditions
        .iter()
        .find(|condition| condition.type_ == "Ready");
    let mut at_provider = serde_json::Map::new();
    if let Some(checksum) = &workspace.checksum {
        at_provider.insert("checksum".to_owned(), json!(checksum));
    }
    if !workspace.outputs.is_empty() {
        at_provider.insert("outputs".to_owned(), json!(workspace.outputs));
    }
    WorkspaceStatus {
        ready: Some(workspace.child.ready),
        state: ready.map(|condition| condition.reason.clone()),
        at_provider: (!at_provider.is_empty()).then(|| at_provider.into()),
    }
}
