//! On what the tasks of a service come to run.

use kecs_model::Operation::{PutClusterCapacityProviders, UpdateService};
use serde_json::{Value, json};

use super::update;
use crate::fixture::{blue, network, serve};
use crate::world::World;

#[test]
fn update_service_goes_to_capacity_providers_and_back() {
    let mut world = blue();
    let on_fargate =
        json!({"taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network()});
    serve(&mut world, on_fargate);
    let spot = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let unforced = |world: &mut World, strategy: &Value| {
        let (code, message) = world.refused(
            UpdateService,
            json!({"cluster": "blue", "service": "web", "capacityProviderStrategy": strategy}),
        );
        assert_eq!(code, "InvalidParameterException");
        assert_eq!(
            message,
            "When switching from launch type to capacity provider strategy on an existing service, or making a change \
             to a capacity provider strategy on a service that is already using one, you must force a new deployment."
        );
    };
    unforced(&mut world, &spot);
    let forced = |strategy: &Value| json!({"capacityProviderStrategy": strategy, "forceNewDeployment": true});
    let updated = update(&mut world, forced(&spot));
    assert!(updated.get("launchType").is_none());
    assert_eq!(
        updated["capacityProviderStrategy"][0]["capacityProvider"],
        "FARGATE_SPOT"
    );
    assert_eq!(updated["deployments"].as_array().unwrap().len(), 2);
    // The same once more, with the base that was left out, is no change.
    let same = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]);
    let updated = update(&mut world, json!({"capacityProviderStrategy": same}));
    assert_eq!(updated["deployments"].as_array().unwrap().len(), 2);
    unforced(
        &mut world,
        &json!([{"capacityProvider": "FARGATE_SPOT", "weight": 2}]),
    );
    unforced(&mut world, &json!([]));
    let updated = update(&mut world, forced(&json!([])));
    assert_eq!(updated["launchType"], "FARGATE");
    assert!(updated.get("capacityProviderStrategy").is_none());
    assert_eq!(updated["deployments"].as_array().unwrap().len(), 3);
}

#[test]
fn update_service_without_a_launch_type_to_go_back_to_goes_to_the_strategy_of_the_cluster() {
    let mut world = blue();
    let spot = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let on_spot = json!({
        "taskDefinition": "lean:1", "capacityProviderStrategy": spot, "networkConfiguration": network(),
    });
    serve(&mut world, on_spot);
    let empty = json!({"capacityProviderStrategy": [], "forceNewDeployment": true});
    let mut input = empty.clone();
    input["cluster"] = json!("blue");
    input["service"] = json!("web");
    let (code, message) = world.refused(UpdateService, input);
    assert_eq!(code, "InvalidParameterException");
    assert_eq!(
        message,
        "No launch type to fall back to for empty capacity provider strategy. Your service was not created with a \
         launch type."
    );
    world.ok(
        PutClusterCapacityProviders,
        json!({
            "cluster": "blue", "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 3}],
        }),
    );
    let updated = update(&mut world, empty);
    assert!(updated.get("launchType").is_none());
    assert_eq!(
        updated["capacityProviderStrategy"],
        json!([{"capacityProvider": "FARGATE", "weight": 3, "base": 0}])
    );
    assert_eq!(updated["platformFamily"], "Linux");
}

#[test]
fn update_service_to_another_platform_version_begins_a_deployment_even_if_it_means_the_same() {
    let mut world = blue();
    let on_fargate =
        json!({"taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network()});
    serve(&mut world, on_fargate);
    let mut deployments = 1;
    for (asked, begins) in [
        ("LATEST", false),
        ("1.4.0", true),
        ("1.4.0", false),
        ("LATEST", true),
        ("1.3.0", true),
    ] {
        let updated = update(&mut world, json!({"platformVersion": asked}));
        deployments += usize::from(begins);
        assert_eq!(updated["platformVersion"], asked);
        assert_eq!(
            updated["deployments"].as_array().unwrap().len(),
            deployments,
            "{asked}"
        );
    }
    let updated = update(&mut world, json!({"desiredCount": 0}));
    assert_eq!(updated["platformVersion"], "1.3.0");
    assert_eq!(updated["deployments"].as_array().unwrap().len(), deployments);
}

#[test]
fn update_service_keeps_the_volumes_that_it_has() {
    let mut world = blue();
    let volumes = json!([{"name": "data", "configuredAtLaunch": true}]);
    let disk = crate::fixture::with(
        crate::fixture::fargate(),
        json!({"family": "disk", "volumes": volumes}),
    );
    crate::fixture::define(&mut world, disk);
    let ebs = |size: i32| {
        json!([{"name": "data",
            "managedEBSVolume": {"roleArn": "arn:aws:iam::123456789012:role/ebs", "sizeInGiB": size}}])
    };
    let on_fargate = json!({"taskDefinition": "disk:1", "launchType": "FARGATE",
        "networkConfiguration": network(), "volumeConfigurations": ebs(10)});
    serve(&mut world, on_fargate);
    let kept = |service: &Value| service["deployments"][0]["volumeConfigurations"].clone();
    let forced = update(&mut world, json!({"forceNewDeployment": true}));
    assert_eq!(kept(&forced), ebs(10));
    let larger = update(&mut world, json!({"volumeConfigurations": ebs(20)}));
    assert_eq!(larger["deployments"].as_array().unwrap().len(), 3);
    assert_eq!(kept(&larger), ebs(20));
}

#[test]
fn update_service_keeps_its_providers_until_others_are_named() {
    let mut world = blue();
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]);
    let made = json!({"taskDefinition": "lean:1", "networkConfiguration": network(),
        "capacityProviderStrategy": strategy, "platformVersion": "1.3.0"});
    serve(&mut world, made);
    let updated = update(&mut world, json!({"forceNewDeployment": true}));
    assert_eq!(updated["capacityProviderStrategy"], strategy);
    assert_eq!(
        updated["platformVersion"], "1.3.0",
        "what was asked for once stays"
    );
    assert_eq!(updated.get("launchType"), None);
    // What came later wants a later platform.
    let execute = json!({"cluster": "blue", "service": "web", "enableExecuteCommand": true});
    let (code, _) = world.refused(UpdateService, execute);
    assert_eq!(code, "PlatformTaskDefinitionIncompatibilityException");
}

#[test]
fn update_service_leaves_its_platform_where_there_is_none() {
    let mut world = blue();
    world.ok(
        kecs_model::Operation::CreateCapacityProvider,
        crate::capacity_provider::group("mine", "one"),
    );
    world.ok(
        PutClusterCapacityProviders,
        json!({"cluster": "blue", "capacityProviders": ["mine", "FARGATE"], "defaultCapacityProviderStrategy": []}),
    );
    let on_fargate = json!({"taskDefinition": "lean:1", "launchType": "FARGATE",
        "networkConfiguration": network(), "platformVersion": "1.4.0"});
    serve(&mut world, on_fargate);
    let to = |name: &str| json!({"capacityProviderStrategy": [{"capacityProvider": name, "weight": 1}], "forceNewDeployment": true});
    let moved = update(&mut world, to("mine"));
    assert_eq!(
        (moved.get("platformVersion"), moved.get("platformFamily")),
        (None, None)
    );
    let back = update(&mut world, to("FARGATE"));
    assert_eq!(
        (&back["platformVersion"], &back["platformFamily"]),
        (&json!("LATEST"), &json!("Linux"))
    );
}
