//! Whether a JSON object fits the Go type of its kind, in the words of Go's decoder.

use serde_json::Value;

use super::{Additional, Node, Schema, Type, number};

impl Schema {
    /// Why an object of a built-in kind cannot be read, or nothing.
    pub(crate) fn undecodable(&self, object: &Value) -> Option<String> {
        Place::default().check(object, &self.root)
    }

    /// Why the metadata of a custom resource cannot be read, or nothing.
    pub(crate) fn undecodable_metadata(object: &Value) -> Option<String> {
        let node = Self::opaque().root.properties.get("metadata")?;
        Place::default().check(object.get("metadata")?, node)
    }
}

/// Where the decoder is: the struct that it fills, and the names of the fields on the way there.
#[derive(Debug, Clone, Default)]
struct Place {
    container: String,
    path: Vec<String>,
}

impl Place {
    fn check(&self, value: &Value, node: &Node) -> Option<String> {
        match (value, node.kind) {
            (Value::Null, _)
            | (_, None)
            | (Value::Number(_), Some(Type::Number))
            | (Value::Bool(_), Some(Type::Boolean)) => None,
            (Value::Object(members), Some(Type::Object)) => members.iter().find_map(|(name, member)| {
                if let Some(child) = node.properties.get(name) {
                    self.field(node, name).check(member, child)
                } else if let Some(Additional::Of(child)) = &node.additional {
                    self.check(member, child)
                } else {
                    None
                }
            }),
            (Value::Array(items), Some(Type::Array)) => {
                let child = node.items.as_deref()?;
                items.iter().find_map(|item| self.check(item, child))
            }
            (Value::String(text), Some(Type::String)) => check_string(text, node),
            (Value::Number(digits), Some(Type::Integer)) => {
                let limit = node.checks.format.as_deref().unwrap_or("int64");
                if number::is_integral(digits) && number::fits(digits, limit) {
                    None
                } else {
                    Some(self.mismatch(&format!("number {digits}"), node))
                }
            }
            (other, Some(_)) => Some(self.mismatch(json_name(other), node)),
        }
    }

    fn field(&self, container: &Node, name: &str) -> Self {
        let container = container.go_type.as_deref().unwrap_or_default();
        let mut path = self.path.clone();
        path.push(name.to_owned());
        Self {
            container: container.rsplit('.').next().unwrap_or_default().to_owned(),
            path,
        }
    }

    fn mismatch(&self, found: &str, node: &Node) -> String {
        let wanted = go_name(node);
        if self.path.is_empty() {
            return format!("json: cannot unmarshal {found} into Go value of type {wanted}");
        }
        format!(
            "json: cannot unmarshal {found} into Go struct field {}.{} of type {wanted}",
            self.container,
            self.path.join(".")
        )
    }
}

fn check_string(text: &str, node: &Node) -> Option<String> {
    match node.checks.format.as_deref() {
        Some("date-time") if text.parse::<jiff::Timestamp>().is_err() => Some(format!(
            "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""
        )),
        Some(_) | None => None,
    }
}

fn json_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The Go type of a value.
fn go_name(node: &Node) -> String {
    if let Some(name) = &node.go_type {
        return name.clone();
    }
    let format = node.checks.format.as_deref();
    match node.kind {
        Some(Type::String) if format == Some("byte") => "[]uint8".to_owned(),
        Some(Type::String) => "string".to_owned(),
        Some(Type::Integer) => format.unwrap_or("int64").to_owned(),
        Some(Type::Number) => "float64".to_owned(),
        Some(Type::Boolean) => "bool".to_owned(),
        Some(Type::Array) => format!("[]{}", node.items.as_deref().map(go_name).unwrap_or_default()),
        Some(Type::Object) => match &node.additional {
            Some(Additional::Of(child)) => format!("map[string]{}", go_name(child)),
            Some(Additional::Any) | None => "map[string]interface {}".to_owned(),
        },
        None => "interface {}".to_owned(),
    }
}
