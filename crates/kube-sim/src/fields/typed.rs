//! Whether an applied object is typed as its schema says: what is not cannot be owned.

use std::fmt::Write as _;

use serde_json::Value;

use super::set::{item_element, print_element};
use crate::schema::{Additional, ListKind, Node, Schema, Type};
use crate::world::quoted;

/// Every fault of an applied object (`.spec.size: expected numeric (int or float), got string`).
pub(crate) fn faults(schema: &Schema, object: &Value) -> Vec<String> {
    let mut out = Vec::new();
    check(object, schema.root(), "", &mut out);
    out
}

fn check(value: &Value, node: &Node, path: &str, out: &mut Vec<String>) {
    let mut fault = |message: String| out.push(format!("{path}: {message}"));
    match (node.kind, value) {
        (_, Value::Null)
        | (None, _)
        | (Some(Type::String), Value::String(_))
        | (Some(Type::Integer | Type::Number), Value::Number(_))
        | (Some(Type::Boolean), Value::Bool(_)) => {}
        (Some(Type::Object), Value::Object(members)) => check_members(members, node, path, out),
        (Some(Type::Object), other) => fault(format!("expected map, got {}", shown(other))),
        (Some(Type::Array), Value::Array(items)) => check_items(items, node, path, out),
        (Some(Type::Array), other) => fault(format!("expected list, got {}", shown(other))),
        (Some(Type::String), other) => fault(format!(
            "expected string, got &value.valueUnstructured{{Value:{}}}",
            go_syntax(other)
        )),
        (Some(Type::Integer | Type::Number), other) => {
            fault(format!("expected numeric (int or float), got {}", go_type(other)));
        }
        (Some(Type::Boolean), other) => fault(format!("expected boolean, got {}", shown(other))),
    }
}

fn check_members(members: &serde_json::Map<String, Value>, node: &Node, path: &str, out: &mut Vec<String>) {
    for (name, member) in members {
        let inner = format!("{path}.{name}");
        let open = node.preserve_unknown || matches!(node.additional, Some(Additional::Any));
        let type_meta =
            (path.is_empty() || node.embedded) && matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
        match node.child(name) {
            Some(child) => check(member, child, &inner, out),
            None if open || type_meta => {}
            None => {
                // The walk over a map ends with the first field that is not declared.
                out.push(format!("{inner}: field not declared in schema"));
                return;
            }
        }
    }
}

fn check_items(items: &[Value], node: &Node, path: &str, out: &mut Vec<String>) {
    let mut seen = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let mut inner = path.to_owned();
        match &node.list {
            ListKind::Atomic => {
                let _ = write!(inner, "[{index}]");
            }
            ListKind::Set | ListKind::Map(_) => {
                if let Some(why) = unidentified(&node.list, item) {
                    out.push(format!("{path}: element {index}: {why}"));
                    return;
                }
                let Some(element) = item_element(Some(node), item) else {
                    let ListKind::Map(keys) = &node.list else { return };
                    let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
                    out.push(format!(
                        "{path}: element {index}: associative list with keys has an element that omits all key fields \
                         [{}] (and doesn't have default values for any key fields)",
                        keys.join(" ")
                    ));
                    return;
                };
                print_element(&element, &mut inner);
                if seen.contains(&element) {
                    let key = &inner[path.len()..];
                    out.push(format!("{path}: duplicate entries for key {key}"));
                }
                seen.push(element);
            }
        }
        if let Some(child) = node.items.as_deref() {
            check(item, child, &inner, out);
        }
    }
}

/// Why an item of a list of type set or map has no identity.
fn unidentified(list: &ListKind, item: &Value) -> Option<&'static str> {
    match (list, item) {
        (ListKind::Atomic, _)
        | (ListKind::Map(_), Value::Object(_))
        | (ListKind::Set, Value::Bool(_) | Value::Number(_) | Value::String(_)) => None,
        (ListKind::Map(_), Value::Null) => Some("associative list with keys may not have a null element"),
        (ListKind::Map(_), _) => Some("associative list with keys may not have non-map elements"),
        (ListKind::Set, Value::Object(_)) => {
            Some("associative list without keys has an element that's a map type")
        }
        (ListKind::Set, Value::Array(_)) => Some("not supported: associative list with lists as elements"),
        (ListKind::Set, Value::Null) => {
            Some("associative list without keys has an element that's an explicit null")
        }
    }
}

/// A value as the merge library prints it.
fn shown(value: &Value) -> String {
    fn inner(value: &Value) -> String {
        match value {
            Value::Null => "<nil>".to_owned(),
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(items) => format!("[{}]", items.iter().map(inner).collect::<Vec<_>>().join(" ")),
            Value::Object(members) => {
                let all: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("{key}:{}", inner(value)))
                    .collect();
                format!("map[{}]", all.join(" "))
            }
        }
    }
    format!("&{{{}}}", inner(value))
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value in Go's syntax (`%#v`).
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(text) => quoted(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => format!(
            "[]interface {{}}{{{}}}",
            items.iter().map(go_syntax).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(members) => {
            let all: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}:{}", quoted(key), go_syntax(value)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", all.join(", "))
        }
    }
}
