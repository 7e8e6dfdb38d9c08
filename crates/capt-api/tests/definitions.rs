//! What the generated definitions say: names, labels, columns, and schemas that an API server takes.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use std::collections::BTreeMap;

use capt_api::{all_crds, cluster_crd};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

fn by_kind() -> BTreeMap<String, CustomResourceDefinition> {
    all_crds()
        .into_iter()
        .map(|crd| (crd.spec.names.kind.clone(), crd))
        .collect()
}

/// The column names of a definition, those that only `-o wide` shows in brackets.
fn columns(crd: &CustomResourceDefinition) -> String {
    crd.spec.versions[0]
        .additional_printer_columns
        .iter()
        .flatten()
        .map(|column| {
            if column.priority.unwrap_or(0) == 0 {
                column.name.clone()
            } else {
                format!("[{}]", column.name)
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn names_columns_and_categories() {
    let mut lines = Vec::new();
    for (kind, crd) in by_kind() {
        let names = &crd.spec.names;
        // Cluster API computes the name of a definition from the kind, without asking the server.
        assert_eq!(
            crd.metadata.name.as_deref(),
            Some(format!("{}.{}", names.plural, crd.spec.group).as_str())
        );
        assert_eq!(crd.spec.scope, "Namespaced");
        lines.push(format!(
            "{kind} {} short={} categories={} | {}",
            crd.metadata.name.as_deref().unwrap(),
            names.short_names.clone().unwrap_or_default().join(","),
            names.categories.clone().unwrap_or_default().join(","),
            columns(&crd),
        ));
    }
    let expected = "\
CAPTCluster captclusters.infrastructure.cluster.x-k8s.io short= categories=cluster-api,capt | VPC-ID READY STATE ENDPOINT AGE [CLUSTER] [PROGRESS] [REGION] [REASON]
CAPTClusterTemplate captclustertemplates.infrastructure.cluster.x-k8s.io short= categories=cluster-api,capt | AGE
CAPTControlPlane captcontrolplanes.controlplane.cluster.x-k8s.io short= categories=cluster-api,capt | READY PHASE STATE PROGRESS VERSION ENDPOINT AGE [CLUSTER] [AVAILABLE] [OPERATION] [REASON]
CAPTControlPlaneTemplate captcontrolplanetemplates.controlplane.cluster.x-k8s.io short= categories=cluster-api,capt | AGE
TerraformWorkspace terraformworkspaces.infrastructure.cluster.x-k8s.io short=tfws categories=capt | READY STATE PROGRESS [OPERATION] [ENGINE] [REASON] AGE
WorkspaceTemplate workspacetemplates.infrastructure.cluster.x-k8s.io short= categories=capt | WORKSPACE [VERSION] AGE
WorkspaceTemplateApply workspacetemplateapplies.infrastructure.cluster.x-k8s.io short=wtapply categories=capt,terraform | WORKSPACE APPLIED STATE PROGRESS [READY] [REASON] AGE";
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn every_definition_names_its_contract_and_provider() {
    for (kind, crd) in by_kind() {
        let labels = crd.metadata.labels.unwrap();
        assert_eq!(labels["cluster.x-k8s.io/v1beta2"], "v1beta1", "{kind}");
        let provider = if crd.spec.group.starts_with("controlplane.") {
            "control-plane-capt"
        } else {
            "infrastructure-capt"
        };
        assert_eq!(labels["cluster.x-k8s.io/provider"], provider, "{kind}");
    }
}

/// Calls `visit` with the path and the schema of every field.
fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), property, visit);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            walk(&format!("{path}[]"), &schema[key], visit);
        }
    }
}

#[test]
fn every_schema_is_structural_and_without_surprises() {
    let mut fields = 0;
    for crd in all_crds().into_iter().chain([cluster_crd()]) {
        let name = crd.metadata.name.clone().unwrap();
        for version in &crd.spec.versions {
            let schema = serde_json::to_value(version.schema.as_ref().unwrap()).unwrap();
            walk(&name, &schema["openAPIV3Schema"], &mut |path, field| {
                fields += 1;
                for key in ["anyOf", "oneOf", "allOf", "not", "nullable", "$ref"] {
                    assert!(field.get(key).is_none(), "{path} has {key}");
                }
                assert_ne!(field["type"], "number", "{path}: no floating point numbers");
                let open = field["x-kubernetes-preserve-unknown-fields"] == true;
                assert!(field["type"].is_string() || open, "{path} has no type");
                if let Some(format) = field.get("format") {
                    let known = ["int32", "int64", "date-time"];
                    assert!(known.contains(&format.as_str().unwrap()), "{path}: {format}");
                }
                if field["x-kubernetes-list-type"] == "map" {
                    for key in field["x-kubernetes-list-map-keys"].as_array().unwrap() {
                        let required = field["items"]["required"].as_array().unwrap();
                        assert!(required.contains(key), "{path}: {key} must be required");
                    }
                }
            });
        }
    }
    assert!(fields > 500, "{fields} fields were looked at");
}

#[test]
fn the_cluster_of_a_sandbox_stores_the_present_contract_and_serves_the_last_one() {
    let versions: Vec<_> = cluster_crd()
        .spec
        .versions
        .into_iter()
        .map(|version| (version.name, version.storage, version.served, version.deprecated))
        .collect();
    assert_eq!(
        versions,
        [
            ("v1beta2".to_owned(), true, true, None),
            ("v1beta1".to_owned(), false, true, Some(true)),
        ]
    );
}
