//! `DeleteService`, `DescribeServices`, `ListServices`, `ListServicesByNamespace`.

use kecs_core::record;
use kecs_model::Operation::{
    self, CreateService, DeleteService, DescribeServices, ListServices, ListServicesByNamespace,
};
use serde_json::{Value, json};

use crate::fixture::{blue, invalid, network, serve, service, task_of, with, without};
use crate::world::World;

fn web(more: Value) -> Value {
    with(json!({"cluster": "blue", "service": "web"}), more)
}

fn describe(world: &mut World, services: Value) -> Value {
    world.ok(DescribeServices, json!({"cluster": "blue", "services": services}))
}

fn arns(world: &mut World, operation: Operation, request: Value) -> Vec<String> {
    serde_json::from_value(world.ok(operation, request)["serviceArns"].clone()).unwrap()
}

#[test]
fn delete_service_drains_it_once_it_is_scaled_to_zero() {
    let mut world = blue();
    serve(&mut world, json!({}));
    assert_eq!(
        world.refused(DeleteService, web(json!({}))),
        invalid("The service cannot be stopped while it is scaled above 0.")
    );
    world.ok(Operation::UpdateService, web(json!({"desiredCount": 0})));
    let deleted = world.ok(DeleteService, web(json!({})))["service"].clone();
    assert_eq!(deleted["status"], "DRAINING");
    assert_eq!(deleted["desiredCount"], 0);
    assert_eq!(deleted["deployments"][0]["desiredCount"], 0);
    // It is told of still, and listed no more.
    assert_eq!(
        describe(&mut world, json!(["web"]))["services"][0]["status"],
        "DRAINING"
    );
    assert_eq!(
        arns(&mut world, ListServices, json!({"cluster": "blue"})),
        Vec::<String>::new()
    );
    let again = world.ok(DeleteService, web(json!({})))["service"].clone();
    assert_eq!(again["status"], "DRAINING");
}

#[test]
fn delete_service_by_force_needs_no_scaling() {
    let mut world = blue();
    serve(&mut world, json!({"desiredCount": 5}));
    let deleted = world.ok(DeleteService, web(json!({"force": true})))["service"].clone();
    assert_eq!(
        (&deleted["status"], &deleted["desiredCount"]),
        (&json!("DRAINING"), &json!(0))
    );
}

#[test]
fn delete_service_of_a_daemon_needs_no_force() {
    let mut world = blue();
    let daemon = without(service(json!({"schedulingStrategy": "DAEMON"})), "desiredCount");
    world.ok(CreateService, daemon);
    let deleted = world.ok(DeleteService, web(json!({})))["service"].clone();
    assert_eq!(deleted["status"], "DRAINING");
}

#[test]
fn delete_service_with_a_scaled_task_set_is_refused_without_force() {
    let mut world = blue();
    let external = json!({"deploymentController": {"type": "EXTERNAL"}, "desiredCount": 0});
    world.ok(CreateService, without(service(external), "taskDefinition"));
    let set = web(json!({"taskDefinition": "web:1", "scale": {"value": 50.0, "unit": "PERCENT"}}));
    world.ok(Operation::CreateTaskSet, set);
    assert_eq!(
        world.refused(DeleteService, web(json!({}))),
        invalid("The service cannot be stopped while the primary deployment is scaled above 0.")
    );
    let deleted = world.ok(DeleteService, web(json!({"force": true})))["service"].clone();
    assert_eq!(deleted["taskSets"][0]["status"], "DRAINING");
    assert_eq!(deleted["taskSets"][0]["computedDesiredCount"], 0);
}

#[test]
fn delete_service_refuses_what_is_not_there_or_inactive() {
    let mut world = blue();
    let not_found = ("ServiceNotFoundException", "Service not found.".to_owned());
    assert_eq!(world.refused(DeleteService, web(json!({}))), not_found);
    let (code, _) = world.refused(DeleteService, web(json!({"cluster": "red"})));
    assert_eq!(code, "ClusterNotFoundException");
    serve(&mut world, json!({}));
    let key = world.scope().service("blue", "web");
    let mut kept: record::Service = world.get(&key).unwrap();
    kept.service.status = Some("INACTIVE".to_owned());
    world.put(key, kept);
    assert_eq!(world.refused(DeleteService, web(json!({}))), not_found);
    assert_eq!(
        describe(&mut world, json!(["web"]))["services"][0]["status"],
        "INACTIVE"
    );
}

#[test]
fn describe_services_counts_tasks_by_deployment() {
    let mut world = blue();
    let made = serve(&mut world, json!({"desiredCount": 3}));
    let old = made["deployments"][0]["id"].as_str().unwrap().to_owned();
    let forced = web(json!({"forceNewDeployment": true}));
    let updated = world.ok(Operation::UpdateService, forced)["service"].clone();
    let new = updated["deployments"][0]["id"].as_str().unwrap().to_owned();
    let tasks = [
        (&old, "RUNNING"),
        (&old, "RUNNING"),
        (&old, "STOPPING"),
        (&old, "STOPPED"),
        (&new, "RUNNING"),
        (&new, "PROVISIONING"),
        (&new, "PENDING"),
        (&new, "ACTIVATING"),
        (&new, "DEPROVISIONING"),
    ];
    for (number, (by, last)) in (1..).zip(tasks) {
        task_of(&mut world, "web", by, number, last);
    }
    serve(&mut world, json!({"serviceName": "other"}));
    task_of(&mut world, "other", "ecs-svc/1", 50, "RUNNING");
    let shown = describe(&mut world, json!(["web"]))["services"][0].clone();
    let counts = |value: &Value| (value["runningCount"].clone(), value["pendingCount"].clone());
    assert_eq!(counts(&shown), (json!(3), json!(3)));
    assert_eq!(counts(&shown["deployments"][0]), (json!(1), json!(3)));
    assert_eq!(counts(&shown["deployments"][1]), (json!(2), json!(0)));
    let revisions = shown["currentServiceRevisions"].as_array().unwrap();
    let of = |value: &Value| {
        (
            value["runningTaskCount"].clone(),
            value["pendingTaskCount"].clone(),
        )
    };
    assert_eq!(revisions.len(), 2);
    assert_eq!(of(&revisions[0]), (json!(1), json!(3)));
    assert_eq!(of(&revisions[1]), (json!(2), json!(0)));
}

#[test]
fn describe_services_shows_tags_where_they_are_asked_for() {
    let mut world = blue();
    let tags = json!([{"key": "team", "value": "red"}]);
    let made = serve(&mut world, json!({"tags": tags}));
    assert_eq!(made["tags"], tags);
    assert!(
        describe(&mut world, json!(["web"]))["services"][0]
            .get("tags")
            .is_none()
    );
    let request = json!({"cluster": "blue", "services": ["web"], "include": ["TAGS"]});
    assert_eq!(world.ok(DescribeServices, request)["services"][0]["tags"], tags);
    let updated = world.ok(Operation::UpdateService, web(json!({"desiredCount": 2})))["service"].clone();
    assert!(updated.get("tags").is_none());
}

#[test]
fn describe_services_tells_of_missing_ones_and_understands_arns() {
    let mut world = blue();
    serve(&mut world, json!({}));
    let arn = world.arn("service/blue/web");
    let short = world.arn("service/web");
    let missing = world.arn("service/blue/none");
    let answer = describe(&mut world, json!(["none", arn, short, missing]));
    assert_eq!(answer["services"].as_array().unwrap().len(), 2);
    let failure = json!({"arn": missing, "reason": "MISSING"});
    assert_eq!(answer["failures"], json!([failure, failure]));
}

#[test]
fn describe_services_takes_one_to_ten() {
    let mut world = blue();
    let names: Vec<String> = (0..11).map(|number| format!("s{number}")).collect();
    let of = |services: Value| json!({"cluster": "blue", "services": services});
    assert_eq!(
        world.refused(DescribeServices, of(json!(names))),
        invalid("service names can have at most 10 items.")
    );
    assert_eq!(
        world.refused(DescribeServices, of(json!([]))),
        invalid("Services cannot be empty.")
    );
    let failures = describe(&mut world, json!(names[..10]))["failures"].clone();
    assert_eq!(failures.as_array().unwrap().len(), 10);
    let (code, _) = world.refused(DescribeServices, json!({"services": ["web"]}));
    assert_eq!(code, "ClusterNotFoundException");
}

#[test]
fn list_services_filters_and_pages_by_ten() {
    let mut world = blue();
    for number in 0..12 {
        serve(&mut world, json!({"serviceName": format!("s{number:02}")}));
    }
    let on_fargate = json!({
        "serviceName": "lean", "taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network(),
    });
    serve(&mut world, on_fargate);
    let daemon = json!({"serviceName": "daemon", "schedulingStrategy": "DAEMON"});
    world.ok(CreateService, without(service(daemon), "desiredCount"));
    let first = world.ok(ListServices, json!({"cluster": "blue"}));
    assert_eq!(first["serviceArns"].as_array().unwrap().len(), 10);
    let rest = world.ok(
        ListServices,
        json!({"cluster": "blue", "nextToken": first["nextToken"]}),
    );
    assert_eq!(rest["serviceArns"].as_array().unwrap().len(), 4);
    assert!(rest.get("nextToken").is_none());
    let mut of = |more: Value| {
        arns(
            &mut world,
            ListServices,
            with(json!({"cluster": "blue", "maxResults": 100}), more),
        )
    };
    let arn = |name: &str| World::new().arn(&format!("service/blue/{name}"));
    assert_eq!(of(json!({"launchType": "FARGATE"})), [arn("lean")]);
    assert_eq!(of(json!({"schedulingStrategy": "DAEMON"})), [arn("daemon")]);
    assert_eq!(of(json!({"schedulingStrategy": "REPLICA"})).len(), 13);
    assert_eq!(
        of(json!({"schedulingStrategy": "REPLICA", "launchType": "EC2"})).len(),
        12
    );
    assert_eq!(
        of(json!({"schedulingStrategy": "DAEMON", "launchType": "EC2"})),
        [arn("daemon")]
    );
    assert_eq!(of(json!({"resourceManagementType": "CUSTOMER"})).len(), 14);
    assert_eq!(of(json!({"resourceManagementType": "ECS"})), Vec::<String>::new());
    let (code, _) = world.refused(ListServices, json!({"cluster": "red"}));
    assert_eq!(code, "ClusterNotFoundException");
}

#[test]
fn list_services_by_namespace_finds_them_in_all_clusters() {
    let mut world = blue();
    world.ok(Operation::CreateCluster, json!({"clusterName": "green"}));
    let connect = |namespace: &str| json!({"enabled": true, "namespace": namespace, "services": []});
    for (cluster, name, namespace) in [("blue", "a", "in"), ("green", "b", "in"), ("blue", "c", "out")] {
        let more = json!({"serviceConnectConfiguration": connect(namespace), "cluster": cluster, "serviceName": name});
        serve(&mut world, more);
    }
    let off = json!({"enabled": false, "namespace": "in"});
    serve(
        &mut world,
        json!({"serviceName": "off", "serviceConnectConfiguration": off}),
    );
    let arn = |path: &str| World::new().arn(&format!("service/{path}"));
    let within = json!({"namespace": "in"});
    assert_eq!(
        arns(&mut world, ListServicesByNamespace, within.clone()),
        [arn("blue/a"), arn("green/b")]
    );
    let first = world.ok(
        ListServicesByNamespace,
        with(within.clone(), json!({"maxResults": 1})),
    );
    assert_eq!(first["serviceArns"], json!([arn("blue/a")]));
    let second = with(
        within.clone(),
        json!({"maxResults": 1, "nextToken": first["nextToken"]}),
    );
    assert_eq!(
        world.ok(ListServicesByNamespace, second),
        json!({"serviceArns": [arn("green/b")]})
    );
    // Who leaves the namespace is not found in it any more.
    let leave = json!({"cluster": "blue", "service": "a", "serviceConnectConfiguration": {"enabled": false}});
    world.ok(Operation::UpdateService, leave);
    assert_eq!(
        arns(&mut world, ListServicesByNamespace, within),
        [arn("green/b")]
    );
}

#[test]
fn list_services_by_namespace_refuses_one_that_nothing_names() {
    let mut world = blue();
    let nowhere = json!({"namespace": "nowhere"});
    assert_eq!(
        world.refused(ListServicesByNamespace, nowhere),
        (
            "NamespaceNotFoundException",
            "The specified namespace was not found.".to_owned()
        )
    );
    let defaults = json!({"cluster": "blue", "serviceConnectDefaults": {"namespace": "idle"}});
    let kept = world.ok(Operation::UpdateCluster, defaults)["cluster"]["serviceConnectDefaults"].clone();
    let idle = json!({"namespace": kept["namespace"]});
    assert_eq!(
        arns(&mut world, ListServicesByNamespace, idle),
        Vec::<String>::new()
    );
}
