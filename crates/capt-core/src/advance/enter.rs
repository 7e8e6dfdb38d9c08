//! What entering a state does to a record, and how the next step of a recovery is taken.

use std::time::Duration;

use jiff::Timestamp;

use super::{Assessment, Context, SITUATION, after};
use crate::absence::{is_ahead, is_due};
use crate::fault::{Disposition, Fault, FaultClass};
use crate::lifecycle::State;
use crate::loss::Loss;
use crate::record::{Ending, HISTORY, OperationKind, Record, RecoveryOutcome, Trigger};
use crate::recovery::{ActionKind, Choice, Escalation, Paused, choose};
use crate::trend;
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
            record.next_attempt = None;
            Vec::new()
        }
        State::Ready => enter_ready(record, assessment, now),
        State::Degraded => {
            record.ready = false;
            record.next_attempt = None;
            record.gave_up = from == State::Recovering;
            record.end_recovery(RecoveryOutcome::Failed, now);
            if record.gave_up {
                record.end(Ending::Failed, now);
            }
            let mut notices = fault_notice(record, assessment, "Degraded");
            if record.fault.as_ref().is_some_and(Fault::is_of_check) {
                notices.extend(observe(record, context));
            }
            notices
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
        record.end_recovery(RecoveryOutcome::Failed, now);
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
    record.initialized = true;
    record.applied.clone_from(&record.input);
    record.next_attempt = None;
    record.origin = None;
    record.gave_up = false;
    record.blamed = None;
    record.end(Ending::Succeeded, now);
    let summary = assessment.checkup.summary();
    let ill = summary.failing.first().filter(|_| !summary.ready);
    record.fault = ill.map(|kind| assessment.checkup.fault(*kind));
    if record.fault.is_some() {
        // What is applied again and may still be ill is one incident until a look says that it is not.
        record.ready = false;
        return vec![Notice::normal(
            "Applied",
            "applied; the next look says whether it is in order",
        )];
    }
    vec![in_order(record, now)]
}

/// It is applied and healthy.
fn in_order(record: &mut Record, now: Timestamp) -> Notice {
    record.ready = true;
    record.fault = None;
    record.recovery.ledger.mended();
    record.end_recovery(RecoveryOutcome::Succeeded, now);
    Notice::normal("Ready", "applied and in order")
}

/// Ends the incident of what was applied again, once a look has found it healthy.
pub(crate) fn heal(record: &mut Record, now: Timestamp) -> Option<Notice> {
    let waits = record.state == State::Ready && record.fault.as_ref().is_some_and(Fault::is_of_check);
    let healthy = waits && record.checkup.summary().ready;
    healthy.then(|| in_order(record, now))
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
        Disposition::Probe { every } => Some(after(now, every.max(fault.retry_after.unwrap_or_default()))),
        Disposition::Retry | Disposition::Resume | Disposition::Stop => None,
    };
    notices.extend(observe(record, context));
    notices
}

/// Writes down what would be done about a fault of one's own, where nothing more is permitted.
fn observe(record: &mut Record, context: &Context<'_>) -> Option<Notice> {
    let fault = record.fault.clone()?;
    let rules = &context.policy.recovery;
    let choice = choose(&fault, &record.recovery.ledger, &SITUATION, rules, context.now);
    let Choice::WouldDo(step) = choice else {
        return None;
    };
    record.note_untried(
        Trigger::Fault(&fault),
        Some(step.action.kind()),
        RecoveryOutcome::Observed,
        context.now,
    );
    let message = format!("recovery would {}, and may only observe", step.action);
    Some(Notice::normal("RecoveryObserved", message))
}

fn enter_recovering(record: &mut Record, assessment: &Assessment, context: &Context<'_>) -> Vec<Notice> {
    let mut notices = fault_notice(record, assessment, "Recovering");
    record.next_attempt = None;
    // Taken out while the record is written, and put back: it need not be copied.
    let fault = record.fault.take();
    match &fault {
        Some(fault) if record.blamed.is_none() => {
            let begins = record.recovery.ledger.incident.is_none();
            try_next(record, fault, context);
            if begins {
                notices.extend(rising(record, fault.class, context.now));
            }
        }
        // The child counts its attempts, and its recovery is what ends this one. A dependency that is overdue is not
        // retried: its arrival ends the recovery, whenever that is.
        blamed => {
            let trigger = blamed.as_ref().map_or(Trigger::TimedOut, Trigger::Fault);
            record.begin_recovery(trigger, ActionKind::WaitForDependency, context.now);
        }
    }
    record.fault = fault;
    notices
}

/// What works for so long before it is interrupted again has made its way, however short the delays are.
const LONG: Duration = Duration::from_mins(20);

/// How far back it is looked when faults are counted.
const DAY: Duration = Duration::from_hours(24);

/// The warning that faults of this class come more often than the day before.
fn rising(record: &Record, class: FaultClass, now: Timestamp) -> Option<Notice> {
    let history = &record.recovery.history;
    let faults = history.iter().filter(|it| it.class == Some(class));
    let faults = faults.map(|it| (it.time, class));
    // What the rings have dropped was not there to be counted.
    let operations = record.history.iter().map(|it| it.started_at);
    let since = match history.len() {
        HISTORY.. => history.first()?.time,
        _ => operations.chain(history.iter().map(|it| it.time)).min()?,
    };
    let warning = trend::rising(faults, since, DAY, now).pop()?;
    Some(Notice::warning(warning.name(), warning.to_string()))
}

/// Begins the next action about a fault of one's own, or writes down why there is none.
pub(super) fn try_next(record: &mut Record, fault: &Fault, context: &Context<'_>) {
    let Context {
        policy, now, seed, ..
    } = *context;
    let rules = &policy.recovery;
    let asked = fault.retry_after.unwrap_or_default();
    // What was interrupted is taken up at once and costs nothing; what is interrupted again and again is not. The
    // longest delay may have been waited for before the last attempt began; it must have worked as long again.
    let long = rules.retry.max_delay.saturating_mul(2).max(LONG);
    // What another clock has dated would be due for ever.
    let last = record.recovery.last_attempt.filter(|last| !is_ahead(*last, now));
    record.recovery.last_attempt = last;
    let rested = last.is_none_or(|last| after(last, long) <= now);
    if rested && fault.class.disposition() == Disposition::Resume {
        let action = ActionKind::RetryApply;
        record.recovery.ledger.open(fault, now).resume(action);
        record.next_attempt = Some(after(now, asked));
        record.begin_recovery(Trigger::Fault(fault), action, now);
        return;
    }
    match choose(fault, &record.recovery.ledger, &SITUATION, rules, now) {
        Choice::Do(step) => {
            let kind = step.action.kind();
            let ledger = &mut record.recovery.ledger;
            ledger.begin(fault, kind, rules, now);
            let delay = rules.retry.for_class(fault.class).delay(ledger.attempts(), seed);
            record.next_attempt = Some(after(now, delay.max(asked)));
            record.begin_recovery(Trigger::Fault(fault), kind, now);
        }
        Choice::Pause { until, .. } => {
            record.recovery.ledger.pause(fault, now);
            record.next_attempt = Some(until).filter(|until| *until < Timestamp::MAX);
        }
        Choice::Escalate(why) => {
            record.recovery.ledger.escalate(fault, why, now);
            record.next_attempt = None;
            record.note_untried(Trigger::Fault(fault), None, RecoveryOutcome::Escalated, now);
        }
        Choice::WouldDo(step) => {
            // The mode was changed while it recovered.
            record
                .recovery
                .ledger
                .escalate(fault, Escalation::RecoveryOff, now);
            record.next_attempt = None;
            let kind = Some(step.action.kind());
            record.note_untried(Trigger::Fault(fault), kind, RecoveryOutcome::Observed, now);
        }
    }
}

/// Whether the next action is to be chosen: the pause is over, or nothing asks for one any more.
pub(super) fn is_to_choose(record: &Record, context: &Context<'_>) -> bool {
    is_held(record) && (is_attempt_due(record, context.now) || pause(record, context).is_none())
}

/// Whether nothing is being done about a fault of one's own, although a person was not asked yet.
fn is_held(record: &Record) -> bool {
    let incident = record.recovery.ledger.incident.as_ref();
    record.state == State::Recovering
        && record.blamed.is_none()
        && record.fault.is_some()
        && incident.is_none_or(|incident| incident.doing.is_none() && incident.escalated.is_none())
}

/// Why nothing is tried at present about a fault of one's own, and until when, where that is so.
pub(crate) fn pause(record: &Record, context: &Context<'_>) -> Option<(Paused, Timestamp)> {
    if !is_held(record) {
        return None;
    }
    let ledger = &record.recovery.ledger;
    let fault = record.fault.as_ref()?;
    match choose(fault, ledger, &SITUATION, &context.policy.recovery, context.now) {
        Choice::Pause { until, because } => Some((because, until)),
        Choice::Do(_) | Choice::WouldDo(_) | Choice::Escalate(_) => None,
    }
}

/// Whether the moment has come for which the next attempt or probe was written down.
pub(super) fn is_attempt_due(record: &Record, now: Timestamp) -> bool {
    let written = match record.state {
        State::Recovering => record.recovery.last_attempt.or(record.since),
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
