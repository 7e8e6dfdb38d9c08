//! Whole lives of clusters, in virtual time, against the simulated API server and the simulated Terraform engine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it says"
)]

mod applies;
mod changes;
mod create;
mod delete;
mod determinism;
mod failure;
mod manifests;
mod mistakes;
mod network;
mod pause;
mod resilience;
mod restart;
mod restarts;
mod rows;
mod silence;
mod tenancy;
mod upgrade;

use std::time::Duration;

use capt_testing::{Scenario, fixture};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

const CLUSTER: &str = "Cluster/demo";
const INFRASTRUCTURE: &str = "CAPTCluster/demo";
const CONTROL_PLANE: &str = "CAPTControlPlane/demo";
const VPC_APPLY: &str = "WorkspaceTemplateApply/demo-vpc";
const VPC: &str = "TerraformWorkspace/demo-vpc";
const EKS_APPLY: &str = "WorkspaceTemplateApply/demo-eks-controlplane-apply";
const EKS: &str = "TerraformWorkspace/demo-eks-controlplane";

/// An installation with the three templates.
async fn with_templates() -> Scenario {
    let world = Scenario::start().await;
    apply_templates(&world).await;
    world
}

async fn apply_templates(world: &Scenario) {
    world.apply(fixture::VPC_TEMPLATE).await;
    world.apply(fixture::EKS_TEMPLATE).await;
    world.apply(fixture::KUBECONFIG_TEMPLATE).await;
}

/// An installation in which the cluster `demo` has just been ordered.
async fn ordered() -> Scenario {
    let world = with_templates().await;
    world.apply(fixture::CLUSTER).await;
    world
}

/// An installation in which the cluster `demo` is ready, and nothing more happens.
async fn ready() -> Scenario {
    let world = ordered().await;
    until_ready(&world).await;
    settle(&world).await;
    world
}

/// How many steps are passed over: `usual`, and with `CAPT_EVERY_STEP` set none, which takes many minutes.
fn stride(usual: usize) -> usize {
    if std::env::var_os("CAPT_EVERY_STEP").is_some() {
        1
    } else {
        usual
    }
}

async fn until_ready(world: &Scenario) {
    world.until_state(CONTROL_PLANE, "Ready", 5 * MINUTE).await;
    world
        .until("Cluster/demo provisioned", MINUTE, |world| {
            world.at(CLUSTER, "/status/phase") == "Provisioned"
        })
        .await;
}

/// Lets what is still under way come to its end, and forgets what happened so far.
async fn settle(world: &Scenario) {
    world.pass(30 * SECOND).await;
    world.clear_transcript();
}

/// Everything that CAPT and Terraform may leave behind, by kind.
fn remains(world: &Scenario) -> Vec<String> {
    let kinds = [
        "Cluster",
        "CAPTCluster",
        "CAPTControlPlane",
        "WorkspaceTemplateApply",
        "TerraformWorkspace",
        "Secret",
        "Lease",
    ];
    let names = kinds.iter().flat_map(|kind| {
        world
            .names(kind)
            .into_iter()
            .map(move |name| format!("{kind} {name}"))
    });
    names.collect()
}
