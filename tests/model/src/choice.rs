//! What is decided for an object, decided once for all worlds in which the same is seen of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::rc::Rc;

use capt_core::decision::Requeue;
use foldhash::fast::FixedState as Fast;
use foldhash::quality::FixedState;

use crate::manner::Manner;
use crate::memo::{Memo, Millis, RUN};
use crate::mistake::Mistake;
use crate::observe::Light;
use crate::round::{Decided, Planned, decide};
use crate::world::{Name, World};

/// As much of a decision as a round needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The record, in canonical form.
    pub(crate) memo: Memo,
    /// Whether it opens another run.
    pub(crate) opens: bool,
    /// Whether the record moves, so that nothing may be done in this round.
    pub(crate) moves: bool,
    /// The effects.
    pub(crate) plan: Vec<Planned>,
    /// When to look again, in milliseconds from now.
    pub(crate) again: Option<Millis>,
    /// Whether it says what it waits for.
    pub(crate) waits: bool,
}

impl Choice {
    fn of(before: &Memo, decided: Decided, manner: Manner) -> Self {
        let record = &decided.record;
        let now = Light::PLAIN.now;
        let opens = record.run.as_ref().is_some_and(|run| run.number != RUN);
        Self {
            memo: Memo::of(record, manner, now),
            opens,
            moves: record.state != before.state
                || opens
                || record.recovery.ledger.attempts() > before.incident.map_or(0, |it| u32::from(it.attempts)),
            again: match decided.requeue {
                Requeue::OnChange => None,
                Requeue::At(at) => Millis::try_from(at.duration_since(now).as_millis()).ok(),
            },
            waits: !decided.waits.is_empty(),
            plan: decided.plan,
        }
    }
}

/// So many choices are remembered at a time.
const REMEMBERED: usize = 1 << 20;

type Choices = HashMap<u64, Option<Rc<Choice>>, Fast>;

thread_local! {
    static CHOICES: RefCell<Choices> = RefCell::default();
}

/// What is decided for the object `name`; nothing if it does not exist.
pub(crate) fn choose(world: &World, name: Name, mistake: Option<Mistake>) -> Option<Rc<Choice>> {
    world.get(name)?;
    let key = FixedState::default().hash_one((view(world, name), mistake));
    if let Some(known) = CHOICES.with_borrow(|choices| choices.get(&key).cloned()) {
        return known;
    }
    let choice = afresh(world, name, mistake).map(Rc::new);
    CHOICES.with_borrow_mut(|choices| {
        if choices.len() >= REMEMBERED {
            choices.clear();
        }
        choices.insert(key, choice.clone());
    });
    choice
}

/// The same without what is remembered.
pub(crate) fn afresh(world: &World, name: Name, mistake: Option<Mistake>) -> Option<Choice> {
    let before = world.get(name)?.memo;
    let (_, decided) = decide(world, name, Light::PLAIN, mistake)?;
    Some(Choice::of(&before, decided, world.manner))
}

/// All of the world that is seen of an object: itself, its child, what stands around, and how far the others are that
/// it waits for or that wait for it.
fn view(world: &World, name: Name) -> impl std::hash::Hash + use<> {
    let child = name.child().map_or(0, |child| world.hash_of(child));
    let there = |name: Name| world.get(name).is_some();
    (
        world.manner,
        name,
        world.hash_of(name),
        child,
        world.around,
        world.made(name).state,
        world.get(Name::Network).is_some_and(|it| it.memo.ready),
        there(Name::ControlPlane),
        there(Name::Plane),
    )
}
