//! Each format on what kubectl and controllers send.

use serde_json::{Value, json};

use super::{PatchError, json_patch, merge_patch, strategic_merge_patch};

fn secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": "s", "labels": {"a": "1", "b": "2"}, "finalizers": ["x/one", "x/two"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "o", "uid": "1"}],
        },
        "data": {"k": "eA=="},
    })
}

#[test]
fn a_merge_patch_replaces_lists_and_removes_nulls() {
    let mut target = secret();
    merge_patch(
        &mut target,
        &json!({"metadata": {"labels": {"a": null, "c": "3"}, "finalizers": ["y/z"]}}),
    );
    assert_eq!(target["metadata"]["labels"], json!({"b": "2", "c": "3"}));
    assert_eq!(target["metadata"]["finalizers"], json!(["y/z"]));
}

#[test]
fn a_json_patch_is_all_or_nothing() {
    let mut target = secret();
    let patch = json!([
        {"op": "add", "path": "/metadata/labels/c", "value": "3"},
        {"op": "test", "path": "/metadata/labels/a", "value": "other"},
    ]);
    let error = json_patch(&mut target, &patch).unwrap_err();
    assert_eq!(
        error,
        PatchError::TestFailed {
            path: "/metadata/labels/a".to_owned()
        }
    );
    assert_eq!(target, secret());
    let error = json_patch(&mut target, &json!([{"op": "remove", "path": "/nope"}])).unwrap_err();
    assert!(matches!(error, PatchError::Inapplicable(_)));
    let error = json_patch(&mut target, &json!([{"op": "jump"}])).unwrap_err();
    assert!(matches!(error, PatchError::Inapplicable(_)));
    json_patch(
        &mut target,
        &json!([{"op": "remove", "path": "/metadata/finalizers/0"}]),
    )
    .unwrap();
    assert_eq!(target["metadata"]["finalizers"], json!(["x/two"]));
}

#[test]
fn a_strategic_patch_merges_lists_by_value_and_by_key() {
    let mut target = secret();
    let patch = json!({"metadata": {
        "labels": {"a": null},
        "finalizers": ["x/three"],
        "$deleteFromPrimitiveList/finalizers": ["x/one"],
        "ownerReferences": [{"uid": "1", "controller": true}, {"uid": "2", "name": "p"}],
    }});
    strategic_merge_patch(&mut target, &patch, "Secret").unwrap();
    assert_eq!(target["metadata"]["labels"], json!({"b": "2"}));
    assert_eq!(target["metadata"]["finalizers"], json!(["x/two", "x/three"]));
    assert_eq!(
        target["metadata"]["ownerReferences"],
        json!([{"apiVersion": "v1", "kind": "K", "name": "o", "uid": "1", "controller": true}, {"uid": "2", "name": "p"}])
    );
    let patch = json!({"metadata": {"$setElementOrder/ownerReferences": [{"uid": "2"}], "ownerReferences": [{"$patch": "delete", "uid": "1"}]}});
    strategic_merge_patch(&mut target, &patch, "Secret").unwrap();
    assert_eq!(
        target["metadata"]["ownerReferences"],
        json!([{"uid": "2", "name": "p"}])
    );
}

#[test]
fn directives_replace_delete_and_retain() {
    let mut target = secret();
    strategic_merge_patch(
        &mut target,
        &json!({"data": {"$patch": "replace", "n": "eQ=="}}),
        "Secret",
    )
    .unwrap();
    assert_eq!(target["data"], json!({"n": "eQ=="}));
    strategic_merge_patch(
        &mut target,
        &json!({"metadata": {"labels": {"$retainKeys": ["b", "c"], "c": "3"}}}),
        "Secret",
    )
    .unwrap();
    assert_eq!(target["metadata"]["labels"], json!({"b": "2", "c": "3"}));
    strategic_merge_patch(&mut target, &json!({"data": {"$patch": "delete"}}), "Secret").unwrap();
    assert_eq!(target.get("data"), None);
}

#[test]
fn an_order_sorts_what_it_names_first() {
    let mut target = secret();
    let patch =
        json!({"metadata": {"$setElementOrder/finalizers": ["x/new", "x/two"], "finalizers": ["x/new"]}});
    strategic_merge_patch(&mut target, &patch, "Secret").unwrap();
    assert_eq!(
        target["metadata"]["finalizers"],
        json!(["x/new", "x/two", "x/one"])
    );
}

#[test]
fn what_is_no_strategic_patch_is_malformed_and_changes_nothing() {
    let cases = [
        json!([]),
        json!({"metadata": {"labels": {"a": null, "$patch": "jump"}}}),
        json!({"metadata": {"labels": {"a": null}, "ownerReferences": [{"name": "no key"}]}}),
    ];
    for patch in cases {
        let mut target = secret();
        assert!(
            matches!(
                strategic_merge_patch(&mut target, &patch, "Secret"),
                Err(PatchError::Malformed(_))
            ),
            "{patch}"
        );
        assert_eq!(target, secret());
    }
}
