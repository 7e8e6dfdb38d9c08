//! `Cluster` between the version that is stored (`v1beta2`) and the one that people still write (`v1beta1`).
//!
//! It does what the conversion webhook of Cluster API does, for the fields that a sandbox keeps.
//!
//! # Guarantees
//!
//! Pure. What is converted to the other version and back is the same, but for what the other version cannot
//! say: `uid`, `resourceVersion`, `fieldPath` and a foreign namespace of a reference, and a latch that is false
//! (which `v1beta2` writes by leaving it out).

use std::sync::Arc;

use kube_sim::{Conversion, World};
use serde_json::{Map, Value, json};

/// The version of the providers' kinds that a reference without a version means. All kinds of CAPT have it.
const PROVIDER_VERSION: &str = "v1beta1";

/// Registers the conversion of `Cluster` with a world.
pub fn register(world: &mut World) {
    let conversion: Conversion = Arc::new(|object, _from, to| convert(object, to));
    world.register_conversion(capt_api::keys::CLUSTER_GROUP, "Cluster", conversion);
}

/// A `Cluster` in the version `to`; a version that is neither of both gets the object as it is.
pub fn convert(object: &Value, to: &str) -> Value {
    let mut converted = object.clone();
    let Some(fields) = converted.as_object_mut() else {
        return converted;
    };
    let up = match to {
        "v1beta2" => true,
        "v1beta1" => false,
        _ => return converted,
    };
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) {
        if up {
            spec_up(spec);
        } else {
            spec_down(spec, namespace);
        }
    }
    if let Some(Value::Object(status)) = fields.remove("status") {
        let status = if up {
            status_up(status)
        } else {
            status_down(status)
        };
        if !status.is_empty() {
            fields.insert("status".to_owned(), Value::Object(status));
        }
    }
    converted
}

fn spec_up(spec: &mut Map<String, Value>) {
    if let Some(Value::Object(endpoint)) = spec.get_mut("controlPlaneEndpoint") {
        endpoint.retain(|_, value| *value != json!("") && *value != json!(0));
        if endpoint.is_empty() {
            spec.remove("controlPlaneEndpoint");
        }
    }
    for key in ["controlPlaneRef", "infrastructureRef"] {
        let Some(reference) = spec.get(key).and_then(Value::as_object) else {
            continue;
        };
        let group = reference
            .get("apiVersion")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let group = group.rsplit_once('/').map_or("", |(group, _)| group);
        let reference = json!({
            "apiGroup": group,
            "kind": reference.get("kind").cloned().unwrap_or_default(),
            "name": reference.get("name").cloned().unwrap_or_default(),
        });
        spec.insert(key.to_owned(), reference);
    }
    if let Some(topology) = spec.get_mut("topology").and_then(Value::as_object_mut) {
        let mut class = Map::new();
        rename(topology, "class", &mut class, "name");
        rename(topology, "classNamespace", &mut class, "namespace");
        put(topology, "classRef", class);
    }
}

fn spec_down(spec: &mut Map<String, Value>, namespace: &str) {
    for key in ["controlPlaneRef", "infrastructureRef"] {
        let Some(reference) = spec.get(key).and_then(Value::as_object) else {
            continue;
        };
        let group = reference
            .get("apiGroup")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut old = json!({
            "apiVersion": format!("{group}/{PROVIDER_VERSION}"),
            "kind": reference.get("kind").cloned().unwrap_or_default(),
            "name": reference.get("name").cloned().unwrap_or_default(),
        });
        if !namespace.is_empty() {
            old["namespace"] = json!(namespace);
        }
        spec.insert(key.to_owned(), old);
    }
    if let Some(topology) = spec.get_mut("topology").and_then(Value::as_object_mut)
        && let Some(Value::Object(mut class)) = topology.remove("classRef")
    {
        rename(&mut class, "name", topology, "class");
        rename(&mut class, "namespace", topology, "classNamespace");
    }
}

fn status_up(mut old: Map<String, Value>) -> Map<String, Value> {
    let mut status = Map::new();
    rename(&mut old, "phase", &mut status, "phase");
    rename(&mut old, "observedGeneration", &mut status, "observedGeneration");

    let mut initialization = Map::new();
    for (from, to) in LATCHES {
        if old.get(from) == Some(&json!(true)) {
            initialization.insert(to.to_owned(), json!(true));
        }
    }
    put(&mut status, "initialization", initialization);

    if let Some(Value::Object(domains)) = old.remove("failureDomains") {
        let domains: Vec<Value> = domains
            .into_iter()
            .map(|(name, domain)| {
                let mut domain = domain.as_object().cloned().unwrap_or_default();
                domain.insert("name".to_owned(), json!(name));
                Value::Object(domain)
            })
            .collect();
        status.insert("failureDomains".to_owned(), Value::Array(domains));
    }

    let mut deprecated = Map::new();
    for key in DEPRECATED {
        rename(&mut old, key, &mut deprecated, key);
    }
    if !deprecated.is_empty() {
        status.insert("deprecated".to_owned(), json!({ "v1beta1": deprecated }));
    }

    if let Some(Value::Object(mut new)) = old.remove("v1beta2") {
        for key in NEW {
            rename(&mut new, key, &mut status, key);
        }
    }
    status
}

fn status_down(mut new: Map<String, Value>) -> Map<String, Value> {
    let mut status = Map::new();
    rename(&mut new, "phase", &mut status, "phase");
    rename(&mut new, "observedGeneration", &mut status, "observedGeneration");

    for (to, from) in LATCHES {
        // The old version has plain booleans: what is not latched is false.
        let latched = new
            .get("initialization")
            .is_some_and(|it| it[from] == json!(true));
        status.insert(to.to_owned(), json!(latched));
    }

    if let Some(Value::Array(domains)) = new.remove("failureDomains") {
        let domains = domains.into_iter().filter_map(|domain| {
            let Value::Object(mut domain) = domain else {
                return None;
            };
            let name = domain.remove("name")?.as_str()?.to_owned();
            Some((name, Value::Object(domain)))
        });
        put(&mut status, "failureDomains", domains.collect());
    }

    if let Some(Value::Object(mut deprecated)) = new.remove("deprecated")
        && let Some(Value::Object(old)) = deprecated.get_mut("v1beta1")
    {
        for key in DEPRECATED {
            rename(old, key, &mut status, key);
        }
    }

    let mut v1beta2 = Map::new();
    for key in NEW {
        rename(&mut new, key, &mut v1beta2, key);
    }
    put(&mut status, "v1beta2", v1beta2);
    status
}

/// The flags of the old version and the latches of the new one.
const LATCHES: [(&str, &str); 2] = [
    ("infrastructureReady", "infrastructureProvisioned"),
    ("controlPlaneReady", "controlPlaneInitialized"),
];

/// What only the old version has; the new one keeps it under `deprecated.v1beta1`.
const DEPRECATED: [&str; 3] = ["conditions", "failureReason", "failureMessage"];

/// What only the new version has; the old one keeps it under `v1beta2`.
const NEW: [&str; 3] = ["conditions", "controlPlane", "workers"];

fn rename(from: &mut Map<String, Value>, key: &str, to: &mut Map<String, Value>, new: &str) {
    if let Some(value) = from.remove(key) {
        to.insert(new.to_owned(), value);
    }
}

fn put(fields: &mut Map<String, Value>, key: &str, value: Map<String, Value>) {
    if !value.is_empty() {
        fields.insert(key.to_owned(), Value::Object(value));
    }
}

#[cfg(test)]
mod tests;
