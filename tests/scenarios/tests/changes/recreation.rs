//! Objects that are created again under the same name.

use capt_testing::{Fresh, Scenario, fixture, simulate};
use serde_json::json;

use super::{counts, row};
use crate::{CLUSTER, CONTROL_PLANE, INFRASTRUCTURE, MINUTE, SECOND, VPC, VPC_APPLY, ready};

fn is_deleting(world: &Scenario, object: &str) -> bool {
    world.at(object, "/metadata/deletionTimestamp") != json!(null)
}

/// Applies the cluster again and again, as somebody does who does not wait, until it is the new one that is there.
async fn insist(world: &Scenario) {
    for _ in 0..200 {
        world.apply(fixture::CLUSTER).await;
        let gone = [CLUSTER, INFRASTRUCTURE, CONTROL_PLANE]
            .iter()
            .any(|object| is_deleting(world, object));
        if !gone {
            return;
        }
        world.pass(5 * SECOND).await;
    }
    panic!("the old cluster is still there:\n{}", world.transcript());
}

#[test]
fn recreated_at_once() {
    row(
        "recreated-at-once",
        "a ready cluster is deleted and applied again at once, while the old one is being destroyed",
        "Finishes the deletion first, because the names are taken until then; the new cluster begins from nothing.",
    )
    .play(async |account| {
        let world = ready().await;
        let old = world.at(CONTROL_PLANE, "/metadata/uid");
        world.delete(CLUSTER).await;
        world.pass(SECOND).await;
        world.apply(fixture::CLUSTER).await;
        world.pass(SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        insist(&world).await;
        account
            .ends_as_fresh(&world, &[&fixture::templates(), fixture::CLUSTER])
            .await;
        assert_ne!(world.at(CONTROL_PLANE, "/metadata/uid"), old);
        for label in super::LABELS {
            assert_eq!(counts(&world, label), (3, 2, 1), "{label}");
        }
        account.least("each workspace is applied, destroyed and applied");
    });
}

#[test]
fn a_new_cluster_at_every_step_of_the_end_of_the_old_one() {
    simulate(async {
        let mut fresh = None;
        let mut played = 0;
        for nth in (1..).step_by(super::stride(8)) {
            let world = ready().await;
            let (reached, ()) = tokio::join!(biased; world.at_step(nth), world.delete(CLUSTER));
            if !reached {
                break;
            }
            played += 1;
            world.heading(&format!("again, at step {nth}"));
            insist(&world).await;
            if fresh.is_none() {
                world.until_quiet().await;
                fresh = Some(Fresh::start(&world, &[&fixture::templates(), fixture::CLUSTER]).await);
            }
            if let Some(fresh) = &fresh {
                fresh.is_reached_by(&world).await;
            }
            for label in super::LABELS {
                assert!(counts(&world, label).1 <= 2, "{label}:\n{}", world.transcript());
            }
        }
        assert!(played > 2, "only {played} steps");
    });
}

#[test]
fn control_plane_recreated_while_the_cluster_stays() {
    row(
        "control-plane-recreated",
        "the CAPTControlPlane alone is deleted and created again; the Cluster and its VPC stay",
        "Destroys the control plane and makes a new one in the same VPC. Cluster API never changes an endpoint that \
         a Cluster has: that of the Cluster stays the old one until somebody edits it.",
    )
    .play(async |account| {
        let world = ready().await;
        world.delete(CONTROL_PLANE).await;
        world.pass(SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        world.until_gone(CONTROL_PLANE, 5 * MINUTE).await;
        world.apply(fixture::CLUSTER).await;
        world.pass(SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        world.until_state(CONTROL_PLANE, "Ready", 5 * MINUTE).await;
        assert_eq!(counts(&world, "demo-vpc"), (1, 1, 0));
        let host = "/spec/controlPlaneEndpoint/host";
        let new = world.at(CONTROL_PLANE, host);
        assert_ne!(world.at(CLUSTER, host), new);
        world
            .patch(CLUSTER, json!({ "spec": { "controlPlaneEndpoint": { "host": new } } }))
            .await;
        account
            .ends_as_fresh(&world, &[&fixture::templates(), fixture::CLUSTER])
            .await;
        account.least("the VPC is not touched; the others are applied, destroyed and applied");
    });
}

#[test]
fn cluster_recreated_over_a_retained_vpc() {
    row(
        "recreated-over-a-retained-vpc",
        "a cluster whose VPC is retained is deleted and created again",
        "Adopts the VPC that stayed behind instead of making a second one.",
    )
    .play(async |account| {
        let manifest = fixture::CLUSTER.replace("retainVpcOnDelete: false", "retainVpcOnDelete: true");
        let world = crate::with_templates().await;
        world.apply(&manifest).await;
        crate::until_ready(&world).await;
        world.delete(CLUSTER).await;
        world.until_gone(CLUSTER, 10 * MINUTE).await;
        account.sees(&world, VPC);
        world.apply(&manifest).await;
        world.pass(SECOND).await;
        account.sees(&world, VPC_APPLY);
        account
            .ends_as_fresh(&world, &[&fixture::templates(), &manifest])
            .await;
        assert_eq!(counts(&world, "demo-vpc").1, 1);
        account.least("the VPC was applied once, and is the same");
    });
}
