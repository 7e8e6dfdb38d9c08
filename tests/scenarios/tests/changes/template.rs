//! Templates that change under the cluster that is made from them.

use capt_testing::{Scenario, fixture};

use super::{counts, row};
use crate::{CONTROL_PLANE, INFRASTRUCTURE, MINUTE, SECOND, VPC, VPC_APPLY, ordered, ready};

const TEMPLATE: &str = "WorkspaceTemplate/vpc-template";

fn with_a_third_zone() -> String {
    let template = fixture::VPC_TEMPLATE.replace("{ a = 0, c = 1 }", "{ a = 0, c = 1, d = 2 }");
    assert_ne!(template, fixture::VPC_TEMPLATE);
    template
}

async fn until_vpc_applies(world: &Scenario) {
    world
        .until("the apply of the VPC", MINUTE, |world| {
            counts(world, "demo-vpc").1 == 1
        })
        .await;
    world.pass(SECOND).await;
}

#[test]
fn template_edited_while_applying() {
    row(
        "template-edited-while-applying",
        "a template is edited while what is made from it is being applied",
        "Lets the apply end and applies the new template after it; the control plane waits for that one.",
    )
    .play(async |account| {
        let world = ordered().await;
        until_vpc_applies(&world).await;
        world.apply(&with_a_third_zone()).await;
        world.pass(SECOND).await;
        account.sees(&world, VPC_APPLY);
        account.sees(&world, CONTROL_PLANE);
        account
            .ends_as_fresh(
                &world,
                &[&fixture::templates(), &with_a_third_zone(), fixture::CLUSTER],
            )
            .await;
        assert_eq!(counts(&world, "demo-vpc"), (2, 2, 0));
        assert_eq!(counts(&world, "demo-eks-controlplane"), (1, 1, 0));
        account
            .least("the apply that had begun and one for the edit; EKS begins once, with the final network");
    });
}

#[test]
fn template_deleted_and_recreated_the_same() {
    row(
        "template-deleted-and-recreated",
        "a template is deleted and created again with the same content, while the cluster is ready",
        "Says that the template is missing, and leaves alone what was made from it; when the template is back, nothing is to be done.",
    )
    .play(async |account| {
        let world = ready().await;
        world.delete(TEMPLATE).await;
        world.pass(MINUTE).await;
        account.sees(&world, VPC_APPLY);
        account.sees(&world, INFRASTRUCTURE);
        world.apply(fixture::VPC_TEMPLATE).await;
        account
            .ends_as_fresh(&world, &[&fixture::templates(), fixture::CLUSTER])
            .await;
        assert_eq!(counts(&world, "demo-vpc"), (1, 1, 0));
        account.least("the content is the same, so nothing is to be applied");
    });
}

#[test]
fn template_deleted_and_recreated_with_other_content() {
    row(
        "template-replaced",
        "a template is deleted and created again with other content, while what is made from it is being applied",
        "Lets the apply end, and applies the new content after it.",
    )
    .play(async |account| {
        let world = ordered().await;
        until_vpc_applies(&world).await;
        world.delete(TEMPLATE).await;
        world.pass(SECOND).await;
        account.sees(&world, VPC_APPLY);
        world.pass(MINUTE).await;
        account.sees(&world, VPC);
        world.apply(&with_a_third_zone()).await;
        account
            .ends_as_fresh(
                &world,
                &[&fixture::templates(), &with_a_third_zone(), fixture::CLUSTER],
            )
            .await;
        assert_eq!(counts(&world, "demo-vpc"), (2, 2, 0));
        account.least(
            "the VPC: the apply that had begun, and one for the new content; EKS: it began while the template was \
             away, and the new content changes its network",
        );
    });
}
