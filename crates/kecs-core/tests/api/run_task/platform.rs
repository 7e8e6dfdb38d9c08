//! Platform versions and families on Fargate.

use kecs_model::Operation::{CreateService, RunTask};
use serde_json::json;

use super::lean;
use crate::fixture::{blue, define, fargate, with, without};

#[test]
fn run_task_on_windows_has_versions_and_a_family_of_its_own() {
    let mut world = blue();
    let system = json!({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE", "cpuArchitecture": "X86_64"});
    let windows = json!({"family": "win", "cpu": "1024", "memory": "2048", "runtimePlatform": system});
    define(&mut world, with(fargate(), windows));
    let of = |version: &str| lean(json!({"taskDefinition": "win:1", "platformVersion": version}));
    for request in [without(of(""), "platformVersion"), of("LATEST"), of("1.0.0")] {
        let answer = world.ok(RunTask, request);
        assert_eq!(answer["tasks"][0]["platformVersion"], "1.0.0");
        assert_eq!(answer["tasks"][0]["platformFamily"], "WINDOWS_SERVER_2022_CORE");
    }
    for version in ["1.1.0", "1.4.0"] {
        let (code, _) = world.refused(RunTask, of(version));
        assert_eq!(code, "PlatformUnknownException", "{version}");
    }
    let service = with(of("LATEST"), json!({"serviceName": "web", "desiredCount": 1}));
    let made = world.ok(CreateService, service)["service"].clone();
    assert_eq!(made["platformFamily"], "Windows_Server_2022_Core");
    assert_eq!(made["platformVersion"], "LATEST");
}

#[test]
fn run_task_wants_the_latest_version_for_what_came_with_it() {
    let mut world = blue();
    let file = json!([{"type": "s3", "value": "arn:aws:s3:::bucket/a.env"}]);
    let with_files = |files| {
        let mut definition = fargate();
        definition["containerDefinitions"][0]["environmentFiles"] = files;
        definition
    };
    let efs = json!([{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]);
    let rows = [
        (fargate(), true),
        (with_files(json!([])), true),
        (with(fargate(), json!({"volumes": [{"name": "data"}]})), true),
        (with_files(file), false),
        (with(fargate(), json!({"volumes": efs})), false),
        (
            with(fargate(), json!({"ephemeralStorage": {"sizeInGiB": 30}})),
            false,
        ),
    ];
    for (number, (definition, old)) in (1..).zip(rows) {
        define(
            &mut world,
            with(definition, json!({"family": "it", "revision": number})),
        );
        let of = |version: &str| {
            let named = format!("it:{number}");
            lean(json!({"taskDefinition": named, "platformVersion": version}))
        };
        world.ok(RunTask, of("1.4.0"));
        let answer = world.answer(RunTask, of("1.3.0"));
        assert_eq!(answer.is_ok(), old, "{number}");
    }
    let exec = |version: &str| lean(json!({"enableExecuteCommand": true, "platformVersion": version}));
    world.ok(RunTask, exec("1.4.0"));
    let (code, _) = world.refused(RunTask, exec("1.3.0"));
    assert_eq!(code, "PlatformTaskDefinitionIncompatibilityException");
}

#[test]
fn run_task_gives_managed_tags_where_they_are_asked_for() {
    let mut world = blue();
    let cluster = json!([{"key": "aws:ecs:clusterName", "value": "blue"}]);
    for (asked, tags) in [
        (json!(true), cluster),
        (json!(false), json!([])),
        (json!(null), json!([])),
    ] {
        let answer = world.ok(RunTask, lean(json!({"enableECSManagedTags": asked})));
        assert_eq!(answer["tasks"][0]["tags"], tags, "{asked}");
    }
}

#[test]
fn run_task_goes_through_the_subnets_and_their_zones_in_turn() {
    let mut world = blue();
    let vpc = json!({"awsvpcConfiguration": {"subnets": ["s1", "s2", "s3", "s4"]}});
    let answer = world.ok(RunTask, lean(json!({"count": 6, "networkConfiguration": vpc})));
    let places: Vec<(String, String)> = answer["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let subnet = it["attachments"][0]["details"][0]["value"].as_str().unwrap();
            (
                subnet.to_owned(),
                it["availabilityZone"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let place = |subnet: &str, letter: &str| (subnet.to_owned(), format!("eu-west-1{letter}"));
    assert_eq!(
        places,
        [
            place("s1", "a"),
            place("s2", "b"),
            place("s3", "c"),
            place("s4", "a"),
            place("s1", "a"),
            place("s2", "b"),
        ]
    );
}
