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
            "taskSet",
            no_such,
            with(of("taskSet", nobody), scale),
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
    ]
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-sets-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
