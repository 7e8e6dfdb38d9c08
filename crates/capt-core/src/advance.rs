//! One step of an object's life: from what was recorded and what was assessed to what is recorded next.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::absence::Absences;
use crate::decision::Requeue;
use crate::fault::{Disposition, Fault, FaultClass};
use crate::health::Checkup;
use crate::lifecycle::{Lifecycle, Signal, State};
use crate::loss::Loss;
use crate::machine::{Machine as _, Move};
use crate::record::Record;
use crate::recovery::{ActionKind, RecoveryMode, Rules, Situation, ladder, next_step};
use crate::trend::unusual_at;
use crate::wait::{Notice, Wait};

mod enter;

use enter::{enter, is_attempt_due, is_to_choose, try_next};
pub(crate) use enter::{heal, pause};

/// How patient one kind of object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What is done about faults.
    pub recovery: Rules,
    /// How long it may wait for its dependencies.
    pub dependencies: Duration,
    /// How long the work may take before it is shown as overdue. It is never stopped for that.
    pub work: Duration,
    /// How long the work usually takes, as long as nothing was learned.
    pub usually: Duration,
}

impl Default for Policy {
    /// Recovery as [`Rules::default`] has it; 15 min for dependencies and 30 min for the work, which usually takes 10.
    fn default() -> Self {
        Self {
            recovery: Rules::default(),
            dependencies: Duration::from_mins(15),
            work: Duration::from_mins(30),
            usually: Duration::from_mins(10),
        }
    }
}

/// What a plan of a subject can do about a failure: every run begins with an initialisation and a plan of its own. The
/// other actions are for those who carry them out themselves.
pub const ABLE: &[ActionKind] = &[ActionKind::RetryApply, ActionKind::Replan];

/// How often a subject tries again about a fault of this class before a person is asked, if `max_retries` of its owner
/// allows as many.
pub fn attempts(class: FaultClass) -> u32 {
    let rungs = ladder(class).iter().filter(|rung| ABLE.contains(&rung.kind));
    rungs.fold(0, |sum, rung| sum.saturating_add(rung.tries))
}

/// What is known of the world of a subject that has failed.
static SITUATION: Situation = Situation::of(Some(ABLE));

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
    /// How its health is judged.
    pub checkup: Checkup,
    /// Whether a child that it follows is not applied, or not in order, for what is wanted now.
    pub behind: bool,
}

impl Assessment {
    /// Adds the signal that `fault` means for an object whose work has stopped. Of several faults the one decides that
    /// comes first by [`FaultClass::precedence`].
    pub fn fail(&mut self, fault: Fault, record: &Record, policy: &Policy) {
        let rules = &policy.recovery;
        let retry = match (fault.class.disposition(), rules.mode) {
            (Disposition::Resume, RecoveryMode::Off | RecoveryMode::Observe | RecoveryMode::Act)
            | (Disposition::Retry, RecoveryMode::Act) => true,
            // What an owner has written for it may help all the same.
            (Disposition::Probe { .. } | Disposition::Stop, RecoveryMode::Act) => {
                next_step(&fault, &record.recovery.ledger, &SITUATION, rules).is_ok()
            }
            (
                Disposition::Retry | Disposition::Probe { .. } | Disposition::Stop,
                RecoveryMode::Off | RecoveryMode::Observe,
            ) => false,
        };
        let signal = if retry {
            Signal::RetryableFault
        } else {
            Signal::TerminalFault
        };
        self.stop(signal, fault, None);
    }

    /// Takes down that the work has stopped for a fault, and whose it is, unless one that comes before it has been taken
    /// down: what is shown is what decides.
    pub(crate) fn stop(&mut self, signal: Signal, fault: Fault, blamed: Option<String>) {
        let known = self.fault.as_ref().map(|known| known.class.precedence());
        if known.is_some_and(|known| known <= fault.class.precedence()) {
            return;
        }
        self.go_on();
        self.signals.insert(signal);
        self.fault = Some(fault);
        self.blamed = blamed;
    }

    /// Takes back that the work has stopped.
    pub(crate) fn go_on(&mut self) {
        for signal in [Signal::TerminalFault, Signal::RetryableFault] {
            self.signals.remove(&signal);
        }
        self.fault = None;
        self.blamed = None;
    }
}

/// The moment at which a record is advanced, and what holds for it then.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// How patient the object is.
    pub policy: &'a Policy,
    /// The time that does not count.
    pub absences: &'a Absences,
    /// The time.
    pub now: Timestamp,
    /// The seed of the jitter.
    pub seed: u64,
}

/// What became of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    /// The state changed, or an attempt is begun: the new record is to be persisted before anything is done.
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
pub fn advance(record: &Record, assessment: &Assessment, context: &Context<'_>) -> Advance {
    let now = context.now;
    for &signal in Signal::ALL {
        if !assessment.signals.contains(&signal) {
            continue;
        }
        let to = match Lifecycle::next(record.state, signal) {
            Move::To(to) => to,
            Move::Back => origin(record),
            Move::Stay | Move::Illegal => continue,
        };
        let mut next = record.clone();
        next.since = Some(now);
        let notices = enter(&mut next, record.state, to, assessment, context);
        return Advance::Moved {
            record: next,
            notices,
        };
    }
    let mut next = record.clone();
    next.since = next.since.or(Some(now));
    if is_to_choose(&next, context)
        && let Some(fault) = next.fault.clone()
    {
        try_next(&mut next, &fault, context);
        // An attempt is written down before anything else is done.
        return Advance::Moved {
            record: next,
            notices: Vec::new(),
        };
    }
    Advance::Stayed(next)
}

/// Where a recovery leads back to. A status that somebody else wrote may name a state that it never came from.
fn origin(record: &Record) -> State {
    match record.origin {
        Some(origin @ (State::Provisioning | State::Configuring)) => origin,
        Some(State::Degraded) => State::Provisioning,
        Some(State::Pending | State::Validating | State::Ready | State::Failed | State::Recovering)
        | None => State::Validating,
    }
}

/// The signals that come from the record and the clock alone, whatever the subject.
pub fn assess_record(
    record: &Record,
    input: &str,
    requested: Option<&str>,
    context: &Context<'_>,
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
    let due = is_attempt_due(record, context.now);
    match record.state {
        State::Failed if due => {
            signals.insert(Signal::RetryRequested);
        }
        State::Recovering => {
            let incident = record.recovery.ledger.incident.as_ref();
            let escalated = incident.is_some_and(|incident| incident.escalated.is_some());
            if escalated && record.origin != Some(State::Validating) {
                signals.insert(if record.initialized {
                    Signal::GaveUpAfterReady
                } else {
                    Signal::GaveUp
                });
            } else if (due || is_adrift(record)) && !is_to_choose(record, context) {
                signals.insert(Signal::Recovered);
            }
        }
        State::Validating if dependencies_overdue_at(record, context).is_some_and(|at| at <= context.now) => {
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

/// Whether it recovers, and nothing says what for or until when: what was written down was lost in part.
fn is_adrift(record: &Record) -> bool {
    let held = record.fault.is_some()
        && record
            .recovery
            .ledger
            .incident
            .as_ref()
            .is_none_or(|it| it.doing.is_none());
    let waits = record.origin == Some(State::Validating) || record.blamed.is_some();
    record.next_attempt.is_none() && !waits && !held
}

/// When the record alone asks for another look; only moments after now count.
pub fn next_look(record: &Record, context: &Context<'_>) -> Requeue {
    let work = record.operation.as_ref().map(|operation| {
        let (took, begun) = (record.durations(operation.kind), operation.started_at);
        let expected = took
            .estimate(context.policy.usually)
            .completion(begun, context.now);
        let unusual = unusual_at(&took, begun).map(|at| after(at, Duration::from_secs(1)));
        [expected, unusual]
    });
    let overdue = overdue_at(record, context.policy, context.absences);
    let at = match record.state {
        State::Recovering | State::Failed => record.next_attempt,
        State::Validating => dependencies_overdue_at(record, context),
        State::Provisioning | State::Configuring | State::Pending | State::Ready | State::Degraded => None,
    };
    let moments = work.into_iter().flatten().chain([overdue, at]).flatten();
    let next = moments.filter(|at| *at > context.now).min();
    next.map_or(Requeue::OnChange, Requeue::At)
}

fn dependencies_overdue_at(record: &Record, context: &Context<'_>) -> Option<Timestamp> {
    let since = record.since?;
    Some(context.absences.deadline(since, context.policy.dependencies))
}

/// When the operation that is going on becomes overdue.
pub fn overdue_at(record: &Record, policy: &Policy, absences: &Absences) -> Option<Timestamp> {
    let operation = record.operation.as_ref()?;
    Some(absences.deadline(operation.started_at, policy.work))
}

/// When the operation that is going on is expected to end: as the ones before it did, or as it usually takes. Of work
/// that takes longer than nine in ten, nothing is expected.
pub fn expected_end(record: &Record, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let operation = record.operation.as_ref()?;
    let estimate = record.durations(operation.kind).estimate(policy.usually);
    estimate.completion(operation.started_at, now)
}

/// `duration` after `time`; the end of time if there is no such moment.
pub fn after(time: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| time.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}
