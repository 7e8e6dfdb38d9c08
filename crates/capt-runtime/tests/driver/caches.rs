//! No round decides on a state older than the writes of its own process.

use serde_json::json;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_round_is_parked_until_the_watch_catches_up() {
    let world = World::start();
    world.widget("a", json!({ "size": 1, "every": 1 }));
    pass(1).await;
    assert_eq!(world.state("a"), "Ready");
    world.widget("a", json!({ "size": 2 }));
    tokio::time::sleep(Duration::from_millis(1)).await;
    // From here on nobody hears of the writes that the round makes.
    world.server.hold();
    pass(3).await;
    let requests = world.server.requests();
    assert!(
        !requests
            .iter()
            .any(|it| it == "GET /apis/test.capt.dev/v1/namespaces/default/widgets/a")
    );
    assert_eq!(
        world.state("a"),
        "Working",
        "its own status write has not come back"
    );
    assert_eq!(world.diary.count("Make(\"2\") a"), 0);
    world.server.release();
    pass(1).await;
    assert_eq!(world.status("a"), json!({ "state": "Ready", "made": "2" }));
    assert_eq!(world.diary.count("Make(\"2\") a"), 1);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn patience_ends_with_one_question_to_the_server() {
    let world = World::start();
    world.widget("a", json!({ "size": 1, "every": 1 }));
    pass(1).await;
    world.widget("a", json!({ "size": 2 }));
    tokio::time::sleep(Duration::from_millis(1)).await;
    world.server.hold();
    pass(60).await;
    assert_eq!(
        world.status("a"),
        json!({ "state": "Ready", "made": "2" }),
        "without any watch event"
    );
    assert_eq!(
        world.diary.count("Make(\"2\") a"),
        1,
        "and nothing was done twice"
    );
    let requests = world.server.requests();
    let questions = requests
        .iter()
        .filter(|it| it.starts_with("GET") && !it.contains("events"));
    assert!(questions.count() <= 6, "{requests:?}");
    world.server.release();
    pass(10).await;
    assert_eq!(world.diary.count("Make(\"2\") a"), 1);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_deleted_by_us_is_not_deleted_again() {
    let world = World::start();
    world.widget("a", json!({ "size": 1, "every": 1 }));
    pass(2).await;
    world.server.remove("widgets", "a");
    tokio::time::sleep(Duration::from_millis(1)).await;
    world.server.hold();
    pass(60).await;
    assert_eq!(world.diary.count("Unmake a"), 1);
    assert_eq!(
        world.server.get("widgets", "a"),
        None,
        "released on the server's word"
    );
    world.server.release();
    pass(10).await;
    assert_eq!(world.diary.count("Unmake a"), 1);
    assert!(world.diary.count("gone a") >= 1);
    world.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_is_looked_up_before_anything_else() {
    let world = World::start();
    world.widget("a", json!({ "size": 1 }));
    tokio::time::sleep(Duration::from_millis(8)).await;
    world.server.hang_writes(true);
    pass(20).await;
    world.server.hang_writes(false);
    pass(60).await;
    assert_eq!(world.state("a"), "Ready");
    let asked = "GET /apis/test.capt.dev/v1/namespaces/default/widgets/a";
    assert!(
        world.server.requests().iter().any(|it| it == asked),
        "{:?}",
        world.server.requests()
    );
    world.shut_down().await;
}
