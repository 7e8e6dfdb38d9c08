//! Capacity provider strategies of clusters and of tasks.

use kecs_core::record;
use kecs_model::Operation::{self, CreateCluster, PutClusterCapacityProviders, RunTask};
use kecs_model::types::CapacityProviderStatus;
use serde_json::{Value, json};

use crate::capacity_provider::{group, managed};
use crate::fixture::{blue, define, ec2, fargate, invalid, network, with};
use crate::world::World;

/// A world with the cluster `blue` and so many providers of machines, `p0` and on, which it does not have.
fn with_providers(count: usize) -> World {
    let mut world = blue();
    for number in 0..count {
        let name = format!("p{number}");
        world.ok(Operation::CreateCapacityProvider, group(&name, &name));
    }
    world
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("p{number}")).collect()
}

fn put(providers: &[String], strategy: Value) -> Value {
    json!({"cluster": "blue", "capacityProviders": providers, "defaultCapacityProviderStrategy": strategy})
}

#[test]
fn a_cluster_has_twenty_providers_and_its_strategy_as_many() {
    let mut world = with_providers(21);
    let items = |count: usize| -> Value {
        names(count)
            .iter()
            .map(|name| json!({"capacityProvider": name, "weight": 1}))
            .collect()
    };
    assert_eq!(
        world.refused(PutClusterCapacityProviders, put(&names(21), json!([]))),
        invalid("capacityProviders can have at most 20 items.")
    );
    world.ok(PutClusterCapacityProviders, put(&names(20), items(20)));
    world.ok(PutClusterCapacityProviders, put(&names(20), json!([])));
    let run = |count: usize| {
        let request =
            json!({"cluster": "blue", "taskDefinition": "web:1", "capacityProviderStrategy": items(count)});
        move |world: &mut World| world.answer(RunTask, request).map(|_| ())
    };
    assert_eq!(run(20)(&mut world), Ok(()));
    assert_eq!(
        run(21)(&mut world).unwrap_err().message,
        "A capacity provider strategy can contain a maximum of 20 capacity providers."
    );
}

#[test]
fn a_provider_is_named_by_its_arn_and_by_no_other() {
    let mut world = with_providers(1);
    let arn = world.arn("capacity-provider/p0");
    let answer = world.ok(PutClusterCapacityProviders, put(&[arn], json!([])));
    assert_eq!(answer["cluster"]["capacityProviders"], json!(["p0"]));
    for (wrong, kind) in [
        ("cluster/p0", "cluster"),
        ("capacity-provider/p0/more", "capacity-provider"),
    ] {
        let arn = world.arn(wrong);
        assert_eq!(
            world.refused(PutClusterCapacityProviders, put(&[arn], json!([]))),
            invalid(&format!(
                "Invalid identifier: Identifier is for {kind}. Expected: capacity-provider"
            ))
        );
    }
}

#[test]
fn a_cluster_takes_providers_that_are_active_and_its_own() {
    let mut world = with_providers(1);
    world.ok(CreateCluster, json!({"clusterName": "green"}));
    for (name, cluster) in [("mine", "blue"), ("theirs", "green")] {
        world.ok(Operation::CreateCapacityProvider, managed(name, cluster));
    }
    world.ok(PutClusterCapacityProviders, put(&["mine".to_owned()], json!([])));
    let theirs = put(&["theirs".to_owned()], json!([]));
    assert_eq!(
        world.refused(PutClusterCapacityProviders, theirs),
        invalid(
            "The specified capacity provider 'theirs' belongs to another cluster. Specify a valid capacity provider \
             and try again."
        )
    );
    let key = world.scope().capacity_provider("p0");
    let mut kept: record::CapacityProvider = world.get(&key).unwrap();
    kept.provider.status = Some(CapacityProviderStatus::Inactive);
    world.put(key, kept);
    assert_eq!(
        world.refused(PutClusterCapacityProviders, put(&["p0".to_owned()], json!([]))),
        invalid(
            "The specified capacity provider 'p0' is not in an ACTIVE state. Specify a valid capacity provider and \
             try again."
        )
    );
}

#[test]
fn tasks_of_managed_instances_are_said_to_run_on_them() {
    let mut world = with_providers(1);
    world.ok(Operation::CreateCapacityProvider, managed("mine", "blue"));
    let both = ["p0".to_owned(), "mine".to_owned()];
    world.ok(PutClusterCapacityProviders, put(&both, json!([])));
    for (family, compatibilities) in [
        ("machine", json!(["EC2"])),
        ("managed", json!(["MANAGED_INSTANCES"])),
    ] {
        define(
            &mut world,
            with(
                ec2(),
                json!({"family": family, "compatibilities": compatibilities}),
            ),
        );
    }
    // Whether it is taken tells on what it would have run.
    for (providers, family, taken) in [
        (&["p0"][..], "machine", true),
        (&["p0"], "managed", false),
        (&["mine"], "machine", false),
        (&["mine"], "managed", true),
        (&["p0", "mine"], "managed", true),
        (&["mine", "p0"], "managed", true),
    ] {
        let strategy: Value = providers
            .iter()
            .map(|name| json!({"capacityProvider": name, "weight": 1}))
            .collect();
        let request = json!({"cluster": "blue", "taskDefinition": format!("{family}:1"),
            "capacityProviderStrategy": strategy});
        assert_eq!(
            world.answer(RunTask, request).is_ok(),
            taken,
            "{providers:?} {family}"
        );
    }
}

#[test]
fn a_default_strategy_wants_a_weight_somewhere_and_an_empty_one_is_none() {
    let mut world = blue();
    let weights = |first: i32, second: i32| json!([{"capacityProvider": "FARGATE", "weight": first}, {"capacityProvider": "FARGATE_SPOT", "weight": second}]);
    let fargates = ["FARGATE".to_owned(), "FARGATE_SPOT".to_owned()];
    world.ok(PutClusterCapacityProviders, put(&fargates, weights(0, 1)));
    let request = json!({"cluster": "blue", "taskDefinition": "lean:1", "networkConfiguration": network(),
        "capacityProviderStrategy": [], "platformVersion": ""});
    let task = world.ok(RunTask, request)["tasks"][0].clone();
    assert_eq!(
        (&task["capacityProviderName"], &task["platformVersion"]),
        (&json!("FARGATE_SPOT"), &json!("1.4.0"))
    );
    // One that is empty stands beside a launch type.
    let request = json!({"cluster": "blue", "taskDefinition": "lean:1", "networkConfiguration": network(),
        "launchType": "FARGATE", "capacityProviderStrategy": []});
    assert_eq!(
        world.ok(RunTask, request)["tasks"][0].get("capacityProviderName"),
        None
    );
}

#[test]
fn files_of_one_container_among_several_want_the_latest_platform() {
    let mut world = blue();
    let mut definition = with(fargate(), json!({"family": "files"}));
    let file = json!([{"type": "s3", "value": "arn:aws:s3:::bucket/a.env"}]);
    let side = json!({"name": "side", "image": "side", "environmentFiles": file});
    definition["containerDefinitions"]
        .as_array_mut()
        .unwrap()
        .push(side);
    define(&mut world, definition);
    let run = |version: &str| {
        json!({"cluster": "blue", "taskDefinition": "files:1", "launchType": "FARGATE",
            "networkConfiguration": network(), "platformVersion": version})
    };
    let (code, _) = world.refused(RunTask, run("1.3.0"));
    assert_eq!(code, "PlatformTaskDefinitionIncompatibilityException");
    world.ok(RunTask, run("1.4.0"));
}
