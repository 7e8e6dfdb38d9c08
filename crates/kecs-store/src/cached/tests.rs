use kecs_core::key::Scope;
use kecs_core::record::{AccountSetting, Kind as _};
use kecs_core::tx::Change;

use super::*;
use crate::memory::Memory;

fn key(name: &str) -> Key {
    Scope::new("1", "eu-west-1").account_setting(name, "")
}

fn entry(name: &str, revision: u64) -> Entry {
    let setting = AccountSetting {
        name: name.to_owned(),
        value: revision.to_string(),
        principal: String::new(),
    };
    Entry {
        key: key(name),
        generation: revision,
        revision,
        record: Arc::new(setting.into_record()),
    }
}

fn records(keys: u64) -> Arc<Records> {
    let ttl = Duration::from_mins(10);
    Cached::new(Memory::new(0), keys, ttl).unwrap().records
}

#[allow(clippy::option_option, reason = "not known, and known to be nothing")]
fn get(records: &Records, key: &Key, at: u64) -> Option<Option<Entry>> {
    records.get(key, at).map(|known| known.entry)
}

fn write(name: &str, revision: u64) -> Fed {
    Fed {
        key: key(name),
        revision,
        entry: Some(entry(name, revision)),
    }
}

fn removal(name: &str, revision: u64) -> Fed {
    Fed {
        entry: None,
        ..write(name, revision)
    }
}

#[test]
fn what_was_told_of_is_known_from_its_commit_to_the_last() {
    let records = records(10);
    records.applied(5, &[write("a", 3)]);
    assert_eq!(get(&records, &key("a"), 2), None);
    assert_eq!(get(&records, &key("a"), 3), Some(Some(entry("a", 3))));
    assert_eq!(get(&records, &key("a"), 5), Some(Some(entry("a", 3))));
    // The next commit may have written it, and was not told of yet.
    assert_eq!(get(&records, &key("a"), 6), None);
    records.applied(7, &[removal("a", 6)]);
    assert_eq!(get(&records, &key("a"), 5), None);
    assert_eq!(get(&records, &key("a"), 6), Some(None));
    assert_eq!(get(&records, &key("a"), 7), Some(None));
}

#[test]
fn what_was_read_is_known_from_its_commit_or_from_the_view() {
    let records = records(10);
    records.applied(5, &[]);
    records.offer(&key("a"), Some(&entry("a", 2)), 5);
    records.offer(&key("b"), None, 4);
    assert_eq!(get(&records, &key("a"), 1), None);
    assert_eq!(get(&records, &key("a"), 2), Some(Some(entry("a", 2))));
    assert_eq!(get(&records, &key("a"), 5), Some(Some(entry("a", 2))));
    // Before that view there may have been one.
    assert_eq!(get(&records, &key("b"), 3), None);
    assert_eq!(get(&records, &key("b"), 4), Some(None));
    assert_eq!(get(&records, &key("b"), 5), Some(None));
}

#[test]
fn a_slow_reader_does_not_bring_back_what_was_overwritten() {
    for evicted in [false, true] {
        let records = records(10);
        records.applied(3, &[write("a", 3)]);
        records.applied(6, &[write("a", 6), removal("b", 6)]);
        if evicted {
            records.known.invalidate(&key("a"));
            records.known.invalidate(&key("b"));
        }
        records.offer(&key("a"), Some(&entry("a", 3)), 5);
        records.offer(&key("b"), Some(&entry("b", 1)), 5);
        let expected = |known| (!evicted).then_some(known);
        assert_eq!(get(&records, &key("a"), 6), expected(Some(entry("a", 6))));
        assert_eq!(get(&records, &key("b"), 6), expected(None));
        // A view that has seen the write may tell of it.
        records.offer(&key("a"), Some(&entry("a", 6)), 6);
        records.offer(&key("b"), None, 6);
        assert_eq!(get(&records, &key("a"), 6), Some(Some(entry("a", 6))));
        assert_eq!(get(&records, &key("b"), 6), Some(None));
    }
}

#[test]
fn what_was_known_before_something_was_missed_counts_no_more() {
    let records = records(10);
    records.applied(5, &[write("a", 3), write("b", 4), write("c", 5)]);
    records.missed(5);
    assert_eq!(get(&records, &key("a"), 5), None);
    assert_eq!(get(&records, &key("c"), 5), Some(Some(entry("c", 5))));
    // A view from before it tells nothing, and one from after it only of what is since.
    records.offer(&key("a"), Some(&entry("a", 3)), 4);
    assert_eq!(get(&records, &key("a"), 5), None);
    records.offer(&key("a"), Some(&entry("a", 3)), 5);
    assert_eq!(get(&records, &key("a"), 4), None);
    assert_eq!(get(&records, &key("a"), 5), Some(Some(entry("a", 3))));
}

#[test]
fn what_is_told_late_does_not_replace_what_is_newer() {
    let records = records(10);
    records.applied(5, &[write("a", 5)]);
    records.applied(4, &[write("a", 4)]);
    assert_eq!(get(&records, &key("a"), 5), Some(Some(entry("a", 5))));
}

#[test]
fn it_keeps_no_more_than_it_may() {
    let records = records(3);
    for number in 1..=20 {
        records.applied(number, &[write(&number.to_string(), number)]);
        records.known.run_pending_tasks();
    }
    assert_eq!(records.known.entry_count(), 3);
    assert_eq!(get(&records, &key("20"), 20), Some(Some(entry("20", 20))));
    assert_eq!(get(&records, &key("17"), 20), None);
    assert_eq!(get(&records, &key("18"), 20), Some(Some(entry("18", 18))));
}

#[test]
fn nothing_is_kept_longer_than_its_time() {
    let cached = Cached::new(Memory::new(0), 10, Duration::ZERO).unwrap();
    cached.records.applied(1, &[write("a", 1)]);
    assert_eq!(get(&cached.records, &key("a"), 1), None);
}

#[tokio::test]
async fn reads_are_counted_by_who_answered_them() {
    let cached = Cached::new(Memory::new(0), 10, Duration::from_mins(10)).unwrap();
    let a = entry("a", 1);
    let commit = Commit {
        changes: vec![Change {
            key: key("a"),
            record: Some(Arc::clone(&a.record)),
            terms: Vec::new(),
        }],
        ..Commit::default()
    };
    cached.commit(commit, Timestamp::UNIX_EPOCH).await.unwrap();
    let view = cached.view().unwrap();
    assert_eq!(view.get(&key("a")).unwrap(), Some(a));
    assert_eq!(view.rows_read(), 0);
    for _ in 0..2 {
        assert_eq!(view.get(&key("b")).unwrap(), None);
    }
    assert_eq!(view.rows_read(), 1);
    cached.records.known.run_pending_tasks();
    let stats = CacheStats {
        hits: 2,
        misses: 1,
        keys: 2,
    };
    assert_eq!(cached.cache_stats(), stats);
}

#[tokio::test]
async fn what_it_does_not_know_is_what_the_store_below_says() {
    let store = Cached::new(Memory::new(7), 10, Duration::from_mins(10)).unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let scope = Scope::new("1", "eu-west-1");
    for name in ["a", "b", "c"] {
        let entry = entry(name, 1);
        let change = Change {
            key: entry.key.clone(),
            terms: entry.record.terms(&scope),
            record: Some(entry.record),
        };
        let commit = Commit {
            changes: vec![change],
            ..Commit::default()
        };
        store.commit(commit, now).await.unwrap();
    }
    let gone = Change {
        key: key("b"),
        record: None,
        terms: Vec::new(),
    };
    let commit = Commit {
        changes: vec![gone],
        ..Commit::default()
    };
    store.commit(commit, now).await.unwrap();
    assert_eq!((store.engine(), store.identity()), ("memory", 7));
    let below = store.inner();
    {
        let (above, below) = (store.view().unwrap(), below.view().unwrap());
        assert_eq!(above.head(), below.head());
        let stored = above.stored(None, 10).unwrap();
        assert_eq!((stored.len(), &stored), (3, &below.stored(None, 10).unwrap()));
        let terms = above.terms(None, 10).unwrap();
        assert_eq!((terms.len(), &terms), (2, &below.terms(None, 10).unwrap()));
        let members = above.members(&terms[0].term).unwrap();
        assert_eq!(members, [key("a"), key("c")]);
    }
    assert_eq!(store.stats().unwrap(), below.stats().unwrap());
    assert_eq!(
        (store.check().unwrap(), store.integrity().unwrap()),
        (vec![], vec![])
    );
    let retention = Retention {
        events: 0,
        since: None,
        deleted: 0,
    };
    assert_eq!(store.prune(retention).await.unwrap().deleted, 1);
    let floors = store.view().unwrap().floors().unwrap();
    assert_eq!(
        (floors.generation, floors),
        (1, below.view().unwrap().floors().unwrap())
    );
    let head = store.feed(Arc::clone(&store.records) as Arc<dyn Feed>).unwrap();
    assert_eq!(head, 4);
    // What is wrong below is found from above.
    let wrong = entry("d", 1);
    let change = Change {
        key: wrong.key.clone(),
        record: Some(wrong.record),
        terms: Vec::new(),
    };
    let commit = Commit {
        changes: vec![change],
        ..Commit::default()
    };
    store.commit(commit, now).await.unwrap();
    assert_eq!(store.check().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_committed_before_it_began_is_read_below() {
    let below = Memory::new(0);
    let commit = Commit {
        changes: vec![Change {
            key: key("a"),
            record: Some(entry("a", 1).record),
            terms: Vec::new(),
        }],
        ..Commit::default()
    };
    below.commit(commit, Timestamp::UNIX_EPOCH).await.unwrap();
    let store = Cached::new(below, 10, Duration::from_mins(10)).unwrap();
    for _ in 0..3 {
        let found = store.view().unwrap().get(&key("a")).unwrap();
        assert_eq!(found.unwrap().record, entry("a", 1).record);
    }
    let stats = store.cache_stats();
    assert_eq!((stats.hits, stats.misses), (2, 1), "once, and then it is known");
}
