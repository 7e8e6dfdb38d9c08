//! What cannot be registered, and why.

use kecs_model::Operation;
use serde_json::{Value, json};

use super::{fargate, minimal};
use crate::world::World;

/// The message that a request with these members set is refused with; a way to a member has dots and numbers in it.
#[track_caller]
fn refused(base: &Value, members: &[(&str, Value)]) -> String {
    let input = with(base, members);
    let (code, message) = World::new().refused(Operation::RegisterTaskDefinition, input);
    assert_eq!(code, "ClientException", "{message}");
    message
}

#[track_caller]
fn accepted(base: &Value, members: &[(&str, Value)]) -> Value {
    let input = with(base, members);
    World::new().ok(Operation::RegisterTaskDefinition, input)["taskDefinition"].clone()
}

fn with(base: &Value, members: &[(&str, Value)]) -> Value {
    let mut input = base.clone();
    for (way, value) in members {
        let mut at = &mut input;
        for step in way.split('.') {
            at = match step.parse::<usize>() {
                Ok(index) => {
                    let list = at.as_array_mut().unwrap();
                    while list.len() <= index {
                        list.push(json!({}));
                    }
                    &mut list[index]
                }
                Err(_) => &mut at[step],
            };
        }
        *at = value.clone();
    }
    input
}

/// `app` and a second container `side` that is not essential.
fn two() -> Value {
    let mut base = minimal("web");
    base["containerDefinitions"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "side", "image": "envoy", "memory": 64, "essential": false}));
    base
}

const APP: &str = "containerDefinitions.0";

fn app(member: &str) -> String {
    format!("{APP}.{member}")
}

#[test]
fn register_task_definition_wants_names_and_images() {
    let base = two();
    for (member, value, message) in [
        ("name", json!(""), "Container.name should not be null or empty."),
        ("name", Value::Null, "Container.name should not be null or empty."),
        (
            "name",
            json!("a.b"),
            "Container.name contains invalid characters.",
        ),
        ("image", json!(""), "Container.image should not be null or empty."),
        (
            "image",
            Value::Null,
            "Container.image should not be null or empty.",
        ),
        ("name", json!("side"), "Duplicate container name 'side'."),
    ] {
        assert_eq!(refused(&base, &[(&app(member), value)]), message);
    }
    assert_eq!(
        refused(&base, &[("containerDefinitions", json!([]))]),
        "Container list cannot be empty."
    );
    assert_eq!(
        refused(&base, &[(&app("essential"), json!(false))]),
        "At least one essential container must be specified in a Task Definition."
    );
    assert_eq!(
        refused(&base, &[("family", json!("a b"))]),
        "Family contains invalid characters."
    );
}

#[test]
fn register_task_definition_wants_memory_somewhere() {
    let base = minimal("web");
    let none = (app("memory"), Value::Null);
    assert_eq!(
        refused(&base, &[(&none.0, none.1.clone())]),
        "Invalid setting for container 'app'. At least one of 'memory' or 'memoryReservation' must be specified."
    );
    accepted(
        &base,
        &[(&none.0, none.1.clone()), (&app("memoryReservation"), json!(4))],
    );
    accepted(&base, &[(&none.0, none.1), ("memory", json!("512"))]);
    let message = "Invalid setting for container 'app'. 'memory' must be greater than 'memoryReservation'.";
    for reserved in [128, 129] {
        assert_eq!(
            refused(&base, &[(&app("memoryReservation"), json!(reserved))]),
            message
        );
    }
    accepted(&base, &[(&app("memoryReservation"), json!(127))]);
}

#[test]
fn register_task_definition_wants_containers_to_fit_into_the_task() {
    let base = two();
    assert_eq!(
        refused(&base, &[("memory", json!("127"))]),
        "The 'memory' setting for container 'app' is greater than for the task."
    );
    assert_eq!(
        refused(&base, &[("memory", json!("191"))]),
        "The sum of all container 'memoryReservation' values cannot be greater than the value of the task 'memory'."
    );
    accepted(&base, &[("memory", json!("192"))]);
    accepted(
        &base,
        &[("memory", json!("128")), (&app("memoryReservation"), json!(64))],
    );
    let cpu = |of_app: i32, of_task: &str| {
        vec![
            ("containerDefinitions.0.cpu", json!(of_app)),
            ("containerDefinitions.1.cpu", json!(100)),
            ("cpu", json!(of_task)),
        ]
    };
    assert_eq!(
        refused(&base, &cpu(157, "256")),
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."
    );
    accepted(&base, &cpu(156, "256"));
}

#[test]
fn register_task_definition_wants_sizes_that_can_be_read() {
    let base = minimal("web");
    let message = "Invalid 'cpu' setting for task. The value must be between 128 and 196608.";
    assert_eq!(refused(&base, &[("cpu", json!("127"))]), message);
    assert_eq!(refused(&base, &[("cpu", json!("196609"))]), message);
    accepted(&base, &[("cpu", json!("128"))]);
    assert_eq!(accepted(&base, &[("cpu", json!("192 vCPU"))])["cpu"], "196608");
    assert_eq!(
        refused(&base, &[("cpu", json!("much"))]),
        "Invalid 'cpu' setting for task."
    );
    assert_eq!(
        refused(&base, &[("memory", json!("much"))]),
        "Invalid 'memory' setting for task."
    );
}

#[test]
fn register_task_definition_wants_dependencies_without_a_circle() {
    let base = two();
    let depends = |on: &str, condition: &str| json!([{"containerName": on, "condition": condition}]);
    let on = app("dependsOn");
    assert_eq!(
        refused(&base, &[(&on, depends("gone", "START"))]),
        "The container 'app' has a dependency on a container that does not exist: 'gone'."
    );
    assert_eq!(
        refused(&base, &[(&on, depends("app", "START"))]),
        "The container dependencies have a cycle."
    );
    let back = ("containerDefinitions.1.dependsOn", depends("app", "START"));
    assert_eq!(
        refused(&base, &[(&on, depends("side", "START")), back.clone()]),
        "The container dependencies have a cycle."
    );
    for condition in ["START", "COMPLETE", "SUCCESS"] {
        accepted(&base, &[(&on, depends("side", condition))]);
    }
    for condition in ["COMPLETE", "SUCCESS"] {
        assert_eq!(
            refused(
                &base,
                &[("containerDefinitions.1.dependsOn", depends("app", condition))]
            ),
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
        );
    }
    assert_eq!(
        refused(&base, &[(&on, depends("side", "HEALTHY"))]),
        "A dependency container with HEALTHY condition must have a health check."
    );
    let check = (
        "containerDefinitions.1.healthCheck",
        json!({"command": ["CMD", "true"]}),
    );
    let definition = accepted(&base, &[(&on, depends("side", "HEALTHY")), check]);
    let names: Vec<&Value> = definition["requiresAttributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert!(names.contains(&&json!("ecs.capability.container-ordering")));
}

#[test]
fn register_task_definition_wants_links_in_bridge_mode_without_a_circle() {
    let base = two();
    let links = app("links");
    accepted(&base, &[(&links, json!(["side:proxy"]))]);
    accepted(
        &base,
        &[(&links, json!(["side"])), ("networkMode", json!("bridge"))],
    );
    for mode in ["awsvpc", "host", "none"] {
        assert_eq!(
            refused(&base, &[(&links, json!(["side"])), ("networkMode", json!(mode))]),
            format!("Links are not supported when networkMode={mode}.")
        );
    }
    assert_eq!(
        refused(&base, &[(&links, json!(["gone"]))]),
        "Invalid 'links' setting for container 'app'."
    );
    assert_eq!(
        refused(
            &base,
            &[
                (&links, json!(["side"])),
                ("containerDefinitions.1.links", json!(["app"]))
            ]
        ),
        "Container links should not have a cycle"
    );
}

#[test]
fn register_task_definition_wants_volumes_that_are_there() {
    let base = two();
    let mount = |volume: Value, path: &str| json!([{"sourceVolume": volume, "containerPath": path}]);
    let mounts = app("mountPoints");
    assert_eq!(
        refused(&base, &[(&mounts, mount(json!("data"), "/data"))]),
        "Unknown volume 'data'."
    );
    assert_eq!(
        refused(&base, &[(&mounts, mount(Value::Null, "/data"))]),
        "Unknown volume 'null'."
    );
    let data = ("volumes", json!([{"name": "data"}]));
    accepted(&base, &[(&mounts, mount(json!("data"), "/data")), data.clone()]);
    assert_eq!(
        refused(&base, &[(&mounts, mount(json!("data"), "")), data.clone()]),
        "Invalid 'mountPoints.containerPath' setting for container 'app'."
    );
    let twice = json!([{"sourceVolume": "data", "containerPath": "/a"}, {"sourceVolume": "data", "containerPath": "/a"}]);
    assert_eq!(
        refused(&base, &[(&mounts, twice), data]),
        "Invalid 'mountPoints.containerPath' setting for container 'app'."
    );
    let from = app("volumesFrom");
    accepted(&base, &[(&from, json!([{"sourceContainer": "side"}]))]);
    for source in ["gone", "app"] {
        assert_eq!(
            refused(&base, &[(&from, json!([{"sourceContainer": source}]))]),
            format!("Unknown volume '{source}'.")
        );
    }
}

#[test]
fn register_task_definition_wants_volumes_of_one_kind() {
    let base = minimal("web");
    let volumes = |volumes: Value| [("volumes", volumes)];
    assert_eq!(
        refused(&base, &volumes(json!([{"name": "a"}, {"name": "a"}]))),
        "Duplicate volume name 'a'."
    );
    assert_eq!(
        refused(&base, &volumes(json!([{"name": ""}]))),
        "Volume.name should not be null or empty."
    );
    assert_eq!(
        refused(&base, &volumes(json!([{"name": "a b"}]))),
        "Volume.name contains invalid characters."
    );
    let efs = json!({"fileSystemId": "fs-1"});
    assert_eq!(
        refused(
            &base,
            &volumes(json!([{"name": "a", "host": {"sourcePath": "/a"}, "efsVolumeConfiguration": efs}]))
        ),
        "Only one volume configuration can be specified for volume 'a'."
    );
    let definition = accepted(
        &base,
        &volumes(json!([{"name": "a", "efsVolumeConfiguration": efs}])),
    );
    assert_eq!(
        definition["volumes"],
        json!([{"name": "a", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/"}}])
    );
    let access = json!({"fileSystemId": "fs-1", "authorizationConfig": {"accessPointId": "fsap-1"}});
    assert_eq!(
        refused(
            &base,
            &volumes(json!([{"name": "a", "efsVolumeConfiguration": access}]))
        ),
        "Transit encryption must be enabled for volume 'a' when an access point or IAM authorization is used."
    );
    let role = json!({"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}});
    assert_eq!(
        refused(
            &base,
            &volumes(json!([{"name": "a", "efsVolumeConfiguration": role}]))
        ),
        "Transit encryption must be enabled for volume 'a' when an access point or IAM authorization is used."
    );
    let deep = json!({"fileSystemId": "fs-1", "authorizationConfig": {"accessPointId": "fsap-1"},
        "transitEncryption": "ENABLED", "rootDirectory": "/deep"});
    assert_eq!(
        refused(
            &base,
            &volumes(json!([{"name": "a", "efsVolumeConfiguration": deep}]))
        ),
        "The root directory of volume 'a' must be omitted or set to / when an access point is used."
    );
    let docker = json!([{"name": "a", "dockerVolumeConfiguration": {}}]);
    assert_eq!(
        accepted(&base, &volumes(docker))["volumes"][0]["dockerVolumeConfiguration"],
        json!({"scope": "task", "driver": "local"})
    );
    let provision = |scope: &str| {
        volumes(json!([{"name": "a", "dockerVolumeConfiguration": {"scope": scope, "autoprovision": true}}]))
    };
    accepted(&base, &provision("shared"));
    assert_eq!(
        refused(&base, &provision("task")),
        "Invalid 'autoprovision' setting for volume 'a'. It is only valid for the scope shared."
    );
    let launch =
        json!([{"name": "a", "configuredAtLaunch": true}, {"name": "b", "configuredAtLaunch": true}]);
    assert_eq!(
        refused(&base, &volumes(launch)),
        "Only one volume of a task definition can be configured at launch."
    );
}

#[test]
fn register_task_definition_wants_ports_that_fit_the_network() {
    let base = minimal("web");
    let ports = |mapping: Value| (app("portMappings"), json!([mapping]));
    let mode = |mode: &str| ("networkMode", json!(mode));
    let check = |mapping: Value, of: Option<&str>| {
        let (way, value) = ports(mapping);
        let mut members = vec![(way.as_str(), value)];
        members.extend(of.map(mode));
        refused(&base, &members)
    };
    for port in [0, 65_536] {
        assert_eq!(
            check(json!({"containerPort": port}), None),
            "Invalid 'containerPort' setting for container 'app'."
        );
    }
    assert_eq!(
        check(json!({}), None),
        "Invalid 'containerPort' setting for container 'app'."
    );
    assert_eq!(
        check(json!({"containerPort": 80, "hostPort": 65_536}), None),
        "Invalid 'hostPort' setting for container 'app'."
    );
    for of in ["awsvpc", "host"] {
        assert_eq!(
            check(json!({"containerPort": 80, "hostPort": 81}), Some(of)),
            format!("When networkMode={of}, the host ports and container ports in port mappings must match.")
        );
    }
    assert_eq!(
        check(json!({"containerPort": 80}), Some("none")),
        "Port mappings are not supported when networkMode=none."
    );
    for range in ["80", "90-80", "80-80", "0-80", "80-65536", "a-b"] {
        assert_eq!(
            check(json!({"containerPortRange": range}), None),
            "Invalid 'containerPortRange' setting for container 'app'."
        );
    }
    assert_eq!(
        check(json!({"containerPortRange": "80-90", "hostPort": 80}), None),
        "Invalid 'containerPortRange' setting for container 'app'."
    );
    let (way, value) = ports(json!({"containerPortRange": "1-65535"}));
    let definition = accepted(&base, &[(&way, value)]);
    assert_eq!(
        definition["containerDefinitions"][0]["portMappings"],
        json!([{"containerPortRange": "1-65535", "protocol": "tcp"}])
    );
}

#[test]
fn register_task_definition_maps_a_host_port_once() {
    let base = two();
    let map = |first: Value, second: Value, mode: &str| {
        vec![
            ("containerDefinitions.0.portMappings", json!([first])),
            ("containerDefinitions.1.portMappings", json!([second])),
            ("networkMode", json!(mode)),
        ]
    };
    let same = json!({"containerPort": 80, "hostPort": 8080});
    assert_eq!(
        refused(&base, &map(same.clone(), same.clone(), "bridge")),
        "tcp host port '8080' is mapped multiple times in task."
    );
    accepted(
        &base,
        &map(
            same,
            json!({"containerPort": 80, "hostPort": 8080, "protocol": "udp"}),
            "bridge",
        ),
    );
    let any = json!({"containerPort": 80});
    accepted(&base, &map(any.clone(), any.clone(), "bridge"));
    assert_eq!(
        refused(&base, &map(any.clone(), any, "awsvpc")),
        "tcp host port '80' is mapped multiple times in task."
    );
    let named = |port: i32| json!({"containerPort": port, "name": "http"});
    assert_eq!(
        refused(&base, &map(named(80), named(81), "bridge")),
        "Invalid 'portMappings.name' setting for container 'side'."
    );
}

#[test]
fn register_task_definition_wants_plain_containers_in_awsvpc() {
    let base = minimal("web");
    for (member, value) in [
        ("hostname", json!("web")),
        ("dnsServers", json!(["10.0.0.1"])),
        ("dnsSearchDomains", json!(["local"])),
        ("extraHosts", json!([{"hostname": "a", "ipAddress": "10.0.0.1"}])),
        ("disableNetworking", json!(true)),
    ] {
        accepted(&base, &[(&app(member), value.clone())]);
        assert_eq!(
            refused(&base, &[(&app(member), value), ("networkMode", json!("awsvpc"))]),
            format!("{member} is not supported on container when networkMode=awsvpc.")
        );
    }
    let proxy = ("proxyConfiguration", json!({"containerName": "app"}));
    assert_eq!(
        refused(&base, &[proxy.clone()]),
        "proxyConfiguration requires networkMode awsvpc."
    );
    accepted(&base, &[proxy, ("networkMode", json!("awsvpc"))]);
    assert_eq!(
        refused(
            &base,
            &[
                ("proxyConfiguration", json!({"containerName": "gone"})),
                ("networkMode", json!("awsvpc"))
            ]
        ),
        "proxyConfiguration names a container that does not exist: 'gone'."
    );
}

#[test]
fn register_task_definition_wants_secrets_with_a_role_and_their_own_names() {
    let base = minimal("web");
    let secrets = (
        app("secrets"),
        json!([{"name": "KEY", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/k"}]),
    );
    let role = ("executionRoleArn", json!("arn:aws:iam::123456789012:role/exec"));
    assert_eq!(
        refused(&base, &[(&secrets.0, secrets.1.clone())]),
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
    );
    let definition = accepted(&base, &[(&secrets.0, secrets.1.clone()), role.clone()]);
    assert_eq!(
        definition["requiresAttributes"],
        json!([{"name": "ecs.capability.secrets.ssm.environment-variables"}])
    );
    let environment = (app("environment"), json!([{"name": "KEY", "value": "x"}]));
    assert_eq!(
        refused(
            &base,
            &[
                (&secrets.0, secrets.1),
                (&environment.0, environment.1),
                role.clone()
            ]
        ),
        "The secret name must be unique and not shared with any new or existing environment variables set on the \
         container, such as 'KEY'."
    );
    let empty = (app("secrets"), json!([{"name": "KEY", "valueFrom": ""}]));
    assert_eq!(
        refused(&base, &[(&empty.0, empty.1), role]),
        "Invalid 'secrets.valueFrom' setting for container 'app'."
    );
}

#[test]
fn register_task_definition_wants_log_options_and_a_router() {
    let base = two();
    let log = |configuration: Value| (app("logConfiguration"), configuration);
    let check = |configuration: Value| {
        let (way, value) = log(configuration);
        refused(&base, &[(&way, value)])
    };
    assert_eq!(
        check(json!({"logDriver": "awslogs"})),
        "Log driver awslogs requires options: awslogs-region, awslogs-group"
    );
    assert_eq!(
        check(json!({"logDriver": "awslogs", "options": {"awslogs-region": "eu-west-1"}})),
        "Log driver awslogs requires options: awslogs-group"
    );
    assert_eq!(
        check(json!({"logDriver": "awsfirelens"})),
        "When the log driver awsfirelens is used, one container must have a firelensConfiguration."
    );
    let (way, value) = log(json!({"logDriver": "awsfirelens"}));
    let router = (
        "containerDefinitions.1.firelensConfiguration",
        json!({"type": "fluentbit"}),
    );
    accepted(&base, &[(&way, value), router.clone()]);
    assert_eq!(
        refused(
            &base,
            &[
                router,
                (&app("firelensConfiguration"), json!({"type": "fluentd"}))
            ]
        ),
        "Only one container of a task definition can have a firelensConfiguration."
    );
    let (way, value) = log(json!({"logDriver": "awslogs",
        "options": {"awslogs-region": "eu-west-1", "awslogs-group": "g"}}));
    let definition = accepted(&base, &[(&way, value)]);
    assert_eq!(
        definition["requiresAttributes"],
        json!([{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.19"},
            {"name": "com.amazonaws.ecs.capability.logging-driver.awslogs"}])
    );
}

#[test]
fn register_task_definition_wants_settings_of_a_container_that_can_be() {
    let base = minimal("web");
    for (member, value, named) in [
        (
            "ulimits",
            json!([{"name": "nofile", "softLimit": 2, "hardLimit": 1}]),
            "ulimits",
        ),
        (
            "ulimits",
            json!([{"name": "nofile", "softLimit": -1, "hardLimit": 1}]),
            "ulimits",
        ),
        (
            "ulimits",
            json!([{"name": "core", "softLimit": 1, "hardLimit": 1}, {"name": "core", "softLimit": 1, "hardLimit": 1}]),
            "ulimits",
        ),
        ("healthCheck", json!({"command": []}), "healthCheck.command"),
        (
            "restartPolicy",
            json!({"enabled": false, "ignoredExitCodes": [1]}),
            "restartPolicy",
        ),
        (
            "resourceRequirements",
            json!([{"type": "GPU", "value": "0"}]),
            "resourceRequirements",
        ),
        (
            "resourceRequirements",
            json!([{"type": "GPU", "value": "x"}]),
            "resourceRequirements",
        ),
        (
            "resourceRequirements",
            json!([{"type": "InferenceAccelerator", "value": "d"}]),
            "resourceRequirements",
        ),
        (
            "environmentFiles",
            json!([{"type": "s3", "value": "file.env"}]),
            "environmentFiles.value",
        ),
        (
            "environmentFiles",
            json!([{"type": "s3", "value": "arn:aws:s3:::b/file.txt"}]),
            "environmentFiles.value",
        ),
        ("environment", json!([{"value": "x"}]), "environment.name"),
    ] {
        assert_eq!(
            refused(&base, &[(&app(member), value.clone())]),
            format!("Invalid '{named}' setting for container 'app'."),
            "{value}"
        );
    }
    accepted(
        &base,
        &[(
            &app("ulimits"),
            json!([{"name": "nofile", "softLimit": 1, "hardLimit": 1}]),
        )],
    );
    accepted(
        &base,
        &[(
            &app("ulimits"),
            json!([{"name": "nofile", "softLimit": 5, "hardLimit": -1}]),
        )],
    );
    accepted(
        &base,
        &[(
            &app("resourceRequirements"),
            json!([{"type": "GPU", "value": "1"}]),
        )],
    );
    let device = (
        "inferenceAccelerators",
        json!([{"deviceName": "d", "deviceType": "eia1.medium"}]),
    );
    let wanted = (
        app("resourceRequirements"),
        json!([{"type": "InferenceAccelerator", "value": "d"}]),
    );
    accepted(&base, &[device, (&wanted.0, wanted.1)]);
    let policy = accepted(&base, &[(&app("restartPolicy"), json!({"enabled": true}))]);
    assert_eq!(
        policy["containerDefinitions"][0]["restartPolicy"],
        json!({"enabled": true, "restartAttemptPeriod": 300})
    );
}

#[test]
fn register_task_definition_is_at_most_64_kib_long() {
    let base = minimal("web");
    let label = |length: usize| (app("dockerLabels"), json!({"a": "x".repeat(length)}));
    let (way, value) = label(60_000);
    accepted(&base, &[(&way, value)]);
    let (way, value) = label(70_000);
    let message = refused(&base, &[(&way, value)]);
    assert!(message.starts_with("Actual length: '70"), "{message}");
    assert!(
        message.ends_with("'. Max allowed length is '65536' bytes."),
        "{message}"
    );
}

#[test]
fn register_task_definition_for_fargate_wants_size_and_network() {
    let base = fargate("web");
    assert_eq!(
        refused(&base, &[("cpu", Value::Null)]),
        "Fargate requires that 'cpu' be defined at the task level."
    );
    assert_eq!(
        refused(&base, &[("memory", Value::Null)]),
        "Fargate requires that 'memory' be defined at the task level."
    );
    assert_eq!(
        refused(&base, &[("cpu", json!("512"))]),
        "No Fargate configuration exists for given values: 512 CPU, 512 memory. See the Amazon ECS documentation for \
         the valid values."
    );
    for mode in [json!("bridge"), json!("host"), json!("none"), Value::Null] {
        assert_eq!(
            refused(&base, &[("networkMode", mode)]),
            "Fargate only supports network mode ‘awsvpc’."
        );
    }
}

#[test]
fn register_task_definition_for_fargate_refuses_what_it_cannot_do() {
    let base = fargate("web");
    for (member, value) in [
        ("privileged", json!(true)),
        ("dockerSecurityOptions", json!(["no-new-privileges"])),
        ("resourceRequirements", json!([{"type": "GPU", "value": "1"}])),
    ] {
        assert_eq!(
            refused(&base, &[(&app(member), value)]),
            format!("Fargate compatible task definitions do not support {member}")
        );
    }
    for (member, value) in [
        ("devices", json!([{"hostPath": "/dev/x"}])),
        ("sharedMemorySize", json!(64)),
        ("maxSwap", json!(1)),
        ("swappiness", json!(1)),
        ("capabilities", json!({"add": ["NET_ADMIN"]})),
    ] {
        assert_eq!(
            refused(&base, &[(&app("linuxParameters"), json!({member: value}))]),
            format!("Fargate compatible task definitions do not support {member}")
        );
    }
    accepted(
        &base,
        &[(
            &app("linuxParameters"),
            json!({"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}}),
        )],
    );
    for (member, value, named) in [
        (
            "placementConstraints",
            json!([{"type": "memberOf", "expression": "attribute:a exists"}]),
            "placementConstraints",
        ),
        (
            "inferenceAccelerators",
            json!([{"deviceName": "d", "deviceType": "t"}]),
            "inferenceAccelerators",
        ),
        (
            "volumes",
            json!([{"name": "a", "host": {"sourcePath": "/a"}}]),
            "sourcePath",
        ),
        (
            "volumes",
            json!([{"name": "a", "dockerVolumeConfiguration": {}}]),
            "dockerVolumeConfiguration",
        ),
        (
            "runtimePlatform",
            json!({"operatingSystemFamily": "WINDOWS_SERVER_2016_FULL"}),
            "runtimePlatform",
        ),
    ] {
        assert_eq!(
            refused(
                &base,
                &[(member, value), ("cpu", json!("1024")), ("memory", json!("2048"))]
            ),
            format!("Fargate compatible task definitions do not support {named}")
        );
    }
    assert_eq!(
        refused(&base, &[("ipcMode", json!("task"))]),
        "Tasks using the Fargate launch type do not support ipcMode."
    );
    assert_eq!(
        refused(&base, &[("pidMode", json!("host"))]),
        "Tasks using the Fargate launch type do not support pidMode host."
    );
    accepted(&base, &[("pidMode", json!("task"))]);
    for (member, seconds, fits) in [
        ("stopTimeout", 120, true),
        ("stopTimeout", 121, false),
        ("startTimeout", 121, false),
    ] {
        let way = app(member);
        let set = [(way.as_str(), json!(seconds))];
        if fits {
            accepted(&base, &set);
        } else {
            assert_eq!(
                refused(&base, &set),
                format!("Invalid '{member}' setting for container 'app'.")
            );
        }
    }
}

#[test]
fn register_task_definition_for_fargate_wants_a_role_for_what_it_does_itself() {
    let base = fargate("web");
    let role = ("executionRoleArn", json!("arn:aws:iam::123456789012:role/exec"));
    let image = (
        app("image"),
        json!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1"),
    );
    assert_eq!(
        refused(&base, &[(&image.0, image.1.clone())]),
        "Fargate requires task definition to have execution role ARN to support ECR images."
    );
    let definition = accepted(&base, &[(&image.0, image.1), role.clone()]);
    assert_eq!(
        definition["requiresAttributes"],
        json!([
            {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"},
            {"name": "com.amazonaws.ecs.capability.ecr-auth"},
            {"name": "ecs.capability.execution-role-ecr-pull"},
            {"name": "ecs.capability.task-eni"}
        ])
    );
    let log = (
        app("logConfiguration"),
        json!({"logDriver": "awslogs", "options": {"awslogs-region": "eu-west-1", "awslogs-group": "g"}}),
    );
    assert_eq!(
        refused(&base, &[(&log.0, log.1.clone())]),
        "Fargate requires task definition to have execution role ARN to support log driver awslogs."
    );
    accepted(&base, &[(&log.0, log.1), role]);
    for driver in ["json-file", "syslog", "journald", "gelf", "fluentd"] {
        assert_eq!(
            refused(&base, &[(&app("logConfiguration"), json!({"logDriver": driver}))]),
            format!("Fargate only supports the log drivers awslogs, splunk and awsfirelens, not {driver}.")
        );
    }
    accepted(
        &base,
        &[(&app("logConfiguration"), json!({"logDriver": "splunk"}))],
    );
}

#[test]
fn register_task_definition_for_windows_on_fargate_wants_a_whole_cpu() {
    let base = fargate("web");
    let windows = (
        "runtimePlatform",
        json!({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}),
    );
    assert_eq!(
        refused(&base, &[windows.clone()]),
        "No Fargate configuration exists for given values: 256 CPU, 512 memory. See the Amazon ECS documentation for \
         the valid values."
    );
    accepted(
        &base,
        &[windows, ("cpu", json!("1024")), ("memory", json!("2048"))],
    );
    let arm = json!({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE", "cpuArchitecture": "ARM64"});
    assert_eq!(
        refused(
            &base,
            &[
                ("runtimePlatform", arm),
                ("cpu", json!("1024")),
                ("memory", json!("2048"))
            ]
        ),
        "Fargate compatible task definitions do not support runtimePlatform"
    );
}

#[test]
fn register_task_definition_for_machines_outside_refuses_what_they_lack() {
    let mut base = minimal("web");
    base["requiresCompatibilities"] = json!(["EXTERNAL"]);
    accepted(&base, &[]);
    for (member, value, named) in [
        ("networkMode", json!("awsvpc"), "networkMode awsvpc"),
        (
            "volumes",
            json!([{"name": "a", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]),
            "efsVolumeConfiguration",
        ),
        ("ephemeralStorage", json!({"sizeInGiB": 21}), "ephemeralStorage"),
    ] {
        assert_eq!(
            refused(&base, &[(member, value)]),
            format!("External compatible task definitions do not support {named}")
        );
    }
}
