//! The columns of built-in kinds.

mod events;
mod network;
mod storage;
mod workloads;

use jiff::Timestamp;
use serde_json::Value;

use super::{Column, age};
use crate::schema::{builtin_component, builtin_description};

/// Computes a cell of a row from its object and the time.
pub(super) type Cell = fn(&Value, Timestamp) -> Value;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The columns of a built-in kind; every kind without columns of its own shows its name and when it was
/// created.
pub(crate) fn columns(api_version: &str, kind: &str) -> Vec<Column> {
    let of = |property: &str| {
        builtin_component(api_version, kind).map_or("", |component| builtin_description(component, property))
    };
    let columns = match (api_version, kind) {
        ("v1" | "events.k8s.io/v1", "Event") => return events::columns(),
        ("v1", "Namespace") => vec![text("Status", "The status of the namespace", |object, _| {
            at(object, "/status/phase")
        })],
        ("v1", "Secret") => vec![
            text("Type", of("type"), |object, _| at(object, "/type")),
            text("Data", of("data"), |object, _| {
                Value::from(members(object, "/data"))
            }),
        ],
        ("v1", "ConfigMap") => vec![text("Data", of("data"), |object, _| {
            Value::from(members(object, "/data") + members(object, "/binaryData"))
        })],
        ("v1", "ServiceAccount") => vec![text("Secrets", of("secrets"), |object, _| {
            Value::from(list(object, "/secrets").count())
        })],
        ("coordination.k8s.io/v1", "Lease") => vec![text(
            "Holder",
            builtin_description("io.k8s.api.coordination.v1.LeaseSpec", "holderIdentity"),
            |object, _| at(object, "/spec/holderIdentity"),
        )],
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => {
            return bindings(of("roleRef"), "roleBinding");
        }
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => {
            return bindings(of("roleRef"), "clusterRoleBinding");
        }
        ("v1", "ResourceQuota") => vec![
            text(
                "Request",
                "Request represents a minimum amount of cpu/memory that a container may consume.",
                |object, _| quotas(object, false),
            ),
            text(
                "Limit",
                "Limits control the maximum amount of cpu/memory that a container may use independent of contention on \
                 the node.",
                |object, _| quotas(object, true),
            ),
        ],
        ("scheduling.k8s.io/v1", "PriorityClass") => {
            return vec![
                name_column(),
                Column::computed("Value", "integer", 0, of("value"), |object, _| {
                    Value::from(number(object, "/value"))
                }),
                Column::computed(
                    "Global-Default",
                    "boolean",
                    0,
                    of("globalDefault"),
                    |object, _| Value::from(object["globalDefault"] == true),
                ),
                age_column(),
                text("PreemptionPolicy", of("preemptionPolicy"), |object, _| {
                    at(object, "/preemptionPolicy")
                }),
            ];
        }
        _ => {
            let found = workloads::columns(api_version, kind)
                .or_else(|| network::columns(api_version, kind))
                .or_else(|| storage::columns(api_version, kind));
            return found.unwrap_or_else(created_at);
        }
    };
    framed(columns, Vec::new())
}

/// The columns of a kind that has none of its own.
fn created_at() -> Vec<Column> {
    vec![
        name_column(),
        Column::computed(
            "Created At",
            "date",
            0,
            builtin_description(OBJECT_META, "creationTimestamp"),
            |object, _| at(object, "/metadata/creationTimestamp"),
        ),
    ]
}

/// The name, what is special, the age, and what only a wide table shows.
fn framed(columns: Vec<Column>, wide: Vec<Column>) -> Vec<Column> {
    let mut out = vec![name_column()];
    out.extend(columns);
    out.push(age_column());
    out.extend(wide);
    out
}

pub(super) fn name_column() -> Column {
    Column::computed(
        "Name",
        "string",
        0,
        builtin_description(OBJECT_META, "name"),
        name,
    )
}

/// What the API says of when an object was created.
pub(super) fn creation_description() -> &'static str {
    builtin_description(OBJECT_META, "creationTimestamp")
}

fn age_column() -> Column {
    text("Age", creation_description(), created_since)
}

fn text(name: &str, description: &str, cell: Cell) -> Column {
    Column::computed(name, "string", 0, description, cell)
}

fn count(name: &str, description: &str, cell: Cell) -> Column {
    Column::computed(name, "integer", 0, description, cell)
}

/// A column that only `-o wide` shows.
fn wide(name: &str, description: &str, cell: Cell) -> Column {
    Column::computed(name, "string", 1, description, cell)
}

fn bindings(role: &str, kind: &str) -> Vec<Column> {
    framed(
        vec![text("Role", role, |object, _| {
            Value::from(format!(
                "{}/{}",
                string(object, "/roleRef/kind"),
                string(object, "/roleRef/name")
            ))
        })],
        vec![
            wide("Users", &format!("Users in the {kind}"), |object, _| {
                subjects(object, "User")
            }),
            wide("Groups", &format!("Groups in the {kind}"), |object, _| {
                subjects(object, "Group")
            }),
            wide(
                "ServiceAccounts",
                &format!("ServiceAccounts in the {kind}"),
                |object, _| subjects(object, "ServiceAccount"),
            ),
        ],
    )
}

fn subjects(object: &Value, kind: &str) -> Value {
    let named: Vec<String> = list(object, "/subjects")
        .filter(|subject| subject["kind"] == kind)
        .map(|subject| {
            let (namespace, name) = (string(subject, "/namespace"), string(subject, "/name"));
            if kind == "ServiceAccount" {
                format!("{namespace}/{name}")
            } else {
                name.to_owned()
            }
        })
        .collect();
    Value::from(named.join(", "))
}

fn quotas(object: &Value, limits: bool) -> Value {
    let hard = object.pointer("/status/hard").and_then(Value::as_object);
    let lines: Vec<String> = hard
        .into_iter()
        .flatten()
        .filter(|(resource, _)| resource.starts_with("limits.") == limits)
        .map(|(resource, hard)| {
            let used = object["status"]["used"]
                .get(resource)
                .map_or("0", |used| used.as_str().unwrap_or("0"));
            format!("{resource}: {used}/{}", hard.as_str().unwrap_or_default())
        })
        .collect();
    Value::from(lines.join(", "))
}

fn name(object: &Value, _: Timestamp) -> Value {
    at(object, "/metadata/name")
}

fn created_since(object: &Value, now: Timestamp) -> Value {
    since(object, "/metadata/creationTimestamp", now)
}

fn since(object: &Value, path: &str, now: Timestamp) -> Value {
    Value::from(age::since(string(object, path), now))
}

fn at(object: &Value, path: &str) -> Value {
    Value::from(string(object, path))
}

fn string<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// A string, or a word for its absence.
fn string_or<'a>(object: &'a Value, path: &str, absent: &'a str) -> &'a str {
    Some(string(object, path))
        .filter(|text| !text.is_empty())
        .unwrap_or(absent)
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

fn list<'a>(object: &'a Value, path: &str) -> impl DoubleEndedIterator<Item = &'a Value> {
    object
        .pointer(path)
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice)
        .iter()
}

/// Labels as `a=b,c=d`; a word where there are none.
fn labels(object: &Value, path: &str) -> String {
    let pairs: Vec<String> = object
        .pointer(path)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() {
        "<none>".to_owned()
    } else {
        pairs.join(",")
    }
}

/// A label selector in its short form; a word where it selects everything.
fn selector(object: &Value, path: &str) -> String {
    let mut terms: Vec<String> = object
        .pointer(&format!("{path}/matchLabels"))
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    for expression in list(object, &format!("{path}/matchExpressions")) {
        let key = string(expression, "/key");
        let mut values: Vec<&str> = list(expression, "/values").filter_map(Value::as_str).collect();
        values.sort_unstable();
        terms.push(match string(expression, "/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    terms.sort_unstable();
    if terms.is_empty() {
        "<none>".to_owned()
    } else {
        terms.join(",")
    }
}

/// The first few of a list, and how many more there are.
fn shortened(items: &[String], shown: usize) -> String {
    if items.is_empty() {
        return "<unset>".to_owned();
    }
    let first = items[..items.len().min(shown)].join(",");
    if items.len() > shown {
        format!("{first} + {} more...", items.len() - shown)
    } else {
        first
    }
}
