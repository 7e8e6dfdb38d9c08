//! One round of each subject, `assess` and `decide`, in the situations that it is mostly in.

use std::time::Duration;

use capt_core::decision::Decision;
use capt_core::fault::{Fault, FaultClass};
use capt_core::health::{Api, Facts, Found, Look};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::progress::Progress;
use capt_core::record::{HISTORY, Record};
use capt_core::{cluster, control_plane, template_apply, workspace};
use jiff::{SignedDuration, Timestamp};

use crate::goals::{Goal, Goals};
use crate::measure::short;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// How far what an object follows is: its run, or its child.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// It was done for the input before.
    Old,
    Going,
    Failed,
    Done,
}

/// A snapshot of one of the subjects.
trait Subject: Clone {
    type Command;

    fn object(&mut self) -> &mut Object;
    fn work(&mut self, work: Work);
    fn round(&self, now: Timestamp) -> Decision<Record, Self::Command>;
}

macro_rules! subject {
    ($module:ident, $work:expr) => {
        impl Subject for $module::Snapshot {
            type Command = $module::Command;

            fn object(&mut self) -> &mut Object {
                &mut self.object
            }

            fn work(&mut self, work: Work) {
                let set: fn(&mut Self, Work) = $work;
                set(self, work);
            }

            fn round(&self, now: Timestamp) -> Decision<Record, Self::Command> {
                $module::decide(self, $module::assess(self, now), now)
            }
        }
    };
}

subject!(workspace, |seen, work| {
    let end = match work {
        Work::Old => return,
        Work::Going => None,
        Work::Failed => Some(workspace::RunEnd::Failed(fault())),
        Work::Done => Some(workspace::RunEnd::Succeeded),
    };
    seen.run = Some(workspace::RunSeen {
        number: seen.object.record.run.as_ref().map_or(0, |run| run.number),
        progress: progress(),
        unlocked: None,
        changes: true,
        end,
    });
});
subject!(template_apply, |seen, work| {
    seen.workspace = Some(child("TerraformWorkspace/demo-control-plane", work));
});
subject!(cluster, |seen, work| {
    seen.vpc = cluster::Vpc::Owned {
        apply: Some(child("WorkspaceTemplateApply/demo-vpc", work)),
        retain: false,
    };
});
subject!(control_plane, |seen, work| {
    seen.apply = Some(child("WorkspaceTemplateApply/demo-control-plane", work));
});

fn progress() -> Progress {
    Progress {
        percent: 40,
        completed: 12,
        total: 30,
        current: "aws_eks_cluster.this: creating (3m10s)".to_owned(),
    }
}

fn fault() -> Fault {
    let message = "operation error EKS: CreateCluster: ThrottlingException: rate exceeded";
    Fault::new(FaultClass::Transient, "ThrottlingException", message).on("aws_eks_cluster.this")
}

fn child(name: &str, work: Work) -> Child {
    let (state, fault) = match work {
        Work::Going => (State::Provisioning, None),
        Work::Failed => (State::Recovering, Some(fault())),
        Work::Old | Work::Done => (State::Ready, None),
    };
    let matches = match work {
        Work::Old => false,
        Work::Going | Work::Failed | Work::Done => true,
    };
    Child {
        fault,
        matches,
        progress: progress(),
        ..Child::new(name, state)
    }
}

/// A look that finds everything in order.
fn look(now: Timestamp) -> Look {
    Look {
        at: now,
        facts: Facts {
            broken_dependencies: Some(Vec::new()),
            synced: Some(true),
            sync: Some((now, Duration::from_hours(1))),
            endpoint: Some(Found::Good),
            api: Some(Api::Answered),
            kubeconfig: Some(Found::Good),
            certificate_expires: Some(now + HOUR * 24 * 365),
            token_expires: Some(now + HOUR),
            drifted: Some(0),
        },
    }
}

/// An object with an input as long as a digest is.
fn object(name: &str) -> Object {
    Object {
        finalized: true,
        input: digest(0),
        ..Object::new(name, "5d0c9a53-7a4e-4b3e-9a0a-0f4d4c7a1f10")
    }
}

fn digest(number: u32) -> String {
    format!("sha256:{number:064x}")
}

pub(crate) fn run(goals: &mut Goals) {
    println!("## A round: `assess` and `decide`, the decision dropped\n");
    println!("| subject | situation | median | |");
    println!("|---|---|---|---|");
    let network = cluster::Snapshot {
        owned: true,
        vpc_id: Some("vpc-0f0a1b2c3d4e5f601".to_owned()),
        ..cluster::Snapshot::new(object("CAPTCluster/demo"))
    };
    live("cluster", network, goals);
    let plane = control_plane::Snapshot {
        owned: true,
        endpoint: control_plane::Endpoint::Published,
        kubeconfig: control_plane::Kubeconfig::Output(control_plane::Secret::Current),
        ca: control_plane::Secret::Current,
        ..control_plane::Snapshot::new(object("CAPTControlPlane/demo"))
    };
    live("control plane", plane, goals);
    let apply = object("WorkspaceTemplateApply/demo-control-plane");
    live("template apply", template_apply::Snapshot::new(apply), goals);
    let configuration = workspace::Snapshot {
        connection: workspace::Connection::Current,
        protected: true,
        has_state: true,
        ..workspace::Snapshot::new(object("TerraformWorkspace/demo-control-plane"))
    };
    live("workspace", configuration, goals);
    println!();
}

/// Takes a subject through its life, and measures it in passing.
fn live<S: Subject>(name: &str, mut seen: S, goals: &mut Goals) {
    let mut now = Timestamp::UNIX_EPOCH;
    work_until(&mut seen, Work::Going, State::Provisioning, now);
    measure(name, "the work goes on", &seen, now, goals);
    fail(&mut seen, now, |seen| {
        measure(name, "the work has failed", seen, now, goals);
    });
    measure(name, "waits for the next attempt", &seen, now, goals);
    now += HOUR;
    work_until(&mut seen, Work::Done, State::Ready, now);
    assert!(seen.round(now).plan.is_empty());
    measure(name, "in order", &seen, now, goals);
    for number in 1..=u32::try_from(HISTORY).unwrap() {
        seen.object().input = digest(number);
        seen.work(Work::Old);
        work_until(&mut seen, Work::Going, State::Provisioning, now);
        fail(&mut seen, now, |_| {});
        now += HOUR;
        work_until(&mut seen, Work::Done, State::Ready, now);
    }
    let record = &seen.object().record;
    assert_eq!(record.history.len(), HISTORY);
    assert_eq!(record.recovery.history.len(), HISTORY);
    measure(name, "in order, histories full", &seen, now, goals);
    seen.object().look = Some(look(now));
    rest(&mut seen, now);
    measure(name, "in order, histories full, looked at", &seen, now, goals);
    seen.object().input = digest(0);
    seen.work(Work::Old);
    work_until(&mut seen, Work::Going, State::Provisioning, now);
    fail(&mut seen, now, |seen| {
        measure(name, "the work has failed, histories full", seen, now, goals);
    });
    seen.object().deleting = true;
    rest(&mut seen, now);
    measure(name, "being deleted, histories full", &seen, now, goals);
}

/// Lets the work be like this until the object comes to rest in the state.
fn work_until<S: Subject>(seen: &mut S, work: Work, state: State, now: Timestamp) {
    for _ in 0..3 {
        rest(seen, now);
        seen.work(work);
    }
    rest(seen, now);
    assert_eq!(seen.object().record.state, state);
}

/// Lets the work fail; `before` sees the object just before it takes note of that.
fn fail<S: Subject>(seen: &mut S, now: Timestamp, before: impl FnOnce(&S)) {
    seen.work(Work::Failed);
    before(seen);
    rest(seen, now);
    assert_eq!(seen.object().record.state, State::Recovering);
}

/// Rounds until nothing more is written.
fn rest<S: Subject>(seen: &mut S, now: Timestamp) {
    let comes_to_rest = (0..16).any(|_| {
        let record = seen.round(now).record;
        let written = std::mem::replace(&mut seen.object().record, record);
        seen.object().record == written
    });
    assert!(comes_to_rest, "{:?}", seen.object());
}

fn measure<S: Subject>(name: &str, situation: &str, seen: &S, now: Timestamp, goals: &mut Goals) {
    let time = short(200, || seen.round(now));
    let verdict = goals.judge("a round, µs", Goal::AtMost(2.0), time.as_secs_f64() * 1e6);
    println!("| {name} | {situation} | {} ns | {verdict} |", time.as_nanos());
}
