//! How one object stands, on one line.

use std::fmt::Write as _;

use crate::advice::is_held;
use crate::words::one_line;
use crate::{Node, NodeKind};

/// The word for how an object stands.
pub fn summary(node: &Node) -> String {
    let word = if !node.exists {
        "missing"
    } else if !node.key.kind.has_state() {
        ""
    } else if is_held(node) {
        "Deleting (waits)"
    } else if node.deleting {
        "Deleting"
    } else if node.paused.is_some() {
        "Paused"
    } else if node.key.kind == NodeKind::Cluster && node.ready {
        "Available"
    } else if node.state.is_empty() {
        "Pending"
    } else {
        &node.state
    };
    match node.percent.filter(|_| is_moving(node)) {
        Some(percent) => format!("{word} {percent}%"),
        None => word.to_owned(),
    }
}

/// How an object stands, with what explains it: `Provisioning 38% 2/5 terraform_data.cluster`.
pub fn status_text(node: &Node) -> String {
    let mut text = summary(node);
    if let Some((done, total)) = node.steps.filter(|_| is_moving(node)) {
        let _ = write!(text, " {done}/{total}");
    }
    if let Some(detail) = detail(node) {
        text.push(' ');
        text.push_str(&detail);
    }
    // A message may have several lines; a view has one for each object.
    one_line(&text)
}

/// Whether a percentage says something: it does while something is being done.
pub(crate) fn is_moving(node: &Node) -> bool {
    node.exists
        && node.key.kind.has_state()
        && !is_held(node)
        && (node.deleting
            || !matches!(
                node.state.as_str(),
                "" | "Ready" | "Failed" | "Degraded" | "Pending"
            ))
}

fn detail(node: &Node) -> Option<String> {
    if let Some(paused) = &node.paused {
        return Some(format!("({paused})"));
    }
    if let Some(fault) = &node.fault {
        let subject = if fault.subject.is_empty() {
            String::new()
        } else {
            format!("{}: ", fault.subject)
        };
        return Some(format!("[{}] {subject}{}", fault.code, fault.message));
    }
    if !node.deleting && node.ready && !is_moving(node) {
        let facts = facts(node);
        return (!facts.is_empty()).then_some(facts);
    }
    doing(node)
}

/// What a person wants to know of an object that is ready.
pub(crate) fn facts(node: &Node) -> String {
    let facts = [&node.id, &node.version, &node.endpoint];
    let facts: Vec<&str> = facts.into_iter().flatten().map(String::as_str).collect();
    facts.join(" ")
}

/// What is being done, or what is waited for: while only inputs are checked, what they wait for says more.
pub(crate) fn doing(node: &Node) -> Option<String> {
    let wait = node.waits.first().map(|wait| {
        if wait.message.is_empty() {
            format!("waiting for {}", wait.on)
        } else {
            wait.message.clone()
        }
    });
    let is_idle = matches!(node.state.as_str(), "" | "Pending" | "Validating");
    let is_destroying = node.deleting && node.steps.is_some();
    if (is_idle || node.deleting) && !is_destroying {
        wait.or_else(|| node.current.clone())
    } else {
        node.current.clone().or(wait)
    }
}
