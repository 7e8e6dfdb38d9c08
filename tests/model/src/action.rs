//! What can happen next.

use capt_core::fault::FaultClass;
use capt_core::lifecycle::State;

use crate::check;
use crate::choice::choose;
use crate::memo::Millis;
use crate::mistake::Mistake;
use crate::round::{How, delete, fails, goes_on, restart, round};
use crate::world::{Ailment, Content, Kinds, Left, Name, World};

/// How far the clock is set forward or back: further than any limit.
const JUMP: Millis = 60 * 60 * 1000;

/// What can be lost. All but the last come back by the hand that took them, or are made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The Cluster that owns control plane and cluster.
    Owner,
    /// The Secret with the credentials of a workspace.
    Credentials(Name),
    /// The templates.
    Template,
    /// The connection secret of the control plane's workspace.
    Connection,
    /// The kubeconfig secret.
    Kubeconfig,
    /// A workspace: somebody deletes it.
    Workspace(Name),
    /// Both workspaces: somebody deletes them.
    Workspaces,
    /// The health of the control plane or of its workspace.
    Health(Ailment),
}

impl Loss {
    const ALL: [Self; 12] = [
        Self::Owner,
        Self::Credentials(Name::Plane),
        Self::Credentials(Name::Network),
        Self::Template,
        Self::Connection,
        Self::Kubeconfig,
        Self::Workspace(Name::Plane),
        Self::Workspace(Name::Network),
        Self::Workspaces,
        Self::Health(Ailment::Silent),
        Self::Health(Ailment::Unsynced),
        Self::Health(Ailment::Stubborn),
    ];
}

/// What can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A round of an object.
    Reconcile(Name),
    /// A round in which the operator dies after so many steps of the plan, and is started again.
    Dies(Name, usize),
    /// A round whose plan fails at its first step.
    StepFails(Name, FaultClass),
    /// The operator is started again.
    Restart,
    /// A run goes on by a stage.
    GoesOn(Name),
    /// A run fails.
    RunFails(Name, FaultClass),
    /// A run that was asked to stop stops.
    Stops(Name),
    /// Time passes until the next moment that somebody waits for.
    Wait,
    /// The clock is set forward.
    Forward,
    /// The clock is set back.
    Back,
    /// A person changes a spec.
    Change(Name, Content),
    /// A person asks for another try.
    Ask(Name),
    /// A person pauses an object.
    Pause(Name),
    /// A person pauses the Cluster.
    PauseAll,
    /// Nothing is paused any more.
    Resume,
    /// The Cluster becomes, or becomes again, the owner.
    Owned,
    /// Something is lost.
    Lose(Loss),
    /// What was lost comes back.
    Regain,
    /// A person, or Cluster API, deletes an object.
    Delete(Name),
}

impl Action {
    /// Whether it is somebody's work, and no disturbance of it.
    pub(crate) const fn is_work(self) -> bool {
        match self {
            Self::Reconcile(_)
            | Self::GoesOn(_)
            | Self::Stops(_)
            | Self::Wait
            | Self::Resume
            | Self::Owned
            | Self::Regain => true,
            Self::Dies(..)
            | Self::StepFails(..)
            | Self::Restart
            | Self::RunFails(..)
            | Self::Forward
            | Self::Back
            | Self::Change(..)
            | Self::Ask(_)
            | Self::Pause(_)
            | Self::PauseAll
            | Self::Lose(_)
            | Self::Delete(_) => false,
        }
    }
}

/// What can happen in a world.
pub(crate) fn possible(world: &World, mistake: Option<Mistake>, actions: &mut Vec<Action>) {
    if world.broken.is_some() {
        return;
    }
    let any = world.left.disturbances > 0;
    for name in Name::ALL {
        let Some(choice) = choose(world, name, mistake) else {
            continue;
        };
        actions.push(Action::Reconcile(name));
        if choice.plan.is_empty() {
            continue;
        }
        let any = any && world.left.kinds == Kinds::All;
        if any && world.left.restarts > 0 {
            actions.extend((1..=choice.plan.len()).map(|steps| Action::Dies(name, steps)));
        }
        if any && world.left.faults > 0 {
            actions.extend(classes(world).map(|class| Action::StepFails(name, class)));
        }
    }
    for name in Name::WORKSPACES {
        let Some(runner) = world.get(name).map(|thing| thing.runner) else {
            continue;
        };
        let Some(run) = runner.run.filter(|run| run.is_active()) else {
            continue;
        };
        actions.push(Action::GoesOn(name));
        if runner.left.is_some() {
            continue;
        }
        if run.stopping {
            actions.push(Action::Stops(name));
        }
        if any && world.left.faults > 0 {
            actions.extend(classes(world).map(|class| Action::RunFails(name, class)));
        }
    }
    actions.push(Action::Wait);
    if !world.around.owner {
        actions.push(Action::Owned);
    }
    if is_something_lost(world) {
        actions.push(Action::Regain);
    }
    if is_something_paused(world) {
        actions.push(Action::Resume);
    }
    if any {
        disturbances(world, actions);
    }
}

/// The classes of faults, one of each that ask for the same.
fn classes(world: &World) -> impl Iterator<Item = FaultClass> {
    let manner = world.manner;
    let all = world.left.kinds == Kinds::All;
    FaultClass::ALL.iter().copied().filter(move |class| {
        let few = matches!(class, FaultClass::Transient | FaultClass::Conflict);
        manner.stands_for(*class) == *class && (all || few)
    })
}

fn disturbances(world: &World, actions: &mut Vec<Action>) {
    let left = &world.left;
    let all = left.kinds == Kinds::All;
    if left.restarts > 0 {
        actions.push(Action::Restart);
    }
    if left.jumps > 0 {
        actions.push(Action::Forward);
        actions.extend(all.then_some(Action::Back));
    }
    for name in Name::PARENTS {
        let Some(thing) = world.get(name).filter(|thing| !thing.deleting) else {
            continue;
        };
        if left.changes > 0 {
            let others = Content::ALL.iter().filter(|content| **content != thing.content);
            let others = others.filter(|content| all || **content == Content::Second);
            actions.extend(others.map(|content| Action::Change(name, *content)));
        }
        if left.requests > 0 {
            actions.push(Action::Ask(name));
        }
        if left.deletions > 0 {
            actions.push(Action::Delete(name));
        }
    }
    if left.pauses > 0 && !is_something_paused(world) {
        actions.push(Action::PauseAll);
        let there = Name::ALL
            .into_iter()
            .filter(|name| all && world.get(*name).is_some());
        actions.extend(there.map(Action::Pause));
    }
    if left.losses > 0 {
        let losses = Loss::ALL
            .into_iter()
            .filter(|loss| all || matches!(loss, Loss::Owner | Loss::Workspaces));
        actions.extend(losses.map(Action::Lose));
    }
}

fn is_something_lost(world: &World) -> bool {
    world.around.uncredited.is_some() || !world.around.template || world.around.ailment.is_some()
}

fn is_something_paused(world: &World) -> bool {
    let paused = |name: Name| world.get(name).is_some_and(|thing| thing.paused);
    world.around.paused || Name::ALL.into_iter().any(paused)
}

fn spend(world: &mut World, of: fn(&mut Left) -> &mut u8) {
    world.left.disturbances = world.left.disturbances.saturating_sub(1);
    let left = of(&mut world.left);
    *left = left.saturating_sub(1);
}

/// What a world becomes; nothing where that is what it was.
pub(crate) fn after(before: &World, action: Action, mistake: Option<Mistake>) -> Option<World> {
    let mut world = before.clone();
    match action {
        Action::Reconcile(name) => round(&mut world, name, How::Whole, mistake),
        Action::Dies(name, after) => {
            round(&mut world, name, How::Dies { after }, mistake);
            spend(&mut world, |left| &mut left.restarts);
        }
        Action::StepFails(name, class) => {
            round(
                &mut world,
                name,
                How::Fails(before.manner.stands_for(class)),
                mistake,
            );
            // It was tried, and has failed anew.
            check::settles(&mut world, name);
            spend(&mut world, |left| &mut left.faults);
        }
        Action::Restart => {
            restart(&mut world);
            spend(&mut world, |left| &mut left.restarts);
        }
        Action::GoesOn(name) => {
            goes_on(&mut world, name);
        }
        Action::RunFails(name, class) => {
            fails(&mut world, name, class);
            spend(&mut world, |left| &mut left.faults);
        }
        Action::Stops(name) => {
            fails(&mut world, name, FaultClass::Interrupted);
        }
        Action::Wait => pass(&mut world, next_moment(before, mistake)?),
        Action::Forward | Action::Back => {
            pass(&mut world, if action == Action::Forward { JUMP } else { -JUMP });
            spend(&mut world, |left| &mut left.jumps);
        }
        Action::Change(name, content) => {
            let thing = world.get_mut(name)?;
            thing.content = content;
            thing.observed = false;
            spend(&mut world, |left| &mut left.changes);
        }
        Action::Ask(name) => {
            let owed = check::has_failed(&world, name);
            let thing = world.get_mut(name)?;
            thing.requested = thing.requested.saturating_add(1);
            thing.owed |= owed;
            spend(&mut world, |left| &mut left.requests);
        }
        Action::Pause(name) => {
            world.get_mut(name)?.paused = true;
            spend(&mut world, |left| &mut left.pauses);
        }
        Action::PauseAll => {
            world.around.paused = true;
            spend(&mut world, |left| &mut left.pauses);
        }
        Action::Resume => resume(&mut world),
        Action::Owned => {
            world.around.owner = true;
            world.settle();
        }
        Action::Lose(loss) => {
            lose(&mut world, loss)?;
            spend(&mut world, |left| &mut left.losses);
        }
        Action::Regain => {
            world.around.uncredited = None;
            world.around.template = true;
            world.around.ailment = None;
        }
        Action::Delete(name) => {
            delete(&mut world, name);
            spend(&mut world, |left| &mut left.deletions);
        }
    }
    let world = world.closed();
    (world != *before).then_some(world)
}

pub(crate) fn resume(world: &mut World) {
    world.around.paused = false;
    for name in Name::ALL {
        if let Some(thing) = world.get_mut(name) {
            thing.paused = false;
        }
    }
}

fn lose(world: &mut World, loss: Loss) -> Option<()> {
    match loss {
        Loss::Owner => world.around.owner = false,
        Loss::Credentials(name) => world.around.uncredited = Some(name),
        Loss::Template => world.around.template = false,
        Loss::Connection => world.get_mut(Name::Plane)?.connection = None,
        Loss::Kubeconfig => world.get_mut(Name::ControlPlane)?.kubeconfig = None,
        Loss::Health(ailment) => {
            world.around.ailment = Some(ailment);
            // Nobody looks at what was never in use.
            let of = |name: &Name| world.ails(*name).is_some();
            let ill = Name::ALL.into_iter().find(of)?;
            world.get(ill).filter(|it| it.memo.initialized)?;
        }
        Loss::Workspace(name) => {
            world.get(name).filter(|thing| !thing.deleting)?;
            delete(world, name);
        }
        Loss::Workspaces => {
            for name in Name::WORKSPACES {
                world.get(name).filter(|thing| !thing.deleting)?;
            }
            for name in Name::WORKSPACES {
                delete(world, name);
            }
        }
    }
    Some(())
}

/// The next moment after now at which somebody asks to be looked at.
pub(crate) fn next_moment(world: &World, mistake: Option<Mistake>) -> Option<Millis> {
    let moment = |name: Name| choose(world, name, mistake)?.again;
    let moments = Name::ALL.into_iter().filter_map(moment).chain(look(world));
    moments.filter(|moment| *moment > 0).min()
}

/// How long after one look at the health of an object the next one is taken, while that makes a difference.
const LOOK: Millis = 30 * 60 * 1000;

fn look(world: &World) -> Option<Millis> {
    let differs = |name: Name| {
        let memo = world.get(name)?.memo;
        let judged = match name {
            Name::ControlPlane => memo.judged[0],
            Name::Plane => memo.judged[1],
            Name::Cluster | Name::Network => return None,
        };
        let ails = world.ails(name).is_some();
        // What was applied again is looked at again.
        let again = ails && memo.state == State::Ready;
        let differs = judged.against > 0 || judged.fails != Some(ails) || again;
        (memo.initialized && differs).then_some(())
    };
    Name::ALL.into_iter().find_map(differs).map(|()| LOOK)
}

/// The clock goes on by so much, or back.
pub(crate) fn pass(world: &mut World, passed: Millis) {
    for name in Name::ALL {
        if let Some(thing) = world.get_mut(name) {
            thing.memo = thing.memo.later(passed);
            // A clock that was set back knows nothing of what was tried after that.
            let held = thing.held.map(|until| until.saturating_sub(passed));
            thing.held = held.filter(|until| *until > 0 && passed >= 0);
        }
    }
}
