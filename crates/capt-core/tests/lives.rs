//! Whole lives of subjects, driven through `assess` and `decide` alone: snapshots in, transcript out.

#![allow(
    clippy::unwrap_used,
    reason = "in a test the line of the panic is the best report"
)]
#![allow(
    clippy::unnecessary_wraps,
    reason = "fixtures have the type of the field that they fill"
)]

use std::fmt::Write as _;
use std::time::Duration;

use capt_core::advance::{Policy, RecoveryMode};
use capt_core::decision::{Decision, Requeue};
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::progress::Progress;
use capt_core::record::{Record, RunOperation};
use capt_core::retry::RetryStrategy;
use capt_core::wait::Wait;
use capt_core::{cluster, control_plane, template_apply, workspace};
use jiff::{SignedDuration, Timestamp};

fn policy() -> Policy {
    Policy {
        retry: RetryStrategy {
            max_retries: 2,
            ..RetryStrategy::default()
        },
        mode: RecoveryMode::Act,
        dependencies: Duration::from_mins(5),
        work: Duration::from_mins(30),
    }
}

fn object(name: &str) -> Object {
    Object {
        name: name.to_owned(),
        uid: "uid".to_owned(),
        deleting: false,
        finalized: false,
        paused: None,
        requested: None,
        input: "one".to_owned(),
        record: Record::default(),
        policy: policy(),
        faults: Vec::new(),
    }
}

fn child(name: &str, state: State) -> Child {
    Child {
        name: name.to_owned(),
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

/// A clock and the transcript that is written as it runs.
struct Life {
    now: Timestamp,
    text: String,
}

impl Life {
    fn new() -> Self {
        Self {
            now: Timestamp::UNIX_EPOCH,
            text: String::new(),
        }
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        writeln!(self.text, "-- {seconds} s pass").unwrap();
    }

    fn say(&mut self, what: &str) {
        writeln!(self.text, "-- {what}").unwrap();
    }

    fn write<C: std::fmt::Debug>(&mut self, decision: &Decision<Record, C>) -> Record {
        let record = &decision.record;
        write!(self.text, "{:<12}", record.state.name()).unwrap();
        if record.attempt > 0 {
            write!(self.text, " attempt={}", record.attempt).unwrap();
        }
        for step in decision.plan.steps() {
            write!(self.text, " do={:?}", step.command).unwrap();
        }
        for wait in &decision.waits {
            write!(self.text, " wait={}:{}", wait.reason, wait.on).unwrap();
        }
        for notice in &decision.notices {
            write!(self.text, " say={}", notice.reason).unwrap();
        }
        if let Requeue::At(at) = decision.requeue {
            write!(self.text, " again={}s", at.duration_since(self.now).as_secs()).unwrap();
        }
        self.text.push('\n');
        record.clone()
    }

    fn workspace(&mut self, snapshot: &mut workspace::Snapshot) {
        let decision = workspace::decide(snapshot, workspace::assess(snapshot, self.now), self.now);
        assert_eq!(
            decision,
            workspace::decide(snapshot, workspace::assess(snapshot, self.now), self.now)
        );
        snapshot.object.record = self.write(&decision);
        snapshot.object.record.percent = workspace::progress(snapshot, &snapshot.object.record).percent;
    }

    fn apply(&mut self, snapshot: &mut template_apply::Snapshot) {
        let decision = template_apply::decide(snapshot, template_apply::assess(snapshot, self.now), self.now);
        snapshot.object.record = self.write(&decision);
    }

    fn cluster(&mut self, snapshot: &mut cluster::Snapshot) {
        let decision = cluster::decide(snapshot, cluster::assess(snapshot, self.now), self.now);
        snapshot.object.record = self.write(&decision);
    }

    fn control_plane(&mut self, snapshot: &mut control_plane::Snapshot) {
        let decision = control_plane::decide(snapshot, control_plane::assess(snapshot, self.now), self.now);
        snapshot.object.record = self.write(&decision);
    }
}

fn new_workspace() -> workspace::Snapshot {
    workspace::Snapshot {
        object: object("TerraformWorkspace/demo"),
        missing: Vec::new(),
        invalid: None,
        run: None,
        connection: workspace::Connection::Stale,
        protected: false,
        has_state: false,
        deletion: workspace::Deletion::Destroy,
        dependents: Vec::new(),
    }
}

fn run(number: u32, end: Option<workspace::RunEnd>) -> Option<workspace::RunSeen> {
    Some(workspace::RunSeen {
        number,
        progress: Progress {
            percent: 40,
            ..Progress::default()
        },
        unlocked: None,
        changes: true,
        end,
    })
}

fn failed(class: FaultClass) -> Option<workspace::RunEnd> {
    Some(workspace::RunEnd::Failed(Fault::new(
        class,
        "Boom",
        "it went wrong",
    )))
}

fn ready_workspace(life: &mut Life) -> workspace::Snapshot {
    let mut seen = new_workspace();
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.object.finalized = true;
    seen.run = run(1, None);
    life.workspace(&mut seen);
    seen.run = run(1, Some(workspace::RunEnd::Succeeded));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.connection = workspace::Connection::Current;
    seen.protected = true;
    life.workspace(&mut seen);
    seen
}

#[test]
fn a_run_that_has_changed_nothing_gives_way_to_a_newer_input() {
    let mut life = Life::new();
    let mut seen = ready_workspace(&mut life);
    life.say("the input changes");
    seen.object.input = "two".to_owned();
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(2, None).map(|run| workspace::RunSeen {
        changes: false,
        ..run
    });
    life.workspace(&mut seen);
    life.say("it changes again before the apply");
    seen.object.input = "three".to_owned();
    life.workspace(&mut seen);
    life.say("and back, which changes nothing about that");
    seen.object.input = "two".to_owned();
    life.workspace(&mut seen);
    seen.object.input = "three".to_owned();
    seen.run = run(2, failed(FaultClass::Interrupted));
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.fault, None);
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.run.as_ref().unwrap().number, 3);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_workspace_is_created_updated_and_destroyed() {
    let mut life = Life::new();
    let mut seen = ready_workspace(&mut life);
    assert!(seen.object.record.ready);
    life.say("converged");
    life.workspace(&mut seen);
    life.say("the input changes");
    seen.object.input = "two".to_owned();
    life.workspace(&mut seen);
    assert!(seen.object.record.ready, "an update does not take Ready away");
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.say("it changes again while the run is going on");
    seen.run = run(2, None);
    seen.object.input = "three".to_owned();
    life.workspace(&mut seen);
    seen.run = run(2, Some(workspace::RunEnd::Succeeded));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(3, Some(workspace::RunEnd::Succeeded));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.applied.as_deref(), Some("three"));
    life.say("it is deleted");
    seen.object.deleting = true;
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(
        seen.object.record.run.as_ref().unwrap().operation,
        RunOperation::Destroy
    );
    seen.run = run(4, None);
    life.workspace(&mut seen);
    seen.run = run(4, failed(FaultClass::Dependency));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.pass(700);
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(5, Some(workspace::RunEnd::Succeeded));
    life.workspace(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_workspace_recovers_gives_up_and_is_mended() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.object.finalized = true;
    for number in 1..=3 {
        while seen
            .object
            .record
            .run
            .as_ref()
            .is_none_or(|run| run.number < number)
        {
            life.workspace(&mut seen);
            if seen.object.record.state == State::Recovering {
                life.pass(60);
            }
        }
        life.workspace(&mut seen);
        seen.run = run(number, failed(FaultClass::Transient));
        life.workspace(&mut seen);
    }
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.state, State::Failed);
    life.workspace(&mut seen);
    life.say("a person asks for a retry");
    seen.object.requested = Some("retry=1".to_owned());
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(4, failed(FaultClass::Invalid));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.say("the input is mended");
    seen.object.input = "two".to_owned();
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.state, State::Validating);
    assert_eq!(seen.object.record.recovery.attempts, 3);
    insta::assert_snapshot!(life.text);
}

#[test]
fn an_interrupted_run_is_taken_up_at_once_and_costs_no_attempt() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.object.finalized = true;
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(1, failed(FaultClass::Interrupted));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.attempt, 0);
    assert_eq!(seen.object.record.run.as_ref().unwrap().number, 2);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_wait_that_lasts_too_long_shows_as_recovering_until_it_is_over() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.missing = vec![Wait::new(
        "Secret/credentials",
        "SecretMissing",
        "Secret credentials does not exist",
    )];
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.pass(300);
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.missing.clear();
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.state, State::Provisioning);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_workspace_that_never_ran_or_stays_behind_is_let_go() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.object.finalized = true;
    seen.object.deleting = true;
    life.workspace(&mut seen);
    let mut seen = ready_workspace(&mut life);
    seen.object.deleting = true;
    seen.deletion = workspace::Deletion::Orphan;
    life.workspace(&mut seen);
    life.say("delete while creating");
    let mut seen = new_workspace();
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.object.finalized = true;
    seen.object.deleting = true;
    seen.run = run(1, None);
    life.workspace(&mut seen);
    seen.run = run(1, failed(FaultClass::Interrupted));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn an_apply_mirrors_its_workspace() {
    let mut life = Life::new();
    let mut seen = template_apply::Snapshot {
        object: object("WorkspaceTemplateApply/demo"),
        missing: Vec::new(),
        invalid: None,
        workspace: None,
        retain: false,
    };
    life.apply(&mut seen);
    life.apply(&mut seen);
    life.apply(&mut seen);
    seen.object.finalized = true;
    for state in [
        State::Provisioning,
        State::Recovering,
        State::Recovering,
        State::Provisioning,
        State::Failed,
        State::Failed,
    ] {
        life.say(state.name());
        let fault = Fault::new(FaultClass::Transient, "Throttled", "too many requests");
        seen.workspace = Some(Child {
            fault: Some(fault),
            ..child("TerraformWorkspace/demo", state)
        });
        life.apply(&mut seen);
    }
    for state in [
        State::Validating,
        State::Validating,
        State::Provisioning,
        State::Ready,
        State::Ready,
        State::Ready,
    ] {
        life.say(state.name());
        seen.workspace = Some(child("TerraformWorkspace/demo", state));
        life.apply(&mut seen);
    }
    assert!(seen.object.record.ready);
    life.say("deleted, retained");
    seen.object.deleting = true;
    seen.retain = true;
    life.apply(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_foreign_child_is_never_touched() {
    let mut life = Life::new();
    let mut seen = template_apply::Snapshot {
        object: object("WorkspaceTemplateApply/demo"),
        missing: Vec::new(),
        invalid: None,
        workspace: Some(Child {
            foreign: Some(
                Fault::new(
                    FaultClass::Conflict,
                    "ForeignObject",
                    "it belongs to somebody else",
                )
                .on("TerraformWorkspace/demo"),
            ),
            ..child("TerraformWorkspace/demo", State::Ready)
        }),
        retain: false,
    };
    seen.object.finalized = true;
    for _ in 0..4 {
        life.apply(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Failed);
    seen.object.deleting = true;
    life.apply(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_cluster_waits_for_its_owner_and_outlives_its_control_plane() {
    let mut life = Life::new();
    let mut seen = cluster::Snapshot {
        object: object("CAPTCluster/demo"),
        owned: false,
        vpc: cluster::Vpc::Owned {
            apply: None,
            retain: false,
        },
        missing: Vec::new(),
        invalid: None,
        vpc_id: None,
        wrong_output: None,
        held: None,
        dependents: Vec::new(),
    };
    life.cluster(&mut seen);
    seen.owned = true;
    for _ in 0..3 {
        life.cluster(&mut seen);
    }
    seen.object.finalized = true;
    seen.vpc = cluster::Vpc::Owned {
        apply: Some(child("WorkspaceTemplateApply/demo-vpc", State::Ready)),
        retain: false,
    };
    life.cluster(&mut seen);
    life.cluster(&mut seen);
    seen.vpc_id = Some("vpc-1".to_owned());
    life.cluster(&mut seen);
    assert_eq!(seen.object.record.state, State::Ready);
    seen.object.deleting = true;
    seen.dependents = vec!["CAPTControlPlane/demo".to_owned()];
    life.cluster(&mut seen);
    seen.dependents.clear();
    life.cluster(&mut seen);
    seen.vpc = cluster::Vpc::Owned {
        apply: None,
        retain: false,
    };
    life.cluster(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_wrong_output_fails_until_it_is_another_one() {
    let mut life = Life::new();
    let missing = Fault::of_output("vpc_id", "OutputMissing", "there is none");
    let mut seen = cluster::Snapshot {
        object: object("CAPTCluster/demo"),
        owned: true,
        vpc: cluster::Vpc::Owned {
            apply: Some(child("WorkspaceTemplateApply/demo-vpc", State::Ready)),
            retain: false,
        },
        missing: Vec::new(),
        invalid: None,
        vpc_id: None,
        wrong_output: Some(missing.clone()),
        held: None,
        dependents: Vec::new(),
    };
    seen.object.finalized = true;
    for _ in 0..8 {
        life.cluster(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Failed);
    assert_eq!(seen.object.record.fault, Some(missing));
    life.say("the template is mended, and applied anew");
    for state in [State::Provisioning, State::Configuring] {
        seen.vpc = cluster::Vpc::Owned {
            apply: Some(child("WorkspaceTemplateApply/demo-vpc", state)),
            retain: false,
        };
        life.cluster(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Provisioning, "it follows again");
    seen.vpc = cluster::Vpc::Owned {
        apply: Some(child("WorkspaceTemplateApply/demo-vpc", State::Ready)),
        retain: false,
    };
    life.say("but now it is empty");
    let empty = Fault::of_output("vpc_id", "OutputInvalid", "it is empty");
    seen.wrong_output = Some(empty.clone());
    for _ in 0..8 {
        life.cluster(&mut seen);
    }
    assert_eq!(seen.object.record.fault, Some(empty));
    life.say("and then it is right");
    seen.wrong_output = None;
    seen.vpc_id = Some("vpc-1".to_owned());
    for _ in 0..4 {
        life.cluster(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Ready);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_parent_that_follows_a_recovering_child_counts_and_plans_no_attempts() {
    let mut life = Life::new();
    let mut seen = template_apply::Snapshot {
        object: object("WorkspaceTemplateApply/demo-vpc"),
        missing: Vec::new(),
        invalid: None,
        workspace: Some(child("TerraformWorkspace/demo-vpc", State::Recovering)),
        retain: false,
    };
    seen.object.finalized = true;
    for _ in 0..6 {
        life.apply(&mut seen);
    }
    let record = &seen.object.record;
    assert_eq!(record.state, State::Recovering);
    assert_eq!((record.next_attempt, record.attempt), (None, 0));
    if let Some(child) = &mut seen.workspace {
        child.matches = false;
    }
    life.apply(&mut seen);
    assert_eq!(
        seen.object.record.state,
        State::Provisioning,
        "to make it what it should be"
    );
}

#[test]
fn a_control_plane_is_ready_only_with_endpoint_and_secrets() {
    use control_plane::{Endpoint, Kubeconfig, Secret};
    let mut life = Life::new();
    let mut seen = control_plane::Snapshot {
        object: object("CAPTControlPlane/demo"),
        owned: true,
        missing: Vec::new(),
        invalid: None,
        apply: None,
        held: None,
        endpoint: Endpoint::Unknown,
        kubeconfig: Kubeconfig::Template {
            apply: None,
            secret: Secret::Unknown,
        },
        ca: Secret::Unknown,
        wrong_output: None,
    };
    for _ in 0..3 {
        life.control_plane(&mut seen);
    }
    seen.object.finalized = true;
    seen.apply = Some(child("WorkspaceTemplateApply/demo-eks", State::Ready));
    life.control_plane(&mut seen);
    life.control_plane(&mut seen);
    life.say("the outputs are there");
    seen.endpoint = Endpoint::Found;
    seen.ca = Secret::Stale;
    life.control_plane(&mut seen);
    seen.endpoint = Endpoint::Published;
    seen.ca = Secret::Current;
    life.say("the kubeconfig fails and heals");
    for state in [
        State::Recovering,
        State::Recovering,
        State::Provisioning,
        State::Ready,
    ] {
        let apply = Some(child("WorkspaceTemplateApply/demo-kubeconfig", state));
        seen.kubeconfig = Kubeconfig::Template {
            apply,
            secret: Secret::Unknown,
        };
        life.control_plane(&mut seen);
    }
    assert_ne!(seen.object.record.state, State::Ready);
    let apply = Some(child("WorkspaceTemplateApply/demo-kubeconfig", State::Ready));
    seen.kubeconfig = Kubeconfig::Template {
        apply: apply.clone(),
        secret: Secret::Stale,
    };
    life.control_plane(&mut seen);
    seen.kubeconfig = Kubeconfig::Template {
        apply: apply.clone(),
        secret: Secret::Current,
    };
    life.control_plane(&mut seen);
    assert_eq!(seen.object.record.state, State::Ready);
    life.say("converged");
    life.control_plane(&mut seen);
    life.say("deleted: dependents first");
    seen.object.deleting = true;
    life.control_plane(&mut seen);
    seen.kubeconfig = Kubeconfig::Template {
        apply: None,
        secret: Secret::Unknown,
    };
    life.control_plane(&mut seen);
    seen.apply = None;
    life.control_plane(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn an_endpoint_that_is_none_fails_once_and_is_mended_by_a_better_one() {
    use control_plane::{Endpoint, Kubeconfig, Secret};
    let mut life = Life::new();
    let mut seen = control_plane::Snapshot {
        object: object("CAPTControlPlane/demo"),
        owned: true,
        missing: Vec::new(),
        invalid: None,
        apply: Some(child("WorkspaceTemplateApply/demo-eks", State::Ready)),
        held: None,
        endpoint: Endpoint::Invalid(Fault::of_output(
            "cluster_endpoint",
            "InvalidEndpoint",
            "not an address",
        )),
        kubeconfig: Kubeconfig::Output(Secret::Current),
        ca: Secret::Unwanted,
        wrong_output: None,
    };
    seen.object.finalized = true;
    for _ in 0..8 {
        life.control_plane(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Failed);
    seen.endpoint = Endpoint::Published;
    for _ in 0..4 {
        life.control_plane(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Ready);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_finalizer_that_somebody_took_is_put_back() {
    let mut life = Life::new();
    let mut seen = ready_workspace(&mut life);
    seen.object.finalized = false;
    let decision = workspace::decide(&seen, workspace::assess(&seen, life.now), life.now);
    assert_eq!(decision.plan.steps()[0].command, workspace::Command::AddFinalizer);
    assert_eq!(decision.record.state, State::Ready);
}

#[test]
fn outputs_that_were_lost_take_another_run_and_no_run_is_repeated_without_end() {
    let mut life = Life::new();
    let mut seen = ready_workspace(&mut life);
    seen.object.record.state = State::Configuring;
    seen.run = run(1, failed(FaultClass::Interrupted));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.state, State::Provisioning);
    assert_eq!(seen.object.record.run.as_ref().unwrap().number, 2);
    seen.run = run(2, failed(FaultClass::Interrupted));
    life.workspace(&mut seen);
    assert!(
        seen.object.record.next_attempt.unwrap() > life.now,
        "the second interruption in a row waits"
    );
    assert_eq!(seen.object.record.attempt, 1);
}

#[test]
fn what_an_unfinished_apply_made_is_kept_and_destroyed() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.object.finalized = true;
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(1, failed(FaultClass::Invalid));
    seen.has_state = true;
    life.workspace(&mut seen);
    let decision = workspace::decide(&seen, workspace::assess(&seen, life.now), life.now);
    assert_eq!(decision.plan.steps()[0].command, workspace::Command::ProtectState);
    life.say("its status is lost, and it is deleted");
    seen.object.record = Record::default();
    seen.object.deleting = true;
    life.workspace(&mut seen);
    assert_eq!(
        seen.object.record.run.as_ref().unwrap().operation,
        RunOperation::Destroy
    );
}

#[test]
fn a_refused_permission_is_shown_and_tried_again() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.object.faults = vec![Fault::new(FaultClass::Permission, "Forbidden", "may not patch")];
    let decision = workspace::decide(&seen, workspace::assess(&seen, life.now), life.now);
    assert_eq!(decision.record.state, State::Provisioning);
    assert_eq!(decision.waits[0].reason, "Forbidden");
    assert!(!decision.plan.is_empty());
}

#[test]
fn nothing_happens_while_paused() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.object.paused = Some("Cluster/demo is paused".to_owned());
    life.workspace(&mut seen);
    seen.object.deleting = true;
    seen.object.finalized = true;
    life.workspace(&mut seen);
    assert_eq!(seen.object.record, Record::default());
    insta::assert_snapshot!(life.text);
}
