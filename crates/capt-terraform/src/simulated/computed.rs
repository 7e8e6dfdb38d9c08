//! Values that grow as far as somebody reads them.

use hcl::Value;
use hcl::value::Map;

use super::references::Part;

/// A value that has `path`, with a placeholder at its end.
pub(super) fn grow(name: &str, path: &[Part], leaf: &dyn Fn(&str) -> Value) -> Value {
    match path.split_first() {
        None => leaf(name),
        Some((Part::Attr(next), rest)) => {
            let inner = grow(&format!("{name}_{next}"), rest, leaf);
            Value::Object(Map::from_iter([(next.clone(), inner)]))
        }
        Some((Part::Index(index), rest)) => {
            if rest.is_empty()
                && let Value::Array(items) = leaf(name)
                && items.len() > *index
            {
                return Value::Array(items);
            }
            // Nobody means the thousandth element of something that a provider computes.
            let count = (*index).min(63) + 1;
            let items = (0..count).map(|n| {
                if rest.is_empty() {
                    leaf(&format!("{name}_{n}"))
                } else {
                    grow(name, rest, leaf)
                }
            });
            Value::Array(items.collect())
        }
        Some((Part::Any, [])) => match leaf(name) {
            Value::Array(items) => Value::Array(items),
            other => Value::Array(vec![other]),
        },
        Some((Part::Any, rest)) => Value::Array(vec![grow(name, rest, leaf)]),
    }
}

/// Adds what `other` has and `present` has not.
pub(super) fn combine(present: &mut Value, other: Value) {
    match (present, other) {
        (Value::Object(present), Value::Object(other)) => {
            for (key, value) in other {
                match present.get_mut(&key) {
                    Some(inner) => combine(inner, value),
                    None => {
                        present.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(present), Value::Array(other)) => {
            for (index, value) in other.into_iter().enumerate() {
                match present.get_mut(index) {
                    Some(inner) => combine(inner, value),
                    None => present.push(value),
                }
            }
        }
        (present, other @ (Value::Object(_) | Value::Array(_))) => *present = other,
        _ => {}
    }
}
