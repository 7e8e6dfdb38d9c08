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

#[test]
fn put_cluster_capacity_providers_keeps_the_policies_that_there_are() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    for name in ["one", "two", "three"] {
        let mut group = crate::capacity_provider::group(name, name);
        if name == "three" {
            // Nobody scales this one.
            group["autoScalingGroupProvider"]["managedScaling"] = json!({"status": "DISABLED"});
        }
        world.ok(Operation::CreateCapacityProvider, group);
    }
    let mut put = |names: &[&str]| {
        let input =
            json!({"cluster": "blue", "capacityProviders": names, "defaultCapacityProviderStrategy": []});
        let answer = world.ok(Operation::PutClusterCapacityProviders, input);
        answer["cluster"]["attachments"].as_array().unwrap().clone()
    };
    let first = put(&["one", "two", "three", "FARGATE"]);
    let [one, two] = first.as_slice() else {
        panic!("a policy for each that is scaled: {first:?}");
    };
    for (name, policy) in [("one", one), ("two", two)] {
        let id = policy["id"].as_str().unwrap();
        let named = policy["details"][1]["value"].as_str().unwrap();
        assert!(named.starts_with("ECSManagedAutoScalingPolicy-"), "{named}");
        assert_eq!(
            *policy,
            json!({"id": id, "type": "as_policy", "status": "CREATED", "details": [
                {"name": "capacityProviderName", "value": name},
                {"name": "scalingPolicyName", "value": named}]})
        );
    }
    assert_ne!(one["id"], two["id"]);
    assert_eq!(put(&["two", "one"]), [two.clone(), one.clone()]);
    assert_eq!(put(&["two"]), std::slice::from_ref(two));
    let back = put(&["one", "two"]);
    assert_eq!(back[1], *two);
    assert_ne!(back[0]["id"], one["id"], "it was away");
}

#[test]
fn describe_clusters_shows_attachments_where_they_are_asked_for() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    world.ok(
        Operation::CreateCapacityProvider,
        crate::capacity_provider::group("mine", "one"),
    );
    let put =
        json!({"cluster": "blue", "capacityProviders": ["mine"], "defaultCapacityProviderStrategy": []});
    world.ok(Operation::PutClusterCapacityProviders, put);
    let bare = describe(&mut world, "blue", &["TAGS", "SETTINGS"]);
    assert_eq!(
        (bare.get("attachments"), bare.get("attachmentsStatus")),
        (None, None)
    );
    let whole = describe(&mut world, "blue", &["ATTACHMENTS"]);
    assert_eq!(whole["attachments"].as_array().unwrap().len(), 1);
    assert_eq!(whole["attachmentsStatus"], "UPDATE_COMPLETE");
}

#[test]
fn statistics_count_tasks_and_services_by_where_they_run() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    let launches = ["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"];
    let arn = world.arn("cluster/blue");
    // So many of each that no two counts are the same.
    let mut number = 0;
    for (nth, launch) in launches.iter().enumerate() {
        let states = [("RUNNING", nth + 1), ("PENDING", nth + 5), ("STOPPED", 1)];
        for (last, count) in states {
            for _ in 0..count {
                let task = json!({"clusterArn": arn, "lastStatus": last, "launchType": launch});
                let task = record::Task {
                    task: serde_json::from_value(task).unwrap(),
                    ..record::Task::default()
                };
                world.put(world.scope().task("blue", &number.to_string()), task);
                number += 1;
            }
        }
        for (status, count) in [("ACTIVE", nth + 9), ("DRAINING", nth + 13), ("INACTIVE", 1)] {
            for _ in 0..count {
                let service = json!({"clusterArn": arn, "status": status, "launchType": launch});
                let service = record::Service {
                    service: serde_json::from_value(service).unwrap(),
                    ..record::Service::default()
                };
                world.put(world.scope().service("blue", &number.to_string()), service);
                number += 1;
            }
        }
    }
    let shown = describe(&mut world, "blue", &["STATISTICS"]);
    let statistics: Vec<String> = shown["statistics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            format!(
                "{}={}",
                it["name"].as_str().unwrap(),
                it["value"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        statistics,
        [
            "runningEC2TasksCount=1",
            "runningFargateTasksCount=2",
            "pendingEC2TasksCount=5",
            "pendingFargateTasksCount=6",
            "runningExternalTasksCount=3",
            "pendingExternalTasksCount=7",
            "runningManagedInstancesTasksCount=4",
            "pendingManagedInstancesTasksCount=8",
            "activeEC2ServiceCount=9",
            "activeFargateServiceCount=10",
            "drainingEC2ServiceCount=13",
            "drainingFargateServiceCount=14",
            "activeExternalServiceCount=11",
            "drainingExternalServiceCount=15",
            "activeManagedInstancesServiceCount=12",
            "drainingManagedInstancesServiceCount=16",
        ]
    );
    assert_eq!(
        ["runningTasksCount", "pendingTasksCount", "activeServicesCount"].map(|it| shown[it].as_i64()),
        [Some(10), Some(26), Some(42)]
    );
}
