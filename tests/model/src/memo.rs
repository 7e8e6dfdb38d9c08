//! A record in canonical form: as much of it as a decision can read, with times relative to now.
//!
//! # Why this is sound
//!
//! Two worlds may be taken for one if no decision can ever tell them apart. What is left out is read by none:
//!
//! - histories, counts of successes and attempts, percent and what was good last are written by the decisions and read
//!   by nobody but the renderers of a status. The digest that was last applied is read in Ready alone, where it is the
//!   recorded input. (The history is searched for a lock
//!   that was taken away, and no run of this world finds one. How long work took in it, and when the present work began,
//!   say when to look again so that what is expected or overdue is shown; nothing else is decided then, and in this
//!   world nothing is expected and nothing overdue.)
//! - `since` is read in Validating, in Ready to see whether anybody has looked after it, and in Failed, in Recovering
//!   where nothing was attempted, and for a destroy only to see whether the clock was set back since; elsewhere only
//!   that there was a first visit.
//! - a moment that is due is due however long ago that was, an age beyond the limit that it is compared with is over
//!   that limit, and a number of attempts beyond the budget and the cap of the delays is beyond both: these are
//!   clipped. The clips come from the policies that the decisions get.
//! - an incident is read by how much was tried in all: no action of these policies is used up before the incident is.
//!   (The one that an owner has written is the only one that is done then.) A window and a breaker that are over are
//!   as if they had never been.
//! - when a check was judged is only shown, and the words are always the same; when it was looked at is read only to see whether
//!   that was this look.
//! - a number of a run is read only to see whether two are the same one: the world keeps whether they are.
//! - a fault is read by what its class asks for, and two classes that ask for the same, within the budget of the
//!   policy, stand for each other ([`Manner::stands_for`]).
//!
//! A test holds this against the decisions: filled with other values in place of what is left out, at another time
//! of day, each decision is the same.

use std::collections::BTreeMap;
use std::time::Duration;

use capt_core::fault::{Fault, FaultClass};
use capt_core::health::{Api, CheckKind, Checkup, Facts, Finding, Judgement, Verdict, examine};
use capt_core::lifecycle::State;
use capt_core::record::{
    Ending, Operation, OperationKind, Record, Recovery, RecoveryAttempt, RecoveryOutcome, Run, RunOperation,
};
use capt_core::recovery::{ActionKind, Breaker, Escalation, Incident, Ledger, Spent};
use jiff::{SignedDuration, Timestamp};

use crate::manner::{COOL_DOWN, LIMIT, MAX_DELAY, Manner, TRIPS, WINDOW};
use crate::world::{Input, Name};

/// More attempts than this make no difference: the budget is used up, and the delay has reached its cap.
const MOST_ATTEMPTS: u32 = 3;

/// A clock that stands further than this before a moment that was written down was set back.
pub(crate) const CORRECTION: Millis = 60 * 1000;

/// What was interrupted this long after the last attempt is taken up at once.
const RESTED: Duration = Duration::from_mins(20);

/// What a look was taken after is told in whole seconds.
const SECOND: Duration = Duration::from_secs(1);

/// Milliseconds from now; negative is in the past.
pub(crate) type Millis = i32;

/// What is persisted of an incident, in canonical form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Tried {
    /// See [`Incident::attempts`].
    pub attempts: u8,
    /// See [`Incident::doing`]: whether there is something.
    pub doing: bool,
    /// See [`Incident::escalated`]: whether a person was asked.
    pub escalated: bool,
}

/// What is persisted of the bounds over all incidents, in canonical form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// See [`Breaker::failures`].
    pub failures: u8,
    /// See [`Breaker::last_failure`].
    pub last_failure: Option<Millis>,
    /// See [`Spent::since`].
    pub since: Option<Millis>,
    /// See [`Spent::actions`].
    pub actions: u8,
}

/// What is persisted of how a check was judged, in canonical form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Judged {
    /// Whether it fails, if anybody has looked.
    pub fails: Option<bool>,
    /// See [`Judgement::against`].
    pub against: u8,
}

/// The checks of this world: one that only a person mends, and one that another apply may mend.
pub(crate) const CHECKS: [CheckKind; 2] = [CheckKind::ApiServer, CheckKind::WorkspaceSynced];

/// What is found of one that ails.
pub(crate) fn ill() -> Facts {
    Facts {
        api: Some(Api::Silent("it does not answer".to_owned())),
        synced: Some(false),
        ..Facts::default()
    }
}

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
    /// See [`Record::next_attempt`].
    pub next_attempt: Option<Millis>,
    /// See [`Record::gave_up`].
    pub gave_up: bool,
    /// See [`Record::fault`].
    pub fault: Option<FaultClass>,
    /// See [`Fault::is_of_check`].
    pub of_check: bool,
    /// See [`Record::blamed`]; there is but one child.
    pub blamed: bool,
    /// See [`Record::honoured`].
    pub honoured: u8,
    /// See [`Record::run`].
    pub run: Option<(RunOperation, Input)>,
    /// See [`Run::opened`]; zero but for one that a clock which was set back has put into the future.
    pub opened: Millis,
    /// See [`Record::operation`].
    pub operation: Option<OperationKind>,
    /// See [`Recovery::last_attempt`].
    pub last_attempt: Option<Millis>,
    /// See [`Ledger::incident`].
    pub incident: Option<Tried>,
    /// See [`Ledger`].
    pub bounds: Bounds,
    /// See [`Checkup::judgements`], of each of `CHECKS`.
    pub judged: [Judged; 2],
    /// See [`Checkup::looked`]: whether that was now.
    pub looked: bool,
}

/// The number of the run of a record; the one before it has one less.
pub(crate) const RUN: u32 = 2;

/// A fault of this class; of one that it stands for, where what is left out is filled in.
pub(crate) fn fault(class: FaultClass, manner: Manner, filling: Filling) -> Fault {
    let same = FaultClass::ALL
        .iter()
        .rfind(|known| manner.stands_for(**known) == class);
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

fn ledger(memo: &Memo, manner: Manner, now: Timestamp, filling: Filling) -> Ledger {
    let bounds = memo.bounds;
    let other = filling == Filling::Noise || manner == Manner::Written;
    let kind = if other {
        ActionKind::Replan
    } else {
        ActionKind::RetryApply
    };
    Ledger {
        incident: memo.incident.map(|tried| Incident {
            started_at: now,
            class: FaultClass::Unknown,
            trigger: String::new(),
            tried: BTreeMap::from([(kind, u32::from(tried.attempts))]),
            doing: tried.doing.then_some(kind),
            escalated: tried.escalated.then_some(match filling {
                Filling::Empty => Escalation::LadderExhausted,
                Filling::Noise => Escalation::NotPermitted,
            }),
        }),
        breaker: Breaker {
            failures: u32::from(bounds.failures),
            last_failure: bounds.last_failure.map(|last| moment(now, last)),
        },
        spent: Spent {
            since: bounds.since.map(|since| moment(now, since)),
            actions: u32::from(bounds.actions),
        },
    }
}

fn few(number: u32, most: u32) -> u8 {
    u8::try_from(number.min(most)).unwrap_or(u8::MAX)
}

impl Memo {
    /// The record as it would be read back at `now`.
    pub(crate) fn record(&self, name: Name, manner: Manner, now: Timestamp, filling: Filling) -> Record {
        let of_class = |class| {
            let fault = fault(class, manner, filling);
            if self.of_check {
                Fault::of_check(fault.class, "Check", "it does not answer")
            } else {
                fault
            }
        };
        let mut record = Record {
            state: self.state,
            since: self.since.map(|since| moment(now, since)),
            origin: self.origin,
            input: self.input.map(|input| input.text().to_owned()),
            applied: self
                .input
                .filter(|_| self.state == State::Ready)
                .map(|input| input.text().to_owned()),
            ready: self.ready,
            initialized: self.initialized,
            next_attempt: self.next_attempt.map(|next| moment(now, next)),
            gave_up: self.gave_up,
            fault: self.fault.map(of_class),
            blamed: name
                .child()
                .filter(|_| self.blamed)
                .map(|it| it.text().to_owned()),
            honoured: request(self.honoured),
            run: self.run.map(|(operation, input)| Run {
                number: RUN,
                operation,
                input: input.text().to_owned(),
                opened: moment(now, self.opened),
            }),
            operation: self.operation.map(|kind| Operation {
                kind,
                started_at: now,
                finished: None,
            }),
            recovery: Recovery {
                ledger: ledger(self, manner, now, filling),
                last_attempt: self.last_attempt.map(|last| moment(now, last)),
                ..Recovery::default()
            },
            checkup: self.checkup(now),
            ..Record::default()
        };
        if filling == Filling::Noise {
            self.add_noise(&mut record, now);
        }
        record
    }

    fn checkup(&self, now: Timestamp) -> Checkup {
        let found = examine(&ill(), now);
        let judgement = |kind: CheckKind, judged: Judged| Judgement {
            verdict: match judged.fails {
                None => Verdict::Unknown,
                Some(true) => Verdict::Failing,
                Some(false) => Verdict::Passing,
            },
            against: u32::from(judged.against),
            message: match found.get(&kind) {
                Some(Finding::Failing(message)) if judged.fails == Some(true) => message.clone(),
                Some(Finding::Failing(_) | Finding::Passing | Finding::Unknown) | None => String::new(),
            },
            ..Judgement::default()
        };
        let known = CHECKS.into_iter().zip(self.judged);
        let known = known.filter(|(_, judged)| *judged != Judged::default());
        Checkup {
            judgements: known
                .map(|(kind, judged)| (kind, judgement(kind, judged)))
                .collect(),
            looked: self.looked.then_some(now),
        }
    }

    /// Other values in place of what is left out.
    fn add_noise(&self, record: &mut Record, now: Timestamp) {
        let long_ago = moment(now, -987_654_321);
        let operation = Operation {
            kind: OperationKind::Updating,
            started_at: long_ago,
            finished: Some((long_ago, Ending::Superseded)),
        };
        record.history = vec![operation; 16];
        record.recovery.attempts = 77;
        record.recovery.successes = 7;
        record.recovery.history = vec![
            RecoveryAttempt {
                time: long_ago,
                trigger: "Noise".to_owned(),
                class: None,
                action: None,
                finished: Some((long_ago, RecoveryOutcome::Escalated)),
            };
            3
        ];
        record.percent = 55;
        if let Some(operation) = &mut record.operation {
            operation.started_at = long_ago;
        }
        if self.state != State::Ready {
            record.applied = Some("noise".to_owned());
        }
        let is_over = match self.state {
            State::Validating => false,
            State::Ready => self.since == Some(-millis(SECOND)),
            State::Pending
            | State::Provisioning
            | State::Configuring
            | State::Degraded
            | State::Failed
            | State::Recovering => self.since == Some(0),
        };
        if is_over {
            record.since = Some(long_ago);
        }
        if self.last_attempt.is_none() && is_over {
            record.recovery.last_attempt = Some(long_ago);
        }
        if self.next_attempt == Some(0) {
            record.next_attempt = Some(long_ago);
        }
        if let Some(run) = record.run.as_mut().filter(|_| self.opened == 0) {
            run.opened = long_ago;
        }
        if let Some(incident) = &mut record.recovery.ledger.incident {
            incident.started_at = long_ago;
            "noise".clone_into(&mut incident.trigger);
        }
        if !self.looked {
            record.checkup.looked = Some(long_ago);
        }
        for judgement in record.checkup.judgements.values_mut() {
            judgement.since = Some(long_ago);
        }
    }

    /// The canonical form of a record that is written at `now`.
    pub(crate) fn of(record: &Record, manner: Manner, now: Timestamp) -> Self {
        let ledger = &record.recovery.ledger;
        let in_window = manner.in_window();
        let judged = |kind: CheckKind| {
            let judgement = record.checkup.judgements.get(&kind);
            judgement.map_or_else(Judged::default, |judgement| Judged {
                fails: match judgement.verdict {
                    Verdict::Unknown => None,
                    Verdict::Failing => Some(true),
                    Verdict::Passing => Some(false),
                },
                against: few(judgement.against, u32::MAX),
            })
        };
        let memo = Self {
            state: record.state,
            since: record.since.map(|since| from_now(now, since)),
            origin: record.origin,
            input: record.input.as_deref().and_then(Input::read),
            ready: record.ready,
            initialized: record.initialized,
            next_attempt: record.next_attempt.map(|next| from_now(now, next)),
            gave_up: record.gave_up,
            fault: record.fault.as_ref().map(|fault| manner.stands_for(fault.class)),
            of_check: record.fault.as_ref().is_some_and(Fault::is_of_check),
            blamed: record.blamed.is_some(),
            honoured: read_request(record.honoured.as_deref()),
            run: record
                .run
                .as_ref()
                .and_then(|run| Some((run.operation, Input::read(&run.input)?))),
            opened: record.run.as_ref().map_or(0, |run| from_now(now, run.opened)),
            operation: record.operation.as_ref().map(|operation| operation.kind),
            last_attempt: record.recovery.last_attempt.map(|last| from_now(now, last)),
            incident: ledger.incident.as_ref().map(|incident| Tried {
                attempts: few(incident.attempts(), MOST_ATTEMPTS),
                doing: incident.doing.is_some(),
                escalated: incident.escalated.is_some(),
            }),
            bounds: Bounds {
                failures: few(ledger.breaker.failures, TRIPS),
                last_failure: ledger.breaker.last_failure.map(|last| from_now(now, last)),
                since: ledger.spent.since.map(|since| from_now(now, since)),
                actions: few(ledger.spent.actions, in_window.unwrap_or(0)),
            },
            judged: CHECKS.map(judged),
            looked: record.checkup.looked == Some(now),
        };
        memo.later(0)
    }

    /// The same when `passed` milliseconds have passed, or have come back.
    pub(crate) fn later(self, passed: Millis) -> Self {
        let after = |moment: Millis| moment.saturating_sub(passed);
        let age = |moment: Millis, limit: Duration| after(moment).max(-millis(limit));
        // What is over when it is so old is as if it had never been.
        let until_over = |moment: Option<Millis>, limit: Duration| {
            let moment = moment.map(after);
            moment.filter(|moment| *moment > -millis(limit))
        };
        let bounds = self.bounds;
        let since = until_over(bounds.since, WINDOW).filter(|_| bounds.actions > 0);
        let last_attempt = until_over(self.last_attempt, RESTED.max(MAX_DELAY * 2));
        let waits = self.next_attempt.is_some();
        Self {
            since: self.since.map(|since| match self.state {
                State::Validating => age(since, LIMIT),
                State::Ready => age(since, SECOND),
                State::Failed if waits => after(since).max(0),
                State::Recovering if waits && last_attempt.is_none() => after(since).max(0),
                State::Pending
                | State::Provisioning
                | State::Configuring
                | State::Degraded
                | State::Failed
                | State::Recovering => 0,
            }),
            next_attempt: self.next_attempt.map(|next| after(next).max(0)),
            opened: match self.run {
                Some((RunOperation::Destroy, _)) => after(self.opened).max(0),
                Some((RunOperation::Apply, _)) | None => 0,
            },
            last_attempt,
            bounds: Bounds {
                last_failure: until_over(bounds.last_failure, COOL_DOWN)
                    .filter(|_| u32::from(bounds.failures) >= TRIPS),
                since,
                actions: since.map_or(0, |_| bounds.actions),
                ..bounds
            },
            looked: self.looked && passed == 0,
            ..self
        }
    }

    /// Whether the moment has come for which the next attempt or probe was written down.
    pub(crate) fn is_due(&self) -> bool {
        let written = match self.state {
            State::Recovering => self.last_attempt.or(self.since),
            State::Pending
            | State::Validating
            | State::Provisioning
            | State::Configuring
            | State::Ready
            | State::Degraded
            | State::Failed => self.since,
        };
        let set_back = written.is_some_and(|written| written > CORRECTION);
        self.next_attempt.is_some_and(|next| next <= 0 || set_back)
    }
}
