//! Counts, roles and zones of a new service.

use kecs_model::Operation::{CreateService, DeleteService};
use serde_json::{Value, json};

use super::{REGISTRY, balancer, refused};
use crate::fixture::{blue, service, with, without};

#[test]
fn create_service_balances_zones_where_nothing_is_against_it() {
    let zone = "attribute:ecs.availability-zone";
    let spread = |field: &str| json!({"type": "spread", "field": field});
    let expression = |text: &str| json!([{"type": "memberOf", "expression": text}]);
    let maximum = |percent: i32| json!({"maximumPercent": percent, "minimumHealthyPercent": 50});
    let rows = [
        (json!({}), true),
        (json!({"placementStrategy": [spread(zone)]}), true),
        (
            json!({"placementStrategy": [spread(zone), spread("instanceId")]}),
            true,
        ),
        (
            json!({"placementStrategy": [spread("instanceId"), spread(zone)]}),
            false,
        ),
        (
            json!({"placementStrategy": [{"type": "binpack", "field": "cpu"}]}),
            false,
        ),
        (
            json!({"placementConstraints": expression("attribute:stack exists")}),
            true,
        ),
        (
            json!({"placementConstraints": expression(&format!("{zone} == eu-west-1a"))}),
            false,
        ),
        (json!({"deploymentConfiguration": maximum(101)}), true),
        (json!({"deploymentConfiguration": maximum(100)}), false),
        (json!({"loadBalancers": [balancer(json!({}))]}), true),
        (json!({"launchType": "EXTERNAL"}), false),
    ];
    for (more, balanced) in rows {
        let word = if balanced { "ENABLED" } else { "DISABLED" };
        let made = blue().ok(CreateService, service(more.clone()))["service"].clone();
        assert_eq!(made["availabilityZoneRebalancing"], word, "{more}");
        let asked = with(
            service(more.clone()),
            json!({"availabilityZoneRebalancing": "ENABLED"}),
        );
        assert_eq!(blue().answer(CreateService, asked).is_ok(), balanced, "{more}");
    }
}

#[test]
fn create_service_wants_a_count_from_zero_on() {
    let mut world = blue();
    assert_eq!(
        refused(&mut world, service(json!({"desiredCount": -1}))),
        "DesiredCount can not be lesser than 0"
    );
    assert_eq!(
        refused(&mut world, without(service(json!({})), "desiredCount")),
        "DesiredCount is missing"
    );
    world.ok(CreateService, service(json!({"desiredCount": 0})));
}

#[test]
fn create_service_takes_a_role_by_name_or_by_arn() {
    let classic = json!({"loadBalancerName": "classic", "containerName": "app", "containerPort": 80});
    let arn = "arn:aws:iam::123456789012:role/path/mine";
    for (given, shown) in [("mine", "arn:aws:iam::123456789012:role/mine"), (arn, arn)] {
        let request = service(json!({"loadBalancers": [classic], "role": given}));
        assert_eq!(blue().ok(CreateService, request)["service"]["roleArn"], shown);
    }
}

#[test]
fn create_service_wants_the_arn_of_a_registry() {
    let mut world = blue();
    let of = |arn: &str| {
        let registry: Value = json!({"registryArn": arn, "containerName": "app", "containerPort": 80});
        service(json!({"serviceRegistries": [registry]}))
    };
    for wrong in [
        REGISTRY.replace("arn:", "urn:"),
        REGISTRY.replace("servicediscovery:", "ecs:"),
        REGISTRY.replace(":service/", ":namespace/"),
    ] {
        let message = refused(&mut world, of(&wrong));
        assert_eq!(message, format!("Invalid registry ARN: {wrong}"));
    }
    world.ok(CreateService, of(REGISTRY));
}

#[test]
fn delete_service_needs_no_force_where_its_task_sets_are_scaled_to_zero() {
    let mut world = blue();
    let external = json!({"deploymentController": {"type": "EXTERNAL"}, "desiredCount": 0});
    world.ok(CreateService, without(service(external), "taskDefinition"));
    let web = json!({"cluster": "blue", "service": "web"});
    let set = with(
        web.clone(),
        json!({"taskDefinition": "web:1", "scale": {"value": 0.0, "unit": "PERCENT"}}),
    );
    world.ok(kecs_model::Operation::CreateTaskSet, set);
    assert_eq!(world.ok(DeleteService, web)["service"]["status"], "DRAINING");
}
