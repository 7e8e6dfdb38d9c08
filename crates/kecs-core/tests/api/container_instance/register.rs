//! `RegisterContainerInstance`.

use kecs_model::Operation;
use serde_json::{Value, json};

use super::{describe, join, list, machine, world, world_arn};
use crate::world::World;

#[test]
fn register_container_instance_shows_what_the_machine_is() {
    let mut world = world();
    let mut input = machine();
    input["attributes"] =
        json!([{"name": "stack", "value": "prod"}, {"name": "ecs.os-type", "value": "linux"}]);
    input["tags"] = json!([{"key": "a", "value": "b"}]);
    input["platformDevices"] = json!([{"id": "gpu-1", "type": "GPU"}]);
    let answer = world.ok(Operation::RegisterContainerInstance, input);
    let instance = &answer["containerInstance"];
    let arn = instance["containerInstanceArn"].as_str().unwrap();
    let id = arn.strip_prefix(&world.arn("container-instance/blue/")).unwrap();
    assert_eq!(id.len(), 32);
    let resources = json!([
        {"name": "CPU", "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": 2048},
        {"name": "MEMORY", "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": 4096},
        {"name": "PORTS", "type": "STRINGSET", "doubleValue": 0.0, "longValue": 0, "integerValue": 0,
            "stringSetValue": ["22"]},
        {"name": "GPU", "type": "STRINGSET", "doubleValue": 0.0, "longValue": 0, "integerValue": 0,
            "stringSetValue": ["gpu-1"]}]);
    assert_eq!(
        *instance,
        json!({
            "containerInstanceArn": arn,
            "ec2InstanceId": "i-1",
            "version": 1,
            "versionInfo": {"agentVersion": "1.90.0", "dockerVersion": "25"},
            "registeredResources": resources,
            "remainingResources": resources,
            "status": "ACTIVE",
            "agentConnected": true,
            "runningTasksCount": 0,
            "pendingTasksCount": 0,
            "registeredAt": 1_795_262_400,
            "attachments": [],
            "tags": [{"key": "a", "value": "b"}],
            "attributes": [
                {"name": "ecs.ami-id", "value": "ami-1"},
                {"name": "ecs.availability-zone", "value": "eu-west-1a"},
                {"name": "ecs.cpu-architecture", "value": "x86_64"},
                {"name": "ecs.instance-type", "value": "t3.micro"},
                {"name": "ecs.os-type", "value": "linux"},
                {"name": "stack", "value": "prod"}],
        })
    );
    assert_eq!(describe(&mut world, arn)["tags"], json!([]));
}

#[test]
fn register_container_instance_gives_the_arn_that_the_setting_says() {
    let mut world = world();
    let setting = json!({"name": "containerInstanceLongArnFormat", "value": "disabled"});
    world.ok(Operation::PutAccountSetting, setting);
    let arn = join(&mut world, machine());
    let id = arn
        .strip_prefix(&world.arn("container-instance/"))
        .unwrap()
        .to_owned();
    assert_eq!(id.len(), 32);
    for named in [
        id.clone(),
        arn.clone(),
        world.arn(&format!("container-instance/blue/{id}")),
    ] {
        assert_eq!(describe(&mut world, &named)["containerInstanceArn"], arn);
    }
}

#[test]
fn register_container_instance_belongs_to_the_capacity_provider_of_its_cluster() {
    let mut world = world();
    let provider = |world: &mut World, attributes: Value| {
        let input = json!({"cluster": "blue", "attributes": attributes});
        let answer = world.ok(Operation::RegisterContainerInstance, input);
        answer["containerInstance"]["capacityProviderName"].clone()
    };
    assert_eq!(provider(&mut world, json!([])), Value::Null);
    for name in ["one", "two"] {
        world.ok(
            Operation::CreateCapacityProvider,
            crate::capacity_provider::group(name, name),
        );
    }
    let put = |world: &mut World, names: Value| {
        let input =
            json!({"cluster": "blue", "capacityProviders": names, "defaultCapacityProviderStrategy": []});
        world.ok(Operation::PutClusterCapacityProviders, input);
    };
    put(&mut world, json!(["FARGATE", "one"]));
    assert_eq!(provider(&mut world, json!([])), "one");
    put(&mut world, json!(["one", "two"]));
    assert_eq!(provider(&mut world, json!([])), Value::Null);
    let named = json!([{"name": "ecs.capacity-provider", "value": "two"}]);
    assert_eq!(provider(&mut world, named), "two");
}

#[test]
fn register_container_instance_again_updates_it() {
    let mut world = world();
    let arn = join(&mut world, machine());
    let attributes =
        json!({"cluster": "blue", "attributes": [{"name": "stack", "value": "prod", "targetId": arn}]});
    world.ok(Operation::PutAttributes, attributes);
    world.ok(
        Operation::UpdateContainerAgent,
        json!({"cluster": "blue", "containerInstance": arn}),
    );
    let mut again = machine();
    again["containerInstanceArn"] = json!(arn);
    again["versionInfo"]["agentVersion"] = json!("1.100.0");
    again["totalResources"][0]["integerValue"] = json!(4096);
    let answer = world.ok(Operation::RegisterContainerInstance, again.clone());
    let instance = &answer["containerInstance"];
    assert_eq!(instance["containerInstanceArn"], arn);
    assert_eq!(
        (&instance["version"], &instance["agentUpdateStatus"]),
        (&json!(4), &json!("UPDATED"))
    );
    assert_eq!(instance["registeredResources"][0]["integerValue"], 4096);
    let names: Vec<&Value> = instance["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert!(names.contains(&&json!("stack")) && names.contains(&&json!("ecs.ami-id")));
    assert_eq!(list(&mut world, json!({})).len(), 1);
    again["instanceIdentityDocument"] = json!(r#"{"instanceId": "i-2"}"#);
    assert_eq!(
        world.refused(Operation::RegisterContainerInstance, again.clone()),
        (
            "ClientException",
            format!("The container instance {arn} is another machine.")
        )
    );
    world.ok(
        Operation::DeregisterContainerInstance,
        json!({"cluster": "blue", "containerInstance": arn}),
    );
    assert_eq!(
        world.refused(Operation::RegisterContainerInstance, again),
        (
            "ClientException",
            format!("The container instance {arn} is INACTIVE. Register it as a new one.")
        )
    );
}

#[test]
fn register_container_instance_refuses_what_cannot_be() {
    let mut world = world();
    let mut refused = |member: &str, value: Value| {
        let mut input = machine();
        input[member] = value;
        let (code, message) = world.refused(Operation::RegisterContainerInstance, input);
        assert_eq!(code, "InvalidParameterException");
        message
    };
    assert_eq!(
        refused("instanceIdentityDocument", json!("{")),
        "The instance identity document cannot be read."
    );
    assert_eq!(
        refused("totalResources", json!([{"type": "INTEGER"}])),
        "Resource name can not be blank."
    );
    assert_eq!(
        refused("totalResources", json!([{"name": "CPU", "type": "FLOAT"}])),
        "Invalid type of the resource CPU: FLOAT"
    );
    assert_eq!(
        refused(
            "totalResources",
            json!([{"name": "CPU", "type": "INTEGER", "integerValue": -1}])
        ),
        "Invalid value of the resource CPU."
    );
    assert_eq!(
        refused(
            "totalResources",
            json!([{"name": "CPU", "type": "INTEGER"}, {"name": "CPU", "type": "INTEGER"}])
        ),
        "The resource CPU is given more than once."
    );
    let gone = world_arn(&"0".repeat(32));
    assert_eq!(
        refused("containerInstanceArn", json!(gone)),
        format!("Referenced container instance {gone} not found.")
    );
}

#[test]
fn register_container_instance_takes_numbers_and_sets_of_every_type() {
    let mut world = world();
    let mut registered = |resource: Value| {
        let input = json!({"cluster": "blue", "totalResources": [resource]});
        let answer = world.answer(Operation::RegisterContainerInstance, input)?;
        Ok::<_, kecs_model::Refusal>(
            answer.output.value()["containerInstance"]["registeredResources"][0].clone(),
        )
    };
    for (given, shown) in [
        (
            json!({"type": "INTEGER", "integerValue": 7}),
            json!({"doubleValue": 0.0, "longValue": 0, "integerValue": 7}),
        ),
        (
            json!({"type": "LONG", "longValue": 8}),
            json!({"doubleValue": 0.0, "longValue": 8, "integerValue": 8}),
        ),
        (
            json!({"type": "LONG", "longValue": 2_147_483_648_i64}),
            json!({"doubleValue": 0.0, "longValue": 2_147_483_648_i64, "integerValue": 0}),
        ),
        (
            json!({"type": "INTEGER", "integerValue": 7, "longValue": 8}),
            json!({"doubleValue": 0.0, "longValue": 8, "integerValue": 7}),
        ),
        (
            json!({"type": "DOUBLE", "doubleValue": 1.5}),
            json!({"doubleValue": 1.5, "longValue": 0, "integerValue": 0}),
        ),
        (
            json!({"type": "STRINGSET"}),
            json!({"doubleValue": 0.0, "longValue": 0, "integerValue": 0, "stringSetValue": []}),
        ),
        (
            // A set is of a set alone.
            json!({"type": "INTEGER", "integerValue": 1, "stringSetValue": ["a"]}),
            json!({"doubleValue": 0.0, "longValue": 0, "integerValue": 1}),
        ),
    ] {
        let named = json!({"name": "r", "type": given["type"]});
        let found = registered(crate::fixture::with(given.clone(), json!({"name": "r"}))).unwrap();
        assert_eq!(found, crate::fixture::with(named, shown), "{given}");
    }
    for wrong in [
        json!({"name": "r", "type": "LONG", "longValue": -1}),
        json!({"name": "r", "type": "INTEGER", "integerValue": -1, "longValue": 1}),
    ] {
        assert_eq!(
            registered(wrong).unwrap_err().message,
            "Invalid value of the resource r."
        );
    }
    assert_eq!(
        registered(json!({"name": "", "type": "LONG"}))
            .unwrap_err()
            .message,
        "Resource name can not be blank."
    );
}

#[test]
fn register_container_instance_takes_what_is_empty_for_what_is_left_out() {
    let mut world = world();
    for document in ["", " \n"] {
        let input =
            json!({"cluster": "blue", "containerInstanceArn": "", "instanceIdentityDocument": document});
        let shown = world.ok(Operation::RegisterContainerInstance, input)["containerInstance"].clone();
        assert_eq!((&shown["attributes"], &shown["version"]), (&json!([]), &json!(1)));
        assert_eq!(shown.get("ec2InstanceId"), None);
    }
    let input = json!({"cluster": "blue", "instanceIdentityDocument":
        r#"{"instanceId": "i-9", "availabilityZone": "eu-west-1b", "architecture": ""}"#});
    let shown = world.ok(Operation::RegisterContainerInstance, input)["containerInstance"].clone();
    assert_eq!(
        shown["attributes"],
        json!([{"name": "ecs.availability-zone", "value": "eu-west-1b"}])
    );
}

#[test]
fn register_container_instance_again_tells_the_version_that_runs_now() {
    let mut world = world();
    let arn = join(&mut world, machine());
    let mut again = machine();
    again["containerInstanceArn"] = json!(arn);
    again["versionInfo"] = json!({"agentVersion": "1.95.0", "agentHash": "abc", "dockerVersion": "26"});
    let shown = world.ok(Operation::RegisterContainerInstance, again.clone())["containerInstance"].clone();
    assert_eq!(shown["versionInfo"], again["versionInfo"]);
    assert_eq!(shown.get("agentUpdateStatus"), None, "none was asked for");
    // One that is under way goes on as long as the version is the same.
    world.ok(
        Operation::UpdateContainerAgent,
        json!({"cluster": "blue", "containerInstance": arn}),
    );
    let shown = world.ok(Operation::RegisterContainerInstance, again)["containerInstance"].clone();
    assert_eq!(shown["agentUpdateStatus"], "PENDING");
}

#[test]
fn register_container_instance_belongs_to_no_provider_where_several_could_be_it() {
    let mut world = world();
    let providers = |world: &mut World, names: &[&str]| {
        let input =
            json!({"cluster": "blue", "capacityProviders": names, "defaultCapacityProviderStrategy": []});
        world.ok(Operation::PutClusterCapacityProviders, input);
        let answer = world.ok(Operation::RegisterContainerInstance, json!({"cluster": "blue"}));
        answer["containerInstance"]["capacityProviderName"].clone()
    };
    for name in ["one", "two", "three"] {
        let group = crate::capacity_provider::group(name, name);
        world.ok(Operation::CreateCapacityProvider, group);
    }
    assert_eq!(providers(&mut world, &["FARGATE", "one", "FARGATE_SPOT"]), "one");
    assert_eq!(providers(&mut world, &["one", "two"]), Value::Null);
    assert_eq!(providers(&mut world, &["one", "two", "three"]), Value::Null);
    assert_eq!(providers(&mut world, &["FARGATE"]), Value::Null);
}

#[test]
fn an_instance_that_is_deregistered_counts_it_and_is_not_updated() {
    let mut world = world();
    let arn = join(&mut world, machine());
    let mut again = machine();
    again["containerInstanceArn"] = json!(arn);
    let id = arn.rsplit('/').next().unwrap().to_owned();
    let key = world.scope().container_instance("blue", &id);
    let mut kept: kecs_core::record::ContainerInstance = world.get(&key).unwrap();
    kept.instance.agent_connected = Some(false);
    world.put(key, kept);
    let shown = world.ok(Operation::RegisterContainerInstance, again)["containerInstance"].clone();
    assert_eq!(
        (&shown["agentConnected"], &shown["version"]),
        (&json!(true), &json!(2))
    );
    let gone = json!({"cluster": "blue", "containerInstance": arn});
    for _ in 0..2 {
        let shown =
            world.ok(Operation::DeregisterContainerInstance, gone.clone())["containerInstance"].clone();
        assert_eq!(
            (&shown["status"], &shown["version"]),
            (&json!("INACTIVE"), &json!(3))
        );
    }
    assert_eq!(
        world.refused(Operation::UpdateContainerAgent, gone),
        (
            "InvalidParameterException",
            format!("Referenced container instance {arn} not found.")
        )
    );
    let none = json!([{"name": "CPU", "type": "INTEGER", "integerValue": 0}]);
    join(&mut world, json!({"cluster": "blue", "totalResources": none}));
}
