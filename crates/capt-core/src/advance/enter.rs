//! What entering a state does to a record, and how the next step of a recovery is taken.

use std::time::Duration;

use jiff::Timestamp;

use super::{Assessment, Context, SITUATION, after};
use crate::absence::is_due;
use crate::fault::{Disposition, Fault};
use crate::lifecycle::State;
use crate::loss::Loss;
use crate::record::{Ending, OperationKind, Record, RecoveryOutcome};
use crate::recovery::{ActionKind, Choice, Escalation, Paused, choose};
use crate::wait::Notice;

pub(super) fn enter(
    record: &mut Record,
    from: State,
    to: State,
    assessment: &Assessment,
    context: &Context<'_>,
) -> Vec<Notice> {
    let now = context.now;
    record.state = to;
    match to {
        State::Pending => Vec::new(),
        State::Validating => enter_validating(record, from, assessment.loss.as_ref(), now),
        State::Provisioning => {
            if from == State::Validating {
                record.input = Some(assessment.input.clone());
            }
            record.origin = None;
            record.next_attempt = None;
            let message = match record.operation.as_ref().map(|operation| operation.kind) {
                Some(OperationKind::Updating) => "applying the new input",
                Some(OperationKind::Creating | OperationKind::Deleting) | None => {
                    "inputs are valid; applying"
                }
            };
            vec![Notice::normal("Provisioning", message)]
        }
        State::Configuring => {
            record.origin = None;
            Vec::new()
        }
        State::Ready => enter_ready(record, assessment, now),
        State::Degraded => {
            record.ready = false;
            record.gave_up = from == State::Recovering;
            if record.gave_up {
                record.end_recovery(RecoveryOutcome::Failed, now);
                record.end(Ending::Failed, now);
            }
            fault_notice(record, assessment, "Degraded")
        }
        State::Failed => {
            if from == State::Validating {
                record.input = Some(assessment.input.clone());
            }
            enter_failed(record, assessment, context)
        }
        State::Recovering => {
            if from == State::Validating {
                // What is waited for is waited for on behalf of this input: only another one begins anew.
                record.input = Some(assessment.input.clone());
            }
            // What fails in use is mended by applying it again, not where it was found.
            record.origin = Some(match from {
                State::Degraded => State::Provisioning,
                State::Pending
                | State::Validating
                | State::Provisioning
                | State::Configuring
                | State::Ready
                | State::Failed
                | State::Recovering => from,
            });
            enter_recovering(record, assessment, context)
        }
    }
}

fn enter_validating(record: &mut Record, from: State, loss: Option<&Loss>, now: Timestamp) -> Vec<Notice> {
    if from != State::Recovering || record.origin != Some(State::Validating) {
        record.recovery.ledger.close();
        record.fault = None;
    }
    record.origin = None;
    record.next_attempt = None;
    record.blamed = None;
    record.gave_up = false;
    let first = !record.initialized;
    record.begin(
        if first {
            OperationKind::Creating
        } else {
            OperationKind::Updating
        },
        now,
    );
    match from {
        State::Ready | State::Provisioning | State::Configuring => {
            let changed = || Notice::normal("InputChanged", "the input changed; applying the new one");
            vec![loss.and_then(Loss::notice).unwrap_or_else(changed)]
        }
        State::Failed | State::Degraded => {
            let retrying = || Notice::normal("Retrying", "the input changed or a retry was asked for");
            vec![loss.and_then(Loss::notice).unwrap_or_else(retrying)]
        }
        State::Pending | State::Validating | State::Recovering => Vec::new(),
    }
}

fn enter_ready(record: &mut Record, assessment: &Assessment, now: Timestamp) -> Vec<Notice> {
    record.ready = true;
    record.initialized = true;
    record.applied.clone_from(&record.input);
    // What is applied again and stays ill is one incident still.
    if assessment.checkup.summary().ready {
        record.recovery.ledger.mended();
    }
    record.next_attempt = None;
    record.origin = None;
    record.gave_up = false;
    record.fault = None;
    record.blamed = None;
    record.end_recovery(RecoveryOutcome::Succeeded, now);
    record.end(Ending::Succeeded, now);
    vec![Notice::normal("Ready", "applied and in order")]
}

fn enter_failed(record: &mut Record, assessment: &Assessment, context: &Context<'_>) -> Vec<Notice> {
    let now = context.now;
    record.ready = false;
    record.end_recovery(RecoveryOutcome::Failed, now);
    record.end(Ending::Failed, now);
    let mut notices = fault_notice(record, assessment, "Failed");
    let Some(fault) = record.fault.clone().filter(|_| record.blamed.is_none()) else {
        record.next_attempt = None;
        return notices;
    };
    record.next_attempt = match fault.class.disposition() {
        Disposition::Probe { every } => Some(after(now, every)),
        Disposition::Retry | Disposition::Resume | Disposition::Stop => None,
    };
    let rules = &context.policy.recovery;
    if let Choice::WouldDo(step) = choose(&fault, &record.recovery.ledger, &SITUATION, rules, now) {
        record.note_untried(
            &fault.code,
            Some(step.action.kind()),
            RecoveryOutcome::Observed,
            now,
        );
        notices.push(Notice::normal(
            "RecoveryObserved",
            format!("recovery would {}, and may only observe", step.action),
        ));
    }
    notices
}

fn enter_recovering(record: &mut Record, assessment: &Assessment, context: &Context<'_>) -> Vec<Notice> {
    let notices = fault_notice(record, assessment, "Recovering");
    record.next_attempt = None;
    match record.fault.clone() {
        Some(fault) if record.blamed.is_none() => try_next(record, &fault, context),
        // The child counts its attempts, and its recovery is what ends this one. A dependency that is overdue is not
        // retried: its arrival ends the recovery, whenever that is.
        blamed => {
            let trigger = blamed.map_or_else(|| "TimedOut".to_owned(), |fault| fault.code);
            record.begin_recovery(&trigger, ActionKind::WaitForDependency, context.now);
        }
    }
    notices
}

/// Begins the next action about a fault of one's own, or writes down why there is none.
pub(super) fn try_next(record: &mut Record, fault: &Fault, context: &Context<'_>) {
    let Context {
        policy, now, seed, ..
    } = *context;
    let rules = &policy.recovery;
    match choose(fault, &record.recovery.ledger, &SITUATION, rules, now) {
        Choice::Do(step) => {
            let kind = step.action.kind();
            let ledger = &mut record.recovery.ledger;
            // What was interrupted is taken up at once and costs nothing; what is interrupted again and again is not.
            let rested = record
                .recovery
                .last_attempt
                .is_none_or(|last| after(last, rules.retry.max_delay) <= now);
            let delay = if rested && fault.class.disposition() == Disposition::Resume {
                ledger.open(fault, now).doing = Some(kind);
                Duration::ZERO
            } else {
                ledger.begin(fault, kind, rules, now);
                rules.retry.delay(ledger.attempts(), seed)
            };
            let asked = fault.retry_after.unwrap_or_default();
            record.next_attempt = Some(after(now, delay.max(asked)));
            record.begin_recovery(&fault.code, kind, now);
        }
        Choice::Pause { until, .. } => {
            record.recovery.ledger.open(fault, now).doing = None;
            record.next_attempt = Some(until);
        }
        Choice::Escalate(why) => {
            record.recovery.ledger.escalate(fault, why, now);
            record.next_attempt = None;
            record.note_untried(&fault.code, None, RecoveryOutcome::Escalated, now);
        }
        Choice::WouldDo(step) => {
            // The mode was changed while it recovered.
            record
                .recovery
                .ledger
                .escalate(fault, Escalation::RecoveryOff, now);
            record.next_attempt = None;
            let kind = Some(step.action.kind());
            record.note_untried(&fault.code, kind, RecoveryOutcome::Observed, now);
        }
    }
}

/// Whether the pause is over after which the next action is chosen.
pub(super) fn is_to_choose(record: &Record, now: Timestamp) -> bool {
    let incident = record.recovery.ledger.incident.as_ref();
    record.state == State::Recovering
        && record.blamed.is_none()
        && incident.is_some_and(|incident| incident.doing.is_none() && incident.escalated.is_none())
        && is_attempt_due(record, now)
}

/// Why nothing is tried at present about a fault of one's own, and until when, where that is so.
pub(crate) fn pause(record: &Record, context: &Context<'_>) -> Option<(Paused, Timestamp)> {
    let ledger = &record.recovery.ledger;
    let waits = record.state == State::Recovering && record.blamed.is_none();
    let incident = ledger.incident.as_ref().filter(|_| waits)?;
    if incident.doing.is_some() || incident.escalated.is_some() {
        return None;
    }
    let fault = record.fault.as_ref()?;
    match choose(fault, ledger, &SITUATION, &context.policy.recovery, context.now) {
        Choice::Pause { until, because } => Some((because, until)),
        Choice::Do(_) | Choice::WouldDo(_) | Choice::Escalate(_) => None,
    }
}

/// Whether the moment has come for which the next attempt or probe was written down.
pub(super) fn is_attempt_due(record: &Record, now: Timestamp) -> bool {
    let written = match record.state {
        State::Recovering => record.recovery.last_attempt,
        State::Pending
        | State::Validating
        | State::Provisioning
        | State::Configuring
        | State::Ready
        | State::Degraded
        | State::Failed => record.since,
    };
    record
        .next_attempt
        .is_some_and(|at| is_due(at, written.unwrap_or(Timestamp::MIN), now))
}

fn fault_notice(record: &mut Record, assessment: &Assessment, reason: &str) -> Vec<Notice> {
    if let Some(fault) = &assessment.fault {
        record.fault = Some(fault.clone());
        record.blamed.clone_from(&assessment.blamed);
    }
    let message = record
        .fault
        .as_ref()
        .map_or_else(|| "a dependency is overdue".to_owned(), ToString::to_string);
    vec![Notice::warning(reason, message)]
}
