//! The world as a model of the checker.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::action::{Action, after, possible};
use crate::law::Law;
use crate::manner::Manner;
use crate::mistake::Mistake;
use crate::rest::{Known, hash};
use crate::walk::walk;
use crate::world::{Kinds, Left, World};

/// How much may happen, and from where on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// What may happen that is not the operator's own doing.
    pub left: Left,
    /// Where it begins.
    pub begin: Begin,
    /// How the worlds are gone through.
    pub search: Search,
    /// How patient everybody is.
    pub manner: Manner,
}

/// Where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Control plane and cluster were just created.
    Creation,
    /// At every world of a life to which nothing has happened yet.
    AnyMoment,
}

/// How the worlds are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// All of them, the nearest ones first.
    All,
    /// All that are so many actions away.
    Near(NonZeroUsize),
    /// Along ways of pure chance, until so many worlds were passed.
    Walks {
        /// What chance begins with.
        seed: u64,
        /// The worlds.
        worlds: usize,
    },
}

impl Bound {
    /// Every world to which no more than that has happened since its creation.
    pub const fn all(left: Left) -> Self {
        Self {
            left,
            begin: Begin::Creation,
            search: Search::All,
            manner: Manner::Act,
        }
    }
}

impl Left {
    /// Nothing.
    pub const NOTHING: Self = Self {
        kinds: Kinds::All,
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
            kinds: Kinds::All,
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
    first: Vec<World>,
    mistake: Option<Mistake>,
    known: Known,
}

impl Decisions {
    /// The decisions in worlds to which so much may happen.
    pub fn new(bound: Bound, mistake: Option<Mistake>) -> Self {
        let Bound { left, manner, .. } = bound;
        let first = match bound.begin {
            Begin::Creation => vec![World::new(left, manner).closed()],
            Begin::AnyMoment => undisturbed(left, manner, mistake),
        };
        Self {
            first,
            mistake,
            known: Known::default(),
        }
    }

    /// Where it begins.
    pub(crate) fn first(&self) -> &[World] {
        &self.first
    }

    /// The mistake that is planted.
    pub(crate) fn mistake(&self) -> Option<Mistake> {
        self.mistake
    }

    /// The laws that are broken in a world, or from there on.
    pub(crate) fn broken(&self, world: &World) -> Vec<Law> {
        self.known.broken(world, self.mistake)
    }

    /// Whether any law was found broken.
    pub(crate) fn is_broken(&self) -> bool {
        self.known.is_broken()
    }

    fn keeps(&self, law: Law, world: &World) -> bool {
        // The first law is asked for first, and looks at everything; the others look where something was found.
        let first = law == Law::ALL[0];
        let finds = || self.broken(world).contains(&law);
        !(first || self.is_broken()) || !finds()
    }
}

/// Every world of a life to which nothing happens, though `left` may still happen to it.
fn undisturbed(left: Left, manner: Manner, mistake: Option<Mistake>) -> Vec<World> {
    let mut worlds = reached(Left::NOTHING, manner, mistake, usize::MAX);
    for world in &mut worlds {
        world.left = left;
    }
    worlds
}

/// Every world to which no more than `left` has happened, the nearest ones first and no more than `most`.
pub fn reached(left: Left, manner: Manner, mistake: Option<Mistake>, most: usize) -> Vec<World> {
    let mut worlds = vec![World::new(left, manner).closed()];
    let mut known: BTreeSet<u64> = worlds.iter().map(hash).collect();
    let mut actions = Vec::new();
    let mut at = 0;
    while let Some(world) = worlds.get(at).cloned() {
        possible(&world, mistake, &mut actions);
        let next = actions
            .drain(..)
            .filter_map(|action| after(&world, action, mistake));
        worlds.extend(next.filter(|next| known.insert(hash(next))));
        if worlds.len() >= most {
            break;
        }
        at += 1;
    }
    worlds
}

fn keeps<const LAW: usize>(decisions: &Decisions, world: &World) -> bool {
    decisions.keeps(Law::ALL[LAW], world)
}

impl Model for Decisions {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        self.first.clone()
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
            keeps::<17>,
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
    /// The laws that were broken, each with the worlds that led there and what happened in each.
    pub broken: BTreeMap<Law, Vec<(World, Option<Action>)>>,
}

/// Goes through the worlds within `bound`, and stops soon after a law was found broken.
pub fn explore(bound: Bound, mistake: Option<Mistake>) -> Found {
    let decisions = Decisions::new(bound, mistake);
    let checker = |decisions: Decisions| {
        decisions
            .checker()
            .threads(THREADS)
            .finish_when(HasDiscoveries::AnyFailures)
    };
    match bound.search {
        Search::All => found(&checker(decisions).spawn_bfs().join()),
        Search::Near(depth) => {
            // The first worlds have the depth 1, and those of the last depth are come to and not looked at.
            let near = checker(decisions).target_max_depth(depth.get() + 2);
            found(&near.spawn_bfs().join())
        }
        Search::Walks { seed, worlds } => {
            let walked = walk(&decisions, seed, worlds);
            Found {
                worlds: walked.worlds.len(),
                steps: walked.steps,
                depth: walked.depth,
                followed: decisions.known.len(),
                rounds: decisions.known.most_rounds(),
                broken: walked.broken,
            }
        }
    }
}

/// How many threads look.
pub(crate) const THREADS: usize = 2;

fn found(checked: &impl Checker<Decisions>) -> Found {
    let paths = checked.discoveries();
    let broken = Law::ALL
        .into_iter()
        .filter_map(|law| Some((law, paths.get(law.text())?.clone().into_vec())));
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
