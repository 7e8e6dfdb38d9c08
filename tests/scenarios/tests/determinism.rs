//! The same script gives the same requests, byte by byte, in this process and in a fresh one.

use std::process::Command;

use capt_testing::simulate;
use serde_json::json;

use crate::{CLUSTER, CONTROL_PLANE, MINUTE, SECOND, ordered, until_ready};

/// Set in a fresh process that is to write its request log to this file.
const LOG_TO: &str = "CAPT_SCENARIO_REQUEST_LOG";

/// A life with a fault, a restart, an upgrade and an end.
fn life() -> String {
    simulate(async {
        let mut world = ordered().await;
        world
            .cloud()
            .fail("demo-vpc", "ThrottlingException: Rate exceeded", 1);
        world
            .until("the apply of EKS", 5 * MINUTE, |world| {
                world.cloud().counters("demo-eks-controlplane").applies == 1
            })
            .await;
        world.kill_operator().await;
        world.pass(3 * SECOND).await;
        world.start_operator();
        until_ready(&world).await;
        world
            .patch(CONTROL_PLANE, json!({ "spec": { "version": "1.32" } }))
            .await;
        world.pass(15 * MINUTE).await;
        world.server().cut_watches();
        world.pass(MINUTE).await;
        world.delete(CLUSTER).await;
        world.until_gone(CLUSTER, 5 * MINUTE).await;
        world.request_log()
    })
}

/// The first line in which two logs differ, with what came before it.
fn first_difference<'a>(one: &'a str, other: &'a str) -> Option<(usize, &'a str, &'a str)> {
    let longest = one.lines().count().max(other.lines().count());
    let line = |text: &'a str, number: usize| text.lines().nth(number).unwrap_or("(end)");
    (0..longest)
        .map(|number| (number, line(one, number), line(other, number)))
        .find(|(_, one, other)| one != other)
}

#[test]
fn the_same_script_gives_the_same_requests() {
    let first = life();
    if let Ok(path) = std::env::var(LOG_TO) {
        std::fs::write(path, first).unwrap();
        return;
    }
    assert!(first.lines().count() > 200, "{first}");
    assert_eq!(first_difference(&first, &life()), None, "in one process");

    let path = std::env::temp_dir().join(format!("capt-request-log-{}", std::process::id()));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "determinism::the_same_script_gives_the_same_requests"])
        .env(LOG_TO, &path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let fresh = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(first_difference(&first, &fresh), None, "in a fresh process");
    assert_eq!(first, fresh);
}
