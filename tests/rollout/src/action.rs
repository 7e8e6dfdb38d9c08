//! What can happen next.

use crate::mistake::Mistake;
use crate::round::round;
use crate::world::{End, Health, Phase, State, Status, Task, World};

/// What can happen next. A task is named by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The scheduler looks.
    Round,
    /// A task comes to run.
    Runs(usize),
    /// The health checks of a task pass.
    Passes(usize),
    /// The health checks of a task fail.
    Sickens(usize),
    /// A task fails before it runs.
    Fails(usize),
    /// A task ends by itself.
    Exits(usize),
    /// A task that was asked to stop is over.
    Leaves(usize),
    /// Time passes until what is held goes on.
    Wait,
    /// Somebody begins a deployment of another revision.
    Update,
    /// Somebody stops the newest deployment where it is.
    AsksForStop,
    /// Somebody asks for the revision before.
    AsksForRollback,
    /// Somebody wants one task fewer, or one more.
    Scales(u8),
}

/// So much may happen between two rounds.
const UNSEEN: u8 = 2;

/// What can happen in a world.
pub(crate) fn possible(world: &World, actions: &mut Vec<Action>) {
    if world.broken.is_some() {
        return;
    }
    actions.push(Action::Round);
    if world.deployments.iter().any(|it| it.held) {
        actions.push(Action::Wait);
    }
    if world.unseen >= UNSEEN {
        return;
    }
    let left = world.left;
    let mut known: Vec<&Task> = Vec::new();
    for (nth, task) in world.tasks.iter().enumerate() {
        // What happens to one of equals happens to all of them.
        if known.contains(&task) {
            continue;
        }
        known.push(task);
        let coming = task.phase == Phase::Coming;
        let running = task.phase == Phase::Running;
        if coming {
            actions.push(Action::Runs(nth));
        }
        if coming && task.wanted && left.fails > 0 {
            actions.push(Action::Fails(nth));
        }
        if running && world.setup.checked && task.health != Health::Healthy {
            actions.push(Action::Passes(nth));
        }
        if running && world.setup.checked && task.health != Health::Unhealthy && left.sickens > 0 {
            actions.push(Action::Sickens(nth));
        }
        if running && task.wanted && left.exits > 0 {
            actions.push(Action::Exits(nth));
        }
        if !task.wanted && task.is_active() {
            actions.push(Action::Leaves(nth));
        }
    }
    if left.updates > 0 {
        actions.push(Action::Update);
    }
    let under_way = world.newest().is_some_and(|it| it.state == State::InProgress);
    let asked = world
        .told
        .last()
        .is_some_and(|it| it.status == Status::InProgress);
    if left.requests > 0 && under_way && asked {
        actions.extend([Action::AsksForStop, Action::AsksForRollback]);
    }
    if left.scales > 0 {
        actions.extend([world.desired.saturating_sub(1), world.desired + 1].map(Action::Scales));
    }
}

/// The world after it has happened.
pub(crate) fn after(before: &World, action: Action, mistake: Option<Mistake>) -> Option<World> {
    let mut world = before.clone();
    match action {
        Action::Round => return Some(round(before, mistake).sorted()),
        Action::Wait => {
            for it in &mut world.deployments {
                it.held = false;
            }
            return Some(world);
        }
        Action::Runs(nth) => {
            world.unseen += 1;
            let unseen = world.unseen;
            let task = world.tasks.get_mut(nth)?;
            task.phase = Phase::Running;
            task.ran_at = unseen;
            let ends_row = !world.setup.checked && is_of_newest(&world, nth);
            if ends_row {
                world.truth.row = 0;
            }
        }
        Action::Passes(nth) => {
            world.unseen += 1;
            world.tasks.get_mut(nth)?.health = Health::Healthy;
        }
        Action::Sickens(nth) => {
            world.unseen += 1;
            world.left.sickens -= 1;
            world.tasks.get_mut(nth)?.health = Health::Unhealthy;
        }
        Action::Fails(nth) => {
            world.unseen += 1;
            world.left.fails -= 1;
            end(&mut world, nth, Phase::NeverRan, End::FailedToStart)?;
            if is_of_newest(&world, nth) {
                world.truth.row += 1;
                trip(&mut world);
            }
        }
        Action::Exits(nth) => {
            world.unseen += 1;
            world.left.exits -= 1;
            end(&mut world, nth, Phase::Over, End::Exited)?;
        }
        Action::Leaves(nth) => {
            let ran = world.tasks.get(nth)?.phase == Phase::Running;
            let why = world.tasks.get(nth)?.end;
            end(
                &mut world,
                nth,
                if ran { Phase::Over } else { Phase::NeverRan },
                why,
            )?;
        }
        Action::Update => {
            world.unseen += 1;
            world.left.updates -= 1;
            world.update();
        }
        Action::AsksForStop | Action::AsksForRollback => {
            world.unseen += 1;
            world.left.requests -= 1;
            world.truth.asked = true;
            world.told.last_mut()?.status = if action == Action::AsksForStop {
                Status::StopRequested
            } else {
                Status::RollbackRequested
            };
        }
        Action::Scales(desired) => {
            world.unseen += 1;
            world.left.scales -= 1;
            world.desired = desired;
        }
    }
    Some(world.sorted())
}

fn end(world: &mut World, nth: usize, phase: Phase, why: End) -> Option<()> {
    let at = world.unseen;
    let task = world.tasks.get_mut(nth)?;
    task.phase = phase;
    task.wanted = false;
    task.end = why;
    task.ended_at = at;
    Some(())
}

fn is_of_newest(world: &World, nth: usize) -> bool {
    let newest = world.newest().map(|it| it.id);
    world.tasks.get(nth).map(|it| it.deployment) == newest
}

/// Takes down that the row of failures reached the threshold while the deployment was under way.
pub(crate) fn trip(world: &mut World) {
    let under_way = world.newest().is_some_and(|it| it.state == State::InProgress);
    if under_way && world.truth.row >= crate::world::THRESHOLD {
        world.truth.tripped = true;
    }
}
