//! What cannot be registered for Fargate and for machines outside of AWS.

use serde_json::{Value, json};

use super::{accepted, app, refused, with};
use crate::task_definition::fargate;
use crate::task_definition::minimal;
use crate::world::World;

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
        (
            "resourceRequirements",
            json!([{"type": "NeuronDevice", "value": "1"}]),
        ),
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
    ] {
        assert_eq!(
            refused(&base, &[(&app("linuxParameters"), json!({member: value}))]),
            format!("Fargate compatible task definitions do not support {member}")
        );
    }
    let capabilities = json!({"capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]}});
    assert_eq!(
        refused(&base, &[(&app("linuxParameters"), capabilities)]),
        "NET_ADMIN is not allowed on Fargate."
    );
    let gpu = json!([{"type": "GPU", "value": "1"}]);
    assert_eq!(
        refused(&base, &[(&app("resourceRequirements"), gpu)]),
        "Tasks using the Fargate launch type do not support GPU resource requirements."
    );
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
            "constraints",
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
        "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'."
    );
    accepted(&base, &[("pidMode", json!("task"))]);
    accepted(&base, &[(&app("stopTimeout"), json!(120))]);
    accepted(&base, &[(&app("startTimeout"), json!(121))]);
    assert_eq!(
        refused(&base, &[(&app("stopTimeout"), json!(121))]),
        "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds."
    );
    // Without being asked for, it is just not for Fargate.
    let without = ("requiresCompatibilities", json!([]));
    let definition = accepted(&base, &[(&app("stopTimeout"), json!(121)), without]);
    assert_eq!(definition["compatibilities"], json!(["EC2"]));
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
        json!({"logDriver": "awslogs", "options": {"awslogs-region": "eu-west-1", "awslogs-group": "g", "awslogs-stream-prefix": "web"}}),
    );
    assert_eq!(
        refused(&base, &[(&log.0, log.1.clone())]),
        "Fargate requires task definition to have execution role ARN to support log driver awslogs."
    );
    accepted(&base, &[(&log.0, log.1), role.clone()]);
    let unnamed =
        json!({"logDriver": "awslogs", "options": {"awslogs-region": "eu-west-1", "awslogs-group": "g"}});
    assert_eq!(
        refused(&base, &[(&log.0, unnamed), role]),
        "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs."
    );
    for driver in ["json-file", "syslog", "journald", "gelf", "fluentd"] {
        assert_eq!(
            refused(&base, &[(&app("logConfiguration"), json!({"logDriver": driver}))]),
            format!("{driver} is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]")
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
        refused(&base, std::slice::from_ref(&windows)),
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

#[test]
fn register_task_definition_outside_takes_gpus_and_no_other_devices() {
    let mut base = minimal("web");
    base["requiresCompatibilities"] = json!(["EXTERNAL"]);
    let wanted = |kind: &str| {
        [(
            "containerDefinitions.0.resourceRequirements",
            json!([{"type": kind, "value": "1"}]),
        )]
    };
    accepted(&base, &wanted("GPU"));
    assert_eq!(
        refused(&base, &wanted("NeuronDevice")),
        "External compatible task definitions do not support resourceRequirements"
    );
    // Where nothing is required, it runs where it can.
    let compatible =
        |members: &[(&str, Value)]| accepted(&minimal("web"), members)["compatibilities"].clone();
    assert_eq!(compatible(&wanted("GPU")), json!(["EXTERNAL", "EC2"]));
    assert_eq!(compatible(&wanted("NeuronDevice")), json!(["EC2"]));
}

#[test]
fn register_task_definition_for_fargate_takes_empty_lists_and_plain_hosts() {
    let base = fargate("web");
    for (member, value) in [
        ("placementConstraints", json!([])),
        ("volumes", json!([{"name": "a", "host": {}}])),
        ("containerDefinitions.0.dockerSecurityOptions", json!([])),
        ("containerDefinitions.0.resourceRequirements", json!([])),
        ("runtimePlatform", json!({"cpuArchitecture": "ARM64"})),
        (
            "runtimePlatform",
            json!({"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}),
        ),
        ("requiresCompatibilities", json!(["FARGATE", "EC2"])),
    ] {
        let made = accepted(&base, &[(member, value.clone())]);
        assert_eq!(
            made["compatibilities"],
            json!(["EC2", "FARGATE", "MANAGED_INSTANCES"]),
            "{member} {value}"
        );
    }
    let fsx = json!({"fileSystemId": "fs-1", "rootDirectory": "\\data",
        "authorizationConfig": {"credentialsParameter": "arn:aws:ssm:eu-west-1:1:parameter/a", "domain": "d"}});
    assert_eq!(
        refused(
            &base,
            &[(
                "volumes",
                json!([{"name": "a", "fsxWindowsFileServerVolumeConfiguration": fsx}])
            )]
        ),
        "Fargate compatible task definitions do not support fsxWindowsFileServerVolumeConfiguration"
    );
    let docker = json!({"scope": "task"});
    assert_eq!(
        refused(
            &base,
            &[(
                "volumes",
                json!([{"name": "a", "dockerVolumeConfiguration": docker}])
            )]
        ),
        "Fargate compatible task definitions do not support dockerVolumeConfiguration"
    );
    assert_eq!(
        refused(
            &base,
            &[("volumes", json!([{"name": "a", "host": {"sourcePath": "/a"}}]))]
        ),
        "Fargate compatible task definitions do not support sourcePath"
    );
}

#[test]
fn register_task_definition_for_fargate_does_not_bind_the_task_to_the_cpu_of_machines() {
    // A machine has 128 units at least, Fargate has sizes of its own.
    let machine = |cpu: &str, required: Value| {
        let base = with(
            &minimal("web"),
            &[("cpu", json!(cpu)), ("requiresCompatibilities", required)],
        );
        World::new()
            .answer(kecs_model::Operation::RegisterTaskDefinition, base)
            .is_ok()
    };
    for (cpu, fits) in [("127", false), ("128", true), ("196608", true), ("196609", false)] {
        assert_eq!(machine(cpu, json!([])), fits, "{cpu}");
        assert_eq!(machine(cpu, json!(["EC2"])), fits, "{cpu}");
        assert!(machine(cpu, json!(["EXTERNAL"])), "{cpu}");
    }
}
