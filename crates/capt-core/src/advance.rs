//! One step of an object's life: from what was recorded and what was assessed to what is recorded next.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::decision::Requeue;
use crate::fault::{Disposition, Fault};
use crate::lifecycle::{Lifecycle, Signal, State};
use crate::loss::Loss;
use crate::machine::{Machine as _, Move};
use crate::record::{Ending, OperationKind, Record};
use crate::retry::RetryStrategy;
use crate::wait::{Notice, Wait};

/// How patient one kind of object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How retries are spaced and when they end.
    pub retry: RetryStrategy,
    /// Whether faults are answered by attempts to recover at all.
    pub mode: RecoveryMode,
    /// How long it may wait for its dependencies.
    pub dependencies: Duration,
    /// How long the work may take before it is shown as overdue. It is never stopped for that.
    pub work: Duration,
}

impl Default for Policy {
    /// Retries as [`RetryStrategy::default`] has them; 15 min for dependencies and 30 min for the work.
    fn default() -> Self {
        Self {
            retry: RetryStrategy::default(),
            mode: RecoveryMode::default(),
            dependencies: Duration::from_mins(15),
            work: Duration::from_mins(30),
        }
    }
}

/// Whether the recovery policy acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecoveryMode {
    /// A retryable fault fails the object.
    Off,
    /// As `Off`, and what would have been done is said.
    Observe,
    /// Retryable faults are retried.
    #[default]
    Act,
}

/// What one look at the world means for the life of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessment {
    /// What can move the state.
    pub signals: BTreeSet<Signal>,
    /// What is wrong.
    pub fault: Option<Fault>,
    /// The child whose fault it is, if it is not one's own.
    pub blamed: Option<String>,
    /// Why nothing happens.
    pub waits: Vec<Wait>,
    /// The digest of the present input.
    pub input: String,
    /// What it rested on and does no longer.
    pub loss: Option<Loss>,
}

impl Assessment {
    /// Adds the signal that `fault` means for an object whose work has stopped.
    pub fn fail(&mut self, fault: Fault, policy: &Policy) {
        let retry = match policy.mode {
            RecoveryMode::Act => !fault.class.is_terminal(),
            RecoveryMode::Off | RecoveryMode::Observe => fault.class.disposition() == Disposition::Resume,
        };
        self.signals.insert(if retry {
            Signal::RetryableFault
        } else {
            Signal::TerminalFault
        });
        self.fault = Some(fault);
    }
}

/// What became of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    /// The state changed: the new record is to be persisted before anything is done.
    Moved {
        /// What to persist.
        record: Record,
        /// What people are told.
        notices: Vec<Notice>,
    },
    /// The state stays.
    Stayed(Record),
}

/// Takes the most urgent signal that leads anywhere.
pub fn advance(
    record: &Record,
    assessment: &Assessment,
    policy: &Policy,
    now: Timestamp,
    seed: u64,
) -> Advance {
    for &signal in Signal::ALL {
        if !assessment.signals.contains(&signal) {
            continue;
        }
        let to = match Lifecycle::next(record.state, signal) {
            Move::To(to) => to,
            Move::Back => record.origin.unwrap_or(State::Validating),
            Move::Stay | Move::Illegal => continue,
        };
        let mut next = record.clone();
        next.since = Some(now);
        let notices = enter(&mut next, record.state, to, assessment, policy, now, seed);
        return Advance::Moved {
            record: next,
            notices,
        };
    }
    let mut next = record.clone();
    next.since = next.since.or(Some(now));
    Advance::Stayed(next)
}

fn enter(
    record: &mut Record,
    from: State,
    to: State,
    assessment: &Assessment,
    policy: &Policy,
    now: Timestamp,
    seed: u64,
) -> Vec<Notice> {
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
        State::Ready => enter_ready(record, now),
        State::Degraded => {
            record.ready = false;
            record.gave_up = from == State::Recovering;
            if record.gave_up {
                record.end_recovery(Ending::Failed, now);
                record.end(Ending::Failed, now);
            }
            fault_notice(record, assessment, "Degraded")
        }
        State::Failed => {
            if from == State::Validating {
                record.input = Some(assessment.input.clone());
            }
            enter_failed(record, assessment, now)
        }
        State::Recovering => {
            if from == State::Validating {
                // What is waited for is waited for on behalf of this input: only another one begins anew.
                record.input = Some(assessment.input.clone());
            }
            record.origin = Some(from);
            enter_recovering(record, assessment, policy, now, seed)
        }
    }
}

fn enter_validating(record: &mut Record, from: State, loss: Option<&Loss>, now: Timestamp) -> Vec<Notice> {
    if from != State::Recovering || record.origin != Some(State::Validating) {
        record.attempt = 0;
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
        State::Ready | State::Degraded | State::Provisioning | State::Configuring => {
            let changed = || Notice::normal("InputChanged", "the input changed; applying the new one");
            vec![loss.and_then(Loss::notice).unwrap_or_else(changed)]
        }
        State::Failed => vec![Notice::normal(
            "Retrying",
            "the input changed or a retry was asked for",
        )],
        State::Pending | State::Validating | State::Recovering => Vec::new(),
    }
}

fn enter_ready(record: &mut Record, now: Timestamp) -> Vec<Notice> {
    record.ready = true;
    record.initialized = true;
    record.applied.clone_from(&record.input);
    record.attempt = 0;
    record.next_attempt = None;
    record.origin = None;
    record.gave_up = false;
    record.fault = None;
    record.blamed = None;
    record.end_recovery(Ending::Succeeded, now);
    record.end(Ending::Succeeded, now);
    vec![Notice::normal("Ready", "applied and in order")]
}

fn enter_failed(record: &mut Record, assessment: &Assessment, now: Timestamp) -> Vec<Notice> {
    record.ready = false;
    record.end_recovery(Ending::Failed, now);
    record.end(Ending::Failed, now);
    let notices = fault_notice(record, assessment, "Failed");
    let every = record
        .fault
        .as_ref()
        .and_then(|fault| match fault.class.disposition() {
            Disposition::Probe { every } => Some(every),
            Disposition::Retry { .. } | Disposition::Resume | Disposition::Stop => None,
        })
        .filter(|_| record.blamed.is_none());
    record.next_attempt = every.map(|every| after(now, every));
    notices
}

fn enter_recovering(
    record: &mut Record,
    assessment: &Assessment,
    policy: &Policy,
    now: Timestamp,
    seed: u64,
) -> Vec<Notice> {
    let notices = fault_notice(record, assessment, "Recovering");
    if record.blamed.is_some() {
        // The child counts its attempts, and its recovery is what ends this one.
        let trigger = record
            .fault
            .as_ref()
            .map_or("TimedOut", |fault| &fault.code)
            .to_owned();
        record.next_attempt = None;
        record.begin_recovery(&trigger, "Retry", now);
        return notices;
    }
    let fault = record.fault.clone();
    // What was interrupted is taken up at once and costs nothing; what is interrupted again and again is not.
    let rested = record
        .recovery
        .last_attempt
        .is_none_or(|last| after(last, policy.retry.max_delay) <= now);
    let resume = rested
        && fault
            .as_ref()
            .is_some_and(|fault| fault.class.disposition() == Disposition::Resume);
    if !resume {
        record.attempt = record.attempt.saturating_add(1);
    }
    let delay = if resume {
        Duration::ZERO
    } else {
        policy.retry.delay(record.attempt, seed)
    };
    let asked = fault
        .as_ref()
        .and_then(|fault| fault.retry_after)
        .unwrap_or_default();
    // A dependency that is overdue is not retried: its arrival ends the recovery, whenever that is.
    record.next_attempt = fault.as_ref().map(|_| after(now, delay.max(asked)));
    record.begin_recovery(
        fault.as_ref().map_or("TimedOut", |fault| &fault.code),
        "Retry",
        now,
    );
    notices
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

/// The signals that come from the record and the clock alone, whatever the subject.
pub fn assess_record(
    record: &Record,
    input: &str,
    requested: Option<&str>,
    policy: &Policy,
    now: Timestamp,
) -> Assessment {
    let mut assessment = Assessment {
        input: input.to_owned(),
        ..Assessment::default()
    };
    let signals = &mut assessment.signals;
    if requested.is_some() && requested != record.honoured.as_deref() {
        signals.insert(Signal::RetryRequested);
    }
    if record.input.as_deref().is_some_and(|before| before != input) {
        signals.insert(Signal::InputChanged);
    }
    let due = record.next_attempt.is_some_and(|at| at <= now);
    match record.state {
        State::Failed if due => {
            signals.insert(Signal::RetryRequested);
        }
        State::Recovering => {
            let budget = record
                .fault
                .as_ref()
                .map_or(u32::MAX, |fault| match fault.class.disposition() {
                    Disposition::Retry { budget } => budget,
                    Disposition::Resume | Disposition::Probe { .. } | Disposition::Stop => u32::MAX,
                });
            if record.origin != Some(State::Validating)
                && record.attempt > policy.retry.max_retries.min(budget)
            {
                signals.insert(if record.initialized {
                    Signal::GaveUpAfterReady
                } else {
                    Signal::GaveUp
                });
            } else if due {
                signals.insert(Signal::Recovered);
            }
        }
        State::Validating
            if record
                .since
                .is_some_and(|since| after(since, policy.dependencies) <= now) =>
        {
            signals.insert(Signal::TimedOut);
        }
        State::Pending
        | State::Validating
        | State::Provisioning
        | State::Configuring
        | State::Ready
        | State::Degraded
        | State::Failed => {}
    }
    assessment
}

/// When the record alone asks for another look; only moments after `now` count.
pub fn next_look(record: &Record, policy: &Policy, now: Timestamp) -> Requeue {
    let at = match record.state {
        State::Recovering | State::Failed => record.next_attempt,
        State::Validating => record.since.map(|since| after(since, policy.dependencies)),
        State::Provisioning | State::Configuring => overdue_at(record, policy),
        State::Pending | State::Ready | State::Degraded => None,
    };
    at.filter(|&at| at > now).map_or(Requeue::OnChange, Requeue::At)
}

/// When the operation that is going on becomes overdue.
pub fn overdue_at(record: &Record, policy: &Policy) -> Option<Timestamp> {
    record
        .operation
        .as_ref()
        .map(|operation| after(operation.started_at, policy.work))
}

/// `duration` after `time`; the end of time if there is no such moment.
pub fn after(time: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| time.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}
