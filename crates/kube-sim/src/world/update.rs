//! Replacing objects and their status: what PUT and every patch end in.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::create::{Ownership, is_service};
use super::decoding::Source;
use super::failure::{FieldError, StatusError};
use super::request::{Subresource, Target, WriteOptions};
use super::{World, admission, decoding, meta, workloads};

/// The message of a write that is based on an older version.
pub(super) const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

impl World {
    /// PUT. True when it created the object.
    pub(super) fn update(
        &mut self,
        target: &Target,
        mut object: Value,
        options: &WriteOptions,
        now: Timestamp,
        warnings: &mut Vec<String>,
    ) -> Result<(bool, Arc<Value>), StatusError> {
        if target.subresource == Subresource::Scale {
            return self
                .update_scale(target, &object, options, now)
                .map(|scale| (false, scale));
        }
        decoding::decode(target, &mut object, Source::Body, options, warnings)?;
        admission::match_namespace(target, &mut object)?;
        admission::match_name(target, &object)?;
        let Some(live) = self.find(&target.id()).cloned() else {
            if target.kind.rules.create_on_update && target.subresource == Subresource::None {
                return self
                    .insert(target, object, Ownership::Update, options, now)
                    .map(|object| (true, object));
            }
            return Err(StatusError::not_found(&target.kind.resource, &target.name));
        };
        if meta::resource_version(&object).is_empty() && !target.kind.rules.unconditional_update {
            let error = FieldError::invalid(
                "metadata.resourceVersion",
                &json!(0),
                "must be specified for an update",
            );
            // Of this one refusal the server names the resource, not the kind.
            return Err(StatusError::invalid(
                target.kind.group(),
                target.kind.resource.plural(),
                &target.name,
                &[error],
            ));
        }
        self.replace(target, &live, object, Ownership::Update, options, now)
            .map(|object| (false, object))
    }

    /// Puts a new form of an existing object in place. `new` is in the version of the target.
    pub(super) fn replace(
        &mut self,
        target: &Target,
        stored: &Arc<Value>,
        mut new: Value,
        ownership: Ownership,
        options: &WriteOptions,
        now: Timestamp,
    ) -> Result<Arc<Value>, StatusError> {
        let kind = Arc::clone(&target.kind);
        let version = kind
            .version(&target.version)
            .ok_or_else(StatusError::no_such_resource)?;
        let live = self.convert(&kind, stored, &target.version)?;
        let claimed = meta::resource_version(&new);
        if !claimed.is_empty() && claimed != meta::resource_version(&live) {
            return Err(StatusError::conflict(&kind.resource, &target.name, MODIFIED));
        }
        let claimed = meta::uid(&new);
        if !claimed.is_empty() && claimed != meta::uid(&live) {
            return Err(StatusError::conflict(
                &kind.resource,
                &target.name,
                &format!(
                    "StorageError: invalid object, Code: 4, Key: /registry/{}/{}{}, ResourceVersion: 0, AdditionalErrorMsg: \
                     Precondition failed: UID in precondition: {claimed}, UID in object meta: {}",
                    registry_prefix(target),
                    target
                        .namespace
                        .as_ref()
                        .map(|n| format!("{n}/"))
                        .unwrap_or_default(),
                    target.name,
                    meta::uid(&live),
                ),
            ));
        }
        keep_system_metadata(&live, &mut new);
        match target.subresource {
            Subresource::None | Subresource::Scale => {
                if version.has_status {
                    meta::set_top(&mut new, "status", live["status"].clone());
                }
            }
            Subresource::Status => new = with_status_of(&live, &new),
            Subresource::Finalize => {
                let mut finalized = (*live).clone();
                finalized["spec"]["finalizers"] = new["spec"]["finalizers"].clone();
                meta::set(
                    &mut finalized,
                    "managedFields",
                    new["metadata"]["managedFields"].clone(),
                );
                new = finalized;
            }
        }
        version.shape.default(&mut new);
        admission::prepare(&kind, &mut new, Some(&live), now);
        if is_service(&kind) {
            workloads::assign_address(&mut new, Some(&live), 0);
        }
        let bumped = kind.rules.generation && spec_differs(&live, &new, version.has_status);
        let generation = meta::generation(&live) + i64::from(bumped);
        if generation > 0 {
            meta::set(&mut new, "generation", json!(generation));
        }
        if ownership == Ownership::Update {
            new = admission::record_update(target, version, &live, &new, &options.manager, now);
        }
        let errors = admission::validate(&kind, version, &new, Some(&live));
        if !errors.is_empty() {
            return Err(target.invalid(&target.name, &errors));
        }
        meta::set(
            &mut new,
            "resourceVersion",
            live["metadata"]["resourceVersion"].clone(),
        );
        if same_but_for_claim_times(&live, &new) {
            return Ok(live);
        }
        if options.dry_run {
            return Ok(Arc::new(new));
        }
        let id = target.id();
        let stored = self.to_storage(&kind, &new)?;
        admission::check_size(&stored)?;
        let stored = if is_finished(&stored) {
            self.erase(&id, stored)
        } else {
            self.put(&id, stored)
        };
        self.convert(&kind, &stored, &target.version)
    }
}

/// Whether an object that is being deleted has nothing left to wait for.
pub(super) fn is_finished(object: &Value) -> bool {
    meta::is_deleting(object)
        && meta::finalizers(object).is_empty()
        && object["spec"]["finalizers"]
            .as_array()
            .is_none_or(|f| !is_namespace(object) || f.is_empty())
}

fn is_namespace(object: &Value) -> bool {
    meta::text(object, &["apiVersion"]) == "v1" && meta::text(object, &["kind"]) == "Namespace"
}

fn registry_prefix(target: &Target) -> String {
    if target.kind.group().is_empty() || !target.kind.rules.custom {
        target.kind.resource.plural().to_owned()
    } else {
        format!("{}/{}", target.kind.group(), target.kind.resource.plural())
    }
}

/// What a client cannot change is taken from the live object.
fn keep_system_metadata(live: &Value, new: &mut Value) {
    for key in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "selfLink",
        "resourceVersion",
        "generateName",
    ] {
        meta::set(new, key, live["metadata"][key].clone());
    }
    if new["metadata"]["managedFields"].is_null() {
        meta::set(new, "managedFields", live["metadata"]["managedFields"].clone());
    }
}

/// A write to the status subresource changes the status, and who owns what, alone.
fn with_status_of(live: &Value, new: &Value) -> Value {
    let mut object = live.clone();
    meta::set_top(&mut object, "status", new["status"].clone());
    meta::set(
        &mut object,
        "managedFields",
        new["metadata"]["managedFields"].clone(),
    );
    object
}

/// Whether anything differs that counts as specification.
fn spec_differs(live: &Value, new: &Value, has_status: bool) -> bool {
    let (Some(live), Some(new)) = (live.as_object(), new.as_object()) else {
        return live != new;
    };
    let counts = |key: &str| key != "metadata" && !(has_status && key == "status");
    live.iter()
        .any(|(key, value)| counts(key) && new.get(key) != Some(value))
        || new.keys().any(|key| counts(key) && !live.contains_key(key))
}

/// Equal, apart from the times at which managers claimed their fields.
fn same_but_for_claim_times(live: &Value, new: &Value) -> bool {
    let rest = |object: &Value| -> Vec<Value> {
        let mut entries = object["metadata"]["managedFields"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for entry in &mut entries {
            meta::set_top(entry, "time", Value::Null);
        }
        entries
    };
    let (Some(a), Some(b)) = (live.as_object(), new.as_object()) else {
        return live == new;
    };
    a.len() == b.len()
        && a.iter().all(|(key, value)| {
            if key != "metadata" {
                return b.get(key) == Some(value);
            }
            let (Some(a), Some(b)) = (value.as_object(), b.get(key).and_then(Value::as_object)) else {
                return false;
            };
            a.iter().all(|(k, v)| k == "managedFields" || b.get(k) == Some(v))
                && b.keys().all(|k| k == "managedFields" || a.contains_key(k))
        })
        && rest(live) == rest(new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{same_but_for_claim_times, spec_differs};

    #[test]
    fn the_time_of_a_claim_alone_is_no_change() {
        let at = |time: &str, value: i32| json!({"metadata": {"name": "a", "managedFields": [{"manager": "m", "time": time}]}, "data": {"a": value}});
        assert!(same_but_for_claim_times(&at("1", 1), &at("2", 1)));
        assert!(!same_but_for_claim_times(&at("1", 1), &at("1", 2)));
    }

    #[test]
    fn status_and_metadata_are_no_specification() {
        let a = json!({"metadata": {"name": "a"}, "spec": {"x": 1}, "status": {"y": 1}});
        let mut b = a.clone();
        b["status"]["y"] = json!(2);
        b["metadata"]["labels"] = json!({"l": "1"});
        assert!(!spec_differs(&a, &b, true));
        assert!(spec_differs(&a, &b, false));
        b["spec"]["x"] = json!(2);
        assert!(spec_differs(&a, &b, true));
    }
}
