//! What stands is deleted under those that rest on it: nobody says that he is ready, and it is made again.

use capt_testing::{Scenario, fixture};

use super::{cluster_with, row};
use crate::applies::NET;
use crate::{
    CLUSTER, CONTROL_PLANE, INFRASTRUCTURE, MINUTE, SECOND, VPC_APPLY, ready, until_ready, with_templates,
};

const WORKSPACE: &str = "TerraformWorkspace";

const NET_APPLY: &str = "WorkspaceTemplateApply/net-apply";

const SHARED_APPLY: &str = "WorkspaceTemplateApply/shared-vpc";

const SHARED: &str = r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata: {name: shared-vpc, namespace: default}
spec:
  templateRef: {name: vpc-template, namespace: default}
  variables: {vpc_name: shared, cluster_name: shared, environment: test, region: us-west-2}
";

/// The cluster `demo` in the shared network.
fn over_shared() -> String {
    cluster_with(
        "vpcTemplateRef: {name: vpc-template, namespace: default}\n  retainVpcOnDelete: false",
        "vpcWorkspaceRef: {name: shared-vpc}",
    )
}

/// The latches, which stay whatever happens.
fn latches(world: &Scenario) -> [serde_json::Value; 2] {
    [
        world.at(CONTROL_PLANE, "/status/initialization"),
        world.at(INFRASTRUCTURE, "/status/initialization"),
    ]
}

/// Whether these say that they are not ready.
fn none_is_ready(world: &Scenario, objects: &[&str]) -> bool {
    objects
        .iter()
        .all(|object| world.condition(object, "Ready")["status"] == "False")
}

#[test]
fn definition_deleted() {
    row(
        "definition-deleted",
        "the definition of TerraformWorkspace is deleted under a cluster, and applied again a minute later",
        "destroys what the workspaces made, says that what rests on them is gone, waits for the definition without \
         calling anything a mistake, and makes it all again",
    )
    .play(async |account| {
        let world = ready().await;
        let before = latches(&world);
        let endpoint = world.at(CONTROL_PLANE, "/spec/controlPlaneEndpoint");
        world.delete_definition(WORKSPACE).await;
        world
            .until("the definition is gone", 10 * MINUTE, |world| !world.is_defined(WORKSPACE))
            .await;
        world.pass(MINUTE).await;
        for object in [INFRASTRUCTURE, VPC_APPLY, CONTROL_PLANE] {
            assert_ne!(world.state(object), "Failed", "{}", world.transcript());
            account.sees(&world, object);
        }
        assert!(none_is_ready(&world, &[INFRASTRUCTURE, VPC_APPLY, CONTROL_PLANE]));
        let id = world.at(INFRASTRUCTURE, "/status/vpcId");
        assert_eq!(id, serde_json::Value::Null, "{}", world.transcript());
        assert_eq!(latches(&world), before);
        assert_eq!(world.at(CONTROL_PLANE, "/spec/controlPlaneEndpoint"), endpoint);
        assert_eq!(world.condition(CONTROL_PLANE, "Available")["status"], "False");
        world.apply_definition(WORKSPACE).await;
        account.least("all was destroyed, so each is made once more, in order");
        until_ready(&world).await;
        world.until_quiet().await;
        assert_eq!(latches(&world), before);
        // Cluster API takes the endpoint over once. It has that of the control plane which is gone; else all is as new.
        assert_ne!(world.at(CONTROL_PLANE, "/spec/controlPlaneEndpoint"), endpoint);
        assert_eq!(world.at(CLUSTER, "/spec/controlPlaneEndpoint"), endpoint);
        account.ends(&world);
    });
}

#[test]
fn workspace_deleted() {
    row(
        "workspace-deleted",
        "a person deletes the TerraformWorkspace that a WorkspaceTemplateApply has made",
        "destroys what it made, is not Ready from then on, and makes it again",
    )
    .play(async |account| {
        let world = with_templates().await;
        world.apply(NET).await;
        world.until_state(NET_APPLY, "Ready", 5 * MINUTE).await;
        world.delete("TerraformWorkspace/net").await;
        for state in ["Degraded", "Provisioning"] {
            world.until_state(NET_APPLY, state, 5 * MINUTE).await;
            account.sees(&world, NET_APPLY);
            assert!(none_is_ready(&world, &[NET_APPLY]));
        }
        world.until_state(NET_APPLY, "Ready", 5 * MINUTE).await;
        account.least("it was destroyed, so it is made once more");
        account.ends_as_fresh(&world, &[&fixture::templates(), NET]).await;
        let counters = world.cloud().counters("net");
        assert_eq!((counters.applies, counters.destroys), (2, 1));
    });
}

#[test]
fn shared_network_gone() {
    row(
        "shared-vpc-gone",
        "the WorkspaceTemplateApply that a cluster takes its VPC from is gone: its finalizer was taken by force",
        "says that the VPC is gone and what to create, and is Ready again once it is there",
    )
    .play(async |account| {
        let world = with_templates().await;
        world.apply(SHARED).await;
        world.until_state(SHARED_APPLY, "Ready", 5 * MINUTE).await;
        world.apply(&over_shared()).await;
        world.until_state(INFRASTRUCTURE, "Ready", MINUTE).await;
        world.delete(SHARED_APPLY).await;
        let none = serde_json::json!({ "metadata": { "finalizers": null } });
        world.patch(SHARED_APPLY, none).await;
        world.pass(SECOND).await;
        account.sees(&world, INFRASTRUCTURE);
        assert!(none_is_ready(&world, &[INFRASTRUCTURE]));
        world.apply(SHARED).await;
        world.until_state(INFRASTRUCTURE, "Ready", 5 * MINUTE).await;
        account.sees(&world, INFRASTRUCTURE);
        account.ends(&world);
    });
}
