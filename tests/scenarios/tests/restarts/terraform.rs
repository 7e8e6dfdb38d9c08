//! Terraform is killed, alone or together with the operator.

use capt_testing::{Account, Scenario, fixture};

use super::{EKS_LABEL, counts, next_run, no_lock_is_left, nothing_is_left, row};
use crate::{CLUSTER, CONTROL_PLANE, EKS, MINUTE, SECOND, ordered, ready};

/// Until Terraform plans the control plane for the `nth` time.
async fn planning(world: &Scenario, nth: u32) {
    world
        .until("the plan of EKS", 2 * MINUTE, |world| {
            world.cloud().counters(EKS_LABEL).plans == nth
        })
        .await;
}

async fn applying(world: &Scenario) {
    world
        .until("the apply of EKS", 2 * MINUTE, |world| counts(world)[1].0 == 1)
        .await;
    world.pass(5 * SECOND).await;
}

fn lock_was_taken_away(world: &Scenario) {
    let transcript = world.transcript();
    assert!(transcript.contains("LockRemoved"), "{transcript}");
    let history = world.at(EKS, "/status/recovery/history").to_string();
    assert!(
        history.contains("Unlock") || world.object(EKS).is_none(),
        "{history}"
    );
}

/// Checks that it ends as if nothing had been killed, after these applies and destroys of each workspace, which are the
/// fewest because of `why`, and that the lock of the dead process is gone.
async fn ends_unlocked(account: &mut Account, world: &Scenario, why: &'static str, begun: [(u32, u32); 3]) {
    account.least(why);
    let manifests = [&fixture::templates(), fixture::CLUSTER];
    account.ends_as_fresh(world, &manifests).await;
    lock_was_taken_away(world);
    no_lock_is_left(world);
    assert_eq!(counts(world), begun);
}

#[test]
fn killed_in_a_plan() {
    row(
        "terraform-killed-in-plan",
        "the Terraform process is killed (SIGKILL) while it plans",
        "Plans again at once. The lock that the dead process left is taken away, because it is proved to be its.",
    )
    .play(async |account| {
        let world = ordered().await;
        planning(&world, 1).await;
        assert!(world.cloud().kill(EKS_LABEL));
        next_run(&world).await;
        account.sees(&world, EKS);
        let why = "a plan that was killed says nothing; one more is needed, and one that finds the lock";
        ends_unlocked(account, &world, why, [(1, 0); 3]).await;
    });
}

#[test]
fn killed_in_an_apply() {
    row(
        "terraform-killed-in-apply",
        "the Terraform process is killed (SIGKILL) while it makes the control plane",
        "Says what was being made and may exist without being recorded, takes away the lock that the dead process \
         left, plans anew and completes what is missing.",
    )
    .play(async |account| {
        let world = ordered().await;
        applying(&world).await;
        assert!(world.cloud().kill(EKS_LABEL));
        next_run(&world).await;
        account.sees(&world, EKS);
        account.sees(&world, CONTROL_PLANE);
        ends_unlocked(account, &world, "one more apply for what the killed one did not come to make", [(1, 0), (2, 0), (1, 0)]).await;
    });
}

#[test]
fn killed_in_a_destroy() {
    row(
        "terraform-killed-in-destroy",
        "the Terraform process is killed (SIGKILL) while it destroys the control plane",
        "Takes away the lock that the dead process left and destroys what is left. The VPC waits for it.",
    )
    .play(async |account| {
        let world = ready().await;
        world.delete(CLUSTER).await;
        world
            .until("the destroy of EKS", 2 * MINUTE, |world| counts(world)[1].1 == 1)
            .await;
        world.pass(SECOND).await;
        assert!(world.cloud().kill(EKS_LABEL));
        world.pass(SECOND).await;
        account.sees(&world, EKS);
        account.least("one more destroy for what the killed one did not come to destroy");
        account.ends_as_fresh(&world, &[&fixture::templates()]).await;
        lock_was_taken_away(&world);
        nothing_is_left(&world);
        assert_eq!(counts(&world), [(1, 1), (1, 2), (1, 1)]);
    });
}

#[test]
fn killed_together_with_the_operator() {
    row(
        "operator-and-terraform-killed",
        "the operator and its Terraform process are killed together while they make the control plane",
        "The next operator finds that the process is dead, takes away its lock and completes what is missing.",
    )
    .play(async |account| {
        let mut world = ordered().await;
        applying(&world).await;
        world.kill_operator().await;
        assert!(world.cloud().kill(EKS_LABEL));
        world.pass(MINUTE).await;
        world.start_operator();
        next_run(&world).await;
        account.sees(&world, EKS);
        ends_unlocked(account, &world, "one more apply for what the killed one did not come to make", [(1, 0), (2, 0), (1, 0)]).await;
    });
}
