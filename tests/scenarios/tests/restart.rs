//! The operator dies and comes back.

use capt_testing::{Scenario, simulate};

use crate::{CLUSTER, CONTROL_PLANE, MINUTE, SECOND, ordered, ready, remains, until_ready};

fn each_workspace_was_applied_once(world: &Scenario, context: &str) {
    for label in ["demo-vpc", "demo-eks-controlplane", "demo-kubeconfig"] {
        let counters = world.cloud().counters(label);
        assert_eq!(
            (counters.runs, counters.applies),
            (1, 1),
            "{label}, {context}:\n{}",
            world.transcript()
        );
    }
}

#[test]
fn killed_in_the_middle_of_the_apply_of_the_control_plane() {
    simulate(async {
        let mut world = ordered().await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| {
                world.cloud().counters("demo-eks-controlplane").applies == 1
            })
            .await;
        world.pass(5 * SECOND).await;
        world.clear_transcript();
        world.kill_operator().await;
        world.pass(5 * SECOND).await;
        world.heading("a new operator");
        world.start_operator();
        until_ready(&world).await;
        each_workspace_was_applied_once(&world, "killed in the apply");
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn away_until_long_after_the_apply_has_ended() {
    simulate(async {
        let mut world = ordered().await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| {
                world.cloud().counters("demo-eks-controlplane").applies == 1
            })
            .await;
        world.kill_operator().await;
        world.pass(180 * MINUTE).await;
        world.start_operator();
        until_ready(&world).await;
        each_workspace_was_applied_once(&world, "away for hours");
    });
}

#[test]
fn stopped_in_order_and_started_again() {
    simulate(async {
        let mut world = ordered().await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| {
                world.cloud().counters("demo-eks-controlplane").applies == 1
            })
            .await;
        world.stop_operator().await;
        world.start_operator();
        until_ready(&world).await;
        each_workspace_was_applied_once(&world, "stopped in order");
    });
}

/// Creates the cluster while the operator dies right after its `nth` write; whether it came to that write.
async fn create_with_a_crash(nth: u32) -> bool {
    let mut world = crate::with_templates().await;
    world.crash_at_write(nth);
    world.apply(capt_testing::fixture::CLUSTER).await;
    let is_ready = |world: &Scenario| {
        world.at(CLUSTER, "/status/phase") == "Provisioned" && world.state(CONTROL_PLANE) == "Ready"
    };
    world
        .until("a crash or Ready", 5 * MINUTE, |world| {
            world.is_crashed() || is_ready(world)
        })
        .await;
    let crashed = world.is_crashed();
    if crashed {
        world.pass(SECOND).await;
        world.start_operator();
    }
    until_ready(&world).await;
    world.pass(MINUTE).await;
    each_workspace_was_applied_once(&world, &format!("crash at write {nth}"));
    crashed
}

#[test]
fn killed_after_each_of_its_writes() {
    let mut crashes = 0;
    while simulate(create_with_a_crash(crashes + 1)) {
        crashes += 1;
    }
    assert!(crashes > 30, "only {crashes} writes from the manifest to Ready");
}

/// Deletes the cluster while the operator dies right after its `nth` write; whether it came to that write.
async fn delete_with_a_crash(nth: u32) -> bool {
    let mut world = ready().await;
    world.crash_at_write(nth);
    world.delete(CLUSTER).await;
    world
        .until("a crash or gone", 10 * MINUTE, |world| {
            world.is_crashed() || world.object(CLUSTER).is_none()
        })
        .await;
    let crashed = world.is_crashed();
    if crashed {
        world.pass(SECOND).await;
        world.start_operator();
    }
    world.until_gone(CLUSTER, 10 * MINUTE).await;
    world.pass(MINUTE).await;
    assert_eq!(
        remains(&world),
        [""; 0],
        "crash at write {nth}:\n{}",
        world.transcript()
    );
    for label in ["demo-vpc", "demo-eks-controlplane"] {
        assert_eq!(
            world.cloud().resources(label),
            [""; 0],
            "{label}, crash at write {nth}"
        );
    }
    crashed
}

#[test]
fn killed_after_each_write_of_a_deletion() {
    let mut crashes = 0;
    while simulate(delete_with_a_crash(crashes + 1)) {
        crashes += 1;
    }
    assert!(crashes > 10, "only {crashes} writes to delete a cluster");
}

#[test]
fn a_status_that_was_lost_is_built_again_without_a_new_apply() {
    simulate(async {
        let mut world = ready().await;
        world.stop_operator().await;
        for object in [
            crate::INFRASTRUCTURE,
            CONTROL_PLANE,
            crate::VPC_APPLY,
            crate::EKS_APPLY,
        ] {
            world.wipe_status(object).await;
        }
        world.start_operator();
        until_ready(&world).await;
        world.pass(MINUTE).await;
        each_workspace_was_applied_once(&world, "status lost");
    });
}
