//! Laws and examples. `laws` holds what is true for every graph, `load` what adding costs at size.

use std::fmt;

use super::*;

mod cycles;
mod fleet;
mod laws;
mod load;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Id(&'static str);

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl NodeKey for Id {}

const CLUSTER: Id = Id("cluster/demo");
const CONTROL_PLANE: Id = Id("control-plane/demo");
const EKS: Id = Id("workspace/eks");
const VPC: Id = Id("workspace/vpc");
const ROLE: Id = Id("role/admin");

fn graph(edges: &[(Id, Id)]) -> DependencyGraph<Id> {
    let mut graph = DependencyGraph::new();
    for (dependent, dependency) in edges {
        graph.try_add_edge(*dependent, *dependency).unwrap();
    }
    graph
}

/// A cluster whose control plane and its workspace both need the network.
fn demo() -> DependencyGraph<Id> {
    graph(&[
        (CLUSTER, VPC),
        (CLUSTER, CONTROL_PLANE),
        (CONTROL_PLANE, EKS),
        (EKS, VPC),
        (EKS, ROLE),
    ])
}

fn view(node: &Id) -> NodeView {
    let (kind, name) = node.0.split_once('/').unwrap();
    NodeView {
        kind: kind.to_owned(),
        name: name.to_owned(),
        status: if *node == ROLE { "" } else { "Ready" }.to_owned(),
    }
}

#[test]
fn both_directions_are_answered_in_key_order() {
    let graph = demo();
    assert!(graph.dependencies_of(&CLUSTER).eq([&CONTROL_PLANE, &VPC]));
    assert!(graph.dependents_of(&VPC).eq([&CLUSTER, &EKS]));
    assert!(graph.dependencies_of(&Id("nowhere")).next().is_none());
    assert!(graph.nodes().eq([&CLUSTER, &CONTROL_PLANE, &ROLE, &EKS, &VPC]));
    assert!(graph.edges().eq([
        (&CLUSTER, &CONTROL_PLANE),
        (&CLUSTER, &VPC),
        (&CONTROL_PLANE, &EKS),
        (&EKS, &ROLE),
        (&EKS, &VPC),
    ]));
}

#[test]
fn a_closing_edge_is_refused_with_its_path() {
    let mut graph = demo();
    let before = graph.clone();
    let cycle = graph.try_add_edge(VPC, CONTROL_PLANE).unwrap_err();
    assert_eq!(
        cycle.to_string(),
        "workspace/vpc -> control-plane/demo -> workspace/eks -> workspace/vpc"
    );
    assert_eq!(graph, before);
}

#[test]
fn the_shortest_cycle_is_named_and_the_first_in_key_order() {
    let [top, b, c, long, bottom] = ["a", "b", "c", "e", "d"].map(Id);
    let mut graph = graph(&[
        (top, long),
        (long, bottom),
        (top, c),
        (top, b),
        (c, bottom),
        (b, long),
        (b, bottom),
    ]);
    let cycle = graph.try_add_edge(bottom, top).unwrap_err();
    assert_eq!(cycle.to_string(), "d -> a -> b -> d");
}

#[test]
fn a_node_cannot_depend_on_itself_and_is_not_added_by_trying() {
    let mut graph = DependencyGraph::new();
    let cycle = graph.try_add_edge(VPC, VPC).unwrap_err();
    assert_eq!(cycle.to_string(), "workspace/vpc -> workspace/vpc");
    assert!(graph.is_empty());
}

#[test]
fn adding_and_removing_twice_changes_nothing_the_second_time() {
    let mut graph = demo();
    assert!(!graph.add_node(VPC));
    graph.try_add_edge(EKS, VPC).unwrap();
    assert_eq!(graph, demo());
    assert!(graph.remove_edge(&EKS, &VPC));
    assert!(!graph.remove_edge(&EKS, &VPC));
    assert!(graph.remove_node(&CLUSTER));
    assert!(!graph.remove_node(&CLUSTER));
    assert!(graph.edges().eq([(&CONTROL_PLANE, &EKS), (&EKS, &ROLE)]));
    assert!(graph.contains(&VPC));
    assert_eq!(graph.len(), 4);
}

#[test]
fn graphs_differ_by_their_nodes_and_by_their_edges() {
    let (a, b, c) = (Id("a"), Id("b"), Id("c"));
    let one = graph(&[(a, b)]);
    assert!(!one.is_empty());
    assert_eq!((one.len(), one.edge_count()), (2, 1));
    assert_eq!(one, graph(&[(a, b)]));
    assert_ne!(one, graph(&[(b, a)]), "the other way round");
    assert_ne!(one, graph(&[(a, c)]), "another node");
    let mut other = graph(&[(a, b)]);
    other.add_node(c);
    assert_ne!(one, other, "a node more");
    assert_ne!(other, one, "a node less");
    let mut third = graph(&[(a, c)]);
    third.add_node(b);
    assert_ne!(other, third, "the same nodes, and as many edges");
    let mut fewer = other.clone();
    fewer.remove_edge(&a, &b);
    assert_ne!(other, fewer, "an edge less");
    assert_ne!(fewer, other, "an edge more");
    let mut unlike = DependencyGraph::new();
    unlike.add_node(a);
    unlike.add_node(b);
    let mut alike = DependencyGraph::new();
    alike.add_node(a);
    alike.add_node(c);
    assert_ne!(unlike, alike, "without any edge");
}

#[test]
fn what_a_search_has_seen_is_not_shown() {
    let mut searched = graph(&[(CLUSTER, VPC), (CONTROL_PLANE, EKS)]);
    let before = format!("{:?}", searched.levels);
    assert_eq!(before, "Levels([0, 0, 0, 0])");
    searched.try_add_edge(VPC, CLUSTER).unwrap_err();
    assert_eq!(format!("{:?}", searched.levels), before);
}

#[test]
fn a_node_that_is_read_twice_depends_on_all_that_it_was_given() {
    let (a, b, c) = (Id("a"), Id("b"), Id("c"));
    let loaded = DependencyGraph::load([(a, vec![b, b]), (b, vec![]), (a, vec![c, b])]);
    assert_eq!(loaded.refused, []);
    assert!(loaded.graph.edges().eq([(&a, &b), (&a, &c)]));
    assert_eq!(loaded.graph.edge_count(), 2);
    let to_itself = DependencyGraph::load([(a, vec![b, a]), (a, vec![a])]);
    assert_eq!(to_itself.refused, [Cycle { path: vec![a, a] }]);
    assert!(to_itself.graph.edges().eq([(&a, &b)]));
}

#[test]
fn an_edge_that_is_gone_closes_nothing() {
    let mut graph = demo();
    graph.try_add_edge(VPC, CLUSTER).unwrap_err();
    graph.remove_node(&EKS);
    graph.remove_edge(&CLUSTER, &VPC);
    graph.try_add_edge(VPC, CLUSTER).unwrap();
}

#[test]
fn reach_is_ordered_by_distance_then_key() {
    let graph = demo();
    assert_eq!(graph.impact_of(&VPC), [CLUSTER, EKS, CONTROL_PLANE]);
    assert_eq!(graph.requirements_of(&CLUSTER), [CONTROL_PLANE, VPC, EKS, ROLE]);
    assert!(graph.impact_of(&CLUSTER).is_empty());
    assert!(graph.impact_of(&Id("nowhere")).is_empty());
}

#[test]
fn a_part_is_what_its_nodes_stand_on() {
    let graph = demo();
    let part = graph.part_of([&EKS, &Id("nowhere")]);
    assert!(part.nodes().eq([&ROLE, &EKS, &VPC]));
    assert!(part.edges().eq([(&EKS, &ROLE), (&EKS, &VPC)]));
    assert_eq!(graph.part_of([&CLUSTER, &ROLE]), graph);
    assert!(graph.part_of([]).is_empty());
}

#[test]
fn creation_goes_by_waves_and_teardown_the_other_way() {
    let graph = demo();
    let waves = [vec![ROLE, VPC], vec![EKS], vec![CONTROL_PLANE], vec![CLUSTER]];
    assert_eq!(graph.waves(), waves);
    assert!(graph.teardown_order().iter().eq(waves.iter().rev()));
    assert!(DependencyGraph::<Id>::new().waves().is_empty());
}

#[test]
fn broken_nodes_name_the_way_to_their_root_causes() {
    let graph = demo();
    let broken = graph.broken(|node| [EKS, VPC].contains(node));
    let found: Vec<_> = broken.iter().map(|b| (b.node, b.root_causes.clone())).collect();
    assert_eq!(
        found,
        [
            (CLUSTER, vec![vec![CLUSTER, VPC]]),
            (CONTROL_PLANE, vec![vec![CONTROL_PLANE, EKS, VPC]]),
            (EKS, vec![vec![EKS, VPC]]),
            (VPC, vec![vec![VPC]]),
        ]
    );
    let roots: Vec<_> = broken
        .iter()
        .filter(|b| b.is_root_cause())
        .map(|b| b.node)
        .collect();
    assert_eq!(roots, [VPC]);
}

#[test]
fn every_root_cause_is_named() {
    let broken = demo().broken(|node| [ROLE, VPC].contains(node));
    let eks = broken.iter().find(|b| b.node == EKS).unwrap();
    assert_eq!(eks.root_causes, [vec![EKS, ROLE], vec![EKS, VPC]]);
    assert!(demo().broken(|_| false).is_empty());
}

#[test]
fn repair_takes_the_broken_alone_and_dependencies_first() {
    let graph = demo();
    assert_eq!(
        graph.repair_order(|node| [CLUSTER, EKS, VPC].contains(node)),
        [vec![VPC], vec![EKS], vec![CLUSTER]]
    );
    assert!(graph.repair_order(|_| false).is_empty());
}

#[test]
fn the_tree_writes_out_a_shared_node_once() {
    let mut graph = demo();
    graph.add_node(Id("workspace/lone"));
    insta::assert_snapshot!(graph.render_tree(|node| format!("{node}\n[Ready]")), @"
    cluster/demo [Ready]
    ├─ control-plane/demo [Ready]
    │  └─ workspace/eks [Ready]
    │     ├─ role/admin [Ready]
    │     └─ workspace/vpc [Ready]
    └─ workspace/vpc [Ready] (see above)
    workspace/lone [Ready]
    ");
}

#[test]
fn the_tree_refers_to_a_shared_branch() {
    let (a, b, c, d) = (Id("a"), Id("b"), Id("c"), Id("d"));
    let graph = graph(&[(a, b), (a, c), (b, d), (c, b)]);
    insta::assert_snapshot!(graph.render_tree(ToString::to_string), @"
    a
    ├─ b
    │  └─ d
    └─ c
       └─ b (see above)
    ");
}

#[test]
fn dot() {
    insta::assert_snapshot!(demo().render_dot(view), @r#"
    digraph dependencies {
        node [shape=box];
        "cluster/demo" [label="cluster demo\nReady"];
        "control-plane/demo" [label="control-plane demo\nReady"];
        "role/admin" [label="role admin"];
        "workspace/eks" [label="workspace eks\nReady"];
        "workspace/vpc" [label="workspace vpc\nReady"];
        "cluster/demo" -> "control-plane/demo";
        "cluster/demo" -> "workspace/vpc";
        "control-plane/demo" -> "workspace/eks";
        "workspace/eks" -> "role/admin";
        "workspace/eks" -> "workspace/vpc";
    }
    "#);
}

#[test]
fn mermaid() {
    insta::assert_snapshot!(demo().render_mermaid(view), @r#"
    flowchart TD
        n0["cluster demo<br/>Ready"]
        n1["control-plane demo<br/>Ready"]
        n2["role admin"]
        n3["workspace eks<br/>Ready"]
        n4["workspace vpc<br/>Ready"]
        n0 --> n1
        n0 --> n4
        n1 --> n3
        n3 --> n2
        n3 --> n4
    "#);
}

#[test]
fn drawings_escape_what_their_languages_read() {
    let mut graph = DependencyGraph::new();
    graph.add_node(Id(r#"a"\b"#));
    let view = |_: &Id| NodeView {
        kind: "K".to_owned(),
        name: "a\"\\b\nc".to_owned(),
        status: "<b>`x`#1".to_owned(),
    };
    insta::assert_snapshot!(graph.render_dot(view), @r#"
    digraph dependencies {
        node [shape=box];
        "a\"\\b" [label="K a\"\\b c\n<b>`x`#1"];
    }
    "#);
    insta::assert_snapshot!(graph.render_mermaid(view), @r#"
    flowchart TD
        n0["K a#34;\b c<br/>#60;b#62;#96;x#96;#35;1"]
    "#);
}

#[test]
fn plain_data_has_every_node_in_both_maps() {
    let plain = demo().view(view);
    let nodes: Vec<_> = plain.nodes.iter().map(|(id, node)| (id.as_str(), node)).collect();
    let expected = [CLUSTER, CONTROL_PLANE, ROLE, EKS, VPC].map(|node| (node, view(&node)));
    assert_eq!(nodes, expected.each_ref().map(|(id, node)| (id.0, node)));
    let edges: Vec<_> = plain
        .edges
        .iter()
        .map(|(id, needed)| format!("{id}: {}", needed.join(", ")))
        .collect();
    assert_eq!(
        edges,
        [
            "cluster/demo: control-plane/demo, workspace/vpc",
            "control-plane/demo: workspace/eks",
            "role/admin: ",
            "workspace/eks: role/admin, workspace/vpc",
            "workspace/vpc: ",
        ]
    );
}

#[test]
fn plain_data_is_read_again() {
    let mut plain = demo().view(view);
    let loaded = plain.load();
    assert_eq!(loaded.refused, []);
    assert_eq!(loaded.graph.view(|node| plain.nodes[node].clone()), plain);
    plain.edges.insert(VPC.0.to_owned(), vec![EKS.0.to_owned()]);
    plain.nodes.insert("lone".to_owned(), view(&VPC));
    let loaded = plain.load();
    assert_eq!(
        loaded.refused[0].to_string(),
        "workspace/vpc -> workspace/eks -> workspace/vpc"
    );
    assert!(loaded.graph.contains(&"lone".to_owned()));
}

/// Read through the same derive that writes it: the names on the wire are `type`, `name` and `status`.
#[test]
fn a_node_is_read_by_its_names_on_the_wire() {
    use serde::Deserialize as _;
    use serde::de::value::{Error, MapDeserializer};

    let fields = [("type", "workspace"), ("name", "vpc"), ("status", "Ready")];
    let read = NodeView::deserialize(MapDeserializer::<_, Error>::new(fields.into_iter())).unwrap();
    assert_eq!(read, view(&VPC));
}
