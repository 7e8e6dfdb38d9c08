use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::advance::Policy;
use crate::cluster::{self, Vpc};
use crate::decision::Decision;
use crate::progress::Progress;
use crate::record::Record;
use crate::template_apply;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

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

fn anew(state: State) -> Child {
    Child {
        made: false,
        ..child(state)
    }
}

fn leaves() -> Child {
    Child {
        deleting: true,
        ready: false,
        ..child(State::Ready)
    }
}

/// An object that is ready.
fn object() -> Object {
    Object {
        name: "Parent/demo".to_owned(),
        uid: "u".to_owned(),
        deleting: false,
        finalized: true,
        paused: None,
        requested: None,
        input: "a".to_owned(),
        record: Record {
            state: State::Ready,
            since: Some(NOW),
            input: Some("a".to_owned()),
            applied: Some("a".to_owned()),
            ready: true,
            initialized: true,
            ..Record::default()
        },
        policy: Policy {
            dependencies: Duration::from_mins(30),
            ..Policy::default()
        },
        faults: Vec::new(),
        ..Object::new("", "")
    }
}

fn apply(workspace: Option<Child>) -> template_apply::Snapshot {
    template_apply::Snapshot {
        object: object(),
        missing: Vec::new(),
        invalid: None,
        workspace,
        retain: false,
    }
}

fn round(seen: &mut template_apply::Snapshot) -> Decision<Record, template_apply::Command> {
    let decision = template_apply::decide(seen, template_apply::assess(seen, NOW), NOW);
    seen.object.record = decision.record.clone();
    decision
}

/// State, whether it is ready, the first wait, and what people are told.
fn said(seen: &mut template_apply::Snapshot) -> String {
    let decision = round(seen);
    let wait = decision.waits.first().map_or("-", |wait| wait.reason.as_str());
    let told: Vec<_> = decision
        .notices
        .iter()
        .map(|notice| notice.reason.as_str())
        .collect();
    format!(
        "{} ready={} wait={wait} told={}",
        decision.record.state,
        decision.record.ready,
        told.join(",")
    )
}

#[test]
fn a_child_that_is_gone_is_made_anew_and_nobody_is_ready_meanwhile() {
    let mut seen = apply(None);
    assert_eq!(
        said(&mut seen),
        "Validating ready=false wait=WorkspaceGone told=WorkspaceGone"
    );
    assert_eq!(
        said(&mut seen),
        "Provisioning ready=false wait=WorkspaceGone told=Provisioning"
    );
    let decision = round(&mut seen);
    assert_eq!(decision.plan.steps().len(), 1, "it is made");
    seen.workspace = Some(anew(State::Pending));
    assert_eq!(said(&mut seen), "Provisioning ready=false wait=Pending told=");
    seen.workspace = Some(child(State::Ready));
    assert_eq!(said(&mut seen), "Configuring ready=false wait=- told=");
    assert_eq!(said(&mut seen), "Ready ready=true wait=- told=Ready");
    assert!(seen.object.record.initialized);
}

#[test]
fn whoever_rests_on_what_leaves_is_degraded_until_it_is_there_again() {
    let mut seen = apply(Some(leaves()));
    assert_eq!(
        said(&mut seen),
        "Degraded ready=false wait=WaitingForDeletion told=Degraded"
    );
    assert_eq!(
        seen.object.record.fault.as_ref().unwrap().to_string(),
        "Child/demo is being deleted"
    );
    assert_eq!(
        said(&mut seen),
        "Degraded ready=false wait=WaitingForDeletion told="
    );
    seen.workspace = None;
    assert_eq!(
        said(&mut seen),
        "Validating ready=false wait=WorkspaceGone told=WorkspaceGone"
    );
    assert_eq!(seen.object.record.fault, None);
}

#[test]
fn what_vanishes_in_the_middle_of_an_update_is_told_once() {
    let mut seen = apply(Some(Child {
        ready: true,
        ..child(State::Provisioning)
    }));
    seen.object.record.state = State::Provisioning;
    assert_eq!(said(&mut seen), "Provisioning ready=true wait=Provisioning told=");
    seen.workspace = None;
    assert_eq!(
        said(&mut seen),
        "Provisioning ready=false wait=WorkspaceGone told=WorkspaceGone"
    );
    assert_eq!(
        said(&mut seen),
        "Provisioning ready=false wait=WorkspaceGone told="
    );
}

#[test]
fn a_child_that_somebody_else_has_made_anew_is_not_what_it_was() {
    let mut seen = apply(Some(anew(State::Provisioning)));
    assert_eq!(
        said(&mut seen),
        "Validating ready=false wait=Provisioning told=WorkspaceGone"
    );
}

#[test]
fn an_update_an_attempt_and_a_failure_are_no_loss() {
    let basis = Basis {
        name: "it",
        gone: "Gone",
    };
    let of = |object: &Object, child: Option<Child>| object.loss(basis, child.as_ref());
    let ready = object();
    for &state in State::ALL {
        let updated = Child {
            ready: true,
            ..child(state)
        };
        assert_eq!(of(&ready, Some(updated)), None, "{state}");
    }
    for state in [State::Failed, State::Degraded, State::Recovering, State::Ready] {
        assert_eq!(of(&ready, Some(anew(state))), None, "{state}");
    }
    let fault = crate::fault::Fault::new(crate::fault::FaultClass::Conflict, "ForeignObject", "theirs");
    let foreign = Child {
        foreign: Some(fault),
        ..leaves()
    };
    assert_eq!(of(&ready, Some(foreign)), None);
    let mut first = object();
    first.record.initialized = false;
    assert_eq!(of(&first, None), None, "it never was in order");
    let mut ending = object();
    ending.deleting = true;
    assert_eq!(of(&ending, None), None);
    assert!(matches!(of(&ready, None), Some(Loss::Gone(_))));
    assert!(matches!(of(&ready, Some(leaves())), Some(Loss::Leaving(_))));
    assert_eq!(
        of(&ready, Some(child(State::Provisioning))),
        Some(Loss::Unready),
        "whoever is tried again after a failure was not in order"
    );
}

#[test]
fn a_cluster_is_not_ready_over_a_network_that_is_gone() {
    let seen = |vpc| cluster::Snapshot {
        object: object(),
        owned: true,
        vpc,
        missing: vec![Wait::new(
            "WorkspaceTemplateApply/net",
            "VPCWorkspaceNotFound",
            "there is none",
        )],
        invalid: None,
        vpc_id: Some("vpc-1".to_owned()),
        wrong_output: None,
        held: None,
        dependents: Vec::new(),
    };
    let shared = |apply| Vpc::Shared { apply };
    let updated = Child {
        ready: true,
        ..child(State::Provisioning)
    };
    for (vpc, state, ready) in [
        (Vpc::Existing, State::Ready, true),
        (shared(Some(child(State::Ready))), State::Ready, true),
        (shared(Some(updated)), State::Validating, true),
        (shared(Some(child(State::Provisioning))), State::Validating, false),
        (shared(Some(anew(State::Provisioning))), State::Validating, false),
        (shared(Some(leaves())), State::Degraded, false),
        (shared(None), State::Validating, false),
    ] {
        let mut seen = seen(vpc.clone());
        let decision = cluster::decide(&seen, cluster::assess(&seen, NOW), NOW);
        assert_eq!(
            (decision.record.state, decision.record.ready),
            (state, ready),
            "{vpc:?}"
        );
        assert!(decision.record.initialized, "{vpc:?}");
        if state == State::Validating {
            seen.object.record = decision.record;
            let decision = cluster::decide(&seen, cluster::assess(&seen, NOW), NOW);
            assert_eq!(decision.waits[0].reason, "VPCWorkspaceNotFound", "{vpc:?}");
        }
    }
    // Nor does it become so while the network that it is about to take is on its way out.
    let mut seen = seen(shared(Some(leaves())));
    seen.object.record.state = State::Configuring;
    let decision = cluster::decide(&seen, cluster::assess(&seen, NOW), NOW);
    assert_eq!(
        (decision.record.state, decision.record.ready),
        (State::Configuring, false)
    );
}
