//! What nobody works on, although it is not done.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::step::{Step, events};
use super::{UNSEEN, removal};
use crate::words::{age, one_line};
use crate::{Node, NodeKey, NodeKind, Picture};

/// After this long a try that was due should have begun.
const LATE: i64 = 60;

/// Whether an object is as it should be, and nothing is going to happen to it.
pub(super) fn is_settled(node: &Node) -> bool {
    if !node.exists || !node.key.kind.has_state() {
        return true;
    }
    let is_done = if node.key.kind == NodeKind::Cluster {
        // Older versions of Cluster API do not say whether it is available.
        node.ready || (node.condition("Available").is_none() && node.state == "Provisioned")
    } else {
        node.ready && node.state == "Ready"
    };
    is_done && node.observed && !node.deleting && node.waits.is_empty()
}

/// What stands still and why, if nothing moves among the objects of a cluster nor among those that they wait for.
pub(super) fn steps(picture: &Picture, belonging: &BTreeSet<NodeKey>, now: Timestamp) -> Vec<Step> {
    let open: Vec<&Node> = belonging
        .iter()
        .filter_map(|key| picture.get(key))
        .filter(|node| !is_settled(node))
        .collect();
    if open.is_empty()
        || reach(picture, belonging)
            .iter()
            .any(|key| moves(picture, key, now))
    {
        return Vec::new();
    }
    let is_open = |key: &NodeKey| open.iter().any(|node| node.key == *key);
    let waits_for_another = |node: &Node| {
        let mut waits = node.waits.iter();
        waits.any(|wait| {
            key_of(&wait.on, &node.key.namespace).is_some_and(|key| key != node.key && is_open(&key))
        })
    };
    let is_above_another = |node: &Node| {
        let mut below = picture.children(&node.key).into_iter();
        below.any(|child| is_open(&child.key))
    };
    let causes = open
        .iter()
        .filter(|node| !waits_for_another(node) && !is_above_another(node));
    causes.map(|node| stands(node, now)).collect()
}

fn stands(node: &Node, now: Timestamp) -> Step {
    let title = node.key.title();
    if let Some(at) = node.attempts.next.filter(|_| node.state == "Recovering") {
        return Step::new(format!(
            "{title} was to be tried again {} ago, and was not: see that capt-operator runs and works on the namespace \
             {}; its log says what keeps it",
            age(at, now),
            node.key.namespace
        ));
    }
    let mut step = if let Some(wait) = node.waits.first() {
        let since = wait.since.map(|since| format!(" for {}", age(since, now)));
        let message = if wait.message.is_empty() {
            &wait.on
        } else {
            &wait.message
        };
        let since = since.unwrap_or_default();
        Step::new(format!("{title} waits{since}: {}", one_line(message)))
    } else {
        let said = [node.condition("Ready"), node.condition("Available")];
        let said = said.into_iter().flatten().find(|said| said.status != "True");
        let why = said.map(|said| {
            let text = if said.message.is_empty() {
                &said.reason
            } else {
                &said.message
            };
            format!(": {}", one_line(text))
        });
        Step::new(format!(
            "{title} is not ready, and nothing is being done about it{}",
            why.unwrap_or_default()
        ))
    };
    step.command("its events", events(&node.key));
    step
}

/// These objects, what they refer to or wait for, and what is made for any of that.
fn reach(picture: &Picture, belonging: &BTreeSet<NodeKey>) -> BTreeSet<NodeKey> {
    let mut found = BTreeSet::new();
    let mut next: Vec<NodeKey> = belonging.iter().cloned().collect();
    while let Some(key) = next.pop() {
        let Some(node) = picture.get(&key).filter(|node| node.key.kind.has_state()) else {
            continue;
        };
        if !found.insert(key) {
            continue;
        }
        next.extend(picture.needs(node).into_iter().map(|(_, key)| key.clone()));
        let waits = node.waits.iter();
        next.extend(waits.filter_map(|wait| key_of(&wait.on, &node.key.namespace)));
        next.extend(
            picture
                .children(&node.key)
                .into_iter()
                .map(|child| child.key.clone()),
        );
        // Whoever makes what is waited for.
        next.extend(
            node.parent
                .clone()
                .filter(|parent| parent.kind != NodeKind::Cluster),
        );
    }
    found
}

/// Whether somebody works on an object, or has only just changed it.
fn moves(picture: &Picture, key: &NodeKey, now: Timestamp) -> bool {
    let Some(node) = picture
        .get(key)
        .filter(|node| node.exists && node.paused.is_none())
    else {
        return false;
    };
    if is_settled(node) {
        return false;
    }
    let ago = |at: Timestamp| now.duration_since(at);
    let waits = node.waits.iter().filter_map(|wait| wait.since);
    let said = node.conditions.iter().map(|said| said.since);
    let times = [node.created, node.since, node.deleting_since]
        .into_iter()
        .flatten();
    let mut times = times.chain(waits).chain(said);
    if times.any(|at| ago(at) < SignedDuration::from_secs(UNSEEN)) {
        return true;
    }
    if node.deleting {
        return removal::needed_by(picture, node).is_empty();
    }
    match node.state.as_str() {
        "Provisioning" | "Configuring" => !node.waits.iter().any(|wait| wait.reason.ends_with("Missing")),
        "Recovering" => node.attempts.next.is_none_or(|at| ago(at).as_secs() < LATE),
        "Degraded" => true,
        _ => false,
    }
}

/// The object that a wait names as `Kind/name`.
fn key_of(on: &str, namespace: &str) -> Option<NodeKey> {
    let (kind, name) = on.split_once('/')?;
    let (namespace, name) = name.split_once('/').unwrap_or((namespace, name));
    Some(NodeKey::new(NodeKind::of(kind)?, namespace, name))
}
