//! References to what is not there, or not what it should be.

use capt_testing::{Scenario, fixture};
use serde_json::json;

use super::{changed, cluster_with, ends_mended, row, see_the_mistake};
use crate::{CLUSTER, CONTROL_PLANE, INFRASTRUCTURE, MINUTE, with_templates};

const VPC_REF: &str = "vpcTemplateRef: {name: vpc-template, namespace: default}";

#[test]
fn template_name() {
    row(
        "template-name",
        "spec.vpcTemplateRef names a template that does not exist",
        "waits, since it may still come; says which, what there is instead, and which field to correct",
    )
    .play(async |account| {
        let world = with_templates().await;
        let wrong = cluster_with(VPC_REF, "vpcTemplateRef: {name: vpc-tmplate}");
        see_the_mistake(account, &world, &[&wrong], &[INFRASTRUCTURE, CONTROL_PLANE]).await;
        assert_eq!(world.terraform_operations(), 0);
        world.apply(fixture::CLUSTER).await;
        ends_mended(account, &world, "nothing ran before the reference was right").await;
    });
}

#[test]
fn template_later() {
    row(
        "template-later",
        "the templates of the control plane and of the kubeconfig are not there yet",
        "waits for each where it is needed, and goes on at once when it is created",
    )
    .play(async |account| {
        let world = Scenario::start().await;
        let wrong = [fixture::VPC_TEMPLATE, fixture::CLUSTER];
        see_the_mistake(account, &world, &wrong, &[CONTROL_PLANE]).await;
        world.apply(fixture::EKS_TEMPLATE).await;
        world.pass(2 * MINUTE).await;
        account.sees(&world, CONTROL_PLANE);
        world.apply(fixture::KUBECONFIG_TEMPLATE).await;
        ends_mended(account, &world, "nothing ran twice").await;
    });
}

#[test]
fn no_infrastructure_reference() {
    row(
        "cluster-without-references",
        "the Cluster has neither infrastructureRef nor controlPlaneRef",
        "makes the VPC of the CAPTCluster that has the Cluster's name; the control plane waits and says what to set",
    )
    .play(async |account| {
        let world = with_templates().await;
        let lines: Vec<&str> = fixture::CLUSTER
            .lines()
            .filter(|line| !line.starts_with("  infrastructureRef") && !line.starts_with("  controlPlaneRef"))
            .collect();
        let wrong = changed(&lines.join("\n"), "spec:\n---", "spec: {paused: false}\n---");
        see_the_mistake(account, &world, &[&wrong], &[CONTROL_PLANE]).await;
        world.apply(fixture::CLUSTER).await;
        ends_mended(account, &world, "the VPC was made once").await;
    });
}

#[test]
fn infrastructure_of_another_name() {
    row(
        "infrastructure-name",
        "the Cluster's infrastructureRef names a CAPTCluster that does not exist",
        "does nothing with the CAPTCluster that nobody refers to; both objects say what is wrong",
    )
    .play(async |account| {
        let world = with_templates().await;
        let wrong = cluster_with("kind: CAPTCluster, name: demo}", "kind: CAPTCluster, name: dmeo}");
        see_the_mistake(account, &world, &[&wrong], &[CONTROL_PLANE, INFRASTRUCTURE]).await;
        assert_eq!(world.terraform_operations(), 0);
        let right =
            json!({ "apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "CAPTCluster", "name": "demo" });
        world
            .patch(CLUSTER, json!({ "spec": { "infrastructureRef": right } }))
            .await;
        ends_mended(account, &world, "nothing ran before the reference was right").await;
    });
}

/// A workspace that reads a variable file from a Secret.
const READS: &str = r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: TerraformWorkspace
metadata: {name: reads, namespace: default}
spec:
  forProvider:
    source: Inline
    varFiles:
    - {source: SecretKey, format: HCL, secretKeyRef: {name: values, key: tfvars}}
    module: |
      variable "name" { type = string }
      output "name" { value = var.name }
"#;

#[test]
fn secret_and_key() {
    row(
        "secret-key",
        "a variable file comes from a Secret that does not exist, and then from one without the key",
        "waits and says which Secret and which key; reads it as soon as it is there",
    )
    .play(async |account| {
        let world = Scenario::start().await;
        let workspace = "TerraformWorkspace/reads";
        see_the_mistake(account, &world, &[READS], &[workspace]).await;
        let secret = |key: &str| {
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: values, namespace: default}}\nstringData: {{{key}: \
                 'name = \"demo\"'}}\n"
            )
        };
        see_the_mistake(account, &world, &[&secret("tfvar")], &[workspace]).await;
        assert_eq!(world.terraform_operations(), 0);
        world.apply(&secret("tfvars")).await;
        account.least("nothing ran before the values were there");
        // The key that nobody reads is still in the Secret.
        world.until_state(workspace, "Ready", MINUTE).await;
        account.ends(&world);
    });
}
