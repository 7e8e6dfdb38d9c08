//! The rules of a lease beyond its schema.

use serde_json::Value;

use super::failure::FieldError;
use super::meta;
use super::request::unsupported;

/// How the holder of a coordinated lease may be chosen.
const STRATEGIES: [&str; 1] = ["OldestEmulationVersion"];

pub(super) fn validate(lease: &Value) -> Vec<FieldError> {
    let spec = &lease["spec"];
    let mut errors = Vec::new();
    if spec["leaseDurationSeconds"]
        .as_i64()
        .is_some_and(|seconds| seconds <= 0)
    {
        errors.push(FieldError::invalid(
            "spec.leaseDurationSeconds",
            &spec["leaseDurationSeconds"],
            "must be greater than 0",
        ));
    }
    if spec["leaseTransitions"].as_i64().is_some_and(|count| count < 0) {
        errors.push(FieldError::invalid(
            "spec.leaseTransitions",
            &spec["leaseTransitions"],
            "must be greater than or equal to 0",
        ));
    }
    let strategy = meta::text(spec, &["strategy"]);
    if spec["strategy"].is_string() && !STRATEGIES.contains(&strategy) {
        // Names with a domain are for strategies of others.
        if !strategy.contains('/') {
            errors.push(unsupported("spec.strategy", strategy, &STRATEGIES));
        }
    }
    if !meta::text(spec, &["preferredHolder"]).is_empty() && strategy.is_empty() {
        errors.push(FieldError::forbidden(
            "spec.preferredHolder",
            "may only be specified if `strategy` is defined",
        ));
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::validate;

    #[test]
    fn durations_are_positive_and_a_preference_needs_a_strategy() {
        let lease =
            json!({"spec": {"leaseDurationSeconds": 0, "leaseTransitions": -1, "preferredHolder": "a"}});
        let said: Vec<String> = validate(&lease)
            .iter()
            .map(|e| format!("{}: {}", e.field, e.message))
            .collect();
        assert_eq!(
            said,
            [
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
                "spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined",
            ]
        );
        assert!(validate(&json!({"spec": {"leaseDurationSeconds": 15, "holderIdentity": ""}})).is_empty());
    }
}
