//! Inputs that are gone when the destroy needs them.

use std::time::Duration;

use capt_api::{TerraformWorkspace, keys};
use k8s_openapi::api::core::v1::{Event, Namespace, Secret};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::harness::{Harness, workspace};

/// A workspace with a variable file and credentials.
fn demanding() -> Value {
    let files =
        json!({"varFiles": [{"source": "SecretKey", "secretKeyRef": {"name": "values", "key": "tfvars"}}]});
    let mut object = workspace("vpc", files);
    object["spec"]["providerConfigRef"] = json!({"name": "aws"});
    object
}

async fn put_inputs(harness: &Harness) {
    harness
        .put_secret("values", "tfvars", "cidr = \"10.3.0.0/16\"")
        .await;
    harness.put_secret("aws", "credentials", "[default]").await;
}

async fn ready() -> Harness {
    let harness = Harness::start().await;
    put_inputs(&harness).await;
    harness.create::<TerraformWorkspace>(demanding()).await;
    harness.until_ready("vpc").await;
    harness
}

async fn secrets(harness: &Harness, namespace: &str) -> Vec<Secret> {
    let list = harness.of::<Secret>(namespace).list(&ListParams::default()).await;
    list.unwrap().items
}

/// The Secret in which the inputs are kept.
async fn kept(harness: &Harness) -> Secret {
    let mut secrets = secrets(harness, "default").await;
    secrets.retain(|secret| secret.name_any() == "capt-inputs-vpc");
    assert_eq!(secrets.len(), 1);
    secrets.remove(0)
}

async fn reasons(harness: &Harness) -> Vec<(String, String)> {
    let events = harness.of::<Event>("default").list(&ListParams::default()).await;
    let events = events.unwrap().items.into_iter();
    events
        .map(|event| {
            (
                event.reason.unwrap_or_default(),
                event.message.unwrap_or_default(),
            )
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_destroy_gets_what_the_last_apply_got() {
    let harness = ready().await;
    for gone in ["values", "aws"] {
        harness.delete::<Secret>(gone).await;
    }
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.until_gone("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 1);
    let left = secrets(&harness, "default").await;
    assert!(
        left.is_empty(),
        "{:?}",
        left.iter().map(ResourceExt::name_any).collect::<Vec<_>>()
    );
    // Events may lag behind what they tell of.
    harness.pass(Duration::from_secs(60)).await;
    let said = reasons(&harness).await;
    let (_, message) = said
        .iter()
        .find(|(reason, _)| reason == "LastInputsUsed")
        .unwrap_or_else(|| panic!("it is not said: {said:?}"));
    assert!(
        message.contains("Secret/aws") && message.contains("Secret/values"),
        "{message}"
    );
    assert!(!message.contains("10.3.0.0"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_outlives_a_deletion_and_the_loss_of_the_machine() {
    let mut harness = ready().await;
    let name = kept(&harness).await.name_any();
    for gone in ["values", "aws", &name] {
        harness.delete::<Secret>(gone).await;
    }
    harness.kill_operator().await;
    harness.cloud.lose_directories();
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.start_operator();
    harness.until_gone("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 1);
    assert!(secrets(&harness, "default").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_anything_kept_a_destroy_says_what_it_needs_and_waits_for_it() {
    let harness = ready().await;
    let name = kept(&harness).await.name_any();
    harness
        .merge::<Secret>(&name, json!({"metadata": {"finalizers": null}}))
        .await;
    for gone in ["values", &name] {
        harness.delete::<Secret>(gone).await;
    }
    harness.delete::<TerraformWorkspace>("vpc").await;
    let status = harness
        .until("vpc", "waiting", |status| {
            status
                .lifecycle
                .waits
                .first()
                .is_some_and(|wait| wait.reason == "SecretMissing")
        })
        .await;
    let message = status.lifecycle.waits[0].message.clone().unwrap_or_default();
    assert!(
        message.contains("Secret/values does not exist in the namespace default"),
        "{message}"
    );
    harness.pass(Duration::from_secs(120)).await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 0);
    harness
        .put_secret("values", "tfvars", "cidr = \"10.3.0.0/16\"")
        .await;
    harness.until_gone("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_credentials_stay_when_an_apply_has_none() {
    let harness = ready().await;
    let before = kept(&harness).await;
    harness.delete::<Secret>("aws").await;
    harness
        .until("vpc", "applied without", |status| {
            status.run.as_ref().is_some_and(|run| run.id == "2")
        })
        .await;
    harness.until_ready("vpc").await;
    assert_eq!(kept(&harness).await.data, before.data);
}

#[tokio::test(start_paused = true)]
async fn what_is_rotated_is_kept_anew() {
    let harness = ready().await;
    let before = kept(&harness).await;
    harness
        .merge::<Secret>(
            "values",
            json!({"stringData": {"tfvars": "cidr = \"10.4.0.0/16\""}}),
        )
        .await;
    harness
        .until("vpc", "applied again", |status| {
            status.run.as_ref().is_some_and(|run| run.id == "2")
        })
        .await;
    harness.until_ready("vpc").await;
    let after = kept(&harness).await;
    assert_ne!(after.data, before.data);
    assert!(after.finalizers().iter().any(|it| it == keys::STATE_FINALIZER));
    assert!(
        after
            .data
            .unwrap()
            .values()
            .any(|value| value.0 == b"cidr = \"10.4.0.0/16\"")
    );
}

#[tokio::test(start_paused = true)]
async fn a_workspace_without_references_keeps_nothing() {
    let harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_ready("vpc").await;
    let names: Vec<_> = secrets(&harness, "default")
        .await
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    assert_eq!(names, ["vpc-conn"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_namespace_destroys_first() {
    let harness = Harness::start().await;
    let namespaces: Api<Namespace> = Api::all(harness.client.clone());
    let team: Namespace = serde_json::from_value(json!({"metadata": {"name": "team"}})).unwrap();
    namespaces.create(&PostParams::default(), &team).await.unwrap();
    for (name, key, value) in [
        ("values", "tfvars", "cidr = \"10.3.0.0/16\""),
        ("aws", "credentials", "x"),
    ] {
        let secret = json!({"metadata": {"name": name, "namespace": "team"}, "stringData": {key: value}});
        harness.create::<Secret>(secret).await;
    }
    let mut object = demanding();
    object["metadata"]["namespace"] = json!("team");
    object["spec"]["writeConnectionSecretToRef"]["namespace"] = json!("team");
    harness.create::<TerraformWorkspace>(object).await;
    while harness.cloud.resources("vpc").len() < 2 {
        harness.pass(Duration::from_secs(1)).await;
    }
    harness.pass(Duration::from_secs(60)).await;
    namespaces.delete("team", &DeleteParams::default()).await.unwrap();
    for _ in 0..600 {
        harness.pass(Duration::from_secs(1)).await;
        if namespaces.get_opt("team").await.unwrap().is_none() {
            break;
        }
    }
    assert!(namespaces.get_opt("team").await.unwrap().is_none());
    assert_eq!(harness.cloud.counters("vpc").destroys, 1);
    assert_eq!(harness.cloud.resources("vpc"), [""; 0]);
}
