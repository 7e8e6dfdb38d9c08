//! What the canonical form leaves out is read by no decision.

use std::collections::BTreeSet;

use capt_core::fault::FaultClass;
use capt_core::lifecycle::State;
use model::memo::stands_for;
use model::world::{Left, Name};
use model::{reached, remembers_another, tells_apart};

#[test]
fn no_decision_depends_on_what_is_left_out() {
    let worlds = reached(Left::any(1), None);
    assert!(worlds.len() > 30_000, "{}", worlds.len());
    let apart = worlds.iter().find_map(tells_apart);
    assert_eq!(apart, None);
    let another = worlds.iter().find_map(remembers_another);
    assert_eq!(another, None);
    // It says something only if the worlds are of all kinds.
    let states = |name: Name| -> BTreeSet<State> {
        let things = worlds.iter().filter_map(|world| world.get(name));
        things.map(|thing| thing.memo.state).collect()
    };
    for name in Name::ALL {
        let states = states(name);
        let never: Vec<_> = State::ALL
            .iter()
            .filter(|state| !states.contains(state))
            .collect();
        assert!(
            never.iter().all(|state| **state == State::Degraded),
            "{name:?} is never {never:?}"
        );
    }
    assert!(states(Name::ControlPlane).contains(&State::Degraded));
}

#[test]
fn classes_that_ask_for_the_same_stand_for_each_other() {
    let classes = |class: FaultClass| FaultClass::ALL.iter().filter(move |it| stands_for(**it) == class);
    let groups: Vec<Vec<&str>> = FaultClass::ALL
        .iter()
        .map(|class| classes(*class).map(|class| class.name()).collect())
        .filter(|group: &Vec<&str>| !group.is_empty())
        .collect();
    assert_eq!(
        groups,
        [
            vec!["Transient", "Dependency", "Locked"],
            vec!["Interrupted"],
            vec!["Credentials", "Environment", "Unknown"],
            vec!["Permission"],
            vec!["Quota"],
            vec!["Conflict", "Invalid", "Integrity"],
        ]
    );
}
