//! All circuits, against a naive search.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::graph::cycles::circuits;

/// Every circuit by trying every path, each from its least node.
fn naive(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    fn walk(edges: &[Vec<usize>], path: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
        let (start, last) = (path[0], path[path.len() - 1]);
        for &to in &edges[last] {
            if to == start {
                found.push(path.clone());
            } else if to > start && !path.contains(&to) {
                path.push(to);
                walk(edges, path, found);
                path.pop();
            }
        }
    }
    let mut found = Vec::new();
    for start in 0..edges.len() {
        walk(edges, &mut vec![start], &mut found);
    }
    found
}

fn edges() -> impl Strategy<Value = Vec<Vec<usize>>> {
    (1..8_usize).prop_flat_map(|nodes| {
        let ends = proptest::collection::btree_set(0..nodes, 0..nodes.min(4));
        proptest::collection::vec(
            ends.prop_map(|ends: BTreeSet<usize>| ends.into_iter().collect()),
            nodes,
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn every_circuit_is_found_once_and_in_order(edges in edges(), limit in 0..30_usize) {
        let mut all = naive(&edges);
        prop_assert_eq!(&circuits(&edges, usize::MAX), &all);
        all.truncate(limit);
        prop_assert_eq!(circuits(&edges, limit), all);
    }
}

#[test]
fn a_ring_of_many_nodes_is_one_circuit() {
    let nodes = 100_000;
    let ring: Vec<Vec<usize>> = (0..nodes).map(|node| vec![(node + 1) % nodes]).collect();
    let found = circuits(&ring, 10);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].len(), nodes);
}

/// Among twelve nodes that all lead to each other there are more than a hundred million circuits.
#[test]
fn a_limit_ends_the_search() {
    let all: Vec<Vec<usize>> = (0..12_usize)
        .map(|node| (0..12).filter(|to| *to != node).collect())
        .collect();
    assert_eq!(circuits(&all, 1_000).len(), 1_000);
}
