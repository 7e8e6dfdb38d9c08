//! A cluster that is made once more.

use kecs_model::Operation::CreateCluster;
use serde_json::json;

use crate::fixture::{invalid, with};
use crate::world::World;

#[test]
fn create_cluster_again_agrees_member_by_member() {
    let mut world = World::new();
    let made = json!({
        "clusterName": "blue",
        "settings": [{"name": "containerInsights", "value": "enabled"}],
        "configuration": {"executeCommandConfiguration": {"logging": "NONE"}},
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
        "serviceConnectDefaults": {"namespace": "net"},
    });
    let first = world.ok(CreateCluster, made.clone());
    assert_eq!(world.ok(CreateCluster, made.clone()), first);
    let others = json!({
        "settings": [{"name": "containerInsights", "value": "disabled"}],
        "configuration": {"executeCommandConfiguration": {"logging": "DEFAULT"}},
        "capacityProviders": ["FARGATE"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 2, "base": 0}],
        "serviceConnectDefaults": {"namespace": "other"},
    });
    for (member, other) in others.as_object().unwrap() {
        // A strategy is of providers that are named with it.
        let providers = &made["capacityProviders"];
        let alone = json!({"clusterName": "blue", "capacityProviders": providers, member: made[member]});
        assert_eq!(world.ok(CreateCluster, alone), first, "{member}");
        let changed = with(made.clone(), json!({member: other}));
        let changed = if member == "capacityProviders" {
            with(changed, json!({"defaultCapacityProviderStrategy": null}))
        } else {
            changed
        };
        let (code, _) = world.refused(CreateCluster, changed);
        assert_eq!(code, "InvalidParameterException", "{member}");
    }
}

#[test]
fn create_cluster_refuses_values_and_namespaces_that_there_are_not() {
    let mut world = World::new();
    let setting = |value: &str| json!({"clusterName": "blue", "settings": [{"name": "containerInsights", "value": value}]});
    assert_eq!(
        world.refused(CreateCluster, setting("sometimes")),
        invalid("Invalid setting 'value'")
    );
    let namespace =
        |name: &str| json!({"clusterName": "blue", "serviceConnectDefaults": {"namespace": name}});
    let (code, _) = world.refused(
        CreateCluster,
        namespace("arn:aws:ecs:eu-west-1:123456789012:cluster/blue"),
    );
    assert_eq!(code, "NamespaceNotFoundException");
    world.ok(
        CreateCluster,
        namespace("arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1"),
    );
}

#[test]
fn create_cluster_names_a_place_for_logs_where_logs_go_there() {
    let taken = |execute: serde_json::Value| {
        let input = json!({"configuration": {"executeCommandConfiguration": execute}});
        World::new().answer(CreateCluster, input).is_ok()
    };
    for (logging, place, right) in [
        ("OVERRIDE", json!({"cloudWatchLogGroupName": "g"}), true),
        ("OVERRIDE", json!({"s3BucketName": "b"}), true),
        (
            "OVERRIDE",
            json!({"cloudWatchLogGroupName": "g", "s3BucketName": "b"}),
            true,
        ),
        ("OVERRIDE", json!({"s3KeyPrefix": "k"}), false),
        ("OVERRIDE", json!(null), false),
        ("DEFAULT", json!({"s3BucketName": "b"}), false),
        ("NONE", json!({"s3BucketName": "b"}), false),
        ("DEFAULT", json!(null), true),
    ] {
        let execute = json!({"logging": logging, "logConfiguration": place});
        assert_eq!(taken(execute), right, "{logging} {place}");
    }
}
