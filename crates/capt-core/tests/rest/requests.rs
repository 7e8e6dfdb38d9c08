//! What a person asks for is answered, and nothing new begins on what has gone.

use crate::world::{
    NOW, child, cluster, control_plane, round_of_apply, round_of_cluster, round_of_control_plane,
    round_of_workspace, template_apply, workspace,
};
use capt_core::cluster::Vpc;
use capt_core::control_plane::{Endpoint, Kubeconfig, Secret};
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::Child;
use capt_core::progress::Progress;
use capt_core::record::{Run, RunOperation};
use capt_core::recovery::Incident;
use capt_core::wait::Wait;
use capt_core::workspace::{self, RunSeen};

/// What was there when the inputs were checked may have gone before anything is made.
#[test]
fn nothing_new_is_begun_on_what_has_gone_since_it_was_checked() {
    let gone = || {
        vec![Wait::new(
            "TerraformWorkspace/vpc",
            "WorkspaceNotReady",
            "it is being deleted",
        )]
    };
    let mut seen = control_plane(State::Provisioning);
    seen.apply = None;
    seen.missing = gone();
    assert_eq!(round_of_control_plane(&mut seen, NOW), "WorkspaceNotReady");
    assert_eq!(seen.object.record.state, State::Provisioning);
    // What was begun goes on, and is corrected.
    seen.apply = Some(Child {
        matches: false,
        ..child(State::Provisioning)
    });
    assert_eq!(round_of_control_plane(&mut seen, NOW), "ensure-apply");
    seen.apply = None;
    seen.missing.clear();
    assert_eq!(round_of_control_plane(&mut seen, NOW), "ensure-apply");

    let mut seen = template_apply(State::Provisioning);
    seen.missing = gone();
    assert_eq!(round_of_apply(&mut seen, NOW), "WorkspaceNotReady");
    seen.workspace = Some(Child {
        matches: false,
        ..child(State::Provisioning)
    });
    assert_eq!(round_of_apply(&mut seen, NOW), "ensure-workspace");
    seen.workspace = None;
    seen.missing.clear();
    assert_eq!(round_of_apply(&mut seen, NOW), "ensure-workspace");
}

/// A request that is first seen together with the failure is not taken for answered by it.
#[test]
fn a_request_that_arrives_with_a_failure_is_answered() {
    let ask = Some("retry=1".to_owned());
    for (of_child, setback) in [
        (State::Failed, State::Failed),
        (State::Recovering, State::Recovering),
    ] {
        let mut seen = control_plane(State::Configuring);
        seen.apply = Some(child(of_child));
        seen.object.requested.clone_from(&ask);
        round_of_control_plane(&mut seen, NOW);
        assert_eq!(
            (seen.object.record.state, &seen.object.record.honoured),
            (setback, &None)
        );
        round_of_control_plane(&mut seen, NOW);
        assert_eq!(
            (seen.object.record.state, &seen.object.record.honoured),
            (State::Validating, &ask)
        );
    }
    let mut seen = control_plane(State::Ready);
    seen.endpoint = Endpoint::Published;
    seen.kubeconfig = Kubeconfig::Output(Secret::Current);
    seen.ca = Secret::Current;
    seen.apply = Some(child(State::Degraded));
    seen.object.requested.clone_from(&ask);
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Degraded);
    assert_eq!(seen.object.record.honoured, None);
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Validating);
    assert_eq!(seen.object.record.honoured, ask);
}

/// At what goes well, or is in order, nothing is to be tried again.
#[test]
fn a_request_is_answered_by_what_succeeds() {
    let ask = Some("retry=1".to_owned());
    let mut seen = control_plane(State::Provisioning);
    seen.object.requested.clone_from(&ask);
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Configuring);
    assert_eq!(seen.object.record.honoured, ask);
    let mut seen = cluster(State::Configuring, Some(child(State::Ready)));
    seen.object.requested.clone_from(&ask);
    round_of_cluster(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Ready);
    assert_eq!(seen.object.record.honoured, ask);
}

/// As of a run that applies, so of one that destroys: the next round begins another one, without its delay.
#[test]
fn a_request_that_arrives_with_the_failure_of_a_destroy_is_answered() {
    let mut seen = workspace(State::Ready);
    seen.object.deleting = true;
    seen.object.requested = Some("retry=1".to_owned());
    seen.object.record.run = Some(Run {
        number: 2,
        operation: RunOperation::Destroy,
        input: "one".to_owned(),
        opened: NOW,
    });
    let fault = Fault::new(FaultClass::Transient, "Throttled", "too much at once");
    seen.run = Some(RunSeen {
        number: 2,
        progress: Progress::default(),
        unlocked: None,
        changes: true,
        end: Some(workspace::RunEnd::Failed(fault)),
    });
    assert_eq!(round_of_workspace(&mut seen, NOW), "Throttled");
    assert_eq!(seen.object.record.honoured, None);
    assert_eq!(round_of_workspace(&mut seen, NOW), "Destroying");
    assert_eq!(seen.object.record.run.as_ref().map(|run| run.number), Some(3));
    assert_eq!(seen.object.record.honoured, seen.object.requested);
}

/// A pause is over, and the attempt that follows it is written down before anything else is done.
#[test]
fn an_attempt_is_begun_in_a_round_of_its_own() {
    let fault = Fault::new(FaultClass::Transient, "Throttled", "too much at once");
    let mut seen = workspace(State::Recovering);
    seen.protected = false;
    seen.object.record.origin = Some(State::Provisioning);
    seen.object.record.fault = Some(fault.clone());
    seen.object.record.recovery.ledger.incident = Some(Incident::of(&fault, NOW));
    seen.object.record.next_attempt = Some(NOW);
    assert_eq!(round_of_workspace(&mut seen, NOW), "");
    let record = &seen.object.record;
    assert_eq!(record.state, State::Recovering);
    assert_eq!(record.recovery.ledger.attempts(), 1);
    assert!(record.next_attempt.is_some_and(|at| at > NOW));
    assert_eq!(round_of_workspace(&mut seen, NOW), "protect-state");
    assert_eq!(seen.object.record.recovery.ledger.attempts(), 1);
}

/// After a restart nobody knows whether the run has failed before anybody asked.
#[test]
fn a_request_is_not_honoured_before_it_is_known_how_the_run_stands() {
    let mut seen = workspace(State::Provisioning);
    seen.object.requested = Some("retry=1".to_owned());
    seen.object.record.run = Some(Run {
        number: 1,
        operation: RunOperation::Apply,
        input: "one".to_owned(),
        opened: NOW,
    });
    assert_eq!(round_of_workspace(&mut seen, NOW), "start-run");
    assert_eq!(seen.object.record.honoured, None);
    let run = |end| {
        Some(RunSeen {
            number: 1,
            progress: Progress::default(),
            unlocked: None,
            changes: true,
            end,
        })
    };
    // One that goes on answers it; one that had failed is tried again.
    let mut going = seen.clone();
    going.run = run(None);
    round_of_workspace(&mut going, NOW);
    assert_eq!(going.object.record.honoured, going.object.requested);
    let fault = Fault::new(FaultClass::Conflict, "Exists", "it is there");
    seen.run = run(Some(workspace::RunEnd::Failed(fault)));
    round_of_workspace(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Failed);
    round_of_workspace(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Validating);
    assert_eq!(seen.object.record.honoured, seen.object.requested);
}

/// A child that was applied again is Ready at once, and in order only when somebody has looked.
#[test]
fn a_parent_says_that_it_waits_for_a_child_which_is_ready_and_not_in_order() {
    let mut seen = control_plane(State::Configuring);
    seen.endpoint = Endpoint::Published;
    seen.kubeconfig = Kubeconfig::Output(Secret::Current);
    seen.ca = Secret::Current;
    seen.apply = Some(Child {
        ready: false,
        ..child(State::Ready)
    });
    assert_eq!(round_of_control_plane(&mut seen, NOW), "Ready");
    assert_eq!(seen.object.record.state, State::Configuring);
    seen.apply = Some(child(State::Ready));
    assert_eq!(round_of_control_plane(&mut seen, NOW), "");
    assert_eq!(seen.object.record.state, State::Ready);
}

/// What was given up on the way to a new input was never configured for it: in order again means made, not Ready.
#[test]
fn what_was_given_up_goes_the_whole_way_again_once_its_child_is_in_order() {
    for (gave_up, state) in [(true, State::Validating), (false, State::Ready)] {
        let mut seen = control_plane(State::Degraded);
        seen.object.record.gave_up = gave_up;
        seen.object.record.initialized = true;
        seen.object.record.blamed = Some("Child/demo".to_owned());
        seen.apply = Some(child(State::Ready));
        round_of_control_plane(&mut seen, NOW);
        assert_eq!(seen.object.record.state, state, "{gave_up}");
    }
}

/// In Configuring a request is not handed down to a child that applies again, and whose run may have failed by then.
#[test]
fn a_request_is_not_honoured_before_it_is_known_how_the_child_ends() {
    let mut seen = control_plane(State::Configuring);
    seen.object.requested = Some("retry=1".to_owned());
    seen.apply = Some(child(State::Provisioning));
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Configuring);
    assert_eq!(seen.object.record.honoured, None);
    // A child that is in order leaves nothing open; one that had failed is tried again.
    let mut whole = seen.clone();
    whole.apply = Some(child(State::Ready));
    round_of_control_plane(&mut whole, NOW);
    assert_eq!(whole.object.record.honoured, whole.object.requested);
    seen.apply = Some(child(State::Failed));
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Failed);
    assert_eq!(seen.object.record.honoured, None);
    round_of_control_plane(&mut seen, NOW);
    assert_eq!(seen.object.record.state, State::Validating);
    assert_eq!(seen.object.record.honoured, seen.object.requested);
}

/// Whose the apply of a VPC is matters where we would make it; one that is shared is somebody else's by intent.
#[test]
fn an_apply_is_foreign_only_where_it_would_be_ours() {
    let not_ours = Fault::new(FaultClass::Conflict, "Foreign", "not ours");
    let apply = Some(Child {
        foreign: Some(not_ours.clone()),
        ..child(State::Ready)
    });
    let owned = Vpc::Owned {
        apply: apply.clone(),
        retain: false,
    };
    assert_eq!(owned.foreign(), Some(&not_ours));
    assert_eq!(Vpc::Shared { apply }.foreign(), None);
    assert_eq!(Vpc::Existing.foreign(), None);
}
