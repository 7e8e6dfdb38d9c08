//! Faults, transcripts and worlds taken up again.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use kube_sim::{After, ApiServer, Before, Call, Clock, GroupResource, Hooks, StatusError};
use serde_json::json;

use crate::support::{EPOCH, config_map, server, status, widget, widget_api};

/// Fails, delays or loses requests by the name of their object.
struct ByName;

impl Hooks for ByName {
    fn before(&self, call: &Call) -> Before {
        match call.name.as_str() {
            "failing" => Before {
                fail: Some(StatusError::new(503, "ServiceUnavailable", "try later")),
                ..Before::default()
            },
            "slow" => Before {
                delay: Duration::from_secs(7),
                ..Before::default()
            },
            "unreachable" => Before {
                drop: true,
                ..Before::default()
            },
            _ => Before::default(),
        }
    }

    fn after(&self, call: &Call, _code: u16) -> After {
        After {
            drop: call.name == "lost" && call.is_write(),
            ..After::default()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_fail_as_hooks_say() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    for name in ["lost", "unreachable"] {
        maps.create(&PostParams::default(), &config_map(name, json!({})))
            .await
            .unwrap();
    }
    server.set_hooks(Some(Arc::new(ByName)));
    let failed = status(maps.get("failing").await.unwrap_err());
    assert_eq!((failed.code, failed.message.as_str()), (503, "try later"));
    let start = tokio::time::Instant::now();
    assert!(maps.get_opt("slow").await.unwrap().is_none());
    assert_eq!(start.elapsed(), Duration::from_secs(7));
    assert!(!matches!(
        maps.get("unreachable").await.unwrap_err(),
        kube::Error::Api(_)
    ));
    let delete = DeleteParams::default();
    assert!(!matches!(
        maps.delete("lost", &delete).await.unwrap_err(),
        kube::Error::Api(_)
    ));
    assert!(
        maps.get_opt("lost").await.unwrap().is_none(),
        "it was done, only the answer was lost"
    );
    server.set_hooks(None);
    assert!(maps.get_opt("failing").await.unwrap().is_none());
}

struct LateWatches;

impl Hooks for LateWatches {
    fn watch_delay(&self, _resource: &str) -> Duration {
        Duration::from_secs(5)
    }
}

#[tokio::test(start_paused = true)]
async fn watches_can_lag_behind() {
    let (server, client) = server().await;
    server.set_hooks(Some(Arc::new(LateWatches)));
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let mut events = pin!(watcher(maps.clone(), watcher::Config::default()));
    while !matches!(events.try_next().await.unwrap(), Some(watcher::Event::InitDone)) {}
    // The watch is opened with the first poll; only what is written while it waits comes late.
    let start = tokio::time::Instant::now();
    let (event, ()) = tokio::join!(events.try_next(), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        maps.create(&PostParams::default(), &config_map("a", json!({})))
            .await
            .unwrap();
    });
    assert!(matches!(event.unwrap(), Some(watcher::Event::Apply(map)) if map.name_any() == "a"));
    assert_eq!(start.elapsed(), Duration::from_secs(6));
}

/// A script with creates, applies, watches, collection and time; what it leaves behind is the transcript.
async fn script() -> Vec<String> {
    let (server, client) = server().await;
    server.record(true);
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let widgets = widget_api(&client);
    let watch = tokio::spawn({
        let maps = maps.clone();
        async move {
            let names = watcher(maps, watcher::Config::default())
                .filter_map(async |event| match event {
                    Ok(watcher::Event::Apply(map)) => Some(map.name_any()),
                    _ => None,
                })
                .take(6)
                .collect::<Vec<_>>();
            names.await
        }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let owner = widgets
        .create(&PostParams::default(), &widget("w", json!({"colour": "red"})))
        .await
        .unwrap();
    let writes = (0..6).map(|n| {
        let (maps, owner) = (maps.clone(), owner.clone());
        tokio::spawn(async move {
            let mut map = config_map("", json!({"n": n.to_string()}));
            map.metadata.name = None;
            map.metadata.generate_name = Some("map-".into());
            map.metadata.owner_references = Some(vec![
                serde_json::from_value(json!({
                    "apiVersion": "example.org/v1", "kind": "Widget", "name": "w", "uid": owner.uid(),
                }))
                .unwrap(),
            ]);
            maps.create(&PostParams::default(), &map).await.unwrap();
        })
    });
    futures::future::join_all(writes.collect::<Vec<_>>()).await;
    let mut lines = watch.await.unwrap();
    let patch = json!({"spec": {"size": 3}});
    widgets
        .patch("w", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    widgets.delete("w", &DeleteParams::background()).await.unwrap();
    assert!(maps.list(&ListParams::default()).await.unwrap().items.is_empty());
    lines.extend(server.transcript().iter().map(ToString::to_string));
    lines
}

#[test]
fn the_same_script_leaves_the_same_transcript() {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(script())
    };
    let first = run();
    assert!(first.len() > 15, "{first:#?}");
    assert!(
        first
            .iter()
            .any(|line| line.contains("POST /api/v1/namespaces/default/configmaps")),
        "{first:#?}"
    );
    assert_eq!(first, run());
}

#[tokio::test(start_paused = true)]
async fn a_world_goes_on_where_it_was_kept() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    maps.create(&PostParams::default(), &config_map("a", json!({"k": "1"})))
        .await
        .unwrap();
    let kept = server.world();
    maps.delete("a", &DeleteParams::default()).await.unwrap();

    let again = ApiServer::from_world(kept.clone(), Clock::virtual_since(EPOCH.parse().unwrap()));
    let other: Api<ConfigMap> = Api::default_namespaced(again.client("default"));
    assert_eq!(other.get("a").await.unwrap().data.unwrap()["k"], "1");
    other
        .create(&PostParams::default(), &config_map("b", json!({})))
        .await
        .unwrap();
    let resource = GroupResource::new("", "configmaps");
    assert!(
        kept.get(&resource, "default", "b").is_none(),
        "what was kept does not change"
    );
    assert!(server.world().get(&resource, "default", "b").is_none());
    assert!(again.world().revision() > kept.revision());
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    server.reset_counters();
    maps.create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .unwrap();
    let patch = json!({"data": {"k": "v"}});
    for _ in 0..2 {
        maps.patch("a", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }
    maps.get("a").await.unwrap();
    maps.list(&ListParams::default()).await.unwrap();
    let counters = server.counters();
    assert_eq!((counters.reads(), counters.writes(), counters.changes), (2, 3, 2));
    assert_eq!(counters.of("configmaps", "patch"), 2);
}
