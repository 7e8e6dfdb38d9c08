//! The manifests of the Go CAPT, unchanged.

use capt_testing::{Scenario, fixture, simulate};

use crate::{CONTROL_PLANE, INFRASTRUCTURE, MINUTE, VPC, until_ready, with_templates};

const GO_VPC: &str = include_str!("../fixtures/go-vpc.yaml");
const GO_APPLY: &str = include_str!("../fixtures/go-apply.yaml");
const GO_CLUSTER: &str = include_str!("../fixtures/go-cluster.yaml");
const OWNER: &str = include_str!("../fixtures/owner.yaml");
const AWS: &str = include_str!("../fixtures/aws.yaml");

#[test]
fn cluster_and_control_plane_become_ready() {
    simulate(async {
        let world = with_templates().await;
        world.apply(GO_CLUSTER).await;
        world.apply(OWNER).await;
        until_ready(&world).await;
    });
}

#[test]
fn an_apply_waits_for_what_it_names() {
    simulate(async {
        let world = with_templates().await;
        world
            .apply(
                &GO_VPC
                    .replace("vpc-template", "eks-node-template")
                    .replace("        - {key: name, value: \"${vpc_name}\"}\n", "")
                    .replace("variable \"name\" { type = string }\n", "\n")
                    .replace("${WORKSPACE_NAME}-vpc-connection", "node"),
            )
            .await;
        world.apply(GO_APPLY).await;
        world.pass(MINUTE).await;
        let waits = world
            .at("WorkspaceTemplateApply/demo-nodegroup-apply", "/status/waits")
            .to_string();
        assert!(waits.contains("demo-eks-connection"), "{waits}");
        world.apply(GO_CLUSTER).await;
        world.apply(OWNER).await;
        world
            .until_state("WorkspaceTemplateApply/demo-nodegroup-apply", "Ready", 5 * MINUTE)
            .await;
        assert_eq!(world.state("TerraformWorkspace/demo-nodegroup"), "Ready");
    });
}

#[test]
fn a_vpc_template_without_outputs_says_what_is_missing() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(GO_VPC).await;
        world.apply(GO_CLUSTER).await;
        world.apply(OWNER).await;
        world.until_state(VPC, "Ready", MINUTE).await;
        world.pass(MINUTE).await;
        let shown = format!(
            "{}{}",
            world.at(INFRASTRUCTURE, "/status/waits"),
            world.at(INFRASTRUCTURE, "/status/fault")
        );
        assert!(shown.contains("vpc_id"), "{shown}");
        assert_ne!(world.state(INFRASTRUCTURE), "Ready");
    });
}

#[test]
fn modules_of_the_registry_are_reconciled() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(AWS).await;
        world.apply(fixture::KUBECONFIG_TEMPLATE).await;
        world.apply(GO_CLUSTER).await;
        world.apply(OWNER).await;
        world.until_state(INFRASTRUCTURE, "Ready", 5 * MINUTE).await;
        world.until_state(CONTROL_PLANE, "Ready", 10 * MINUTE).await;
    });
}
