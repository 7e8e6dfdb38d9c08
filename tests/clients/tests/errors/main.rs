//! What each operation answers to an input that is right, to every input that one member makes wrong, and to what breaks
//! the other rules: as a table, and over the wire.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test the line of the panic is the best report"
)]

mod breaks;
mod page;
mod states;
mod valid;

use std::collections::BTreeSet;

use clients::golden::golden;
use clients::server::{Access, Server, Store};
use clients::wire::Connection;
use kecs_model::shape::{Kind, Structure};
use kecs_model::{ErrorCode, Operation, Refusal, Rule, check, overlay};
use serde_json::{Value, json};

use crate::breaks::Broken;
use crate::valid::World;

/// Everything that can be wrong, for every classic operation.
fn all() -> Vec<Broken> {
    let world = World::described();
    let of = |operation| breaks::of(operation, &valid::input(operation, &world));
    Operation::classic().flat_map(of).collect()
}

/// What is answered, in the words of the overlay if it has a row, or in general ones.
fn expected(broken: &Broken, given: &Value) -> (ErrorCode, String) {
    let given = match given {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Some(row) = broken.row {
        let container = broken.input["containerDefinitions"][0]["name"]
            .as_str()
            .unwrap_or_default();
        let message = row
            .message
            .replace("{container}", container)
            .replace("{value}", &given);
        return (row.code, message);
    }
    let place = place(&broken.member);
    let must = match broken.rule {
        "required" => "not be null".to_owned(),
        "min-length" | "min-size" => format!("have length greater than or equal to {}", broken.bound),
        "max-length" | "max-size" => format!("have length less than or equal to {}", broken.bound),
        "min" => format!("have value greater than or equal to {}", broken.bound),
        "max" => format!("have value less than or equal to {}", broken.bound),
        "pattern" => format!("satisfy regular expression pattern: {}", broken.bound),
        "enum" => {
            let name = broken.member.rsplit('.').next().unwrap_or_default();
            let name = name.trim_end_matches(['[', ']', '{', '}']);
            let message = format!("{name} should be one of [{}]", broken.bound);
            return (ErrorCode::InvalidParameterException, message);
        }
        other => panic!("no rule is called {other}"),
    };
    let value = if broken.rule == "required" {
        "null".to_owned()
    } else {
        format!("'{given}'")
    };
    let message = format!(
        "1 validation error detected: Value {value} at '{place}' failed to satisfy constraint: Member must {must}"
    );
    (ErrorCode::InvalidParameterException, message)
}

/// The first element of each list, as AWS writes it: `tags.1.member.key`.
fn place(member: &str) -> String {
    member.replace("[]", ".1.member").replace("{}", ".a.value")
}

#[test]
fn what_is_right_is_right() {
    let world = World::described();
    for operation in Operation::classic() {
        assert_eq!(
            check(operation, &valid::input(operation, &world)),
            Ok(()),
            "{operation}"
        );
    }
    let ordered: BTreeSet<Operation> = valid::ORDER.iter().copied().collect();
    assert_eq!(ordered, Operation::classic().collect());
    assert_eq!(valid::ORDER.len(), ordered.len());
}

#[test]
fn every_broken_rule_has_its_answer() {
    for broken in all() {
        let place = format!("{} {} {}", broken.operation, broken.member, broken.rule);
        let refusal = check(broken.operation, &broken.input).expect_err(&place);
        if broken.rule == "type" {
            assert_eq!(refusal.code, ErrorCode::SerializationException, "{place}");
        } else {
            assert_eq!(
                (refusal.code, refusal.message),
                expected(&broken, &broken.given),
                "{place}"
            );
        }
    }
}

#[test]
fn what_is_just_allowed_does_not_break_the_rule() {
    for broken in all() {
        let Some((given, input)) = &broken.edge else {
            continue;
        };
        let at_the_edge = check(broken.operation, input).err();
        let place = format!(
            "{} {} {} {}",
            broken.operation, broken.member, broken.rule, broken.bound
        );
        // Another rule of the member may refuse it: a text of the right length need not have the right letters.
        let other = |it: &Refusal| it.message != expected(&broken, given).1;
        assert!(at_the_edge.as_ref().is_none_or(other), "{place}: {at_the_edge:?}");
    }
}

#[test]
fn every_row_of_the_overlay_is_broken_once() {
    let all = all();
    let broken: BTreeSet<(Operation, &str, Rule)> = all
        .iter()
        .filter_map(|it| it.row)
        .map(|row| (row.operation, row.member.as_str(), row.rule))
        .collect();
    let left: Vec<String> = overlay()
        .iter()
        .filter(|row| row.rule != Rule::State)
        .filter(|row| !broken.contains(&(row.operation, row.member.as_str(), row.rule)))
        .map(|row| format!("{} {} {}", row.operation, row.member, row.rule.name()))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn the_table_of_errors() {
    golden("tests/clients/golden/errors.txt", &page::errors(&all()));
}

#[test]
fn the_page_of_coverage() {
    golden("docs/kecs/coverage.md", &page::coverage(&all()));
}

#[tokio::test]
async fn the_server_answers_so() {
    let server = Server::start(Access::Open, Store::Memory);
    let mut connection = Connection::open(&server.address, "eu-errors-1").await.unwrap();
    let mut wrong = Vec::new();
    for broken in all() {
        let name = broken.operation.name();
        let refusal = check(broken.operation, &broken.input).unwrap_err();
        let reply = connection.call(name, &broken.input).await.unwrap();
        if (reply.status.as_u16(), reply.json()) != (refusal.code.status(), refusal.body()) {
            wrong.push(format!("{name} {} {}: {reply:?}", broken.member, broken.rule));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    for (operation, body, code) in [
        ("CreateNothing", "{}", "UnknownOperationException"),
        ("createcluster", "{}", "UnknownOperationException"),
        ("CreateCluster", "{", "SerializationException"),
        ("CreateCluster", "[]", "SerializationException"),
        ("CreateCluster", "\"text\"", "SerializationException"),
    ] {
        let reply = connection.send(operation, body).await.unwrap();
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (400, code),
            "{operation} {body}"
        );
    }
}

#[tokio::test]
async fn what_is_newer_is_refused_in_one_way() {
    let server = Server::start(Access::Open, Store::Memory);
    let mut connection = Connection::open(&server.address, "eu-newer-1").await.unwrap();
    for operation in Operation::ALL.iter().filter(|it| !it.is_classic()) {
        let reply = connection.call(operation.name(), &json!({})).await.unwrap();
        let answer = (reply.status.as_u16(), reply.code());
        assert_eq!(
            answer,
            (400, "UnsupportedFeatureException".to_owned()),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn what_is_right_is_done_and_answered_in_shape() {
    let server = Server::start(Access::Open, Store::Memory);
    let mut wrong = Vec::new();
    for (region, strange) in [("eu-right-1", false), ("eu-strange-1", true)] {
        let mut connection = Connection::open(&server.address, region).await.unwrap();
        let world = World::set_up(&mut connection).await.unwrap();
        for operation in valid::ORDER {
            let mut input = valid::input(*operation, &world);
            if strange {
                // Members that nobody knows, wherever there are members.
                add_strange(operation.input().unwrap(), &mut input);
            }
            let reply = connection.call(operation.name(), &input).await.unwrap();
            if *operation == Operation::ExecuteCommand {
                // Nothing can be run in a simulated container.
                assert_eq!(reply.code(), "UnsupportedFeatureException", "{}", reply.json());
                continue;
            }
            if reply.status.as_u16() != 200 {
                wrong.push(format!("{operation} {input}: {}", reply.json()));
                continue;
            }
            let mut found = Vec::new();
            differences(
                operation.output().unwrap(),
                &reply.json(),
                operation.name(),
                &mut found,
            );
            wrong.extend(found);
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

fn add_strange(shape: &Structure, input: &mut Value) {
    for member in shape.members {
        match (member.kind, input.get_mut(member.name)) {
            (Kind::Structure(inner), Some(value)) => add_strange(inner(), value),
            (Kind::List(Kind::Structure(inner)), Some(Value::Array(values))) => {
                for value in values {
                    add_strange(inner(), value);
                }
            }
            (_, _) => {}
        }
    }
    input["notAMember"] = json!({"a": [1, null]});
}

/// Where an output has members that the model does not know, or values of another kind.
fn differences(shape: &Structure, output: &Value, path: &str, found: &mut Vec<String>) {
    let Some(members) = output.as_object() else {
        found.push(format!("{path} is {output}"));
        return;
    };
    for (name, value) in members {
        let path = format!("{path}.{name}");
        match shape.member(name) {
            None => found.push(format!("{path} is not in the model")),
            Some(member) => unlike(member.kind, value, &path, found),
        }
    }
}

fn unlike(kind: Kind, value: &Value, path: &str, found: &mut Vec<String>) {
    let right = match (kind, value) {
        (Kind::Structure(shape), _) => return differences(shape(), value, path, found),
        (Kind::List(element), Value::Array(values)) => {
            return values
                .iter()
                .for_each(|value| unlike(*element, value, path, found));
        }
        (Kind::Map(element), Value::Object(values)) => {
            return values
                .values()
                .for_each(|value| unlike(*element, value, path, found));
        }
        (Kind::Enum(words), Value::String(text)) => words.contains(&text.as_str()),
        (Kind::String, _) => value.is_string(),
        (Kind::Integer, _) => value.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
        (Kind::Long, _) => value.is_i64(),
        (Kind::Double | Kind::Timestamp, _) => value.is_number(),
        (Kind::Boolean, _) => value.is_boolean(),
        (Kind::Document, _) => true,
        (Kind::List(_) | Kind::Map(_) | Kind::Enum(_), _) => false,
    };
    if !right {
        found.push(format!("{path} is {value}"));
    }
}
