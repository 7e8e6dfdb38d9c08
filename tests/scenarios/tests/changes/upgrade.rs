//! The version of a cluster.

use capt_testing::{fixture, simulate};
use serde_json::json;

use super::{at_steps_of_creation, counts, row};
use crate::{CONTROL_PLANE, EKS, MINUTE, SECOND, ordered, ready};

fn raised() -> String {
    let raised = fixture::CLUSTER.replace("\"1.31\"", "\"1.32\"");
    assert_ne!(raised, fixture::CLUSTER);
    raised
}

#[test]
fn upgrade() {
    row(
        "upgrade",
        "spec.version of a ready control plane is raised",
        "Applies the EKS workspace once with the new version; the cluster stays Ready, its VPC is not touched.",
    )
    .play(async |account| {
        let world = ready().await;
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.32" } }))
            .await;
        world.pass(10 * SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        world
            .until("the new version", 2 * MINUTE, |world| {
                world.at(CONTROL_PLANE, "/status/version") == "v1.32"
            })
            .await;
        world.until_quiet().await;
        account.sees(&world, CONTROL_PLANE);
        let transcript = world.transcript();
        for lost in ["-Ready", "-Available", "-Initialized"] {
            assert!(!transcript.contains(lost), "{transcript}");
        }
        assert!(!transcript.contains("terraform demo-vpc"), "{transcript}");
        assert_eq!(counts(&world, "demo-vpc"), (1, 1, 0));
        assert_eq!(counts(&world, "demo-eks-controlplane"), (2, 2, 0));
        account.least("a new version needs one plan and one apply");
        account
            .ends_as_fresh(&world, &[&fixture::templates(), &raised()])
            .await;
    });
}

#[test]
fn version_bump_while_creating() {
    row(
        "version-bump-while-creating",
        "spec.version is raised while the control plane is being created",
        "Lets the apply that goes on end, because stopping it would leave a broken cluster, and applies the new \
         version after it. An apply that has not begun yet gives way and never begins.",
    )
    .play(async |account| {
        let world = ordered().await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| {
                counts(world, "demo-eks-controlplane").1 == 1
            })
            .await;
        world.pass(5 * SECOND).await;
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.32" } }))
            .await;
        world.pass(5 * SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        account.sees(&world, EKS);
        account
            .ends_as_fresh(&world, &[&fixture::templates(), &raised()])
            .await;
        assert_eq!(counts(&world, "demo-eks-controlplane"), (2, 2, 0));
        account.least("the apply that had begun, and one for the new version");
    });
}

/// At every step of the creation a new version costs one apply, unless it comes before the first one has begun: then
/// it costs nothing.
#[test]
fn a_version_bump_at_every_step() {
    simulate(async {
        at_steps_of_creation(
            (1, 4),
            &[&fixture::templates(), &raised()],
            async |world| {
                world
                    .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.32" } }))
                    .await;
            },
            |world, [_, (plans, applies, _), _]| {
                let (plans_after, applies_after, _) = counts(world, "demo-eks-controlplane");
                assert_eq!(
                    (plans_after, applies_after),
                    (plans + 1, applies + 1),
                    "{}",
                    world.transcript()
                );
                assert_eq!(counts(world, "demo-vpc"), (1, 1, 0));
                assert_eq!(counts(world, "demo-kubeconfig"), (1, 1, 0));
            },
        )
        .await;
    });
}
