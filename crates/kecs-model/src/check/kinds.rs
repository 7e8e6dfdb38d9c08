//! The first pass: every value has the JSON type that the model gives it.
//!
//! The texts are those of the framework that AWS's JSON services share.

use serde_json::{Map, Number, Value};

use crate::error::{ErrorCode, Refusal};
use crate::shape::{Kind, Structure};
use crate::time::Time;

/// A scalar or nothing where a structure, a list or a map is.
pub(super) fn unexpected() -> Refusal {
    refusal("Unexpected token received from parser")
}

/// Checks the members that the model knows.
pub(super) fn structure(shape: &Structure, members: &Map<String, Value>) -> Result<(), Refusal> {
    for member in shape.members {
        if let Some(value) = members.get(member.name) {
            kind(member.kind, value)?;
        }
    }
    Ok(())
}

fn kind(kind: Kind, value: &Value) -> Result<(), Refusal> {
    match kind {
        Kind::Document => Ok(()),
        Kind::List(element) => match value {
            Value::Null => Ok(()),
            Value::Array(elements) => elements.iter().try_for_each(|value| self::kind(*element, value)),
            Value::Object(_) => Err(refusal("Start of structure or map found where not expected")),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(unexpected()),
        },
        Kind::Map(element) => match value {
            Value::Null => Ok(()),
            Value::Object(entries) => entries.values().try_for_each(|value| self::kind(*element, value)),
            Value::Array(_) => Err(refusal("Start of list found where not expected")),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(unexpected()),
        },
        Kind::Structure(shape) => match value {
            Value::Null => Ok(()),
            Value::Object(members) => structure(shape(), members),
            Value::Array(_) => Err(refusal("Start of list found where not expected")),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(unexpected()),
        },
        Kind::String | Kind::Enum(_) => scalar(value, "a String", Value::is_string),
        Kind::Boolean => scalar(value, "a Boolean", Value::is_boolean),
        Kind::Integer => scalar(value, "an Integer", |value| {
            value.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
        }),
        Kind::Long => scalar(value, "a Long", |value| value.as_i64().is_some()),
        Kind::Double => scalar(value, "a Double", Value::is_number),
        Kind::Timestamp => scalar(value, "milliseconds since epoch", |value| {
            value.as_number().is_some_and(is_time)
        }),
    }
}

fn scalar(value: &Value, wanted: &str, fits: impl Fn(&Value) -> bool) -> Result<(), Refusal> {
    if fits(value) {
        return Ok(());
    }
    let found = match value {
        Value::Null => return Ok(()),
        Value::Array(_) => return Err(refusal("Start of list found where not expected")),
        Value::Object(_) => return Err(refusal("Start of structure or map found where not expected")),
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
    };
    Err(refusal(&format!("{found} can not be converted to {wanted}")))
}

/// Whether a number of seconds is a time that can be kept.
fn is_time(seconds: &Number) -> bool {
    match seconds.as_i64() {
        Some(seconds) => seconds
            .checked_mul(1000)
            .and_then(Time::from_millisecond)
            .is_some(),
        None => seconds.as_f64().and_then(Time::from_seconds).is_some(),
    }
}

fn refusal(message: &str) -> Refusal {
    Refusal::new(ErrorCode::SerializationException, message)
}
