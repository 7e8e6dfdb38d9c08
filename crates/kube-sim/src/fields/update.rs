//! Tracking of writes that are not applies.

use serde_json::Value;

use super::entries::{self, Entry};
use super::merge::{compare, strip, without_managed_fields};
use super::{Manager, Operation};
use crate::schema::Schema;

/// How many entries of updates an object keeps; the oldest are joined beyond that.
const MAX_UPDATE_MANAGERS: usize = 10;
/// The manager of joined entries.
const ANCIENT_CHANGES: &str = "ancient-changes";

/// Returns `new` with its `managedFields` brought up to date.
///
/// `live` is the object as it was, or null (or an empty object) for a create. Fields that were added or
/// changed move to `manager`; fields that were removed leave every manager. `new` may carry entries of its
/// own, which count in place of the live ones (except through a subresource); `[]` or `[{}]` there forgets
/// all ownership, and an object without entries stays untracked until its first apply.
pub(crate) fn update(live: &Value, new: &Value, manager: &Manager<'_>, schema: Option<&Schema>) -> Value {
    let schema = schema.unwrap_or_else(|| Schema::opaque());
    let node = Some(schema.root());
    let creates = live.as_object().is_none_or(serde_json::Map::is_empty);
    let mut entries = sent_entries(live, new, manager);
    let mut out = without_managed_fields(new);
    if entries.is_empty() && !creates {
        return out;
    }

    let base = if creates {
        schema.blank()
    } else {
        without_managed_fields(live)
    };
    let comparison = compare(node, &base, &out);
    let written = comparison.written();
    for entry in &mut entries {
        entry.fields = entry.fields.difference(&written).difference(&comparison.removed);
    }
    let mut owned = written;
    strip(&mut owned, manager.subresource);
    if manager.leaves_status {
        owned.remove(&["status"]);
    }
    if !owned.is_empty() {
        match entries.iter_mut().find(|entry| entry.is_of(manager)) {
            Some(entry) => {
                entry.fields = entry.fields.union(&owned);
                entry.time = Some(manager.now.to_owned());
            }
            None => entries.push(Entry {
                manager: manager.name.to_owned(),
                operation: Operation::Update,
                subresource: manager.subresource.to_owned(),
                api_version: manager.api_version.to_owned(),
                time: Some(manager.now.to_owned()),
                fields: owned,
            }),
        }
    }
    entries::write(&mut out, join_ancient(entries));
    out
}

fn sent_entries(live: &Value, new: &Value, manager: &Manager<'_>) -> Vec<Entry> {
    if !manager.subresource.is_empty() {
        return entries::read(live);
    }
    if entries::is_reset(new) {
        return Vec::new();
    }
    let sent = entries::read(new);
    if sent.is_empty() {
        entries::read(live)
    } else {
        sent
    }
}

/// Joins the oldest updates of one API version, so that objects do not grow without bound.
fn join_ancient(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.retain(|entry| !entry.fields.is_empty());
    let mut updates: Vec<Entry> = Vec::new();
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries {
        if entry.operation == Operation::Update {
            updates.push(entry);
        } else {
            kept.push(entry);
        }
    }
    updates.sort_by(|a, b| a.time.cmp(&b.time));
    let mut count = updates.len();
    let mut buckets: Vec<Entry> = Vec::new();
    for entry in updates {
        if count < MAX_UPDATE_MANAGERS || (buckets.is_empty() && count == MAX_UPDATE_MANAGERS) {
            kept.push(entry);
            continue;
        }
        match buckets
            .iter_mut()
            .find(|bucket| bucket.api_version == entry.api_version)
        {
            Some(bucket) => {
                bucket.fields = bucket.fields.union(&entry.fields);
                bucket.time = entry.time;
                count -= 1;
            }
            None => buckets.push(Entry {
                manager: ANCIENT_CHANGES.to_owned(),
                ..entry
            }),
        }
    }
    kept.extend(buckets);
    kept
}
