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

use model::manner::Manner;
use model::world::{Kinds, Left};
use model::{Begin, Bound, Search, explore, story};

/// What is gone through, in words and as a bound.
fn passes() -> Vec<(String, Bound)> {
    let few = Left {
        kinds: Kinds::Few,
        ..Left::any(3)
    };
    let faults = Left {
        disturbances: 3,
        faults: 2,
        requests: 1,
        ..Left::NOTHING
    };
    let of = |manner, left| Bound {
        manner,
        ..Bound::all(left)
    };
    let mut passes = vec![
        (
            "Act: exhaustive, two disturbances of any kind".to_owned(),
            of(Manner::Act, Left::any(2)),
        ),
        (
            "Act: exhaustive, three disturbances of few kinds".to_owned(),
            of(Manner::Act, few),
        ),
    ];
    for manner in Manner::ALL.into_iter().filter(|manner| *manner != Manner::Act) {
        passes.push((
            format!("{manner:?}: exhaustive, one disturbance of any kind"),
            of(manner, Left::any(1)),
        ));
        passes.push((
            format!("{manner:?}: exhaustive, two faults and a request"),
            of(manner, faults),
        ));
    }
    let from_any_moment = |search| Bound {
        left: Left::any(u8::MAX),
        begin: Begin::AnyMoment,
        search,
        manner: Manner::Act,
    };
    passes.push((
        "Act: everything that may happen, from any moment, exhaustive for three actions".to_owned(),
        from_any_moment(NonZeroUsize::new(3).map_or(Search::All, Search::Near)),
    ));
    passes.push((
        "Act: everything that may happen, from any moment, ways of chance".to_owned(),
        from_any_moment(Search::Walks {
            seed: 2026,
            worlds: 10_000_000,
        }),
    ));
    passes
}

fn main() -> ExitCode {
    println!("at most: {:?}", Left::any(u8::MAX));
    let mut kept = true;
    // Numbers choose among the passes; without any, all of them are gone through.
    let chosen: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|number| number.parse().ok())
        .collect();
    for (number, (what, bound)) in passes().into_iter().enumerate() {
        if !chosen.is_empty() && !chosen.contains(&number) {
            continue;
        }
        println!("--- {number}. {what}");
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
