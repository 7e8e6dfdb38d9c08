//! What lists and watches promise about versions.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, VersionMatch, WatchEvent, WatchParams,
};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::support::{config_map, server, status, widget, widget_api};

async fn refused(client: &Client, path: &str) -> kube::core::Status {
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    status(client.request::<Value>(request).await.unwrap_err())
}

#[tokio::test(start_paused = true)]
async fn a_list_can_show_the_past() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let made = maps
        .create(&PostParams::default(), &config_map("a", json!({"k": "1"})))
        .await
        .unwrap();
    let version = made.resource_version().unwrap();
    let patch = json!({"data": {"k": "2"}});
    maps.patch("a", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    maps.create(&PostParams::default(), &config_map("b", json!({})))
        .await
        .unwrap();
    maps.delete("b", &DeleteParams::default()).await.unwrap();
    let past = maps
        .list(&ListParams::default().at(&version).matching(VersionMatch::Exact))
        .await
        .unwrap();
    assert_eq!(past.metadata.resource_version.as_deref(), Some(version.as_str()));
    assert_eq!(past.items.len(), 1);
    assert_eq!(past.items[0].data.as_ref().unwrap()["k"], "1");
    let present = maps
        .list(
            &ListParams::default()
                .at(&version)
                .matching(VersionMatch::NotOlderThan),
        )
        .await
        .unwrap();
    assert_eq!(present.items[0].data.as_ref().unwrap()["k"], "2");
    let future = status(
        maps.list(
            &ListParams::default()
                .at("99999")
                .matching(VersionMatch::NotOlderThan),
        )
        .await
        .unwrap_err(),
    );
    assert_eq!((future.code, future.reason.as_str()), (504, "Timeout"));
    assert!(
        future
            .message
            .contains("Too large resource version: 99999, current: "),
        "{}",
        future.message
    );
}

#[tokio::test(start_paused = true)]
async fn options_that_make_no_sense_are_refused() {
    let (_server, client) = server().await;
    let path = "/api/v1/namespaces/default/configmaps";
    for (query, code, part) in [
        ("resourceVersion=abc", 400, "invalid syntax"),
        (
            "resourceVersionMatch=Exact",
            422,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            "sendInitialEvents=true",
            422,
            "sendInitialEvents is forbidden for list",
        ),
        (
            "watch=true&sendInitialEvents=true",
            422,
            "requires setting resourceVersionMatch to NotOlderThan",
        ),
        ("labelSelector=a%20b", 400, "unable to parse requirement"),
        (
            "fieldSelector=spec.x%3Dy",
            400,
            "\"spec.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        ),
        ("continue=nonsense", 400, "continue key is not valid"),
    ] {
        let refused = refused(&client, &format!("{path}?{query}")).await;
        assert_eq!(refused.code, code, "{query}: {}", refused.message);
        assert!(refused.message.contains(part), "{query}: {}", refused.message);
    }
    let unknown = refused(&client, "/apis/example.org/v9/widgets").await;
    assert_eq!(
        (unknown.code, unknown.message.as_str()),
        (404, "404 page not found")
    );
}

#[tokio::test(start_paused = true)]
async fn bookmarks_tell_how_far_a_quiet_watch_came() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let from = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .metadata
        .resource_version
        .unwrap();
    let params = WatchParams::default().labels("never=there").timeout(290);
    let mut events = pin!(maps.watch(&params, &from).await.unwrap());
    let made = maps
        .create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .unwrap();
    let start = tokio::time::Instant::now();
    match events.next().await.unwrap().unwrap() {
        WatchEvent::Bookmark(bookmark) => assert_eq!(
            bookmark.metadata.resource_version,
            made.resource_version().unwrap()
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(start.elapsed(), Duration::from_mins(1));
    assert!(events.next().await.is_none(), "nothing new to tell until the end");
    assert_eq!(start.elapsed(), Duration::from_secs(290));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_must_be_of_the_same_object() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    let made = widgets
        .create(&PostParams::default(), &widget("w", json!({})))
        .await
        .unwrap();
    let mut other = made.clone();
    other.metadata.uid = Some("00000000-0000-4000-8000-000000000000".into());
    let refused = status(
        widgets
            .replace("w", &PostParams::default(), &other)
            .await
            .unwrap_err(),
    );
    assert_eq!(refused.code, 409);
    assert!(
        refused
            .message
            .contains("Precondition failed: UID in precondition: 00000000"),
        "{}",
        refused.message
    );
    let mut blind = made.clone();
    blind.metadata.resource_version = None;
    let refused = status(
        widgets
            .replace("w", &PostParams::default(), &blind)
            .await
            .unwrap_err(),
    );
    assert_eq!(refused.code, 422);
    let mut renamed = made;
    renamed.metadata.name = Some("v".into());
    let refused = status(
        widgets
            .replace("w", &PostParams::default(), &renamed)
            .await
            .unwrap_err(),
    );
    assert_eq!(
        refused.message,
        "the name of the object (v) does not match the name on the URL (w)"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_shows_the_name_that_comes_next() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let sent: ConfigMap = serde_json::from_value(json!({"metadata": {"generateName": "run-"}})).unwrap();
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let shown = maps.create(&dry, &sent).await.unwrap();
    let made = maps.create(&PostParams::default(), &sent).await.unwrap();
    assert_eq!((shown.name_any(), shown.uid()), (made.name_any(), made.uid()));
}
