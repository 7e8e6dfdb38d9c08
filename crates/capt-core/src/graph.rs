//! What depends on what: a directed graph without cycles, over typed ids.
//!
//! Edges point from the dependent to its dependency; both directions are answered by query, in key order,
//! whatever the order in which the graph was put together.
//!
//! # Guarantees
//!
//! There is never a cycle in a [`DependencyGraph`]. An edge that would close one is refused with the path
//! of the cycle, and the graph is as it was before. Two graphs of equal nodes and edges are equal and
//! answer every query equally.
//!
//! # Why adjacency sets of our own
//!
//! `petgraph::acyclic::Acyclic` keeps a total order (Pearce and Kelly), which costs a step per node that
//! lies between the two ends: a chain that is added back to front is quadratic, about a millisecond an edge
//! at ten thousand nodes. Its graph types also look up an edge by walking the neighbours of a node, hold
//! only `Copy` keys or indices, and answer in the order of insertion, so that every answer would have to be
//! mapped and sorted. Ordered sets per node answer in key order as they stand, and the check of a new edge
//! (module `closing`) costs about the square root of the number of edges in the worst order of adding. The tests
//! hold the result against petgraph's own algorithms.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};

mod closing;
mod order;
mod render;
#[cfg(test)]
mod tests;

pub use order::Broken;
pub use render::{GraphView, NodeView};

/// The id of a node.
///
/// Its `Display` is the id in renderings: two different keys must be displayed differently, and a key on
/// one line.
pub trait NodeKey: Clone + Ord + Debug + Display {}

/// A directed graph without cycles: which node depends on which.
#[derive(Debug, Clone)]
pub struct DependencyGraph<N> {
    entries: BTreeMap<N, Entry<N>>,
    edge_count: usize,
}

/// One node: its neighbours on both sides, and its level (see module `closing`).
#[derive(Debug, Clone)]
struct Entry<N> {
    level: usize,
    dependencies: BTreeSet<N>,
    dependents: BTreeSet<N>,
}

/// The direction in which edges are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// With the edges: to what a node depends on.
    Dependencies,
    /// Against the edges: to what depends on a node.
    Dependents,
}

/// A dependency that would have closed a cycle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> "))]
pub struct Cycle<N: NodeKey> {
    /// The nodes of the cycle, each depending on the next. The first two are the ends of the refused edge;
    /// the last is the first again. It is the shortest such path, and of several the first in key order.
    pub path: Vec<N>,
}

impl<N: NodeKey> DependencyGraph<N> {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            edge_count: 0,
        }
    }

    /// Adds a node that depends on nothing. Returns whether it is new; a node that is there keeps its edges.
    pub fn add_node(&mut self, node: N) -> bool {
        let before = self.entries.len();
        self.entries.entry(node).or_insert_with(Entry::new);
        self.entries.len() > before
    }

    /// Removes a node and its edges. Returns whether it was there.
    pub fn remove_node(&mut self, node: &N) -> bool {
        let Some(removed) = self.entries.remove(node) else {
            return false;
        };
        for dependency in &removed.dependencies {
            if let Some(entry) = self.entries.get_mut(dependency) {
                entry.dependents.remove(node);
            }
        }
        for dependent in &removed.dependents {
            if let Some(entry) = self.entries.get_mut(dependent) {
                entry.dependencies.remove(node);
            }
        }
        self.edge_count -= removed.dependencies.len() + removed.dependents.len();
        true
    }

    /// Notes that `dependent` depends on `dependency`, and adds those of the two that are missing. An edge
    /// that is there already is no error.
    ///
    /// An edge that would close a cycle (to the node itself included) is refused, and nothing is changed:
    /// neither edges nor nodes.
    pub fn try_add_edge(&mut self, dependent: N, dependency: N) -> Result<(), Cycle<N>> {
        if dependent == dependency {
            return Err(Cycle {
                path: vec![dependent, dependency],
            });
        }
        if self.contains_edge(&dependent, &dependency) {
            return Ok(());
        }
        if !self.admit(&dependent, &dependency) {
            return Err(self.cycle(dependent, &dependency));
        }
        self.entry(&dependency).dependents.insert(dependent.clone());
        self.entry(&dependent).dependencies.insert(dependency);
        self.edge_count += 1;
        Ok(())
    }

    /// Removes a dependency; both nodes stay. Returns whether it was there.
    pub fn remove_edge(&mut self, dependent: &N, dependency: &N) -> bool {
        let removed = self
            .entries
            .get_mut(dependent)
            .is_some_and(|entry| entry.dependencies.remove(dependency));
        if removed {
            self.entry(dependency).dependents.remove(dependent);
            self.edge_count -= 1;
        }
        removed
    }

    /// Whether the node is in the graph.
    pub fn contains(&self, node: &N) -> bool {
        self.entries.contains_key(node)
    }

    /// Whether `dependent` depends directly on `dependency`.
    pub fn contains_edge(&self, dependent: &N, dependency: &N) -> bool {
        self.entries
            .get(dependent)
            .is_some_and(|entry| entry.dependencies.contains(dependency))
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The nodes, in key order.
    pub fn nodes(&self) -> impl Iterator<Item = &N> {
        self.entries.keys()
    }

    /// The edges as (dependent, dependency), in key order.
    pub fn edges(&self) -> impl Iterator<Item = (&N, &N)> {
        self.entries.iter().flat_map(|(node, entry)| {
            entry
                .dependencies
                .iter()
                .map(move |dependency| (node, dependency))
        })
    }

    /// What the node depends on directly, in key order; nothing for a node that is not in the graph.
    pub fn dependencies_of(&self, node: &N) -> impl Iterator<Item = &N> {
        self.neighbours(node, Side::Dependencies)
    }

    /// What depends directly on the node, in key order; nothing for a node that is not in the graph.
    pub fn dependents_of(&self, node: &N) -> impl Iterator<Item = &N> {
        self.neighbours(node, Side::Dependents)
    }

    fn neighbours(&self, node: &N, side: Side) -> impl Iterator<Item = &N> + use<'_, N> {
        self.entries
            .get(node)
            .into_iter()
            .flat_map(move |entry| entry.neighbours(side))
    }

    fn entry(&mut self, node: &N) -> &mut Entry<N> {
        self.entries.entry(node.clone()).or_insert_with(Entry::new)
    }

    /// The cycle that an edge from `dependent` to `dependency` would close.
    fn cycle(&self, dependent: N, dependency: &N) -> Cycle<N> {
        let hops = self.hops_to(&dependent);
        let rest = order::path(dependency, &hops);
        Cycle {
            path: std::iter::once(dependent).chain(rest).collect(),
        }
    }
}

impl<N> Entry<N> {
    fn new() -> Self {
        Self {
            level: 0,
            dependencies: BTreeSet::new(),
            dependents: BTreeSet::new(),
        }
    }

    fn neighbours(&self, side: Side) -> &BTreeSet<N> {
        match side {
            Side::Dependencies => &self.dependencies,
            Side::Dependents => &self.dependents,
        }
    }
}

impl<N: NodeKey> Default for DependencyGraph<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal nodes and equal edges; how the graph came about does not count.
impl<N: NodeKey> PartialEq for DependencyGraph<N> {
    fn eq(&self, other: &Self) -> bool {
        self.nodes().eq(other.nodes()) && self.edges().eq(other.edges())
    }
}

impl<N: NodeKey> Eq for DependencyGraph<N> {}
