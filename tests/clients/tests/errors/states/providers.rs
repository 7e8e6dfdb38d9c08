//! Capacity providers.

use serde_json::{Value, json};

use super::clusters::managed;
use super::place::Place;
use super::{Case, case, with};
use crate::valid::provider;

async fn set_up(place: &mut Place) {
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
    vec![
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
    ]
}

#[tokio::test]
async fn answers() {
    let mut place = Place::open("eu-providers-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
