//! The order of the members of an answer: that of the Go types for what has one, by name for custom resources.
//!
//! JSON does not need it; people who read `kubectl get --raw`, and scripts that cut it into pieces, do.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::protobuf::{Form, Holds, Message, message, message_of};
use crate::schema::builtin_component;

/// In what order the members of an object stand.
#[derive(Clone, Copy)]
enum Order {
    ByName,
    /// By the field numbers of a message, which follow the Go type.
    Typed(&'static Message),
    /// As listed; what is not listed comes after it.
    Listed(&'static Shape),
    /// Of an object that says itself what it is.
    ByKind,
}

/// The members of a type in their order, with the order of their own members.
struct Shape(&'static [(&'static str, Order)]);

/// A kind of which nothing but the metadata is known.
const PARTIAL: &str = "meta.v1.PartialObjectMetadata";
const OBJECT_META: &str = "meta.v1.ObjectMeta";
const LIST_META: Shape = Shape(&[
    ("selfLink", Order::ByName),
    ("resourceVersion", Order::ByName),
    ("continue", Order::ByName),
    ("remainingItemCount", Order::ByName),
]);
const CAUSE: Shape = Shape(&[
    ("reason", Order::ByName),
    ("message", Order::ByName),
    ("field", Order::ByName),
]);
const STATUS: Shape = Shape(&[
    ("kind", Order::ByName),
    ("apiVersion", Order::ByName),
    ("metadata", Order::Listed(&LIST_META)),
    ("status", Order::ByName),
    ("message", Order::ByName),
    ("reason", Order::ByName),
    (
        "details",
        Order::Listed(&Shape(&[
            ("name", Order::ByName),
            ("group", Order::ByName),
            ("kind", Order::ByName),
            ("uid", Order::ByName),
            ("causes", Order::Listed(&CAUSE)),
            ("retryAfterSeconds", Order::ByName),
        ])),
    ),
    ("code", Order::ByName),
]);
const VERSION: Shape = Shape(&[("groupVersion", Order::ByName), ("version", Order::ByName)]);
const GROUP: Shape = Shape(&[
    ("kind", Order::ByName),
    ("apiVersion", Order::ByName),
    ("name", Order::ByName),
    ("versions", Order::Listed(&VERSION)),
    ("preferredVersion", Order::Listed(&VERSION)),
    (
        "groups",
        Order::Listed(&Shape(&[
            ("name", Order::ByName),
            ("versions", Order::Listed(&VERSION)),
            ("preferredVersion", Order::Listed(&VERSION)),
        ])),
    ),
    ("serverAddressByClientCIDRs", Order::ByName),
]);
const RESOURCES: Shape = Shape(&[
    ("kind", Order::ByName),
    ("apiVersion", Order::ByName),
    ("groupVersion", Order::ByName),
    (
        "resources",
        Order::Listed(&Shape(&[
            ("name", Order::ByName),
            ("singularName", Order::ByName),
            ("namespaced", Order::ByName),
            ("group", Order::ByName),
            ("version", Order::ByName),
            ("kind", Order::ByName),
            ("verbs", Order::ByName),
            ("shortNames", Order::ByName),
            ("categories", Order::ByName),
            ("storageVersionHash", Order::ByName),
        ])),
    ),
]);
const TABLE: Shape = Shape(&[
    ("kind", Order::ByName),
    ("apiVersion", Order::ByName),
    ("metadata", Order::Listed(&LIST_META)),
    (
        "columnDefinitions",
        Order::Listed(&Shape(&[
            ("name", Order::ByName),
            ("type", Order::ByName),
            ("format", Order::ByName),
            ("description", Order::ByName),
            ("priority", Order::ByName),
        ])),
    ),
    (
        "rows",
        Order::Listed(&Shape(&[
            ("cells", Order::ByName),
            ("conditions", Order::ByName),
            ("object", Order::ByKind),
        ])),
    ),
]);
const LIST: Shape = Shape(&[
    ("kind", Order::ByName),
    ("apiVersion", Order::ByName),
    ("metadata", Order::Listed(&LIST_META)),
    ("items", Order::ByKind),
]);

/// An answer as text.
pub(super) fn text(value: &Value) -> String {
    let mut out = String::new();
    let order = order_of(value);
    match (
        value,
        value["kind"].as_str().and_then(|kind| kind.strip_suffix("List")),
    ) {
        (Value::Object(members), Some(item)) if matches!(order, Order::Listed(_)) => {
            let of_item = order_of(&json!({"apiVersion": value["apiVersion"], "kind": item}));
            write_members(&mut out, members, order, of_item);
        }
        (_, _) => write(&mut out, value, order),
    }
    out
}

/// The members of an object; those of a list do not say what they are.
fn write_members(out: &mut String, members: &Map<String, Value>, order: Order, of_item: Order) {
    let mut keys: Vec<&String> = members.keys().collect();
    keys.sort_by(|a, b| order.compare(a, b));
    out.push('{');
    for (at, key) in keys.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(key.as_str()).to_string());
        out.push(':');
        let below = if key == "items" { of_item } else { order.below(key) };
        write(out, &members[key], below);
    }
    out.push('}');
}

/// The order of an object by what it says it is.
fn order_of(value: &Value) -> Order {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    match kind {
        "Status" if api_version == "v1" => return Order::Listed(&STATUS),
        "APIGroup" | "APIGroupList" | "APIVersions" => return Order::Listed(&GROUP),
        "APIResourceList" => return Order::Listed(&RESOURCES),
        "Table" => return Order::Listed(&TABLE),
        "PartialObjectMetadata" => return message(PARTIAL).map_or(Order::ByName, Order::Typed),
        "PartialObjectMetadataList" => return Order::Listed(&LIST),
        _ => {}
    }
    if let Some(known) = message_of(api_version, kind) {
        return Order::Typed(known);
    }
    if builtin_component(api_version, kind).is_some() {
        return message(PARTIAL).map_or(Order::ByName, Order::Typed);
    }
    match kind.strip_suffix("List") {
        Some(item) if builtin_component(api_version, item).is_some() => Order::Listed(&LIST),
        Some(_) | None => Order::ByName,
    }
}

impl Order {
    fn rank(self, key: &str) -> usize {
        match self {
            Self::ByName | Self::ByKind => 0,
            Self::Listed(Shape(keys)) => keys
                .iter()
                .position(|(name, _)| *name == key)
                .unwrap_or(keys.len()),
            Self::Typed(fields) => {
                let number = fields
                    .iter()
                    .find(|(_, field)| field.name == key)
                    .and_then(|(number, _)| usize::try_from(*number).ok());
                match (number, key) {
                    (Some(number), _) => number.saturating_add(2),
                    (None, "kind") => 0,
                    (None, "apiVersion") => 1,
                    (None, _) => usize::MAX,
                }
            }
        }
    }

    fn compare(self, a: &str, b: &str) -> Ordering {
        self.rank(a).cmp(&self.rank(b)).then_with(|| a.cmp(b))
    }

    fn below(self, key: &str) -> Self {
        match self {
            Self::ByName | Self::ByKind => Self::ByName,
            Self::Listed(Shape(keys)) => keys
                .iter()
                .find(|(name, _)| *name == key)
                .map_or(Self::ByName, |(_, order)| *order),
            Self::Typed(fields) => {
                let field = fields.values().find(|field| field.name == key);
                match field.map(|field| (&field.holds, field.form)) {
                    Some((Holds::Message(name), form)) if form != Form::Map => {
                        message(name).map_or(Self::ByName, Self::Typed)
                    }
                    None if key == "metadata" => message(OBJECT_META).map_or(Self::ByName, Self::Typed),
                    Some(_) | None => Self::ByName,
                }
            }
        }
    }
}

fn write(out: &mut String, value: &Value, order: Order) {
    match value {
        Value::Object(members) => {
            let order = if matches!(order, Order::ByKind) {
                order_of(value)
            } else {
                order
            };
            write_object(out, members, order);
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(out, item, order);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
    }
}

fn write_object(out: &mut String, members: &Map<String, Value>, order: Order) {
    write_members(out, members, order, order.below("items"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::text;

    #[test]
    fn built_in_kinds_stand_as_their_types_do_and_custom_ones_by_name() {
        let map = json!({"apiVersion": "v1", "data": {"b": "1", "a": "2"}, "kind": "ConfigMap", "metadata": {
            "uid": "u", "name": "n", "labels": {"x": "y"}, "creationTimestamp": "t"}});
        assert_eq!(
            text(&map),
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"n","uid":"u","creationTimestamp":"t","labels":{"x":"y"}},"data":{"a":"2","b":"1"}}"#
        );
        let widget = json!({"kind": "Widget", "apiVersion": "e.org/v1", "metadata": {"uid": "u", "name": "n"}, "a": 1});
        assert_eq!(text(&widget), widget.to_string());
    }

    #[test]
    fn what_is_refused_says_its_kind_first() {
        let status = json!({"code": 404, "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "details": {"kind": "pods", "name": "p"}, "message": "m", "reason": "NotFound"});
        assert_eq!(
            text(&status),
            r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"m","reason":"NotFound","details":{"name":"p","kind":"pods"},"code":404}"#
        );
    }
}
