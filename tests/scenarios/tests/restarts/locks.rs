//! A lock that is not ours.

use capt_api::keys;
use capt_testing::fixture;
use serde_json::json;

use super::{EKS_LABEL, counts, no_lock_is_left, raised, row};
use crate::{CONTROL_PLANE, EKS, MINUTE, ready};

#[test]
fn of_somebody_else() {
    row(
        "lock-of-somebody-else",
        "somebody works on the state of the control plane from a laptop when a new version is wanted",
        "Says who holds the lock and waits for it, never taking it away. Once it is let go, it goes on.",
    )
    .play(async |account| {
        let world = ready().await;
        world.cloud().lock(EKS_LABEL, "ann@laptop");
        let version = json!({ "spec": { "version": "1.32" } });
        world.patch(CONTROL_PLANE, version).await;
        world.until_state(EKS, "Recovering", MINUTE).await;
        account.sees(&world, EKS);
        account.sees(&world, CONTROL_PLANE);
        world.pass(5 * MINUTE).await;
        assert_eq!(world.cloud().locks().len(), 1, "it is not ours to take away");
        world.cloud().unlock(EKS_LABEL);
        let (templates, raised) = (fixture::templates(), raised());
        let manifests = [templates.as_str(), raised.as_str()];
        account.least("one apply; every plan before it found the lock");
        account.ends_as_fresh(&world, &manifests).await;
        assert_eq!(counts(&world), [(1, 0), (2, 0), (1, 0)]);
    });
}

#[test]
fn taken_away_by_name() {
    row(
        "lock-named-by-a-person",
        "a lock was left by somebody who will not come back, and a person names it in the annotation unlock",
        "Takes exactly this lock away and goes on at once.",
    )
    .play(async |account| {
        let world = ready().await;
        let lock = world.cloud().lock(EKS_LABEL, "ann@laptop");
        let version = json!({ "spec": { "version": "1.32" } });
        world.patch(CONTROL_PLANE, version).await;
        world.until_state(EKS, "Recovering", MINUTE).await;
        world.annotate(EKS, keys::UNLOCK, Some("another")).await;
        world.pass(MINUTE).await;
        assert_eq!(world.cloud().locks().len(), 1, "another one was named");
        account.sees(&world, EKS);
        world.annotate(EKS, keys::UNLOCK, Some(&lock)).await;
        world
            .until("the new version", 2 * MINUTE, |world| {
                world.at(CONTROL_PLANE, "/status/version") == "v1.32"
            })
            .await;
        no_lock_is_left(&world);
        world.annotate(EKS, keys::UNLOCK, None).await;
        let (templates, raised) = (fixture::templates(), raised());
        let manifests = [templates.as_str(), raised.as_str()];
        account.least("one apply; every plan before it found the lock");
        account.ends_as_fresh(&world, &manifests).await;
        assert_eq!(counts(&world), [(1, 0), (2, 0), (1, 0)]);
    });
}
