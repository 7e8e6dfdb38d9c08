//! Task sets.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, with};
use crate::valid::network;

async fn set_up(place: &mut Place) {
    place
        .ok(
            "CreateService",
            json!({
                "serviceName": "web", "taskDefinition": "plain", "desiredCount": 0, "launchType": "EC2",
            }),
        )
        .await;
    for name in ["sets", "full"] {
        place
            .ok(
                "CreateService",
                json!({
                    "serviceName": name, "desiredCount": 0, "deploymentController": {"type": "EXTERNAL"},
                }),
            )
            .await;
    }
    let scaled = with(set("sets"), json!({"scale": {"unit": "PERCENT", "value": 0.5}}));
    let scaled = place.ok("CreateTaskSet", scaled).await;
    place.keep("scaled", &scaled["taskSet"]["id"]);
    let first = place.ok("CreateTaskSet", set("sets")).await;
    place.keep("first", &first["taskSet"]["id"]);
    place
        .ok(
            "UpdateServicePrimaryTaskSet",
            json!({
                "service": "sets", "cluster": "default", "primaryTaskSet": "<first>",
            }),
        )
        .await;
    place
        .ok("CreateTaskSet", with(set("sets"), json!({"clientToken": "once"})))
        .await;
    place
        .ok(
            "CreateService",
            json!({
                "serviceName": "busy", "desiredCount": 1, "deploymentController": {"type": "EXTERNAL"},
            }),
        )
        .await;
    // Its task is there, and stops for as long as anybody looks.
    let going = with(set("busy"), json!({"scale": {"unit": "PERCENT", "value": 100.0}}));
    let going = place.ok("CreateTaskSet", going).await;
    place.keep("going", &going["taskSet"]["id"]);
    let of_busy = json!({"service": "busy", "cluster": "default"});
    let runs = |it: &Value| it["taskSets"][0]["runningCount"] == 1;
    place.until("DescribeTaskSets", of_busy.clone(), runs).await;
    place
        .ok(
            "DeleteTaskSet",
            with(of_busy, json!({"taskSet": "<going>", "force": true})),
        )
        .await;
    for _ in 0..5 {
        place.ok("CreateTaskSet", set("full")).await;
    }
}

fn set(service: &str) -> Value {
    json!({
        "service": service, "cluster": "default", "taskDefinition": "app", "launchType": "FARGATE",
        "networkConfiguration": network(),
    })
}

pub(super) fn cases() -> Vec<Case> {
    let of = |member: &str, id: &str| json!({"service": "sets", "cluster": "default", member: id});
    let scale = json!({"scale": {"unit": "PERCENT", "value": 50.0}});
    let of_going = |member: &str, more: Value| {
        with(
            json!({"service": "busy", "cluster": "default", member: "<going>"}),
            more,
        )
    };
    let nobody = "ecs-svc/1234567890123456789";
    let (no_such, scaled) = ("there is no such task set", "is not scaled to 0");
    vec![
        case(
            "CreateTaskSet",
            "service",
            "controller of the service is ECS",
            set("web"),
        ),
        case("CreateTaskSet", "", "has five task sets", set("full")),
        case(
            "UpdateTaskSet",
            "service",
            "controller of the service is ECS",
            with(
                of("taskSet", nobody),
                with(scale.clone(), json!({"service": "web"})),
            ),
        ),
        case(
            "DeleteTaskSet",
            "service",
            "controller of the service is ECS",
            with(of("taskSet", nobody), json!({"service": "web"})),
        ),
        case(
            "UpdateServicePrimaryTaskSet",
            "service",
            "controller of the service is ECS",
            with(of("primaryTaskSet", nobody), json!({"service": "web"})),
        ),
        case(
            "UpdateTaskSet",
            "taskSet",
            no_such,
            with(of("taskSet", nobody), scale.clone()),
        ),
        case("DeleteTaskSet", "taskSet", no_such, of("taskSet", nobody)),
        case("DeleteTaskSet", "force", scaled, of("taskSet", "<scaled>")),
        case("DeleteTaskSet", "force", scaled, of("taskSet", "<first>")),
        case(
            "UpdateServicePrimaryTaskSet",
            "primaryTaskSet",
            no_such,
            of("primaryTaskSet", nobody),
        ),
        case(
            "DeleteService",
            "force",
            "a task set is scaled",
            json!({"service": "sets"}),
        ),
        case(
            "CreateTaskSet",
            "clientToken",
            "used for another request",
            with(set("sets"), json!({"clientToken": "once", "externalId": "other"})),
        ),
        case(
            "UpdateTaskSet",
            "taskSet",
            "is being deleted",
            of_going("taskSet", scale),
        ),
        case(
            "UpdateServicePrimaryTaskSet",
            "primaryTaskSet",
            "is being deleted",
            of_going("primaryTaskSet", json!({})),
        ),
    ]
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-sets-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
