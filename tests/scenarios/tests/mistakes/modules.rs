//! Mistakes in what Terraform is given to run.

use capt_testing::{Scenario, fixture};

use super::{changed, ends_mended, row, see_the_mistake};
use crate::applies::NET;
use crate::{INFRASTRUCTURE, VPC_APPLY, with_templates};

const APPLY: &str = "WorkspaceTemplateApply/net-apply";

/// A mistake in the VPC template, which is mended in its place.
fn in_the_template(id: &'static str, situation: &'static str, does: &'static str, from: &str, to: &str) {
    row(id, situation, does).play(async |account| {
        let world = with_templates().await;
        let broken = changed(fixture::VPC_TEMPLATE, from, to);
        let wrong = [&*broken, fixture::CLUSTER];
        see_the_mistake(account, &world, &wrong, &[VPC_APPLY, INFRASTRUCTURE]).await;
        world.apply(fixture::VPC_TEMPLATE).await;
        // Not only after the next attempt that was due anyway.
        world.pass(crate::SECOND * 2).await;
        let now = world.state(INFRASTRUCTURE);
        assert!(
            !["Failed", "Recovering"].contains(&&*now),
            "{now}:\n{}",
            world.transcript()
        );
        ends_mended(
            account,
            &world,
            "what failed was tried as often as its class says, and once more when it was mended",
        )
        .await;
    });
}

#[test]
fn syntax() {
    in_the_template(
        "hcl-syntax",
        "the module of a template has a syntax error",
        "fails once with Terraform's words and the line in the template; goes on when the template is edited",
        "resource \"terraform_data\" \"vpc\" {",
        "resource \"terraform_data\" \"vpc\" = {",
    );
}

#[test]
fn undeclared() {
    in_the_template(
        "hcl-undefined-variable",
        "the module refers to a variable that it does not declare",
        "fails once with Terraform's words and the line in the template; goes on when the template is edited",
        "input = { name = var.name, cidr",
        "input = { name = var.nmae, cidr",
    );
}

#[test]
fn without_a_value() {
    in_the_template(
        "variable-without-value",
        "the module declares a variable that nobody gives a value",
        "fails once with Terraform's words; goes on when the template supplies the value",
        "        - {key: name, value: \"${vpc_name}\"}\n",
        "",
    );
}

#[test]
fn failing_apply() {
    in_the_template(
        "failing-apply",
        "a provisioner of the module ends with an error",
        "fails with the resource and Terraform's words, without the command; goes on at once when the template is edited",
        "input = { name = var.name, cidr = \"10.0.0.0/16\" }",
        "input = { name = var.name, cidr = \"10.0.0.0/16\" }\n            provisioner \"local-exec\" { command = \"exit 1\" }",
    );
}

#[test]
fn undefined_placeholder() {
    row(
        "undefined-placeholder",
        "a template has ${vpc_name}, and the WorkspaceTemplateApply does not say what it stands for",
        "fails before Terraform runs; names the variable, the field of the template and those that are defined",
    )
    .play(async |account| {
        let world = Scenario::start().await;
        let wrong = changed(NET, "{vpc_name: net, cluster_name: demo}", "{cluster_name: demo}");
        see_the_mistake(account, &world, &[fixture::VPC_TEMPLATE, &wrong], &[APPLY]).await;
        assert_eq!(world.terraform_operations(), 0);
        world.apply(NET).await;
        account.least("nothing ran before the value was there");
        account.ends_as_fresh(&world, &[fixture::VPC_TEMPLATE, NET]).await;
    });
}
