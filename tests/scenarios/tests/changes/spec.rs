//! The spec of the cluster's own objects.

use capt_testing::{Scenario, fixture, simulate};
use serde_json::json;

use super::{at_steps_of_creation, counts, row};
use crate::{CONTROL_PLANE, EKS, EKS_APPLY, INFRASTRUCTURE, MINUTE, SECOND, ordered, ready};

async fn set_version(world: &Scenario, version: &str) {
    world
        .patch(CONTROL_PLANE, json!({ "spec": { "version": version } }))
        .await;
}

/// Waits until Terraform plans the `nth` time for EKS.
async fn until_plan(world: &Scenario, nth: u32) {
    world
        .until("the plan of EKS", 2 * MINUTE, |world| {
            counts(world, "demo-eks-controlplane").0 == nth
        })
        .await;
}

#[test]
fn spec_reverted_before_the_apply() {
    row(
        "spec-reverted-before-the-apply",
        "spec.version is raised by mistake and set back before the apply has begun",
        "Lets the run end before it changes anything; one more plan makes sure that everything is as it was.",
    )
    .play(async |account| {
        let world = ready().await;
        set_version(&world, "1.32").await;
        until_plan(&world, 2).await;
        account.sees(&world, CONTROL_PLANE);
        set_version(&world, "1.31").await;
        account
            .ends_as_fresh(&world, &[&fixture::templates(), fixture::CLUSTER])
            .await;
        account.sees(&world, CONTROL_PLANE);
        assert_eq!(counts(&world, "demo-eks-controlplane").1, 1);
        account.least(
            "no apply at all: the plan of the mistake is thrown away, that of the correction is empty",
        );
    });
}

#[test]
fn spec_reverted_during_the_apply() {
    row(
        "spec-reverted-during-the-apply",
        "spec.version is raised by mistake and set back while the apply is going on",
        "Lets the apply end and applies the old version after it; it says so meanwhile.",
    )
    .play(async |account| {
        let world = ready().await;
        set_version(&world, "1.32").await;
        world
            .until("the apply of EKS", MINUTE, |world| {
                counts(world, "demo-eks-controlplane").1 == 2
            })
            .await;
        world.pass(2 * SECOND).await;
        set_version(&world, "1.31").await;
        world.pass(2 * SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        account.sees(&world, EKS);
        account
            .ends_as_fresh(&world, &[&fixture::templates(), fixture::CLUSTER])
            .await;
        assert_eq!(counts(&world, "demo-eks-controlplane"), (3, 3, 0));
        account.least("the first, the one by mistake that had begun, and the one that takes it back");
    });
}

#[test]
fn spec_reverted_at_once() {
    row(
        "spec-reverted-at-once",
        "spec.version is raised and set back before anything has noticed",
        "Does nothing.",
    )
    .play(async |account| {
        let world = ready().await;
        tokio::join!(biased; set_version(&world, "1.32"), set_version(&world, "1.31"));
        account
            .ends_as_fresh(&world, &[&fixture::templates(), fixture::CLUSTER])
            .await;
        account.sees(&world, CONTROL_PLANE);
        assert_eq!(counts(&world, "demo-eks-controlplane").1, 1);
        account.least("nothing is to be applied");
    });
}

#[test]
fn timeouts_edited_while_creating() {
    row(
        "timeouts-edited-while-creating",
        "spec.timeouts is edited while the control plane is being created",
        "Shows the work as overdue by the new limit; no limit ever stops an apply, and none is an input of Terraform.",
    )
    .play(async |account| {
        let world = ordered().await;
        until_plan(&world, 1).await;
        world.pass(10 * SECOND).await;
        let timeouts = json!({ "controlPlane": "5s" });
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "timeouts": timeouts } }))
            .await;
        world.pass(SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "timeouts": { "controlPlane": "1h" } } }))
            .await;
        world.pass(SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        let manifest = fixture::CLUSTER.replace(
            "  version: \"1.31\"\n",
            "  version: \"1.31\"\n  timeouts: {controlPlane: 1h}\n",
        );
        account
            .ends_as_fresh(&world, &[&fixture::templates(), &manifest])
            .await;
        assert_eq!(counts(&world, "demo-eks-controlplane"), (1, 1, 0));
        account.least("a limit is no input: the one apply goes on");
    });
}

#[test]
fn owner_lost_and_back_while_creating() {
    row(
        "owner-lost-while-creating",
        "owner references of objects below the cluster are taken away while it is being created",
        "Puts them back; the work goes on.",
    )
    .play(async |account| {
        let world = ordered().await;
        until_plan(&world, 1).await;
        for object in [EKS_APPLY, EKS] {
            world
                .patch(object, json!({ "metadata": { "ownerReferences": null } }))
                .await;
        }
        world.pass(SECOND).await;
        account.sees(&world, EKS_APPLY);
        account
            .ends_as_fresh(&world, &[&fixture::templates(), fixture::CLUSTER])
            .await;
        assert_eq!(counts(&world, "demo-eks-controlplane"), (1, 1, 0));
        account.least("an owner is no input");
    });
}

#[test]
fn several_changes_at_once() {
    row(
        "several-changes-at-once",
        "version, tags, region of the cluster and the template of the VPC change in one moment, while it is being created",
        "Applies what it can at once, the rest when the new network is there.",
    )
    .play(async |account| {
        let world = ordered().await;
        until_plan(&world, 1).await;
        let vpc = fixture::VPC_TEMPLATE.replace("{ a = 0, c = 1 }", "{ a = 0, c = 1, d = 2 }");
        let manifest = fixture::CLUSTER
            .replace("\"1.31\"", "\"1.32\"")
            .replace("Environment: dev", "Environment: prod")
            .replace("region: ap-northeast-1", "region: eu-west-1");
        world.apply(&vpc).await;
        world.apply(&manifest).await;
        world.pass(SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        account.sees(&world, INFRASTRUCTURE);
        account
            .ends_as_fresh(&world, &[&fixture::templates(), &vpc, &manifest])
            .await;
        assert_eq!(counts(&world, "demo-vpc").1, 2);
        account.least("the VPC once more; EKS with the new version, and once more with the new network");
    });
}

/// A version that is raised and set back at any step of the creation leaves nothing behind.
#[test]
fn a_spec_reverted_at_every_step() {
    simulate(async {
        at_steps_of_creation(
            (3, 8),
            &[&fixture::templates(), fixture::CLUSTER],
            async |world| {
                set_version(world, "1.32").await;
                world.pass(SECOND).await;
                set_version(world, "1.31").await;
            },
            |world, _| {
                assert_eq!(counts(world, "demo-vpc"), (1, 1, 0));
                let applies = counts(world, "demo-eks-controlplane").1;
                assert!((1..=3).contains(&applies), "{}", world.transcript());
            },
        )
        .await;
    });
}
