//! The subject `CAPTCluster`: the network that a control plane stands in.

use jiff::Timestamp;

use crate::advance::Assessment;
use crate::decision::{Decision, Requeue};
use crate::fault::Fault;
use crate::lifecycle::{Signal, State};
use crate::loss::{Basis, Loss};
use crate::object::{Child, Object};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::record::Record;
use crate::template_apply::follow_progress;
use crate::wait::Wait;

/// Everything observed about one cluster at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What every object has.
    pub object: Object,
    /// Whether the Cluster API `Cluster` that owns it is known.
    pub owned: bool,
    /// Where the VPC comes from.
    pub vpc: Vpc,
    /// What is not there yet.
    pub missing: Vec<Wait>,
    /// What cannot work as it is written.
    pub invalid: Option<Fault>,
    /// The id of the VPC, once it is known.
    pub vpc_id: Option<String>,
    /// The output that is not what it must be, if there is one.
    pub wrong_output: Option<Fault>,
    /// Why nothing of it may be destroyed yet, although it is being deleted.
    pub held: Option<Wait>,
    /// Control planes that still stand in the network.
    pub dependents: Vec<String>,
}

impl Snapshot {
    /// A cluster of which nothing is known but that it is there, and that makes its own VPC.
    pub fn new(object: Object) -> Self {
        Self {
            object,
            owned: false,
            vpc: Vpc::Owned {
                apply: None,
                retain: false,
            },
            missing: Vec::new(),
            invalid: None,
            vpc_id: None,
            wrong_output: None,
            held: None,
            dependents: Vec::new(),
        }
    }
}

/// Where the VPC comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vpc {
    /// We make it through an apply of our own.
    Owned {
        /// The apply.
        apply: Option<Child>,
        /// Whether the VPC outlives the cluster.
        retain: bool,
    },
    /// Somebody made it; only its id is known.
    Existing,
    /// A stand-alone apply makes it, for several clusters.
    Shared {
        /// The apply.
        apply: Option<Child>,
    },
}

impl Vpc {
    /// Why the apply that we would make is not ours, if it is not.
    pub fn foreign(&self) -> Option<&Fault> {
        match self {
            Self::Owned { apply, .. } => apply.as_ref()?.foreign.as_ref(),
            Self::Existing | Self::Shared { .. } => None,
        }
    }
}

/// One effect on or for a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Put our finalizer on the cluster.
    AddFinalizer,
    /// Make the apply of the VPC what it should be.
    EnsureVpc,
    /// Delete the apply of the VPC.
    DeleteVpc {
        /// Whether what it made stays.
        retain: bool,
    },
    /// Take our finalizer from the cluster.
    RemoveFinalizer,
}

const BASIS: Basis = Basis {
    name: "the apply of the VPC",
    gone: "VPCGone",
};

/// How a cluster that was in order has lost its network, if it has. Of one that only its id is known of nobody knows.
pub fn loss(snapshot: &Snapshot) -> Option<Loss> {
    match &snapshot.vpc {
        Vpc::Owned { apply, .. } | Vpc::Shared { apply } => snapshot.object.loss(BASIS, apply.as_ref()),
        Vpc::Existing => None,
    }
}

/// What the snapshot means.
pub fn assess(snapshot: &Snapshot, now: Timestamp) -> Assessment {
    let object = &snapshot.object;
    let mut assessment = object.assess(now);
    let state = object.record.state;
    let loss = loss(snapshot);
    let apply = match &snapshot.vpc {
        Vpc::Owned { apply, .. } | Vpc::Shared { apply } => apply.as_ref(),
        Vpc::Existing => None,
    };
    match state {
        State::Pending if snapshot.owned => {
            assessment.signals.insert(Signal::Admitted);
        }
        State::Pending => assessment.waits.push(no_owner(object, OWNER)),
        State::Validating => {
            object.check_inputs(&missing(snapshot), snapshot.invalid.as_ref(), &mut assessment);
        }
        State::Recovering if object.record.origin == Some(State::Validating) => {
            object.check_inputs(&missing(snapshot), snapshot.invalid.as_ref(), &mut assessment);
        }
        State::Provisioning
        | State::Configuring
        | State::Ready
        | State::Degraded
        | State::Failed
        | State::Recovering => {
            match &snapshot.vpc {
                Vpc::Existing if state == State::Provisioning => {
                    assessment.signals.insert(Signal::Applied);
                }
                Vpc::Existing => {}
                Vpc::Owned { .. } | Vpc::Shared { .. } => object.follow(apply, &mut assessment),
            }
            if state == State::Provisioning && apply.is_none() {
                assessment.waits.extend(missing(snapshot));
            } else if state == State::Provisioning {
                assessment.waits.extend(unowned(snapshot));
            }
            let wrong = snapshot.wrong_output.as_ref();
            let wrong = wrong.filter(|_| apply.is_some_and(Child::is_current));
            object.retry_outputs(wrong, &mut assessment);
            if state == State::Configuring {
                if let Some(fault) = wrong {
                    object.fail(fault.clone(), &mut assessment);
                } else if snapshot.vpc_id.is_some() && loss.is_none() && is_applied(snapshot) {
                    assessment.signals.insert(Signal::Configured);
                } else if assessment.waits.is_empty() {
                    let message = "the outputs of the VPC are not known yet";
                    assessment
                        .waits
                        .push(Wait::new("VPC", "WaitingForVpcId", message));
                }
            }
        }
    }
    object.lose(loss, &mut assessment);
    assessment
}

/// Whether what makes the network is done with what is wanted now: an id may be known from before.
fn is_applied(snapshot: &Snapshot) -> bool {
    match &snapshot.vpc {
        Vpc::Existing => true,
        Vpc::Owned { apply, .. } | Vpc::Shared { apply } => apply.as_ref().is_some_and(Child::is_current),
    }
}

/// The field of the Cluster that names its network.
const OWNER: &str = "spec.infrastructureRef";

/// The wait of a cluster that nobody owns any more: nothing is made for it until somebody does.
fn unowned(snapshot: &Snapshot) -> Option<Wait> {
    (!snapshot.owned).then(|| no_owner(&snapshot.object, OWNER))
}

/// What is not there, the owner included.
fn missing(snapshot: &Snapshot) -> Vec<Wait> {
    unowned(snapshot)
        .into_iter()
        .chain(snapshot.missing.iter().cloned())
        .collect()
}

/// What is said while nobody owns the object. `field` is the one of the Cluster that names it.
pub(crate) fn no_owner(object: &Object, field: &str) -> Wait {
    let message = format!(
        "no Cluster owns {} yet, and nothing is done before; let {field} of a Cluster name it",
        object.name
    );
    Wait::new("Cluster", "WaitingForCluster", message)
}

/// What to do about it.
pub fn decide(snapshot: &Snapshot, assessment: Assessment, now: Timestamp) -> Decision<Record, Command> {
    let object = &snapshot.object;
    if object.deleting && object.paused.is_none() {
        return delete(snapshot, now);
    }
    object.decide(
        assessment,
        now,
        |_| {},
        |record| {
            let Vpc::Owned { apply, .. } = &snapshot.vpc else {
                return (Plan::empty(), Requeue::OnChange);
            };
            let there = apply
                .as_ref()
                .is_some_and(|child| child.matches || child.deleting || child.foreign.is_some());
            // What was there when the inputs were checked may have gone since: nothing new is begun without it.
            let may = snapshot.owned && (snapshot.missing.is_empty() || apply.is_some());
            let plan = if record.state == State::Provisioning && !there && may {
                object.ensure("ensure-vpc", Command::EnsureVpc, Command::AddFinalizer)
            } else {
                let made = apply.as_ref().is_some_and(|child| child.foreign.is_none());
                object.restore_finalizer(made, Command::AddFinalizer)
            };
            (plan, Requeue::OnChange)
        },
    )
}

fn delete(snapshot: &Snapshot, now: Timestamp) -> Decision<Record, Command> {
    let object = &snapshot.object;
    let decision = object.deleting(now, || goes(snapshot));
    if !object.finalized {
        return decision;
    }
    if let Some(held) = &snapshot.held {
        return Decision {
            waits: vec![held.clone()],
            ..decision
        };
    }
    if !snapshot.dependents.is_empty() {
        let names = snapshot.dependents.join(", ");
        let wait = Wait::new(
            names.clone(),
            "WaitingForControlPlane",
            format!("{names} must be gone before the VPC"),
        );
        return Decision {
            waits: vec![wait],
            ..decision
        };
    }
    let done = Plan::single("remove-finalizer", Command::RemoveFinalizer);
    match &snapshot.vpc {
        Vpc::Owned {
            apply: Some(child),
            retain,
        } if child.foreign.is_none() => {
            let message = child.waits.first().map_or_else(
                || format!("{} is being deleted", child.name),
                |wait| wait.message.clone(),
            );
            let waits = vec![Wait::new(&*child.name, "WaitingForVpc", message)];
            let plan = if child.deleting {
                Plan::empty()
            } else {
                Plan::single("delete-vpc", Command::DeleteVpc { retain: *retain })
            };
            Decision {
                plan,
                waits,
                ..decision
            }
        }
        Vpc::Owned { .. } | Vpc::Existing | Vpc::Shared { .. } => Decision {
            plan: done,
            ..decision
        },
    }
}

/// What goes with the cluster.
fn goes(snapshot: &Snapshot) -> String {
    if let Some(held) = &snapshot.held {
        return held.message.clone();
    }
    let Vpc::Owned { apply, retain } = &snapshot.vpc else {
        return "the VPC stays: it was not made for this cluster".to_owned();
    };
    match apply.as_ref().filter(|child| child.foreign.is_none()) {
        None => "there is no VPC to delete".to_owned(),
        Some(child) if *retain => format!("deleting {}; the VPC stays", child.name),
        Some(child) => format!("deleting {} and with it the VPC", child.name),
    }
}

/// How far the network is.
pub fn progress(snapshot: &Snapshot, record: &Record) -> Progress {
    match &snapshot.vpc {
        Vpc::Owned { apply, .. } | Vpc::Shared { apply } => {
            follow_progress(apply.as_ref(), &snapshot.missing, record, 0, 100)
        }
        Vpc::Existing => follow_progress(None, &snapshot.missing, record, 0, 100),
    }
}
