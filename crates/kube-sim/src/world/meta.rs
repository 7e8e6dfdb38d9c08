//! Reading and writing `metadata` of an object held as JSON.

use serde_json::{Map, Value, json};

/// A string below the path, empty when absent.
pub(crate) fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    path.iter()
        .try_fold(object, |at, key| at.get(key))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A string of `metadata`, empty when absent.
pub(crate) fn field<'a>(object: &'a Value, key: &str) -> &'a str {
    text(object, &["metadata", key])
}

/// `metadata.name`.
pub(crate) fn name(object: &Value) -> &str {
    field(object, "name")
}

/// `metadata.namespace`.
pub(crate) fn namespace(object: &Value) -> &str {
    field(object, "namespace")
}

/// `metadata.uid`.
pub(crate) fn uid(object: &Value) -> &str {
    field(object, "uid")
}

/// `metadata.resourceVersion`.
pub(crate) fn resource_version(object: &Value) -> &str {
    field(object, "resourceVersion")
}

/// `metadata.generation`, 0 when absent.
pub(crate) fn generation(object: &Value) -> i64 {
    object["metadata"]["generation"].as_i64().unwrap_or_default()
}

/// Whether a `deletionTimestamp` is set.
pub(crate) fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// `metadata.finalizers`.
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    object["metadata"]["finalizers"]
        .as_array()
        .map(|all| all.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

/// Whether the finalizer is there.
pub(crate) fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    finalizers(object).contains(&finalizer)
}

/// `metadata.ownerReferences`.
pub(crate) fn owners(object: &Value) -> &[Value] {
    object["metadata"]["ownerReferences"]
        .as_array()
        .map_or(&[], Vec::as_slice)
}

/// `metadata` as a map, made when it is missing or not an object.
pub(crate) fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    let metadata = &mut object["metadata"];
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    metadata.as_object_mut().expect("made an object above")
}

/// Sets a field of `metadata`; null removes it.
pub(crate) fn set(object: &mut Value, key: &str, value: Value) {
    let metadata = metadata_mut(object);
    if value.is_null() {
        metadata.remove(key);
    } else {
        metadata.insert(key.to_owned(), value);
    }
}

/// Sets a field of the object itself; null removes it.
pub(crate) fn set_top(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        if value.is_null() {
            map.remove(key);
        } else {
            map.insert(key.to_owned(), value);
        }
    }
}

/// Replaces the finalizers; an empty list removes the field.
pub(crate) fn set_finalizers(object: &mut Value, finalizers: &[&str]) {
    set(
        object,
        "finalizers",
        if finalizers.is_empty() {
            Value::Null
        } else {
            json!(finalizers)
        },
    );
}

/// Without a finalizer.
pub(crate) fn drop_finalizer(object: &mut Value, finalizer: &str) {
    let kept: Vec<String> = finalizers(object)
        .into_iter()
        .filter(|f| *f != finalizer)
        .map(str::to_owned)
        .collect();
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    set_finalizers(object, &kept);
}

/// The time format of object metadata: RFC 3339 in whole seconds.
pub(crate) fn timestamp(now: jiff::Timestamp) -> String {
    jiff::Timestamp::from_second(now.as_second())
        .unwrap_or(now)
        .to_string()
}
