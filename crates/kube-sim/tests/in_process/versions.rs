//! Several versions of one custom resource.

use std::sync::Arc;

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::support::{server, status};

fn definition(strategy: &Value) -> Value {
    let version = |name: &str, storage: bool, field: &str| {
        json!({"name": name, "served": true, "storage": storage, "deprecated": !storage,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "properties": {field: {"type": "string"}}}}}}})
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.org"},
        "spec": {"group": "example.org", "scope": "Namespaced", "names": {"kind": "Gadget", "plural": "gadgets"},
            "conversion": strategy,
            "versions": [version("v1beta1", false, "color"), version("v1", true, "colour")]},
    })
}

fn gadgets(version: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("example.org", version, "Gadget"),
        "gadgets",
    )
}

fn rename(object: &Value, from: &str, _to: &str) -> Value {
    let mut object = object.clone();
    let (old, new) = if from == "v1" {
        ("colour", "color")
    } else {
        ("color", "colour")
    };
    if let Some(spec) = object["spec"].as_object_mut()
        && let Some(value) = spec.remove(old)
    {
        spec.insert(new.to_owned(), value);
    }
    object
}

async fn install(client: &kube::Client, definition: Value) {
    let crds = ApiResource::from_gvk(&GroupVersionKind::gvk(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
    ));
    let crds: Api<DynamicObject> = Api::all_with(client.clone(), &crds);
    let name = definition["metadata"]["name"].as_str().unwrap().to_owned();
    crds.patch(
        &name,
        &PatchParams::apply("test").force(),
        &Patch::Apply(&definition),
    )
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn versions_convert_through_the_registered_hook() {
    let (server, client) = server().await;
    let strategy = json!({"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"], "clientConfig":
        {"service": {"name": "s", "namespace": "n"}}}});
    install(&client, definition(&strategy)).await;
    let old: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &gadgets("v1beta1"));
    let new: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &gadgets("v1"));
    let sent = DynamicObject::new("g", &gadgets("v1beta1")).data(json!({"spec": {"color": "red"}}));
    let refused = status(old.create(&PostParams::default(), &sent).await.unwrap_err());
    assert!(
        refused
            .message
            .contains("conversion webhook for example.org/v1beta1, Kind=Gadget failed"),
        "{}",
        refused.message
    );

    server.with_world(|world, _| world.register_conversion("example.org", "Gadget", Arc::new(rename)));
    old.create(&PostParams::default(), &sent).await.unwrap();
    assert_eq!(new.get("g").await.unwrap().data["spec"], json!({"colour": "red"}));
    let patch = json!({"spec": {"color": "blue"}});
    old.patch("g", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_eq!(
        new.get("g").await.unwrap().data["spec"],
        json!({"colour": "blue"})
    );
    let list = old.list(&ListParams::default()).await.unwrap();
    assert_eq!(list.items[0].data["spec"], json!({"color": "blue"}));
    assert_eq!(
        list.items[0].types.as_ref().unwrap().api_version,
        "example.org/v1beta1"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_strategy_only_the_version_changes() {
    let (_server, client) = server().await;
    install(&client, definition(&json!({"strategy": "None"}))).await;
    let old: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &gadgets("v1beta1"));
    let new: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &gadgets("v1"));
    let sent = DynamicObject::new("g", &gadgets("v1")).data(json!({"spec": {"colour": "red"}}));
    new.create(&PostParams::default(), &sent).await.unwrap();
    let seen = old.get("g").await.unwrap();
    assert_eq!(seen.types.unwrap().api_version, "example.org/v1beta1");
}

#[tokio::test(start_paused = true)]
async fn definitions_are_validated() {
    let (_server, client) = server().await;
    let crds = ApiResource::from_gvk(&GroupVersionKind::gvk(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
    ));
    let crds: Api<DynamicObject> = Api::all_with(client.clone(), &crds);
    let refuse = async |change: &dyn Fn(&mut Value)| {
        let mut definition = definition(&json!({"strategy": "None"}));
        change(&mut definition);
        let object: DynamicObject = serde_json::from_value(definition).unwrap();
        status(crds.create(&PostParams::default(), &object).await.unwrap_err())
            .message
            .clone()
    };
    let message = refuse(&|d| d["metadata"]["name"] = json!("other.example.org")).await;
    assert!(
        message.contains("must be spec.names.plural+\".\"+spec.group"),
        "{message}"
    );
    let message = refuse(&|d| d["spec"]["versions"][0]["storage"] = json!(true)).await;
    assert!(
        message.contains("must have exactly one version marked as storage version"),
        "{message}"
    );
    let message = refuse(&|d| {
        d["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = json!({"properties": {"spec": {}}});
    })
    .await;
    assert!(
        message.contains("spec.versions[0].schema.openAPIV3Schema"),
        "{message}"
    );
}
