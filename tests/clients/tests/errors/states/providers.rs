//! Capacity providers.

use serde_json::{Value, json};

use super::clusters::managed;
use super::place::Place;
use super::{Case, case, with};
use crate::valid::provider;

async fn set_up(place: &mut Place) {
    place
        .ok("CreateCapacityProvider", managed("own", "default"))
        .await;
    for name in ["old", "used"] {
        place.ok("CreateCapacityProvider", provider(name)).await;
    }
    place
        .ok(
            "PutClusterCapacityProviders",
            json!({
                "cluster": "default", "capacityProviders": ["used"], "defaultCapacityProviderStrategy": [],
            }),
        )
        .await;
}

/// A group that is scaled by 2 at most, and by 3 at least.
fn crossed(mut input: Value) -> Value {
    input["autoScalingGroupProvider"]["managedScaling"] =
        json!({"minimumScalingStepSize": 3, "maximumScalingStepSize": 2});
    input
}

pub(super) fn cases() -> Vec<Case> {
    let (create, update, delete) = (
        "CreateCapacityProvider",
        "UpdateCapacityProvider",
        "DeleteCapacityProvider",
    );
    let step = "autoScalingGroupProvider.managedScaling.minimumScalingStepSize";
    let (begins, above) = (
        "begins with aws, ecs or fargate",
        "is above maximumScalingStepSize",
    );
    let (reserved, no_such) = ("FARGATE or FARGATE_SPOT", "no such capacity provider");
    let neither = "neither autoScalingGroupProvider nor";
    let change = |name: &str| json!({"name": name, "autoScalingGroupProvider": {}});
    let named = |name: &str| json!({"capacityProvider": name});
    let both = with(
        managed("new", "default"),
        json!({
            "autoScalingGroupProvider": provider("new")["autoScalingGroupProvider"],
        }),
    );
    let mut cases = vec![
        case(create, "name", begins, provider("awsThing")),
        case(create, "name", begins, provider("Ecs")),
        case(create, "name", begins, provider("FARGATE_2")),
        case(create, "name", "of this name is there", provider("old")),
        case(create, "", neither, json!({"name": "new"})),
        case(create, "", neither, both),
        case(create, step, above, crossed(provider("new"))),
        case(update, step, above, crossed(change("old"))),
        case(update, "", no_such, change("nobody")),
        case(update, "", reserved, change("FARGATE_SPOT")),
        case(delete, "", no_such, named("nobody")),
        case(delete, "", no_such, named("<arn>capacity-provider/nobody")),
        case(delete, "", reserved, named("FARGATE")),
        case(delete, "", "a cluster is associated", named("used")).says("cluster", "default"),
    ];
    cases.extend(of_groups());
    cases.extend(of_machines());
    cases
}

/// What does not go together for an Auto Scaling group.
fn of_groups() -> Vec<Case> {
    let (create, update) = ("CreateCapacityProvider", "UpdateCapacityProvider");
    let arn = "autoScalingGroupProvider.autoScalingGroupArn";
    let protection = "autoScalingGroupProvider.managedTerminationProtection";
    let group = |group: &Value| json!({"name": "new", "autoScalingGroupProvider": group});
    let unscaled = |mut input: Value| {
        input["autoScalingGroupProvider"]["managedScaling"] = json!({"status": "DISABLED"});
        input["autoScalingGroupProvider"]["managedTerminationProtection"] = json!("ENABLED");
        input
    };
    let change = json!({"name": "old", "autoScalingGroupProvider": {}});
    vec![
        case(
            create,
            "cluster",
            "for an Auto Scaling group",
            with(provider("new"), json!({"cluster": "default"})),
        ),
        case(
            create,
            arn,
            "another capacity provider",
            group(&provider("old")["autoScalingGroupProvider"]),
        ),
        case(
            create,
            arn,
            "of no Auto Scaling group",
            group(&json!({"autoScalingGroupArn": "nothing"})),
        ),
        case(
            create,
            protection,
            "managed scaling is not",
            unscaled(provider("new")),
        ),
        case(update, protection, "managed scaling is not", unscaled(change)),
        case(
            update,
            "",
            "neither autoScalingGroupProvider nor",
            json!({"name": "old"}),
        ),
        case(
            update,
            "",
            "of the other kind",
            json!({"name": "own", "autoScalingGroupProvider": {}}),
        ),
    ]
}

fn new_without_subnets() -> Value {
    let mut input = managed("new", "default");
    input["managedInstancesProvider"]["instanceLaunchTemplate"]["networkConfiguration"]["subnets"] =
        json!([]);
    input
}

/// What does not go together for machines that a capacity provider manages.
fn of_machines() -> Vec<Case> {
    let (create, update) = ("CreateCapacityProvider", "UpdateCapacityProvider");
    let role_of = "managedInstancesProvider.infrastructureRoleArn";
    let subnets = "managedInstancesProvider.instanceLaunchTemplate.networkConfiguration.subnets";
    let changed = |more: Value| {
        let role = json!({"infrastructureRoleArn": "arn:aws:iam::123456789012:role/infrastructure"});
        json!({"name": "own", "managedInstancesProvider": with(with(role, json!({"instanceLaunchTemplate": {}})), more)})
    };
    let template = |more: Value| changed(json!({"instanceLaunchTemplate": more}));
    let wanted = |more: Value| {
        let least = json!({"vCpuCount": {"min": 1}, "memoryMiB": {"min": 1}});
        template(json!({"instanceRequirements": with(least, more)}))
    };
    let none = new_without_subnets();
    let requirements = "managedInstancesProvider.instanceLaunchTemplate.instanceRequirements";
    let new = |member: &str, value: &Value| {
        let mut input = managed("new", "default");
        *input["managedInstancesProvider"].pointer_mut(member).unwrap() = value.clone();
        input
    };
    let role = new("/infrastructureRoleArn", &json!("nothing"));
    let of = |more: Value| {
        let least = json!({"vCpuCount": {"min": 1}, "memoryMiB": {"min": 1}});
        let mut input = managed("new", "default");
        input["managedInstancesProvider"]["instanceLaunchTemplate"]["instanceRequirements"] =
            with(least, more);
        input
    };
    vec![
        case(
            create,
            "cluster",
            "no cluster is given",
            with(managed("new", "default"), json!({"cluster": null})),
        ),
        case(
            create,
            "managedInstancesProvider.infrastructureRoleArn",
            "of no role",
            role,
        ),
        case(
            update,
            role_of,
            "of no role",
            changed(json!({"infrastructureRoleArn": "nothing"})),
        ),
        case(create, subnets, "there are none", none),
        case(
            update,
            subnets,
            "there are none",
            template(json!({"networkConfiguration": {"subnets": []}})),
        ),
        case(
            update,
            requirements,
            "above its maximum",
            wanted(json!({"memoryMiB": {"min": 4, "max": 2}})),
        ),
        case(
            update,
            requirements,
            "both given",
            wanted(json!({"allowedInstanceTypes": ["m5.large"], "excludedInstanceTypes": ["c5.large"]})),
        ),
        case(
            create,
            requirements,
            "above its maximum",
            of(json!({"vCpuCount": {"min": 4, "max": 2}})),
        ),
        case(
            create,
            requirements,
            "above its maximum",
            of(json!({"memoryMiB": {"min": 4, "max": 2}})),
        ),
        case(
            create,
            requirements,
            "both given",
            of(json!({
                "allowedInstanceTypes": ["m5.large"], "excludedInstanceTypes": ["c5.large"],
            })),
        ),
    ]
}

#[tokio::test]
async fn answers() {
    let mut place = Place::open("eu-providers-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
