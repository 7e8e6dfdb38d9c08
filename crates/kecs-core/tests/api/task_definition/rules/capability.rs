//! What a machine must be able to do.

use serde_json::{Value, json};

use super::super::fargate;
use super::{accepted, app, two};

const AGENT: &str = "com.amazonaws.ecs.capability.";
const ROLE: &str = "arn:aws:iam::123456789012:role/r";

/// The names of what is required of a machine; of those that begin with [`AGENT`] the rest, after a dot.
fn required(base: &Value, members: &[(&str, Value)]) -> Vec<String> {
    let made = accepted(base, members);
    let all = made["requiresAttributes"].as_array().cloned().unwrap_or_default();
    all.iter()
        .map(|it| {
            assert_eq!(it.as_object().unwrap().len(), 1, "a name alone: {it}");
            it["name"].as_str().unwrap().replace(AGENT, ".")
        })
        .collect()
}

#[test]
fn a_task_requires_what_it_names_as_a_whole() {
    let base = two();
    let role = ("taskRoleArn", json!(ROLE));
    let by_role = [".docker-remote-api.1.17", ".task-iam-role"];
    assert_eq!(required(&base, &[]), Vec::<String>::new());
    assert_eq!(required(&base, std::slice::from_ref(&role)), by_role);
    assert_eq!(
        required(&base, &[role, ("networkMode", json!("host"))]),
        [
            ".docker-remote-api.1.17",
            ".task-iam-role",
            ".task-iam-role-network-host"
        ]
    );
    assert_eq!(
        required(&base, &[("networkMode", json!("host"))]),
        Vec::<String>::new()
    );
    let sharing = ["ecs.capability.pid-ipc-namespace-sharing"];
    for (member, value) in [("pidMode", "task"), ("pidMode", "host"), ("ipcMode", "none")] {
        assert_eq!(
            required(&base, &[(member, json!(value))]),
            sharing,
            "{member} {value}"
        );
    }
    let both = [("pidMode", json!("task")), ("ipcMode", json!("task"))];
    assert_eq!(required(&base, &both), sharing);
    let proxy =
        json!({"containerName": "side", "properties": [{"name": "ProxyIngressPort", "value": "15000"}]});
    assert_eq!(
        required(
            &base,
            &[("networkMode", json!("awsvpc")), ("proxyConfiguration", proxy)]
        ),
        [
            ".docker-remote-api.1.18",
            "ecs.capability.aws-appmesh",
            "ecs.capability.task-eni"
        ]
    );
}

#[test]
fn a_task_requires_what_its_volumes_are() {
    let base = two();
    let volume = |value: Value| required(&base, &[("volumes", json!([value]))]);
    let efs = |more: Value| {
        let mut value = json!({"fileSystemId": "fs-1", "transitEncryption": "ENABLED"});
        value
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"name": "a", "efsVolumeConfiguration": value})
    };
    assert_eq!(volume(json!({"name": "a"})), Vec::<String>::new());
    assert_eq!(volume(efs(json!({}))), ["ecs.capability.efs"]);
    assert_eq!(
        volume(efs(json!({"authorizationConfig": {"iam": "ENABLED"}}))),
        ["ecs.capability.efs", "ecs.capability.efsAuth"]
    );
    let fsx = json!({"fileSystemId": "fs-1", "rootDirectory": "\\data",
        "authorizationConfig": {"credentialsParameter": "arn:aws:ssm:eu-west-1:1:parameter/a", "domain": "d"}});
    assert_eq!(
        volume(json!({"name": "a", "fsxWindowsFileServerVolumeConfiguration": fsx})),
        ["ecs.capability.fsxWindowsFileServer"]
    );
}

#[test]
fn a_task_requires_what_its_containers_name() {
    let base = two();
    let of = |member: &str, value: Value| required(&base, &[(&app(member), value)]);
    let file = json!([{"type": "s3", "value": "arn:aws:s3:::bucket/web.env"}]);
    let secret = json!({"credentialsParameter": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a"});
    let ordering = vec!["ecs.capability.container-ordering"];
    for (member, value, expected) in [
        ("privileged", json!(true), vec![".privileged-container"]),
        ("privileged", json!(false), vec![]),
        ("memoryReservation", json!(64), vec![".docker-remote-api.1.21"]),
        (
            "image",
            json!(format!("nginx@sha256:{}", "0123".repeat(16))),
            vec![".docker-remote-api.1.21"],
        ),
        ("startTimeout", json!(5), ordering.clone()),
        ("stopTimeout", json!(5), ordering.clone()),
        ("dependsOn", json!([]), vec![]),
        (
            "dependsOn",
            json!([{"containerName": "side", "condition": "START"}]),
            ordering,
        ),
        ("environmentFiles", json!([]), vec![]),
        ("environmentFiles", file, vec!["ecs.capability.env-files.s3"]),
        (
            "repositoryCredentials",
            secret,
            vec!["ecs.capability.private-registry-authentication.secretsmanager"],
        ),
    ] {
        assert_eq!(of(member, value.clone()), expected, "{member} {value}");
    }
}

#[test]
fn a_task_requires_the_role_that_pulls_reads_and_logs() {
    let base = two();
    let role = ("executionRoleArn", json!(ROLE));
    let image = (
        app("image"),
        json!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1"),
    );
    let awslogs = json!({"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r"}});
    let log = (app("logConfiguration"), awslogs);
    let of = |one: &(String, Value), role: Option<&(&str, Value)>| {
        let mut members = vec![(one.0.as_str(), one.1.clone())];
        members.extend(role.cloned());
        required(&base, &members)
    };
    assert_eq!(of(&image, None), [".ecr-auth"]);
    assert_eq!(
        of(&image, Some(&role)),
        [".ecr-auth", "ecs.capability.execution-role-ecr-pull"]
    );
    assert_eq!(
        of(&log, None),
        [".docker-remote-api.1.19", ".logging-driver.awslogs"]
    );
    assert_eq!(
        of(&log, Some(&role)),
        [
            ".docker-remote-api.1.19",
            ".logging-driver.awslogs",
            "ecs.capability.execution-role-awslogs"
        ]
    );
    for (from, expected) in [
        (
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a",
            "ecs.capability.secrets.asm.environment-variables",
        ),
        (
            "arn:aws:ssm:eu-west-1:123456789012:parameter/a",
            "ecs.capability.secrets.ssm.environment-variables",
        ),
        ("parameter", "ecs.capability.secrets.ssm.environment-variables"),
    ] {
        let secrets = (app("secrets"), json!([{"name": "a", "valueFrom": from}]));
        assert_eq!(of(&secrets, Some(&role)), [expected], "{from}");
    }
}

#[test]
fn a_task_requires_the_drivers_of_its_logs() {
    let base = two();
    for driver in ["json-file", "syslog", "journald", "gelf", "fluentd", "splunk"] {
        let log = json!({"logDriver": driver});
        assert_eq!(
            required(&base, &[(&app("logConfiguration"), log)]),
            [format!(".logging-driver.{driver}")]
        );
    }
    for kind in ["fluentd", "fluentbit"] {
        let router = json!({"type": kind});
        assert_eq!(
            required(
                &base,
                &[
                    ("containerDefinitions.1.firelensConfiguration", router),
                    (&app("logConfiguration"), json!({"logDriver": "awsfirelens"})),
                ]
            ),
            [
                ".logging-driver.awsfirelens".to_owned(),
                format!("ecs.capability.firelens.{kind}")
            ]
        );
    }
}

#[test]
fn what_is_asked_of_a_task_is_kept_and_shown() {
    let base = fargate("web");
    let made = accepted(&base, &[("enableFaultInjection", json!(true))]);
    assert_eq!(made["enableFaultInjection"], true);
    assert_eq!(accepted(&base, &[]).get("enableFaultInjection"), None);
    let trusted = json!({"isolationMode": "ISOLATED_SANDBOX"});
    let made = accepted(&base, &[("trustedExecutionConfiguration", trusted.clone())]);
    assert_eq!(made["trustedExecutionConfiguration"], trusted);
}
