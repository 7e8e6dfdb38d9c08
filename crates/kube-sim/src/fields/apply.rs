//! Server-side apply.

use serde_json::Value;

use super::entries::{self, Entry};
use super::merge::{claims, compare, merge, prune, strip, without_managed_fields};
use super::set::{FieldSet, of_value};
use super::{Conflict, Manager, Operation};
use crate::schema::{Node, Schema};

/// The manager of `kubectl apply --server-side`, which takes over what `kubectl apply` has left.
const KUBECTL: &str = "kubectl";
/// Where `kubectl apply` keeps what it has applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The most that is kept there, in bytes: as much as all annotations may have.
const LAST_APPLIED_LIMIT: usize = 256 * 1024;

/// Who owns the fields of an object that was never tracked, once somebody applies to it.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Applies `applied` on behalf of `manager`.
///
/// The manager owns exactly what it applies afterwards. What it owned before, applies no more and nobody
/// else owns is removed. Without `force`, fields that others own with other values are conflicts. An apply
/// that changes nothing returns an object equal to `live`, timestamps included. Defaulting is the caller's.
///
/// # Errors
/// The conflicts, when there are some and `force` is not set.
pub(crate) fn apply(
    live: Option<&Value>,
    applied: &Value,
    manager: &Manager<'_>,
    force: bool,
    schema: Option<&Schema>,
) -> Result<Value, Vec<Conflict>> {
    let schema = schema.unwrap_or_else(|| Schema::opaque());
    let node = Some(schema.root());
    let base = live.map_or_else(|| identity(applied), without_managed_fields);
    let mut entries = live.map(entries::read).unwrap_or_default();
    if let Some(live) = live
        && entries.is_empty()
    {
        entries.extend(before_first_apply(live, schema));
    }

    let wanted = without_managed_fields(applied);
    let claimed = claims(node, &wanted, manager.subresource);
    let position = entries.iter().position(|entry| entry.is_of(manager));
    let previous = position.map(|index| entries.remove(index));

    let mut merged = merge(node, &base, &wanted);
    let before = previous
        .as_ref()
        .map(|entry| entry.fields.clone())
        .unwrap_or_default();
    if !before.is_empty() {
        // The identity counts as applied here, so that an emptied `metadata` is never pruned as a whole.
        let applied = of_value(node, &wanted);
        let owned = entries
            .iter()
            .fold(applied, |all, entry| all.union(&entry.fields));
        let (before, owned) = (before.with_named_parents(node), owned.with_named_parents(node));
        prune(node, &mut merged, &before, &owned);
    }

    let comparison = compare(node, &base, &merged);
    let written = comparison.written();
    let conflicts = conflicts(&entries, &written);
    if !force && !conflicts.is_empty() {
        let own = live
            .filter(|_| manager.name == KUBECTL)
            .and_then(|live| applied_before(live, manager, node));
        let foreign: Vec<Conflict> = conflicts
            .into_iter()
            .filter(|conflict| !own.as_ref().is_some_and(|own| own.contains(&conflict.field)))
            .collect();
        if !foreign.is_empty() {
            return Err(foreign);
        }
    }
    if manager.name == KUBECTL {
        renew_last_applied(&mut merged, &wanted);
    }
    if let (Some(live), Some(previous)) = (live, &previous)
        && comparison.is_same()
        && previous.fields == claimed
        && merged == base
    {
        return Ok(live.clone());
    }
    for entry in &mut entries {
        entry.fields = entry.fields.difference(&written).difference(&comparison.removed);
    }
    entries.push(Entry {
        manager: manager.name.to_owned(),
        operation: Operation::Apply,
        subresource: manager.subresource.to_owned(),
        api_version: manager.api_version.to_owned(),
        // Only an apply that changes the object is dated.
        time: if comparison.is_same() {
            previous.and_then(|entry| entry.time)
        } else {
            Some(manager.now.to_owned())
        },
        fields: claimed,
    });
    entries::write(&mut merged, entries);
    Ok(merged)
}

fn last_applied(object: &Value) -> Option<&str> {
    let held = object["metadata"]["annotations"].get(LAST_APPLIED)?.as_str()?;
    (!held.is_empty()).then_some(held)
}

/// The fields that `kubectl apply` has set and that are still as it has set them: they are no conflict for kubectl.
fn applied_before(live: &Value, manager: &Manager<'_>, node: Option<&Node>) -> Option<Vec<String>> {
    let applied: Value = serde_json::from_str(last_applied(live)?).ok()?;
    if applied["apiVersion"] != manager.api_version {
        return None;
    }
    let comparison = compare(node, &applied, &without_managed_fields(live));
    let own = of_value(node, &applied)
        .difference(&comparison.modified)
        .difference(&comparison.added)
        .difference(&comparison.removed);
    Some(own.paths())
}

/// Keeps what `kubectl apply` finds the next time the same as what was applied now.
fn renew_last_applied(merged: &mut Value, wanted: &Value) {
    if last_applied(merged).is_none() {
        return;
    }
    let mut applied = wanted.clone();
    if let Some(annotations) = applied["metadata"]["annotations"].as_object_mut() {
        annotations.remove(LAST_APPLIED);
        if annotations.is_empty()
            && let Some(metadata) = applied["metadata"].as_object_mut()
        {
            metadata.remove("annotations");
        }
    }
    if applied["metadata"]["annotations"].is_null()
        && let Some(metadata) = applied["metadata"].as_object_mut()
    {
        metadata.remove("annotations");
    }
    let text = format!("{applied}\n");
    if text.len() <= LAST_APPLIED_LIMIT {
        merged["metadata"]["annotations"][LAST_APPLIED] = Value::from(text);
    }
}

/// What an object that does not exist yet is compared with: its name and nothing else.
fn identity(applied: &Value) -> Value {
    let mut out = serde_json::Map::new();
    for key in ["apiVersion", "kind"] {
        if let Some(value) = applied.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(out)
}

fn before_first_apply(live: &Value, schema: &Schema) -> Option<Entry> {
    let bare = without_managed_fields(live);
    let mut fields = compare(Some(schema.root()), &schema.blank(), &bare).written();
    strip(&mut fields, "");
    let api_version = live.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    (!fields.is_empty()).then(|| Entry {
        manager: BEFORE_FIRST_APPLY.to_owned(),
        operation: Operation::Update,
        subresource: String::new(),
        api_version: api_version.to_owned(),
        time: None,
        fields,
    })
}

fn conflicts(entries: &[Entry], written: &FieldSet) -> Vec<Conflict> {
    let mut out = Vec::new();
    for entry in entries {
        for field in entry.fields.intersection(written).paths() {
            out.push(Conflict {
                manager: entry.manager.clone(),
                field,
                message: format!("conflict with {}", entry.described()),
            });
        }
    }
    out
}
