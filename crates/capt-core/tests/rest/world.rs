//! The subjects that the tests begin with, and a round of each.

use std::time::Duration;

use capt_core::advance::Policy;
use capt_core::cluster::{self, Vpc};
use capt_core::control_plane::{self, Endpoint, Kubeconfig, Secret};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::progress::Progress;
use capt_core::record::Record;
use capt_core::template_apply;
use capt_core::wait::Wait;
use capt_core::workspace::{self, Connection, Deletion};
use jiff::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;
pub(crate) const LIMIT: Duration = Duration::from_mins(5);

pub(crate) fn object(state: State) -> Object {
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

pub(crate) fn child(state: State) -> Child {
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

pub(crate) fn cluster(state: State, apply: Option<Child>) -> cluster::Snapshot {
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

pub(crate) fn control_plane(state: State) -> control_plane::Snapshot {
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

pub(crate) fn workspace(state: State) -> workspace::Snapshot {
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

pub(crate) fn template_apply(state: State) -> template_apply::Snapshot {
    template_apply::Snapshot {
        object: object(state),
        missing: Vec::new(),
        invalid: None,
        workspace: None,
        retain: false,
    }
}

/// A round at `now`: the record is taken over, and what is done and waited for is said.
pub(crate) fn round_of_cluster(seen: &mut cluster::Snapshot, now: Timestamp) -> String {
    let decision = cluster::decide(seen, cluster::assess(seen, now), now);
    seen.object.record = decision.record;
    said(&decision.plan, &decision.waits)
}

pub(crate) fn round_of_control_plane(seen: &mut control_plane::Snapshot, now: Timestamp) -> String {
    let decision = control_plane::decide(seen, control_plane::assess(seen, now), now);
    seen.object.record = decision.record;
    said(&decision.plan, &decision.waits)
}

pub(crate) fn round_of_workspace(seen: &mut workspace::Snapshot, now: Timestamp) -> String {
    let decision = workspace::decide(seen, workspace::assess(seen, now), now);
    seen.object.record = decision.record;
    said(&decision.plan, &decision.waits)
}

pub(crate) fn round_of_apply(seen: &mut template_apply::Snapshot, now: Timestamp) -> String {
    let decision = template_apply::decide(seen, template_apply::assess(seen, now), now);
    seen.object.record = decision.record;
    said(&decision.plan, &decision.waits)
}

pub(crate) fn said<C>(plan: &capt_core::plan::Plan<C>, waits: &[Wait]) -> String {
    let steps = plan.steps().iter().map(|step| step.id.to_string());
    let waits = waits.iter().map(|wait| wait.reason.clone());
    steps.chain(waits).collect::<Vec<_>>().join(" ")
}
