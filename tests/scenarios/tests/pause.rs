//! What is paused is left alone.

use capt_api::keys;
use capt_testing::{Scenario, simulate};
use serde_json::json;

use crate::{
    CLUSTER, CONTROL_PLANE, EKS, INFRASTRUCTURE, MINUTE, VPC, ordered, ready, remains, until_ready,
    with_templates,
};

/// Waits until the object says that it is paused.
async fn until_paused(world: &Scenario, object: &str) {
    world
        .until(&format!("{object} paused"), MINUTE, |world| {
            world.condition(object, "Paused")["status"] == "True"
        })
        .await;
}

#[test]
fn a_cluster_that_is_paused_from_the_beginning_begins_later() {
    simulate(async {
        let world = with_templates().await;
        let paused = capt_testing::fixture::CLUSTER.replacen("spec:\n", "spec:\n  paused: true\n", 1);
        world.apply(&paused).await;
        world.pass(10 * MINUTE).await;
        assert_eq!(world.terraform_operations(), 0);
        assert_eq!(world.names("WorkspaceTemplateApply"), [""; 0]);
        world.patch(CLUSTER, json!({ "spec": { "paused": null } })).await;
        until_ready(&world).await;
    });
}

#[test]
fn a_paused_cluster_pauses_everything_below_it() {
    simulate(async {
        let world = ready().await;
        world.patch(CLUSTER, json!({ "spec": { "paused": true } })).await;
        for object in [INFRASTRUCTURE, CONTROL_PLANE, VPC, EKS] {
            until_paused(&world, object).await;
            assert!(
                world.condition(object, "Paused")["message"]
                    .as_str()
                    .unwrap()
                    .contains("Cluster/demo"),
                "{object}"
            );
        }
        world.pass(crate::SECOND).await;
        let operations = world.terraform_operations();
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.32" } }))
            .await;
        world.pass(30 * MINUTE).await;
        assert_eq!(world.terraform_operations(), operations);
        assert_eq!(world.condition(CONTROL_PLANE, "Ready")["status"], "True");

        world.patch(CLUSTER, json!({ "spec": { "paused": false } })).await;
        world
            .until("the new version", 2 * MINUTE, |world| {
                world.at(CONTROL_PLANE, "/status/version") == "v1.32"
            })
            .await;
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn an_annotation_pauses_one_object() {
    simulate(async {
        let world = ready().await;
        world.annotate(CONTROL_PLANE, keys::PAUSED, Some("")).await;
        until_paused(&world, CONTROL_PLANE).await;
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.32" } }))
            .await;
        world.pass(30 * MINUTE).await;
        assert_eq!(world.cloud().counters("demo-eks-controlplane").runs, 1);
        assert_eq!(world.condition(INFRASTRUCTURE, "Paused")["status"], "False");
        world.annotate(CONTROL_PLANE, keys::PAUSED, None).await;
        world
            .until("the new version", 2 * MINUTE, |world| {
                world.at(CONTROL_PLANE, "/status/version") == "v1.32"
            })
            .await;
    });
}

#[test]
fn a_paused_control_plane_is_not_deleted() {
    simulate(async {
        let world = ready().await;
        world.annotate(CONTROL_PLANE, keys::PAUSED, Some("")).await;
        until_paused(&world, CONTROL_PLANE).await;
        world.delete(CLUSTER).await;
        world.pass(30 * MINUTE).await;
        assert!(world.object(CONTROL_PLANE).is_some());
        assert_eq!(world.cloud().counters("demo-eks-controlplane").destroys, 0);
        assert_eq!(world.cloud().counters("demo-vpc").destroys, 0);
        world.annotate(CONTROL_PLANE, keys::PAUSED, None).await;
        world.until_gone(CLUSTER, 5 * MINUTE).await;
        world.pass(MINUTE).await;
        assert_eq!(remains(&world), [""; 0]);
    });
}

#[test]
fn a_pause_during_an_apply_lets_it_end_and_goes_no_further() {
    simulate(async {
        let world = ordered().await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| {
                world.cloud().counters("demo-eks-controlplane").applies == 1
            })
            .await;
        world.patch(CLUSTER, json!({ "spec": { "paused": true } })).await;
        world.pass(10 * MINUTE).await;
        // What Terraform had begun is there, but nobody has gone on from it.
        assert_eq!(world.cloud().resources("demo-eks-controlplane").len(), 4);
        assert_eq!(world.object("Secret/demo-kubeconfig"), None);
        world.patch(CLUSTER, json!({ "spec": { "paused": null } })).await;
        until_ready(&world).await;
        assert_eq!(world.cloud().counters("demo-eks-controlplane").applies, 1);
    });
}
