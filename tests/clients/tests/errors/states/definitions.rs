//! Task definitions: containers that do not agree, sizes, ports and dependencies; and those that are not there.

use kecs_model::Operation;
use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, operations, with};
use crate::valid::{self, World};

/// A task definition with these containers.
pub(super) fn containers(containers: &Value) -> Value {
    json!({"family": "new", "containerDefinitions": containers})
}

/// A container that is right, and more of it.
pub(super) fn container(more: Value) -> Value {
    with(json!({"name": "app", "image": "app:1", "memory": 64}), more)
}

/// A task definition with this one container.
pub(super) fn one(more: Value) -> Value {
    containers(&json!([container(more)]))
}

/// A task definition with one container that is right, and more besides it.
pub(super) fn task(more: Value) -> Value {
    with(one(json!({})), more)
}

/// One for Fargate.
pub(super) fn fargate(more: Value) -> Value {
    task(with(
        json!({"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}),
        more,
    ))
}

pub(super) fn ports(mode: &str, mappings: &Value) -> Value {
    with(
        one(json!({"portMappings": mappings})),
        json!({"networkMode": mode}),
    )
}

/// The container `web` waits for `app`.
fn waits(condition: &str, app: Value) -> Value {
    let on = json!([{"containerName": "app", "condition": condition}]);
    containers(&json!([
        container(json!({"name": "web", "dependsOn": on})),
        container(app)
    ]))
}

fn sized() -> Vec<Case> {
    let broken = |member, when, input| case("RegisterTaskDefinition", member, when, input);
    let memory = "containerDefinitions[].memory";
    let reserved = || container(json!({"memory": null, "memoryReservation": 60}));
    let named = |name: &str| with(reserved(), json!({"name": name}));
    vec![
        broken(
            memory,
            "neither the container nor the task",
            one(json!({"memory": null})),
        )
        .says("container", "app"),
        broken(
            "containerDefinitions[].memoryReservation",
            "is below memoryReservation",
            one(json!({"memoryReservation": 65})),
        )
        .says("container", "app"),
        broken(memory, "is above that of the task", task(json!({"memory": "63"}))).says("container", "app"),
        broken(
            "cpu",
            "ask for more cpu",
            with(one(json!({"cpu": 129})), json!({"cpu": "128"})),
        ),
        broken(
            "memory",
            "reserve more memory",
            with(
                containers(&json!([named("web"), named("app")])),
                json!({"memory": "119"}),
            ),
        ),
        broken(
            "cpu",
            "FARGATE and there is no cpu",
            fargate(json!({"cpu": null})),
        ),
        broken(
            "memory",
            "FARGATE and there is no memory",
            fargate(json!({"memory": null})),
        ),
        broken("cpu", "are no pair", fargate(json!({"memory": "4096"})))
            .says("cpu", "256")
            .says("memory", "4096"),
        broken(
            "networkMode",
            "another than awsvpc",
            fargate(json!({"networkMode": "bridge"})),
        ),
        broken(
            "networkMode",
            "another than awsvpc",
            fargate(json!({"networkMode": null})),
        ),
        broken("cpu", "not within 128 and 196608", task(json!({"cpu": "127"}))),
        broken("cpu", "not within 128 and 196608", task(json!({"cpu": "196609"}))),
        broken("cpu", "is no number", task(json!({"cpu": "many"}))).says("member", "cpu"),
        broken("cpu", "is no number", task(json!({"memory": "1 MB"}))).says("member", "memory"),
    ]
}

fn joined() -> Vec<Case> {
    let broken = |member, when, input| case("RegisterTaskDefinition", member, when, input);
    let depends = "containerDefinitions[].dependsOn";
    let mounts = "containerDefinitions[].mountPoints";
    let back = json!({"dependsOn": [{"containerName": "web", "condition": "START"}]});
    let nobody = json!({"dependsOn": [{"containerName": "nobody", "condition": "START"}]});
    let logs =
        |options: Value| one(json!({"logConfiguration": {"logDriver": "awslogs", "options": options}}));
    let options = "containerDefinitions[].logConfiguration.options";
    vec![
        broken(
            "containerDefinitions",
            "the same name",
            containers(&json!([container(json!({})), container(json!({})),])),
        ),
        broken(
            "containerDefinitions",
            "no container is essential",
            one(json!({"essential": false})),
        ),
        broken(depends, "a container that is not there", one(nobody)).says("name", "nobody"),
        broken(depends, "in a circle", waits("START", back)),
        broken(depends, "SUCCESS or COMPLETE", waits("SUCCESS", json!({}))),
        broken(
            depends,
            "SUCCESS or COMPLETE",
            waits("COMPLETE", json!({"essential": true})),
        ),
        broken(depends, "without a health check", waits("HEALTHY", json!({}))),
        broken(options, "lacks", logs(json!({}))).says("options", "awslogs-region, awslogs-group"),
        broken(options, "lacks", logs(json!({"awslogs-region": "eu-west-1"})))
            .says("options", "awslogs-group"),
        broken(
            mounts,
            "names what is not there",
            one(json!({
                "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
            })),
        )
        .says("name", "data"),
        broken(
            mounts,
            "names what is not there",
            one(json!({
                "volumesFrom": [{"sourceContainer": "nobody"}],
            })),
        )
        .says("name", "nobody"),
        broken(
            "volumes",
            "the same name",
            task(json!({"volumes": [{"name": "data"}, {"name": "data"}]})),
        )
        .says("name", "data"),
    ]
}

/// What of a container needs something else of it, or of the task.
fn equipped() -> Vec<Case> {
    let broken = |member, when, input| case("RegisterTaskDefinition", member, when, input);
    let secret = json!([{"name": "A", "valueFrom": "/a"}]);
    let limit = |soft: i32, hard: i32| json!({"name": "nofile", "softLimit": soft, "hardLimit": hard});
    let limits = "containerDefinitions[].ulimits";
    let router =
        |name: &str| container(json!({"name": name, "firelensConfiguration": {"type": "fluentbit"}}));
    let long = one(json!({"environment": [{"name": "A", "value": "v".repeat(65_536)}]}));
    let length = long.to_string().len().to_string();
    vec![
        broken(
            "containerDefinitions[].secrets[].name",
            "another variable",
            one(json!({
                "environment": [{"name": "A", "value": "1"}], "secrets": secret,
            })),
        )
        .says("name", "A"),
        broken("executionRoleArn", "has secrets", one(json!({"secrets": secret}))),
        broken(
            "containerDefinitions[].environmentFiles[].value",
            "no ARN of S3",
            one(json!({"environmentFiles": [{"value": "s3://files/a.env", "type": "s3"}]})),
        ),
        broken(
            "containerDefinitions[].environmentFiles[].value",
            "does not end in .env",
            one(json!({
                "environmentFiles": [{"value": "arn:aws:s3:::files/a.txt", "type": "s3"}],
            })),
        )
        .says("container", "app"),
        broken(
            limits,
            "above its hard limit",
            one(json!({"ulimits": [limit(2, 1)]})),
        )
        .says("container", "app"),
        broken(
            limits,
            "is given twice",
            one(json!({"ulimits": [limit(1, 1), limit(1, 2)]})),
        )
        .says("container", "app"),
        broken(
            "containerDefinitions[].firelensConfiguration",
            "two containers",
            containers(&json!([router("one"), router("two"),])),
        ),
        broken("tags", "there and empty", task(json!({"tags": []}))),
        broken(
            "containerDefinitions[].image",
            "longer than 255",
            one(json!({"image": "i".repeat(256)})),
        ),
        broken(
            "containerDefinitions[].image",
            "none of sha256",
            one(json!({"image": "app@sha256:0af3"})),
        )
        .says("container", "app"),
        broken(
            "containerDefinitions[].firelensConfiguration",
            "none sends it any",
            containers(&json!([router("one")])),
        ),
        broken(
            "containerDefinitions[].user",
            "another than 0",
            containers(&json!([
                with(router("one"), json!({"user": "root"})),
                container(json!({"logConfiguration": {"logDriver": "awsfirelens"}})),
            ])),
        ),
        broken(
            "containerDefinitions[].logConfiguration.logDriver",
            "no container routes logs",
            one(json!({
                "logConfiguration": {"logDriver": "awsfirelens"},
            })),
        ),
        broken("", "longer than 65536 bytes", long).says("length", length),
    ]
}

/// Settings that cannot be, each by itself.
fn alone() -> Vec<Case> {
    let broken = |member, when, input| case("RegisterTaskDefinition", member, when, input);
    let own = |member: &'static str, more: Value| {
        let when = match member {
            "containerDefinitions[].restartPolicy" => "is not enabled",
            "containerDefinitions[].resourceRequirements" => "cannot be had",
            _ => "is empty",
        };
        broken(member, when, one(more)).says("container", "app")
    };
    vec![
        own(
            "containerDefinitions[].environment[].name",
            json!({"environment": [{"name": "", "value": "1"}]}),
        ),
        own(
            "containerDefinitions[].secrets[].name",
            json!({"secrets": [{"name": "", "valueFrom": "/a"}]}),
        ),
        own(
            "containerDefinitions[].secrets[].valueFrom",
            json!({"secrets": [{"name": "A", "valueFrom": ""}]}),
        ),
        own(
            "containerDefinitions[].restartPolicy",
            json!({"restartPolicy": {"enabled": false, "ignoredExitCodes": [1]}}),
        ),
        own(
            "containerDefinitions[].resourceRequirements",
            json!({"resourceRequirements": [{"type": "GPU", "value": "none"}]}),
        ),
        own(
            "containerDefinitions[].resourceRequirements",
            json!({"resourceRequirements": [{"type": "InferenceAccelerator", "value": "device_1"}]}),
        ),
        broken(
            "inferenceAccelerators",
            "there are any",
            task(json!({"inferenceAccelerators": [{"deviceName": "device_1", "deviceType": "eia2.medium"}]})),
        ),
        broken(
            "taskRoleArn",
            "of no role",
            task(json!({"taskRoleArn": "arn:aws:iam::123456789012:user/app"})),
        ),
        broken(
            "executionRoleArn",
            "of no role",
            task(json!({"executionRoleArn": "arn:aws:sts::123456789012:role/app"})),
        ),
        broken(
            "placementConstraints[].expression",
            "cannot be read",
            task(json!({"placementConstraints": [{"type": "memberOf", "expression": "rack =="}]})),
        ),
    ]
}

fn stored() -> Vec<Case> {
    let broken = |member, when, input| case("RegisterTaskDefinition", member, when, input);
    let volumes = |volumes: Value| task(json!({"volumes": volumes}));
    let efs = |more: Value| {
        let least = json!({"fileSystemId": "fs-0a1b2c3d"});
        volumes(json!([{"name": "data", "efsVolumeConfiguration": with(least, more)}]))
    };
    let at_launch = |name: &str| json!({"name": name, "configuredAtLaunch": true});
    vec![
        broken(
            "volumes",
            "configured at launch",
            volumes(json!([at_launch("a"), at_launch("b")])),
        ),
        broken(
            "volumes[]",
            "of two kinds",
            volumes(json!([{
                "name": "data", "host": {"sourcePath": "/data"}, "dockerVolumeConfiguration": {},
            }])),
        )
        .says("name", "data"),
        broken(
            "volumes[].dockerVolumeConfiguration.autoprovision",
            "another than shared",
            volumes(json!([{
                "name": "data", "dockerVolumeConfiguration": {"autoprovision": true, "scope": "task"},
            }])),
        )
        .says("name", "data"),
        broken(
            "volumes[].efsVolumeConfiguration.transitEncryption",
            "IAM is used",
            efs(json!({
                "authorizationConfig": {"iam": "ENABLED"},
            })),
        ),
        broken(
            "volumes[].efsVolumeConfiguration.transitEncryption",
            "an access point is used",
            efs(json!({
                "authorizationConfig": {"accessPointId": "fsap-0a1b2c3d"},
            })),
        ),
        broken(
            "volumes[].efsVolumeConfiguration.transitEncryptionPort",
            "is not ENABLED",
            efs(json!({"transitEncryptionPort": 2999})),
        ),
        broken(
            "containerDefinitions[].mountPoints[].containerPath",
            "given twice",
            with(
                one(json!({"mountPoints": [
                    {"sourceVolume": "a", "containerPath": "/a"}, {"sourceVolume": "a", "containerPath": "/a"},
                ]})),
                json!({"volumes": [{"name": "a"}]}),
            ),
        )
        .says("container", "app"),
        broken(
            "volumes[].efsVolumeConfiguration.rootDirectory",
            "another than /",
            efs(json!({
                "transitEncryption": "ENABLED", "rootDirectory": "/data",
                "authorizationConfig": {"accessPointId": "fsap-0a1b2c3d"},
            })),
        ),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let named = |name: &str| json!({"taskDefinition": name});
    let off = "DeregisterTaskDefinition";
    let mut cases = vec![
        case(
            "DescribeTaskDefinition",
            "taskDefinition",
            "there is no such",
            named("nothing"),
        ),
        case(
            "DescribeTaskDefinition",
            "taskDefinition",
            "there is no such",
            named("app:2"),
        ),
        case(off, "taskDefinition", "has no revision", named("app")),
        case(off, "taskDefinition", "there is no such", named("app:2")),
        case(off, "taskDefinition", "there is no such", named("nothing:1")),
        case(off, "taskDefinition", "being deleted", named("going:1")),
    ];
    for operation in operations("taskDefinition", "the revision is no number above 0") {
        for revision in ["0", "-1", "+1", "latest"] {
            let input = with(
                valid::input(operation, &World::described()),
                json!({"taskDefinition": format!("app:{revision}")}),
            );
            // A service that others deploy takes no task definition of its own.
            let input = match operation {
                Operation::UpdateService => with(input, json!({"service": "served"})),
                _ => input,
            };
            let input = with(input, json!({"cluster": "default"}));
            let case = case(operation.name(), "taskDefinition", "no number above 0", input);
            cases.push(case.says("value", revision));
        }
    }
    cases.extend(sized());
    cases.extend(joined());
    cases.extend(equipped());
    cases.extend(alone());
    cases.extend(stored());
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-definitions-1").await;
    let going = with(one(json!({})), json!({"family": "going"}));
    place.ok("RegisterTaskDefinition", going).await;
    place
        .ok("DeregisterTaskDefinition", json!({"taskDefinition": "going:1"}))
        .await;
    place
        .ok("DeleteTaskDefinitions", json!({"taskDefinitions": ["going:1"]}))
        .await;
    let external =
        json!({"serviceName": "sets", "desiredCount": 0, "deploymentController": {"type": "EXTERNAL"}});
    place.ok("CreateService", external).await;
    let served = json!({"serviceName": "served", "taskDefinition": "plain", "desiredCount": 0});
    place.ok("CreateService", served).await;
    place.answers(&cases()).await;
}
