//! What agents ask and tell.

use kecs_core::record;
use kecs_model::Operation;
use serde_json::{Value, json};

use crate::container_instance::world;
use crate::world::World;

const ID: &str = "00000000000000000000000000000001";
const ATTACHMENT: &str = "4d8a5c1e-0000-4000-8000-000000000001";

/// A world with a task of two containers on its way.
fn with_task() -> World {
    let mut world = world();
    let container = |name: &str| {
        json!({"name": name, "lastStatus": "PENDING",
            "managedAgents": [{"name": "ExecuteCommandAgent", "lastStatus": "PENDING"}]})
    };
    let task = json!({
        "taskArn": world.arn(&format!("task/blue/{ID}")), "clusterArn": world.arn("cluster/blue"),
        "taskDefinitionArn": world.arn("task-definition/web:1"), "lastStatus": "PENDING", "desiredStatus": "RUNNING",
        "version": 1, "containers": [container("app"), container("side")],
        "attachments": [{"id": ATTACHMENT, "type": "ElasticNetworkInterface", "status": "PRECREATED"}],
    });
    let key = world.scope().task("blue", ID);
    let task = record::Task {
        task: serde_json::from_value(task).unwrap(),
        essential: ["app".to_owned()].into(),
        ..record::Task::default()
    };
    world.put(key, task);
    world
}

fn task(world: &World) -> Value {
    let task: record::Task = world.get(&world.scope().task("blue", ID)).unwrap();
    serde_json::to_value(task.task).unwrap()
}

fn submit(world: &mut World, more: Value) -> Value {
    let input = crate::fixture::with(json!({"cluster": "blue", "task": ID}), more);
    world.ok(Operation::SubmitTaskStateChange, input)
}

#[test]
fn discover_poll_endpoint_tells_where_the_server_is() {
    let mut world = World::new();
    let url = "http://127.0.0.1:5373";
    assert_eq!(
        world.ok(Operation::DiscoverPollEndpoint, json!({"cluster": "any"})),
        json!({"endpoint": url, "telemetryEndpoint": url, "serviceConnectEndpoint": url})
    );
}

#[test]
fn submit_task_state_change_moves_the_task() {
    let mut world = with_task();
    let answer = submit(
        &mut world,
        json!({"status": "RUNNING", "pullStartedAt": 1_795_262_390, "pullStoppedAt": 1_795_262_395,
            "containers": [{"containerName": "app", "status": "RUNNING", "runtimeId": "r1", "imageDigest": "sha256:1",
                "networkBindings": [{"bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 49153}]}],
            "managedAgents": [{"containerName": "side", "managedAgentName": "ExecuteCommandAgent",
                "status": "STOPPED", "reason": "gone"}],
            "attachments": [{"attachmentArn": format!("arn:aws:ecs:eu-west-1:123456789012:attachment/{ATTACHMENT}"),
                "status": "ATTACHED"}]}),
    );
    assert_eq!(answer, json!({"acknowledgment": "ACK"}));
    let shown = task(&world);
    assert_eq!(
        (&shown["lastStatus"], &shown["version"]),
        (&json!("RUNNING"), &json!(2))
    );
    assert_eq!(shown["startedAt"], 1_795_262_400);
    assert_eq!(
        (&shown["pullStartedAt"], &shown["pullStoppedAt"]),
        (&json!(1_795_262_390), &json!(1_795_262_395))
    );
    assert_eq!(shown["containers"][0]["runtimeId"], "r1");
    assert_eq!(shown["containers"][0]["networkBindings"][0]["hostPort"], 49153);
    assert_eq!(shown["containers"][1]["managedAgents"][0]["reason"], "gone");
    assert_eq!(shown["attachments"][0]["status"], "ATTACHED");
    let kinds: Vec<&str> = world.events.iter().map(|event| event.kind.name()).collect();
    assert_eq!(kinds, ["cluster.created", "task.status_changed", "task.started"]);
}

#[test]
fn submit_task_state_change_ends_the_task_with_its_reason() {
    let mut world = with_task();
    submit(&mut world, json!({"status": "RUNNING"}));
    world.pass(5);
    submit(
        &mut world,
        json!({"status": "STOPPED", "reason": "Essential container in task exited", "executionStoppedAt": 1_795_262_403,
            "containers": [{"containerName": "app", "status": "STOPPED", "exitCode": 1}]}),
    );
    let shown = task(&world);
    assert_eq!(
        (&shown["lastStatus"], &shown["desiredStatus"]),
        (&json!("STOPPED"), &json!("STOPPED"))
    );
    assert_eq!(shown["stopCode"], "EssentialContainerExited");
    assert_eq!(shown["stoppedReason"], "Essential container in task exited");
    assert_eq!(shown["executionStoppedAt"], 1_795_262_403);
    assert_eq!(shown["stoppedAt"], 1_795_262_405);
    assert_eq!(shown["containers"][0]["exitCode"], 1);
    // What comes late changes nothing.
    submit(&mut world, json!({"status": "RUNNING"}));
    assert_eq!(task(&world), shown);
}

#[test]
fn submit_task_state_change_of_a_task_that_never_ran_is_a_failed_start() {
    let mut world = with_task();
    submit(
        &mut world,
        json!({"status": "STOPPED", "reason": "CannotPullContainerError: no such image"}),
    );
    let shown = task(&world);
    assert_eq!(shown["stopCode"], "TaskFailedToStart");
    assert_eq!(shown["stoppedReason"], "CannotPullContainerError: no such image");
}

#[test]
fn submit_task_state_change_refuses_what_it_does_not_know() {
    let mut world = with_task();
    let mut refused = |more: Value| {
        let input = crate::fixture::with(json!({"cluster": "blue", "task": ID, "status": "RUNNING"}), more);
        world.refused(Operation::SubmitTaskStateChange, input)
    };
    let invalid = |message: &str| ("InvalidParameterException", message.to_owned());
    assert_eq!(
        refused(json!({"task": "0".repeat(32)})),
        invalid("The referenced task was not found.")
    );
    assert_eq!(
        refused(json!({"status": "FLYING"})),
        invalid("Invalid task status: FLYING")
    );
    assert_eq!(
        refused(json!({"containers": [{"containerName": "gone"}]})),
        invalid("The referenced container was not found: gone")
    );
    let attachment =
        |id: &str, status: &str| json!({"attachments": [{"attachmentArn": id, "status": status}]});
    assert_eq!(
        refused(attachment("x", "ATTACHED")),
        invalid("The referenced attachment was not found.")
    );
    assert_eq!(
        refused(attachment(ATTACHMENT, "LOOSE")),
        invalid("Invalid attachment status: LOOSE")
    );
    assert_eq!(
        refused(json!({"cluster": "green"})),
        ("ClusterNotFoundException", "Cluster not found.".to_owned())
    );
}

#[test]
fn submit_container_state_change_tells_of_one_container() {
    let mut world = with_task();
    let mut submit = |more: Value| {
        let base = json!({"cluster": "blue", "task": ID, "containerName": "side"});
        world.ok(
            Operation::SubmitContainerStateChange,
            crate::fixture::with(base, more),
        )
    };
    assert_eq!(
        submit(json!({"status": "PULLED"})),
        json!({"acknowledgment": "ACK"})
    );
    submit(json!({"status": "RUNNING", "runtimeId": "r2"}));
    submit(json!({"status": "STOPPED", "exitCode": 3, "reason": "OutOfMemoryError"}));
    let shown = task(&world);
    assert_eq!(
        (&shown["lastStatus"], &shown["desiredStatus"]),
        (&json!("PENDING"), &json!("RUNNING")),
        "the task does not end with a container that is not essential"
    );
    let side = &shown["containers"][1];
    assert_eq!(
        (&side["lastStatus"], &side["exitCode"]),
        (&json!("STOPPED"), &json!(3))
    );
    assert_eq!(
        (&side["reason"], &side["runtimeId"]),
        (&json!("OutOfMemoryError"), &json!("r2"))
    );
    let input =
        json!({"cluster": "blue", "task": ID, "containerName": "app", "status": "STOPPED", "exitCode": 0});
    world.ok(Operation::SubmitContainerStateChange, input);
    let shown = task(&world);
    assert_eq!(
        (&shown["desiredStatus"], &shown["stopCode"]),
        (&json!("STOPPED"), &json!("EssentialContainerExited"))
    );
}

#[test]
fn submit_attachment_state_changes_finds_the_task() {
    let mut world = with_task();
    let arn = world.arn(&format!("attachment/blue/{ATTACHMENT}"));
    let mut submit = |arn: &str, status: &str| {
        let input = json!({"cluster": "blue", "attachments": [{"attachmentArn": arn, "status": status}]});
        world.answer(Operation::SubmitAttachmentStateChanges, input)
    };
    assert_eq!(
        submit(&arn, "ATTACHED").unwrap().output.value(),
        json!({"acknowledgment": "ACK"})
    );
    assert_eq!(
        submit("arn:aws:ecs:eu-west-1:123456789012:attachment/gone", "ATTACHED")
            .unwrap_err()
            .message,
        "The referenced attachment was not found."
    );
    assert_eq!(
        submit(&arn, "x").unwrap_err().message,
        "Invalid attachment status: x"
    );
    let shown = task(&world);
    assert_eq!(
        (&shown["attachments"][0]["status"], &shown["version"]),
        (&json!("ATTACHED"), &json!(2))
    );
}

#[test]
fn submit_container_state_change_tells_of_ports() {
    let mut world = with_task();
    let binding = json!({"bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 32768, "protocol": "tcp"});
    let input = json!({"cluster": "blue", "task": ID, "containerName": "side", "networkBindings": [binding]});
    let version = task(&world)["version"].as_i64().unwrap();
    world.ok(Operation::SubmitContainerStateChange, input.clone());
    assert_eq!(task(&world)["containers"][1]["networkBindings"], json!([binding]));
    assert_eq!(task(&world)["version"].as_i64(), Some(version + 1));
    world.ok(Operation::SubmitContainerStateChange, input);
    assert_eq!(task(&world)["version"].as_i64(), Some(version + 1), "nothing new");
}

#[test]
fn submit_task_state_change_of_a_task_that_runs_says_nothing_of_its_end() {
    let mut world = with_task();
    submit(&mut world, json!({"status": "RUNNING", "reason": "all is well"}));
    let shown = task(&world);
    assert_eq!(shown["desiredStatus"], "RUNNING");
    assert_eq!(shown.get("stoppedReason"), None);
}

#[test]
fn submit_task_state_change_counts_times_that_come_alone() {
    let mut world = with_task();
    submit(
        &mut world,
        json!({"status": "RUNNING", "pullStartedAt": 1_795_262_390}),
    );
    let version = |world: &World| task(world)["version"].as_i64().unwrap();
    let before = version(&world);
    submit(
        &mut world,
        json!({"status": "RUNNING", "pullStoppedAt": 1_795_262_395}),
    );
    assert_eq!(version(&world), before + 1);
    let shown = task(&world);
    assert_eq!(
        (&shown["pullStartedAt"], &shown["pullStoppedAt"]),
        (&json!(1_795_262_390), &json!(1_795_262_395)),
        "what is not said stays"
    );
    submit(
        &mut world,
        json!({"status": "RUNNING", "pullStoppedAt": 1_795_262_395}),
    );
    assert_eq!(version(&world), before + 1, "nothing new");
}

#[test]
fn submit_task_state_change_classes_an_end_by_what_ran() {
    let exited = json!([{"containerName": "app", "status": "STOPPED", "exitCode": 0}]);
    for (ran, containers, code) in [
        (false, json!([]), "TaskFailedToStart"),
        (
            false,
            json!([{"containerName": "app", "status": "STOPPED"}]),
            "TaskFailedToStart",
        ),
        (false, exited.clone(), "EssentialContainerExited"),
        (true, json!([]), "EssentialContainerExited"),
        (true, exited, "EssentialContainerExited"),
    ] {
        let mut world = with_task();
        if ran {
            submit(&mut world, json!({"status": "RUNNING"}));
        }
        let end = json!({"status": "STOPPED", "reason": "ended", "containers": containers});
        submit(&mut world, end);
        assert_eq!(task(&world)["stopCode"], code, "{ran} {containers}");
    }
}

#[test]
fn submit_task_state_change_tells_what_a_container_was_made_from() {
    let mut world = with_task();
    let container =
        json!({"containerName": "side", "status": "RUNNING", "imageDigest": "sha256:2", "runtimeId": "r2"});
    submit(
        &mut world,
        json!({"status": "RUNNING", "containers": [container]}),
    );
    let shown = task(&world);
    let of = |at: usize, member: &str| shown["containers"][at][member].clone();
    assert_eq!(
        [of(1, "imageDigest"), of(1, "runtimeId"), of(0, "imageDigest")],
        [json!("sha256:2"), json!("r2"), Value::Null]
    );
}

#[test]
fn submit_task_state_change_takes_an_empty_reason_for_none() {
    let mut world = with_task();
    submit(&mut world, json!({"status": "STOPPED", "reason": ""}));
    assert_eq!(task(&world)["stoppedReason"], "Task failed to start");
}

#[test]
fn submit_task_state_change_tells_of_the_agents_of_one_container() {
    let mut world = with_task();
    let agent =
        json!([{"containerName": "side", "managedAgentName": "ExecuteCommandAgent", "status": "RUNNING"}]);
    submit(&mut world, json!({"status": "PENDING", "managedAgents": agent}));
    let shown = task(&world);
    let of = |at: usize| shown["containers"][at]["managedAgents"][0]["lastStatus"].clone();
    assert_eq!([of(0), of(1)], [json!("PENDING"), json!("RUNNING")]);
}
