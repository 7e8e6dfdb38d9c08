use std::sync::Arc;

use kecs_core::record::{AccountSetting, Kind as _};
use kecs_core::tx::Change;

use super::*;

fn key(name: &str) -> Key {
    Key::from_text(name)
}

fn term(name: &str) -> Term {
    Term::from_text(name)
}

fn put(name: &str, terms: &[&str]) -> Change {
    let setting = AccountSetting {
        name: name.to_owned(),
        value: String::new(),
        principal: String::new(),
    };
    Change {
        key: key(name),
        record: Some(Arc::new(setting.into_record())),
        terms: terms.iter().map(|name| term(name)).collect(),
    }
}

fn gone(name: &str) -> Change {
    Change {
        key: key(name),
        record: None,
        terms: Vec::new(),
    }
}

fn commit(changes: Vec<Change>, expects: Vec<Expect>) -> Commit {
    Commit {
        expects,
        changes,
        events: Vec::new(),
    }
}

fn slot(generation: u64, revision: u64, live: bool, terms: &[&str]) -> Slot {
    Slot {
        generation,
        revision,
        kind: live.then_some("accountSetting"),
        terms: terms.iter().map(|name| term(name)).collect(),
    }
}

/// Upon revision 10 and event 5: `a` is there with the terms t and u, `b` was deleted, of `c` nothing is known.
fn batch(floor: u64) -> Batch {
    let head = Head {
        revision: 10,
        sequence: 5,
    };
    let slots = [
        (key("a"), slot(3, 9, true, &["t", "u"])),
        (key("b"), slot(2, 8, false, &[])),
    ];
    let counts = [(term("t"), 4), (term("v"), 0)];
    Batch::new(head, floor, slots.into(), counts.into())
}

#[test]
fn a_commit_is_decided_upon_those_before_it_in_the_batch() {
    let mut batch = batch(0);
    let expect = |name, generation| Expect::Generation(key(name), generation);
    let first = commit(
        vec![put("a", &["t"]), put("b", &["t"])],
        vec![expect("a", 3), expect("b", 0)],
    );
    assert_eq!(batch.apply(0, &first).unwrap().generations, [4, 3]);
    // The same again is too late.
    let Err(CommitError::Conflict(broken)) = batch.apply(1, &first) else {
        panic!("it was applied");
    };
    assert_eq!(broken, expect("a", 3));
    let second = commit(
        vec![gone("a"), put("c", &["t", "v"])],
        vec![
            expect("a", 4),
            Expect::Count(term("t"), 5),
            Expect::Count(term("v"), 0),
        ],
    );
    let committed = batch.apply(2, &second).unwrap();
    assert_eq!((committed.revision, committed.generations), (12, vec![0, 1]));
    let third = commit(
        vec![],
        vec![
            Expect::Count(term("t"), 5),
            Expect::Count(term("v"), 1),
            expect("a", 0),
        ],
    );
    assert_eq!(batch.apply(3, &third).unwrap().revision, 12);
    let (written, told) = batch.finish();
    assert_eq!(told, []);
    let of = |name: &str| &written[&key(name)];
    assert_eq!(of("a").before, slot(3, 9, true, &["t", "u"]));
    assert_eq!(of("a").after, slot(4, 12, false, &[]));
    assert_eq!(of("a").source, (2, 0));
    assert_eq!(of("a").removed().collect::<Vec<_>>(), [&term("t"), &term("u")]);
    assert_eq!(of("a").added().count(), 0);
    assert_eq!(of("b").after, slot(3, 11, true, &["t"]));
    assert_eq!(of("b").source, (0, 1));
    assert_eq!(of("c").after, slot(1, 12, true, &["t", "v"]));
    assert_eq!(of("c").source, (2, 1));
    assert_eq!(of("c").added().collect::<Vec<_>>(), [&term("t"), &term("v")]);
}

#[test]
fn a_term_that_stays_is_not_counted_again() {
    let mut batch = batch(0);
    let twice = commit(vec![put("a", &["t", "t", "v"])], vec![]);
    batch.apply(0, &twice).unwrap();
    let counts = commit(
        vec![],
        vec![Expect::Count(term("t"), 4), Expect::Count(term("v"), 1)],
    );
    batch.apply(1, &counts).unwrap();
    let (written, _) = batch.finish();
    let a = &written[&key("a")];
    assert_eq!(a.added().collect::<Vec<_>>(), [&term("v")]);
    assert_eq!(a.removed().collect::<Vec<_>>(), [&term("u")]);
}

#[test]
fn events_are_numbered_in_the_order_of_the_commits() {
    let mut batch = batch(0);
    let event = kecs_core::event::Event {
        kind: kecs_core::event::EventType::ClusterCreated,
        timestamp: jiff::Timestamp::UNIX_EPOCH,
        resource: String::new(),
        data: serde_json::Value::Null,
    };
    let telling = |events| Commit {
        events: vec![event.clone(); events],
        ..Commit::default()
    };
    let refused = Commit {
        expects: vec![Expect::Generation(key("a"), 1)],
        ..telling(3)
    };
    assert_eq!(batch.apply(0, &telling(2)).unwrap().sequence, 7);
    batch.apply(1, &refused).unwrap_err();
    assert_eq!(
        batch
            .apply(2, &commit(vec![put("c", &[])], vec![]))
            .unwrap()
            .sequence,
        7
    );
    assert_eq!(batch.apply(3, &telling(1)).unwrap().sequence, 8);
    assert_eq!(
        batch.head(),
        Head {
            revision: 13,
            sequence: 8
        }
    );
    let told = |commit, revision, first| Told {
        commit,
        revision,
        first,
    };
    assert_eq!(batch.finish().1, [told(0, 11, 6), told(3, 13, 8)]);
}

#[test]
fn a_key_of_which_nothing_is_kept_begins_above_the_floor() {
    let generation = |floor, name| {
        let put = commit(vec![put(name, &[])], vec![]);
        batch(floor).apply(0, &put).unwrap().generations[0]
    };
    assert_eq!(generation(0, "c"), 1);
    assert_eq!(generation(7, "c"), 8);
    // What is kept says itself how it goes on.
    assert_eq!(generation(7, "a"), 4);
    assert_eq!(generation(7, "b"), 3);
    // Written and deleted within the batch, it goes on as well.
    let mut batch = batch(7);
    for (number, change) in [put("c", &[]), gone("c"), put("c", &[])].into_iter().enumerate() {
        batch.apply(number, &commit(vec![change], vec![])).unwrap();
    }
    assert_eq!(batch.finish().0[&key("c")].after.generation, 9);
}

#[test]
fn deleting_what_is_not_there_leaves_no_trace() {
    let mut batch = batch(0);
    let committed = batch
        .apply(0, &commit(vec![gone("b"), gone("c")], vec![]))
        .unwrap();
    assert_eq!((committed.revision, committed.generations), (11, vec![0, 0]));
    assert!(batch.finish().0.is_empty());
}

#[test]
fn what_a_commit_needs_is_what_it_names() {
    let mut needs = Needs::default();
    let expects = vec![Expect::Generation(key("x"), 1), Expect::Count(term("t"), 1)];
    needs.add(&commit(vec![put("a", &["u"]), gone("b")], expects));
    assert_eq!(needs.keys, [key("a"), key("b"), key("x")].into());
    assert_eq!(needs.counts, [term("t")].into());
}

#[test]
fn ids_of_events_differ_by_store_and_number() {
    let ids: BTreeSet<String> = (1..=1_000)
        .flat_map(|sequence| [event_id(0, sequence), event_id(u64::MAX / 3, sequence)])
        .collect();
    assert_eq!(ids.len(), 2_000);
    assert_eq!(event_id(7, 9), event_id(7, 9));
}
