//! The answers of a real server, definition by definition.

use serde_json::{Value, json};

use super::rules::{prepare, validate};

/// A definition that is taken.
fn gadgets() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"kind": "Gadget", "plural": "gadgets"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }],
        },
    })
}

fn patched(patch: &Value) -> Value {
    let mut definition = gadgets();
    json_patch::merge(&mut definition, patch);
    prepare(&mut definition);
    definition
}

fn answer(definition: &Value, live: Option<&Value>) -> Vec<String> {
    let errors = validate(definition, live);
    let mut told: Vec<String> = errors
        .iter()
        .map(|error| format!("{}: {}", error.field, error.message))
        .collect();
    if told.is_empty() {
        told.push("taken".to_owned());
    }
    told
}

#[test]
fn definitions_are_answered_as_by_a_server() {
    let mut lines = include_str!("answers.txt").lines().peekable();
    let mut wrong = Vec::new();
    while let Some(line) = lines.next() {
        let Ok(patch) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let mut wanted = Vec::new();
        while let Some(told) = lines.next_if(|line| line.starts_with("    ")) {
            wanted.push(told.trim_start().to_owned());
        }
        let told = answer(&patched(&patch), None);
        if told != wanted {
            wrong.push(format!("{line}\nserver: {wanted:#?}\nhere: {told:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A definition that a server has accepted.
fn accepted(patch: &Value, stored: &[&str]) -> Value {
    let mut definition = patched(patch);
    definition["status"] = json!({
        "conditions": [{"type": "Established", "status": "True"}],
        "storedVersions": stored,
    });
    definition
}

#[test]
fn what_names_a_definition_does_not_change() {
    let live = accepted(&json!({}), &["v1"]);
    let changed = |patch: Value| {
        let mut definition = live.clone();
        json_patch::merge(&mut definition, &patch);
        answer(&definition, Some(&live))
    };
    assert_eq!(changed(json!({"metadata": {"labels": {"a": "b"}}})), ["taken"]);
    assert_eq!(
        changed(json!({"spec": {"scope": "Cluster"}})),
        [r#"spec.scope: Invalid value: "Cluster": field is immutable"#]
    );
    assert_eq!(
        changed(json!({"spec": {"names": {"kind": "Widget"}}})),
        [r#"spec.names.kind: Invalid value: "Widget": field is immutable"#]
    );
    assert_eq!(
        changed(json!({"spec": {"group": "example.com"}})),
        [
            r#"metadata.name: Invalid value: "gadgets.example.org": must be spec.names.plural+"."+spec.group"#,
            r#"spec.group: Invalid value: "example.com": field is immutable"#,
        ]
    );
}

#[test]
fn scope_and_kind_can_change_until_the_names_are_accepted() {
    let mut live = accepted(&json!({}), &["v1"]);
    live["status"]["conditions"] = json!([]);
    let mut definition = live.clone();
    definition["spec"]["scope"] = json!("Cluster");
    definition["spec"]["names"]["kind"] = json!("Widget");
    assert_eq!(answer(&definition, Some(&live)), ["taken"]);
}

#[test]
fn versions_that_objects_are_stored_in_stay() {
    let live = accepted(&json!({}), &["v1"]);
    let mut definition = live.clone();
    definition["spec"]["versions"][0]["name"] = json!("v2");
    assert_eq!(
        answer(&definition, Some(&live)),
        [
            "status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions; v1 was previously a storage \
             version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 \
             and removes v1 from status.storedVersions"
        ]
    );
    // Another one to store beside it is added to them.
    let mut definition = live.clone();
    let mut second = definition["spec"]["versions"][0].clone();
    second["name"] = json!("v2");
    definition["spec"]["versions"][0]["storage"] = json!(false);
    definition["spec"]["versions"]
        .as_array_mut()
        .expect("versions are a list")
        .push(second);
    assert_eq!(answer(&definition, Some(&live)), ["taken"]);
}

#[test]
fn a_protected_group_that_was_never_approved_can_change_elsewhere() {
    let patch = json!({"metadata": {"name": "gadgets.some.k8s.io"}, "spec": {"group": "some.k8s.io"}});
    let live = accepted(&patch, &["v1"]);
    let mut definition = live.clone();
    definition["metadata"]["labels"] = json!({"a": "b"});
    assert_eq!(answer(&definition, Some(&live)), ["taken"]);
    let mut approved = live.clone();
    approved["metadata"]["annotations"] = json!({"api-approved.kubernetes.io": "https://example.org/1"});
    assert_eq!(
        answer(&live, Some(&approved)),
        [
            "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval \
             annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111"
        ]
    );
}
