//! What is true of every graph, however it came about. petgraph is the judge of what a cycle is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use petgraph::algo::{has_path_connecting, is_cyclic_directed};
use petgraph::graphmap::DiGraphMap;
use proptest::prelude::*;

use crate::graph::{Broken, DependencyGraph, NodeKey};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Id(u8);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl NodeKey for Id {}

#[derive(Debug, Clone)]
enum Change {
    AddNode(Id),
    RemoveNode(Id),
    AddEdge(Id, Id),
    RemoveEdge(Id, Id),
}

fn id() -> impl Strategy<Value = Id> {
    (0..14u8).prop_map(Id)
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        1 => id().prop_map(Change::AddNode),
        1 => id().prop_map(Change::RemoveNode),
        20 => (id(), id()).prop_map(|(a, b)| Change::AddEdge(a, b)),
        2 => (id(), id()).prop_map(|(a, b)| Change::RemoveEdge(a, b)),
    ];
    proptest::collection::vec(change, 0..120)
}

/// The graph after the changes, refused edges left out.
fn build(changes: &[Change]) -> DependencyGraph<Id> {
    let mut graph = DependencyGraph::new();
    for change in changes {
        match *change {
            Change::AddNode(a) => drop(graph.add_node(a)),
            Change::RemoveNode(a) => drop(graph.remove_node(&a)),
            Change::AddEdge(a, b) => drop(graph.try_add_edge(a, b)),
            Change::RemoveEdge(a, b) => drop(graph.remove_edge(&a, &b)),
        }
    }
    graph
}

fn levels(graph: &DependencyGraph<Id>) -> Vec<u32> {
    graph.nodes().map(|node| level(graph, *node)).collect()
}

fn level(graph: &DependencyGraph<Id>, node: Id) -> u32 {
    graph.levels.of(graph.at(&node).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Against petgraph's graph as a model: the same nodes and edges, an edge refused exactly if it would
    /// have closed a cycle, and nothing changed by a refusal, levels included.
    #[test]
    fn an_edge_is_refused_if_and_only_if_it_closes_a_cycle(changes in changes()) {
        let mut graph = DependencyGraph::new();
        let mut model = DiGraphMap::<Id, ()>::new();
        for change in &changes {
            match *change {
                Change::AddNode(a) => {
                    prop_assert_eq!(graph.add_node(a), !model.contains_node(a));
                    model.add_node(a);
                }
                Change::RemoveNode(a) => prop_assert_eq!(graph.remove_node(&a), model.remove_node(a)),
                Change::RemoveEdge(a, b) => {
                    prop_assert_eq!(graph.remove_edge(&a, &b), model.remove_edge(a, b).is_some());
                }
                Change::AddEdge(a, b) => {
                    let before = graph.clone();
                    let closes = a == b
                        || model.contains_node(a)
                            && model.contains_node(b)
                            && has_path_connecting(&model, b, a, None);
                    match graph.try_add_edge(a, b) {
                        Ok(()) => {
                            prop_assert!(!closes);
                            model.add_edge(a, b, ());
                        }
                        Err(cycle) => {
                            prop_assert!(closes);
                            prop_assert_eq!(&graph, &before);
                            prop_assert_eq!(levels(&graph), levels(&before));
                            // The path is the refused edge, then edges that exist, back to its start.
                            prop_assert_eq!(&cycle.path[..2], &[a, b]);
                            prop_assert_eq!(cycle.path.last(), Some(&a));
                            for pair in cycle.path[1..].windows(2) {
                                prop_assert!(graph.contains_edge(&pair[0], &pair[1]));
                            }
                            let inner: BTreeSet<Id> = cycle.path[1..].iter().copied().collect();
                            prop_assert_eq!(inner.len(), cycle.path.len() - 1);
                        }
                    }
                }
            }
            prop_assert!(!is_cyclic_directed(&model));
            let mut nodes: Vec<Id> = model.nodes().collect();
            nodes.sort_unstable();
            prop_assert!(graph.nodes().eq(&nodes));
            let edges: BTreeSet<(Id, Id)> = model.all_edges().map(|(a, b, ())| (a, b)).collect();
            prop_assert!(graph.edges().map(|(a, b)| (*a, *b)).eq(edges));
            prop_assert_eq!((graph.len(), graph.edge_count()), (model.node_count(), model.edge_count()));
            for (a, b) in graph.edges() {
                prop_assert!(level(&graph, *a) <= level(&graph, *b));
                prop_assert!(graph.dependents_of(b).any(|node| node == a));
            }
        }
    }

    #[test]
    fn every_dependency_is_in_an_earlier_wave(changes in changes()) {
        let graph = build(&changes);
        let waves = graph.waves();
        let place: BTreeMap<Id, usize> = waves
            .iter()
            .enumerate()
            .flat_map(|(place, wave)| wave.iter().map(move |node| (*node, place)))
            .collect();
        prop_assert_eq!(waves.iter().map(Vec::len).sum::<usize>(), graph.len());
        prop_assert!(graph.nodes().eq(place.keys()));
        for (node, at) in &place {
            let latest = graph.dependencies_of(node).map(|dependency| place[dependency] + 1).max();
            prop_assert_eq!(*at, latest.unwrap_or(0), "earliest wave of {}", node);
        }
        for wave in &waves {
            prop_assert!(wave.is_sorted());
        }
        let mut teardown = graph.teardown_order();
        teardown.reverse();
        prop_assert_eq!(teardown, waves);
    }

    #[test]
    fn impact_and_requirements_are_each_others_mirror(changes in changes()) {
        let graph = build(&changes);
        for x in graph.nodes() {
            let impact = graph.impact_of(x);
            for y in graph.nodes() {
                prop_assert_eq!(impact.contains(y), graph.requirements_of(y).contains(x));
            }
            prop_assert!(!impact.contains(x));
        }
    }

    /// No answer depends on the order in which the edges came.
    #[test]
    fn graphs_of_equal_edges_answer_alike(
        (changes, order) in changes().prop_flat_map(|changes| {
            let graph = build(&changes);
            let edges: Vec<(Id, Id)> = graph.edges().map(|(a, b)| (*a, *b)).collect();
            (Just(graph), Just(edges).prop_shuffle())
        })
    ) {
        let mut again = DependencyGraph::new();
        for node in changes.nodes() {
            again.add_node(*node);
        }
        for (a, b) in order {
            prop_assert_eq!(again.try_add_edge(a, b), Ok(()));
        }
        prop_assert_eq!(&again, &changes);
        prop_assert_eq!(again.waves(), changes.waves());
        prop_assert_eq!(
            again.render_tree(ToString::to_string),
            changes.render_tree(ToString::to_string)
        );
        for (a, b) in changes.edges() {
            prop_assert_eq!(again.try_add_edge(*b, *a), changes.clone().try_add_edge(*b, *a));
        }
    }

    #[test]
    fn broken_nodes_are_the_broken_and_all_above_them(changes in changes(), broken in any::<u16>()) {
        let graph = build(&changes);
        let is_broken = |node: &Id| broken & (1 << node.0) != 0;
        let found = graph.broken(is_broken);
        let expected: Vec<Id> = graph
            .nodes()
            .filter(|node| is_broken(node) || graph.requirements_of(node).iter().any(is_broken))
            .copied()
            .collect();
        prop_assert_eq!(found.iter().map(|b| b.node).collect::<Vec<_>>(), expected);
        for Broken { node, root_causes } in &found {
            let mut reach = graph.requirements_of(node);
            reach.push(*node);
            reach.sort_unstable();
            let causes = reach
                .into_iter()
                .filter(|node| is_broken(node) && !graph.requirements_of(node).iter().any(is_broken));
            prop_assert!(root_causes.iter().filter_map(|path| path.last()).copied().eq(causes));
            for path in root_causes {
                prop_assert_eq!(path.first(), Some(node));
                for pair in path.windows(2) {
                    prop_assert!(graph.contains_edge(&pair[0], &pair[1]));
                }
            }
        }
        let repaired: Vec<Id> = graph.repair_order(is_broken).concat();
        for (place, node) in repaired.iter().enumerate() {
            prop_assert!(is_broken(node));
            let later = &repaired[place..];
            prop_assert!(!graph.requirements_of(node).iter().any(|needed| later.contains(needed)));
        }
        prop_assert_eq!(repaired.len(), graph.nodes().filter(|node| is_broken(node)).count());
    }

    /// Each edge is one line of the tree, below its dependent, and each root one more.
    #[test]
    fn the_tree_has_a_line_for_every_edge_and_root(changes in changes()) {
        let graph = build(&changes);
        let roots = graph.nodes().filter(|node| graph.dependents_of(node).next().is_none()).count();
        let text = graph.render_tree(ToString::to_string);
        prop_assert_eq!(text.lines().count(), graph.edges().count() + roots);
        let full = text.lines().filter(|line| !line.ends_with(" (see above)")).count();
        prop_assert_eq!(full, graph.len());
    }
}
