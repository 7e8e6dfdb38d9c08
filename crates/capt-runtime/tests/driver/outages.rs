//! What passes by itself: writes that come too late, and an API server that is away.

use super::*;

/// The statuses that were written, oldest first.
fn written(world: &World) -> Vec<String> {
    let transcript = world.server.transcript();
    let statuses = transcript
        .iter()
        .filter(|line| line.contains(" PATCH ") && line.contains("/status?"));
    statuses.cloned().collect()
}

/// Whether people were ever told of what the server was made to say.
fn is_told(world: &World) -> bool {
    written(world)
        .iter()
        .any(|status| status.contains("made to fail"))
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_a_few_writes_that_come_too_late() {
    for (times, reason) in [(1, "Conflict"), (3, "Conflict"), (3, "AlreadyExists")] {
        let world = World::start();
        world.server.fail_times(times, "PATCH", "configmaps", 409, reason);
        world.widget("a", json!({ "size": 1 }));
        pass(10).await;
        assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "1" }));
        assert!(!is_told(&world), "{times} {reason}: {:?}", written(&world));
        world.shut_down().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_comes_too_late_again_and_again_is_told_and_goes_on() {
    let world = World::start();
    world.server.fail_times(6, "PATCH", "configmaps", 409, "Conflict");
    world.widget("a", json!({ "size": 1 }));
    pass(15).await;
    assert_eq!(
        world.status("a")["fault"],
        "ConfigMap default/a: made to fail",
        "told after the fourth time"
    );
    pass(120).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "1" }));
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn what_got_in_the_way_is_seen_before_the_write_is_tried_again() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    // Somebody writes the object while the finalizer is on its way.
    let mut left = 1;
    let server = world.server.clone();
    world.server.fail(move |method, path| {
        let hit = left > 0 && method == "PATCH" && path.ends_with("widgets/a");
        left -= i32::from(hit);
        if hit {
            let server = server.clone();
            tokio::spawn(async move {
                let other = json!({ "metadata": { "annotations": { "a": "b" } } });
                server.put("widgets", "a", other);
            });
        }
        hit.then_some((409, "Conflict"))
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.state("a"), "Ready", "sooner than the delay of a failure");
    assert_eq!(world.diary.count("AddFinalizer a"), 2);
    assert!(!is_told(&world), "{:?}", written(&world));
    world.shut_down().await;
}

/// A world whose widget has failed for so long, because the API server is away, that its next try is minutes off.
async fn away() -> World {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    pass(5).await;
    world.server.fail(|_, _| Some((503, "ServiceUnavailable")));
    world.widget("a", json!({ "size": 2 }));
    pass(1).await;
    world.server.cut_watches(false);
    pass(260).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "1" }));
    world.server.heal();
    world
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_outage_ends_the_delays() {
    let world = away().await;
    let rounds = world.diary.count("observe a");
    pass(31).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "2" }));
    assert!(world.diary.count("observe a") > rounds);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_once_more_right_after_an_outage_is_tried_again_soon() {
    let world = away().await;
    world.server.fail_times(3, "PATCH", "widgets/a", 403, "Forbidden");
    pass(40).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "2" }));
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_no_outage() {
    let world = World::start();
    world.widget("a", json!({ "size": 13 }));
    pass(400).await;
    let tries = world.diary.count("Make(\"13\") a");
    let mut left = 1;
    world.server.fail(move |_, path| {
        let hit = left > 0 && path.ends_with("/widgets");
        left -= i32::from(hit);
        hit.then_some((503, "ServiceUnavailable"))
    });
    world.server.cut_watches(false);
    pass(10).await;
    world.widget("b", json!({ "size": 1 }));
    pass(50).await;
    assert_eq!(world.state("b"), "Ready", "the watch works again");
    assert_eq!(world.diary.count("Make(\"13\") a"), tries);
    world.shut_down().await;
}
