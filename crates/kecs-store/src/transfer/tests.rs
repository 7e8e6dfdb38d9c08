use serde_json::{Value, json};

use super::*;

fn about(more: Value) -> Value {
    let mut about = json!({"format": "kecs-store", "version": 1, "identity": 7,
        "head": {"revision": 4, "sequence": 3}, "floors": {"sequence": 1, "generation": 2}});
    extend(&mut about, more);
    json!({"store": about})
}

fn extend(value: &mut Value, more: Value) {
    let (Value::Object(members), Value::Object(more)) = (value, more) else {
        panic!("two objects");
    };
    members.extend(more);
}

fn key(key: &str, more: Value) -> Value {
    let record = json!({"kind": "accountSetting", "name": "a", "value": "b", "principal": ""});
    let mut kept = json!({"key": key, "generation": 1, "revision": 4, "terms": ["t"], "record": record});
    extend(&mut kept, more);
    json!({"key": kept})
}

fn event(sequence: u64, revision: u64) -> Value {
    json!({"event": {"sequence": sequence, "id": format!("e{sequence}"), "revision": revision,
        "at": "2026-01-02T03:04:05Z", "event": {"type": "cluster.created", "timestamp": "2026-01-02T03:04:05Z",
            "resource": "arn", "data": null}}})
}

fn end(keys: u64, events: u64) -> Value {
    json!({"end": {"head": {"revision": 4, "sequence": 3}, "keys": keys, "events": events}})
}

/// What is read of these lines, or the line that is wrong, and why.
fn lines(lines: &[Value]) -> Result<Image, (u64, String)> {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = lines.join("\n");
    read(text.as_bytes()).map_err(|error| match error {
        StoreError::Import { line, why } => (line, why),
        other => panic!("{other}"),
    })
}

fn whole() -> Vec<Value> {
    vec![
        about(json!({})),
        key("a", json!({})),
        key(
            "b",
            json!({"terms": [], "record": null, "revision": 1, "generation": 9}),
        ),
        event(2, 1),
        event(3, 4),
        end(2, 2),
    ]
}

#[test]
fn a_whole_export_is_read_as_it_is() {
    let image = lines(&whole()).unwrap();
    let head = Head {
        revision: 4,
        sequence: 3,
    };
    assert_eq!((image.identity, image.head), (7, head));
    assert_eq!((image.floors.sequence, image.floors.generation), (1, 2));
    let stored: Vec<(&str, u64, u64, bool, usize)> = image
        .stored
        .iter()
        .map(|it| {
            let terms = it.terms.len();
            (
                it.key.as_str(),
                it.generation,
                it.revision,
                it.record.is_some(),
                terms,
            )
        })
        .collect();
    assert_eq!(stored, [("a", 1, 4, true, 1), ("b", 9, 1, false, 0)]);
    let events: Vec<(u64, u64)> = image.events.iter().map(|it| (it.sequence, it.revision)).collect();
    assert_eq!(events, [(2, 1), (3, 4)]);
    let transferred = Transferred {
        head,
        keys: 2,
        events: 2,
    };
    assert_eq!(image.transferred(), transferred);
    let fed: Vec<(u64, Option<(u64, u64)>)> = image
        .fed()
        .into_iter()
        .map(|it| {
            (
                it.revision,
                it.entry.map(|entry| (entry.generation, entry.revision)),
            )
        })
        .collect();
    assert_eq!(fed, [(4, Some((1, 4))), (1, None)]);
}

#[test]
fn an_export_that_does_not_hold_together_is_refused_by_line() {
    let with = |at: usize, line: Value| {
        let mut all = whole();
        all[at] = line;
        all
    };
    let without = |at: usize| {
        let mut all = whole();
        all.remove(at);
        all
    };
    let cut = "the end is missing: the file was cut off";
    for (all, line, why) in [
        (vec![], 1, cut),
        (whole()[..5].to_vec(), 6, cut),
        (whole()[1..].to_vec(), 1, "the beginning is missing"),
        (whole()[3..].to_vec(), 1, "the beginning is missing"),
        (whole()[5..].to_vec(), 1, "the beginning is missing"),
        (with(1, about(json!({}))), 2, "a second beginning"),
        (
            [whole(), vec![event(4, 4)]].concat(),
            7,
            "something stands behind the end",
        ),
        (
            with(0, about(json!({"format": "other"}))),
            1,
            "the format is \"other\", not \"kecs-store\"",
        ),
        (
            with(0, about(json!({"version": 2}))),
            1,
            "the version is 2, not 1",
        ),
        (
            with(0, about(json!({"floors": {"sequence": 4, "generation": 0}}))),
            1,
            "more events were forgotten than there were",
        ),
        (with(2, key("a", json!({}))), 3, "a is out of order"),
        (with(1, key("c", json!({}))), 3, "b is out of order"),
        (
            with(1, key("a", json!({"generation": 0}))),
            2,
            "a has generation 0 of revision 4",
        ),
        (
            with(1, key("a", json!({"revision": 0}))),
            2,
            "a has generation 1 of revision 0",
        ),
        (
            with(1, key("a", json!({"revision": 5}))),
            2,
            "a has generation 1 of revision 5",
        ),
        (
            with(1, key("a", json!({"record": null}))),
            2,
            "a was deleted and has terms",
        ),
        (with(4, key("c", json!({}))), 5, "a key stands behind an event"),
        (without(3), 4, "event 3 follows 1"),
        (with(3, event(1, 1)), 4, "event 1 follows 1"),
        (with(4, event(2, 4)), 5, "event 2 follows 2"),
        (with(3, event(2, 5)), 4, "event 2 has revision 5"),
        (with(3, event(2, 4)), 6, ""),
        (with(4, event(3, 0)), 5, "event 3 has revision 0"),
    ] {
        let found = lines(&all).err();
        if why.is_empty() {
            assert_eq!(found, None, "two events of one commit");
        } else {
            assert_eq!(found, Some((line, why.to_owned())));
        }
    }
}

#[test]
fn an_end_that_counts_otherwise_is_refused() {
    for wrong in [end(1, 2), end(2, 1), end(3, 2)] {
        let mut all = whole();
        all[5] = wrong;
        let (line, why) = lines(&all).unwrap_err();
        assert_eq!(line, 6);
        assert!(why.starts_with("read Transferred"), "{why}");
    }
    let mut all = whole();
    all.remove(4);
    all[4] = end(2, 1);
    assert_eq!(
        lines(&all).unwrap_err(),
        (5, "the last event is 2, not 3".to_owned())
    );
    // All of the events may be forgotten, and then none is there.
    let forgotten = json!({"floors": {"sequence": 3, "generation": 0}});
    lines(&[about(forgotten), end(0, 0)]).unwrap();
}

#[test]
fn what_is_no_line_of_an_export_is_told_by_its_number() {
    let text = format!("{}\nnothing\n", about(json!({})));
    let Err(StoreError::Import { line: 2, why }) = read(text.as_bytes()) else {
        panic!("it was read");
    };
    assert!(why.starts_with("expected"), "{why}");
}
