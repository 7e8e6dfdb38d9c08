//! The end of a life.

use capt_testing::{Scenario, simulate};
use serde_json::json;

use crate::{
    CLUSTER, CONTROL_PLANE, EKS, EKS_APPLY, INFRASTRUCTURE, MINUTE, SECOND, VPC, VPC_APPLY, ordered, ready,
    remains,
};

/// The seconds at which a line with all these words stands in the transcript.
fn when(transcript: &str, words: &[&str]) -> f64 {
    let mut lines = transcript
        .lines()
        .filter(|line| words.iter().all(|word| line.contains(word)));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no line with {words:?} in\n{transcript}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn the_control_plane_goes_before_the_network() {
    simulate(async {
        let world = ready().await;
        world.delete(CLUSTER).await;
        world.until_gone(CLUSTER, 5 * MINUTE).await;
        world.pass(MINUTE).await;
        assert_eq!(remains(&world), [""; 0]);
        for label in ["demo-vpc", "demo-eks-controlplane", "demo-kubeconfig"] {
            assert_eq!(world.cloud().resources(label), [""; 0], "{label}");
            assert_eq!(world.cloud().counters(label).destroys, 1, "{label}");
        }
        let transcript = world.transcript();
        let eks_gone = when(
            &transcript,
            &["terraform demo-eks-controlplane", "destroy 2: done"],
        );
        let vpc_begins = when(&transcript, &["terraform demo-vpc", "run 2"]);
        assert!(eks_gone <= vpc_begins, "{transcript}");
        insta::assert_snapshot!(transcript);
    });
}

#[test]
fn everything_deleted_at_once_still_goes_in_order() {
    simulate(async {
        let world = ready().await;
        for object in [INFRASTRUCTURE, CONTROL_PLANE, CLUSTER] {
            world.delete(object).await;
        }
        world.until_gone(CLUSTER, 5 * MINUTE).await;
        world.pass(MINUTE).await;
        assert_eq!(remains(&world), [""; 0]);
        let transcript = world.transcript();
        let eks_gone = when(
            &transcript,
            &["terraform demo-eks-controlplane", "destroy 2: done"],
        );
        assert!(
            eks_gone <= when(&transcript, &["terraform demo-vpc", "run 2"]),
            "{transcript}"
        );
        assert!(
            transcript.contains("CAPTCluster/demo") && transcript.contains("waits for CAPTControlPlane/demo"),
            "{transcript}"
        );
    });
}

#[test]
fn a_retained_vpc_stays() {
    simulate(async {
        let world = ready().await;
        world
            .patch(INFRASTRUCTURE, json!({ "spec": { "retainVpcOnDelete": true } }))
            .await;
        world.pass(30 * SECOND).await;
        world.clear_transcript();
        world.delete(CLUSTER).await;
        world.until_gone(CLUSTER, 5 * MINUTE).await;
        world.pass(MINUTE).await;
        assert_eq!(world.object(EKS), None);
        assert_eq!(world.cloud().resources("demo-vpc").len(), 3);
        assert_eq!(world.cloud().counters("demo-vpc").destroys, 0);
        // Somebody can still delete it later: what made it is still there, and belongs to nobody.
        let vpc = world.object(VPC).expect("the workspace stays");
        assert_eq!(vpc["metadata"]["ownerReferences"], json!(null));
        insta::assert_snapshot!(world.transcript());
        retained_workspace_can_be_destroyed(&world).await;
    });
}

async fn retained_workspace_can_be_destroyed(world: &Scenario) {
    if world.object(VPC_APPLY).is_some() {
        world.delete(VPC_APPLY).await;
        world.pass(MINUTE).await;
    }
    if world.object(VPC).is_some() {
        world.delete(VPC).await;
    }
    world.until_gone(VPC, MINUTE).await;
    world.pass(MINUTE).await;
    assert_eq!(world.cloud().resources("demo-vpc"), [""; 0]);
    assert_eq!(remains(world), [""; 0]);
}

#[test]
fn a_retained_workspace_stays() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(capt_testing::fixture::VPC_TEMPLATE).await;
        world
            .apply(&crate::applies::NET.replace("spec:\n", "spec:\n  retainWorkspaceOnDelete: true\n"))
            .await;
        world
            .until_state("WorkspaceTemplateApply/net-apply", "Ready", MINUTE)
            .await;
        world.delete("WorkspaceTemplateApply/net-apply").await;
        world.until_gone("WorkspaceTemplateApply/net-apply", MINUTE).await;
        world.pass(10 * MINUTE).await;
        assert_eq!(world.state("TerraformWorkspace/net"), "Ready");
        assert_eq!(world.cloud().counters("net").destroys, 0);
        assert_eq!(
            world.at("TerraformWorkspace/net", "/metadata/ownerReferences"),
            json!(null)
        );
    });
}

#[test]
fn deleted_while_it_is_being_created() {
    simulate(async {
        let world = ordered().await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| {
                world.cloud().counters("demo-eks-controlplane").applies == 1
            })
            .await;
        world.pass(3 * SECOND).await;
        world.clear_transcript();
        world.delete(CLUSTER).await;
        world.until_gone(CLUSTER, 10 * MINUTE).await;
        world.pass(MINUTE).await;
        assert_eq!(remains(&world), [""; 0]);
        for label in ["demo-vpc", "demo-eks-controlplane"] {
            assert_eq!(world.cloud().resources(label), [""; 0], "{label}");
        }
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn deleted_before_anything_was_made() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(capt_testing::fixture::CLUSTER).await;
        world.pass(MINUTE).await;
        world.delete(CLUSTER).await;
        world.until_gone(CLUSTER, MINUTE).await;
        assert_eq!(remains(&world), [""; 0]);
        assert_eq!(world.terraform_operations(), 0);
    });
}

#[test]
fn a_workspace_that_is_gone_already_does_not_hold_anything_up() {
    simulate(async {
        let world = ready().await;
        world.delete(CLUSTER).await;
        world
            .until("the apply of EKS on its way out", MINUTE, |world| {
                world.at(EKS_APPLY, "/metadata/deletionTimestamp") != json!(null)
            })
            .await;
        world
            .patch(EKS, json!({ "metadata": { "finalizers": null } }))
            .await;
        world.until_gone(CLUSTER, 5 * MINUTE).await;
    });
}

#[test]
fn a_destroy_that_fails_is_repeated() {
    simulate(async {
        let world = ready().await;
        world.cloud().fail(
            "demo-vpc",
            "DependencyViolation: The vpc has dependencies and cannot be deleted",
            2,
        );
        world.delete(CLUSTER).await;
        world.until_gone(CLUSTER, 60 * MINUTE).await;
        world.pass(MINUTE).await;
        assert_eq!(world.cloud().counters("demo-vpc").destroys, 3);
        assert_eq!(remains(&world), [""; 0]);
        let transcript = world.transcript();
        assert!(
            transcript.contains("the vpc has dependencies")
                || transcript.contains("The vpc has dependencies"),
            "{transcript}"
        );
    });
}
