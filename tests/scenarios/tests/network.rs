//! Where the network of a cluster comes from.

use capt_testing::{fixture, simulate};
use serde_json::json;

use crate::{
    CONTROL_PLANE, EKS, INFRASTRUCTURE, MINUTE, VPC, VPC_APPLY, remains, until_ready, with_templates,
};

const TEMPLATE_REF: &str =
    "vpcTemplateRef: {name: vpc-template, namespace: default}\n  retainVpcOnDelete: false";

fn cluster_with(network: &str) -> String {
    let yaml = fixture::CLUSTER.replace(TEMPLATE_REF, network);
    assert_ne!(yaml, fixture::CLUSTER);
    yaml
}

/// What somebody who brings a VPC of their own writes by hand.
const HAND_MADE: &str = r#"
apiVersion: v1
kind: Secret
metadata: {name: demo-vpc-vpc-connection, namespace: default}
stringData:
  vpc_config: |
    vpc_id          = "vpc-0123"
    private_subnets = ["subnet-1", "subnet-2"]
"#;

#[test]
fn a_vpc_that_exists() {
    simulate(async {
        let world = with_templates().await;
        world.apply(HAND_MADE).await;
        world.apply(&cluster_with("existingVpcId: vpc-0123")).await;
        until_ready(&world).await;
        assert_eq!(world.at(INFRASTRUCTURE, "/status/vpcId"), "vpc-0123");
        assert_eq!(world.object(VPC_APPLY), None);
        assert_eq!(
            world.at(EKS, "/status/atProvider/outputs/network/vpc"),
            "vpc-0123"
        );
        world.delete("Cluster/demo").await;
        world.until_gone("Cluster/demo", 5 * MINUTE).await;
        world.pass(MINUTE).await;
        assert_eq!(remains(&world), ["Secret default/demo-vpc-vpc-connection"]);
    });
}

#[test]
fn a_missing_secret_is_named_and_then_supplied() {
    simulate(async {
        let world = with_templates().await;
        world.apply(&cluster_with("existingVpcId: vpc-0123")).await;
        world
            .until("the Secret named", MINUTE, |world| {
                world
                    .at(CONTROL_PLANE, "/status/waits")
                    .to_string()
                    .contains("demo-vpc-vpc-connection")
            })
            .await;
        world.pass(5 * MINUTE).await;
        assert_eq!(world.cloud().counters("demo-eks-controlplane").runs, 0);
        world.heading("the Secret is supplied");
        world.apply(HAND_MADE).await;
        until_ready(&world).await;
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn a_missing_template_is_named_and_then_supplied() {
    simulate(async {
        let world = capt_testing::Scenario::start().await;
        world.apply(fixture::EKS_TEMPLATE).await;
        world.apply(fixture::KUBECONFIG_TEMPLATE).await;
        world.apply(fixture::CLUSTER).await;
        world
            .until("the template named", MINUTE, |world| {
                world
                    .at(INFRASTRUCTURE, "/status/waits")
                    .to_string()
                    .contains("WorkspaceTemplate/vpc-template")
            })
            .await;
        world.pass(MINUTE).await;
        assert_eq!(world.terraform_operations(), 0);
        world.apply(fixture::VPC_TEMPLATE).await;
        until_ready(&world).await;
    });
}

#[test]
fn a_shared_vpc() {
    simulate(async {
        let world = with_templates().await;
        world.apply(SHARED).await;
        world
            .apply(&cluster_with("vpcWorkspaceRef: {name: shared-vpc}"))
            .await;
        world
            .apply(&cluster_with("vpcWorkspaceRef: {name: shared-vpc}").replace("name: demo", "name: other"))
            .await;
        world
            .apply(
                &fixture::EKS_TEMPLATE
                    .replace("${cluster_name}-vpc-vpc-connection", "shared-vpc-vpc-connection"),
            )
            .await;
        until_ready(&world).await;
        world
            .until_state("CAPTControlPlane/other", "Ready", 5 * MINUTE)
            .await;
        let shared = world.at(
            "TerraformWorkspace/shared-vpc",
            "/status/atProvider/outputs/vpc_id",
        );
        for cluster in ["demo", "other"] {
            assert_eq!(
                world.at(&format!("CAPTCluster/{cluster}"), "/status/vpcId"),
                shared
            );
            let eks = format!("TerraformWorkspace/{cluster}-eks-controlplane");
            assert_eq!(world.at(&eks, "/status/atProvider/outputs/network/vpc"), shared);
        }
        assert_eq!(world.object(VPC), None);
        assert_eq!(world.cloud().counters("shared-vpc").applies, 1);

        world.delete("Cluster/demo").await;
        world.until_gone("Cluster/demo", 5 * MINUTE).await;
        world.pass(10 * MINUTE).await;
        assert_eq!(world.state("WorkspaceTemplateApply/shared-vpc"), "Ready");
        assert_eq!(world.state("CAPTControlPlane/other"), "Ready");
        assert_eq!(world.cloud().counters("shared-vpc").destroys, 0);
        assert_eq!(
            world.at("WorkspaceTemplateApply/shared-vpc", "/metadata/ownerReferences"),
            json!(null)
        );

        world.delete("WorkspaceTemplateApply/shared-vpc").await;
        world.pass(10 * MINUTE).await;
        assert_eq!(world.cloud().counters("shared-vpc").destroys, 0);
        let wait = world.at("TerraformWorkspace/shared-vpc", "/status/waits/0");
        assert_eq!(wait["reason"], "WaitingForDependents");
        assert!(
            wait["message"].to_string().contains("CAPTCluster/other"),
            "{wait}"
        );
        let ready = world.condition("CAPTCluster/other", "Ready");
        assert_eq!(
            ready["status"], "False",
            "a deletion is never taken back: {ready}"
        );
        assert_eq!(ready["reason"], "WaitingForDeletion");
        world.delete("Cluster/other").await;
        world
            .until_gone("WorkspaceTemplateApply/shared-vpc", 5 * MINUTE)
            .await;
        assert_eq!(world.cloud().counters("shared-vpc").destroys, 1);
    });
}

const SHARED: &str = r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata: {name: shared-vpc, namespace: default}
spec:
  templateRef: {name: vpc-template, namespace: default}
  variables: {vpc_name: shared, cluster_name: shared}
";
