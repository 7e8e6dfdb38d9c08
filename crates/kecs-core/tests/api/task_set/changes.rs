//! What becomes of task sets, and when.

use kecs_model::Operation::{
    self, CreateService, CreateTaskSet, DeleteTaskSet, DescribeTaskSets, UpdateServicePrimaryTaskSet,
    UpdateTaskSet,
};
use serde_json::{Value, json};

use super::{create, external, of, scale};
use crate::fixture::{blue, invalid, network, serve, service, with, without};
use crate::world::World;

/// What a load balancer and a registry lead to.
fn targets() -> Value {
    json!({
        "loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1",
            "containerName": "app", "containerPort": 80}],
        "serviceRegistries": [{"registryArn": "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-1"}],
    })
}

fn on_fargate() -> Value {
    let own = json!({"taskDefinition": "lean:1", "networkConfiguration": network(),
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]});
    with(own, targets())
}

#[test]
fn a_primary_task_set_hands_on_what_it_is_made_from() {
    let mut world = external();
    let set = create(&mut world, on_fargate());
    assert_eq!(
        set["capacityProviderStrategy"],
        json!([{"capacityProvider": "FARGATE", "weight": 1, "base": 0}])
    );
    let made_from = [
        "taskDefinition",
        "launchType",
        "capacityProviderStrategy",
        "platformVersion",
        "platformFamily",
        "networkConfiguration",
        "loadBalancers",
        "serviceRegistries",
    ];
    let described = |world: &mut World| {
        let input = json!({"cluster": "blue", "services": ["web"]});
        world.ok(Operation::DescribeServices, input)["services"][0].clone()
    };
    world.ok(
        UpdateServicePrimaryTaskSet,
        of(json!({"primaryTaskSet": set["id"]})),
    );
    let shown = described(&mut world);
    for member in made_from {
        assert_eq!(shown[member], set[member], "{member}");
    }
    // Another one takes all of it away again.
    let plain = create(&mut world, json!({}));
    world.ok(
        UpdateServicePrimaryTaskSet,
        of(json!({"primaryTaskSet": plain["id"]})),
    );
    let shown = described(&mut world);
    for member in made_from {
        assert_eq!(shown[member], plain[member], "{member}");
    }
}

#[test]
fn what_is_done_to_a_task_set_says_when() {
    let mut world = external();
    let made = world.now.as_second();
    let one = create(&mut world, scale(50.0));
    let two = create(&mut world, json!({}));
    let three = create(&mut world, json!({"tags": [{"key": "a", "value": "b"}]}));
    let times =
        |set: &Value| ["createdAt", "updatedAt", "stabilityStatusAt"].map(|it| set[it].as_i64().unwrap());
    let mut later = |operation: Operation, request: Value| {
        world.pass(10);
        let answer = world.ok(operation, of(request));
        (answer["taskSet"].clone(), world.now.as_second())
    };
    // The same scale once more changes the time of the update alone.
    let (set, now) = later(UpdateTaskSet, with(scale(50.0), json!({"taskSet": one["id"]})));
    assert_eq!(times(&set), [made, now, made]);
    assert_eq!(set["scale"], json!({"value": 50.0, "unit": "PERCENT"}));
    let (set, first) = later(UpdateServicePrimaryTaskSet, json!({"primaryTaskSet": one["id"]}));
    assert_eq!(
        (times(&set), &set["status"]),
        ([made, first, made], &json!("PRIMARY"))
    );
    // It is primary already.
    let (set, _) = later(UpdateServicePrimaryTaskSet, json!({"primaryTaskSet": one["id"]}));
    assert_eq!(times(&set), [made, first, made]);
    let (set, handed) = later(UpdateServicePrimaryTaskSet, json!({"primaryTaskSet": two["id"]}));
    assert_eq!(times(&set), [made, handed, made]);
    let (set, gone) = later(DeleteTaskSet, json!({"taskSet": three["id"]}));
    assert_eq!(times(&set), [made, gone, gone]);
    assert_eq!(
        [
            &set["status"],
            &set["computedDesiredCount"],
            &set["stabilityStatus"]
        ],
        [&json!("DRAINING"), &json!(0), &json!("STABILIZING")]
    );
    assert_eq!(set.get("tags"), None);
    // Once more it is told of as it is.
    let (set, _) = later(DeleteTaskSet, json!({"taskSet": three["id"]}));
    assert_eq!(times(&set), [made, gone, gone]);
    world.pass(10);
    world.ok(Operation::UpdateService, of(json!({"desiredCount": 20})));
    let scaled = world.now.as_second();
    let all = world.ok(
        DescribeTaskSets,
        of(json!({"taskSets": [one["id"], two["id"], three["id"]]})),
    );
    let seen: Vec<([i64; 3], &Value)> = all["taskSets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| (times(set), &set["computedDesiredCount"]))
        .collect();
    assert_eq!(
        seen,
        [
            ([made, scaled, scaled], &json!(10)),
            ([made, handed, made], &json!(0)),
            ([made, gone, gone], &json!(0)),
        ]
    );
}

#[test]
fn handing_over_touches_those_that_were_primary_alone() {
    let mut world = external();
    let sets = [(); 3].map(|()| create(&mut world, json!({}))["id"].clone());
    let made = world.now.as_second();
    world.pass(10);
    world.ok(
        UpdateServicePrimaryTaskSet,
        of(json!({"primaryTaskSet": sets[0]})),
    );
    world.pass(10);
    world.ok(
        UpdateServicePrimaryTaskSet,
        of(json!({"primaryTaskSet": sets[1]})),
    );
    let now = world.now.as_second();
    let all = world.ok(DescribeTaskSets, of(json!({"taskSets": sets})))["taskSets"].clone();
    let seen = [0, 1, 2].map(|at| {
        (
            all[at]["status"].as_str().unwrap(),
            all[at]["updatedAt"].as_i64().unwrap(),
        )
    });
    assert_eq!(seen, [("ACTIVE", now), ("PRIMARY", now), ("ACTIVE", made)]);
}

#[test]
fn a_task_set_is_found_by_its_own_service_alone() {
    let mut world = external();
    let set = create(&mut world, json!({}));
    let id = set["id"].as_str().unwrap();
    let other =
        json!({"deploymentController": {"type": "EXTERNAL"}, "serviceName": "other", "desiredCount": 1});
    world.ok(CreateService, without(service(other), "taskDefinition"));
    for arn in [
        world.arn(&format!("task-set/blue/other/{id}")),
        world.arn(&format!("task-set/green/web/{id}")),
    ] {
        let missing = world.ok(DescribeTaskSets, of(json!({"taskSets": [arn]})));
        assert_eq!(
            missing,
            json!({"taskSets": [], "failures": [{"arn": arn, "reason": "MISSING"}]})
        );
    }
    let wrong = |rest: &str, message: &str| {
        let arn = World::new().arn(rest);
        let mut world = external();
        assert_eq!(
            world.refused(DescribeTaskSets, of(json!({"taskSets": [arn]}))),
            invalid(message)
        );
    };
    wrong(
        "task-set/blue/web",
        "Invalid identifier: Unexpected number of separators",
    );
    wrong(
        "service/blue/web",
        "Invalid identifier: Identifier is for service. Expected: task-set",
    );
}

#[test]
fn task_sets_of_another_controller_are_not_changed() {
    let mut world = blue();
    let code_deploy = with(
        json!({"deploymentController": {"type": "CODE_DEPLOY"}}),
        targets(),
    );
    let code_deploy = without(code_deploy, "serviceRegistries");
    serve(&mut world, code_deploy);
    let described = json!({"cluster": "blue", "services": ["web"]});
    let set = world.ok(Operation::DescribeServices, described)["services"][0]["taskSets"][0].clone();
    assert_eq!(
        [&set["status"], &set["startedBy"], &set["computedDesiredCount"]],
        [&json!("PRIMARY"), &json!("CODE_DEPLOY"), &json!(1)]
    );
    assert_eq!(set["scale"], json!({"value": 100.0, "unit": "PERCENT"}));
    let not_external = invalid(
        "Cannot create a task set for a service that does not use the EXTERNAL deployment controller.",
    );
    for (operation, request) in [
        (UpdateTaskSet, with(scale(1.0), json!({"taskSet": set["id"]}))),
        (DeleteTaskSet, json!({"taskSet": set["id"], "force": true})),
        (UpdateServicePrimaryTaskSet, json!({"primaryTaskSet": set["id"]})),
    ] {
        assert_eq!(world.refused(operation, of(request)), not_external, "{operation}");
    }
}

#[test]
fn create_task_set_takes_the_whole_range_of_scales_and_of_registries_one() {
    let mut world = external();
    for (value, count) in [(0.0, 0), (0.1, 1), (99.9, 10), (100.0, 10)] {
        let set = create(&mut world, scale(value));
        assert_eq!(set["computedDesiredCount"], count, "{value}");
        assert_eq!(
            [&set["runningCount"], &set["pendingCount"]],
            [&json!(0), &json!(0)]
        );
    }
    for value in [-0.1, 100.1] {
        assert_eq!(
            world.refused(
                CreateTaskSet,
                with(of(json!({"taskDefinition": "web:1"})), scale(value))
            ),
            invalid("Scale value must be between 0 and 100.")
        );
    }
    let registry = json!([{"registryArn": "arn:aws:servicediscovery:eu-west-1:1:service/srv-1",
        "containerName": "app", "containerPort": 81}]);
    let request = of(json!({"taskDefinition": "web:1", "serviceRegistries": registry}));
    assert_eq!(
        world.refused(CreateTaskSet, request),
        invalid("The container app did not have a container port 81 defined.")
    );
}

#[test]
fn create_task_set_wants_a_platform_that_executes_commands() {
    for (execute, refused) in [(true, true), (false, false)] {
        let mut world = blue();
        let request = json!({"deploymentController": {"type": "EXTERNAL"}, "enableExecuteCommand": execute});
        world.ok(CreateService, without(service(request), "taskDefinition"));
        let old = json!({"taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network(),
            "platformVersion": "1.3.0"});
        let answer = world.answer(CreateTaskSet, of(old));
        assert_eq!(answer.is_err(), refused, "{execute}");
    }
}

#[test]
fn a_task_set_that_is_deleted_by_force_is_to_have_no_tasks() {
    let mut world = external();
    let set = create(&mut world, scale(100.0));
    let forced = of(json!({"taskSet": set["id"], "force": true}));
    let gone = world.ok(DeleteTaskSet, forced)["taskSet"].clone();
    assert_eq!(
        [&gone["computedDesiredCount"], &gone["status"]],
        [&json!(0), &json!("DRAINING")]
    );
}

#[test]
fn a_deleted_service_drains_its_task_sets() {
    let mut world = external();
    let tagged = json!({"tags": [{"key": "a", "value": "b"}]});
    create(&mut world, with(tagged, scale(100.0)));
    world.pass(10);
    let now = world.now.as_second();
    let gone = world.ok(Operation::DeleteService, of(json!({"force": true})))["service"].clone();
    let set = &gone["taskSets"][0];
    assert_eq!(
        (
            &set["status"],
            &set["computedDesiredCount"],
            set["updatedAt"].as_i64()
        ),
        (&json!("DRAINING"), &json!(0), Some(now))
    );
    let input = json!({"cluster": "blue", "services": ["web"], "include": ["TAGS"]});
    let shown = world.ok(Operation::DescribeServices, input)["services"][0]["taskSets"][0].clone();
    assert_eq!((&shown["status"], shown.get("tags")), (&json!("DRAINING"), None));
}
