//! Events: one stored object, seen as core/v1 and as events.k8s.io/v1.

use serde_json::{Map, Value, json};

use super::failure::FieldError;
use super::meta;

/// Field names that differ: (core/v1, events.k8s.io/v1).
const RENAMED: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// The events.k8s.io/v1 view of a stored event.
pub(super) fn from_core(event: &Value) -> Value {
    rename(event, "events.k8s.io/v1", |core| {
        RENAMED.iter().find(|(from, _)| *from == core).map(|(_, to)| *to)
    })
}

/// The stored form of an events.k8s.io/v1 event.
pub(super) fn to_core(event: &Value) -> Value {
    rename(event, "v1", |new| {
        RENAMED.iter().find(|(_, to)| *to == new).map(|(from, _)| *from)
    })
}

fn rename(event: &Value, api_version: &str, name: impl Fn(&str) -> Option<&'static str>) -> Value {
    let mut renamed = Map::new();
    for (key, value) in event.as_object().into_iter().flatten() {
        renamed.insert(name(key).unwrap_or(key).to_owned(), value.clone());
    }
    renamed.insert("apiVersion".to_owned(), json!(api_version));
    Value::Object(renamed)
}

/// When an event happened is always told, if only as not known.
pub(super) fn prepare(event: &mut Value) {
    if event["eventTime"].is_null() {
        event["eventTime"] = Value::Null;
    }
}

/// The rules of an event beyond its schema, checked on the stored form.
pub(super) fn validate(event: &Value, new_view: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let namespace = meta::namespace(event);
    let involved = meta::text(event, &["involvedObject", "namespace"]);
    let field = if new_view {
        "regarding.namespace"
    } else {
        "involvedObject.namespace"
    };
    if (involved.is_empty() && namespace != "default") || (!involved.is_empty() && involved != namespace) {
        errors.push(FieldError::invalid(
            field,
            &json!(involved),
            "does not match event.namespace",
        ));
    }
    if new_view {
        if event["eventTime"].is_null() && event["firstTimestamp"].is_null() {
            errors.push(FieldError::required("eventTime", ""));
        }
        for (stored, shown) in [
            ("reportingComponent", "reportingController"),
            ("reportingInstance", "reportingInstance"),
            ("action", "action"),
            ("reason", "reason"),
        ] {
            if meta::text(event, &[stored]).is_empty() {
                errors.push(FieldError::required(shown, ""));
            }
        }
        if !matches!(meta::text(event, &["type"]), "Normal" | "Warning") {
            errors.push(FieldError::invalid("type", &event["type"], "has invalid value"));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{from_core, to_core};

    #[test]
    fn the_two_views_hold_the_same() {
        let core = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "a"}, "involvedObject": {"name": "x"},
            "message": "m", "count": 2, "reason": "r", "reportingComponent": "c", "source": {"component": "c"}});
        let view = from_core(&core);
        assert_eq!(view["note"], "m");
        assert_eq!(view["regarding"]["name"], "x");
        assert_eq!(to_core(&view), core);
    }
}
