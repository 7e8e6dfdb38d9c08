//! What becomes of a world when nothing disturbs it any more.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use capt_core::lifecycle::State;
use foldhash::fast::FixedState;

use crate::action::{next_moment, pass, resume};
use crate::check;
use crate::choice::{Choice, choose};
use crate::law::Law;
use crate::mistake::Mistake;
use crate::round::{How, delete, goes_on, round};
use crate::world::{Content, Left, Made, Name, Thing, World};

/// The most rounds, of every object and run once, until a world has come to rest. What is found is printed and is
/// less.
pub(crate) const MOST_ROUNDS: u16 = 96;

/// A request that nobody has made before.
const LAST_REQUEST: u8 = 200;

/// Where a world comes to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// After so many rounds.
    pub(crate) rounds: u16,
    /// What is broken there or on the way.
    pub(crate) broken: Option<Law>,
    /// What is broken where not each object that stays is Ready there, nor becomes so once everything is mended and
    /// asked for.
    pub(crate) unmended: Option<Law>,
    /// Whether nothing is there any more.
    pub(crate) gone: bool,
}

impl Verdict {
    fn of_mending(self) -> Option<Law> {
        self.broken.or(self.unmended)
    }
}

type Shard = Mutex<HashMap<u64, Verdict, FixedState>>;

/// What is known of worlds that are left alone.
///
/// A world is known by a 64-bit hash of its canonical form, as in the checker itself: among 10^8 of them the chance
/// that two share one is less than one in a thousand.
#[derive(Debug)]
pub(crate) struct Known {
    shards: Vec<Shard>,
    most: AtomicU16,
    is_broken: AtomicBool,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            shards: (0..64).map(|_| Shard::default()).collect(),
            most: AtomicU16::new(0),
            is_broken: AtomicBool::new(false),
        }
    }
}

impl Known {
    fn shard(&self, key: u64) -> MutexGuard<'_, HashMap<u64, Verdict, FixedState>> {
        let index = usize::try_from(key >> 58).unwrap_or(0);
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most rounds that any world needed.
    pub(crate) fn most_rounds(&self) -> u16 {
        self.most.load(Ordering::Relaxed)
    }

    /// How many worlds are known.
    pub(crate) fn len(&self) -> usize {
        let len = |shard: &Shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.shards.iter().map(len).sum()
    }

    /// Whether any law was found broken.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// What is broken in a world: there, where it comes to rest when it is left alone, or when it is mended or deleted.
    pub(crate) fn broken(&self, world: &World, mistake: Option<Mistake>) -> Vec<Law> {
        if let Some(law) = world.broken {
            self.is_broken.store(true, Ordering::Relaxed);
            return vec![law];
        }
        let alone = self.rest(world, mistake);
        let gone = self.rest(&deleted(world), mistake);
        let stays = (!gone.gone).then_some(Law::Goes);
        let broken = [alone.broken, alone.unmended, gone.broken.or(stays)];
        let broken: Vec<Law> = broken.into_iter().flatten().collect();
        if !broken.is_empty() {
            self.is_broken.store(true, Ordering::Relaxed);
        }
        broken
    }

    /// Where a world comes to rest.
    fn rest(&self, world: &World, mistake: Option<Mistake>) -> Verdict {
        let mut world = alone(world.clone());
        let mut passed = Vec::new();
        let mut verdict = loop {
            let key = hash(&world);
            if let Some(known) = self.shard(key).get(&key) {
                break *known;
            }
            passed.push(key);
            if passed.len() > usize::from(MOST_ROUNDS) {
                break broken(Law::Rest);
            }
            if let Some(next) = next(&world, mistake) {
                if let Some(law) = next.broken {
                    break broken(law);
                }
                world = next;
            } else {
                passed.pop();
                let verdict = self.judge(&world, mistake);
                self.shard(key).insert(key, verdict);
                break verdict;
            }
        };
        for key in passed.into_iter().rev() {
            verdict.rounds += 1;
            self.shard(key).insert(key, verdict);
        }
        if verdict.rounds > MOST_ROUNDS && verdict.broken.is_none() {
            verdict.broken = Some(Law::Rest);
        }
        self.most.fetch_max(verdict.rounds, Ordering::Relaxed);
        verdict
    }

    fn judge(&self, world: &World, mistake: Option<Mistake>) -> Verdict {
        let mut law = None;
        for name in Name::ALL {
            let (Some(thing), Some(choice)) = (world.get(name), choose(world, name, mistake)) else {
                continue;
            };
            if !choice.plan.is_empty() {
                law = law.or(Some(Law::Rest));
            }
            if check::is_unanswered(world, name, thing) {
                law = law.or(Some(Law::Answered));
            }
            if !has_reason(world, name, thing, &choice) {
                law = law.or(Some(Law::Reason));
            }
        }
        let stays = |name: Name| world.get(name).filter(|thing| !thing.deleting);
        let ready = |name: Name| stays(name).is_none_or(|thing| is_ready(world, name, thing));
        let gone = |name: Name| world.get(name).is_none() && world.made(name) == Made::default();
        let mended = mended(world);
        let asked = asked(world);
        let cleared = cleared(world);
        // Without its network a control plane can only say so.
        let unmended = if stays(Name::Cluster).is_none() || Name::ALL.into_iter().all(ready) {
            None
        } else if mended != *world {
            self.rest(&mended, mistake).of_mending()
        } else if asked != *world {
            self.rest(&asked, mistake).of_mending()
        } else if cleared != *world {
            self.rest(&cleared, mistake).of_mending()
        } else {
            Some(Law::Mends)
        };
        Verdict {
            rounds: 0,
            broken: law,
            unmended,
            gone: Name::ALL.into_iter().all(gone),
        }
    }
}

/// What a world is known by.
pub(crate) fn hash(world: &World) -> u64 {
    FixedState::default().hash_one(world)
}

fn broken(law: Law) -> Verdict {
    Verdict {
        rounds: 0,
        broken: Some(law),
        unmended: None,
        gone: false,
    }
}

/// The world without anything that could still happen to it: only what it is decides where it comes to rest.
fn alone(mut world: World) -> World {
    world.left = Left::NOTHING;
    world
}

/// The world after one round of everybody; nothing if that changes nothing, however long one waits.
pub(crate) fn next(before: &World, mistake: Option<Mistake>) -> Option<World> {
    let mut world = before.clone();
    for name in Name::ALL {
        round(&mut world, name, How::Whole, mistake);
    }
    for name in Name::WORKSPACES {
        goes_on(&mut world, name);
    }
    let mut world = world.closed();
    if world != *before {
        return Some(world);
    }
    pass(&mut world, next_moment(before, mistake)?);
    let world = world.closed();
    (world != *before).then_some(world)
}

fn is_ready(world: &World, name: Name, thing: &Thing) -> bool {
    let memo = &thing.memo;
    memo.state == State::Ready && memo.ready && memo.input == Some(world.input(name, thing))
}

/// Whether an object that has come to rest says why it is where it is.
fn has_reason(world: &World, name: Name, thing: &Thing, choice: &Choice) -> bool {
    if world.is_paused(name) || choice.waits {
        return true;
    }
    let memo = &thing.memo;
    let child = name.child().and_then(|child| world.get(child));
    let ails = world.ails(name).is_some();
    // Whoever blames a child that is in order is stuck.
    let blames = || {
        let at_fault = child.is_some_and(|child| child.memo.state != State::Ready || child.deleting);
        memo.fault.is_some() && (!memo.blamed || at_fault)
    };
    !thing.deleting
        && match memo.state {
            State::Ready => is_ready(world, name, thing) && !ails,
            State::Failed => blames(),
            State::Degraded => blames() && (memo.gave_up || memo.blamed || ails),
            State::Pending
            | State::Validating
            | State::Provisioning
            | State::Configuring
            | State::Recovering => false,
        }
}

/// The world with everything mended that a person can mend.
pub(crate) fn mended(world: &World) -> World {
    let mut world = world.clone();
    restore(&mut world);
    for name in Name::PARENTS {
        let broken = |thing: &&mut Thing| !thing.deleting && thing.content == Content::Broken;
        if let Some(thing) = world.get_mut(name).filter(broken) {
            thing.content = Content::First;
            thing.observed = false;
        }
    }
    world.closed()
}

/// The world with another try asked for.
pub(crate) fn asked(world: &World) -> World {
    let mut world = world.clone();
    for name in Name::PARENTS {
        if let Some(thing) = world.get_mut(name).filter(|thing| !thing.deleting) {
            thing.requested = LAST_REQUEST;
        }
    }
    world.closed()
}

/// The world without what a network that is to go waits for, as it says: the workspace that stands in it is deleted.
pub(crate) fn cleared(world: &World) -> World {
    let mut world = world.clone();
    if world.get(Name::Network).is_some_and(|thing| thing.deleting) {
        delete(&mut world, Name::Plane);
    }
    world.closed()
}

/// The world with everything back, and both parents deleted.
pub(crate) fn deleted(world: &World) -> World {
    let mut world = world.clone();
    restore(&mut world);
    for name in Name::PARENTS {
        delete(&mut world, name);
    }
    world.closed()
}

fn restore(world: &mut World) {
    resume(world);
    world.around.owner = true;
    world.around.uncredited = None;
    world.around.template = true;
    world.around.ailment = None;
    world.settle();
}
