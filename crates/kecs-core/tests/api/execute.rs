//! `ExecuteCommand`.

use kecs_core::api::Effect;
use kecs_core::plane::Execute;
use kecs_model::Operation::{self, ExecuteCommand};
use serde_json::{Value, json};

use crate::fixture::{blue, change_task, invalid, serve, task_of, with};
use crate::world::World;

/// A world with a running task in which commands can be executed; its id and ARN.
fn with_task() -> (World, String, String) {
    let mut world = blue();
    let by = serve(&mut world, json!({"enableExecuteCommand": true}))["deployments"][0]["id"].clone();
    let id = task_of(&mut world, "web", by.as_str().unwrap(), 1, "RUNNING");
    change_task(&mut world, &id, |it| {
        it.task.enable_execute_command = Some(true);
    });
    let arn = world.arn(&format!("task/blue/{id}"));
    (world, id, arn)
}

fn sh(id: &str, more: Value) -> Value {
    with(
        json!({"cluster": "blue", "task": id, "command": "/bin/sh", "interactive": true}),
        more,
    )
}

#[test]
fn execute_command_hands_the_command_to_the_data_plane() {
    let (mut world, id, arn) = with_task();
    for request in [sh(&id, json!({})), sh(&arn, json!({"container": "app"}))] {
        let answer = world.answer(ExecuteCommand, request).unwrap();
        let effect = Effect::Execute(Execute {
            task_arn: arn.clone(),
            container: "app".to_owned(),
            command: "/bin/sh".to_owned(),
        });
        assert_eq!(answer.effect, Some(effect));
        assert_eq!(
            answer.output.value(),
            json!({
                "clusterArn": world.arn("cluster/blue"), "taskArn": arn, "containerName": "app",
                "containerArn": world.arn("container/blue/1"), "interactive": true,
            })
        );
    }
}

#[test]
fn execute_command_refuses_what_is_not_interactive_or_not_there() {
    let (mut world, id, _) = with_task();
    assert_eq!(
        world.refused(ExecuteCommand, sh(&id, json!({"interactive": false}))),
        invalid("Interactive is the only mode supported currently.")
    );
    assert_eq!(
        world.refused(ExecuteCommand, sh(&"0".repeat(32), json!({}))),
        invalid("The specified task was not found. Specify a valid task ID and try again.")
    );
    assert_eq!(
        world.refused(ExecuteCommand, sh(&id, json!({"container": "other"}))),
        invalid("The container other does not exist in the task.")
    );
    let (code, _) = world.refused(ExecuteCommand, sh(&id, json!({"cluster": "red"})));
    assert_eq!(code, "ClusterNotFoundException");
}

#[test]
fn execute_command_needs_a_container_name_among_several() {
    let (mut world, id, _) = with_task();
    change_task(&mut world, &id, |it| {
        let containers = it.task.containers.as_mut().unwrap();
        let mut side = containers[0].clone();
        side.name = Some("side".to_owned());
        containers.push(side);
    });
    let (code, _) = world.refused(ExecuteCommand, sh(&id, json!({})));
    assert_eq!(code, "InvalidParameterException");
    let answer = world.ok(ExecuteCommand, sh(&id, json!({"container": "side"})));
    assert_eq!(answer["containerName"], "side");
}

#[test]
fn execute_command_refuses_a_task_without_it() {
    let (mut world, id, _) = with_task();
    change_task(&mut world, &id, |it| {
        it.task.enable_execute_command = Some(false);
    });
    let (code, message) = world.refused(ExecuteCommand, sh(&id, json!({})));
    assert_eq!(code, "InvalidParameterException");
    assert!(message.starts_with("The execute command failed because execute command was not enabled"));
}

#[test]
fn execute_command_waits_for_the_agent_of_the_container() {
    let (mut world, id, _) = with_task();
    for (agent, runs) in [("PENDING", false), ("RUNNING", true), ("STOPPED", false)] {
        change_task(&mut world, &id, |it| {
            let agents = json!([{"name": "ExecuteCommandAgent", "lastStatus": agent}]);
            it.task.containers.as_mut().unwrap()[0].managed_agents = serde_json::from_value(agents).unwrap();
        });
        let answer = world.answer(ExecuteCommand, sh(&id, json!({})));
        assert_eq!(answer.is_ok(), runs, "{agent}");
        if let Err(refusal) = answer {
            assert_eq!(refusal.code.name(), "InvalidParameterException");
            assert!(
                refusal
                    .message
                    .contains("the execute command agent isn’t running")
            );
        }
    }
}

#[test]
fn execute_command_refuses_a_task_or_container_that_does_not_run() {
    let not_connected = (
        "TargetNotConnectedException",
        "The execute command failed due to an internal error. Try again later.".to_owned(),
    );
    for last in ["PENDING", "ACTIVATING", "STOPPING", "STOPPED"] {
        let (mut world, id, _) = with_task();
        change_task(&mut world, &id, |it| {
            it.task.last_status = Some(last.to_owned());
        });
        assert_eq!(
            world.refused(ExecuteCommand, sh(&id, json!({}))),
            not_connected,
            "{last}"
        );
    }
    let (mut world, id, _) = with_task();
    change_task(&mut world, &id, |it| {
        it.task.containers.as_mut().unwrap()[0].last_status = Some("STOPPED".to_owned());
    });
    assert_eq!(world.refused(ExecuteCommand, sh(&id, json!({}))), not_connected);
    let (mut world, id, _) = with_task();
    world.ok(Operation::StopTask, json!({"cluster": "blue", "task": id}));
    assert_eq!(world.refused(ExecuteCommand, sh(&id, json!({}))), not_connected);
}

#[test]
fn execute_command_wants_every_agent_that_says_anything_to_run() {
    let refused = |agents: Value| {
        let (mut world, id, _) = with_task();
        change_task(&mut world, &id, |it| {
            it.task.containers.as_mut().unwrap()[0].managed_agents = serde_json::from_value(agents).unwrap();
        });
        world.answer(ExecuteCommand, sh(&id, json!({}))).is_err()
    };
    let agent = |last: &str| json!({"name": "ExecuteCommandAgent", "lastStatus": last});
    assert!(!refused(json!([])));
    assert!(!refused(json!([{"name": "ExecuteCommandAgent"}])));
    assert!(!refused(
        json!([agent("RUNNING"), {"name": "ExecuteCommandAgent"}])
    ));
    assert!(refused(json!([agent("RUNNING"), agent("PENDING")])));
    // What is empty names none, so it is the only one.
    let (mut world, id, _) = with_task();
    assert_eq!(
        world.ok(ExecuteCommand, sh(&id, json!({"container": ""})))["containerName"],
        "app"
    );
}
