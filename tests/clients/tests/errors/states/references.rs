//! ARNs where a name may be an ARN too: of something else, of somebody else, of somewhere else.

use kecs_model::{Operation, Row};
use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, states, with};
use crate::valid::{self, World, network};

/// The region of this place.
const HERE: &str = "eu-references-1";

const KIND: &str = "an ARN is of another kind of resource";
const PARTS: &str = "an ARN has not the parts that it should have";
const ACCOUNT: &str = "an ARN is of another account";
const REGION: &str = "an ARN is of another region";
const CLUSTER: &str = "an ARN is of another cluster than the one that is named";

async fn set_up(place: &mut Place) {
    let on_fargate = json!({
        "serviceName": "old", "taskDefinition": "app", "desiredCount": 0, "launchType": "FARGATE",
        "networkConfiguration": network(),
    });
    place.ok("CreateService", on_fargate).await;
    let external =
        json!({"serviceName": "sets", "desiredCount": 0, "deploymentController": {"type": "EXTERNAL"}});
    place.ok("CreateService", external).await;
}

/// A request that is right but for this member, which is `text`.
fn naming(operation: Operation, member: &str, text: &str) -> Value {
    let right = valid::input(operation, &World::described()).to_string();
    let right = right.replace("arn:aws:ecs:us-east-1:123456789012:", "<arn>");
    let right: Value = serde_json::from_str(&right).unwrap();
    let by = json!([{"capacityProvider": text}]);
    let target = json!([{"name": "rack", "value": "7", "targetId": text}]);
    let more = match (operation, member) {
        (_, "capacityProviderStrategy[].capacityProvider") => {
            json!({"launchType": null, "capacityProviderStrategy": by})
        }
        (_, "defaultCapacityProviderStrategy[].capacityProvider") => {
            json!({"cluster": right.get("cluster"), "capacityProviders": [], "defaultCapacityProviderStrategy": by})
        }
        (Operation::PutClusterCapacityProviders, "capacityProviders[]") => {
            json!({"cluster": "default", "capacityProviders": [text], "defaultCapacityProviderStrategy": []})
        }
        (_, "attributes[].targetId") => json!({"attributes": target}),
        (_, member) => match member.strip_suffix("[]") {
            Some(list) => json!({list: [text]}),
            None => json!({member: text}),
        },
    };
    let more = match operation {
        Operation::PutClusterCapacityProviders if member != "cluster" => {
            with(more, json!({"cluster": "default"}))
        }
        _ => more,
    };
    with(right, more)
}

/// The type of what a member names, as it stands in ARNs.
fn kind(member: &str) -> &'static str {
    match member.trim_end_matches("[]") {
        "cluster" | "clusters" => "cluster",
        "service" | "services" | "serviceName" => "service",
        "task" | "tasks" => "task",
        "containerInstance" | "containerInstances" | "containerInstanceArn" | "attributes[].targetId" => {
            "container-instance"
        }
        "taskDefinition" => "task-definition",
        "taskSet" | "taskSets" | "primaryTaskSet" => "task-set",
        "serviceDeploymentArn" | "serviceDeploymentArns" => "service-deployment",
        _ => "capacity-provider",
    }
}

fn broken(row: &'static Row) -> Option<Case> {
    let kind = kind(&row.member);
    let when = row.when.as_deref()?;
    let of = |text: &str| {
        let input = naming(row.operation, &row.member, text);
        case(row.operation.name(), &row.member, when, input)
    };
    let rest = match kind {
        "cluster" | "capacity-provider" => "one",
        "task-definition" => "one:1",
        "service-deployment" => "default/old/0123456789abcdef",
        "task-set" => "default/sets/ecs-svc/1234567890123456789",
        "service" => "default/old",
        _ => "default/0123456789abcdef0123456789abcdef",
    };
    match when {
        KIND => Some(of("<arn>daemon/default/web").says("kind", "daemon")),
        PARTS => Some(of("arn:nothing")),
        ACCOUNT => {
            let case = of(&format!("arn:aws:ecs:{HERE}:210987654321:{kind}/{rest}"));
            Some(case.says("other", "210987654321").says("account", "<account>"))
        }
        REGION => {
            let case = of(&format!("arn:aws:ecs:eu-elsewhere-1:<account>:{kind}/{rest}"));
            Some(case.says("other", "eu-elsewhere-1").says("region", HERE))
        }
        CLUSTER => {
            let case = of(&format!(
                "<arn>{kind}/green/{}",
                rest.trim_start_matches("default/")
            ));
            Some(case.says("other", "green").says("cluster", "default"))
        }
        _ => None,
    }
}

pub(super) fn cases() -> Vec<Case> {
    states().filter_map(broken).collect()
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions(HERE).await;
    set_up(&mut place).await;
    let cases = cases();
    assert!(cases.len() > 250, "{}", cases.len());
    place.answers(&cases).await;
}
