//! Clusters: those that are not there, their capacity providers, and those that are not empty.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, operations, with};
use crate::valid::{self, World, fargate, network};

async fn set_up(place: &mut Place) {
    place.ok("CreateCapacityProvider", valid::provider("group")).await;
    for name in ["over", "served", "manned", "worked", "managed", "busy"] {
        place.ok("CreateCluster", json!({"clusterName": name})).await;
    }
    place.ok("DeleteCluster", json!({"cluster": "over"})).await;
    place.ok("RegisterTaskDefinition", fargate("app")).await;
    place.ok("CreateService", json!({
        "cluster": "served", "serviceName": "none", "desiredCount": 0, "deploymentController": {"type": "EXTERNAL"},
    })).await;
    place.machine("machine", "manned", None).await;
    place.ok("RunTask", json!({
        "cluster": "worked", "taskDefinition": "app", "launchType": "FARGATE", "networkConfiguration": network(),
    })).await;
    place
        .ok("CreateCapacityProvider", managed("own", "managed"))
        .await;
    place
        .ok(
            "PutClusterCapacityProviders",
            providers("busy", &["FARGATE"], &json!([])),
        )
        .await;
    place.ok("CreateService", json!({
        "cluster": "busy", "serviceName": "web", "taskDefinition": "app", "desiredCount": 0,
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}], "networkConfiguration": network(),
    })).await;
    place
        .ok("CreateCapacityProvider", with(valid::provider("left"), json!({})))
        .await;
    place
        .ok("DeleteCapacityProvider", json!({"capacityProvider": "left"}))
        .await;
}

/// A capacity provider of a cluster.
pub(super) fn managed(name: &str, cluster: &str) -> Value {
    json!({"name": name, "cluster": cluster, "managedInstancesProvider": {
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/infrastructure",
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/machine",
            "networkConfiguration": {"subnets": ["subnet-0a1b2c3d"]},
        },
    }})
}

fn providers(cluster: &str, providers: &[&str], strategy: &Value) -> Value {
    json!({"cluster": cluster, "capacityProviders": providers, "defaultCapacityProviderStrategy": strategy})
}

/// Two that both have a base.
pub(super) fn two_bases() -> Value {
    json!([
        {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "base": 1, "weight": 1},
    ])
}

/// Two that both have no weight.
pub(super) fn no_weight() -> Value {
    json!([
        {"capacityProvider": "FARGATE", "weight": 0},
        {"capacityProvider": "FARGATE_SPOT"},
    ])
}

pub(super) fn cases() -> Vec<Case> {
    let new = |list: &[&str], strategy: Value| json!({"clusterName": "new", "capacityProviders": list, "defaultCapacityProviderStrategy": strategy});
    let put = |list: &[&str], strategy: Value| providers("default", list, &strategy);
    let both = &["FARGATE", "FARGATE_SPOT"];
    let spot = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let elsewhere = "arn:aws:iam::123456789012:role/internal";
    let (of, strategy) = ("capacityProviders", "defaultCapacityProviderStrategy");
    let (create, change, delete) = ("CreateCluster", "PutClusterCapacityProviders", "DeleteCluster");
    let of_cluster = |name: &str| json!({"cluster": name});
    let mut cases = vec![
        case(
            create,
            strategy,
            "more than one item has a base",
            new(both, two_bases()),
        ),
        case(create, strategy, "no item has a weight", new(both, no_weight())),
        case(
            create,
            strategy,
            "not in capacityProviders",
            new(&["FARGATE"], spot.clone()),
        ),
        case(create, of, "is not there", new(&["nobody"], json!([]))).says("name", "nobody"),
        case(create, of, "is not ACTIVE", new(&["left"], json!([]))).says("name", "left"),
        case(
            create,
            "serviceConnectDefaults.namespace",
            "Cloud Map",
            json!({
                "clusterName": "new", "serviceConnectDefaults": {"namespace": elsewhere},
            }),
        ),
        case(
            "UpdateCluster",
            "serviceConnectDefaults.namespace",
            "Cloud Map",
            json!({"cluster": "served", "serviceConnectDefaults": {"namespace": elsewhere}}),
        ),
        case(
            change,
            strategy,
            "more than one item has a base",
            put(both, two_bases()),
        ),
        case(change, strategy, "no item has a weight", put(both, no_weight())),
        case(
            change,
            strategy,
            "not in capacityProviders",
            put(&["FARGATE"], spot),
        ),
        case(change, of, "is not there", put(&["nobody"], json!([]))).says("name", "nobody"),
        case(change, of, "is not ACTIVE", put(&["left"], json!([]))).says("name", "left"),
        case(
            change,
            "",
            "is used by a service or task",
            providers("busy", &[], &json!([])),
        ),
        case(delete, "", "services are not INACTIVE", of_cluster("served")),
        case(delete, "", "container instances are", of_cluster("manned")),
        case(delete, "", "tasks are not STOPPED", of_cluster("worked")),
        case(delete, "", "capacity providers of its own", of_cluster("managed")),
    ];
    cases.extend(strategies());
    cases.extend(settings());
    let world = World::described();
    for (when, cluster) in [
        ("the cluster is not there", "nowhere"),
        ("the cluster is INACTIVE", "over"),
    ] {
        for operation in operations("cluster", when) {
            let input = match operation.name() {
                "CreateCapacityProvider" => managed("new", cluster),
                _ => with(valid::input(operation, &world), of_cluster(cluster)),
            };
            cases.push(case(operation.name(), "cluster", when, input));
        }
    }
    cases
}

/// Capacity providers that do not go together.
fn strategies() -> Vec<Case> {
    let mut cases = Vec::new();
    let (of, strategy) = ("capacityProviders", "defaultCapacityProviderStrategy");
    let items = |names: [&str; 2]| names.map(|name| json!({"capacityProvider": name, "weight": 1}));
    for operation in ["CreateCluster", "PutClusterCapacityProviders"] {
        let asked = |list: &[&str], items: &[Value]| {
            let cluster = match operation {
                "CreateCluster" => json!({"clusterName": "new"}),
                _ => json!({"cluster": "default"}),
            };
            with(
                cluster,
                json!({"capacityProviders": list, "defaultCapacityProviderStrategy": items}),
            )
        };
        cases.extend([
            case(operation, of, "of another cluster", asked(&["own"], &[])).says("name", "own"),
            case(operation, of, "is given twice", asked(&["group", "group"], &[])).says("name", "group"),
            case(
                operation,
                strategy,
                "is given twice",
                asked(&["FARGATE"], &items(["FARGATE", "FARGATE"])),
            ),
            case(
                operation,
                strategy,
                "some do not",
                asked(&["FARGATE", "group"], &items(["FARGATE", "group"])),
            ),
        ]);
    }
    cases
}

fn settings() -> Vec<Case> {
    let log = "configuration.executeCommandConfiguration.logConfiguration";
    let logs = |execute: Value| json!({"configuration": {"executeCommandConfiguration": execute}});
    let none = || logs(json!({"logging": "OVERRIDE"}));
    let given = || logs(json!({"logging": "NONE", "logConfiguration": {"cloudWatchLogGroupName": "logs"}}));
    let mut cases = vec![case(
        "CreateCluster",
        "",
        "and is another",
        json!({
            "clusterName": "default", "settings": [{"name": "containerInsights", "value": "enabled"}],
        }),
    )];
    for (operation, cluster) in [
        ("CreateCluster", json!({"clusterName": "new"})),
        ("UpdateCluster", json!({"cluster": "default"})),
    ] {
        cases.push(case(
            operation,
            log,
            "no place for logs",
            with(cluster.clone(), none()),
        ));
        cases.push(case(
            operation,
            log,
            "another than OVERRIDE",
            with(cluster, given()),
        ));
    }
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::open("eu-clusters-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
