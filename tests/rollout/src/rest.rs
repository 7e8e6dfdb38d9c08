//! Where a world comes to rest when nothing fails any more.

use crate::action::{Action, after};
use crate::mistake::Mistake;
use crate::world::{Health, Phase, State, World};

/// More rounds than any world here takes.
const ROUNDS: usize = 40;

/// Whether a world comes to rest with what its service is to have.
pub(crate) fn comes_to_rest(world: &World, mistake: Option<Mistake>) -> bool {
    let mut world = world.clone();
    for _ in 0..ROUNDS {
        let Some(next) = after(&world, Action::Round, mistake) else {
            return false;
        };
        let next = all_goes_well(next);
        if next.broken.is_some() {
            // Another law tells of it.
            return true;
        }
        if next == world {
            return is_at_rest(&world);
        }
        world = next;
    }
    false
}

/// Everything that comes runs and is healthy, everything that leaves is over, and what is held goes on.
fn all_goes_well(mut world: World) -> World {
    let checked = world.setup.checked;
    world.tasks.retain(|it| it.wanted);
    for task in &mut world.tasks {
        task.phase = Phase::Running;
        task.ran_at = 0;
        if checked {
            task.health = Health::Healthy;
        }
    }
    for it in &mut world.deployments {
        it.held = false;
    }
    world.truth.row = 0;
    world.sorted()
}

/// Whether the service has what it is to have, or its newest deployment was given up.
fn is_at_rest(world: &World) -> bool {
    let Some(newest) = world.newest() else {
        return false;
    };
    match newest.state {
        State::InProgress => false,
        State::Failed => true,
        State::Completed => {
            let healthy = world.count(|it| it.deployment == newest.id && it.is_healthy(world.setup));
            world.deployments.len() == 1
                && healthy == usize::from(world.desired)
                && world.tasks.len() == healthy
        }
    }
}
