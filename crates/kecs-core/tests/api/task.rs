//! `StopTask` and `DescribeTasks`.

use kecs_model::Operation::{self, DescribeTasks, StopTask};
use kecs_model::Time;
use serde_json::{Value, json};

use crate::fixture::{blue, change_task, invalid, network};
use crate::world::World;

/// Runs a task with a tag; its ARN and id.
fn run(world: &mut World) -> (String, String) {
    let request = json!({
        "cluster": "blue", "taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network(),
        "tags": [{"key": "team", "value": "red"}],
    });
    let answer = world.ok(Operation::RunTask, request);
    let arn = answer["tasks"][0]["taskArn"].as_str().unwrap().to_owned();
    let id = arn.rsplit('/').next().unwrap().to_owned();
    (arn, id)
}

fn of(member: &str, value: Value) -> Value {
    json!({"cluster": "blue", member: value})
}

#[test]
fn stop_task_asks_the_task_to_stop_and_says_why() {
    let mut world = blue();
    let (arn, id) = run(&mut world);
    let request = json!({"cluster": "blue", "task": id, "reason": "no need"});
    let task = world.ok(StopTask, request)["task"].clone();
    assert_eq!(task["taskArn"], json!(arn));
    assert_eq!(task["desiredStatus"], "STOPPED");
    assert_eq!(task["lastStatus"], "PROVISIONING");
    assert_eq!(task["stopCode"], "UserInitiated");
    assert_eq!(task["stoppedReason"], "no need");
    assert_eq!(task["version"], 2);
    assert_eq!(task["stoppingAt"].as_i64(), Some(world.now.as_second()));
    // A second time changes nothing.
    world.pass(5);
    let again = world.ok(
        StopTask,
        json!({"cluster": "blue", "task": arn, "reason": "other"}),
    );
    assert_eq!(again["task"], task);
}

#[test]
fn stop_task_without_a_reason_says_that_it_was_the_user() {
    let mut world = blue();
    let (_, id) = run(&mut world);
    let task = world.ok(StopTask, of("task", json!(id)))["task"].clone();
    assert_eq!(task["stoppedReason"], "Task stopped by user");
}

#[test]
fn stop_task_refuses_what_is_not_there() {
    let mut world = blue();
    assert_eq!(
        world.refused(StopTask, of("task", json!("0".repeat(32)))),
        invalid("The referenced task was not found.")
    );
    assert_eq!(
        world.refused(StopTask, of("task", json!("short"))),
        invalid("taskId length should be one of [32,36]")
    );
    let (code, message) = world.refused(StopTask, json!({"task": "0".repeat(32)}));
    assert_eq!(
        (code, message.as_str()),
        ("ClusterNotFoundException", "Cluster not found.")
    );
    let other = world.arn(&format!("task/red/{}", "0".repeat(32)));
    assert_eq!(
        world.refused(StopTask, of("task", json!(other))),
        invalid("Invalid identifier: Identifier is for cluster red. Your cluster is blue")
    );
}

#[test]
fn describe_tasks_shows_tags_where_they_are_asked_for() {
    let mut world = blue();
    let (arn, id) = run(&mut world);
    let plain = world.ok(DescribeTasks, of("tasks", json!([id])));
    assert_eq!(plain["tasks"][0]["tags"], json!([]));
    assert_eq!(plain["failures"], json!([]));
    let request = json!({"cluster": "blue", "tasks": [arn, id], "include": ["TAGS"]});
    let tagged = world.ok(DescribeTasks, request);
    assert_eq!(tagged["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(
        tagged["tasks"][0]["tags"],
        json!([{"key": "team", "value": "red"}])
    );
}

#[test]
fn describe_tasks_tells_of_missing_tasks() {
    let mut world = blue();
    let (arn, _) = run(&mut world);
    let id = "f".repeat(32);
    let missing = world.arn(&format!("task/blue/{id}"));
    let answer = world.ok(DescribeTasks, of("tasks", json!([id, arn, missing])));
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 1);
    let failure = json!({"arn": missing, "reason": "MISSING"});
    assert_eq!(answer["failures"], json!([failure, failure]));
}

#[test]
fn describe_tasks_shows_a_stopped_task_for_an_hour() {
    let mut world = blue();
    let (arn, id) = run(&mut world);
    let now = world.now;
    change_task(&mut world, &id, |it| {
        it.task.last_status = Some("STOPPED".to_owned());
        it.task.desired_status = Some("STOPPED".to_owned());
        it.task.stopped_at = Some(Time::from(now));
    });
    let stopped = json!({"cluster": "blue", "desiredStatus": "STOPPED"});
    world.pass(3599);
    let shown = world.ok(DescribeTasks, of("tasks", json!([arn])));
    assert_eq!(shown["tasks"][0]["lastStatus"], "STOPPED");
    assert_eq!(
        world.ok(Operation::ListTasks, stopped.clone())["taskArns"],
        json!([arn])
    );
    world.pass(1);
    let gone = world.ok(DescribeTasks, of("tasks", json!([arn])));
    assert_eq!(gone["tasks"], json!([]));
    assert_eq!(gone["failures"], json!([{"arn": arn, "reason": "MISSING"}]));
    assert_eq!(world.ok(Operation::ListTasks, stopped)["taskArns"], json!([]));
}

#[test]
fn describe_tasks_refuses_no_task_too_many_and_unknown_clusters() {
    let mut world = blue();
    let (code, _) = world.refused(DescribeTasks, of("tasks", json!([])));
    assert_eq!(code, "InvalidParameterException");
    let ids = vec!["a".repeat(32); 101];
    let (code, _) = world.refused(DescribeTasks, of("tasks", json!(ids)));
    assert_eq!(code, "InvalidParameterException");
    let answer = world.ok(DescribeTasks, of("tasks", json!(ids[..100])));
    assert_eq!(answer["failures"].as_array().unwrap().len(), 100);
    let (code, _) = world.refused(DescribeTasks, json!({"cluster": "red", "tasks": ids[..1]}));
    assert_eq!(code, "ClusterNotFoundException");
}

#[test]
fn stop_task_with_an_empty_reason_says_that_it_was_the_user() {
    let mut world = blue();
    let (_, id) = run(&mut world);
    let request = json!({"cluster": "blue", "task": id, "reason": ""});
    assert_eq!(
        world.ok(StopTask, request)["task"]["stoppedReason"],
        "Task stopped by user"
    );
}

#[test]
fn stop_task_shows_tags_even_where_there_are_none() {
    let mut world = blue();
    let request = json!({"cluster": "blue", "taskDefinition": "lean:1", "launchType": "FARGATE",
        "networkConfiguration": network()});
    for tags in [json!([]), json!([{"key": "team", "value": "red"}])] {
        let mut request = request.clone();
        request["tags"] = tags.clone();
        let made = world.ok(Operation::RunTask, request)["tasks"][0].clone();
        assert_eq!(made["tags"], tags);
        assert_eq!(
            world.ok(StopTask, of("task", made["taskArn"].clone()))["task"]["tags"],
            tags
        );
    }
}

#[test]
fn a_task_of_a_service_that_has_no_tags_is_stopped_with_none() {
    let mut world = blue();
    let id = crate::fixture::task_of(&mut world, "web", "ecs-svc/1", 1, "RUNNING");
    let stopped = world.ok(StopTask, of("task", json!(id)))["task"].clone();
    assert_eq!(stopped["tags"], json!([]));
    let described = world.ok(DescribeTasks, of("tasks", json!([id])))["tasks"][0].clone();
    assert_eq!(described["tags"], json!([]));
}
