//! How a workspace goes.

use std::time::Duration;

use capt_api::{TerraformWorkspace, WorkspaceTemplateApply, keys};
use capt_terraform::simulated::Counters;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use serde_json::json;

use crate::harness::{Harness, condition, text, workspace};

#[tokio::test(start_paused = true)]
async fn deletion_destroys_and_then_lets_go() {
    let harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_ready("vpc").await;
    assert_eq!(harness.cloud.resources("vpc").len(), 2);
    harness.delete::<TerraformWorkspace>("vpc").await;
    let status = harness
        .until("vpc", "destroying", |status| {
            status.run.as_ref().is_some_and(|run| run.operation == "Destroy")
        })
        .await;
    assert_eq!(condition(&status, "Deleting"), Some("True"));
    harness.until_gone("vpc").await;
    assert!(harness.cloud.resources("vpc").is_empty());
    assert_eq!(harness.cloud.counters("vpc").destroys, 1);
    assert!(
        harness.secret("vpc-conn").await.is_none(),
        "collected with its owner"
    );
}

#[tokio::test(start_paused = true)]
async fn an_orphaning_workspace_leaves_its_resources() {
    let harness = Harness::start().await;
    let mut object = workspace("vpc", json!({}));
    object["spec"]["deletionPolicy"] = json!("Orphan");
    harness.create::<TerraformWorkspace>(object).await;
    harness.until_ready("vpc").await;
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.until_gone("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_never_applied_goes_at_once() {
    let harness = Harness::start().await;
    let waiting =
        json!({"varFiles": [{"source": "SecretKey", "secretKeyRef": {"name": "never", "key": "x"}}]});
    harness
        .create::<TerraformWorkspace>(workspace("vpc", waiting))
        .await;
    harness
        .until("vpc", "waiting", |status| !status.lifecycle.waits.is_empty())
        .await;
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.until_gone("vpc").await;
    assert_eq!(harness.cloud.counters("vpc"), Counters::default());
}

#[tokio::test(start_paused = true)]
async fn an_apply_is_stopped_before_its_destroy() {
    let harness = Harness::start().await;
    harness
        .cloud
        .delay("terraform_data.subnet", Duration::from_secs(300));
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_applying("vpc").await;
    harness.pass(Duration::from_secs(5)).await;
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.until_gone("vpc").await;
    assert!(harness.cloud.resources("vpc").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_fails_is_tried_again() {
    let harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_ready("vpc").await;
    harness
        .cloud
        .fail("vpc", "Error: DependencyViolation: has dependent objects", 2);
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness
        .until("vpc", "failed to destroy", |status| {
            status.lifecycle.fault.is_some()
        })
        .await;
    harness.until_gone("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 3);
}

#[tokio::test(start_paused = true)]
async fn a_workspace_outlives_those_that_were_made_after_it() {
    let harness = Harness::start().await;
    for name in ["vpc", "eks"] {
        harness
            .create::<TerraformWorkspace>(workspace(name, json!({})))
            .await;
        harness.until_ready(name).await;
    }
    let apply = |name: &str, waits: &str| {
        json!({
            "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1", "kind": "WorkspaceTemplateApply",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"templateRef": {"name": "t"}, "waitForWorkspaces": [{"name": waits}]},
        })
    };
    harness
        .create::<WorkspaceTemplateApply>(apply("eks-apply", "vpc"))
        .await;
    harness
        .create::<WorkspaceTemplateApply>(apply("nothing-apply", "vpc"))
        .await;
    harness.delete::<TerraformWorkspace>("vpc").await;
    let status = harness
        .until("vpc", "waiting", |status| !status.lifecycle.waits.is_empty())
        .await;
    assert_eq!(status.lifecycle.waits[0].reason, "WaitingForDependents");
    assert_eq!(status.lifecycle.waits[0].on, "TerraformWorkspace/eks");
    harness.pass(Duration::from_secs(600)).await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 0);
    harness.delete::<TerraformWorkspace>("eks").await;
    harness.until_gone("eks").await;
    harness.until_gone("vpc").await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_workspace_is_not_destroyed() {
    let harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_ready("vpc").await;
    harness
        .merge::<TerraformWorkspace>("vpc", json!({"metadata": {"annotations": {keys::PAUSED: ""}}}))
        .await;
    harness.pass(Duration::from_secs(5)).await;
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.pass(Duration::from_secs(600)).await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 0);
    harness
        .merge::<TerraformWorkspace>("vpc", json!({"metadata": {"annotations": {keys::PAUSED: null}}}))
        .await;
    harness.until_gone("vpc").await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_secret_in_an_allowed_namespace_goes_with_its_workspace() {
    let mut harness = Harness::without_operator().await;
    harness.allow.push("kube-system".to_owned());
    harness.start_operator();
    let mut object = workspace("vpc", json!({}));
    object["spec"]["writeConnectionSecretToRef"]["namespace"] = json!("kube-system");
    harness.create::<TerraformWorkspace>(object).await;
    harness.until_ready("vpc").await;
    let secrets = harness.of::<Secret>("kube-system");
    let secret = secrets.get("vpc-conn").await.unwrap();
    assert_eq!(text(&secret, "token"), "hunter2-demo");
    assert!(secret.owner_references().is_empty());
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.until_gone("vpc").await;
    assert!(secrets.get_opt("vpc-conn").await.unwrap().is_none());
}
