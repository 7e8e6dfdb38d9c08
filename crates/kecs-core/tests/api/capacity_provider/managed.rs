//! Capacity providers with machines of their own, and Auto Scaling groups that are none.

use kecs_model::Operation::{CreateCapacityProvider, CreateCluster, UpdateCapacityProvider};
use serde_json::{Value, json};

use super::{group, managed};
use crate::fixture::with;
use crate::world::World;

/// The provider `mine` of `blue`.
fn mine() -> World {
    let mut world = World::new();
    world.ok(CreateCluster, json!({"clusterName": "blue"}));
    let mut input = managed("mine", "blue");
    input["managedInstancesProvider"]["instanceLaunchTemplate"]["storageConfiguration"] =
        json!({"storageSizeGiB": 50});
    world.ok(CreateCapacityProvider, input);
    world
}

const ROLE: &str = "arn:aws:iam::123456789012:role/infra";

fn update(role: &str, template: Value) -> Value {
    json!({"name": "mine", "cluster": "blue", "managedInstancesProvider": {
        "infrastructureRoleArn": role, "instanceLaunchTemplate": template}})
}

#[test]
fn update_capacity_provider_changes_what_it_names_of_the_template() {
    let mut world = mine();
    let before = json!({
        "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/node",
        "networkConfiguration": {"subnets": ["subnet-1"]},
        "storageConfiguration": {"storageSizeGiB": 50},
        "monitoring": "BASIC", "capacityOptionType": "ON_DEMAND",
    });
    let changes = json!({
        "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/other",
        "networkConfiguration": {"subnets": ["subnet-2"]},
        "storageConfiguration": {"storageSizeGiB": 60},
        "monitoring": "DETAILED",
        "instanceRequirements": {"vCpuCount": {"min": 2, "max": 4}, "memoryMiB": {"min": 1024, "max": 2048}},
    });
    let mut kept = before;
    for (member, value) in changes.as_object().unwrap() {
        kept = with(kept, json!({member: value}));
        let answer = world.ok(UpdateCapacityProvider, update(ROLE, json!({member: value})));
        let provider = &answer["capacityProvider"]["managedInstancesProvider"];
        assert_eq!(provider["instanceLaunchTemplate"], kept, "{member}");
    }
}

#[test]
fn update_capacity_provider_checks_the_role_and_the_template() {
    let mut world = mine();
    let role = "The specified infrastructure role ARN is invalid. Specify a valid role ARN and try again.";
    for arn in ["infra", "arn:aws:iam::123456789012:user/infra", "x:role/infra"] {
        let (_, message) = world.refused(UpdateCapacityProvider, update(arn, json!({})));
        assert_eq!(message, role, "{arn}");
    }
    let empty = update(ROLE, json!({"networkConfiguration": {"subnets": []}}));
    assert_eq!(
        world.refused(UpdateCapacityProvider, empty).1,
        "subnets can not be empty."
    );
    let crossed = "The minimum of an instance requirement cannot be greater than its maximum.";
    let sized = |cpus: (i32, i32), memory: (i32, i32)| {
        update(
            ROLE,
            json!({"instanceRequirements": {
                "vCpuCount": {"min": cpus.0, "max": cpus.1}, "memoryMiB": {"min": memory.0, "max": memory.1}}}),
        )
    };
    for wrong in [sized((3, 2), (1, 2)), sized((1, 2), (3, 2))] {
        assert_eq!(world.refused(UpdateCapacityProvider, wrong).1, crossed);
    }
    world.ok(UpdateCapacityProvider, sized((2, 2), (1024, 1024)));
}

#[test]
fn create_capacity_provider_wants_the_arn_of_an_auto_scaling_group() {
    let mut world = World::new();
    let good = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:a1:autoScalingGroupName/one";
    let of = |arn: &str| {
        let mut input = group("mine", "one");
        input["autoScalingGroupProvider"]["autoScalingGroupArn"] = json!(arn);
        input
    };
    for arn in [
        "one",
        &good.replace("arn:", "urn:"),
        &good.replace("autoscaling:", "ec2:"),
        &good.replace("autoScalingGroup:", "launchConfiguration:"),
    ] {
        let (code, message) = world.refused(CreateCapacityProvider, of(arn));
        assert_eq!(code, "ClientException", "{arn}");
        assert!(
            message.starts_with("The specified Auto Scaling group ARN is invalid."),
            "{message}"
        );
    }
    world.ok(CreateCapacityProvider, of(good));
}

#[test]
fn update_capacity_provider_keeps_what_it_does_not_name() {
    let mut world = World::new();
    world.ok(CreateCluster, json!({"clusterName": "blue"}));
    let template = json!({
        "networkConfiguration": {"subnets": ["subnet-1"]}, "ec2InstanceProfileArn": "arn:aws:iam::1:instance-profile/a",
        "storageConfiguration": {"storageSizeGiB": 50}, "localStorageConfiguration": {"useLocalStorage": true},
        "instanceMetadataTagsPropagation": true, "monitoring": "DETAILED", "capacityOptionType": "SPOT",
        "capacityReservations": {"reservationGroupArn": "arn:aws:resource-groups:eu-west-1:1:group/a"},
        "instanceRequirements": {"vCpuCount": {"min": 2, "max": 4}, "memoryMiB": {"min": 1024, "max": 2048}},
    });
    let kept = json!({
        "infrastructureRoleArn": ROLE, "instanceLaunchTemplate": template, "propagateTags": "CAPACITY_PROVIDER",
        "infrastructureOptimization": {"scaleInAfter": 60}, "autoRepairConfiguration": {"actionsStatus": "ENABLED"},
    });
    let input = json!({"name": "mine", "cluster": "blue", "managedInstancesProvider": kept});
    let made = world.ok(CreateCapacityProvider, input);
    assert_eq!(made["capacityProvider"]["managedInstancesProvider"], kept);
    let mut change = |more: Value| {
        let base = update(ROLE, json!({}));
        let provider = with(base["managedInstancesProvider"].clone(), more);
        let answer = world.ok(
            UpdateCapacityProvider,
            with(base, json!({"managedInstancesProvider": provider})),
        );
        answer["capacityProvider"]["managedInstancesProvider"].clone()
    };
    assert_eq!(change(json!({})), kept);
    let mut now = kept;
    for more in [
        json!({"propagateTags": "NONE"}),
        json!({"infrastructureOptimization": {"scaleInAfter": 90}}),
        json!({"autoRepairConfiguration": {"actionsStatus": "DISABLED"}}),
        json!({"infrastructureRoleArn": "arn:aws:iam::123456789012:role/other"}),
    ] {
        now = with(now, more.clone());
        assert_eq!(change(more), now);
        // The role is said anew each time.
        now["infrastructureRoleArn"] = json!(ROLE);
    }
    for (member, value) in [
        ("instanceMetadataTagsPropagation", json!(false)),
        ("localStorageConfiguration", json!({"useLocalStorage": false})),
        (
            "capacityReservations",
            json!({"reservationGroupArn": "arn:aws:resource-groups:eu-west-1:1:group/b"}),
        ),
    ] {
        now["instanceLaunchTemplate"][member] = value.clone();
        assert_eq!(
            change(json!({"instanceLaunchTemplate": {member: value}})),
            now,
            "{member}"
        );
    }
}

#[test]
fn instance_requirements_name_types_to_allow_or_to_exclude_and_may_be_open_above() {
    let mut world = mine();
    let wanted = |more: Value| {
        let open = json!({"vCpuCount": {"min": 3}, "memoryMiB": {"min": 3}});
        update(ROLE, json!({"instanceRequirements": with(open, more)}))
    };
    world.ok(UpdateCapacityProvider, wanted(json!({})));
    world.ok(
        UpdateCapacityProvider,
        wanted(json!({"allowedInstanceTypes": ["m5.*"]})),
    );
    world.ok(
        UpdateCapacityProvider,
        wanted(json!({"excludedInstanceTypes": ["m5.*"]})),
    );
    let both = json!({"allowedInstanceTypes": ["m5.*"], "excludedInstanceTypes": ["m4.*"]});
    assert_eq!(
        world.refused(UpdateCapacityProvider, wanted(both)).1,
        "allowedInstanceTypes and excludedInstanceTypes cannot be specified together."
    );
}

#[test]
fn update_capacity_provider_changes_of_a_group_what_it_names() {
    let mut world = World::new();
    let mut input = group("mine", "one");
    let scaling = json!({"status": "ENABLED", "targetCapacity": 80, "minimumScalingStepSize": 2,
        "maximumScalingStepSize": 20, "instanceWarmupPeriod": 60});
    input["autoScalingGroupProvider"]["managedScaling"] = scaling;
    input["autoScalingGroupProvider"]["managedTerminationProtection"] = json!("ENABLED");
    input["autoScalingGroupProvider"]["managedDraining"] = json!("DISABLED");
    let made = world.ok(CreateCapacityProvider, input.clone());
    let mut kept = input["autoScalingGroupProvider"].clone();
    assert_eq!(made["capacityProvider"]["autoScalingGroupProvider"], kept);
    let mut change = |more: Value| {
        let answer = world.ok(
            UpdateCapacityProvider,
            json!({"name": "mine", "autoScalingGroupProvider": more}),
        );
        answer["capacityProvider"]["autoScalingGroupProvider"].clone()
    };
    assert_eq!(change(json!({})), kept);
    for (member, value) in [
        ("targetCapacity", 70),
        ("minimumScalingStepSize", 3),
        ("maximumScalingStepSize", 3),
        ("instanceWarmupPeriod", 90),
    ] {
        kept["managedScaling"][member] = json!(value);
        assert_eq!(
            change(json!({"managedScaling": {member: value}})),
            kept,
            "{member}"
        );
    }
    for (member, value) in [
        ("managedDraining", "ENABLED"),
        ("managedTerminationProtection", "DISABLED"),
    ] {
        kept[member] = json!(value);
        assert_eq!(change(json!({member: value})), kept);
    }
    kept["managedScaling"]["status"] = json!("DISABLED");
    assert_eq!(change(json!({"managedScaling": {"status": "DISABLED"}})), kept);
}
