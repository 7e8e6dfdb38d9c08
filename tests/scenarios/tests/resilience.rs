//! What others take away or turn upside down is set right again.

use capt_api::keys;
use capt_testing::simulate;
use serde_json::json;

use crate::{CONTROL_PLANE, EKS, EKS_APPLY, INFRASTRUCTURE, MINUTE, VPC_APPLY, ready};

#[test]
fn owners_come_back() {
    simulate(async {
        let world = ready().await;
        for object in [VPC_APPLY, EKS_APPLY, EKS] {
            world
                .patch(object, json!({ "metadata": { "ownerReferences": null } }))
                .await;
        }
        world.pass(15 * MINUTE).await;
        for object in [VPC_APPLY, EKS_APPLY, EKS] {
            assert_eq!(
                world.at(object, "/metadata/ownerReferences/0/controller"),
                true,
                "{object}"
            );
        }
        for object in [INFRASTRUCTURE, CONTROL_PLANE] {
            assert_eq!(world.state(object), "Ready", "{object}");
        }
    });
}

#[test]
fn a_secret_that_somebody_deletes_is_written_again() {
    simulate(async {
        let world = ready().await;
        let before = world.secret("Secret/demo-kubeconfig", "value");
        for secret in ["Secret/demo-kubeconfig", "Secret/demo-ca"] {
            world.delete(secret).await;
        }
        world
            .until("the Secrets", MINUTE, |world| {
                world.object("Secret/demo-kubeconfig").is_some() && world.object("Secret/demo-ca").is_some()
            })
            .await;
        world.until_state(CONTROL_PLANE, "Ready", MINUTE).await;
        assert_eq!(world.secret("Secret/demo-kubeconfig", "value"), before);
        assert_eq!(world.cloud().counters("demo-eks-controlplane").runs, 1);
    });
}

#[test]
fn a_connection_secret_that_somebody_deletes_is_written_again() {
    simulate(async {
        let world = ready().await;
        let before = world.secret("Secret/demo-vpc-vpc-connection", "vpc_config");
        world.delete("Secret/demo-vpc-vpc-connection").await;
        world
            .until("the Secret", 5 * MINUTE, |world| {
                world.object("Secret/demo-vpc-vpc-connection").is_some()
            })
            .await;
        world.pass(5 * MINUTE).await;
        assert_eq!(
            world.secret("Secret/demo-vpc-vpc-connection", "vpc_config"),
            before
        );
        assert_eq!(world.state(CONTROL_PLANE), "Ready");
        assert_eq!(world.cloud().counters("demo-eks-controlplane").applies, 1);
    });
}

#[test]
fn an_object_that_somebody_else_manages_is_left_alone() {
    simulate(async {
        let world = crate::with_templates().await;
        let external = capt_testing::fixture::CLUSTER.replacen(
            "kind: CAPTCluster\nmetadata: {name: demo, namespace: default}",
            &format!(
                "kind: CAPTCluster\nmetadata: {{name: demo, namespace: default, annotations: {{{}: other}}}}",
                keys::MANAGED_BY
            ),
            1,
        );
        world.apply(&external).await;
        world.pass(15 * MINUTE).await;
        assert_eq!(world.at(INFRASTRUCTURE, "/metadata/finalizers"), json!(null));
        assert_eq!(world.names("WorkspaceTemplateApply"), [""; 0]);
        assert_eq!(world.terraform_operations(), 0);
    });
}
