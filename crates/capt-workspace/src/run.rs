//! The runs of a workspace, as the decision core sees them and as a run is asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use capt_api::keys;
use capt_api::terraform_workspace::RunStatus;
use capt_core::fault::{Fault, FaultClass};
use capt_core::progress::Progress;
use capt_core::record::{Record, RunOperation};
use capt_core::workspace::{RunEnd, RunSeen};
use capt_runtime::ObjectKey;
use capt_terraform::classify::LockInfo;
use capt_terraform::{Operation, Output, RunEnd as EngineEnd, RunView, Stage, WorkspaceId};

use crate::position::in_spec;

/// The stage of a run that ended as wanted, in the status.
pub(crate) const SUCCEEDED: &str = "Succeeded";

/// How many changes a message names.
const NAMED: usize = 8;
/// How many addresses a progress line names.
const SHOWN: usize = 3;

/// What the controller remembers of each workspace while it runs. Losing it loses nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<BTreeMap<WorkspaceId, Remembered>>>);

#[derive(Debug)]
struct Remembered {
    key: ObjectKey,
    stateless: Option<u32>,
    forgotten: bool,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<WorkspaceId, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers which object a workspace is.
    pub(crate) fn name(&self, workspace: &WorkspaceId, key: &ObjectKey) {
        let mut known = self.lock();
        if !known.contains_key(workspace) {
            let remembered = Remembered {
                key: key.clone(),
                stateless: None,
                forgotten: false,
            };
            known.insert(workspace.clone(), remembered);
        }
    }

    /// The object that a workspace is.
    pub(crate) fn key(&self, workspace: &WorkspaceId) -> Option<ObjectKey> {
        self.lock()
            .get(workspace)
            .map(|remembered| remembered.key.clone())
    }

    /// Remembers that the run of this number left no state to protect.
    pub(crate) fn left_no_state(&self, workspace: &WorkspaceId, run: u32) {
        if let Some(remembered) = self.lock().get_mut(workspace) {
            remembered.stateless = Some(run);
        }
    }

    /// Whether the run of this number is known to have left no state.
    pub(crate) fn has_no_state(&self, workspace: &WorkspaceId, run: Option<u32>) -> bool {
        run.is_some()
            && self
                .lock()
                .get(workspace)
                .is_some_and(|remembered| remembered.stateless == run)
    }

    /// Remembers whether the run was forgotten; true if that is new.
    ///
    /// The runner tells of every run that it forgets, and that wakes the workspace: one that is told to forget
    /// in each round would never come to rest.
    pub(crate) fn set_forgotten(&self, workspace: &WorkspaceId, forgotten: bool) -> bool {
        let mut known = self.lock();
        let before = known
            .get_mut(workspace)
            .map(|remembered| std::mem::replace(&mut remembered.forgotten, forgotten));
        before != Some(forgotten)
    }

    /// Forgets the objects of this key.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.lock().retain(|_, remembered| remembered.key != *key);
    }
}

/// The run as the core sees it: from the runner, or from the status where it says that a destroy succeeded.
///
/// The latter matters after a crash between the removal of the state and that of the finalizer: a destroy
/// that was done must not be done again over a state that is gone.
pub(crate) fn seen(view: Option<&RunView>, status: Option<&RunStatus>, record: &Record) -> Option<RunSeen> {
    let current = record.run.as_ref()?;
    if let Some(view) = view
        && let Ok(number) = view.id.as_str().parse()
    {
        return Some(RunSeen {
            number,
            progress: progress(view),
            unlocked: view.unlocked.clone(),
            changes: view.stage.may_have_changed(),
            end: view.end.as_ref().map(|end| end_of(end, &current.input)),
        });
    }
    (current.operation == RunOperation::Destroy && is_recorded_success(status, current.number)).then(|| {
        RunSeen {
            number: current.number,
            progress: Progress::default(),
            unlocked: None,
            changes: true,
            end: Some(RunEnd::Succeeded),
        }
    })
}

/// Whether the status says that the run of this number succeeded.
pub(crate) fn is_recorded_success(status: Option<&RunStatus>, number: u32) -> bool {
    status.is_some_and(|run| run.id == number.to_string() && run.stage.as_deref() == Some(SUCCEEDED))
}

fn end_of(end: &EngineEnd, input: &str) -> RunEnd {
    match end {
        EngineEnd::Succeeded { .. } => RunEnd::Succeeded,
        EngineEnd::Failed { faults, .. } => {
            let unsaid = || {
                let message = "the run failed without saying why";
                Fault::new(FaultClass::Unknown, "RunFailed", message)
            };
            RunEnd::Failed(in_spec(faults.first().map_or_else(unsaid, locked)))
        }
        EngineEnd::NeedsApproval { changes, .. } => RunEnd::Failed(approval_required(changes, input)),
    }
}

/// A fault as it is, or, for a lock that is somebody's, who holds it and what to do about it.
fn locked(fault: &Fault) -> Fault {
    let Some(lock) = LockInfo::read(&fault.message).filter(|_| fault.class == FaultClass::Locked) else {
        return fault.clone();
    };
    let message = format!(
        "the state is locked by {}; it is waited for. If nobody works with that lock any more, set the annotation \
         {}={} on the TerraformWorkspace to have it taken away",
        lock.holder(),
        keys::UNLOCK,
        lock.id
    );
    Fault {
        message,
        ..fault.clone()
    }
}

fn approval_required(changes: &[String], input: &str) -> Fault {
    let named = changes.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    let more = match changes.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "the plan would: {named}{more}. Nothing was done. To go ahead, set the annotation {}={input}",
        keys::APPROVE
    );
    Fault::new(FaultClass::Conflict, "ApprovalRequired", message)
}

fn progress(view: &RunView) -> Progress {
    let run = &view.progress;
    Progress {
        percent: run.percent,
        completed: run.completed,
        total: run.total,
        current: current(view),
    }
}

/// What a run is doing, for a person.
fn current(view: &RunView) -> String {
    let verb = match view.operation {
        Operation::Apply => "applying",
        Operation::Destroy => "destroying",
    };
    match view.stage {
        Stage::Preparing => "waiting for a place to run".to_owned(),
        Stage::Initializing => "installing providers and modules".to_owned(),
        Stage::Planning => "planning".to_owned(),
        Stage::Applying => match view.progress.current.as_slice() {
            [] => verb.to_owned(),
            addresses => {
                let shown = addresses
                    .iter()
                    .take(SHOWN)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ");
                match addresses.len().saturating_sub(SHOWN) {
                    0 => format!("{verb} {shown}"),
                    more => format!("{verb} {shown} and {more} more"),
                }
            }
        },
        Stage::ReadingOutputs => "reading outputs".to_owned(),
        Stage::Ended => String::new(),
    }
}

/// The outputs of the run of the record, once it is a successful apply.
pub(crate) fn outputs<'a>(
    view: Option<&'a RunView>,
    record: &Record,
) -> Option<&'a BTreeMap<String, Output>> {
    let current = record
        .run
        .as_ref()
        .filter(|run| run.operation == RunOperation::Apply)?;
    let view = view.filter(|view| view.id.as_str() == current.number.to_string())?;
    match view.end.as_ref()? {
        EngineEnd::Succeeded { outputs, .. } => Some(outputs),
        EngineEnd::Failed { .. } | EngineEnd::NeedsApproval { .. } => None,
    }
}

/// The stage as the status shows it; of a run that has ended it says how.
pub(crate) fn stage(view: &RunView) -> &'static str {
    match &view.end {
        None => view.stage.name(),
        Some(EngineEnd::Succeeded { .. }) => SUCCEEDED,
        Some(EngineEnd::Failed { .. }) => "Failed",
        Some(EngineEnd::NeedsApproval { .. }) => "AwaitingApproval",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(operation: RunOperation) -> Record {
        let mut record = Record::default();
        record.open_run(operation, "digest", jiff::Timestamp::UNIX_EPOCH);
        record
    }

    fn status(stage: &str) -> RunStatus {
        RunStatus {
            id: "1".to_owned(),
            operation: "Destroy".to_owned(),
            stage: Some(stage.to_owned()),
            started_at: None,
            finished_at: None,
            engine: None,
            input_digest: None,
        }
    }

    #[test]
    fn a_destroy_that_is_recorded_as_done_is_not_done_again() {
        let seen = |stage: &str, operation| seen(None, Some(&status(stage)), &record(operation));
        let done = seen(SUCCEEDED, RunOperation::Destroy).unwrap();
        assert_eq!((done.number, done.end), (1, Some(RunEnd::Succeeded)));
        assert_eq!(seen("Failed", RunOperation::Destroy), None);
        assert_eq!(seen("Applying", RunOperation::Destroy), None);
        // The outputs of an apply are known only to the runner.
        assert_eq!(seen(SUCCEEDED, RunOperation::Apply), None);
    }

    #[test]
    fn a_lock_of_somebody_else_says_whose_it_is_and_how_it_is_taken_away() {
        let text = "Error acquiring the state lock: the state is already locked\nLock Info:\n  ID:  abc\n  \
                    Operation: OperationTypeApply\n  Who: ann@laptop\n  Created: 2026-01-01 10:00:00.5 +0000 UTC\n";
        let fault = locked(&Fault::new(FaultClass::Locked, "StateLocked", text));
        for part in ["ann@laptop since 2026-01-01 10:00:00 UTC", "/unlock=abc"] {
            assert!(fault.message.contains(part), "{fault}");
        }
        let other = Fault::new(FaultClass::Locked, "StateLocked", "no info");
        assert_eq!(locked(&other), other);
    }

    #[test]
    fn an_approval_names_the_changes_and_the_annotation() {
        let changes: Vec<String> = (0..10)
            .map(|index| format!("replace aws_vpc.v[{index}]"))
            .collect();
        let fault = approval_required(&changes, "abc");
        assert_eq!(
            (fault.class, &*fault.code),
            (FaultClass::Conflict, "ApprovalRequired")
        );
        assert!(
            fault.message.contains("aws_vpc.v[0]") && fault.message.contains("and 2 more"),
            "{fault}"
        );
        assert!(fault.message.ends_with("/approve=abc"), "{fault}");
    }
}
