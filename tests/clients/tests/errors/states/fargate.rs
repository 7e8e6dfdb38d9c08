//! Task definitions for Fargate and for machines outside of AWS: what these have not.

use serde_json::{Value, json};

use super::definitions::{container, fargate, task};
use super::place::Place;
use super::{Case, case, with};

pub(super) fn cases() -> Vec<Case> {
    let broken = |member, when, input| case("RegisterTaskDefinition", member, when, input);
    let of = |more: Value| fargate(json!({"containerDefinitions": [container(more)]}));
    let unsupported = |member: &'static str, input| {
        broken("requiresCompatibilities", "it has FARGATE", input).says("member", member)
    };
    let outside = |member: &'static str, more: Value| {
        let mut input = task(more);
        input["requiresCompatibilities"] = json!(["EXTERNAL"]);
        broken("requiresCompatibilities", "it has EXTERNAL", input).says("member", member)
    };
    let driver = "containerDefinitions[].logConfiguration.logDriver";
    let logs = |driver: &str, options: Value| {
        of(json!({"logConfiguration": {"logDriver": driver, "options": options}}))
    };
    let group = json!({"awslogs-region": "eu-west-1", "awslogs-group": "web"});
    vec![
        unsupported("privileged", of(json!({"privileged": true}))),
        unsupported(
            "dockerSecurityOptions",
            of(json!({"dockerSecurityOptions": ["no-new-privileges"]})),
        ),
        unsupported(
            "resourceRequirements",
            of(json!({"resourceRequirements": [{"type": "NeuronDevice", "value": "1"}]})),
        ),
        broken(
            "containerDefinitions[].resourceRequirements",
            "a GPU is asked for",
            of(json!({"resourceRequirements": [{"type": "GPU", "value": "1"}]})),
        ),
        broken(
            "containerDefinitions[].linuxParameters.capabilities.add",
            "another than SYS_PTRACE",
            of(json!({"linuxParameters": {"capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]}}})),
        )
        .says("value", "NET_ADMIN"),
        broken(
            "containerDefinitions[].stopTimeout",
            "above 120",
            of(json!({"stopTimeout": 121})),
        ),
        broken(
            "ephemeralStorage",
            "has EC2",
            task(json!({"requiresCompatibilities": ["EC2"], "ephemeralStorage": {"sizeInGiB": 30}})),
        ),
        unsupported("maxSwap", of(json!({"linuxParameters": {"maxSwap": 1}}))),
        unsupported(
            "sourcePath",
            fargate(json!({"volumes": [{"name": "data", "host": {"sourcePath": "/data"}}]})),
        ),
        unsupported(
            "constraints",
            fargate(json!({
                "placementConstraints": [{"type": "memberOf", "expression": "attribute:rack == 7"}],
            })),
        ),
        outside("networkMode awsvpc", json!({"networkMode": "awsvpc"})),
        outside("ephemeralStorage", json!({"ephemeralStorage": {"sizeInGiB": 30}})),
        broken("ipcMode", "has FARGATE", fargate(json!({"ipcMode": "task"}))),
        broken("pidMode", "has FARGATE", fargate(json!({"pidMode": "host"}))),
        broken(
            "containerDefinitions[].image",
            "is of ECR",
            of(json!({
                "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1",
            })),
        ),
        broken(driver, "the driver is awslogs", logs("awslogs", group.clone())),
        broken(
            "containerDefinitions[].logConfiguration.options",
            "awslogs-stream-prefix is missing",
            with(
                logs("awslogs", group),
                json!({"executionRoleArn": "arn:aws:iam::123456789012:role/execution"}),
            ),
        ),
        broken(driver, "none that Fargate has", logs("json-file", json!({}))).says("value", "json-file"),
    ]
}

#[tokio::test]
async fn answers() {
    let mut place = Place::open("eu-fargate-1").await;
    place.answers(&cases()).await;
}
