//! The status of an apply.

use capt_api::template_apply::WorkspaceTemplateApplyStatus;
use capt_core::condition::{Condition, Truth};
use capt_core::decision::Decision;
use capt_core::plan::Report;
use capt_core::record::Record;
use capt_core::template_apply::{Command, progress};
use jiff::Timestamp;
use kube::ResourceExt;

use super::{Seen, workspace_name};
use crate::backend::Workspace;
use crate::follow::{Rendered, waits};

pub(super) fn status(
    seen: &Seen,
    decision: &Decision<Record, Command>,
    report: &Report,
    now: Timestamp,
) -> WorkspaceTemplateApplyStatus {
    let before = seen.apply.status.clone().unwrap_or_default();
    let record = &decision.record;
    let rendered = Rendered {
        object: &seen.core.object,
        record,
        waits: waits(decision, report),
        progress: progress(&seen.core, record),
        generation: seen.apply.metadata.generation,
        before: &before.lifecycle,
        now,
    };
    let workspace = seen.workspace.as_ref().filter(|workspace| is_ours(workspace));
    let last_applied = workspace.and_then(|workspace| workspace.last_applied.clone());
    let digest = workspace.and_then(|workspace| workspace.outputs_digest.clone());
    WorkspaceTemplateApplyStatus {
        lifecycle: rendered.lifecycle(synced(seen).into_iter().collect()),
        workspace_name: workspace
            .map(|_| workspace_name(&seen.apply.name_any()).to_owned())
            .or(before.workspace_name),
        applied: (before.applied == Some(true) || record.initialized).then_some(true),
        last_applied_time: last_applied.or(before.last_applied_time),
        // The workspace has them.
        outputs: before.outputs,
        outputs_digest: digest.or(before.outputs_digest),
    }
}

/// What is not ours says nothing about the apply.
fn is_ours(workspace: &Workspace) -> bool {
    workspace.child.foreign.is_none()
}

/// Whether the workspace is what it was asked to be: its own condition, or what can be seen from outside.
fn synced(seen: &Seen) -> Option<Condition> {
    let workspace = seen.workspace.as_ref().filter(|workspace| is_ours(workspace))?;
    let own = workspace
        .conditions
        .iter()
        .find(|condition| condition.type_ == "Synced");
    Some(match (own, &workspace.child.fault) {
        (Some(own), _) => {
            let truth = match own.status.as_str() {
                "True" => Truth::True,
                "False" => Truth::False,
                _ => Truth::Unknown,
            };
            Condition::new("Synced", truth, &*own.reason, &*own.message)
        }
        (None, Some(fault)) => Condition::new("Synced", false, "ReconcileError", fault.to_string()),
        (None, None) => {
            let seen_by_it = workspace.child.matches && workspace.child.observed;
            let truth = if seen_by_it { Truth::True } else { Truth::Unknown };
            Condition::new("Synced", truth, "ReconcileSuccess", "")
        }
    })
}
