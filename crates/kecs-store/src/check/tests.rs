use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use kecs_core::event::{Event, EventType};
use kecs_core::record::{AccountSetting, Kind as _, Record};
use kecs_core::view::{Entry, Page, Unreadable, View};

use super::*;
use crate::store::{Floors, Head, Logged, TermCount};

/// What a store would hold, right or wrong.
struct Kept {
    head: Head,
    floors: Floors,
    stored: Vec<Stored>,
    terms: BTreeMap<Term, (u64, Vec<Key>)>,
    events: Vec<Logged>,
}

impl View for Kept {
    fn get(&self, _: &Key) -> Result<Option<Entry>, Unreadable> {
        Ok(None)
    }

    fn list(&self, _: &Term, _: Page<'_>) -> Result<Vec<Entry>, Unreadable> {
        Ok(Vec::new())
    }

    fn count(&self, _: &Term) -> Result<u64, Unreadable> {
        Ok(0)
    }
}

impl Snapshot for Kept {
    fn head(&self) -> Head {
        self.head
    }

    fn rows_read(&self) -> u64 {
        0
    }

    fn floors(&self) -> Result<Floors, StoreError> {
        Ok(self.floors)
    }

    fn stored(&self, after: Option<&Key>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let behind = |it: &&Stored| after.is_none_or(|after| it.key > *after);
        Ok(self.stored.iter().filter(behind).take(limit).cloned().collect())
    }

    fn terms(&self, after: Option<&Term>, limit: usize) -> Result<Vec<TermCount>, StoreError> {
        let behind = |it: &(&Term, &(u64, Vec<Key>))| after.is_none_or(|after| it.0 > after);
        let count = |(term, (count, _)): (&Term, &(u64, Vec<Key>))| TermCount {
            term: term.clone(),
            count: *count,
        };
        Ok(self.terms.iter().filter(behind).take(limit).map(count).collect())
    }

    fn members(&self, term: &Term) -> Result<Vec<Key>, StoreError> {
        Ok(self.terms[term].1.clone())
    }

    fn events(&self, sequence: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        let behind = self.events.iter().filter(|it| it.sequence > sequence);
        Ok(behind.take(limit).cloned().collect())
    }
}

fn key(name: &str) -> Key {
    Key::from_text(format!("123456789012/eu-west-1/account-setting/{name}/"))
}

fn term(name: &str) -> Term {
    Term::from_text(format!("123456789012/eu-west-1/account-settings{name}"))
}

fn record() -> Arc<Record> {
    let setting = AccountSetting {
        name: "a".to_owned(),
        value: "b".to_owned(),
        principal: String::new(),
    };
    Arc::new(setting.into_record())
}

fn stored(name: &str, revision: u64) -> Stored {
    Stored {
        key: key(name),
        generation: 1,
        revision,
        record: Some(record()),
        terms: vec![term(""), term("/principal=")],
    }
}

fn logged(sequence: u64, revision: u64) -> Logged {
    Logged {
        sequence,
        id: format!("e{sequence}"),
        revision,
        at: Timestamp::UNIX_EPOCH,
        event: Event {
            kind: EventType::ClusterCreated,
            timestamp: Timestamp::UNIX_EPOCH,
            resource: String::new(),
            data: serde_json::Value::Null,
        },
    }
}

/// Two settings and one that was deleted, and the last two of three events.
fn well() -> Kept {
    let both = vec![key("a"), key("b")];
    let gone = Stored {
        record: None,
        terms: Vec::new(),
        ..stored("c", 1)
    };
    Kept {
        head: Head {
            revision: 4,
            sequence: 3,
        },
        floors: Floors {
            sequence: 1,
            generation: 0,
        },
        stored: vec![stored("a", 4), stored("b", 1), gone],
        terms: [(term(""), (2, both.clone())), (term("/principal="), (2, both))].into(),
        events: vec![logged(2, 1), logged(3, 4)],
    }
}

fn findings(change: impl FnOnce(&mut Kept)) -> Vec<Finding> {
    let mut kept = well();
    change(&mut kept);
    check(&kept).unwrap()
}

#[test]
fn what_fits_together_has_no_findings() {
    assert_eq!(findings(|_| {}), []);
    assert_eq!(findings(|it| it.events[0].revision = 4), []);
}

#[test]
fn generations_and_revisions_are_those_of_commits() {
    let generation = |it: &mut Kept| it.stored[0].generation = 0;
    assert_eq!(
        findings(generation),
        [Finding::Generation {
            key: key("a"),
            generation: 0
        }]
    );
    for revision in [0, 5] {
        let found = findings(|it| it.stored[1].revision = revision);
        let expected = Finding::Revision {
            key: key("b"),
            revision,
            last: 4,
        };
        assert_eq!(found, [expected], "{revision}");
    }
}

#[test]
fn records_are_kept_with_the_terms_that_they_say() {
    let other = findings(|it| {
        it.stored[0].terms[1] = term("/other");
        it.terms.insert(term("/other"), (1, vec![key("a")]));
        let principal = it.terms.get_mut(&term("/principal=")).unwrap();
        *principal = (1, vec![key("b")]);
    });
    assert_eq!(
        other,
        [Finding::Terms {
            key: key("a"),
            kept: vec![term("/other")],
            said: vec![term("/principal=")],
        }]
    );
    let gone = findings(|it| {
        it.stored[1].record = None;
    });
    assert_eq!(
        gone,
        [Finding::Terms {
            key: key("b"),
            kept: vec![term(""), term("/principal=")],
            said: Vec::new(),
        }],
        "what is deleted has none"
    );
}

#[test]
fn the_index_leads_to_what_is_kept_with_its_terms() {
    let index = |extra: &[&str], lacking: &[&str]| {
        let keys = |names: &[&str]| names.iter().map(|name| key(name)).collect();
        Finding::Index {
            term: term(""),
            extra: keys(extra),
            lacking: keys(lacking),
        }
    };
    let found = findings(|it| it.terms.get_mut(&term("")).unwrap().1 = vec![key("b"), key("x")]);
    assert_eq!(found, [index(&["x"], &["a"])]);
    let found = findings(|it| it.terms.get_mut(&term("")).unwrap().0 = 3);
    assert_eq!(
        found,
        [Finding::Count {
            term: term(""),
            said: 3,
            has: 2
        }]
    );
    let found = findings(|it| {
        it.terms.remove(&term(""));
    });
    assert_eq!(found, [index(&[], &["a", "b"])], "it leads nowhere");
    let found = findings(|it| {
        it.terms.insert(term("/x"), (0, Vec::new()));
    });
    assert_eq!(found, [], "a term without records says so");
}

#[test]
fn events_have_numbers_without_a_gap_and_follow_the_commits() {
    let sequence = |expected: u64, found: u64| Finding::Sequence { expected, found };
    assert_eq!(findings(|it| it.floors.sequence = 0), [sequence(1, 2)]);
    assert_eq!(findings(|it| it.head.sequence = 4), [sequence(5, 4)]);
    let order = |sequence: u64, revision: u64, before: u64| Finding::Order {
        sequence,
        revision,
        before,
    };
    assert_eq!(findings(|it| it.events[1].revision = 5), [order(3, 5, 4)]);
    assert_eq!(
        findings(|it| {
            it.events[0].revision = 3;
            it.events[1].revision = 2;
        }),
        [order(3, 2, 3)]
    );
    assert_eq!(
        findings(|it| it.events[1].id = "e2".to_owned()),
        [Finding::Id {
            sequence: 3,
            id: "e2".to_owned()
        }]
    );
}

#[test]
fn more_than_is_read_at_once_is_checked_to_its_end() {
    let found = findings(|it| {
        it.head.sequence = 1203;
        it.events = (2..=1203).map(|sequence| logged(sequence, 1)).collect();
        it.events[1150].id = "e2".to_owned();
        let names: Vec<String> = (0..1201).map(|number| format!("a{number:04}")).collect();
        it.stored = names.iter().map(|name| stored(name, 1)).collect();
        it.stored[1200].generation = 0;
        let keys: Vec<Key> = names.iter().map(|name| key(name)).collect();
        it.terms = [
            (term(""), (1201, keys.clone())),
            (term("/principal="), (1201, keys)),
        ]
        .into();
        for number in 0..1100 {
            it.terms.insert(
                term(&format!("/x{number:04}")),
                (u64::from(number == 1099), Vec::new()),
            );
        }
    });
    assert_eq!(
        found,
        [
            Finding::Generation {
                key: key("a1200"),
                generation: 0
            },
            Finding::Count {
                term: term("/x1099"),
                said: 1,
                has: 0
            },
            Finding::Id {
                sequence: 1152,
                id: "e2".to_owned()
            },
        ]
    );
}
