//! What generic tools make of an object is what is true of it: `kstatus` and `kubectl wait`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::kstatus::{Kstatus, condition, kstatus};
use crate::manifest::Target;

/// How long a round may take from reading the clock to the write that it ends with.
const ROUND: SignedDuration = SignedDuration::from_secs(2);

/// The violations in what the operator has just said about `target` at `now`.
pub(super) fn check(
    before: Option<&Value>,
    after: &Value,
    target: &Target,
    world: &BTreeMap<Target, Arc<Value>>,
    now: Timestamp,
    found: &mut Vec<String>,
) {
    if before.is_some_and(|before| before["status"] == after["status"]) {
        return;
    }
    if before.is_none() {
        // Nobody has looked at it yet.
        if kstatus(after) != Kstatus::InProgress {
            found.push(format!("kstatus says {} of a new object", kstatus(after)));
        }
        return;
    }
    generations(after, found);
    transitions(before, after, now, found);
    let is = |kind: &str| condition(after, kind).is_some_and(|condition| condition["status"] == "True");
    if is("Reconciling") && is("Stalled") {
        found.push("Reconciling and Stalled together".to_owned());
    }
    if (after["status"]["ready"] == true) != is("Ready") {
        found.push("status.ready is not what the condition Ready says".to_owned());
    }
    if after["metadata"]["deletionTimestamp"].is_string() {
        if is("Ready") && !is("Paused") {
            found.push("Ready while it is being deleted".to_owned());
        }
        return;
    }
    let truth = Truth::of(after, target, world);
    let seen = kstatus(after);
    let expected = match truth {
        Truth::Reached => Kstatus::Current,
        Truth::GoesOn(_) => Kstatus::InProgress,
        Truth::NeedsAPerson => Kstatus::Failed,
    };
    if seen != expected {
        found.push(format!("kstatus says {seen}, and it is {truth:?}"));
    }
}

/// What is true of an object, from its record alone: not from the conditions, which are what is checked.
#[derive(Debug)]
enum Truth {
    /// It is applied for its present input, everything below it is, and nothing is going on.
    Reached,
    /// Something is still to be done, for this reason.
    GoesOn(#[allow(dead_code, reason = "it is shown with the violation")] String),
    /// Nothing (more) happens before somebody does something.
    NeedsAPerson,
}

impl Truth {
    fn of(object: &Value, target: &Target, world: &BTreeMap<Target, Arc<Value>>) -> Self {
        let status = &object["status"];
        if condition(object, "Paused").is_some_and(|paused| paused["status"] == "True") {
            // Nobody works on it: what counts is whether the present input is applied, which only `UpToDate` tells.
            let current = condition(object, "UpToDate").is_some_and(|current| current["status"] == "True");
            return if current && status["state"] == "Ready" {
                Self::Reached
            } else {
                Self::GoesOn("paused before it was done".to_owned())
            };
        }
        // Whoever has begun goes on, however long it takes; whoever waits for a dependency does not.
        let waits = match status["state"].as_str() {
            Some("Validating") => true,
            Some("Recovering") => status["recovery"]["nextAttempt"].is_null(),
            _ => false,
        };
        let overdue = waits && status["progress"]["overdue"] == true;
        match status["state"].as_str().unwrap_or("Pending") {
            "Failed" => Self::NeedsAPerson,
            "Degraded" if status["recovery"]["exhausted"] == true => Self::NeedsAPerson,
            _ if overdue => Self::NeedsAPerson,
            "Ready" if !is_applied(status) => Self::GoesOn("the input is not applied".to_owned()),
            "Ready" => match unsettled_child(object, target, world) {
                Some(child) => Self::GoesOn(format!("{child} is at work")),
                None => Self::Reached,
            },
            state => Self::GoesOn(state.to_owned()),
        }
    }
}

fn is_applied(status: &Value) -> bool {
    !status["inputDigest"].is_null() && status["inputDigest"] == status["appliedInputDigest"]
}

/// An object that `object` controls and that is not as it should be.
fn unsettled_child(object: &Value, target: &Target, world: &BTreeMap<Target, Arc<Value>>) -> Option<Target> {
    let controls = |child: &Value| {
        let mut owners = child["metadata"]["ownerReferences"]
            .as_array()
            .into_iter()
            .flatten();
        owners.any(|owner| owner["controller"] == true && owner["uid"] == object["metadata"]["uid"])
    };
    let unsettled = |child: &Value| {
        child["status"]["state"] != "Ready"
            || child["status"]["observedGeneration"] != child["metadata"]["generation"]
    };
    let below = world.iter().filter(|(child, _)| {
        child.namespace == target.namespace && super::RECONCILED.contains(&&*child.kind)
    });
    below
        .filter(|(_, child)| controls(child) && unsettled(child))
        .map(|(child, _)| child.clone())
        .next()
}

/// `kubectl wait` compares these with the generation of the object: one that is missing or old makes it wait for ever
/// or return early.
fn generations(after: &Value, found: &mut Vec<String>) {
    let generation = &after["metadata"]["generation"];
    let observed = &after["status"]["observedGeneration"];
    for condition in after["status"]["conditions"].as_array().into_iter().flatten() {
        let of_condition = &condition["observedGeneration"];
        if of_condition.is_null() || of_condition.as_i64() > generation.as_i64() {
            found.push(format!(
                "observedGeneration of {} is {of_condition}, of the object {generation}",
                condition["type"]
            ));
        }
        if of_condition != observed && condition["type"] != "Paused" {
            found.push(format!(
                "observedGeneration of {} is {of_condition}, of the status {observed}",
                condition["type"]
            ));
        }
    }
}

/// `lastTransitionTime` is the moment at which the status of a condition changed last.
fn transitions(before: Option<&Value>, after: &Value, now: Timestamp, found: &mut Vec<String>) {
    for is in after["status"]["conditions"].as_array().into_iter().flatten() {
        let kind = is["type"].as_str().unwrap_or_default();
        let was = before.and_then(|before| condition(before, kind));
        if was.is_some_and(|was| was["status"] == is["status"]) {
            continue;
        }
        let time = is["lastTransitionTime"].as_str().unwrap_or_default();
        let recent = time
            .parse::<Timestamp>()
            .is_ok_and(|time| time <= now && now.duration_since(time) <= ROUND);
        if !recent {
            found.push(format!(
                "{kind} has just become {}, lastTransitionTime is {time}",
                is["status"]
            ));
        }
    }
}
