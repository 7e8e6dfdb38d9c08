//! What follows from the edges: reach, the order of creation and teardown, and what is broken.

use std::collections::{BTreeMap, BTreeSet};

use super::{DependencyGraph, NodeKey, Side};

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
    /// of the node may touch. The node itself is not among it.
    pub fn impact_of(&self, node: &N) -> Vec<N> {
        self.reach(node, Side::Dependents)
            .into_iter()
            .map(|(node, _)| node.clone())
            .collect()
    }

    /// All that the node depends on, directly or not, in order of distance and then of key. The node itself
    /// is not among it.
    pub fn requirements_of(&self, node: &N) -> Vec<N> {
        self.reach(node, Side::Dependencies)
            .into_iter()
            .map(|(node, _)| node.clone())
            .collect()
    }

    /// The order of creation: the nodes of one wave can be created at the same time, once all waves before
    /// it are done. Each node is in the earliest wave that it can be in; within a wave in key order.
    pub fn waves(&self) -> Vec<Vec<N>> {
        let mut missing: BTreeMap<&N, usize> = self
            .entries
            .iter()
            .map(|(node, entry)| (node, entry.dependencies.len()))
            .collect();
        let mut wave: Vec<&N> = missing
            .iter()
            .filter(|(_, missing)| **missing == 0)
            .map(|(node, _)| *node)
            .collect();
        let mut waves = Vec::new();
        while !wave.is_empty() {
            let mut next = Vec::new();
            for dependent in wave.iter().flat_map(|node| self.dependents_of(node)) {
                if let Some(missing) = missing.get_mut(dependent) {
                    *missing -= 1;
                    if *missing == 0 {
                        next.push(dependent);
                    }
                }
            }
            next.sort_unstable();
            waves.push(wave.into_iter().cloned().collect());
            wave = next;
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
        let broken: BTreeSet<&N> = self.nodes().filter(|node| is_broken(node)).collect();
        let mut touched: BTreeMap<&N, Vec<Vec<N>>> = BTreeMap::new();
        for cause in self.root_causes(&broken) {
            touched.entry(cause).or_default().push(vec![cause.clone()]);
            let hops = self.hops_to(cause);
            for node in hops.keys() {
                touched.entry(node).or_default().push(path(node, &hops));
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
        self.waves()
            .into_iter()
            .map(|wave| wave.into_iter().filter(|node| is_broken(node)).collect())
            .filter(|wave: &Vec<N>| !wave.is_empty())
            .collect()
    }

    /// Those of the nodes that depend on none of the others.
    fn root_causes<'g>(&'g self, broken: &BTreeSet<&'g N>) -> Vec<&'g N> {
        let mut touched: BTreeSet<&N> = BTreeSet::new();
        let mut open: Vec<&N> = broken.iter().copied().collect();
        while let Some(node) = open.pop() {
            open.extend(self.dependents_of(node).filter(|next| touched.insert(next)));
        }
        broken.difference(&touched).copied().collect()
    }

    /// For every node that leads to the goal, the next node on its way there.
    pub(super) fn hops_to(&self, goal: &N) -> BTreeMap<&N, &N> {
        self.reach(goal, Side::Dependents).into_iter().collect()
    }

    /// All that is reached from the node, in order of distance and then of key, each with the neighbour
    /// over which it was reached: of the nearest the first in key order.
    fn reach(&self, start: &N, side: Side) -> Vec<(&N, &N)> {
        let Some((start, _)) = self.entries.get_key_value(start) else {
            return Vec::new();
        };
        let mut seen = BTreeSet::from([start]);
        let mut reached = Vec::new();
        let mut ring = vec![start];
        while !ring.is_empty() {
            let mut next = Vec::new();
            for node in ring {
                for neighbour in self.neighbours(node, side) {
                    if seen.insert(neighbour) {
                        next.push((neighbour, node));
                    }
                }
            }
            next.sort_unstable();
            ring = next.iter().map(|(node, _)| *node).collect();
            reached.append(&mut next);
        }
        reached
    }
}

/// The way from a node, hop by hop, to where there is no next.
pub(super) fn path<N: NodeKey>(from: &N, hops: &BTreeMap<&N, &N>) -> Vec<N> {
    std::iter::successors(Some(from), |node| hops.get(*node).copied())
        .cloned()
        .collect()
}
