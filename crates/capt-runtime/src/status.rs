//! Whether a status has to be written.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;
use serde_json::Value;

/// `value` without members that are null: what is left out and what is null mean the same in a status.
pub(crate) fn normalised(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, normalised(member)))
            .collect(),
        Value::Array(items) => items.into_iter().map(normalised).collect(),
        scalar => scalar,
    }
}

/// The normalised `.status` of `object`; an absent one is empty.
pub(crate) fn status_of<K: Serialize>(object: &K) -> Result<Value, serde_json::Error> {
    let mut object = serde_json::to_value(object)?;
    let status = object.get_mut("status").map(Value::take).unwrap_or_default();
    Ok(match normalised(status) {
        Value::Null => Value::Object(serde_json::Map::new()),
        status => status,
    })
}

/// What was written last and what the API server made of it, as digests.
///
/// Where the server adds to a status or drops from it (defaults, pruning, fields of other managers), what is
/// rendered never equals what is there; comparing with this too keeps a converged object silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memo {
    rendered: u64,
    result: u64,
}

impl Memo {
    pub(crate) fn new(rendered: &Value, result: &Value) -> Self {
        Self {
            rendered: digest(rendered),
            result: digest(result),
        }
    }
}

/// Whether `rendered` has to be written over `present`.
pub(crate) fn is_due(rendered: &Value, present: &Value, memo: Option<Memo>) -> bool {
    rendered != present && memo != Some(Memo::new(rendered, present))
}

fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_and_absent_are_the_same() {
        let rendered = normalised(json!({ "a": 1, "b": null, "c": [{ "d": null }] }));
        assert_eq!(rendered, json!({ "a": 1, "c": [{}] }));
        assert!(!is_due(&rendered, &json!({ "a": 1, "c": [{}] }), None));
        assert_eq!(status_of(&json!({ "status": null })).unwrap(), json!({}));
        assert_eq!(status_of(&json!({})).unwrap(), json!({}));
    }

    #[test]
    fn what_the_server_makes_of_a_status_is_not_written_again() {
        let rendered = json!({ "phase": "Ready" });
        let result = json!({ "phase": "Ready", "added": "by the server" });
        assert!(is_due(&rendered, &result, None));
        let memo = Some(Memo::new(&rendered, &result));
        assert!(!is_due(&rendered, &result, memo));
        assert!(
            is_due(&rendered, &json!({ "phase": "Failed" }), memo),
            "somebody changed it"
        );
        assert!(is_due(&json!({ "phase": "Failed" }), &result, memo), "it changed");
    }
}
