//! Tables: what `kubectl get` prints.

mod age;
mod builtin;
mod jsonpath;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(crate) use builtin::columns as builtin_columns;
use jsonpath::JsonPath;

/// What a row carries beside its cells (`includeObject`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum IncludeObject {
    /// The object's metadata.
    #[default]
    Metadata,
    /// The whole object.
    Object,
    /// Nothing.
    None,
}

impl IncludeObject {
    /// Reads the query parameter; `None` where the word is unknown (400).
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "" | "Metadata" => Some(Self::Metadata),
            "Object" => Some(Self::Object),
            "None" => Some(Self::None),
            _ => None,
        }
    }
}

/// One column of a table.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    name: String,
    kind: String,
    format: String,
    description: String,
    priority: i64,
    source: Source,
}

/// Where a cell comes from.
#[derive(Debug, Clone)]
enum Source {
    Path(JsonPath),
    Cell(builtin::Cell),
}

impl Column {
    fn computed(name: &str, kind: &str, priority: i64, description: &str, cell: builtin::Cell) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            format: if name == "Name" {
                "name".to_owned()
            } else {
                String::new()
            },
            description: description.to_owned(),
            priority,
            source: Source::Cell(cell),
        }
    }

    fn definition(&self) -> Value {
        json!({
            "name": self.name,
            "type": self.kind,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        })
    }

    fn cell(&self, object: &Value, now: Timestamp) -> Value {
        match &self.source {
            Source::Cell(cell) => cell(object, now),
            Source::Path(path) => {
                let found = path.find(object);
                found
                    .first()
                    .map_or(Value::Null, |value| cell_of(&self.kind, value, now))
            }
        }
    }
}

/// The columns of a custom resource: its name, then its `additionalPrinterColumns`, or its age where it has
/// none. A column whose path cannot be read stays empty.
pub(crate) fn custom_columns(printer_columns: Option<&Value>) -> Vec<Column> {
    let mut out = vec![builtin::name_column()];
    let listed = printer_columns
        .and_then(Value::as_array)
        .filter(|columns| !columns.is_empty());
    match listed {
        Some(columns) => out.extend(columns.iter().map(custom_column)),
        None => out.push(custom_column(&json!({
            "name": "Age",
            "type": "date",
            "description": builtin::creation_description(),
            "jsonPath": ".metadata.creationTimestamp",
        }))),
    }
    out
}

fn custom_column(column: &Value) -> Column {
    let text = |key: &str| {
        column
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let path = text("jsonPath");
    Column {
        name: text("name"),
        kind: text("type"),
        format: text("format"),
        description: text("description"),
        priority: column.get("priority").and_then(Value::as_i64).unwrap_or_default(),
        source: JsonPath::parse(&path).map_or(Source::Cell(|_, _| Value::Null), Source::Path),
    }
}

/// Whether a printer column's `jsonPath` can be read; a `CustomResourceDefinition` with another is refused.
pub(crate) fn is_json_path(path: &str) -> bool {
    path.starts_with('.') && JsonPath::parse(path).is_some()
}

/// A `Table` of `objects`, in their order.
///
/// `list_meta` is the list's metadata (of a single object: its resource version); `version` is the API
/// version the client asked for (`meta.k8s.io/v1`).
pub(crate) fn table(
    columns: &[Column],
    objects: &[Value],
    now: Timestamp,
    include: IncludeObject,
    list_meta: Option<&Value>,
    version: &str,
) -> Value {
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| row(columns, object, now, include, version))
        .collect();
    let definitions: Vec<Value> = columns.iter().map(Column::definition).collect();
    json!({
        "kind": "Table",
        "apiVersion": version,
        "metadata": list_meta.cloned().unwrap_or_else(|| Value::Object(Map::new())),
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

fn row(columns: &[Column], object: &Value, now: Timestamp, include: IncludeObject, version: &str) -> Value {
    let cells: Vec<Value> = columns.iter().map(|column| column.cell(object, now)).collect();
    let object = match include {
        IncludeObject::Object => object.clone(),
        IncludeObject::Metadata => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": version,
            "metadata": object.get("metadata").cloned().unwrap_or_else(|| json!({})),
        }),
        IncludeObject::None => Value::Null,
    };
    json!({ "cells": cells, "object": object })
}

/// A value as a cell of a column of type `kind`; null where it does not fit.
fn cell_of(kind: &str, value: &Value, now: Timestamp) -> Value {
    match kind {
        "integer" => match value.as_i64() {
            Some(whole) => Value::from(whole),
            // Go truncates towards zero.
            None => value.as_f64().map_or(Value::Null, |float| {
                serde_json::from_str(&format!("{:.0}", float.trunc())).unwrap_or_default()
            }),
        },
        "number" if value.is_number() => value.clone(),
        "boolean" if value.is_boolean() => value.clone(),
        "string" => match value {
            Value::String(_) => value.clone(),
            Value::Null => Value::from(""),
            other => Value::from(other.to_string()),
        },
        "date" => value
            .as_str()
            .map_or(Value::Null, |text| Value::from(age::since(text, now))),
        _ => Value::Null,
    }
}
