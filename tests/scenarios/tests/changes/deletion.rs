//! Deletion in the middle of the creation.

use capt_testing::{fixture, simulate};

use super::{LABELS, at_steps_of_creation, counts, row};
use crate::{CLUSTER, CONTROL_PLANE, EKS, MINUTE, SECOND, ordered, remains};

#[test]
fn delete_while_creating() {
    row(
        "delete-while-creating",
        "the Cluster is deleted while its control plane is being applied",
        "Asks Terraform to stop softly, destroys what there is, the control plane before the VPC, and leaves nothing.",
    )
    .play(async |account| {
        let world = ordered().await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| {
                counts(world, "demo-eks-controlplane").1 == 1
            })
            .await;
        world.pass(3 * SECOND).await;
        world.delete(CLUSTER).await;
        world.pass(SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        account.sees(&world, EKS);
        account.ends_as_fresh(&world, &[&fixture::templates()]).await;
        assert_eq!(counts(&world, "demo-eks-controlplane"), (2, 1, 1));
        assert_eq!(counts(&world, "demo-vpc"), (2, 1, 1));
        account.least("one destroy for each workspace that was begun; the kubeconfig never was");
    });
}

/// Wherever the creation is, a deletion leaves nothing, and nothing is applied after it.
#[test]
fn a_deletion_at_every_step() {
    simulate(async {
        at_steps_of_creation(
            (2, 4),
            &[&fixture::templates()],
            async |world| world.delete(CLUSTER).await,
            |world, before| {
                assert_eq!(remains(world), [""; 0], "{}", world.transcript());
                for (label, (_, applies, _)) in LABELS.iter().zip(before) {
                    let (_, applies_after, destroys) = counts(world, label);
                    assert_eq!(applies_after, applies, "{label}:\n{}", world.transcript());
                    assert!(destroys <= applies, "{label}:\n{}", world.transcript());
                }
            },
        )
        .await;
    });
}
