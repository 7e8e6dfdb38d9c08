//! The graph of a whole fleet, kept up to date object by object.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::stable_graph::NodeIndex;

use super::{Cycle, DependencyGraph, Loaded, NodeKey, Side, cycles};

/// What depends on what among all objects of a fleet: clusters and what they share (templates, networks,
/// credentials).
///
/// Each object says what it depends on itself, as a watch event brings it; the fleet takes over the difference. An
/// object that others depend on and that was not seen, or is gone, stays as a missing node. Dependencies that
/// would close a cycle are kept apart, and are taken in by themselves once the cycle is opened elsewhere.
#[derive(Debug, Clone)]
pub struct Fleet<N: NodeKey> {
    graph: DependencyGraph<N>,
    /// The objects that were observed and are not gone.
    present: BTreeSet<N>,
    /// Dependencies that are wanted and would close a cycle, by dependent.
    refused: BTreeMap<N, BTreeSet<N>>,
}

/// What an observation changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed<N: NodeKey> {
    /// Dependencies that were new.
    pub added: Vec<N>,
    /// Dependencies that are no longer there.
    pub removed: Vec<N>,
    /// A cycle for each new dependency that closes one.
    pub refused: Vec<Cycle<N>>,
    /// Dependencies of any object that had been refused and fit now.
    pub mended: Vec<(N, N)>,
}

impl<N: NodeKey> Fleet<N> {
    /// A fleet without objects.
    pub fn new() -> Self {
        Self {
            graph: DependencyGraph::new(),
            present: BTreeSet::new(),
            refused: BTreeMap::new(),
        }
    }

    /// The fleet of these objects, each with all that it depends on, as a list brings them. See
    /// [`DependencyGraph::load`].
    pub fn load<I>(objects: impl IntoIterator<Item = (N, I)>) -> Self
    where
        I: IntoIterator<Item = N>,
    {
        let mut present = Vec::new();
        let objects = objects
            .into_iter()
            .inspect(|(object, _)| present.push(object.clone()));
        let Loaded {
            graph,
            refused: cycles,
        } = DependencyGraph::load(objects);
        let mut refused: BTreeMap<N, BTreeSet<N>> = BTreeMap::new();
        for cycle in cycles {
            if let [dependent, dependency, ..] = &*cycle.path {
                refused
                    .entry(dependent.clone())
                    .or_default()
                    .insert(dependency.clone());
            }
        }
        Self {
            graph,
            present: present.into_iter().collect(),
            refused,
        }
    }

    /// The graph as it can be acted upon: without the dependencies that close cycles.
    pub fn graph(&self) -> &DependencyGraph<N> {
        &self.graph
    }

    /// Whether the object was observed and is not gone.
    pub fn is_present(&self, object: &N) -> bool {
        self.present.contains(object)
    }

    /// What is depended upon and not there, in key order.
    pub fn missing(&self) -> Vec<&N> {
        self.graph.nodes().filter(|node| !self.is_present(node)).collect()
    }

    /// The dependencies that are wanted and would close a cycle, as (dependent, dependency) in key order.
    pub fn refused(&self) -> impl Iterator<Item = (&N, &N)> {
        let refused = self.refused.iter();
        refused.flat_map(|(dependent, refused)| refused.iter().map(move |dependency| (dependent, dependency)))
    }

    /// Takes over what an object depends on now: all of it, not the difference.
    pub fn observe(&mut self, object: &N, dependencies: impl IntoIterator<Item = N>) -> Observed<N> {
        self.graph.add_node(object.clone());
        self.present.insert(object.clone());
        let wanted: BTreeSet<N> = dependencies.into_iter().collect();
        self.want(object, wanted)
    }

    /// The object is gone. What depended on it still does, and misses it.
    pub fn forget(&mut self, object: &N) -> Observed<N> {
        self.present.remove(object);
        let observed = self.want(object, BTreeSet::new());
        self.drop_unneeded(object);
        observed
    }

    /// The part of the graph that these objects stand on: the scope of one cluster. See
    /// [`DependencyGraph::part_of`].
    pub fn part_of<'n>(&self, objects: impl IntoIterator<Item = &'n N>) -> DependencyGraph<N>
    where
        N: 'n,
    {
        self.graph.part_of(objects)
    }

    /// Every way in which objects wait for each other, each from its first node in key order back to it, in key
    /// order; at most `limit` of them. Which of its dependencies is refused makes no difference.
    pub fn cycles(&self, limit: usize) -> Vec<Cycle<N>> {
        let nodes = self.in_cycles();
        let number = |node: &N| nodes.binary_search(node).ok();
        let wanted = |node: &N| {
            let refused = self.refused.get(node).into_iter().flatten();
            let mut ends: Vec<usize> = self
                .graph
                .dependencies_of(node)
                .chain(refused)
                .filter_map(number)
                .collect();
            ends.sort_unstable();
            ends
        };
        let edges: Vec<Vec<usize>> = nodes.iter().map(wanted).collect();
        let mut circuits = cycles::circuits(&edges, limit);
        for circuit in &mut circuits {
            circuit.push(circuit[0]);
        }
        circuits
            .into_iter()
            .map(|circuit| Cycle {
                path: circuit.into_iter().map(|node| nodes[node].clone()).collect(),
            })
            .collect()
    }

    /// The nodes among which all cycles lie, in key order: what leads to a dependent whose dependency was refused,
    /// and is led to from such a dependency.
    fn in_cycles(&self) -> Vec<N> {
        let starts = self.refused.values().flatten();
        let ahead = self.wanted_from(starts, Side::Dependencies);
        let behind = self.wanted_from(self.refused.keys(), Side::Dependents);
        ahead.intersection(&behind).cloned().collect()
    }

    fn wanted_from<'n>(&'n self, starts: impl Iterator<Item = &'n N>, side: Side) -> BTreeSet<N> {
        let mut seen: BTreeSet<N> = starts.cloned().collect();
        let mut open: Vec<N> = seen.iter().cloned().collect();
        while let Some(node) = open.pop() {
            // Both ends of what was refused are among the starts.
            let next = self.graph.neighbours(&node, side);
            open.extend(next.filter(|next| seen.insert((*next).clone())).cloned());
        }
        seen
    }

    fn want(&mut self, object: &N, wanted: BTreeSet<N>) -> Observed<N> {
        let mut observed = Observed {
            added: Vec::new(),
            removed: Vec::new(),
            refused: Vec::new(),
            mended: Vec::new(),
        };
        let had: Vec<N> = self.graph.dependencies_of(object).cloned().collect();
        let refused = self.refused.remove(object).unwrap_or_default();
        for dependency in had.iter().chain(&refused).filter(|it| !wanted.contains(*it)) {
            self.graph.remove_edge(object, dependency);
            self.drop_unneeded(dependency);
            observed.removed.push(dependency.clone());
        }
        observed.removed.sort_unstable();
        for dependency in wanted {
            if had.binary_search(&dependency).is_ok() {
                continue;
            }
            // What was refused before still is: no way back to the object leads over what it depended on itself.
            let known = refused.contains(&dependency);
            match self.graph.try_add_edge(object.clone(), dependency.clone()) {
                Ok(()) => observed.added.push(dependency),
                Err(cycle) => {
                    self.refused.entry(object.clone()).or_default().insert(dependency);
                    if !known {
                        observed.refused.push(cycle);
                    }
                }
            }
        }
        if !observed.removed.is_empty() {
            self.mend(&mut observed);
        }
        observed
    }

    /// Takes in what was refused and closes nothing any more.
    fn mend(&mut self, observed: &mut Observed<N>) {
        let refused = std::mem::take(&mut self.refused);
        for (dependent, dependencies) in refused {
            for dependency in dependencies {
                match self.graph.try_add_edge(dependent.clone(), dependency.clone()) {
                    Ok(()) => observed.mended.push((dependent.clone(), dependency)),
                    Err(_) => {
                        self.refused
                            .entry(dependent.clone())
                            .or_default()
                            .insert(dependency);
                    }
                }
            }
        }
    }

    /// Drops a node that is not there and that nothing depends on.
    fn drop_unneeded(&mut self, node: &N) {
        let refers = |at: NodeIndex| self.graph.next_to(at, Side::Dependents).next().is_some();
        let needed = self.graph.at(node).is_some_and(refers)
            || self.refused.values().any(|refused| refused.contains(node));
        if !needed && !self.is_present(node) {
            self.graph.remove_node(node);
        }
    }
}

impl<N: NodeKey> Default for Fleet<N> {
    fn default() -> Self {
        Self::new()
    }
}
