//! What requests rest upon: clusters, task definitions, container instances, tasks of services.

use kecs_core::record::{ContainerInstance, Task, TaskDefinition};
use kecs_model::Operation;
use serde_json::{Value, json};

use crate::world::World;

/// A task definition on EC2: `web:1` with one container `app` that listens on port 80.
pub(crate) fn ec2() -> Value {
    json!({
        "family": "web", "revision": 1, "status": "ACTIVE", "networkMode": "bridge",
        "compatibilities": ["EC2", "EXTERNAL"],
        "taskRoleArn": "arn:aws:iam::123456789012:role/web",
        "containerDefinitions": [{
            "name": "app", "image": "nginx", "cpu": 128, "memory": 256, "essential": true,
            "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp", "name": "http"}],
        }],
    })
}

/// The same on Fargate: `lean:1`.
pub(crate) fn fargate() -> Value {
    with(
        ec2(),
        json!({
            "family": "lean", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "compatibilities": ["EC2", "FARGATE"],
        }),
    )
}

/// What `awsvpc` needs.
pub(crate) fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}})
}

/// `value` with the members of `more` in the place of its own.
pub(crate) fn with(mut value: Value, more: Value) -> Value {
    let (Value::Object(members), Value::Object(more)) = (&mut value, more) else {
        panic!("two objects");
    };
    members.extend(more);
    value
}

/// `value` without a member.
pub(crate) fn without(mut value: Value, member: &str) -> Value {
    value.as_object_mut().unwrap().remove(member).unwrap();
    value
}

/// Keeps a task definition; its ARN.
pub(crate) fn define(world: &mut World, mut definition: Value) -> String {
    let family = definition["family"].as_str().unwrap().to_owned();
    let revision = i32::try_from(definition["revision"].as_i64().unwrap()).unwrap();
    let arn = world.arn(&format!("task-definition/{family}:{revision}"));
    definition["taskDefinitionArn"] = json!(arn);
    let key = world.scope().task_definition(&family, revision);
    let record = TaskDefinition {
        definition: serde_json::from_value(definition).unwrap(),
        tags: Vec::new(),
    };
    world.put(key, record);
    arn
}

/// A world with the cluster `blue`, whose providers are those of Fargate, and both task definitions.
pub(crate) fn blue() -> World {
    let mut world = World::new();
    let cluster = json!({"clusterName": "blue", "capacityProviders": ["FARGATE", "FARGATE_SPOT"]});
    world.ok(Operation::CreateCluster, cluster);
    define(&mut world, ec2());
    define(&mut world, fargate());
    world
}

/// The id of the container instance of this number.
pub(crate) fn instance_id(number: u32) -> String {
    format!("{number:032x}")
}

/// Keeps a container instance of `blue` with so many CPU units and MiB of memory; its ARN.
pub(crate) fn join(world: &mut World, number: u32, cpu: i32, memory: i32) -> String {
    let id = instance_id(number);
    let arn = world.arn(&format!("container-instance/blue/{id}"));
    let instance = json!({
        "containerInstanceArn": arn, "ec2InstanceId": format!("i-{number}"), "status": "ACTIVE", "agentConnected": true,
        "registeredResources": [
            {"name": "CPU", "type": "INTEGER", "integerValue": cpu},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": memory},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22"]},
            {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
        ],
        "attributes": [{"name": "ecs.availability-zone", "value": "eu-west-1a"}],
    });
    let key = world.scope().container_instance("blue", &id);
    let record = ContainerInstance {
        instance: serde_json::from_value(instance).unwrap(),
        cluster: "blue".to_owned(),
    };
    world.put(key, record);
    arn
}

/// A service with one task wanted on EC2, made with `more`.
pub(crate) fn service(more: Value) -> Value {
    with(
        json!({"cluster": "blue", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 1}),
        more,
    )
}

/// Makes a service; what is answered of it.
#[track_caller]
pub(crate) fn serve(world: &mut World, more: Value) -> Value {
    world.ok(Operation::CreateService, service(more))["service"].clone()
}

/// Keeps a task of a service of `blue`, as the scheduler starts it; its id.
pub(crate) fn task_of(world: &mut World, service: &str, by: &str, number: u32, last: &str) -> String {
    let id = format!("{number:032x}");
    let desired = if last == "STOPPED" { "STOPPED" } else { "RUNNING" };
    let task = json!({
        "taskArn": world.arn(&format!("task/blue/{id}")), "clusterArn": world.arn("cluster/blue"),
        "taskDefinitionArn": world.arn("task-definition/web:1"), "lastStatus": last, "desiredStatus": desired,
        "startedBy": by, "group": format!("service:{service}"), "launchType": "EC2", "version": 1,
        "containers": [{"name": "app", "lastStatus": last, "containerArn": world.arn("container/blue/1")}],
    });
    let key = world.scope().task("blue", &id);
    let record = Task {
        task: serde_json::from_value(task).unwrap(),
        service: Some(service.to_owned()),
        ..Task::default()
    };
    world.put(key, record);
    id
}

/// What is refused as a wrong parameter, in these words.
pub(crate) fn invalid(message: &str) -> (&'static str, String) {
    ("InvalidParameterException", message.to_owned())
}

/// Changes what is kept of a task.
pub(crate) fn change_task(world: &mut World, id: &str, change: impl FnOnce(&mut Task)) {
    let key = world.scope().task("blue", id);
    let mut task: Task = world.get(&key).unwrap();
    change(&mut task);
    world.put(key, task);
}
