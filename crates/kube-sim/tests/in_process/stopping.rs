//! A server that goes down and comes back.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt};
use kube_sim::{Before, Call, Hooks};
use serde_json::json;

use crate::support::{config_map, server, status};

#[tokio::test(start_paused = true)]
async fn nobody_answers_while_it_is_down_and_the_world_is_the_same_after_it() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let made = maps
        .create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .unwrap();
    let mut watch = pin!(maps.watch(&WatchParams::default(), "0").await.unwrap());
    watch.try_next().await.unwrap().unwrap();

    server.stop();
    assert!(server.is_stopped());
    let refused = maps.get("a").await.unwrap_err();
    assert!(!matches!(refused, kube::Error::Api(_)), "{refused}");
    assert!(
        watch.next().await.unwrap().is_err(),
        "a watch breaks, it does not end well"
    );

    let revision = server.world().revision();
    server.start();
    assert!(!server.is_stopped());
    assert_eq!(maps.get("a").await.unwrap(), made);
    assert_eq!(server.world().revision(), revision, "coming back is no write");
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_before_has_to_list_again() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let old = maps.list(&ListParams::default()).await.unwrap();
    maps.create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .unwrap();
    server.stop();
    server.start();
    let version = old.metadata.resource_version.unwrap();
    let mut watch = pin!(maps.watch(&WatchParams::default(), &version).await.unwrap());
    let gone = watch.try_next().await.unwrap().unwrap();
    let kube::api::WatchEvent::Error(error) = gone else {
        panic!("{gone:?}");
    };
    assert_eq!((error.code, error.reason.as_str()), (410, "Expired"));
    // From the newest version on nothing is missing.
    let new = maps.list(&ListParams::default()).await.unwrap();
    let version = new.metadata.resource_version.unwrap();
    let mut watch = pin!(maps.watch(&WatchParams::default(), &version).await.unwrap());
    maps.create(&PostParams::default(), &config_map("b", json!({})))
        .await
        .unwrap();
    let next = watch.try_next().await.unwrap().unwrap();
    assert!(matches!(next, kube::api::WatchEvent::Added(map) if map.name_any() == "b"));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_comes_back_by_itself_and_misses_nothing() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    maps.create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .unwrap();
    let seen = watcher(maps.clone(), watcher::Config::default())
        .default_backoff()
        .filter_map(async |event| event.ok());
    let mut seen = pin!(seen);
    while !matches!(seen.next().await, Some(watcher::Event::InitDone)) {}
    server.stop();
    let outage = async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        server.start();
        maps.create(&PostParams::default(), &config_map("b", json!({})))
            .await
            .unwrap();
    };
    let (event, ()) = tokio::join!(
        async {
            loop {
                match seen.next().await {
                    Some(watcher::Event::InitApply(map) | watcher::Event::Apply(map))
                        if map.name_any() == "b" =>
                    {
                        break map;
                    }
                    Some(_) => {}
                    None => panic!("a watcher does not end"),
                }
            }
        },
        outage
    );
    assert_eq!(event.name_any(), "b");
    let refused = server.counters().refused;
    assert!(
        (1..20).contains(&refused),
        "it asks now and then, not again and again: {refused} times in a minute"
    );
}

/// Every write takes ten seconds to arrive.
struct SlowWrites;

impl Hooks for SlowWrites {
    fn before(&self, call: &Call) -> Before {
        Before {
            delay: if call.is_write() {
                Duration::from_secs(10)
            } else {
                Duration::ZERO
            },
            ..Before::default()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_under_way_breaks_and_changes_nothing() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    server.set_hooks(Some(Arc::new(SlowWrites)));
    let params = PostParams::default();
    let map = config_map("a", json!({}));
    let (created, ()) = tokio::join!(maps.create(&params, &map), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.stop();
        // Back before the request arrives: its connection is gone all the same.
        server.start();
    });
    assert!(!matches!(created.unwrap_err(), kube::Error::Api(_)));
    assert_eq!(status(maps.get("a").await.unwrap_err()).code, 404);
    let patch = Patch::Apply(config_map("a", json!({})));
    maps.patch("a", &PatchParams::apply("test"), &patch)
        .await
        .unwrap();
}
