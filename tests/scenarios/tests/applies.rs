//! `WorkspaceTemplateApply` on its own: templates, what they wait for, what becomes of their workspaces.

use capt_testing::{Scenario, fixture, simulate};
use serde_json::json;

use crate::MINUTE;

/// An apply of the VPC template.
pub(crate) const NET: &str = r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata: {name: net-apply, namespace: default}
spec:
  templateRef: {name: vpc-template, namespace: default}
  variables: {vpc_name: net, cluster_name: demo}
";

/// An apply of the VPC template that waits for another workspace.
fn waiting(name: &str, on: &str) -> String {
    let named = NET
        .replace("net-apply", name)
        .replace("vpc_name: net", &format!("vpc_name: {name}"));
    named.trim_end().to_owned() + &format!("\n  waitForWorkspaces: [{{name: {on}}}]\n")
}

#[test]
fn an_apply_on_its_own() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(fixture::VPC_TEMPLATE).await;
        world.apply(NET).await;
        world
            .until_state("WorkspaceTemplateApply/net-apply", "Ready", MINUTE)
            .await;
        assert_eq!(
            world.at("WorkspaceTemplateApply/net-apply", "/status/workspaceName"),
            "net"
        );
        assert_eq!(
            world.at("WorkspaceTemplateApply/net-apply", "/status/applied"),
            true
        );
        assert_ne!(world.secret("Secret/net-vpc-connection", "vpc_id"), "");
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn workspaces_that_are_waited_for_come_first() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(fixture::VPC_TEMPLATE).await;
        world.apply(&waiting("second", "first")).await;
        world.pass(MINUTE).await;
        assert_eq!(world.terraform_operations(), 0);
        assert!(
            world
                .at("WorkspaceTemplateApply/second", "/status/waits")
                .to_string()
                .contains("first")
        );
        world
            .apply(
                &NET.replace("net-apply", "first")
                    .replace("vpc_name: net", "vpc_name: first"),
            )
            .await;
        world
            .until_state("WorkspaceTemplateApply/second", "Ready", MINUTE)
            .await;
        assert_eq!(world.cloud().counters("first").applies, 1);
    });
}

#[test]
fn applies_that_wait_for_each_other_name_the_cycle() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(fixture::VPC_TEMPLATE).await;
        for (name, on) in [("a", "b"), ("b", "c"), ("c", "a")] {
            world.apply(&waiting(name, on)).await;
        }
        for name in ["a", "b", "c"] {
            let apply = format!("WorkspaceTemplateApply/{name}");
            world.until_state(&apply, "Failed", MINUTE).await;
        }
        let message = world.condition("WorkspaceTemplateApply/a", "Ready")["message"]
            .as_str()
            .unwrap()
            .to_owned();
        for name in ["a", "b", "c"] {
            assert!(message.contains(&format!("/{name}")), "{message}");
        }
        assert_eq!(world.terraform_operations(), 0);
        insta::assert_snapshot!("cycle", message);

        // Who opens the cycle gets what was asked for.
        world
            .patch(
                "WorkspaceTemplateApply/c",
                json!({ "spec": { "waitForWorkspaces": null } }),
            )
            .await;
        for name in ["a", "b", "c"] {
            world
                .until_state(&format!("WorkspaceTemplateApply/{name}"), "Ready", 5 * MINUTE)
                .await;
        }
    });
}

#[test]
fn secrets_that_are_waited_for_come_first() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(fixture::VPC_TEMPLATE).await;
        let yaml = NET.trim_end().to_owned() + "\n  waitForSecrets: [{name: licence, namespace: default}]\n";
        world.apply(&yaml).await;
        world.pass(MINUTE).await;
        assert_eq!(world.terraform_operations(), 0);
        assert!(
            world
                .at("WorkspaceTemplateApply/net-apply", "/status/waits")
                .to_string()
                .contains("Secret/licence")
        );
        world
            .apply("apiVersion: v1\nkind: Secret\nmetadata: {name: licence, namespace: default}\n")
            .await;
        world
            .until_state("WorkspaceTemplateApply/net-apply", "Ready", MINUTE)
            .await;
    });
}

#[test]
fn a_template_that_is_deleted_leaves_what_it_made() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(fixture::VPC_TEMPLATE).await;
        world.apply(NET).await;
        world
            .until_state("WorkspaceTemplateApply/net-apply", "Ready", MINUTE)
            .await;
        world.delete("WorkspaceTemplate/vpc-template").await;
        world.pass(30 * MINUTE).await;
        assert_eq!(world.state("TerraformWorkspace/net"), "Ready");
        assert_eq!(world.cloud().counters("net").runs, 1);
        world.delete("WorkspaceTemplateApply/net-apply").await;
        world
            .until_gone("WorkspaceTemplateApply/net-apply", 5 * MINUTE)
            .await;
        assert_eq!(world.cloud().resources("net"), [""; 0]);
    });
}
