//! Small worlds that once did not come to rest, or came to a wrong one.

#![allow(
    clippy::unwrap_used,
    reason = "in a test the line of the panic is the best report"
)]

use std::time::Duration;

use capt_core::advance::Policy;
use capt_core::cluster::{self, Vpc};
use capt_core::control_plane::{self, Endpoint, Kubeconfig, Secret};
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::progress::Progress;
use capt_core::record::{Record, Run, RunOperation};
use capt_core::recovery::Incident;
use capt_core::template_apply;
use capt_core::wait::Wait;
use capt_core::workspace::{self, Connection, Deletion, RunSeen};
use jiff::{SignedDuration, Timestamp};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const LIMIT: Duration = Duration::from_mins(5);

fn object(state: State) -> Object {
    Object {
        name: "Object/demo".to_owned(),
        uid: "uid".to_owned(),
        deleting: false,
        finalized: true,
        paused: None,
        requested: None,
        input: "one".to_owned(),
        record: Record {
            state,
            since: Some(NOW),
            input: Some("one".to_owned()),
            ..Record::default()
        },
        policy: Policy {
            dependencies: LIMIT,
            ..Policy::default()
        },
        faults: Vec::new(),
        ..Object::new("", "")
    }
}

fn child(state: State) -> Child {
    Child {
        name: "Child/demo".to_owned(),
        foreign: None,
        matches: true,
        observed: true,
        state,
        ready: state == State::Ready,
        made: true,
        deleting: false,
        fault: None,
        waits: Vec::new(),
        progress: Progress::default(),
    }
}

fn cluster(state: State, apply: Option<Child>) -> cluster::Snapshot {
    cluster::Snapshot {
        object: object(state),
        owned: true,
        vpc: Vpc::Owned { apply, retain: false },
        missing: Vec::new(),
        invalid: None,
        vpc_id: Some("vpc-1".to_owned()),
        wrong_output: None,
        held: None,
        dependents: Vec::new(),
    }
}

fn control_plane(state: State) -> control_plane::Snapshot {
    control_plane::Snapshot {
        object: object(state),
        owned: true,
        missing: Vec::new(),
        invalid: None,
        apply: Some(child(State::Ready)),
        held: None,
        endpoint: Endpoint::Found,
        kubeconfig: Kubeconfig::Output(Secret::Stale),
        ca: Secret::Stale,
        wrong_output: None,
    }
}

fn workspace(state: State) -> workspace::Snapshot {
    workspace::Snapshot {
        object: object(state),
        missing: Vec::new(),
        invalid: None,
        run: None,
        connection: Connection::Current,
        protected: true,
        has_state: true,
        deletion: Deletion::Destroy,
        dependents: Vec::new(),
    }
}

fn template_apply(state: State) -> template_apply::Snapshot {
    template_apply::Snapshot {
        object: object(state),
        missing: Vec::new(),
        invalid: None,
        workspace: None,
        retain: false,
    }
}

/// A round at `now`: the record is taken over, and what is done and waited for is said.
fn round_of_cluster(seen: &mut cluster::Snapshot, now: Timestamp) -> String {
    let decision = cluster::decide(seen, cluster::assess(seen, now), now);
    seen.object.record = decision.record;
    said(&decision.plan, &decision.waits)
}

fn round_of_control_plane(seen: &mut control_plane::Snapshot, now: Timestamp) -> String {
    let decision = control_plane::decide(seen, control_plane::assess(seen, now), now);
    seen.object.record = decision.record;
    said(&decision.plan, &decision.waits)
}

fn round_of_workspace(seen: &mut workspace::Snapshot, now: Timestamp) -> String {
    let decision = workspace::decide(seen, workspace::assess(seen, now), now);
    seen.object.record = decision.record;
    said(&decision.plan, &decision.waits)
}

fn round_of_apply(seen: &mut template_apply::Snapshot, now: Timestamp) -> String {
    let decision = template_apply::decide(seen, template_apply::assess(seen, now), now);
    seen.object.record = decision.record;
    said(&decision.plan, &decision.waits)
}

fn said<C>(plan: &capt_core::plan::Plan<C>, waits: &[Wait]) -> String {
    let steps = plan.steps().iter().map(|step| step.id.to_string());
    let waits = waits.iter().map(|wait| wait.reason.clone());
    steps.chain(waits).collect::<Vec<_>>().join(" ")
}

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
