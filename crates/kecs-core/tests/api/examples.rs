//! Requests as AWS shows them in the examples of its command line, and the members of their answers.
//!
//! Source: the API reference of Amazon ECS, "Examples" of each operation.

use kecs_model::Operation;
use serde_json::{Value, json};

use crate::container_instance;
use crate::world::World;

/// Whether an answer has every member that AWS shows, with a value of the same type.
#[track_caller]
fn has_shape(answer: &Value, shown: &Value, way: &str) {
    match (answer, shown) {
        (Value::Object(answer), Value::Object(shown)) => {
            for (name, value) in shown {
                let found = answer
                    .get(name)
                    .unwrap_or_else(|| panic!("{way}.{name} is missing"));
                has_shape(found, value, &format!("{way}.{name}"));
            }
        }
        (Value::Array(answer), Value::Array(shown)) => {
            for (found, value) in answer.iter().zip(shown) {
                has_shape(found, value, &format!("{way}[]"));
            }
        }
        (Value::Number(_), Value::Number(_)) => {}
        (answer, shown) => assert_eq!(
            std::mem::discriminant(answer),
            std::mem::discriminant(shown),
            "{way}"
        ),
    }
}

#[track_caller]
fn shows(world: &mut World, operation: Operation, input: Value, shown: &Value) -> Value {
    let answer = world.ok(operation, input);
    has_shape(&answer, shown, operation.name());
    answer
}

fn counts() -> Value {
    json!({"activeServicesCount": 0, "pendingTasksCount": 0, "registeredContainerInstancesCount": 0,
        "runningTasksCount": 0, "status": "ACTIVE", "clusterName": "", "clusterArn": ""})
}

#[test]
fn clusters() {
    let mut world = World::new();
    let shown = json!({"cluster": counts()});
    shows(
        &mut world,
        Operation::CreateCluster,
        json!({"clusterName": "my_cluster"}),
        &shown,
    );
    shows(
        &mut world,
        Operation::DescribeClusters,
        json!({"clusters": ["my_cluster"]}),
        &json!({"clusters": [{"clusterArn": "", "clusterName": "", "status": ""}], "failures": []}),
    );
    shows(
        &mut world,
        Operation::ListClusters,
        json!({}),
        &json!({"clusterArns": [""]}),
    );
    let arn = world.arn("cluster/my_cluster");
    let tags = json!([{"key": "team", "value": "dev"}]);
    let tagging = json!({"resourceArn": arn, "tags": tags});
    assert_eq!(world.ok(Operation::TagResource, tagging), json!({}));
    assert_eq!(
        world.ok(Operation::ListTagsForResource, json!({"resourceArn": arn})),
        json!({"tags": tags})
    );
    let untagging = json!({"resourceArn": arn, "tagKeys": ["team"]});
    assert_eq!(world.ok(Operation::UntagResource, untagging), json!({}));
    let answer = shows(
        &mut world,
        Operation::DeleteCluster,
        json!({"cluster": "my_cluster"}),
        &shown,
    );
    assert_eq!(answer["cluster"]["status"], "INACTIVE");
}

#[test]
fn account_settings() {
    let mut world = World::new();
    let shown = json!({"setting": {"name": "", "value": "", "principalArn": ""}});
    let principal = "arn:aws:iam::123456789012:user/principalName";
    let requests = [
        (
            Operation::PutAccountSetting,
            json!({"name": "serviceLongArnFormat", "value": "enabled"}),
        ),
        (
            Operation::PutAccountSetting,
            json!({"name": "containerInstanceLongArnFormat", "value": "enabled", "principalArn": principal}),
        ),
        (
            Operation::PutAccountSettingDefault,
            json!({"name": "serviceLongArnFormat", "value": "enabled"}),
        ),
        (
            Operation::DeleteAccountSetting,
            json!({"name": "serviceLongArnFormat"}),
        ),
        (
            Operation::DeleteAccountSetting,
            json!({"name": "containerInstanceLongArnFormat", "principalArn": principal}),
        ),
    ];
    for (operation, input) in requests {
        shows(&mut world, operation, input, &shown);
    }
    for input in [
        json!({"effectiveSettings": true}),
        json!({"effectiveSettings": true, "principalArn": principal}),
    ] {
        let shown = json!({"settings": [{"name": "", "value": "", "principalArn": ""}]});
        shows(&mut world, Operation::ListAccountSettings, input, &shown);
    }
}

#[test]
fn task_definitions() {
    let mut world = World::new();
    let container = json!({"name": "sleep", "command": ["sleep", "360"], "cpu": 10, "essential": true,
        "image": "busybox", "memory": 10});
    let input =
        json!({"containerDefinitions": [container], "family": "sleep360", "taskRoleArn": "", "volumes": []});
    let shown = json!({"taskDefinition": {
        "containerDefinitions": [{"name": "sleep", "command": ["sleep", "360"], "cpu": 10, "environment": [],
            "essential": true, "image": "busybox", "memory": 10, "mountPoints": [], "portMappings": [],
            "volumesFrom": []}],
        "family": "sleep360", "revision": 1, "taskDefinitionArn": "", "volumes": []}});
    shows(&mut world, Operation::RegisterTaskDefinition, input, &shown);
    shows(
        &mut world,
        Operation::DescribeTaskDefinition,
        json!({"taskDefinition": "sleep360:1"}),
        &shown,
    );
    for input in [json!({}), json!({"familyPrefix": "sleep"})] {
        let answer = world.ok(Operation::ListTaskDefinitionFamilies, input);
        assert_eq!(answer, json!({"families": ["sleep360"]}));
    }
    let arns = json!({"taskDefinitionArns": [world.arn("task-definition/sleep360:1")]});
    for input in [json!({}), json!({"familyPrefix": "sleep360"})] {
        assert_eq!(world.ok(Operation::ListTaskDefinitions, input), arns);
    }
}

#[test]
fn container_instances() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({}));
    let mut machine = container_instance::machine();
    machine["cluster"] = json!("default");
    let arn = container_instance::join(&mut world, machine);
    let resource = json!({"name": "", "type": "", "doubleValue": 0.0, "integerValue": 0, "longValue": 0});
    shows(
        &mut world,
        Operation::DescribeContainerInstances,
        json!({"cluster": "default", "containerInstances": [arn]}),
        &json!({"containerInstances": [{
            "agentConnected": true, "containerInstanceArn": "", "ec2InstanceId": "", "pendingTasksCount": 0,
            "registeredResources": [resource, resource], "remainingResources": [resource, resource],
            "runningTasksCount": 0, "status": "ACTIVE"}], "failures": []}),
    );
    let answer = world.ok(Operation::ListContainerInstances, json!({"cluster": "default"}));
    assert_eq!(answer, json!({"containerInstanceArns": [arn]}));
    let input = json!({"cluster": "default", "containerInstance": arn, "force": true});
    shows(
        &mut world,
        Operation::DeregisterContainerInstance,
        input,
        &json!({"containerInstance": {"containerInstanceArn": "", "status": ""}}),
    );
}
