//! Capacity providers.

use kecs_model::Operation;
use serde_json::{Value, json};

use crate::world::World;

mod managed;

/// A request for one with an Auto Scaling group whose size follows the tasks.
pub(crate) fn group(name: &str, group: &str) -> Value {
    json!({"name": name, "autoScalingGroupProvider": {
        "autoScalingGroupArn": format!(
            "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:a1:autoScalingGroupName/{group}"),
        "managedScaling": {"status": "ENABLED"}}})
}

/// A request for one with machines of its own in a cluster.
pub(crate) fn managed(name: &str, cluster: &str) -> Value {
    json!({"name": name, "cluster": cluster, "managedInstancesProvider": {
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/infra",
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/node",
            "networkConfiguration": {"subnets": ["subnet-1"]}}}})
}

#[test]
fn create_capacity_provider_fills_in_what_is_not_said() {
    let mut world = World::new();
    let mut input = group("mine", "one");
    input["autoScalingGroupProvider"]
        .as_object_mut()
        .unwrap()
        .remove("managedScaling");
    let answer = world.ok(Operation::CreateCapacityProvider, input.clone());
    let arn = &input["autoScalingGroupProvider"]["autoScalingGroupArn"];
    assert_eq!(
        answer["capacityProvider"],
        json!({
            "capacityProviderArn": world.arn("capacity-provider/mine"),
            "name": "mine",
            "status": "ACTIVE",
            "updateStatus": "CREATE_COMPLETE",
            "type": "EC2_AUTOSCALING",
            "tags": [],
            "autoScalingGroupProvider": {
                "autoScalingGroupArn": arn,
                "managedScaling": {"status": "DISABLED", "targetCapacity": 100, "minimumScalingStepSize": 1,
                    "maximumScalingStepSize": 10000, "instanceWarmupPeriod": 300},
                "managedTerminationProtection": "DISABLED",
                "managedDraining": "ENABLED"}})
    );
}

#[test]
fn create_capacity_provider_with_managed_instances_is_of_a_cluster() {
    let mut world = World::new();
    assert_eq!(
        world
            .refused(Operation::CreateCapacityProvider, managed("mine", "blue"))
            .0,
        "ClusterNotFoundException"
    );
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    let answer = world.ok(Operation::CreateCapacityProvider, managed("mine", "blue"));
    let provider = &answer["capacityProvider"];
    assert_eq!(
        (&provider["cluster"], &provider["type"]),
        (&json!("blue"), &json!("MANAGED_INSTANCES"))
    );
    let template = &provider["managedInstancesProvider"]["instanceLaunchTemplate"];
    assert_eq!(
        (&template["monitoring"], &template["capacityOptionType"]),
        (&json!("BASIC"), &json!("ON_DEMAND"))
    );
    world.ok(Operation::CreateCluster, json!({"clusterName": "green"}));
    assert_eq!(
        world.refused(
            Operation::PutClusterCapacityProviders,
            json!({"cluster": "green", "capacityProviders": ["mine"], "defaultCapacityProviderStrategy": []})
        ),
        (
            "InvalidParameterException",
            "The specified capacity provider 'mine' belongs to another cluster. Specify a valid capacity provider and \
             try again."
                .to_owned()
        )
    );
}

#[test]
fn create_capacity_provider_with_a_reserved_name_is_client_exception() {
    let mut world = World::new();
    for name in ["aws-mine", "ecs", "FARGATE", "Fargate2", "a b"] {
        let (code, message) = world.refused(Operation::CreateCapacityProvider, group(name, "one"));
        assert_eq!(code, "ClientException", "{name}");
        assert!(
            message.starts_with("The specified capacity provider name is invalid."),
            "{message}"
        );
    }
}

#[test]
fn create_capacity_provider_refuses_what_does_not_fit_together() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    let mut refused = |input: Value| world.refused(Operation::CreateCapacityProvider, input);
    let exactly = "Exactly one of autoScalingGroupProvider and managedInstancesProvider must be specified.";
    assert_eq!(
        refused(json!({"name": "mine"})),
        ("ClientException", exactly.to_owned())
    );
    let mut both = managed("mine", "blue");
    both["autoScalingGroupProvider"] = group("mine", "one")["autoScalingGroupProvider"].clone();
    assert_eq!(refused(both).1, exactly);
    let mut with_cluster = group("mine", "one");
    with_cluster["cluster"] = json!("blue");
    assert_eq!(
        refused(with_cluster).1,
        "A cluster can only be specified for a capacity provider with managed instances."
    );
    let mut without = managed("mine", "blue");
    without.as_object_mut().unwrap().remove("cluster");
    assert_eq!(
        refused(without).1,
        "A cluster must be specified for a capacity provider with managed instances."
    );
    let mut protected = group("mine", "one");
    protected["autoScalingGroupProvider"]["managedScaling"]["status"] = json!("DISABLED");
    protected["autoScalingGroupProvider"]["managedTerminationProtection"] = json!("ENABLED");
    assert_eq!(
        refused(protected),
        (
            "ClientException",
            "The managed termination protection setting for the capacity provider is invalid. To enable managed \
             termination protection for a capacity provider, managed scaling must be enabled."
                .to_owned()
        )
    );
    let mut steps = group("mine", "one");
    steps["autoScalingGroupProvider"]["managedScaling"] =
        json!({"minimumScalingStepSize": 3, "maximumScalingStepSize": 2});
    assert_eq!(
        refused(steps).1,
        "The minimum or maximum scaling step size value is invalid. Specify a minimum scaling step size value that is less \
         than or equal to the maximum scaling step size value and try again."
    );
    let mut arn = group("mine", "one");
    arn["autoScalingGroupProvider"]["autoScalingGroupArn"] = json!("one");
    assert_eq!(
        refused(arn).1,
        "The specified Auto Scaling group ARN is invalid. Specify a valid Auto Scaling group ARN and try again."
    );
}

#[test]
fn create_capacity_provider_twice_is_client_exception() {
    let mut world = World::new();
    world.ok(Operation::CreateCapacityProvider, group("mine", "one"));
    assert_eq!(
        world.refused(Operation::CreateCapacityProvider, group("mine", "one")),
        (
            "ClientException",
            "The specified capacity provider already exists. To change the configuration of an existing capacity \
             provider, update the capacity provider."
                .to_owned()
        )
    );
    assert_eq!(
        world.refused(Operation::CreateCapacityProvider, group("other", "one")),
        (
            "ClientException",
            "The specified Auto Scaling group ARN is already being used by another capacity provider. Specify a \
             unique Auto Scaling group ARN and try again."
                .to_owned()
        )
    );
}

#[test]
fn update_capacity_provider_changes_what_it_names() {
    let mut world = World::new();
    world.ok(Operation::CreateCapacityProvider, group("mine", "one"));
    let answer = world.ok(
        Operation::UpdateCapacityProvider,
        json!({"name": "mine", "autoScalingGroupProvider": {"managedScaling": {"targetCapacity": 50},
            "managedDraining": "DISABLED"}}),
    );
    let provider = &answer["capacityProvider"];
    assert_eq!(provider["updateStatus"], "UPDATE_COMPLETE");
    let group = &provider["autoScalingGroupProvider"];
    assert_eq!(group["managedDraining"], "DISABLED");
    assert_eq!(
        group["managedScaling"],
        json!({"status": "ENABLED", "targetCapacity": 50, "minimumScalingStepSize": 1,
            "maximumScalingStepSize": 10000, "instanceWarmupPeriod": 300})
    );
    let mut update = managed("mine", "blue");
    update.as_object_mut().unwrap().remove("cluster");
    assert_eq!(
        world.refused(Operation::UpdateCapacityProvider, update).1,
        "The kind of a capacity provider cannot be changed."
    );
}

#[test]
fn operations_on_a_capacity_provider_that_cannot_be_changed_are_refused() {
    let mut world = World::new();
    let update = |name: &str| json!({"name": name, "autoScalingGroupProvider": {}});
    let missing = (
        "ClientException",
        "The specified capacity provider does not exist. Specify a valid name or ARN and try again."
            .to_owned(),
    );
    assert_eq!(
        world.refused(Operation::UpdateCapacityProvider, update("mine")),
        missing
    );
    assert_eq!(
        world.refused(
            Operation::DeleteCapacityProvider,
            json!({"capacityProvider": "mine"})
        ),
        missing
    );
    for name in ["FARGATE", "FARGATE_SPOT"] {
        let reserved = |done: &str| {
            (
                "ClientException",
                format!("The specified capacity provider is reserved and cannot be {done}."),
            )
        };
        assert_eq!(
            world.refused(Operation::UpdateCapacityProvider, update(name)),
            reserved("updated")
        );
        assert_eq!(
            world.refused(
                Operation::DeleteCapacityProvider,
                json!({"capacityProvider": name})
            ),
            reserved("deleted")
        );
    }
}

#[test]
fn delete_capacity_provider_waits_for_its_clusters() {
    let mut world = World::new();
    world.ok(Operation::CreateCapacityProvider, group("mine", "one"));
    world.ok(
        Operation::CreateCluster,
        json!({"clusterName": "blue", "capacityProviders": ["mine"]}),
    );
    let arn = world.arn("capacity-provider/mine");
    let delete = json!({"capacityProvider": arn});
    assert_eq!(
        world.refused(Operation::DeleteCapacityProvider, delete.clone()),
        (
            "ClientException",
            "The capacity provider cannot be deleted because it is associated with cluster: blue. Remove the capacity \
             provider from the cluster and try again."
                .to_owned()
        )
    );
    world.ok(Operation::DeleteCluster, json!({"cluster": "blue"}));
    let answer = world.ok(Operation::DeleteCapacityProvider, delete);
    assert_eq!(answer["capacityProvider"]["status"], "INACTIVE");
    assert_eq!(answer["capacityProvider"]["updateStatus"], "DELETE_COMPLETE");
    // Its name and its group are free again.
    world.ok(Operation::CreateCapacityProvider, group("mine", "one"));
}

#[test]
fn describe_capacity_providers_has_those_of_every_account() {
    let mut world = World::new();
    for name in ["EARLY", "FARTHER", "mine"] {
        world.ok(Operation::CreateCapacityProvider, group(name, name));
    }
    let names = |answer: &Value| -> Vec<String> {
        let all = answer["capacityProviders"].as_array().unwrap();
        all.iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let answer = world.ok(Operation::DescribeCapacityProviders, json!({}));
    assert_eq!(
        names(&answer),
        ["EARLY", "FARGATE", "FARGATE_SPOT", "FARTHER", "mine"]
    );
    assert_eq!(answer.get("nextToken"), None);
    assert_eq!(
        answer["capacityProviders"][2],
        json!({"capacityProviderArn": world.arn("capacity-provider/FARGATE_SPOT"), "name": "FARGATE_SPOT",
            "status": "ACTIVE", "type": "FARGATE_SPOT", "tags": []})
    );
    for size in 1..=5 {
        let mut all = Vec::new();
        let mut token = Value::Null;
        let mut pages = 0;
        loop {
            let input = json!({"maxResults": size, "nextToken": token});
            let page = world.ok(Operation::DescribeCapacityProviders, input);
            assert!(names(&page).len() <= size);
            pages += 1;
            all.extend(names(&page));
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        assert_eq!(
            all,
            ["EARLY", "FARGATE", "FARGATE_SPOT", "FARTHER", "mine"],
            "{size}"
        );
        assert_eq!(pages, 5_usize.div_ceil(size), "none is empty");
    }
}

#[test]
fn describe_capacity_providers_by_name_and_by_cluster() {
    let mut world = World::new();
    let mut tagged = group("mine", "one");
    tagged["tags"] = json!([{"key": "a", "value": "b"}]);
    world.ok(Operation::CreateCapacityProvider, tagged);
    let input = json!({"capacityProviders": ["mine", "gone"], "include": ["TAGS"]});
    let answer = world.ok(Operation::DescribeCapacityProviders, input);
    assert_eq!(
        answer["capacityProviders"][0]["tags"],
        json!([{"key": "a", "value": "b"}])
    );
    assert_eq!(
        answer["failures"],
        json!([{"arn": world.arn("capacity-provider/gone"), "reason": "MISSING"}])
    );
    let answer = world.ok(
        Operation::DescribeCapacityProviders,
        json!({"capacityProviders": ["mine"]}),
    );
    assert_eq!(answer["capacityProviders"][0]["tags"], json!([]));
    world.ok(
        Operation::CreateCluster,
        json!({"clusterName": "blue", "capacityProviders": ["FARGATE"]}),
    );
    world.ok(Operation::CreateCapacityProvider, managed("own", "blue"));
    let answer = world.ok(Operation::DescribeCapacityProviders, json!({"cluster": "blue"}));
    let names: Vec<&Value> = answer["capacityProviders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["FARGATE", "own"]);
    let input = json!({"cluster": "blue", "capacityProviders": ["own", "mine"]});
    let answer = world.ok(Operation::DescribeCapacityProviders, input);
    assert_eq!(answer["capacityProviders"][0]["name"], "own");
    assert_eq!(
        answer["failures"],
        json!([{"arn": world.arn("capacity-provider/mine"), "reason": "MISSING"}])
    );
}

#[test]
fn describe_capacity_providers_tells_of_both_of_fargate_what_they_are() {
    let mut world = World::new();
    let input = json!({"capacityProviders": ["FARGATE_SPOT", "FARGATE"]});
    let answer = world.ok(Operation::DescribeCapacityProviders, input);
    let shown = ["FARGATE", "FARGATE_SPOT"].map(|name| {
        json!({"capacityProviderArn": world.arn(&format!("capacity-provider/{name}")), "name": name,
            "status": "ACTIVE", "type": name, "tags": []})
    });
    assert_eq!(answer["capacityProviders"], json!(shown));
}

#[test]
fn describe_capacity_providers_of_a_cluster_has_its_own_once_and_in_their_order() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    for name in ["own", "late"] {
        world.ok(Operation::CreateCapacityProvider, managed(name, "blue"));
    }
    world.ok(Operation::CreateCapacityProvider, group("group", "one"));
    let put = json!({"cluster": "blue", "capacityProviders": ["own", "FARGATE", "group"],
        "defaultCapacityProviderStrategy": []});
    world.ok(Operation::PutClusterCapacityProviders, put);
    let mut names = |named: Value| -> (Vec<String>, Value) {
        let input = json!({"cluster": "blue", "capacityProviders": named});
        let answer = world.ok(Operation::DescribeCapacityProviders, input);
        let all = answer["capacityProviders"].as_array().unwrap();
        let names = all
            .iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        (names, answer["failures"].clone())
    };
    let all = ["FARGATE", "group", "late", "own"];
    assert_eq!(names(json!([])).0, all);
    let (found, failures) = names(json!(["own", "group", "FARGATE_SPOT"]));
    assert_eq!(found, ["group", "own"]);
    assert_eq!(failures[0]["reason"], "MISSING", "it is not the cluster's");
}

#[test]
fn a_provider_of_a_cluster_is_changed_as_that() {
    let mut world = World::new();
    for name in ["blue", "green"] {
        world.ok(Operation::CreateCluster, json!({"clusterName": name}));
    }
    world.ok(Operation::CreateCapacityProvider, managed("own", "blue"));
    let delete = |cluster: &str| json!({"capacityProvider": "own", "cluster": cluster});
    assert_eq!(
        world.refused(Operation::DeleteCapacityProvider, delete("green")),
        (
            "ClientException",
            "The specified capacity provider does not exist. Specify a valid name or ARN and try again."
                .to_owned()
        )
    );
    world.ok(Operation::DeleteCapacityProvider, delete("blue"));
    let (_, message) = world.refused(Operation::DeleteCapacityProvider, delete("blue"));
    assert!(
        message.starts_with("The specified capacity provider does not exist."),
        "{message}"
    );
}
