//! Callers who have opted out of long ARNs.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, with};
use crate::valid::network;

/// What was made before has a short ARN, too.
async fn set_up(place: &mut Place) {
    place.machine("machine", "default", None).await;
    for name in ["serviceLongArnFormat", "taskLongArnFormat"] {
        place
            .ok("PutAccountSetting", json!({"name": name, "value": "disabled"}))
            .await;
    }
    place.ok("CreateService", service("old")).await;
}

fn service(name: &str) -> Value {
    json!({
        "serviceName": name, "taskDefinition": "app", "desiredCount": 0, "launchType": "FARGATE",
        "networkConfiguration": network(),
    })
}

pub(super) fn cases() -> Vec<Case> {
    let tags = json!([{"key": "team", "value": "dev"}]);
    let tagged = |operation, input: Value| {
        let input = with(input, json!({"tags": tags}));
        case(operation, "tags", "opted out of long ARNs", input)
    };
    let arn = "<arn>service/default/old";
    let short = |operation, more: Value| {
        let input = with(json!({"resourceArn": arn}), more);
        case(operation, "resourceArn", "made with a short ARN", input)
    };
    let start = json!({"taskDefinition": "plain", "containerInstances": ["<machine>"]});
    let run = json!({"taskDefinition": "plain", "launchType": "EC2"});
    vec![
        tagged("CreateService", service("new")),
        tagged("RunTask", run),
        tagged("StartTask", start),
        short("TagResource", json!({"tags": tags})),
        short("UntagResource", json!({"tagKeys": ["team"]})),
        short("ListTagsForResource", json!({})),
    ]
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-short-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
