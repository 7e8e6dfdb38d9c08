use std::pin::pin;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::support::{config_map, server, status};

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_every_change() {
    for config in [
        watcher::Config::default(),
        watcher::Config::default().streaming_lists(),
    ] {
        let (_server, client) = server().await;
        let maps: Api<ConfigMap> = Api::default_namespaced(client);
        maps.create(&PostParams::default(), &config_map("a", json!({})))
            .await
            .unwrap();
        let mut events = pin!(watcher(maps.clone(), config));
        let mut seen = Vec::new();
        while let Some(event) = events.try_next().await.unwrap() {
            match event {
                watcher::Event::Init => seen.push("init".to_owned()),
                watcher::Event::InitApply(map) => seen.push(format!("init {}", map.name_any())),
                watcher::Event::InitDone => {
                    seen.push("done".to_owned());
                    let patch = json!({"data": {"k": "v"}});
                    maps.patch("a", &PatchParams::default(), &Patch::Merge(&patch))
                        .await
                        .unwrap();
                    maps.create(&PostParams::default(), &config_map("b", json!({})))
                        .await
                        .unwrap();
                    maps.delete("a", &DeleteParams::default()).await.unwrap();
                }
                watcher::Event::Apply(map) => seen.push(format!("apply {}", map.name_any())),
                watcher::Event::Delete(map) => {
                    seen.push(format!("delete {}", map.name_any()));
                    break;
                }
            }
        }
        assert_eq!(seen, ["init", "init a", "done", "apply a", "apply b", "delete a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_outlives_its_timeout_and_cut_connections() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let mut events = pin!(watcher(maps.clone(), watcher::Config::default()).applied_objects_names());
    for round in 0..3 {
        tokio::time::sleep(Duration::from_mins(20)).await;
        server.cut_watches();
        let name = format!("m{round}");
        maps.create(&PostParams::default(), &config_map(&name, json!({})))
            .await
            .unwrap();
        assert_eq!(events.next().await.unwrap(), name);
    }
}

trait Names {
    fn applied_objects_names(self) -> impl futures::Stream<Item = String>;
}

impl<S: futures::Stream<Item = watcher::Result<watcher::Event<ConfigMap>>>> Names for S {
    fn applied_objects_names(self) -> impl futures::Stream<Item = String> {
        self.filter_map(async |event| match event {
            Ok(watcher::Event::Apply(map) | watcher::Event::InitApply(map))
                if map.name_any().starts_with('m') =>
            {
                Some(map.name_any())
            }
            _ => None,
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_version_is_gone() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let made = maps
        .create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .unwrap();
    server.with_world(|world, _| world.compact());
    maps.create(&PostParams::default(), &config_map("b", json!({})))
        .await
        .unwrap();
    let version = made.resource_version().unwrap();
    let older = (version.parse::<u64>().unwrap() - 1).to_string();
    let mut events = pin!(maps.watch(&WatchParams::default(), &older).await.unwrap());
    match events.next().await.unwrap().unwrap() {
        WatchEvent::Error(error) => {
            assert_eq!((error.code, error.reason.as_str()), (410, "Expired"));
            assert!(
                error.message.starts_with("too old resource version: "),
                "{}",
                error.message
            );
        }
        other => panic!("{other:?}"),
    }
    let mut events = pin!(maps.watch(&WatchParams::default(), &version).await.unwrap());
    assert!(matches!(events.next().await.unwrap().unwrap(), WatchEvent::Added(map) if map.name_any() == "b"));
}

#[tokio::test(start_paused = true)]
async fn leaving_the_selection_is_a_deletion() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let mut map = config_map("a", json!({}));
    map.labels_mut().insert("on".into(), "yes".into());
    maps.create(&PostParams::default(), &map).await.unwrap();
    let params = WatchParams::default().labels("on=yes").timeout(30);
    let mut events = pin!(maps.watch(&params, "0").await.unwrap());
    assert!(matches!(
        events.next().await.unwrap().unwrap(),
        WatchEvent::Added(_)
    ));
    for value in ["no", "yes"] {
        let patch = json!({"metadata": {"labels": {"on": value}}});
        maps.patch("a", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }
    assert!(
        matches!(events.next().await.unwrap().unwrap(), WatchEvent::Deleted(map) if map.labels()["on"] == "yes")
    );
    assert!(
        matches!(events.next().await.unwrap().unwrap(), WatchEvent::Added(map) if map.labels()["on"] == "yes")
    );
    // The deadline ends the watch; before it a bookmark may say how far it came.
    while let Some(event) = events.next().await {
        assert!(matches!(event.unwrap(), WatchEvent::Bookmark(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn pages_show_one_moment() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    for name in ["a", "b", "c", "d", "e"] {
        maps.create(&PostParams::default(), &config_map(name, json!({})))
            .await
            .unwrap();
    }
    let names =
        |list: &kube::core::ObjectList<ConfigMap>| list.iter().map(ResourceExt::name_any).collect::<Vec<_>>();
    let first = maps.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first.metadata.remaining_item_count, Some(3));
    maps.delete("d", &DeleteParams::default()).await.unwrap();
    maps.create(&PostParams::default(), &config_map("bb", json!({})))
        .await
        .unwrap();
    let token = first.metadata.continue_.clone().unwrap();
    let second = maps
        .list(&ListParams::default().limit(3).continue_token(&token))
        .await
        .unwrap();
    assert_eq!(names(&second), ["c", "d", "e"]);
    assert_eq!(second.metadata.resource_version, first.metadata.resource_version);
    assert!(second.metadata.continue_.is_none());
    server.with_world(|world, _| world.compact());
    let gone = status(
        maps.list(&ListParams::default().limit(3).continue_token(&token))
            .await
            .unwrap_err(),
    );
    assert_eq!((gone.code, gone.reason.as_str()), (410, "Expired"));
}
