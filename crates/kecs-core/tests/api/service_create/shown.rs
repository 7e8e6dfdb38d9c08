//! All that is shown of a service, of its deployments and of what they deploy.

use kecs_model::Operation::{
    CreateService, DescribeServiceDeployments, DescribeServiceRevisions, UpdateService,
};
use serde_json::{Value, json};

use super::{REGISTRY, balancer, lean};
use crate::fixture::{blue, define, fargate, with};
use crate::world::World;

/// The service with its newest service deployment and the revision of that.
fn all(world: &mut World, service: &Value) -> String {
    let deployment = json!({"serviceDeploymentArns": [service["currentServiceDeployment"]]});
    let revision = json!({"serviceRevisionArns": [service["currentServiceRevisions"][0]["arn"]]});
    let all = json!({
        "service": service,
        "serviceDeployment": world.ok(DescribeServiceDeployments, deployment)["serviceDeployments"][0],
        "serviceRevision": world.ok(DescribeServiceRevisions, revision)["serviceRevisions"][0],
    });
    serde_json::to_string_pretty(&all).unwrap()
}

#[test]
fn create_service_and_update_service_show_all_that_was_asked_for() {
    let mut world = blue();
    let volume = json!({"family": "disk", "volumes": [{"name": "data", "configuredAtLaunch": true}]});
    define(&mut world, with(fargate(), volume));
    let role = "arn:aws:iam::123456789012:role/ecs";
    let group = "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-1";
    let request = lean(json!({
        "taskDefinition": "disk:1", "desiredCount": 7, "platformVersion": "1.4.0",
        "loadBalancers": [balancer(json!({}))],
        "serviceRegistries": [{"registryArn": REGISTRY, "containerName": "app", "containerPort": 80}],
        "serviceConnectConfiguration": {"enabled": true, "namespace": "internal"},
        "volumeConfigurations": [{"name": "data", "managedEBSVolume": {"roleArn": role, "sizeInGiB": 10}}],
        "vpcLatticeConfigurations": [{"roleArn": role, "targetGroupArn": group, "portName": "http"}],
        "deploymentConfiguration": {
            "maximumPercent": 150, "minimumHealthyPercent": 50,
            "deploymentCircuitBreaker": {"enable": true, "rollback": true},
            "alarms": {"alarmNames": ["errors"], "enable": true, "rollback": false},
        },
        "tags": [{"key": "team", "value": "red"}],
    }));
    let made = world.ok(CreateService, request)["service"].clone();
    insta::assert_snapshot!("made", all(&mut world, &made));
    world.pass(60);
    let request = json!({"cluster": "blue", "service": "web", "forceNewDeployment": true});
    let updated = world.ok(UpdateService, request)["service"].clone();
    insta::assert_snapshot!("updated", all(&mut world, &updated));
}
