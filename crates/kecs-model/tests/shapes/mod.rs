//! Inputs made from the shape table: the least that is valid, and ways to a member.

use kecs_model::shape::{Kind, Limits, Structure};
use kecs_model::{Operation, Row, Rule, overlay};
use serde_json::{Map, Value, json};

/// A step on the way to a member.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Member(String),
    Element,
}

/// The steps of a way as the overlay writes it.
pub(crate) fn steps(member: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in member.split('.').filter(|part| !part.is_empty()) {
        let name = part.trim_end_matches("[]");
        steps.push(Step::Member(name.to_owned()));
        steps.extend((0..(part.len() - name.len()) / 2).map(|_| Step::Element));
    }
    steps
}

/// The row that an operation has for a member and a rule.
pub(crate) fn row(operation: Operation, member: &str, rule: Rule) -> Option<&'static Row> {
    overlay()
        .iter()
        .find(|row| row.operation == operation && row.member == member && row.rule == rule)
}

/// The least valid input in which what stands at the end of the way is `leaf`; absent if that is nothing.
pub(crate) fn input(operation: Operation, way: &[Step], mut leaf: Option<Value>) -> Value {
    let shape = operation.input().expect("a classic operation has an input");
    object(operation, shape, "", way, &mut leaf)
}

/// The least valid input.
pub(crate) fn least(operation: Operation) -> Value {
    let shape = operation.input().expect("a classic operation has an input");
    object(operation, shape, "", &[], &mut None)
}

/// The least valid value of a member.
pub(crate) fn least_at(operation: Operation, member: &str) -> Value {
    let shape = operation.input().expect("a classic operation has an input");
    let (kind, limits, each) = find(shape, &steps(member)).expect("the way leads to a member");
    value(operation, kind, member, (&limits, &each), &[], &mut None)
}

/// The kind and the limits of what stands at the end of a way.
pub(crate) fn find(shape: &'static Structure, way: &[Step]) -> Option<(Kind, Limits, Limits)> {
    let mut structure = Some(shape);
    let mut at = None;
    for step in way {
        let found = match (step, at) {
            (Step::Member(name), _) => {
                let member = structure?.member(name)?;
                (member.kind, member.rules.limits, member.rules.each)
            }
            (Step::Element, Some((Kind::List(kind) | Kind::Map(kind), _, each))) => {
                (*kind, each, Limits::NONE)
            }
            (Step::Element, _) => return None,
        };
        structure = if let Kind::Structure(shape) = found.0 {
            Some(shape())
        } else {
            None
        };
        at = Some(found);
    }
    at
}

fn object(
    operation: Operation,
    shape: &'static Structure,
    path: &str,
    way: &[Step],
    leaf: &mut Option<Value>,
) -> Value {
    let mut members = Map::new();
    for member in shape.members {
        let path = if path.is_empty() {
            member.name.to_owned()
        } else {
            format!("{path}.{}", member.name)
        };
        let limits = (&member.rules.limits, &member.rules.each);
        match way {
            [Step::Member(name)] if name == member.name => {
                if let Some(leaf) = leaf.take() {
                    members.insert(member.name.to_owned(), leaf);
                }
            }
            [Step::Member(name), rest @ ..] if name == member.name => {
                let value = value(operation, member.kind, &path, limits, rest, leaf);
                members.insert(member.name.to_owned(), value);
            }
            _ => {
                let demanded = member.rules.required
                    || row(operation, &path, Rule::Required).is_some()
                    || row(operation, &path, Rule::NotEmpty).is_some();
                if demanded {
                    let value = value(operation, member.kind, &path, limits, &[], &mut None);
                    members.insert(member.name.to_owned(), value);
                }
            }
        }
    }
    Value::Object(members)
}

fn value(
    operation: Operation,
    kind: Kind,
    path: &str,
    (limits, each): (&Limits, &Limits),
    way: &[Step],
    leaf: &mut Option<Value>,
) -> Value {
    let bound = |rule, of_model: Option<i64>| {
        let of_row = row(operation, path, rule)
            .and_then(|row| row.value.as_ref())
            .and_then(Value::as_f64);
        #[allow(clippy::cast_precision_loss, reason = "bounds are small")]
        of_row.or(of_model.map(|bound| bound as f64))
    };
    match kind {
        Kind::Structure(shape) => object(operation, shape(), path, way, leaf),
        Kind::Map(_) => json!({}),
        Kind::List(element) => {
            let path = format!("{path}[]");
            match way {
                [Step::Element] => leaf.take().map_or_else(|| json!([]), |leaf| json!([leaf])),
                [Step::Element, rest @ ..] => {
                    json!([value(
                        operation,
                        *element,
                        &path,
                        (each, &Limits::NONE),
                        rest,
                        leaf
                    )])
                }
                _ if row(operation, path.trim_end_matches("[]"), Rule::NotEmpty).is_some()
                    || limits.min.is_some_and(|min| min > 0) =>
                {
                    json!([value(
                        operation,
                        *element,
                        &path,
                        (each, &Limits::NONE),
                        &[],
                        leaf
                    )])
                }
                _ => json!([]),
            }
        }
        Kind::Enum(words) => {
            let of_row = row(operation, path, Rule::Enum).and_then(|row| row.value.clone());
            of_row.map_or_else(|| json!(words[0]), |words| words[0].clone())
        }
        Kind::String => {
            let of_row = row(operation, path, Rule::Enum).and_then(|row| row.value.clone());
            of_row.map_or_else(|| json!("a"), |words| words[0].clone())
        }
        Kind::Integer | Kind::Long => {
            #[allow(clippy::cast_possible_truncation, reason = "bounds are small")]
            let least = bound(Rule::Min, limits.min).map_or(1, |min| min.ceil() as i64);
            json!(least)
        }
        Kind::Double => json!(bound(Rule::Min, limits.min).unwrap_or(1.0)),
        Kind::Boolean => json!(true),
        Kind::Timestamp => json!(1_700_000_000),
        Kind::Document => json!({"a": 1}),
    }
}
