//! What it costs to add edges in unkind orders, counted in edges that are followed, which no machine changes.

use std::collections::BTreeSet;
use std::fmt;

use crate::graph::{DependencyGraph, NodeKey};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Number(u32);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl NodeKey for Number {}

const NODES: u32 = 10_000;

/// Adds the edges, and returns the graph and the mean number of edges that were followed for one.
fn add(edges: &[(u32, u32)]) -> (DependencyGraph<Number>, u64) {
    let mut graph = DependencyGraph::new();
    for &(a, b) in edges {
        graph.try_add_edge(Number(a), Number(b)).unwrap();
    }
    let followed = graph.levels.followed / edges.len() as u64;
    (graph, followed)
}

/// A reproducible shuffle: splitmix64 picks, Fisher and Yates swap.
fn shuffled<T>(mut items: Vec<T>, mut seed: u64) -> Vec<T> {
    for last in (1..items.len()).rev() {
        items.swap(
            last,
            usize::try_from(random(&mut seed) % (last as u64 + 1)).unwrap(),
        );
    }
    items
}

fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn chain() -> Vec<(u32, u32)> {
    (1..NODES).map(|n| (n - 1, n)).collect()
}

/// Twice as many edges as nodes, between nodes far and near.
fn tangle() -> Vec<(u32, u32)> {
    let mut seed = 7;
    let mut pick = || u32::try_from(random(&mut seed) % u64::from(NODES)).unwrap();
    (0..2 * NODES)
        .map(|_| {
            let (a, b) = (pick(), pick());
            if a == b {
                (a.min(NODES - 2), NODES - 1)
            } else {
                (a.min(b), a.max(b))
            }
        })
        .collect()
}

/// Walking a chain of ten thousand for each edge would follow 5 000.
const CHEAP: u64 = 20;

/// A search of the square root of 20 000 edges from both ends.
const SQUARE_ROOT: u64 = 2 * 142;

#[test]
fn a_chain_is_cheap_in_any_order() {
    let mut back_to_front = chain();
    back_to_front.reverse();
    for edges in [chain(), back_to_front, shuffled(chain(), 1)] {
        let (graph, followed) = add(&edges);
        assert!(followed < CHEAP, "{followed} edges followed for one");
        assert_eq!(graph.waves().len(), NODES as usize);
    }
}

#[test]
fn a_comb_and_a_hub_are_cheap() {
    let half = NODES / 2;
    let spine: Vec<_> = (1..half).rev().map(|n| (n - 1, n)).collect();
    let teeth = (0..half).map(|n| (n, half + n));
    let comb: Vec<_> = spine.iter().copied().chain(teeth).collect();
    let late_hub: Vec<_> = (0..half - 1)
        .map(|n| (n, half))
        .chain((half + 1..NODES).map(|n| (half, n)))
        .collect();
    // Both halves are chains already when the hub comes between all of them.
    let hub_of_chains: Vec<_> = (1..half)
        .rev()
        .chain((half + 2..NODES).rev())
        .map(|n| (n - 1, n))
        .chain((half + 1..NODES).rev().map(|n| (half, n)))
        .chain((0..half).map(|n| (n, half)))
        .collect();
    for edges in [comb, late_hub, hub_of_chains] {
        let (_, followed) = add(&edges);
        assert!(followed < CHEAP, "{followed} edges followed for one");
    }
}

#[test]
fn a_tangle_is_cheap() {
    for edges in [
        tangle(),
        tangle().into_iter().rev().collect(),
        shuffled(tangle(), 3),
    ] {
        let (_, followed) = add(&edges);
        assert!(followed < CHEAP, "{followed} edges followed for one");
    }
}

/// Adds the edges between nodes that were added in the order of their numbers, and returns the graph.
fn add_in_order(edges: &[(u32, u32)]) -> DependencyGraph<Number> {
    let mut graph = DependencyGraph::new();
    for number in 0..NODES {
        graph.add_node(Number(number));
    }
    for &(a, b) in edges {
        graph.try_add_edge(Number(a), Number(b)).unwrap();
    }
    graph
}

#[test]
fn edges_in_the_order_of_the_nodes_cost_nothing() {
    let up = tangle();
    let down: Vec<_> = up.iter().map(|(a, b)| (NODES - 1 - a, NODES - 1 - b)).collect();
    for edges in [&up, &down] {
        let mut graph = add_in_order(edges);
        assert_eq!(graph.levels.followed, 0);
        // What leads the other way is searched for, whether it closes a cycle or not.
        let (a, b) = edges[0];
        graph.try_add_edge(Number(b), Number(a)).unwrap_err();
        assert!(graph.levels.followed > 0);
    }
}

/// An order that was left once is no more relied on, not even after the edge that left it is gone.
#[test]
fn edges_against_the_order_of_the_nodes_are_searched_for() {
    for [a, b, c, d] in [[0, 1, 2, 3], [3, 2, 1, 0]] {
        let mut graph = add_in_order(&[(a, b), (d, c), (b, d)]);
        let cycle = graph.try_add_edge(Number(c), Number(a)).unwrap_err();
        assert_eq!(cycle.to_string(), format!("{c} -> {a} -> {b} -> {d} -> {c}"));
        graph.remove_edge(&Number(d), &Number(c));
        graph.try_add_edge(Number(c), Number(a)).unwrap();
        graph.try_add_edge(Number(d), Number(c)).unwrap_err();
    }
}

/// A graph that was read at once knows the order of its edges, too.
#[test]
fn an_edge_that_closes_a_graph_which_was_read_is_refused() {
    for [a, b, c] in [[0, 1, 2], [2, 1, 0]].map(|ends| ends.map(Number)) {
        let nodes = [0, 1, 2].map(|number| (Number(number), Vec::new()));
        let edges = [(a, vec![b]), (b, vec![c])];
        let mut graph = DependencyGraph::load(nodes.into_iter().chain(edges)).graph;
        let cycle = graph.try_add_edge(c, a).unwrap_err();
        assert_eq!(cycle.path, [c, a, b, c]);
        graph.try_add_edge(a, c).unwrap();
    }
}

/// Edges along an existing chain, each of which has half of the chain on either side.
#[test]
fn shortcuts_in_a_chain_stay_below_the_square_root() {
    let shortcuts = tangle()
        .into_iter()
        .filter(|(a, b)| b - a > 1)
        .take(NODES as usize);
    for chain in [chain(), chain().into_iter().rev().collect()] {
        let edges: Vec<_> = chain.into_iter().chain(shortcuts.clone()).collect();
        let (mut graph, followed) = add(&edges);
        assert!(followed < SQUARE_ROOT, "{followed} edges followed for one");
        let cycle = graph.try_add_edge(Number(NODES - 1), Number(0)).unwrap_err();
        assert_eq!(cycle.path.first(), cycle.path.last());
    }
}

/// Nothing is searched for in a graph that is read at once, but along the edges that are in a cycle or between two.
#[test]
fn what_is_read_at_once_is_searched_only_where_there_are_cycles() {
    let number = |(a, b): &(u32, u32)| (Number(*a), [Number(*b)]);
    for edges in [chain(), tangle()] {
        let loaded = DependencyGraph::load(edges.iter().map(number));
        assert_eq!(loaded.refused, []);
        assert_eq!(loaded.graph.levels.followed, 0);
        assert_eq!(
            loaded.graph.edge_count(),
            edges.iter().collect::<BTreeSet<_>>().len()
        );
    }
    let followed = |back: u32| {
        let mut edges = chain();
        edges.push((back + 1, back));
        let loaded = DependencyGraph::load(edges.iter().map(number));
        assert_eq!(loaded.refused.len(), 1);
        loaded.graph.levels.followed
    };
    // A cycle that the whole chain leads away from, and one that it leads to.
    assert_eq!([0, NODES - 2].map(followed), [2, 1]);
}

/// Two chains, the second of which has been moved a level up from its middle on, because it was too long to search
/// when an edge from the middle of the first came; and the middle of the second.
fn a_chain_on_two_levels() -> (DependencyGraph<Number>, u32) {
    let half = NODES / 2;
    // The edges of the second lead to nodes that were added before, so that no order of the nodes spares a search.
    let first = (1..half).map(|n| (n - 1, n));
    let second = (half + 1..NODES).rev().map(|n| (n - 1, n));
    let edges: Vec<_> = first.chain(second).collect();
    let (mut graph, _) = add(&edges);
    let middle = half + half / 2;
    graph.try_add_edge(Number(half / 2), Number(middle)).unwrap();
    let level = |number| graph.levels.of(graph.at(&Number(number)).unwrap());
    assert_eq!([half / 2, middle - 1, middle, NODES - 1].map(level), [0, 0, 1, 1]);
    (graph, middle)
}

#[test]
fn a_search_stays_within_its_level() {
    let (mut graph, middle) = a_chain_on_two_levels();
    let new = Number(NODES);
    graph.try_add_edge(new, Number(middle + 1)).unwrap();
    let before = graph.levels.followed;
    graph.try_add_edge(Number(middle), new).unwrap();
    // Both edges that lead to the middle come from the level below, and the one that leads on stays on this one.
    assert_eq!(graph.levels.followed - before, 3);
}

#[test]
fn a_new_node_stands_where_its_dependent_can_lead_to_it() {
    let (mut graph, middle) = a_chain_on_two_levels();
    let new = Number(NODES);
    graph.try_add_edge(Number(middle), new).unwrap();
    let level = graph.levels.of(graph.at(&new).unwrap());
    assert_eq!(level, 1);
    let cycle = graph.try_add_edge(new, Number(middle)).unwrap_err();
    assert_eq!(cycle.path, [new, Number(middle), new]);
}
