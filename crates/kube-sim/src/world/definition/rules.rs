//! What a definition may say.

use serde_json::{Value, json};

use super::versions::{self, Shared};
use crate::world::failure::FieldError;
use crate::world::kind::NameRule;
use crate::world::meta;
use crate::world::request::unsupported;
use crate::world::validation::name_faults;

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

/// The rules of a definition, in the order in which the API server tells of them.
pub(in crate::world) fn validate(definition: &Value, live: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = &definition["spec"];
    let expected = format!(
        "{}.{}",
        meta::text(spec, &["names", "plural"]),
        meta::text(spec, &["group"])
    );
    if meta::name(definition) != expected {
        errors.push(FieldError::invalid(
            "metadata.name",
            &json!(meta::name(definition)),
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    validate_spec(spec, &mut errors);
    if let Some(live) = live {
        refuse_changes(definition, live, &mut errors);
    }
    validate_stored_versions(definition, live, &mut errors);
    validate_approval(definition, live, &mut errors);
    if spec["preserveUnknownFields"] == true {
        errors.push(FieldError::invalid(
            "spec.preserveUnknownFields",
            &json!(true),
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        ));
    }
    errors
}

fn validate_spec(spec: &Value, errors: &mut Vec<FieldError>) {
    let group = meta::text(spec, &["group"]);
    let faults = name_faults(NameRule::Subdomain, group);
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !faults.is_empty() {
        errors.push(FieldError::invalid(
            "spec.group",
            &json!(group),
            &faults.join(","),
        ));
    } else if !group.contains('.') {
        let why = "should be a domain with at least one dot";
        errors.push(FieldError::invalid("spec.group", &json!(group), why));
    }
    match meta::text(spec, &["scope"]) {
        "" => errors.push(FieldError::required("spec.scope", "")),
        "Namespaced" | "Cluster" => {}
        other => errors.push(unsupported("spec.scope", other, &["Cluster", "Namespaced"])),
    }
    let listed = spec["versions"].as_array().map_or(&[][..], Vec::as_slice);
    let shared = Shared::of(listed);
    versions::validate(listed, shared, errors);
    // The server's own form has the name of the first version once more, from the time when there was but one.
    if let Some(first) = listed.first() {
        let name = meta::text(first, &["name"]);
        let faults = name_faults(NameRule::ServiceLabel, name);
        if !name.is_empty() && !faults.is_empty() {
            errors.push(FieldError::invalid(
                "spec.version",
                &json!(name),
                &faults.join(","),
            ));
        }
    }
    validate_names(&spec["names"], errors);
    if let Some(first) = listed.first() {
        versions::validate_shared(first, shared, errors);
    }
    validate_conversion(&spec["conversion"], errors);
}

/// The rules of the names of a kind.
fn validate_names(names: &Value, errors: &mut Vec<FieldError>) {
    for key in ["plural", "singular", "kind", "listKind"] {
        if meta::text(names, &[key]).is_empty() {
            errors.push(FieldError::required(format!("spec.names.{key}"), ""));
        }
    }
    for (key, mixed_case) in [
        ("plural", false),
        ("singular", false),
        ("kind", true),
        ("listKind", true),
    ] {
        let name = meta::text(names, &[key]);
        if name.is_empty() {
            continue;
        }
        let faults = if mixed_case {
            name_faults(NameRule::ServiceLabel, &name.to_lowercase())
        } else {
            name_faults(NameRule::ServiceLabel, name)
        };
        if !faults.is_empty() {
            let lead = if mixed_case {
                "may have mixed case, but should otherwise match: "
            } else {
                ""
            };
            let why = format!("{lead}{}", faults.join(","));
            errors.push(FieldError::invalid(
                format!("spec.names.{key}"),
                &json!(name),
                &why,
            ));
        }
    }
    validate_labels(&names["shortNames"], "spec.names.shortNames", errors);
    let kind = meta::text(names, &["kind"]);
    if !kind.is_empty() && kind == meta::text(names, &["listKind"]) {
        errors.push(FieldError::invalid(
            "spec.names.listKind",
            &json!(kind),
            "kind and listKind may not be the same",
        ));
    }
    validate_labels(&names["categories"], "spec.names.categories", errors);
}

fn validate_labels(list: &Value, field: &str, errors: &mut Vec<FieldError>) {
    for (at, name) in list.as_array().into_iter().flatten().enumerate() {
        let faults = name_faults(NameRule::ServiceLabel, name.as_str().unwrap_or_default());
        if !faults.is_empty() {
            errors.push(FieldError::invalid(
                format!("{field}[{at}]"),
                name,
                &faults.join(","),
            ));
        }
    }
}

/// The rules of a conversion; the paths are those of the server's inner form, which has no `webhook` level.
fn validate_conversion(conversion: &Value, errors: &mut Vec<FieldError>) {
    let config = &conversion["webhook"]["clientConfig"];
    let accepted = conversion["webhook"]["conversionReviewVersions"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let at_config = "spec.conversion.webhookClientConfig";
    let at_versions = "spec.conversion.conversionReviewVersions";
    match meta::text(conversion, &["strategy"]) {
        "Webhook" => {
            if config.is_null() {
                let why = "required when strategy is set to Webhook";
                errors.push(FieldError::required(at_config, why));
            } else if config["url"].is_null() == config["service"].is_null() {
                let why = "exactly one of url or service is required";
                errors.push(FieldError::required(at_config, why));
            }
            if accepted.is_empty() {
                errors.push(FieldError::required(at_versions, ""));
            } else if !accepted.iter().any(|v| *v == "v1" || *v == "v1beta1") {
                let why = "must include at least one of v1, v1beta1";
                errors.push(FieldError::invalid(
                    at_versions,
                    &Value::Array(accepted.to_vec()),
                    why,
                ));
            }
        }
        strategy => {
            if strategy.is_empty() {
                errors.push(FieldError::required("spec.conversion.strategy", ""));
            } else if strategy != "None" {
                let known = ["None", "Webhook"];
                errors.push(unsupported("spec.conversion.strategy", strategy, &known));
            }
            let why = "should not be set when strategy is not set to Webhook";
            if !config.is_null() {
                errors.push(FieldError::forbidden(at_config, why));
            }
            if !accepted.is_empty() {
                errors.push(FieldError::forbidden(at_versions, why));
            }
        }
    }
}

/// What may not change: names once they are accepted, and always what names the definition itself.
fn refuse_changes(definition: &Value, live: &Value, errors: &mut Vec<FieldError>) {
    let established = is_established(live);
    for (path, always) in [
        (&["spec", "scope"][..], false),
        (&["spec", "names", "kind"], false),
        (&["spec", "group"], true),
        (&["spec", "names", "plural"], true),
    ] {
        if (always || established) && meta::text(live, path) != meta::text(definition, path) {
            errors.push(FieldError::invalid(
                path.join("."),
                &json!(meta::text(definition, path)),
                "field is immutable",
            ));
        }
    }
}

/// Every version that objects are stored in stays in the definition, and the one to store from now on is the only one.
///
/// The server itself adds the first version to store to those that are stored; a second one stays without.
fn validate_stored_versions(definition: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    if live.is_some_and(|live| live["status"] != definition["status"]) {
        // A status that is written is taken as it is.
        return;
    }
    let listed = definition["spec"]["versions"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let mut stored = live
        .and_then(|live| live["status"]["storedVersions"].as_array().cloned())
        .unwrap_or_default();
    if let Some(first) = listed.iter().find(|version| version["storage"] == true)
        && !stored.contains(&first["name"])
    {
        stored.push(first["name"].clone());
    }
    let field = "status.storedVersions";
    if stored.is_empty() {
        let why = "must have at least one stored version";
        errors.push(FieldError::invalid(field, &Value::Null, why));
        return;
    }
    let shown = Value::Array(stored.clone());
    for version in listed {
        if version["storage"] == true && !stored.contains(&version["name"]) {
            let why = format!("must have the storage version {}", meta::text(version, &["name"]));
            errors.push(FieldError::invalid(field, &shown, &why));
        }
    }
    for (at, name) in stored.iter().enumerate() {
        if listed.iter().all(|version| version["name"] != *name) {
            let name = name.as_str().unwrap_or_default();
            errors.push(FieldError::invalid(
                format!("{field}[{at}]"),
                &json!(name),
                &format!(
                    "missing from spec.versions; {name} was previously a storage version, and must remain in \
                     spec.versions until a storage migration ensures no data remains persisted in {name} and removes \
                     {name} from status.storedVersions"
                ),
            ));
        }
    }
}

/// Groups of Kubernetes itself need the approval of its reviewers.
fn validate_approval(definition: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    let group = meta::text(definition, &["spec", "group"]);
    let protected = [".k8s.io", ".kubernetes.io"]
        .iter()
        .any(|suffix| group.ends_with(suffix))
        || matches!(group, "k8s.io" | "kubernetes.io");
    let approval =
        |it: &Value| meta::text(it, &["metadata", "annotations", "api-approved.kubernetes.io"]).to_owned();
    let unchanged = live.is_some_and(|live| approval(live).is_empty());
    if protected && approval(definition).is_empty() && !unchanged {
        errors.push(FieldError::required(
            "metadata.annotations[api-approved.kubernetes.io]",
            "protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111",
        ));
    }
}

fn is_established(definition: &Value) -> bool {
    definition["status"]["conditions"].as_array().is_some_and(|all| {
        all.iter()
            .any(|c| c["type"] == "Established" && c["status"] == "True")
    })
}
