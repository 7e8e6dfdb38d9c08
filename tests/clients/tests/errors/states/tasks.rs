//! Tasks: how they are run, and how they are named.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, with};
use crate::valid::{fargate, network};

/// An id that nothing has.
const NOBODY: &str = "0123456789abcdef0123456789abcdef";

async fn set_up(place: &mut Place) {
    place.machine("machine", "default", None).await;
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
    place
        .until("DescribeTasks", json!({"tasks": ["<task>"]}), ready)
        .await;
}

fn run(definition: &str) -> Value {
    json!({"taskDefinition": definition, "launchType": "FARGATE", "networkConfiguration": network()})
}

/// What `RunTask` and `StartTask` have in common.
fn begun(operation: &'static str, input: &Value) -> Vec<Case> {
    let broken = |member, when, more| case(operation, member, when, with(input.clone(), more));
    let long = json!({"name": "app", "environment": [{"name": "A", "value": "v".repeat(8192)}]});
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
        broken("overrides", "longer than 8192", overrides(long)),
    ]
}

/// What can be wrong with how a task is named.
fn named(operation: &'static str, member: &'static str, of: impl Fn(&str) -> Value) -> Vec<Case> {
    let broken = |when, task: &str| case(operation, member, when, of(task));
    vec![
        broken("longer than 36", &"a".repeat(37)),
        broken("of another cluster", &format!("<arn>task/other/{NOBODY}"))
            .says("other", "other")
            .says("cluster", "default"),
        broken("another kind of resource", "<arn>service/default/web").says("type", "service"),
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
    cases.extend(begun("RunTask", &run("app")));
    let start = json!({"taskDefinition": "plain", "containerInstances": ["<machine>"]});
    cases.extend(begun("StartTask", &start));
    cases.extend(named("StopTask", "task", |task| json!({"task": task})));
    cases.extend(named("ExecuteCommand", "task", execute));
    cases.extend(named("DescribeTasks", "tasks[]", |task| json!({"tasks": [task]})));
    let long = "a".repeat(37);
    for operation in ["GetTaskProtection", "UpdateTaskProtection"] {
        cases.push(case(
            operation,
            "tasks[]",
            "longer than 36",
            json!({
                "cluster": "default", "tasks": [long], "protectionEnabled": true,
            }),
        ));
    }
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-tasks-1").await;
    set_up(&mut place).await;
    place.answers(&cases()).await;
}
