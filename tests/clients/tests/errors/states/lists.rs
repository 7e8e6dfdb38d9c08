//! Lists: tokens of other lists, and filters that do not go together or name what is not there.

use serde_json::json;

use super::place::Place;
use super::{Case, case, operations, with};
use crate::valid::{self, World};

async fn set_up(place: &mut Place) {
    place.ok("CreateCluster", json!({"clusterName": "more"})).await;
    place
        .ok(
            "CreateService",
            json!({
                "serviceName": "web", "desiredCount": 0, "deploymentController": {"type": "EXTERNAL"},
            }),
        )
        .await;
    let clusters = place.ok("ListClusters", json!({"maxResults": 1})).await;
    place.keep("of clusters", &clusters["nextToken"]);
    let definitions = place.ok("ListTaskDefinitions", json!({"maxResults": 1})).await;
    place.keep("of definitions", &definitions["nextToken"]);
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        case(
            "ListAccountSettings",
            "value",
            "without name",
            json!({"value": "enabled"}),
        ),
        case(
            "ListTasks",
            "startedBy",
            "another filter",
            json!({"startedBy": "me", "family": "app"}),
        ),
        case(
            "ListTasks",
            "startedBy",
            "another filter",
            json!({"startedBy": "me", "serviceName": "web"}),
        ),
        case(
            "ListTasks",
            "serviceName",
            "is not there",
            json!({"serviceName": "nobody"}),
        ),
        case(
            "ListTasks",
            "containerInstance",
            "is not there",
            json!({
                "containerInstance": "0123456789abcdef0123456789abcdef",
            }),
        ),
        case(
            "ListServiceDeployments",
            "createdAt",
            "later than before",
            json!({
                "service": "web", "createdAt": {"after": 1_500_000_001, "before": 1_500_000_000},
            }),
        ),
        case(
            "ListServicesByNamespace",
            "namespace",
            "no such",
            json!({"namespace": "nowhere"}),
        ),
        case(
            "ListContainerInstances",
            "filter",
            "cannot be read",
            json!({"filter": "attribute:rack =="}),
        )
        .says("fault", "invalid expression: a word is missing"),
        case(
            "ListTasks",
            "daemonName",
            "is given",
            json!({"daemonName": "each"}),
        ),
        // A token of the same list with another filter.
        case(
            "ListTaskDefinitions",
            "nextToken",
            "was not made for",
            json!({
                "nextToken": "<of definitions>", "status": "INACTIVE",
            }),
        )
        .says("value", "<of definitions>"),
    ];
    let world = World::described();
    for operation in operations(
        "nextToken",
        "the token was not made for this list and these filters",
    ) {
        let token = match operation.name() {
            "ListClusters" => "<of definitions>",
            _ => "<of clusters>",
        };
        let input = with(valid::input(operation, &world), json!({"nextToken": token}));
        cases.push(case(operation.name(), "nextToken", "was not made for", input).says("value", token));
    }
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-lists-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
