//! The long run: `model [KIND=NUMBER]...`, with the kinds of [`Left`](model::world::Left), or `depth`.

#![allow(clippy::print_stdout, reason = "a command line tool speaks on stdout")]
#![allow(
    clippy::disallowed_methods,
    reason = "how long it took is measured on the real clock"
)]

use std::process::ExitCode;
use std::time::Instant;

use model::world::Left;
use model::{Bound, explore, story};

fn main() -> ExitCode {
    let mut bound = Bound {
        left: Left::any(2),
        depth: None,
    };
    for argument in std::env::args().skip(1) {
        let set = argument
            .split_once('=')
            .and_then(|(what, number)| bound.set(what, number.parse().ok()?));
        if set.is_none() {
            println!("usage: model [KIND=NUMBER]..., and {argument} is not one of them");
            return ExitCode::FAILURE;
        }
    }
    println!("bound: {bound:?}");
    let started = Instant::now();
    let found = explore(bound, None, 2, None);
    println!(
        "worlds {}, steps {}, depth {}, followed to rest {}, at most {} rounds, {} s",
        found.worlds,
        found.steps,
        found.depth,
        found.followed,
        found.rounds,
        started.elapsed().as_secs()
    );
    for (law, path) in &found.broken {
        println!("BROKEN: {}", law.text());
        println!("{}", story(bound.left, path, *law, None));
    }
    if found.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
