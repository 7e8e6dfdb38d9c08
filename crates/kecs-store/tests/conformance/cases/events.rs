//! Events: as committed, in the order of the commits.

use kecs_core::tx::{Commit, Expect};
use kecs_store::{Head, Pruned, Retention, StoreError};

use crate::fixture::{Fixture, all, at, changes, delete, event, expecting, key, set, telling};

pub(crate) async fn events_are_as_committed(on: &Fixture) {
    on.store
        .commit(telling(changes([set("a", "1")]), &["one", "two"]), at(5))
        .await
        .unwrap();
    on.done(changes([set("b", "1")])).await;
    let refused = expecting(
        [Expect::Generation(key("a"), 9)],
        telling(changes([set("a", "2")]), &["never"]),
    );
    on.commit(refused).await.unwrap_err();
    on.store
        .commit(telling(Commit::default(), &["three"]), at(6))
        .await
        .unwrap();
    let log = on.store.events_since(0, 10).unwrap();
    let told: Vec<_> = log
        .iter()
        .map(|it| (it.sequence, it.revision, it.at, it.event.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (1, 1, at(5), event("one")),
            (2, 1, at(5), event("two")),
            (3, 3, at(6), event("three"))
        ]
    );
    // Ids are all different, and the same whenever they are read.
    assert!(log[0].id != log[1].id && log[1].id != log[2].id && log[0].id != log[2].id);
    assert_eq!(log[0].id.len(), 36, "{}", log[0].id);
    assert_eq!(on.store.events_since(0, 10).unwrap(), log);
    assert_eq!(on.store.events_since(1, 1).unwrap(), log[1..2]);
    assert_eq!(on.store.events_since(2, 10).unwrap(), log[2..]);
    assert_eq!(on.store.events_since(3, 10).unwrap(), []);
    assert_eq!(on.store.events_since(99, 10).unwrap(), []);
    assert_eq!(on.store.events_since(0, 0).unwrap(), []);
}

pub(crate) async fn a_subscriber_sees_the_newest(on: &Fixture) {
    let mut newest = on.store.subscribe();
    assert_eq!(*newest.borrow_and_update(), Head::default());
    on.done(telling(changes([set("a", "1")]), &["x", "y"])).await;
    newest.changed().await.unwrap();
    let head = Head {
        revision: 1,
        sequence: 2,
    };
    assert_eq!(*newest.borrow_and_update(), head);
    let refused = expecting([Expect::Generation(key("a"), 9)], changes([set("a", "2")]));
    on.commit(refused).await.unwrap_err();
    on.done(Commit::default()).await;
    assert!(!newest.has_changed().unwrap());
    on.done(changes([set("a", "2")])).await;
    assert_eq!(
        *newest.borrow_and_update(),
        Head {
            revision: 2,
            sequence: 2
        }
    );
    assert_eq!(on.store.subscribe().borrow().revision, 2);
}

pub(crate) async fn pruning_keeps_what_it_is_told(on: &Fixture) {
    for second in 1..=6_i64 {
        let commit = telling(changes([set(&format!("k{second}"), "1")]), &["x"]);
        on.store.commit(commit, at(second)).await.unwrap();
    }
    let keep = |events, since: Option<i64>, deleted| Retention {
        events,
        since: since.map(at),
        deleted,
    };
    let kept = || -> Vec<u64> {
        let view = on.store.view().unwrap();
        let log = view.events(0, 99).unwrap();
        log.into_iter().map(|it| it.sequence).collect()
    };
    let pruned = |events, deleted| Pruned { events, deleted };
    // Everything is among the newest, or young enough.
    assert_eq!(on.store.prune(keep(6, None, 9)).await.unwrap(), pruned(0, 0));
    assert_eq!(on.store.prune(keep(0, Some(1), 9)).await.unwrap(), pruned(0, 0));
    assert_eq!(kept(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(on.store.prune(keep(5, Some(9), 9)).await.unwrap(), pruned(1, 0));
    assert_eq!(on.store.prune(keep(2, Some(3), 9)).await.unwrap(), pruned(1, 0));
    assert_eq!(kept(), [3, 4, 5, 6]);
    assert_eq!(on.store.prune(keep(3, None, 9)).await.unwrap(), pruned(1, 0));
    assert_eq!(kept(), [4, 5, 6]);
    // Who has not seen them is told.
    let asked = on.store.events_since(2, 9);
    assert!(
        matches!(
            asked,
            Err(StoreError::Forgotten {
                asked: 2,
                forgotten: 3
            })
        ),
        "{asked:?}"
    );
    assert_eq!(on.store.events_since(3, 9).unwrap().len(), 3);
    assert_eq!(on.store.prune(keep(0, None, 9)).await.unwrap(), pruned(3, 0));
    assert_eq!(kept(), [] as [u64; 0]);
    on.sound();
    // Numbers go on.
    assert_eq!(on.done(telling(Commit::default(), &["x"])).await.sequence, 7);

    // Deleted keys: only those that were deleted long ago, and never a record.
    on.done(changes([set("k1", "2")])).await;
    on.done(changes([set("k1", "3")])).await;
    on.done(changes([delete("k1")])).await; // revision 10
    on.done(changes([delete("k2")])).await; // revision 11
    assert_eq!(on.store.prune(keep(9, None, 2)).await.unwrap(), pruned(0, 0));
    assert_eq!(on.store.prune(keep(9, None, 1)).await.unwrap(), pruned(0, 1));
    assert_eq!(on.store.stats().unwrap().deleted, 1);
    assert_eq!(on.count(&all()), 4);
    // A generation never comes twice, though nothing is known of the key any more.
    assert_eq!(on.done(changes([set("k1", "4")])).await.generations, [4]);
    assert_eq!(on.done(changes([set("new", "1")])).await.generations, [4]);
    assert_eq!(on.done(changes([set("k2", "2")])).await.generations, [2]);
    assert_eq!(on.done(changes([set("k1", "5")])).await.generations, [5]);
    on.sound();
}
