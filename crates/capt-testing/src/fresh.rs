//! Whether two installations have come to the same state, whatever way they took.
//!
//! What tells only of the way is left out: times, uids, versions, counters, histories, and requests that were
//! honoured. Everything else counts: which objects there are, their owners, finalizers and specs, what their statuses
//! say, what the Secrets hold, and what exists in the cloud.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use capt_api::keys;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Scenario;
use crate::manifest::Target;

/// What the comparison looks at. Events tell of the way.
const COMPARED: [&str; 11] = [
    "Namespace",
    "Cluster",
    "CAPTCluster",
    "CAPTControlPlane",
    "CAPTClusterTemplate",
    "CAPTControlPlaneTemplate",
    "WorkspaceTemplate",
    "WorkspaceTemplateApply",
    "TerraformWorkspace",
    "Secret",
    "ConfigMap",
];

/// Members of the metadata that tell of the way.
const METADATA: [&str; 5] = [
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
];

/// Members of a status, wherever they stand in it, that tell of the way.
const STATUS: [&str; 9] = [
    "completedSteps",
    "finishedAt",
    "history",
    "lastTransitionTime",
    "observedRequest",
    "recovery",
    "since",
    "startedAt",
    "totalSteps",
];

/// What differs between two installations, one line each: `where: what here, what there`.
pub(crate) fn differences(here: &Scenario, there: &Scenario) -> Vec<String> {
    let mut found = Vec::new();
    compare("", &contents(here), &contents(there), &mut found);
    found
}

/// Everything that counts, as one value.
fn contents(scenario: &Scenario) -> Value {
    let objects = objects(scenario);
    let mut names: BTreeMap<String, String> = objects
        .iter()
        .filter_map(|(target, object)| {
            let uid = object["metadata"]["uid"].as_str()?;
            Some((uid.to_owned(), format!("<uid of {target}>")))
        })
        .collect();
    let states = scenario.cloud().names();
    names.extend(
        states
            .into_iter()
            .map(|(place, name)| (place, format!("<state {name}>"))),
    );
    let objects: Map<String, Value> = objects
        .into_iter()
        .map(|(target, object)| {
            (
                masked(&target.to_string(), &names),
                without_the_way(&object, &names),
            )
        })
        .collect();
    let cloud: Map<String, Value> = scenario
        .cloud()
        .contents()
        .into_iter()
        .map(|(place, made)| (masked(&place, &names), mask(made, &names)))
        .collect();
    json!({ "object": objects, "cloud": cloud })
}

fn objects(scenario: &Scenario) -> BTreeMap<Target, Value> {
    let world = scenario.server().world();
    let mut objects = BTreeMap::new();
    for kind in COMPARED {
        for object in world.list(&Target::new("", kind, "").resource(), None) {
            let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            objects.insert(
                Target::new(&text("namespace"), kind, &text("name")),
                (*object).clone(),
            );
        }
    }
    objects
}

fn without_the_way(object: &Value, names: &BTreeMap<String, String>) -> Value {
    let mut object = object.clone();
    let generation = object["metadata"]["generation"].clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, _| !METADATA.contains(&key.as_str()));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| key != keys::RETRY && key != keys::APPROVE);
        }
        metadata.retain(|_, value| !is_empty(value));
    }
    if object["kind"] == "Secret" {
        for value in object["data"]
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut)
        {
            *value = decoded(value);
        }
    }
    if let Some(status) = object.get_mut("status") {
        if let Some(run) = status.get_mut("run").and_then(Value::as_object_mut) {
            run.remove("id");
        }
        prune(status, &generation);
    }
    mask(object, names)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn decoded(value: &Value) -> Value {
    let bytes = value
        .as_str()
        .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map_or_else(|| value.clone(), Value::from)
}

/// Takes away what tells of the way, and says of generations only whether they are the present one.
fn prune(status: &mut Value, generation: &Value) {
    match status {
        Value::Object(members) => {
            members.retain(|key, _| !STATUS.contains(&key.as_str()));
            for (key, value) in members {
                if key == "observedGeneration" {
                    *value = json!(if *value == *generation { "present" } else { "past" });
                } else {
                    prune(value, generation);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| prune(item, generation)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Gives uids and places of states their names, and hides times.
fn mask(value: Value, names: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::from(masked(&text, names)),
        Value::Array(items) => items.into_iter().map(|item| mask(item, names)).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (key, mask(value, names)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn masked(text: &str, names: &BTreeMap<String, String>) -> String {
    if text.parse::<Timestamp>().is_ok() {
        return "<time>".to_owned();
    }
    names
        .iter()
        .fold(text.to_owned(), |text, (place, name)| text.replace(place, name))
}

fn compare(place: &str, here: &Value, there: &Value, found: &mut Vec<String>) {
    match (here, there) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let place = format!("{place}/{key}");
                match (left.get(key), right.get(key)) {
                    (Some(left), Some(right)) => compare(&place, left, right, found),
                    (Some(left), None) => found.push(format!("{place}: {left} here, nothing there")),
                    (None, Some(right)) => found.push(format!("{place}: nothing here, {right} there")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&format!("{place}/{index}"), left, right, found);
            }
        }
        (left, right) if left == right => {}
        (left, right) => found.push(format!("{place}: {left} here, {right} there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named_with_its_place() {
        let mut found = Vec::new();
        let here = json!({ "a": { "b": [1, 2] }, "c": 1, "e": "x" });
        let there = json!({ "a": { "b": [1, 3] }, "d": 1, "e": ["x"] });
        compare("", &here, &there, &mut found);
        assert_eq!(
            found,
            [
                "/a/b/1: 2 here, 3 there",
                "/c: 1 here, nothing there",
                "/d: nothing here, 1 there",
                "/e: \"x\" here, [\"x\"] there",
            ]
        );
    }

    #[test]
    fn the_way_is_left_out_and_the_rest_stays() {
        let object = json!({
            "kind": "Secret",
            "metadata": {
                "name": "demo", "uid": "u1", "resourceVersion": "7", "generation": 3,
                "annotations": { keys::RETRY: "1" }, "finalizers": ["f"],
                "ownerReferences": [{ "name": "demo", "uid": "u2" }],
            },
            "data": { "key": "dmFsdWU=" },
            "status": {
                "observedGeneration": 3, "stateSince": "2026-01-01T00:00:00Z", "state": "Ready",
                "run": { "id": "4", "operation": "Apply", "startedAt": "2026-01-01T00:00:00Z" },
                "conditions": [{ "type": "Ready", "observedGeneration": 2, "lastTransitionTime": "x" }],
            },
        });
        let uids = BTreeMap::from([("u2".to_owned(), "<uid of Cluster/demo>".to_owned())]);
        assert_eq!(
            without_the_way(&object, &uids),
            json!({
                "kind": "Secret",
                "metadata": {
                    "name": "demo", "finalizers": ["f"],
                    "ownerReferences": [{ "name": "demo", "uid": "<uid of Cluster/demo>" }],
                },
                "data": { "key": "value" },
                "status": {
                    "observedGeneration": "present", "stateSince": "<time>", "state": "Ready",
                    "run": { "operation": "Apply" },
                    "conditions": [{ "type": "Ready", "observedGeneration": "past" }],
                },
            })
        );
    }
}
