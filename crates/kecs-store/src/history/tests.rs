use kecs_core::key::Scope;

use super::*;

mod plants;

fn key(name: &str) -> Key {
    Key::from_text(name)
}

fn term() -> Term {
    Scope::new("1", "eu-west-1").term("t")
}

fn saw(name: &str, generation: u64, revision: u64, value: &str) -> Seen {
    Seen {
        key: key(name),
        version: Some(Version {
            generation,
            revision,
            value: value.to_owned(),
        }),
    }
}

fn nothing(name: &str) -> Seen {
    Seen {
        key: key(name),
        version: None,
    }
}

fn put(name: &str, value: &str) -> Write {
    Write {
        key: key(name),
        value: Some(value.to_owned()),
        terms: vec![term()],
    }
}

fn delete(name: &str) -> Write {
    Write {
        key: key(name),
        value: None,
        terms: Vec::new(),
    }
}

fn generation(name: &str, generation: u64) -> Expect {
    Expect::Generation(key(name), generation)
}

fn write(expects: Vec<Expect>, writes: Vec<Write>, events: &[&str], outcome: Outcome) -> Asked {
    Asked::Write {
        expects,
        writes,
        events: events.iter().map(|&text| text.to_owned()).collect(),
        outcome,
    }
}

fn committed(revision: u64, sequence: u64, generations: &[u64]) -> Outcome {
    Outcome::Committed(Committed {
        revision,
        sequence,
        generations: generations.to_vec(),
    })
}

fn heard(sequence: u64, revision: u64, text: &str) -> Heard {
    Heard {
        sequence,
        id: format!("id-{sequence}"),
        revision,
        text: text.to_owned(),
    }
}

fn list(names: &[&str]) -> Asked {
    Asked::List {
        term: term(),
        keys: names.iter().map(|name| key(name)).collect(),
    }
}

fn hear(after: u64, limit: usize, events: Vec<Heard>) -> Asked {
    Asked::Hear { after, limit, events }
}

/// Each begins when the one before it was answered: at ten times its place, and is answered five later.
fn one_by_one(asked: Vec<Asked>) -> Vec<Operation> {
    let timed = |(at, what): (usize, Asked)| Operation {
        invoked: at as u64 * 10,
        returned: Some(at as u64 * 10 + 5),
        what,
    };
    asked.into_iter().enumerate().map(timed).collect()
}

/// A history in which all is well.
fn sound() -> Vec<Operation> {
    let all = vec![
        heard(1, 1, "e1"),
        heard(2, 1, "e2"),
        heard(3, 2, "e3"),
        heard(4, 3, "e4"),
    ];
    one_by_one(vec![
        /* 0 */
        write(
            vec![],
            vec![put("a", "a1"), put("b", "b1")],
            &["e1", "e2"],
            committed(1, 2, &[1, 1]),
        ),
        /* 1 */ Asked::Read(vec![saw("a", 1, 1, "a1"), saw("b", 1, 1, "b1")]),
        /* 2 */
        write(
            vec![generation("a", 1), Expect::Count(term(), 2)],
            vec![put("a", "a2")],
            &["e3"],
            committed(2, 3, &[2]),
        ),
        /* 3 */
        write(
            vec![generation("b", 1), generation("a", 1)],
            vec![put("a", "refused")],
            &["never"],
            Outcome::Refused(generation("a", 1)),
        ),
        /* 4 */ Asked::Read(vec![saw("a", 2, 2, "a2"), saw("b", 1, 1, "b1"), nothing("c")]),
        /* 5 */
        write(
            vec![generation("c", 0)],
            vec![delete("b"), put("c", "c1")],
            &["e4"],
            committed(3, 4, &[0, 1]),
        ),
        /* 6 */ Asked::Read(vec![saw("a", 2, 2, "a2"), nothing("b"), saw("c", 1, 3, "c1")]),
        /* 7 */ list(&["a", "c"]),
        /* 8 */ hear(0, 9, all),
        /* 9 */ hear(2, 1, vec![heard(3, 2, "e3")]),
        /* 10 */
        write(
            vec![Expect::Count(term(), 2)],
            vec![put("a", "a3")],
            &[],
            committed(4, 4, &[3]),
        ),
        /* 11 */ Asked::Read(vec![saw("a", 3, 4, "a3")]),
        /* 12 */ hear(4, 9, vec![]),
    ])
}

#[test]
fn nothing_is_found_where_all_is_well() {
    assert_eq!(check(&sound()), []);
    assert_eq!(check(&[]), []);
}

fn outcome(history: &mut [Operation], at: usize, new: Outcome) {
    let Asked::Write { outcome, .. } = &mut history[at].what else {
        panic!("operation {at} is no commit");
    };
    *outcome = new;
}

fn events(history: &mut [Operation], at: usize) -> &mut Vec<Heard> {
    let Asked::Hear { events, .. } = &mut history[at].what else {
        panic!("operation {at} hears nothing");
    };
    events
}

#[test]
fn what_happens_at_the_same_time_may_be_seen_or_not() {
    // The read begins before the commit is answered.
    for seen in [saw("a", 1, 1, "a1"), saw("a", 2, 2, "a2")] {
        let mut history = sound();
        history[2].returned = Some(42);
        history[3].what = Asked::Read(vec![]);
        history[4].what = Asked::Read(vec![seen]);
        assert_eq!(check(&history), []);
    }
    // A refusal may rest on a commit that is not answered yet, and on one that a later commit undoes.
    let mut history = sound();
    history[2].returned = Some(42);
    assert_eq!(check(&history), []);
}

#[test]
fn a_commit_without_an_answer_may_be_there_or_not() {
    let unknown = |mut history: Vec<Operation>| {
        history[10].returned = None;
        outcome(&mut history, 10, Outcome::Unknown);
        history
    };
    // Seen by the next read, so it is there from then on.
    assert_eq!(check(&unknown(sound())), []);
    let mut history = unknown(sound());
    history.push(Operation {
        invoked: 200,
        returned: Some(205),
        what: Asked::Read(vec![saw("a", 2, 2, "a2")]),
    });
    assert_eq!(
        check(&history),
        [Anomaly::BackwardRead {
            operation: 13,
            key: key("a"),
            seen_before: 4
        }]
    );
    // Not seen by it, so it is not there yet, and may never be.
    let mut history = unknown(sound());
    history[11].what = Asked::Read(vec![saw("a", 2, 2, "a2")]);
    assert_eq!(check(&history), []);
    // It may have taken a number that nobody saw; two cannot be missing.
    let mut history = unknown(sound());
    history[11].what = write(vec![], vec![put("z", "z1")], &[], committed(5, 4, &[1]));
    assert_eq!(check(&history), []);
    history[11].what = write(vec![], vec![put("z", "z1")], &[], committed(6, 4, &[1]));
    assert_eq!(
        check(&history),
        [
            Anomaly::MissingRevision { revision: 4 },
            Anomaly::MissingRevision { revision: 5 }
        ]
    );
}
