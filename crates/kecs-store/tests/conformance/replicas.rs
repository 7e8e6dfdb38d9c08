//! Several servers upon one database.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kecs_core::tx::Expect;
use kecs_store::cached::Cached;
use kecs_store::postgres::Postgres;
use kecs_store::{CommitError, Fed, Feed, Head, Lead, Retention, Store, StoreError};
use tempfile::TempDir;

use crate::fixture::{Fixture, at, changes, delete, expecting, key, set, telling, value};
use crate::{address, cluster, database, histories, open};

fn two() -> (TempDir, Fixture, Fixture) {
    two_with(100)
}

/// Two servers with caches of so many keys.
fn two_with(keys: u64) -> (TempDir, Fixture, Fixture) {
    let place = TempDir::new().unwrap();
    let fixture = |store| Fixture {
        store,
        place: TempDir::new().unwrap(),
        engine: crate::CACHED_POSTGRES,
    };
    let cached =
        || -> Arc<dyn Store> { Arc::new(Cached::new(open(&place), keys, Duration::from_mins(1)).unwrap()) };
    let (one, other) = (fixture(cached()), fixture(cached()));
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

/// What clients see at either server, each behind a cache, could have been so.
pub(crate) fn they_are_linearizable() {
    // As many keys as there are, and fewer, so that they are evicted all the time.
    for keys in [histories::KEYS, 3] {
        let (_place, one, other) = two_with(keys);
        histories::clean(&[one.store, other.store]);
    }
}

pub(crate) async fn a_lost_connection_is_made_anew() {
    let (place, one, _other) = two();
    one.done(changes([set("a", "1")])).await;
    drop(one.store.view().unwrap());
    let ours = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'kecs'",
        database(&place)
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
    drop(open(&place));
    cluster::sql(&database(&place), "UPDATE kecs_version SET version = 99");
    let error = Postgres::open(&address(&place)).err().unwrap();
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
    let nowhere = Postgres::open("host=/nowhere user=kecs dbname=kecs");
    let error = nowhere.err().unwrap().to_string();
    assert_eq!(
        error,
        "the store failed at connecting: error connecting to server: No such file or directory (os error 2)"
    );
}

pub(crate) fn what_is_not_there_is_not_made() {
    let place = TempDir::new().unwrap();
    let address = address(&place);
    let absent = Postgres::open_existing(&address).err().unwrap();
    assert!(matches!(&absent, StoreError::Absent { name } if *name == database(&place)));
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'kecs%'";
    assert_eq!(cluster::ask(&database(&place), tables), "0");
    let identity = open(&place).identity();
    assert_eq!(Postgres::open_existing(&address).unwrap().identity(), identity);
}

/// The sessions of those that lead, in a database.
const LEADERS: &str = "FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND application_name = 'kecs-lead' AND datname = current_database()";
/// How many sessions have tried in vain.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kecs-lead'
    AND datname = current_database() AND state = 'idle' AND query LIKE 'SELECT pg_try_advisory_lock%'
    AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')";

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), what).await.unwrap()
}

/// Asks until the answer is so.
async fn until(database: &str, question: &str, answer: &str) {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    soon(async {
        while cluster::ask(database, question) != answer {
            looks.tick().await;
        }
    })
    .await;
}

fn waits(fixture: &Fixture) -> tokio::task::JoinHandle<Result<Lead, StoreError>> {
    let store = Arc::clone(&fixture.store);
    tokio::spawn(async move { store.lead().await })
}

pub(crate) async fn one_of_them_leads() {
    let (place, one, other) = two();
    let database = database(&place);
    let first = soon(one.store.lead()).await.unwrap();
    let waiting = waits(&other);
    until(&database, WAITING, "1").await;
    assert!(!waiting.is_finished());
    assert_eq!(
        cluster::ask(&database, &format!("SELECT count(*) {LEADERS}")),
        "1"
    );
    cluster::sql(&database, &format!("SELECT pg_terminate_backend(pid) {LEADERS}"));
    let why = soon(first.lost()).await.to_string();
    assert!(
        why.ends_with(": FATAL: terminating connection due to administrator command"),
        "{why}"
    );
    let second = soon(waiting).await.unwrap().unwrap();
    // The old leader is the next candidate.
    let waiting = waits(&one);
    until(&database, WAITING, "1").await;
    assert!(!waiting.is_finished());
    drop(second);
    soon(waiting).await.unwrap().unwrap();
}

pub(crate) async fn the_lead_can_be_given_up() {
    let (place, one, other) = two();
    let database = database(&place);
    let lead = soon(one.store.lead()).await.unwrap();
    let waiting = waits(&other);
    until(&database, WAITING, "1").await;
    // Who waits no longer is no candidate.
    waiting.abort();
    assert!(soon(waiting).await.unwrap_err().is_cancelled());
    until(&database, WAITING, "0").await;
    // The lead is held by whoever looks for its loss, too.
    let lost = tokio::spawn(lead.lost());
    let waiting = waits(&other);
    until(&database, WAITING, "1").await;
    assert!(!lost.is_finished());
    lost.abort();
    soon(waiting).await.unwrap().unwrap();
}

pub(crate) async fn each_schema_has_a_leader() {
    let place = TempDir::new().unwrap();
    let address = address(&place);
    let mut leads = Vec::new();
    for schema in ["one", "two"] {
        cluster::sql(&database(&place), &format!("CREATE SCHEMA {schema}"));
        let store = Postgres::open(&format!("{address} options='-c search_path={schema}'")).unwrap();
        leads.push(soon(store.lead()).await.unwrap());
    }
    let leaders = format!("SELECT count(*) {LEADERS}");
    assert_eq!(cluster::ask(&database(&place), &leaders), "2");
}
