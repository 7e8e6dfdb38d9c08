//! `metadata.managedFields`: who owns which fields.

use serde_json::{Map, Value};

use super::merge::metadata_mut;
use super::set::FieldSet;
use super::{Manager, Operation};

/// One manager's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) manager: String,
    pub(super) operation: Operation,
    pub(super) subresource: String,
    pub(super) api_version: String,
    /// RFC 3339; absent for fields found before the first apply.
    pub(super) time: Option<String>,
    pub(super) fields: FieldSet,
}

impl Entry {
    /// Whether `manager` writes to this entry. An applier keeps its entry across API versions.
    pub(super) fn is_of(&self, manager: &Manager<'_>) -> bool {
        self.manager == manager.name
            && self.operation == manager.operation
            && self.subresource == manager.subresource
            && (self.operation == Operation::Apply || self.api_version == manager.api_version)
    }

    /// The manager as conflicts name it.
    pub(super) fn described(&self) -> String {
        let mut out = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            out = format!("{out} with subresource {:?}", self.subresource);
        }
        match self.operation {
            Operation::Update => format!("{out} using {}", self.api_version),
            Operation::Apply => out,
        }
    }

    fn to_json(&self) -> Value {
        let mut out = Map::new();
        let mut put = |key: &str, value: &str| out.insert(key.to_owned(), Value::from(value));
        put("manager", &self.manager);
        put("operation", self.operation.name());
        put("apiVersion", &self.api_version);
        if let Some(time) = &self.time {
            put("time", time);
        }
        if !self.subresource.is_empty() {
            put("subresource", &self.subresource);
        }
        put("fieldsType", "FieldsV1");
        out.insert("fieldsV1".to_owned(), self.fields.to_json());
        Value::Object(out)
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = |key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let operation = match value.get("operation").and_then(Value::as_str)? {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        let no_fields = Value::Object(Map::new());
        Some(Self {
            manager: text("manager"),
            operation,
            subresource: text("subresource"),
            api_version: text("apiVersion"),
            time: value.get("time").and_then(Value::as_str).map(str::to_owned),
            fields: FieldSet::from_json(value.get("fieldsV1").unwrap_or(&no_fields))?,
        })
    }
}

/// An object's entries; nothing where they cannot be read.
pub(super) fn read(object: &Value) -> Vec<Entry> {
    let listed = object
        .get("metadata")
        .and_then(|metadata| metadata.get("managedFields"));
    let Some(listed) = listed.and_then(Value::as_array) else {
        return Vec::new();
    };
    listed
        .iter()
        .map(Entry::from_json)
        .collect::<Option<Vec<Entry>>>()
        .unwrap_or_default()
}

/// Whether an object asks to forget all ownership: an empty list, or one empty entry.
pub(super) fn is_reset(object: &Value) -> bool {
    let listed = object
        .get("metadata")
        .and_then(|metadata| metadata.get("managedFields"));
    listed
        .and_then(Value::as_array)
        .is_some_and(|entries| match entries.as_slice() {
            [] => true,
            [only] => only.as_object().is_some_and(Map::is_empty),
            _ => false,
        })
}

/// Writes entries in the server's order; entries without fields are dropped.
pub(super) fn write(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.fields.is_empty());
    entries.sort_by(|a, b| {
        let order = |entry: &Entry| {
            (
                entry.operation,
                entry.time.clone().unwrap_or_default(),
                entry.manager.clone(),
                entry.api_version.clone(),
                entry.subresource.clone(),
            )
        };
        order(a).cmp(&order(b))
    });
    let Some(metadata) = metadata_mut(object) else {
        return;
    };
    if entries.is_empty() {
        metadata.remove("managedFields");
    } else {
        let listed = entries.iter().map(Entry::to_json).collect();
        metadata.insert("managedFields".to_owned(), Value::Array(listed));
    }
}
