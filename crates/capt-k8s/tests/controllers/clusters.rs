//! Clusters from nothing to Ready, through changes and failures.

use std::time::Duration;

use capt_api::{
    CAPTCluster, CAPTControlPlane, Cluster, TerraformWorkspace, WorkspaceTemplate, WorkspaceTemplateApply,
    keys,
};
use k8s_openapi::api::core::v1::{Event, Secret};
use kube::api::ListParams;
use serde_json::json;

use crate::harness::{CLUSTER, Harness, TEMPLATES, condition, outputs};

async fn ready() -> Harness {
    let harness = Harness::start(outputs()).await;
    harness.apply(TEMPLATES).await;
    harness.apply(CLUSTER).await;
    harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
    harness
}

#[tokio::test(start_paused = true)]
async fn a_cluster_becomes_ready() {
    let harness = ready().await;
    assert_eq!(harness.log(), ["apply demo-vpc", "apply demo-eks-controlplane"]);

    let infra = harness.see::<CAPTCluster>("demo").await;
    let status = &infra["status"];
    assert_eq!(status["initialization"], json!({ "provisioned": true }));
    assert_eq!(status["ready"], true);
    assert_eq!(status["vpcId"], "vpc-1");
    assert_eq!(status["vpcWorkspaceName"], "demo-vpc");
    assert_eq!(condition(&infra, "VPCReady")["reason"], "VPCCreated");
    assert_eq!(condition(&infra, "Ready")["status"], "True");
    assert_eq!(
        infra["spec"].as_object().unwrap().len(),
        2,
        "spec is never written"
    );

    let control_plane = harness.see::<CAPTControlPlane>("demo").await;
    let status = &control_plane["status"];
    assert_eq!(
        control_plane["spec"]["controlPlaneEndpoint"],
        json!({ "host": "abc.eks.example", "port": 443 })
    );
    assert_eq!(status["endpoint"], "abc.eks.example:443");
    assert_eq!(status["initialized"], true);
    assert_eq!(
        status["initialization"],
        json!({ "controlPlaneInitialized": true })
    );
    assert_eq!(status["externalManagedControlPlane"], true);
    assert_eq!(status["secretsReady"], true);
    assert_eq!(status["phase"], "Ready");
    assert_eq!(status["version"], "v1.31");
    assert_eq!(status["versions"], json!([{ "version": "v1.31" }]));
    assert_eq!(status["workspaceStatus"]["state"], "Available");
    assert_eq!(
        status["workspaceStatus"]["atProvider"]["outputs"]["cluster_endpoint"],
        "https://ABC.eks.example"
    );
    assert_eq!(condition(&control_plane, "Available")["status"], "True");
    assert_eq!(condition(&control_plane, "RollingOut")["status"], "False");

    assert_eq!(
        harness.secret("demo-kubeconfig", "value").await.as_deref(),
        Some("hunter2: kubeconfig")
    );
    let secret = harness.see::<Secret>("demo-kubeconfig").await;
    assert_eq!(secret["type"], "cluster.x-k8s.io/secret");
    assert_eq!(secret["metadata"]["labels"][keys::CLUSTER_NAME], "demo");
    assert!(
        harness
            .secret("demo-ca", "tls.crt")
            .await
            .unwrap()
            .contains("BEGIN CERTIFICATE")
    );

    let apply = harness
        .see::<WorkspaceTemplateApply>("demo-eks-controlplane-apply")
        .await;
    assert_eq!(apply["status"]["workspaceName"], "demo-eks-controlplane");
    assert_eq!(apply["status"]["applied"], true);
    assert_eq!(condition(&apply, "Synced")["status"], "True");
    let workspace = harness.see::<TerraformWorkspace>("demo-eks-controlplane").await;
    assert_eq!(workspace["metadata"]["labels"][keys::CLUSTER_NAME], "demo");
    assert_eq!(
        workspace["spec"]["writeConnectionSecretToRef"]["name"],
        "demo-eks-connection"
    );

    // The endpoint comes back from the Cluster.
    harness
        .until::<CAPTCluster>("demo", "told the endpoint", |infra| {
            infra["status"]["endpoint"] == "abc.eks.example:443"
        })
        .await;
    // Secret values are in Secrets alone.
    let events = harness.of::<Event>().list(&ListParams::default()).await.unwrap();
    for object in [infra, control_plane, apply, json!(events)] {
        assert!(!object.to_string().contains("hunter2"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_converged_world_is_silent() {
    let harness = ready().await;
    harness.pass(Duration::from_mins(1)).await;
    harness.api.reset_counters();
    harness.pass(Duration::from_mins(31)).await;
    assert_eq!(harness.api.counters().writes(), 0, "{:?}", harness.api.counters());
    assert_eq!(harness.api.counters().of("secrets", "get"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_version_reaches_terraform() {
    let harness = ready().await;
    harness.log();
    harness
        .merge::<CAPTControlPlane>("demo", json!({ "spec": { "version": "v1.32.3" } }))
        .await;
    let during = harness
        .until::<CAPTControlPlane>("demo", "updating", |it| it["status"]["state"] == "Provisioning")
        .await;
    assert_eq!(during["status"]["version"], "v1.31");
    assert_eq!(during["status"]["phase"], "Ready");
    assert_eq!(condition(&during, "Ready")["status"], "True");
    assert_eq!(condition(&during, "RollingOut")["status"], "True");
    assert_eq!(condition(&during, "UpToDate")["status"], "False");
    let after = harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
    assert_eq!(after["status"]["version"], "v1.32.3");
    assert_eq!(harness.log(), ["apply demo-eks-controlplane"]);
    let workspace = harness.see::<TerraformWorkspace>("demo-eks-controlplane").await;
    assert_eq!(workspace["spec"]["forProvider"]["vars"][0]["value"], "1.32");

    // EKS has no patches: nothing is applied, and the status follows.
    harness
        .merge::<CAPTControlPlane>("demo", json!({ "spec": { "version": "v1.32.4" } }))
        .await;
    harness
        .until::<CAPTControlPlane>("demo", "told the patch", |it| {
            it["status"]["version"] == "v1.32.4"
        })
        .await;
    assert!(harness.log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_changed_template_reaches_terraform() {
    let harness = ready().await;
    harness.log();
    let patch = json!({ "spec": { "template": { "spec": { "forProvider": {
        "module": "variable \"name\" { default = \"new\" }\n", "vars": [{ "key": "only", "value": "${vpc_name}" }],
    } } } } });
    harness.merge::<WorkspaceTemplate>("vpc-template", patch).await;
    harness
        .until::<TerraformWorkspace>("demo-vpc", "changed", |it| {
            // What is no longer in the template is gone from the workspace.
            it["spec"]["forProvider"]["vars"] == json!([{ "key": "only", "value": "demo-vpc" }])
        })
        .await;
    harness
        .until::<CAPTCluster>("demo", "updating", |it| it["status"]["state"] == "Provisioning")
        .await;
    let infra = harness.until_state::<CAPTCluster>("demo", "Ready").await;
    assert_eq!(infra["status"]["initialization"]["provisioned"], true);
    assert_eq!(harness.log(), ["apply demo-vpc"]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_workspace_is_told_upwards_and_a_retry_goes_down() {
    let harness = Harness::start(outputs()).await;
    harness.tell(|script| {
        script
            .failing
            .insert("-eks-controlplane", ("VersionUnsupported", "Invalid"));
    });
    harness.apply(TEMPLATES).await;
    harness.apply(CLUSTER).await;
    let failed = harness.until_state::<CAPTControlPlane>("demo", "Failed").await;
    assert_eq!(failed["status"]["phase"], "Failed");
    assert_eq!(failed["status"]["failureReason"], "VersionUnsupported");
    assert_eq!(condition(&failed, "Ready")["reason"], "VersionUnsupported");
    assert_eq!(
        failed["status"]["fault"]["source"],
        "WorkspaceTemplateApply/demo-eks-controlplane-apply"
    );
    harness.tell(|script| script.failing.clear());
    let retry = json!({ "metadata": { "annotations": { keys::RETRY: "1" } } });
    harness.merge::<CAPTControlPlane>("demo", retry).await;
    let mended = harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
    assert_eq!(mended["status"]["failureReason"], json!(null));
    let workspace = harness.see::<TerraformWorkspace>("demo-eks-controlplane").await;
    assert_eq!(workspace["metadata"]["annotations"][keys::RETRY], "1");
}

#[tokio::test(start_paused = true)]
async fn the_kubeconfig_template_is_used_where_there_is_no_output() {
    let harness = Harness::start(outputs()).await;
    harness.tell(|script| {
        script
            .outputs
            .get_mut("-eks-controlplane")
            .unwrap()
            .remove("_kubeconfig");
    });
    harness.apply(TEMPLATES).await;
    harness.apply(CLUSTER).await;
    let waiting = harness
        .until::<CAPTControlPlane>("demo", "waiting for a source", |it| {
            it["status"]["waits"][0]["reason"] == "KubeconfigSourceMissing"
        })
        .await;
    assert_ne!(waiting["status"]["initialized"], true);
    harness
        .apply(
            r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplate
metadata: {name: eks-kubeconfig-template, namespace: default}
spec:
  template:
    spec:
      forProvider:
        source: Inline
        vars: [{key: endpoint, value: "${cluster_endpoint}"}, {key: ca, value: "${cluster_certificate_authority_data}"}]
        module: "locals { a = \"${region} ${cluster_name}\" }"
"#,
        )
        .await;
    harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
    assert_eq!(
        harness.secret("demo-kubeconfig", "value").await.as_deref(),
        Some("hunter2: from template")
    );
    let workspace = harness.see::<TerraformWorkspace>("demo-kubeconfig").await;
    assert_eq!(
        workspace["spec"]["forProvider"]["vars"][0]["value"],
        "https://ABC.eks.example"
    );
    assert_eq!(
        workspace["spec"]["writeConnectionSecretToRef"]["name"],
        "demo-outputs-kubeconfig"
    );
    harness.log();
    harness.delete::<Cluster>("demo").await;
    harness
        .until::<Cluster>("demo", "gone", serde_json::Value::is_null)
        .await;
    assert_eq!(
        harness.log(),
        [
            "destroy demo-kubeconfig",
            "destroy demo-eks-controlplane",
            "destroy demo-vpc"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn new_outputs_reach_the_secret() {
    let harness = ready().await;
    let outputs = json!({ "stringData": { "kubeconfig": "hunter2: renewed" } });
    harness.merge::<Secret>("demo-eks-connection", outputs).await;
    harness
        .until::<Secret>("demo-kubeconfig", "renewed", |it| {
            it["data"]["value"] == "aHVudGVyMjogcmVuZXdlZA=="
        })
        .await;
    harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_somebody_set_is_kept() {
    let harness = Harness::start(outputs()).await;
    harness.apply(TEMPLATES).await;
    let endpoint = "spec:\n  controlPlaneEndpoint: {host: vip.example, port: 6443}\n  version: \"1.31\"";
    harness
        .apply(&CLUSTER.replace("spec:\n  version: \"1.31\"", endpoint))
        .await;
    let control_plane = harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
    assert_eq!(
        control_plane["spec"]["controlPlaneEndpoint"]["host"],
        "vip.example"
    );
    assert_eq!(control_plane["status"]["endpoint"], "vip.example:6443");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_endpoint_is_refused_until_it_is_one() {
    let harness = Harness::start(outputs()).await;
    harness.tell(|script| {
        let outputs = script.outputs.get_mut("-eks-controlplane").unwrap();
        outputs.insert("cluster_endpoint", "http://abc/path".to_owned());
    });
    harness.apply(TEMPLATES).await;
    harness.apply(CLUSTER).await;
    let failed = harness.until_state::<CAPTControlPlane>("demo", "Failed").await;
    assert_eq!(failed["status"]["failureReason"], "InvalidEndpoint");
    let outputs = json!({ "stringData": { "cluster_endpoint": "abc" } });
    harness.merge::<Secret>("demo-eks-connection", outputs).await;
    harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
}

#[tokio::test(start_paused = true)]
async fn a_foreign_kubeconfig_secret_stops_the_work_before_it_begins() {
    let harness = Harness::start(outputs()).await;
    harness
        .apply("apiVersion: v1\nkind: Secret\nmetadata: {name: demo-kubeconfig, namespace: default}\nstringData: {value: mine}")
        .await;
    harness.apply(TEMPLATES).await;
    harness.apply(CLUSTER).await;
    let failed = harness.until_state::<CAPTControlPlane>("demo", "Failed").await;
    assert_eq!(failed["status"]["failureReason"], "ForeignSecret");
    harness.pass(Duration::from_mins(2)).await;
    assert_eq!(harness.log(), ["apply demo-vpc"]);
    assert_eq!(
        harness.secret("demo-kubeconfig", "value").await.as_deref(),
        Some("mine")
    );
    harness.delete::<Secret>("demo-kubeconfig").await;
    harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_cluster_is_left_alone() {
    let harness = ready().await;
    harness.log();
    harness
        .merge::<Cluster>("demo", json!({ "spec": { "paused": true } }))
        .await;
    let paused = harness
        .until::<WorkspaceTemplateApply>("demo-eks-controlplane-apply", "paused", |it| {
            condition(it, "Paused")["status"] == "True"
        })
        .await;
    assert_eq!(condition(&paused, "Paused")["message"], "Cluster/demo is paused");
    harness
        .merge::<CAPTControlPlane>("demo", json!({ "spec": { "version": "1.32" } }))
        .await;
    harness.pass(Duration::from_mins(20)).await;
    assert!(harness.log().is_empty());
    harness
        .merge::<Cluster>("demo", json!({ "spec": { "paused": false } }))
        .await;
    harness
        .until::<CAPTControlPlane>("demo", "upgraded", |it| it["status"]["version"] == "v1.32")
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_can_use_a_vpc_that_exists_or_is_shared() {
    let harness = Harness::start(outputs()).await;
    harness.apply(TEMPLATES).await;
    let vpc = "vpcTemplateRef: {name: vpc-template, namespace: default}";
    harness.apply(&CLUSTER.replace(vpc, "existingVpcId: vpc-9")).await;
    harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
    let infra = harness.see::<CAPTCluster>("demo").await;
    assert_eq!(infra["status"]["vpcId"], "vpc-9");
    assert_eq!(condition(&infra, "VPCReady")["reason"], "ExistingVPCUsed");
    assert_eq!(
        infra["metadata"]["finalizers"],
        json!(null),
        "there is nothing to tidy up"
    );
    assert_eq!(harness.log(), ["apply demo-eks-controlplane"]);

    let shared = CLUSTER
        .replace("name: demo", "name: two")
        .replace(vpc, "vpcWorkspaceRef: {name: net-vpc}");
    harness.apply(&shared).await;
    let waiting = harness
        .until::<CAPTCluster>("two", "waiting", |it| {
            it["status"]["waits"][0]["reason"] == "VPCWorkspaceNotFound"
        })
        .await;
    assert_eq!(waiting["status"]["state"], "Validating");
    harness
        .apply(
            r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata: {name: net-vpc-apply, namespace: default}
spec:
  templateRef: {name: vpc-template}
  variables: {vpc_name: net, cluster_name: net}
",
        )
        .await;
    let infra = harness.until_state::<CAPTCluster>("two", "Ready").await;
    assert_eq!(infra["status"]["vpcId"], "vpc-1");
    assert_eq!(infra["status"]["vpcWorkspaceName"], "net-vpc");
    harness.delete::<CAPTCluster>("two").await;
    harness.pass(Duration::from_secs(30)).await;
    assert!(!harness.see::<TerraformWorkspace>("net-vpc").await.is_null());
}
