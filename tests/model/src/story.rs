//! What led to a world and what becomes of it, for a person who looks into a broken law.

use std::fmt::Write as _;

use crate::action::{Action, after};
use crate::law::Law;
use crate::mistake::Mistake;
use crate::observe::Light;
use crate::rest::{MOST_ROUNDS, deleted, mended, next};
use crate::round::decide;
use crate::world::{Left, Name, World};

/// The world after each action, and, for a law about where worlds come to rest, the rounds until then.
pub fn story(left: Left, path: &[Action], law: Law, mistake: Option<Mistake>) -> String {
    let mut world = World::new(left);
    let mut text = String::new();
    tell(&mut text, "begin", &world, mistake);
    for action in path {
        if let Some(after) = after(&world, *action, mistake) {
            world = after;
        }
        tell(&mut text, &format!("{action:?}"), &world, mistake);
    }
    match law {
        Law::Rest | Law::Reason => left_alone(&mut text, world, mistake),
        Law::Mends => {
            let world = left_alone(&mut text, world, mistake);
            text.push_str("mended, and asked for another try\n");
            left_alone(&mut text, mended(&world), mistake)
        }
        Law::Goes => {
            text.push_str("deleted\n");
            left_alone(&mut text, deleted(&world), mistake)
        }
        Law::EndpointStays
        | Law::InitializedStays
        | Law::ReadyIsEarned
        | Law::FailedIsLeft
        | Law::Table
        | Law::Budget
        | Law::Patience
        | Law::HandsOff
        | Law::OneRun
        | Law::Ground
        | Law::NothingLeft
        | Law::Intent
        | Law::OperationEnds => world,
    };
    text
}

fn left_alone(text: &mut String, mut world: World, mistake: Option<Mistake>) -> World {
    for number in 0..=MOST_ROUNDS {
        tell(text, &format!("round {number}"), &world, mistake);
        let Some(after) = next(&world, mistake) else {
            break;
        };
        world = after;
    }
    world
}

fn tell(text: &mut String, what: &str, world: &World, mistake: Option<Mistake>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{what}");
    if let Some(law) = world.broken {
        let _ = writeln!(text, "    BROKEN: {}", law.text());
    }
    for name in Name::ALL {
        let (Some(thing), Some((_, decided))) = (world.get(name), decide(world, name, Light::PLAIN, mistake))
        else {
            continue;
        };
        let memo = &thing.memo;
        let _ = write!(text, "    {name:?} {} {:?}", memo.state, thing.content);
        let marks = [
            (memo.ready, "ready"),
            (thing.deleting, "deleting"),
            (thing.paused, "paused"),
            (!thing.observed, "unobserved"),
            (memo.blamed, "blames"),
            (memo.gave_up, "gave-up"),
        ];
        for (_, mark) in marks.iter().filter(|(is, _)| *is) {
            let _ = write!(text, " {mark}");
        }
        let numbers = [("attempt", u32::from(memo.attempt)), ("requested", u32::from(thing.requested))];
        for (what, number) in numbers.iter().filter(|(_, number)| *number > 0) {
            let _ = write!(text, " {what}={number}");
        }
        let _ = write!(text, " fault={:?} next={:?} origin={:?}", memo.fault, memo.next_attempt, memo.origin);
        if Name::WORKSPACES.contains(&name) {
            let _ = write!(text, " record={:?} runner={:?} made={:?}", memo.run, thing.runner, world.made(name));
        }
        for step in &decided.plan {
            let _ = write!(text, " do={}", step.id);
        }
        for wait in &decided.waits {
            let _ = write!(text, " wait={}", wait.reason);
        }
        let _ = writeln!(text, " again={:?}", decided.requeue);
    }
}
