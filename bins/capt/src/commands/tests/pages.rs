//! The pages of clusters in every condition: those of the guide, and those that a person meets on bad days.

use capt_api::keys;
use capt_picture::page::Look;
use capt_testing::{Scenario, fixture, simulate};
use serde_json::json;

use super::world::{
    MINUTE, SECOND, next_step, ordered, page, part, ready, text, text_with, until_applies, with_templates,
};
use crate::cli::PageFormat;
use crate::commands::describe::render;
use crate::output::{golden, golden_block};

const GUIDE: &str = "../../docs/guide/describe.md";

/// A page that the guide shows.
fn in_the_guide(name: &str, text: &str) {
    golden_block(
        GUIDE,
        name,
        &format!("```console\n$ capt describe cluster demo\n{text}```\n"),
    );
}

fn broken_template() -> String {
    let broken = fixture::VPC_TEMPLATE.replace(
        "output \"vpc_id\" {\n            value = local.vpc_id",
        "output \"vpc_id\" {\n            value = local.vpc",
    );
    assert_ne!(broken, fixture::VPC_TEMPLATE);
    broken
}

#[test]
fn a_healthy_cluster_needs_nothing() {
    simulate(async {
        let world = ready().await;
        world.pass(90 * MINUTE).await;
        let text = text(&world).await;
        assert!(
            next_step(&text).starts_with("Next step: nothing need be done: all is as wanted"),
            "{text}"
        );
        in_the_guide("healthy", &text);
    });
}

#[test]
fn a_cluster_that_is_being_made_says_how_far_it_is() {
    simulate(async {
        let world = ordered().await;
        until_applies(&world, "demo-eks-controlplane", 1).await;
        world.pass(3 * SECOND).await;
        let text = text(&world).await;
        assert!(next_step(&text).starts_with("Next step: nothing need be done: the cluster is being made"));
        assert!(next_step(&text).contains("capt watch cluster demo -n default"));
        in_the_guide("provisioning", &text);
    });
}

#[test]
fn a_cluster_that_fails_says_where_and_what_to_edit() {
    simulate(async {
        let world = with_templates().await;
        world.apply(&broken_template()).await;
        world.apply(fixture::CLUSTER).await;
        world.until_state("CAPTCluster/demo", "Failed", MINUTE).await;
        world.pass(30 * SECOND).await;
        let text = text(&world).await;
        let next = next_step(&text);
        assert!(
            next.contains("kubectl -n default edit workspacetemplate vpc-template"),
            "{text}"
        );
        assert!(text.contains("Reference to undeclared local value"), "{text}");
        in_the_guide("failing", &text);
        // The README shows what matters most of it.
        let short = ["Objects:", "Failing:", "Next step:"].map(|heading| part(&text, heading));
        let short = short.join("\n");
        let short = format!("```console\n$ capt describe cluster demo\n{short}```\n");
        golden_block("../../README.md", "describe", &short);
    });
}

#[test]
fn a_cluster_that_is_being_deleted_says_what_is_destroyed() {
    simulate(async {
        let world = ready().await;
        world.delete("Cluster/demo").await;
        world
            .until("the destroy of EKS", 2 * MINUTE, |world| {
                world.cloud().counters("demo-eks-controlplane").destroys == 1
            })
            .await;
        world.pass(2 * SECOND).await;
        let destroyed = "TerraformWorkspace/demo-eks-controlplane is being destroyed";
        let text = text_with(&world, &["State:      Deleting", destroyed]).await;
        in_the_guide("deleting", &text);
    });
}

#[test]
fn what_fails_and_is_tried_again_says_when() {
    simulate(async {
        let world = ordered().await;
        world
            .cloud()
            .fail("demo-vpc", "ThrottlingException: Rate exceeded", 5);
        world
            .until("the second failure", 10 * MINUTE, |world| {
                world.at("TerraformWorkspace/demo-vpc", "/status/recovery/failedAttempts") == 2
            })
            .await;
        world.pass(SECOND).await;
        let nothing = "\nNext step: nothing need be done: ";
        let text = text_with(&world, &["2 have failed in a row, the next in ", nothing]).await;
        golden("tests/golden/describe-recovering.txt", &text);
    });
}

#[test]
fn an_update_keeps_the_old_version_in_view() {
    simulate(async {
        let world = ready().await;
        world
            .patch("CAPTControlPlane/demo", json!({ "spec": { "version": "1.32" } }))
            .await;
        until_applies(&world, "demo-eks-controlplane", 2).await;
        world.pass(SECOND).await;
        let text = text(&world).await;
        assert!(text.contains("v1.31 runs, v1.32 is wanted"), "{text}");
        assert!(text.contains("State:      Updating"), "{text}");
        golden("tests/golden/describe-updating.txt", &text);
    });
}

#[test]
fn what_is_missing_is_named_with_the_field_that_names_it() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(fixture::VPC_TEMPLATE).await;
        let cluster = fixture::CLUSTER.split("---").next().unwrap();
        let cluster = cluster.replace(
            "kind: CAPTControlPlane, name: demo",
            "kind: CAPTControlPlane, name: other",
        );
        world.apply(&cluster).await;
        world.apply(fixture::CLUSTER.split_once("---\n").unwrap().1).await;
        world.pass(2 * MINUTE).await;
        let text = text(&world).await;
        let step = "Cluster/demo refers to CAPTControlPlane/other, which does not exist: create it, or correct \
                    spec.controlPlaneRef of Cluster/demo";
        assert!(next_step(&text).contains(step), "{text}");
        golden("tests/golden/describe-missing.txt", &text);
    });
}

#[test]
fn a_missing_template_is_waited_for_and_named() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(fixture::VPC_TEMPLATE).await;
        world.apply(fixture::CLUSTER).await;
        world.pass(5 * MINUTE).await;
        let text = text(&world).await;
        assert!(text.contains("State:      Waiting, see the next step"), "{text}");
        let next = next_step(&text);
        assert!(
            next.contains("WorkspaceTemplate/eks-controlplane-template, which does not exist"),
            "{text}"
        );
        // The Secrets that workspaces write are no business of a person.
        assert!(!next.contains("Secret/"), "{text}");
    });
}

#[test]
fn a_pause_says_how_to_take_it_away() {
    simulate(async {
        let world = ready().await;
        world
            .patch("Cluster/demo", json!({ "spec": { "paused": true } }))
            .await;
        world.pass(MINUTE).await;
        let text = text(&world).await;
        assert!(text.contains("State:      Paused"), "{text}");
        let next = next_step(&text);
        assert!(
            next.contains("kubectl -n default patch cluster demo --type merge"),
            "{next}"
        );
        assert!(!next.contains("captcluster"), "one command is enough: {next}");

        world
            .patch("Cluster/demo", json!({ "spec": { "paused": false } }))
            .await;
        world.annotate("CAPTCluster/demo", keys::PAUSED, Some("")).await;
        world.pass(MINUTE).await;
        let text = super::world::text(&world).await;
        assert!(
            next_step(&text)
                .contains("kubectl -n default annotate captcluster demo cluster.x-k8s.io/paused-"),
            "{text}"
        );
    });
}

#[test]
fn nobody_at_work_is_found_out() {
    simulate(async {
        let mut world = with_templates().await;
        world.stop_operator().await;
        world.apply(fixture::CLUSTER).await;
        world.pass(5 * SECOND).await;
        // There is time to look.
        assert!(!text(&world).await.contains("capt-operator"));
        world.pass(MINUTE).await;
        let text = text(&world).await;
        assert!(next_step(&text).contains("see that capt-operator runs"), "{text}");
    });
}

#[test]
fn a_shared_vpc_hangs_below_the_cluster_that_uses_it() {
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
            .apply(&fixture::CLUSTER.replace(network, "vpcWorkspaceRef: {name: net}"))
            .await;
        world.until_state("CAPTCluster/demo", "Ready", 2 * MINUTE).await;
        let text = text(&world).await;
        assert!(text.contains("  ├─ CAPTCluster/demo "), "{text}");
        assert!(
            text.contains("  │  └─ WorkspaceTemplateApply/net-apply "),
            "{text}"
        );
        assert!(text.contains("  │     └─ TerraformWorkspace/net "), "{text}");
        assert!(text.contains("which other clusters may share"), "{text}");
    });
}

#[test]
fn a_vpc_that_exists_already_and_a_control_plane_too_many_are_said() {
    simulate(async {
        let world = with_templates().await;
        let network = "vpcTemplateRef: {name: vpc-template, namespace: default}\n  retainVpcOnDelete: false";
        world
            .apply(&fixture::CLUSTER.replace(network, "existingVpcId: vpc-0123"))
            .await;
        let second = fixture::CLUSTER.rsplit("---\n").next().unwrap();
        let second = second.replace(
            "metadata: {name: demo, namespace: default}",
            "metadata: {name: second, namespace: default, labels: {cluster.x-k8s.io/cluster-name: demo}}",
        );
        world.apply(&second).await;
        world.pass(MINUTE).await;
        let text = text(&world).await;
        assert!(
            text.contains("uses the VPC vpc-0123, which exists already"),
            "{text}"
        );
        assert!(
            text.contains("it has the label of this Cluster, which uses CAPTControlPlane/demo instead"),
            "{text}"
        );
    });
}

#[test]
fn a_message_with_many_lines_stays_in_its_place() {
    simulate(async {
        let world = ordered().await;
        let odd = "Something odd happened: it has many lines\n  Who: somebody@elsewhere\n  Path: x\n\u{1b}[31mand \
                   colours\u{1b}[0m\r\n";
        world.cloud().fail("demo-vpc", odd, 3);
        world
            .until("a failure", 5 * MINUTE, |world| {
                world.at("TerraformWorkspace/demo-vpc", "/status/fault") != json!(null)
            })
            .await;
        world.pass(SECOND).await;
        let page = page(&world).await;
        for width in [None, Some(40), Some(80)] {
            let look = Look {
                width,
                color: false,
                all_conditions: true,
            };
            let text = render(&page, PageFormat::Text, look).unwrap();
            assert!(!text.contains('\u{1b}'), "{text}");
            let tree: Vec<&str> = text
                .lines()
                .skip_while(|line| *line != "Objects:")
                .take_while(|line| !line.is_empty())
                .collect();
            assert!(tree.iter().skip(1).all(|line| line.starts_with("  ")), "{text}");
            let said = text
                .lines()
                .filter(|line| line.trim() == "Who: somebody@elsewhere");
            assert_eq!(said.clone().count(), 1, "{text}");
            assert!(said.into_iter().all(|line| line.starts_with("    ")), "{text}");
        }
    });
}

#[test]
fn a_page_fits_its_terminal() {
    simulate(async {
        let world = ordered().await;
        until_applies(&world, "demo-eks-controlplane", 1).await;
        world.pass(3 * SECOND).await;
        let page = page(&world).await;
        let look = Look {
            width: Some(80),
            color: false,
            all_conditions: false,
        };
        let text = render(&page, PageFormat::Text, look).unwrap();
        golden("tests/golden/describe-80-columns.txt", &text);
        let colored = render(&page, PageFormat::Text, Look { color: true, ..look }).unwrap();
        assert!(colored.contains("\u{1b}[33m"), "{colored}");
        // Colours are all that is different.
        let mut plain = String::new();
        let mut parts = colored.split("\u{1b}[");
        plain.push_str(parts.next().unwrap());
        for part in parts {
            plain.push_str(part.split_once('m').unwrap().1);
        }
        assert_eq!(plain, text);
    });
}

#[test]
fn all_conditions_are_shown_to_who_asks_for_them() {
    simulate(async {
        let world = ready().await;
        let page = page(&world).await;
        let text = page.text(Look {
            all_conditions: true,
            ..Look::default()
        });
        for object in &page.objects {
            for condition in &object.conditions {
                let line = format!("{}={} ({})", condition.kind, condition.status, condition.reason);
                assert!(text.contains(&line), "{line}\n{text}");
            }
        }
        assert!(
            !page.text(Look::default()).contains("Conditions"),
            "all is as wanted"
        );
    });
}

#[test]
fn programs_get_the_same_page() {
    simulate(async {
        let world = with_templates().await;
        world.apply(&broken_template()).await;
        world.apply(fixture::CLUSTER).await;
        world.until_state("CAPTCluster/demo", "Failed", MINUTE).await;
        world.pass(30 * SECOND).await;
        let page = page(&world).await;
        let json = render(&page, PageFormat::Json, Look::default()).unwrap();
        golden("tests/golden/describe-failing.json", &json);
        let yaml = render(&page, PageFormat::Yaml, Look::default()).unwrap();
        let from_json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let from_yaml: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(from_json, from_yaml);
        assert_eq!(from_json["nextStep"]["needed"], true);
        assert_eq!(
            from_json["failures"][0]["place"]["field"],
            "spec.template.spec.forProvider.module"
        );
    });
}
