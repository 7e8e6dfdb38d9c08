//! What the controllers share: how the last round is read, children are seen, and statuses are put together.

use capt_api::WorkspaceTemplateApply;
use capt_api::status::{Lifecycle, WorkspaceTemplateStatus};
use capt_core::condition::{Condition, standard};
use capt_core::decision::Decision;
use capt_core::fault::Fault;
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::plan::Report;
use capt_core::progress::Progress;
use capt_core::record::Record;
use capt_core::wait::Wait;
use capt_runtime::{ObjectKey, View, Writer};
use capt_status::{FOREIGN_OBJECT, Identity, Written, write_lifecycle};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource, ResourceExt};

use crate::backend::Workspace;
use crate::{Options, manifest};

/// What could not be executed in the last round.
pub(crate) fn faults(last: Option<&Report>) -> Vec<Fault> {
    last.map(|report| report.faults().cloned().collect())
        .unwrap_or_default()
}

/// The owner reference of a child to its parent, which controls it.
pub(crate) fn owner<K: Resource<DynamicType = ()>>(parent: &K) -> Option<OwnerReference> {
    let owner = parent.controller_owner_ref(&())?;
    Some(OwnerReference {
        block_owner_deletion: Some(true),
        ..owner
    })
}

/// A `WorkspaceTemplateApply` as `follower`, which makes it, sees it. With `requests`, those of people are a part of
/// what is wanted.
pub(crate) fn see_apply(
    live: &WorkspaceTemplateApply,
    follower: Option<&Identity>,
    wanted: Option<&WorkspaceTemplateApply>,
    requests: bool,
) -> Child {
    let matches = wanted.is_none_or(|wanted| {
        let mut wanted = wanted.clone();
        if !requests {
            manifest::take_requests(&mut wanted.metadata);
        }
        manifest::matches(&wanted, live)
    });
    let lifecycle = live.status.as_ref().map(|status| &status.lifecycle);
    capt_status::child(
        "WorkspaceTemplateApply",
        &live.metadata,
        follower,
        lifecycle,
        matches,
    )
}

/// The workspace that an apply has made, as the apply says: one of that name may be somebody else's.
pub(crate) fn workspace_of(
    apply: &WorkspaceTemplateApply,
    view: &View,
    options: &Options,
) -> Option<Workspace> {
    let status = apply.status.as_ref()?;
    let refused = status.lifecycle.fault.as_ref();
    if refused.is_some_and(|fault| fault.code == FOREIGN_OBJECT) {
        return None;
    }
    let name = status.workspace_name.as_deref()?;
    let key = ObjectKey::new(apply.namespace().unwrap_or_default(), name);
    options.backend.observe(view, &key, None, None)
}

/// Writes an apply: over the one that was `seen`, or where there was none, and never over another.
pub(crate) async fn ensure_apply(
    wanted: &WorkspaceTemplateApply,
    seen: Option<&WorkspaceTemplateApply>,
    writer: &Writer,
) -> Result<(), Fault> {
    let uid = seen.and_then(|seen| seen.metadata.uid.as_deref());
    writer.apply_over(wanted, uid).await.map(drop)
}

/// Deletes an apply that is there and is not being deleted yet.
pub(crate) async fn delete_apply(
    live: Option<&WorkspaceTemplateApply>,
    writer: &Writer,
) -> Result<(), Fault> {
    let Some(live) = live.filter(|live| live.metadata.deletion_timestamp.is_none()) else {
        return Ok(());
    };
    let uid = live.uid().unwrap_or_default();
    writer
        .delete::<WorkspaceTemplateApply>(&ObjectKey::of(live), &uid)
        .await
}

/// Tells people of what they have to supply, once.
pub(crate) fn announce<C>(decision: &mut Decision<Record, C>, missing: &[Wait], before: Option<&Lifecycle>) {
    let known = before.map(|before| before.waits.as_slice()).unwrap_or_default();
    capt_status::announce(decision, missing, known);
}

/// Whether an object in this state hands requests of people down to the child that it is made by. At one that is in
/// order nothing is to be tried again.
pub(crate) fn hands_down(state: State) -> bool {
    match state {
        State::Configuring | State::Ready => false,
        State::Pending
        | State::Validating
        | State::Provisioning
        | State::Degraded
        | State::Failed
        | State::Recovering => true,
    }
}

/// What a round gives to the status, whatever the kind.
pub(crate) struct Rendered<'a> {
    pub(crate) object: &'a Object,
    pub(crate) record: &'a Record,
    pub(crate) waits: Vec<Wait>,
    pub(crate) progress: Progress,
    pub(crate) generation: Option<i64>,
    pub(crate) before: &'a Lifecycle,
    pub(crate) now: Timestamp,
}

/// The waits of a round: those of the decision, and what could not be executed.
pub(crate) fn waits<C>(decision: &Decision<Record, C>, report: &Report) -> Vec<Wait> {
    // What fails again in the same way is among them already.
    let is_said = |fault: &Fault| {
        let said = fault.to_string();
        let known = |wait: &&Wait| wait.reason == fault.code && wait.message == said;
        decision.waits.iter().find(known).is_some()
    };
    let failed = report
        .faults()
        .filter(|fault| !is_said(fault))
        .map(|fault| Wait::new(&*fault.subject, &*fault.code, &*fault.message));
    decision.waits.iter().cloned().chain(failed).collect()
}

impl Rendered<'_> {
    /// The shared part of the status, with the conditions of the kind after the standard ones.
    pub(crate) fn lifecycle(self, own: Vec<Condition>) -> Lifecycle {
        let mut conditions = standard(self.object, self.record, &self.waits, self.now);
        conditions.extend(own);
        write_lifecycle(Written {
            object: self.object,
            record: self.record,
            progress: self.progress,
            waits: &self.waits,
            conditions,
            generation: self.generation,
            before: self.before,
            now: self.now,
        })
    }
}

/// Code and words of the present failure, while the object has failed.
pub(crate) fn failure(record: &Record) -> Option<(String, String)> {
    let failed = match record.state {
        State::Failed => true,
        State::Degraded => record.gave_up,
        State::Pending
        | State::Validating
        | State::Provisioning
        | State::Configuring
        | State::Ready
        | State::Recovering => false,
    };
    let fault = record.fault.as_ref().filter(|_| failed)?;
    Some((fault.code.clone(), fault.to_string()))
}

/// What is said about the apply of an object. Outputs are those that are texts and not sensitive.
pub(crate) fn template_status(
    apply: &WorkspaceTemplateApply,
    workspace: Option<&Workspace>,
) -> WorkspaceTemplateStatus {
    let status = apply.status.clone().unwrap_or_default();
    let fault = status.lifecycle.fault.as_ref();
    let outputs = workspace.iter().flat_map(|workspace| &workspace.outputs);
    WorkspaceTemplateStatus {
        ready: Some(status.lifecycle.ready == Some(true)),
        state: status.lifecycle.state.map(|state| state.name().to_owned()),
        workspace_name: status.workspace_name.clone(),
        last_applied_time: status.last_applied_time.clone(),
        last_applied_revision: status.lifecycle.applied_input_digest.clone(),
        last_failed_revision: fault.and(status.lifecycle.input_digest.clone()),
        last_failure_message: fault.map(|fault| fault.message.clone()),
        outputs: outputs
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
    }
}
