//! Who shares a name, a namespace or a child.

use capt_testing::{Scenario, fixture, simulate};
use serde_json::json;

use crate::{CONTROL_PLANE, INFRASTRUCTURE, MINUTE, until_ready};

const TEAM: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n";

/// The same manifests, in the namespace `team`.
fn in_team(yaml: &str) -> String {
    yaml.replace("namespace: default", "namespace: team")
}

async fn two_clusters() -> Scenario {
    let world = Scenario::start().await;
    world.apply(TEAM).await;
    for yaml in [
        fixture::VPC_TEMPLATE,
        fixture::EKS_TEMPLATE,
        fixture::KUBECONFIG_TEMPLATE,
        fixture::CLUSTER,
    ] {
        world.apply(yaml).await;
        world.apply(&in_team(yaml)).await;
    }
    until_ready(&world).await;
    world
        .until_state("team/CAPTControlPlane/demo", "Ready", 5 * MINUTE)
        .await;
    world
}

#[test]
fn two_clusters_of_one_name_in_two_namespaces() {
    simulate(async {
        let world = two_clusters().await;
        let host = |object: &str| world.at(object, "/spec/controlPlaneEndpoint/host");
        assert_ne!(host("CAPTControlPlane/demo"), host("team/CAPTControlPlane/demo"));
        assert_ne!(
            world.at("CAPTCluster/demo", "/status/vpcId"),
            world.at("team/CAPTCluster/demo", "/status/vpcId")
        );
        assert_ne!(
            world.secret("Secret/demo-kubeconfig", "value"),
            world.secret("team/Secret/demo-kubeconfig", "value")
        );
        assert_eq!(world.cloud().counters("demo-eks-controlplane").applies, 2);

        world.delete("team/Cluster/demo").await;
        world.until_gone("team/Cluster/demo", 5 * MINUTE).await;
        world.pass(10 * MINUTE).await;
        assert_eq!(
            (world.state(INFRASTRUCTURE), world.state(CONTROL_PLANE)),
            ("Ready".into(), "Ready".into())
        );
        assert_eq!(
            world.names("TerraformWorkspace"),
            [
                "default/demo-eks-controlplane",
                "default/demo-kubeconfig",
                "default/demo-vpc"
            ]
        );
        assert_ne!(world.secret("Secret/demo-kubeconfig", "value"), "");
        assert_eq!(world.cloud().counters("demo-eks-controlplane").destroys, 1);
    });
}

#[test]
fn a_child_of_somebody_else_is_not_touched() {
    simulate(async {
        let world = crate::with_templates().await;
        world
            .apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: default}\n")
            .await;
        let uid = world.at("ConfigMap/other", "/metadata/uid");
        world.apply(&FOREIGN.replace("UID", uid.as_str().unwrap())).await;
        let before = world.object("WorkspaceTemplateApply/demo-vpc").unwrap();
        let digest = before["spec"].clone();
        world.apply(fixture::CLUSTER).await;
        world.until_state(INFRASTRUCTURE, "Failed", MINUTE).await;
        let message = world.condition(INFRASTRUCTURE, "Ready")["message"].to_string();
        assert!(
            message.contains("WorkspaceTemplateApply/demo-vpc") && message.contains("ConfigMap/other"),
            "{message}"
        );
        world.delete("Cluster/demo").await;
        world.until_gone("Cluster/demo", 5 * MINUTE).await;
        let after = world
            .object("WorkspaceTemplateApply/demo-vpc")
            .expect("it is not ours to delete");
        assert_eq!(after["spec"], digest);
        assert_eq!(
            after["metadata"]["ownerReferences"],
            before["metadata"]["ownerReferences"]
        );
        assert_eq!(after["metadata"]["deletionTimestamp"], json!(null));
    });
}

/// An apply that another controller made under the name that the VPC would have.
const FOREIGN: &str = r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata:
  name: demo-vpc
  namespace: default
  annotations: {cluster.x-k8s.io/paused: ''}
  ownerReferences:
  - {apiVersion: v1, kind: ConfigMap, name: other, uid: UID, controller: true}
spec:
  templateRef: {name: vpc-template, namespace: default}
  variables: {vpc_name: other, cluster_name: other}
";
