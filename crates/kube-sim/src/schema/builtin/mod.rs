//! The kinds a cluster has without any `CustomResourceDefinition`.
//!
//! What they look like comes from the types of `k8s-openapi`, which carry the descriptions of the published API.
//! What those leave out stands in `traits.json`, by component and property: how lists and maps merge
//! (`x-kubernetes-*`), what is filled in (`default`), what must be there where they see it otherwise (`required` of the
//! component itself, `.`), and which members are structs rather than pointers in the
//! API's own types (`x-struct`): those are there, if empty, in every object.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, OnceLock};

use serde_json::{Map, Value, json};

use super::Schema;

/// Marks members that are structs in the kind's Go type: present, if empty, in every fresh object.
pub(super) const INLINE_STRUCT: &str = "x-struct";
/// The name of the Go type of an object, for what the decoder says.
pub(super) const GO_TYPE: &str = "x-go-type";

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
/// Where components refer to each other.
const REFERENCE: &str = "#/components/schemas/";

/// One kind: its description and its schema, each made when it is first asked for.
#[derive(Debug)]
struct Builtin {
    component: String,
    document: OnceLock<Value>,
    schema: OnceLock<Schema>,
}

struct Catalogue {
    components: BTreeMap<String, Value>,
    /// By `apiVersion/kind`.
    kinds: BTreeMap<String, Builtin>,
    object_meta: Value,
    opaque: Schema,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let traits: BTreeMap<String, BTreeMap<String, Map<String, Value>>> =
        serde_json::from_str(include_str!("traits.json")).expect("the embedded traits are valid JSON");
    let mut components = source::components();
    for (name, traits) in traits {
        if let Some(component) = components.get_mut(&name) {
            add_traits(component, traits);
        }
    }
    let kinds = source::kinds()
        .map(|(api_version, kind, component)| {
            let builtin = Builtin {
                component,
                document: OnceLock::new(),
                schema: OnceLock::new(),
            };
            (format!("{api_version}/{kind}"), builtin)
        })
        .collect();
    let object_meta = inlined(&components, OBJECT_META, &mut Vec::new());
    let opaque = Schema::trusted(&json!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": { "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": &object_meta },
    }));
    Catalogue {
        components,
        kinds,
        object_meta,
        opaque,
    }
});

fn add_traits(component: &mut Value, traits: BTreeMap<String, Map<String, Value>>) {
    for (property, keywords) in traits {
        let place = if property == "." {
            Some(&mut *component)
        } else {
            component
                .get_mut("properties")
                .and_then(|properties| properties.get_mut(&property))
        };
        if let Some(members) = place.and_then(Value::as_object_mut) {
            members.extend(keywords);
        }
    }
}

impl Schema {
    /// The schema of a built-in kind (`v1`, `Secret`), or `None` where there is no such kind.
    pub(crate) fn builtin(api_version: &str, kind: &str) -> Option<&'static Schema> {
        let builtin = find(api_version, kind)?;
        Some(builtin.schema.get_or_init(|| Schema::trusted(builtin.document())))
    }

    /// The schema of a kind of which nothing but its metadata is known.
    pub(crate) fn opaque() -> &'static Schema {
        &CATALOGUE.opaque
    }
}

impl Builtin {
    fn document(&'static self) -> &'static Value {
        self.document
            .get_or_init(|| inlined(&CATALOGUE.components, &self.component, &mut Vec::new()))
    }
}

fn find(api_version: &str, kind: &str) -> Option<&'static Builtin> {
    CATALOGUE.kinds.get(&format!("{api_version}/{kind}"))
}

/// The `openAPIV3Schema` of a built-in kind.
pub(crate) fn document(api_version: &str, kind: &str) -> Option<&'static Value> {
    find(api_version, kind).map(Builtin::document)
}

/// The schema of `metadata`.
pub(super) fn object_meta() -> &'static Value {
    &CATALOGUE.object_meta
}

/// The name of the component that describes a built-in kind (`io.k8s.api.core.v1.Secret`).
pub(crate) fn component_of(api_version: &str, kind: &str) -> Option<&'static str> {
    find(api_version, kind).map(|builtin| builtin.component.as_str())
}

/// What the API says of a property of a component; empty where it says nothing.
pub(crate) fn description(component: &str, property: &str) -> &'static str {
    CATALOGUE
        .components
        .get(component)
        .and_then(|component| component["properties"][property]["description"].as_str())
        .unwrap_or_default()
}

/// A component as `OpenAPI` publishes it, with all components that it leads to.
pub(crate) fn publish(name: &str, into: &mut Map<String, Value>) {
    let mut wanted = BTreeSet::from([name.to_owned()]);
    while let Some(name) = wanted.pop_first() {
        if into.contains_key(&name) {
            continue;
        }
        let Some(component) = CATALOGUE.components.get(&name) else {
            continue;
        };
        references(component, &mut wanted);
        into.insert(name, published(component));
    }
}

fn references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(name) = reference(members) {
                found.insert(name.to_owned());
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn reference(members: &Map<String, Value>) -> Option<&str> {
    members
        .get("$ref")
        .and_then(Value::as_str)
        .map(|reference| reference.rsplit('/').next().unwrap_or(reference))
}

/// A schema in the form that the API publishes: a reference stands alone, or below `allOf` where more is said.
fn published(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut out = Map::new();
            for (key, value) in members {
                match key.as_str() {
                    "$ref" | "x-kubernetes-int-or-string" => {}
                    "required" if value.as_array().is_some_and(Vec::is_empty) => {}
                    INLINE_STRUCT => {
                        out.insert("default".to_owned(), json!({}));
                    }
                    "properties" => {
                        let properties = value.as_object().into_iter().flatten();
                        out.insert(
                            key.clone(),
                            properties
                                .map(|(name, schema)| (name.clone(), published(schema)))
                                .collect::<Map<String, Value>>()
                                .into(),
                        );
                    }
                    "items" | "additionalProperties" => {
                        out.insert(key.clone(), published(value));
                    }
                    _ => {
                        out.insert(key.clone(), value.clone());
                    }
                }
            }
            if members.contains_key("x-kubernetes-int-or-string") {
                out.insert("oneOf".to_owned(), source::alternatives(members));
                if members
                    .get("description")
                    .and_then(Value::as_str)
                    .is_some_and(|d| d.starts_with("IntOrString"))
                {
                    out.insert("format".to_owned(), json!("int-or-string"));
                }
            }
            if let Some(name) = reference(members) {
                let target = json!(format!("{REFERENCE}{name}"));
                if out.is_empty() {
                    out.insert("$ref".to_owned(), target);
                } else {
                    out.insert("allOf".to_owned(), json!([{ "$ref": target }]));
                }
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

/// A component with each reference replaced by what it names; what is said beside a reference stays.
///
/// What leads back to itself is left open: `within` holds the components on the way here.
fn inlined(components: &BTreeMap<String, Value>, name: &str, within: &mut Vec<String>) -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    if within.iter().any(|outer| outer == name) || source::is_open(name) {
        return open;
    }
    let Some(component) = components.get(name) else {
        return open;
    };
    within.push(name.to_owned());
    let mut out = inlined_schema(components, component, within);
    within.pop();
    if let Some(members) = out.as_object_mut() {
        let mut parts = name.rsplit('.');
        if let (Some(kind), Some(version)) = (parts.next(), parts.next()) {
            members.insert(GO_TYPE.to_owned(), json!(format!("{version}.{kind}")));
        }
    }
    out
}

fn inlined_schema(components: &BTreeMap<String, Value>, schema: &Value, within: &mut Vec<String>) -> Value {
    let Some(members) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = match reference(members).map(|name| inlined(components, name, within)) {
        Some(Value::Object(target)) => target,
        Some(_) | None => Map::new(),
    };
    for (key, value) in members.iter().filter(|(key, _)| *key != "$ref") {
        let value = match key.as_str() {
            "properties" => value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, schema)| (name.clone(), inlined_schema(components, schema, within)))
                .collect::<Map<String, Value>>()
                .into(),
            "items" | "additionalProperties" => inlined_schema(components, value, within),
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    Value::Object(out)
}
