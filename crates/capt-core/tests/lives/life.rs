//! A life: a clock, the transcript that is written as it runs, and the objects that it begins with.

use std::fmt::Write as _;
use std::time::Duration;

use capt_core::advance::Policy;
use capt_core::decision::{Decision, Requeue};
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::progress::Progress;
use capt_core::record::Record;
use capt_core::recovery::Rules;
use capt_core::retry::RetryStrategy;
use capt_core::{cluster, control_plane, template_apply, workspace};
use jiff::{SignedDuration, Timestamp};

pub(crate) fn policy() -> Policy {
    let retry = RetryStrategy {
        max_retries: 2,
        ..RetryStrategy::default()
    };
    Policy {
        recovery: Rules {
            retry,
            ..Rules::default()
        },
        dependencies: Duration::from_mins(5),
        ..Policy::default()
    }
}

pub(crate) fn object(name: &str) -> Object {
    Object {
        input: "one".to_owned(),
        policy: policy(),
        ..Object::new(name, "uid")
    }
}

pub(crate) fn child(name: &str, state: State) -> Child {
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
pub(crate) struct Life {
    pub(crate) now: Timestamp,
    pub(crate) text: String,
}

impl Life {
    pub(crate) fn new() -> Self {
        Self {
            now: Timestamp::UNIX_EPOCH,
            text: String::new(),
        }
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        writeln!(self.text, "-- {seconds} s pass").unwrap();
    }

    pub(crate) fn say(&mut self, what: &str) {
        writeln!(self.text, "-- {what}").unwrap();
    }

    pub(crate) fn write<C: std::fmt::Debug>(&mut self, decision: &Decision<Record, C>) -> Record {
        let record = &decision.record;
        write!(self.text, "{:<12}", record.state.name()).unwrap();
        let attempts = record.recovery.ledger.attempts();
        if attempts > 0 {
            write!(self.text, " attempt={attempts}").unwrap();
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

    pub(crate) fn workspace(&mut self, snapshot: &mut workspace::Snapshot) {
        let decision = workspace::decide(snapshot, workspace::assess(snapshot, self.now), self.now);
        assert_eq!(
            decision,
            workspace::decide(snapshot, workspace::assess(snapshot, self.now), self.now)
        );
        snapshot.object.record = self.write(&decision);
        snapshot.object.record.percent = workspace::progress(snapshot, &snapshot.object.record).percent;
    }

    pub(crate) fn apply(&mut self, snapshot: &mut template_apply::Snapshot) {
        let decision = template_apply::decide(snapshot, template_apply::assess(snapshot, self.now), self.now);
        snapshot.object.record = self.write(&decision);
    }

    pub(crate) fn cluster(&mut self, snapshot: &mut cluster::Snapshot) {
        let decision = cluster::decide(snapshot, cluster::assess(snapshot, self.now), self.now);
        snapshot.object.record = self.write(&decision);
    }

    pub(crate) fn control_plane(&mut self, snapshot: &mut control_plane::Snapshot) {
        let decision = control_plane::decide(snapshot, control_plane::assess(snapshot, self.now), self.now);
        snapshot.object.record = self.write(&decision);
    }
}

pub(crate) fn new_workspace() -> workspace::Snapshot {
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

pub(crate) fn run(number: u32, end: Option<workspace::RunEnd>) -> Option<workspace::RunSeen> {
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

pub(crate) fn failed(class: FaultClass) -> Option<workspace::RunEnd> {
    Some(workspace::RunEnd::Failed(Fault::new(
        class,
        "Boom",
        "it went wrong",
    )))
}

pub(crate) fn ready_workspace(life: &mut Life) -> workspace::Snapshot {
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
