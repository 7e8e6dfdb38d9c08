//! What the strategies and deployment controllers of services do not go with.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, with};
use crate::valid::{fargate, network};

async fn set_up(place: &mut Place) {
    place
        .ok(
            "RegisterTaskDefinition",
            with(fargate("powerless"), json!({"taskRoleArn": null})),
        )
        .await;
    let mut open = fargate("open");
    open["containerDefinitions"][0]["portMappings"] = json!([{"containerPort": 80}]);
    place.ok("RegisterTaskDefinition", open).await;
    place.ok("CreateService", service("web")).await;
    place.ok("CreateService", daemon("each")).await;
    place.ok("CreateService", external("sets")).await;
}

fn service(name: &str) -> Value {
    json!({
        "serviceName": name, "taskDefinition": "app", "desiredCount": 0, "launchType": "FARGATE",
        "networkConfiguration": network(),
    })
}

fn daemon(name: &str) -> Value {
    json!({"serviceName": name, "taskDefinition": "plain", "schedulingStrategy": "DAEMON"})
}

fn external(name: &str) -> Value {
    json!({"serviceName": name, "desiredCount": 0, "deploymentController": {"type": "EXTERNAL"}})
}

/// What a service on Fargate is deployed with.
fn balancer() -> Value {
    json!([{
        "targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef",
        "containerName": "app", "containerPort": 80,
    }])
}

fn created() -> Vec<Case> {
    let broken = |member, when, input, more| case("CreateService", member, when, with(input, more));
    let controller = |kind: &str| json!({"deploymentController": {"type": kind}});
    let role = "arn:aws:iam::123456789012:role/balancer";
    let of_daemon = "the strategy is DAEMON";
    let by = json!([{"capacityProvider": "FARGATE", "weight": 1}]);
    let outside = |member: &'static str, value: Value| {
        broken(member, "is EXTERNAL", external("new"), json!({member: value}))
    };
    vec![
        broken(
            "deploymentController",
            "another than ECS",
            daemon("new"),
            controller("EXTERNAL"),
        )
        .says("controller", "EXTERNAL"),
        broken(
            "deploymentController",
            "another than ECS",
            daemon("new"),
            controller("CODE_DEPLOY"),
        )
        .says("controller", "CODE_DEPLOY"),
        broken(
            "launchType",
            "launchType is FARGATE",
            daemon("new"),
            json!({"launchType": "FARGATE"}),
        ),
        broken(
            "capacityProviderStrategy",
            of_daemon,
            daemon("new"),
            json!({"capacityProviderStrategy": by}),
        ),
        broken(
            "placementStrategy",
            of_daemon,
            daemon("new"),
            json!({"placementStrategy": [{"type": "random"}]}),
        ),
        broken(
            "volumeConfigurations",
            of_daemon,
            daemon("new"),
            json!({"volumeConfigurations": [{"name": "data"}]}),
        ),
        outside("taskDefinition", json!("app")),
        outside("networkConfiguration", network()),
        outside("platformVersion", json!("LATEST")),
        outside("loadBalancers", balancer()),
        broken(
            "loadBalancers",
            "is CODE_DEPLOY",
            service("new"),
            controller("CODE_DEPLOY"),
        ),
        broken(
            "enableExecuteCommand",
            "no task role",
            service("new"),
            json!({
                "taskDefinition": "powerless", "enableExecuteCommand": true,
            }),
        ),
        broken(
            "role",
            "there is no load balancer",
            service("new"),
            json!({"role": role}),
        ),
        broken(
            "role",
            "awsvpc",
            service("new"),
            json!({
                "role": role, "taskDefinition": "open", "loadBalancers": balancer(),
            }),
        ),
    ]
}

fn updated() -> Vec<Case> {
    let broken = |member, when, service: &str, more| {
        case(
            "UpdateService",
            member,
            when,
            with(json!({"service": service}), more),
        )
    };
    let by = json!([{"capacityProvider": "FARGATE", "weight": 1}]);
    let random = json!({"placementStrategy": [{"type": "random"}]});
    vec![
        broken(
            "capacityProviderStrategy",
            "the strategy is DAEMON",
            "each",
            json!({"capacityProviderStrategy": by}),
        ),
        broken("placementStrategy", "the strategy is DAEMON", "each", random),
        broken(
            "enableExecuteCommand",
            "no task role",
            "web",
            json!({
                "taskDefinition": "powerless", "enableExecuteCommand": true,
            }),
        ),
        broken(
            "deploymentController",
            "another deployment controller",
            "web",
            json!({
                "deploymentController": {"type": "EXTERNAL"},
            }),
        )
        .says("controller", "ECS"),
    ]
}

/// What both operations refuse, of a service of each kind.
fn deployed(operation: &'static str) -> Vec<Case> {
    let of = |kind: &str| match (operation, kind) {
        ("UpdateService", name) => json!({"service": name}),
        (_, "each") => daemon("new"),
        (_, "sets") => external("new"),
        (_, _) => service("new"),
    };
    let broken = |member, when, kind: &str, more| case(operation, member, when, with(of(kind), more));
    let by = |configuration: Value| json!({"deploymentConfiguration": configuration});
    let alarms =
        |names: Value| by(json!({"alarms": {"enable": true, "rollback": false, "alarmNames": names}}));
    let breaker = || by(json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}}));
    let canary = json!({"canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1}});
    let zones = json!({"availabilityZoneRebalancing": "ENABLED"});
    vec![
        broken(
            "availabilityZoneRebalancing",
            "the strategy is DAEMON",
            "each",
            zones.clone(),
        ),
        broken(
            "availabilityZoneRebalancing",
            "something else",
            "sets",
            zones.clone(),
        ),
        broken(
            "availabilityZoneRebalancing",
            "not above 100",
            "web",
            with(
                by(json!({"maximumPercent": 100, "minimumHealthyPercent": 50})),
                zones,
            ),
        ),
        broken(
            "deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration.value",
            "above 100",
            "web",
            by(json!({"deploymentCircuitBreaker": {
                "enable": true, "rollback": false,
                "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 101},
            }})),
        )
        .says("value", "101"),
        broken(
            "deploymentConfiguration.deploymentCircuitBreaker",
            "another than ECS",
            "sets",
            breaker(),
        ),
        broken(
            "deploymentConfiguration.alarms",
            "another than ECS",
            "sets",
            alarms(json!(["slow"])),
        ),
        broken(
            "deploymentConfiguration.alarms.alarmNames",
            "none is named",
            "web",
            alarms(json!([])),
        ),
        broken(
            "deploymentConfiguration",
            "the strategy is ROLLING",
            "web",
            by(canary),
        ),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = created();
    cases.extend(updated());
    cases.extend(deployed("CreateService"));
    cases.extend(deployed("UpdateService"));
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-controllers-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
