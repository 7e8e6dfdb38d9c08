//! From the record of the core to the status of a custom resource.

use capt_api::status::{
    FaultStatus, Lifecycle, OperationOutcome, OperationRecord, Phase, Progress, State, Wait,
};
use capt_api::terraform_workspace::RunStatus;
use capt_core::advance::expected_end;
use capt_core::condition::{Condition, is_overdue};
use capt_core::object::Object;
use capt_core::record::{Ending, Operation, Record, Run, RunOperation};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition as WireCondition, Time};

use crate::health::{write_health, write_last_good};
use crate::recovery::write_recovery;

/// What [`write_lifecycle`] renders.
#[derive(Debug)]
pub struct Written<'a> {
    /// The object as it was seen.
    pub object: &'a Object,
    /// The record to persist.
    pub record: &'a Record,
    /// How far it is.
    pub progress: capt_core::progress::Progress,
    /// Why nothing happens.
    pub waits: &'a [capt_core::wait::Wait],
    /// What is said about it.
    pub conditions: Vec<Condition>,
    /// The generation of the spec that was read.
    pub generation: Option<i64>,
    /// The status that was read.
    pub before: &'a Lifecycle,
    /// The time.
    pub now: Timestamp,
}

/// The state of the core as the state of the wire.
pub const fn write_state(state: capt_core::lifecycle::State) -> State {
    use capt_core::lifecycle::State as Core;
    match state {
        Core::Pending => State::Pending,
        Core::Validating => State::Validating,
        Core::Provisioning => State::Provisioning,
        Core::Configuring => State::Configuring,
        Core::Ready => State::Ready,
        Core::Degraded => State::Degraded,
        Core::Failed => State::Failed,
        Core::Recovering => State::Recovering,
    }
}

/// The legacy phase.
pub fn phase(record: &Record) -> Phase {
    use capt_core::lifecycle::Phase as Core;
    match record.phase() {
        Core::Creating => Phase::Creating,
        Core::Ready => Phase::Ready,
        Core::Failed => Phase::Failed,
    }
}

/// The shared part of the status.
pub fn write_lifecycle(written: Written<'_>) -> Lifecycle {
    let Written {
        object,
        record,
        progress,
        waits,
        conditions,
        generation,
        before,
        now,
    } = written;
    // Whoever is paused acts on nothing: a spec that has changed since is not what its state is about. Before anything
    // was seen, the default of the status is below any generation.
    let kept = before
        .observed_generation
        .filter(|seen| *seen >= 0 && object.paused.is_some());
    let observed = kept.or(generation);
    Lifecycle {
        observed_generation: observed,
        state: Some(write_state(record.state)),
        state_since: record.since.map(Time),
        ready: Some(record.ready && !object.deleting),
        input_digest: record.input.clone(),
        applied_input_digest: record.applied.clone(),
        observed_request: record.honoured.clone(),
        progress: Some(write_progress(object, record, &progress, now)),
        fault: record.fault.as_ref().map(|fault| FaultStatus {
            source: record.blamed.clone(),
            class: fault.class.name().to_owned(),
            code: fault.code.clone(),
            subject: Some(fault.subject.clone()).filter(|subject| !subject.is_empty()),
            message: fault.message.clone(),
            position: Some(fault.position.clone()).filter(|position| !position.is_empty()),
        }),
        waits: waits
            .iter()
            .map(|wait| write_wait(wait, &before.waits, now))
            .collect(),
        health: write_health(&record.checkup, before.health.as_ref()),
        recovery: write_recovery(record, &object.policy.recovery),
        last_known_good: record.last_good.as_ref().map(write_last_good),
        conditions: write_conditions(&conditions, &before.conditions, observed, now),
    }
}

pub(crate) fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn write_progress(
    object: &Object,
    record: &Record,
    progress: &capt_core::progress::Progress,
    now: Timestamp,
) -> Progress {
    let overdue = is_overdue(object, record, now);
    // Of what nobody works on nothing is expected.
    let expected = expected_end(record, &object.policy, now).filter(|_| object.paused.is_none());
    let operation = record.operation.as_ref();
    let steps = (progress.total > 0).then(|| (count(progress.completed), count(progress.total)));
    Progress {
        operation: operation.map(|operation| operation.kind.name().to_owned()),
        current_operation: Some(progress.current.clone()).filter(|current| !current.is_empty()),
        percent_complete: Some(i32::from(progress.percent)),
        completed_steps: steps.map(|(completed, _)| completed),
        total_steps: steps.map(|(_, total)| total),
        started_at: operation.map(|operation| Time(operation.started_at)),
        estimated_completion_time: expected.map(Time),
        overdue: overdue.then_some(true),
        history: record.history.iter().map(write_history).collect(),
    }
}

fn write_history(operation: &Operation) -> OperationRecord {
    OperationRecord {
        operation: operation.kind.name().to_owned(),
        started_at: Time(operation.started_at),
        finished_at: operation.finished.map(|(at, _)| Time(at)),
        outcome: operation.finished.map(|(_, how)| match how {
            Ending::Succeeded => OperationOutcome::Succeeded,
            Ending::Failed => OperationOutcome::Failed,
            Ending::Superseded => OperationOutcome::Superseded,
        }),
    }
}

/// A wait keeps the moment since which it is waited for, as long as it is for the same thing and reason.
fn write_wait(wait: &capt_core::wait::Wait, before: &[Wait], now: Timestamp) -> Wait {
    let known = before
        .iter()
        .find(|known| known.on == wait.on && known.reason == wait.reason);
    let since = wait
        .since
        .map(Time)
        .or_else(|| known.and_then(|known| known.since.clone()))
        .unwrap_or(Time(now));
    Wait {
        on: wait.on.clone(),
        reason: wait.reason.clone(),
        message: Some(wait.message.clone()).filter(|message| !message.is_empty()),
        since: Some(since),
    }
}

/// Conditions with their times: `lastTransitionTime` moves only when the status of a condition changes.
pub fn write_conditions(
    conditions: &[Condition],
    before: &[WireCondition],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<WireCondition> {
    conditions
        .iter()
        .map(|condition| {
            let known = before.iter().find(|known| known.type_ == condition.kind);
            let since = known
                .filter(|known| known.status == condition.truth.name())
                .map_or(Time(now), |known| known.last_transition_time.clone());
            WireCondition {
                type_: condition.kind.to_owned(),
                status: condition.truth.name().to_owned(),
                reason: condition.reason.clone(),
                message: condition.message.clone(),
                last_transition_time: since,
                observed_generation: generation,
            }
        })
        .collect()
}

/// The run of the record as the run of the wire; what the runner adds (stage, end, engine) is the caller's.
pub fn write_run(run: &Run) -> RunStatus {
    RunStatus {
        id: run.number.to_string(),
        operation: match run.operation {
            RunOperation::Apply => "Apply".to_owned(),
            RunOperation::Destroy => "Destroy".to_owned(),
        },
        stage: None,
        started_at: Some(Time(run.opened)),
        finished_at: None,
        engine: None,
        input_digest: Some(run.input.clone()),
    }
}
