//! What the controllers see of the world: the snapshots of `capt-core`.

use capt_core::fault::{Fault, FaultClass};
use capt_core::health::{Api, Facts, Look};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::progress::Progress;
use capt_core::record::RunOperation;
use capt_core::wait::Wait;
use capt_core::workspace::{Connection, Deletion, RunEnd, RunSeen};
use capt_core::{cluster, control_plane, workspace};
use jiff::Timestamp;

use crate::manner::Manner;
use crate::memo::{Filling, RUN, fault, ill, request};
use crate::world::{Content, End, Name, Run, Runner, Stage, StateObject, Thing, World};

/// When it is and how records are filled; no decision may depend on either.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Light {
    pub(crate) now: Timestamp,
    pub(crate) filling: Filling,
}

impl Light {
    pub(crate) const PLAIN: Self = Self {
        now: Timestamp::UNIX_EPOCH,
        filling: Filling::Empty,
    };
}

/// A snapshot of any kind.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it lives for a round"
)]
#[derive(Debug, Clone)]
pub(crate) enum Snapshot {
    ControlPlane(control_plane::Snapshot),
    Cluster(cluster::Snapshot),
    Workspace(workspace::Snapshot),
}

impl Snapshot {
    pub(crate) fn object(&self) -> &Object {
        match self {
            Self::ControlPlane(it) => &it.object,
            Self::Cluster(it) => &it.object,
            Self::Workspace(it) => &it.object,
        }
    }

    pub(crate) fn object_mut(&mut self) -> &mut Object {
        match self {
            Self::ControlPlane(it) => &mut it.object,
            Self::Cluster(it) => &mut it.object,
            Self::Workspace(it) => &mut it.object,
        }
    }
}

/// What is seen of the object `name`, if it exists.
pub(crate) fn observe(world: &World, name: Name, light: Light) -> Option<Snapshot> {
    let thing = world.get(name)?;
    let object = object(world, name, thing, light);
    Some(match name {
        Name::ControlPlane => Snapshot::ControlPlane(control_plane(world, thing, object, light)),
        Name::Cluster => Snapshot::Cluster(cluster(world, thing, object, light)),
        Name::Plane | Name::Network => Snapshot::Workspace(workspace(world, name, thing, object, light)),
    })
}

fn object(world: &World, name: Name, thing: &Thing, light: Light) -> Object {
    Object {
        name: name.text().to_owned(),
        uid: format!("uid of {}", name.text()),
        deleting: thing.deleting,
        finalized: thing.finalized,
        paused: world.is_paused(name).then(|| "it is paused".to_owned()),
        requested: request(thing.requested),
        input: world.input(name, thing).text().to_owned(),
        record: thing.memo.record(name, world.manner, light.now, light.filling),
        policy: world.manner.policy().clone(),
        faults: thing
            .failing
            .map(|class| fault(class, world.manner, light.filling))
            .into_iter()
            .collect(),
        look: look(world, name, thing, light),
        ..Object::new("", "")
    }
}

/// What whoever looks at the control plane, or at its workspace, finds. Nobody looks at what was never in use.
fn look(world: &World, name: Name, thing: &Thing, light: Light) -> Option<Look> {
    let ails = world.ails(name).is_some();
    let (api, synced) = if ails {
        (ill().api, ill().synced)
    } else {
        (Some(Api::Answered), Some(true))
    };
    let facts = match name {
        Name::ControlPlane => Facts {
            api,
            ..Facts::default()
        },
        Name::Plane => Facts {
            synced,
            ..Facts::default()
        },
        Name::Cluster | Name::Network => return None,
    };
    let at = light.now;
    thing.memo.initialized.then_some(Look { at, facts })
}

/// Whether requests of people are handed down to the child by a parent in this state.
fn hands_down(state: State) -> bool {
    match state {
        State::Configuring | State::Ready => false,
        State::Pending
        | State::Validating
        | State::Provisioning
        | State::Degraded
        | State::Failed
        | State::Recovering => true,
    }
}

fn child(world: &World, name: Name, parent: &Thing, light: Light) -> Option<Child> {
    let thing = world.get(name)?;
    let asked = !hands_down(parent.memo.state) || thing.requested == parent.requested;
    Some(Child {
        name: name.text().to_owned(),
        foreign: None,
        // Of a spec that cannot work nobody knows what the child should be: it is taken for right as it is.
        matches: parent.content == Content::Broken || (thing.content == parent.content && asked),
        observed: thing.observed && thing.memo.honoured == thing.requested,
        state: thing.memo.state,
        ready: thing.memo.ready,
        made: thing.memo.initialized,
        deleting: thing.deleting,
        fault: thing
            .memo
            .fault
            .map(|class| fault(class, world.manner, light.filling)),
        waits: Vec::new(),
        progress: Progress::default(),
    })
}

fn no_template(world: &World) -> Option<Wait> {
    let message = "there is no WorkspaceTemplate";
    (!world.around.template).then(|| Wait::new("WorkspaceTemplate/it", "TemplateNotFound", message))
}

fn invalid(thing: &Thing) -> Option<Fault> {
    (thing.content == Content::Broken).then(|| fault(FaultClass::Invalid, Manner::Act, Filling::Empty))
}

fn control_plane(world: &World, thing: &Thing, object: Object, light: Light) -> control_plane::Snapshot {
    let made = world.get(Name::Plane);
    let mut missing = Vec::new();
    if world.around.owner && !world.around.provisioned {
        let message = "waiting for the infrastructure";
        missing.push(Wait::new("CAPTCluster/demo", "WaitingForVPC", message));
    }
    missing.extend(no_template(world));
    // What the apply between the two waits for, as long as it has not begun.
    let stands = world.get(Name::Network).is_some_and(|it| it.memo.ready);
    if made.is_none() && !stands {
        let message = "waiting for the workspace of the VPC";
        missing.push(Wait::new(Name::Network.text(), "WorkspaceNotReady", message));
    }
    let outputs = made.and_then(|it| it.connection);
    control_plane::Snapshot {
        owned: world.around.owner,
        missing,
        invalid: invalid(thing),
        apply: child(world, Name::Plane, thing, light),
        held: None,
        endpoint: match (thing.endpoint, outputs) {
            (true, _) => control_plane::Endpoint::Published,
            (false, Some(_)) => control_plane::Endpoint::Found,
            (false, None) => control_plane::Endpoint::Unknown,
        },
        kubeconfig: match outputs {
            Some(outputs) => control_plane::Kubeconfig::Output(if thing.kubeconfig == Some(outputs) {
                control_plane::Secret::Current
            } else {
                control_plane::Secret::Stale
            }),
            None => control_plane::Kubeconfig::Nowhere(Wait::new(
                "WorkspaceTemplate/kubeconfig",
                "KubeconfigSourceMissing",
                "nothing makes the kubeconfig",
            )),
        },
        ca: control_plane::Secret::Unwanted,
        wrong_output: None,
        object,
    }
}

fn cluster(world: &World, thing: &Thing, object: Object, light: Light) -> cluster::Snapshot {
    let made = world.get(Name::Network).is_some_and(|it| it.memo.initialized);
    let stands = thing.deleting && world.get(Name::ControlPlane).is_some();
    cluster::Snapshot {
        owned: world.around.owner,
        vpc: cluster::Vpc::Owned {
            apply: child(world, Name::Network, thing, light),
            retain: false,
        },
        missing: no_template(world).into_iter().collect(),
        invalid: invalid(thing),
        vpc_id: made.then(|| "vpc-1".to_owned()),
        wrong_output: None,
        held: None,
        dependents: stands
            .then(|| Name::ControlPlane.text().to_owned())
            .into_iter()
            .collect(),
        object,
    }
}

fn workspace(world: &World, name: Name, thing: &Thing, object: Object, light: Light) -> workspace::Snapshot {
    let state = world.made(name).state;
    let stands = thing.deleting && name == Name::Network && world.get(Name::Plane).is_some();
    let input = world.input(name, thing);
    workspace::Snapshot {
        missing: if input.complete {
            Vec::new()
        } else {
            let message = "the Secret with the credentials does not exist";
            vec![Wait::new("Secret/credentials", "SecretMissing", message)]
        },
        invalid: None,
        run: run_seen(thing, world.manner, light),
        connection: match name {
            Name::Plane => connection(thing),
            Name::Network | Name::ControlPlane | Name::Cluster => Connection::Unwanted,
        },
        protected: state == StateObject::Protected,
        has_state: state != StateObject::Absent,
        deletion: Deletion::Destroy,
        dependents: stands
            .then(|| Name::Plane.text().to_owned())
            .into_iter()
            .collect(),
        object,
    }
}

/// The runs of a workspace as they are found. The apply of one that is to be deleted, which an earlier process left
/// running, is taken up: it is stopped and not waited for.
pub(crate) fn runner(thing: &Thing) -> Runner {
    let looks = thing.deleting && !thing.runner.known && thing.memo.state == State::Provisioning;
    let Some((RunOperation::Apply, input)) = thing.memo.run.filter(|_| looks) else {
        return thing.runner;
    };
    let nothing = Run {
        current: true,
        operation: RunOperation::Apply,
        input,
        stage: Stage::Ended(End::Badly(FaultClass::Interrupted)),
        stopping: false,
    };
    Runner {
        run: thing.runner.run.filter(|run| run.current).or(Some(nothing)),
        known: true,
        ..thing.runner
    }
}

/// The run that the operator knows; a destroy that is recorded as done is known without it.
fn run_seen(thing: &Thing, manner: Manner, light: Light) -> Option<RunSeen> {
    let (operation, _) = thing.memo.run?;
    let runner = runner(thing);
    if let Some(run) = runner.run.filter(|_| runner.known) {
        return Some(RunSeen {
            number: if run.current { RUN } else { RUN - 1 },
            progress: Progress::default(),
            unlocked: None,
            changes: run.stage != Stage::Planning,
            end: match run.stage {
                Stage::Planning | Stage::Applying => None,
                Stage::Ended(End::Well) => Some(RunEnd::Succeeded),
                Stage::Ended(End::Badly(class)) => Some(RunEnd::Failed(fault(class, manner, light.filling))),
            },
        });
    }
    (operation == RunOperation::Destroy && thing.destroyed).then(|| RunSeen {
        number: RUN,
        progress: Progress::default(),
        unlocked: None,
        changes: true,
        end: Some(RunEnd::Succeeded),
    })
}

/// The outputs of the apply of the record, once it has succeeded and as long as the operator knows it.
pub(crate) fn outputs(thing: &Thing) -> Option<Content> {
    let known = |run: &Run| {
        thing.runner.known
            && run.current
            && run.operation == RunOperation::Apply
            && run.stage == Stage::Ended(End::Well)
    };
    thing.runner.run.filter(known).map(|run| run.input.content)
}

/// The connection secret against the outputs, or against what the status says was written.
fn connection(thing: &Thing) -> Connection {
    let wanted = outputs(thing).or(thing.written);
    match thing.connection {
        Some(present) if wanted.is_none_or(|wanted| wanted == present) => Connection::Current,
        Some(_) | None => Connection::Stale,
    }
}
