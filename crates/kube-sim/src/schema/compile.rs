//! From an `openAPIV3Schema` to a [`Schema`].

use regex::Regex;
use serde_json::Value;

use super::builtin;
use super::rules::Rules;
use super::{Additional, Cause, Checks, ListKind, Node, Schema, Type, expressions, invariants};

impl Schema {
    /// Compiles the `openAPIV3Schema` of a `CustomResourceDefinition`'s version, to be served.
    ///
    /// # Errors
    ///
    /// What keeps it from being used: see [`refuse`](Self::refuse), which also asks what its rules say and cost.
    pub(crate) fn compile(openapi: &Value) -> Result<Schema, Vec<Cause>> {
        Self::built(openapi, Vec::new)
    }

    /// What the API server refuses of a schema: that is not structural, list and map types that do not fit, patterns
    /// and defaults that are not valid, and rules that do not fit or cost too much.
    ///
    /// The causes' fields are relative to the schema (`properties[spec].type`); put the version's path before them with
    /// [`Cause::under`]. `at` is that path, where a sentence names it.
    pub(crate) fn refuse(openapi: &Value, at: &str) -> Vec<Cause> {
        let refused = Self::built(openapi, || expressions::check(openapi, at));
        refused.err().unwrap_or_default()
    }

    /// Builds a schema of which `rules` finds nothing to refuse; it is asked once the rest is in order.
    fn built(openapi: &Value, rules: impl FnOnce() -> Vec<Cause>) -> Result<Schema, Vec<Cause>> {
        let mut faults = Faults {
            schema: invariants::check(openapi),
            evaluation: Vec::new(),
        };
        let mut root = build(openapi, "", &mut faults);
        with_object_meta(&mut root);
        if !faults.schema.is_empty() {
            let mut causes = faults.schema;
            causes.sort_by_key(ToString::to_string);
            causes.dedup();
            return Err(causes);
        }
        let schema = Schema { root };
        let mut causes = Vec::new();
        check_defaults(&schema.root, "", &mut causes);
        if causes.is_empty() {
            causes = rules();
        }
        if causes.is_empty() {
            causes = faults.evaluation;
        }
        if causes.is_empty() {
            Ok(schema)
        } else {
            Err(causes)
        }
    }

    /// Compiles the schema of a built-in kind, which is trusted.
    pub(super) fn trusted(openapi: &Value) -> Schema {
        let mut root = build(openapi, "", &mut Faults::default());
        // The status is written by controllers; nothing in it is asked for.
        for name in ["metadata", "status"] {
            if let Some(member) = root.properties.get_mut(name) {
                leave_members_optional(member);
            }
        }
        Schema { root }
    }
}

/// What is wrong with a schema.
#[derive(Default)]
struct Faults {
    /// With the schema itself.
    schema: Vec<Cause>,
    /// Rules that cannot be evaluated here.
    evaluation: Vec<Cause>,
}

/// Gives a resource its implicit members: `apiVersion`, `kind` and `metadata`.
fn with_object_meta(node: &mut Node) {
    for name in ["apiVersion", "kind"] {
        node.properties.entry(name.to_owned()).or_insert_with(|| Node {
            kind: Some(Type::String),
            ..Node::default()
        });
    }
    let mut metadata = build(builtin::object_meta(), "", &mut Faults::default());
    leave_members_optional(&mut metadata);
    if let Some(own) = node.properties.remove("metadata") {
        metadata.properties.extend(own.properties);
        metadata.checks = own.checks;
        metadata.rules = own.rules;
    }
    node.properties.insert("metadata".to_owned(), metadata);
}

/// What metadata must hold is checked elsewhere, in other words than a schema's.
fn leave_members_optional(node: &mut Node) {
    node.checks.required.clear();
    for child in node.properties.values_mut() {
        leave_members_optional(child);
    }
    if let Some(items) = node.items.as_deref_mut() {
        leave_members_optional(items);
    }
}

fn build(schema: &Value, path: &str, faults: &mut Faults) -> Node {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    let flag = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or_default();
    let mut node = Node {
        kind: text("type").and_then(Type::parse),
        nullable: flag("nullable"),
        default: schema
            .get("default")
            .filter(|default| !default.is_null())
            .cloned(),
        preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
        embedded: flag("x-kubernetes-embedded-resource"),
        int_or_string: flag("x-kubernetes-int-or-string"),
        atomic_map: text("x-kubernetes-map-type") == Some("atomic"),
        inline_struct: flag(builtin::INLINE_STRUCT),
        go_type: text(builtin::GO_TYPE).map(str::to_owned),
        list: list_kind(schema),
        ..Node::default()
    };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        node.properties = properties
            .iter()
            .map(|(name, child)| (name.clone(), build(child, &member(path, name), faults)))
            .collect();
    }
    node.additional = match schema.get("additionalProperties") {
        Some(Value::Bool(true)) => Some(Additional::Any),
        Some(child @ Value::Object(_)) => Some(Additional::Of(Box::new(build(
            child,
            &step(path, "additionalProperties"),
            faults,
        )))),
        _ => None,
    };
    node.items = schema
        .get("items")
        .filter(|items| items.is_object())
        .map(|items| Box::new(build(items, &step(path, "items"), faults)));
    if node.embedded {
        with_object_meta(&mut node);
    }
    node.checks = checks(schema, path, faults);
    match Rules::compile(schema) {
        Ok(rules) => node.rules = rules.map(Box::new),
        Err(causes) => faults
            .evaluation
            .extend(causes.into_iter().map(|cause| cause.under(path))),
    }
    node
}

fn list_kind(schema: &Value) -> ListKind {
    match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => ListKind::Set,
        Some("map") => {
            let mut keys = strings(schema.get("x-kubernetes-list-map-keys"));
            keys.sort();
            ListKind::Map(keys)
        }
        _ => ListKind::Atomic,
    }
}

fn checks(schema: &Value, path: &str, faults: &mut Faults) -> Checks {
    let float = |key: &str| schema.get(key).and_then(Value::as_f64);
    let count = |key: &str| schema.get(key).and_then(Value::as_u64);
    let flag = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or_default();
    let mut pattern = None;
    if let Some(text) = schema
        .get("pattern")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
    {
        match Regex::new(text) {
            Ok(regex) => pattern = Some((text.to_owned(), regex)),
            Err(error) => faults.schema.push(Cause::invalid(
                &step(path, "pattern"),
                &Value::from(text),
                &format!(
                    "must be a valid regular expression, but isn't: {}",
                    brief(&error.to_string())
                ),
            )),
        }
    }
    Checks {
        required: strings(schema.get("required")),
        options: schema
            .get("enum")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default(),
        format: schema.get("format").and_then(Value::as_str).map(str::to_owned),
        pattern,
        minimum: float("minimum"),
        maximum: float("maximum"),
        exclusive_minimum: flag("exclusiveMinimum"),
        exclusive_maximum: flag("exclusiveMaximum"),
        multiple_of: float("multipleOf"),
        min_length: count("minLength"),
        max_length: count("maxLength"),
        min_items: count("minItems"),
        max_items: count("maxItems"),
        min_properties: count("minProperties"),
        max_properties: count("maxProperties"),
        all_of: branches(schema, path, "allOf", faults),
        any_of: branches(schema, path, "anyOf", faults),
        one_of: branches(schema, path, "oneOf", faults),
        not: schema
            .get("not")
            .map(|not| Box::new(build(not, &step(path, "not"), faults))),
    }
}

fn branches(schema: &Value, path: &str, key: &str, faults: &mut Faults) -> Vec<Node> {
    let Some(list) = schema.get(key).and_then(Value::as_array) else {
        return Vec::new();
    };
    list.iter()
        .enumerate()
        .map(|(index, branch)| build(branch, &format!("{}[{index}]", step(path, key)), faults))
        .collect()
}

/// Every default must itself pass the schema it stands in.
fn check_defaults(node: &Node, path: &str, causes: &mut Vec<Cause>) {
    if let Some(default) = &node.default {
        let field = step(path, "default");
        let faults = node.check_value(default);
        causes.extend(faults.iter().map(|fault| {
            let inner = if fault.field.is_empty() {
                field.clone()
            } else {
                format!("{field}.{}", fault.field)
            };
            Cause {
                field: inner,
                ..fault.clone()
            }
        }));
    }
    for (name, child) in &node.properties {
        check_defaults(child, &member(path, name), causes);
    }
    if let Some(items) = &node.items {
        check_defaults(items, &step(path, "items"), causes);
    }
    if let Some(Additional::Of(child)) = &node.additional {
        check_defaults(child, &step(path, "additionalProperties"), causes);
    }
}

/// The last line of a many-line message of the regex parser.
fn brief(message: &str) -> &str {
    message.lines().last().unwrap_or(message).trim()
}

pub(super) fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The path of a keyword of a schema.
pub(super) fn step(path: &str, name: &str) -> String {
    super::join(path, name)
}

/// The path of a property of a schema.
pub(super) fn member(path: &str, name: &str) -> String {
    format!("{}[{name}]", step(path, "properties"))
}
