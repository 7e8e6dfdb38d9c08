//! How generic tools read the status of an object.
//!
//! These are the rules that `kstatus` of `sigs.k8s.io/cli-utils` (v0.37, `pkg/kstatus/status`) applies to a kind that
//! it does not know, which `kapp`, Flux, Argo CD and `kubectl wait`-like scripts rely on.

use std::fmt;

use serde_json::Value;

/// What `kstatus` makes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kstatus {
    /// The spec is not reached yet, and the controller is at it.
    InProgress,
    /// The spec is not reached, and somebody has to do something.
    Failed,
    /// The spec is reached.
    Current,
    /// It is being deleted.
    Terminating,
}

impl fmt::Display for Kstatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Current => "Current",
            Self::Terminating => "Terminating",
        })
    }
}

/// What `kstatus` makes of `object`.
pub fn kstatus(object: &Value) -> Kstatus {
    if object["metadata"]["deletionTimestamp"].is_string() {
        return Kstatus::Terminating;
    }
    let observed = &object["status"]["observedGeneration"];
    if !observed.is_null() && *observed != object["metadata"]["generation"] {
        return Kstatus::InProgress;
    }
    let is = |kind: &str| condition(object, kind).map(|condition| condition["status"] == "True");
    if is("Reconciling") == Some(true) {
        return Kstatus::InProgress;
    }
    if is("Stalled") == Some(true) {
        return Kstatus::Failed;
    }
    match is("Ready") {
        Some(false) => Kstatus::InProgress,
        Some(true) | None => Kstatus::Current,
    }
}

/// The condition of this type.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(observed: i64, conditions: &[(&str, &str)]) -> Value {
        let conditions: Vec<_> = conditions
            .iter()
            .map(|(kind, status)| json!({ "type": kind, "status": status }))
            .collect();
        json!({
            "metadata": { "generation": 2 },
            "status": { "observedGeneration": observed, "conditions": conditions },
        })
    }

    #[test]
    fn the_rules_in_their_order() {
        type Conditions = &'static [(&'static str, &'static str)];
        let rows: [(i64, Conditions, Kstatus); 8] = [
            (2, &[("Ready", "True")], Kstatus::Current),
            (2, &[], Kstatus::Current),
            (1, &[("Ready", "True"), ("Stalled", "True")], Kstatus::InProgress),
            (-1, &[], Kstatus::InProgress),
            (
                2,
                &[("Ready", "True"), ("Reconciling", "True")],
                Kstatus::InProgress,
            ),
            (2, &[("Ready", "True"), ("Stalled", "True")], Kstatus::Failed),
            (
                2,
                &[("Ready", "False"), ("Stalled", "False")],
                Kstatus::InProgress,
            ),
            (2, &[("Ready", "Unknown")], Kstatus::InProgress),
        ];
        for (observed, conditions, expected) in rows {
            assert_eq!(kstatus(&object(observed, conditions)), expected, "{conditions:?}");
        }
        let mut deleted = object(2, &[("Ready", "True")]);
        deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(kstatus(&deleted), Kstatus::Terminating);
        assert_eq!(
            kstatus(&json!({ "metadata": { "generation": 1 } })),
            Kstatus::Current
        );
    }
}
