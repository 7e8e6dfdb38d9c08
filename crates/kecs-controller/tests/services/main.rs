//! Services and tasks from the request to the end, in virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test the line of the panic is the best report"
)]

mod faltering;
mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kecs_core::event::EventType;
use serde_json::{Value, json};

use faltering::Faltering;
use world::World;

const NETWORK: &str = r#"{"awsvpcConfiguration": {"subnets": ["subnet-1"]}}"#;

fn network() -> Value {
    serde_json::from_str(NETWORK).unwrap()
}

fn create(name: &str, count: u32) -> Value {
    json!({
        "cluster": "blue", "serviceName": name, "taskDefinition": "own:1", "desiredCount": count,
        "launchType": "FARGATE", "networkConfiguration": network(),
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}
    })
}

fn counts(service: &Value) -> (i64, i64, i64) {
    let count = |name: &str| service[name].as_i64().unwrap();
    (
        count("desiredCount"),
        count("runningCount"),
        count("pendingCount"),
    )
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_and_is_stopped_and_is_forgotten_after_an_hour() {
    let world = World::new().await;
    world.with_web().await;
    let input = json!({"cluster": "blue", "taskDefinition": "own:1", "launchType": "FARGATE", "networkConfiguration": network()});
    let run = world.call("RunTask", input).await;
    let arn = run["tasks"][0]["taskArn"].clone();
    let task = async || {
        world
            .call("DescribeTasks", json!({"cluster": "blue", "tasks": [arn]}))
            .await["tasks"][0]
            .clone()
    };
    assert_eq!(task().await["lastStatus"], "PROVISIONING");
    world.pass(5).await;
    let running = task().await;
    assert_eq!(running["lastStatus"], "RUNNING");
    assert_eq!(running["containers"][0]["lastStatus"], "RUNNING");
    assert_eq!(running["attachments"][0]["status"], "ATTACHED");
    world
        .call(
            "StopTask",
            json!({"cluster": "blue", "task": arn, "reason": "enough"}),
        )
        .await;
    world.pass(5).await;
    let stopped = task().await;
    assert_eq!(stopped["lastStatus"], "STOPPED");
    assert_eq!(stopped["stopCode"], "UserInitiated");
    assert_eq!(stopped["stoppedReason"], "enough");
    assert_eq!(stopped["containers"][0]["exitCode"], 143);
    assert_eq!(stopped["attachments"][0]["status"], "DELETED");
    world.pass(3_590).await;
    assert_eq!(task().await["lastStatus"], "STOPPED");
    world.pass(20).await;
    assert_eq!(task().await, Value::Null);
    assert_eq!(
        (
            world.told(EventType::TaskStarted),
            world.told(EventType::TaskStopped)
        ),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_comes_to_its_steady_state_and_follows_its_count() {
    let world = World::new().await;
    world.with_web().await;
    world.call("CreateService", create("web", 3)).await;
    world.pass(10).await;
    let service = world.service("web").await;
    assert_eq!(counts(&service), (3, 3, 0));
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    let said = service["events"].to_string();
    assert!(said.contains("has reached a steady state."), "{said}");
    world
        .call(
            "UpdateService",
            json!({"cluster": "blue", "service": "web", "desiredCount": 1}),
        )
        .await;
    world.pass(10).await;
    assert_eq!(counts(&world.service("web").await), (1, 1, 0));
    world
        .call(
            "DeleteService",
            json!({"cluster": "blue", "service": "web", "force": true}),
        )
        .await;
    world.pass(10).await;
    assert_eq!(world.service("web").await["status"], "INACTIVE");
    assert_eq!(world.tasks("RUNNING").await, 0);
    world.call("DeleteCluster", json!({"cluster": "blue"})).await;
    assert_eq!(world.told(EventType::ClusterDeleted), 1);
    assert_eq!(world.told(EventType::ServiceDeleted), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_cannot_start_is_given_up_and_rolled_back() {
    let world = World::new().await;
    world.with_web().await;
    world.call("CreateService", create("web", 2)).await;
    world.pass(10).await;
    let update = json!({"cluster": "blue", "service": "web", "taskDefinition": "own:2"});
    world.call("UpdateService", update).await;
    world.pass(1_200).await;
    let service = world.service("web").await;
    assert_eq!(counts(&service), (2, 2, 0));
    let definition = service["taskDefinition"].as_str().unwrap();
    assert!(definition.ends_with("own:1"), "{definition}");
    assert_eq!(
        service["deployments"].as_array().unwrap().len(),
        1,
        "{}",
        service["deployments"]
    );
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    let listed = world
        .call(
            "ListServiceDeployments",
            json!({"cluster": "blue", "service": "web"}),
        )
        .await;
    let states: Vec<&str> = listed["serviceDeployments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect();
    assert!(states.contains(&"ROLLBACK_SUCCESSFUL"), "{states:?}");
    assert_eq!(world.told(EventType::DeploymentFailed), 1);
}

/// Whoever comes back finds everything in the store.
#[tokio::test(start_paused = true)]
async fn a_restart_loses_nothing_and_starts_nothing_twice() {
    let mut world = World::new().await;
    world.with_web().await;
    world.call("CreateService", create("web", 3)).await;
    world.stop().await;
    assert_eq!(counts(&world.service("web").await).1, 0);
    world.start().await;
    world.pass(10).await;
    assert_eq!(counts(&world.service("web").await), (3, 3, 0));
    let before = world.call("ListTasks", json!({"cluster": "blue"})).await;
    world.stop().await;
    world.pass(60).await;
    world.start().await;
    world.pass(10).await;
    assert_eq!(world.call("ListTasks", json!({"cluster": "blue"})).await, before);
    assert_eq!(world.told(EventType::TaskStarted), 3);
    assert_eq!(world.store.check().unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn one_life_tells_all_twelve_types_of_events() {
    let world = World::new().await;
    world.with_web().await;
    let settings = json!([{"name": "containerInsights", "value": "enabled"}]);
    world
        .call(
            "UpdateClusterSettings",
            json!({"cluster": "blue", "settings": settings}),
        )
        .await;
    world.call("CreateService", create("web", 1)).await;
    world.pass(10).await;
    world
        .call(
            "UpdateService",
            json!({"cluster": "blue", "service": "web", "taskDefinition": "own:2"}),
        )
        .await;
    world.pass(1_200).await;
    world
        .call(
            "DeleteService",
            json!({"cluster": "blue", "service": "web", "force": true}),
        )
        .await;
    world.pass(10).await;
    world.call("DeleteCluster", json!({"cluster": "blue"})).await;
    for kind in EventType::ALL {
        assert!(world.told(*kind) > 0, "{}", kind.name());
    }
}

/// The task definition `web:1` is INACTIVE and to be deleted.
async fn drop_definition(world: &World, named: &str) {
    world
        .call("DeregisterTaskDefinition", json!({"taskDefinition": named}))
        .await;
    let deleted = world
        .call("DeleteTaskDefinitions", json!({"taskDefinitions": [named]}))
        .await;
    assert_eq!(deleted["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS");
}

async fn listed(world: &World) -> Value {
    let input = json!({"status": "DELETE_IN_PROGRESS"});
    world.call("ListTaskDefinitions", input).await["taskDefinitionArns"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_that_nobody_uses_is_gone_an_hour_after_its_deletion() {
    let mut world = World::new().await;
    world.with_web().await;
    drop_definition(&world, "web:1").await;
    world.pass(1_800).await;
    // Whoever comes back finds it in the store.
    world.stop().await;
    world.start().await;
    world.pass(1_795).await;
    assert_eq!(listed(&world).await.as_array().unwrap().len(), 1);
    world.pass(10).await;
    assert_eq!(listed(&world).await, json!([]));
    let refusal = world
        .refused("DescribeTaskDefinition", json!({"taskDefinition": "web:1"}))
        .await
        .unwrap_err();
    assert_eq!(refusal.message, "Unable to describe task definition.");
    // The family goes with its last revision, and its numbers go on.
    let families = async || {
        world
            .call("ListTaskDefinitionFamilies", json!({"familyPrefix": "web"}))
            .await
    };
    assert_eq!(families().await["families"], json!(["web"]));
    drop_definition(&world, "web:2").await;
    world.pass(3_610).await;
    assert_eq!(families().await["families"], json!([]));
    let container = json!({"name": "web", "image": "nginx:1", "memory": 128});
    let input = json!({"family": "web", "containerDefinitions": [container]});
    let registered = world.call("RegisterTaskDefinition", input).await;
    assert_eq!(registered["taskDefinition"]["revision"], 3);
    assert_eq!(families().await["families"], json!(["web"]));
    assert_eq!(world.store.check().unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_that_is_deleted_stays_for_as_long_as_a_service_or_a_task_has_it() {
    let world = World::new().await;
    world.with_web().await;
    world.call("CreateService", create("web", 1)).await;
    let input = json!({"cluster": "blue", "taskDefinition": "own:1", "launchType": "FARGATE", "networkConfiguration": network()});
    let run = world.call("RunTask", input).await;
    let task = run["tasks"][0]["taskArn"].clone();
    world.pass(10).await;
    drop_definition(&world, "own:1").await;
    world.pass(2 * 3_600).await;
    assert_eq!(listed(&world).await.as_array().unwrap().len(), 1);
    assert_eq!(counts(&world.service("web").await), (1, 1, 0));
    let delete = json!({"cluster": "blue", "service": "web", "force": true});
    world.call("DeleteService", delete).await;
    world.pass(2 * 3_600).await;
    assert_eq!(listed(&world).await.as_array().unwrap().len(), 1);
    world
        .call("StopTask", json!({"cluster": "blue", "task": task}))
        .await;
    world.pass(310).await;
    assert_eq!(listed(&world).await, json!([]));
}

#[tokio::test(start_paused = true)]
async fn what_the_data_plane_reports_while_the_store_is_away_is_kept_when_it_is_back() {
    let store = Arc::new(Faltering::new());
    let world = World::upon(store.clone()).await;
    world.with_web().await;
    world.call("CreateService", create("web", 1)).await;
    world.pass(10).await;
    let before = world.call("ListTasks", json!({"cluster": "blue"})).await;
    let input = json!({"cluster": "blue", "task": before["taskArns"][0]});
    world.call("StopTask", input).await;
    // The data plane is told, and everything that it reports comes meanwhile.
    store.away.store(true, Ordering::SeqCst);
    world.pass(30).await;
    let described = json!({"cluster": "blue", "tasks": before["taskArns"]});
    let task = world.call("DescribeTasks", described.clone()).await["tasks"][0].clone();
    assert_eq!(task["lastStatus"], "RUNNING");
    store.away.store(false, Ordering::SeqCst);
    world.pass(10).await;
    let task = world.call("DescribeTasks", described).await["tasks"][0].clone();
    assert_eq!(task["lastStatus"], "STOPPED");
    assert_eq!(counts(&world.service("web").await), (1, 1, 0));
    assert_eq!(world.told(EventType::TaskStarted), 2);
}
