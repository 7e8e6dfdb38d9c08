//! Objects that a person has made under the names that a cluster needs.

use std::time::Duration;

use capt_api::{CAPTCluster, CAPTControlPlane, Cluster};
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use crate::harness::{CLUSTER, Harness, TEMPLATES, outputs};

/// The template of a kubeconfig, for control planes whose own template has none.
const KUBECONFIG: &str = r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplate
metadata: {name: eks-kubeconfig-template, namespace: default}
spec:
  template:
    spec:
      forProvider: {source: Inline, module: 'locals {}'}
";

/// Everything that is made for a cluster, by kind and name.
const MADE: [(&str, &str); 8] = [
    ("WorkspaceTemplateApply", "demo-vpc"),
    ("TerraformWorkspace", "demo-vpc"),
    ("WorkspaceTemplateApply", "demo-eks-controlplane-apply"),
    ("TerraformWorkspace", "demo-eks-controlplane"),
    ("WorkspaceTemplateApply", "demo-kubeconfig-apply"),
    ("TerraformWorkspace", "demo-kubeconfig"),
    ("Secret", "demo-kubeconfig"),
    ("Secret", "demo-ca"),
];

/// What a person could have there, with the label that people give to what they want to see with a cluster. Secrets
/// are told by that label, so theirs has another one.
fn of_a_person(kind: &str, name: &str) -> String {
    let group = "infrastructure.cluster.x-k8s.io/v1beta1";
    let label = "cluster.x-k8s.io/cluster-name: demo";
    match kind {
        "WorkspaceTemplateApply" => format!(
            "apiVersion: {group}\nkind: {kind}\n\
             metadata: {{name: {name}, namespace: default, labels: {{{label}}}, \
             annotations: {{cluster.x-k8s.io/paused: ''}}}}\n\
             spec: {{templateRef: {{name: mine}}, variables: {{vpc_name: mine}}}}"
        ),
        "TerraformWorkspace" => format!(
            "apiVersion: {group}\nkind: {kind}\n\
             metadata: {{name: {name}, namespace: default, labels: {{{label}}}}}\n\
             spec: {{forProvider: {{source: Inline, module: mine}}}}"
        ),
        _ => format!(
            "apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: default, labels: {{app: mine}}}}\n\
             stringData: {{value: mine}}"
        ),
    }
}

struct Theirs(Api<DynamicObject>, &'static str);

impl Theirs {
    fn new(harness: &Harness, kind: &'static str, name: &'static str) -> Self {
        let (group, version) = match kind {
            "Secret" => ("", "v1"),
            _ => ("infrastructure.cluster.x-k8s.io", "v1beta1"),
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Self(
            Api::namespaced_with(harness.client.clone(), "default", &resource),
            name,
        )
    }

    /// Everything about it that only its owner may change.
    async fn see(&self) -> Value {
        let object = json!(self.0.get(self.1).await.unwrap());
        let metadata = &object["metadata"];
        json!([
            object["spec"],
            object["data"],
            metadata["uid"],
            metadata["labels"],
            metadata["annotations"],
            metadata["ownerReferences"],
            metadata["deletionTimestamp"],
        ])
    }

    async fn delete(&self) {
        self.0.delete(self.1, &DeleteParams::default()).await.unwrap();
    }
}

async fn refused(harness: &Harness, kind: &str, name: &str) {
    let code = if kind == "Secret" {
        "ForeignSecret"
    } else {
        "ForeignObject"
    };
    let is_refused = |object: &Value| {
        let fault = &object["status"]["fault"];
        object["status"]["state"] == "Failed"
            && fault["code"] == code
            && fault["subject"] == format!("{kind}/{name}")
    };
    if name == "demo-vpc" {
        harness.until::<CAPTCluster>("demo", "refused", is_refused).await;
    } else {
        harness
            .until::<CAPTControlPlane>("demo", "refused", is_refused)
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_has_the_name_of_something_that_is_made_is_left_alone_until_it_is_gone() {
    for (kind, name) in MADE {
        let mut script = outputs();
        script
            .outputs
            .get_mut("-eks-controlplane")
            .unwrap()
            .remove("_kubeconfig");
        let harness = Harness::start(script).await;
        harness.apply(TEMPLATES).await;
        harness.apply(KUBECONFIG.trim_start()).await;
        harness.apply(&of_a_person(kind, name)).await;
        harness.pass(Duration::from_secs(10)).await;
        let theirs = Theirs::new(&harness, kind, name);
        let before = theirs.see().await;

        harness.apply(CLUSTER).await;
        refused(&harness, kind, name).await;
        harness.pass(Duration::from_mins(1)).await;
        assert_eq!(theirs.see().await, before, "{kind}/{name}");
        harness.delete::<Cluster>("demo").await;
        harness.until::<Cluster>("demo", "gone", Value::is_null).await;
        harness.pass(Duration::from_mins(1)).await;
        assert_eq!(theirs.see().await, before, "{kind}/{name}");

        harness.apply(CLUSTER).await;
        refused(&harness, kind, name).await;
        theirs.delete().await;
        harness.until_state::<CAPTControlPlane>("demo", "Ready").await;
    }
}
