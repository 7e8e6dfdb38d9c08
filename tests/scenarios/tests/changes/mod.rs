//! Changes in flight: whatever is changed while something goes on, it ends as a fresh start with the final manifests
//! would, with as few runs of Terraform as can be.

use capt_testing::{Fresh, Part, Row, Scenario, fixture};

use crate::{stride, with_templates};

mod deletion;
mod inputs;
mod pause;
mod recreation;
mod spec;
mod template;
mod upgrade;

const LABELS: [&str; 3] = ["demo-vpc", "demo-eks-controlplane", "demo-kubeconfig"];

fn row(id: &'static str, situation: &'static str, does: &'static str) -> Row {
    crate::rows::row(Part::Changes, id, situation, does)
}

/// What Terraform has begun for a workspace so far.
fn counts(world: &Scenario, label: &str) -> (u32, u32, u32) {
    let counters = world.cloud().counters(label);
    (counters.plans, counters.applies, counters.destroys)
}

/// Lets a cluster be created up to the `nth` step that the operator records. False if there are not so many.
async fn created_up_to(world: &Scenario, nth: u32) -> bool {
    let (reached, ()) = tokio::join!(
        biased;
        world.at_step(nth),
        world.apply(fixture::CLUSTER)
    );
    reached
}

/// Makes a change at every `usual`th step of the creation of a cluster (see [`stride`]), from the `first` on, each
/// time in an installation of its own; checks that each ends as a fresh start with `manifests` does. `check` gets what
/// Terraform had begun for each workspace before the change.
async fn at_steps_of_creation(
    (first, usual): (u32, usize),
    manifests: &[&str],
    change: impl AsyncFn(&Scenario),
    check: impl Fn(&Scenario, [(u32, u32, u32); 3]),
) {
    let stride = stride(usual);
    let mut fresh = None;
    let mut played = 0;
    for nth in (first..).step_by(stride) {
        let world = with_templates().await;
        if !created_up_to(&world, nth).await {
            break;
        }
        played += 1;
        world.heading(&format!("the change, at step {nth}"));
        let before = LABELS.map(|label| counts(&world, label));
        change(&world).await;
        if fresh.is_none() {
            world.until_quiet().await;
            fresh = Some(Fresh::start(&world, manifests).await);
        }
        if let Some(fresh) = &fresh {
            fresh.is_reached_by(&world).await;
        }
        check(&world, before);
    }
    assert!(played * stride > 40, "only {played} steps were played");
}
