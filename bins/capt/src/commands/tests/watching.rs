//! Watching over a server that goes away.

use std::collections::BTreeSet;
use std::time::Duration;

use capt_picture::NodeKind;
use capt_sandbox::watch::{Change, changes_in};
use capt_testing::simulate;
use futures::StreamExt as _;
use futures::stream::BoxStream;

use super::world::ordered;

async fn next(feed: &mut BoxStream<'static, Change>) -> Change {
    let change = tokio::time::timeout(Duration::from_mins(10), feed.next()).await;
    change.expect("something happens").expect("a feed never ends")
}

/// Reads on until every kind was told whole.
async fn until_synced(feed: &mut BoxStream<'static, Change>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut synced = BTreeSet::new();
    while synced.len() < NodeKind::WITH_STATE.len() {
        match next(feed).await {
            Change::Set(node) => {
                seen.insert(node.key.to_string());
            }
            Change::Synced(kind) => {
                synced.insert(kind);
            }
            Change::Gone(_) | Change::Lost(..) => {}
        }
    }
    seen
}

#[test]
fn a_server_that_goes_away_is_said_and_found_again() {
    simulate(async {
        let world = ordered().await;
        world.pass(Duration::from_secs(1)).await;
        let client = world.server().client("default");
        let mut feed = changes_in(&client, Some("default"));
        let seen = until_synced(&mut feed).await;
        assert!(seen.contains("Cluster/default/demo"), "{seen:?}");

        world.server().stop();
        let mut lost = BTreeSet::new();
        while lost.len() < NodeKind::WITH_STATE.len() {
            if let Change::Lost(kind, reason) = next(&mut feed).await {
                assert!(!reason.is_empty() && !reason.contains("Error("), "{reason}");
                lost.insert(kind);
            }
        }
        tokio::time::sleep(Duration::from_mins(1)).await;
        world.server().start();
        // What was told before is told again, or nothing was missed: the feed goes on.
        world.annotate("Cluster/demo", "seen", Some("again")).await;
        loop {
            match next(&mut feed).await {
                Change::Set(node) if node.key.to_string() == "Cluster/default/demo" => break,
                Change::Set(_) | Change::Gone(_) | Change::Synced(_) | Change::Lost(..) => {}
            }
        }
    });
}

#[test]
fn other_namespaces_are_not_watched_unless_all_are() {
    simulate(async {
        let world = ordered().await;
        world.pass(Duration::from_secs(1)).await;
        let client = world.server().client("default");
        let here = until_synced(&mut changes_in(&client, Some("default"))).await;
        assert_eq!(until_synced(&mut changes_in(&client, None)).await, here);
        let elsewhere = until_synced(&mut changes_in(&client, Some("other"))).await;
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
    });
}
