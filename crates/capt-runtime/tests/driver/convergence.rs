//! A driver brings its world to rest, and then is silent.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use super::*;

fn token(value: &str) -> Value {
    let secret = Secret {
        data: Some([("token".to_owned(), ByteString(value.as_bytes().to_vec()))].into()),
        ..Secret::default()
    };
    json!({ "data": serde_json::to_value(secret).unwrap()["data"] })
}

#[tokio::test(start_paused = true)]
async fn a_widget_becomes_ready_with_intent_written_ahead() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    pass(1).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "1" }));
    let root = "/apis/test.capt.dev/v1/namespaces/default/widgets/a";
    assert_eq!(
        world.server.requests(),
        [
            format!("PATCH {root}/status"),
            format!("PATCH {root}"),
            "PATCH /api/v1/namespaces/default/configmaps/a".to_owned(),
            format!("PATCH {root}/status"),
        ]
        .into_iter()
        .chain([
            format!("GET /api/v1/namespaces/default/events/{}", event_name(&world)),
            "POST /api/v1/namespaces/default/events".to_owned(),
        ])
        .collect::<Vec<_>>()
    );
    world.shut_down().await;
}

fn event_name(world: &World) -> String {
    let events = world.server.list("events");
    assert_eq!(events.len(), 1);
    events[0]["metadata"]["name"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_converged_world_is_silent_over_three_resyncs() {
    let world = World::start();
    world.server.put("secrets", "s", token("t"));
    for name in ["a", "b", "c"] {
        world.widget(name, json!({ "size": 1, "secret": "s" }));
    }
    pass(10).await;
    assert_eq!(world.state("c"), "Ready");
    let before = world.server.requests();
    let rounds = world.diary.count("observe a");
    pass(1850).await;
    assert_eq!(
        world.server.requests(),
        before,
        "neither a write nor an uncached read"
    );
    assert_eq!(
        world.diary.count("observe a"),
        rounds + 3,
        "and yet each was looked at"
    );
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_read_wakes_even_if_it_did_not_exist() {
    let world = World::start();
    world.widget("a", json!({ "size": 1, "secret": "later" }));
    world.widget("b", json!({ "size": 1 }));
    pass(10).await;
    assert_eq!(
        (world.state("a"), world.state("b")),
        ("Waiting".to_owned(), "Ready".to_owned())
    );
    let rounds = world.diary.count("observe b");
    world.server.put("secrets", "later", token("t"));
    world.server.put("secrets", "unread", token("t"));
    pass(1).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "1 t" }));
    assert_eq!(
        world.diary.count("observe b"),
        rounds,
        "who has not read it sleeps on"
    );
    // The child was read: somebody who meddles with it is put right.
    world
        .server
        .put("configmaps", "a", json!({ "data": { "made": "wrong" } }));
    pass(1).await;
    assert_eq!(
        world.server.get("configmaps", "a").unwrap()["data"]["made"],
        "1 t"
    );
    // What is no longer read no longer wakes.
    world.widget("a", json!({ "secret": null }));
    pass(1).await;
    let rounds = world.diary.count("observe a");
    world.server.put("secrets", "later", token("u"));
    pass(1).await;
    assert_eq!(world.diary.count("observe a"), rounds);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_fetched_once_for_each_of_its_versions() {
    let world = World::start();
    world.server.put("secrets", "s", token("t"));
    world.widget("a", json!({ "size": 1, "secret": "s" }));
    world.widget("b", json!({ "size": 1, "secret": "s" }));
    pass(1300).await;
    let gets = |world: &World| {
        let requests = world.server.requests();
        requests
            .iter()
            .filter(|it| it.starts_with("GET") && it.ends_with("secrets/s"))
            .count()
    };
    let first = gets(&world);
    assert!(
        (1..=2).contains(&first),
        "{first} GETs of one version by two rounds at once"
    );
    world.server.put("secrets", "s", token("u"));
    pass(1300).await;
    assert_eq!(world.status("b")["made"], "1 u");
    assert!((1..=2).contains(&(gets(&world) - first)));
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_object_is_released_and_forgotten() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    pass(1).await;
    world.server.remove("widgets", "a");
    pass(1).await;
    assert_eq!(world.server.get("widgets", "a"), None);
    assert_eq!(world.server.get("configmaps", "a"), None);
    assert_eq!(world.diary.count("gone a"), 1);
    assert_eq!(world.diary.count("Unmake a"), 1, "deleted once");
    // One of the same name is another.
    world.widget("a", json!({ "size": 2 }));
    pass(1).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "2" }));
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_requeue_is_kept_to_the_second() {
    let world = World::start();
    world.widget("a", json!({ "size": 1, "every": 60 }));
    pass(30).await;
    let rounds = world.diary.count("observe a");
    pass(180).await;
    assert_eq!(world.diary.count("observe a"), rounds + 3);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_wake_from_outside_starts_a_round() {
    let (waker, outside) = futures::channel::mpsc::unbounded();
    let world = World::start_with(Server::new(), |builder| builder.wake(outside));
    world.widget("a", json!({ "size": 1 }));
    pass(1).await;
    let rounds = world.diary.count("observe a");
    let key = capt_runtime::ObjectKey::new("default", "a");
    waker.unbounded_send(("widget", key.clone())).unwrap();
    waker.unbounded_send(("nobody", key)).unwrap();
    pass(1).await;
    assert_eq!(world.diary.count("observe a"), rounds + 1);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn repeated_notices_are_one_event_with_a_count() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    pass(1).await;
    world.widget("a", json!({ "size": 2 }));
    pass(1).await;
    let events = world.server.list("events");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["count"], 2);
    assert_eq!(events[0]["reason"], "Ready");
    assert_eq!(events[0]["involvedObject"]["name"], "a");
    assert_eq!(events[0]["reportingComponent"], "capt-widget");
    world.shut_down().await;
}

/// Eight widgets, a Secret that comes late and changes, a spec that changes, a deletion, failing watches
/// and a conflict: what was asked of the server, and when.
fn scenario(seed: u64) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::start_with(Server::new(), |builder| builder.seed(seed).workers(3));
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            world.widget(name, json!({ "size": 1, "secret": "s" }));
        }
        world.widget("unlucky", json!({ "size": 13 }));
        pass(20).await;
        world.server.put("secrets", "s", token("t"));
        world.server.fail_times(3, "PATCH", "/status", 409, "Conflict");
        pass(20).await;
        world.server.cut_watches(true);
        world
            .server
            .fail_times(4, "GET", "widgets", 503, "ServiceUnavailable");
        world.widget("c", json!({ "size": 3 }));
        world.server.remove("widgets", "d");
        pass(2000).await;
        let transcript = world.server.transcript();
        for name in ["a", "b", "c", "e", "f", "g", "h"] {
            assert_eq!(world.state(name), "Ready", "{name}");
        }
        assert_eq!(world.server.get("widgets", "d"), None);
        world.shut_down().await;
        transcript
    })
}

#[test]
fn the_same_scenario_gives_the_same_requests_at_the_same_times() {
    let first = scenario(1);
    assert!(first.len() > 100, "{} requests", first.len());
    assert_eq!(first, scenario(1));
    assert_ne!(first, scenario(2), "the seed matters: jitter is really there");
}
