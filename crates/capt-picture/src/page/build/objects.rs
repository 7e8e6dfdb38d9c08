//! The objects of a page, in the order of the tree, each with its line.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::conditions;
use super::super::model::{ConditionPart, ObjectPart, ProgressPart, TreeLine, WaitPart};
use super::super::paper::Tone;
use super::lasting;
use crate::advice::{is_held, origin};
use crate::text::{facts, is_moving};
use crate::words::{length, one_line, short};
use crate::{Branch, Node, NodeKey, NodeKind, Picture, summary, tree};

/// How much of a message stands on the line of an object.
const ON_A_LINE: usize = 160;

pub(super) fn parts(own: &Picture, cluster: &NodeKey, now: Timestamp) -> Vec<ObjectPart> {
    let branches = tree(own);
    let above = parents(&branches);
    let part = |branch: &Branch<'_>| {
        let node = branch.node;
        let parent = above.get(&node.key).copied();
        let waits = waits_to_show(own, node, &above);
        ObjectPart {
            kind: node.key.kind.name(),
            namespace: node.key.namespace.clone(),
            name: node.key.name.clone(),
            parent: parent.map(ToString::to_string),
            exists: node.exists,
            state: node.state.clone(),
            since: node.since,
            ready: node.ready,
            observed: node.observed,
            deleting_since: node.deleting_since,
            paused: node.paused.as_ref().map(ToString::to_string),
            progress: progress(node),
            waits: node.waits.iter().map(|it| wait(own, it)).collect(),
            because_of: origin(own, node).map(|source| source.key.to_string()),
            id: node.id.clone(),
            version: node.version.clone(),
            endpoint: node.endpoint.clone(),
            notes: notes(own, node, cluster),
            conditions: node
                .conditions
                .iter()
                .map(|said| condition(own, node, said))
                .collect(),
            line: TreeLine {
                arms: branch.arms.clone(),
                below: branch.below.clone(),
                standing: standing(own, node, cluster, now, &waits),
                tone: tone(node),
                waits,
            },
        }
    };
    branches.iter().map(part).collect()
}

/// What is above each object in the tree.
fn parents<'a>(branches: &[Branch<'a>]) -> BTreeMap<&'a NodeKey, &'a NodeKey> {
    let mut path: Vec<&NodeKey> = Vec::new();
    let mut above = BTreeMap::new();
    for branch in branches {
        path.truncate(branch.depth);
        if let Some(parent) = path.last() {
            above.insert(&branch.node.key, *parent);
        }
        path.push(&branch.node.key);
    }
    above
}

/// The waits of an object that nothing above it shows already.
fn waits_to_show(own: &Picture, node: &Node, above: &BTreeMap<&NodeKey, &NodeKey>) -> Vec<usize> {
    let mut told = Vec::new();
    let mut key = above.get(&node.key).copied();
    while let Some(parent) = key.and_then(|key| own.get(key)) {
        told.extend(&parent.waits);
        key = above.get(&parent.key).copied();
    }
    let is_new = |(_, wait): &(usize, &crate::Waiting)| {
        // Who waits for a child waits for what that one waits for, and says so in the same words.
        let is_told = told.iter().any(|it| {
            it.message == wait.message
                && (!it.message.is_empty() || (it.on == wait.on && it.reason == wait.reason))
        });
        // Its pause stands on its line, its fault in a part of its own.
        let is_own_fault = node.fault.as_ref().is_some_and(|fault| fault.code == wait.reason);
        // That stands on its line: because of whom.
        let is_blamed = origin(own, node)
            .is_some_and(|source| wait.on == format!("{}/{}", source.key.kind.name(), source.key.name));
        !is_told && !is_own_fault && !is_blamed && wait.reason != "Paused"
    };
    let waits = node.waits.iter().enumerate();
    waits.filter(is_new).map(|(index, _)| index).collect()
}

fn progress(node: &Node) -> Option<ProgressPart> {
    // Cluster API gives a Cluster none.
    if !is_moving(node) || node.key.kind == NodeKind::Cluster {
        return None;
    }
    Some(ProgressPart {
        operation: node.operation.clone(),
        current: node.current.clone(),
        percent: node.percent,
        completed_steps: node.steps.map(|(done, _)| done),
        total_steps: node.steps.map(|(_, total)| total),
        started_at: node.started_at,
        expected_at: node.expected_at,
        overdue: node.overdue,
    })
}

fn wait(own: &Picture, wait: &crate::Waiting) -> WaitPart {
    WaitPart {
        repeated: conditions::tells_fault(own, &wait.message),
        on: wait.on.clone(),
        reason: wait.reason.clone(),
        message: wait.message.clone(),
        since: wait.since,
    }
}

fn condition(own: &Picture, node: &Node, said: &crate::Said) -> ConditionPart {
    ConditionPart {
        kind: said.kind.clone(),
        status: said.status.clone(),
        reason: said.reason.clone(),
        message: said.message.clone(),
        since: said.since,
        as_wanted: conditions::is_as_wanted(said),
        meaning: conditions::meaning(said),
        remarkable: conditions::is_remarkable(own, node, said),
        repeated: conditions::is_repeated(own, node, said),
    }
}

/// What else is worth knowing about an object.
fn notes(own: &Picture, node: &Node, cluster: &NodeKey) -> Vec<String> {
    let mut notes: Vec<String> = node.notes.iter().map(|note| one_line(note)).collect();
    let is_part = matches!(node.key.kind, NodeKind::Infrastructure | NodeKind::ControlPlane);
    if let Some(root) = own.get(cluster).filter(|root| root.exists && is_part) {
        let same_kind: Vec<_> = root
            .needs
            .iter()
            .filter(|it| it.key.kind == node.key.kind)
            .collect();
        let is_named = same_kind.iter().any(|it| it.key == node.key);
        if let Some(named) = same_kind.first().filter(|_| !is_named) {
            notes.push(format!(
                "it has the label of this Cluster, which uses {} instead",
                named.key.title_in(&cluster.namespace)
            ));
        } else if !is_named && root.topology.is_none() {
            notes.push("it has the label of this Cluster, which does not refer to it".to_owned());
        }
    }
    if !node.observed && node.exists && !node.deleting {
        notes.push(if node.conditions.is_empty() {
            "nobody has looked at it yet".to_owned()
        } else {
            "nobody has looked at its last change yet".to_owned()
        });
    }
    notes
}

/// How an object stands: the state, since when, how far, and what explains it.
fn standing(own: &Picture, node: &Node, cluster: &NodeKey, now: Timestamp, waits: &[usize]) -> String {
    if !node.exists {
        let referrer = own.nodes().find_map(|it| {
            let reference = own.needs(it).into_iter().find(|(_, key)| **key == node.key)?;
            let who = it.key.title_in(&cluster.namespace);
            Some(format!("{who} refers to it ({})", reference.0.field))
        });
        return format!("does not exist; {}", referrer.unwrap_or_default());
    }
    let mut words = summary(node);
    if let Some((done, total)) = node.steps.filter(|_| is_moving(node)) {
        words = format!("{words} {done}/{total}");
    }
    let mut parts = vec![words];
    let since = if node.deleting {
        node.deleting_since
    } else {
        node.since
    };
    parts.extend(since.map(|since| lasting(since, now)));
    if is_moving(node) {
        let left = node.expected_at.map(|at| at.duration_since(now));
        if node.overdue {
            parts.push("longer than its limit".to_owned());
        } else if let Some(left) = left {
            parts.push(if left.is_negative() {
                "longer than expected".to_owned()
            } else {
                format!("about {} to go", length(left))
            });
        }
    }
    let line = parts.join(", ");
    match detail(own, node, cluster, waits) {
        Some(detail) => format!("{line}: {detail}"),
        None => line,
    }
}

fn detail(own: &Picture, node: &Node, cluster: &NodeKey, waits: &[usize]) -> Option<String> {
    if let Some(pause) = &node.paused {
        return Some(short(&pause.to_string(), ON_A_LINE));
    }
    if let Some(source) = origin(own, node) {
        return Some(format!("because of {}", source.key.title_in(&cluster.namespace)));
    }
    if let Some(fault) = &node.fault {
        return Some(format!("{}, see below", one_line(&fault.code)));
    }
    if !is_moving(node) && node.ready {
        return Some(facts(node)).filter(|facts| !facts.is_empty());
    }
    let is_checking = matches!(node.state.as_str(), "" | "Pending" | "Validating") || is_held(node);
    let current = node
        .current
        .as_ref()
        .filter(|_| node.waits.is_empty() || !is_checking)?;
    let is_below = waits
        .iter()
        .filter_map(|index| node.waits.get(*index))
        .any(|wait| wait.message == *current);
    (!is_below).then(|| short(current, ON_A_LINE))
}

fn tone(node: &Node) -> Tone {
    let is_bad = !node.exists || node.is_stopped() || !node.approvals.is_empty() || node.overdue;
    if is_bad {
        Tone::Bad
    } else if node.deleting || node.paused.is_some() {
        Tone::Busy
    } else if node.ready && !is_moving(node) {
        Tone::Good
    } else {
        Tone::Busy
    }
}
