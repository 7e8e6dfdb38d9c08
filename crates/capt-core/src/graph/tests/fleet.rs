//! A fleet kept by what is observed, against one that is read at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proptest::prelude::*;

use crate::graph::{Cycle, DependencyGraph, Fleet, Loaded, NodeKey};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Id(u8);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl NodeKey for Id {}

/// What is there in the end, however it came about.
type Objects = BTreeMap<Id, BTreeSet<Id>>;

#[derive(Debug, Clone)]
enum Event {
    Observed(Id, BTreeSet<Id>),
    Gone(Id),
}

fn id() -> impl Strategy<Value = Id> {
    (0..9u8).prop_map(Id)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => (id(), proptest::collection::btree_set(id(), 0..3)).prop_map(|(a, b)| Event::Observed(a, b)),
        1 => id().prop_map(Event::Gone),
    ];
    proptest::collection::vec(event, 0..60)
}

fn objects_after(events: &[Event]) -> Objects {
    let mut objects = Objects::new();
    for event in events {
        match event {
            Event::Observed(id, dependencies) => drop(objects.insert(*id, dependencies.clone())),
            Event::Gone(id) => drop(objects.remove(id)),
        }
    }
    objects
}

fn wanted(fleet: &Fleet<Id>) -> BTreeSet<(Id, Id)> {
    let taken = fleet.graph().edges().map(|(a, b)| (*a, *b));
    taken.chain(fleet.refused().map(|(a, b)| (*a, *b))).collect()
}

/// Every cycle by trying every path, each from its least node.
fn naive_cycles(objects: &Objects) -> BTreeSet<Vec<Id>> {
    fn walk(objects: &Objects, path: &mut Vec<Id>, found: &mut BTreeSet<Vec<Id>>) {
        for to in objects.get(&path[path.len() - 1]).into_iter().flatten() {
            if *to == path[0] {
                found.insert([&path[..], &[*to]].concat());
            } else if *to > path[0] && !path.contains(to) {
                path.push(*to);
                walk(objects, path, found);
                path.pop();
            }
        }
    }
    let mut found = BTreeSet::new();
    for start in objects.keys() {
        walk(objects, &mut vec![*start], &mut found);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// The same nodes, wanted dependencies, missing nodes and cycles, whether it came bit by bit or at once; and
    /// nothing is refused that closes no cycle.
    #[test]
    fn bit_by_bit_and_at_once_are_the_same(events in events()) {
        let mut kept = Fleet::new();
        for event in &events {
            match event {
                Event::Observed(id, dependencies) => drop(kept.observe(id, dependencies.clone())),
                Event::Gone(id) => drop(kept.forget(id)),
            }
        }
        let objects = objects_after(&events);
        let read = Fleet::load(objects.clone());
        prop_assert!(kept.graph().nodes().eq(read.graph().nodes()));
        prop_assert_eq!(wanted(&kept), wanted(&read));
        prop_assert_eq!(kept.missing(), read.missing());
        let wants: BTreeSet<(Id, Id)> = objects.iter().flat_map(|(a, to)| to.iter().map(|b| (*a, *b))).collect();
        prop_assert_eq!(wanted(&kept), wants);
        let cycles: Vec<Vec<Id>> = kept.cycles(usize::MAX).into_iter().map(|cycle| cycle.path).collect();
        prop_assert!(cycles.iter().eq(&naive_cycles(&objects)));
        prop_assert_eq!(kept.cycles(usize::MAX), read.cycles(usize::MAX));
        for fleet in [kept, read] {
            for (a, b) in fleet.refused() {
                let closed = fleet.graph().clone().try_add_edge(*a, *b);
                prop_assert!(closed.is_err(), "{} -> {} is refused and closes nothing", a, b);
            }
        }
    }

    /// What is refused on reading depends on the edges alone.
    #[test]
    fn the_order_of_reading_does_not_matter(
        (events, shuffled) in events().prop_flat_map(|events| {
            let objects: Vec<_> = objects_after(&events).into_iter().collect();
            (Just(objects.clone()), Just(objects).prop_shuffle())
        })
    ) {
        let Loaded { graph, refused } = DependencyGraph::load(events);
        let other = DependencyGraph::load(shuffled);
        prop_assert_eq!(&graph, &other.graph);
        prop_assert_eq!(&refused, &other.refused);
        for cycle in &refused {
            prop_assert!(!graph.contains_edge(&cycle.path[0], &cycle.path[1]));
            prop_assert_eq!(cycle.path.first(), cycle.path.last());
        }
    }

    /// What an observation says is what it changed.
    #[test]
    fn an_observation_tells_what_it_changed(events in events()) {
        let mut fleet = Fleet::new();
        for event in events {
            let before = wanted(&fleet);
            let refused_before: BTreeSet<(Id, Id)> = fleet.refused().map(|(a, b)| (*a, *b)).collect();
            let (id, observed) = match event {
                Event::Observed(id, dependencies) => (id, fleet.observe(&id, dependencies)),
                Event::Gone(id) => (id, fleet.forget(&id)),
            };
            let after = wanted(&fleet);
            let mut new: BTreeSet<Id> = observed.added.iter().copied().collect();
            new.extend(observed.refused.iter().map(|cycle| cycle.path[1]));
            prop_assert!(after.difference(&before).copied().eq(new.into_iter().map(|to| (id, to))));
            let removed = observed.removed.iter().map(|to| (id, *to));
            prop_assert!(before.difference(&after).copied().eq(removed));
            for (dependent, dependency) in &observed.mended {
                prop_assert!(refused_before.contains(&(*dependent, *dependency)));
                prop_assert!(fleet.graph().contains_edge(dependent, dependency));
            }
        }
    }
}

#[test]
fn what_is_gone_is_missed_by_those_that_need_it() {
    let mut fleet = Fleet::new();
    fleet.observe(&Id(1), [Id(2)]);
    assert_eq!(fleet.missing(), [&Id(2)]);
    fleet.observe(&Id(2), [Id(3)]);
    fleet.observe(&Id(3), []);
    fleet.forget(&Id(3));
    assert_eq!(fleet.missing(), [&Id(3)]);
    assert!(!fleet.is_present(&Id(3)));
    let observed = fleet.forget(&Id(2));
    assert_eq!(observed.removed, [Id(3)]);
    assert_eq!(fleet.missing(), [&Id(2)], "nothing needs 3 any more");
    fleet.forget(&Id(1));
    assert!(fleet.graph().is_empty());
}

#[test]
fn a_cycle_that_is_opened_elsewhere_is_no_longer_refused() {
    let mut fleet = Fleet::new();
    fleet.observe(&Id(1), [Id(2)]);
    fleet.observe(&Id(2), [Id(3)]);
    let observed = fleet.observe(&Id(3), [Id(1)]);
    let cycle = Cycle {
        path: vec![Id(3), Id(1), Id(2), Id(3)],
    };
    assert_eq!(observed.refused, [cycle]);
    assert_eq!(fleet.cycles(9).len(), 1);
    assert_eq!(fleet.observe(&Id(3), [Id(1)]).refused, [], "it is told once");
    let observed = fleet.observe(&Id(1), []);
    assert_eq!(observed.mended, [(Id(3), Id(1))]);
    assert!(fleet.cycles(9).is_empty());
    assert!(fleet.graph().contains_edge(&Id(3), &Id(1)));
}

#[test]
fn two_clusters_see_each_their_own_part_and_what_they_share() {
    let (a, b, shared, of_a) = (Id(1), Id(2), Id(8), Id(3));
    let fleet = Fleet::load([
        (a, vec![of_a, shared]),
        (b, vec![shared]),
        (shared, vec![]),
        (of_a, vec![]),
    ]);
    assert!(fleet.part_of([&a]).nodes().eq([&a, &of_a, &shared]));
    assert!(fleet.part_of([&b]).nodes().eq([&b, &shared]));
    assert_eq!(fleet.graph().impact_of(&shared), [a, b]);
}
