//! One round of an object: the decisions of `capt-core`, and the least that carries them out.

use capt_core::advance::Assessment;
use capt_core::decision::{Decision, Requeue};
use capt_core::fault::FaultClass;
use capt_core::plan::{Step, StepId};
use capt_core::record::{Record, RunOperation};
use capt_core::wait::Wait;
use capt_core::{cluster, control_plane, workspace};

use crate::choice::{Choice, choose};
use crate::law::Law;
use crate::memo::RUN;
use crate::mistake::{Mistake, Plant};
use crate::observe::{Light, Snapshot, observe, outputs, runner};
use crate::world::{Ailment, Content, End, Name, Resources, Run, Runner, Stage, StateObject, Thing, World};
use crate::{check, world};

/// A command of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    ControlPlane(control_plane::Command),
    Cluster(cluster::Command),
    Workspace(workspace::Command),
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) id: StepId,
    pub(crate) after: Vec<StepId>,
    pub(crate) command: Command,
}

/// A decision of any kind. That it may be spoiled is why its plan is a plain list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) record: Record,
    pub(crate) plan: Vec<Planned>,
    pub(crate) requeue: Requeue,
    pub(crate) waits: Vec<Wait>,
}

/// How a round goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// To its end.
    Whole,
    /// The operator dies after so many steps, and the record is not written.
    Dies {
        /// The steps.
        after: usize,
    },
    /// The first step fails.
    Fails(FaultClass),
}

/// What is decided for the object `name`, with what was seen of it.
pub(crate) fn decide(
    world: &World,
    name: Name,
    light: Light,
    mistake: Option<Mistake>,
) -> Option<(Snapshot, Decided)> {
    let mut snapshot = observe(world, name, light)?;
    let plant = mistake.map(Mistake::plant);
    if let Some(Plant::Snapshot(spoil)) = plant {
        spoil(&mut snapshot);
    }
    let spoil = |assessment: &mut Assessment| {
        if let Some(Plant::Assessment(spoil)) = plant {
            spoil(&snapshot, assessment);
        }
    };
    let now = light.now;
    let mut decided = match &snapshot {
        Snapshot::ControlPlane(seen) => {
            let mut assessment = control_plane::assess(seen, now);
            spoil(&mut assessment);
            plain(
                control_plane::decide(seen, assessment, now),
                Command::ControlPlane,
            )
        }
        Snapshot::Cluster(seen) => {
            let mut assessment = cluster::assess(seen, now);
            spoil(&mut assessment);
            plain(cluster::decide(seen, assessment, now), Command::Cluster)
        }
        Snapshot::Workspace(seen) => {
            let mut assessment = workspace::assess(seen, now);
            spoil(&mut assessment);
            plain(workspace::decide(seen, assessment, now), Command::Workspace)
        }
    };
    // That everything is destroyed is recorded before what proves it is removed.
    let removes = |step: &Planned| {
        step.command == Command::Workspace(workspace::Command::ReleaseState { remove: true })
    };
    if decided.plan.iter().any(removes) && !world.get(name)?.destroyed {
        decided.plan.clear();
    }
    if let Some(Plant::Decision(spoil)) = plant {
        spoil(&snapshot, &mut decided);
    }
    Some((snapshot, decided))
}

fn plain<C: Clone>(decision: Decision<Record, C>, command: fn(C) -> Command) -> Decided {
    let step = |step: &Step<C>| Planned {
        id: step.id,
        after: step.after.clone(),
        command: command(step.command.clone()),
    };
    Decided {
        plan: decision.plan.steps().iter().map(step).collect(),
        record: decision.record,
        requeue: decision.requeue,
        waits: decision.waits,
    }
}

/// A round of the object `name`. A round that dies leaves an operator that is started again.
pub(crate) fn round(world: &mut World, name: Name, how: How, mistake: Option<Mistake>) {
    let Some(choice) = choose(world, name, mistake) else {
        return;
    };
    if let Some(thing) = world.get_mut(name) {
        thing.runner = runner(thing);
    }
    let had = check::has_endpoint(world);
    check::intent(world, name, &choice);
    let mut done: Vec<StepId> = Vec::new();
    let mut failing = None;
    for (index, step) in choice.plan.iter().enumerate() {
        match how {
            How::Dies { after } if index >= after => break,
            How::Fails(class) if index == 0 => {
                failing = Some(class);
                continue;
            }
            How::Whole | How::Dies { .. } | How::Fails(_) => {}
        }
        if step.after.iter().all(|id| done.contains(id)) {
            match execute(world, name, &step.command) {
                Ok(()) => done.push(step.id),
                Err(class) => failing = failing.or(Some(class)),
            }
        }
    }
    match how {
        How::Dies { .. } => restart(world),
        How::Whole | How::Fails(_) => report(world, name, &choice, &done, failing),
    }
    if let (Some(Plant::Written(spoil)), Some(thing)) = (mistake.map(Mistake::plant), world.get_mut(name)) {
        spoil(thing);
    }
    check::endpoint(had, world);
    world.settle();
}

/// The operator starts again: what it only remembered is lost.
pub(crate) fn restart(world: &mut World) {
    for name in Name::ALL {
        if let Some(thing) = world.get_mut(name) {
            thing.failing = None;
            thing.runner.known = false;
        }
    }
}

fn report(world: &mut World, name: Name, choice: &Choice, done: &[StepId], failing: Option<FaultClass>) {
    let mut after = choice.memo;
    let opened = choice.opens;
    let Some(thing) = world.get(name) else {
        return;
    };
    // A status says nothing of an object that goes but that it is not ready.
    after.ready &= !thing.deleting;
    // One that is paused keeps the generation that it saw, if it has seen one.
    let keeps = world.is_paused(name) && thing.memo.since.is_some();
    check::written(world, name, &after, opened);
    let Some(thing) = world.get_mut(name) else {
        return;
    };
    if done.contains(&StepId("write-connection")) {
        thing.written = outputs(thing);
    }
    if opened && let Some(run) = &mut thing.runner.run {
        run.current = false;
    }
    let succeeded = thing.runner.run.is_some_and(|run| {
        thing.runner.known
            && run.current
            && run.operation == RunOperation::Destroy
            && run.stage == Stage::Ended(End::Well)
    });
    thing.destroyed = !opened && (thing.destroyed || succeeded);
    thing.memo = after;
    thing.observed |= !keeps;
    thing.failing = failing;
}

fn execute(world: &mut World, name: Name, command: &Command) -> Result<(), FaultClass> {
    use capt_core::{cluster::Command as Cluster, control_plane::Command as Plane};
    match command {
        Command::ControlPlane(Plane::AddFinalizer)
        | Command::Cluster(Cluster::AddFinalizer)
        | Command::Workspace(workspace::Command::AddFinalizer) => {
            if let Some(thing) = world.get_mut(name) {
                thing.finalized = true;
            }
            Ok(())
        }
        Command::ControlPlane(Plane::RemoveFinalizer)
        | Command::Cluster(Cluster::RemoveFinalizer)
        | Command::Workspace(workspace::Command::RemoveFinalizer) => {
            if let Some(thing) = world.get_mut(name) {
                thing.finalized = false;
                if thing.deleting {
                    vanish(world, name);
                }
            }
            Ok(())
        }
        Command::ControlPlane(Plane::EnsureApply) | Command::Cluster(Cluster::EnsureVpc) => {
            ensure(world, name)
        }
        Command::ControlPlane(Plane::DeleteApply) | Command::Cluster(Cluster::DeleteVpc { .. }) => {
            if let Some(child) = name.child() {
                delete(world, child);
            }
            Ok(())
        }
        Command::ControlPlane(Plane::PublishEndpoint) => {
            if let Some(thing) = world.get_mut(name) {
                thing.endpoint = true;
            }
            Ok(())
        }
        Command::ControlPlane(Plane::WriteKubeconfig) => {
            let outputs = world.get(Name::Plane).and_then(|it| it.connection);
            if let Some(thing) = world.get_mut(name) {
                thing.kubeconfig = outputs.or(thing.kubeconfig);
            }
            Ok(())
        }
        // The kubeconfig is an output, and nobody wants the CA secret.
        Command::ControlPlane(
            Plane::EnsureKubeconfigApply | Plane::DeleteKubeconfigApply | Plane::WriteCa,
        ) => Ok(()),
        Command::Workspace(command) => work(world, name, command),
    }
}

fn ensure(world: &mut World, name: Name) -> Result<(), FaultClass> {
    let (Some(child), Some(parent)) = (name.child(), world.get(name)) else {
        return Ok(());
    };
    let (content, requested) = (parent.content, parent.requested);
    if content == Content::Broken {
        // What it would be made from is not known.
        return Err(FaultClass::Dependency);
    }
    if world.get(child).is_none() {
        world.put(child, Thing::new(content, world.manner));
    }
    if let Some(thing) = world.get_mut(child) {
        thing.observed &= thing.content == content;
        thing.content = content;
        thing.requested = requested;
    }
    Ok(())
}

/// Asks for the end of an object; without a finalizer that is its end.
pub(crate) fn delete(world: &mut World, name: Name) {
    let Some(thing) = world.get_mut(name) else {
        return;
    };
    if thing.finalized {
        thing.observed &= thing.deleting;
        thing.deleting = true;
    } else {
        vanish(world, name);
    }
}

fn vanish(world: &mut World, name: Name) {
    let Some(thing) = world.take(name) else {
        return;
    };
    let active = thing.runner.run.is_some_and(Run::is_active) || thing.runner.left.is_some();
    let orphaned = name.child().is_some_and(|child| world.get(child).is_some());
    if active || orphaned || world.made(name) != world::Made::default() {
        world.breaks(Law::NothingLeft);
    }
}

fn work(world: &mut World, name: Name, command: &workspace::Command) -> Result<(), FaultClass> {
    use workspace::Command as On;
    let Some(thing) = world.get_mut(name) else {
        return Ok(());
    };
    match command {
        On::StartRun { number, operation } => return start(world, name, *number, *operation),
        On::CancelRun => {
            let active = thing.runner.run.as_mut().filter(|run| run.is_active());
            if let Some(run) = active.filter(|_| thing.runner.known) {
                run.stopping = true;
            }
        }
        On::WithdrawRun => {
            let waiting = thing
                .runner
                .run
                .as_mut()
                .filter(|run| run.stage == Stage::Planning);
            if let Some(run) = waiting.filter(|_| thing.runner.known) {
                run.stopping = true;
            }
        }
        On::WriteConnection => thing.connection = outputs(thing).or(thing.connection),
        On::ProtectState => {
            let made = world.made_mut(name);
            if made.state == StateObject::Bare {
                made.state = StateObject::Protected;
            }
        }
        On::ReleaseState { remove } => {
            let made = world.made_mut(name);
            made.state = match (made.state, remove) {
                (_, true) | (StateObject::Absent, false) => StateObject::Absent,
                (StateObject::Bare | StateObject::Protected, false) => StateObject::Bare,
            };
        }
        On::ForgetRun => {
            let active = thing.runner.run.is_some_and(Run::is_active);
            if active && thing.runner.known {
                return Err(FaultClass::Dependency);
            }
            thing.runner = Runner::default();
        }
        // Handled where all kinds are.
        On::AddFinalizer | On::RemoveFinalizer => {}
    }
    Ok(())
}

/// Starts the run of the record, or takes it up: what the runner guarantees, not what it does.
fn start(world: &mut World, name: Name, number: u32, operation: RunOperation) -> Result<(), FaultClass> {
    let Some(thing) = world.get(name) else {
        return Ok(());
    };
    let input = world.input(name, thing);
    if !input.complete {
        return Err(FaultClass::Dependency);
    }
    let runner = thing.runner;
    let same = runner
        .run
        .filter(|run| run.current == (number == RUN) && run.input == input);
    if same.is_some() {
        if let Some(thing) = world.get_mut(name) {
            thing.runner.known = true;
        }
        return Ok(());
    }
    let active = runner.run.filter(|run| run.is_active());
    if runner.known && active.is_some() {
        world.breaks(Law::OneRun);
        return Err(FaultClass::Dependency);
    }
    check::start(world, name, operation);
    // After a restart what is left alive of another run is waited for.
    let left = runner
        .left
        .or_else(|| active.map(|run| (run.operation, run.input)));
    if let Some(thing) = world.get_mut(name) {
        thing.runner = Runner {
            run: Some(Run {
                current: true,
                operation,
                input,
                stage: Stage::Planning,
                stopping: false,
            }),
            known: true,
            left,
        };
    }
    Ok(())
}

/// A run of the workspace goes on by one stage. False if there is none that can.
pub(crate) fn goes_on(world: &mut World, name: Name) -> bool {
    let Some(thing) = world.get(name) else {
        return false;
    };
    let runner = thing.runner;
    if let Some((operation, input)) = runner.left {
        // What stands in the way of a destroy is asked to stop; anything else is waited for.
        let stopped = runner
            .run
            .is_some_and(|run| run.operation == RunOperation::Destroy || run.stopping);
        if !stopped {
            ends_well(world, name, operation, input.content);
        }
        if let Some(thing) = world.get_mut(name) {
            thing.runner.left = None;
        }
        return true;
    }
    let Some(mut run) = runner.run.filter(|run| run.is_active()) else {
        return false;
    };
    run.stage = match run.stage {
        Stage::Planning if run.stopping => Stage::Ended(End::Badly(FaultClass::Interrupted)),
        Stage::Planning => {
            check::applies(world, name, run.operation);
            let made = world.made_mut(name);
            made.resources = match (made.resources, run.operation) {
                // There was nothing, and nothing is made.
                (Resources::None, RunOperation::Destroy) => Resources::None,
                (_, RunOperation::Apply | RunOperation::Destroy) => Resources::Partial,
            };
            if made.state == StateObject::Absent {
                made.state = StateObject::Bare;
            }
            Stage::Applying
        }
        Stage::Applying => {
            ends_well(world, name, run.operation, run.input.content);
            Stage::Ended(End::Well)
        }
        Stage::Ended(end) => Stage::Ended(end),
    };
    if let Some(thing) = world.get_mut(name) {
        thing.runner.run = Some(run);
    }
    true
}

fn ends_well(world: &mut World, name: Name, operation: RunOperation, content: Content) {
    if world.ails(name) == Some(Ailment::Unsynced) {
        world.around.ailment = None;
    }
    world.made_mut(name).resources = match operation {
        RunOperation::Apply => Resources::Whole(content),
        RunOperation::Destroy => Resources::None,
    };
}

/// The run of the workspace ends with a fault. False if there is none that can.
pub(crate) fn fails(world: &mut World, name: Name, class: FaultClass) -> bool {
    let Some(thing) = world.get_mut(name).filter(|it| it.runner.left.is_none()) else {
        return false;
    };
    let Some(run) = thing.runner.run.as_mut().filter(|run| run.is_active()) else {
        return false;
    };
    run.stage = Stage::Ended(End::Badly(class));
    true
}
