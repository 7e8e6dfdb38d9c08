//! Container instances.

use kecs_core::record;
use kecs_model::Operation;
use serde_json::{Value, json};

use crate::world::World;

mod register;

const DOCUMENT: &str = r#"{"instanceId": "i-1", "availabilityZone": "eu-west-1a", "instanceType": "t3.micro",
    "imageId": "ami-1", "architecture": "x86_64"}"#;

/// What a machine with two vCPUs and 4 GiB registers with.
pub(crate) fn machine() -> Value {
    json!({"cluster": "blue", "instanceIdentityDocument": DOCUMENT,
        "versionInfo": {"agentVersion": "1.90.0", "dockerVersion": "25"},
        "totalResources": [
            {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 4096},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22"]}]})
}

pub(crate) fn world() -> World {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    world
}

/// Registers a machine; its ARN.
pub(crate) fn join(world: &mut World, input: Value) -> String {
    let answer = world.ok(Operation::RegisterContainerInstance, input);
    answer["containerInstance"]["containerInstanceArn"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub(crate) fn describe(world: &mut World, arn: &str) -> Value {
    let input = json!({"cluster": "blue", "containerInstances": [arn]});
    world.ok(Operation::DescribeContainerInstances, input)["containerInstances"][0].clone()
}

fn list(world: &mut World, more: Value) -> Vec<String> {
    let input = crate::fixture::with(json!({"cluster": "blue"}), more);
    let answer = world.ok(Operation::ListContainerInstances, input);
    let arns = answer["containerInstanceArns"].as_array().unwrap();
    arns.iter().map(|arn| arn.as_str().unwrap().to_owned()).collect()
}

fn state(world: &mut World, arn: &str, state: &str) -> Value {
    let input = json!({"cluster": "blue", "containerInstances": [arn], "status": state});
    world.ok(Operation::UpdateContainerInstancesState, input)
}

/// Keeps a task on an instance; its id.
fn run(world: &mut World, arn: &str, number: u32, last: &str) -> String {
    let id = format!("{number:032x}");
    let task = json!({
        "taskArn": world.arn(&format!("task/blue/{id}")), "clusterArn": world.arn("cluster/blue"),
        "containerInstanceArn": arn, "taskDefinitionArn": world.arn("task-definition/web:1"),
        "lastStatus": last, "desiredStatus": "RUNNING", "launchType": "EC2", "cpu": "256", "memory": "512",
        "version": 1, "containers": [{"name": "app", "lastStatus": last}],
    });
    let key = world.scope().task("blue", &id);
    let task = record::Task {
        task: serde_json::from_value(task).unwrap(),
        ..record::Task::default()
    };
    world.put(key, task);
    id
}

fn world_arn(id: &str) -> String {
    World::new().arn(&format!("container-instance/blue/{id}"))
}

#[test]
fn describe_container_instances_tells_what_is_left_and_what_runs() {
    let mut world = world();
    let mut definition = crate::task_definition::minimal("web");
    let container = &mut definition["containerDefinitions"][0];
    container["portMappings"] = json!([{"containerPort": 80, "hostPort": 8080}]);
    // What is reserved is taken off, not the limit.
    (
        container["cpu"],
        container["memory"],
        container["memoryReservation"],
    ) = (json!(256), json!(3000), json!(512));
    crate::task_definition::register(&mut world, definition);
    let arn = join(&mut world, machine());
    for (number, last) in [(1, "RUNNING"), (2, "PENDING"), (3, "RUNNING"), (4, "STOPPED")] {
        run(&mut world, &arn, number, last);
    }
    let instance = describe(&mut world, &arn);
    assert_eq!(
        (&instance["runningTasksCount"], &instance["pendingTasksCount"]),
        (&json!(2), &json!(1))
    );
    let left = &instance["remainingResources"];
    assert_eq!(left[0]["integerValue"], 2048 - 3 * 256);
    assert_eq!(left[1]["integerValue"], 4096 - 3 * 512);
    assert_eq!(left[2]["stringSetValue"], json!(["22", "8080"]));
    assert_eq!(
        instance["registeredResources"][2]["stringSetValue"],
        json!(["22"])
    );
}

#[test]
fn describe_container_instances_tells_what_is_missing() {
    let mut world = world();
    let gone = "0".repeat(32);
    let input = json!({"cluster": "blue", "containerInstances": [gone]});
    assert_eq!(
        world.ok(Operation::DescribeContainerInstances, input),
        json!({"containerInstances": [], "failures": [
            {"arn": world_arn(&gone), "reason": "MISSING"}]})
    );
    let mut refused = |named: &str| {
        let input = json!({"cluster": "blue", "containerInstances": [named]});
        world.refused(Operation::DescribeContainerInstances, input).1
    };
    assert_eq!(
        refused("i-1"),
        "containerInstanceId length should be one of [32,36]"
    );
    assert_eq!(refused(&"0".repeat(37)), "containerInstanceId longer than 36.");
    let other = World::new().arn(&format!("container-instance/green/{gone}"));
    assert_eq!(
        refused(&other),
        "Invalid identifier: Identifier is for cluster green. Your cluster is blue"
    );
    let input = json!({"cluster": "green", "containerInstances": [gone]});
    assert_eq!(
        world.refused(Operation::DescribeContainerInstances, input),
        ("ClusterNotFoundException", "Cluster not found.".to_owned())
    );
}

#[test]
fn describe_container_instances_shows_tags_and_health_where_they_are_asked_for() {
    let mut world = world();
    let mut input = machine();
    input["tags"] = json!([{"key": "a", "value": "b"}]);
    let arn = join(&mut world, input);
    assert_eq!(describe(&mut world, &arn).get("healthStatus"), None);
    let input = json!({"cluster": "blue", "containerInstances": [arn], "include": ["TAGS", "CONTAINER_INSTANCE_HEALTH"]});
    let answer = world.ok(Operation::DescribeContainerInstances, input);
    let instance = &answer["containerInstances"][0];
    assert_eq!(instance["tags"], json!([{"key": "a", "value": "b"}]));
    assert_eq!(instance["healthStatus"]["overallStatus"], "OK");
}

#[test]
fn list_container_instances_shows_all_but_the_inactive_ones() {
    let mut world = world();
    let mut arns: Vec<String> = (0..4).map(|_| join(&mut world, machine())).collect();
    arns.sort();
    state(&mut world, &arns[1], "DRAINING");
    world.ok(
        Operation::DeregisterContainerInstance,
        json!({"cluster": "blue", "containerInstance": arns[3]}),
    );
    assert_eq!(list(&mut world, json!({})), arns[..3]);
    assert_eq!(
        list(&mut world, json!({"status": "ACTIVE"})),
        [arns[0].clone(), arns[2].clone()]
    );
    assert_eq!(list(&mut world, json!({"status": "DRAINING"})), arns[1..2]);
    assert!(list(&mut world, json!({"status": "REGISTERING"})).is_empty());
    let input = json!({"cluster": "blue", "maxResults": 2});
    let page = world.ok(Operation::ListContainerInstances, input);
    let rest = list(&mut world, json!({"nextToken": page["nextToken"]}));
    assert_eq!(rest, arns[2..3]);
    assert_eq!(
        world
            .refused(Operation::ListContainerInstances, json!({"cluster": "green"}))
            .0,
        "ClusterNotFoundException"
    );
}

#[test]
fn list_container_instances_filters_by_expression() {
    let mut world = world();
    let mut arns = Vec::new();
    for size in ["t3.micro", "t3.large"] {
        let mut input = machine();
        input["instanceIdentityDocument"] = json!(format!(r#"{{"instanceType": "{size}"}}"#));
        arns.push(join(&mut world, input));
    }
    run(&mut world, &arns[1], 1, "RUNNING");
    for (filter, expected) in [
        ("attribute:ecs.instance-type == t3.micro", &arns[0]),
        ("attribute:ecs.instance-type != t3.micro", &arns[1]),
        ("runningTasksCount == 1", &arns[1]),
        ("runningTasksCount == 0", &arns[0]),
    ] {
        assert_eq!(
            list(&mut world, json!({"filter": filter})),
            std::slice::from_ref(expected),
            "{filter}"
        );
    }
    let input = json!({"cluster": "blue", "filter": "attribute:"});
    let (code, message) = world.refused(Operation::ListContainerInstances, input);
    assert_eq!(code, "InvalidParameterException");
    assert!(message.starts_with("Invalid filter: "), "{message}");
}

#[test]
fn update_container_instances_state_drains_and_brings_back() {
    let mut world = world();
    let arn = join(&mut world, machine());
    let answer = state(&mut world, &arn, "DRAINING");
    let instance = &answer["containerInstances"][0];
    assert_eq!(
        (&instance["status"], &instance["version"]),
        (&json!("DRAINING"), &json!(2))
    );
    // Said again it changes nothing.
    assert_eq!(
        state(&mut world, &arn, "DRAINING")["containerInstances"][0]["version"],
        2
    );
    assert_eq!(
        state(&mut world, &arn, "ACTIVE")["containerInstances"][0]["status"],
        "ACTIVE"
    );
    world.ok(
        Operation::DeregisterContainerInstance,
        json!({"cluster": "blue", "containerInstance": arn}),
    );
    assert_eq!(
        state(&mut world, &arn, "DRAINING"),
        json!({"containerInstances": [], "failures": [{"arn": arn, "reason": "INACTIVE"}]})
    );
    let gone = world_arn(&"0".repeat(32));
    assert_eq!(
        state(&mut world, &gone, "DRAINING")["failures"],
        json!([{"arn": gone, "reason": "MISSING"}])
    );
    let input = json!({"cluster": "blue", "containerInstances": [arn], "status": "DEREGISTERING"});
    assert_eq!(
        world.refused(Operation::UpdateContainerInstancesState, input),
        (
            "InvalidParameterException",
            "Container instance status should be one of [ACTIVE,DRAINING]".to_owned()
        )
    );
}

#[test]
fn deregister_container_instance_waits_for_its_tasks() {
    let mut world = world();
    let arn = join(&mut world, machine());
    let id = run(&mut world, &arn, 1, "RUNNING");
    let mut input = json!({"cluster": "blue", "containerInstance": arn});
    assert_eq!(
        world.refused(Operation::DeregisterContainerInstance, input.clone()),
        (
            "InvalidParameterException",
            "Found running tasks on the instance.".to_owned()
        )
    );
    input["force"] = json!(true);
    let answer = world.ok(Operation::DeregisterContainerInstance, input.clone());
    assert_eq!(answer["containerInstance"]["status"], "INACTIVE");
    let task: record::Task = world.get(&world.scope().task("blue", &id)).unwrap();
    assert_eq!(task.task.desired_status.as_deref(), Some("STOPPED"));
    assert_eq!(
        task.task.stopped_reason.as_deref(),
        Some("Container instance deregistration forced by user.")
    );
    assert_eq!(describe(&mut world, &arn)["status"], "INACTIVE");
    assert!(list(&mut world, json!({})).is_empty());
    let gone = "0".repeat(32);
    let input = json!({"cluster": "blue", "containerInstance": gone});
    assert_eq!(
        world.refused(Operation::DeregisterContainerInstance, input).1,
        format!("Referenced container instance {gone} not found.")
    );
}

#[test]
fn update_container_agent_needs_a_version_that_is_not_the_newest() {
    let mut world = world();
    let mut with_version = |version: Value| {
        let mut input = machine();
        input["versionInfo"] = version;
        let arn = join(&mut world, input);
        world.answer(
            Operation::UpdateContainerAgent,
            json!({"cluster": "blue", "containerInstance": arn}),
        )
    };
    for version in [
        Value::Null,
        json!({}),
        json!({"agentVersion": "x"}),
        json!({"agentVersion": "1.2"}),
    ] {
        assert_eq!(
            with_version(version).unwrap_err().code.name(),
            "MissingVersionException"
        );
    }
    for version in ["1.100.0", "1.100.1", "2.0.0", "v1.100.0"] {
        assert_eq!(
            with_version(json!({"agentVersion": version}))
                .unwrap_err()
                .code
                .name(),
            "NoUpdateAvailableException"
        );
    }
    for version in ["1.99.9", "0.200.0", "v1.99.0"] {
        let answer = with_version(json!({"agentVersion": version}))
            .unwrap()
            .output
            .value();
        assert_eq!(answer["containerInstance"]["agentUpdateStatus"], "PENDING");
    }
    let arn = join(&mut world, machine());
    let input = json!({"cluster": "blue", "containerInstance": arn});
    world.ok(Operation::UpdateContainerAgent, input.clone());
    assert_eq!(
        world.refused(Operation::UpdateContainerAgent, input),
        (
            "UpdateInProgressException",
            "There is already an update in progress for your container agent.".to_owned()
        )
    );
}

#[test]
fn an_instance_that_tells_what_it_can_do_does_nothing_else() {
    let mut world = world();
    let mut definition = crate::task_definition::minimal("web");
    definition["containerDefinitions"][0]["healthCheck"] = json!({"command": ["CMD", "true"]});
    crate::task_definition::register(&mut world, definition);
    let mut telling = machine();
    telling["attributes"] = json!([{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.24"}]);
    let arn = join(&mut world, telling);
    let run = json!({"cluster": "blue", "taskDefinition": "web", "launchType": "EC2"});
    let answer = world.ok(Operation::RunTask, run.clone());
    assert_eq!(answer["failures"], json!([{"arn": arn, "reason": "ATTRIBUTE"}]));
    // One that tells nothing is taken to do everything.
    let silent = join(&mut world, machine());
    let answer = world.ok(Operation::RunTask, run);
    assert_eq!(answer["tasks"][0]["containerInstanceArn"], silent);
}
