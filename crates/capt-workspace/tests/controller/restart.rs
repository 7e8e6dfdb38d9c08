//! An operator that dies, and the one after it.

use std::sync::Arc;
use std::time::Duration;

use capt_api::TerraformWorkspace;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::PostParams;
use kube_sim::{Before, Call, Hooks};
use serde_json::json;

use crate::harness::{Harness, text, workspace};

#[tokio::test(start_paused = true)]
async fn a_run_is_taken_up_by_the_next_operator() {
    let mut harness = Harness::start().await;
    harness
        .cloud
        .delay("terraform_data.subnet", Duration::from_secs(60));
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_applying("vpc").await;
    harness.pass(Duration::from_secs(5)).await;
    harness.kill_operator().await;
    harness.pass(Duration::from_secs(10)).await;
    harness.start_operator();
    let status = harness.until_ready("vpc").await;
    assert_eq!(status.run.unwrap().id, "1");
    assert_eq!(harness.cloud.counters("vpc").applies, 1);
    assert_eq!(
        text(&harness.secret("vpc-conn").await.unwrap(), "token"),
        "hunter2-demo"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ended_while_nobody_looked_is_not_repeated() {
    let mut harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_applying("vpc").await;
    harness.kill_operator().await;
    harness.pass(Duration::from_secs(3600)).await;
    harness.start_operator();
    harness.until_ready("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").applies, 1);
}

#[tokio::test(start_paused = true)]
async fn the_next_operator_of_a_converged_workspace_writes_nothing() {
    let mut harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    let before = harness.until_ready("vpc").await;
    harness.pass(Duration::from_secs(60)).await;
    harness.kill_operator().await;
    harness.writes();
    harness.start_operator();
    harness.pass(Duration::from_secs(31 * 60)).await;
    assert_eq!(harness.writes(), 0);
    assert_eq!(harness.status("vpc").await, before);
    assert_eq!(harness.cloud.counters("vpc").plans, 1);
}

#[tokio::test(start_paused = true)]
async fn a_destroy_is_taken_up_by_the_next_operator() {
    let mut harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_ready("vpc").await;
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness
        .until("vpc", "destroying", |status| {
            status
                .run
                .as_ref()
                .is_some_and(|run| run.operation == "Destroy" && run.stage.as_deref() == Some("Applying"))
        })
        .await;
    harness.kill_operator().await;
    harness.start_operator();
    harness.until_gone("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 1);
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_was_left_running_is_stopped_by_a_delete_and_not_waited_for() {
    let mut harness = Harness::start().await;
    harness
        .cloud
        .delay("terraform_data.subnet", Duration::from_secs(6 * 3600));
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_applying("vpc").await;
    harness.kill_operator().await;
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.start_operator();
    let started = tokio::time::Instant::now();
    harness.until_gone("vpc").await;
    assert!(
        started.elapsed() < Duration::from_secs(600),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(harness.cloud.counters("vpc").destroys, 1);
    assert!(harness.cloud.resources("vpc").is_empty());
}

/// The whole life of a workspace, with the operator killed every few hundred milliseconds.
#[tokio::test(start_paused = true)]
async fn an_operator_that_dies_all_the_time_gets_there_without_doing_anything_twice() {
    let mut harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    for step in 0..60_u64 {
        harness.pass(Duration::from_millis(130 + 37 * step)).await;
        harness.kill_operator().await;
        harness.start_operator();
    }
    harness.until_ready("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").applies, 1);
    harness.delete::<TerraformWorkspace>("vpc").await;
    for step in 0..60_u64 {
        harness.pass(Duration::from_millis(130 + 37 * step)).await;
        harness.kill_operator().await;
        harness.start_operator();
    }
    harness.until_gone("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 1);
}

/// Loses the answers and refuses the writes that take the finalizer from a workspace.
struct KeepsFinalizers;

impl Hooks for KeepsFinalizers {
    fn before(&self, call: &Call) -> Before {
        let refused = call.verb == "patch"
            && call.resource == "terraformworkspaces.infrastructure.cluster.x-k8s.io"
            && call.subresource.is_empty();
        Before {
            drop: refused,
            ..Before::default()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_is_not_repeated_when_only_the_finalizer_is_left() {
    let mut harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_ready("vpc").await;
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.api.set_hooks(Some(Arc::new(KeepsFinalizers)));
    harness.pass(Duration::from_secs(600)).await;
    let status = harness.status("vpc").await;
    assert_eq!(status.run.unwrap().stage.as_deref(), Some("Succeeded"));
    // Run and directory are forgotten by now; the next operator knows only what the status says.
    harness.kill_operator().await;
    harness.start_operator();
    harness.pass(Duration::from_secs(600)).await;
    harness.api.set_hooks(None);
    harness.until_gone("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 1);
    assert_eq!(harness.cloud.counters("vpc").runs, 2);
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_refuses_the_next_one_may_allow() {
    for (field, (name, value)) in [
        (
            "spec.writeConnectionSecretToRef.namespace",
            (
                "writeConnectionSecretToRef",
                json!({"name": "conn", "namespace": "platform"}),
            ),
        ),
        (
            "spec.backend.kubernetes.namespace",
            ("backend", json!({"kubernetes": {"namespace": "platform"}})),
        ),
    ] {
        let mut harness = Harness::start().await;
        let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "platform"}})).unwrap();
        let namespaces = Api::<Namespace>::all(harness.client.clone());
        namespaces
            .create(&PostParams::default(), &namespace)
            .await
            .unwrap();
        let mut object = workspace("vpc", json!({}));
        object["spec"][name] = value;
        harness.create::<TerraformWorkspace>(object).await;
        let status = harness.until_state("vpc", "Failed").await;
        let fault = status.lifecycle.fault.unwrap();
        assert_eq!(fault.subject.as_deref(), Some(field));
        // The same refusal is no reason to look again.
        harness.kill_operator().await;
        harness.start_operator();
        harness.pass(Duration::from_secs(60)).await;
        let before = harness.status("vpc").await;
        assert_eq!(
            before.lifecycle.state_since, status.lifecycle.state_since,
            "{field}"
        );

        harness.kill_operator().await;
        harness.allow = vec!["platform".to_owned()];
        harness.start_operator();
        harness.until_ready("vpc").await;
        assert_eq!(harness.cloud.counters("vpc").applies, 1, "{field}");

        // What is in order stays so.
        harness.kill_operator().await;
        harness.allow.clear();
        harness.start_operator();
        harness.pass(Duration::from_secs(60)).await;
        let status = harness.until_ready("vpc").await;
        assert_eq!(status.lifecycle.fault, None);
        assert_eq!(harness.cloud.counters("vpc").plans, 1, "{field}");
    }
}
