//! What led to a world and what becomes of it, for a person who looks into a broken law.

use std::fmt::Write as _;

use crate::action::Action;
use crate::law::Law;
use crate::mistake::Mistake;
use crate::observe::Light;
use crate::rest::{MOST_ROUNDS, asked, cleared, deleted, mended, next};
use crate::round::decide;
use crate::world::{End, Name, Runner, Stage, Thing, World};

/// What each action changed, and, for a law about where worlds come to rest, each round until then. An object is
/// told where it is different from before.
pub fn story(path: &[(World, Option<Action>)], law: Law, mistake: Option<Mistake>) -> String {
    let mut teller = Teller {
        text: String::new(),
        told: [const { String::new() }; 4],
        mistake,
    };
    let mut what = "it begins".to_owned();
    for (world, action) in path {
        teller.tell(&what, world);
        what = action.map_or_else(String::new, |action| format!("{action:?}"));
    }
    let Some(world) = path.last().map(|(world, _)| world.clone()) else {
        return teller.text;
    };
    // It is broken there, or on the way to where the world comes to rest.
    if world.broken.is_none() {
        let goes = teller.left_alone("deleted", deleted(&world));
        if law != Law::Goes && goes.broken.is_none() {
            let world = teller.left_alone("left alone", world);
            let world = teller.left_alone("mended", mended(&world));
            let world = teller.left_alone("asked for another try", asked(&world));
            teller.left_alone("cleared of what stands in the network", cleared(&world));
        }
    }
    teller.text
}

struct Teller {
    text: String,
    told: [String; 4],
    mistake: Option<Mistake>,
}

impl Teller {
    fn left_alone(&mut self, what: &str, mut world: World) -> World {
        if world.broken.is_some() {
            return world;
        }
        self.tell(what, &world);
        for number in 1..=MOST_ROUNDS {
            let Some(after) = next(&world, self.mistake) else {
                break;
            };
            world = after;
            self.tell(&format!("round {number}"), &world);
            if world.broken.is_some() {
                break;
            }
        }
        world
    }

    fn tell(&mut self, what: &str, world: &World) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{what}");
        if let Some(law) = world.broken {
            let _ = writeln!(self.text, "    BROKEN: {}", law.text());
        }
        for (name, told) in Name::ALL.into_iter().zip(&mut self.told) {
            let line = describe(world, name, self.mistake);
            if line != *told {
                let _ = writeln!(self.text, "    {name:?}: {line}");
                *told = line;
            }
        }
    }
}

fn describe(world: &World, name: Name, mistake: Option<Mistake>) -> String {
    let (Some(thing), Some((_, decided))) = (world.get(name), decide(world, name, Light::PLAIN, mistake))
    else {
        return format!("is not there; made: {:?}", world.made(name));
    };
    let memo = &thing.memo;
    let mut line = format!("{} {:?}", memo.state, thing.content);
    for (_, mark) in marks(world, name, thing).iter().filter(|(is, _)| *is) {
        let _ = write!(line, " {mark}");
    }
    if let Some(class) = memo.fault {
        let _ = write!(line, " fault={class}");
    }
    if let Some(origin) = memo.origin {
        let _ = write!(line, " from={origin}");
    }
    if let Some(class) = thing.failing {
        let _ = write!(line, " step-failed={class}");
    }
    let numbers = [
        ("attempt", memo.incident.map_or(0, |it| i64::from(it.attempts))),
        ("requested", i64::from(thing.requested)),
        ("next", memo.next_attempt.map_or(0, |next| i64::from(next / 1000))),
    ];
    for (what, number) in numbers.iter().filter(|(_, number)| *number != 0) {
        let _ = write!(line, " {what}={number}");
    }
    if Name::WORKSPACES.contains(&name) {
        let opened = memo
            .run
            .map(|(operation, input)| format!("{operation:?} {}", input.text()));
        let (opened, made) = (opened.unwrap_or_default(), world.made(name));
        let _ = write!(
            line,
            " record[{opened}] {} made[{:?} {:?}]",
            runs(&thing.runner),
            made.resources,
            made.state
        );
    }
    for step in &decided.plan {
        let _ = write!(line, " do={}", step.id);
    }
    for wait in &decided.waits {
        let _ = write!(line, " wait={}", wait.reason);
    }
    line
}

fn marks(world: &World, name: Name, thing: &Thing) -> [(bool, &'static str); 8] {
    let memo = &thing.memo;
    [
        (memo.ready, "ready"),
        (thing.deleting, "deleting"),
        (thing.finalized, "finalized"),
        (world.is_paused(name), "paused"),
        (!thing.observed, "unobserved"),
        (memo.blamed, "blames"),
        (memo.gave_up, "gave-up"),
        (thing.endpoint, "endpoint"),
    ]
}

fn runs(runner: &Runner) -> String {
    let Some(run) = runner.run else {
        return "run[]".to_owned();
    };
    let stage = match run.stage {
        Stage::Planning => "planning".to_owned(),
        Stage::Applying => "applying".to_owned(),
        Stage::Ended(End::Well) => "ended well".to_owned(),
        Stage::Ended(End::Badly(class)) => format!("failed {class}"),
    };
    let marks = [
        (!run.current, " of before"),
        (run.stopping, " stopping"),
        (!runner.known, " unknown"),
        (runner.left.is_some(), " waits for one that was left"),
    ];
    let marks: String = marks
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, mark)| *mark)
        .collect();
    format!("run[{:?} {} {stage}{marks}]", run.operation, run.input.text())
}
