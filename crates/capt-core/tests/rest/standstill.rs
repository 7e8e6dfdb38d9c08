//! Nothing goes round in circles, and nothing is done for what nobody owns.

use crate::world::{
    LIMIT, NOW, child, cluster, control_plane, round_of_cluster, round_of_control_plane, round_of_workspace,
    workspace,
};
use capt_core::cluster::Vpc;
use capt_core::control_plane::{Endpoint, Kubeconfig, Secret};
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::Child;
use capt_core::progress::Progress;
use capt_core::record::{Run, RunOperation};
use capt_core::recovery::{Breaker, Escalation, RecoveryMode};
use capt_core::wait::Wait;
use capt_core::workspace::{self, RunSeen};
use jiff::{SignedDuration, Timestamp};

#[test]
fn nothing_is_made_for_a_cluster_that_has_lost_its_owner() {
    let mut seen = cluster(State::Provisioning, None);
    assert_eq!(round_of_cluster(&mut seen, NOW), "ensure-vpc");
    seen.owned = false;
    assert_eq!(round_of_cluster(&mut seen, NOW), "WaitingForCluster");
    assert_eq!(seen.object.record.state, State::Provisioning);
    let mut seen = cluster(State::Validating, None);
    seen.owned = false;
    assert_eq!(round_of_cluster(&mut seen, NOW), "WaitingForCluster");
    assert_eq!(seen.object.record.state, State::Validating);
    seen.owned = true;
    round_of_cluster(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Provisioning);
}

#[test]
fn nothing_is_made_for_a_control_plane_that_has_lost_its_owner() {
    let mut seen = control_plane(State::Provisioning);
    seen.apply = None;
    assert_eq!(round_of_control_plane(&mut seen, NOW), "ensure-apply");
    seen.owned = false;
    assert_eq!(round_of_control_plane(&mut seen, NOW), "WaitingForCluster");
    let mut seen = control_plane(State::Configuring);
    let all = "publish-endpoint write-ca write-kubeconfig";
    assert_eq!(round_of_control_plane(&mut seen, NOW), all);
    seen.owned = false;
    assert_eq!(round_of_control_plane(&mut seen, NOW), "WaitingForCluster");
    let mut seen = control_plane(State::Validating);
    seen.owned = false;
    assert_eq!(round_of_control_plane(&mut seen, NOW), "WaitingForCluster");
    assert_eq!(seen.object.record.state, State::Validating);
    // What is there is taken down all the same.
    seen.object.deleting = true;
    assert_eq!(
        round_of_control_plane(&mut seen, NOW),
        "delete-apply WaitingForWorkspace"
    );
}

#[test]
fn an_overdue_wait_for_a_new_input_does_not_begin_again_by_itself() {
    let mut seen = workspace(State::Ready);
    seen.object.input = "two".to_owned();
    seen.missing = vec![Wait::new("Secret/it", "SecretMissing", "it is not there")];
    round_of_workspace(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Validating);
    let late = NOW + SignedDuration::try_from(LIMIT).unwrap();
    round_of_workspace(&mut seen, late);
    assert_eq!(seen.object.record.state, State::Recovering);
    let before = seen.object.record.clone();
    assert_eq!(round_of_workspace(&mut seen, late), "SecretMissing");
    assert_eq!(seen.object.record, before, "it rests");
    // Another input does begin again, and so does the arrival of what is missing.
    seen.object.input = "three".to_owned();
    round_of_workspace(&mut seen, late);
    assert_eq!(seen.object.record.state, State::Validating);
    seen.missing.clear();
    round_of_workspace(&mut seen, late);
    assert_eq!(seen.object.record.state, State::Provisioning);
    assert_eq!(seen.object.record.input.as_deref(), Some("three"));
}

#[test]
fn a_cluster_is_ready_only_when_its_apply_is() {
    let mut seen = cluster(State::Configuring, Some(child(State::Provisioning)));
    if let Vpc::Owned {
        apply: Some(apply), ..
    } = &mut seen.vpc
    {
        apply.ready = true;
    }
    assert_eq!(round_of_cluster(&mut seen, NOW), "Provisioning");
    assert_eq!(
        seen.object.record.state,
        State::Configuring,
        "an id is known from before"
    );
    seen.vpc = Vpc::Owned {
        apply: Some(child(State::Ready)),
        retain: false,
    };
    round_of_cluster(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Ready);
}

#[test]
fn a_workspace_does_not_fail_while_its_run_is_going_on() {
    let mut seen = workspace(State::Provisioning);
    seen.object.record.run = Some(Run {
        number: 1,
        operation: RunOperation::Apply,
        input: "one".to_owned(),
        opened: NOW,
    });
    seen.object.faults = vec![Fault::new(FaultClass::Quota, "Exceeded", "there is no room")];
    let run = |end| {
        Some(RunSeen {
            number: 1,
            progress: Progress::default(),
            unlocked: None,
            changes: true,
            end,
        })
    };
    seen.run = run(None);
    round_of_workspace(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Provisioning);
    let fault = Fault::new(FaultClass::Invalid, "Wrong", "it is wrong");
    seen.run = run(Some(workspace::RunEnd::Failed(fault)));
    round_of_workspace(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Failed);
}

#[test]
fn a_request_that_a_child_has_not_got_does_not_send_its_parent_round_in_circles() {
    let mut seen = control_plane(State::Configuring);
    seen.apply = Some(child(State::Recovering));
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Recovering);
    // While it recovers, its requests are a part of what the child should be; in Configuring they were not.
    seen.apply = Some(Child {
        matches: false,
        ..child(State::Recovering)
    });
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Validating);
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(round_of_control_plane(&mut seen, NOW), "ensure-apply");
}

#[test]
fn a_parent_leaves_failed_once_its_child_is_mended_even_if_it_differs() {
    let mut seen = control_plane(State::Failed);
    seen.object.record.blamed = Some("Child/demo".to_owned());
    for state in [State::Failed, State::Recovering] {
        seen.apply = Some(Child {
            matches: false,
            ..child(state)
        });
        round_of_control_plane(&mut seen, NOW);
        assert_eq!(
            seen.object.record.state,
            State::Failed,
            "over a child that is {state}"
        );
    }
    seen.apply = Some(Child {
        matches: false,
        ..child(State::Ready)
    });
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Validating);
}

/// A clock that went wrong has dated the last attempt, and the breaker is open: it waits for that and for nobody.
#[test]
fn a_pause_is_kept_although_another_clock_has_dated_the_last_attempt() {
    let mut seen = cluster(State::Validating, None);
    let fault = Fault::new(FaultClass::Transient, "Throttling", "slow down");
    seen.invalid = Some(fault.clone());
    let recovery = &mut seen.object.record.recovery;
    recovery.last_attempt = Some(Timestamp::MAX);
    recovery
        .ledger
        .escalate(&fault, Escalation::IncidentExhausted, NOW);
    recovery.ledger.breaker = Breaker {
        failures: 3,
        last_failure: Some(NOW),
    };
    round_of_cluster(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Recovering);
    let record = seen.object.record.clone();
    assert_eq!(record.recovery.ledger.incident.as_ref().unwrap().escalated, None);
    let until = record.next_attempt.unwrap();
    assert!(until > NOW);
    let before = until - SignedDuration::from_millis(1);
    for now in [NOW, before] {
        round_of_cluster(&mut seen, now);
        assert_eq!(seen.object.record, record, "{now}");
    }
    round_of_cluster(&mut seen, until);
    assert_eq!(seen.object.record.recovery.last_attempt, Some(until));
}

/// Inputs that were invalid are looked at while it recovers: what is missing is waited for, and nothing else matters.
#[test]
fn a_control_plane_that_recovers_from_its_inputs_looks_at_them() {
    let recovering = || {
        let mut seen = control_plane(State::Recovering);
        seen.object.record.origin = Some(State::Validating);
        seen.object.record.next_attempt = Some(Timestamp::MAX);
        seen.apply = None;
        seen
    };
    let mut seen = recovering();
    seen.missing = vec![Wait::new("Secret/it", "SecretMissing", "it is not there")];
    assert_eq!(round_of_control_plane(&mut seen, NOW), "SecretMissing");
    assert_eq!(seen.object.record.state, State::Recovering);
    let mut seen = recovering();
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Validating);
}

/// What is done about the fault of a child is not for its parent to say.
#[test]
fn who_only_observes_writes_nothing_down_for_a_child() {
    let mut seen = control_plane(State::Ready);
    seen.object.policy.recovery.mode = RecoveryMode::Observe;
    seen.endpoint = Endpoint::Published;
    seen.kubeconfig = Kubeconfig::Output(Secret::Current);
    seen.ca = Secret::Current;
    seen.apply = Some(Child {
        fault: Some(Fault::new(FaultClass::Transient, "Throttling", "slow down")),
        ..child(State::Degraded)
    });
    round_of_control_plane(&mut seen, NOW);
    let record = &seen.object.record;
    assert_eq!(
        (record.state, record.blamed.as_deref()),
        (State::Degraded, Some("Child/demo"))
    );
    assert!(record.recovery.history.is_empty(), "{:?}", record.recovery);
}
