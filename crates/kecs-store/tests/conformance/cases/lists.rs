//! Terms, and the lists behind them.

use kecs_core::key::Key;
use kecs_core::view::Page;

use crate::fixture::{EVERYTHING, Fixture, all, changes, delete, key, of, put, set, theirs, value};

fn names(keys: &[Key]) -> Vec<String> {
    // A setting's name stands before its principal.
    keys.iter()
        .map(|key| key.as_str().rsplit('/').nth(1).unwrap().to_owned())
        .collect()
}

pub(crate) async fn terms_follow_the_record(on: &Fixture) {
    let key = key("a");
    on.done(changes([put(key.clone(), of("ann", "a", "1")), set("b", "1")]))
        .await;
    assert_eq!(on.keys(&theirs("ann"), EVERYTHING), std::slice::from_ref(&key));
    assert_eq!((on.count(&theirs("ann")), on.count(&theirs("bob"))), (1, 0));
    on.done(changes([put(key.clone(), of("bob", "a", "1"))])).await;
    assert_eq!(on.keys(&theirs("ann"), EVERYTHING), []);
    assert_eq!(on.keys(&theirs("bob"), EVERYTHING), std::slice::from_ref(&key));
    assert_eq!((on.count(&theirs("ann")), on.count(&theirs("bob"))), (0, 1));
    assert_eq!(on.count(&all()), 2);
    let listed = on.store.view().unwrap().list(&theirs("bob"), EVERYTHING).unwrap();
    assert_eq!((listed[0].generation, listed[0].revision), (2, 2));
    assert_eq!(*listed[0].record, of("bob", "a", "1"));
    on.done(changes([delete("a")])).await;
    assert_eq!((on.count(&theirs("bob")), on.count(&all())), (0, 1));
    on.done(changes([put(key.clone(), of("ann", "a", "2"))])).await;
    assert_eq!(on.keys(&theirs("ann"), EVERYTHING), [key]);
    assert_eq!(on.count(&all()), 2);
    on.sound();
    // No term is left of what is gone.
    on.done(changes([delete("a"), delete("b")])).await;
    assert_eq!(on.store.view().unwrap().terms(None, 10).unwrap(), []);
    on.sound();
}

pub(crate) async fn pages_go_both_ways(on: &Fixture) {
    // Written out of order, and in several commits.
    for chunk in [["e", "a"], ["c", "g"], ["i", "B"]] {
        on.done(changes(chunk.map(|name| set(name, "1")))).await;
    }
    let page = |after: Option<&str>, limit, descending| {
        let after = after.map(key);
        names(&on.keys(
            &all(),
            Page {
                after: after.as_ref(),
                limit,
                descending,
            },
        ))
    };
    let none: [&str; 0] = [];
    // Bytes order: capitals before small letters.
    assert_eq!(page(None, 99, false), ["B", "a", "c", "e", "g", "i"]);
    assert_eq!(page(None, 99, true), ["i", "g", "e", "c", "a", "B"]);
    assert_eq!(page(None, 2, false), ["B", "a"]);
    assert_eq!(page(None, 2, true), ["i", "g"]);
    assert_eq!(page(None, 0, false), none);
    assert_eq!(page(None, 0, true), none);
    // Behind a key that is there, and not with it.
    assert_eq!(page(Some("a"), 2, false), ["c", "e"]);
    assert_eq!(page(Some("e"), 9, true), ["c", "a", "B"]);
    assert_eq!(page(Some("i"), 9, false), none);
    assert_eq!(page(Some("B"), 9, true), none);
    // Behind one that never was, and one that is gone.
    assert_eq!(page(Some("d"), 2, false), ["e", "g"]);
    assert_eq!(page(Some("d"), 2, true), ["c", "a"]);
    on.done(changes([delete("c")])).await;
    assert_eq!(page(Some("c"), 1, false), ["e"]);
    assert_eq!(page(Some("c"), 1, true), ["a"]);
    assert_eq!(page(Some("zz"), 1, true), ["i"]);
    let nothing = on.keys(&theirs("nobody"), EVERYTHING);
    assert_eq!(nothing, []);
}

pub(crate) async fn paging_reads_no_more_at_the_end(on: &Fixture) {
    let all_names: Vec<String> = (0..1_000).map(|number| format!("s{number:04}")).collect();
    for chunk in all_names.chunks(250) {
        let put: Vec<_> = chunk.iter().map(|name| set(name, "1")).collect();
        on.done(changes(put)).await;
    }
    for descending in [false, true] {
        let mut after: Option<Key> = None;
        let mut read = Vec::new();
        let mut seen = Vec::new();
        loop {
            let view = on.store.view().unwrap();
            let page = Page {
                after: after.as_ref(),
                limit: 100,
                descending,
            };
            let entries = view.list(&all(), page).unwrap();
            let Some(last) = entries.last() else { break };
            read.push(view.rows_read());
            after = Some(last.key.clone());
            seen.extend(entries.into_iter().map(|entry| entry.key));
        }
        assert_eq!(read, [100; 10]);
        let mut names = names(&seen);
        if descending {
            names.reverse();
        }
        assert_eq!(names, all_names);
    }
    let view = on.store.view().unwrap();
    assert_eq!(view.rows_read(), 0);
    view.get(&key("s0001")).unwrap();
    view.count(&all()).unwrap();
    // The last key that was written is in the cache, where there is one.
    let last = view.get(&key("s0999")).unwrap().unwrap();
    assert_eq!(value(Some(&last)), Some("1"));
    assert_eq!(view.rows_read(), if on.engine.cached { 2 } else { 3 });
}
