//! What goes wrong is repeated, later and later, and mended as soon as it can be.

use serde_json::json;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_failing_round_backs_off_and_a_change_of_the_object_ends_the_delay() {
    let world = World::start();
    world.widget("a", json!({ "size": 13 }));
    pass(600).await;
    let tries = world.diary.count("Make(\"13\") a");
    assert!(
        (8..=11).contains(&tries),
        "{tries} tries in ten minutes, doubling from a second"
    );
    assert_eq!(world.status("a")["fault"], "thirteen", "the fault is shown");
    // Nothing but its own echo: the delay holds.
    world.widget("a", json!({ "size": 14 }));
    pass(1).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "14" }));
    // Success has reset the delay: the next failure starts with a short one.
    world.widget("a", json!({ "size": 130 }));
    pass(8).await;
    let tries = world.diary.count("Make(\"130\") a");
    assert!((3..=4).contains(&tries), "{tries} tries in eight seconds");
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_what_was_read_ends_the_delay_too() {
    let world = World::start();
    world.widget("a", json!({ "size": 13 }));
    pass(400).await;
    let tries = world.diary.count("Make(\"13\") a");
    world
        .server
        .put("configmaps", "a", json!({ "data": { "made": "something" } }));
    pass(1).await;
    assert_eq!(world.diary.count("Make(\"13\") a"), tries + 1);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_foreign_status_write_does_not_end_the_delay() {
    let world = World::start();
    world.widget("a", json!({ "size": 13 }));
    pass(400).await;
    let rounds = world.diary.count("observe a");
    world
        .server
        .put("widgets", "a", json!({ "status": { "foreign": "x" } }));
    pass(1).await;
    assert_eq!(world.diary.count("observe a"), rounds);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_conflict_on_the_status_repeats_the_round() {
    let world = World::start();
    world.server.fail_times(2, "PATCH", "/status", 409, "Conflict");
    world.widget("a", json!({ "size": 1 }));
    pass(10).await;
    assert_eq!(world.state("a"), "Ready");
    assert_eq!(
        world.diary.count("AddFinalizer a"),
        1,
        "nothing is done before its intent is written"
    );
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn the_server_says_when_to_come_back() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    world
        .server
        .fail_times(1, "PATCH", "configmaps", 429, "TooManyRequests");
    pass(29).await;
    assert_eq!(world.state("a"), "Working");
    pass(2).await;
    assert_eq!(world.state("a"), "Ready");
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn rounds_wait_for_every_kind_and_readiness_names_the_missing_one() {
    let server = Server::new();
    server.fail(|_, path| path.contains("widgets").then_some((404, "")));
    let world = World::start_with(server, |builder| builder);
    world.widget("a", json!({ "size": 1 }));
    pass(300).await;
    assert!(!world.health.is_synced());
    let unsynced = world.health.standing().unsynced();
    assert_eq!(unsynced.len(), 1);
    assert!(unsynced[0].starts_with("widgets.test.capt.dev: "), "{unsynced:?}");
    assert_eq!(world.diary.count("observe a"), 0);
    assert!(world.server.writes().is_empty());
    world.server.heal();
    pass(40).await;
    assert!(world.health.is_synced() && world.health.standing().unsynced().is_empty());
    assert_eq!(world.state("a"), "Ready");
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_watch_lists_again_and_misses_nothing() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    world.widget("b", json!({ "size": 1 }));
    pass(1).await;
    world.server.hold();
    world.widget("a", json!({ "size": 2 }));
    world
        .server
        .put("widgets", "b", json!({ "metadata": { "finalizers": [] } }));
    world.server.remove("widgets", "b");
    world.server.cut_watches(true);
    world.server.release();
    pass(60).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "2" }));
    assert_eq!(world.diary.count("gone b"), 1, "deleted between two lists");
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_refused_with_gone_starts_from_nothing() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    pass(1).await;
    // The refusal comes as the answer to the request and not inside the stream.
    let lists = |world: &World| {
        let transcript = world.server.transcript();
        transcript
            .iter()
            .filter(|it| it.contains(" LIST ") && it.contains("widgets"))
            .count()
    };
    let before = lists(&world);
    let mut left = 1;
    world.server.fail(move |_, path| {
        let hit = left > 0 && path.ends_with("/widgets");
        left -= i32::from(hit);
        hit.then_some((410, "Expired"))
    });
    world.server.cut_watches(false);
    pass(20).await;
    assert_eq!(lists(&world), before + 1);
    world.widget("a", json!({ "size": 2 }));
    pass(1).await;
    assert_eq!(world.status("a")["made"], "2");
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn failing_watches_are_shown_and_mended() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    pass(1).await;
    world
        .server
        .fail(|_, path| path.ends_with("/widgets").then_some((503, "ServiceUnavailable")));
    world.server.cut_watches(false);
    pass(120).await;
    let standing = world.health.standing();
    let now = Timestamp::UNIX_EPOCH + Duration::from_secs(121);
    assert_eq!(
        standing.failing(now, Duration::from_mins(1)).len(),
        1,
        "{standing:?}"
    );
    assert!(world.health.is_synced(), "the caches are old but complete");
    world.server.heal();
    pass(60).await;
    assert!(world.health.standing().failing(now, Duration::ZERO).is_empty());
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_the_running_round_end() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    // The first request of a round is on its way when the shutdown comes.
    tokio::time::sleep(Duration::from_millis(8)).await;
    let server = world.server.clone();
    world.shut_down().await;
    let writes = server.writes().len();
    pass(60).await;
    assert_eq!(server.writes().len(), writes, "nothing after the end");
}

#[test]
fn the_driver_runs_on_many_threads_as_well() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::start();
        world.widget("a", json!({ "size": 1 }));
        let ready = async {
            while world.state("a") != "Ready" {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ready)
            .await
            .unwrap();
        world.shut_down().await;
    });
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_observed_says_why() {
    let world = World::start();
    world
        .server
        .put("secrets", "s", json!({ "data": { "token": "dA==" } }));
    world.server.fail_times(3, "GET", "secrets/s", 403, "Forbidden");
    world.widget("a", json!({ "size": 1, "secret": "s" }));
    pass(2).await;
    let events = world.server.list("events");
    assert_eq!(events[0]["reason"], "Forbidden");
    assert_eq!(events[0]["type"], "Warning");
    assert!(
        events[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("Secret default/s: ")
    );
    pass(20).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "1 t" }));
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_round_that_panics_takes_no_other_with_it() {
    let world = World::start();
    world.widget("a", json!({ "size": 666 }));
    world.widget("b", json!({ "size": 1 }));
    pass(30).await;
    assert_eq!(world.state("b"), "Ready");
    let tries = world.diary.count("Make(\"666\") a");
    assert!(
        (4..=6).contains(&tries),
        "{tries} tries, further and further apart"
    );
    world.widget("a", json!({ "size": 2 }));
    pass(1).await;
    assert_eq!(world.state("a"), "Ready");
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_spec_under_our_own_write_still_ends_the_delay() {
    let world = World::start();
    world.widget("a", json!({ "size": 13 }));
    pass(400).await;
    // The watch comes back with a list: the change of the spec is inside a version that is not its own.
    world.server.hold();
    world.widget("a", json!({ "size": 1 }));
    world
        .server
        .put("widgets", "a", json!({ "status": { "foreign": "x" } }));
    world.server.cut_watches(true);
    world.server.release();
    pass(10).await;
    assert_eq!(world.state("a"), "Ready");
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn the_echo_of_a_write_does_not_end_the_delay_of_the_round_that_made_it() {
    let world = World::start();
    world.widget("a", json!({ "size": 77 }));
    pass(100).await;
    let tries = world.diary.count("Make(\"77\") a");
    assert!(
        (5..=8).contains(&tries),
        "{tries} tries, each of which changed what it reads"
    );
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn rounds_that_only_write_a_status_do_not_reset_the_delay() {
    let world = World::start();
    world.widget("a", json!({ "size": 13 }));
    for _ in 0..60 {
        pass(10).await;
        let meddled = json!({ "status": { "state": "Foreign" } });
        world.server.put("widgets", "a", meddled);
    }
    let tries = world.diary.count("Make(\"13\") a");
    assert!((7..=11).contains(&tries), "{tries} tries in ten minutes");
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_report_is_heard_of_until_its_consequences_are_written() {
    let world = World::start();
    world.widget("a", json!({ "size": 13 }));
    pass(400).await;
    let heard = world.diary.count("heard of a fault of a");
    world.server.fail_times(1, "PATCH", "/status", 409, "Conflict");
    world.widget("a", json!({ "secret": "missing" }));
    pass(400).await;
    assert_eq!(world.state("a"), "Waiting");
    assert_eq!(world.diary.count("heard of a fault of a"), heard + 2);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_of_the_same_name_hears_nothing_of_its_predecessor() {
    let world = World::start();
    world.widget("a", json!({ "size": 13 }));
    pass(400).await;
    let heard = world.diary.count("heard of a fault of a");
    world.server.hold();
    world
        .server
        .put("widgets", "a", json!({ "metadata": { "finalizers": null } }));
    world.server.remove("widgets", "a");
    world.widget("a", json!({ "size": 1 }));
    world.server.cut_watches(true);
    world.server.release();
    pass(20).await;
    assert_eq!(world.state("a"), "Ready");
    assert_eq!(world.diary.count("gone a"), 1);
    assert_eq!(world.diary.count("heard of a fault of a"), heard);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_during_a_round_starts_another() {
    let world = World::start();
    world
        .server
        .put("secrets", "s", json!({ "data": { "token": "dA==" } }));
    world.widget("a", json!({ "size": 1, "secret": "s" }));
    pass(5).await;
    // The round that this starts waits for the content of the Secret when the spec changes.
    let irrelevant = json!({ "metadata": { "annotations": { "a": "b" } } });
    world.server.put("secrets", "s", irrelevant);
    tokio::time::sleep(Duration::from_millis(1)).await;
    world.widget("a", json!({ "size": 2 }));
    pass(5).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "2 t" }));
    world.shut_down().await;
}

/// Events, as `object: type reason: message`.
fn events(world: &World) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = world.server.list("events").into_iter();
    events
        .map(|event| {
            let name = text(&event["involvedObject"]["name"]);
            let words = ["type", "reason", "message"].map(|part| text(&event[part]));
            format!("{name}: {} {}: {}", words[0], words[1], words[2])
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_holds_up_nobody() {
    let world = World::start();
    world.widget("broken", json!({ "size": "large" }));
    world.widget("fine", json!({ "size": 1 }));
    pass(10).await;
    assert_eq!(world.state("fine"), "Ready");
    assert_eq!(world.status("broken"), json!(null));
    let told = events(&world);
    let about: Vec<_> = told
        .iter()
        .filter(|event| event.starts_with("broken: "))
        .collect();
    assert_eq!(about.len(), 1, "{told:?}");
    assert!(
        about[0].contains("Warning Unreadable") && about[0].contains("large"),
        "{told:?}"
    );
    let standing = world.health.standing();
    assert!(standing.unsynced().is_empty());
    let widgets = &standing.kinds["widgets.test.capt.dev"];
    assert!(
        widgets.unreadable["default/broken"].contains("large"),
        "{widgets:?}"
    );
    world.widget("broken", json!({ "size": 2 }));
    pass(1).await;
    assert_eq!(world.state("broken"), "Ready");
    assert!(
        world.health.standing().kinds["widgets.test.capt.dev"]
            .unreadable
            .is_empty()
    );
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn what_becomes_unreadable_stays_what_it_was_for_those_who_read_it() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    world.widget("b", json!({ "size": 1 }));
    pass(10).await;
    world.widget("a", json!({ "size": "large" }));
    world.widget("b", json!({ "size": 2 }));
    pass(1).await;
    world.server.cut_watches(true);
    pass(60).await;
    assert_eq!(world.status("b"), json!({ "state": "Ready", "made": "2" }));
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "1" }));
    assert!(
        world.server.get("configmaps", "a").is_some(),
        "its child was taken for an orphan"
    );
    world.widget("a", json!({ "size": 3 }));
    pass(1).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "3" }));
    world.shut_down().await;
}
