//! The long run: goes through the worlds of every pass and says how many there were. Exits with 1 where a law was
//! found broken, after telling how.

#![allow(clippy::print_stdout, reason = "a command line tool speaks on stdout")]
#![allow(
    clippy::disallowed_methods,
    reason = "how long it took is measured on the real clock"
)]

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

use model::world::Left;
use model::{Begin, Bound, Search, explore, story};

/// What is gone through, in words and as a bound.
fn passes() -> [(&'static str, Bound); 3] {
    let everything = Left::any(u8::MAX);
    [
        (
            "every world with two disturbances of any kind",
            Bound::all(Left::any(2)),
        ),
        (
            "everything that may happen, from any moment, all ways of five actions",
            Bound {
                left: everything,
                begin: Begin::AnyMoment,
                search: NonZeroUsize::new(5).map_or(Search::All, Search::Near),
            },
        ),
        (
            "everything that may happen, from any moment, ways of chance",
            Bound {
                left: everything,
                begin: Begin::AnyMoment,
                search: Search::Walks {
                    seed: 2026,
                    worlds: 2_000_000,
                },
            },
        ),
    ]
}

fn main() -> ExitCode {
    println!("at most: {:?}", Left::any(u8::MAX));
    let mut kept = true;
    for (what, bound) in passes() {
        println!("--- {what}");
        let started = Instant::now();
        let found = explore(bound, None);
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
            println!("BROKEN: {}\n{}", law.text(), story(path, *law, None));
        }
        kept &= found.broken.is_empty();
    }
    if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
