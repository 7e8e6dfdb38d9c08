//! `ListServiceDeployments`, `DescribeServiceDeployments`, `DescribeServiceRevisions`, `StopServiceDeployment`.

use kecs_core::record::ServiceDeployment;
use kecs_model::Operation::{
    self, DescribeServiceDeployments, DescribeServiceRevisions, ListServiceDeployments, StopServiceDeployment,
};
use kecs_model::types::ServiceDeploymentStatus as Status;
use serde_json::{Value, json};

use crate::fixture::{blue, invalid, serve, task_of, with};
use crate::world::World;

fn of(more: Value) -> Value {
    with(json!({"cluster": "blue", "service": "web"}), more)
}

fn list(world: &mut World, more: Value) -> Vec<String> {
    let answer = world.ok(ListServiceDeployments, of(more));
    let briefs = answer["serviceDeployments"].as_array().unwrap().iter();
    briefs
        .map(|brief| brief["serviceDeploymentArn"].as_str().unwrap().to_owned())
        .collect()
}

fn redeploy(world: &mut World) -> String {
    world.pass(10);
    let updated = world.ok(Operation::UpdateService, of(json!({"forceNewDeployment": true})));
    let arn = &updated["service"]["currentServiceDeployment"];
    arn.as_str().unwrap().to_owned()
}

fn change(world: &mut World, arn: &str, status: Status) {
    let id = arn.rsplit('/').next().unwrap();
    let key = world.scope().service_deployment("blue", "web", id);
    let mut kept: ServiceDeployment = world.get(&key).unwrap();
    kept.deployment.status = Some(status);
    world.put(key, kept);
}

/// Three service deployments of `web`, ten seconds apart, the oldest first.
fn three() -> (World, [String; 3]) {
    let mut world = blue();
    let first = serve(&mut world, json!({}))["currentServiceDeployment"].clone();
    let first = first.as_str().unwrap().to_owned();
    let second = redeploy(&mut world);
    let third = redeploy(&mut world);
    (world, [first, second, third])
}

#[test]
fn list_service_deployments_has_the_newest_first() {
    let (mut world, [first, second, third]) = three();
    assert_eq!(
        list(&mut world, json!({})),
        [third.clone(), second.clone(), first.clone()]
    );
    let by_arn = json!({"service": world.arn("service/blue/web")});
    assert_eq!(list(&mut world, by_arn).len(), 3);
    let page = world.ok(ListServiceDeployments, of(json!({"maxResults": 2})));
    assert_eq!(page["serviceDeployments"].as_array().unwrap().len(), 2);
    let rest = json!({"maxResults": 2, "nextToken": page["nextToken"]});
    let rest = world.ok(ListServiceDeployments, of(rest));
    assert_eq!(
        rest["serviceDeployments"][0]["serviceDeploymentArn"],
        json!(first)
    );
    assert!(rest.get("nextToken").is_none());
    let brief = &page["serviceDeployments"][0];
    assert_eq!(brief["serviceArn"], json!(world.arn("service/blue/web")));
    assert_eq!(brief["clusterArn"], json!(world.arn("cluster/blue")));
    assert_eq!(brief["status"], "PENDING");
    assert_eq!(brief["createdAt"].as_i64(), Some(world.now.as_second()));
    let revision = brief["targetServiceRevisionArn"].as_str().unwrap();
    assert!(revision.starts_with(&world.arn("service-revision/blue/web/")));
}

#[test]
fn list_service_deployments_filters_by_status_and_time() {
    let (mut world, [first, second, third]) = three();
    change(&mut world, &first, Status::Successful);
    change(&mut world, &second, Status::Stopped);
    assert_eq!(
        list(&mut world, json!({"status": ["SUCCESSFUL"]})),
        std::slice::from_ref(&first)
    );
    assert_eq!(
        list(&mut world, json!({"status": ["SUCCESSFUL", "PENDING"]})),
        [third.clone(), first.clone()]
    );
    assert_eq!(
        list(&mut world, json!({"status": ["ROLLBACK_FAILED"]})),
        Vec::<String>::new()
    );
    let at = world.now.as_second() - 10;
    assert_eq!(
        list(&mut world, json!({"createdAt": {"before": at}})),
        std::slice::from_ref(&first)
    );
    assert_eq!(
        list(&mut world, json!({"createdAt": {"after": at}})),
        std::slice::from_ref(&third)
    );
    let window = json!({"createdAt": {"after": at - 11, "before": at + 1}});
    assert_eq!(list(&mut world, window), [second, first]);
    let (code, _) = world.refused(
        ListServiceDeployments,
        of(json!({"createdAt": {"after": at + 1, "before": at}})),
    );
    assert_eq!(code, "InvalidParameterException");
}

#[test]
fn list_service_deployments_forgets_those_of_a_service_that_was_there_before() {
    let (mut world, _) = three();
    let key = world.scope().service("blue", "web");
    let mut kept: kecs_core::record::Service = world.get(&key).unwrap();
    kept.service.status = Some("INACTIVE".to_owned());
    world.put(key, kept);
    assert_eq!(list(&mut world, json!({})).len(), 3);
    world.pass(10);
    let made = serve(&mut world, json!({}));
    assert_eq!(
        list(&mut world, json!({})),
        [made["currentServiceDeployment"].as_str().unwrap()]
    );
}

#[test]
fn list_service_deployments_refuses_services_and_clusters_that_are_not_there() {
    let mut world = blue();
    let (code, message) = world.refused(ListServiceDeployments, of(json!({})));
    assert_eq!(
        (code, message.as_str()),
        ("ServiceNotFoundException", "Service not found.")
    );
    let (code, _) = world.refused(ListServiceDeployments, of(json!({"cluster": "red"})));
    assert_eq!(code, "ClusterNotFoundException");
}

#[test]
fn describe_service_deployments_counts_the_tasks_of_its_revisions() {
    let (mut world, [_, second, third]) = three();
    let shown = world.ok(
        Operation::DescribeServices,
        json!({"cluster": "blue", "services": ["web"]}),
    );
    let ids: Vec<&str> = shown["services"][0]["deployments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    task_of(&mut world, "web", ids[0], 1, "PENDING");
    task_of(&mut world, "web", ids[1], 2, "RUNNING");
    task_of(&mut world, "web", ids[1], 3, "RUNNING");
    let missing = world.arn("service-deployment/blue/web/none");
    let answer = world.ok(
        DescribeServiceDeployments,
        json!({"serviceDeploymentArns": [third, missing, second]}),
    );
    assert_eq!(answer["failures"], json!([{"arn": missing, "reason": "MISSING"}]));
    let newest = &answer["serviceDeployments"][0];
    let counts = |value: &Value| {
        (
            value["runningTaskCount"].clone(),
            value["pendingTaskCount"].clone(),
        )
    };
    assert_eq!(counts(&newest["targetServiceRevision"]), (json!(0), json!(1)));
    assert_eq!(newest["sourceServiceRevisions"].as_array().unwrap().len(), 2);
    assert_eq!(counts(&newest["sourceServiceRevisions"][0]), (json!(2), json!(0)));
    assert_eq!(counts(&newest["sourceServiceRevisions"][1]), (json!(0), json!(0)));
    let older = &answer["serviceDeployments"][1];
    assert_eq!(counts(&older["targetServiceRevision"]), (json!(2), json!(0)));
}

#[test]
fn describe_service_deployments_takes_one_to_twenty_arns_of_theirs() {
    let mut world = blue();
    let cases = [(
        DescribeServiceDeployments,
        "serviceDeploymentArns",
        "service-deployment",
    )];
    for (operation, member, kind) in cases {
        let arns = |count: usize| -> Vec<String> {
            (0..count)
                .map(|it| World::new().arn(&format!("{kind}/blue/web/{it}")))
                .collect()
        };
        for count in [0, 21] {
            let (code, _) = world.refused(operation, json!({member: arns(count)}));
            assert_eq!(code, "InvalidParameterException", "{kind} {count}");
        }
        let failures = world.ok(operation, json!({member: arns(20)}))["failures"].clone();
        assert_eq!(failures.as_array().unwrap().len(), 20);
        for wrong in ["service/blue/web", "task/blue/0af3", &format!("{kind}/blue/web")] {
            let arn = world.arn(wrong);
            let (code, message) = world.refused(operation, json!({member: [arn]}));
            assert_eq!(code, "InvalidParameterException", "{wrong}");
            assert!(message.starts_with("Invalid identifier"), "{message}");
        }
        let (code, _) = world.refused(operation, json!({member: ["web"]}));
        assert_eq!(code, "InvalidParameterException");
    }
}

#[test]
fn stop_service_deployment_asks_for_a_rollback_or_an_end() {
    for (kind, status) in [
        (json!(null), "ROLLBACK_REQUESTED"),
        (json!("ROLLBACK"), "ROLLBACK_REQUESTED"),
        (json!("ABORT"), "STOP_REQUESTED"),
    ] {
        let (mut world, [_, _, third]) = three();
        let request = json!({"serviceDeploymentArn": third, "stopType": kind});
        let answer = world.ok(StopServiceDeployment, request.clone());
        assert_eq!(answer, json!({"serviceDeploymentArn": third}));
        let described = world.ok(
            DescribeServiceDeployments,
            json!({"serviceDeploymentArns": [third]}),
        );
        assert_eq!(described["serviceDeployments"][0]["status"], status);
        // Asked once more, it is on its way.
        assert_eq!(world.ok(StopServiceDeployment, request), answer);
    }
}

#[test]
fn stop_service_deployment_in_any_status() {
    for &status in Status::ALL {
        let (mut world, [_, _, third]) = three();
        change(&mut world, &third, status);
        let stopped = world.answer(StopServiceDeployment, json!({"serviceDeploymentArn": third}));
        let may = matches!(
            status,
            Status::Pending | Status::InProgress | Status::RollbackRequested
        );
        assert_eq!(stopped.is_ok(), may, "{status}");
        if let Err(refusal) = stopped {
            assert_eq!(refusal.code.name(), "ConflictException");
            assert_eq!(
                refusal.message,
                "The service deployment is not in a state that can be stopped."
            );
        }
    }
}

#[test]
fn stop_service_deployment_refuses_what_is_not_there() {
    let mut world = blue();
    let arn = world.arn("service-deployment/blue/web/none");
    assert_eq!(
        world.refused(StopServiceDeployment, json!({"serviceDeploymentArn": arn})),
        (
            "ServiceDeploymentNotFoundException",
            "The specified service deployment was not found.".to_owned()
        )
    );
}

#[test]
fn describe_service_revisions_takes_one_to_twenty_of_one_service() {
    let mut world = blue();
    let made = serve(&mut world, json!({}));
    let current = made["currentServiceRevisions"][0]["arn"]
        .as_str()
        .unwrap()
        .to_owned();
    let id = made["deployments"][0]["id"].as_str().unwrap();
    assert_eq!(
        Some(current.rsplit('/').next().unwrap()),
        id.strip_prefix("ecs-svc/")
    );
    let of = |arns: &[&str]| json!({"serviceRevisionArns": arns});
    let arn = |world: &World, name: &str| world.arn(&format!("service-revision/{name}"));
    let missing = arn(&world, "blue/web/1");
    let answer = world.ok(DescribeServiceRevisions, of(&[&current, &missing, &missing]));
    assert_eq!(answer["serviceRevisions"].as_array().unwrap().len(), 1);
    let failure = json!({"arn": missing, "reason": "MISSING"});
    assert_eq!(answer["failures"], json!([failure, failure]));
    let no_arn = "The Service ARN provided is invalid.";
    let wrong = "The ServiceRevision ARN is invalid.";
    let elsewhere = missing.replace("eu-west-1", "us-west-2");
    let of_another = missing.replace("123456789012", "999000999000");
    for (arns, message) in [
        (vec![], no_arn),
        (vec!["not-an-arn"], no_arn),
        (
            vec![current.as_str(); 21],
            "Service Revision ARN count cannot exceed 20",
        ),
        (vec![elsewhere.as_str()], wrong),
        (vec![of_another.as_str()], wrong),
        (vec![&arn(&world, "blue/web/abc")], wrong),
        (vec![&arn(&world, "blue/web")], wrong),
        (vec![&world.arn("service/blue/web")], wrong),
        (
            vec![&current, &arn(&world, "blue/other/1")],
            "Cross service requests are not allowed. All requested service revisions must be for a single service",
        ),
    ] {
        assert_eq!(
            world.refused(DescribeServiceRevisions, of(&arns)),
            invalid(message),
            "{arns:?}"
        );
    }
    world.ok(DescribeServiceRevisions, of(&vec![missing.as_str(); 20]));
    let other = arn(&world, "blue/other/1");
    assert_eq!(
        world.refused(DescribeServiceRevisions, of(&[&other])),
        ("ServiceNotFoundException", "Service not found.".to_owned())
    );
    let green = arn(&world, "green/web/1");
    assert_eq!(
        world.refused(DescribeServiceRevisions, of(&[&green])),
        ("ClusterNotFoundException", "Cluster not found.".to_owned())
    );
}

#[test]
fn list_service_deployments_tells_of_each_what_there_is() {
    let (mut world, [first, ..]) = three();
    let id = first.rsplit('/').next().unwrap();
    let key = world.scope().service_deployment("blue", "web", id);
    let mut kept: ServiceDeployment = world.get(&key).unwrap();
    let shown = &mut kept.deployment;
    shown.status = Some(Status::Stopped);
    shown.started_at = serde_json::from_value(json!(1_795_262_401)).unwrap();
    shown.finished_at = serde_json::from_value(json!(1_795_262_402)).unwrap();
    shown.status_reason = Some("replaced".to_owned());
    let revision = shown.target_service_revision.clone().unwrap().arn;
    world.put(key, kept);
    let stopped = of(json!({"status": ["STOPPED"]}));
    assert_eq!(
        world.ok(ListServiceDeployments, stopped)["serviceDeployments"],
        json!([{
            "serviceDeploymentArn": first, "serviceArn": world.arn("service/blue/web"),
            "clusterArn": world.arn("cluster/blue"), "createdAt": 1_795_262_400, "startedAt": 1_795_262_401,
            "finishedAt": 1_795_262_402, "targetServiceRevisionArn": revision, "status": "STOPPED",
            "statusReason": "replaced",
        }])
    );
}

#[test]
fn stop_service_deployment_says_when() {
    let (mut world, [_, _, third]) = three();
    world.pass(5);
    world.ok(StopServiceDeployment, json!({"serviceDeploymentArn": third}));
    let asked = world.now.as_second();
    // Once more changes nothing.
    world.pass(5);
    world.ok(StopServiceDeployment, json!({"serviceDeploymentArn": third}));
    let input = json!({"serviceDeploymentArns": [third]});
    let shown = world.ok(DescribeServiceDeployments, input)["serviceDeployments"][0].clone();
    assert_eq!(shown["updatedAt"].as_i64(), Some(asked));
    let abort = json!({"serviceDeploymentArn": third, "stopType": "ABORT"});
    let refusal = world.answer(StopServiceDeployment, abort).unwrap_err();
    assert_eq!(refusal.code.name(), "ConflictException");
}

#[test]
fn service_deployments_are_named_as_such_and_within_a_window_that_is_one() {
    let (mut world, [first, ..]) = three();
    for (wrong, message) in [
        (
            "service-revision/blue/web/1",
            "Invalid identifier: Identifier is for service-revision. Expected: service-deployment",
        ),
        (
            "service-deployment/blue/web/1/2",
            "Invalid identifier: Unexpected number of separators",
        ),
        (
            "service-deployment/blue/web",
            "Invalid identifier: Unexpected number of separators",
        ),
    ] {
        let arn = world.arn(wrong);
        let input = json!({"serviceDeploymentArns": [first, arn]});
        assert_eq!(world.refused(DescribeServiceDeployments, input), invalid(message));
    }
    let at = world.now.as_second() - 10;
    let empty = json!({"createdAt": {"after": at, "before": at}});
    assert_eq!(list(&mut world, empty), Vec::<String>::new());
}

#[test]
fn a_service_deployment_that_cannot_be_stopped_is_named() {
    let (mut world, [_, _, third]) = three();
    change(&mut world, &third, Status::Successful);
    let request = json!({"serviceDeploymentArn": third});
    let refusal = world.answer(StopServiceDeployment, request).unwrap_err();
    assert_eq!(refusal.members["resourceIds"], json!([third]));
}
