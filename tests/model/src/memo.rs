//! A record in canonical form: as much of it as a decision can read, with times relative to now.
//!
//! # Why this is sound
//!
//! Two worlds may be taken for one if no decision can ever tell them apart. What is left out is read by none:
//!
//! - histories, counts of successes and attempts, percent and the digest that was last applied are written by the
//!   decisions and read by nobody but the renderers of a status. (The history is searched for a lock that was taken
//!   away, and no run of this world finds one.) When a run was opened is read by nobody.
//! - `since` is read in Validating alone; elsewhere only that there was a first visit.
//! - a moment that is due is due however long ago that was, an age beyond the limit that it is compared with is over
//!   that limit, and a number of attempts beyond the budget and the cap of the delays is beyond both: these are
//!   clipped. The clips come from the policy that the decisions get.
//! - a number of a run is read only to see whether two are the same one: the world keeps whether they are.
//! - a fault is read by what its class asks for, and two classes that ask for the same, within the budget of the
//!   policy, stand for each other ([`stands_for`]).
//!
//! A test holds this against the decisions: filled with other values in place of what is left out, at another time
//! of day, each decision is the same.

use std::time::Duration;

use capt_core::advance::{Policy, RecoveryMode};
use capt_core::fault::{Disposition, Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::record::{Operation, OperationKind, Record, Recovery, RecoveryAttempt, Run, RunOperation};
use capt_core::retry::RetryStrategy;
use jiff::{SignedDuration, Timestamp};

use crate::world::{Input, Name};

/// How patient everybody is. The budget is small, so that it can be used up by two faults.
pub const POLICY: Policy = Policy {
    retry: RetryStrategy {
        base_delay: Duration::from_mins(1),
        max_delay: Duration::from_mins(2),
        max_retries: 1,
        backoff_factor_percent: 200,
        success_threshold: 1,
    },
    mode: RecoveryMode::Act,
    dependencies: Duration::from_mins(30),
    work: Duration::from_mins(30),
};

/// More attempts than this make no difference: the budget is used up, and the delay has reached its cap.
const MOST_ATTEMPTS: u32 = 3;

/// Milliseconds from now; negative is in the past.
pub(crate) type Millis = i32;

/// What is persisted of an object, in canonical form.
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Memo {
    /// See [`Record::state`].
    pub state: State,
    /// See [`Record::since`].
    pub since: Option<Millis>,
    /// See [`Record::origin`].
    pub origin: Option<State>,
    /// See [`Record::input`].
    pub input: Option<Input>,
    /// See [`Record::ready`].
    pub ready: bool,
    /// See [`Record::initialized`].
    pub initialized: bool,
    /// See [`Record::attempt`].
    pub attempt: u8,
    /// See [`Record::next_attempt`].
    pub next_attempt: Option<Millis>,
    /// See [`Record::gave_up`].
    pub gave_up: bool,
    /// See [`Record::fault`].
    pub fault: Option<FaultClass>,
    /// See [`Record::blamed`]; there is but one child.
    pub blamed: bool,
    /// See [`Record::honoured`].
    pub honoured: u8,
    /// See [`Record::run`].
    pub run: Option<(RunOperation, Input)>,
    /// See [`Record::operation`].
    pub operation: Option<(OperationKind, Millis)>,
    /// See [`Recovery::last_attempt`].
    pub last_attempt: Option<Millis>,
}

/// The number of the run of a record; the one before it has one less.
pub(crate) const RUN: u32 = 2;

/// The class that stands for all that ask for the same.
pub fn stands_for(class: FaultClass) -> FaultClass {
    let asks = |class: FaultClass| {
        let disposition = match class.disposition() {
            Disposition::Retry { budget } => Disposition::Retry {
                budget: budget.min(POLICY.retry.max_retries),
            },
            other @ (Disposition::Resume | Disposition::Probe { .. } | Disposition::Stop) => other,
        };
        let permission = class == FaultClass::Permission;
        (disposition, class.is_terminal(), class.passes(), permission)
    };
    let same = FaultClass::ALL.iter().find(|known| asks(**known) == asks(class));
    same.copied().unwrap_or(class)
}

/// A fault of this class; of one that it stands for, where what is left out is filled in.
pub(crate) fn fault(class: FaultClass, filling: Filling) -> Fault {
    let same = FaultClass::ALL.iter().rfind(|known| stands_for(**known) == class);
    let class = match filling {
        Filling::Empty => class,
        Filling::Noise => same.copied().unwrap_or(class),
    };
    Fault::new(class, class.name(), "it went wrong")
}

/// A request of a person, as the decisions see it.
pub(crate) fn request(number: u8) -> Option<String> {
    (number > 0).then(|| format!("retry={number}"))
}

fn read_request(text: Option<&str>) -> u8 {
    let number = text.and_then(|text| text.strip_prefix("retry="));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What is left out, filled with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filling {
    /// As little as possible.
    Empty,
    /// Something else than there would be.
    Noise,
}

fn moment(now: Timestamp, from_now: Millis) -> Timestamp {
    now.saturating_add(SignedDuration::from_millis(i64::from(from_now)))
        .unwrap_or(now)
}

fn from_now(now: Timestamp, moment: Timestamp) -> Millis {
    let millis = moment.duration_since(now).as_millis();
    Millis::try_from(millis).unwrap_or(if millis < 0 { Millis::MIN } else { Millis::MAX })
}

pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

impl Memo {
    /// The record as it would be read back at `now`.
    pub(crate) fn record(&self, name: Name, now: Timestamp, filling: Filling) -> Record {
        let mut record = Record {
            state: self.state,
            since: self.since.map(|since| moment(now, since)),
            origin: self.origin,
            input: self.input.map(|input| input.text().to_owned()),
            ready: self.ready,
            initialized: self.initialized,
            attempt: u32::from(self.attempt),
            next_attempt: self.next_attempt.map(|next| moment(now, next)),
            gave_up: self.gave_up,
            fault: self.fault.map(|class| fault(class, filling)),
            blamed: name
                .child()
                .filter(|_| self.blamed)
                .map(|it| it.text().to_owned()),
            honoured: request(self.honoured),
            run: self.run.map(|(operation, input)| Run {
                number: RUN,
                operation,
                input: input.text().to_owned(),
                opened: now,
            }),
            operation: self.operation.map(|(kind, started)| Operation {
                kind,
                started_at: moment(now, started),
                finished: None,
            }),
            recovery: Recovery {
                last_attempt: self.last_attempt.map(|last| moment(now, last)),
                ..Recovery::default()
            },
            ..Record::default()
        };
        if filling == Filling::Noise {
            let long_ago = moment(now, -987_654_321);
            let operation = Operation {
                kind: OperationKind::Updating,
                started_at: long_ago,
                finished: None,
            };
            record.history = vec![operation; 16];
            record.recovery.attempts = 77;
            record.recovery.successes = 7;
            record.recovery.history = vec![
                RecoveryAttempt {
                    time: long_ago,
                    trigger: "Noise".to_owned(),
                    action: "Noise".to_owned(),
                    finished: None,
                };
                3
            ];
            record.percent = 55;
            record.applied = Some("noise".to_owned());
            if self.state != State::Validating {
                record.since = record.since.map(|_| long_ago);
            }
            if self.next_attempt == Some(0) {
                record.next_attempt = Some(long_ago);
            }
            if let Some(run) = &mut record.run {
                run.opened = long_ago;
            }
        }
        record
    }

    /// The canonical form of a record that is written at `now`.
    pub(crate) fn of(record: &Record, now: Timestamp) -> Self {
        let memo = Self {
            state: record.state,
            since: record.since.map(|since| from_now(now, since)),
            origin: record.origin,
            input: record.input.as_deref().and_then(Input::read),
            ready: record.ready,
            initialized: record.initialized,
            attempt: u8::try_from(record.attempt.min(MOST_ATTEMPTS)).unwrap_or(u8::MAX),
            next_attempt: record.next_attempt.map(|next| from_now(now, next)),
            gave_up: record.gave_up,
            fault: record.fault.as_ref().map(|fault| stands_for(fault.class)),
            blamed: record.blamed.is_some(),
            honoured: read_request(record.honoured.as_deref()),
            run: record
                .run
                .as_ref()
                .and_then(|run| Some((run.operation, Input::read(&run.input)?))),
            operation: record
                .operation
                .as_ref()
                .map(|operation| (operation.kind, from_now(now, operation.started_at))),
            last_attempt: record.recovery.last_attempt.map(|last| from_now(now, last)),
        };
        memo.later(0)
    }

    /// The same when `passed` milliseconds have passed, or have come back.
    pub(crate) fn later(self, passed: Millis) -> Self {
        let age = |moment: Millis, limit: Duration| moment.saturating_sub(passed).max(-millis(limit));
        Self {
            since: self.since.map(|since| match self.state {
                State::Validating => age(since, POLICY.dependencies),
                State::Pending
                | State::Provisioning
                | State::Configuring
                | State::Ready
                | State::Degraded
                | State::Failed
                | State::Recovering => 0,
            }),
            next_attempt: self.next_attempt.map(|next| next.saturating_sub(passed).max(0)),
            operation: self
                .operation
                .map(|(kind, started)| (kind, age(started, POLICY.work))),
            last_attempt: self
                .last_attempt
                .map(|last| age(last, POLICY.retry.max_delay))
                .filter(|last| *last > -millis(POLICY.retry.max_delay)),
            ..self
        }
    }
}
