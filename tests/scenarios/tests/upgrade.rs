//! What changes reaches Terraform, and nothing else runs.

use capt_testing::{Scenario, fixture, simulate};
use serde_json::json;

use crate::{CONTROL_PLANE, EKS, EKS_APPLY, INFRASTRUCTURE, MINUTE, SECOND, ready, settle};

/// Runs, plans and applies of a workspace.
fn counts(world: &Scenario, label: &str) -> (u32, u32, u32) {
    let counters = world.cloud().counters(label);
    (counters.runs, counters.plans, counters.applies)
}

fn is_ready_throughout(transcript: &str) -> bool {
    !transcript.contains("-Ready")
        && !transcript.contains("-Available")
        && !transcript.contains("-Initialized")
}

#[test]
fn a_version_bump_is_one_apply_of_the_control_plane() {
    simulate(async {
        let world = ready().await;
        world.heading("spec.version: 1.32");
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.32" } }))
            .await;
        world
            .until("the new version", 2 * MINUTE, |world| {
                world.at(CONTROL_PLANE, "/status/version") == "v1.32"
            })
            .await;
        world
            .until("UpToDate", MINUTE, |world| {
                world.condition(CONTROL_PLANE, "UpToDate")["status"] == "True"
            })
            .await;
        assert_eq!(world.state(CONTROL_PLANE), "Ready");
        assert_eq!(counts(&world, "demo-eks-controlplane"), (2, 2, 2));
        assert_eq!(counts(&world, "demo-vpc"), (1, 1, 1));
        assert_eq!(
            world.at(EKS, "/status/atProvider/outputs/cluster_version"),
            "1.32"
        );
        assert_eq!(world.at(CONTROL_PLANE, "/status/phase"), "Ready");
        assert!(is_ready_throughout(&world.transcript()), "{}", world.transcript());
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn a_change_of_the_tags_reaches_the_apply() {
    simulate(async {
        let world = ready().await;
        world
            .patch(
                CONTROL_PLANE,
                json!({ "spec": { "additionalTags": { "Environment": "prod" } } }),
            )
            .await;
        world
            .until("the tag", MINUTE, |world| {
                world.at(EKS_APPLY, "/spec/variables/tags_Environment") == "prod"
            })
            .await;
        world.until_state(EKS_APPLY, "Ready", MINUTE).await;
        settle(&world).await;
        assert_eq!(world.state(CONTROL_PLANE), "Ready");
        // The template does not use the tags: there is nothing for Terraform to do.
        assert_eq!(counts(&world, "demo-vpc"), (1, 1, 1));
    });
}

#[test]
fn a_changed_template_reaches_terraform() {
    simulate(async {
        let world = ready().await;
        let template = fixture::VPC_TEMPLATE.replace("{ a = 0, c = 1 }", "{ a = 0, c = 1, d = 2 }");
        assert_ne!(template, fixture::VPC_TEMPLATE);
        world.heading("a third zone in the template of the VPC");
        world.apply(&template).await;
        world
            .until("a second apply", MINUTE, |world| {
                counts(world, "demo-vpc") == (2, 2, 2)
            })
            .await;
        world.pass(2 * MINUTE).await;
        assert_eq!(world.cloud().resources("demo-vpc").len(), 4);
        // The subnets are an input of the control plane through the connection secret.
        assert_eq!(
            world
                .at(EKS, "/status/atProvider/outputs/network/subnets")
                .as_array()
                .unwrap()
                .len(),
            3
        );
        assert_eq!(counts(&world, "demo-eks-controlplane"), (2, 2, 2));
        assert_eq!(
            (world.state(INFRASTRUCTURE), world.state(CONTROL_PLANE)),
            ("Ready".into(), "Ready".into())
        );
        assert!(is_ready_throughout(&world.transcript()), "{}", world.transcript());
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn a_changed_secret_reaches_terraform() {
    simulate(async {
        let world = Scenario::start().await;
        world.apply(NAME_SECRET).await;
        world.apply(SECRET_TEMPLATE).await;
        world
            .until_state("WorkspaceTemplateApply/named", "Ready", MINUTE)
            .await;
        assert_eq!(
            world.at("TerraformWorkspace/named", "/status/atProvider/outputs/name"),
            "first"
        );
        world.apply(&NAME_SECRET.replace("first", "second")).await;
        world
            .until("the new name", MINUTE, |world| {
                world.at("TerraformWorkspace/named", "/status/atProvider/outputs/name") == "second"
            })
            .await;
        world
            .until_state("WorkspaceTemplateApply/named", "Ready", MINUTE)
            .await;
        assert_eq!(counts(&world, "named"), (2, 2, 2));
    });
}

#[test]
fn a_change_in_the_middle_of_an_apply_waits_for_its_end() {
    simulate(async {
        let world = ready().await;
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.32" } }))
            .await;
        world
            .until("the second apply", MINUTE, |world| {
                counts(world, "demo-eks-controlplane").2 == 2
            })
            .await;
        world.pass(5 * SECOND).await;
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.33" } }))
            .await;
        world
            .until("the last version", 5 * MINUTE, |world| {
                world.at(CONTROL_PLANE, "/status/version") == "v1.33"
            })
            .await;
        world.until_state(CONTROL_PLANE, "Ready", MINUTE).await;
        assert_eq!(counts(&world, "demo-eks-controlplane"), (3, 3, 3));
        assert_eq!(
            world.at(EKS, "/status/atProvider/outputs/cluster_version"),
            "1.33"
        );
    });
}

const NAME_SECRET: &str = r#"
apiVersion: v1
kind: Secret
metadata: {name: inputs, namespace: default}
stringData: {inputs.tfvars: 'name = "first"'}
"#;

const SECRET_TEMPLATE: &str = r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplate
metadata: {name: named, namespace: default}
spec:
  template:
    spec:
      forProvider:
        source: Inline
        varFiles:
        - {source: SecretKey, format: HCL, secretKeyRef: {namespace: default, name: inputs, key: inputs.tfvars}}
        module: |
          variable "name" { type = string }
          resource "terraform_data" "named" { input = var.name }
          output "name" { value = var.name }
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata: {name: named, namespace: default}
spec:
  templateRef: {name: named, namespace: default}
"#;
