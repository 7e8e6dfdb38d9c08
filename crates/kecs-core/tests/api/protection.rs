//! `GetTaskProtection` and `UpdateTaskProtection`.

use kecs_model::Operation::{self, GetTaskProtection, UpdateTaskProtection};
use serde_json::{Value, json};

use crate::fixture::{blue, change_task, invalid, network, serve, task_of, with};
use crate::world::World;

/// A world with one task of a service; its id and ARN.
fn with_task() -> (World, String, String) {
    let mut world = blue();
    let by = serve(&mut world, json!({}))["deployments"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let id = task_of(&mut world, "web", &by, 1, "RUNNING");
    let arn = world.arn(&format!("task/blue/{id}"));
    (world, id, arn)
}

fn protect(id: &str, more: Value) -> Value {
    with(
        json!({"cluster": "blue", "tasks": [id], "protectionEnabled": true}),
        more,
    )
}

fn get(world: &mut World, id: &str) -> Value {
    world.ok(GetTaskProtection, json!({"cluster": "blue", "tasks": [id]}))["protectedTasks"][0].clone()
}

#[test]
fn update_task_protection_protects_for_two_hours() {
    let (mut world, id, arn) = with_task();
    assert_eq!(
        get(&mut world, &id),
        json!({"taskArn": arn, "protectionEnabled": false})
    );
    let answer = world.ok(UpdateTaskProtection, protect(&id, json!({})));
    let expires = world.now.as_second() + 120 * 60;
    let protected = json!({"taskArn": arn, "protectionEnabled": true, "expirationDate": expires});
    assert_eq!(answer, json!({"protectedTasks": [protected], "failures": []}));
    world.pass(120 * 60 - 1);
    assert_eq!(get(&mut world, &arn), protected);
    world.pass(1);
    assert_eq!(
        get(&mut world, &arn),
        json!({"taskArn": arn, "protectionEnabled": false})
    );
}

#[test]
fn update_task_protection_takes_minutes_and_takes_protection_away() {
    let (mut world, id, arn) = with_task();
    for minutes in [1, 2880] {
        let answer = world.ok(
            UpdateTaskProtection,
            protect(&id, json!({"expiresInMinutes": minutes})),
        );
        let expires = world.now.as_second() + minutes * 60;
        assert_eq!(
            answer["protectedTasks"][0]["expirationDate"].as_i64(),
            Some(expires)
        );
    }
    for minutes in [0, 2881, -1] {
        let (code, _) = world.refused(
            UpdateTaskProtection,
            protect(&id, json!({"expiresInMinutes": minutes})),
        );
        assert_eq!(code, "InvalidParameterException", "{minutes}");
    }
    let off = protect(&id, json!({"protectionEnabled": false}));
    let answer = world.ok(UpdateTaskProtection, off);
    assert_eq!(
        answer["protectedTasks"],
        json!([{"taskArn": arn, "protectionEnabled": false}])
    );
    assert_eq!(get(&mut world, &id)["protectionEnabled"], false);
}

#[test]
fn task_protection_is_for_tasks_of_services_that_run() {
    let (mut world, id, arn) = with_task();
    let alone = json!({
        "cluster": "blue", "taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network(),
    });
    let alone = world.ok(Operation::RunTask, alone)["tasks"][0]["taskArn"].clone();
    change_task(&mut world, &id, |it| {
        it.task.desired_status = Some("STOPPED".to_owned());
    });
    let missing = world.arn(&format!("task/blue/{}", "e".repeat(32)));
    let tasks = json!([alone, arn, missing]);
    let failures = json!([
        {"arn": alone, "reason": "TASK_NOT_VALID", "detail": "The task does not belong to a service."},
        {"arn": arn, "reason": "TASK_NOT_VALID", "detail": "The task is stopping or has stopped."},
        {"arn": missing, "reason": "MISSING"},
    ]);
    let expected = json!({"protectedTasks": [], "failures": failures});
    let got = world.ok(GetTaskProtection, json!({"cluster": "blue", "tasks": tasks}));
    assert_eq!(got, expected);
    let updated = json!({"cluster": "blue", "tasks": tasks, "protectionEnabled": true});
    assert_eq!(world.ok(UpdateTaskProtection, updated), expected);
}

#[test]
fn task_protection_refuses_too_many_tasks_and_unknown_clusters() {
    let (mut world, id, _) = with_task();
    let many: Vec<String> = vec![id.clone(); 11];
    let (code, _) = world.refused(UpdateTaskProtection, protect(&id, json!({"tasks": many})));
    assert_eq!(code, "InvalidParameterException");
    world.ok(UpdateTaskProtection, protect(&id, json!({"tasks": many[..10]})));
    for operation in [GetTaskProtection, UpdateTaskProtection] {
        let (code, _) = world.refused(operation, protect(&id, json!({"cluster": "red"})));
        assert_eq!(code, "ClusterNotFoundException");
        assert_eq!(
            world.refused(operation, protect("short", json!({}))),
            invalid("taskId length should be one of [32,36]")
        );
    }
}
