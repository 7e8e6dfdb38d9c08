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
//! # How it is kept
//!
//! petgraph's `StableDiGraph` holds nodes and edges; a map leads from key to index. What is ours is the check of
//! a new edge (module `closing`): `petgraph::acyclic::Acyclic` keeps a total order (Pearce and Kelly), which
//! costs a step per node that lies between the two ends, so that a chain that is added back to front is
//! quadratic, about a millisecond an edge at ten thousand nodes. Levels cost about the square root of the number
//! of edges in the worst order of adding, and next to nothing in the usual ones. The tests hold the result
//! against petgraph's own algorithms.
//!
//! A whole fleet is read at once by [`DependencyGraph::load`] and then kept up to date by [`Fleet`].

use std::fmt::{Debug, Display};
use std::hash::Hash;

use petgraph::Direction;
use petgraph::stable_graph::{EdgeIndex, NodeIndex, StableDiGraph};

mod closing;
mod cycles;
mod fleet;
mod load;
mod lookup;
mod order;
mod render;
#[cfg(test)]
mod tests;

pub use fleet::{Fleet, Observed};
pub use load::Loaded;
pub use order::Broken;
pub use render::{GraphView, NodeView};

use closing::Levels;
use lookup::Map;

/// The id of a node.
///
/// Its `Display` is the id in renderings: two different keys must be displayed differently, and a key on
/// one line.
pub trait NodeKey: Clone + Ord + Hash + Debug + Display {}

/// A text as it stands; line breaks in it are the caller's business.
impl NodeKey for String {}

/// A directed graph without cycles: which node depends on which.
#[derive(Debug, Clone)]
pub struct DependencyGraph<N> {
    /// Edges lead from the dependent to the dependency. Its order is that of adding: no answer may depend on it.
    store: StableDiGraph<N, ()>,
    index: Map<N, NodeIndex>,
    levels: Levels,
}

/// The direction in which edges are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// With the edges: to what a node depends on.
    Dependencies,
    /// Against the edges: to what depends on a node.
    Dependents,
}

impl Side {
    const fn direction(self) -> Direction {
        match self {
            Self::Dependencies => Direction::Outgoing,
            Self::Dependents => Direction::Incoming,
        }
    }
}

/// A dependency that would have closed a cycle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{}", .path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> "))]
pub struct Cycle<N: NodeKey> {
    /// The nodes of the cycle, each depending on the next. The first two are the ends of the refused edge;
    /// the last is the first again. It is the shortest such path, and of several the first in key order.
    pub path: Vec<N>,
}

impl<N: NodeKey> DependencyGraph<N> {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::with_capacity(0, 0)
    }

    /// A graph without nodes, with room for so many of both.
    pub fn with_capacity(nodes: usize, edges: usize) -> Self {
        Self {
            store: StableDiGraph::with_capacity(nodes, edges),
            index: lookup::map(nodes),
            levels: Levels::default(),
        }
    }

    /// Adds a node that depends on nothing. Returns whether it is new; a node that is there keeps its edges.
    pub fn add_node(&mut self, node: N) -> bool {
        let before = self.len();
        self.intern(node);
        self.len() > before
    }

    /// Removes a node and its edges. Returns whether it was there.
    pub fn remove_node(&mut self, node: &N) -> bool {
        let Some(at) = self.index.remove(node) else {
            return false;
        };
        self.store.remove_node(at).is_some()
    }

    /// Notes that `dependent` depends on `dependency`, and adds those of the two that are missing. An edge
    /// that is there already is no error.
    ///
    /// # Errors
    ///
    /// An edge that would close a cycle (to the node itself included) is refused, and nothing is changed:
    /// neither edges nor nodes.
    pub fn try_add_edge(&mut self, dependent: N, dependency: N) -> Result<(), Cycle<N>> {
        if dependent == dependency {
            return Err(Cycle {
                path: vec![dependent, dependency],
            });
        }
        let (from, to) = match (self.at(&dependent), self.at(&dependency)) {
            (Some(from), Some(to)) => {
                if self.edge(from, to).is_some() {
                    return Ok(());
                }
                if !self.levels.admit(&self.store, from, to) {
                    return Err(self.cycle(from, to));
                }
                (from, to)
            }
            // A node that is new has no edges yet and can close nothing.
            (known, None) => {
                let from = known.unwrap_or_else(|| self.intern(dependent));
                let to = self.intern(dependency);
                self.levels.put_above(to, from);
                (from, to)
            }
            (None, Some(to)) => (self.intern(dependent), to),
        };
        self.connect(from, to);
        Ok(())
    }

    /// Removes a dependency; both nodes stay. Returns whether it was there.
    pub fn remove_edge(&mut self, dependent: &N, dependency: &N) -> bool {
        self.at(dependent)
            .zip(self.at(dependency))
            .and_then(|(from, to)| self.edge(from, to))
            .and_then(|edge| self.store.remove_edge(edge))
            .is_some()
    }

    /// Whether the node is in the graph.
    pub fn contains(&self, node: &N) -> bool {
        self.index.contains_key(node)
    }

    /// Whether `dependent` depends directly on `dependency`.
    pub fn contains_edge(&self, dependent: &N, dependency: &N) -> bool {
        self.at(dependent)
            .zip(self.at(dependency))
            .is_some_and(|(from, to)| self.edge(from, to).is_some())
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.store.node_count()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of edges.
    pub fn edge_count(&self) -> usize {
        self.store.edge_count()
    }

    /// The nodes, in key order. Sorts them, so that a large graph is better asked once.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = &N> + ExactSizeIterator {
        self.in_order(self.store.node_indices())
            .into_iter()
            .map(|at| self.key(at))
    }

    /// The edges as (dependent, dependency), in key order. Sorts them, as [`DependencyGraph::nodes`] does.
    pub fn edges(&self) -> impl Iterator<Item = (&N, &N)> {
        self.nodes().flat_map(|node| {
            self.dependencies_of(node)
                .map(move |dependency| (node, dependency))
        })
    }

    /// What the node depends on directly, in key order; nothing for a node that is not in the graph.
    pub fn dependencies_of(&self, node: &N) -> impl ExactSizeIterator<Item = &N> + use<'_, N> {
        self.neighbours(node, Side::Dependencies)
    }

    /// What depends directly on the node, in key order; nothing for a node that is not in the graph.
    pub fn dependents_of(&self, node: &N) -> impl ExactSizeIterator<Item = &N> + use<'_, N> {
        self.neighbours(node, Side::Dependents)
    }

    fn neighbours(&self, node: &N, side: Side) -> impl ExactSizeIterator<Item = &N> + use<'_, N> {
        let found = match self.at(node) {
            Some(at) => self.in_order(self.next_to(at, side)),
            None => Vec::new(),
        };
        found.into_iter().map(|at| self.key(at))
    }

    /// The neighbours of a node in no order.
    fn next_to(&self, at: NodeIndex, side: Side) -> impl Iterator<Item = NodeIndex> + use<'_, N> {
        self.store.neighbors_directed(at, side.direction())
    }

    fn in_order(&self, nodes: impl IntoIterator<Item = NodeIndex>) -> Vec<NodeIndex> {
        let mut nodes: Vec<NodeIndex> = nodes.into_iter().collect();
        nodes.sort_unstable_by_key(|at| self.key(*at));
        nodes
    }

    fn at(&self, node: &N) -> Option<NodeIndex> {
        self.index.get(node).copied()
    }

    fn key(&self, at: NodeIndex) -> &N {
        &self.store[at]
    }

    fn intern(&mut self, node: N) -> NodeIndex {
        *self.index.entry(node).or_insert_with_key(|node| {
            let at = self.store.add_node(node.clone());
            self.levels.put_lowest(at);
            at
        })
    }

    /// Adds an edge that is not there and closes nothing.
    fn connect(&mut self, from: NodeIndex, to: NodeIndex) {
        self.levels.note(from, to);
        self.store.add_edge(from, to, ());
    }

    /// The edge between two nodes: looked for from both ends in turn, so that a hub with many neighbours is
    /// found from its other side.
    fn edge(&self, from: NodeIndex, to: NodeIndex) -> Option<EdgeIndex> {
        let mut out = self.store.neighbors_directed(from, Direction::Outgoing).detach();
        let mut back = self.store.neighbors_directed(to, Direction::Incoming).detach();
        loop {
            let (edge, node) = out.next(&self.store)?;
            if node == to {
                return Some(edge);
            }
            let (edge, node) = back.next(&self.store)?;
            if node == from {
                return Some(edge);
            }
        }
    }

    /// The cycle that an edge from `dependent` to `dependency` would close.
    fn cycle(&self, dependent: NodeIndex, dependency: NodeIndex) -> Cycle<N> {
        let hops = self.hops_to(dependent);
        let rest = self.path(dependency, &hops);
        Cycle {
            path: std::iter::once(self.key(dependent).clone()).chain(rest).collect(),
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
        self.len() == other.len()
            && self.edge_count() == other.edge_count()
            && self.store.node_weights().all(|node| other.contains(node))
            && self.store.edge_indices().all(|edge| {
                self.store
                    .edge_endpoints(edge)
                    .is_some_and(|(from, to)| other.contains_edge(self.key(from), self.key(to)))
            })
    }
}

impl<N: NodeKey> Eq for DependencyGraph<N> {}
