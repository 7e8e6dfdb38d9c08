//! From the status of a custom resource to the record of the core.

use capt_api::status::{FaultStatus, Lifecycle, OperationOutcome, OperationRecord};
use capt_api::terraform_workspace::RunStatus;
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::{Phase, State};
use capt_core::record::{Ending, Operation, OperationKind, Record, Run, RunOperation};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::health::{read_checkup, read_last_good};
use crate::recovery::{class_of, read_recovery};

/// The state of the wire as the state of the core.
pub const fn read_state(state: capt_api::status::State) -> State {
    use capt_api::status::State as Wire;
    match state {
        Wire::Pending => State::Pending,
        Wire::Validating => State::Validating,
        Wire::Provisioning => State::Provisioning,
        Wire::Configuring => State::Configuring,
        Wire::Ready => State::Ready,
        Wire::Degraded => State::Degraded,
        Wire::Failed => State::Failed,
        Wire::Recovering => State::Recovering,
    }
}

/// The phase of the wire as the phase of the core.
pub const fn read_phase(phase: capt_api::status::Phase) -> Phase {
    use capt_api::status::Phase as Wire;
    match phase {
        Wire::Creating => Phase::Creating,
        Wire::Ready => Phase::Ready,
        Wire::Failed => Phase::Failed,
    }
}

/// The record that a status holds; that of a new object where there is none.
pub fn read_record(status: &Lifecycle, run: Option<&RunStatus>) -> Record {
    let progress = status.progress.as_ref();
    let recovery = status.recovery.as_ref();
    Record {
        state: status.state.map(read_state).unwrap_or_default(),
        since: time(status.state_since.as_ref()),
        origin: recovery.and_then(|recovery| recovery.from).map(read_state),
        input: status.input_digest.clone(),
        applied: status.applied_input_digest.clone(),
        ready: status.ready == Some(true),
        initialized: status
            .condition("Initialized")
            .is_some_and(|condition| condition.status == "True"),
        next_attempt: time(recovery.and_then(|recovery| recovery.next_attempt.as_ref())),
        gave_up: recovery.and_then(|recovery| recovery.exhausted) == Some(true),
        fault: status.fault.as_ref().map(read_fault),
        blamed: status.fault.as_ref().and_then(|fault| fault.source.clone()),
        honoured: status.observed_request.clone(),
        run: run.and_then(read_run),
        operation: progress.and_then(|progress| {
            let kind = read_operation(progress.operation.as_deref()?)?;
            Some(Operation {
                kind,
                started_at: progress.started_at.as_ref()?.0,
                finished: None,
            })
        }),
        history: progress
            .map(|progress| progress.history.iter().filter_map(read_history).collect())
            .unwrap_or_default(),
        recovery: read_recovery(status),
        checkup: read_checkup(status.health.as_ref()),
        last_good: read_last_good(status.last_known_good.as_ref()),
        percent: progress
            .and_then(|progress| progress.percent_complete)
            .and_then(|percent| u8::try_from(percent).ok())
            .unwrap_or(0),
    }
}

pub(crate) fn read_fault(fault: &FaultStatus) -> Fault {
    Fault {
        class: class_of(&fault.class).unwrap_or(FaultClass::Unknown),
        code: fault.code.clone(),
        subject: fault.subject.clone().unwrap_or_default(),
        message: fault.message.clone(),
        position: fault.position.clone().unwrap_or_default(),
        retry_after: None,
    }
}

pub(crate) fn time(time: Option<&Time>) -> Option<jiff::Timestamp> {
    time.map(|time| time.0)
}

fn read_operation(name: &str) -> Option<OperationKind> {
    [
        OperationKind::Creating,
        OperationKind::Updating,
        OperationKind::Deleting,
    ]
    .into_iter()
    .find(|kind| kind.name() == name)
}

fn read_run(run: &RunStatus) -> Option<Run> {
    let operation = match run.operation.as_str() {
        "Apply" => RunOperation::Apply,
        "Destroy" => RunOperation::Destroy,
        _ => return None,
    };
    Some(Run {
        number: run.id.parse().ok()?,
        operation,
        input: run.input_digest.clone().unwrap_or_default(),
        opened: run.started_at.as_ref().map(|time| time.0)?,
    })
}

fn read_history(entry: &OperationRecord) -> Option<Operation> {
    let how = entry.outcome.map(|outcome| match outcome {
        OperationOutcome::Succeeded => Ending::Succeeded,
        OperationOutcome::Failed => Ending::Failed,
        OperationOutcome::Cancelled | OperationOutcome::Superseded => Ending::Superseded,
    });
    let finished = entry.finished_at.as_ref().map(|time| time.0).zip(how);
    Some(Operation {
        kind: read_operation(&entry.operation)?,
        started_at: entry.started_at.0,
        finished,
    })
}
