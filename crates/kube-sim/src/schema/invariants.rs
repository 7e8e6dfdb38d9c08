//! What makes a schema structural.

use serde_json::{Value, json};

use super::compile::{member, step, strings};
use super::{Cause, Type};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// Keywords that only the structural part of a schema may carry.
const STRUCTURAL_ONLY: [(&str, &str); 11] = [
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    (
        "x-kubernetes-preserve-unknown-fields",
        "must be false to be structural",
    ),
    ("x-kubernetes-embedded-resource", "must be false to be structural"),
    ("x-kubernetes-int-or-string", "must be false to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
    ("x-kubernetes-validations", "must be empty to be structural"),
];

/// Keywords of `OpenAPI` that no custom resource's schema may use.
const FORBIDDEN: [(&str, &str); 5] = [
    ("$ref", "$ref is not supported"),
    ("definitions", "definitions is not supported"),
    ("dependencies", "dependencies is not supported"),
    ("patternProperties", "patternProperties is not supported"),
    ("id", "id is not supported"),
];

/// All faults of a schema.
pub(super) fn check(schema: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    structural(schema, Level::Root, "", &mut causes);
    causes
}

fn structural(schema: &Value, level: Level, path: &str, causes: &mut Vec<Cause>) {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    forbidden(schema, path, causes);
    types(schema, kind, level, path, causes);
    lists(schema, kind, path, causes);
    objects(schema, level, path, causes);

    let int_or_string = is_set(schema, "x-kubernetes-int-or-string");
    for key in ["allOf", "anyOf", "oneOf"] {
        for (index, branch) in list(schema, key).iter().enumerate() {
            if int_or_string && (key == "anyOf" || index == 0) && is_int_or_string_choice(schema, key, branch)
            {
                continue;
            }
            nested(
                branch,
                Some(schema),
                &format!("{}[{index}]", step(path, key)),
                causes,
            );
        }
    }
    if let Some(not) = schema.get("not") {
        nested(not, Some(schema), &step(path, "not"), causes);
    }
}

fn forbidden(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (key, why) in FORBIDDEN {
        if schema.get(key).is_some() {
            causes.push(Cause::forbidden(&step(path, key), why));
        }
    }
    if is_set(schema, "uniqueItems") {
        causes.push(Cause::forbidden(
            &step(path, "uniqueItems"),
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ));
    }
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        causes.push(Cause::forbidden(
            &step(path, "additionalProperties"),
            "additionalProperties cannot be set to false",
        ));
    }
    if schema.get("items").is_some_and(Value::is_array) {
        causes.push(Cause::forbidden(
            &step(path, "items"),
            "items must be a schema object and not an array",
        ));
    }
}

fn types(schema: &Value, kind: &str, level: Level, path: &str, causes: &mut Vec<Cause>) {
    let field = step(path, "type");
    if !kind.is_empty() && Type::parse(kind).is_none() {
        let known = ["array", "boolean", "integer", "number", "object", "string"].map(str::to_owned);
        causes.push(Cause::not_supported(&field, &json!(kind), &known));
    }
    let embedded = is_set(schema, "x-kubernetes-embedded-resource");
    let untyped = is_set(schema, "x-kubernetes-int-or-string")
        || is_set(schema, "x-kubernetes-preserve-unknown-fields");
    if embedded && kind != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        causes.push(if kind.is_empty() {
            Cause::required(&field, why)
        } else {
            Cause::invalid(&field, &json!(kind), why)
        });
    } else if kind.is_empty() && !untyped {
        let why = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        causes.push(Cause::required(&field, why));
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        causes.push(Cause::invalid(&field, &json!(kind), "must be object at the root"));
    }
    if is_set(schema, "x-kubernetes-int-or-string") {
        for key in [
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-embedded-resource",
        ] {
            if is_set(schema, key) {
                causes.push(Cause::invalid(
                    &step(path, key),
                    &json!(true),
                    "must be false if x-kubernetes-int-or-string is true",
                ));
            }
        }
    }
    if kind == "array" && schema.get("items").is_none() {
        causes.push(Cause::required(&step(path, "items"), "must be specified"));
    }
    if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
        structural(items, Level::Item, &step(path, "items"), causes);
    }
}

fn objects(schema: &Value, level: Level, path: &str, causes: &mut Vec<Cause>) {
    let embedded = is_set(schema, "x-kubernetes-embedded-resource");
    let additional = schema
        .get("additionalProperties")
        .filter(|value| **value != Value::Bool(false));
    let properties = schema.get("properties").and_then(Value::as_object);
    if additional.is_some() {
        let field = step(path, "additionalProperties");
        if level == Level::Root {
            causes.push(Cause::forbidden(&field, "must not be used at the root"));
        }
        if embedded {
            causes.push(Cause::forbidden(
                &field,
                "must not be used if x-kubernetes-embedded-resource is set",
            ));
        }
        if properties.is_some_and(|properties| !properties.is_empty()) {
            causes.push(Cause::forbidden(
                &field,
                "additionalProperties and properties are mutual exclusive",
            ));
        }
    }
    if let Some(child) = additional.filter(|value| value.is_object()) {
        structural(child, Level::Field, &step(path, "additionalProperties"), causes);
    }
    for (name, child) in properties.into_iter().flatten() {
        let inner = member(path, name);
        let resource = level == Level::Root || embedded;
        if resource && name == "metadata" {
            metadata(child, &inner, causes);
        } else {
            structural(child, Level::Field, &inner, causes);
        }
        let kind = child.get("type").and_then(Value::as_str).unwrap_or_default();
        if resource && matches!(name.as_str(), "kind" | "apiVersion") && kind != "string" {
            causes.push(Cause::invalid(
                &step(&inner, "type"),
                &json!(kind),
                "must be string",
            ));
        }
    }
    let preserves = is_set(schema, "x-kubernetes-preserve-unknown-fields");
    if embedded && !preserves && properties.is_none_or(serde_json::Map::is_empty) {
        causes.push(Cause::required(
            &step(path, "properties"),
            "must not be empty if x-kubernetes-embedded-resource is true without \
             x-kubernetes-preserve-unknown-fields",
        ));
    }
}

fn metadata(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        let kind = schema.get("type").cloned().unwrap_or_else(|| json!(""));
        causes.push(Cause::invalid(&step(path, "type"), &kind, "must be object"));
    }
    let restricts = schema
        .get("properties")
        .and_then(Value::as_object)
        .is_some_and(|members| {
            members
                .keys()
                .any(|name| !matches!(name.as_str(), "name" | "generateName"))
        });
    if restricts || schema.get("additionalProperties").is_some() {
        causes.push(Cause::forbidden(
            path,
            "must not specify anything other than name and generateName, but metadata is implicitly specified",
        ));
    }
}

fn lists(schema: &Value, kind: &str, path: &str, causes: &mut Vec<Cause>) {
    let keys = strings(schema.get("x-kubernetes-list-map-keys"));
    let keys_field = step(path, "x-kubernetes-list-map-keys");
    let list_type = schema.get("x-kubernetes-list-type").and_then(Value::as_str);
    if let Some(list_type) = list_type {
        let field = step(path, "x-kubernetes-list-type");
        if kind != "array" {
            causes.push(Cause::invalid(
                &step(path, "type"),
                &json!(kind),
                "must be array if x-kubernetes-list-type is set",
            ));
        }
        if !matches!(list_type, "atomic" | "set" | "map") {
            causes.push(Cause::not_supported(
                &field,
                &json!(list_type),
                &["atomic", "set", "map"].map(str::to_owned),
            ));
        }
        if list_type == "map" && keys.is_empty() {
            causes.push(Cause::required(
                &keys_field,
                "must not be empty if x-kubernetes-list-type is map",
            ));
        }
    }
    if list_type != Some("map") && !keys.is_empty() {
        causes.push(Cause::forbidden(
            &keys_field,
            "must be empty if x-kubernetes-list-type is not map",
        ));
    }
    let items = schema.get("items").unwrap_or(&Value::Null);
    let required = strings(items.get("required"));
    for key in keys.iter().filter(|_| list_type == Some("map")) {
        let property = items.get("properties").and_then(|properties| properties.get(key));
        let field = step(&member(&step(path, "items"), key), "default");
        match property {
            None => causes.push(Cause::invalid(
                &keys_field,
                &json!(key),
                "entries must all be names of item properties",
            )),
            Some(property) if property.get("default").is_none() && !required.contains(key) => {
                causes.push(Cause::required(
                    &field,
                    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a \
                     required property",
                ));
            }
            Some(_) => {}
        }
    }
    if let Some(map_type) = schema.get("x-kubernetes-map-type").and_then(Value::as_str) {
        let field = step(path, "x-kubernetes-map-type");
        if kind != "object" {
            causes.push(Cause::invalid(
                &step(path, "type"),
                &json!(kind),
                "must be object if x-kubernetes-map-type is specified",
            ));
        }
        if !matches!(map_type, "granular" | "atomic") {
            let known = ["granular", "atomic"].map(str::to_owned);
            causes.push(Cause::not_supported(&field, &json!(map_type), &known));
        }
    }
}

/// Checks a branch of `allOf`, `anyOf`, `oneOf` or `not`; `outer` is the structural node it restricts.
fn nested(schema: &Value, outer: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    for (key, why) in STRUCTURAL_ONLY {
        let present = schema
            .get(key)
            .is_some_and(|value| *value != json!(false) && *value != json!(""));
        if present {
            causes.push(Cause::forbidden(&step(path, key), why));
        }
    }
    for (name, child) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let inner = member(path, name);
        if name == "metadata" {
            causes.push(Cause::forbidden(
                &inner,
                "must not be specified in a nested context",
            ));
        }
        let known = outer
            .and_then(|outer| outer.get("properties"))
            .and_then(|known| known.get(name));
        if outer.is_some() && known.is_none() {
            causes.push(Cause::required(
                &inner,
                "because it is defined in a value validation",
            ));
        }
        nested(child, known, &inner, causes);
    }
    if let Some(items) = schema.get("items") {
        nested(
            items,
            outer.and_then(|outer| outer.get("items")),
            &step(path, "items"),
            causes,
        );
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for (index, branch) in list(schema, key).iter().enumerate() {
            nested(branch, outer, &format!("{}[{index}]", step(path, key)), causes);
        }
    }
    if let Some(not) = schema.get("not") {
        nested(not, outer, &step(path, "not"), causes);
    }
}

/// The one choice of types that may stand beside `x-kubernetes-int-or-string`.
fn is_int_or_string_choice(schema: &Value, key: &str, branch: &Value) -> bool {
    let choice = json!([{"type": "integer"}, {"type": "string"}]);
    match key {
        "anyOf" => schema.get("anyOf") == Some(&choice),
        _ => branch.get("anyOf") == Some(&choice),
    }
}

fn is_set(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool).unwrap_or_default()
}

fn list<'a>(schema: &'a Value, key: &str) -> &'a [Value] {
    schema
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
