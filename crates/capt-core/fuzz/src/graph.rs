//! The graph against a naive model, under any sequence of changes.

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::Arbitrary;
use capt_core::graph::{DependencyGraph, Fleet};

/// A change of a graph or of a fleet.
#[derive(Debug, Arbitrary)]
pub enum Change {
    /// A node is added.
    AddNode(u8),
    /// A node is removed.
    RemoveNode(u8),
    /// A node depends on another one.
    AddEdge(u8, u8),
    /// A node depends on another one no more.
    RemoveEdge(u8, u8),
    /// An object says what it depends on.
    Observe(u8, Vec<u8>),
    /// An object is gone.
    Forget(u8),
}

type Model = BTreeMap<String, BTreeSet<String>>;

fn key(node: u8) -> String {
    format!("n{}", node % 32)
}

/// Whether one node leads to the other, by looking everywhere.
fn leads(model: &Model, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        if node == to {
            return true;
        }
        if seen.insert(node) {
            open.extend(model.get(node).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

fn compare(graph: &DependencyGraph<String>, model: &Model) {
    assert!(graph.nodes().eq(model.keys()));
    let edges = model
        .iter()
        .flat_map(|(from, ends)| ends.iter().map(move |to| (from, to)));
    assert!(graph.edges().eq(edges));
    let waves = graph.waves();
    assert_eq!(waves.iter().map(Vec::len).sum::<usize>(), model.len());
    let mut before = BTreeSet::new();
    for wave in &waves {
        assert!(wave.iter().all(|node| model[node].is_subset(&before)));
        before.extend(wave.iter().cloned());
    }
    for node in model.keys() {
        let mut reached = graph.requirements_of(node);
        reached.sort();
        let others = || model.keys().filter(|other| *other != node);
        assert!(reached.iter().eq(others().filter(|to| leads(model, node, to))));
        let mut impact = graph.impact_of(node);
        impact.sort();
        assert!(impact.iter().eq(others().filter(|from| leads(model, from, node))));
    }
}

/// Makes the changes, and compares what every one says and what comes of them.
pub fn check(changes: Vec<Change>) {
    let mut graph = DependencyGraph::new();
    let mut model = Model::new();
    let mut fleet = Fleet::new();
    let mut objects: Model = BTreeMap::new();
    for change in changes {
        match change {
            Change::AddNode(node) => {
                assert_eq!(graph.add_node(key(node)), !model.contains_key(&key(node)));
                model.entry(key(node)).or_default();
            }
            Change::RemoveNode(node) => {
                let node = key(node);
                assert_eq!(graph.remove_node(&node), model.remove(&node).is_some());
                for ends in model.values_mut() {
                    ends.remove(&node);
                }
            }
            Change::AddEdge(from, to) => {
                let (from, to) = (key(from), key(to));
                let closes = leads(&model, &to, &from);
                match graph.try_add_edge(from.clone(), to.clone()) {
                    Ok(()) => {
                        assert!(!closes);
                        model.entry(to.clone()).or_default();
                        model.entry(from).or_default().insert(to);
                    }
                    Err(cycle) => {
                        assert!(closes);
                        assert_eq!((&cycle.path[0], &cycle.path[1]), (&from, &to));
                        for pair in cycle.path[1..].windows(2) {
                            assert!(model[&pair[0]].contains(&pair[1]));
                        }
                    }
                }
            }
            Change::RemoveEdge(from, to) => {
                let (from, to) = (key(from), key(to));
                let was = model.get_mut(&from).is_some_and(|ends| ends.remove(&to));
                assert_eq!(graph.remove_edge(&from, &to), was);
            }
            Change::Observe(object, needed) => {
                let needed: BTreeSet<String> = needed.into_iter().map(key).collect();
                fleet.observe(&key(object), needed.clone());
                objects.insert(key(object), needed);
            }
            Change::Forget(object) => {
                fleet.forget(&key(object));
                objects.remove(&key(object));
            }
        }
    }
    compare(&graph, &model);
    let mut again = DependencyGraph::load(model.clone());
    assert!(again.refused.is_empty());
    assert_eq!(again.graph, graph);
    for (from, to) in model
        .iter()
        .flat_map(|(from, ends)| ends.iter().map(move |to| (from, to)))
    {
        assert_eq!(
            again.graph.try_add_edge(to.clone(), from.clone()),
            graph.try_add_edge(to.clone(), from.clone())
        );
    }
    compare(&again.graph, &model);
    let read = Fleet::load(objects);
    assert_eq!(read.missing(), fleet.missing());
    assert_eq!(read.cycles(50), fleet.cycles(50));
    assert_eq!(read.refused().next().is_none(), fleet.refused().next().is_none());
}
