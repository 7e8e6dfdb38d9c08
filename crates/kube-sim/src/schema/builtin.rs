//! The kinds a cluster has without any `CustomResourceDefinition`.
//!
//! `builtin.json` describes them in the words of `openAPIV3Schema`. Kinds of the control plane's own groups
//! are described in full; of the workload kinds only what decides how they merge, the rest is kept as it
//! comes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::Schema;

/// Marks members that are structs in the kind's Go type: present, if empty, in every fresh object.
pub(super) const INLINE_STRUCT: &str = "x-struct";

struct Builtin {
    document: Value,
    schema: Schema,
}

struct Catalogue {
    kinds: BTreeMap<String, Builtin>,
    object_meta: Value,
    opaque: Schema,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let text = include_str!("builtin.json");
    let source: Value = serde_json::from_str(text).expect("the embedded catalogue of kinds is valid JSON");
    let definitions = &source["definitions"];
    let resolve = |schema: &Value| resolved(schema, definitions);
    let kinds = source["kinds"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let document = resolve(schema);
            let schema = Schema::trusted(&document);
            (name.clone(), Builtin { document, schema })
        });
    let object_meta = resolve(&definitions["ObjectMeta"]);
    let opaque = Schema::trusted(&serde_json::json!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": { "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": &object_meta },
    }));
    Catalogue {
        kinds: kinds.collect(),
        object_meta,
        opaque,
    }
});

impl Schema {
    /// The schema of a built-in kind (`v1`, `Secret`), or `None` where there is no such kind.
    pub(crate) fn builtin(api_version: &str, kind: &str) -> Option<&'static Schema> {
        CATALOGUE
            .kinds
            .get(&format!("{api_version}/{kind}"))
            .map(|builtin| &builtin.schema)
    }

    /// The schema of a kind of which nothing but its metadata is known.
    pub(crate) fn opaque() -> &'static Schema {
        &CATALOGUE.opaque
    }
}

/// The `openAPIV3Schema` of a built-in kind.
pub(crate) fn document(api_version: &str, kind: &str) -> Option<&'static Value> {
    CATALOGUE
        .kinds
        .get(&format!("{api_version}/{kind}"))
        .map(|builtin| &builtin.document)
}

/// The schema of `metadata`.
pub(crate) fn object_meta() -> &'static Value {
    &CATALOGUE.object_meta
}

/// `schema` with each `$ref` replaced by what it names; keywords beside the reference stay.
fn resolved(schema: &Value, definitions: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut out = match members.get("$ref").and_then(Value::as_str) {
                Some(name) => match resolved(&definitions[name], definitions) {
                    Value::Object(target) => target,
                    _ => serde_json::Map::new(),
                },
                None => serde_json::Map::new(),
            };
            for (key, value) in members.iter().filter(|(key, _)| *key != "$ref") {
                out.insert(key.clone(), resolved(value, definitions));
            }
            Value::Object(out)
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| resolved(item, definitions)).collect()),
        other => other.clone(),
    }
}
