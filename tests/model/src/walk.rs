//! Ways of pure chance through the worlds. Each can be told afterwards, action by action.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use capt_core::retry::splitmix64;

use crate::action::{Action, after, possible};
use crate::law::Law;
use crate::model::{Decisions, THREADS};
use crate::rest::hash;
use crate::world::World;

/// The worlds that were passed, and what happened in each.
type Path = Vec<(World, Option<Action>)>;

/// What was come to.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// Distinct worlds, by their hashes.
    pub(crate) worlds: HashSet<u64>,
    /// Worlds that were come to, the same ones counted again.
    pub(crate) steps: usize,
    /// The longest way.
    pub(crate) depth: usize,
    /// The laws that were broken, each with the way that led there.
    pub(crate) broken: BTreeMap<Law, Path>,
}

/// Goes along ways of chance until so many worlds were passed, or a law was found broken. Each thread has ways and a
/// share of its own, so that the same seed leads to the same worlds.
pub(crate) fn walk(decisions: &Decisions, seed: u64, worlds: usize) -> Walked {
    let all = Mutex::new(Walked::default());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let all = &all;
            let mut walked = Walked::default();
            let mut chance = seed.wrapping_add(u64::try_from(thread).unwrap_or(0));
            scope.spawn(move || {
                while walked.steps < worlds.div_ceil(THREADS) && !decisions.is_broken() {
                    walked.go(decisions, &mut chance);
                }
                all.lock().unwrap_or_else(PoisonError::into_inner).add(walked);
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Walked {
    /// One way, which ends where nothing can happen any more that leads to where it was not yet.
    fn go(&mut self, decisions: &Decisions, chance: &mut u64) {
        let first = decisions.first();
        let mut world = first[draw(chance, first.len())].clone();
        let mut path = Path::new();
        let mut been = HashSet::from([hash(&world)]);
        let mut actions = Vec::new();
        let broken = loop {
            self.steps += 1;
            self.depth = self.depth.max(path.len());
            let broken = decisions.broken(&world);
            if !broken.is_empty() {
                break broken;
            }
            possible(&world, decisions.mistake(), &mut actions);
            let Some((action, next)) = next(&world, &mut actions, &mut been, decisions, chance) else {
                break broken;
            };
            path.push((world, Some(action)));
            world = next;
        };
        path.push((world, None));
        self.broken
            .extend(broken.into_iter().map(|law| (law, path.clone())));
        self.worlds.extend(been);
    }

    fn add(&mut self, other: Self) {
        self.worlds.extend(other.worlds);
        self.steps += other.steps;
        self.depth = self.depth.max(other.depth);
        self.broken.extend(other.broken);
    }
}

/// What chance makes of a world, among what leads to where the way has not been.
fn next(
    world: &World,
    actions: &mut Vec<Action>,
    been: &mut HashSet<u64>,
    decisions: &Decisions,
    chance: &mut u64,
) -> Option<(Action, World)> {
    while !actions.is_empty() {
        let action = actions.swap_remove(choose(chance, actions));
        let next = after(world, action, decisions.mistake()).filter(|next| been.insert(hash(next)));
        if let Some(next) = next {
            actions.clear();
            return Some((action, next));
        }
    }
    None
}

/// One turn in so many is open to everything: among many ways to be disturbed, work must get its turn.
const OPEN_TURN: u64 = 6;

fn choose(chance: &mut u64, actions: &[Action]) -> usize {
    *chance = splitmix64(*chance);
    let is_open = chance.is_multiple_of(OPEN_TURN);
    let work: Vec<usize> = (0..actions.len())
        .filter(|index| actions[*index].is_work())
        .collect();
    if work.is_empty() || is_open {
        draw(chance, actions.len())
    } else {
        work[draw(chance, work.len())]
    }
}

fn draw(chance: &mut u64, of: usize) -> usize {
    *chance = splitmix64(*chance);
    let of = u64::try_from(of).unwrap_or(u64::MAX).max(1);
    usize::try_from(*chance % of).unwrap_or(0)
}
