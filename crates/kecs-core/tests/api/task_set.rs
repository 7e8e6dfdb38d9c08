//! `CreateTaskSet`, `UpdateTaskSet`, `DeleteTaskSet`, `DescribeTaskSets`, `UpdateServicePrimaryTaskSet`.

use kecs_model::Operation::{
    self, CreateService, CreateTaskSet, DeleteTaskSet, DescribeTaskSets, UpdateServicePrimaryTaskSet,
    UpdateTaskSet,
};
use serde_json::{Value, json};

use crate::fixture::{blue, invalid, network, serve, service, task_of, with, without};
use crate::world::World;

mod changes;

fn of(more: Value) -> Value {
    with(json!({"cluster": "blue", "service": "web"}), more)
}

/// A world with an externally deployed service `web` of ten tasks.
fn external() -> World {
    let mut world = blue();
    let request = json!({"deploymentController": {"type": "EXTERNAL"}, "desiredCount": 10});
    world.ok(CreateService, without(service(request), "taskDefinition"));
    world
}

fn create(world: &mut World, more: Value) -> Value {
    let request = with(of(json!({"taskDefinition": "web:1"})), more);
    world.ok(CreateTaskSet, request)["taskSet"].clone()
}

fn scale(value: f64) -> Value {
    json!({"scale": {"value": value, "unit": "PERCENT"}})
}

#[test]
fn create_task_set_fills_in_what_is_left_out() {
    let mut world = external();
    let set = create(&mut world, json!({}));
    let id = set["id"].as_str().unwrap();
    let now = world.now.as_second();
    assert_eq!(id.strip_prefix("ecs-svc/").map(str::len), Some(19));
    assert_eq!(
        set,
        json!({
            "id": id, "taskSetArn": world.arn(&format!("task-set/blue/web/{id}")),
            "serviceArn": world.arn("service/blue/web"), "clusterArn": world.arn("cluster/blue"),
            "status": "ACTIVE", "taskDefinition": world.arn("task-definition/web:1"), "launchType": "EC2",
            "computedDesiredCount": 0, "pendingCount": 0, "runningCount": 0, "createdAt": now, "updatedAt": now,
            "loadBalancers": [], "serviceRegistries": [], "scale": {"value": 0.0, "unit": "PERCENT"},
            "stabilityStatus": "STABILIZING", "stabilityStatusAt": now,
        })
    );
}

#[test]
fn create_task_set_takes_what_its_tasks_are_made_from() {
    let mut world = external();
    let on_fargate = json!({
        "taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network(), "externalId": "d-1",
        "tags": [{"key": "a", "value": "b"}],
    });
    let set = create(&mut world, with(on_fargate, scale(25.0)));
    assert_eq!(set["computedDesiredCount"], 3);
    assert_eq!(set["platformVersion"], "1.4.0");
    assert_eq!(set["platformFamily"], "Linux");
    assert_eq!(set["externalId"], "d-1");
    assert_eq!(set["tags"], json!([{"key": "a", "value": "b"}]));
    let vpc = &set["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(vpc["assignPublicIp"], "DISABLED");
}

#[test]
fn create_task_set_with_the_same_client_token_makes_nothing_more() {
    let mut world = external();
    let set = create(&mut world, json!({"clientToken": "once"}));
    assert_eq!(create(&mut world, json!({"clientToken": "once"})), set);
    let other = with(
        of(json!({"taskDefinition": "web:1", "clientToken": "once"})),
        scale(5.0),
    );
    assert_eq!(
        world.refused(CreateTaskSet, other),
        invalid("Creation of task set was not idempotent.")
    );
    let all = world.ok(DescribeTaskSets, of(json!({})));
    assert_eq!(all["taskSets"].as_array().unwrap().len(), 1);
}

#[test]
fn create_task_set_refuses_what_does_not_fit() {
    let mut world = external();
    let web = |more: Value| with(of(json!({"taskDefinition": "web:1"})), more);
    let (code, message) = world.refused(CreateTaskSet, web(json!({"service": "none"})));
    assert_eq!(
        (code, message.as_str()),
        ("ServiceNotFoundException", "Service not found.")
    );
    let (code, _) = world.refused(CreateTaskSet, web(json!({"cluster": "red"})));
    assert_eq!(code, "ClusterNotFoundException");
    let (code, _) = world.refused(CreateTaskSet, web(json!({"taskDefinition": "none"})));
    assert_eq!(code, "ClientException");
    assert_eq!(
        world.refused(CreateTaskSet, web(json!({"networkConfiguration": network()}))),
        invalid("Network Configuration is not valid for the given networkMode of this task definition.")
    );
    assert_eq!(
        world.refused(CreateTaskSet, web(json!({"launchType": "FARGATE"}))),
        invalid("Task definition does not support launch_type FARGATE.")
    );
    let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1";
    let balancer = json!({"targetGroupArn": group, "containerName": "app", "containerPort": 81});
    assert_eq!(
        world.refused(CreateTaskSet, web(json!({"loadBalancers": [balancer]}))),
        invalid("The container app did not have a container port 81 defined.")
    );
    for value in [-0.1, 100.1] {
        let (code, _) = world.refused(CreateTaskSet, web(scale(value)));
        assert_eq!(code, "InvalidParameterException", "{value}");
    }
    let both = json!({"launchType": "EC2", "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]});
    let (code, message) = world.refused(CreateTaskSet, web(both));
    assert_eq!(code, "InvalidParameterException");
    assert!(message.starts_with("Specifying both a launch type"), "{message}");
    let old = json!({"taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network()});
    let (code, _) = world.refused(CreateTaskSet, web(with(old, json!({"platformVersion": "0.0.1"}))));
    assert_eq!(code, "PlatformUnknownException");
}

#[test]
fn create_task_set_is_for_services_with_an_external_controller() {
    let mut world = blue();
    serve(&mut world, json!({}));
    let request = of(json!({"taskDefinition": "web:1"}));
    assert_eq!(
        world.refused(CreateTaskSet, request.clone()),
        invalid(
            "Cannot create a task set for a service that does not use the EXTERNAL deployment controller."
        )
    );
    world.ok(Operation::DeleteService, of(json!({"force": true})));
    let (code, message) = world.refused(CreateTaskSet, request);
    assert_eq!(
        (code, message.as_str()),
        ("ServiceNotActiveException", "Service was not ACTIVE.")
    );
}

#[test]
fn create_task_set_refuses_a_sixth() {
    let mut world = external();
    for _ in 0..5 {
        create(&mut world, json!({}));
    }
    assert_eq!(
        world.refused(CreateTaskSet, of(json!({"taskDefinition": "web:1"}))),
        invalid(
            "5 deployments exist on the service. Unable to create new TaskSet since this exceeds the maximum limit."
        )
    );
}

#[test]
fn update_task_set_scales_it() {
    let mut world = external();
    let set = create(&mut world, json!({}));
    world.pass(10);
    let request = |by: &str, value: f64| with(of(json!({"taskSet": set[by]})), scale(value));
    let updated = world.ok(UpdateTaskSet, request("id", 31.0))["taskSet"].clone();
    assert_eq!(updated["computedDesiredCount"], 4);
    assert_eq!(updated["scale"]["value"].as_f64(), Some(31.0));
    assert_eq!(updated["stabilityStatus"], "STABILIZING");
    assert_eq!(updated["updatedAt"].as_i64(), Some(world.now.as_second()));
    assert_eq!(updated["stabilityStatusAt"].as_i64(), Some(world.now.as_second()));
    let updated = world.ok(UpdateTaskSet, request("taskSetArn", 100.0))["taskSet"].clone();
    assert_eq!(updated["computedDesiredCount"], 10);
    let (code, _) = world.refused(UpdateTaskSet, request("id", 101.0));
    assert_eq!(code, "InvalidParameterException");
    let (code, message) = world.refused(
        UpdateTaskSet,
        with(request("id", 1.0), json!({"taskSet": "ecs-svc/1"})),
    );
    assert_eq!(
        (code, message.as_str()),
        (
            "TaskSetNotFoundException",
            "The specified task set was not found."
        )
    );
    let (code, _) = world.refused(UpdateTaskSet, without(request("id", 1.0), "scale"));
    assert_eq!(code, "InvalidParameterException");
    // The desired count of the service scales them too.
    let scaled = world.ok(Operation::UpdateService, of(json!({"desiredCount": 7})))["service"].clone();
    assert_eq!(scaled["taskSets"][0]["computedDesiredCount"], 7);
}

#[test]
fn delete_task_set_needs_it_scaled_to_zero_and_not_primary() {
    let mut world = external();
    let set = create(&mut world, scale(10.0));
    let request = of(json!({"taskSet": set["id"]}));
    let above = invalid("The task set cannot be deleted while it is scaled above 0.");
    assert_eq!(world.refused(DeleteTaskSet, request.clone()), above);
    world.ok(UpdateTaskSet, with(request.clone(), scale(0.0)));
    let primary = of(json!({"primaryTaskSet": set["id"]}));
    world.ok(UpdateServicePrimaryTaskSet, primary.clone());
    assert_eq!(world.refused(DeleteTaskSet, request.clone()), above);
    let other = create(&mut world, json!({}));
    let deleted = world.ok(DeleteTaskSet, of(json!({"taskSet": other["id"]})))["taskSet"].clone();
    assert_eq!(deleted["status"], "DRAINING");
    assert_eq!(deleted["computedDesiredCount"], 0);
    let forced = with(request.clone(), json!({"force": true}));
    assert_eq!(world.ok(DeleteTaskSet, forced)["taskSet"]["status"], "DRAINING");
    for (operation, request) in [
        (UpdateTaskSet, with(request, scale(5.0))),
        (UpdateServicePrimaryTaskSet, primary),
    ] {
        let (code, message) = world.refused(operation, request);
        assert_eq!(code, "InvalidParameterException");
        assert!(message.starts_with("The task set is being deleted"), "{message}");
    }
    let (code, _) = world.refused(DeleteTaskSet, of(json!({"taskSet": "ecs-svc/1"})));
    assert_eq!(code, "TaskSetNotFoundException");
}

#[test]
fn describe_task_sets_shows_all_or_those_that_are_named() {
    let mut world = external();
    let one = create(
        &mut world,
        with(json!({"tags": [{"key": "a", "value": "b"}]}), scale(50.0)),
    );
    let two = create(&mut world, json!({}));
    let by = one["id"].as_str().unwrap();
    task_of(&mut world, "web", by, 1, "RUNNING");
    task_of(&mut world, "web", by, 2, "ACTIVATING");
    let all = world.ok(DescribeTaskSets, of(json!({})));
    assert_eq!(all["taskSets"].as_array().unwrap().len(), 2);
    assert!(
        all["taskSets"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it.get("tags").is_none())
    );
    let missing = world.arn("task-set/blue/web/ecs-svc/1");
    let named = json!({"taskSets": [one["taskSetArn"], "ecs-svc/1", missing], "include": ["TAGS"]});
    let answer = world.ok(DescribeTaskSets, of(named));
    let shown = &answer["taskSets"][0];
    assert_eq!(
        (&shown["runningCount"], &shown["pendingCount"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(shown["tags"], json!([{"key": "a", "value": "b"}]));
    let failure = json!({"arn": missing, "reason": "MISSING"});
    assert_eq!(answer["failures"], json!([failure, failure]));
    assert_eq!(
        world.ok(DescribeTaskSets, of(json!({"taskSets": [two["id"]]})))["taskSets"][0]["id"],
        two["id"]
    );
    let (code, _) = world.refused(DescribeTaskSets, of(json!({"service": "none"})));
    assert_eq!(code, "ServiceNotFoundException");
    let wrong = of(json!({"taskSets": [world.arn("task/blue/0af3")]}));
    let (code, _) = world.refused(DescribeTaskSets, wrong);
    assert_eq!(code, "InvalidParameterException");
}

#[test]
fn update_service_primary_task_set_hands_over() {
    let mut world = external();
    let one = create(&mut world, json!({}));
    let on_fargate =
        json!({"taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network()});
    let two = create(&mut world, on_fargate);
    let primary = |set: &Value| of(json!({"primaryTaskSet": set["id"]}));
    let made = world.ok(UpdateServicePrimaryTaskSet, primary(&one))["taskSet"].clone();
    assert_eq!(made["status"], "PRIMARY");
    let by_arn = of(json!({"primaryTaskSet": two["taskSetArn"]}));
    assert_eq!(
        world.ok(UpdateServicePrimaryTaskSet, by_arn)["taskSet"]["status"],
        "PRIMARY"
    );
    let described = world.ok(
        Operation::DescribeServices,
        json!({"cluster": "blue", "services": ["web"]}),
    );
    let shown = &described["services"][0];
    assert_eq!(
        shown["taskDefinition"],
        json!(world.arn("task-definition/lean:1"))
    );
    assert_eq!(shown["launchType"], "FARGATE");
    let mut states: Vec<(&Value, &Value)> = shown["taskSets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["status"], &it["id"]))
        .collect();
    states.sort_by_key(|(status, _)| status.as_str());
    assert_eq!(
        states,
        [(&json!("ACTIVE"), &one["id"]), (&json!("PRIMARY"), &two["id"])]
    );
    let (code, _) = world.refused(
        UpdateServicePrimaryTaskSet,
        of(json!({"primaryTaskSet": "ecs-svc/1"})),
    );
    assert_eq!(code, "TaskSetNotFoundException");
}
