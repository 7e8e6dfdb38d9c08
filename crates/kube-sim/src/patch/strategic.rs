//! Strategic merge patch, for built-in kinds.

use serde_json::{Map, Value};

use super::PatchError;
use crate::schema::builtin_document;

/// Applies a strategic merge patch to an object of a built-in kind.
///
/// Maps merge; lists replace, unless the kind's schema names a patch strategy: lists of objects merge by
/// their merge key, lists of scalars by value. Understood are `$patch` (`replace`, `delete`, `merge`),
/// `$deleteFromPrimitiveList/<list>`, `$retainKeys` and `$setElementOrder/<list>`.
///
/// The kind's API version is the target's own.
pub(crate) fn strategic_merge_patch(target: &mut Value, patch: &Value, kind: &str) -> Result<(), PatchError> {
    let Some(members) = patch.as_object() else {
        return Err(PatchError::Malformed(
            "a strategic merge patch is an object".to_owned(),
        ));
    };
    let api_version = target
        .get("apiVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let schema = builtin_document(api_version, kind).unwrap_or(&Value::Null);
    let mut changed = target.clone();
    if !changed.is_object() {
        changed = Value::Object(Map::new());
    }
    if let Some(object) = changed.as_object_mut() {
        patch_object(object, members, schema)?;
    }
    *target = changed;
    Ok(())
}

const DELETE_PRIMITIVES: &str = "$deleteFromPrimitiveList/";
const ELEMENT_ORDER: &str = "$setElementOrder/";

fn patch_object(
    target: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    schema: &Value,
) -> Result<(), PatchError> {
    match patch.get("$patch").map(|directive| directive.as_str()) {
        None | Some(Some("merge")) => {}
        Some(Some("replace")) => {
            *target = patch
                .iter()
                .filter(|(key, _)| *key != "$patch")
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            return Ok(());
        }
        Some(Some("delete")) => {
            target.clear();
            return Ok(());
        }
        Some(other) => {
            return Err(PatchError::Malformed(format!(
                "unknown patch directive {}",
                other.unwrap_or("(not a string)")
            )));
        }
    }
    if let Some(keys) = patch.get("$retainKeys").and_then(Value::as_array) {
        target.retain(|name, _| keys.iter().any(|key| key.as_str() == Some(name)));
    }
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix(DELETE_PRIMITIVES) {
            if let Some(Value::Array(items)) = target.get_mut(list) {
                let gone = value.as_array().map_or(&[][..], Vec::as_slice);
                items.retain(|item| !gone.contains(item));
            }
        } else if !key.starts_with('$') {
            let order = patch
                .get(&format!("{ELEMENT_ORDER}{key}"))
                .and_then(Value::as_array);
            patch_member(target, key, value, order, child_schema(schema, key))?;
        }
    }
    // An order may be given for a list that is otherwise left alone.
    for (key, order) in patch {
        if let (Some(list), Some(order)) = (key.strip_prefix(ELEMENT_ORDER), order.as_array())
            && !patch.contains_key(list)
            && let Some(Value::Array(items)) = target.get_mut(list)
        {
            sort(items, order, merge_key(child_schema(schema, list)));
        }
    }
    Ok(())
}

fn patch_member(
    target: &mut Map<String, Value>,
    key: &str,
    value: &Value,
    order: Option<&Vec<Value>>,
    schema: &Value,
) -> Result<(), PatchError> {
    match value {
        Value::Null => {
            target.remove(key);
        }
        Value::Object(members) => {
            let mut merged = match target.remove(key) {
                Some(Value::Object(present)) => present,
                _ => Map::new(),
            };
            let deletes = members.get("$patch").and_then(Value::as_str) == Some("delete");
            patch_object(&mut merged, members, schema)?;
            if !deletes {
                target.insert(key.to_owned(), Value::Object(merged));
            }
        }
        Value::Array(items) if schema["x-kubernetes-patch-strategy"] == "merge" => {
            let mut merged = match target.remove(key) {
                Some(Value::Array(present)) => present,
                _ => Vec::new(),
            };
            patch_list(&mut merged, items, schema)?;
            if let Some(order) = order {
                sort(&mut merged, order, merge_key(schema));
            }
            target.insert(key.to_owned(), Value::Array(merged));
        }
        Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            target.insert(key.to_owned(), value.clone());
        }
    }
    Ok(())
}

fn patch_list(target: &mut Vec<Value>, items: &[Value], schema: &Value) -> Result<(), PatchError> {
    let Some(merge_key) = merge_key(schema) else {
        for item in items.iter().filter(|item| !item.is_null()) {
            if !target.contains(item) {
                target.push(item.clone());
            }
        }
        return Ok(());
    };
    if items.iter().any(|item| item["$patch"] == "replace") {
        *target = items
            .iter()
            .filter(|item| item["$patch"] != "replace")
            .cloned()
            .collect();
        return Ok(());
    }
    for item in items {
        let Some(members) = item.as_object() else {
            return Err(PatchError::Malformed(
                "a list with a merge key holds objects".to_owned(),
            ));
        };
        let Some(identity) = members.get(merge_key) else {
            return Err(PatchError::Malformed(format!(
                "map: {item} does not contain declared merge key: {merge_key}"
            )));
        };
        let position = target
            .iter()
            .position(|present| present.get(merge_key) == Some(identity));
        if members.get("$patch").and_then(Value::as_str) == Some("delete") {
            target.retain(|present| present.get(merge_key) != Some(identity));
            continue;
        }
        let present = position.and_then(|index| target.get_mut(index));
        if let Some(present) = present.and_then(Value::as_object_mut) {
            patch_object(present, members, &schema["items"])?;
        } else {
            let mut fresh = Map::new();
            patch_object(&mut fresh, members, &schema["items"])?;
            target.push(Value::Object(fresh));
        }
    }
    Ok(())
}

/// Puts items into the order asked for; items it does not name stay behind those it does, as they stood.
fn sort(items: &mut [Value], order: &[Value], merge_key: Option<&str>) {
    items.sort_by_key(|item| {
        order
            .iter()
            .position(|wanted| match merge_key {
                Some(key) => wanted.get(key) == item.get(key),
                None => wanted == item,
            })
            .unwrap_or(usize::MAX)
    });
}

fn merge_key(schema: &Value) -> Option<&str> {
    schema["x-kubernetes-patch-merge-key"].as_str()
}

fn child_schema<'a>(schema: &'a Value, key: &str) -> &'a Value {
    match &schema["properties"][key] {
        Value::Null => &schema["additionalProperties"],
        found => found,
    }
}
