//! `ListTasks`.

use kecs_model::Operation::{self, ListTasks};
use serde_json::{Value, json};

use crate::fixture::{blue, instance_id, invalid, join, network, serve, task_of, with};
use crate::world::World;

fn blue_with(more: Value) -> Value {
    with(json!({"cluster": "blue"}), more)
}

fn arns(world: &mut World, more: Value) -> Vec<String> {
    let answer = world.ok(ListTasks, blue_with(more));
    serde_json::from_value(answer["taskArns"].clone()).unwrap()
}

fn run(world: &mut World, more: Value) -> Vec<String> {
    let answer = world.ok(Operation::RunTask, blue_with(more));
    let tasks = answer["tasks"].as_array().unwrap().iter();
    tasks
        .map(|it| it["taskArn"].as_str().unwrap().to_owned())
        .collect()
}

/// One task on EC2 by hand, two on Fargate, one of a service, and one of that which is to stop.
fn mixed() -> (World, [String; 5]) {
    let mut world = blue();
    join(&mut world, 1, 4096, 4096);
    let on_ec2 = run(&mut world, json!({"taskDefinition": "web:1", "startedBy": "me"}));
    let lean = json!({
        "taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network(), "count": 2,
    });
    let mut on_fargate = run(&mut world, lean);
    on_fargate.sort();
    let by = serve(&mut world, json!({}))["deployments"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let of_service = task_of(&mut world, "web", &by, 1, "RUNNING");
    let stopped = task_of(&mut world, "web", &by, 2, "STOPPED");
    let arn = |id: &str| world.arn(&format!("task/blue/{id}"));
    let tasks = [
        on_ec2[0].clone(),
        on_fargate[0].clone(),
        on_fargate[1].clone(),
        arn(&of_service),
        arn(&stopped),
    ];
    (world, tasks)
}

#[test]
fn list_tasks_lists_what_is_to_run() {
    let (mut world, [one, two, three, four, stopped]) = mixed();
    let mut running = vec![one, two, three, four];
    running.sort();
    assert_eq!(arns(&mut world, json!({})), running);
    assert_eq!(arns(&mut world, json!({"desiredStatus": "RUNNING"})), running);
    assert_eq!(arns(&mut world, json!({"desiredStatus": "STOPPED"})), [stopped]);
    assert_eq!(
        arns(&mut world, json!({"desiredStatus": "PENDING"})),
        Vec::<String>::new()
    );
}

#[test]
fn list_tasks_filters() {
    let (mut world, [one, two, three, four, stopped]) = mixed();
    assert_eq!(
        arns(&mut world, json!({"family": "lean"})),
        [two.clone(), three.clone()]
    );
    let mut of_web = vec![one.clone(), four.clone()];
    of_web.sort();
    assert_eq!(arns(&mut world, json!({"family": "web"})), of_web);
    assert_eq!(arns(&mut world, json!({"family": "we"})), Vec::<String>::new());
    assert_eq!(
        arns(&mut world, json!({"launchType": "FARGATE"})),
        [two.clone(), three]
    );
    assert_eq!(
        arns(&mut world, json!({"startedBy": "me"})),
        std::slice::from_ref(&one)
    );
    assert_eq!(
        arns(&mut world, json!({"startedBy": "me", "desiredStatus": "STOPPED"})),
        Vec::<String>::new()
    );
    assert_eq!(
        arns(&mut world, json!({"serviceName": "web"})),
        std::slice::from_ref(&four)
    );
    assert_eq!(
        arns(
            &mut world,
            json!({"serviceName": "web", "desiredStatus": "STOPPED"})
        ),
        [stopped]
    );
    let service = world.arn("service/blue/web");
    assert_eq!(
        arns(&mut world, json!({"serviceName": service})),
        std::slice::from_ref(&four)
    );
    assert_eq!(
        arns(&mut world, json!({"containerInstance": instance_id(1)})),
        std::slice::from_ref(&one)
    );
    // More than one filter: what all of them let through.
    assert_eq!(
        arns(
            &mut world,
            json!({"family": "web", "launchType": "EC2", "serviceName": "web"})
        ),
        [four]
    );
    assert_eq!(
        arns(&mut world, json!({"family": "lean", "launchType": "EC2"})),
        Vec::<String>::new()
    );
    assert_eq!(
        arns(
            &mut world,
            json!({"family": "web", "containerInstance": instance_id(1)})
        ),
        [one]
    );
}

#[test]
fn list_tasks_pages_through_all_of_them() {
    let (mut world, _) = mixed();
    let all = arns(&mut world, json!({}));
    for size in 1..=5 {
        let (mut found, mut token) = (Vec::new(), Value::Null);
        let mut pages = 0;
        loop {
            let answer = world.ok(
                ListTasks,
                blue_with(json!({"maxResults": size, "nextToken": token})),
            );
            let page: Vec<String> = serde_json::from_value(answer["taskArns"].clone()).unwrap();
            assert!(page.len() <= size && !page.is_empty());
            found.extend(page);
            pages += 1;
            match answer.get("nextToken") {
                Some(next) => token = next.clone(),
                None => break,
            }
        }
        assert_eq!(found, all);
        assert_eq!(pages, all.len().div_ceil(size));
    }
    let first = world.ok(ListTasks, blue_with(json!({"maxResults": 1})));
    let other = json!({"maxResults": 1, "nextToken": first["nextToken"], "family": "web"});
    let (code, _) = world.refused(ListTasks, blue_with(other));
    assert_eq!(code, "InvalidParameterException");
    let (code, _) = world.refused(ListTasks, blue_with(json!({"nextToken": "x"})));
    assert_eq!(code, "InvalidParameterException");
}

#[test]
fn list_tasks_refuses_started_by_beside_other_filters() {
    let (mut world, _) = mixed();
    for other in [
        json!({"family": "web"}),
        json!({"serviceName": "web"}),
        json!({"launchType": "EC2"}),
        json!({"containerInstance": instance_id(1)}),
    ] {
        let (code, message) = world.refused(ListTasks, blue_with(with(other, json!({"startedBy": "me"}))));
        assert_eq!(code, "InvalidParameterException");
        assert_eq!(message, "cannot specify startedBy with other arguments");
    }
}

#[test]
fn list_tasks_refuses_filters_that_name_nothing() {
    let mut world = blue();
    let (code, message) = world.refused(ListTasks, blue_with(json!({"serviceName": "none"})));
    assert_eq!(
        (code, message.as_str()),
        ("ServiceNotFoundException", "Service not found.")
    );
    assert_eq!(
        world.refused(ListTasks, blue_with(json!({"containerInstance": instance_id(7)}))),
        invalid("The referenced container instance was not found.")
    );
    let (code, _) = world.refused(ListTasks, json!({}));
    assert_eq!(code, "ClusterNotFoundException");
    assert_eq!(
        world.refused(ListTasks, blue_with(json!({"daemonName": "x"}))),
        invalid("Daemons are not supported by KECS.")
    );
    for size in [0, 101] {
        let (code, _) = world.refused(ListTasks, blue_with(json!({"maxResults": size})));
        assert_eq!(code, "InvalidParameterException", "{size}");
    }
}

#[test]
fn list_tasks_reads_no_more_for_the_last_page_than_for_the_first() {
    let mut world = blue();
    let by = serve(&mut world, json!({}))["deployments"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for number in 1..=95 {
        task_of(&mut world, "web", &by, number, "RUNNING");
    }
    for filter in [json!({}), json!({"serviceName": "web"}), json!({"family": "web"})] {
        let (mut token, mut read) = (Value::Null, Vec::new());
        let mut found = 0;
        loop {
            let page = json!({"maxResults": 10, "nextToken": token});
            let (rows, answer) = world.rows(ListTasks, blue_with(with(filter.clone(), page)));
            read.push(rows);
            found += answer["taskArns"].as_array().unwrap().len();
            match answer.get("nextToken") {
                Some(next) => token = next.clone(),
                None => break,
            }
        }
        assert_eq!(found, 95);
        assert_eq!(read, [11, 11, 11, 11, 11, 11, 11, 11, 11, 5], "{filter}");
    }
}

#[test]
fn list_tasks_lets_through_what_meets_each_of_its_filters() {
    let (mut world, [one, ..]) = mixed();
    let two = join(&mut world, 2, 4096, 4096);
    let by = serve(&mut world, json!({"serviceName": "other"}))["deployments"][0]["id"].clone();
    let placed = task_of(&mut world, "other", by.as_str().unwrap(), 9, "RUNNING");
    crate::fixture::change_task(&mut world, &placed, |it| {
        it.task.container_instance_arn = Some(two.clone());
    });
    let placed = world.arn(&format!("task/blue/{placed}"));
    let mut seen = |filter: Value| arns(&mut world, filter);
    let none = Vec::<String>::new();
    let (first, second) = (instance_id(1), instance_id(2));
    // The first that is named is what is looked up; the others are looked at.
    for (instance, service, family, launch, expected) in [
        (
            Some(&second),
            Some("other"),
            Some("web"),
            Some("EC2"),
            vec![placed.clone()],
        ),
        (Some(&first), Some("other"), None, None, none.clone()),
        (Some(&second), Some("web"), None, None, none.clone()),
        (Some(&second), Some("other"), Some("lean"), None, none.clone()),
        (Some(&second), Some("other"), None, Some("FARGATE"), none.clone()),
        (Some(&first), None, Some("web"), None, vec![one.clone()]),
        (Some(&first), None, Some("lean"), None, none.clone()),
        (Some(&first), None, None, Some("EC2"), vec![one]),
        (Some(&first), None, None, Some("FARGATE"), none.clone()),
        (Some(&second), None, None, None, vec![placed]),
    ] {
        let filter = json!({"containerInstance": instance, "serviceName": service, "family": family,
            "launchType": launch});
        assert_eq!(seen(filter.clone()), expected, "{filter}");
        let stopped = with(filter, json!({"desiredStatus": "STOPPED"}));
        assert_eq!(seen(stopped), none);
    }
}
