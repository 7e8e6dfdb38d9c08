//! What is touched when an object changes or goes.

use std::collections::BTreeSet;

use crate::{Drawing, Node, NodeKey, NodeKind, Picture};

/// What is touched when an object changes or goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impact {
    /// What is made from it or with it, and changes with it; from the top down.
    pub follows: Vec<NodeKey>,
    /// What depends on it or on any of those, and waits or suffers with it; in order of distance.
    pub depends: Vec<NodeKey>,
}

impl Impact {
    /// Follows a change of `key` through the picture.
    ///
    /// What is written from it changes with it: the applies of a template, the workspace of an apply, the Secret
    /// of a workspace, and the workspaces that read that Secret. Whatever depends on one of those in the graph is
    /// touched, too.
    pub fn of(picture: &Picture, drawing: &Drawing, key: &NodeKey) -> Self {
        let mut follows = BTreeSet::new();
        let mut open = vec![key.clone()];
        while let Some(next) = open.pop() {
            for follower in followers(picture, &next) {
                if follower != *key && follows.insert(follower.clone()) {
                    open.push(follower);
                }
            }
        }
        let mut depends: Vec<NodeKey> = Vec::new();
        for changed in std::iter::once(key).chain(&follows) {
            for dependent in drawing.graph.impact_of(changed) {
                if dependent != *key && !follows.contains(&dependent) && !depends.contains(&dependent) {
                    depends.push(dependent);
                }
            }
        }
        Self {
            follows: follows.into_iter().collect(),
            depends,
        }
    }
}

/// What is written from an object.
fn followers(picture: &Picture, key: &NodeKey) -> Vec<NodeKey> {
    let referring = |node: &&Node| {
        let is_from = match key.kind {
            NodeKind::Template => node.key.kind == NodeKind::Apply,
            NodeKind::Secret => node.key.kind == NodeKind::Workspace,
            NodeKind::Cluster
            | NodeKind::Infrastructure
            | NodeKind::ControlPlane
            | NodeKind::Apply
            | NodeKind::Workspace => false,
        };
        is_from && picture.needs(node).iter().any(|(_, needed)| *needed == key)
    };
    let mut found: Vec<NodeKey> = picture
        .nodes()
        .filter(referring)
        .map(|node| node.key.clone())
        .collect();
    // What only hangs below it is not made from it: a VPC that is shared.
    let made = picture
        .nodes()
        .filter(|node| node.parent.as_ref() == Some(key) && node.key.kind.has_state());
    found.extend(made.map(|node| node.key.clone()));
    // Of what a control plane publishes, the endpoint stays; of what a workspace writes, every output may change.
    if let Some(node) = picture.get(key) {
        found.extend(node.writes.iter().cloned());
    }
    found
}
