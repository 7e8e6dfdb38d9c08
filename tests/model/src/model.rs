//! The world as a model of the checker.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use stateright::{Checker as _, HasDiscoveries, Model, Property};

use crate::action::{Action, after, possible};
use crate::law::Law;
use crate::mistake::Mistake;
use crate::rest::Known;
use crate::world::{Left, World};

/// How much may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// What may happen that is not the operator's own doing.
    pub left: Left,
    /// How many actions may follow each other; nothing for as many as there are.
    pub depth: Option<NonZeroUsize>,
}

impl Bound {
    /// Sets the bound of one kind, or the depth; nothing if there is no such kind.
    pub fn set(&mut self, what: &str, number: u8) -> Option<()> {
        let left = &mut self.left;
        let kind = match what {
            "disturbances" => &mut left.disturbances,
            "changes" => &mut left.changes,
            "faults" => &mut left.faults,
            "restarts" => &mut left.restarts,
            "jumps" => &mut left.jumps,
            "pauses" => &mut left.pauses,
            "losses" => &mut left.losses,
            "requests" => &mut left.requests,
            "deletions" => &mut left.deletions,
            "depth" => {
                self.depth = NonZeroUsize::new(usize::from(number));
                return Some(());
            }
            _ => return None,
        };
        *kind = number;
        Some(())
    }
}

impl Left {
    /// Nothing.
    pub const NOTHING: Self = Self {
        disturbances: 0,
        changes: 0,
        faults: 0,
        restarts: 0,
        jumps: 0,
        pauses: 0,
        losses: 0,
        requests: 0,
        deletions: 0,
    };

    /// Of each kind as much as anybody asks for, `disturbances` of them together: three generations of a spec, two
    /// faults, two restarts, a jump of the clock, a pause, a loss, a request, both deletions.
    pub const fn any(disturbances: u8) -> Self {
        Self {
            disturbances,
            changes: 2,
            faults: 2,
            restarts: 2,
            jumps: 1,
            pauses: 1,
            losses: 1,
            requests: 1,
            deletions: 2,
        }
    }
}

/// The decisions, with a mistake planted or without.
#[derive(Debug)]
pub struct Decisions {
    left: Left,
    mistake: Option<Mistake>,
    known: Known,
}

impl Decisions {
    /// The decisions in a world to which so much may happen.
    pub fn new(left: Left, mistake: Option<Mistake>) -> Self {
        Self {
            left,
            mistake,
            known: Known::default(),
        }
    }

    fn keeps(&self, law: Law, world: &World) -> bool {
        // The first law is asked for first, and looks at everything; the others look where something was found.
        let first = law == Law::ALL[0];
        let finds = || self.known.broken(world, self.mistake).contains(&law);
        !(first || self.known.is_broken()) || !finds()
    }
}

fn keeps<const LAW: usize>(decisions: &Decisions, world: &World) -> bool {
    decisions.keeps(Law::ALL[LAW], world)
}

impl Model for Decisions {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.left)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        possible(world, self.mistake, actions);
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        after(before, action, self.mistake)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let conditions: [fn(&Self, &World) -> bool; Law::ALL.len()] = [
            keeps::<0>,
            keeps::<1>,
            keeps::<2>,
            keeps::<3>,
            keeps::<4>,
            keeps::<5>,
            keeps::<6>,
            keeps::<7>,
            keeps::<8>,
            keeps::<9>,
            keeps::<10>,
            keeps::<11>,
            keeps::<12>,
            keeps::<13>,
            keeps::<14>,
            keeps::<15>,
            keeps::<16>,
        ];
        let laws = Law::ALL.into_iter().zip(conditions);
        laws.map(|(law, condition)| Property::always(law.text(), condition))
            .collect()
    }
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Distinct worlds.
    pub worlds: usize,
    /// Worlds that were come to, the same ones counted again.
    pub steps: usize,
    /// The longest way to a world that is not reached on a shorter one.
    pub depth: usize,
    /// Distinct worlds that were followed to where they come to rest.
    pub followed: usize,
    /// The most rounds until a world had come to rest.
    pub rounds: u16,
    /// The laws that were broken, each with what led to that.
    pub broken: BTreeMap<Law, Vec<Action>>,
}

/// Looks at every world within `bound`, and stops soon after a law was found broken.
pub fn explore(bound: Bound, mistake: Option<Mistake>, threads: usize, within: Option<Duration>) -> Found {
    let decisions = Decisions::new(bound.left, mistake);
    let mut checker = decisions
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures);
    if let Some(depth) = bound.depth {
        checker = checker.target_max_depth(depth.get());
    }
    if let Some(within) = within {
        checker = checker.timeout(within);
    }
    let checked = checker.spawn_bfs().join();
    let paths = checked.discoveries();
    let broken = Law::ALL
        .into_iter()
        .filter_map(|law| Some((law, paths.get(law.text())?.clone().into_actions())));
    let known = &checked.model().known;
    Found {
        worlds: checked.unique_state_count(),
        steps: checked.state_count(),
        depth: checked.max_depth(),
        followed: known.len(),
        rounds: known.most_rounds(),
        broken: broken.collect(),
    }
}
