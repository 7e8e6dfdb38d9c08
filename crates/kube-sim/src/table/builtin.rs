//! The columns of built-in kinds.

use jiff::Timestamp;
use serde_json::Value;

use super::{Column, age};

/// The columns of a built-in kind; every kind without columns of its own shows its name and when it was
/// created.
pub(crate) fn columns(api_version: &str, kind: &str) -> Vec<Column> {
    let text = |name: &str, cell: fn(&Value, Timestamp) -> Value| Column::computed(name, "string", 0, cell);
    let wide = |name: &str, cell: fn(&Value, Timestamp) -> Value| Column::computed(name, "string", 1, cell);
    let age_column = || text("Age", created_since);
    let mut out = vec![text("Name", name)];
    match (api_version, kind) {
        ("v1", "Namespace") => out.push(text("Status", |object, _| at(object, "/status/phase"))),
        ("v1", "Secret") => out.extend([
            text("Type", |object, _| at(object, "/type")),
            text("Data", |object, _| Value::from(members(object, "/data"))),
        ]),
        ("v1", "ConfigMap") => {
            let count =
                |object: &Value, _| Value::from(members(object, "/data") + members(object, "/binaryData"));
            out.push(text("Data", count));
        }
        ("v1", "ServiceAccount") => out.push(text("Secrets", |object, _| {
            Value::from(items(object, "/secrets"))
        })),
        ("coordination.k8s.io/v1", "Lease") => {
            out.push(text("Holder", |object, _| at(object, "/spec/holderIdentity")));
        }
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => {
            out.push(text("Role", |object, _| {
                let part = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
                Value::from(format!("{}/{}", part("/roleRef/kind"), part("/roleRef/name")))
            }));
        }
        ("v1", "Pod") => out.extend([
            text("Ready", pod_ready),
            text("Status", |object, _| at(object, "/status/phase")),
            Column::computed("Restarts", "integer", 0, pod_restarts),
        ]),
        ("apps/v1", "Deployment") => out.extend([
            text("Ready", |object, _| {
                let wanted = object
                    .pointer("/spec/replicas")
                    .and_then(Value::as_i64)
                    .unwrap_or(1);
                Value::from(format!("{}/{wanted}", number(object, "/status/readyReplicas")))
            }),
            text("Up-to-date", |object, _| {
                Value::from(number(object, "/status/updatedReplicas"))
            }),
            text("Available", |object, _| {
                Value::from(number(object, "/status/availableReplicas"))
            }),
        ]),
        ("v1" | "events.k8s.io/v1", "Event") => {
            return vec![
                text("Last Seen", event_last_seen),
                text("Type", |object, _| at(object, "/type")),
                text("Reason", |object, _| at(object, "/reason")),
                text("Object", event_object),
                wide("Subobject", |object, _| {
                    either(object, "/involvedObject/fieldPath", "/regarding/fieldPath")
                }),
                wide("Source", event_source),
                text("Message", event_message),
                wide("First Seen", |object, now| {
                    Value::from(age::since(&event_first(object), now))
                }),
                wide("Count", event_count),
                wide("Name", name),
            ];
        }
        _ => {
            out.push(Column::computed("Created At", "date", 0, |object, _| {
                at(object, "/metadata/creationTimestamp")
            }));
            return out;
        }
    }
    out.push(age_column());
    out
}

pub(super) fn name(object: &Value, _: Timestamp) -> Value {
    at(object, "/metadata/name")
}

fn created_since(object: &Value, now: Timestamp) -> Value {
    Value::from(age::since(string(object, "/metadata/creationTimestamp"), now))
}

fn at(object: &Value, path: &str) -> Value {
    Value::from(string(object, path))
}

fn string<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn either(object: &Value, first: &str, second: &str) -> Value {
    let found = string(object, first);
    Value::from(if found.is_empty() {
        string(object, second)
    } else {
        found
    })
}

fn number(object: &Value, path: &str) -> i64 {
    object.pointer(path).and_then(Value::as_i64).unwrap_or_default()
}

fn members(object: &Value, path: &str) -> usize {
    object
        .pointer(path)
        .and_then(Value::as_object)
        .map_or(0, serde_json::Map::len)
}

fn items(object: &Value, path: &str) -> usize {
    object.pointer(path).and_then(Value::as_array).map_or(0, Vec::len)
}

fn containers(object: &Value) -> impl Iterator<Item = &Value> {
    object
        .pointer("/status/containerStatuses")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn pod_ready(object: &Value, _: Timestamp) -> Value {
    let ready = containers(object)
        .filter(|status| status["ready"] == true)
        .count();
    Value::from(format!("{ready}/{}", items(object, "/spec/containers")))
}

fn pod_restarts(object: &Value, _: Timestamp) -> Value {
    Value::from(
        containers(object)
            .map(|status| number(status, "/restartCount"))
            .sum::<i64>(),
    )
}

fn event_first(object: &Value) -> String {
    let first = either(object, "/firstTimestamp", "/deprecatedFirstTimestamp");
    let first = first.as_str().unwrap_or_default();
    if first.is_empty() {
        string(object, "/eventTime").to_owned()
    } else {
        first.to_owned()
    }
}

fn event_last_seen(object: &Value, now: Timestamp) -> Value {
    let series = string(object, "/series/lastObservedTime");
    let last = either(object, "/lastTimestamp", "/deprecatedLastTimestamp");
    let last = last.as_str().unwrap_or_default();
    let text = match (series, last) {
        ("", "") => event_first(object),
        ("", last) => last.to_owned(),
        (series, _) => series.to_owned(),
    };
    Value::from(age::since(&text, now))
}

fn event_object(object: &Value, _: Timestamp) -> Value {
    let kind = either(object, "/involvedObject/kind", "/regarding/kind");
    let kind = kind.as_str().unwrap_or_default().to_lowercase();
    let name = either(object, "/involvedObject/name", "/regarding/name");
    let name = name.as_str().unwrap_or_default();
    Value::from(if name.is_empty() {
        kind
    } else {
        format!("{kind}/{name}")
    })
}

fn event_source(object: &Value, _: Timestamp) -> Value {
    let component = either(object, "/source/component", "/deprecatedSource/component");
    let host = either(object, "/source/host", "/deprecatedSource/host");
    let (mut component, mut host) = (
        component.as_str().unwrap_or_default().to_owned(),
        host.as_str().unwrap_or_default().to_owned(),
    );
    if component.is_empty() {
        let reporting = either(object, "/reportingComponent", "/reportingController");
        reporting.as_str().unwrap_or_default().clone_into(&mut component);
        string(object, "/reportingInstance").clone_into(&mut host);
    }
    Value::from(if host.is_empty() {
        component
    } else {
        format!("{component}, {host}")
    })
}

fn event_message(object: &Value, _: Timestamp) -> Value {
    let message = either(object, "/message", "/note");
    Value::from(message.as_str().unwrap_or_default().trim())
}

fn event_count(object: &Value, _: Timestamp) -> Value {
    let series = number(object, "/series/count");
    let count = number(object, "/count").max(number(object, "/deprecatedCount"));
    Value::from(if series > 0 { series } else { count.max(1) })
}
