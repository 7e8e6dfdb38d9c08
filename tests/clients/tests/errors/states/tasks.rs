//! Tasks: how they are run, and how they are named.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, with};
use crate::valid::{fargate, network};

/// An id that nothing has.
const NOBODY: &str = "0123456789abcdef0123456789abcdef";

async fn set_up(place: &mut Place) {
    place.machine("machine", "default", None).await;
    place.ok("CreateCluster", json!({"clusterName": "bare"})).await;
    place
        .ok(
            "RegisterTaskDefinition",
            with(fargate("powerless"), json!({"taskRoleArn": null})),
        )
        .await;
    let app = json!({"name": "app", "image": "public.example.com/app:1"});
    let done = json!({"name": "done", "image": "public.example.com/done:1", "essential": false, "dockerLabels": {
        "dev.kecs.sim/exit-after-seconds": "0",
    }});
    let two = with(fargate("two"), json!({"containerDefinitions": [app, done]}));
    place.ok("RegisterTaskDefinition", two).await;
    place
        .ok("RunTask", with(run("app"), json!({"clientToken": "once"})))
        .await;
    for (name, execute) in [("task", true), ("quiet", false)] {
        let more = json!({"enableExecuteCommand": execute});
        let task = place.ok("RunTask", with(run("two"), more)).await;
        place.keep(name, &task["tasks"][0]["taskArn"]);
    }
    let ready = |it: &Value| {
        let containers = it["tasks"][0]["containers"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let over = |it: &Value| it["name"] == "done" && it["lastStatus"] == "STOPPED";
        it["tasks"][0]["lastStatus"] == "RUNNING" && containers.iter().any(over)
    };
    let shown = place
        .until("DescribeTasks", json!({"tasks": ["<task>"]}), ready)
        .await;
    place.keep("attachment", &shown["tasks"][0]["attachments"][0]["id"]);
}

fn run(definition: &str) -> Value {
    json!({"taskDefinition": definition, "launchType": "FARGATE", "networkConfiguration": network()})
}

/// What `RunTask` and `StartTask` have in common.
fn begun(operation: &'static str, input: &Value, powerless: &str) -> Vec<Case> {
    let broken = |member, when, more| case(operation, member, when, with(input.clone(), more));
    let long = json!({"name": "app", "environment": [{"name": "A", "value": "v".repeat(8192)}]});
    let small = json!({"name": "app", "memory": 63, "memoryReservation": 64});
    let overrides = |container: Value| json!({"overrides": {"containerOverrides": [container]}});
    vec![
        broken("group", "and is not its own", json!({"group": "service:web"})),
        broken("group", "and is not its own", json!({"group": "family:other"})),
        broken(
            "overrides.containerOverrides",
            "names a container",
            overrides(json!({"name": "nobody"})),
        )
        .says("name", "nobody"),
        broken(
            "overrides.containerOverrides[].name",
            "no container is named",
            overrides(json!({"command": ["ls"]})),
        ),
        broken(
            "overrides.cpu",
            "is no number",
            json!({"overrides": {"cpu": "many"}}),
        ),
        broken(
            "overrides.memory",
            "is no number",
            json!({"overrides": {"memory": "1 MB"}}),
        ),
        broken("overrides", "longer than 8192", overrides(long)),
        broken(
            "overrides.containerOverrides[].memory",
            "below memoryReservation",
            overrides(small),
        )
        .says("name", "app"),
        broken("propagateTags", "is SERVICE", json!({"propagateTags": "SERVICE"})),
        broken(
            "enableExecuteCommand",
            "no task role",
            json!({
                "enableExecuteCommand": true, "taskDefinition": powerless,
            }),
        ),
    ]
}

/// What can be wrong with how a task is named.
fn named(operation: &'static str, member: &'static str, of: impl Fn(&str) -> Value) -> Vec<Case> {
    let broken = |when, task: &str| case(operation, member, when, of(task));
    vec![
        broken("longer than 36", &"a".repeat(37)),
        broken("neither 32 nor 36", &"a".repeat(31)),
        broken("of another cluster", &format!("<arn>task/other/{NOBODY}"))
            .says("other", "other")
            .says("cluster", "default"),
        broken("another kind of resource", "<arn>service/default/web").says("kind", "service"),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let execute =
        |task: &str| json!({"task": task, "command": "ls", "interactive": true, "container": "app"});
    let executed = |member, when, more| case("ExecuteCommand", member, when, with(execute("<task>"), more));
    let mut cases = vec![
        case(
            "RunTask",
            "clientToken",
            "used for another request",
            with(run("app"), json!({"clientToken": "once", "count": 2})),
        ),
        case(
            "StopTask",
            "task",
            "there is no such task",
            json!({"task": NOBODY}),
        ),
        executed("interactive", "is false", json!({"interactive": false})),
        executed("task", "without enableExecuteCommand", json!({"task": "<quiet>"})),
        executed("container", "does not run", json!({"container": "done"})),
        executed("container", "none is named", json!({"container": null})),
        executed("task", "there is no such task", json!({"task": NOBODY})),
    ];
    cases.extend(begun("RunTask", &run("app"), "powerless"));
    let start = json!({"taskDefinition": "plain", "containerInstances": ["<machine>"]});
    cases.extend(begun("StartTask", &start, "plain"));
    cases.extend(named("StopTask", "task", |task| json!({"task": task})));
    cases.extend(named("ExecuteCommand", "task", execute));
    cases.extend(named("DescribeTasks", "tasks[]", |task| json!({"tasks": [task]})));
    for (when, id) in [
        ("longer than 36", "a".repeat(37)),
        ("neither 32 nor 36", "a".repeat(31)),
    ] {
        for operation in ["GetTaskProtection", "UpdateTaskProtection"] {
            let input = json!({"cluster": "default", "tasks": [id], "protectionEnabled": true});
            cases.push(case(operation, "tasks[]", when, input));
        }
        for operation in ["SubmitTaskStateChange", "SubmitContainerStateChange"] {
            let input = json!({"task": id, "containerName": "app", "status": "RUNNING"});
            cases.push(case(operation, "task", when, input));
        }
        let input = json!({"containerInstance": id});
        cases.push(case("ListTasks", "containerInstance", when, input));
    }
    cases.push(
        executed(
            "container",
            "has no such container",
            json!({"container": "nobody"}),
        )
        .says("value", "nobody"),
    );
    cases.push(case(
        "RunTask",
        "",
        "has no container instances",
        json!({
            "cluster": "bare", "taskDefinition": "plain", "launchType": "EC2",
        }),
    ));
    cases.extend(reported());
    cases
}

/// What agents tell of.
fn reported() -> Vec<Case> {
    let task = |more: Value| with(json!({"task": "<task>", "status": "RUNNING"}), more);
    let container = |more: Value| with(task(json!({"containerName": "app"})), more);
    let attached = |id: &str, status: &str| json!({"attachments": [{"attachmentArn": format!("<arn>attachment/{id}"), "status": status}]});
    let (of_task, of_container) = ("SubmitTaskStateChange", "SubmitContainerStateChange");
    let of_attachments = "SubmitAttachmentStateChanges";
    let nobody = json!({"containerName": "nobody"});
    vec![
        case(of_task, "task", "there is no such", task(json!({"task": NOBODY}))),
        case(
            of_container,
            "task",
            "there is no such",
            container(json!({"task": NOBODY})),
        ),
        case(
            of_task,
            "status",
            "is none of a task",
            task(json!({"status": "ASLEEP"})),
        )
        .says("value", "ASLEEP"),
        case(
            of_task,
            "containers[].containerName",
            "no such container",
            task(json!({"containers": [nobody]})),
        )
        .says("value", "nobody"),
        case(
            of_container,
            "containerName",
            "no such container",
            container(nobody),
        )
        .says("value", "nobody"),
        case(
            of_attachments,
            "attachments[].attachmentArn",
            "no task has",
            attached("nothing", "ATTACHED"),
        ),
        case(
            of_task,
            "attachments[].attachmentArn",
            "no task has",
            task(attached("nothing", "ATTACHED")),
        ),
        case(
            of_task,
            "attachments[].status",
            "is none of an attachment",
            task(attached("<attachment>", "GLUED")),
        )
        .says("value", "GLUED"),
        case(
            of_attachments,
            "attachments[].status",
            "is none of an attachment",
            attached("<attachment>", "GLUED"),
        )
        .says("value", "GLUED"),
    ]
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-tasks-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
