//! Comparing and merging objects field by field.

use serde_json::{Map, Value};

use super::set::{FieldSet, descend, field, is_atomic, item_element, of_value};
use crate::schema::Node;

/// How two objects differ.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) removed: FieldSet,
}

impl Comparison {
    /// What a writer of the new object has written.
    pub(super) fn written(&self) -> FieldSet {
        self.added.union(&self.modified)
    }

    pub(super) fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    fn put(&mut self, element: &str, child: Comparison) {
        self.added.put(element.to_owned(), child.added);
        self.modified.put(element.to_owned(), child.modified);
        self.removed.put(element.to_owned(), child.removed);
    }
}

/// Compares two objects of one schema.
pub(super) fn compare(node: Option<&Node>, old: &Value, new: &Value) -> Comparison {
    let mut out = Comparison::default();
    if old == new {
        return out;
    }
    match (old, new) {
        (Value::Object(was), Value::Object(is))
            if !is_atomic(node, old) && (!was.is_empty() || !is.is_empty()) =>
        {
            let names = was
                .keys()
                .chain(is.keys().filter(|name| !was.contains_key(*name)));
            for name in names {
                let child = node.and_then(|node| node.child(name));
                out.put(&field(name), compare_members(child, was.get(name), is.get(name)));
            }
        }
        (Value::Array(was), Value::Array(is)) if !is_atomic(node, old) && !is_atomic(node, new) => {
            let child = node.and_then(|node| node.items.as_deref());
            for (element, before) in elements(node, was) {
                let after = find(node, is, &element);
                out.put(&element, compare_members(child, Some(before), after));
            }
            for (element, after) in elements(node, is) {
                if find(node, was, &element).is_none() {
                    out.put(&element, compare_members(child, None, Some(after)));
                }
            }
        }
        _ => {
            out.modified.member = true;
            out.removed = everything(node, old);
            out.removed.member = false;
            out.added = everything(node, new);
            out.added.member = false;
        }
    }
    out
}

fn compare_members(node: Option<&Node>, old: Option<&Value>, new: Option<&Value>) -> Comparison {
    match (old, new) {
        (Some(old), Some(new)) => compare(node, old, new),
        (None, Some(new)) => Comparison {
            added: everything(node, new),
            ..Comparison::default()
        },
        (Some(old), None) => Comparison {
            removed: everything(node, old),
            ..Comparison::default()
        },
        (None, None) => Comparison::default(),
    }
}

/// A value's own path and all paths below it.
fn everything(node: Option<&Node>, value: &Value) -> FieldSet {
    let mut out = FieldSet::leaf();
    match value {
        Value::Object(members) if !is_atomic(node, value) => {
            for (name, member) in members {
                out.put(
                    field(name),
                    everything(node.and_then(|node| node.child(name)), member),
                );
            }
        }
        Value::Array(items) if !is_atomic(node, value) => {
            for (element, item) in elements(node, items) {
                out.put(
                    element,
                    everything(node.and_then(|node| node.items.as_deref()), item),
                );
            }
        }
        _ => {}
    }
    out
}

fn elements<'a>(node: Option<&Node>, items: &'a [Value]) -> Vec<(String, &'a Value)> {
    items
        .iter()
        .filter_map(|item| item_element(node, item).map(|element| (element, item)))
        .collect()
}

fn find<'a>(node: Option<&Node>, items: &'a [Value], element: &str) -> Option<&'a Value> {
    items
        .iter()
        .find(|item| item_element(node, item).as_deref() == Some(element))
}

/// Lays an applied object over a live one.
pub(super) fn merge(node: Option<&Node>, live: &Value, applied: &Value) -> Value {
    match (live, applied) {
        (Value::Object(below), Value::Object(above)) if !is_atomic(node, applied) => {
            let mut out = below.clone();
            for (name, member) in above {
                let child = node.and_then(|node| node.child(name));
                let merged = match below.get(name) {
                    Some(under) => merge(child, under, member),
                    None => member.clone(),
                };
                out.insert(name.clone(), merged);
            }
            Value::Object(out)
        }
        (Value::Array(below), Value::Array(above)) if !is_atomic(node, applied) && !is_atomic(node, live) => {
            Value::Array(merge_lists(node, below, above))
        }
        _ => applied.clone(),
    }
}

/// Items keep the applied order; items that only the live list has stay where they stood among the others.
fn merge_lists(node: Option<&Node>, below: &[Value], above: &[Value]) -> Vec<Value> {
    let child = node.and_then(|node| node.items.as_deref());
    let lower = elements(node, below);
    let upper = elements(node, above);
    let mut out = Vec::new();
    let mut next_lower = 0;
    for (element, item) in &upper {
        let shared = lower.iter().find(|(theirs, _)| theirs == element);
        if shared.is_some() {
            while let Some((theirs, under)) = lower.get(next_lower) {
                next_lower += 1;
                if theirs == element {
                    break;
                }
                if !upper.iter().any(|(ours, _)| ours == theirs) {
                    out.push((*under).clone());
                }
            }
        }
        out.push(shared.map_or_else(|| (*item).clone(), |(_, under)| merge(child, under, item)));
    }
    let rest = lower.iter().skip(next_lower);
    let tail: Vec<Value> = rest
        .filter(|(theirs, _)| !upper.iter().any(|(ours, _)| ours == theirs))
        .map(|(_, under)| (*under).clone())
        .collect();
    // Live-only items behind the last shared one come before newly applied ones at the end.
    let appended = upper
        .iter()
        .rev()
        .take_while(|(ours, _)| !lower.iter().any(|(theirs, _)| theirs == ours))
        .count();
    let split = out.len() - appended;
    out.splice(split..split, tail);
    out
}

/// Removes every path that `before` owned and nobody owns now.
pub(super) fn prune(node: Option<&Node>, value: &mut Value, before: &FieldSet, owned: &FieldSet) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.retain(|name, member| retain(node, &field(name), member, before, owned));
        }
        Value::Array(items) => {
            items.retain_mut(|item| match item_element(node, item) {
                Some(element) => retain(node, &element, item, before, owned),
                None => true,
            });
        }
        _ => {}
    }
}

fn retain(
    node: Option<&Node>,
    element: &str,
    value: &mut Value,
    before: &FieldSet,
    owned: &FieldSet,
) -> bool {
    let Some(ours) = before.child(element) else {
        return true;
    };
    let nobody = FieldSet::default();
    let theirs = owned.child(element).unwrap_or(&nobody);
    if ours.member && !theirs.member {
        return false;
    }
    prune(descend(node, element), value, ours, theirs);
    true
}

/// The fields an applied object claims, without those the server keeps for itself.
pub(super) fn claims(node: Option<&Node>, applied: &Value, subresource: &str) -> FieldSet {
    let mut set = of_value(node, applied);
    strip(&mut set, subresource);
    set
}

/// Fields nobody owns: the object's identity and what the server alone writes.
const UNOWNED: [&str; 10] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
];

/// Takes out what is not tracked; for the subresource `status` everything but `status`.
pub(super) fn strip(set: &mut FieldSet, subresource: &str) {
    set.member = false;
    for name in ["apiVersion", "kind"] {
        set.remove(&[name]);
    }
    for name in UNOWNED {
        set.remove(&["metadata", name]);
    }
    set.release(&["metadata"]);
    if subresource == "status" {
        set.children.retain(|element, _| element == "f:status");
    }
}

/// `value` without `metadata.managedFields`.
pub(super) fn without_managed_fields(value: &Value) -> Value {
    let mut out = value.clone();
    if let Some(metadata) = out.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    out
}

/// An object's metadata, made if it is not there.
pub(super) fn metadata_mut(value: &mut Value) -> Option<&mut Map<String, Value>> {
    value
        .as_object_mut()?
        .entry("metadata")
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut()
}
