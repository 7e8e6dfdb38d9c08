//! Tags, of new resources and of those that are there.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, operations, with};
use crate::valid::{self, World, network};

async fn set_up(place: &mut Place) {
    let tags: Vec<Value> = (0..50)
        .map(|nth| json!({"key": format!("k{nth}"), "value": "v"}))
        .collect();
    place
        .ok(
            "TagResource",
            json!({"resourceArn": "<arn>cluster/default", "tags": tags}),
        )
        .await;
    place.machine("machine", "default", None).await;
    place.ok("CreateCluster", json!({"clusterName": "over"})).await;
    place.ok("DeleteCluster", json!({"cluster": "over"})).await;
    let over = json!({"serviceName": "over", "taskDefinition": "plain", "desiredCount": 0});
    place.ok("CreateService", over).await;
    place.ok("DeleteService", json!({"service": "over"})).await;
    let inactive = |it: &Value| it["services"][0]["status"] == "INACTIVE";
    place
        .until("DescribeServices", json!({"services": ["over"]}), inactive)
        .await;
    // Its image cannot be pulled.
    let hopeless = json!({"family": "hopeless", "containerDefinitions": [
        {"name": "app", "image": "registry.invalid/app:1", "memory": 64},
    ]});
    place.ok("RegisterTaskDefinition", hopeless).await;
    let run = json!({"taskDefinition": "hopeless", "launchType": "EC2"});
    let run = place.ok("RunTask", run).await;
    place.keep("over", &run["tasks"][0]["taskArn"]);
    let stopped = |it: &Value| it["tasks"][0]["lastStatus"] == "STOPPED";
    place
        .until("DescribeTasks", json!({"tasks": ["<over>"]}), stopped)
        .await;
    place
        .ok(
            "CreateService",
            json!({
                "serviceName": "sets", "desiredCount": 0, "deploymentController": {"type": "EXTERNAL"},
            }),
        )
        .await;
}

/// What an operation makes, with these tags.
fn tagged(operation: kecs_model::Operation, tags: &Value) -> Value {
    let input = match operation.name() {
        "StartTask" => json!({"taskDefinition": "plain", "containerInstances": ["<machine>"]}),
        "RunTask" => json!({
            "taskDefinition": "app", "launchType": "FARGATE", "networkConfiguration": network(),
        }),
        "CreateTaskSet" => json!({
            "service": "sets", "cluster": "default", "taskDefinition": "app", "launchType": "FARGATE",
            "networkConfiguration": network(),
        }),
        "CreateService" => json!({
            "serviceName": "new", "taskDefinition": "app", "desiredCount": 0, "launchType": "FARGATE",
            "networkConfiguration": network(),
        }),
        "TagResource" => json!({"resourceArn": "<arn>cluster/default"}),
        _ => valid::input(operation, &World::described()),
    };
    with(input, json!({"tags": tags}))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let (reserved, twice) = (
        "a key begins with aws: in any case of its letters",
        "a key is given twice",
    );
    for operation in operations("tags[].key", reserved) {
        for key in ["aws:team", "AWS:", "aWs:team"] {
            let input = tagged(
                operation,
                &json!([{"key": "k0", "value": "v"}, {"key": key, "value": "v"}]),
            );
            cases.push(case(operation.name(), "tags[].key", reserved, input));
        }
    }
    for operation in operations("tags", twice) {
        let input = tagged(
            operation,
            &json!([{"key": "k0", "value": "v"}, {"key": "k0", "value": "w"}]),
        );
        cases.push(case(operation.name(), "tags", twice, input));
    }
    for operation in ["TagResource", "UntagResource", "ListTagsForResource"] {
        let of = |arn: &str| match operation {
            "TagResource" => json!({"resourceArn": arn, "tags": [{"key": "k0", "value": "v"}]}),
            "UntagResource" => json!({"resourceArn": arn, "tagKeys": ["k0"]}),
            _ => json!({"resourceArn": arn}),
        };
        let broken = |when, arn| case(operation, "resourceArn", when, of(arn));
        cases.extend([
            broken("the ARN is none", "nothing"),
            broken("the ARN is none", "<arn>daemon/default/web"),
            broken("the old form", "<arn>service/web"),
            broken("the old form", "<arn>task/0123456789abcdef0123456789abcdef"),
            broken("there is no such resource", "<arn>service/default/nobody"),
            broken("there is no such resource", "<arn>task-definition/app:2"),
            broken("of a cluster that is not there", "<arn>cluster/nowhere"),
            broken("the cluster is INACTIVE", "<arn>cluster/over"),
            broken("the service is INACTIVE", "<arn>service/default/over"),
            broken("the task is STOPPED", "<over>"),
        ]);
    }
    for key in ["aws:team", "AWS:", "aWs:team"] {
        let input = json!({"resourceArn": "<arn>cluster/default", "tagKeys": ["k0", key]});
        cases.push(case("UntagResource", "tagKeys[]", reserved, input));
    }
    cases.push(case(
        "TagResource",
        "tags",
        "more than 50 tags",
        json!({
            "resourceArn": "<arn>cluster/default", "tags": [{"key": "one more", "value": "v"}],
        }),
    ));
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-tags-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
