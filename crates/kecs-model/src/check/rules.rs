//! The second pass: what is required, and the words, lengths, sizes, ranges and patterns.

use std::fmt::Display;

use serde_json::{Map, Value};

use super::place::Place;
use crate::error::Refusal;
use crate::overlay::{self, Node, Rule};
use crate::shape::{Kind, Limits, Structure};

/// Checks the members of a structure, each with all that is in it, in the order of the model.
pub(super) fn structure(
    shape: &Structure,
    members: &Map<String, Value>,
    node: Option<&Node>,
    place: &Place<'_>,
) -> Result<(), Refusal> {
    for member in shape.members {
        let place = place.member(member.name);
        let node = node.and_then(|node| node.child(member.name));
        match members.get(member.name) {
            None | Some(Value::Null) => absent(member.rules.required, node, &place)?,
            Some(given) => {
                let limits = (&member.rules.limits, &member.rules.each);
                value(member.kind, given, limits, node, &place)?;
            }
        }
    }
    Ok(())
}

/// A member that is not there may be required by the model or by the overlay.
fn absent(required: bool, node: Option<&Node>, place: &Place<'_>) -> Result<(), Refusal> {
    let row = node.and_then(|node| node.row(Rule::Required).or_else(|| node.row(Rule::NotEmpty)));
    if required || row.is_some() {
        return Err(broken(row, None, place, || null_at(place)));
    }
    Ok(())
}

fn value(
    kind: Kind,
    value: &Value,
    (limits, each): (&Limits, &Limits),
    node: Option<&Node>,
    place: &Place<'_>,
) -> Result<(), Refusal> {
    match (kind, value) {
        (Kind::Enum(words), Value::String(text)) => {
            not_empty(node, text.trim().is_empty(), value, place)?;
            one_of(words, text, node, value, place)
        }
        (Kind::String, Value::String(text)) => {
            not_empty(node, text.trim().is_empty(), value, place)?;
            let length = || i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
            bounds(LENGTH, limits, length, node, value, place)?;
            pattern(limits, text, node, value, place)?;
            match node.and_then(|node| node.row(Rule::Enum)) {
                Some(row) if !row.words().any(|word| word == text) => {
                    Err(broken(Some(row), Some(value), place, || {
                        one_of_text(place, row.words())
                    }))
                }
                Some(_) | None => Ok(()),
            }
        }
        (Kind::Integer | Kind::Long, Value::Number(number)) => {
            // The first pass has seen to it that the number is whole.
            let whole = || number.as_i64().unwrap_or(i64::MAX);
            bounds(RANGE, limits, whole, node, value, place)
        }
        (Kind::Double, Value::Number(number)) => fraction(
            limits,
            number.as_f64().unwrap_or(f64::INFINITY),
            node,
            value,
            place,
        ),
        (Kind::List(element), Value::Array(elements)) => {
            not_empty(node, elements.is_empty(), value, place)?;
            let size = || i64::try_from(elements.len()).unwrap_or(i64::MAX);
            bounds(SIZE, limits, size, node, value, place)?;
            let node = node.and_then(Node::element);
            for (position, given) in elements.iter().enumerate() {
                let name = given.get("name").and_then(Value::as_str);
                let place = place.element(position, name);
                part(*element, given, each, node, &place)?;
            }
            Ok(())
        }
        (Kind::Map(element), Value::Object(entries)) => {
            let node = node.and_then(Node::element);
            for (key, given) in entries {
                let place = place.entry(key);
                part(*element, given, &Limits::NONE, node, &place)?;
            }
            Ok(())
        }
        (Kind::Structure(shape), Value::Object(members)) => structure(shape(), members, node, place),
        // What is of another type was refused by the first pass.
        (
            Kind::String
            | Kind::Enum(_)
            | Kind::Integer
            | Kind::Long
            | Kind::Double
            | Kind::Boolean
            | Kind::Timestamp
            | Kind::Document
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Structure(_),
            _,
        ) => Ok(()),
    }
}

/// An element of a list or a value of a map: there must be one.
fn part(
    kind: Kind,
    given: &Value,
    limits: &Limits,
    node: Option<&Node>,
    place: &Place<'_>,
) -> Result<(), Refusal> {
    if given.is_null() {
        return Err(broken(None, None, place, || null_at(place)));
    }
    value(kind, given, (limits, &Limits::NONE), node, place)
}

fn not_empty(node: Option<&Node>, empty: bool, value: &Value, place: &Place<'_>) -> Result<(), Refusal> {
    match node.and_then(|node| node.row(Rule::NotEmpty)) {
        Some(row) if empty => Err(broken(Some(row), Some(value), place, || null_at(place))),
        Some(_) | None => Ok(()),
    }
}

fn one_of(
    words: &[&str],
    text: &str,
    node: Option<&Node>,
    value: &Value,
    place: &Place<'_>,
) -> Result<(), Refusal> {
    let row = node.and_then(|node| node.row(Rule::Enum));
    let allowed = match row {
        // The overlay may allow fewer words than the model has.
        Some(row) if row.value.is_some() => row.words().any(|word| word == text),
        Some(_) | None => true,
    };
    if allowed && words.contains(&text) {
        return Ok(());
    }
    Err(broken(row, Some(value), place, || {
        one_of_text(place, words.iter().copied())
    }))
}

/// A lower and an upper bound: their rules, and how a text goes on that says so.
type Bounds = (Rule, Rule, &'static str);

const LENGTH: Bounds = (Rule::MinLength, Rule::MaxLength, "have length");
const SIZE: Bounds = (Rule::MinSize, Rule::MaxSize, "have length");
const RANGE: Bounds = (Rule::Min, Rule::Max, "have value");

fn bounds(
    (least, most, verb): Bounds,
    limits: &Limits,
    measured: impl FnOnce() -> i64,
    node: Option<&Node>,
    value: &Value,
    place: &Place<'_>,
) -> Result<(), Refusal> {
    let row = |rule| node.and_then(|node| node.row(rule));
    let (low, high) = (row(least), row(most));
    let min = low.and_then(overlay::Row::bound).or(limits.min);
    let max = high.and_then(overlay::Row::bound).or(limits.max);
    if min.is_none() && max.is_none() {
        return Ok(());
    }
    let measured = measured();
    if let Some(min) = min.filter(|min| measured < *min) {
        return Err(broken(low, Some(value), place, || {
            failed(value, place, &format!("{verb} greater than or equal to {min}"))
        }));
    }
    if let Some(max) = max.filter(|max| measured > *max) {
        return Err(broken(high, Some(value), place, || {
            failed(value, place, &format!("{verb} less than or equal to {max}"))
        }));
    }
    Ok(())
}

/// The range of a number that may have a fraction.
fn fraction(
    limits: &Limits,
    number: f64,
    node: Option<&Node>,
    value: &Value,
    place: &Place<'_>,
) -> Result<(), Refusal> {
    #[allow(
        clippy::cast_precision_loss,
        reason = "bounds of the model are far below 2^53"
    )]
    let of_model = |bound: i64| bound as f64;
    let row = |rule| node.and_then(|node| node.row(rule));
    let (low, high) = (row(Rule::Min), row(Rule::Max));
    let min = low
        .and_then(overlay::Row::fractional_bound)
        .or(limits.min.map(of_model));
    let max = high
        .and_then(overlay::Row::fractional_bound)
        .or(limits.max.map(of_model));
    if let Some(min) = min.filter(|min| number < *min) {
        return Err(broken(low, Some(value), place, || {
            failed(
                value,
                place,
                &format!("have value greater than or equal to {min}"),
            )
        }));
    }
    if let Some(max) = max.filter(|max| number > *max) {
        return Err(broken(high, Some(value), place, || {
            failed(value, place, &format!("have value less than or equal to {max}"))
        }));
    }
    Ok(())
}

fn pattern(
    limits: &Limits,
    text: &str,
    node: Option<&Node>,
    value: &Value,
    place: &Place<'_>,
) -> Result<(), Refusal> {
    let row = node.and_then(|node| node.row(Rule::Pattern));
    let pattern = row.and_then(overlay::Row::text).or(limits.pattern);
    match pattern {
        Some(pattern) if !overlay::matches(pattern, text) => Err(broken(row, Some(value), place, || {
            failed(
                value,
                place,
                &format!("satisfy regular expression pattern: {pattern}"),
            )
        })),
        Some(_) | None => Ok(()),
    }
}

/// The refusal of the row, or a general one in AWS's manner.
fn broken(
    row: Option<&overlay::Row>,
    value: Option<&Value>,
    place: &Place<'_>,
    general: impl FnOnce() -> String,
) -> Refusal {
    let Some(row) = row else {
        return Refusal::invalid(general());
    };
    // Only one of the two stands in a message, so that what is given cannot look like the other.
    let message = if row.message.contains("{container}") {
        row.message
            .replace("{container}", place.container().unwrap_or_default())
    } else {
        row.message
            .replace("{value}", &value.map(told).unwrap_or_default())
    };
    Refusal::new(row.code, message)
}

fn null_at(place: &Place<'_>) -> String {
    format!(
        "1 validation error detected: Value null at '{place}' failed to satisfy constraint: Member must not be null"
    )
}

fn failed(value: &Value, place: &Place<'_>, constraint: &str) -> String {
    let value = told(value);
    format!(
        "1 validation error detected: Value '{value}' at '{place}' failed to satisfy constraint: Member must {constraint}"
    )
}

fn one_of_text<W: Display>(place: &Place<'_>, words: impl Iterator<Item = W>) -> String {
    let words: Vec<String> = words.map(|word| word.to_string()).collect();
    format!("{} should be one of [{}]", place.name(), words.join(","))
}

/// A value as a message repeats it.
fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}
