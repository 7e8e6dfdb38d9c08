//! On what tasks are to run: what `RunTask`, `StartTask`, `CreateService`, `UpdateService` and `CreateTaskSet` have in
//! common.

use serde_json::{Value, json};

use super::clusters::{no_weight, two_bases};
use super::place::Place;
use super::{Case, case, with};
use crate::valid::{fargate, network, provider};

async fn set_up(place: &mut Place) {
    // What needs the newest platform version.
    let stored = with(fargate("stored"), json!({"ephemeralStorage": {"sizeInGiB": 30}}));
    place.ok("RegisterTaskDefinition", stored).await;
    // What is not for machines.
    let stored = with(
        fargate("windowless"),
        json!({"ephemeralStorage": {"sizeInGiB": 30}}),
    );
    place.ok("RegisterTaskDefinition", stored).await;
    // One that has a constraint of its own.
    let ruled = json!({
        "family": "ruled", "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 64}],
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:rack == 7"}],
    });
    place.ok("RegisterTaskDefinition", ruled).await;
    for name in ["elsewhere", "group"] {
        place.ok("CreateCapacityProvider", provider(name)).await;
    }
    place
        .ok(
            "PutClusterCapacityProviders",
            json!({
                "cluster": "default", "capacityProviders": ["FARGATE", "FARGATE_SPOT", "group"],
                "defaultCapacityProviderStrategy": [],
            }),
        )
        .await;
    place.machine("machine", "default", None).await;
    place.ok("CreateService", on_fargate("web")).await;
    place
        .ok(
            "CreateService",
            json!({
                "serviceName": "flat", "taskDefinition": "plain", "desiredCount": 0, "launchType": "EC2",
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
    place
        .ok(
            "CreateCluster",
            json!({
                "clusterName": "weightless", "capacityProviders": ["FARGATE"],
                "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE"}],
            }),
        )
        .await;
    place
        .ok(
            "CreateService",
            json!({
                "cluster": "weightless", "serviceName": "sets", "desiredCount": 0,
                "deploymentController": {"type": "EXTERNAL"},
            }),
        )
        .await;
}

fn on_fargate(name: &str) -> Value {
    json!({
        "serviceName": name, "taskDefinition": "app", "desiredCount": 0, "launchType": "FARGATE",
        "networkConfiguration": network(),
    })
}

/// An input that is right: on Fargate, or else on a machine and without a network of its own.
fn base(operation: &str, on_machine: bool) -> Value {
    let input = match operation {
        "RunTask" => with(
            on_fargate("new"),
            json!({"serviceName": null, "desiredCount": null}),
        ),
        "CreateService" => on_fargate("new"),
        "CreateTaskSet" => with(
            on_fargate("new"),
            json!({"serviceName": null, "desiredCount": null, "service": "sets", "cluster": "default"}),
        ),
        "UpdateService" if on_machine => return json!({"service": "flat"}),
        "UpdateService" => return json!({"service": "web"}),
        _ => return json!({"taskDefinition": "plain", "containerInstances": ["<machine>"]}),
    };
    if on_machine {
        let plain = json!({"taskDefinition": "plain", "launchType": "EC2", "networkConfiguration": null});
        return with(input, plain);
    }
    input
}

/// Rows of all five.
fn of_tasks(operation: &'static str) -> Vec<Case> {
    let broken = |member, when, on_machine, more: Value| {
        case(operation, member, when, with(base(operation, on_machine), more))
    };
    let (definition, net) = ("taskDefinition", "networkConfiguration");
    let mut cases = vec![
        broken(
            definition,
            "there is no such",
            false,
            json!({"taskDefinition": "nothing"}),
        ),
        broken(
            definition,
            "is INACTIVE",
            false,
            json!({"taskDefinition": "gone:1"}),
        ),
        broken(
            net,
            "awsvpc and there is no",
            true,
            json!({"taskDefinition": "app"}),
        ),
        broken(
            net,
            "another network mode",
            true,
            json!({"networkConfiguration": network()}),
        ),
    ];
    let mut public = network();
    public["awsvpcConfiguration"]["assignPublicIp"] = json!("ENABLED");
    let of_public = "networkConfiguration.awsvpcConfiguration.assignPublicIp";
    cases.push(broken(
        of_public,
        "do not run on Fargate",
        true,
        json!({
            "taskDefinition": "app", "networkConfiguration": public,
        }),
    ));
    cases
}

/// Rows of those that do not name a machine.
fn of_launches(operation: &'static str) -> Vec<Case> {
    let broken = |member, when, on_machine, more: Value| {
        case(operation, member, when, with(base(operation, on_machine), more))
    };
    let (strategy, version) = ("capacityProviderStrategy", "platformVersion");
    let by = |items: Value| json!({"launchType": null, "capacityProviderStrategy": items});
    let alone = |name: &str| by(json!([{"capacityProvider": name, "weight": 1}]));
    let mut cases = vec![
        broken(strategy, "more than one item has a base", false, by(two_bases())),
        broken(strategy, "no item has a weight", false, by(no_weight())),
        broken(
            strategy,
            "not associated with the cluster",
            false,
            alone("elsewhere"),
        ),
        broken(strategy, "is not there", false, alone("nobody")).says("name", "nobody"),
        broken(
            version,
            "there is no such platform",
            false,
            json!({"platformVersion": "9.9.9"}),
        ),
        broken(
            version,
            "cannot run the task definition",
            false,
            json!({
                "platformVersion": "1.3.0", "taskDefinition": "stored",
            }),
        ),
    ];
    let two = |one: &str, other: &str| {
        by(json!([
            {"capacityProvider": one, "weight": 1}, {"capacityProvider": other, "weight": 1},
        ]))
    };
    cases.extend([
        broken(strategy, "is given twice", false, two("FARGATE", "FARGATE")),
        broken(strategy, "some do not", false, two("group", "FARGATE")),
        broken(
            version,
            "do not run on Fargate",
            true,
            json!({"platformVersion": "LATEST"}),
        )
        .says("launch_type", "EC2"),
    ]);
    if operation == "UpdateService" {
        for more in [json!({}), json!({"forceNewDeployment": false})] {
            cases.push(broken(
                strategy,
                "forceNewDeployment is not true",
                false,
                with(alone("FARGATE_SPOT"), more),
            ));
        }
    } else {
        cases.push(broken(
            strategy,
            "of the cluster's default strategy",
            false,
            json!({"launchType": null, "cluster": "weightless"}),
        ));
        cases.push(broken(
            "launchType",
            "is MANAGED_INSTANCES",
            false,
            json!({"launchType": "MANAGED_INSTANCES"}),
        ));
        cases.extend([
            broken(
                "",
                "are both given",
                false,
                json!({
                    "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}],
                }),
            ),
            broken(
                "launchType",
                "not compatible",
                false,
                json!({"taskDefinition": "plain"}),
            )
            .says("launch_type", "FARGATE"),
        ]);
    }
    cases
}

fn placed(operation: &'static str) -> Vec<Case> {
    let broken = |member, when, on_machine, constraint: Value| {
        let more = json!({"placementConstraints": [constraint]});
        case(operation, member, when, with(base(operation, on_machine), more))
    };
    let constraints = "placementConstraints";
    vec![
        broken(
            constraints,
            "distinctInstance constraint",
            true,
            json!({
                "type": "distinctInstance", "expression": "attribute:rack == 7",
            }),
        ),
        broken(
            "placementConstraints[].expression",
            "cannot be read",
            true,
            json!({
                "type": "memberOf", "expression": "attribute:rack == ",
            }),
        ),
        broken(
            constraints,
            "run on Fargate",
            false,
            json!({"type": "distinctInstance"}),
        ),
        broken(
            constraints,
            "has no type",
            true,
            json!({"expression": "attribute:rack == 7"}),
        ),
    ]
}

fn spread(operation: &'static str) -> Vec<Case> {
    let broken = |member, when, more: Value| case(operation, member, when, with(base(operation, true), more));
    let by = |strategy: Value| json!({"placementStrategy": [strategy]});
    let field = "placementStrategy[].field";
    vec![
        broken(
            "placementConstraints[].expression",
            "has no expression",
            json!({
                "placementConstraints": [{"type": "memberOf"}],
            }),
        ),
        broken(
            field,
            "random has a field",
            by(json!({"type": "random", "field": "cpu"})),
        ),
        broken(field, "has no field", by(json!({"type": "spread"}))).says("kind", "spread"),
        broken(field, "has no field", by(json!({"type": "binpack"}))).says("kind", "binpack"),
        broken(
            field,
            "none of the strategy",
            by(json!({"type": "spread", "field": "zone"})),
        )
        .says("kind", "spread")
        .says("value", "zone"),
        broken(
            field,
            "none of the strategy",
            by(json!({"type": "binpack", "field": "disk"})),
        )
        .says("kind", "binpack")
        .says("value", "disk"),
        broken("placementStrategy", "has no type", by(json!({"field": "cpu"}))),
        case(
            operation,
            "placementStrategy",
            "run on Fargate",
            with(base(operation, false), by(json!({"type": "random"}))),
        ),
        broken(
            "placementConstraints",
            "more than ten",
            json!({
                "taskDefinition": "ruled", "placementConstraints": vec![json!({"type": "distinctInstance"}); 10],
            }),
        ),
    ]
}

fn balanced(operation: &'static str) -> Vec<Case> {
    let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef";
    let broken = |member, when, more: Value| {
        let balancer = with(
            json!({"targetGroupArn": group, "containerName": "app", "containerPort": 80}),
            more,
        );
        let input = with(base(operation, false), json!({"loadBalancers": [balancer]}));
        case(operation, member, when, input)
    };
    vec![
        broken(
            "loadBalancers[].containerName",
            "names a container",
            json!({"containerName": "nobody"}),
        )
        .says("name", "nobody"),
        broken(
            "loadBalancers[].containerPort",
            "names a port",
            json!({"containerPort": 81}),
        )
        .says("name", "app")
        .says("port", "81"),
        broken(
            "loadBalancers[]",
            "has both",
            json!({"loadBalancerName": "classic"}),
        ),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for operation in [
        "RunTask",
        "StartTask",
        "CreateService",
        "UpdateService",
        "CreateTaskSet",
    ] {
        cases.extend(of_tasks(operation));
    }
    for operation in ["RunTask", "CreateService", "UpdateService", "CreateTaskSet"] {
        cases.extend(of_launches(operation));
    }
    let unfit = |operation, input: Value| case(operation, "taskDefinition", "not compatible", input);
    let start = json!({"taskDefinition": "windowless", "containerInstances": ["<machine>"]});
    let lean = json!({"service": "web", "taskDefinition": "plain"});
    cases.push(unfit("StartTask", start).says("launch_type", "EC2"));
    cases.push(unfit("UpdateService", lean).says("launch_type", "FARGATE"));
    let sized = with(base("RunTask", false), json!({"overrides": {"cpu": "1024"}}));
    let sized = case("RunTask", "overrides", "no pair", sized);
    cases.push(sized.says("cpu", "1024").says("memory", "512"));
    for operation in ["RunTask", "CreateService", "UpdateService"] {
        cases.extend(placed(operation));
        cases.extend(spread(operation));
    }
    for operation in ["CreateService", "UpdateService", "CreateTaskSet"] {
        cases.extend(balanced(operation));
    }
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-launch-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}

#[tokio::test]
async fn a_task_definition_that_is_not_there_goes_before_what_does_not_go_together() {
    let mut place = Place::with_definitions("eu-launch-2").await;
    set_up(&mut place).await;
    let cases = cases().into_iter().filter(|it| it.member != "taskDefinition");
    let nothing: Vec<Case> = cases
        .map(|it| it.but("taskDefinition", "nothing", "there is no such"))
        .collect();
    assert!(nothing.len() > 40);
    place.answers(&nothing).await;
}
