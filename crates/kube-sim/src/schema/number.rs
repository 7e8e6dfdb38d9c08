//! JSON numbers as Go's validator reads and prints them.

use serde_json::{Number, Value};

/// The number as a float; integers beyond 2^53 lose precision, as they do in the server's bounds.
pub(super) fn as_float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// Whether the number has no fraction.
pub(super) fn is_integral(number: &Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
}

/// Whether an integer fits `format` (`int32`); other formats hold every number.
pub(super) fn fits(number: &Number, format: &str) -> bool {
    match format {
        "int32" => number.as_i64().is_some_and(|whole| i32::try_from(whole).is_ok()),
        _ => true,
    }
}

/// A bound without a trailing `.0`.
pub(super) fn print(bound: f64) -> String {
    format!("{bound}")
}

/// The JSON type of a value, as messages name it.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
