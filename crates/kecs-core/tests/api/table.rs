//! The table of operations as a whole.

use kecs_model::Operation;
use serde_json::{Value, json};

use crate::world::World;

#[test]
fn every_classic_operation_is_answered_in_its_own_way() {
    for operation in Operation::classic() {
        let mut world = World::new();
        if let Err(refusal) = world.unchecked(operation, json!({})) {
            assert_ne!(refusal.code.name(), "UnsupportedFeatureException", "{operation}");
            assert_ne!(refusal.code.status(), 500, "{operation}: {}", refusal.message);
        }
    }
}

#[test]
fn a_body_that_is_null_has_no_members() {
    let mut world = World::new();
    assert_eq!(
        world
            .unchecked(Operation::ListClusters, Value::Null)
            .unwrap()
            .output
            .value(),
        json!({"clusterArns": []})
    );
}

#[test]
fn every_newer_operation_is_refused_by_name() {
    let newer: Vec<Operation> = Operation::ALL
        .iter()
        .copied()
        .filter(|it| !it.is_classic())
        .collect();
    assert_eq!(newer.len(), 28);
    for operation in newer {
        let refusal = World::new().unchecked(operation, json!({})).unwrap_err();
        assert_eq!(
            (refusal.code.name(), refusal.message),
            (
                "UnsupportedFeatureException",
                format!("{operation} is not supported by KECS.")
            )
        );
    }
}
