//! Faults, each put into a sound history, and how they show.

use super::*;

type Plant = (&'static str, fn(&mut Vec<Operation>), Vec<Anomaly>);

/// Each puts one fault into the sound history. More than one anomaly stands where one fault shows in several ways.
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn of_commits() -> Vec<Plant> {
    vec![
        (
            "a revision twice",
            |it| {
                it.push(Operation {
                    invoked: 200,
                    returned: Some(205),
                    what: write(vec![], vec![put("z", "z1")], &[], committed(4, 4, &[1])),
                });
            },
            vec![Anomaly::RepeatedRevision {
                revision: 4,
                first: 10,
                second: 13,
            }],
        ),
        (
            "a gap in the revisions",
            |it| {
                outcome(it, 10, committed(5, 4, &[3]));
                it[11].what = Asked::Read(vec![saw("a", 3, 5, "a3")]);
            },
            vec![Anomaly::MissingRevision { revision: 4 }],
        ),
        (
            "commits in the wrong order",
            |it| {
                for (at, name, revision) in [(200, "y", 6), (210, "z", 5)] {
                    it.push(Operation {
                        invoked: at,
                        returned: Some(at + 5),
                        what: write(vec![], vec![put(name, name)], &[], committed(revision, 4, &[1])),
                    });
                }
            },
            vec![Anomaly::RevisionOrder {
                first: 13,
                second: 14,
            }],
        ),
        (
            "a generation twice",
            |it| {
                outcome(it, 10, committed(4, 4, &[2]));
                it[11].what = Asked::Read(vec![saw("a", 2, 4, "a3")]);
            },
            vec![Anomaly::Generation {
                key: key("a"),
                revision: 4,
                generation: 2,
                expected: 3,
            }],
        ),
        (
            "a generation left out",
            |it| {
                outcome(it, 10, committed(4, 4, &[4]));
                it[11].what = Asked::Read(vec![saw("a", 4, 4, "a3")]);
            },
            vec![Anomaly::Generation {
                key: key("a"),
                revision: 4,
                generation: 4,
                expected: 3,
            }],
        ),
        (
            "a deletion that begins the generations anew",
            |it| {
                it.push(Operation {
                    invoked: 200,
                    returned: Some(205),
                    what: write(vec![], vec![put("b", "b2")], &[], committed(5, 4, &[1])),
                });
            },
            vec![Anomaly::Generation {
                key: key("b"),
                revision: 5,
                generation: 1,
                expected: 2,
            }],
        ),
        (
            "an update upon what was overwritten",
            |it| {
                it[10].what = write(
                    vec![generation("a", 1)],
                    vec![put("a", "a3")],
                    &[],
                    committed(4, 4, &[3]),
                );
            },
            vec![Anomaly::LostUpdate {
                revision: 4,
                expect: generation("a", 1),
            }],
        ),
        (
            "a commit upon a number of records that was another",
            |it| {
                it[10].what = write(
                    vec![Expect::Count(term(), 1)],
                    vec![put("a", "a3")],
                    &[],
                    committed(4, 4, &[3]),
                );
            },
            vec![Anomaly::LostUpdate {
                revision: 4,
                expect: Expect::Count(term(), 1),
            }],
        ),
        (
            "a refusal without a reason",
            |it| outcome(it, 3, Outcome::Refused(generation("b", 1))),
            vec![Anomaly::UnjustifiedRefusal {
                operation: 3,
                expect: generation("b", 1),
            }],
        ),
        (
            "a refusal for what was not expected",
            |it| outcome(it, 3, Outcome::Refused(generation("b", 7))),
            vec![Anomaly::UnjustifiedRefusal {
                operation: 3,
                expect: generation("b", 7),
            }],
        ),
        (
            "numbers of events that leave some out",
            |it| outcome(it, 10, committed(4, 5, &[3])),
            vec![
                Anomaly::SequenceOfCommit {
                    revision: 4,
                    sequence: 5,
                    expected: 4,
                },
                Anomaly::LostEvent {
                    operation: 12,
                    missing: 5,
                },
            ],
        ),
        (
            "numbers of events that come twice",
            |it| outcome(it, 10, committed(4, 3, &[3])),
            vec![Anomaly::SequenceOfCommit {
                revision: 4,
                sequence: 3,
                expected: 4,
            }],
        ),
    ]
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
fn of_reads() -> Vec<Plant> {
    vec![
        (
            "a stale read",
            |it| it[4].what = Asked::Read(vec![saw("a", 1, 1, "a1")]),
            vec![Anomaly::StaleRead {
                operation: 4,
                key: key("a"),
                seen: 1,
                acknowledged: 2,
            }],
        ),
        (
            "a deletion that was undone",
            |it| it[6].what = Asked::Read(vec![saw("b", 1, 1, "b1")]),
            vec![Anomaly::ResurrectedDelete {
                operation: 6,
                key: key("b"),
                seen: 1,
            }],
        ),
        (
            "an acknowledged write that is not there",
            |it| it[11].what = Asked::Read(vec![nothing("a"), saw("c", 1, 3, "c1")]),
            vec![Anomaly::LostWrite {
                operation: 11,
                key: key("a"),
                acknowledged: 4,
            }],
        ),
        (
            "a read of what was refused",
            |it| it[4].what = Asked::Read(vec![saw("a", 2, 2, "refused")]),
            vec![Anomaly::DirtyRead {
                operation: 4,
                key: key("a"),
                writer: 3,
            }],
        ),
        (
            "a read of what nobody wrote",
            |it| it[4].what = Asked::Read(vec![saw("a", 2, 2, "what?")]),
            vec![Anomaly::InventedRead {
                operation: 4,
                key: key("a"),
                value: "what?".to_owned(),
            }],
        ),
        (
            "an old value with new numbers",
            |it| it[4].what = Asked::Read(vec![saw("a", 2, 2, "a1")]),
            vec![Anomaly::MixedRead {
                operation: 4,
                key: key("a"),
                value: "a1".to_owned(),
            }],
        ),
        (
            "a new value with an old generation",
            |it| it[4].what = Asked::Read(vec![saw("a", 1, 2, "a2")]),
            vec![Anomaly::MixedRead {
                operation: 4,
                key: key("a"),
                value: "a2".to_owned(),
            }],
        ),
        (
            "a read of the future",
            |it| it[4].what = Asked::Read(vec![saw("c", 1, 3, "c1")]),
            vec![Anomaly::FutureRead {
                operation: 4,
                key: key("c"),
                seen: 3,
            }],
        ),
        (
            "a deletion that is seen before it was asked for",
            |it| it[4].what = Asked::Read(vec![nothing("b")]),
            vec![Anomaly::FutureRead {
                operation: 4,
                key: key("b"),
                seen: 3,
            }],
        ),
        (
            "half a commit",
            |it| {
                // Both reads lie within the commit, which takes away one and brings the other.
                it[5].returned = Some(66);
                it[6].what = Asked::Read(vec![saw("b", 1, 1, "b1"), saw("c", 1, 3, "c1")]);
                it[6].returned = Some(65);
            },
            vec![Anomaly::TornRead { operation: 6 }],
        ),
        (
            "a read that goes back behind another",
            |it| {
                it[2].returned = Some(47);
                it[3].what = Asked::Read(vec![saw("a", 2, 2, "a2")]);
                it[4].what = Asked::Read(vec![saw("a", 1, 1, "a1")]);
            },
            vec![Anomaly::BackwardRead {
                operation: 4,
                key: key("a"),
                seen_before: 2,
            }],
        ),
        (
            "a read that goes back behind an event",
            |it| {
                it[2].returned = Some(47);
                it[3].what = hear(2, 9, vec![heard(3, 2, "e3")]);
                it[4].what = Asked::Read(vec![saw("a", 1, 1, "a1")]);
            },
            vec![Anomaly::BackwardRead {
                operation: 4,
                key: key("a"),
                seen_before: 2,
            }],
        ),
        (
            "a list with what is gone",
            |it| it[7].what = list(&["a", "b", "c"]),
            vec![Anomaly::WrongList {
                operation: 7,
                term: term(),
            }],
        ),
        (
            "a list without what is there",
            |it| it[7].what = list(&["a"]),
            vec![Anomaly::WrongList {
                operation: 7,
                term: term(),
            }],
        ),
        (
            "a list that was true before",
            |it| it[7].what = list(&["a", "b"]),
            vec![Anomaly::WrongList {
                operation: 7,
                term: term(),
            }],
        ),
    ]
}

fn of_events() -> Vec<Plant> {
    vec![
        (
            "an event left out",
            |it| {
                events(it, 8).remove(1);
            },
            vec![Anomaly::EventGap {
                operation: 8,
                before: 1,
                found: 3,
            }],
        ),
        (
            "an event twice",
            |it| {
                let again = events(it, 8)[1].clone();
                events(it, 8).insert(1, again);
            },
            vec![Anomaly::EventOrder {
                operation: 8,
                before: 2,
                found: 2,
            }],
        ),
        (
            "events in the wrong order",
            |it| events(it, 8).swap(1, 2),
            vec![
                Anomaly::EventGap {
                    operation: 8,
                    before: 1,
                    found: 3,
                },
                Anomaly::EventOrder {
                    operation: 8,
                    before: 3,
                    found: 2,
                },
                Anomaly::EventGap {
                    operation: 8,
                    before: 2,
                    found: 4,
                },
            ],
        ),
        (
            "an event of a refused commit",
            |it| events(it, 8)[2].text = "never".to_owned(),
            vec![Anomaly::ForeignEvent {
                operation: 8,
                sequence: 3,
            }],
        ),
        (
            "an event of another commit",
            |it| events(it, 8)[2].revision = 3,
            vec![Anomaly::ForeignEvent {
                operation: 8,
                sequence: 3,
            }],
        ),
        (
            "the last event lost",
            |it| {
                events(it, 8).pop();
            },
            vec![Anomaly::LostEvent {
                operation: 8,
                missing: 4,
            }],
        ),
        (
            "an id that changes",
            |it| events(it, 9)[0].id = "other".to_owned(),
            vec![Anomaly::EventId {
                operation: 9,
                sequence: 3,
                id: "other".to_owned(),
            }],
        ),
        (
            "an id of another event",
            |it| events(it, 8)[3].id = "id-1".to_owned(),
            vec![Anomaly::EventId {
                operation: 8,
                sequence: 4,
                id: "id-1".to_owned(),
            }],
        ),
    ]
}

#[test]
fn every_planted_fault_is_found() {
    let plants = [of_commits(), of_reads(), of_events()].concat();
    assert_eq!(plants.len(), 35);
    for (name, plant, expected) in plants {
        let mut history = sound();
        plant(&mut history);
        assert_eq!(check(&history), expected, "{name}");
    }
}
