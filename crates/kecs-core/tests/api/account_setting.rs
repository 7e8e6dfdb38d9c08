//! Account settings.

use kecs_model::Operation;
use serde_json::{Value, json};

use crate::world::{USER, World};

const ROOT: &str = "arn:aws:iam::123456789012:root";

fn effective(world: &mut World, name: &str) -> String {
    let input = json!({"name": name, "effectiveSettings": true});
    let answer = world.ok(Operation::ListAccountSettings, input);
    answer["settings"][0]["value"].as_str().unwrap().to_owned()
}

#[test]
fn list_account_settings_has_a_value_for_every_name() {
    let mut world = World::new();
    let page = world.ok(Operation::ListAccountSettings, json!({"effectiveSettings": true}));
    let last = world.ok(
        Operation::ListAccountSettings,
        json!({"effectiveSettings": true, "nextToken": page["nextToken"]}),
    );
    assert_eq!(last.get("nextToken"), None);
    let all = page["settings"]
        .as_array()
        .unwrap()
        .iter()
        .chain(last["settings"].as_array().unwrap());
    let all: Vec<(&str, &str, &str)> = all
        .inspect(|it| assert_eq!(it["principalArn"], USER))
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap();
            (text("name"), text("value"), text("type"))
        })
        .collect();
    assert_eq!(
        all,
        [
            ("awsvpcTrunking", "disabled", "user"),
            ("containerInsights", "disabled", "user"),
            ("containerInstanceLongArnFormat", "enabled", "user"),
            ("defaultLogDriverMode", "non-blocking", "user"),
            ("fargateEventWindows", "disabled", "user"),
            ("fargateFIPSMode", "disabled", "user"),
            ("fargateTaskRetirementWaitPeriod", "7", "user"),
            ("guardDutyActivate", "off", "aws_managed"),
            ("serviceLongArnFormat", "enabled", "user"),
            ("tagResourceAuthorization", "off", "user"),
            ("taskLongArnFormat", "enabled", "user"),
        ]
    );
    assert_eq!(
        world.ok(Operation::ListAccountSettings, json!({})),
        json!({"settings": []})
    );
}

#[test]
fn put_account_setting_holds_for_the_caller_before_the_account() {
    let mut world = World::new();
    let name = "taskLongArnFormat";
    let answer = world.ok(
        Operation::PutAccountSettingDefault,
        json!({"name": name, "value": "disabled"}),
    );
    assert_eq!(
        answer,
        json!({"setting": {"name": name, "value": "disabled", "principalArn": ROOT, "type": "user"}})
    );
    assert_eq!(effective(&mut world, name), "disabled");
    let answer = world.ok(
        Operation::PutAccountSetting,
        json!({"name": name, "value": "enabled"}),
    );
    assert_eq!(answer["setting"]["principalArn"], USER);
    assert_eq!(effective(&mut world, name), "enabled");
    world.principal = "arn:aws:iam::123456789012:user/bob".to_owned();
    assert_eq!(effective(&mut world, name), "disabled");
    world.principal = USER.to_owned();
    let answer = world.ok(Operation::DeleteAccountSetting, json!({"name": name}));
    assert_eq!(answer["setting"]["value"], "disabled");
    assert_eq!(effective(&mut world, name), "disabled");
    world.ok(
        Operation::DeleteAccountSetting,
        json!({"name": name, "principalArn": ROOT}),
    );
    assert_eq!(effective(&mut world, name), "enabled");
}

#[test]
fn put_account_setting_of_the_root_user_is_the_default_of_the_account() {
    let mut world = World::new();
    world.principal = ROOT.to_owned();
    world.ok(
        Operation::PutAccountSetting,
        json!({"name": "awsvpcTrunking", "value": "enabled"}),
    );
    world.principal = USER.to_owned();
    assert_eq!(effective(&mut world, "awsvpcTrunking"), "enabled");
    assert_eq!(
        world.ok(Operation::ListAccountSettings, json!({}))["settings"],
        json!([])
    );
    let of_root = world.ok(Operation::ListAccountSettings, json!({"principalArn": ROOT}));
    assert_eq!(of_root["settings"][0]["name"], "awsvpcTrunking");
}

#[test]
fn put_account_setting_of_a_session_is_of_its_role() {
    let mut world = World::new();
    world.principal = "arn:aws:sts::123456789012:assumed-role/deploy/session".to_owned();
    let answer = world.ok(
        Operation::PutAccountSetting,
        json!({"name": "awsvpcTrunking", "value": "enabled"}),
    );
    assert_eq!(
        answer["setting"]["principalArn"],
        "arn:aws:iam::123456789012:role/deploy"
    );
    world.principal = "arn:aws:sts::123456789012:assumed-role/deploy/other".to_owned();
    assert_eq!(effective(&mut world, "awsvpcTrunking"), "enabled");
}

#[test]
fn put_account_setting_takes_the_values_of_its_name_alone() {
    let mut world = World::new();
    let good = [
        ("serviceLongArnFormat", "disabled"),
        ("containerInsights", "enhanced"),
        ("fargateTaskRetirementWaitPeriod", "0"),
        ("fargateTaskRetirementWaitPeriod", "14"),
        ("tagResourceAuthorization", "on"),
        ("defaultLogDriverMode", "blocking"),
        ("fargateFIPSMode", "enabled"),
        ("fargateEventWindows", "enabled"),
    ];
    for (name, value) in good {
        world.ok(
            Operation::PutAccountSetting,
            json!({"name": name, "value": value}),
        );
        assert_eq!(effective(&mut world, name), value);
    }
    let bad = [
        ("serviceLongArnFormat", "on"),
        ("awsvpcTrunking", "enhanced"),
        ("containerInsights", "on"),
        ("fargateTaskRetirementWaitPeriod", "8"),
        ("tagResourceAuthorization", "enabled"),
        ("defaultLogDriverMode", "off"),
    ];
    for (name, value) in bad {
        for operation in [Operation::PutAccountSetting, Operation::PutAccountSettingDefault] {
            assert_eq!(
                world.refused(operation, json!({"name": name, "value": value})),
                ("InvalidParameterException", "Invalid setting 'value'".to_owned())
            );
        }
    }
    assert_eq!(
        world
            .refused(
                Operation::PutAccountSetting,
                json!({"name": "guardDutyActivate", "value": "on"})
            )
            .1,
        "The account setting guardDutyActivate is read-only and cannot be changed."
    );
}

#[test]
fn put_account_setting_for_whom_is_no_principal_is_refused() {
    let mut world = World::new();
    let mut put = |arn: &str| {
        let input = json!({"name": "awsvpcTrunking", "value": "enabled", "principalArn": arn});
        world.refused(Operation::PutAccountSetting, input)
    };
    assert_eq!(
        put("bob"),
        (
            "InvalidParameterException",
            "Invalid principal ARN: bob".to_owned()
        )
    );
    assert_eq!(
        put("arn:aws:iam::123456789012:group/x").0,
        "InvalidParameterException"
    );
    assert_eq!(put("arn:aws:iam::999999999999:user/x").0, "AccessDeniedException");
}

#[test]
fn list_account_settings_filters_by_name_and_value() {
    let mut world = World::new();
    let list = |world: &mut World, filter: Value| -> Vec<String> {
        let answer = world.ok(Operation::ListAccountSettings, filter);
        let all = answer["settings"].as_array().unwrap();
        all.iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    world.ok(
        Operation::PutAccountSetting,
        json!({"name": "awsvpcTrunking", "value": "enabled"}),
    );
    world.ok(
        Operation::PutAccountSetting,
        json!({"name": "taskLongArnFormat", "value": "disabled"}),
    );
    assert_eq!(
        list(&mut world, json!({})),
        ["awsvpcTrunking", "taskLongArnFormat"]
    );
    assert_eq!(
        list(&mut world, json!({"name": "awsvpcTrunking"})),
        ["awsvpcTrunking"]
    );
    assert_eq!(
        list(&mut world, json!({"name": "awsvpcTrunking", "value": "enabled"})),
        ["awsvpcTrunking"]
    );
    assert!(list(&mut world, json!({"name": "awsvpcTrunking", "value": "disabled"})).is_empty());
    assert_eq!(
        world.refused(Operation::ListAccountSettings, json!({"value": "enabled"})),
        (
            "InvalidParameterException",
            "You must specify an account setting name to use the value parameter.".to_owned()
        )
    );
}

#[test]
fn put_account_setting_of_a_caller_that_is_no_principal_is_of_that_caller() {
    for caller in [
        "alice",
        "arn:aws:sts::123456789012:other/x",
        "arn:aws:iam::123456789012:group/x",
        "arn:aws:iam::999999999999:user/x",
    ] {
        let mut world = World::new();
        world.principal = caller.to_owned();
        let input = json!({"name": "awsvpcTrunking", "value": "enabled", "principalArn": ""});
        let setting = world.ok(Operation::PutAccountSetting, input)["setting"].clone();
        assert_eq!(
            setting,
            json!({"name": "awsvpcTrunking", "value": "enabled", "principalArn": caller, "type": "user"})
        );
        assert_eq!(effective(&mut world, "awsvpcTrunking"), "enabled", "{caller}");
        world.principal = "bob".to_owned();
        assert_eq!(effective(&mut world, "awsvpcTrunking"), "disabled", "{caller}");
    }
}
