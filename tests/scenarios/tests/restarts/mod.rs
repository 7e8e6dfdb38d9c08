//! Restarts: whatever is killed, stopped or lost, it ends as if nothing had been; nothing is applied twice, and no
//! lock is left.

use capt_testing::{Fresh, Part, Row, Scenario, fixture};

use crate::{EKS, MINUTE, remains};

mod inputs;
mod locks;
mod machine;
mod operator;
mod server;
mod terraform;

const LABELS: [&str; 3] = ["demo-vpc", "demo-eks-controlplane", "demo-kubeconfig"];
const EKS_LABEL: &str = "demo-eks-controlplane";

fn row(id: &'static str, situation: &'static str, does: &'static str) -> Row {
    crate::rows::row(Part::Restarts, id, situation, does)
}

/// How many applies and destroys Terraform has begun for each workspace.
fn counts(world: &Scenario) -> [(u32, u32); 3] {
    LABELS.map(|label| {
        let counters = world.cloud().counters(label);
        (counters.applies, counters.destroys)
    })
}

/// The cluster with the version that it is raised to.
fn raised() -> String {
    let raised = fixture::CLUSTER.replace("\"1.31\"", "\"1.32\"");
    assert_ne!(raised, fixture::CLUSTER);
    raised
}

/// Checks that it has ended as a fresh start does, that Terraform was begun so often, and that nothing is left behind.
async fn ended(world: &Scenario, fresh: &Fresh, begun: [(u32, u32); 3]) {
    fresh.is_reached_by(world).await;
    assert_eq!(counts(world), begun, "{}", world.transcript());
    no_lock_is_left(world);
}

/// Until the next run of the control plane is recorded: what was interrupted is taken up at once.
async fn next_run(world: &Scenario) {
    world
        .until("the next run of EKS", MINUTE, |world| {
            world.at(EKS, "/status/run/id") == "2"
        })
        .await;
}

fn no_lock_is_left(world: &Scenario) {
    let locks = world.cloud().locks();
    assert!(locks.is_empty(), "{locks:?} are left:\n{}", world.transcript());
}

/// Checks that nothing at all is left of a cluster that was deleted.
fn nothing_is_left(world: &Scenario) {
    assert_eq!(remains(world), [""; 0], "{}", world.transcript());
    for label in LABELS {
        assert_eq!(world.cloud().resources(label), [""; 0], "{label}");
    }
    no_lock_is_left(world);
}
