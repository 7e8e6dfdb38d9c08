use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::support::{config_map, server, status, widget, widget_api};

#[tokio::test(start_paused = true)]
async fn objects_are_created_read_replaced_and_deleted() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let made = maps
        .create(&PostParams::default(), &config_map("a", json!({"k": "1"})))
        .await
        .unwrap();
    assert_eq!(made.namespace().as_deref(), Some("default"));
    assert_eq!(
        made.metadata.creation_timestamp.as_ref().unwrap().0.to_string(),
        "2026-01-01T00:00:00Z"
    );

    let twice = status(
        maps.create(&PostParams::default(), &made_again(&made))
            .await
            .unwrap_err(),
    );
    assert_eq!((twice.code, twice.reason.as_str()), (409, "AlreadyExists"));
    assert_eq!(twice.message, "configmaps \"a\" already exists");

    let mut newer = made.clone();
    newer.data.as_mut().unwrap().insert("k".into(), "2".into());
    let replaced = maps.replace("a", &PostParams::default(), &newer).await.unwrap();
    assert_ne!(replaced.resource_version(), made.resource_version());
    let stale = status(
        maps.replace("a", &PostParams::default(), &newer)
            .await
            .unwrap_err(),
    );
    assert_eq!((stale.code, stale.reason.as_str()), (409, "Conflict"));
    assert_eq!(
        stale.message,
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to \
         the latest version and try again"
    );

    let same = maps
        .replace("a", &PostParams::default(), &replaced)
        .await
        .unwrap();
    assert_eq!(
        same.resource_version(),
        replaced.resource_version(),
        "a write of what is there keeps the version"
    );

    let wrong = DeleteParams::default().preconditions(Preconditions {
        uid: Some("other".into()),
        resource_version: None,
    });
    assert_eq!(status(maps.delete("a", &wrong).await.unwrap_err()).code, 409);
    assert!(
        maps.delete("a", &DeleteParams::default())
            .await
            .unwrap()
            .is_right()
    );
    let missing = status(maps.get("a").await.unwrap_err());
    assert_eq!(
        (missing.code, missing.message.as_str()),
        (404, "configmaps \"a\" not found")
    );
}

fn made_again(made: &ConfigMap) -> ConfigMap {
    let mut again = made.clone();
    again.metadata.resource_version = None;
    again
}

#[tokio::test(start_paused = true)]
async fn status_and_spec_are_written_apart() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    let mut sent = widget("w", json!({"colour": "red"}));
    sent.data["status"] = json!({"phase": "Sneaked"});
    let made = widgets.create(&PostParams::default(), &sent).await.unwrap();
    assert!(
        made.data.get("status").is_none(),
        "a create does not write status"
    );
    assert_eq!(made.data["spec"]["size"], 1, "defaulted");
    assert_eq!(made.metadata.generation, Some(1));

    let patch =
        json!({"status": {"phase": "Ready"}, "spec": {"colour": "blue"}, "metadata": {"labels": {"a": "b"}}});
    let after = widgets
        .patch_status("w", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_eq!(after.data["status"]["phase"], "Ready");
    assert_eq!(after.data["spec"]["colour"], "red");
    assert!(after.labels().is_empty());
    assert_eq!(after.metadata.generation, Some(1));

    let after = widgets
        .patch("w", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_eq!(after.data["spec"]["colour"], "blue");
    assert_eq!(after.metadata.generation, Some(2));
    let patch = json!({"status": {"phase": "Gone"}});
    let same = widgets
        .patch("w", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_eq!(same.data["status"]["phase"], "Ready");
    assert_eq!(same.resource_version(), after.resource_version());
}

#[tokio::test(start_paused = true)]
async fn objects_are_validated() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    let refused = status(
        widgets
            .create(&PostParams::default(), &widget("w", json!({"colour": "pink"})))
            .await
            .unwrap_err(),
    );
    assert_eq!((refused.code, refused.reason.as_str()), (422, "Invalid"));
    let expected = "spec.colour: Unsupported value: \"pink\": supported values: \"red\", \"green\", \"blue\"";
    assert!(refused.message.contains(expected), "{}", refused.message);
    assert_eq!(refused.details.unwrap().causes[0].field, "spec.colour");
    let refused = status(
        widgets
            .create(
                &PostParams::default(),
                &widget("w", json!({"size": 3, "limit": 2})),
            )
            .await
            .unwrap_err(),
    );
    assert_eq!(
        refused.message,
        "Widget.example.org \"w\" is invalid: spec: Invalid value: \"object\": size must not exceed limit"
    );
    let strict =
        http::Request::post("/apis/example.org/v1/namespaces/default/widgets?fieldValidation=Strict")
            .body(serde_json::to_vec(&widget("w", json!({"colr": "red"}))).unwrap())
            .unwrap();
    let refused = status(client.request::<serde_json::Value>(strict).await.unwrap_err());
    assert_eq!((refused.code, refused.reason.as_str()), (400, "BadRequest"));
    assert!(
        refused
            .message
            .ends_with("strict decoding error: unknown field \"spec.colr\""),
        "{}",
        refused.message
    );
    let pruned = widgets
        .create(&PostParams::default(), &widget("w", json!({"colr": "red"})))
        .await
        .unwrap();
    assert!(pruned.data["spec"].get("colr").is_none());
    let refused = status(
        widgets
            .create(&PostParams::default(), &widget("No Name", json!({})))
            .await
            .unwrap_err(),
    );
    assert!(
        refused
            .message
            .contains("a lowercase RFC 1123 subdomain must consist of"),
        "{}",
        refused.message
    );
}

#[tokio::test(start_paused = true)]
async fn finalizers_hold_an_object() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    let mut sent = widget("w", json!({}));
    sent.metadata.finalizers = Some(vec!["example.org/one".into()]);
    widgets.create(&PostParams::default(), &sent).await.unwrap();
    let held = widgets
        .delete("w", &DeleteParams::default())
        .await
        .unwrap()
        .left()
        .expect("waits for its finalizer");
    assert!(held.metadata.deletion_timestamp.is_some());
    assert_eq!(held.metadata.generation, Some(2));
    let again = widgets
        .delete("w", &DeleteParams::default())
        .await
        .unwrap()
        .left()
        .expect("still waits");
    assert_eq!(again.resource_version(), held.resource_version());

    let more = json!({"metadata": {"finalizers": ["example.org/one", "example.org/two"]}});
    let refused = status(
        widgets
            .patch("w", &PatchParams::default(), &Patch::Merge(&more))
            .await
            .unwrap_err(),
    );
    assert_eq!(refused.code, 422);
    assert!(
        refused.message.contains(
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new \
             finalizers []string{\"example.org/two\"}"
        ),
        "{}",
        refused.message
    );
    let none = json!({"metadata": {"finalizers": null}});
    widgets
        .patch("w", &PatchParams::default(), &Patch::Merge(&none))
        .await
        .unwrap();
    assert_eq!(status(widgets.get("w").await.unwrap_err()).code, 404);
}

#[tokio::test(start_paused = true)]
async fn dry_runs_change_nothing() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let dry = PostParams {
        dry_run: true,
        ..Default::default()
    };
    let before = server.world().revision();
    let shown = maps
        .create(&dry, &config_map("a", json!({"k": "1"})))
        .await
        .unwrap();
    assert!(shown.uid().is_some());
    assert_eq!(server.world().revision(), before);
    maps.create(&PostParams::default(), &config_map("a", json!({"k": "1"})))
        .await
        .unwrap();
    let before = server.world().revision();
    let patch = json!({"data": {"k": "2"}});
    let shown = maps
        .patch("a", &PatchParams::default().dry_run(), &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_eq!(shown.data.unwrap()["k"], "2");
    maps.delete("a", &DeleteParams::default().dry_run())
        .await
        .unwrap();
    assert_eq!(server.world().revision(), before);
}

#[tokio::test(start_paused = true)]
async fn secrets_have_their_own_rules() {
    let (_server, client) = server().await;
    let secrets: Api<Secret> = Api::default_namespaced(client);
    let sent: Secret = serde_json::from_value(
        json!({"metadata": {"name": "s"}, "stringData": {"a": "b"}, "immutable": true}),
    )
    .unwrap();
    let made = secrets.create(&PostParams::default(), &sent).await.unwrap();
    assert_eq!(made.type_.as_deref(), Some("Opaque"));
    assert_eq!(made.data.unwrap()["a"].0, b"b");
    assert!(made.string_data.is_none());
    let patch = json!({"stringData": {"a": "c"}});
    let refused = status(
        secrets
            .patch("s", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap_err(),
    );
    assert_eq!(
        refused.message,
        "Secret \"s\" is invalid: data: Forbidden: field is immutable when `immutable` is set"
    );
    let patch = json!({"type": "other", "immutable": true});
    let refused = status(
        secrets
            .patch("s", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap_err(),
    );
    assert_eq!(
        refused.message,
        "Secret \"s\" is invalid: type: Invalid value: \"other\": field is immutable"
    );
}

#[tokio::test(start_paused = true)]
async fn patches_of_every_format() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    widgets
        .create(&PostParams::default(), &widget("w", json!({"colour": "red"})))
        .await
        .unwrap();
    let test = json!([{"op": "test", "path": "/spec/colour", "value": "blue"}]);
    let test: json_patch::Patch = serde_json::from_value(test).unwrap();
    let refused = status(
        widgets
            .patch("w", &PatchParams::default(), &Patch::Json::<()>(test))
            .await
            .unwrap_err(),
    );
    assert_eq!((refused.code, refused.reason.as_str()), (422, "Invalid"));
    let replace = json!([{"op": "replace", "path": "/spec/colour", "value": "blue"}]);
    let replace: json_patch::Patch = serde_json::from_value(replace).unwrap();
    let after = widgets
        .patch("w", &PatchParams::default(), &Patch::Json::<()>(replace))
        .await
        .unwrap();
    assert_eq!(after.data["spec"]["colour"], "blue");
    let strategic = json!({"spec": {"colour": "red"}});
    let refused = status(
        widgets
            .patch("w", &PatchParams::default(), &Patch::Strategic(&strategic))
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (415, "UnsupportedMediaType")
    );
    let stale = json!({"metadata": {"resourceVersion": "1"}, "spec": {"colour": "red"}});
    let refused = status(
        widgets
            .patch("w", &PatchParams::default(), &Patch::Merge(&stale))
            .await
            .unwrap_err(),
    );
    assert_eq!((refused.code, refused.reason.as_str()), (409, "Conflict"));
}

#[tokio::test(start_paused = true)]
async fn metadata_of_another_type_is_refused() {
    let (_server, client) = server().await;
    for (metadata, code) in [
        (json!({"name": "a", "labels": {"a": 1}}), 400),
        (json!({"name": 5}), 400),
        (json!({"name": "a", "finalizers": "one"}), 400),
        (json!({"name": "a", "finalizers": ["plain"]}), 422),
    ] {
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
        let request = http::Request::post("/api/v1/namespaces/default/configmaps")
            .body(body.to_string().into_bytes())
            .unwrap();
        let refused = status(client.request::<serde_json::Value>(request).await.unwrap_err());
        assert_eq!(refused.code, code, "{metadata}: {}", refused.message);
    }
    let body = json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "a", "labels": {"a": 1}}});
    let request = http::Request::post("/apis/example.org/v1/namespaces/default/widgets")
        .body(body.to_string().into_bytes())
        .unwrap();
    let refused = status(client.request::<serde_json::Value>(request).await.unwrap_err());
    assert_eq!(refused.code, 400, "{}", refused.message);
    let mut plain = widget("w", json!({}));
    plain.metadata.finalizers = Some(vec!["plain".into()]);
    widget_api(&client)
        .create(&PostParams::default(), &plain)
        .await
        .unwrap();
}
