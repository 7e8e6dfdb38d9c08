//! The custom resource definitions, in the form in which a server gets them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps,
};
use kube::CustomResourceExt;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

pub use crate::cluster::cluster_crd;

/// The seven kinds of CAPT, in the order in which they should be installed.
///
/// Use this and not `Kind::crd()`: the definitions are put into the form that API servers expect. A field
/// that is left out is not written as null (`nullable`), and number formats are those of Kubernetes.
pub fn all_crds() -> Vec<CustomResourceDefinition> {
    [
        crate::WorkspaceTemplate::crd(),
        crate::WorkspaceTemplateApply::crd(),
        crate::TerraformWorkspace::crd(),
        crate::CAPTCluster::crd(),
        crate::CAPTClusterTemplate::crd(),
        crate::CAPTControlPlane::crd(),
        crate::CAPTControlPlaneTemplate::crd(),
    ]
    .into_iter()
    .map(normalized)
    .map(unobserved)
    .collect()
}

/// Gives a status with `observedGeneration` a default that says that nobody has looked at the object yet: without it,
/// generic tools take an object without a status for one that has arrived (kstatus, `kubectl rollout`-like scripts).
fn unobserved(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let schema = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut());
        let status = schema
            .and_then(|schema| schema.properties.as_mut())
            .and_then(|properties| properties.get_mut("status"));
        let Some(status) = status else { continue };
        let observes = |properties: &std::collections::BTreeMap<String, JSONSchemaProps>| {
            properties.contains_key("observedGeneration")
        };
        if status.properties.as_ref().is_some_and(observes) {
            status.default = Some(JSON(serde_json::json!({ "observedGeneration": -1 })));
        }
    }
    crd
}

/// A schema that takes any object.
pub(crate) fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// A schema that takes an object with values of any type.
pub(crate) fn any_value_map(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": { "x-kubernetes-preserve-unknown-fields": true },
    })
}

/// A schema that takes tags as AWS does: fifty, with values of 256 characters.
pub(crate) fn tags(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 50,
        "additionalProperties": { "type": "string", "maxLength": 256 },
    })
}

/// A schema that takes texts by name. The number bounds what a rule over them costs.
pub(crate) fn variables(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 1024,
        "additionalProperties": { "type": "string" },
    })
}

/// Puts the schemas of a generated definition into the form that API servers expect.
pub(crate) fn normalized(crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let mut value = serde_json::to_value(crd).expect("a generated definition is JSON");
    for version in value["spec"]["versions"].as_array_mut().into_iter().flatten() {
        normalize_schema(&mut version["schema"]["openAPIV3Schema"]);
    }
    serde_json::from_value(value).expect("normalizing keeps the shape of a definition")
}

/// Removes `nullable`, collapses `anyOf: [X, null]` into X and maps Rust's integer formats onto those that
/// Kubernetes knows, at every depth.
fn normalize_schema(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    object.remove("nullable");
    if let Some(Value::Array(branches)) = object.get("anyOf") {
        let kept: Vec<&Value> = branches.iter().filter(|branch| !is_null_schema(branch)).collect();
        if kept.len() == 1 && kept.len() < branches.len() {
            let only = kept[0].clone();
            object.remove("anyOf");
            if let Value::Object(only) = only {
                for (key, value) in only {
                    object.entry(key).or_insert(value);
                }
            }
        }
    }
    if let Some(format) = object.get_mut("format") {
        match format.as_str() {
            Some("uint8" | "uint16" | "int8" | "int16") => *format = "int32".into(),
            Some("uint32" | "uint64" | "uint") => *format = "int64".into(),
            _ => {}
        }
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(normalize_schema);
    }
    for key in ["items", "additionalProperties", "not"] {
        if let Some(inner) = object.get_mut(key) {
            normalize_schema(inner);
        }
    }
    for key in ["anyOf", "allOf", "oneOf"] {
        if let Some(Value::Array(branches)) = object.get_mut(key) {
            branches.iter_mut().for_each(normalize_schema);
        }
    }
}

fn is_null_schema(schema: &Value) -> bool {
    schema["enum"] == Value::Array(vec![Value::Null]) || schema["type"] == "null"
}
