//! The long run: `model [DISTURBANCES [DEPTH]]`.

#![allow(clippy::print_stdout, reason = "a command line tool speaks on stdout")]
#![allow(
    clippy::disallowed_methods,
    reason = "how long it took is measured on the real clock"
)]

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

use model::world::Left;
use model::{Bound, explore, story};

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u8>().ok());
    let disturbances = numbers.next().unwrap_or(3);
    let bound = Bound {
        left: Left::any(disturbances),
        depth: numbers.next().and_then(|depth| NonZeroUsize::new(usize::from(depth))),
    };
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
    if found.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
