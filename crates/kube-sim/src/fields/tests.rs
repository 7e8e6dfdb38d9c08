//! Golden tests and laws of field ownership.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::set::FieldSet;
use super::{Conflict, Manager, Operation, apply, conflict_message, update};
use crate::schema::Schema;

const EARLY: &str = "2026-01-01T00:00:00Z";
const LATE: &str = "2026-01-01T00:00:01Z";

fn manager<'a>(name: &'a str, operation: Operation, now: &'a str) -> Manager<'a> {
    Manager {
        name,
        operation,
        subresource: "",
        api_version: "v1",
        now,
        leaves_status: false,
    }
}

fn applier(name: &str) -> Manager<'_> {
    manager(name, Operation::Apply, EARLY)
}

fn config_map(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "d"}, "data": data})
}

fn builtin() -> Option<&'static Schema> {
    Schema::builtin("v1", "ConfigMap")
}

fn entries(object: &Value) -> Vec<(String, Value)> {
    let listed = object["metadata"]["managedFields"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    listed
        .iter()
        .map(|e| (e["manager"].as_str().unwrap().to_owned(), e["fieldsV1"].clone()))
        .collect()
}

fn crd_schema() -> Schema {
    Schema::compile(&json!({
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {
                "size": {"type": "integer"},
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "plain": {"type": "array", "items": {"type": "string"}},
                "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "required": ["name"], "properties": {
                        "name": {"type": "string"}, "value": {"type": "string"}, "other": {"type": "string"}}}},
            }},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        },
    }))
    .expect("the schema is structural")
}

#[test]
fn a_create_by_update_owns_new_containers_and_their_members() {
    let mut object = config_map(&json!({"a": "1"}));
    object["metadata"]["labels"] = json!({"app": "x"});
    let out = update(
        &Value::Null,
        &object,
        &manager("kubectl-create", Operation::Update, EARLY),
        builtin(),
    );
    assert_eq!(
        out["metadata"]["managedFields"],
        json!([{
            "manager": "kubectl-create", "operation": "Update", "apiVersion": "v1", "time": EARLY,
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {".": {}, "f:a": {}}, "f:metadata": {"f:labels": {".": {}, "f:app": {}}}},
        }])
    );
}

#[test]
fn structs_of_built_in_kinds_are_not_owned_themselves() {
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"},
        "spec": {"holderIdentity": "me"}});
    let schema = Schema::builtin("coordination.k8s.io/v1", "Lease");
    let out = update(
        &Value::Null,
        &lease,
        &manager("m", Operation::Update, EARLY),
        schema,
    );
    assert_eq!(
        entries(&out),
        [("m".to_owned(), json!({"f:spec": {"f:holderIdentity": {}}}))]
    );
}

#[test]
fn an_apply_owns_what_it_names() {
    let schema = crd_schema();
    let object = json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e", "finalizers": ["e/f"]},
        "spec": {"size": 1, "tags": ["x"], "plain": ["p"], "parts": [{"name": "n", "value": "v"}]}});
    let out = apply(None, &object, &applier("me"), false, Some(&schema)).unwrap();
    assert_eq!(
        entries(&out)[0].1,
        json!({
            "f:metadata": {"f:finalizers": {"v:\"e/f\"": {}}},
            "f:spec": {
                "f:size": {}, "f:plain": {}, "f:tags": {"v:\"x\"": {}},
                "f:parts": {"k:{\"name\":\"n\"}": {".": {}, "f:name": {}, "f:value": {}}},
            },
        })
    );
}

#[test]
fn another_value_conflicts_and_an_equal_one_is_shared() {
    let live = update(
        &Value::Null,
        &config_map(&json!({"a": "1", "b": "1"})),
        &manager("kubectl-create", Operation::Update, EARLY),
        builtin(),
    );
    let refused = apply(
        Some(&live),
        &config_map(&json!({"a": "2"})),
        &applier("me"),
        false,
        builtin(),
    );
    let conflicts = refused.unwrap_err();
    assert_eq!(
        conflicts,
        [Conflict {
            manager: "kubectl-create".to_owned(),
            field: ".data.a".to_owned(),
            message: "conflict with \"kubectl-create\" using v1".to_owned(),
        }]
    );
    assert_eq!(
        conflict_message(&conflicts),
        "Apply failed with 1 conflict: conflict with \"kubectl-create\" using v1: .data.a"
    );
    let shared = apply(
        Some(&live),
        &config_map(&json!({"a": "1"})),
        &applier("me"),
        false,
        builtin(),
    )
    .unwrap();
    assert_eq!(shared["data"], json!({"a": "1", "b": "1"}));
    assert_eq!(
        entries(&shared)[0],
        ("me".to_owned(), json!({"f:data": {"f:a": {}}}))
    );
    assert_eq!(
        entries(&shared)[1].1,
        json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}})
    );

    let forced = apply(
        Some(&live),
        &config_map(&json!({"a": "2"})),
        &applier("me"),
        true,
        builtin(),
    )
    .unwrap();
    assert_eq!(forced["data"], json!({"a": "2", "b": "1"}));
    assert_eq!(entries(&forced)[1].1, json!({"f:data": {".": {}, "f:b": {}}}));
}

#[test]
fn many_conflicts_are_listed_by_owner() {
    let live = update(
        &Value::Null,
        &config_map(&json!({"a": "1", "b": "1"})),
        &manager("k", Operation::Update, EARLY),
        builtin(),
    );
    let refused = apply(
        Some(&live),
        &config_map(&json!({"a": "2", "b": "2"})),
        &applier("me"),
        false,
        builtin(),
    );
    assert_eq!(
        conflict_message(&refused.unwrap_err()),
        "Apply failed with 2 conflicts: conflicts with \"k\" using v1:\n- .data.a\n- .data.b"
    );
}

#[test]
fn list_items_merge_by_key_and_leave_when_applied_no_more() {
    let schema = crd_schema();
    let object =
        |spec: Value| json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e"}, "spec": spec});
    let one = object(
        json!({"parts": [{"name": "a", "value": "1"}, {"name": "b", "value": "1"}], "tags": ["x", "y"]}),
    );
    let live = apply(None, &one, &applier("one"), false, Some(&schema)).unwrap();
    let two = object(json!({"parts": [{"name": "a", "other": "2"}], "tags": ["z"]}));
    let live = apply(Some(&live), &two, &applier("two"), false, Some(&schema)).unwrap();
    assert_eq!(
        live["spec"],
        json!({"parts": [{"name": "a", "value": "1", "other": "2"}, {"name": "b", "value": "1"}], "tags": ["x", "y", "z"]})
    );
    let live = apply(
        Some(&live),
        &object(json!({"tags": ["y"]})),
        &applier("one"),
        false,
        Some(&schema),
    )
    .unwrap();
    assert_eq!(
        live["spec"],
        json!({"parts": [{"name": "a", "other": "2"}], "tags": ["y", "z"]})
    );
    let live = apply(
        Some(&live),
        &object(json!({})),
        &applier("two"),
        false,
        Some(&schema),
    )
    .unwrap();
    assert_eq!(live["spec"], json!({"tags": ["y"]}));
}

#[test]
fn the_first_apply_to_an_untracked_object_names_its_fields() {
    let live = config_map(&json!({"a": "1"}));
    let refused = apply(
        Some(&live),
        &config_map(&json!({"a": "2"})),
        &applier("me"),
        false,
        builtin(),
    );
    assert_eq!(refused.unwrap_err()[0].manager, "before-first-apply");
}

#[test]
fn an_update_takes_what_it_changes_and_frees_what_it_removes() {
    let live = apply(
        None,
        &config_map(&json!({"a": "1", "b": "1", "c": "1"})),
        &applier("me"),
        false,
        builtin(),
    )
    .unwrap();
    let mut new = live.clone();
    new["data"] = json!({"a": "2", "b": "1"});
    let out = update(&live, &new, &manager("you", Operation::Update, LATE), builtin());
    assert_eq!(
        entries(&out),
        [
            ("me".to_owned(), json!({"f:data": {"f:b": {}}})),
            ("you".to_owned(), json!({"f:data": {"f:a": {}}})),
        ]
    );
    assert_eq!(
        update(&out, &out, &manager("they", Operation::Update, LATE), builtin()),
        out
    );
}

#[test]
fn ownership_can_be_reset_and_stays_off() {
    let live = apply(
        None,
        &config_map(&json!({"a": "1"})),
        &applier("me"),
        false,
        builtin(),
    )
    .unwrap();
    for reset in [json!([]), json!([{}])] {
        let mut new = live.clone();
        new["metadata"]["managedFields"] = reset;
        let out = update(&live, &new, &manager("you", Operation::Update, LATE), builtin());
        assert!(entries(&out).is_empty());
    }
    let mut forgetful = live.clone();
    forgetful["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("managedFields");
    let out = update(
        &live,
        &forgetful,
        &manager("you", Operation::Update, LATE),
        builtin(),
    );
    assert_eq!(
        entries(&out).len(),
        1,
        "a client that does not know the field does not reset it"
    );
}

#[test]
fn status_writes_track_only_status() {
    let schema = crd_schema();
    let live = json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e"}, "spec": {"size": 1}});
    let live = update(
        &Value::Null,
        &live,
        &manager("u", Operation::Update, EARLY),
        Some(&schema),
    );
    let status =
        json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e"}, "status": {"ready": true}});
    let writer = Manager {
        subresource: "status",
        ..applier("s")
    };
    let out = apply(Some(&live), &status, &writer, false, Some(&schema)).unwrap();
    let entry = &out["metadata"]["managedFields"][0];
    assert_eq!(entry["subresource"], "status");
    assert_eq!(entry["fieldsV1"], json!({"f:status": {"f:ready": {}}}));
    let emptied = json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e"}});
    let out = apply(Some(&out), &emptied, &writer, false, Some(&schema)).unwrap();
    assert_eq!(out.get("status"), None);
    assert_eq!(out["spec"], json!({"size": 1}));
    assert_eq!(out["metadata"]["name"], "e");
}

#[test]
fn many_updaters_are_joined() {
    let mut live = update(
        &Value::Null,
        &config_map(&json!({})),
        &manager("m", Operation::Update, EARLY),
        builtin(),
    );
    for index in 0..15 {
        let mut new = live.clone();
        new["data"][format!("k{index:02}")] = json!("v");
        let now = format!("2026-01-01T00:01:{index:02}Z");
        live = update(
            &live,
            &new,
            &manager(&format!("m{index}"), Operation::Update, &now),
            builtin(),
        );
    }
    let owners = entries(&live);
    assert_eq!(owners.len(), 10);
    assert_eq!(
        owners
            .iter()
            .filter(|(name, _)| name == "ancient-changes")
            .count(),
        1
    );
}

fn words() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map("[a-d]", "[x-z]", 0..4).prop_map(|map| json!(map))
}

fn spec() -> impl Strategy<Value = Value> {
    (
        words(),
        proptest::collection::btree_set("[a-c]", 0..3),
        proptest::option::of(0..3),
    )
        .prop_map(|(parts, tags, size)| {
            let parts: Vec<Value> = parts
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| json!({"name": name, "value": value}))
                .collect();
            let mut out = json!({"parts": parts, "tags": tags});
            if let Some(size) = size {
                out["size"] = json!(size);
            }
            out
        })
}

fn custom(spec: &Value) -> Value {
    json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e"}, "spec": spec})
}

proptest! {
    #[test]
    fn applying_twice_changes_nothing(first in spec(), second in spec()) {
        let schema = crd_schema();
        let live = apply(None, &custom(&first), &applier("one"), true, Some(&schema)).unwrap();
        let live = apply(Some(&live), &custom(&second), &applier("two"), true, Some(&schema)).unwrap();
        let again = manager("two", Operation::Apply, LATE);
        prop_assert_eq!(&apply(Some(&live), &custom(&second), &again, false, Some(&schema)).unwrap(), &live);
    }

    #[test]
    fn force_gives_the_applier_all_it_applied(first in spec(), second in spec()) {
        let schema = crd_schema();
        let live = apply(None, &custom(&first), &applier("one"), true, Some(&schema)).unwrap();
        let live = apply(Some(&live), &custom(&second), &applier("two"), true, Some(&schema)).unwrap();
        let alone = apply(None, &custom(&second), &applier("two"), false, Some(&schema)).unwrap();
        let of = |object: &Value| entries(object).into_iter().find(|(name, _)| name == "two");
        prop_assert_eq!(of(&live), of(&alone));
        // What it applied now stands, whatever was there before.
        let merged = apply(Some(&live), &custom(&second), &applier("three"), false, Some(&schema)).unwrap();
        prop_assert_eq!(&merged["spec"], &live["spec"]);
    }

    #[test]
    fn applying_nothing_removes_what_one_alone_owned(first in spec(), second in spec()) {
        let schema = crd_schema();
        let before = apply(None, &custom(&first), &applier("one"), true, Some(&schema)).unwrap();
        let both = apply(Some(&before), &custom(&second), &applier("two"), true, Some(&schema)).unwrap();
        let nothing = json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e"}});
        let after = apply(Some(&both), &nothing, &applier("two"), false, Some(&schema)).unwrap();
        prop_assert!(entries(&after).iter().all(|(name, _)| name != "two"));
        let owned = |object: &Value| {
            let found = entries(object).into_iter().find(|(name, _)| name == "one");
            found.map(|(_, fields)| FieldSet::from_json(&fields).unwrap()).unwrap_or_default()
        };
        let present = apply(None, &custom(&after["spec"]), &applier("one"), false, Some(&schema)).unwrap();
        let (left, there) = (owned(&after), owned(&present));
        prop_assert!(left.difference(&there).is_empty(), "what the other owns is still there");
    }

    #[test]
    fn an_update_owns_what_it_changed_and_nobody_owns_what_it_removed(first in spec(), second in spec()) {
        let schema = crd_schema();
        let live = apply(None, &custom(&first), &applier("one"), true, Some(&schema)).unwrap();
        let mut new = live.clone();
        new["spec"] = second;
        let out = update(&live, &new, &manager("two", Operation::Update, LATE), Some(&schema));
        prop_assert_eq!(&out["spec"], &new["spec"]);
        let of = |name: &str| {
            let found = entries(&out).into_iter().find(|(manager, _)| manager == name);
            found.map(|(_, fields)| FieldSet::from_json(&fields).unwrap()).unwrap_or_default()
        };
        let mut whole = super::merge::compare(Some(schema.root()), &json!({}), &super::merge::without_managed_fields(&new)).written();
        super::merge::strip(&mut whole, "");
        prop_assert!(of("one").union(&of("two")).difference(&whole).is_empty(), "what is owned is there");
        prop_assert!(of("one").intersection(&of("two")).is_empty(), "what moved has left");
        prop_assert_eq!(update(&out, &out, &manager("three", Operation::Update, LATE), Some(&schema)), out);
    }

    #[test]
    fn sets_survive_their_json_and_obey_algebra(first in spec(), second in spec()) {
        let schema = crd_schema();
        let of = |spec: &Value| super::set::of_value(Some(schema.root()), &custom(spec));
        let (a, b) = (of(&first), of(&second));
        prop_assert_eq!(&FieldSet::from_json(&a.to_json()).unwrap(), &a);
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
        prop_assert!(a.difference(&b).intersection(&b).is_empty());
        prop_assert!(a.difference(&a).is_empty());
    }
}
