//! Filling in what the schema defaults.

use serde_json::Value;

use super::{Additional, Node, Schema};

impl Schema {
    /// Applies the schema's defaults.
    ///
    /// A null where null is not allowed counts as absent: it takes the default, or is removed where there
    /// is none.
    pub(crate) fn default(&self, object: &mut Value) {
        fill(object, &self.root);
        drop_nulls(object, &self.root);
    }
}

fn is_forbidden_null(value: &Value, node: &Node) -> bool {
    value.is_null() && !node.nullable
}

fn fill(value: &mut Value, node: &Node) {
    match value {
        Value::Object(members) => {
            for (name, child) in &node.properties {
                if let Some(default) = &child.default
                    && members
                        .get(name)
                        .is_none_or(|present| is_forbidden_null(present, child))
                {
                    members.insert(name.clone(), default.clone());
                }
            }
            for (name, member) in members.iter_mut() {
                if let Some(child) = node.child(name) {
                    fill_element(member, child);
                }
            }
        }
        Value::Array(items) => {
            if let Some(child) = node.items.as_deref() {
                for item in items {
                    fill_element(item, child);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn fill_element(value: &mut Value, node: &Node) {
    if let Some(default) = &node.default
        && is_forbidden_null(value, node)
    {
        *value = default.clone();
    }
    fill(value, node);
}

fn drop_nulls(value: &mut Value, node: &Node) {
    match value {
        Value::Object(members) => {
            members.retain(|name, member| {
                let declared = node.properties.get(name).or(match &node.additional {
                    Some(Additional::Of(child)) => Some(child),
                    Some(Additional::Any) | None => None,
                });
                let Some(child) = declared else { return true };
                if is_forbidden_null(member, child) && child.default.is_none() {
                    return false;
                }
                drop_nulls(member, child);
                true
            });
        }
        Value::Array(items) => {
            if let Some(child) = node.items.as_deref() {
                for item in items {
                    drop_nulls(item, child);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
