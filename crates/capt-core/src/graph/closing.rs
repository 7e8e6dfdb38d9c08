//! Whether a new edge would close a cycle, without walking the graph for it.
//!
//! Every node has a level, and no edge leads to a lower one. An edge to a higher level can therefore close
//! nothing. An edge within a level is searched for from both of its ends in turn, inside the level, until
//! one side runs dry; if that takes longer than the square root of the number of edges, the dependency and
//! what it needs move one level up instead. That is the algorithm for sparse graphs of Bender, Fineman,
//! Gilbert and Tarjan ("A New Approach to Incremental Cycle Detection and Related Problems", ACM
//! Transactions on Algorithms 12(2), 2015), with their backward search made two-way so that chains, trees
//! and hubs, which are what grows in practice, are answered from their small end.
//!
//! Levels are a matter of speed alone: they depend on the order of adding, and no answer depends on them.
//! Removing edges keeps them valid.

use std::cmp::Ordering;
use std::collections::{BTreeSet, btree_set};

use super::{DependencyGraph, NodeKey, Side};

/// What a search of limited length found.
enum Meeting {
    /// The dependency reaches the dependent.
    Closed,
    /// It does not.
    Apart,
    /// The limit came first.
    Unknown,
}

impl<N: NodeKey> DependencyGraph<N> {
    /// Whether the edge can be added. Levels are made ready for it if so, and are unchanged if not.
    pub(super) fn admit(&mut self, dependent: &N, dependency: &N) -> bool {
        let level = self.level(dependent);
        let limit = self.edge_count.isqrt().max(1);
        match level.cmp(&self.level(dependency)) {
            Ordering::Less => true,
            Ordering::Equal => match self.meet(dependent, dependency, limit) {
                Meeting::Closed => false,
                Meeting::Apart => true,
                Meeting::Unknown => self.raise_above(dependent, dependency),
            },
            Ordering::Greater => {
                let mut behind = Search::new(self, dependent, Side::Dependents);
                for _ in 0..limit {
                    if let Visit::Dry = behind.step() {
                        let behind = behind.seen;
                        let raised = self.below(dependency, level, &behind);
                        return self.raise(raised, level);
                    }
                }
                self.raise_above(dependent, dependency)
            }
        }
    }

    /// Searches within the level that both nodes are on, an edge forward and an edge backward in turn.
    fn meet(&self, dependent: &N, dependency: &N, limit: usize) -> Meeting {
        let mut behind = Search::new(self, dependent, Side::Dependents);
        let mut ahead = Search::new(self, dependency, Side::Dependencies);
        for _ in 0..limit {
            match ahead.step() {
                Visit::Dry => return Meeting::Apart,
                Visit::New(node) if behind.seen.contains(node) => return Meeting::Closed,
                Visit::New(_) | Visit::Known => {}
            }
            match behind.step() {
                Visit::Dry => return Meeting::Apart,
                Visit::New(node) if ahead.seen.contains(node) => return Meeting::Closed,
                Visit::New(_) | Visit::Known => {}
            }
        }
        Meeting::Unknown
    }

    /// Moves the dependency to the level above the dependent, unless it leads back to the dependent.
    fn raise_above(&mut self, dependent: &N, dependency: &N) -> bool {
        let level = self.level(dependent) + 1;
        let raised = self.below(dependency, level, &BTreeSet::from([dependent]));
        self.raise(raised, level)
    }

    /// The node and all it leads to below a level: what has to move for the node to be on it.
    ///
    /// `None` if the way leads to a node of `behind`, which is to say back to the dependent.
    fn below(&self, node: &N, level: usize, behind: &BTreeSet<&N>) -> Option<Vec<N>> {
        let mut found = BTreeSet::from([node]);
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            for next in self.neighbours(node, Side::Dependencies) {
                if behind.contains(next) {
                    return None;
                }
                if self.level(next) < level && found.insert(next) {
                    open.push(next);
                }
            }
        }
        Some(found.into_iter().cloned().collect())
    }

    fn raise(&mut self, nodes: Option<Vec<N>>, level: usize) -> bool {
        let Some(nodes) = nodes else {
            return false;
        };
        for node in nodes {
            self.entry(&node).level = level;
        }
        true
    }

    /// The level of a node; a node that is yet to be added is on the lowest.
    pub(super) fn level(&self, node: &N) -> usize {
        self.entries.get(node).map_or(0, |entry| entry.level)
    }
}

/// What one step of a search came to.
enum Visit<'g, N> {
    /// A node for the first time.
    New(&'g N),
    /// A node of another level, or one that was seen before.
    Known,
    /// There is nothing left to look at.
    Dry,
}

/// A search along one side, within the level of the node it starts at, edge by edge.
struct Search<'g, N> {
    graph: &'g DependencyGraph<N>,
    side: Side,
    level: usize,
    seen: BTreeSet<&'g N>,
    open: Vec<btree_set::Iter<'g, N>>,
}

impl<'g, N: NodeKey> Search<'g, N> {
    fn new(graph: &'g DependencyGraph<N>, start: &'g N, side: Side) -> Self {
        let entry = graph.entries.get(start);
        Self {
            graph,
            side,
            level: graph.level(start),
            seen: BTreeSet::from([start]),
            open: entry
                .into_iter()
                .map(|entry| entry.neighbours(side).iter())
                .collect(),
        }
    }

    fn step(&mut self) -> Visit<'g, N> {
        while let Some(edges) = self.open.last_mut() {
            let Some(node) = edges.next() else {
                self.open.pop();
                continue;
            };
            return match self.graph.entries.get(node) {
                Some(entry) if entry.level == self.level && self.seen.insert(node) => {
                    self.open.push(entry.neighbours(self.side).iter());
                    Visit::New(node)
                }
                Some(_) | None => Visit::Known,
            };
        }
        Visit::Dry
    }
}
