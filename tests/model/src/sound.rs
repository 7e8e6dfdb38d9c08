//! Whether a decision reads what the canonical form leaves out.

use capt_core::decision::Requeue;
use jiff::Timestamp;

use crate::choice::{afresh, choose};
use crate::manner::Manner;
use crate::memo::{Filling, Memo, Millis};
use crate::observe::Light;
use crate::round::{Decided, decide};
use crate::world::{Name, World};

/// Long after the time at which worlds are looked at.
const ANOTHER_DAY: i64 = 4_102_444_800;

/// As much of a decision as a world can tell.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    memo: Memo,
    steps: Vec<String>,
    requeue: Option<Millis>,
    waits: usize,
}

fn told(decided: &Decided, manner: Manner, now: Timestamp) -> Told {
    Told {
        memo: Memo::of(&decided.record, manner, now),
        steps: decided.plan.iter().map(|step| format!("{step:?}")).collect(),
        requeue: match decided.requeue {
            Requeue::OnChange => None,
            Requeue::At(at) => Millis::try_from(at.duration_since(now).as_millis()).ok(),
        },
        waits: decided.waits.len(),
    }
}

/// The object of the world about which something else is decided on another day, with other values for what the
/// canonical form leaves out; in words.
pub fn tells_apart(world: &World) -> Option<String> {
    let light = Light {
        now: Timestamp::from_second(ANOTHER_DAY).ok()?,
        filling: Filling::Noise,
    };
    Name::ALL.into_iter().find_map(|name| {
        let (_, plain) = decide(world, name, Light::PLAIN, None)?;
        let (_, noisy) = decide(world, name, light, None)?;
        let (plain, noisy) = (
            told(&plain, world.manner, Light::PLAIN.now),
            told(&noisy, world.manner, light.now),
        );
        (plain != noisy).then(|| format!("{name:?} in {world:?}:\n{plain:?}\n{noisy:?}"))
    })
}

/// The object of the world for which what was decided in another world is remembered, although something else is
/// decided in this one; in words.
pub fn remembers_another(world: &World) -> Option<String> {
    Name::ALL.into_iter().find_map(|name| {
        let (known, fresh) = (choose(world, name, None)?, afresh(world, name, None)?);
        (*known != fresh).then(|| format!("{name:?} in {world:?}:\n{known:?}\n{fresh:?}"))
    })
}
