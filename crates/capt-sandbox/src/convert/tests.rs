use proptest::prelude::*;
use serde_json::{Value, json};

use super::convert;

fn written_as_v1beta1() -> Value {
    json!({
        "apiVersion": "cluster.x-k8s.io/v1beta1",
        "kind": "Cluster",
        "metadata": { "name": "demo", "namespace": "team-a" },
        "spec": {
            "paused": true,
            "clusterNetwork": { "pods": { "cidrBlocks": ["192.168.0.0/16"] } },
            "controlPlaneEndpoint": { "host": "", "port": 0 },
            "infrastructureRef": {
                "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1", "kind": "CAPTCluster", "name": "demo",
            },
            "controlPlaneRef": {
                "apiVersion": "controlplane.cluster.x-k8s.io/v1beta1", "kind": "CAPTControlPlane", "name": "demo",
            },
            "topology": { "class": "eks", "version": "v1.31.0" },
        },
    })
}

#[test]
fn a_cluster_of_the_last_contract_is_understood() {
    assert_eq!(
        convert(&written_as_v1beta1(), "v1beta2")["spec"],
        json!({
            "paused": true,
            "clusterNetwork": { "pods": { "cidrBlocks": ["192.168.0.0/16"] } },
            "infrastructureRef": {
                "apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "CAPTCluster", "name": "demo",
            },
            "controlPlaneRef": {
                "apiGroup": "controlplane.cluster.x-k8s.io", "kind": "CAPTControlPlane", "name": "demo",
            },
            "topology": { "classRef": { "name": "eks" }, "version": "v1.31.0" },
        })
    );
}

#[test]
fn readers_of_the_last_contract_see_latches_as_flags_and_references_with_a_version() {
    let stored = json!({
        "metadata": { "name": "demo", "namespace": "team-a" },
        "spec": { "infrastructureRef": {
            "apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "CAPTCluster", "name": "demo",
        } },
        "status": {
            "phase": "Provisioning",
            "initialization": { "infrastructureProvisioned": true },
            "failureDomains": [{ "name": "a", "controlPlane": true }],
            "conditions": [{ "type": "Available", "status": "False" }],
            "controlPlane": { "versions": [{ "version": "v1.31.0" }] },
        },
    });
    let seen = convert(&stored, "v1beta1");
    assert_eq!(
        seen["spec"]["infrastructureRef"],
        json!({
            "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1",
            "kind": "CAPTCluster", "name": "demo", "namespace": "team-a",
        })
    );
    assert_eq!(
        seen["status"],
        json!({
            "phase": "Provisioning",
            "infrastructureReady": true,
            "controlPlaneReady": false,
            "failureDomains": { "a": { "controlPlane": true } },
            "v1beta2": {
                "conditions": [{ "type": "Available", "status": "False" }],
                "controlPlane": { "versions": [{ "version": "v1.31.0" }] },
            },
        })
    );
    assert_eq!(convert(&seen, "v1beta2"), stored);
}

#[test]
fn a_flag_that_an_old_client_takes_back_is_not_a_latch() {
    let old = json!({ "status": { "infrastructureReady": false, "controlPlaneReady": true } });
    assert_eq!(
        convert(&old, "v1beta2")["status"],
        json!({ "initialization": { "controlPlaneInitialized": true } })
    );
}

/// Any `Cluster` as it may be stored, in the fields that differ between the versions.
fn stored() -> impl Strategy<Value = Value> {
    let name = "[a-z]{1,8}";
    let reference = (name, "[A-Z][a-z]{1,8}", name).prop_map(
        |(group, kind, name)| json!({ "apiGroup": format!("{group}.example"), "kind": kind, "name": name }),
    );
    let endpoint = (name, 1u16..).prop_map(|(host, port)| json!({ "host": host, "port": port }));
    let domains = proptest::collection::btree_map(name, any::<bool>(), 1..3).prop_map(|domains| {
        let list = domains
            .into_iter()
            .map(|(name, on)| json!({ "name": name, "controlPlane": on }));
        Value::Array(list.collect())
    });
    let conditions = proptest::collection::vec(name, 1..3)
        .prop_map(|types| Value::Array(types.into_iter().map(|it| json!({ "type": it })).collect()));
    let spec = (
        proptest::option::of(any::<bool>()),
        proptest::option::of(endpoint),
        proptest::option::of(reference.clone()),
        proptest::option::of(reference),
        proptest::option::of(name.prop_map(|class| json!({ "classRef": { "name": class } }))),
    );
    let status = (
        proptest::sample::select(vec![
            None,
            Some("infrastructureProvisioned"),
            Some("controlPlaneInitialized"),
        ]),
        proptest::option::of(domains),
        proptest::option::of(conditions.clone()),
        proptest::option::of(conditions),
    );
    (spec, status).prop_map(|(spec, status)| {
        let mut object = json!({ "metadata": { "name": "x", "namespace": "y" }, "spec": {}, "status": { "phase": "Pending" } });
        let mut set = |part: &str, key: &str, value: Option<Value>| {
            if let Some(value) = value {
                object[part][key] = value;
            }
        };
        set("spec", "paused", spec.0.map(Value::from));
        set("spec", "controlPlaneEndpoint", spec.1);
        set("spec", "infrastructureRef", spec.2);
        set("spec", "controlPlaneRef", spec.3);
        set("spec", "topology", spec.4);
        set("status", "initialization", status.0.map(|latch| json!({ latch: true })));
        set("status", "failureDomains", status.1);
        set("status", "conditions", status.2);
        set("status", "deprecated", status.3.map(|old| json!({ "v1beta1": { "conditions": old } })));
        object
    })
}

proptest! {
    #[test]
    fn what_is_stored_survives_the_way_through_the_last_contract(object in stored()) {
        prop_assert_eq!(convert(&convert(&object, "v1beta1"), "v1beta2"), object);
    }

    #[test]
    fn what_is_in_the_version_already_stays_what_it_is_in_the_other(object in stored()) {
        let old = convert(&object, "v1beta1");
        prop_assert_eq!(convert(&convert(&old, "v1beta2"), "v1beta1"), old);
    }
}
