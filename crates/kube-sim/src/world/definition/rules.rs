//! What a definition may say.

use serde_json::{Value, json};

use crate::table::is_json_path;
use crate::world::admission::Shape;
use crate::world::failure::FieldError;
use crate::world::meta;
use crate::world::request::unsupported;

/// Defaults of a definition that is written.
pub(in crate::world) fn prepare(definition: &mut Value) {
    let spec = &mut definition["spec"];
    if !spec.is_object() {
        return;
    }
    if let Some(kind) = spec["names"]["kind"].as_str().map(str::to_owned) {
        if spec["names"]["singular"].as_str().is_none_or(str::is_empty) {
            spec["names"]["singular"] = json!(kind.to_lowercase());
        }
        if spec["names"]["listKind"].as_str().is_none_or(str::is_empty) {
            spec["names"]["listKind"] = json!(format!("{kind}List"));
        }
    }
    if spec["conversion"].is_null() {
        spec["conversion"] = json!({"strategy": "None"});
    }
}

/// The rules of a definition.
pub(in crate::world) fn validate(definition: &Value, live: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = &definition["spec"];
    let text = |path: &[&str]| meta::text(spec, path);
    for (path, field) in [
        (&["group"][..], "spec.group"),
        (&["names", "plural"], "spec.names.plural"),
        (&["names", "kind"], "spec.names.kind"),
        (&["scope"], "spec.scope"),
    ] {
        if text(path).is_empty() {
            errors.push(FieldError::required(field, ""));
        }
    }
    if !matches!(text(&["scope"]), "" | "Namespaced" | "Cluster") {
        errors.push(unsupported(
            "spec.scope",
            text(&["scope"]),
            &["Cluster", "Namespaced"],
        ));
    }
    let expected = format!("{}.{}", text(&["names", "plural"]), text(&["group"]));
    if meta::name(definition) != expected {
        errors.push(FieldError::invalid(
            "metadata.name",
            &json!(meta::name(definition)),
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    let group = text(&["group"]);
    let protected = [".k8s.io", ".kubernetes.io"].iter().any(|s| group.ends_with(s))
        || matches!(group, "k8s.io" | "kubernetes.io");
    if protected
        && meta::text(
            definition,
            &["metadata", "annotations", "api-approved.kubernetes.io"],
        )
        .is_empty()
    {
        errors.push(FieldError::required(
            "metadata.annotations[api-approved.kubernetes.io]",
            "protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111",
        ));
    }
    validate_versions(spec, &mut errors);
    if let Some(live) = live {
        let established = is_established(live);
        for (path, field) in [
            (&["spec", "group"][..], "spec.group"),
            (&["spec", "names", "plural"], "spec.names.plural"),
        ] {
            if meta::text(live, path) != meta::text(definition, path) {
                errors.push(FieldError::invalid(
                    field,
                    &json!(meta::text(definition, path)),
                    "field is immutable",
                ));
            }
        }
        for (path, field) in [
            (&["spec", "scope"][..], "spec.scope"),
            (&["spec", "names", "kind"], "spec.names.kind"),
        ] {
            if established && meta::text(live, path) != meta::text(definition, path) {
                errors.push(FieldError::invalid(
                    field,
                    &json!(meta::text(definition, path)),
                    "field is immutable",
                ));
            }
        }
    }
    for (at, stored) in definition["status"]["storedVersions"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let known = spec["versions"]
            .as_array()
            .is_some_and(|all| all.iter().any(|v| v["name"] == *stored));
        if !known {
            errors.push(FieldError::invalid(
                format!("status.storedVersions[{at}]"),
                stored,
                "must appear in spec.versions",
            ));
        }
    }
    errors
}

fn validate_versions(spec: &Value, errors: &mut Vec<FieldError>) {
    let empty = Vec::new();
    let versions = spec["versions"].as_array().unwrap_or(&empty);
    if versions.is_empty() {
        errors.push(FieldError::required(
            "spec.versions",
            "must have at least one version",
        ));
        return;
    }
    if versions.iter().filter(|v| v["storage"] == true).count() != 1 {
        errors.push(FieldError::invalid(
            "spec.versions",
            &spec["versions"],
            "must have exactly one version marked as storage version",
        ));
    }
    for (at, version) in versions.iter().enumerate() {
        let field = format!("spec.versions[{at}].schema.openAPIV3Schema");
        match &version["schema"]["openAPIV3Schema"] {
            Value::Null => errors.push(FieldError::required(field, "schemas are required")),
            openapi => {
                for (at, column) in version["additionalPrinterColumns"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .enumerate()
                {
                    if !is_json_path(meta::text(column, &["jsonPath"])) {
                        let place = field.replace("schema.openAPIV3Schema", "additionalPrinterColumns");
                        let why = "is not a valid JSON path";
                        errors.push(FieldError::invalid(
                            format!("{place}[{at}].jsonPath"),
                            &column["jsonPath"],
                            why,
                        ));
                    }
                }
                if let Err(causes) = Shape::compile(openapi) {
                    errors.extend(causes.into_iter().map(|cause| FieldError {
                        field: if cause.field.is_empty() {
                            field.clone()
                        } else {
                            format!("{field}.{}", cause.field)
                        },
                        ..cause
                    }));
                }
            }
        }
    }
}

fn is_established(definition: &Value) -> bool {
    definition["status"]["conditions"].as_array().is_some_and(|all| {
        all.iter()
            .any(|c| c["type"] == "Established" && c["status"] == "True")
    })
}
