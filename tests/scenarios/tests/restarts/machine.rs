//! The machine is started anew, or its disk is lost.

use capt_testing::fixture;
use serde_json::json;

use super::{counts, next_run, no_lock_is_left, nothing_is_left, raised, row};
use crate::{CLUSTER, CONTROL_PLANE, EKS, MINUTE, SECOND, ordered, ready};

#[test]
fn rebooted() {
    row(
        "machine-rebooted",
        "the machine of operator and API server is started anew while Terraform applies",
        "No process of an earlier boot is taken for alive: its lock is taken away, and what is missing is completed.",
    )
    .play(async |account| {
        let mut world = ordered().await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| counts(world)[1].0 == 1)
            .await;
        world.pass(3 * SECOND).await;
        world.server().stop();
        world.kill_operator().await;
        world.cloud().kill_all();
        world.pass(2 * MINUTE).await;
        world.server().start();
        world.start_operator();
        next_run(&world).await;
        account.sees(&world, EKS);
        let manifests = [&fixture::templates(), fixture::CLUSTER];
        account.least("one more apply for what the first did not come to make");
        account.ends_as_fresh(&world, &manifests).await;
        no_lock_is_left(&world);
        assert_eq!(counts(&world), [(1, 0), (2, 0), (1, 0)]);
    });
}

#[test]
fn disk_lost_of_a_ready_cluster() {
    row(
        "work-directory-lost",
        "the operator of a ready cluster comes back on another machine, without its working directory",
        "Nothing is planned. The next change is applied, and a deletion destroys, from the state in the cluster.",
    )
    .play(async |account| {
        let mut world = ready().await;
        world.kill_operator().await;
        world.cloud().lose_directories();
        world.start_operator();
        world.until_quiet().await;
        assert_eq!(counts(&world), [(1, 0); 3]);
        account.sees(&world, CONTROL_PLANE);
        let version = json!({ "spec": { "version": "1.32" } });
        world.patch(CONTROL_PLANE, version).await;
        let (templates, raised) = (fixture::templates(), raised());
        let manifests = [templates.as_str(), raised.as_str()];
        capt_testing::ends_as_fresh(&world, &manifests).await;
        assert_eq!(counts(&world), [(1, 0), (2, 0), (1, 0)]);
        world.kill_operator().await;
        world.cloud().lose_directories();
        world.start_operator();
        world.delete(CLUSTER).await;
        account.least("one apply for the new version and one destroy each, as with the directory");
        account.ends_as_fresh(&world, &[&fixture::templates()]).await;
        nothing_is_left(&world);
        assert_eq!(counts(&world), [(1, 1), (2, 1), (1, 1)]);
    });
}

#[test]
fn disk_lost_during_an_apply() {
    row(
        "work-directory-lost-in-apply",
        "the working directory is lost while Terraform applies, and the next operator knows nothing of the process",
        "The lock of the state keeps it from applying beside the process. Once that has ended, there is nothing left \
         to do.",
    )
    .play(async |account| {
        let mut world = ordered().await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| counts(world)[1].0 == 1)
            .await;
        world.kill_operator().await;
        world.cloud().lose_directories();
        world.start_operator();
        world.until_state(EKS, "Recovering", MINUTE).await;
        account.sees(&world, EKS);
        let manifests = [&fixture::templates(), fixture::CLUSTER];
        account.least("one apply; the plans after it find the lock, or nothing to do");
        account.ends_as_fresh(&world, &manifests).await;
        no_lock_is_left(&world);
        assert_eq!(counts(&world), [(1, 0); 3]);
    });
}
