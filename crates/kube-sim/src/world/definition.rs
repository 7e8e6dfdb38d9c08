//! Custom resource definitions: from the object to a served kind, and back to nothing.

mod rules;
#[cfg(test)]
mod tests;
mod versions;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::admission::Shape;
use super::collect::Touched;
use super::delete::{DeleteOptions, Propagation};
use super::identity::GroupResource;
use super::kind::{Kind, KindVersion, NameRule, Rules, ScalePaths, version_priority};
use super::{ObjectId, World, builtin, meta};
use crate::table::custom_columns;

pub(super) use self::rules::{prepare, validate};

/// Holds a definition until its objects are gone.
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

impl World {
    /// What the apiextensions controllers do after a definition was written.
    pub(super) fn follow_definition(&mut self, touched: &Touched, live: Option<&Value>, now: Timestamp) {
        let Some(definition) = live else {
            if let Some(gone) = &touched.gone {
                let resource = resource_of(gone);
                self.kinds.remove_mut(&resource);
            }
            return;
        };
        let resource = resource_of(definition);
        if meta::is_deleting(definition) {
            self.register(definition);
            for id in self.instances(&resource) {
                if self.find(&id).is_some_and(|object| !meta::is_deleting(object)) {
                    // Gone already is as good as deleted.
                    let _ = self.delete_object(&id, &DeleteOptions::of(Propagation::Background), now);
                }
            }
            self.finish_definition(&resource, now);
            return;
        }
        let status = self.definition_status(definition, now);
        let accepted = status["conditions"]
            .as_array()
            .is_some_and(|all| all.iter().all(|c| c["status"] == "True"));
        let mut new = definition.clone();
        meta::set_top(&mut new, "status", status);
        if !meta::has_finalizer(&new, CLEANUP) {
            let mut finalizers = meta::finalizers(definition);
            finalizers.push(CLEANUP);
            meta::set_finalizers(&mut new, &finalizers);
        }
        if accepted {
            self.register(&new);
        }
        if new != *definition {
            self.put(&touched.id, new);
        }
    }

    /// Lets a definition go that is being deleted and whose objects are gone.
    pub(super) fn finish_definition(&mut self, resource: &GroupResource, now: Timestamp) {
        let id = ObjectId::new(&builtin::definitions(), "", &resource.to_string());
        let Some(live) = self.find(&id).cloned().filter(|d| meta::is_deleting(d)) else {
            return;
        };
        if self.instances(resource).is_empty() {
            self.release(&id, CLEANUP);
            return;
        }
        let mut definition = (*live).clone();
        set_condition(
            &mut definition["status"],
            "Terminating",
            "True",
            "InstanceDeletionInProgress",
            "CustomResource deletion is in progress",
            now,
        );
        if definition != *live {
            self.put(&id, definition);
        }
    }

    fn instances(&self, resource: &GroupResource) -> Vec<ObjectId> {
        self.shelves
            .get(resource)
            .map(|shelf| {
                shelf
                    .objects
                    .keys()
                    .map(|key| ObjectId::new(resource, &key.0, &key.1))
                    .collect()
            })
            .unwrap_or_default()
    }

    fn definition_status(&self, definition: &Value, now: Timestamp) -> Value {
        let mut status = definition["status"].clone();
        if !status.is_object() {
            status = json!({"conditions": []});
        }
        let spec = &definition["spec"];
        let resource = resource_of(definition);
        let names = &spec["names"];
        let mut clash = None;
        for kind in self.kinds.values() {
            if kind.resource == resource || kind.group() != resource.group() {
                continue;
            }
            let taken = |name: &Value| {
                let name = name.as_str().unwrap_or_default();
                name == kind.resource.plural()
                    || name == kind.singular
                    || kind.short_names.iter().any(|short| short == name)
            };
            let short = names["shortNames"].as_array();
            // What is found last is told: the kinds come after the names of the resource.
            let found = [
                (taken(&names["singular"]), "SingularConflict", &names["singular"]),
                (
                    short.is_some_and(|all| all.iter().any(taken)),
                    "ShortNamesConflict",
                    &names["shortNames"][0],
                ),
                (is_kind(kind, &names["kind"]), "KindConflict", &names["kind"]),
                (
                    is_kind(kind, &names["listKind"]),
                    "ListKindConflict",
                    &names["listKind"],
                ),
            ];
            if let Some((_, reason, name)) = found.into_iter().rfind(|(clashes, _, _)| *clashes) {
                clash = Some((reason, name.as_str().unwrap_or_default().to_owned()));
            }
        }
        if let Some((reason, name)) = clash {
            let message = format!("{name:?} is already in use");
            set_condition(&mut status, "NamesAccepted", "False", reason, &message, now);
            set_condition(
                &mut status,
                "Established",
                "False",
                "NotAccepted",
                "not all names are accepted",
                now,
            );
        } else {
            set_condition(
                &mut status,
                "NamesAccepted",
                "True",
                "NoConflicts",
                "no conflicts found",
                now,
            );
            set_condition(
                &mut status,
                "Established",
                "True",
                "InitialNamesAccepted",
                "the initial names have been accepted",
                now,
            );
            status["acceptedNames"] = names.clone();
        }
        let storage = storage_version(spec);
        let stored = status["storedVersions"].as_array().cloned().unwrap_or_default();
        if !stored.iter().any(|v| v.as_str() == Some(&storage)) {
            let mut stored = stored;
            stored.push(json!(storage));
            status["storedVersions"] = Value::Array(stored);
        }
        status
    }

    /// Serves the kind of a definition.
    pub(super) fn register(&mut self, definition: &Value) {
        let kind = kind_of(definition);
        self.kinds.insert_mut(kind.resource.clone(), Arc::new(kind));
    }
}

fn set_condition(status: &mut Value, kind: &str, value: &str, reason: &str, message: &str, now: Timestamp) {
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else {
        return;
    };
    let mut new = json!({
        "type": kind, "status": value, "reason": reason, "message": message, "lastTransitionTime": meta::timestamp(now),
    });
    match conditions.iter_mut().find(|c| c["type"] == kind) {
        Some(held) => {
            if held["status"] == value {
                new["lastTransitionTime"] = held["lastTransitionTime"].clone();
            }
            *held = new;
        }
        None => conditions.push(new),
    }
}

fn is_kind(kind: &Kind, name: &Value) -> bool {
    *name == kind.kind.as_str() || *name == kind.list_kind.as_str()
}

fn resource_of(definition: &Value) -> GroupResource {
    GroupResource::new(
        meta::text(definition, &["spec", "group"]),
        meta::text(definition, &["spec", "names", "plural"]),
    )
}

fn storage_version(spec: &Value) -> String {
    spec["versions"]
        .as_array()
        .and_then(|all| all.iter().find(|v| v["storage"] == true))
        .map(|v| meta::text(v, &["name"]).to_owned())
        .unwrap_or_default()
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn kind_of(definition: &Value) -> Kind {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let resource = resource_of(definition);
    let kind = meta::text(names, &["kind"]).to_owned();
    let group = resource.group().to_owned();
    let versions = spec["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|v| version_of(v, &group, &kind, &newer(spec, v, &group, &kind)))
        .collect();
    Kind {
        stored_as: resource.clone(),
        resource,
        list_kind: meta::text(names, &["listKind"]).to_owned(),
        singular: meta::text(names, &["singular"]).to_owned(),
        short_names: strings(&names["shortNames"]),
        categories: strings(&names["categories"]),
        namespaced: spec["scope"] == "Namespaced",
        versions,
        storage_version: storage_version(spec),
        rules: Rules {
            custom: true,
            generation: true,
            unconditional_update: false,
            create_on_update: false,
            any_finalizer: true,
            names: NameRule::Subdomain,
        },
        terminating: meta::is_deleting(definition),
        converts_by_webhook: spec["conversion"]["strategy"] == "Webhook",
        kind,
    }
}

/// What to use instead of a deprecated version: the newest one that is served and not deprecated.
fn newer(spec: &Value, version: &Value, group: &str, kind: &str) -> String {
    let name = |version: &Value| meta::text(version, &["name"]).to_owned();
    let better = spec["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|other| other["served"] == true && other["deprecated"] != true)
        .map(name)
        .filter(|other| version_priority(other) < version_priority(&name(version)))
        .min_by_key(|other| version_priority(other));
    better.map_or_else(String::new, |better| format!("; use {group}/{better} {kind}"))
}

fn version_of(version: &Value, group: &str, kind: &str, instead: &str) -> KindVersion {
    let name = meta::text(version, &["name"]).to_owned();
    let path = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
    let deprecation = (version["deprecated"] == true).then(|| {
        path(version, "deprecationWarning")
            .unwrap_or_else(|| format!("{group}/{name} {kind} is deprecated{instead}"))
    });
    let scale = version["subresources"]
        .get("scale")
        .filter(|s| s.is_object())
        .map(|scale| ScalePaths {
            spec_replicas: path(scale, "specReplicasPath").unwrap_or_default(),
            status_replicas: path(scale, "statusReplicasPath").unwrap_or_default(),
            label_selector: path(scale, "labelSelectorPath"),
        });
    KindVersion {
        served: version["served"] == true,
        deprecation,
        shape: Shape::of_schema(&version["schema"]["openAPIV3Schema"]),
        has_status: version["subresources"]["status"].is_object(),
        scale,
        columns: custom_columns(version.get("additionalPrinterColumns")),
        openapi: Some(Arc::new(version["schema"]["openAPIV3Schema"].clone())),
        selectable: version["selectableFields"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|field| meta::text(field, &["jsonPath"]).to_owned())
            .collect(),
        name,
    }
}
