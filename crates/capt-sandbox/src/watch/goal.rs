//! When a sandbox is done.

use std::collections::BTreeSet;

use crate::picture::{Node, NodeKey, NodeKind, Picture};

/// What is to become ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Goal {
    wanted: BTreeSet<NodeKey>,
}

/// How things stand with a goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Something is still under way.
    Waiting,
    /// All is ready.
    Reached,
    /// These do not go on unless a person does something; the one to look at first comes first.
    Stuck(Vec<NodeKey>),
}

impl Goal {
    /// All of these are to become ready.
    pub fn new(wanted: impl IntoIterator<Item = NodeKey>) -> Self {
        Self {
            wanted: wanted.into_iter().collect(),
        }
    }

    /// What is to become ready.
    pub fn wanted(&self) -> impl Iterator<Item = &NodeKey> {
        self.wanted.iter()
    }

    /// How things stand.
    pub fn verdict(&self, picture: &Picture) -> Verdict {
        if self.wanted.iter().all(|key| is_ready(picture, key)) {
            return Verdict::Reached;
        }
        let below: BTreeSet<NodeKey> = self
            .stuck(picture)
            .flat_map(|key| picture.with_what_is_below(key))
            .collect();
        let nodes = below.iter().filter_map(|key| picture.get(key));
        let mut stuck: Vec<&Node> = nodes.filter(|node| needs_a_person(node)).collect();
        if stuck.is_empty() {
            return Verdict::Waiting;
        }
        // The workspace knows best what happened; whatever is above it repeats it.
        stuck.sort_by_key(|node| std::cmp::Reverse(node.key.kind));
        Verdict::Stuck(stuck.into_iter().map(|node| node.key.clone()).collect())
    }

    /// Those that cannot become ready unless a person does something; the others are ready, or still under way.
    pub fn stuck(&self, picture: &Picture) -> impl Iterator<Item = &NodeKey> {
        let is_stuck = |key: &&NodeKey| !is_ready(picture, key) && has_stopped(picture, key);
        self.wanted.iter().filter(is_stuck)
    }

    /// Those that are not ready, and of which a person need not do anything.
    pub fn under_way(&self, picture: &Picture) -> impl Iterator<Item = &NodeKey> {
        let is_under_way = |key: &&NodeKey| !is_ready(picture, key) && !has_stopped(picture, key);
        self.wanted.iter().filter(is_under_way)
    }
}

fn is_ready(picture: &Picture, key: &NodeKey) -> bool {
    picture.get(key).is_some_and(|node| node.ready && !node.deleting)
}

/// Whether an object does not go on unless somebody mends, approves or unpauses it.
fn needs_a_person(node: &Node) -> bool {
    node.exists && (node.is_stopped() || !node.approvals.is_empty() || (node.paused.is_some() && !node.ready))
}

/// Whether what was asked for has itself stopped.
///
/// A child that has failed is not enough: its parent may still be about to do something, and a Cluster, which
/// has no state of its own, stops when its infrastructure or its control plane does.
fn has_stopped(picture: &Picture, key: &NodeKey) -> bool {
    if picture.get(key).is_some_and(needs_a_person) {
        return true;
    }
    match key.kind {
        NodeKind::Cluster => picture.children(key).into_iter().any(needs_a_person),
        NodeKind::Infrastructure
        | NodeKind::ControlPlane
        | NodeKind::Apply
        | NodeKind::Workspace
        | NodeKind::Template
        | NodeKind::Secret => false,
    }
}
