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
//! While all edges lead from nodes that were added earlier to later ones, or all the other way, an edge that does
//! the same can close nothing either, and nothing is searched: what is read from a file or a template mostly comes
//! in such an order.
//!
//! Levels are a matter of speed alone: they depend on the order of adding, and no answer depends on them.
//! Removing edges keeps them valid.

use std::cmp::Ordering;
use std::fmt;

use petgraph::stable_graph::{NodeIndex, StableDiGraph, WalkNeighbors};

use super::Side;

/// The levels of all nodes, and what a search writes on.
#[derive(Clone, Default)]
pub(super) struct Levels {
    /// By node index.
    level: Vec<u32>,
    /// By node index: the search that saw the node last. A fresh number stands for "not seen", so that nothing
    /// is cleared between two searches.
    seen_by: Vec<u64>,
    searches: u64,
    /// Whether there was ever an edge to a node of a higher index.
    ascends: bool,
    /// Whether there was ever an edge to a node of a lower index.
    descends: bool,
    ahead: Vec<WalkNeighbors<u32>>,
    behind: Vec<WalkNeighbors<u32>>,
    found: Vec<NodeIndex>,
    /// Edges that were followed in all, which no machine changes.
    #[cfg(test)]
    pub(super) followed: u64,
}

/// Without what searches wrote, which means nothing once they are over.
impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Levels").field(&self.level).finish()
    }
}

/// What a search of limited length found.
enum Meeting {
    /// The dependency reaches the dependent.
    Closed,
    /// It does not.
    Apart,
    /// The limit came first.
    Unknown,
}

/// What one step of a search came to.
enum Visit {
    /// A node for the first time; and the search that had seen it before, if one had.
    New {
        /// The number of that search.
        seen_by: u64,
    },
    /// A node of another level, or one that was seen before.
    Known,
    /// There is nothing left to look at.
    Dry,
}

/// A search along one side, within the level of the node it starts at, edge by edge.
struct Search {
    side: Side,
    level: u32,
    number: u64,
}

impl Levels {
    /// The level of a node.
    pub(super) fn of(&self, node: NodeIndex) -> u32 {
        self.level[node.index()]
    }

    /// Puts a new node, which has no edges, on the lowest level.
    pub(super) fn put_lowest(&mut self, node: NodeIndex) {
        let place = node.index();
        if place >= self.level.len() {
            self.level.resize(place + 1, 0);
            self.seen_by.resize(place + 1, 0);
        }
        self.level[place] = 0;
    }

    /// Puts a node without edges where `dependent` can lead to it.
    pub(super) fn put_above(&mut self, node: NodeIndex, dependent: NodeIndex) {
        self.level[node.index()] = self.of(dependent);
    }

    /// Notes an edge that is added.
    pub(super) fn note(&mut self, dependent: NodeIndex, dependency: NodeIndex) {
        if dependent.cmp(&dependency).is_lt() {
            self.ascends = true;
        } else {
            self.descends = true;
        }
    }

    /// Whether all edges lead to higher indices or all to lower ones, this one included.
    fn keeps_order(&self, dependent: NodeIndex, dependency: NodeIndex) -> bool {
        let against = if dependent.cmp(&dependency).is_lt() {
            self.descends
        } else {
            self.ascends
        };
        !against
    }

    /// Whether the edge can be added. Levels are made ready for it if so, and are unchanged if not.
    pub(super) fn admit<N>(
        &mut self,
        store: &StableDiGraph<N, ()>,
        dependent: NodeIndex,
        dependency: NodeIndex,
    ) -> bool {
        let level = self.of(dependent);
        let limit = store.edge_count().isqrt().max(1);
        match level.cmp(&self.of(dependency)) {
            Ordering::Less => true,
            Ordering::Equal if self.keeps_order(dependent, dependency) => true,
            Ordering::Equal => match self.meet(store, dependent, dependency, limit) {
                Meeting::Closed => false,
                Meeting::Apart => true,
                Meeting::Unknown => self.raise_above(store, dependent, dependency),
            },
            Ordering::Greater => {
                let behind = self.begin(store, dependent, Side::Dependents);
                for _ in 0..limit {
                    if let Visit::Dry = self.step(store, &behind) {
                        return self.raise(store, dependency, level, behind.number);
                    }
                }
                self.raise_above(store, dependent, dependency)
            }
        }
    }

    /// Searches within the level that both nodes are on, an edge forward and an edge backward in turn.
    fn meet<N>(
        &mut self,
        store: &StableDiGraph<N, ()>,
        dependent: NodeIndex,
        dependency: NodeIndex,
        limit: usize,
    ) -> Meeting {
        let behind = self.begin(store, dependent, Side::Dependents);
        let ahead = self.begin(store, dependency, Side::Dependencies);
        for _ in 0..limit {
            for (search, other) in [(&ahead, &behind), (&behind, &ahead)] {
                match self.step(store, search) {
                    Visit::Dry => return Meeting::Apart,
                    Visit::New { seen_by } if seen_by == other.number => return Meeting::Closed,
                    Visit::New { .. } | Visit::Known => {}
                }
            }
        }
        Meeting::Unknown
    }

    /// Moves the dependency to the level above the dependent, unless it leads back to the dependent.
    fn raise_above<N>(
        &mut self,
        store: &StableDiGraph<N, ()>,
        dependent: NodeIndex,
        dependency: NodeIndex,
    ) -> bool {
        self.searches += 1;
        self.seen_by[dependent.index()] = self.searches;
        self.raise(store, dependency, self.of(dependent) + 1, self.searches)
    }

    /// Moves a node, and all it leads to below the level, to that level; unless the way leads to a node that the
    /// search `behind` saw, which is to say back to the dependent.
    fn raise<N>(&mut self, store: &StableDiGraph<N, ()>, node: NodeIndex, level: u32, behind: u64) -> bool {
        self.searches += 1;
        let number = self.searches;
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        found.push(node);
        self.seen_by[node.index()] = number;
        let mut next_to_open = 0;
        let mut closes = false;
        'search: while let Some(&open) = found.get(next_to_open) {
            next_to_open += 1;
            for next in store.neighbors_directed(open, Side::Dependencies.direction()) {
                self.count();
                let seen_by = self.seen_by[next.index()];
                if seen_by == behind {
                    closes = true;
                    break 'search;
                }
                if self.of(next) < level && seen_by != number {
                    self.seen_by[next.index()] = number;
                    found.push(next);
                }
            }
        }
        if !closes {
            for raised in &found {
                self.level[raised.index()] = level;
            }
        }
        self.found = found;
        !closes
    }

    #[allow(
        clippy::unused_self,
        clippy::missing_const_for_fn,
        reason = "counts in tests alone"
    )]
    fn count(&mut self) {
        #[cfg(test)]
        {
            self.followed += 1;
        }
    }

    fn begin<N>(&mut self, store: &StableDiGraph<N, ()>, start: NodeIndex, side: Side) -> Search {
        self.searches += 1;
        self.seen_by[start.index()] = self.searches;
        let open = self.open(side);
        open.clear();
        open.push(store.neighbors_directed(start, side.direction()).detach());
        Search {
            side,
            level: self.of(start),
            number: self.searches,
        }
    }

    fn open(&mut self, side: Side) -> &mut Vec<WalkNeighbors<u32>> {
        match side {
            Side::Dependencies => &mut self.ahead,
            Side::Dependents => &mut self.behind,
        }
    }

    /// Follows one edge.
    fn step<N>(&mut self, store: &StableDiGraph<N, ()>, search: &Search) -> Visit {
        while let Some(edges) = self.open(search.side).last_mut() {
            let Some(node) = edges.next_node(store) else {
                self.open(search.side).pop();
                continue;
            };
            self.count();
            let seen_by = self.seen_by[node.index()];
            if self.of(node) != search.level || seen_by == search.number {
                return Visit::Known;
            }
            self.seen_by[node.index()] = search.number;
            self.open(search.side)
                .push(store.neighbors_directed(node, search.side.direction()).detach());
            return Visit::New { seen_by };
        }
        Visit::Dry
    }
}
