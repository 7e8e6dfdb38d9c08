//! What is being deleted, and what keeps it.

use capt_api::keys;
use jiff::Timestamp;

use super::UNSEEN;
use super::step::Step;
use crate::words::{age, list};
use crate::{Node, NodeKey, NodeKind, Picture};

/// The finalizers whose owners are known to take them away: those of CAPT, of Cluster API and of Kubernetes.
const KNOWN_FINALIZERS: &[&str] = &[
    keys::CLUSTER_FINALIZER,
    keys::CONTROL_PLANE_FINALIZER,
    keys::APPLY_FINALIZER,
    keys::WORKSPACE_FINALIZER,
    keys::STATE_FINALIZER,
    "cluster.cluster.x-k8s.io",
    "foregroundDeletion",
    "orphan",
];

/// Whether an object is being deleted, and nothing is done about it while others need it.
pub(crate) fn is_held(node: &Node) -> bool {
    node.deleting && node.waits.iter().any(|wait| is_for_others(&wait.reason))
}

fn is_for_others(reason: &str) -> bool {
    matches!(reason, "WaitingForDependents" | "WaitingForControlPlane")
}

/// What keeps objects of which somebody wants the deletion, where nobody but a person can change that. Those that
/// are deleted by themselves are told by [`alone`].
pub(super) fn steps<'a>(
    picture: &Picture,
    nodes: impl Iterator<Item = &'a Node>,
    now: Timestamp,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for node in nodes.filter(|node| node.deleting && node.key.kind.has_state()) {
        let title = node.key.title();
        let since = node.deleting_since.filter(|since| {
            let waited = now.duration_since(*since).as_secs();
            waited >= UNSEEN
        });
        let foreign = foreign_finalizers(node);
        if let Some(since) = since.filter(|_| !foreign.is_empty()) {
            let are = if foreign.len() == 1 {
                "finalizer"
            } else {
                "finalizers"
            };
            let mut step = Step::new(format!(
                "{title} is being deleted for {}, and is kept by the {are} {} of somebody else: whoever has set it \
                 takes it away when their work is done; see that they run",
                age(since, now),
                list(&foreign, 3)
            ));
            step.command(
                "to see all of them",
                format!(
                    "kubectl -n {} get {} {} -o jsonpath='{{.metadata.finalizers}}'",
                    node.key.namespace,
                    node.key.kind.resource(),
                    node.key.name
                ),
            );
            steps.push(step);
        }
        let is_seen = node.operation.as_deref() == Some("Deleting") || node.key.kind == NodeKind::Cluster;
        if let Some(since) = since.filter(|_| !is_seen && node.paused.is_none() && foreign.is_empty()) {
            steps.push(Step::new(format!(
                "{title} is being deleted for {}, and nobody has looked at that yet: see that capt-operator runs and \
                 works on the namespace {}; its log says what keeps it",
                age(since, now),
                node.key.namespace
            )));
        }
        let needed_by = needed_by(picture, node);
        if !needed_by.is_empty() && !goes_with_one_alone(picture, node) {
            let names = list(&needed_by, 4);
            steps.push(Step::new(format!(
                "{title} is being deleted, and nothing is done about it while {names} {} it: delete that as well, or \
                 leave it at that",
                need(needed_by.len())
            )));
        }
    }
    steps
}

/// An object that is being deleted while what it was made for, or what uses it, is not.
pub(super) struct Alone<'a> {
    node: &'a Node,
    above: &'a Node,
    /// Who else needs it, and will not go by itself.
    needed_by: Vec<String>,
}

/// The objects that are being deleted by themselves, from the top down. None while the Cluster itself is.
pub(super) fn alone<'a>(picture: &'a Picture, nodes: impl Iterator<Item = &'a Node>) -> Vec<Alone<'a>> {
    let found = nodes.filter_map(|node| {
        let above = above(picture, node).filter(|above| node.deleting && !is_going(picture, above))?;
        let below = picture.with_what_is_below(&node.key);
        let mut needed_by = Vec::new();
        for node in below.iter().filter_map(|key| picture.get(key)) {
            for name in self::needed_by(picture, node) {
                if !needed_by.contains(&name) {
                    needed_by.push(name);
                }
            }
        }
        Some(Alone {
            node,
            above,
            needed_by,
        })
    });
    found.collect()
}

impl Alone<'_> {
    /// Whether it goes on by itself.
    pub(super) const fn is_under_way(&self) -> bool {
        self.needed_by.is_empty()
    }

    /// What happens, and what can be done about it. `cluster` is the one that is looked at.
    pub(super) fn step(&self, cluster: &NodeKey) -> Step {
        let namespace = &cluster.namespace;
        let (title, above) = (
            self.node.key.title_in(namespace),
            self.above.key.title_in(namespace),
        );
        let is_made = self.node.parent.as_ref() == Some(&self.above.key);
        let (tie, then) = match self.node.key.kind {
            NodeKind::Workspace if is_made => (
                "for which it was made",
                format!("what Terraform has made for it is destroyed, and {above} has it made anew"),
            ),
            NodeKind::Apply if is_made => (
                "for which it was made",
                format!(
                    "what was made for it is destroyed, and {above} has it made anew if it still needs it"
                ),
            ),
            NodeKind::Infrastructure | NodeKind::ControlPlane if self.above.topology.is_some() => (
                "which uses it",
                format!("what was made for it is destroyed, and Cluster API makes it anew for {above}"),
            ),
            NodeKind::Cluster
            | NodeKind::Infrastructure
            | NodeKind::ControlPlane
            | NodeKind::Apply
            | NodeKind::Workspace
            | NodeKind::Template
            | NodeKind::Secret => (
                "which uses it",
                format!(
                    "what was made for it is destroyed, and {above} has none until somebody makes it anew"
                ),
            ),
        };
        let begin = format!("{title} is being deleted, but {above}, {tie}, is not");
        if self.is_under_way() {
            return Step::new(format!(
                "{begin}: {then}. A deletion cannot be taken back; nothing need be done if that is what was wanted"
            ));
        }
        let names = list(&self.needed_by, 4);
        let (need, gone) = (need(self.needed_by.len()), gone(self.needed_by.len()));
        let mut step = Step::new(format!(
            "{begin}. Nothing happens to it while {names} {need} it, and a deletion cannot be taken back: once \
             {gone} gone, {then}. To go on using the cluster, leave it at that"
        ));
        step.command(
            "to delete all of the cluster",
            format!("kubectl -n {namespace} delete cluster {}", cluster.name),
        );
        step
    }
}

const fn need(count: usize) -> &'static str {
    if count == 1 { "needs" } else { "need" }
}

const fn gone(count: usize) -> &'static str {
    if count == 1 { "that is" } else { "those are" }
}

/// Whether an object, or one above it that takes it along, is deleted by itself.
fn goes_with_one_alone(picture: &Picture, node: &Node) -> bool {
    let mut next = Some(node);
    // Five kinds are above each other; who owns whom in a circle is not followed for ever.
    for _ in NodeKind::WITH_STATE {
        let Some(node) = next.filter(|node| node.deleting) else {
            return false;
        };
        if above(picture, node).is_some_and(|above| !is_going(picture, above)) {
            return true;
        }
        next = node.parent.as_ref().and_then(|parent| picture.get(parent));
    }
    false
}

/// Who needs an object that is being deleted, and does not go by itself.
pub(super) fn needed_by(picture: &Picture, node: &Node) -> Vec<String> {
    if !is_held(node) {
        return Vec::new();
    }
    let waits = node.waits.iter().filter(|wait| is_for_others(&wait.reason));
    let names = waits.flat_map(|wait| wait.on.split(", "));
    let stays = |name: &&str| match named(name, &node.key.namespace).and_then(|key| picture.get(&key)) {
        Some(dependent) => !is_going(picture, dependent),
        // Nobody has looked there.
        None => true,
    };
    names.filter(stays).map(ToOwned::to_owned).collect()
}

/// `Kind/name`, or `Kind/name in namespace other`.
fn named(name: &str, namespace: &str) -> Option<NodeKey> {
    let (name, namespace) = name.split_once(" in namespace ").unwrap_or((name, namespace));
    let (kind, name) = name.split_once('/')?;
    Some(NodeKey::new(NodeKind::of(kind)?, namespace, name))
}

/// Whether an object is gone, is being deleted, or goes with one above it that is.
fn is_going(picture: &Picture, node: &Node) -> bool {
    let mut next = Some(node);
    // Five kinds are above each other; who owns whom in a circle is not followed for ever.
    for _ in NodeKind::WITH_STATE {
        let Some(node) = next else { return false };
        if !node.exists || node.deleting {
            return true;
        }
        // Who only uses it takes nothing along.
        let parent = node.parent.as_ref();
        next = parent.and_then(|parent| picture.get(parent));
    }
    false
}

/// What an object was made for; else what uses it.
fn above<'a>(picture: &'a Picture, node: &Node) -> Option<&'a Node> {
    let parent = node.parent.as_ref().and_then(|parent| picture.get(parent));
    let user = || {
        let users = picture.nodes().filter(|it| {
            let may_use = matches!(it.key.kind, NodeKind::Cluster | NodeKind::Infrastructure);
            may_use && it.key != node.key && picture.needs(it).iter().any(|(_, key)| **key == node.key)
        });
        users.filter(|it| it.exists).min_by_key(|it| it.deleting)
    };
    parent.filter(|parent| parent.exists).or_else(user)
}

fn foreign_finalizers(node: &Node) -> Vec<String> {
    let is_known = |finalizer: &String| KNOWN_FINALIZERS.contains(&finalizer.as_str());
    if node.finalizers.iter().any(|it| is_known(it) && it != "orphan") {
        return Vec::new();
    }
    node.finalizers
        .iter()
        .filter(|it| !is_known(it))
        .cloned()
        .collect()
}
