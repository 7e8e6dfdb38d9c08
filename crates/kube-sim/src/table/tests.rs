//! Golden tests of tables.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::jsonpath::JsonPath;
use super::{IncludeObject, builtin_columns, custom_columns, is_json_path, table};

const VERSION: &str = "meta.k8s.io/v1";

fn now() -> Timestamp {
    "2026-01-01T00:05:00Z".parse().unwrap()
}

fn cells(table: &Value) -> Vec<Value> {
    table["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["cells"].clone())
        .collect()
}

#[test]
fn a_custom_resource_shows_its_printer_columns() {
    let columns = custom_columns(Some(&json!([
        {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1},
        {"name": "Share", "type": "number", "jsonPath": ".spec.share"},
        {"name": "Paused", "type": "boolean", "jsonPath": ".spec.paused"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ])));
    let full = json!({
        "apiVersion": "e/v1", "kind": "E",
        "metadata": {"name": "full", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"size": 3, "share": 0.5, "paused": false},
        "status": {"conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]},
    });
    let bare = json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "bare"}});
    let out = table(
        &columns,
        &[full, bare],
        now(),
        IncludeObject::Metadata,
        Some(&json!({"resourceVersion": "7"})),
        VERSION,
    );
    assert_eq!(
        cells(&out),
        [
            json!(["full", "True", 3, 0.5, false, "5m"]),
            json!(["bare", null, null, null, null, null])
        ]
    );
    assert_eq!(out["metadata"], json!({"resourceVersion": "7"}));
    assert_eq!(
        out["rows"][1]["object"],
        json!({"kind": "PartialObjectMetadata", "apiVersion": VERSION, "metadata": {"name": "bare"}})
    );
    assert_eq!(
        out["columnDefinitions"][2],
        json!({"name": "Size", "type": "integer", "format": "", "description": "", "priority": 1})
    );
    assert_eq!(out["columnDefinitions"][0]["format"], "name");
}

#[test]
fn without_printer_columns_there_is_an_age() {
    let object = json!({"metadata": {"name": "x", "creationTimestamp": "2026-01-01T00:04:00Z"}});
    let out = table(
        &custom_columns(None),
        &[object],
        now(),
        IncludeObject::None,
        None,
        VERSION,
    );
    assert_eq!(cells(&out), [json!(["x", "60s"])]);
    assert_eq!(out["rows"][0]["object"], Value::Null);
}

#[test]
fn built_in_kinds_show_what_kubectl_users_know() {
    let created = "2026-01-01T00:00:00Z";
    let metadata = json!({"name": "n", "creationTimestamp": created});
    let cases = [
        (
            "v1",
            "Namespace",
            json!({"metadata": metadata, "status": {"phase": "Active"}}),
            json!(["n", "Active", "5m"]),
        ),
        (
            "v1",
            "Secret",
            json!({"metadata": metadata, "type": "Opaque", "data": {"a": ""}}),
            json!(["n", "Opaque", 1, "5m"]),
        ),
        (
            "v1",
            "ConfigMap",
            json!({"metadata": metadata, "data": {"a": ""}, "binaryData": {"b": ""}}),
            json!(["n", 2, "5m"]),
        ),
        (
            "v1",
            "ServiceAccount",
            json!({"metadata": metadata}),
            json!(["n", 0, "5m"]),
        ),
        (
            "coordination.k8s.io/v1",
            "Lease",
            json!({"metadata": metadata, "spec": {"holderIdentity": "me"}}),
            json!(["n", "me", "5m"]),
        ),
        (
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({"metadata": metadata}),
            json!(["n", created]),
        ),
        (
            "v1",
            "Event",
            json!({
                "metadata": metadata, "type": "Normal", "reason": "Made", "message": " made \n", "count": 2,
                "involvedObject": {"kind": "ConfigMap", "name": "c"}, "source": {"component": "me"},
                "firstTimestamp": created, "lastTimestamp": "2026-01-01T00:04:30Z",
            }),
            json!([
                "30s",
                "Normal",
                "Made",
                "configmap/c",
                "",
                "me",
                "made",
                "5m",
                2,
                "n"
            ]),
        ),
    ];
    for (api_version, kind, object, wanted) in cases {
        let columns = builtin_columns(api_version, kind);
        let out = table(&columns, &[object], now(), IncludeObject::Object, None, VERSION);
        assert_eq!(cells(&out), [wanted], "{kind}");
    }
}

#[test]
fn json_paths_lead_where_they_say() {
    let object = json!({
        "a": {"b": 1, "x.y/z": "dotted"},
        "l": [{"n": 1, "v": "one"}, {"n": 2, "v": "two"}, {"n": 3}],
    });
    let cases = [
        (".a.b", json!([1])),
        ("{.a.b}", json!([1])),
        ("$.a['x.y/z']", json!(["dotted"])),
        (r".a.x\.y/z", json!(["dotted"])),
        (".l[1].v", json!(["two"])),
        (".l[-1].n", json!([3])),
        (".l[*].v", json!(["one", "two"])),
        (".l[?(@.n==2)].v", json!(["two"])),
        (".l[?(@.v=='one')].n", json!([1])),
        (".l[?(@.n >= 2)].n", json!([2, 3])),
        (".l[?(@.v)].n", json!([1, 2])),
        (".l[?(@.v != \"one\")].n", json!([2])),
        (".none.at.all", json!([])),
    ];
    for (path, wanted) in cases {
        let parsed = JsonPath::parse(path).unwrap_or_else(|| panic!("{path} can be read"));
        assert_eq!(json!(parsed.find(&object)), wanted, "{path}");
    }
    for path in ["a.b", ".a[", ".a..b", ".a[b]", "", ".l[?(n==1)]"] {
        assert!(!is_json_path(path), "{path}");
    }
}
