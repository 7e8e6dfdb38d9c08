//! What a deletion needs is deleted before it.

use capt_testing::{Scenario, fixture};

use super::{counts, nothing_is_left, row};
use crate::{CLUSTER, MINUTE, SECOND, ready};

#[test]
fn namespace_of_a_ready_cluster() {
    row(
        "namespace-deleted",
        "kubectl delete namespace takes a ready cluster with everything that it is made from, Secrets and templates",
        "Destroys the control plane, then the VPC, with the inputs that were kept of the last applies. Then the \
         namespace goes.",
    )
    .play(async |account| {
        let team = |manifest: &str| manifest.replace("namespace: default", "namespace: team");
        let world = Scenario::start().await;
        world
            .apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n")
            .await;
        world.apply(&team(&fixture::templates())).await;
        world.apply(&team(fixture::CLUSTER)).await;
        world.until_quiet().await;
        assert_eq!(world.state("team/CAPTControlPlane/demo"), "Ready");
        world.delete("Namespace/team").await;
        world.pass(2 * SECOND).await;
        account.sees(&world, "team/TerraformWorkspace/demo-eks-controlplane");
        world.until_gone("Namespace/team", 10 * MINUTE).await;
        account.least("one destroy for each workspace");
        account.ends_as_fresh(&world, &[]).await;
        nothing_is_left(&world);
        assert_eq!(counts(&world), [(1, 1); 3]);
    });
}

#[test]
fn templates_and_secrets_before_the_cluster() {
    row(
        "inputs-deleted-before-the-cluster",
        "the templates and all Secrets are deleted, and the Cluster right after them",
        "Destroys with the inputs that were kept of the last applies.",
    )
    .play(async |account| {
        let world = ready().await;
        for template in world.names("WorkspaceTemplate") {
            world.delete(&template.replace('/', "/WorkspaceTemplate/")).await;
        }
        for secret in world.names("Secret") {
            world.delete(&secret.replace('/', "/Secret/")).await;
        }
        world.delete(CLUSTER).await;
        world.pass(2 * SECOND).await;
        account.sees(&world, "TerraformWorkspace/demo-eks-controlplane");
        account.least("one destroy for each workspace");
        account.ends_as_fresh(&world, &[]).await;
        nothing_is_left(&world);
        assert_eq!(counts(&world), [(1, 1); 3]);
    });
}

#[test]
fn what_could_never_be_applied() {
    row(
        "deleted-after-a-syntax-error",
        "a Cluster is deleted whose template has a syntax error, so that nothing was ever made",
        "Finds that there is nothing to destroy, and lets go without asking anybody to mend the template.",
    )
    .play(async |account| {
        let world = Scenario::start().await;
        let broken = fixture::VPC_TEMPLATE.replacen("resource \"", "resource = \"", 1);
        assert_ne!(broken, fixture::VPC_TEMPLATE);
        world.apply(&broken).await;
        world.apply(fixture::CLUSTER).await;
        world
            .until_state("TerraformWorkspace/demo-vpc", "Failed", 5 * MINUTE)
            .await;
        account.sees(&world, "CAPTCluster/demo");
        world.delete(CLUSTER).await;
        world.until_gone(CLUSTER, 2 * MINUTE).await;
        account.least("one run that finds that there is nothing to destroy");
        account.ends_as_fresh(&world, &[&broken]).await;
        nothing_is_left(&world);
        assert_eq!(counts(&world), [(0, 0); 3]);
    });
}
