//! What is written into a status is what is read from it again.

#![allow(
    clippy::unwrap_used,
    reason = "in a test the line of the panic is the best report"
)]

use std::collections::BTreeSet;

use capt_api::status::Lifecycle as WireLifecycle;
use capt_core::condition::standard;
use capt_core::fault::{Fault, FaultClass};
use capt_core::health::{CheckKind, Checkup, Judgement, Verdict};
use capt_core::lifecycle::State;
use capt_core::object::Object;
use capt_core::progress::Progress;
use capt_core::record::{
    Ending, Operation, OperationKind, Record, Recovery, RecoveryAttempt, RecoveryOutcome, Run, RunOperation,
};
use capt_core::recovery::{ActionKind, Breaker, Escalation, Incident, Ledger, Spent};
use capt_core::revision::{LastGood, Version};
use capt_core::wait::Wait;
use capt_status::{Kind, Written, child, policy, read_record, write_lifecycle, write_run, write_state};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use proptest::option;
use proptest::prelude::*;

/// A status keeps whole seconds.
fn time() -> impl Strategy<Value = Timestamp> {
    (0i64..2_000_000_000).prop_map(|seconds| Timestamp::from_second(seconds).unwrap())
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        Just(Ending::Succeeded),
        Just(Ending::Failed),
        Just(Ending::Superseded)
    ]
}

fn kind() -> impl Strategy<Value = OperationKind> {
    prop_oneof![
        Just(OperationKind::Creating),
        Just(OperationKind::Updating),
        Just(OperationKind::Deleting)
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    (
        prop::sample::select(FaultClass::ALL),
        "[A-Z][a-z]{1,8}",
        ".{0,20}",
        ".{1,40}",
        ".{0,20}",
    )
        .prop_map(|(class, code, subject, message, position)| {
            Fault::new(class, code, message).on(subject).at(position)
        })
}

fn outcome() -> impl Strategy<Value = RecoveryOutcome> {
    use RecoveryOutcome::{Escalated, Failed, Observed, Succeeded};
    prop::sample::select(&[Succeeded, Failed, Observed, Escalated][..])
}

fn action() -> impl Strategy<Value = ActionKind> {
    prop::sample::select(ActionKind::ALL)
}

prop_compose! {
    fn incident()(
        started_at in time(),
        class in prop::sample::select(FaultClass::ALL),
        trigger in "[A-Z][a-z]{1,8}",
        tried in prop::collection::btree_map(action(), 1u32..50, 0..4),
        doing in option::of(action()),
        escalated in option::of(prop::sample::select(Escalation::ALL)),
    ) -> Incident {
        Incident { started_at, class, trigger, tried, doing, escalated }
    }
}

prop_compose! {
    fn checkup()(
        checks in prop::collection::btree_map(
            prop::sample::select(CheckKind::ALL),
            (0..3usize, option::of(time()), 0u32..5, "[a-z ]{0,20}"),
            0..5,
        ),
        looked in option::of(time()),
    ) -> Checkup {
        let judgement = |(verdict, since, against, message)| Judgement {
            verdict: [Verdict::Unknown, Verdict::Passing, Verdict::Failing][verdict],
            since,
            against,
            message,
        };
        let judgements = checks.into_iter().map(|(kind, it)| (kind, judgement(it))).collect();
        Checkup { judgements, looked }
    }
}

prop_compose! {
    fn last_good()(
        revision in option::of("[a-z]{3}-[0-9]"),
        version in option::of((1u32..3, 0u32..99)),
        input in "[0-9a-f]{8}",
        outputs in option::of("[0-9a-f]{8}"),
        time in time(),
    ) -> LastGood {
        let version = version.map(|(major, minor)| Version { major, minor });
        LastGood { revision, version, input, outputs, time }
    }
}

prop_compose! {
    fn recovery()(
        last_attempt in option::of(time()),
        counts in (1u32..100, 0u32..100),
        history in prop::collection::vec((time(), 0i64..5000, option::of(outcome()), option::of(action()), option::of(prop::sample::select(FaultClass::ALL))), 0..5),
        incident in option::of(incident()),
        breaker in (0u32..10, option::of(time())),
        spent in (option::of(time()), 0u32..50),
    ) -> Recovery {
        Recovery {
            ledger: Ledger {
                incident,
                breaker: Breaker { failures: breaker.0, last_failure: breaker.1 },
                spent: Spent { since: spent.0, actions: spent.1 },
            },
            last_attempt,
            attempts: counts.0,
            successes: counts.1.min(counts.0),
            history: history.into_iter().map(|(time, seconds, how, action, class)| RecoveryAttempt {
                time,
                trigger: "Throttled".to_owned(),
                class,
                action,
                finished: how.map(|how| (time + jiff::SignedDuration::from_secs(seconds), how)),
            }).collect(),
        }
    }
}

prop_compose! {
    fn record()(
        state in prop::sample::select(State::ALL),
        times in (option::of(time()), option::of(time())),
        origin in option::of(prop::sample::select(State::ALL)),
        digests in (option::of("[0-9a-f]{8}"), option::of("[0-9a-f]{8}"), option::of("retry=[a-z]{3}")),
        flags in any::<(bool, bool, bool)>(),
        judged in (checkup(), option::of(last_good())),
        fault in option::of((fault(), option::of("Kind/[a-z]{3}"))),
        run in option::of((1u32..100, any::<bool>(), time())),
        operation in option::of((kind(), time())),
        history in prop::collection::vec((kind(), time(), time(), ending()), 0..16),
        recovery in recovery(),
        percent in 0u8..=100,
    ) -> Record {
        Record {
            state,
            since: times.0,
            origin,
            input: digests.0,
            applied: digests.1,
            ready: flags.0,
            initialized: flags.1,
            next_attempt: times.1,
            gave_up: flags.2,
            blamed: fault.as_ref().and_then(|(_, blamed)| blamed.clone()),
            fault: fault.map(|(fault, _)| fault),
            honoured: digests.2,
            run: run.map(|(number, apply, opened)| Run {
                number,
                operation: if apply { RunOperation::Apply } else { RunOperation::Destroy },
                input: "input".to_owned(),
                opened,
            }),
            operation: operation.map(|(kind, started_at)| Operation { kind, started_at, finished: None }),
            history: history.into_iter().map(|(kind, started_at, at, how)| {
                Operation { kind, started_at, finished: Some((at, how)) }
            }).collect(),
            recovery,
            checkup: judged.0,
            last_good: judged.1,
            percent,
        }
    }
}

fn object(record: Record) -> Object {
    Object {
        finalized: true,
        input: "input".to_owned(),
        record,
        policy: policy(Kind::Workspace, None, None),
        ..Object::new("TerraformWorkspace/demo", "uid")
    }
}

fn write(record: &Record, before: &WireLifecycle, waits: &[Wait], now: Timestamp) -> WireLifecycle {
    let object = object(record.clone());
    write_lifecycle(Written {
        object: &object,
        record,
        progress: Progress {
            percent: record.percent,
            ..Progress::default()
        },
        waits,
        conditions: standard(&object, record, waits, now),
        generation: Some(3),
        before,
        now,
    })
}

proptest! {
    #[test]
    fn a_record_survives_its_status(record in record(), now in time()) {
        let written = write(&record, &WireLifecycle::default(), &[], now);
        let text = serde_json::to_string(&written).unwrap();
        let read: WireLifecycle = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&serde_json::to_string(&read).unwrap(), &text);
        prop_assert_eq!(read_record(&read, record.run.as_ref().map(write_run).as_ref()), record);
    }

    #[test]
    fn a_status_does_not_change_while_nothing_happens(record in record(), now in time(), later in 1i64..600) {
        let wait = [Wait::new("Secret/x", "SecretMissing", "Secret x does not exist")];
        let first = write(&record, &WireLifecycle::default(), &wait, now);
        let later = now + jiff::SignedDuration::from_secs(later);
        let second = write(&record, &first, &wait, later);
        // Becoming overdue is the one thing that time alone changes.
        if first.progress.as_ref().unwrap().overdue == second.progress.as_ref().unwrap().overdue {
            prop_assert_eq!(second, first);
        }
    }

    #[test]
    fn reconciling_and_stalled_are_never_both_said(record in record(), now in time()) {
        let written = write(&record, &WireLifecycle::default(), &[], now);
        let said: BTreeSet<_> = written.conditions.iter().map(|condition| condition.type_.as_str()).collect();
        prop_assert!(!(said.contains("Reconciling") && said.contains("Stalled")));
        prop_assert_eq!(said.len(), written.conditions.len());
        for condition in &written.conditions {
            prop_assert!(!condition.reason.is_empty(), "{} has no reason", condition.type_);
        }
    }
}

#[test]
fn the_states_of_wire_and_core_are_the_same() {
    let wire: Vec<_> = capt_api::status::State::ALL
        .iter()
        .map(|state| state.name())
        .collect();
    let core: Vec<_> = State::ALL.iter().map(|state| state.name()).collect();
    assert_eq!(wire, core);
    for &state in State::ALL {
        assert_eq!(capt_status::read_state(write_state(state)), state);
    }
}

#[test]
fn a_child_is_observed_only_with_its_generation_and_its_requests() {
    let status = WireLifecycle {
        observed_generation: Some(2),
        ..WireLifecycle::default()
    };
    let mut metadata = ObjectMeta {
        name: Some("demo".to_owned()),
        generation: Some(2),
        ..ObjectMeta::default()
    };
    assert!(child("Kind", &metadata, None, Some(&status), true).observed);
    metadata.annotations = Some([(capt_api::keys::RETRY.to_owned(), "1".to_owned())].into());
    assert!(!child("Kind", &metadata, None, Some(&status), true).observed);
    metadata.annotations = None;
    metadata.generation = Some(3);
    assert!(!child("Kind", &metadata, None, Some(&status), true).observed);
    assert!(!child("Kind", &metadata, None, None, true).observed);
}

#[test]
fn a_child_that_is_paused_has_not_observed_a_spec_that_came_later() {
    let record = Record {
        state: State::Ready,
        ready: true,
        ..Record::default()
    };
    let observed = |paused: Option<&str>| {
        let object = Object {
            paused: paused.map(str::to_owned),
            ..object(record.clone())
        };
        let now = Timestamp::UNIX_EPOCH;
        let before = WireLifecycle {
            observed_generation: Some(1),
            ..WireLifecycle::default()
        };
        let status = write_lifecycle(Written {
            object: &object,
            record: &record,
            progress: Progress::finished(),
            waits: &[],
            conditions: standard(&object, &record, &[], now),
            generation: Some(2),
            before: &before,
            now,
        });
        let metadata = ObjectMeta {
            name: Some("demo".to_owned()),
            generation: Some(2),
            ..ObjectMeta::default()
        };
        child("Kind", &metadata, None, Some(&status), true).observed
    };
    assert!(observed(None));
    assert!(!observed(Some("paused")));
}
