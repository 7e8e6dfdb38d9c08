//! What goes wrong, how it is shown, and how it is mended.

use capt_api::keys;
use capt_testing::{fixture, simulate};

use crate::{
    CONTROL_PLANE, EKS, INFRASTRUCTURE, MINUTE, SECOND, VPC, VPC_APPLY, ordered, until_ready, with_templates,
};

const THROTTLED: &str = "ThrottlingException: Rate exceeded";
const FORBIDDEN_ARGUMENT: &str = "Unsupported argument: An argument named \"cidrs\" is not expected here";

#[test]
fn a_passing_fault_is_recovered_from() {
    simulate(async {
        let world = ordered().await;
        world.cloud().fail("demo-vpc", THROTTLED, 2);
        world.until_state(VPC, "Recovering", MINUTE).await;
        world.until_state(INFRASTRUCTURE, "Recovering", MINUTE).await;
        assert_ne!(
            world.at(INFRASTRUCTURE, "/status/recovery"),
            serde_json::Value::Null
        );
        until_ready(&world).await;
        assert_eq!(world.cloud().counters("demo-vpc").applies, 3);
        assert_eq!(world.cloud().counters("demo-eks-controlplane").applies, 1);
        assert_eq!(world.at(INFRASTRUCTURE, "/status/fault"), serde_json::Value::Null);
        assert_eq!(world.at(VPC, "/status/fault"), serde_json::Value::Null);
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn a_mistake_in_a_template_fails_and_is_mended_by_an_edit() {
    simulate(async {
        let world = with_templates().await;
        let broken = fixture::VPC_TEMPLATE.replace(
            "output \"vpc_id\" {\n            value = local.vpc_id",
            "output \"vpc_id\" {\n            value = local.vpc",
        );
        assert_ne!(broken, fixture::VPC_TEMPLATE);
        world.apply(&broken).await;
        world.apply(fixture::CLUSTER).await;
        world.until_state(INFRASTRUCTURE, "Failed", MINUTE).await;
        for object in [VPC, VPC_APPLY, INFRASTRUCTURE] {
            assert_eq!(world.state(object), "Failed", "{object}");
            let ready = world.condition(object, "Ready");
            assert_eq!(ready["status"], "False", "{object}");
            let message = ready["message"].as_str().unwrap();
            assert!(
                message.contains("Reference to undeclared local value"),
                "{object}: {message}"
            );
            assert_eq!(world.condition(object, "Stalled")["status"], "True", "{object}");
        }
        assert_ne!(
            world.at(INFRASTRUCTURE, "/status/failureMessage"),
            serde_json::Value::Null
        );
        // It stays failed: the same mistake is not made again and again.
        let operations = world.terraform_operations();
        world.pass(30 * MINUTE).await;
        assert_eq!(world.terraform_operations(), operations);

        world.heading("the template is mended");
        world.apply(fixture::VPC_TEMPLATE).await;
        until_ready(&world).await;
        assert_eq!(
            world.at(INFRASTRUCTURE, "/status/failureMessage"),
            serde_json::Value::Null
        );
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn a_terminal_fault_is_tried_again_when_somebody_asks_for_it() {
    simulate(async {
        let world = ordered().await;
        world.cloud().fail("demo-eks-controlplane", FORBIDDEN_ARGUMENT, 1);
        world.until_state(CONTROL_PLANE, "Failed", 2 * MINUTE).await;
        assert_eq!(world.at(CONTROL_PLANE, "/status/phase"), "Failed");
        world.pass(10 * MINUTE).await;
        assert_eq!(world.state(CONTROL_PLANE), "Failed");
        assert_eq!(world.cloud().counters("demo-eks-controlplane").runs, 1);
        world.clear_transcript();

        world.heading("somebody asks for another attempt");
        world.annotate(CONTROL_PLANE, keys::RETRY, Some("1")).await;
        until_ready(&world).await;
        assert_eq!(world.cloud().counters("demo-eks-controlplane").runs, 2);
        assert_eq!(world.cloud().counters("demo-vpc").runs, 1);
        world.pass(20 * SECOND).await;
        insta::assert_snapshot!(world.transcript());
    });
}

#[test]
fn a_fault_while_updating_leaves_the_latches_alone() {
    simulate(async {
        let world = crate::ready().await;
        world.cloud().fail("demo-eks-controlplane", FORBIDDEN_ARGUMENT, 1);
        world
            .patch(
                CONTROL_PLANE,
                serde_json::json!({ "spec": { "version": "1.32" } }),
            )
            .await;
        world.until_state(EKS, "Failed", 2 * MINUTE).await;
        world.pass(MINUTE).await;
        assert_eq!(
            world.at(CONTROL_PLANE, "/status/initialization/controlPlaneInitialized"),
            true
        );
        assert_eq!(world.condition(CONTROL_PLANE, "Ready")["status"], "False");
        assert_eq!(world.at(crate::CLUSTER, "/status/phase"), "Provisioned");
        assert_eq!(world.at(CONTROL_PLANE, "/status/version"), "v1.31");

        world.annotate(CONTROL_PLANE, keys::RETRY, Some("again")).await;
        world
            .until("the new version", 2 * MINUTE, |world| {
                world.at(CONTROL_PLANE, "/status/version") == "v1.32"
            })
            .await;
        world.until_state(CONTROL_PLANE, "Ready", MINUTE).await;
        assert_eq!(world.condition(CONTROL_PLANE, "Ready")["status"], "True");
    });
}

#[test]
fn a_fault_that_does_not_pass_ends_in_failed_with_its_message() {
    simulate(async {
        let world = ordered().await;
        world.cloud().fail("demo-vpc", THROTTLED, 1000);
        world.until_state(INFRASTRUCTURE, "Failed", 180 * MINUTE).await;
        let message = world.condition(INFRASTRUCTURE, "Ready")["message"].to_string();
        assert!(message.contains("Rate exceeded"), "{message}");
        let applies = world.cloud().counters("demo-vpc").applies;
        assert!((3..=20).contains(&applies), "{applies}");
        world.cloud().fail("demo-vpc", THROTTLED, 0);
        world.annotate(INFRASTRUCTURE, keys::RETRY, Some("1")).await;
        until_ready(&world).await;
    });
}
