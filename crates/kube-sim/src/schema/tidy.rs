//! What a typed object keeps of the JSON it is read from.

use serde_json::{Map, Value};

use super::{Additional, Node, Schema, Type};

impl Schema {
    /// Makes of an object of a built-in kind what reading it into its Go type and writing it again makes:
    /// nulls and empty lists and maps are gone, structs are there even when nothing is in them.
    pub(crate) fn tidy(&self, object: &mut Value) {
        tidy(object, &self.root, true);
    }

    /// As `tidy`, for the metadata alone, which has a Go type in custom resources too.
    pub(crate) fn tidy_metadata(object: &mut Value) {
        let metadata = Self::opaque().root.properties.get("metadata");
        if let (Some(node), Some(metadata)) = (metadata, object.get_mut("metadata")) {
            tidy(metadata, node, false);
        }
    }
}

fn tidy(value: &mut Value, node: &Node, root: bool) {
    match value {
        Value::Object(members) if node.properties.is_empty() => tidy_map(members, node),
        Value::Object(members) => {
            members.retain(|name, member| {
                let Some(child) = node.properties.get(name) else {
                    return true;
                };
                if member.is_null() {
                    return child.list_is_reset(name);
                }
                tidy(member, child, false);
                node.checks.required.contains(name) || child.list_is_reset(name) || !child.is_omitted(member)
            });
            for (name, child) in &node.properties {
                if child.inline_struct && !(root && name == "metadata") && !members.contains_key(name) {
                    let mut empty = Value::Object(Map::new());
                    tidy(&mut empty, child, false);
                    members.insert(name.clone(), empty);
                }
            }
        }
        Value::Array(items) => {
            if let Some(child) = node.items.as_deref() {
                for item in items {
                    tidy(item, child, false);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A null in a map is the zero value of what the map holds.
fn tidy_map(members: &mut Map<String, Value>, node: &Node) {
    let Some(Additional::Of(child)) = &node.additional else {
        return;
    };
    for member in members.values_mut() {
        if member.is_null() && child.kind == Some(Type::String) {
            *member = Value::from("");
        }
        tidy(member, child, false);
    }
}

impl Node {
    /// Whether an empty list means something: it takes all ownership away.
    fn list_is_reset(&self, name: &str) -> bool {
        name == "managedFields" && self.kind == Some(Type::Array)
    }

    /// Whether a value is left out because it is empty: lists and maps are, structs behind pointers are not.
    fn is_omitted(&self, value: &Value) -> bool {
        match value {
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => {
                members.is_empty() && self.properties.is_empty() && self.additional.is_some()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
}
