//! The store as a whole: exports, copies, checks and numbers.

use std::io::Cursor;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use kecs_core::key::Key;
use kecs_core::record::Record;
use kecs_core::tx::{Commit, Expect};
use kecs_store::{Head, KindCount, Retention, Stats, Store, StoreError};
use serde_json::json;

use crate::fixture::{Fixture, all, changes, delete, expecting, key, of, put, scope, set, telling};

/// A store with something of everything: updated, deleted, forgotten and told.
async fn lived(on: &Fixture) {
    on.done(telling(
        changes([set("a", "1"), set("b", "1"), set("c", "1")]),
        &["x", "y"],
    ))
    .await;
    on.done(changes([delete("b")])).await;
    let retention = Retention {
        events: 1,
        since: None,
        deleted: 0,
    };
    on.store.prune(retention).await.unwrap();
    on.done(telling(changes([set("a", "2"), delete("c")]), &["z"]))
        .await;
    on.done(changes([put(
        scope().account_setting("d", "ann"),
        of("ann", "d", "é\n\"1\""),
    )]))
    .await;
}

fn exported(store: &dyn Store) -> String {
    let mut out = Vec::new();
    store.export(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

pub(crate) async fn an_export_is_imported_as_it_was(on: &Fixture) {
    lived(on).await;
    let text = exported(&*on.store);
    let other = on.another();
    let transferred = other
        .store
        .import(Box::new(Cursor::new(text.clone())))
        .await
        .unwrap();
    assert_eq!((transferred.keys, transferred.events), (3, 2));
    assert_eq!(
        transferred.head,
        Head {
            revision: 4,
            sequence: 3
        }
    );
    assert_eq!(exported(&*other.store), text);
    assert_eq!(other.store.identity(), on.store.identity());
    assert_eq!(*other.store.subscribe().borrow(), transferred.head);
    other.sound();
    // Both go on in the same way.
    for fixture in [on, &other] {
        let expects = [
            Expect::Generation(key("a"), 2),
            Expect::Generation(key("c"), 0),
            Expect::Count(all(), 2),
        ];
        let commit = expecting(
            expects,
            telling(changes([set("c", "2"), set("new", "1")]), &["w"]),
        );
        let committed = fixture.done(commit).await;
        assert_eq!((committed.revision, committed.sequence), (5, 4));
        assert_eq!(committed.generations, [2, 2]);
    }
    assert_eq!(exported(&*other.store), exported(&*on.store));
}

pub(crate) async fn an_import_is_whole_or_not(on: &Fixture) {
    lived(on).await;
    let text = exported(&*on.store);
    let lines: Vec<&str> = text.lines().collect();
    // Cut off after each line, and with each line gone or twice.
    let mut broken: Vec<Vec<&str>> = (0..lines.len()).map(|end| lines[..end].to_vec()).collect();
    for at in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(at);
        broken.push(without);
        let mut twice = lines.clone();
        twice.insert(at, lines[at]);
        broken.push(twice);
    }
    let other = on.another();
    for lines in broken {
        let text = lines.join("\n");
        let outcome = other.store.import(Box::new(Cursor::new(text.clone()))).await;
        assert!(
            matches!(outcome, Err(StoreError::Import { .. })),
            "{outcome:?} of {text}"
        );
        assert_eq!(other.store.view().unwrap().head(), Head::default());
        assert_eq!(other.store.view().unwrap().stored(None, 9).unwrap(), []);
    }
    let outcome = on.store.import(Box::new(Cursor::new(text.clone()))).await;
    assert!(
        matches!(outcome, Err(StoreError::NotEmpty { revision: 4 })),
        "{outcome:?}"
    );
    other.store.import(Box::new(Cursor::new(text))).await.unwrap();
    other.sound();
}

/// A record of each kind, as JSON, with numbers and texts that are easily lost.
fn of_every_kind() -> Vec<(Key, Record)> {
    let scope = scope();
    let time = 1_800_000_000.123;
    let kinds = [
        (
            scope.cluster("blue"),
            json!({"kind": "cluster", "cluster": {"clusterName": "blue", "status": "ACTIVE",
                "tags": [{"key": "k", "value": ""}], "settings": []}}),
        ),
        (
            scope.family("web"),
            json!({"kind": "family", "family": "web", "last_revision": 7, "active": 2}),
        ),
        (
            scope.task_definition("web", 7),
            json!({"kind": "taskDefinition", "definition": {"family": "web", "revision": 7, "status": "ACTIVE",
                "registeredAt": time}, "tags": []}),
        ),
        (
            scope.service("blue", "web"),
            json!({"kind": "service", "service": {"serviceName": "web", "desiredCount": 3,
                "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/blue",
                "createdAt": time}, "rollouts": [], "created_with": "{}"}),
        ),
        (
            scope.task("blue", "0af3"),
            json!({"kind": "task", "task": {"lastStatus": "RUNNING", "desiredStatus": "RUNNING", "version": 9_007_199_254_740_993_i64,
                "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/blue"},
                "service": "web", "task_set": null, "protected_until": "2027-01-15T08:00:00.123456789Z", "grace_seconds": 0}),
        ),
        (
            scope.task_set("blue", "web", "1"),
            json!({"kind": "taskSet", "task_set": {"scale": {"unit": "PERCENT", "value": 33.333_333_333_333_336}},
                "service": "web", "cluster": "blue", "rollout": {"id": "1", "revision": "", "service_deployment": "",
                "consecutive_failures": 4_294_967_295_u32, "resume_at": null, "counted": ["a"], "completed": true,
                "is_rollback": false}}),
        ),
        (
            scope.container_instance("blue", "1"),
            json!({"kind": "containerInstance", "instance": {"status": "ACTIVE", "registeredResources":
                [{"name": "CPU", "type": "DOUBLE", "doubleValue": 0.1}]}, "cluster": "blue"}),
        ),
        (
            scope.capacity_provider("cp"),
            json!({"kind": "capacityProvider", "provider": {"name": "cp", "status": "ACTIVE"}}),
        ),
        (
            scope.account_setting("x", "root"),
            json!({"kind": "accountSetting", "name": "x", "value": "\u{0}\u{1F600}", "principal": "root"}),
        ),
        (
            scope.service_deployment("blue", "web", "1"),
            json!({"kind": "serviceDeployment", "deployment": {"status": "SUCCESSFUL"}, "service": "web", "cluster": "blue"}),
        ),
        (
            scope.service_revision("blue", "web", "1"),
            json!({"kind": "serviceRevision", "revision": {"launchType": "FARGATE"}, "service": "web", "cluster": "blue"}),
        ),
        (
            scope.token("RunTask", "t"),
            json!({"kind": "token", "fingerprint": "f", "resources": ["arn"], "expires": "2027-01-15T08:00:00Z"}),
        ),
    ];
    kinds
        .into_iter()
        .map(|(key, json)| (key, serde_json::from_value(json).unwrap()))
        .collect()
}

pub(crate) async fn a_record_of_every_kind_comes_back_the_same(on: &Fixture) {
    let records = of_every_kind();
    let every = records
        .iter()
        .map(|(key, record)| put(key.clone(), record.clone()));
    on.done(changes(every.collect::<Vec<_>>())).await;
    for (key, record) in &records {
        assert_eq!(*on.get(key).unwrap().record, *record);
    }
    let kinds: Vec<(String, u64)> = on
        .store
        .stats()
        .unwrap()
        .kinds
        .into_iter()
        .map(|it| (it.kind, it.records))
        .collect();
    let mut named: Vec<(String, u64)> = records
        .iter()
        .map(|(_, record)| {
            let json = serde_json::to_value(record).unwrap();
            (json["kind"].as_str().unwrap().to_owned(), 1)
        })
        .collect();
    named.sort();
    // The twelve kinds, under the names that their own JSON has.
    assert_eq!((kinds.len(), kinds), (12, named));
    on.sound();
    let other = on.another();
    let text = exported(&*on.store);
    other.store.import(Box::new(Cursor::new(text))).await.unwrap();
    for (key, record) in &records {
        assert_eq!(*other.get(key).unwrap().record, *record);
    }
}

pub(crate) async fn what_it_holds_is_counted(on: &Fixture) {
    let empty = on.store.stats().unwrap();
    assert_eq!((empty.kinds, empty.events, empty.deleted), (vec![], 0, 0));
    let cluster = serde_json::from_value(json!({"kind": "cluster", "cluster": {}})).unwrap();
    on.done(telling(
        changes([set("a", "1"), set("b", "1"), put(scope().cluster("c"), cluster)]),
        &["x", "y"],
    ))
    .await;
    on.done(changes([set("a", "2"), delete("b")])).await;
    let stats = on.store.stats().unwrap();
    let kind = |kind: &str, records| KindCount {
        kind: kind.to_owned(),
        records,
    };
    assert_eq!(
        stats,
        Stats {
            head: Head {
                revision: 2,
                sequence: 2
            },
            kinds: vec![kind("accountSetting", 1), kind("cluster", 1)],
            deleted: 1,
            events: 2,
            bytes: stats.bytes,
        }
    );
    assert_eq!(stats.bytes > 0, on.engine.lasts);
    on.done(changes([delete("a")])).await;
    assert_eq!(on.store.stats().unwrap().kinds, [kind("cluster", 1)]);
}

pub(crate) async fn it_is_there_after_reopening(on: &Fixture) {
    // A fixture of its own: this one closes it.
    let on = on.another();
    lived(&on).await;
    let (before, log) = (exported(&*on.store), on.store.events_since(1, 9).unwrap());
    let lasts = on.engine.lasts;
    let on = on.reopened();
    if !lasts {
        // It ends with the process, and begins empty.
        assert_eq!(on.store.view().unwrap().head(), Head::default());
        return;
    }
    assert_eq!(exported(&*on.store), before);
    assert_eq!(on.store.events_since(1, 9).unwrap(), log);
    let head = Head {
        revision: 4,
        sequence: 3,
    };
    assert_eq!(*on.store.subscribe().borrow(), head);
    on.sound();
    let committed = on
        .done(telling(changes([set("a", "3"), set("b", "2")]), &["x"]))
        .await;
    assert_eq!((committed.revision, committed.sequence), (5, 4));
    // Of `b` nothing is known any more; it begins above what was forgotten.
    assert_eq!(committed.generations, [3, 2]);
}

pub(crate) async fn a_copy_holds_the_same(on: &Fixture) {
    lived(on).await;
    let copy = on.place.path().join("copy.db");
    let Some(restore) = on.engine.restore else {
        let refused = on.store.backup(&copy).await;
        assert!(
            matches!(refused, Err(StoreError::Unsupported { engine, .. }) if engine == on.store.engine()),
            "{refused:?}"
        );
        return;
    };
    let before = exported(&*on.store);
    on.store.backup(&copy).await.unwrap();
    on.done(telling(Commit::default(), &["later"])).await;
    // It does not write over what is there.
    let again = on.store.backup(&copy).await;
    assert!(matches!(again, Err(StoreError::File { .. })), "{again:?}");
    let restored = on.place.path().join("restored/kecs.db");
    let store = restore(&copy, &restored).unwrap();
    assert_eq!(exported(&*store), before);
    assert_eq!(store.check().unwrap(), []);
    assert_eq!(store.identity(), on.store.identity());
    let again = restore(&copy, &restored).err();
    assert!(matches!(again, Some(StoreError::File { .. })), "{again:?}");
}

pub(crate) async fn who_is_alone_leads(on: &Fixture) {
    let lead = tokio::time::timeout(Duration::from_mins(1), on.store.lead()).await;
    let mut lost = pin!(lead.unwrap().unwrap().lost());
    let mut looks = Context::from_waker(Waker::noop());
    assert!(lost.as_mut().poll(&mut looks).is_pending());
    // What the leader commits takes nothing from it.
    on.done(changes([set("a", "1")])).await;
    assert!(lost.as_mut().poll(&mut looks).is_pending());
}
