//! What the canonical form leaves out is read by no decision.

use std::collections::BTreeSet;

use capt_core::fault::FaultClass;
use capt_core::lifecycle::State;
use model::manner::Manner;
use model::world::{Left, Name, World};
use model::{reached, remembers_another, tells_apart};

fn states(worlds: &[World], name: Name) -> BTreeSet<State> {
    let things = worlds.iter().filter_map(|world| world.get(name));
    things.map(|thing| thing.memo.state).collect()
}

#[test]
fn no_decision_depends_on_what_is_left_out() {
    let left = Left {
        disturbances: 1,
        changes: 1,
        faults: 1,
        jumps: 1,
        losses: 1,
        requests: 1,
        deletions: 1,
        ..Left::NOTHING
    };
    let worlds = reached(left, Manner::Act, None, usize::MAX);
    assert!(worlds.len() > 10_000, "{}", worlds.len());
    let apart = worlds.iter().find_map(tells_apart);
    assert_eq!(apart, None);
    let another = worlds.iter().find_map(remembers_another);
    assert_eq!(another, None);
    // It says something only if the worlds are of all kinds.
    for name in Name::ALL {
        let states = states(&worlds, name);
        let never: Vec<_> = State::ALL
            .iter()
            .filter(|state| !states.contains(state))
            .collect();
        assert!(
            never.iter().all(|state| **state == State::Degraded),
            "{name:?} is never {never:?}"
        );
    }
    assert!(states(&worlds, Name::ControlPlane).contains(&State::Degraded));
}

#[test]
fn nor_does_it_in_any_manner() {
    for manner in Manner::ALL {
        let left = Left {
            disturbances: 2,
            faults: 2,
            ..Left::NOTHING
        };
        let worlds = reached(left, manner, None, 6_000);
        let apart = worlds.iter().find_map(tells_apart);
        assert_eq!(apart, None, "{manner:?}");
    }
}

#[test]
fn classes_that_ask_for_the_same_stand_for_each_other() {
    let groups = |manner: Manner| -> Vec<String> {
        let stands = |class: FaultClass| {
            let same = FaultClass::ALL
                .iter()
                .filter(|it| manner.stands_for(**it) == class);
            let same: Vec<&str> = same.map(|class| class.name()).collect();
            same.join(" ")
        };
        let groups = FaultClass::ALL.iter().map(|class| stands(*class));
        groups.filter(|group| !group.is_empty()).collect()
    };
    let usual = [
        "Transient",
        "Dependency",
        "Locked",
        "Interrupted",
        "Credentials Environment Unknown",
        "Permission",
        "Quota",
        "Conflict Invalid Integrity",
    ];
    for manner in [
        Manner::Act,
        Manner::Off,
        Manner::Observe,
        Manner::Window,
        Manner::Tripped,
    ] {
        assert_eq!(groups(manner), usual, "{manner:?}");
    }
    let written = [
        "Transient",
        "Dependency",
        "Locked",
        "Interrupted",
        "Credentials Unknown",
        "Permission",
        "Quota",
        "Conflict Invalid Integrity",
        "Environment",
    ];
    assert_eq!(groups(Manner::Written), written);
}
