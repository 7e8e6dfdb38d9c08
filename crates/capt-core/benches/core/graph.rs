//! The dependency graph: reading a fleet, adding edges one by one, and asking for an impact.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use capt_core::graph::{DependencyGraph, NodeKey};
use capt_core::retry::splitmix64;
use petgraph::acyclic::Acyclic;
use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::graphmap::DiGraphMap;
use petgraph::stable_graph::StableDiGraph;

use crate::goals::{Goal, Goals};
use crate::measure::{alone, exponent, paired, ratio};

/// A typed id, as in a fleet: what it is, and which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Id {
    kind: Kind,
    number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Cluster,
    Network,
    ControlPlane,
    Apply,
    Workspace,
    Template,
    Plain,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}", self.kind, self.number)
    }
}

impl NodeKey for Id {}

/// An id as Kubernetes has it: the kind, the namespace and the name as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Named {
    kind: Kind,
    namespace: String,
    name: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl NodeKey for Named {}

impl From<Id> for Named {
    fn from(id: Id) -> Self {
        Self {
            kind: id.kind,
            namespace: format!("team-{}", id.number % 50),
            name: format!("cluster-{}-{:?}", id.number, id.kind),
        }
    }
}

const TWICE: Goal = Goal::AtMost(2.0);
const NO_SLOWER: Goal = Goal::AtMost(1.0);
const FAR_FASTER: Goal = Goal::AtLeast(100.0);
/// With room for what larger graphs lose to caches.
const LINEAR: Goal = Goal::AtMost(1.1);

pub(crate) fn run(goals: &mut Goals) {
    println!("## The dependency graph\n");
    loads(goals);
    sparse(goals);
    unkind(goals);
    impacts(goals);
}

const fn id(kind: Kind, number: u32) -> Id {
    Id { kind, number }
}

/// So many nodes of clusters, each of eight nodes that stand on one another, and on one of a few templates.
fn fleet(nodes: usize) -> Vec<(Id, Vec<Id>)> {
    let clusters = u32::try_from(nodes / 8).unwrap();
    let mut fleet = Vec::with_capacity(nodes + 10);
    for number in 0..clusters {
        let template = id(Kind::Template, number % 10);
        let network = id(Kind::Network, number);
        let control_plane = id(Kind::ControlPlane, number);
        let applies = [3 * number, 3 * number + 1].map(|number| id(Kind::Apply, number));
        let workspaces =
            [3 * number, 3 * number + 1, 3 * number + 2].map(|number| id(Kind::Workspace, number));
        fleet.push((id(Kind::Cluster, number), vec![network, control_plane]));
        fleet.push((network, vec![applies[0]]));
        fleet.push((control_plane, vec![applies[1], network, workspaces[2]]));
        fleet.push((applies[0], vec![workspaces[0], template]));
        fleet.push((applies[1], vec![workspaces[1], template]));
        fleet.push((workspaces[0], vec![]));
        fleet.push((workspaces[1], vec![workspaces[0]]));
        fleet.push((workspaces[2], vec![workspaces[1], template]));
    }
    fleet
}

/// The same in petgraph, whose nodes are numbered as the caller likes.
fn in_petgraph(fleet: &[(Id, Vec<Id>)]) -> DiGraph<Id, ()> {
    let mut numbers = HashMap::new();
    let mut graph = DiGraph::with_capacity(fleet.len(), 2 * fleet.len());
    for (node, dependencies) in fleet {
        let ends: Vec<NodeIndex> = std::iter::once(node)
            .chain(dependencies)
            .map(|node| *numbers.entry(*node).or_insert_with(|| graph.add_node(*node)))
            .collect();
        for to in &ends[1..] {
            graph.add_edge(ends[0], *to, ());
        }
    }
    graph
}

fn loads(goals: &mut Goals) {
    println!(
        "A fleet read at once, against one petgraph `toposort` of the same graph, which is there already: over keys"
    );
    println!(
        "(`DiGraphMap`, which answers by key as ours does) and, stricter, over numbers (`DiGraph`, which knows no"
    );
    println!("keys and so never looks one up):\n");
    println!(
        "| nodes | order | edges | load | toposort over keys | ratio | | over numbers | ratio | | load of texts |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut curves = [const { Vec::new() }; 3];
    for nodes in [10_000, 100_000, 1_000_000] {
        for (order, arrange) in [
            ("by kind", <[_]>::sort_unstable as fn(&mut [_])),
            ("none", shuffle),
        ] {
            let mut fleet = fleet(nodes);
            arrange(&mut fleet);
            let times = load(order, &fleet, goals);
            for (curve, time) in curves.iter_mut().zip(times) {
                curve.push((nodes, time));
            }
        }
    }
    let [load, over_keys, over_numbers] = curves.map(|curve| exponent(&curve));
    println!(
        "\nExponents: load {load:.2}, toposort over keys {over_keys:.2}, over numbers {over_numbers:.2}\n"
    );
}

fn load(order: &str, fleet: &[(Id, Vec<Id>)], goals: &mut Goals) -> [Duration; 3] {
    let named = fleet
        .iter()
        .map(|(node, needed)| (Named::from(*node), needed.iter().map(|it| (*it).into()).collect()));
    let named: Vec<(Named, Vec<Named>)> = named.collect();
    let numbers = in_petgraph(fleet);
    let mut keys = DiGraphMap::<Id, ()>::new();
    for edge in numbers.raw_edges() {
        keys.add_edge(numbers[edge.source()], numbers[edge.target()], ());
    }
    let rounds = (2_000_000 / fleet.len()).clamp(3, 50);
    let load = || DependencyGraph::load(fleet.iter().map(|(node, needed)| (*node, needed.iter().copied())));
    let loaded = load();
    assert!(loaded.refused.is_empty() && loaded.graph.edge_count() == keys.edge_count());
    let (ours, over_keys) = paired(rounds, load, || toposort(&keys, None).unwrap());
    let (again, over_numbers) = paired(rounds, load, || toposort(&numbers, None).unwrap());
    let of_texts = alone(rounds, || {
        DependencyGraph::load(
            named
                .iter()
                .map(|(node, needed)| (node.clone(), needed.iter().cloned())),
        )
    });
    let by_key = ratio(ours, over_keys);
    let by_number = ratio(again, over_numbers);
    println!(
        "| {} | {order} | {} | {ours:.1?} | {over_keys:.1?} | {by_key:.2} | {} | {over_numbers:.1?} | {by_number:.2} | {} | {of_texts:.1?} |",
        keys.node_count(),
        keys.edge_count(),
        goals.judge("a fleet read, times one `toposort` over keys", TWICE, by_key),
        goals.judge(
            "a fleet read, times one `toposort` over numbers",
            TWICE,
            by_number
        ),
    );
    [ours, over_keys, over_numbers]
}

/// Edges between nodes that are there, by their keys, taken in turn by both. petgraph knows no keys: a map from key
/// to index stands before it, as everybody has who uses it.
fn add_both(nodes: u32, edges: &[(u32, u32)], rounds: usize) -> (Duration, Duration) {
    let mut empty = DependencyGraph::new();
    let mut theirs = Acyclic::<StableDiGraph<(), ()>>::new();
    let mut index = HashMap::new();
    for number in 0..nodes {
        empty.add_node(id(Kind::Plain, number));
        index.insert(
            id(Kind::Plain, number),
            petgraph::data::Build::add_node(&mut theirs, ()),
        );
    }
    // The graphs are made anew for each run and dropped after it, outside what is measured.
    let mut fresh: Vec<_> = (0..2 * rounds).map(|_| (empty.clone(), theirs.clone())).collect();
    let mut ours: Vec<_> = fresh.iter_mut().map(|(ours, _)| std::mem::take(ours)).collect();
    let mut theirs: Vec<_> = fresh.into_iter().map(|(_, theirs)| theirs).collect();
    paired(
        rounds,
        || {
            let mut graph = ours.pop().unwrap();
            for &(from, to) in edges {
                graph
                    .try_add_edge(id(Kind::Plain, from), id(Kind::Plain, to))
                    .unwrap();
            }
            graph
        },
        || {
            let mut graph = theirs.pop().unwrap();
            for &(from, to) in edges {
                let [from, to] = [from, to].map(|number| index[&id(Kind::Plain, number)]);
                graph.try_update_edge(from, to, ()).unwrap();
            }
            graph
        },
    )
}

fn random(seed: &mut u64, below: u32) -> u32 {
    *seed = splitmix64(*seed);
    u32::try_from(*seed % u64::from(below)).unwrap()
}

fn per_edge(time: Duration, edges: usize) -> Duration {
    time / u32::try_from(edges).unwrap()
}

fn sparse(goals: &mut Goals) {
    println!("Edges one by one, against `Acyclic`:\n");
    println!("| what | nodes | edges | ours, an edge | Acyclic, an edge | ratio | |");
    println!("|---|---|---|---|---|---|---|");
    for nodes in [1_000, 10_000, 100_000] {
        // A random order of which neither side knows, and two random edges a node along it.
        let mut place: Vec<u32> = (0..nodes).collect();
        shuffle(&mut place);
        let mut seed = 11;
        let pairs = (0..2 * nodes).map(|_| (random(&mut seed, nodes), random(&mut seed, nodes)));
        let pairs: Vec<(u32, u32)> = pairs
            .filter(|(a, b)| a != b)
            .map(|(a, b)| (a.min(b), a.max(b)))
            .collect();
        let edges: Vec<(u32, u32)> = pairs
            .iter()
            .map(|(a, b)| (place[*a as usize], place[*b as usize]))
            .collect();
        row("random", nodes, &edges, if nodes > 10_000 { 3 } else { 9 }, goals);
        row("random, in the order of the nodes", nodes, &pairs, 9, goals);
        // One edge in a hundred leads back a little, early ones included.
        let mut back = pairs;
        for edge in back.iter_mut().step_by(100) {
            let low = edge.0.min(nodes - 9);
            *edge = (low + 1 + edge.1 % 8, low);
        }
        let back = acyclic(nodes, &back);
        row("random, almost in the order of the nodes", nodes, &back, 9, goals);
    }
    for nodes in [10_000, 100_000, 1_000_000] {
        let graph = in_petgraph(&fleet(nodes));
        let edges = graph.raw_edges().iter();
        let mut edges: Vec<(u32, u32)> = edges
            .map(|edge| (number(edge.source()), number(edge.target())))
            .collect();
        shuffle(&mut edges);
        row(
            "a fleet",
            number(NodeIndex::new(graph.node_count())),
            &edges,
            3,
            goals,
        );
    }
    println!();
}

/// The edges without those that close a cycle.
fn acyclic(nodes: u32, edges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut graph = Acyclic::<StableDiGraph<(), ()>>::new();
    for _ in 0..nodes {
        petgraph::data::Build::add_node(&mut graph, ());
    }
    let ends = |(from, to): (u32, u32)| (NodeIndex::from(from), NodeIndex::from(to));
    let open = edges.iter().copied().filter(|edge| {
        let (from, to) = ends(*edge);
        graph.try_update_edge(from, to, ()).is_ok()
    });
    open.collect()
}

fn number(node: NodeIndex) -> u32 {
    u32::try_from(node.index()).unwrap()
}

fn shuffle<T>(items: &mut [T]) {
    let mut seed = 5;
    for last in (1..items.len()).rev() {
        let other = random(&mut seed, u32::try_from(last + 1).unwrap());
        items.swap(last, other as usize);
    }
}

fn row(what: &str, nodes: u32, edges: &[(u32, u32)], rounds: usize, goals: &mut Goals) {
    let (ours, theirs) = add_both(nodes, edges, rounds);
    let ratio = ratio(ours, theirs);
    println!(
        "| {what} | {nodes} | {} | {:.0?} | {:.0?} | {ratio:.2} | {} |",
        edges.len(),
        per_edge(ours, edges.len()),
        per_edge(theirs, edges.len()),
        goals.judge(
            &format!("edges one by one, {what}, times `Acyclic`"),
            NO_SLOWER,
            ratio
        ),
    );
}

fn unkind(goals: &mut Goals) {
    println!("Ten thousand nodes in unkind orders:\n");
    println!("| order | ours, an edge | Acyclic, an edge | times as fast | |");
    println!("|---|---|---|---|---|");
    let nodes = 10_000;
    // Each node stands on the one that was made before it.
    let chain: Vec<(u32, u32)> = (1..nodes).map(|n| (n, n - 1)).collect();
    // Chains on both sides are there when the hub comes between them.
    let half = nodes / 2;
    let hub: Vec<(u32, u32)> = (1..half)
        .chain(half + 2..nodes)
        .map(|n| (n, n - 1))
        .chain((0..half).map(|n| (half, n)))
        .chain((half + 1..nodes).map(|n| (n, half)))
        .collect();
    for (name, edges) in [
        ("a reversed chain, each on the one before it", chain),
        ("a hub that comes late", hub),
    ] {
        let (ours, theirs) = add_both(nodes, &edges, 1);
        let times = ratio(theirs, ours);
        println!(
            "| {name} | {:.0?} | {:.1?} | {times:.0} | {} |",
            per_edge(ours, edges.len()),
            per_edge(theirs, edges.len()),
            goals.judge(&format!("{name}, as fast as `Acyclic`"), FAR_FASTER, times),
        );
    }
    println!();
}

fn impacts(goals: &mut Goals) {
    println!("All that stands on a node, of which there are so many:\n");
    println!("| impacted | of nodes | time | each |");
    println!("|---|---|---|---|");
    let mut curve = Vec::new();
    for impacted in [100_u32, 1_000, 10_000, 100_000] {
        // A tree of four below each, in a graph that is ten times as large.
        let mut nodes: Vec<(Id, Vec<Id>)> = (1..=impacted)
            .map(|number| (id(Kind::Plain, number), vec![id(Kind::Plain, (number - 1) / 4)]))
            .collect();
        nodes.extend((0..9 * impacted).map(|number| (id(Kind::Cluster, number), vec![])));
        let graph = DependencyGraph::load(nodes).graph;
        let root = id(Kind::Plain, 0);
        assert_eq!(graph.impact_of(&root).len(), impacted as usize);
        let time = alone(21, || graph.impact_of(&root));
        println!(
            "| {impacted} | {} | {time:.1?} | {:.0?} |",
            graph.len(),
            per_edge(time, impacted as usize)
        );
        curve.push((impacted as usize, time));
    }
    let exponent = exponent(&curve);
    let verdict = goals.judge("impact over its output, exponent", LINEAR, exponent);
    println!("\nExponent: {exponent:.2} ({verdict})\n");
}
