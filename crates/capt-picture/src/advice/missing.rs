//! What is not there and nobody makes.

use jiff::Timestamp;

use super::step::{Step, edit};
use crate::words::{age, one_line};
use crate::{Node, NodeKey, NodeKind, Picture, Reference};

/// The reasons of waits that do not come true by themselves.
const FOR_A_PERSON: &[&str] = &[
    "WorkspaceTemplateNotFound",
    "KubeconfigSourceMissing",
    "SecretMissing",
    "ConfigMapMissing",
    "KeyMissing",
    "WaitingForVpcId",
    NO_KIND,
];

/// The definition of a kind is missing: one for all objects of the kind.
const NO_KIND: &str = "KindNotServed";

/// What has to be made or named otherwise.
pub(super) fn steps<'a>(
    picture: &Picture,
    nodes: impl Iterator<Item = &'a Node>,
    now: Timestamp,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut told: Vec<String> = Vec::new();
    let nodes: Vec<&Node> = nodes
        .filter(|node| !node.deleting && node.paused.is_none())
        .collect();
    for node in &nodes {
        for (reference, key) in picture.needs(node) {
            let is_missing = picture.get(key).is_some_and(|needed| !needed.exists);
            let title = short_title(key);
            if is_missing && !is_made(picture, key) && !told.contains(&title) {
                told.push(title);
                steps.push(absent(node, reference, key));
            }
        }
        if node.key.kind == NodeKind::Cluster && node.needs.is_empty() && node.topology.is_none() {
            let mut step = Step::new(format!(
                "{} has neither infrastructure nor control plane: name them in spec.infrastructureRef and \
                 spec.controlPlaneRef",
                node.key.title()
            ));
            step.command("to name them", edit(&node.key));
            steps.push(step);
        }
    }
    for node in &nodes {
        for wait in &node.waits {
            let is_known = FOR_A_PERSON.contains(&wait.reason.as_str());
            let is_kind = wait.reason == NO_KIND;
            let what = if is_kind { &wait.reason } else { &wait.on };
            if !is_known || told.contains(what) || (!is_kind && is_made_for(picture, what)) {
                continue;
            }
            told.push(what.clone());
            let since = wait.since.map(|since| format!(" for {}", age(since, now)));
            steps.push(Step::new(format!(
                "{} waits{}: {}",
                node.key.title(),
                since.unwrap_or_default(),
                one_line(&wait.message)
            )));
        }
    }
    steps
}

/// As waits name objects.
fn short_title(key: &NodeKey) -> String {
    format!("{}/{}", key.kind.name(), key.name)
}

fn absent(node: &Node, reference: &Reference, key: &NodeKey) -> Step {
    let (title, referrer) = (key.title(), node.key.title());
    let also = reference
        .or
        .as_ref()
        .map(|or| format!(" (nor {})", or.name))
        .unwrap_or_default();
    let mut step = Step::new(format!(
        "{referrer} refers to {title}{also}, which does not exist: create it, or correct {} of {referrer}",
        reference.field
    ));
    // What was made by another object would be made the same again.
    if node.parent.is_none() || !matches!(node.key.kind, NodeKind::Apply | NodeKind::Workspace) {
        step.command("to correct it", edit(&node.key));
    }
    step
}

/// Whether somebody of the picture makes it sooner or later: the Secret of a workspace, the workspace of an apply.
fn is_made(picture: &Picture, key: &NodeKey) -> bool {
    picture.nodes().filter(|node| node.exists).any(|node| {
        let is_apply_of = || {
            let name = node.key.name.strip_suffix("-apply").unwrap_or(&node.key.name);
            key.kind == NodeKind::Workspace
                && node.key.kind == NodeKind::Apply
                && node.key.namespace == key.namespace
                && name == key.name
        };
        node.writes.contains(key) || is_apply_of()
    })
}

/// [`is_made`] for what a wait names, as `Kind/name`.
fn is_made_for(picture: &Picture, on: &str) -> bool {
    let Some((kind, name)) = on.split_once('/') else {
        return false;
    };
    let Some(kind) = NodeKind::of(kind) else {
        return false;
    };
    let mut namespaces: Vec<&str> = picture.nodes().map(|node| node.key.namespace.as_str()).collect();
    namespaces.dedup();
    namespaces
        .into_iter()
        .any(|namespace| is_made(picture, &NodeKey::new(kind, namespace, name)))
}
