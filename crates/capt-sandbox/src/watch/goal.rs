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
        let is_ready = |key: &NodeKey| picture.get(key).is_some_and(|node| node.ready && !node.deleting);
        if self.wanted.iter().all(is_ready) {
            return Verdict::Reached;
        }
        let mut stuck: Vec<&Node> = picture.nodes().filter(|node| node.state == "Failed").collect();
        // The workspace knows best what happened; whatever is above it repeats it.
        stuck.sort_by_key(|node| std::cmp::Reverse(node.key.kind));
        let is_wanted_stuck = self.wanted.iter().any(|key| is_above_failure(picture, key));
        if stuck.is_empty() || !is_wanted_stuck {
            return Verdict::Waiting;
        }
        Verdict::Stuck(stuck.into_iter().map(|node| node.key.clone()).collect())
    }
}

/// Whether what was asked for has itself stopped.
///
/// A child that has failed is not enough: its parent may still be about to do something, and a Cluster, which
/// has no state of its own, stops when its infrastructure or its control plane does.
fn is_above_failure(picture: &Picture, key: &NodeKey) -> bool {
    let has_failed = |node: &Node| node.state == "Failed";
    match key.kind {
        NodeKind::Cluster => picture.children(key).into_iter().any(has_failed),
        NodeKind::Infrastructure | NodeKind::ControlPlane | NodeKind::Apply | NodeKind::Workspace => {
            picture.get(key).is_some_and(has_failed)
        }
    }
}
