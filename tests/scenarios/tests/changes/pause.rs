//! Pauses in the middle of the work.

use capt_testing::{fixture, simulate};
use serde_json::json;

use super::{at_steps_of_creation, counts, row};
use crate::{CLUSTER, CONTROL_PLANE, EKS, MINUTE, SECOND, ordered};

#[test]
fn paused_and_unpaused_mid_apply() {
    row(
        "paused-mid-apply",
        "the Cluster is paused while Terraform applies, its version is raised, and it goes on later",
        "Lets Terraform end what it has begun, begins nothing new, and goes on with the present spec afterwards.",
    )
    .play(async |account| {
        let world = ordered().await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| {
                counts(world, "demo-eks-controlplane").1 == 1
            })
            .await;
        world.patch(CLUSTER, json!({ "spec": { "paused": true } })).await;
        world.pass(SECOND).await;
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.32" } }))
            .await;
        world.pass(10 * MINUTE).await;
        account.sees(&world, CONTROL_PLANE);
        account.sees(&world, EKS);
        assert_eq!(counts(&world, "demo-eks-controlplane"), (1, 1, 0));
        world.patch(CLUSTER, json!({ "spec": { "paused": null } })).await;
        account
            .ends_as_fresh(
                &world,
                &[&fixture::templates(), &fixture::CLUSTER.replace("\"1.31\"", "\"1.32\"")],
            )
            .await;
        assert_eq!(counts(&world, "demo-eks-controlplane"), (2, 2, 0));
        account.least("the apply that had begun, and one for the version that was raised meanwhile");
    });
}

#[test]
fn a_pause_at_every_step() {
    simulate(async {
        at_steps_of_creation(
            (4, 8),
            &[&fixture::templates(), fixture::CLUSTER],
            async |world| {
                world.patch(CLUSTER, json!({ "spec": { "paused": true } })).await;
                world.pass(20 * MINUTE).await;
                let before = world.terraform_operations();
                world.pass(20 * MINUTE).await;
                assert_eq!(
                    world.terraform_operations(),
                    before,
                    "something goes on while it is paused"
                );
                world.patch(CLUSTER, json!({ "spec": { "paused": null } })).await;
            },
            |world, _| {
                for label in super::LABELS {
                    assert_eq!(counts(world, label).1, 1, "{label}:\n{}", world.transcript());
                }
            },
        )
        .await;
    });
}
