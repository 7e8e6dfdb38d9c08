//! Outputs that are not what the next step needs.

use capt_testing::fixture;

use super::{changed, ends_mended, row};
use crate::{CONTROL_PLANE, INFRASTRUCTURE, MINUTE, with_templates};

/// The outputs of a template are wrong in one way after the other, and then right.
fn wrong_outputs(
    id: &'static str,
    situation: &'static str,
    template: &str,
    object: &str,
    output: &str,
    wrong: &[(&str, &str)],
) {
    row(
        id,
        situation,
        "fails once Terraform is done; names the output, what is wrong with it and the template; never shows the value",
    )
    .play(async |account| {
        let world = with_templates().await;
        for (index, (value, words)) in wrong.iter().enumerate() {
            world.apply(&changed(template, output, value)).await;
            if index == 0 {
                world.apply(fixture::CLUSTER).await;
            }
            let what = format!("{object} failed: {words}");
            world
                .until(&what, 5 * MINUTE, |world| {
                    let message = world.condition(object, "Stalled")["message"].to_string();
                    world.state(object) == "Failed" && message.contains(words)
                })
                .await;
            account.sees(&world, object);
            let said = format!(
                    "{}{}",
                    world.at(object, "/status/conditions"),
                    world.at(object, "/status/fault")
                );
                assert!(!said.contains("hunter2"), "{said}");
        }
        world.apply(template).await;
        ends_mended(account, &world, "each template was applied once").await;
    });
}

#[test]
fn vpc_id() {
    let output = "output \"vpc_id\" {\n            value = local.vpc_id";
    let with = |value: &str| format!("output \"vpc_id\" {{\n            value = {value}");
    let (empty, list, number) = (with("\"\""), with("[\"hunter2\"]"), with("42"));
    let huge = with("join(\"\", [for i in range(1000) : \"hunter2-----hunter2--\"])");
    wrong_outputs(
        "output-vpc-id",
        "the VPC template has no output vpc_id, or an empty one, one of another type, or a huge one",
        fixture::VPC_TEMPLATE,
        INFRASTRUCTURE,
        output,
        &[
            (&output.replace("vpc_id\"", "id\""), "there is no such output"),
            (&empty, "it is empty"),
            (&list, "it is a list and not a text"),
            (&number, "it is a number and not a text"),
            (&huge, "it is 21000 bytes long"),
        ],
    );
}

#[test]
fn cluster_endpoint() {
    let output = "value = \"https://${substr(sha256(terraform_data.cluster.id), 0, 8)}.gr7.${var.region}.eks.example\"";
    wrong_outputs(
        "output-cluster-endpoint",
        "the template of the control plane has an output cluster_endpoint that is empty, no endpoint, or a map",
        fixture::EKS_TEMPLATE,
        CONTROL_PLANE,
        output,
        &[
            ("value = \"\"", "it is empty"),
            ("value = \"http://hunter2\"", "its scheme is not https"),
            ("value = { a = \"hunter2\" }", "it is a map and not a text"),
        ],
    );
}

#[test]
fn certificate_and_kubeconfig() {
    let output = "value     = base64encode(";
    let kubeconfig = |value: &str| {
        format!(
            "value     = base64encode(\"-----BEGIN CERTIFICATE-----\")\n          }}\n\n          output \"kubeconfig\" {{\n            sensitive = true\n            value     = {value} #"
        )
    };
    let (empty, text) = (kubeconfig("\"\""), kubeconfig("\"hunter2\""));
    wrong_outputs(
        "output-certificate-and-kubeconfig",
        "the template of the control plane puts out a certificate authority or a kubeconfig that is none",
        fixture::EKS_TEMPLATE,
        CONTROL_PLANE,
        output,
        &[
            ("value = \"hunter2\" #", "the output is no PEM certificate"),
            (&empty, "it is empty"),
            (&text, "it is no kubeconfig"),
        ],
    );
}
