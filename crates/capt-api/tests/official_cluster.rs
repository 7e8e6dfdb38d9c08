//! Our `Cluster` against the official definition, where that is present.
//!
//! `CAPT_CAPI_CRDS` names the folder with the definitions of Cluster API; without it `../shared/data/capi-crds`
//! beside the repository is looked at.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use std::io::Write as _;
use std::path::PathBuf;

use capt_api::cluster_crd;
use serde_json::Value;

fn official() -> Option<Value> {
    let folder = std::env::var_os("CAPT_CAPI_CRDS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/capi-crds"),
        PathBuf::from,
    );
    let file = folder.join("cluster.x-k8s.io_clusters.yaml");
    let text = std::fs::read_to_string(file).ok()?;
    // The official definition is larger than what the reader takes by default.
    let options = serde_saphyr::options! { budget: None };
    Some(serde_saphyr::from_str_with_options(&text, options).unwrap())
}

/// What ours says and the official schema does not, field by field.
fn differences(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    if ours["type"] != theirs["type"] {
        found.push(format!("{path}: type {} is {}", ours["type"], theirs["type"]));
    }
    for key in [
        "enum",
        "minProperties",
        "maxLength",
        "minLength",
        "x-kubernetes-list-map-keys",
    ] {
        // Ours may check less; what it checks must be theirs.
        if ours.get(key).is_some() && ours[key] != theirs[key] {
            found.push(format!("{path}: {key} {} is {}", ours[key], theirs[key]));
        }
    }
    let empty = Vec::new();
    let required = |schema: &Value| schema["required"].as_array().unwrap_or(&empty).clone();
    for field in required(ours) {
        if !required(theirs).contains(&field) {
            found.push(format!("{path}: {field} is not required"));
        }
    }
    for (name, property) in ours["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match theirs["properties"].get(name) {
            Some(official) => differences(&path, property, official, found),
            None => found.push(format!("{path}: does not exist")),
        }
    }
    for key in ["items", "additionalProperties"] {
        if ours[key]["type"].is_string() {
            differences(&format!("{path}[]"), &ours[key], &theirs[key], found);
        }
    }
}

fn version<'a>(crd: &'a Value, name: &str) -> &'a Value {
    crd["spec"]["versions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|version| version["name"] == name)
        .unwrap()
}

#[test]
fn every_field_of_ours_is_theirs() {
    let Some(official) = official() else {
        // Straight to stderr: what a passing test prints with println! is not shown.
        let reason = "not run: the official Cluster definition is absent (CAPT_CAPI_CRDS names its folder)";
        writeln!(std::io::stderr(), "{reason}").unwrap();
        return;
    };
    let ours = serde_json::to_value(cluster_crd()).unwrap();
    assert_eq!(
        ours["spec"]["names"]["shortNames"],
        official["spec"]["names"]["shortNames"]
    );
    assert_eq!(
        ours["spec"]["names"]["categories"],
        official["spec"]["names"]["categories"]
    );
    for name in ["v1beta2", "v1beta1"] {
        let (ours, theirs) = (version(&ours, name), version(&official, name));
        for key in ["storage", "served", "additionalPrinterColumns"] {
            assert_eq!(ours[key], theirs[key], "{name} {key}");
        }
        let mut found = Vec::new();
        for part in ["spec", "status"] {
            let at = |version: &Value| version["schema"]["openAPIV3Schema"]["properties"][part].clone();
            differences(part, &at(ours), &at(theirs), &mut found);
        }
        assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
    }
}

#[test]
fn what_differs_is_named() {
    let theirs = serde_json::json!({ "type": "object", "required": ["a"], "properties": {
        "a": { "type": "string", "maxLength": 5 }, "b": { "type": "array", "items": { "type": "string" } } } });
    let ours = serde_json::json!({ "type": "object", "required": ["b"], "properties": {
        "a": { "type": "integer", "maxLength": 6 }, "b": { "type": "array", "items": { "type": "object" } },
        "c": { "type": "string" } } });
    let mut found = Vec::new();
    differences("spec", &ours, &theirs, &mut found);
    assert_eq!(
        found,
        [
            "spec: \"b\" is not required",
            "spec.a: type \"integer\" is \"string\"",
            "spec.a: maxLength 6 is 5",
            "spec.b[]: type \"object\" is \"string\"",
            "spec.c: does not exist",
        ]
    );
}
