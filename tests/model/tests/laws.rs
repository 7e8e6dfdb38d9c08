//! The production decisions keep every law.

use model::manner::Manner;
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
