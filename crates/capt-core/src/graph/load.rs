//! A whole graph at once: all edges first, and one look whether they close anything.

use std::collections::BTreeSet;

use petgraph::stable_graph::NodeIndex;

use super::{Cycle, DependencyGraph, NodeKey, Side};

/// What came of reading a whole graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded<N: NodeKey> {
    /// The graph, without the edges that were refused.
    pub graph: DependencyGraph<N>,
    /// A cycle for each edge that was refused, in key order of the edges. Which edge of a cycle it is depends on
    /// the edges alone, not on the order in which they came.
    pub refused: Vec<Cycle<N>>,
}

impl<N: NodeKey> DependencyGraph<N> {
    /// The graph of these nodes, each with all that it depends on. A node that is named only as a dependency is
    /// added; one that comes twice depends on all that it was given.
    ///
    /// Takes time by the number of nodes and edges, however they are ordered. An edge that would close a cycle
    /// is left out and told.
    pub fn load<I>(nodes: impl IntoIterator<Item = (N, I)>) -> Loaded<N>
    where
        I: IntoIterator<Item = N>,
    {
        let nodes = nodes.into_iter();
        let (expected, _) = nodes.size_hint();
        let mut graph = Self::with_capacity(expected, expected);
        let mut to_itself = BTreeSet::new();
        let mut ends = Vec::new();
        for (node, dependencies) in nodes {
            let from = graph.intern(node);
            ends.clear();
            ends.extend(dependencies.into_iter().map(|node| graph.intern(node)));
            ends.sort_unstable();
            ends.dedup();
            let again = graph.next_to(from, Side::Dependencies).next().is_some();
            for &to in &ends {
                if to == from {
                    to_itself.insert(graph.key(from).clone());
                } else if !again || graph.edge(from, to).is_none() {
                    graph.connect(from, to);
                }
            }
        }
        let mut refused = graph.open_cycles();
        refused.extend(to_itself.into_iter().map(|node| Cycle {
            path: vec![node.clone(), node],
        }));
        refused.sort_unstable_by(|a, b| a.path[..2].cmp(&b.path[..2]));
        Loaded { graph, refused }
    }

    /// Takes out one edge of each cycle. Until then every node is on the lowest level, which holds for any graph
    /// without cycles.
    fn open_cycles(&mut self) -> Vec<Cycle<N>> {
        let caught = self.in_order(self.in_or_between_cycles());
        let is_caught: BTreeSet<NodeIndex> = caught.iter().copied().collect();
        let mut edges = Vec::new();
        for &from in &caught {
            let ends: Vec<NodeIndex> = self.next_to(from, Side::Dependencies).collect();
            for to in self.in_order(ends.into_iter().filter(|to| is_caught.contains(to))) {
                edges.push((from, to));
            }
        }
        for &(from, to) in &edges {
            if let Some(edge) = self.edge(from, to) {
                self.store.remove_edge(edge);
            }
        }
        let keys = edges
            .into_iter()
            .map(|(from, to)| (self.key(from).clone(), self.key(to).clone()));
        let keys: Vec<(N, N)> = keys.collect();
        keys.into_iter()
            .filter_map(|(from, to)| self.try_add_edge(from, to).err())
            .collect()
    }

    /// What is left when nodes that nothing is left to depend on, and nodes on which nothing is left that
    /// depends, are taken away again and again: the cycles, and what lies on a way from one to another.
    fn in_or_between_cycles(&self) -> Vec<NodeIndex> {
        let mut left: Vec<NodeIndex> = self.store.node_indices().collect();
        let mut gone = vec![false; left.last().map_or(0, |last| last.index() + 1)];
        for side in [Side::Dependencies, Side::Dependents] {
            let mut missing = vec![0_usize; gone.len()];
            let mut open = Vec::new();
            for &at in &left {
                let neighbours = self.next_to(at, side).filter(|next| !gone[next.index()]);
                missing[at.index()] = neighbours.count();
                if missing[at.index()] == 0 {
                    open.push(at);
                }
            }
            let other = match side {
                Side::Dependencies => Side::Dependents,
                Side::Dependents => Side::Dependencies,
            };
            while let Some(at) = open.pop() {
                gone[at.index()] = true;
                for next in self.next_to(at, other).filter(|next| !gone[next.index()]) {
                    missing[next.index()] -= 1;
                    if missing[next.index()] == 0 {
                        open.push(next);
                    }
                }
            }
            left.retain(|at| !gone[at.index()]);
            if left.is_empty() {
                break;
            }
        }
        left
    }
}
