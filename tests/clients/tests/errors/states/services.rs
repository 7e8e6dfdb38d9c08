//! Services and their deployments.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, operations, with};
use crate::valid::{self, World, network};

/// A namespace that is none.
const ROLE: &str = "arn:aws:iam::123456789012:role/internal";

const STRATEGY: &str = "deploymentConfiguration.strategy";

const HOOKS: &str = "deploymentConfiguration.lifecycleHooks";

async fn set_up(place: &mut Place) {
    place.ok("CreateCluster", json!({"clusterName": "over"})).await;
    place.ok("DeleteCluster", json!({"cluster": "over"})).await;
    for name in ["web", "ending"] {
        place.ok("CreateService", service(name, 1)).await;
    }
    let spot = json!({"clusterName": "spot", "capacityProviders": ["FARGATE_SPOT"]});
    place.ok("CreateCluster", spot).await;
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let on_spot = json!({"cluster": "spot", "launchType": null, "capacityProviderStrategy": strategy});
    place.ok("CreateService", with(service("web", 0), on_spot)).await;
    place
        .ok(
            "CreateService",
            json!({
                "serviceName": "each", "taskDefinition": "plain", "schedulingStrategy": "DAEMON",
            }),
        )
        .await;
    place
        .ok(
            "CreateService",
            json!({
                "serviceName": "sets", "desiredCount": 0, "deploymentController": {"type": "EXTERNAL"},
            }),
        )
        .await;
    // Its task is there, and stops for as long as anybody looks.
    let runs = |it: &Value| it["services"][0]["runningCount"] == 1;
    place
        .until("DescribeServices", json!({"services": ["ending"]}), runs)
        .await;
    place
        .ok("DeleteService", json!({"service": "ending", "force": true}))
        .await;
    let done = json!({"service": "web", "status": ["SUCCESSFUL"]});
    let ended = |it: &Value| it["serviceDeployments"][0].is_object();
    let ended = place.until("ListServiceDeployments", done, ended).await;
    place.keep("ended", &ended["serviceDeployments"][0]["serviceDeploymentArn"]);
}

fn service(name: &str, count: i32) -> Value {
    json!({
        "serviceName": name, "taskDefinition": "app", "desiredCount": count, "launchType": "FARGATE",
        "networkConfiguration": network(),
    })
}

fn created() -> Vec<Case> {
    let broken = |member, when, input| case("CreateService", member, when, input);
    let new = |more: Value| with(service("new", 1), more);
    let daemon = |more: Value| {
        with(
            json!({"serviceName": "new", "taskDefinition": "plain", "schedulingStrategy": "DAEMON"}),
            more,
        )
    };
    let percent = "deploymentConfiguration.maximumPercent";
    vec![
        broken(
            "taskDefinition",
            "is missing",
            new(json!({"taskDefinition": null})),
        ),
        broken("desiredCount", "is missing", new(json!({"desiredCount": null}))),
        broken(
            "desiredCount",
            "is given and the strategy is DAEMON",
            daemon(json!({"desiredCount": 1})),
        ),
        broken(percent, "DAEMON", daemon(percents(101, 0))),
        broken(percent, "are both 100", new(percents(100, 100))),
        broken(STRATEGY, "another than ROLLING", new(by("CANARY"))).says("strategy", "CANARY"),
        broken(HOOKS, "lifecycle hooks", new(hooked())),
        broken("gatewayConnectors", "gateway connectors", new(connectors())),
        broken("serviceName", "is another", service("web", 2)),
        broken("serviceName", "is DRAINING", service("ending", 1)),
        broken(
            "serviceConnectConfiguration.namespace",
            "Cloud Map",
            new(connected()),
        ),
        broken(
            "healthCheckGracePeriodSeconds",
            "without a load balancer",
            new(grace()),
        ),
    ]
}

fn percents(maximum: i32, minimum: i32) -> Value {
    json!({"deploymentConfiguration": {"maximumPercent": maximum, "minimumHealthyPercent": minimum}})
}

fn connected() -> Value {
    json!({"serviceConnectConfiguration": {"enabled": true, "namespace": ROLE}})
}

fn by(strategy: &str) -> Value {
    json!({"deploymentConfiguration": {"strategy": strategy}})
}

fn hooked() -> Value {
    json!({"deploymentConfiguration": {"lifecycleHooks": [{
        "hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:look",
        "roleArn": ROLE,
        "lifecycleStages": ["PRE_SCALE_UP"],
    }]}})
}

fn connectors() -> Value {
    json!({"gatewayConnectors": [{"portName": "http"}]})
}

fn grace() -> Value {
    json!({"healthCheckGracePeriodSeconds": 30})
}

fn updated() -> Vec<Case> {
    let broken = |member, when, service: &str, more: Value| {
        case(
            "UpdateService",
            member,
            when,
            with(json!({"service": service}), more),
        )
    };
    let instead = "Create a task set to trigger a new deployment.";
    let percent = "deploymentConfiguration.maximumPercent";
    let of_others = |what, more| {
        broken("", "what the tasks are made from is changed", "sets", more)
            .says("what", what)
            .says("controller", "EXTERNAL")
            .says("instead", instead)
    };
    vec![
        broken("desiredCount", "DAEMON", "each", json!({"desiredCount": 1})),
        broken(percent, "DAEMON", "each", percents(101, 0)),
        broken(percent, "are both 100", "web", percents(100, 100)),
        broken(STRATEGY, "another than ROLLING", "web", by("BLUE_GREEN")).says("strategy", "BLUE_GREEN"),
        broken(STRATEGY, "another than ROLLING", "web", by("LINEAR")).says("strategy", "LINEAR"),
        broken(HOOKS, "lifecycle hooks", "web", hooked()),
        broken("gatewayConnectors", "gateway connectors", "web", connectors()),
        broken(
            "serviceConnectConfiguration.namespace",
            "Cloud Map",
            "web",
            connected(),
        ),
        broken(
            "healthCheckGracePeriodSeconds",
            "without a load balancer",
            "web",
            grace(),
        ),
        broken(
            "capacityProviderStrategy",
            "was created with a strategy",
            "web",
            json!({"cluster": "spot", "capacityProviderStrategy": [], "forceNewDeployment": true}),
        ),
        of_others("task definition", json!({"taskDefinition": "app"})),
        of_others("network parameters", json!({"networkConfiguration": network()})),
        of_others("platform version", json!({"platformVersion": "LATEST"})),
        broken(
            "forceNewDeployment",
            "EXTERNAL or CODE_DEPLOY",
            "sets",
            json!({"forceNewDeployment": true}),
        )
        .says("controller", "EXTERNAL")
        .says("instead", instead),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let stop = |arn: &str| json!({"serviceDeploymentArn": arn});
    let nothing = "<arn>service-deployment/default/web/0123456789abcdef";
    let other = "<arn>service/default/web";
    let revisions = |when, arns: &[&str]| {
        let input = json!({"serviceRevisionArns": arns});
        case("DescribeServiceRevisions", "serviceRevisionArns", when, input)
    };
    let revision = |service: &str| format!("<arn>service-revision/default/{service}/1234567890123456789");
    let mut cases = vec![
        case(
            "StopServiceDeployment",
            "serviceDeploymentArn",
            "another kind",
            stop(other),
        )
        .says("kind", "service"),
        case(
            "DescribeServiceDeployments",
            "serviceDeploymentArns[]",
            "another kind",
            json!({
                "serviceDeploymentArns": [other],
            }),
        )
        .says("kind", "service"),
        revisions("one is no ARN", &["web"]),
        revisions("one is not the ARN of a service revision", &[other]),
        revisions("of more than one service", &[&revision("web"), &revision("old")]),
        revisions("there is no such service", &[&revision("nothing")]),
        revisions(
            "the cluster is not there",
            &["<arn>service-revision/nowhere/web/1234567890123456789"],
        ),
        revisions(
            "the cluster is INACTIVE",
            &["<arn>service-revision/over/web/1234567890123456789"],
        ),
        case(
            "DeleteService",
            "force",
            "desiredCount is above 0",
            json!({"service": "web"}),
        ),
        case(
            "StopServiceDeployment",
            "serviceDeploymentArn",
            "there is no such",
            stop(nothing),
        ),
        case(
            "StopServiceDeployment",
            "serviceDeploymentArn",
            "has ended",
            stop("<ended>"),
        ),
    ];
    cases.extend(created());
    cases.extend(updated());
    let world = World::described();
    for (when, name) in [
        ("there is no such service", "nobody"),
        ("the service is not ACTIVE", "ending"),
    ] {
        for operation in operations("service", when) {
            let input = with(valid::input(operation, &world), json!({"service": name}));
            cases.push(case(operation.name(), "service", when, input));
        }
    }
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-services-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}

#[tokio::test]
async fn a_task_definition_that_is_not_there_goes_before_what_does_not_go_together() {
    let mut place = Place::with_definitions("eu-services-2").await;
    set_up(&mut place).await;
    let cases = created().into_iter().chain(updated());
    // The name of a service is looked at before, and so is who deploys it.
    let cases = cases.filter(|it| it.member != "serviceName" && it.input["service"] != "sets");
    let nothing: Vec<Case> = cases
        .map(|it| it.but("taskDefinition", "nothing", "there is no such"))
        .collect();
    assert!(nothing.len() > 10);
    place.answers(&nothing).await;
}
