//! Structural schemas: what a kind's objects look like, which of their fields are kept, defaulted and
//! refused, and how their lists and maps merge.
//!
//! A [`Schema`] is compiled once from the `openAPIV3Schema` of a `CustomResourceDefinition`'s version, or
//! taken from the built-in kinds. All operations are functions over [`serde_json::Value`].

mod builtin;
mod cause;
mod compile;
mod decode;
mod default;
mod expressions;
mod format;
mod invariants;
mod number;
mod prune;
mod rules;
#[cfg(test)]
mod tests;
mod tidy;
mod validate;

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

pub(crate) use builtin::{
    component_of as builtin_component, description as builtin_description, document as builtin_document,
    publish,
};
pub(crate) use cause::Cause;
use rules::Rules;

/// A compiled schema of one version of one kind.
#[derive(Debug)]
pub(crate) struct Schema {
    root: Node,
}

/// The JSON type a node asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

impl Type {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// How a list is owned and merged (`x-kubernetes-list-type`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum ListKind {
    /// As a whole.
    #[default]
    Atomic,
    /// By value.
    Set,
    /// By the named key fields, sorted.
    Map(Vec<String>),
}

/// What an object may hold beside its declared properties.
#[derive(Debug)]
pub(crate) enum Additional {
    /// `additionalProperties: true`.
    Any,
    /// `additionalProperties` with a schema.
    Of(Box<Node>),
}

/// One node of a schema.
///
/// Nodes under `allOf`, `anyOf`, `oneOf` and `not` are of the same shape; they only ever validate.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one per boolean keyword of the schema language"
)]
pub(crate) struct Node {
    pub(crate) kind: Option<Type>,
    pub(crate) nullable: bool,
    pub(crate) default: Option<Value>,
    pub(crate) properties: BTreeMap<String, Node>,
    pub(crate) additional: Option<Additional>,
    pub(crate) items: Option<Box<Node>>,
    pub(crate) preserve_unknown: bool,
    pub(crate) embedded: bool,
    pub(crate) int_or_string: bool,
    pub(crate) list: ListKind,
    pub(crate) atomic_map: bool,
    /// Present, if empty, in a fresh object: a struct (not a pointer) in the built-in kind's Go type.
    pub(crate) inline_struct: bool,
    /// The name of the Go type of an object of a built-in kind (`v1.PodSpec`).
    go_type: Option<String>,
    checks: Checks,
    rules: Option<Box<Rules>>,
}

/// The value validations of a node.
#[derive(Debug, Default)]
struct Checks {
    required: Vec<String>,
    options: Vec<Value>,
    format: Option<String>,
    pattern: Option<(String, Regex)>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    exclusive_minimum: bool,
    exclusive_maximum: bool,
    multiple_of: Option<f64>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    min_properties: Option<u64>,
    max_properties: Option<u64>,
    all_of: Vec<Node>,
    any_of: Vec<Node>,
    one_of: Vec<Node>,
    not: Option<Box<Node>>,
}

impl Schema {
    /// The root node, for merging.
    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    /// The list kind at a path of field names (`["metadata", "finalizers"]`); list items are stepped
    /// through without naming them. Atomic where the schema says nothing.
    #[cfg(test)]
    pub(crate) fn list_kind(&self, path: &[&str]) -> ListKind {
        let mut node = Some(&self.root);
        for name in path {
            node = node.and_then(|n| n.items.as_deref().unwrap_or(n).child(name));
        }
        node.map(|n| n.list.clone()).unwrap_or_default()
    }

    /// The object a create starts from when its changes are attributed: empty for custom resources, with
    /// empty structs for built-in kinds.
    pub(crate) fn blank(&self) -> Value {
        self.root.blank()
    }
}

impl Node {
    /// The schema of the member `key` of an object, declared or additional.
    pub(crate) fn child(&self, key: &str) -> Option<&Node> {
        self.properties.get(key).or(match &self.additional {
            Some(Additional::Of(node)) => Some(node),
            Some(Additional::Any) | None => None,
        })
    }

    fn blank(&self) -> Value {
        Value::Object(
            self.properties
                .iter()
                .filter(|(_, node)| node.inline_struct)
                .map(|(name, node)| (name.clone(), node.blank()))
                .collect(),
        )
    }
}

/// `parent.child`, or `child` at the root.
fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
