//! What the scale subresource of a custom resource asks of the fields that it is read from.

use serde_json::{Value, json};

use super::kind::ScalePaths;
use crate::schema::Cause;

/// What is wrong with the counts and the selector of an object; a field that is not there is none of it.
pub(super) fn faults(paths: &ScalePaths, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for path in [&paths.spec_replicas, &paths.status_replicas] {
        let counted = match find(object, path) {
            Ok(found) => found.map_or(Ok(0), |value| {
                value.as_i64().ok_or_else(|| expected(path, value, "int64"))
            }),
            Err(fault) => Err(fault),
        };
        let (count, why) = match counted {
            Ok(count) if count < 0 => (count, "should be a non-negative integer".to_owned()),
            Ok(count) if count > i64::from(i32::MAX) => {
                (count, format!("should be less than or equal to {}", i32::MAX))
            }
            Ok(_) => continue,
            Err(fault) => (0, fault),
        };
        causes.push(Cause::invalid(path, &json!(count), &why));
    }
    if let Some(path) = &paths.label_selector {
        let fault = match find(object, path) {
            Ok(found) => found
                .filter(|value| !value.is_string())
                .map(|value| expected(path, value, "string")),
            Err(fault) => Some(fault),
        };
        causes.extend(fault.map(|why| Cause::invalid(path, &json!(""), &why)));
    }
    causes
}

/// The value at a path (`.spec.replicas`); an error where the path leads through something that is no object.
fn find<'a>(object: &'a Value, path: &str) -> Result<Option<&'a Value>, String> {
    let mut value = object;
    let mut walked = String::new();
    for name in path.trim_start_matches('.').split('.') {
        walked = format!("{walked}.{name}");
        match value {
            Value::Null => return Ok(None),
            Value::Object(members) => match members.get(name) {
                Some(member) => value = member,
                None => return Ok(None),
            },
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(expected(&walked, value, "map[string]interface{}"));
            }
        }
    }
    Ok(Some(value))
}

fn expected(path: &str, value: &Value, wanted: &str) -> String {
    format!(
        "{path} accessor error: {} is of the type {}, expected {wanted}",
        go_value(value),
        go_type(value)
    )
}

/// A value as Go prints it (`%v`).
fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_value).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, member)| format!("{name}:{}", go_value(member)))
                .collect();
            format!("map[{}]", members.join(" "))
        }
    }
}

/// The type of a decoded JSON value as Go prints it (`%T`).
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(object: &Value) -> Vec<String> {
        let paths = ScalePaths {
            spec_replicas: ".spec.replicas".to_owned(),
            status_replicas: ".status.replicas".to_owned(),
            label_selector: Some(".status.selector".to_owned()),
        };
        faults(&paths, object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn counts_and_the_selector_are_of_their_types() {
        assert!(told(&json!({"spec": {"replicas": 3}, "status": {"selector": "a=b"}})).is_empty());
        assert!(told(&json!({})).is_empty());
        assert_eq!(
            told(
                &json!({"spec": {"replicas": ["a", 1]}, "status": {"replicas": 1.5, "selector": {"a": true}}})
            ),
            [
                ".spec.replicas: Invalid value: 0: .spec.replicas accessor error: [a 1] is of the type []interface {}, \
                 expected int64",
                ".status.replicas: Invalid value: 0: .status.replicas accessor error: 1.5 is of the type float64, \
                 expected int64",
                ".status.selector: Invalid value: \"\": .status.selector accessor error: map[a:true] is of the type \
                 map[string]interface {}, expected string",
            ]
        );
        assert_eq!(
            told(&json!({"spec": "none", "status": {"replicas": 2_147_483_648_i64}})),
            [
                ".spec.replicas: Invalid value: 0: .spec.replicas accessor error: none is of the type string, expected \
                 map[string]interface{}",
                ".status.replicas: Invalid value: 2147483648: should be less than or equal to 2147483647",
            ]
        );
        assert_eq!(
            told(&json!({"spec": {"replicas": -1}})),
            [".spec.replicas: Invalid value: -1: should be a non-negative integer"]
        );
    }
}
