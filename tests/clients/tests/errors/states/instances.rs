//! Container instances, their agents and attributes; and account settings.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case};

/// An id that nothing has.
const NOBODY: &str = "0123456789abcdef0123456789abcdef";

async fn set_up(place: &mut Place) {
    place.machine("old", "default", Some("1.90.0")).await;
    place.machine("new", "default", Some("1.100.0")).await;
    place.machine("silent", "default", None).await;
    place
        .ok("UpdateContainerAgent", json!({"containerInstance": "<old>"}))
        .await;
    place
        .ok(
            "StartTask",
            json!({"taskDefinition": "plain", "containerInstances": ["<old>"]}),
        )
        .await;
    let ten: Vec<Value> = (0..10)
        .map(|nth| json!({"name": format!("a{nth}"), "value": "v", "targetId": "<old>"}))
        .collect();
    place.ok("PutAttributes", json!({"attributes": ten})).await;
}

pub(super) fn cases() -> Vec<Case> {
    let on = |name: &str| json!({"containerInstance": name});
    let attribute =
        |target: &str| json!({"attributes": [{"name": "rack", "value": "7", "targetId": target}]});
    let setting = |name: &str, value: &str| json!({"name": name, "value": value});
    let no_such = "there is no such container instance";
    let (off, agent) = ("DeregisterContainerInstance", "UpdateContainerAgent");
    vec![
        case(off, "containerInstance", no_such, on(NOBODY)).says("value", NOBODY),
        case(off, "force", "tasks run on it", on("<old>")),
        case(agent, "containerInstance", no_such, on(NOBODY)).says("value", NOBODY),
        case(agent, "", "is as new as it can be", on("<new>")),
        case(agent, "", "is being updated", on("<old>")),
        case(agent, "", "tells no version", on("<silent>")),
        case(
            "PutAttributes",
            "attributes[].targetId",
            "is not there",
            attribute(NOBODY),
        ),
        case(
            "PutAttributes",
            "",
            "more than ten attributes",
            attribute("<old>"),
        ),
        case(
            "DeleteAttributes",
            "attributes[].targetId",
            "is not there",
            attribute(NOBODY),
        ),
        case(
            "PutAccountSetting",
            "value",
            "no such value",
            setting("containerInsights", "maybe"),
        ),
        case(
            "PutAccountSettingDefault",
            "value",
            "no such value",
            setting("fargateFIPSMode", "on"),
        ),
    ]
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-instances-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
