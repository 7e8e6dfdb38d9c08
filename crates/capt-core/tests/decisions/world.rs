//! What the tables begin with: the moment of the round, a typical record for each state, and the small things that
//! snapshots are made of.

use std::time::Duration;

use capt_core::advance::Policy;
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::progress::Progress;
use capt_core::record::{
    Ending, Operation, OperationKind, Record, RecoveryAttempt, RecoveryOutcome, Run, RunOperation,
};
use capt_core::recovery::{ActionKind, Escalation, Incident, Ledger};
use capt_core::revision::LastGood;
use capt_core::wait::Wait;
use jiff::{SignedDuration, Timestamp};

/// The moment of the round.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// So many seconds from the moment of the round.
pub(crate) fn at(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

/// The input that everything is for unless it says otherwise.
pub(crate) const INPUT: &str = "one";

/// The input that it was for before, or is for from now on.
pub(crate) const OTHER: &str = "two";

pub(crate) fn policy() -> Policy {
    Policy {
        dependencies: Duration::from_mins(15),
        work: Duration::from_mins(30),
        ..Policy::default()
    }
}

pub(crate) fn object(name: &str, record: Record) -> Object {
    Object {
        finalized: true,
        input: INPUT.to_owned(),
        policy: policy(),
        record,
        ..Object::new(name, "uid")
    }
}

pub(crate) fn child(name: &str, state: State) -> Child {
    Child {
        made: true,
        progress: Progress {
            percent: 50,
            completed: 3,
            total: 6,
            current: "aws_thing.it".to_owned(),
        },
        ..Child::new(name, state)
    }
}

/// A fault of which only the class matters.
pub(crate) fn fault(class: FaultClass) -> Fault {
    Fault::new(class, "Boom", "it went wrong")
}

/// Something that is not there.
pub(crate) fn absent(name: &str) -> Wait {
    Wait::new(
        format!("Secret/{name}"),
        "SecretMissing",
        format!("Secret {name} does not exist"),
    )
}

fn operation(kind: OperationKind, started: i64) -> Operation {
    Operation {
        kind,
        started_at: at(started),
        finished: None,
    }
}

/// An operation that took so many seconds, and ended an hour ago.
pub(crate) fn finished(kind: OperationKind, seconds: i64) -> Operation {
    Operation {
        finished: Some((at(-3_600), Ending::Succeeded)),
        ..operation(kind, -3_600 - seconds)
    }
}

/// The operation that is going on, since so many seconds.
pub(crate) fn operating(record: &mut Record, kind: OperationKind, started: i64) {
    record.operation = Some(operation(kind, started));
}

/// What a record that had been ready before keeps of that.
pub(crate) fn initialize(record: &mut Record) {
    record.initialized = true;
    record.applied = Some(INPUT.to_owned());
    record.last_good = Some(LastGood {
        revision: None,
        version: None,
        input: INPUT.to_owned(),
        outputs: None,
        time: at(-7_200),
    });
    let finished = Some((at(-7_200), Ending::Succeeded));
    record.history.insert(
        0,
        Operation {
            finished,
            ..operation(OperationKind::Creating, -9_000)
        },
    );
}

/// The run that was last opened.
pub(crate) fn opened(record: &mut Record, number: u32, operation: RunOperation) {
    record.run = Some(Run {
        number,
        operation,
        input: INPUT.to_owned(),
        opened: at(-100),
    });
}

/// An attempt to heal that was decided two seconds ago, the only one so far.
fn attempt(trigger: &str, class: Option<FaultClass>, action: ActionKind) -> RecoveryAttempt {
    RecoveryAttempt {
        time: at(-2),
        trigger: trigger.to_owned(),
        class,
        action: Some(action),
        finished: None,
    }
}

/// An attempt that failed so many seconds ago.
pub(crate) fn past_attempt(class: FaultClass, seconds: i64) -> RecoveryAttempt {
    RecoveryAttempt {
        time: at(-seconds),
        finished: Some((at(-seconds), RecoveryOutcome::Failed)),
        ..attempt("Boom", Some(class), ActionKind::RetryApply)
    }
}

/// What was done so far about the incident that is going on.
pub(crate) fn tried(record: &mut Record, action: ActionKind, times: u32) {
    let fault = record
        .fault
        .clone()
        .unwrap_or_else(|| fault(FaultClass::Transient));
    let incident = record
        .recovery
        .ledger
        .incident
        .get_or_insert_with(|| Incident::of(&fault, at(-300)));
    incident.tried.insert(action, times);
}

/// A person was asked about the incident that is going on.
pub(crate) fn escalated(record: &mut Record, why: Escalation) {
    tried(record, ActionKind::RetryApply, 1);
    if let Some(incident) = &mut record.recovery.ledger.incident {
        incident.doing = None;
        incident.escalated = Some(why);
    }
}

/// A record that has come into `state` on the straight way: a first creation, and what is typical of each of the
/// others.
pub(crate) fn record(state: State) -> Record {
    let mut record = Record {
        state,
        since: Some(at(-60)),
        ..Record::default()
    };
    match state {
        State::Pending => record.since = None,
        State::Validating => operating(&mut record, OperationKind::Creating, -60),
        State::Provisioning => {
            record.input = Some(INPUT.to_owned());
            operating(&mut record, OperationKind::Creating, -120);
            record.percent = 10;
        }
        State::Configuring => {
            record.input = Some(INPUT.to_owned());
            operating(&mut record, OperationKind::Creating, -120);
            record.percent = 92;
        }
        State::Ready => {
            record.input = Some(INPUT.to_owned());
            record.ready = true;
            record.percent = 99;
            initialize(&mut record);
        }
        State::Degraded => {
            record.input = Some(INPUT.to_owned());
            record.gave_up = true;
            record.fault = Some(fault(FaultClass::Transient));
            initialize(&mut record);
            escalated(&mut record, Escalation::LadderExhausted);
        }
        State::Failed => {
            record.input = Some(INPUT.to_owned());
            record.fault = Some(fault(FaultClass::Invalid));
            record.percent = 20;
            record.history = vec![Operation {
                finished: Some((at(-60), Ending::Failed)),
                ..operation(OperationKind::Creating, -600)
            }];
        }
        State::Recovering => {
            record.input = Some(INPUT.to_owned());
            record.percent = 20;
            operating(&mut record, OperationKind::Creating, -120);
            record.origin = Some(State::Provisioning);
            record.next_attempt = Some(at(8));
            record.fault = Some(fault(FaultClass::Transient));
            record.recovery.last_attempt = Some(at(-2));
            record.recovery.attempts = 1;
            record.recovery.history = vec![attempt(
                "Boom",
                Some(FaultClass::Transient),
                ActionKind::RetryApply,
            )];
            record.recovery.ledger.spent.since = Some(at(-2));
            record.recovery.ledger.spent.actions = 1;
            tried(&mut record, ActionKind::RetryApply, 1);
            if let Some(incident) = &mut record.recovery.ledger.incident {
                incident.doing = Some(ActionKind::RetryApply);
            }
        }
    }
    record
}

/// The record of one that waits too long for what is missing.
pub(crate) fn overdue_record() -> Record {
    let mut record = record(State::Recovering);
    operating(&mut record, OperationKind::Creating, -902);
    follows(&mut record, "TimedOut", None);
    record.origin = Some(State::Validating);
    record.fault = None;
    record.percent = 0;
    record
}

/// The record of one whose child, of that name, is to blame.
pub(crate) fn blaming(state: State, child: &str) -> Record {
    let mut record = record(state);
    record.blamed = Some(child.to_owned());
    if state == State::Recovering {
        follows(&mut record, "Boom", Some(FaultClass::Transient));
    }
    record
}

/// What heals is not its own.
fn follows(record: &mut Record, trigger: &str, class: Option<FaultClass>) {
    record.next_attempt = None;
    record.recovery.ledger = Ledger::default();
    record.recovery.history = vec![attempt(trigger, class, ActionKind::WaitForDependency)];
}

/// The record of an update that came into `state`.
pub(crate) fn updating(state: State) -> Record {
    let mut record = record(state);
    initialize(&mut record);
    record.ready = true;
    record.applied = Some(OTHER.to_owned());
    operating(&mut record, OperationKind::Updating, -120);
    record
}

/// The record of one that is being deleted since a minute, in whatever state it was.
pub(crate) fn leaving(state: State) -> Record {
    let mut record = record(state);
    operating(&mut record, OperationKind::Deleting, -60);
    record.percent = 0;
    record
}
