//! Kinds that the server knows by itself.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event as CoreEvent, Namespace, ServiceAccount};
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::support::{config_map, server, status, widget, widget_api};

#[tokio::test(start_paused = true)]
async fn events_have_two_views() {
    let (_server, client) = server().await;
    let new: Api<Event> = Api::default_namespaced(client.clone());
    let old: Api<CoreEvent> = Api::default_namespaced(client);
    let sent: Event = serde_json::from_value(json!({
        "metadata": {"name": "e"}, "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "c",
        "reportingInstance": "i", "action": "Act", "reason": "Because", "type": "Normal", "note": "what happened",
        "regarding": {"kind": "Widget", "name": "w", "namespace": "default"},
    }))
    .unwrap();
    new.create(&PostParams::default(), &sent).await.unwrap();
    let seen = old.get("e").await.unwrap();
    assert_eq!(seen.message.as_deref(), Some("what happened"));
    assert_eq!(seen.involved_object.name.as_deref(), Some("w"));
    let selected = ListParams::default().fields("involvedObject.name=w");
    assert_eq!(old.list(&selected).await.unwrap().items.len(), 1);
    assert!(
        old.list(&ListParams::default().fields("involvedObject.name=x"))
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let unknown = status(
        old.list(&ListParams::default().fields("message=x"))
            .await
            .unwrap_err(),
    );
    assert_eq!(unknown.message, "field label not supported: message");

    let patch = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "count": 2, "message": "again",
        "involvedObject": {"kind": "Widget", "name": "w", "namespace": "default"}});
    old.patch("e", &PatchParams::apply("c").force(), &Patch::Apply(&patch))
        .await
        .unwrap();
    let seen = new.get("e").await.unwrap();
    assert_eq!(
        (seen.note.as_deref(), seen.deprecated_count),
        (Some("again"), Some(2))
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_need_not_say_when_it_happened() {
    let (_server, client) = server().await;
    let events: Api<CoreEvent> = Api::default_namespaced(client);
    let sent: CoreEvent = serde_json::from_value(json!({
        "metadata": {"name": "e"}, "reason": "Because", "message": "what happened", "type": "Normal",
        "involvedObject": {"kind": "Widget", "name": "w", "namespace": "default"},
    }))
    .unwrap();
    events.create(&PostParams::default(), &sent).await.unwrap();
    let again = json!({ "count": 2, "eventTime": null });
    events
        .patch("e", &PatchParams::default(), &Patch::Merge(&again))
        .await
        .unwrap();
    let of_it = ListParams::default().fields("involvedObject.kind=Widget,involvedObject.name=w");
    assert_eq!(events.list(&of_it).await.unwrap().items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_comes_with_a_service_account() {
    let (_server, client) = server().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let sent: Namespace = serde_json::from_value(json!({"metadata": {"name": "team"}})).unwrap();
    let made = namespaces.create(&PostParams::default(), &sent).await.unwrap();
    assert_eq!(made.labels()["kubernetes.io/metadata.name"], "team");
    assert_eq!(made.status.unwrap().phase.as_deref(), Some("Active"));
    let accounts: Api<ServiceAccount> = Api::namespaced(client, "team");
    assert!(accounts.get_opt("default").await.unwrap().is_some());
    accounts
        .delete("default", &DeleteParams::default())
        .await
        .unwrap();
    assert!(accounts.get_opt("default").await.unwrap().is_some(), "made again");
    let going = namespaces.delete("team", &DeleteParams::default()).await.unwrap();
    assert!(going.is_left());
    assert!(namespaces.get_opt("team").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn leases_are_taken_over_only_with_the_newest_version() {
    let (_server, client) = server().await;
    let leases: Api<Lease> = Api::default_namespaced(client);
    let sent: Lease = serde_json::from_value(json!({
        "metadata": {"name": "l"}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15},
    }))
    .unwrap();
    let made = leases.create(&PostParams::default(), &sent).await.unwrap();
    let mut taken = made.clone();
    taken.spec.as_mut().unwrap().holder_identity = Some("b".into());
    leases.replace("l", &PostParams::default(), &taken).await.unwrap();
    assert_eq!(
        status(
            leases
                .replace("l", &PostParams::default(), &taken)
                .await
                .unwrap_err()
        )
        .code,
        409
    );
    taken.metadata.resource_version = None;
    let refused = status(
        leases
            .replace("l", &PostParams::default(), &taken)
            .await
            .unwrap_err(),
    );
    assert!(
        refused
            .message
            .contains("metadata.resourceVersion: Invalid value: 0: must be specified for an update")
    );
}

#[tokio::test(start_paused = true)]
async fn collections_are_deleted_by_selector() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    for (name, label) in [("a", "x"), ("b", "y"), ("c", "x")] {
        let mut map = config_map(name, json!({}));
        map.labels_mut().insert("l".into(), label.into());
        maps.create(&PostParams::default(), &map).await.unwrap();
    }
    let deleted = maps
        .delete_collection(&DeleteParams::default(), &ListParams::default().labels("l=x"))
        .await
        .unwrap();
    assert_eq!(deleted.left().unwrap().items.len(), 2);
    let left: Vec<String> = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    assert_eq!(left, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn names_are_generated() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let sent: ConfigMap = serde_json::from_value(json!({"metadata": {"generateName": "run-"}})).unwrap();
    let one = maps
        .create(&PostParams::default(), &sent)
        .await
        .unwrap()
        .name_any();
    let two = maps
        .create(&PostParams::default(), &sent)
        .await
        .unwrap()
        .name_any();
    assert!(
        one.starts_with("run-") && one.len() == 9 && one != two,
        "{one} {two}"
    );
}

#[tokio::test(start_paused = true)]
async fn custom_resources_scale_and_select() {
    let (_server, client) = server().await;
    let widgets = widget_api(&client);
    widgets
        .create(
            &PostParams::default(),
            &widget("w", json!({"colour": "red", "replicas": 1})),
        )
        .await
        .unwrap();
    let scale = widgets.get_scale("w").await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(1));
    let patch = json!({"spec": {"replicas": 4}});
    widgets
        .patch_scale("w", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    let after = widgets.get("w").await.unwrap();
    assert_eq!(after.data["spec"]["replicas"], 4);
    assert_eq!(after.metadata.generation, Some(2));
    assert_eq!(
        widgets
            .list(&ListParams::default().fields("spec.colour=red"))
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    assert!(
        widgets
            .list(&ListParams::default().fields("spec.colour=blue"))
            .await
            .unwrap()
            .items
            .is_empty()
    );
}
