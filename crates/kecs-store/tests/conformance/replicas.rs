//! Several servers upon one database.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kecs_core::tx::Expect;
use kecs_store::cached::Cached;
use kecs_store::{CommitError, Fed, Feed, Head, Retention, Store, StoreError};
use tempfile::TempDir;

use crate::cluster;
use crate::fixture::{Fixture, at, changes, delete, expecting, key, set, telling, value};

fn two() -> (TempDir, Fixture, Fixture) {
    let place = TempDir::new().unwrap();
    let fixture = |store| Fixture {
        store,
        place: TempDir::new().unwrap(),
        engine: crate::CACHED_POSTGRES,
    };
    let open = || -> Arc<dyn Store> {
        Arc::new(Cached::new(cluster::open(&place), 100, Duration::from_mins(1)).unwrap())
    };
    let (one, other) = (fixture(open()), fixture(open()));
    (place, one, other)
}

pub(crate) async fn each_sees_what_the_others_acknowledged() {
    let (_place, one, other) = two();
    assert_eq!(one.store.identity(), other.store.identity());
    for number in 1..=20_u64 {
        let (writes, reads) = if number % 2 == 0 {
            (&one, &other)
        } else {
            (&other, &one)
        };
        let text = number.to_string();
        let expects = [Expect::Generation(key("a"), number - 1)];
        let commit = expecting(expects, telling(changes([set("a", &text)]), &[&text]));
        assert_eq!(writes.done(commit).await.revision, number);
        let view = reads.store.view().unwrap();
        assert_eq!(view.head().revision, number);
        assert_eq!(value(view.get(&key("a")).unwrap().as_ref()), Some(text.as_str()));
        assert_eq!(reads.store.events_since(number - 1, 9).unwrap().len(), 1);
        // What the other has written meanwhile is expected in vain.
        let stale = expecting(
            [Expect::Generation(key("a"), number - 1)],
            changes([set("a", "stale")]),
        );
        let outcome = reads.commit(stale).await;
        assert!(matches!(outcome, Err(CommitError::Conflict(_))), "{outcome:?}");
    }
    one.sound();
}

/// A call of a feed: its revision, and of each key the revision and whether there is a record.
type Call = (u64, Vec<(u64, bool)>);

/// Remembers what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<Call>>);

impl Feed for Told {
    fn applied(&self, revision: u64, changed: &[Fed]) {
        let changed = changed.iter().map(|fed| (fed.revision, fed.entry.is_some()));
        self.0.lock().unwrap().push((revision, changed.collect()));
    }

    fn missed(&self, revision: u64) {
        self.0.lock().unwrap().push((revision, vec![(0, false)]));
    }
}

async fn come_to(store: &dyn Store, head: Head) {
    let mut newest = store.subscribe();
    let come = newest.wait_for(|newest| *newest >= head);
    tokio::time::timeout(Duration::from_secs(30), come)
        .await
        .unwrap()
        .unwrap();
}

pub(crate) async fn what_others_write_is_told() {
    let (_place, one, other) = two();
    let told = Arc::new(Told::default());
    assert_eq!(one.store.feed(Arc::clone(&told) as Arc<dyn Feed>).unwrap(), 0);
    other.done(telling(changes([set("a", "1")]), &["x"])).await;
    // A notice brings it, with nothing done here.
    let head = |revision, sequence| Head { revision, sequence };
    come_to(&*one.store, head(1, 1)).await;
    assert_eq!(*told.0.lock().unwrap(), [(1, vec![(1, true)])]);
    other.done(changes([set("b", "1"), delete("a")])).await;
    // A commit of its own is told together with, or after, what it comes upon.
    one.done(changes([set("c", "1")])).await;
    let all = told.0.lock().unwrap().clone();
    let changed: Vec<(u64, bool)> = all.iter().flat_map(|(_, changed)| changed.clone()).collect();
    let mut expected = vec![(1, true), (2, true), (2, false), (3, true)];
    expected.sort_unstable();
    let mut sorted = changed;
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(all.last().unwrap().0, 3);
    come_to(&*other.store, head(3, 1)).await;
    let everything = Retention {
        events: 0,
        since: None,
        deleted: 0,
    };
    assert_eq!(other.store.prune(everything).await.unwrap().deleted, 1);
    one.sound();
    assert_eq!(one.get(&key("a")), None);
    let committed = one.done(changes([set("a", "2")])).await;
    assert_eq!(committed.generations, [2]);
}

pub(crate) async fn many_writers_have_one_order() {
    let (_place, one, other) = two();
    let mut clients = Vec::new();
    for client in 0..16 {
        let store = Arc::clone(if client % 2 == 0 { &one.store } else { &other.store });
        clients.push(tokio::spawn(async move {
            let mut made = Vec::new();
            for number in 0..10 {
                let name = format!("{client}-{number}");
                let commit = telling(changes([set(&name, "1"), set("shared", &name)]), &[&name]);
                made.push((name, store.commit(commit, at(1)).await.unwrap()));
            }
            made
        }));
    }
    let mut made = Vec::new();
    for client in clients {
        made.extend(client.await.unwrap());
    }
    made.sort_by_key(|(_, committed)| committed.revision);
    let revisions: Vec<u64> = made.iter().map(|(_, it)| it.revision).collect();
    assert_eq!(revisions, (1..=160).collect::<Vec<_>>());
    for fixture in [&one, &other] {
        let log = fixture.store.events_since(0, 999).unwrap();
        let heard: Vec<_> = log.iter().map(|it| (&it.event.resource, it.revision)).collect();
        let told: Vec<_> = made.iter().map(|(name, it)| (name, it.revision)).collect();
        assert_eq!(heard, told);
        assert_eq!(
            value(fixture.get(&key("shared")).as_ref()),
            Some(made[159].0.as_str())
        );
        fixture.sound();
    }
}

pub(crate) async fn a_lost_connection_is_made_anew() {
    let (place, one, _other) = two();
    one.done(changes([set("a", "1")])).await;
    drop(one.store.view().unwrap());
    let ours = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'kecs'",
        cluster::database(&place)
    );
    cluster::sql("postgres", &ours);
    assert_eq!(value(one.get(&key("a")).as_ref()), Some("1"));
    // The commit that finds the connection closed fails; it was not applied, and the next one is.
    let mut outcome = one.commit(changes([set("a", "2")])).await;
    if outcome.is_err() {
        assert_eq!(value(one.get(&key("a")).as_ref()), Some("1"));
        outcome = one.commit(changes([set("a", "2")])).await;
    }
    assert_eq!(outcome.unwrap().generations, [2]);
    one.sound();
}

pub(crate) fn a_later_version_is_left_alone() {
    let place = TempDir::new().unwrap();
    drop(cluster::open(&place));
    cluster::sql(&cluster::database(&place), "UPDATE kecs_version SET version = 99");
    let sockets = cluster::sockets();
    let address = format!("host={sockets} user=kecs dbname={}", cluster::database(&place));
    let error = kecs_store::postgres::Postgres::open(&address).err().unwrap();
    assert!(
        matches!(
            error,
            StoreError::Newer {
                found: 99,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
    let nowhere = kecs_store::postgres::Postgres::open("host=/nowhere user=kecs dbname=kecs");
    assert!(matches!(
        nowhere,
        Err(StoreError::Engine {
            doing: "connecting",
            ..
        })
    ));
}
