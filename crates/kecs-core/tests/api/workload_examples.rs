//! Requests as the service model of AWS shows them by example: what is answered has every member of the example, of
//! the same type.

use kecs_model::Operation;
use serde_json::{Value, json};

use crate::fixture::{define, ec2, with};
use crate::world::World;

/// Asserts that `got` has every member of `sample`, of the same type. Times are texts in the examples, and numbers on
/// the wire.
#[track_caller]
fn assert_like(path: &str, got: &Value, sample: &Value) {
    match (got, sample) {
        (Value::Object(got), Value::Object(sample)) => {
            for (name, sample) in sample {
                let path = format!("{path}.{name}");
                let value = got.get(name);
                let value = value.unwrap_or_else(|| panic!("{path} is missing"));
                if name.ends_with("At") {
                    assert!(value.is_number(), "{path} is no time: {value}");
                } else {
                    assert_like(&path, value, sample);
                }
            }
        }
        (Value::Array(got), Value::Array(sample)) => {
            if let Some(sample) = sample.first() {
                let first = got.first();
                assert_like(&format!("{path}[0]"), first.unwrap_or(&Value::Null), sample);
            }
        }
        (Value::Number(_), Value::Number(_)) | (Value::Bool(_), Value::Bool(_)) => {}
        (Value::String(got), Value::String(sample)) => {
            // Of ARNs the kind; newer ones have the name of the cluster behind it.
            let kind = |text: &str| {
                text.starts_with("arn:")
                    .then(|| text.split(['/', ':']).nth(5).map(str::to_owned))
            };
            assert_eq!(kind(got), kind(sample), "{path}: {got}");
        }
        (got, sample) => panic!("{path} is {got}, and {sample} in the example"),
    }
}

/// A world with the cluster `default`, a container instance in it and the families of the examples.
fn world() -> World {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({}));
    for family in [
        "sleep360",
        "hello_world",
        "console-sample-app-static",
        "amazon-ecs-sample",
    ] {
        let containers = json!([{
            "name": "simple-app", "image": "busybox", "cpu": 10, "memory": 10, "essential": true,
            "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}],
        }]);
        define(
            &mut world,
            with(
                ec2(),
                json!({"family": family, "containerDefinitions": containers}),
            ),
        );
    }
    let instance = json!({
        "containerInstanceArn": world.arn(&format!("container-instance/default/{}", "1".repeat(32))),
        "ec2InstanceId": "i-1", "status": "ACTIVE", "agentConnected": true,
        "registeredResources": [
            {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 3768},
        ],
    });
    let key = world.scope().container_instance("default", &"1".repeat(32));
    let record = kecs_core::record::ContainerInstance {
        instance: serde_json::from_value(instance).unwrap(),
        cluster: "default".to_owned(),
    };
    world.put(key, record);
    world
}

const TASK: &str = "arn:aws:ecs:us-east-1:123456789012:task/a9f21ea7-c9f5-44b1-b8e6-b31f50ed33c0";
const SERVICE: &str = "arn:aws:ecs:us-east-1:012345678910:service/ecs-simple-service";

fn service_sample(more: Value) -> Value {
    let definition = "arn:aws:ecs:us-east-1:012345678910:task-definition/hello_world:6";
    let sample = json!({
        "clusterArn": "arn:aws:ecs:us-east-1:012345678910:cluster/default", "createdAt": "2016-08-29T16:13:47.298Z",
        "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100},
        "deployments": [{
            "createdAt": "2016-08-29T16:13:47.298Z", "desiredCount": 10, "id": "ecs-svc/9223370564342348388",
            "pendingCount": 0, "runningCount": 0, "status": "PRIMARY", "taskDefinition": definition,
            "updatedAt": "2016-08-29T16:13:47.298Z",
        }],
        "desiredCount": 10, "events": [], "loadBalancers": [], "pendingCount": 0, "runningCount": 0,
        "serviceArn": SERVICE, "serviceName": "ecs-simple-service", "status": "ACTIVE", "taskDefinition": definition,
    });
    with(sample, more)
}

#[test]
fn run_task_describe_tasks_and_list_tasks_answer_as_in_the_examples() {
    let mut world = world();
    let run = json!({"cluster": "default", "taskDefinition": "sleep360:1"});
    let answer = world.ok(Operation::RunTask, run);
    let instance =
        "arn:aws:ecs:us-east-1:123456789012:container-instance/ffe3d344-77e2-476c-a4d0-bf560ad50acb";
    let container = "arn:aws:ecs:us-east-1:123456789012:container/58591c8e-be29-4ddf-95aa-ee459d4c59fd";
    let task = json!({
        "containerInstanceArn": instance, "desiredStatus": "RUNNING", "lastStatus": "PENDING", "taskArn": TASK,
        "containers": [{"name": "sleep", "containerArn": container, "lastStatus": "PENDING", "taskArn": TASK}],
        "overrides": {"containerOverrides": [{"name": "sleep"}]},
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/sleep360:1",
    });
    assert_like("RunTask", &answer, &json!({"tasks": [task]}));
    assert_eq!(answer["tasks"][0]["lastStatus"], "PENDING");
    let arn = answer["tasks"][0]["taskArn"].as_str().unwrap();
    let id = arn.rsplit('/').next().unwrap();
    let described = world.ok(Operation::DescribeTasks, json!({"tasks": [id]}));
    let shown = with(
        task,
        json!({"clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/default"}),
    );
    assert_like(
        "DescribeTasks",
        &described,
        &json!({"failures": [], "tasks": [shown]}),
    );
    for request in [
        json!({"cluster": "default"}),
        json!({"cluster": "default", "containerInstance": "1".repeat(32)}),
    ] {
        let listed = world.ok(Operation::ListTasks, request);
        assert_eq!(listed, json!({"taskArns": [arn]}));
    }
}

#[test]
fn create_service_update_service_and_delete_service_answer_as_in_the_examples() {
    let mut world = world();
    let plain =
        json!({"desiredCount": 10, "serviceName": "ecs-simple-service", "taskDefinition": "hello_world"});
    let answer = world.ok(Operation::CreateService, plain);
    assert_like(
        "CreateService",
        &answer,
        &json!({"service": service_sample(json!({}))}),
    );
    let balancer = json!([
        {"containerName": "simple-app", "containerPort": 80, "loadBalancerName": "EC2Contai-EcsElast-15DCDAURT3ZO2"},
    ]);
    let behind_it = json!({
        "desiredCount": 10, "loadBalancers": balancer, "role": "ecsServiceRole", "serviceName": "my-http-service",
        "taskDefinition": "console-sample-app-static",
    });
    let answer = world.ok(Operation::CreateService, behind_it);
    let role = "arn:aws:iam::012345678910:role/ecsServiceRole";
    let sample = service_sample(json!({"loadBalancers": balancer, "roleArn": role}));
    assert_like("CreateService", &answer, &json!({"service": sample}));
    assert_eq!(answer["service"]["loadBalancers"], balancer);
    assert_eq!(
        answer["service"]["roleArn"],
        "arn:aws:iam::123456789012:role/ecsServiceRole"
    );
    for request in [
        json!({"service": "my-http-service", "taskDefinition": "amazon-ecs-sample"}),
        json!({"service": "my-http-service", "desiredCount": 10}),
    ] {
        let answer = world.ok(Operation::UpdateService, request);
        assert_like(
            "UpdateService",
            &answer,
            &json!({"service": service_sample(json!({}))}),
        );
    }
    let listed = world.ok(Operation::ListServices, json!({}));
    assert_like("ListServices", &listed, &json!({"serviceArns": [SERVICE]}));
    let answer = world.ok(
        Operation::DescribeServices,
        json!({"services": ["ecs-simple-service"]}),
    );
    let sample = json!({"failures": [], "services": [service_sample(json!({}))]});
    assert_like("DescribeServices", &answer, &sample);
    world.ok(
        Operation::UpdateService,
        json!({"service": "my-http-service", "desiredCount": 0}),
    );
    let deleted = world.ok(Operation::DeleteService, json!({"service": "my-http-service"}));
    assert_like(
        "DeleteService",
        &deleted,
        &json!({"service": service_sample(json!({}))}),
    );
}
