//! The capacity providers of clusters.

use kecs_core::record;
use kecs_model::{Operation, types};
use serde_json::json;

use super::describe;
use crate::world::World;

#[test]
fn put_cluster_capacity_providers_replaces_them_all() {
    let mut world = World::new();
    world.ok(
        Operation::CreateCluster,
        json!({"clusterName": "blue", "capacityProviders": ["FARGATE"]}),
    );
    world.ok(
        Operation::CreateCapacityProvider,
        crate::capacity_provider::group("mine", "one"),
    );
    let answer = world.ok(
        Operation::PutClusterCapacityProviders,
        json!({"cluster": "blue", "capacityProviders": [world.arn("capacity-provider/mine"), "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy": [{"capacityProvider": "mine", "weight": 2}]}),
    );
    let cluster = &answer["cluster"];
    assert_eq!(cluster["capacityProviders"], json!(["mine", "FARGATE_SPOT"]));
    assert_eq!(
        cluster["defaultCapacityProviderStrategy"],
        json!([{"capacityProvider": "mine", "weight": 2, "base": 0}])
    );
    assert_eq!(cluster["attachmentsStatus"], "UPDATE_COMPLETE");
    assert_eq!(cluster["attachments"][0]["type"], "as_policy");
    assert_eq!(cluster["attachments"][0]["details"][0]["value"], "mine");
    let described = describe(&mut world, "blue", &["ATTACHMENTS"]);
    assert_eq!(described["attachments"], cluster["attachments"]);
    assert_eq!(describe(&mut world, "blue", &[]).get("attachmentsStatus"), None);
}

#[test]
fn put_cluster_capacity_providers_refuses_a_mix_in_one_strategy() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    world.ok(
        Operation::CreateCapacityProvider,
        crate::capacity_provider::group("mine", "one"),
    );
    let input = json!({"cluster": "blue", "capacityProviders": ["mine", "FARGATE"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "mine"}, {"capacityProvider": "FARGATE"}]});
    assert_eq!(
        world.refused(Operation::PutClusterCapacityProviders, input),
        (
            "InvalidParameterException",
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and \
             Fargate providers. Specify one or the other and try again."
                .to_owned()
        )
    );
}

#[test]
fn put_cluster_capacity_providers_keeps_what_is_in_use() {
    let mut world = World::new();
    world.ok(
        Operation::CreateCluster,
        json!({"clusterName": "blue", "capacityProviders": ["FARGATE"]}),
    );
    let none = json!({"cluster": "blue", "capacityProviders": [], "defaultCapacityProviderStrategy": []});
    let in_use = (
        "ResourceInUseException",
        "The specified capacity provider is in use and cannot be removed.".to_owned(),
    );
    let task_key = world.scope().task("blue", "0");
    let task = |status: &str, arn: String| record::Task {
        task: types::Task {
            cluster_arn: Some(arn),
            last_status: Some(status.to_owned()),
            capacity_provider_name: Some("FARGATE".to_owned()),
            ..types::Task::default()
        },
        ..record::Task::default()
    };
    let arn = world.arn("cluster/blue");
    world.put(task_key.clone(), task("RUNNING", arn.clone()));
    assert_eq!(
        world.refused(Operation::PutClusterCapacityProviders, none.clone()),
        in_use
    );
    world.put(task_key, task("STOPPED", arn.clone()));
    let key = world.scope().service("blue", "web");
    let mut service = record::Service {
        service: types::Service {
            cluster_arn: Some(arn),
            status: Some("DRAINING".to_owned()),
            capacity_provider_strategy: Some(vec![types::CapacityProviderStrategyItem {
                capacity_provider: Some("FARGATE".to_owned()),
                ..types::CapacityProviderStrategyItem::default()
            }]),
            ..types::Service::default()
        },
        ..record::Service::default()
    };
    world.put(key.clone(), service.clone());
    assert_eq!(
        world.refused(Operation::PutClusterCapacityProviders, none.clone()),
        in_use
    );
    service.service.status = Some("INACTIVE".to_owned());
    world.put(key, service);
    let answer = world.ok(Operation::PutClusterCapacityProviders, none);
    assert_eq!(answer["cluster"]["capacityProviders"], json!([]));
}

#[test]
fn put_cluster_capacity_providers_wants_the_default_strategy_among_them() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    let input = json!({"cluster": "blue", "capacityProviders": ["FARGATE"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]});
    assert_eq!(
        world.refused(Operation::PutClusterCapacityProviders, input),
        (
            "InvalidParameterException",
            "The default capacity provider strategy cannot contain a capacity provider that is not associated with \
             the cluster."
                .to_owned()
        )
    );
}

#[test]
fn put_cluster_capacity_providers_wants_a_weight_among_several() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    let put = |weight: i32| {
        json!({"cluster": "blue", "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy": [
                {"capacityProvider": "FARGATE", "weight": weight}, {"capacityProvider": "FARGATE_SPOT"}]})
    };
    let (code, message) = world.refused(Operation::PutClusterCapacityProviders, put(0));
    assert_eq!(code, "InvalidParameterException");
    assert!(
        message.starts_with("There are no capacity providers with a weight value greater than zero"),
        "{message}"
    );
    let answer = world.ok(Operation::PutClusterCapacityProviders, put(1));
    assert_eq!(
        answer["cluster"]["defaultCapacityProviderStrategy"],
        json!([{"capacityProvider": "FARGATE", "weight": 1, "base": 0},
            {"capacityProvider": "FARGATE_SPOT", "weight": 0, "base": 0}])
    );
}
