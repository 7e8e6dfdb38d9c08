//! How a task definition goes once nothing is made from it any more; and edges of what is registered and listed.

use kecs_core::record::{Family, Service, TaskDefinition};
use kecs_core::task_definition::{forget, is_going, is_in_use};
use kecs_model::Operation;
use serde_json::json;

use crate::fixture::{blue, change_task, define, ec2, serve, service, task_of, with, without};
use crate::world::World;

fn in_use(world: &mut World, revision: i32) -> bool {
    let key = world.scope().task_definition("web", revision);
    let record: TaskDefinition = world.get(&key).unwrap();
    world.within(|tx| is_in_use(tx, &record)).unwrap()
}

fn change_service(world: &mut World, change: impl FnOnce(&mut Service)) {
    let key = world.scope().service("blue", "web");
    let mut kept: Service = world.get(&key).unwrap();
    change(&mut kept);
    world.put(key, kept);
}

#[test]
fn it_is_in_use_as_long_as_a_task_of_it_is_not_over() {
    let mut world = blue();
    define(&mut world, with(ec2(), json!({"revision": 2})));
    assert!(!in_use(&mut world, 1));
    let id = task_of(&mut world, "web", "me", 1, "RUNNING");
    assert!(in_use(&mut world, 1) && !in_use(&mut world, 2));
    change_task(&mut world, &id, |it| {
        it.task.desired_status = Some("STOPPED".to_owned());
    });
    assert!(in_use(&mut world, 1), "it is asked to stop, and runs still");
    change_task(&mut world, &id, |it| {
        it.task.last_status = Some("STOPPED".to_owned());
    });
    assert!(!in_use(&mut world, 1));
}

#[test]
fn it_is_in_use_as_long_as_a_service_is_or_may_come_to_be_of_it() {
    let mut world = blue();
    for revision in 2..=3 {
        define(&mut world, with(ec2(), json!({"revision": revision})));
    }
    serve(&mut world, json!({"desiredCount": 0}));
    assert!(in_use(&mut world, 1) && !in_use(&mut world, 2));
    world.schedule("blue", "web");
    let update = json!({"cluster": "blue", "service": "web", "taskDefinition": "web:2"});
    world.ok(Operation::UpdateService, update);
    assert!(in_use(&mut world, 1), "a deployment has tasks of it");
    assert!(in_use(&mut world, 2) && !in_use(&mut world, 3));
    change_service(&mut world, |it| {
        it.service.deployments.as_mut().unwrap().truncate(1);
        it.rollouts.truncate(1);
    });
    assert!(in_use(&mut world, 1), "it may be gone back to");
    world.schedule("blue", "web");
    assert!(!in_use(&mut world, 1), "the newest deployment is complete");
    let delete = json!({"cluster": "blue", "service": "web"});
    world.ok(Operation::DeleteService, delete);
    assert!(in_use(&mut world, 2));
    world.schedule("blue", "web");
    assert!(!in_use(&mut world, 2), "the service is INACTIVE");
}

#[test]
fn it_is_in_use_as_long_as_a_task_set_is_of_it() {
    let mut world = blue();
    let external = json!({"deploymentController": {"type": "EXTERNAL"}, "desiredCount": 0});
    world.ok(
        Operation::CreateService,
        without(service(external), "taskDefinition"),
    );
    assert!(!in_use(&mut world, 1));
    let of = json!({"cluster": "blue", "service": "web"});
    let set = world.ok(
        Operation::CreateTaskSet,
        with(of.clone(), json!({"taskDefinition": "web:1"})),
    )["taskSet"]["id"]
        .clone();
    assert!(in_use(&mut world, 1));
    let delete = with(of, json!({"taskSet": set, "force": true}));
    world.ok(Operation::DeleteTaskSet, delete);
    world.schedule("blue", "web");
    assert!(!in_use(&mut world, 1));
}

#[test]
fn list_task_definition_families_by_prefix_has_all_that_begin_so() {
    let mut world = World::new();
    for family in ["a", "web", "web-2", "weber", "x"] {
        let register = json!({
            "family": family, "containerDefinitions": [{"name": "app", "image": "nginx", "memory": 128}],
        });
        world.ok(Operation::RegisterTaskDefinition, register);
    }
    for (prefix, expected) in [
        ("web", json!(["web", "web-2", "weber"])),
        ("web-", json!(["web-2"])),
        ("x", json!(["x"])),
        ("y", json!([])),
    ] {
        let answer = world.ok(
            Operation::ListTaskDefinitionFamilies,
            json!({"familyPrefix": prefix}),
        );
        assert_eq!(answer["families"], expected, "{prefix}");
    }
}

#[test]
fn register_task_definition_takes_65536_bytes_and_expressions_that_can_be_read() {
    let mut world = World::new();
    let of = |letters: usize| {
        json!({"family": "web", "containerDefinitions": [
            {"name": "app", "image": "nginx", "memory": 128, "command": ["x".repeat(letters)]}]})
    };
    let (_, message) = world.refused(Operation::RegisterTaskDefinition, of(70_000));
    let length: usize = message.split('\'').nth(1).unwrap().parse().unwrap();
    let most = 70_000 - (length - 65_536);
    world.ok(Operation::RegisterTaskDefinition, of(most));
    assert_eq!(
        world.refused(Operation::RegisterTaskDefinition, of(most + 1)).1,
        "Actual length: '65537'. Max allowed length is '65536' bytes."
    );
    let constrained = |expression: &str| {
        with(
            of(1),
            json!({"placementConstraints": [{"type": "memberOf", "expression": expression}]}),
        )
    };
    world.ok(
        Operation::RegisterTaskDefinition,
        constrained("attribute:stack exists"),
    );
    assert_eq!(
        world
            .refused(Operation::RegisterTaskDefinition, constrained("colour == red"))
            .1,
        "Invalid placement constraint expression."
    );
}

#[test]
fn register_task_definition_with_any_secret_wants_a_role_that_reads_it() {
    let mut world = World::new();
    let secret = json!([{"name": "KEY", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/key"}]);
    let of = |member: &str, value: serde_json::Value| {
        let mut input = json!({"family": "web", "containerDefinitions": [
            {"name": "app", "image": "nginx", "memory": 128,
             "logConfiguration": {"logDriver": "splunk", "options": {"splunk-url": "u", "splunk-token": "t"}}}]});
        let container = &mut input["containerDefinitions"][0];
        if member == "log" || member == "both" {
            container["logConfiguration"]["secretOptions"] = value.clone();
        }
        if member == "secrets" || member == "both" {
            container["secrets"] = value;
        }
        input
    };
    for member in ["log", "secrets", "both"] {
        let input = of(member, secret.clone());
        assert!(
            world
                .refused(Operation::RegisterTaskDefinition, input.clone())
                .1
                .contains("executionRoleArn"),
            "{member}"
        );
        let role = json!({"executionRoleArn": "arn:aws:iam::123456789012:role/reads"});
        world.ok(Operation::RegisterTaskDefinition, with(input, role));
    }
}

#[test]
fn what_is_forgotten_is_told_of_no_more_and_its_number_stays_taken() {
    let mut world = World::new();
    let register = json!({
        "family": "web", "containerDefinitions": [{"name": "app", "image": "nginx", "memory": 128}],
    });
    for _ in 0..2 {
        world.ok(Operation::RegisterTaskDefinition, register.clone());
    }
    let families = |world: &mut World| {
        let all = json!({"status": "ALL"});
        world.ok(Operation::ListTaskDefinitionFamilies, all)["families"].clone()
    };
    for (revision, shown) in [(1, json!(["web"])), (2, json!([]))] {
        let key = world.scope().task_definition("web", revision);
        let named = json!(format!("web:{revision}"));
        world.ok(
            Operation::DeregisterTaskDefinition,
            json!({"taskDefinition": named}),
        );
        assert!(!is_going(&world.get(&key).unwrap()));
        world.ok(
            Operation::DeleteTaskDefinitions,
            json!({"taskDefinitions": [named]}),
        );
        let record: TaskDefinition = world.get(&key).unwrap();
        assert!(is_going(&record));
        let at = key.clone();
        world.within(|tx| forget(tx, at, &record)).unwrap();
        assert_eq!(world.get::<TaskDefinition>(&key), None);
        assert_eq!(families(&mut world), shown);
    }
    let family: Family = world.get(&world.scope().family("web")).unwrap();
    assert_eq!((family.deleted, family.last_revision), (2, 2));
    let third = world.ok(Operation::RegisterTaskDefinition, register);
    assert_eq!(third["taskDefinition"]["revision"], 3);
    assert_eq!(families(&mut world), json!(["web"]));
}

#[test]
fn a_family_is_active_as_long_as_one_of_its_revisions_is() {
    let mut world = World::new();
    let register =
        json!({"family": "web", "containerDefinitions": [{"name": "app", "image": "nginx", "memory": 128}]});
    for _ in 0..3 {
        world.ok(Operation::RegisterTaskDefinition, register.clone());
    }
    let mut end = |revision: i32| {
        world.pass(10);
        let input = json!({"taskDefinition": format!("web:{revision}")});
        world.ok(Operation::DeregisterTaskDefinition, input.clone());
        let shown = world.ok(Operation::DescribeTaskDefinition, input)["taskDefinition"].clone();
        let active = world.ok(Operation::ListTaskDefinitionFamilies, json!({"status": "ACTIVE"}));
        let at = shown["deregisteredAt"].as_i64().unwrap() - world.now.as_second();
        (at, active["families"].as_array().unwrap().len())
    };
    assert_eq!(end(1), (0, 1));
    // Once more it is as it was.
    assert_eq!(end(1), (-10, 1));
    assert_eq!(end(1), (-20, 1));
    assert_eq!(end(2), (0, 1));
    assert_eq!(end(3), (0, 0));
}
