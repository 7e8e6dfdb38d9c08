//! Rules that need more than one member, or what is stored: each row of the overlay with a request that breaks it.
//!
//! A case is data: what a request says, and the row that refuses it. What has to be there before is set up once for all
//! the cases of a file, in a place of their own. Names in angle brackets stand for what that has answered.

mod attached;
mod clusters;
mod controllers;
mod definitions;
mod fargate;
mod instances;
mod launch;
mod lists;
mod networks;
mod place;
mod providers;
mod references;
mod services;
mod short;
mod tags;
mod task_sets;
mod tasks;

use std::collections::BTreeSet;
use std::path::Path;

use kecs_model::{Operation, Row, Rule, overlay};
use serde_json::{Value, json};

use self::place::Place;

/// A row of the overlay, and a request that breaks it.
#[derive(Debug)]
pub(crate) struct Case {
    operation: &'static str,
    member: &'static str,
    /// Words of the row that no other row of the member has.
    when: &'static str,
    input: Value,
    /// What stands for the placeholders of the message.
    fills: Vec<(&'static str, String)>,
}

/// A case. `when` are words of the row that no other row of the member has.
fn case(operation: &'static str, member: &'static str, when: &'static str, input: Value) -> Case {
    Case {
        operation,
        member,
        when,
        input,
        fills: Vec::new(),
    }
}

impl Case {
    /// The same request with another fault, that is seen before: this member names what is not there.
    fn but(self, member: &'static str, named: &'static str, when: &'static str) -> Self {
        case(
            self.operation,
            member,
            when,
            with(self.input, json!({member: named})),
        )
    }

    /// The message has this in the place of `{name}`.
    fn says(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.fills.push((name, text.into()));
        self
    }

    /// The row that is broken.
    fn row(&self) -> &'static Row {
        let mut rows = states().filter(|row| {
            let when = row.when.as_deref().unwrap_or_default();
            row.operation.name() == self.operation && row.member == self.member && when.contains(self.when)
        });
        let row = rows.next().unwrap_or_else(|| panic!("no row for {self:?}"));
        assert!(rows.next().is_none(), "several rows for {self:?}");
        row
    }

    /// What the row says, with what stands for its placeholders.
    fn message(&self) -> String {
        let message = self.row().message.clone();
        self.fills.iter().fold(message, |message, (name, text)| {
            let place = format!("{{{name}}}");
            assert!(message.contains(&place), "{message} has no {place}");
            message.replace(&place, text)
        })
    }
}

/// The input with more members, or with others; without those that are null.
fn with(mut input: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        panic!("members are an object");
    };
    let members = input.as_object_mut().unwrap();
    for (name, value) in more {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    input
}

/// The rows that are broken here.
fn states() -> impl Iterator<Item = &'static Row> {
    overlay().iter().filter(|row| row.rule == Rule::State)
}

/// The operations whose member has a row with these words.
fn operations(member: &'static str, when: &'static str) -> impl Iterator<Item = Operation> {
    let words = move |row: &&Row| row.when.as_deref().is_some_and(|it| it == when);
    states()
        .filter(move |row| row.member == member)
        .filter(words)
        .map(|row| row.operation)
}

/// The tests, and the cases of each.
fn groups() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("attached", attached::cases()),
        ("clusters", clusters::cases()),
        ("controllers", controllers::cases()),
        ("definitions", definitions::cases()),
        ("fargate", fargate::cases()),
        ("instances", instances::cases()),
        ("launch", launch::cases()),
        ("lists", lists::cases()),
        ("networks", networks::cases()),
        ("providers", providers::cases()),
        ("references", references::cases()),
        ("services", services::cases()),
        ("short", short::cases()),
        ("tags", tags::cases()),
        ("task_sets", task_sets::cases()),
        ("tasks", tasks::cases()),
    ]
}

/// A row that is not broken over the wire, why not, and the test that breaks it.
struct Exempt {
    operation: &'static str,
    member: &'static str,
    when: &'static str,
    why: &'static str,
    /// The file, from the root of the repository.
    file: &'static str,
    test: &'static str,
}

const EXEMPT: &[Exempt] = &[Exempt {
    operation: "RegisterTaskDefinition",
    member: "",
    when: "the family has as many revisions as it may",
    why: "it takes a million of them",
    file: "crates/kecs-core/tests/api/task_definition.rs",
    test: "register_task_definition_beyond_a_million_revisions_is_limit_exceeded",
}];

fn exempt(row: &Row) -> Option<&'static Exempt> {
    EXEMPT.iter().find(|it| {
        it.operation == row.operation.name()
            && it.member == row.member
            && Some(it.when) == row.when.as_deref()
    })
}

/// Where each row is broken, by operation and what it says.
pub(crate) struct Tests(Vec<(&'static Row, String)>);

impl Tests {
    pub(crate) fn all() -> Self {
        let broken = groups().into_iter().flat_map(|(group, cases)| {
            let of = move |case: Case| (case.row(), format!("states::{group}::answers"));
            cases.into_iter().map(of)
        });
        let mut all: Vec<(&Row, String)> = broken.collect();
        for row in states() {
            all.extend(exempt(row).map(|it| (row, format!("{}: {}, as {}", it.file, it.test, it.why))));
        }
        Self(all)
    }

    /// The test that breaks a row; empty if there is none.
    pub(crate) fn of(&self, row: &Row) -> &str {
        let found = self.0.iter().find(|(it, _)| std::ptr::eq(*it, row));
        found.map_or("", |(_, test)| test)
    }
}

#[test]
fn every_row_of_state_is_broken_or_exempt() {
    let tests = Tests::all();
    let left: Vec<String> = states()
        .filter(|row| tests.of(row).is_empty())
        .map(|row| {
            let when = row.when.as_deref().unwrap_or_default();
            format!("{} {}: {when}", row.operation, row.member)
        })
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn what_tells_a_row_from_others_is_what_it_says() {
    let mut seen = BTreeSet::new();
    for row in states() {
        assert!(seen.insert((row.operation, &row.member, &row.when)), "{row:?}");
    }
}

#[test]
fn a_row_that_is_exempt_is_broken_by_the_test_that_is_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for it in EXEMPT {
        let case = case(it.operation, it.member, it.when, Value::Null);
        let message = &case.row().message;
        let text = std::fs::read_to_string(root.join(it.file)).unwrap();
        let begin = text.find(&format!("fn {}()", it.test)).unwrap();
        let body = &text[begin..];
        let body = &body[..body.find("\n}\n").unwrap()];
        assert!(body.contains(message), "{} does not say {message}", it.test);
        assert!(!it.why.is_empty());
    }
}

/// A name that cannot be is refused before anybody looks; all else comes after the cluster.
#[tokio::test]
async fn the_cluster_goes_before_what_is_in_it() {
    const NOT_THERE: &str = "the cluster is not there";
    let of_cluster: BTreeSet<&str> = operations("cluster", NOT_THERE).map(Operation::name).collect();
    let cases = groups().into_iter().flat_map(|(_, cases)| cases);
    let cases = cases.filter(|it| of_cluster.contains(it.operation) && it.member != "cluster");
    let cases = cases.filter(|it| !it.when.contains("begins with aws, ecs"));
    let nowhere: Vec<Case> = cases.map(|it| it.but("cluster", "nowhere", NOT_THERE)).collect();
    assert!(nowhere.len() > 150);
    Place::open("eu-order-1").await.answers(&nowhere).await;
}
