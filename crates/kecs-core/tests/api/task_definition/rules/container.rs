//! Containers that cannot be registered.

use kecs_model::Operation;
use serde_json::{Value, json};

use super::{accepted, app, refused, two};
use crate::task_definition::minimal;
use crate::world::World;

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
        (
            "name",
            json!("side"),
            "Container names must be unique within a task definition.",
        ),
    ] {
        assert_eq!(refused(&base, &[(&app(member), value)]), message);
    }
    assert_eq!(
        refused(&base, &[("containerDefinitions", json!([]))]),
        "Container list cannot be empty."
    );
    assert_eq!(
        refused(&base, &[(&app("essential"), json!(false))]),
        "Task definition doesn't have any essential container."
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
    let message =
        "Invalid setting for container 'app'. 'memory' must be greater than or equal to 'memoryReservation'.";
    for reserved in [129, 130] {
        assert_eq!(
            refused(&base, &[(&app("memoryReservation"), json!(reserved))]),
            message
        );
    }
    accepted(&base, &[(&app("memoryReservation"), json!(128))]);
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
    for member in ["cpu", "memory"] {
        let mut input = base.clone();
        input[member] = json!("much");
        assert_eq!(
            World::new().refused(Operation::RegisterTaskDefinition, input),
            (
                "InvalidParameterException",
                format!("Invalid '{member}' setting for task.")
            )
        );
    }
}

#[test]
fn register_task_definition_wants_images_that_can_be_named() {
    let base = minimal("web");
    for image in ["$IMAGE:1", "nginx:1 ", "ngi nx", "a,b", "é"] {
        assert_eq!(
            refused(&base, &[(&app("image"), json!(image))]),
            "Container.image contains invalid characters.",
            "{image}"
        );
    }
    accepted(&base, &[(&app("image"), json!("host.io:5000/a_b/c-d:1.2"))]);
    let digest = format!("nginx@sha256:{}", "0af3".repeat(16));
    let definition = accepted(&base, &[(&app("image"), json!(digest))]);
    assert_eq!(
        definition["requiresAttributes"],
        json!([{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.21"}])
    );
}

#[test]
fn register_task_definition_waits_two_seconds_at_least() {
    let base = minimal("web");
    for (member, word) in [("startTimeout", "start"), ("stopTimeout", "stop")] {
        for seconds in [-1, 0, 1] {
            assert_eq!(
                refused(&base, &[(&app(member), json!(seconds))]),
                format!("Granular {word} timeout on container 'app' must be at least 2 seconds.")
            );
        }
        for seconds in [2, 121] {
            let definition = accepted(&base, &[(&app(member), json!(seconds))]);
            assert_eq!(
                definition["requiresAttributes"],
                json!([{"name": "ecs.capability.container-ordering"}])
            );
        }
    }
}

#[test]
fn register_task_definition_wants_roles_that_are_roles() {
    let base = minimal("web");
    for member in ["taskRoleArn", "executionRoleArn"] {
        for wrong in [
            "arn:aws:iam::123456789012:user/alice",
            "arn:aws:ecs:eu-west-1:123456789012:role/a",
            "arn:aws:iam::123456789012",
        ] {
            assert_eq!(
                refused(&base, &[(member, json!(wrong))]),
                "Role is not valid",
                "{wrong}"
            );
        }
        for right in ["arn:aws:iam::123456789012:role/path/a", "a"] {
            assert_eq!(accepted(&base, &[(member, json!(right))])[member], right);
        }
    }
}

#[test]
fn register_task_definition_wants_dependencies_without_a_circle() {
    let base = two();
    let depends = |on: &str, condition: &str| json!([{"containerName": on, "condition": condition}]);
    let on = app("dependsOn");
    assert_eq!(
        refused(&base, &[(&on, depends("gone", "START"))]),
        "Cannot depend on container + 'gone' because it does not exist"
    );
    assert_eq!(
        refused(&base, &[(&on, depends("app", "START"))]),
        "Container dependsOn contains a cycle"
    );
    let back = ("containerDefinitions.1.dependsOn", depends("app", "START"));
    assert_eq!(
        refused(&base, &[(&on, depends("side", "START")), back.clone()]),
        "Container dependsOn contains a cycle"
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
        "A dependency container with HEALTHY condition must have health check configured"
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
        "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be configured \
         in one of the containers."
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
    let file = json!([{"type": "s3", "value": "file.env"}]);
    assert_eq!(
        refused(&base, &[(&app("environmentFiles"), file)]),
        "Invalid arn syntax."
    );
    let device = json!([{"deviceName": "d", "deviceType": "eia1.medium"}]);
    assert_eq!(
        refused(&base, &[("inferenceAccelerators", device)]),
        "Unsupported field 'inferenceAccelerators'."
    );
    accepted(&base, &[("inferenceAccelerators", json!([]))]);
    let stored = ("ephemeralStorage", json!({"sizeInGiB": 30}));
    assert_eq!(
        refused(
            &base,
            &[stored.clone(), ("requiresCompatibilities", json!(["EC2"]))]
        ),
        "Tasks using the EC2 launch type do not support EphemeralStorage."
    );
    accepted(&base, &[stored]);
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
