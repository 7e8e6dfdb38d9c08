//! Commits: whole or not at all, against what they expect.

use std::collections::BTreeSet;
use std::sync::Arc;

use kecs_core::key::Key;
use kecs_core::tx::{Commit, Expect};
use kecs_store::{CommitError, Committed, Head, StoreError};

use crate::fixture::{
    EVERYTHING, Fixture, all, at, changes, delete, expecting, key, put, set, setting, telling, theirs, value,
};

fn conflict(outcome: Result<Committed, CommitError>) -> Expect {
    match outcome {
        Err(CommitError::Conflict(expect)) => expect,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_commit_is_there_or_not(on: &Fixture) {
    let first = telling(changes([set("a", "1"), set("b", "1")]), &["x", "y"]);
    assert_eq!(
        on.done(first).await,
        Committed {
            revision: 1,
            sequence: 2,
            generations: vec![1, 1]
        }
    );
    let refused = telling(changes([set("a", "2"), set("b", "2"), set("c", "2")]), &["z"]);
    let refused = expecting(
        [Expect::Generation(key("a"), 1), Expect::Generation(key("b"), 2)],
        refused,
    );
    assert_eq!(
        conflict(on.commit(refused).await),
        Expect::Generation(key("b"), 2)
    );
    assert_eq!(value(on.get(&key("a")).as_ref()), Some("1"));
    assert_eq!(value(on.get(&key("b")).as_ref()), Some("1"));
    assert_eq!(on.get(&key("c")), None);
    assert_eq!(on.count(&all()), 2);
    assert_eq!(on.store.events_since(0, 10).unwrap().len(), 2);
    // A refused commit takes no number.
    let next = on.done(changes([set("a", "3"), delete("b")])).await;
    assert_eq!(
        next,
        Committed {
            revision: 2,
            sequence: 2,
            generations: vec![2, 0]
        }
    );
    let entry = on.get(&key("a")).unwrap();
    assert_eq!((entry.generation, entry.revision), (2, 2));
    assert_eq!(*entry.record, setting("a", "3"));
    assert_eq!(on.get(&key("b")), None);
    // Nor does one that changes and tells nothing.
    let nothing = on.done(Commit::default()).await;
    assert_eq!(
        nothing,
        Committed {
            revision: 2,
            sequence: 2,
            generations: vec![]
        }
    );
    // One that only tells takes one.
    let told = on.done(telling(Commit::default(), &["x"])).await;
    assert_eq!((told.revision, told.sequence), (3, 3));
    assert_eq!(
        on.store.view().unwrap().head(),
        Head {
            revision: 3,
            sequence: 3
        }
    );
    on.sound();
}

pub(crate) async fn a_conflict_names_what_does_not_hold(on: &Fixture) {
    on.done(changes([set("a", "1"), set("b", "1")])).await;
    on.done(changes([set("b", "2"), delete("a")])).await;
    let attempt = async |expects: Vec<Expect>| on.commit(expecting(expects, changes([set("z", "1")]))).await;
    let generation = |name: &str, generation| Expect::Generation(key(name), generation);
    // What was deleted and what never was have generation zero.
    for (name, held) in [("a", 0), ("b", 2), ("never", 0)] {
        for wrong in [0, 1, 2, 3].into_iter().filter(|it| *it != held) {
            let expect = generation(name, wrong);
            assert_eq!(conflict(attempt(vec![expect.clone()]).await), expect);
        }
    }
    // The first that does not hold, in their order.
    let two = vec![generation("b", 2), generation("never", 4), generation("a", 9)];
    assert_eq!(conflict(attempt(two).await), generation("never", 4));
    assert_eq!(on.get(&key("z")), None);
    let held = vec![generation("b", 2), generation("never", 0), generation("a", 0)];
    assert_eq!(attempt(held).await.unwrap().revision, 3);
    // What only reads is held against the records too.
    let reads = expecting([generation("b", 1)], Commit::default());
    assert_eq!(conflict(on.commit(reads).await), generation("b", 1));
}

pub(crate) async fn a_malformed_commit_changes_nothing(on: &Fixture) {
    let twice = changes([set("a", "1"), set("b", "1"), set("a", "2")]);
    let nameless = changes([put(Key::from_text(""), setting("a", "1"))]);
    for commit in [twice, nameless] {
        let outcome = on.commit(commit).await;
        assert!(
            matches!(outcome, Err(CommitError::Failed(StoreError::Malformed(_)))),
            "{outcome:?}"
        );
    }
    assert_eq!(on.store.view().unwrap().head(), Head::default());
    assert_eq!(on.done(changes([set("a", "1")])).await.revision, 1);
}

pub(crate) async fn generations_go_on_over_deletes(on: &Fixture) {
    let wrote = async |change| on.done(changes([change])).await.generations;
    assert_eq!(wrote(set("a", "1")).await, [1]);
    assert_eq!(wrote(set("a", "2")).await, [2]);
    assert_eq!(wrote(delete("a")).await, [0]);
    assert_eq!(on.get(&key("a")), None);
    // A second deletion changes nothing, and takes a number all the same.
    assert_eq!(wrote(delete("a")).await, [0]);
    assert_eq!(wrote(set("a", "3")).await, [3]);
    let entry = on.get(&key("a")).unwrap();
    assert_eq!((entry.generation, entry.revision), (3, 5));
    // Who has read it before the deletion does not overwrite what came after.
    let stale = expecting([Expect::Generation(key("a"), 2)], changes([set("a", "4")]));
    assert_eq!(conflict(on.commit(stale).await), Expect::Generation(key("a"), 2));
    on.sound();
}

pub(crate) async fn counts_are_expected(on: &Fixture) {
    on.done(changes([set("a", "1"), set("b", "1")])).await;
    let add = |name: &str, expected| {
        expecting(
            [Expect::Count(theirs("root"), expected)],
            changes([set(name, "1")]),
        )
    };
    for wrong in [0, 1, 3] {
        assert_eq!(
            conflict(on.commit(add("c", wrong)).await),
            Expect::Count(theirs("root"), wrong)
        );
    }
    on.done(add("c", 2)).await;
    // An update changes no number.
    on.done(changes([set("c", "2")])).await;
    on.done(add("d", 3)).await;
    on.done(changes([delete("a"), delete("b")])).await;
    on.done(add("e", 2)).await;
    assert_eq!(on.count(&theirs("root")), 3);
    let nobody = expecting([Expect::Count(theirs("nobody"), 0)], changes([set("f", "1")]));
    on.done(nobody).await;
    // Of ten that would each be the fifth, one is.
    let ten = (0..10).map(|number| {
        let store = Arc::clone(&on.store);
        tokio::spawn(async move { store.commit(add(&format!("x{number}"), 4), at(2)).await })
    });
    let mut done = 0;
    for task in ten.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => done += 1,
            Err(error) => assert_eq!(conflict(Err(error)), Expect::Count(theirs("root"), 4)),
        }
    }
    assert_eq!((done, on.count(&theirs("root"))), (1, 5));
    on.sound();
}

pub(crate) async fn what_was_acknowledged_is_seen(on: &Fixture) {
    for number in 1..=50_u64 {
        let text = number.to_string();
        let committed = on.done(changes([set("a", &text)])).await;
        let view = on.store.view().unwrap();
        assert_eq!(committed.revision, number);
        assert_eq!(view.head().revision, number);
        assert_eq!(value(view.get(&key("a")).unwrap().as_ref()), Some(text.as_str()));
        let listed = view.list(&all(), EVERYTHING).unwrap();
        assert_eq!(value(listed.first()), Some(text.as_str()));
    }
}

pub(crate) async fn a_view_stays_as_it_was(on: &Fixture) {
    on.done(telling(changes([set("a", "1"), set("b", "1")]), &["x"]))
        .await;
    let before = on.store.view().unwrap();
    on.done(telling(
        changes([set("a", "2"), delete("b"), set("c", "1")]),
        &["y"],
    ))
    .await;
    assert_eq!(before.head().revision, 1);
    assert_eq!(value(before.get(&key("a")).unwrap().as_ref()), Some("1"));
    assert_eq!(before.get(&key("b")).unwrap().unwrap().generation, 1);
    assert_eq!(before.get(&key("c")).unwrap(), None);
    assert_eq!(before.count(&all()).unwrap(), 2);
    assert_eq!(before.list(&all(), EVERYTHING).unwrap().len(), 2);
    assert_eq!(before.events(0, 10).unwrap().len(), 1);
    let after = on.store.view().unwrap();
    assert_eq!(value(after.get(&key("a")).unwrap().as_ref()), Some("2"));
    assert_eq!(after.get(&key("b")).unwrap(), None);
    assert_eq!(after.events(0, 10).unwrap().len(), 2);
}

pub(crate) async fn numbers_have_no_gap_under_many_writers(on: &Fixture) {
    const WRITERS: usize = 64;
    const COMMITS: usize = 20;
    let barrier = Arc::new(std::sync::Barrier::new(WRITERS));
    let threads: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, barrier) = (Arc::clone(&on.store), Arc::clone(&barrier));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                barrier.wait();
                let mut made = Vec::new();
                for number in 0..COMMITS {
                    let name = format!("w{writer:02}-{number:02}");
                    let commit = telling(changes([set(&name, "1"), set("shared", &name)]), &[&name, &name]);
                    made.push((name, runtime.block_on(store.commit(commit, at(3))).unwrap()));
                }
                made
            })
        })
        .collect();
    let made: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    let total = (WRITERS * COMMITS) as u64;
    let revisions: BTreeSet<u64> = made.iter().map(|(_, it)| it.revision).collect();
    assert_eq!(revisions, (1..=total).collect());
    let log = on.store.events_since(0, usize::MAX).unwrap();
    let sequences: Vec<u64> = log.iter().map(|it| it.sequence).collect();
    assert_eq!(sequences, (1..=2 * total).collect::<Vec<_>>());
    for (name, committed) in &made {
        // Each commit wrote the shared key once, so that its generation counts the commits.
        assert_eq!(committed.generations, [1, committed.revision]);
        assert_eq!(committed.sequence, 2 * committed.revision);
        let at = usize::try_from(committed.sequence).unwrap() - 2;
        for logged in &log[at..at + 2] {
            assert_eq!(
                (&logged.event.resource, logged.revision),
                (name, committed.revision)
            );
        }
    }
    let last = made.iter().find(|(_, it)| it.revision == total).unwrap();
    assert_eq!(value(on.get(&key("shared")).as_ref()), Some(last.0.as_str()));
    assert_eq!(on.count(&all()), total + 1);
    on.sound();
}
