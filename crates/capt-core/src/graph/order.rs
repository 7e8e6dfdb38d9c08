//! What follows from the edges: reach, the order of creation and teardown, and what is broken.

use std::collections::BTreeMap;

use petgraph::stable_graph::NodeIndex;

use super::lookup::{Map, Set};
use super::{DependencyGraph, NodeKey, Side};

/// For a node the next one on its way to a goal.
pub(super) type Hops = Map<NodeIndex, NodeIndex>;

/// A node that is broken, or that depends on one that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken<N> {
    /// The node.
    pub node: N,
    /// A path to each root cause, in key order of the root causes: from the node, each depending on the
    /// next, to a broken node none of whose own dependencies is broken. It is the shortest such path, and
    /// of several the first in key order. A root cause has the one path that is itself.
    pub root_causes: Vec<Vec<N>>,
}

impl<N> Broken<N> {
    /// Whether this node is where the damage begins.
    pub fn is_root_cause(&self) -> bool {
        self.root_causes.iter().any(|path| path.len() == 1)
    }
}

impl<N: NodeKey> DependencyGraph<N> {
    /// All that depends on the node, directly or not, in order of distance and then of key: what a change
    /// of the node may touch. The node itself is not among it. Takes time by what it returns, not by the graph.
    pub fn impact_of(&self, node: &N) -> Vec<N> {
        self.reach_of(node, Side::Dependents)
    }

    /// All that the node depends on, directly or not, in order of distance and then of key. The node itself
    /// is not among it. Takes time by what it returns, not by the graph.
    pub fn requirements_of(&self, node: &N) -> Vec<N> {
        self.reach_of(node, Side::Dependencies)
    }

    fn reach_of(&self, node: &N, side: Side) -> Vec<N> {
        let Some(at) = self.at(node) else {
            return Vec::new();
        };
        let reached = self.reach(at, side);
        reached
            .into_iter()
            .map(|(node, _)| self.key(node).clone())
            .collect()
    }

    /// The part of the graph that the nodes stand on: they, all that they depend on, and the edges between. The
    /// scope of one cluster in the graph of a fleet. Nodes that are not in the graph are passed over.
    #[must_use]
    pub fn part_of<'n>(&self, nodes: impl IntoIterator<Item = &'n N>) -> Self
    where
        N: 'n,
    {
        let mut part = Self::new();
        let mut open = Vec::new();
        for at in nodes.into_iter().filter_map(|node| self.at(node)) {
            if part.add_node(self.key(at).clone()) {
                open.push(at);
            }
        }
        while let Some(from) = open.pop() {
            for to in self.next_to(from, Side::Dependencies) {
                if !part.contains(self.key(to)) {
                    open.push(to);
                }
                let added = part.try_add_edge(self.key(from).clone(), self.key(to).clone());
                debug_assert!(added.is_ok(), "a part of a graph without cycles has none");
            }
        }
        part
    }

    /// The order of creation: the nodes of one wave can be created at the same time, once all waves before
    /// it are done. Each node is in the earliest wave that it can be in; within a wave in key order.
    pub fn waves(&self) -> Vec<Vec<N>> {
        let keys = |wave: Vec<NodeIndex>| wave.into_iter().map(|at| self.key(at).clone()).collect();
        self.waves_by_index().into_iter().map(keys).collect()
    }

    fn waves_by_index(&self) -> Vec<Vec<NodeIndex>> {
        let mut missing: Vec<usize> = Vec::new();
        let mut first = Vec::new();
        for at in self.store.node_indices() {
            missing.resize(at.index() + 1, 0);
            missing[at.index()] = self.next_to(at, Side::Dependencies).count();
            if missing[at.index()] == 0 {
                first.push(at);
            }
        }
        let mut waves = Vec::new();
        let mut wave = self.in_order(first);
        while !wave.is_empty() {
            let mut next = Vec::new();
            for dependent in wave.iter().flat_map(|at| self.next_to(*at, Side::Dependents)) {
                missing[dependent.index()] -= 1;
                if missing[dependent.index()] == 0 {
                    next.push(dependent);
                }
            }
            waves.push(wave);
            wave = self.in_order(next);
        }
        waves
    }

    /// The order of removal: the [`waves`](Self::waves) from the last to the first, so that a node goes
    /// after all that depends on it.
    pub fn teardown_order(&self) -> Vec<Vec<N>> {
        let mut waves = self.waves();
        waves.reverse();
        waves
    }

    /// The nodes that are broken and those that depend on them, in key order, each with the way to its root
    /// causes.
    ///
    /// `is_broken` says which nodes are broken to the eye of the caller, and is asked once for each.
    pub fn broken(&self, is_broken: impl Fn(&N) -> bool) -> Vec<Broken<N>> {
        let broken = self.store.node_indices().filter(|at| is_broken(self.key(*at)));
        let mut touched: BTreeMap<&N, Vec<Vec<N>>> = BTreeMap::new();
        for cause in self.root_causes(&self.in_order(broken)) {
            let key = self.key(cause);
            touched.entry(key).or_default().push(vec![key.clone()]);
            let hops = self.hops_to(cause);
            for node in hops.keys() {
                let path = self.path(*node, &hops);
                touched.entry(self.key(*node)).or_default().push(path);
            }
        }
        touched
            .into_iter()
            .map(|(node, root_causes)| Broken {
                node: node.clone(),
                root_causes,
            })
            .collect()
    }

    /// The order of repair: the broken nodes alone, in the order of [`waves`](Self::waves), so that a node
    /// is repaired after all that it depends on. Broken nodes of one wave can be repaired at the same time.
    pub fn repair_order(&self, is_broken: impl Fn(&N) -> bool) -> Vec<Vec<N>> {
        let broken = |wave: Vec<NodeIndex>| -> Vec<N> {
            let keys = wave.into_iter().map(|at| self.key(at));
            keys.filter(|node| is_broken(node)).cloned().collect()
        };
        let waves = self.waves_by_index().into_iter().map(broken);
        waves.filter(|wave| !wave.is_empty()).collect()
    }

    /// Those of the nodes that depend on none of the others, in the order in which they are given.
    fn root_causes(&self, broken: &[NodeIndex]) -> Vec<NodeIndex> {
        let mut touched = Set::default();
        let mut open = broken.to_vec();
        while let Some(at) = open.pop() {
            open.extend(
                self.next_to(at, Side::Dependents)
                    .filter(|next| touched.insert(*next)),
            );
        }
        let is_root = |at: &&NodeIndex| !touched.contains(*at);
        broken.iter().filter(is_root).copied().collect()
    }

    /// For every node that leads to the goal, the next node on its way there.
    pub(super) fn hops_to(&self, goal: NodeIndex) -> Hops {
        self.reach(goal, Side::Dependents).into_iter().collect()
    }

    /// All that is reached from the node, in order of distance and then of key, each with the neighbour
    /// over which it was reached: of the nearest the first in key order.
    fn reach(&self, start: NodeIndex, side: Side) -> Vec<(NodeIndex, NodeIndex)> {
        let mut seen = Set::from_iter([start]);
        let mut reached = Vec::new();
        let mut ring = vec![start];
        while !ring.is_empty() {
            let mut next = Vec::new();
            // In key order, so that the first to reach a node is the first in key order that can.
            for node in ring {
                for neighbour in self.next_to(node, side) {
                    if seen.insert(neighbour) {
                        next.push((neighbour, node));
                    }
                }
            }
            next.sort_unstable_by_key(|(node, _)| self.key(*node));
            ring = next.iter().map(|(node, _)| *node).collect();
            reached.append(&mut next);
        }
        reached
    }

    /// The way from a node, hop by hop, to where there is no next.
    pub(super) fn path(&self, from: NodeIndex, hops: &Hops) -> Vec<N> {
        std::iter::successors(Some(from), |node| hops.get(node).copied())
            .map(|at| self.key(at).clone())
            .collect()
    }
}
