//! Variables and Secrets, of an apply on its own.

use std::time::Duration;

use capt_testing::Scenario;
use serde_json::json;

use super::{counts, row};
use crate::{MINUTE, SECOND};

const APPLY: &str = "WorkspaceTemplateApply/named";
const WORKSPACE: &str = "TerraformWorkspace/named";

/// A template with a variable of its own, one from a Secret, and credentials.
const TEMPLATE: &str = r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplate
metadata: {name: named, namespace: default}
spec:
  template:
    spec:
      providerConfigRef: {name: account}
      forProvider:
        source: Inline
        vars:
        - {key: size, value: "${size}"}
        varFiles:
        - {source: SecretKey, format: HCL, secretKeyRef: {namespace: default, name: inputs, key: inputs.tfvars}}
        module: |
          variable "size" { type = string }
          variable "name" { type = string }
          resource "terraform_data" "named" { input = { size = var.size, name = var.name } }
          output "size" { value = var.size }
          output "name" { value = var.name }
"#;

fn apply(size: &str) -> String {
    format!(
        r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata: {{name: named, namespace: default}}
spec:
  templateRef: {{name: named, namespace: default}}
  variables: {{size: "{size}"}}
"#
    )
}

fn inputs(name: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Secret
metadata: {{name: inputs, namespace: default}}
stringData: {{inputs.tfvars: 'name = "{name}"'}}
"#
    )
}

fn credentials(key: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Secret
metadata: {{name: account, namespace: default}}
stringData: {{AWS_ACCESS_KEY_ID: "{key}", AWS_SECRET_ACCESS_KEY: "of-{key}-and-very-secret"}}
"#
    )
}

async fn named() -> Scenario {
    let world = Scenario::start().await;
    for manifest in [&credentials("AKIA1"), &inputs("first"), TEMPLATE, &apply("small")] {
        world.apply(manifest).await;
    }
    world.until_state(APPLY, "Ready", MINUTE).await;
    world.pass(MINUTE).await;
    world
}

async fn set_size(world: &Scenario, size: &str) {
    world
        .patch(APPLY, json!({ "spec": { "variables": { "size": size } } }))
        .await;
}

#[test]
fn variables_changed_twice_in_a_second() {
    row(
        "variables-changed-twice",
        "the variables of an apply are changed twice within a second",
        "Gives up the run for the first change before it changes anything, and applies the second.",
    )
    .play(async |account| {
        let world = named().await;
        set_size(&world, "medium").await;
        world.pass(Duration::from_millis(700)).await;
        set_size(&world, "large").await;
        world.pass(Duration::from_millis(100)).await;
        account.sees(&world, WORKSPACE);
        account
            .ends_as_fresh(
                &world,
                &[&credentials("AKIA1"), &inputs("first"), TEMPLATE, &apply("large")],
            )
            .await;
        account.sees(&world, APPLY);
        let (_, applies, _) = counts(&world, "named");
        assert_eq!(applies, 2, "{}", world.transcript());
        account.least("one apply for both changes");
    });
}

#[test]
fn variables_secret_rotated() {
    row(
        "variables-secret-rotated",
        "the Secret with variables changes while they are being applied",
        "Lets the apply end and applies the new variables after it.",
    )
    .play(async |account| {
        let world = named().await;
        set_size(&world, "medium").await;
        world
            .until("the second apply", MINUTE, |world| counts(world, "named").1 == 2)
            .await;
        world.apply(&inputs("second")).await;
        world.pass(SECOND).await;
        account.sees(&world, WORKSPACE);
        account
            .ends_as_fresh(
                &world,
                &[
                    &credentials("AKIA1"),
                    &inputs("second"),
                    TEMPLATE,
                    &apply("medium"),
                ],
            )
            .await;
        assert_eq!(counts(&world, "named"), (3, 3, 0));
        account.least("the first, the one that had begun, and one for the new variables");
    });
}

#[test]
fn credentials_rotated() {
    row(
        "credentials-rotated",
        "the Secret with the credentials of the provider is rotated",
        "Plans once with the new ones, so that credentials that do not work are known at once; nothing is applied.",
    )
    .play(async |account| {
        let world = named().await;
        world.apply(&credentials("AKIA2")).await;
        world.pass(10 * MINUTE).await;
        account.sees(&world, WORKSPACE);
        account
            .ends_as_fresh(
                &world,
                &[&credentials("AKIA2"), &inputs("first"), TEMPLATE, &apply("small")],
            )
            .await;
        assert_eq!(counts(&world, "named"), (2, 1, 0));
        account.least("one plan that proves the credentials; it finds nothing to apply");
    });
}

#[test]
fn variables_secret_deleted_and_back() {
    row(
        "variables-secret-deleted-and-back",
        "the Secret with variables is deleted and created again with the same content",
        "Says that it is missing and leaves alone what there is; when it is back, nothing is to be done.",
    )
    .play(async |account| {
        let world = named().await;
        world.delete("Secret/inputs").await;
        world.pass(MINUTE).await;
        account.sees(&world, WORKSPACE);
        world.apply(&inputs("first")).await;
        account
            .ends_as_fresh(
                &world,
                &[&credentials("AKIA1"), &inputs("first"), TEMPLATE, &apply("small")],
            )
            .await;
        assert_eq!(counts(&world, "named").1, 1);
        account.least("the content is the same, so nothing is to be applied");
    });
}
