//! The world as a model of the checker.

use std::collections::BTreeMap;

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::action::{Action, after, possible};
use crate::law::Law;
use crate::mistake::Mistake;
use crate::rest::comes_to_rest;
use crate::world::{Left, Setup, World};

/// The scheduler, with a mistake planted or without.
#[derive(Debug)]
struct Scheduler {
    first: World,
    mistake: Option<Mistake>,
}

const BROKEN: &str = "no law of a round is broken";
const REST: &str = "it comes to rest";

impl Model for Scheduler {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![self.first.clone()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        possible(world, actions);
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        after(before, action, self.mistake)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(BROKEN, |_: &Self, world: &World| world.broken.is_none()),
            Property::always(REST, |model: &Self, world: &World| {
                world.broken.is_some() || comes_to_rest(world, model.mistake)
            }),
        ]
    }
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Distinct worlds.
    pub worlds: usize,
    /// The longest way to a world that is not reached on a shorter one.
    pub depth: usize,
    /// The laws that were broken, each with what happened on the way there.
    pub broken: BTreeMap<Law, (Vec<Action>, World)>,
}

/// Goes through all worlds that come of this service and of what may happen to it, and stops where a law is broken.
pub fn explore(setup: Setup, left: Left, mistake: Option<Mistake>) -> Found {
    let model = Scheduler {
        first: World::new(setup, left),
        mistake,
    };
    let checked = model
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let found = checked.discoveries().into_values().map(|path| {
        let last = path.last_state().clone();
        let law = last.broken.unwrap_or(Law::Rest);
        (law, (path.into_actions(), last))
    });
    Found {
        broken: found.collect(),
        worlds: checked.unique_state_count(),
        depth: checked.max_depth(),
    }
}
