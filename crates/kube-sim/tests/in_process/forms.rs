//! Discovery, tables and metadata alone.

use std::pin::pin;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, PostParams, WatchEvent, WatchParams};
use kube::core::PartialObjectMeta;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::support::{config_map, server, widget, widget_api};

async fn get(client: &Client, path: &str, accept: &str) -> Value {
    let request = http::Request::get(path)
        .header("accept", accept)
        .body(Vec::new())
        .unwrap();
    client.request::<Value>(request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn metadata_comes_without_the_rest() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    maps.create(
        &PostParams::default(),
        &config_map("a", json!({"secret": "word"})),
    )
    .await
    .unwrap();
    assert_eq!(maps.get_metadata("a").await.unwrap().name_any(), "a");
    assert_eq!(
        maps.list_metadata(&ListParams::default())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    let mut events = pin!(maps.watch_metadata(&WatchParams::default(), "0").await.unwrap());
    let event: WatchEvent<PartialObjectMeta<ConfigMap>> = events.next().await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Added(map) if map.name_any() == "a"));
    let path = "/api/v1/namespaces/default/configmaps/a";
    let raw = get(
        &client,
        path,
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    )
    .await;
    assert_eq!(raw["kind"], "PartialObjectMetadata");
    assert!(raw.get("data").is_none());
}

#[tokio::test(start_paused = true)]
async fn tables_have_the_columns_of_the_definition() {
    let (_server, client) = server().await;
    widget_api(&client)
        .create(&PostParams::default(), &widget("w", json!({"colour": "red"})))
        .await
        .unwrap();
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let path = "/apis/example.org/v1/namespaces/default/widgets";
    let table = get(&client, &format!("{path}?includeObject=None"), accept).await;
    assert_eq!(
        (&table["kind"], &table["apiVersion"]),
        (&json!("Table"), &json!("meta.k8s.io/v1"))
    );
    let names: Vec<&str> = table["columnDefinitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Name", "Colour", "Ready", "Size", "Age"]);
    assert_eq!(table["rows"][0]["cells"], json!(["w", "red", null, 1, "0s"]));
    assert!(table["rows"][0]["object"].is_null());
    let table = get(&client, path, accept).await;
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
}

#[tokio::test(start_paused = true)]
async fn discovery_names_everything() {
    let (_server, client) = server().await;
    let discovery = kube::discovery::Discovery::new(client.clone())
        .run()
        .await
        .unwrap();
    assert!(discovery.groups().any(|group| group.name() == "example.org"));
    let aggregated = kube::discovery::Discovery::new(client.clone())
        .run_aggregated()
        .await
        .unwrap();
    let group = aggregated
        .get("example.org")
        .expect("the group of the definition");
    let (resource, capabilities) = group.recommended_kind("Widget").expect("its kind");
    assert_eq!(resource.plural, "widgets");
    assert_eq!(capabilities.subresources.len(), 2);
    let version = client.apiserver_version().await.unwrap();
    assert_eq!(version.major, "1");
    let index = get(&client, "/openapi/v3", "application/json").await;
    let path = index["paths"]["apis/example.org/v1"]["serverRelativeURL"]
        .as_str()
        .unwrap();
    let document = get(&client, path, "application/json").await;
    let schema = &document["components"]["schemas"]["org.example.v1.Widget"];
    assert_eq!(
        schema["properties"]["spec"]["properties"]["colour"]["type"],
        "string"
    );
    let resources = get(&client, "/api/v1", "application/json").await;
    let names: Vec<&str> = resources["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"secrets") && names.contains(&"namespaces/status"),
        "{names:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn bodies_may_be_yaml() {
    let (_server, client) = server().await;
    let request = http::Request::post("/apis/example.org/v1/namespaces/default/widgets")
        .header("content-type", "application/yaml")
        .body(
            b"apiVersion: example.org/v1\nkind: Widget\nmetadata:\n  name: yam\nspec:\n  colour: green\n"
                .to_vec(),
        )
        .unwrap();
    let made: Value = client.request(request).await.unwrap();
    assert_eq!(made["spec"]["colour"], "green");
}
