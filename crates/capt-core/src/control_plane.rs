//! The subject `CAPTControlPlane`: an EKS control plane, its endpoint and its kubeconfig.

use jiff::Timestamp;

use crate::advance::Assessment;
use crate::cluster::no_owner;
use crate::decision::{Decision, Requeue};
use crate::fault::Fault;
use crate::lifecycle::{Signal, State};
use crate::loss::{Basis, Loss};
use crate::object::{Child, Object};
use crate::plan::{Plan, PlanError};
use crate::progress::Progress;
use crate::record::Record;
use crate::template_apply::follow_progress;
use crate::wait::Wait;

/// Everything observed about one control plane at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What every object has.
    pub object: Object,
    /// Whether the Cluster API `Cluster` that owns it is known.
    pub owned: bool,
    /// What is not there yet: the network, the template.
    pub missing: Vec<Wait>,
    /// What cannot work as it is written.
    pub invalid: Option<Fault>,
    /// The apply that makes the control plane.
    pub apply: Option<Child>,
    /// Why nothing of it may be destroyed yet, although it is being deleted.
    pub held: Option<Wait>,
    /// What the outputs say about the endpoint.
    pub endpoint: Endpoint,
    /// Where the kubeconfig comes from.
    pub kubeconfig: Kubeconfig,
    /// The CA secret against the outputs.
    pub ca: Secret,
    /// The output that is not what it must be, if there is one beside the endpoint.
    pub wrong_output: Option<Fault>,
}

impl Snapshot {
    /// A control plane of which nothing is known but that it is there, and whose kubeconfig is an output.
    pub fn new(object: Object) -> Self {
        Self {
            object,
            owned: false,
            missing: Vec::new(),
            invalid: None,
            apply: None,
            held: None,
            endpoint: Endpoint::Unknown,
            kubeconfig: Kubeconfig::Output(Secret::Unknown),
            ca: Secret::Unknown,
            wrong_output: None,
        }
    }
}

/// What the outputs say about the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// There is no such output yet.
    Unknown,
    /// It is valid, and the spec has it.
    Published,
    /// It is valid, and the spec does not have it yet.
    Found,
    /// The output is there and is no endpoint.
    Invalid(Fault),
}

/// Where the kubeconfig comes from.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one in a snapshot, which lives for a round"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kubeconfig {
    /// The workspace of the control plane has it as an output.
    Output(Secret),
    /// A template of its own makes it.
    Template {
        /// The apply that makes it.
        apply: Option<Child>,
        /// The kubeconfig secret against what the apply made.
        secret: Secret,
    },
    /// There is no source for it; says what is looked for.
    Nowhere(Wait),
}

/// A secret that we write, against what it should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// What it should hold is not known yet.
    Unknown,
    /// Nobody needs it.
    Unwanted,
    /// It holds what it should.
    Current,
    /// It is missing or holds something else.
    Stale,
}

/// One effect on or for a control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Put our finalizer on the control plane.
    AddFinalizer,
    /// Make the apply of the control plane what it should be.
    EnsureApply,
    /// Make the apply of the kubeconfig what it should be.
    EnsureKubeconfigApply,
    /// Write host and port into the spec.
    PublishEndpoint,
    /// Write the kubeconfig secret of the Cluster API contract.
    WriteKubeconfig,
    /// Write the CA secret.
    WriteCa,
    /// Delete the apply of the kubeconfig.
    DeleteKubeconfigApply,
    /// Delete the apply of the control plane.
    DeleteApply,
    /// Take our finalizer from the control plane.
    RemoveFinalizer,
}

impl Kubeconfig {
    fn secret(&self) -> Secret {
        match self {
            Self::Output(secret) | Self::Template { secret, .. } => *secret,
            Self::Nowhere(_) => Secret::Unknown,
        }
    }

    fn apply(&self) -> Option<&Child> {
        match self {
            Self::Template { apply, .. } => apply.as_ref(),
            Self::Output(_) | Self::Nowhere(_) => None,
        }
    }
}

const BASIS: Basis = Basis {
    name: "the apply of the control plane",
    gone: "ControlPlaneGone",
};

/// How a control plane that was in order has lost what it is made by, if it has.
fn loss(snapshot: &Snapshot) -> Option<Loss> {
    snapshot.object.loss(BASIS, snapshot.apply.as_ref())
}

/// What the snapshot means.
pub fn assess(snapshot: &Snapshot, now: Timestamp) -> Assessment {
    let object = &snapshot.object;
    let mut assessment = object.assess(now);
    match object.record.state {
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
        State::Configuring => {
            object.follow(snapshot.apply.as_ref(), &mut assessment);
            configuring(snapshot, &mut assessment);
            assessment.waits.extend(unowned(snapshot));
        }
        State::Recovering | State::Failed => {
            let blamed = object.record.blamed.as_deref();
            let kubeconfig = snapshot
                .kubeconfig
                .apply()
                .filter(|child| blamed == Some(child.name.as_str()));
            object.follow(kubeconfig.or(snapshot.apply.as_ref()), &mut assessment);
            let known = kubeconfig.or(snapshot.apply.as_ref());
            if blamed.is_some_and(|blamed| known.is_some_and(|child| child.name != blamed)) {
                // Whose fault it was is gone.
                assessment.signals.insert(Signal::RetryRequested);
            }
            object.retry_outputs(wrong_output(snapshot), &mut assessment);
        }
        State::Provisioning => {
            object.follow(snapshot.apply.as_ref(), &mut assessment);
            if snapshot.apply.is_some() {
                assessment.waits.extend(unowned(snapshot));
            } else {
                assessment.waits.extend(missing(snapshot));
            }
        }
        State::Degraded => object.follow(snapshot.apply.as_ref(), &mut assessment),
        State::Ready => {
            object.follow(snapshot.apply.as_ref(), &mut assessment);
            if is_stale(snapshot) {
                assessment.signals.insert(Signal::InputChanged);
            }
        }
    }
    object.lose(loss(snapshot), &mut assessment);
    assessment
}

/// The field of the Cluster that names its control plane.
const OWNER: &str = "spec.controlPlaneRef";

/// The wait of a control plane that nobody owns any more: nothing is made for it until somebody does.
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

fn is_stale(snapshot: &Snapshot) -> bool {
    snapshot.kubeconfig.secret() == Secret::Stale
        || snapshot.ca == Secret::Stale
        || snapshot.endpoint == Endpoint::Found
}

/// The output that is not what it must be, of an apply that is done.
fn wrong_output(snapshot: &Snapshot) -> Option<&Fault> {
    let endpoint = match &snapshot.endpoint {
        Endpoint::Invalid(fault) => Some(fault),
        Endpoint::Unknown | Endpoint::Published | Endpoint::Found => None,
    };
    endpoint
        .or(snapshot.wrong_output.as_ref())
        .filter(|_| snapshot.apply.as_ref().is_some_and(Child::is_current))
}

fn configuring(snapshot: &Snapshot, assessment: &mut Assessment) {
    let object = &snapshot.object;
    if let Some(fault) = wrong_output(snapshot) {
        return object.fail(fault.clone(), assessment);
    }
    if snapshot.endpoint == Endpoint::Unknown && assessment.waits.is_empty() {
        let message = "the outputs of the control plane are not known yet";
        assessment
            .waits
            .push(Wait::new("endpoint", "WaitingForEndpoint", message));
    }
    match &snapshot.kubeconfig {
        Kubeconfig::Nowhere(wait) => assessment.waits.push(wait.clone()),
        Kubeconfig::Template { apply, .. } => {
            if let Some(child) = apply.as_ref().filter(|child| !child.is_current()) {
                let mut of_kubeconfig = Assessment::default();
                object.follow(Some(child), &mut of_kubeconfig);
                // What it has to become is written by the plan of this state.
                of_kubeconfig.signals.remove(&Signal::Applied);
                of_kubeconfig.signals.remove(&Signal::InputChanged);
                assessment.waits.extend(of_kubeconfig.waits);
                let stops =
                    |signal: &Signal| matches!(signal, Signal::TerminalFault | Signal::RetryableFault);
                let stopped = of_kubeconfig.signals.iter().copied().find(stops);
                if let Some((signal, fault)) = stopped.zip(of_kubeconfig.fault) {
                    assessment.stop(signal, fault, of_kubeconfig.blamed);
                }
            }
        }
        Kubeconfig::Output(_) => {}
    }
    let written = |secret| matches!(secret, Secret::Current | Secret::Unwanted);
    let current = snapshot.apply.as_ref().is_some_and(Child::is_current);
    if current
        && snapshot.endpoint == Endpoint::Published
        && written(snapshot.kubeconfig.secret())
        && written(snapshot.ca)
    {
        assessment.signals.insert(Signal::Configured);
    }
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
            let plan = match record.state {
                State::Provisioning if snapshot.owned => Ok(provision(snapshot)),
                State::Configuring if snapshot.owned => configure(snapshot),
                State::Provisioning
                | State::Configuring
                | State::Pending
                | State::Validating
                | State::Ready
                | State::Degraded
                | State::Failed
                | State::Recovering => {
                    let made = snapshot
                        .apply
                        .as_ref()
                        .is_some_and(|child| child.foreign.is_none());
                    Ok(object.restore_finalizer(made, Command::AddFinalizer))
                }
            };
            (checked(plan), Requeue::OnChange)
        },
    )
}

fn needs_write(child: Option<&Child>) -> bool {
    child.is_none_or(|child| !child.matches && !child.deleting && child.foreign.is_none())
}

fn provision(snapshot: &Snapshot) -> Plan<Command> {
    // What was there when the inputs were checked may have gone since: nothing new is begun without it.
    let begins = snapshot.apply.is_none();
    let may = snapshot.missing.is_empty() || !begins;
    if may && needs_write(snapshot.apply.as_ref()) {
        snapshot
            .object
            .ensure("ensure-apply", Command::EnsureApply, Command::AddFinalizer)
    } else {
        Plan::empty()
    }
}

fn configure(snapshot: &Snapshot) -> Result<Plan<Command>, PlanError> {
    let mut plan = Plan::draft();
    if !snapshot.apply.as_ref().is_some_and(Child::is_current) {
        return plan.check();
    }
    if snapshot.endpoint == Endpoint::Found {
        plan = plan.step("publish-endpoint", Command::PublishEndpoint);
    }
    if snapshot.ca == Secret::Stale {
        plan = plan.step("write-ca", Command::WriteCa);
    }
    if snapshot.kubeconfig.secret() == Secret::Stale {
        plan = plan.step("write-kubeconfig", Command::WriteKubeconfig);
    }
    let valid = matches!(snapshot.endpoint, Endpoint::Found | Endpoint::Published);
    if let Kubeconfig::Template { apply, .. } = &snapshot.kubeconfig
        && valid
        && needs_write(apply.as_ref())
    {
        plan = plan.step("ensure-kubeconfig-apply", Command::EnsureKubeconfigApply);
    }
    plan.check()
}

fn delete(snapshot: &Snapshot, now: Timestamp) -> Decision<Record, Command> {
    let decision = snapshot.object.deleting(now, || goes(snapshot));
    if !snapshot.object.finalized {
        return decision;
    }
    if let Some(held) = &snapshot.held {
        return Decision {
            waits: vec![held.clone()],
            ..decision
        };
    }
    // Dependents first: the kubeconfig is made from the control plane.
    let children = [
        (
            snapshot.kubeconfig.apply(),
            "delete-kubeconfig-apply",
            Command::DeleteKubeconfigApply,
        ),
        (snapshot.apply.as_ref(), "delete-apply", Command::DeleteApply),
    ];
    for (child, step, command) in children {
        if let Some(child) = child.filter(|child| child.foreign.is_none()) {
            let message = child.waits.first().map_or_else(
                || format!("{} is being deleted", child.name),
                |wait| wait.message.clone(),
            );
            let waits = vec![Wait::new(&*child.name, "WaitingForWorkspace", message)];
            let plan = if child.deleting {
                Plan::empty()
            } else {
                Plan::single(step, command)
            };
            return Decision {
                plan,
                waits,
                ..decision
            };
        }
    }
    Decision {
        plan: Plan::single("remove-finalizer", Command::RemoveFinalizer),
        ..decision
    }
}

/// What goes with the control plane.
fn goes(snapshot: &Snapshot) -> String {
    if let Some(held) = &snapshot.held {
        return held.message.clone();
    }
    let applies = [snapshot.kubeconfig.apply(), snapshot.apply.as_ref()];
    let ours = applies
        .into_iter()
        .flatten()
        .filter(|child| child.foreign.is_none());
    let names: Vec<&str> = ours.map(|child| child.name.as_str()).collect();
    match names.as_slice() {
        [] => "there is no control plane to delete".to_owned(),
        [one] => format!("deleting {one} and with it the control plane"),
        all => format!("deleting {} and with them the control plane", all.join(" and ")),
    }
}

fn checked(plan: Result<Plan<Command>, PlanError>) -> Plan<Command> {
    debug_assert!(plan.is_ok(), "{plan:?}");
    plan.unwrap_or_else(|_| Plan::empty())
}

/// How far the control plane is: nine tenths for its apply, the rest for endpoint and kubeconfig.
pub fn progress(snapshot: &Snapshot, record: &Record) -> Progress {
    match record.state {
        State::Configuring if !record.is_deleting() => match snapshot.kubeconfig.apply() {
            Some(child) => follow_progress(Some(child), &[], record, 90, 99),
            None => Progress::started("writing endpoint and kubeconfig")
                .not_behind(record.percent.max(90))
                .unfinished(),
        },
        State::Pending
        | State::Validating
        | State::Provisioning
        | State::Configuring
        | State::Ready
        | State::Degraded
        | State::Failed
        | State::Recovering => follow_progress(snapshot.apply.as_ref(), &snapshot.missing, record, 0, 90),
    }
}
