//! What is kept of an object, value by value: runs, operations, histories, phases, and the words for them.

#![allow(
    clippy::unwrap_used,
    reason = "in a test the line of the panic is the best report"
)]

use std::time::Duration;

use capt_core::advance::{Policy, after, attempts};
use capt_core::decision::Requeue;
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::{Phase, State};
use capt_core::object::{Child, Object};
use capt_core::record::{Ending, HISTORY, OperationKind, Record, RecoveryOutcome, RunOperation};
use jiff::Timestamp;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_run_is_what_it_was_opened_for() {
    let mut record = Record::default();
    record.open_run(RunOperation::Apply, "one", at(7));
    let run = record.run.clone().unwrap();
    assert_eq!(
        (run.number, run.operation, &*run.input, run.opened),
        (1, RunOperation::Apply, "one", at(7))
    );
    record.open_run(RunOperation::Destroy, "two", at(9));
    let run = record.run.clone().unwrap();
    assert_eq!(
        (run.number, run.operation, &*run.input, run.opened),
        (2, RunOperation::Destroy, "two", at(9))
    );
    record.run.as_mut().unwrap().number = u32::MAX;
    record.open_run(RunOperation::Apply, "one", at(9));
    assert_eq!(record.run.unwrap().number, u32::MAX);
}

#[test]
fn an_operation_begins_once_and_ends_once() {
    let mut record = Record {
        percent: 40,
        ..Record::default()
    };
    record.begin(OperationKind::Creating, at(1));
    assert_eq!(record.percent, 0);
    record.percent = 40;
    record.begin(OperationKind::Creating, at(2));
    let operation = record.operation.clone().unwrap();
    assert_eq!((operation.started_at, operation.finished), (at(1), None));
    assert_eq!(
        (record.percent, record.history.len()),
        (40, 0),
        "it goes on as it was"
    );
    assert!(!record.is_deleting());
    record.begin(OperationKind::Deleting, at(3));
    assert!(record.is_deleting());
    assert_eq!(record.percent, 0);
    record.end(Ending::Failed, at(4));
    assert!(!record.is_deleting());
    record.end(Ending::Succeeded, at(5));
    let kept: Vec<_> = record
        .history
        .iter()
        .map(|it| (it.kind, it.started_at, it.finished))
        .collect();
    assert_eq!(
        kept,
        [
            (OperationKind::Creating, at(1), Some((at(3), Ending::Superseded))),
            (OperationKind::Deleting, at(3), Some((at(4), Ending::Failed))),
        ]
    );
}

#[test]
fn a_history_keeps_the_newest_and_no_fewer_than_it_has_room_for() {
    let kept = |count: i64| {
        let mut record = Record::default();
        for second in 0..count {
            record.begin(OperationKind::Updating, at(second));
            record.end(Ending::Succeeded, at(second));
        }
        let first = record.history.first().map(|it| it.started_at.as_second());
        (record.history.len(), first)
    };
    assert_eq!(kept(15), (15, Some(0)));
    assert_eq!(kept(16), (HISTORY, Some(0)));
    assert_eq!(kept(17), (HISTORY, Some(1)));
    assert_eq!(kept(18), (HISTORY, Some(2)));
}

#[test]
fn time_is_learned_from_operations_of_one_kind_that_ended_well() {
    let mut record = Record::default();
    for (kind, from, until, how) in [
        (OperationKind::Creating, 0, 100, Ending::Succeeded),
        (OperationKind::Updating, 0, 7, Ending::Succeeded),
        (OperationKind::Creating, 0, 900, Ending::Failed),
        (OperationKind::Creating, 0, 800, Ending::Superseded),
        (OperationKind::Creating, 50, 20, Ending::Succeeded),
    ] {
        record.begin(kind, at(from));
        record.end(how, at(until));
    }
    let seconds = |kind, percent| record.durations(kind).percentile(percent).map(|it| it.as_secs());
    let creating = record.durations(OperationKind::Creating);
    assert_eq!(
        creating.len(),
        1,
        "nothing is learned of a clock that was set back"
    );
    assert_eq!(seconds(OperationKind::Creating, 0), Some(100));
    assert_eq!(seconds(OperationKind::Updating, 100), Some(7));
    assert_eq!(seconds(OperationKind::Deleting, 100), None);
}

/// By state: the phase of an object that was never Ready, of one that was, and of one that was and is given up.
#[test]
fn the_phase_of_every_state() {
    let phase = |state, initialized, gave_up| {
        let record = Record {
            state,
            initialized,
            gave_up,
            ..Record::default()
        };
        record.phase().name()
    };
    let table: Vec<String> = State::ALL
        .iter()
        .map(|&state| {
            format!(
                "{state} {} {} {}",
                phase(state, false, false),
                phase(state, true, false),
                phase(state, true, true)
            )
        })
        .collect();
    assert_eq!(
        table,
        [
            "Pending Creating Ready Ready",
            "Validating Creating Ready Ready",
            "Provisioning Creating Ready Ready",
            "Configuring Creating Ready Ready",
            "Ready Ready Ready Ready",
            "Degraded Creating Ready Failed",
            "Failed Failed Failed Failed",
            "Recovering Creating Ready Ready",
        ]
    );
}

#[test]
fn of_a_phase_what_is_ready_stays_so() {
    let known = |phase, initialized| {
        let record = Record::of_phase(phase, initialized);
        assert_eq!((record.state, record.since), (State::Pending, None));
        (record.ready, record.initialized)
    };
    assert_eq!(known(Phase::Creating, false), (false, false));
    assert_eq!(known(Phase::Creating, true), (false, true));
    assert_eq!(known(Phase::Ready, false), (true, true));
    assert_eq!(known(Phase::Ready, true), (true, true));
    assert_eq!(known(Phase::Failed, false), (false, false));
    assert_eq!(known(Phase::Failed, true), (false, true));
}

#[test]
fn words_are_the_names_of_their_variants() {
    for kind in [
        OperationKind::Creating,
        OperationKind::Updating,
        OperationKind::Deleting,
    ] {
        assert_eq!(kind.name(), format!("{kind:?}"));
    }
    for ending in [Ending::Succeeded, Ending::Failed, Ending::Superseded] {
        assert_eq!(ending.name(), format!("{ending:?}"));
    }
    for outcome in [
        RecoveryOutcome::Succeeded,
        RecoveryOutcome::Failed,
        RecoveryOutcome::Observed,
        RecoveryOutcome::Escalated,
    ] {
        assert_eq!(outcome.name(), format!("{outcome:?}"));
    }
}

#[test]
fn the_earlier_of_two_looks_is_taken() {
    let (soon, late) = (Requeue::At(at(1)), Requeue::At(at(2)));
    assert_eq!(soon.earliest(late), soon);
    assert_eq!(late.earliest(soon), soon);
    assert_eq!(late.earliest(Requeue::OnChange), late);
    assert_eq!(Requeue::OnChange.earliest(late), late);
    assert_eq!(Requeue::OnChange.earliest(Requeue::OnChange), Requeue::OnChange);
}

#[test]
fn time_ends_where_it_cannot_be_counted_further() {
    assert_eq!(after(at(1), Duration::from_secs(2)), at(3));
    assert_eq!(after(at(1), Duration::ZERO), at(1));
    assert_eq!(after(at(1), Duration::MAX), Timestamp::MAX);
    assert_eq!(after(Timestamp::MAX, Duration::from_secs(1)), Timestamp::MAX);
}

#[test]
fn how_patient_an_object_is_of_which_nothing_else_is_said() {
    let policy = Policy::default();
    let minutes = [policy.dependencies, policy.work, policy.usually].map(|it| it.as_secs() / 60);
    assert_eq!(minutes, [15, 30, 10]);
}

/// How often a subject tries again by itself about a fault of each class.
#[test]
fn attempts_of_every_class() {
    let table: Vec<String> = FaultClass::ALL
        .iter()
        .map(|&class| format!("{class} {}", attempts(class)))
        .collect();
    assert_eq!(
        table,
        [
            "Transient 10",
            "Dependency 20",
            "Locked 20",
            "Interrupted 20",
            "Credentials 3",
            "Permission 0",
            "Quota 0",
            "Conflict 0",
            "Invalid 0",
            "Integrity 0",
            "Environment 2",
            "Unknown 3",
        ]
    );
}

#[test]
fn a_child_is_current_if_nothing_is_wrong_with_it() {
    let current = Child::new("Child/demo", State::Ready);
    assert!(current.is_current());
    let but = |change: fn(&mut Child)| {
        let mut child = current.clone();
        change(&mut child);
        child.is_current()
    };
    assert!(!but(
        |child| child.foreign = Some(Fault::new(FaultClass::Conflict, "Foreign", "not ours"))
    ));
    assert!(!but(|child| child.matches = false));
    assert!(!but(|child| child.observed = false));
    assert!(!but(|child| child.deleting = true));
    assert!(!but(|child| child.ready = false));
    for &state in State::ALL {
        let child = Child {
            ready: true,
            ..Child::new("Child/demo", state)
        };
        assert_eq!(child.is_current(), state == State::Ready, "{state}");
        let new = Child::new("Child/demo", state);
        assert_eq!(
            (new.ready, new.made),
            (state == State::Ready, state == State::Ready)
        );
    }
}

#[test]
fn a_request_is_open_until_it_is_honoured() {
    let asked = |requested: Option<&str>, honoured: Option<&str>| {
        let mut object = Object::new("Object/demo", "uid");
        object.requested = requested.map(str::to_owned);
        object.record.honoured = honoured.map(str::to_owned);
        object.is_asked()
    };
    assert!(!asked(None, None));
    assert!(!asked(None, Some("1")), "what was asked was taken back");
    assert!(asked(Some("1"), None));
    assert!(!asked(Some("1"), Some("1")));
    assert!(asked(Some("2"), Some("1")));
}
