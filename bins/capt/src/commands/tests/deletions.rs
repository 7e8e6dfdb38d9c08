//! Pages of clusters of which somebody has deleted a part by hand.

use capt_testing::{Scenario, fixture, simulate};
use serde_json::json;

use super::world::{MINUTE, SECOND, next_step, page, part, ready, text, with_templates};
use crate::cli::GraphFormat;
use crate::commands::graph;
use crate::output::{golden, golden_block};

/// The last part of the page, on one line.
async fn next(world: &Scenario) -> String {
    let text = text(world).await;
    next_step(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_workspace_that_others_need_waits_and_says_for_whom() {
    simulate(async {
        let world = ready().await;
        world.delete("TerraformWorkspace/demo-vpc").await;
        world.pass(3 * MINUTE).await;
        let shown = text(&world).await;
        assert!(
            shown.contains("State:      Waiting, see the next step"),
            "{shown}"
        );
        golden("tests/golden/describe-workspace-deleted.txt", &shown);
        let parts = [part(&shown, "Objects:"), part(&shown, "Next step:")].join("\n");
        let block = format!("```console\n$ capt describe cluster demo\n{parts}```\n");
        golden_block("../../docs/guide/describe.md", "part-deleted", &block);
        let said = next(&world).await;
        for part in [
            "TerraformWorkspace/demo-vpc is being deleted, but WorkspaceTemplateApply/demo-vpc, for which it was made, \
             is not",
            "Nothing happens to it while TerraformWorkspace/demo-eks-controlplane needs it",
            "WorkspaceTemplateApply/demo-vpc has it made anew",
            "kubectl -n default delete cluster demo",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
        assert!(!said.contains("nothing need be done"), "{said}");
        assert!(page(&world).await.next_step.needed);
        let gathered = super::world::gathered(&world).await.unwrap();
        let drawn = graph::draw(&gathered.picture, GraphFormat::Text).unwrap();
        assert!(
            drawn.contains("TerraformWorkspace/demo-vpc  Deleting (waits)"),
            "{drawn}"
        );
        // With the cluster it goes, and nobody has to do more.
        world.delete("Cluster/demo").await;
        world.pass(5 * SECOND).await;
        let said = next(&world).await;
        assert!(said.starts_with("Next step: nothing need be done: "), "{said}");
        world.until_gone("Cluster/demo", 10 * MINUTE).await;
        assert_eq!(world.cloud().counters("demo-vpc").destroys, 1);
    });
}

#[test]
fn what_nobody_needs_is_destroyed_and_what_it_was_made_for_sees_to_it() {
    simulate(async {
        for (object, applies) in [
            ("TerraformWorkspace/demo-kubeconfig", 2),
            // The kubeconfig is there, and is not made again before it has to be another one.
            ("WorkspaceTemplateApply/demo-kubeconfig-apply", 1),
        ] {
            let world = ready().await;
            world.delete(object).await;
            world.pass(SECOND).await;
            let said = next(&world).await;
            let begin = format!("Next step: {object} is being deleted, but ");
            assert!(said.starts_with(&begin), "{said}");
            assert!(said.contains("has it made anew"), "{said}");
            assert!(said.contains("capt watch cluster demo"), "{said}");
            assert!(!page(&world).await.next_step.needed, "{said}");
            world.pass(15 * MINUTE).await;
            let counters = world.cloud().counters("demo-kubeconfig");
            assert_eq!((counters.destroys, counters.applies), (1, applies), "{object}");
            let said = next(&world).await;
            assert!(
                said.starts_with("Next step: nothing need be done: all is as wanted"),
                "{said}"
            );
        }
    });
}

#[test]
fn a_part_of_the_cluster_that_is_deleted_is_not_made_anew_by_itself() {
    simulate(async {
        let world = ready().await;
        world.delete("CAPTCluster/demo").await;
        world.pass(2 * MINUTE).await;
        let said = next(&world).await;
        for part in [
            "CAPTCluster/demo is being deleted, but Cluster/demo, which uses it, is not",
            "Nothing happens to it while CAPTControlPlane/demo needs it",
            "Cluster/demo has none until somebody makes it anew",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
        world.delete("CAPTControlPlane/demo").await;
        world.until_gone("CAPTCluster/demo", 10 * MINUTE).await;
        world.pass(MINUTE).await;
        let said = next(&world).await;
        assert!(
            said.contains("Cluster/demo refers to CAPTCluster/demo, which does not exist"),
            "{said}"
        );
    });
}

#[test]
fn a_shared_network_says_which_cluster_lives_in_it() {
    simulate(async {
        let world = with_templates().await;
        world
            .apply(
                "apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\nkind: WorkspaceTemplateApply\n\
                 metadata: {name: net-apply, namespace: default}\nspec:\n  templateRef: {name: vpc-template}\n  \
                 variables: {vpc_name: net, cluster_name: all}\n",
            )
            .await;
        let network = "vpcTemplateRef: {name: vpc-template, namespace: default}\n  retainVpcOnDelete: false";
        world
            .apply(&fixture::CLUSTER.replace(network, "vpcWorkspaceRef: {name: net-apply}"))
            .await;
        world.until_state("CAPTCluster/demo", "Ready", 5 * MINUTE).await;
        world.pass(MINUTE).await;
        world.delete("WorkspaceTemplateApply/net-apply").await;
        world.pass(2 * MINUTE).await;
        let said = next(&world).await;
        let part = "WorkspaceTemplateApply/net-apply is being deleted, but CAPTCluster/demo, which uses it, is not. \
                    Nothing happens to it while ";
        assert!(said.contains(part), "{said}");
        assert!(said.contains("CAPTCluster/demo need"), "{said}");
        assert_eq!(said.matches("is being deleted").count(), 1, "{said}");
    });
}

#[test]
fn a_deletion_that_nobody_sees_to_is_found_out() {
    simulate(async {
        let mut world = ready().await;
        world.stop_operator().await;
        world.delete("TerraformWorkspace/demo-eks-controlplane").await;
        world.pass(MINUTE).await;
        let said = next(&world).await;
        assert!(
            said.contains(
                "TerraformWorkspace/demo-eks-controlplane is being deleted for 1m0s, and nobody has looked"
            ),
            "{said}"
        );
        assert!(said.contains("see that capt-operator runs"), "{said}");
    });
}

#[test]
fn a_finalizer_of_somebody_else_is_named() {
    simulate(async {
        let world = ready().await;
        let object = "TerraformWorkspace/demo-kubeconfig";
        let mut finalizers = world.at(object, "/metadata/finalizers");
        finalizers
            .as_array_mut()
            .unwrap()
            .push(json!("example.com/audit"));
        world
            .patch(object, json!({ "metadata": { "finalizers": finalizers } }))
            .await;
        world.delete("Cluster/demo").await;
        world.pass(5 * MINUTE).await;
        let said = next(&world).await;
        assert!(
            said.contains("TerraformWorkspace/demo-kubeconfig is being deleted for")
                && said.contains("is kept by the finalizer example.com/audit of somebody else"),
            "{said}"
        );
    });
}
