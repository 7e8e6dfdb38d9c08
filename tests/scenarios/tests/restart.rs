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

/// Lets every operator die right after its `nth` milestone, until it is so; how many have died.
async fn crash_until(world: &mut Scenario, nth: u32, is_so: impl Fn(&Scenario) -> bool) -> u32 {
    let mut crashes = 0;
    while !is_so(world) {
        world.crash_at_milestone(nth);
        world
            .until("a crash or the end", 10 * MINUTE, |world| {
                world.is_crashed() || is_so(world)
            })
            .await;
        if world.is_crashed() {
            crashes += 1;
            assert!(
                crashes < 200,
                "the operators get nowhere:\n{}",
                world.transcript()
            );
            world.pass(SECOND).await;
            world.start_operator();
        }
    }
    crashes
}

fn is_ready(world: &Scenario) -> bool {
    world.at(CLUSTER, "/status/phase") == "Provisioned" && world.state(CONTROL_PLANE) == "Ready"
}

/// Creates and deletes a cluster with operators that all die right after their `nth` milestone.
fn a_life_of_crashes(nth: u32) {
    simulate(async {
        let mut world = ordered().await;
        let crashes = crash_until(&mut world, nth, is_ready).await;
        assert!(crashes * nth > 25, "only {crashes} crashes on the way to Ready");
        world.pass(MINUTE).await;
        each_workspace_was_applied_once(&world, "crashes");

        world.delete(CLUSTER).await;
        let crashes = crash_until(&mut world, nth, |world| world.object(CLUSTER).is_none()).await;
        assert!(crashes * nth > 10, "only {crashes} crashes on the way out");
        world.pass(MINUTE).await;
        assert_eq!(remains(&world), [""; 0], "{}", world.transcript());
        for label in ["demo-vpc", "demo-eks-controlplane", "demo-kubeconfig"] {
            assert_eq!(world.cloud().resources(label), [""; 0], "{label}");
        }
    });
}

#[test]
fn every_operator_dies_at_its_first_milestone() {
    a_life_of_crashes(1);
}

#[test]
fn every_operator_dies_at_its_second_milestone() {
    a_life_of_crashes(2);
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
