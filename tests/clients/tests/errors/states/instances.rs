//! Container instances, their agents and attributes; and account settings.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, with};

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
    place.machine("gone", "default", None).await;
    place
        .ok(
            "DeregisterContainerInstance",
            json!({"containerInstance": "<gone>"}),
        )
        .await;
    let known = place.ok("RegisterContainerInstance", identified("i-1")).await;
    place.keep("known", &known["containerInstance"]["containerInstanceArn"]);
}

/// A machine that says which one it is.
fn identified(id: &str) -> Value {
    json!({"instanceIdentityDocument": json!({"instanceId": id}).to_string()})
}

fn registered() -> Vec<Case> {
    let broken = |member, when, input| case("RegisterContainerInstance", member, when, input);
    let named = |arn: &str| json!({"containerInstanceArn": arn});
    let has = |resources: Value| json!({"totalResources": resources});
    let cpu = || json!({"name": "CPU", "type": "INTEGER", "integerValue": 1});
    let arn = "containerInstanceArn";
    vec![
        broken(arn, "there is no such", named(NOBODY)).says("value", NOBODY),
        broken(arn, "is INACTIVE", named("<gone>")).says("value", "<gone>"),
        broken(
            arn,
            "of another machine",
            with(identified("i-2"), named("<known>")),
        )
        .says("value", "<known>"),
        broken(
            "instanceIdentityDocument",
            "is not JSON",
            json!({"instanceIdentityDocument": "nothing"}),
        ),
        broken(
            "totalResources[].name",
            "has no name",
            has(json!([with(cpu(), json!({"name": null}))])),
        ),
        broken(
            "totalResources[].type",
            "is none of",
            has(json!([with(cpu(), json!({"type": "FLOAT"}))])),
        )
        .says("name", "CPU")
        .says("value", "FLOAT"),
        broken(
            "totalResources[].integerValue",
            "below 0",
            has(json!([with(cpu(), json!({"integerValue": -1}))])),
        )
        .says("name", "CPU"),
        broken("totalResources", "is given twice", has(json!([cpu(), cpu()]))).says("name", "CPU"),
    ]
}

/// Ids that none can have.
fn named() -> Vec<Case> {
    let mut cases = Vec::new();
    for (when, id) in [
        ("longer than 36", "a".repeat(37)),
        ("neither 32 nor 36", "a".repeat(33)),
    ] {
        for operation in ["DeregisterContainerInstance", "UpdateContainerAgent"] {
            cases.push(case(
                operation,
                "containerInstance",
                when,
                json!({"containerInstance": id}),
            ));
        }
        for operation in ["PutAttributes", "DeleteAttributes"] {
            let input = json!({"attributes": [{"name": "rack", "value": "7", "targetId": id}]});
            cases.push(case(operation, "attributes[].targetId", when, input));
        }
        cases.push(case(
            "RegisterContainerInstance",
            "containerInstanceArn",
            when,
            json!({"containerInstanceArn": id}),
        ));
        for (operation, more) in [
            ("DescribeContainerInstances", json!({})),
            ("UpdateContainerInstancesState", json!({"status": "DRAINING"})),
            ("StartTask", json!({"taskDefinition": "plain"})),
        ] {
            let input = with(json!({"containerInstances": [id]}), more);
            cases.push(case(operation, "containerInstances[]", when, input));
        }
    }
    cases
}

fn settings() -> Vec<Case> {
    let setting = json!({"name": "containerInsights", "value": "enabled"});
    let root = "arn:aws:iam::999999999999:root";
    let mut cases = Vec::new();
    for operation in ["PutAccountSetting", "PutAccountSettingDefault"] {
        let read_only = json!({"name": "guardDutyActivate", "value": "on"});
        cases.extend([
            case(operation, "name", "AWS's own", read_only).says("name", "guardDutyActivate"),
            case(
                operation,
                "value",
                "no such value",
                with(setting.clone(), json!({"value": "maybe"})),
            ),
        ]);
    }
    for operation in ["PutAccountSetting", "DeleteAccountSetting", "ListAccountSettings"] {
        let of = |principal: &str| with(setting.clone(), json!({"principalArn": principal}));
        let broken =
            |when, principal| case(operation, "principalArn", when, of(principal)).says("value", principal);
        cases.extend([
            broken("of no user", "nobody"),
            broken("of no user", "arn:aws:iam::<account>:group/all"),
            broken("of another account", root).says("account", "<account>"),
        ]);
    }
    cases
}

pub(super) fn cases() -> Vec<Case> {
    let on = |name: &str| json!({"containerInstance": name});
    let attribute =
        |target: &str| json!({"attributes": [{"name": "rack", "value": "7", "targetId": target}]});
    let given = json!({"attributes": [{"name": "ecs.os-type", "value": "linux", "targetId": "<old>"}]});
    let of_none = json!({"attributes": [{"name": "rack", "value": "7"}]});
    let no_such = "there is no such container instance";
    let (off, agent) = ("DeregisterContainerInstance", "UpdateContainerAgent");
    let mut cases = vec![
        case(off, "containerInstance", no_such, on(NOBODY)).says("value", NOBODY),
        case(off, "force", "tasks run on it", on("<old>")),
        case(agent, "containerInstance", no_such, on(NOBODY)).says("value", NOBODY),
        case(agent, "", "is as new as it can be", on("<new>")),
        case(agent, "", "is being updated", on("<old>")),
        case(agent, "", "tells no version", on("<silent>")),
        case(
            "PutAttributes",
            "attributes[].targetId",
            "the target of an attribute is not there",
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
            "ListAttributes",
            "attributeValue",
            "without attributeName",
            json!({
                "targetType": "container-instance", "attributeValue": "7",
            }),
        ),
    ];
    for operation in ["PutAttributes", "DeleteAttributes"] {
        cases.push(
            case(operation, "attributes[].name", "begins with ecs.", given.clone())
                .says("value", "ecs.os-type"),
        );
        cases.push(case(
            operation,
            "attributes[].targetId",
            "has no target",
            of_none.clone(),
        ));
    }
    cases.extend(registered());
    cases.extend(named());
    cases.extend(settings());
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-instances-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
