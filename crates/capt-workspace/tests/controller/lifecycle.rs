//! From nothing to Ready, through failures and changes.

use std::time::Duration;

use capt_api::{Cluster, TerraformWorkspace, keys};
use capt_terraform::simulated::Counters;
use k8s_openapi::api::core::v1::{Event, Secret};
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::json;

use crate::harness::{Harness, MODULE, condition, text, workspace};

#[tokio::test(start_paused = true)]
async fn a_workspace_becomes_ready_with_its_outputs() {
    let harness = Harness::start().await;
    let vars = json!({"vars": [{"key": "name", "value": "one"}]});
    harness.create::<TerraformWorkspace>(workspace("vpc", vars)).await;

    let status = harness.until_ready("vpc").await;
    let outputs = &status.at_provider.as_ref().unwrap().outputs;
    assert_eq!(
        json!(outputs),
        json!({"vpc": "one 10.0.0.0/16", "subnets": ["a", "b"]})
    );
    assert!(status.outputs_digest.is_some() && status.last_applied_time.is_some());
    assert_eq!(condition(&status, "Synced"), Some("True"));
    let run = status.run.unwrap();
    assert_eq!(
        (&*run.id, &*run.operation, run.stage.as_deref()),
        ("1", "Apply", Some("Succeeded"))
    );
    assert_eq!(run.engine.as_deref(), Some("simulated"));
    assert_eq!(status.lifecycle.progress.unwrap().percent_complete, Some(100));

    let secret = harness.secret("vpc-conn").await.unwrap();
    assert_eq!(text(&secret, "vpc"), "one 10.0.0.0/16");
    assert_eq!(text(&secret, "subnets"), r#"["a","b"]"#);
    assert_eq!(text(&secret, "token"), "hunter2-one");
    let object = harness.workspace("vpc").await.unwrap();
    assert_eq!(Some(&*secret.owner_references()[0].uid), object.uid().as_deref());
    let digest = status.connection_secret.unwrap().digest;
    assert!(digest.is_some());
    assert!(
        object
            .finalizers()
            .iter()
            .any(|it| it == keys::WORKSPACE_FINALIZER)
    );

    // Sensitive values are in the secret alone.
    assert!(!serde_json::to_string(&object.status).unwrap().contains("hunter2"));
    let events = harness
        .of::<Event>("default")
        .list(&ListParams::default())
        .await
        .unwrap();
    assert!(!serde_json::to_string(&events).unwrap().contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn progress_moves_with_the_resources_and_never_back() {
    let harness = Harness::start().await;
    let resources: String = (0..5)
        .map(|index| {
            format!(
                "resource \"terraform_data\" \"r{index}\" {{\n  {}input = {index}\n}}\n",
                if index == 0 {
                    String::new()
                } else {
                    format!("depends_on = [terraform_data.r{}]\n  ", index - 1)
                }
            )
        })
        .collect();
    harness
        .create::<TerraformWorkspace>(workspace("steps", json!({"module": resources})))
        .await;
    let mut seen = Vec::new();
    loop {
        let status = harness.status("steps").await;
        if let Some(percent) = status
            .lifecycle
            .progress
            .as_ref()
            .and_then(|progress| progress.percent_complete)
            && seen.last() != Some(&percent)
        {
            seen.push(percent);
        }
        if condition(&status, "Ready") == Some("True") {
            break;
        }
        harness.pass(Duration::from_millis(250)).await;
    }
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.last(), Some(&100));
    let between = seen.iter().filter(|percent| (1..100).contains(*percent)).count();
    assert!(between >= 4, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_converged_workspace_is_silent() {
    let harness = Harness::start().await;
    harness
        .put_secret("values", "tfvars", "cidr = \"10.1.0.0/16\"")
        .await;
    let files =
        json!({"varFiles": [{"source": "SecretKey", "secretKeyRef": {"name": "values", "key": "tfvars"}}]});
    harness
        .create::<TerraformWorkspace>(workspace("vpc", files))
        .await;
    harness.until_ready("vpc").await;
    harness.pass(Duration::from_secs(60)).await;
    let before = harness.cloud.counters("vpc");
    harness.writes();
    harness.pass(Duration::from_secs(31 * 60)).await;
    let counters = harness.api.counters();
    assert_eq!(counters.writes(), 0, "{:?}", counters.by_resource());
    assert_eq!(counters.of("secrets", "get"), 0, "{:?}", counters.by_resource());
    assert_eq!(harness.cloud.counters("vpc"), before);
}

#[tokio::test(start_paused = true)]
async fn a_failing_apply_is_retried_until_it_works() {
    let harness = Harness::start().await;
    harness
        .cloud
        .fail("flaky", "Error: ThrottlingException: Rate exceeded", 2);
    harness
        .create::<TerraformWorkspace>(workspace("flaky", json!({})))
        .await;
    let status = harness.until_state("flaky", "Recovering").await;
    assert_eq!(condition(&status, "Synced"), Some("False"));
    assert!(status.lifecycle.fault.is_some());
    let status = harness.until_ready("flaky").await;
    assert_eq!(condition(&status, "Synced"), Some("True"));
    assert_eq!(status.lifecycle.recovery.unwrap().attempts, Some(2));
    assert_eq!(harness.cloud.counters("flaky").applies, 3);
}

#[tokio::test(start_paused = true)]
async fn a_module_that_cannot_work_fails_until_it_is_changed() {
    let harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace(
            "broken",
            json!({"module": "output \"a\" {\n  value = var.missing\n}\n"}),
        ))
        .await;
    let status = harness.until_state("broken", "Failed").await;
    assert_eq!(status.lifecycle.fault.as_ref().unwrap().class, "Invalid");
    assert_eq!(condition(&status, "Stalled"), Some("True"));
    harness.pass(Duration::from_secs(3600)).await;
    assert_eq!(
        harness.cloud.counters("broken").plans,
        1,
        "a terminal fault is not retried"
    );

    harness
        .merge::<TerraformWorkspace>("broken", json!({"spec": {"forProvider": {"module": MODULE}}}))
        .await;
    let status = harness.until_ready("broken").await;
    assert_eq!(status.lifecycle.fault, None);
    assert_eq!(condition(&status, "Stalled"), None);
}

#[tokio::test(start_paused = true)]
async fn the_retry_annotation_asks_for_another_attempt() {
    let harness = Harness::start().await;
    harness
        .cloud
        .fail("stuck", "Error: UnauthorizedOperation: not permitted", 1);
    harness
        .create::<TerraformWorkspace>(workspace("stuck", json!({})))
        .await;
    harness.until_state("stuck", "Failed").await;
    harness
        .merge::<TerraformWorkspace>("stuck", json!({"metadata": {"annotations": {keys::RETRY: "1"}}}))
        .await;
    harness.until_ready("stuck").await;
    assert_eq!(harness.cloud.counters("stuck").applies, 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_secret_that_is_gone_or_spoilt_is_written_again() {
    let harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_ready("vpc").await;
    harness.delete::<Secret>("vpc-conn").await;
    harness.pass(Duration::from_secs(30)).await;
    assert_eq!(
        text(&harness.secret("vpc-conn").await.unwrap(), "token"),
        "hunter2-demo"
    );

    harness
        .merge::<Secret>("vpc-conn", json!({"stringData": {"token": "spoilt"}}))
        .await;
    harness.pass(Duration::from_secs(30)).await;
    assert_eq!(
        text(&harness.secret("vpc-conn").await.unwrap(), "token"),
        "hunter2-demo"
    );
    harness.until_ready("vpc").await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_somebody_else_is_not_overwritten() {
    let harness = Harness::start().await;
    harness.put_secret("vpc-conn", "theirs", "value").await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    let status = harness.until_state("vpc", "Failed").await;
    let fault = status.lifecycle.fault.unwrap();
    assert_eq!(
        (&*fault.class, &*fault.code),
        ("Conflict", "ConnectionSecretConflict")
    );
    assert_eq!(
        harness.cloud.counters("vpc"),
        Counters::default(),
        "found before anything was made"
    );
    harness.delete::<Secret>("vpc-conn").await;
    harness.until_ready("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").applies, 1);
}

#[tokio::test(start_paused = true)]
async fn a_paused_workspace_is_left_alone() {
    let harness = Harness::start().await;
    let mut object = workspace("vpc", json!({}));
    object["metadata"]["annotations"] = json!({keys::PAUSED: ""});
    harness.create::<TerraformWorkspace>(object).await;
    harness
        .until("vpc", "paused", |status| {
            condition(status, "Paused") == Some("True")
        })
        .await;
    harness.pass(Duration::from_secs(600)).await;
    assert_eq!(harness.cloud.counters("vpc"), Counters::default());
    harness
        .merge::<TerraformWorkspace>("vpc", json!({"metadata": {"annotations": {keys::PAUSED: null}}}))
        .await;
    harness.until_ready("vpc").await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_cluster_pauses_its_workspaces() {
    let harness = Harness::start().await;
    harness
        .create::<Cluster>(json!({
            "apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster",
            "metadata": {"name": "demo", "namespace": "default"}, "spec": {"paused": true},
        }))
        .await;
    let mut object = workspace("vpc", json!({}));
    object["metadata"]["labels"] = json!({keys::CLUSTER_NAME: "demo"});
    harness.create::<TerraformWorkspace>(object).await;
    let status = harness
        .until("vpc", "paused", |status| {
            condition(status, "Paused") == Some("True")
        })
        .await;
    assert_eq!(
        status.lifecycle.condition("Paused").unwrap().message,
        "Cluster/demo is paused"
    );
    harness
        .merge::<Cluster>("demo", json!({"spec": {"paused": false}}))
        .await;
    harness.until_ready("vpc").await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_replaces_something_protected_waits_for_approval() {
    let harness = Harness::start().await;
    let module = |name: &str| {
        format!(
            "resource \"aws_eks_cluster\" \"this\" {{\n  name = \"{name}\"\n}}\noutput \"name\" {{\n  value = aws_eks_cluster.this.name\n}}\n"
        )
    };
    harness
        .create::<TerraformWorkspace>(workspace("eks", json!({"module": module("one")})))
        .await;
    harness.until_ready("eks").await;
    harness
        .merge::<TerraformWorkspace>(
            "eks",
            json!({"spec": {"forProvider": {"module": "output \"name\" {\n  value = \"none\"\n}\n"}}}),
        )
        .await;
    let status = harness.until_state("eks", "Failed").await;
    let fault = status.lifecycle.fault.unwrap();
    assert_eq!(fault.code, "ApprovalRequired");
    assert_eq!(
        status.run.as_ref().unwrap().stage.as_deref(),
        Some("AwaitingApproval")
    );
    assert!(
        status.pending_approval[0].contains("aws_eks_cluster.this"),
        "{:?}",
        status.pending_approval
    );
    assert_eq!(harness.cloud.resources("eks"), ["aws_eks_cluster.this"]);

    let digest = status.lifecycle.input_digest.unwrap();
    assert!(
        fault.message.ends_with(&format!("{}={digest}", keys::APPROVE)),
        "{}",
        fault.message
    );
    harness
        .merge::<TerraformWorkspace>(
            "eks",
            json!({"metadata": {"annotations": {keys::APPROVE: digest}}}),
        )
        .await;
    let status = harness.until_ready("eks").await;
    assert!(status.pending_approval.is_empty());
    assert!(harness.cloud.resources("eks").is_empty());
}

#[tokio::test(start_paused = true)]
async fn outputs_that_no_secret_holds_fail_by_name_and_are_mended_by_an_edit() {
    let harness = Harness::start().await;
    let huge = std::collections::BTreeMap::from([("blob".to_owned(), json!("x".repeat(2 << 20)))]);
    harness.cloud.outputs("vpc", huge);
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    let status = harness.until_state("vpc", "Failed").await;
    let fault = status.lifecycle.fault.unwrap();
    assert_eq!(
        (fault.code.as_str(), fault.subject.as_deref()),
        ("OutputsTooLarge", Some("output blob"))
    );
    harness.writes();
    harness.pass(Duration::from_secs(3600)).await;
    assert_eq!(harness.writes(), 0, "nothing is tried again and again");

    harness.cloud.outputs("vpc", std::collections::BTreeMap::new());
    let edited = json!({"spec": {"forProvider": {"vars": [{"key": "name", "value": "small"}]}}});
    harness.merge::<TerraformWorkspace>("vpc", edited).await;
    harness.until_ready("vpc").await;
    assert!(harness.secret("vpc-conn").await.is_some());
}
