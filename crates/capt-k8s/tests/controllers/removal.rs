//! Deleting, and what stays.

use std::time::Duration;

use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, TerraformWorkspace, WorkspaceTemplateApply};
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};

use crate::harness::{CLUSTER, Harness, TEMPLATES, outputs};

async fn ready(cluster: &str) -> Harness {
    let harness = Harness::start(outputs()).await;
    harness.apply(TEMPLATES).await;
    harness.apply(cluster).await;
    harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
    harness.log();
    harness
}

async fn left(harness: &Harness) -> Vec<String> {
    let all = ListParams::default();
    let applies = harness.of::<WorkspaceTemplateApply>().list(&all).await.unwrap();
    let workspaces = harness.of::<TerraformWorkspace>().list(&all).await.unwrap();
    let applies = applies.items.into_iter().map(|it| it.metadata.name.unwrap());
    let workspaces = workspaces.items.into_iter().map(|it| it.metadata.name.unwrap());
    applies.chain(workspaces).collect()
}

#[tokio::test(start_paused = true)]
async fn the_control_plane_goes_before_the_vpc() {
    let harness = ready(CLUSTER).await;
    harness.delete::<Cluster>("demo").await;
    harness.until::<Cluster>("demo", "gone", Value::is_null).await;
    assert_eq!(
        harness.log(),
        ["destroy demo-eks-controlplane", "destroy demo-vpc"]
    );
    assert_eq!(left(&harness).await, Vec::<String>::new());
    assert_eq!(harness.secret("demo-kubeconfig", "value").await, None);
}

#[tokio::test(start_paused = true)]
async fn deleting_everything_at_once_keeps_the_order() {
    let harness = ready(CLUSTER).await;
    harness.delete::<CAPTCluster>("demo").await;
    let waiting = harness
        .until::<CAPTCluster>("demo", "waiting", |it| {
            it["status"]["waits"][0]["reason"] == "WaitingForControlPlane"
        })
        .await;
    assert_eq!(waiting["status"]["waits"][0]["for"], "CAPTControlPlane/demo");
    harness.pass(Duration::from_mins(1)).await;
    assert!(harness.log().is_empty());
    harness.delete::<CAPTControlPlane>("demo").await;
    harness.until::<CAPTCluster>("demo", "gone", Value::is_null).await;
    assert_eq!(
        harness.log(),
        ["destroy demo-eks-controlplane", "destroy demo-vpc"]
    );
    // The Cluster belongs to Cluster API: its endpoint stays.
    let cluster = harness.see::<Cluster>("demo").await;
    assert_eq!(cluster["spec"]["controlPlaneEndpoint"]["host"], "abc.eks.example");
}

#[tokio::test(start_paused = true)]
async fn a_vpc_that_is_to_stay_stays() {
    let vpc = "vpcTemplateRef: {name: vpc-template, namespace: default}";
    let harness = ready(&CLUSTER.replace(vpc, &format!("{vpc}\n  retainVpcOnDelete: true"))).await;
    harness.delete::<Cluster>("demo").await;
    harness.until::<Cluster>("demo", "gone", Value::is_null).await;
    harness.pass(Duration::from_mins(1)).await;
    assert_eq!(harness.log(), ["destroy demo-eks-controlplane"]);
    assert_eq!(left(&harness).await, ["demo-vpc"]);
    let workspace = harness.see::<TerraformWorkspace>("demo-vpc").await;
    assert_eq!(workspace["metadata"]["ownerReferences"], json!(null));
}

#[tokio::test(start_paused = true)]
async fn what_people_set_on_an_apply_stays() {
    let harness = ready(CLUSTER).await;
    harness
        .merge::<WorkspaceTemplateApply>(
            "demo-vpc",
            json!({ "spec": { "retainWorkspaceOnDelete": true, "variables": { "mine": "x" } } }),
        )
        .await;
    harness
        .merge::<CAPTCluster>("demo", json!({ "spec": { "region": "eu-west-1" } }))
        .await;
    harness
        .until::<WorkspaceTemplateApply>("demo-vpc", "changed", |it| {
            it["spec"]["variables"]["region"] == "eu-west-1"
        })
        .await;
    let apply = harness.see::<WorkspaceTemplateApply>("demo-vpc").await;
    assert_eq!(apply["spec"]["variables"]["mine"], "x");
    assert_eq!(apply["spec"]["retainWorkspaceOnDelete"], true);
}

#[tokio::test(start_paused = true)]
async fn what_never_began_is_deleted_at_once() {
    let harness = Harness::start(outputs()).await;
    harness.apply(CLUSTER.split("\n---\n").nth(1).unwrap()).await;
    let waiting = harness.until_state::<CAPTCluster>("demo", "Pending").await;
    assert_eq!(waiting["status"]["waits"][0]["reason"], "WaitingForCluster");
    assert_eq!(waiting["metadata"]["finalizers"], json!(null));
    harness.delete::<CAPTCluster>("demo").await;
    assert!(harness.see::<CAPTCluster>("demo").await.is_null());
}

#[tokio::test(start_paused = true)]
async fn clusters_of_one_name_in_two_namespaces_do_not_meet() {
    let harness = ready(CLUSTER).await;
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "other" } });
    let namespaces: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(harness.client.clone());
    namespaces
        .create(
            &PostParams::default(),
            &serde_json::from_value(namespace).unwrap(),
        )
        .await
        .unwrap();
    let there = |yaml: &str| yaml.replace("namespace: default", "namespace: other");
    harness.apply(&there(TEMPLATES)).await;
    harness.apply(&there(CLUSTER)).await;
    let other: kube::Api<CAPTControlPlane> = kube::Api::namespaced(harness.client.clone(), "other");
    for _ in 0..600 {
        harness.pass(Duration::from_secs(1)).await;
        let state = other
            .get("demo")
            .await
            .unwrap()
            .status
            .and_then(|it| it.lifecycle.state);
        if state == Some(capt_api::status::State::Ready) {
            break;
        }
    }
    assert_eq!(harness.log(), ["apply demo-vpc", "apply demo-eks-controlplane"]);
    harness.delete::<Cluster>("demo").await;
    harness.until::<Cluster>("demo", "gone", Value::is_null).await;
    let status = other.get("demo").await.unwrap().status.unwrap();
    assert_eq!(status.lifecycle.state, Some(capt_api::status::State::Ready));
}
