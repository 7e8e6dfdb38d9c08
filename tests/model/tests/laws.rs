//! The production decisions keep every law.

use std::num::NonZeroUsize;

use model::manner::Manner;
use model::mistake::Mistake;
use model::world::Left;
use model::{Begin, Bound, Search, explore, story};

/// Explores, and tells the story of what is broken.
fn keeps_every_law(bound: Bound) -> usize {
    let found = explore(bound, None);
    let stories = found
        .broken
        .iter()
        .map(|(law, path)| format!("{}\n{}", law.text(), story(path, *law, None)));
    let stories: Vec<String> = stories.collect();
    assert!(stories.is_empty(), "{}", stories.join("\n"));
    found.worlds
}

#[test]
fn a_life_without_disturbances_is_lawful() {
    let worlds = keeps_every_law(Bound::all(Left::any(0)));
    assert!(worlds > 100, "the world is too small to say anything: {worlds}");
}

#[test]
fn a_life_with_any_one_disturbance_is_lawful() {
    let worlds = keeps_every_law(Bound::all(Left::any(1)));
    assert!(
        worlds > 20_000,
        "the world is too small to say anything: {worlds}"
    );
}

/// However patient everybody is, and whatever was tried before.
#[test]
fn a_life_with_one_fault_is_lawful_in_every_manner() {
    for manner in Manner::ALL {
        let left = Left {
            disturbances: 1,
            faults: 1,
            ..Left::NOTHING
        };
        let worlds = keeps_every_law(Bound {
            manner,
            ..Bound::all(left)
        });
        assert!(
            worlds > 2_000,
            "{manner:?} is too small to say anything: {worlds}"
        );
    }
}

#[test]
fn chance_finds_nothing_where_everything_may_happen() {
    keeps_every_law(Bound {
        left: Left::any(u8::MAX),
        begin: Begin::AnyMoment,
        search: Search::Walks {
            seed: 1,
            worlds: 5_000,
        },
        manner: Manner::Act,
    });
}

/// After a restart a run that nobody knows may fail, and so may taking it up: only the fault that was seen counts.
#[test]
fn a_failure_that_nobody_saw_is_no_attempt() {
    let worlds = keeps_every_law(Bound {
        left: Left {
            disturbances: 3,
            faults: 2,
            restarts: 1,
            ..Left::NOTHING
        },
        begin: Begin::AnyMoment,
        search: NonZeroUsize::new(3).map_or(Search::All, Search::Near),
        manner: Manner::Act,
    });
    assert!(worlds > 2_000, "too few to say anything: {worlds}");
}

#[test]
fn chance_tells_the_way_to_what_it_finds() {
    let mistake = Mistake::FailedResumed;
    let bound = Bound {
        left: Left::any(u8::MAX),
        begin: Begin::AnyMoment,
        search: Search::Walks {
            seed: 1,
            worlds: 5_000,
        },
        manner: Manner::Act,
    };
    let found = explore(bound, Some(mistake));
    assert!(!found.broken.is_empty());
    for (law, path) in &found.broken {
        let (last, way) = path.split_last().expect("a way ends somewhere");
        assert_eq!(last.1, None);
        assert!(
            way.iter()
                .all(|(world, action)| world.broken.is_none() && action.is_some())
        );
        let told = story(path, *law, Some(mistake));
        assert!(told.contains(&format!("BROKEN: {}", law.text())), "{told}");
    }
}
