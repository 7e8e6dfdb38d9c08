use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt};
use kube_sim::GroupResource;
use serde_json::json;

use crate::support::{config_map, server, status, widget, widget_api};

fn owned(name: &str, owner: &kube::api::DynamicObject, blocks: bool) -> ConfigMap {
    let mut map = config_map(name, json!({}));
    map.metadata.owner_references = Some(vec![serde_json::from_value(json!({
        "apiVersion": "example.org/v1", "kind": "Widget", "name": owner.name_any(), "uid": owner.uid().unwrap(),
        "blockOwnerDeletion": blocks,
    })).unwrap()]);
    map
}

#[tokio::test(start_paused = true)]
async fn what_an_object_owns_goes_with_it() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let owner = widgets
        .create(&PostParams::default(), &widget("w", json!({})))
        .await
        .unwrap();
    maps.create(&PostParams::default(), &owned("mine", &owner, false))
        .await
        .unwrap();
    maps.create(&PostParams::default(), &config_map("other", json!({})))
        .await
        .unwrap();
    widgets.delete("w", &DeleteParams::background()).await.unwrap();
    let names: BTreeSet<String> = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    assert_eq!(names, BTreeSet::from(["other".to_owned()]));

    let owner = widgets
        .create(&PostParams::default(), &widget("w", json!({})))
        .await
        .unwrap();
    maps.create(&PostParams::default(), &owned("kept", &owner, false))
        .await
        .unwrap();
    widgets.delete("w", &DeleteParams::orphan()).await.unwrap();
    assert!(maps.get("kept").await.unwrap().owner_references().is_empty());

    let elsewhere: Api<ConfigMap> = Api::namespaced(client, "kube-public");
    let owner = widgets
        .create(&PostParams::default(), &widget("w", json!({})))
        .await
        .unwrap();
    elsewhere
        .create(&PostParams::default(), &owned("lost", &owner, false))
        .await
        .unwrap();
    assert!(
        elsewhere.get_opt("lost").await.unwrap().is_none(),
        "an owner in another namespace counts as absent"
    );
}

#[tokio::test(start_paused = true)]
async fn foreground_deletion_waits_for_blocking_dependents() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let owner = widgets
        .create(&PostParams::default(), &widget("w", json!({})))
        .await
        .unwrap();
    let mut held = owned("held", &owner, true);
    held.metadata.finalizers = Some(vec!["example.org/hold".into()]);
    maps.create(&PostParams::default(), &held).await.unwrap();
    let waiting = widgets.delete("w", &DeleteParams::foreground()).await.unwrap();
    assert!(waiting.is_left());
    assert!(
        widgets
            .get("w")
            .await
            .unwrap()
            .finalizers()
            .contains(&"foregroundDeletion".to_owned())
    );
    let mut map = maps.get("held").await.unwrap();
    assert!(map.metadata.deletion_timestamp.is_some());
    map.metadata.finalizers = None;
    maps.replace("held", &PostParams::default(), &map).await.unwrap();
    assert!(widgets.get_opt("w").await.unwrap().is_none());
    assert!(maps.get_opt("held").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_emptied_before_it_goes() {
    let (_server, client) = server().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let sent: Namespace = serde_json::from_value(json!({"metadata": {"name": "team"}})).unwrap();
    namespaces.create(&PostParams::default(), &sent).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client, "team");
    maps.create(&PostParams::default(), &config_map("plain", json!({})))
        .await
        .unwrap();
    let mut held = config_map("held", json!({}));
    held.metadata.finalizers = Some(vec!["example.org/hold".into()]);
    maps.create(&PostParams::default(), &held).await.unwrap();

    let going = namespaces
        .delete("team", &DeleteParams::default())
        .await
        .unwrap()
        .left()
        .expect("it is emptied first");
    assert_eq!(going.status.unwrap().phase.as_deref(), Some("Terminating"));
    assert!(maps.get_opt("plain").await.unwrap().is_none());
    let refused = status(
        maps.create(&PostParams::default(), &config_map("late", json!({})))
            .await
            .unwrap_err(),
    );
    assert_eq!((refused.code, refused.reason.as_str()), (403, "Forbidden"));
    assert_eq!(
        refused.message,
        "configmaps \"late\" is forbidden: unable to create new content in namespace team because it is being terminated"
    );
    let conditions = namespaces
        .get("team")
        .await
        .unwrap()
        .status
        .unwrap()
        .conditions
        .unwrap();
    assert!(
        conditions
            .iter()
            .any(|c| c.type_ == "NamespaceFinalizersRemaining" && c.status == "True")
    );
    let mut map = maps.get("held").await.unwrap();
    map.metadata.finalizers = None;
    maps.replace("held", &PostParams::default(), &map).await.unwrap();
    assert!(namespaces.get_opt("team").await.unwrap().is_none());
    let missing = status(
        maps.create(&PostParams::default(), &config_map("late", json!({})))
            .await
            .unwrap_err(),
    );
    assert_eq!(missing.message, "namespaces \"team\" not found");
    let kept = status(
        namespaces
            .delete("default", &DeleteParams::default())
            .await
            .unwrap_err(),
    );
    assert_eq!(
        kept.message,
        "namespaces \"default\" is forbidden: this namespace may not be deleted"
    );
}

#[tokio::test(start_paused = true)]
async fn a_definition_takes_its_objects_along() {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    let (server, client) = server().await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let conditions = definitions
        .get("widgets.example.org")
        .await
        .unwrap()
        .status
        .unwrap()
        .conditions
        .unwrap();
    assert!(
        conditions
            .iter()
            .any(|c| c.type_ == "Established" && c.status == "True")
    );
    let widgets = widget_api(&client);
    widgets
        .create(&PostParams::default(), &widget("w", json!({})))
        .await
        .unwrap();
    definitions
        .delete("widgets.example.org", &DeleteParams::default())
        .await
        .unwrap();
    assert!(
        definitions
            .get_opt("widgets.example.org")
            .await
            .unwrap()
            .is_none()
    );
    let unknown = status(widgets.list(&ListParams::default()).await.unwrap_err());
    assert_eq!(unknown.code, 404);
    assert!(
        server
            .world()
            .list(&GroupResource::new("example.org", "widgets"), None)
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn one_owner_is_enough_to_stay() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let one = widgets
        .create(&PostParams::default(), &widget("one", json!({})))
        .await
        .unwrap();
    let two = widgets
        .create(&PostParams::default(), &widget("two", json!({})))
        .await
        .unwrap();
    let mut shared = owned("shared", &one, false);
    let others = owned("shared", &two, false).metadata.owner_references.unwrap();
    shared.metadata.owner_references.as_mut().unwrap().extend(others);
    maps.create(&PostParams::default(), &shared).await.unwrap();
    widgets.delete("one", &DeleteParams::background()).await.unwrap();
    let left = maps.get("shared").await.unwrap();
    assert_eq!(left.owner_references().len(), 1);
    assert_eq!(left.owner_references()[0].name, "two");
    // An owner of the same name with another uid is another object.
    widgets.delete("two", &DeleteParams::orphan()).await.unwrap();
    let again = widgets
        .create(&PostParams::default(), &widget("two", json!({})))
        .await
        .unwrap();
    let mut late = owned("late", &again, false);
    late.metadata.owner_references.as_mut().unwrap()[0].uid = two.uid().unwrap();
    maps.create(&PostParams::default(), &late).await.unwrap();
    assert!(maps.get_opt("late").await.unwrap().is_none());
    assert!(maps.get_opt("shared").await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn collection_can_be_held_back() {
    let (server, client) = server().await;
    let widgets = widget_api(&client);
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let owner = widgets
        .create(&PostParams::default(), &widget("w", json!({})))
        .await
        .unwrap();
    maps.create(&PostParams::default(), &owned("mine", &owner, false))
        .await
        .unwrap();
    server.set_controllers(false);
    widgets.delete("w", &DeleteParams::background()).await.unwrap();
    assert!(maps.get_opt("mine").await.unwrap().is_some());
    server.set_controllers(true);
    assert!(maps.get_opt("mine").await.unwrap().is_none());
}
