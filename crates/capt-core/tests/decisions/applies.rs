//! What is decided for a template apply.

use capt_core::fault::FaultClass;
use capt_core::lifecycle::State;
use capt_core::object::Child;
use capt_core::record::Record;
use capt_core::template_apply::Snapshot;

use crate::children::{children, foreign};
use crate::factors::{common, factor};
use crate::sheet::{Base, Factors, base, further, sheets};
use crate::subject::Subject as _;
use crate::world::{absent, blaming, child, fault, leaving, object, overdue_record, record, updating};

const WORKSPACE: &str = "TerraformWorkspace/demo";

/// An apply with this record, and a workspace in this state.
fn apply(record: Record, workspace: Option<State>) -> Snapshot {
    Snapshot {
        workspace: workspace.map(|state| child(WORKSPACE, state)),
        ..Snapshot::new(object("WorkspaceTemplateApply/demo", record))
    }
}

fn with_child(record: Record, workspace: Child) -> Snapshot {
    Snapshot {
        workspace: Some(workspace),
        ..apply(record, None)
    }
}

/// What can be different about an apply.
pub(crate) fn factors() -> Factors<Snapshot> {
    let mut own = children("workspace", WORKSPACE, |it: &mut Snapshot| {
        Some(&mut it.workspace)
    });
    own.push(factor("its workspace outlives it", |it: &mut Snapshot| {
        it.retain = true;
    }));
    own.push(factor("a foreign workspace outlives it", |it: &mut Snapshot| {
        it.retain = true;
        it.workspace = Some(Child {
            foreign: Some(foreign()),
            ..child(WORKSPACE, State::Ready)
        });
    }));
    own.push(factor("no workspace outlives it", |it: &mut Snapshot| {
        it.retain = true;
        it.workspace = None;
    }));
    Factors {
        common: common(),
        own,
    }
}

fn pending() -> Vec<Base<Snapshot>> {
    vec![further("Pending", apply(record(State::Pending), None))]
}

fn validating() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Validating, the first input",
            apply(record(State::Validating), None),
        ),
        further(
            "Validating, a new input",
            apply(updating(State::Validating), Some(State::Ready)),
        ),
    ]
}

fn provisioning() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Provisioning, no workspace yet",
            apply(record(State::Provisioning), None),
        ),
        further(
            "Provisioning, the workspace works",
            apply(record(State::Provisioning), Some(State::Provisioning)),
        ),
        further(
            "Provisioning, an update",
            apply(updating(State::Provisioning), Some(State::Provisioning)),
        ),
    ]
}

fn configuring() -> Vec<Base<Snapshot>> {
    vec![further(
        "Configuring",
        apply(record(State::Configuring), Some(State::Ready)),
    )]
}

fn ready() -> Vec<Base<Snapshot>> {
    vec![base("Ready", apply(record(State::Ready), Some(State::Ready)))]
}

fn degraded() -> Vec<Base<Snapshot>> {
    let leaves = Child {
        deleting: true,
        ..child(WORKSPACE, State::Ready)
    };
    let unhealthy = |it: &mut Snapshot| it.object.record.gave_up = false;
    vec![
        further(
            "Degraded, its workspace gave up",
            apply(blaming(State::Degraded, WORKSPACE), Some(State::Degraded)),
        ),
        further(
            "Degraded, its workspace leaves",
            with_child(blaming(State::Degraded, WORKSPACE), leaves).with(unhealthy),
        ),
    ]
}

fn failing() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Failed, a fault of its own",
            apply(record(State::Failed), Some(State::Ready)),
        ),
        further(
            "Failed, its workspace has failed",
            apply(blaming(State::Failed, WORKSPACE), Some(State::Failed)),
        ),
    ]
}

fn recovering() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Recovering, its workspace recovers",
            apply(blaming(State::Recovering, WORKSPACE), Some(State::Recovering)),
        ),
        base(
            "Recovering from a fault of its own",
            apply(record(State::Recovering), Some(State::Ready)),
        ),
        further(
            "Recovering from a wait that lasts too long",
            apply(overdue_record(), None).with(|it| it.missing = vec![absent("a")]),
        ),
        further(
            "Recovering after it had been ready, its workspace recovers",
            apply(blaming(State::Recovering, WORKSPACE), Some(State::Recovering)).with(|it| {
                it.object.record = updating(State::Recovering);
                it.object.record.blamed = Some(WORKSPACE.to_owned());
                it.object.record.fault = Some(fault(FaultClass::Transient));
                it.object.record.origin = Some(State::Configuring);
            }),
        ),
    ]
}

fn deleting() -> Vec<Base<Snapshot>> {
    let leaves = Child {
        deleting: true,
        ..child(WORKSPACE, State::Ready)
    };
    let deleted = |it: &mut Snapshot| it.object.deleting = true;
    vec![
        further(
            "Ready, deleted",
            apply(record(State::Ready), Some(State::Ready)).with(deleted),
        ),
        further(
            "Ready, its workspace leaves",
            with_child(leaving(State::Ready), leaves).with(deleted),
        ),
        further(
            "Configuring, its workspace is gone",
            apply(leaving(State::Configuring), None).with(deleted),
        ),
    ]
}

sheets!(
    "apply": pending,
    validating,
    provisioning,
    configuring,
    ready,
    degraded,
    failing,
    recovering,
    deleting,
);
