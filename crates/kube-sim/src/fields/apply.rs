//! Server-side apply.

use serde_json::Value;

use super::entries::{self, Entry};
use super::merge::{claims, compare, merge, prune, strip, without_managed_fields};
use super::set::{FieldSet, of_value};
use super::{Conflict, Manager, Operation};
use crate::schema::Schema;

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
        return Err(conflicts);
    }
    if let (Some(live), Some(previous)) = (live, &previous)
        && comparison.is_same()
        && previous.fields == claimed
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
        time: Some(manager.now.to_owned()),
        fields: claimed,
    });
    entries::write(&mut merged, entries);
    Ok(merged)
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
