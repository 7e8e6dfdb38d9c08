//! What is decided for a cluster.

use capt_core::cluster::{Snapshot, Vpc};
use capt_core::fault::Fault;
use capt_core::lifecycle::State;
use capt_core::object::Child;
use capt_core::record::Record;
use capt_core::wait::Wait;

use crate::children::{children, foreign};
use crate::factors::{Factor, common, factor};
use crate::sheet::{Base, Factors, further, sheets};
use crate::subject::Subject as _;
use crate::world::{absent, blaming, child, leaving, object, overdue_record, record, updating};

const APPLY: &str = "WorkspaceTemplateApply/demo-vpc";

/// A cluster with this record, and an apply of its own in this state.
fn cluster(record: Record, apply: Option<State>) -> Snapshot {
    Snapshot {
        owned: true,
        vpc: Vpc::Owned {
            apply: apply.map(|state| child(APPLY, state)),
            retain: false,
        },
        vpc_id: Some("vpc-1".to_owned()),
        ..Snapshot::new(object("CAPTCluster/demo", record))
    }
}

fn shared(mut seen: Snapshot) -> Snapshot {
    if let Vpc::Owned { apply, .. } = seen.vpc {
        seen.vpc = Vpc::Shared { apply };
    }
    seen
}

fn existing(mut seen: Snapshot) -> Snapshot {
    seen.vpc = Vpc::Existing;
    seen
}

fn apply_of(seen: &mut Snapshot) -> Option<&mut Option<Child>> {
    match &mut seen.vpc {
        Vpc::Owned { apply, .. } | Vpc::Shared { apply } => Some(apply),
        Vpc::Existing => None,
    }
}

fn empty_output() -> Fault {
    Fault::of_output("vpc_id", "OutputInvalid", "it is empty")
}

/// What can be different about a cluster.
pub(crate) fn factors() -> Factors<Snapshot> {
    let mut own = children("apply", APPLY, apply_of);
    own.extend(facts());
    Factors {
        common: common(),
        own,
    }
}

fn facts() -> Vec<Factor<Snapshot>> {
    vec![
        factor("no owner", |it: &mut Snapshot| it.owned = false),
        factor("no owner and a Secret is missing", |it: &mut Snapshot| {
            it.owned = false;
            it.missing = vec![absent("a")];
        }),
        factor("no owner, no apply", |it: &mut Snapshot| {
            it.owned = false;
            if let Some(apply) = apply_of(it) {
                *apply = None;
            }
        }),
        factor("the VPC is shared", |it: &mut Snapshot| *it = shared(it.clone())),
        factor("the VPC exists", |it: &mut Snapshot| *it = existing(it.clone())),
        factor("the VPC outlives it", |it: &mut Snapshot| {
            if let Vpc::Owned { retain, .. } = &mut it.vpc {
                *retain = true;
            }
        }),
        factor("a foreign VPC outlives it", |it: &mut Snapshot| {
            it.vpc = Vpc::Owned {
                apply: Some(Child {
                    foreign: Some(foreign()),
                    ..child(APPLY, State::Ready)
                }),
                retain: true,
            };
        }),
        factor("no id yet", |it: &mut Snapshot| it.vpc_id = None),
        factor("wrong output", |it: &mut Snapshot| {
            it.vpc_id = None;
            it.wrong_output = Some(empty_output());
        }),
        factor("wrong output, known before", |it: &mut Snapshot| {
            it.object.record.fault = Some(empty_output());
            it.wrong_output = Some(empty_output());
        }),
        factor("wrong output, another one than before", |it: &mut Snapshot| {
            it.object.record.fault = Some(empty_output());
            it.wrong_output = Some(Fault::of_output("vpc_id", "OutputMissing", "there is none"));
        }),
        factor("wrong output, of an apply that works", |it: &mut Snapshot| {
            it.wrong_output = Some(empty_output());
            if let Some(Some(apply)) = apply_of(it) {
                apply.state = State::Provisioning;
                apply.ready = false;
            }
        }),
        factor("held", |it: &mut Snapshot| it.held = Some(held())),
        factor("a control plane stands in it", |it: &mut Snapshot| {
            it.dependents = vec!["CAPTControlPlane/demo".to_owned()];
        }),
        factor("held, and a control plane stands in it", |it: &mut Snapshot| {
            it.held = Some(held());
            it.dependents = vec!["CAPTControlPlane/demo".to_owned()];
        }),
    ]
}

fn held() -> Wait {
    Wait::new("Cluster/demo", "WaitingForCluster", "the Cluster is still there")
}

fn pending() -> Vec<Base<Snapshot>> {
    vec![further("Pending", cluster(record(State::Pending), None))]
}

fn validating() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Validating, the first input",
            cluster(record(State::Validating), None),
        ),
        further(
            "Validating, a new input",
            cluster(updating(State::Validating), Some(State::Ready)),
        ),
    ]
}

fn provisioning() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Provisioning, no apply yet",
            cluster(record(State::Provisioning), None),
        ),
        further(
            "Provisioning, the apply works",
            cluster(record(State::Provisioning), Some(State::Provisioning)),
        ),
        further(
            "Provisioning, an update of a shared VPC",
            shared(cluster(updating(State::Provisioning), Some(State::Provisioning))),
        ),
        further(
            "Provisioning, the VPC exists",
            existing(cluster(record(State::Provisioning), None)),
        ),
    ]
}

fn configuring() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Configuring",
            cluster(record(State::Configuring), Some(State::Ready)),
        ),
        further(
            "Configuring, the VPC exists",
            existing(cluster(record(State::Configuring), None)),
        ),
    ]
}

fn ready() -> Vec<Base<Snapshot>> {
    vec![
        further("Ready", cluster(record(State::Ready), Some(State::Ready))),
        further(
            "Ready, the VPC is shared",
            shared(cluster(record(State::Ready), Some(State::Ready))),
        ),
    ]
}

fn degraded() -> Vec<Base<Snapshot>> {
    vec![further(
        "Degraded, its apply gave up",
        cluster(blaming(State::Degraded, APPLY), Some(State::Degraded)),
    )]
}

fn failing() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Failed, a fault of its own",
            cluster(record(State::Failed), Some(State::Ready)),
        ),
        further(
            "Failed, its apply has failed",
            cluster(blaming(State::Failed, APPLY), Some(State::Failed)),
        ),
    ]
}

fn recovering() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Recovering, its apply recovers",
            cluster(blaming(State::Recovering, APPLY), Some(State::Recovering)),
        ),
        further(
            "Recovering from a fault of its own",
            cluster(record(State::Recovering), Some(State::Ready)),
        ),
        further(
            "Recovering from a wait that lasts too long",
            cluster(overdue_record(), None).with(|it| it.missing = vec![absent("a")]),
        ),
    ]
}

fn deleting() -> Vec<Base<Snapshot>> {
    let deleted = |it: &mut Snapshot| it.object.deleting = true;
    vec![
        further(
            "Ready, deleted",
            cluster(record(State::Ready), Some(State::Ready)).with(deleted),
        ),
        further(
            "Ready, deleted, the VPC is shared",
            shared(cluster(leaving(State::Ready), Some(State::Ready))).with(deleted),
        ),
        further(
            "Configuring, its apply leaves",
            cluster(leaving(State::Configuring), Some(State::Ready)).with(|it| {
                it.object.deleting = true;
                if let Some(Some(apply)) = apply_of(it) {
                    apply.deleting = true;
                }
            }),
        ),
    ]
}

sheets!(
    "cluster": pending,
    validating,
    provisioning,
    configuring,
    ready,
    degraded,
    failing,
    recovering,
    deleting,
);
