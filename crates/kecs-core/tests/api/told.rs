//! The events of what operations change: what happened, when, to what, and what it is now.

use kecs_core::event::EventType;
use kecs_model::Operation;
use serde_json::json;

use crate::fixture::{blue, task_of};
use crate::world::World;

/// The events since the last time: their types and resources.
fn told(world: &mut World) -> Vec<(EventType, String)> {
    let now = world.now;
    let events = std::mem::take(&mut world.events);
    assert!(events.iter().all(|it| it.timestamp == now), "{events:?}");
    events.into_iter().map(|it| (it.kind, it.resource)).collect()
}

#[test]
fn events_of_a_cluster_have_it_as_it_is_kept() {
    let mut world = World::new();
    world.pass(7);
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    let arn = world.arn("cluster/blue");
    let event = world.events[0].clone();
    assert_eq!(
        (event.timestamp, event.resource.as_str()),
        (world.now, arn.as_str())
    );
    assert_eq!(
        (&event.data["clusterArn"], &event.data["status"]),
        (&json!(arn), &json!("ACTIVE"))
    );
    assert_eq!(told(&mut world), [(EventType::ClusterCreated, arn.clone())]);
    world.pass(1);
    let setting = json!([{"name": "containerInsights", "value": "enabled"}]);
    let update = json!({"cluster": "blue", "settings": setting});
    world.ok(Operation::UpdateClusterSettings, update.clone());
    assert_eq!(world.events[0].data["settings"], setting);
    assert_eq!(told(&mut world), [(EventType::ClusterUpdated, arn.clone())]);
    world.ok(Operation::UpdateClusterSettings, update);
    assert_eq!(told(&mut world), [], "nothing has changed");
    world.ok(Operation::DeleteCluster, json!({"cluster": "blue"}));
    assert_eq!(world.events[0].data["status"], "INACTIVE");
    assert_eq!(told(&mut world), [(EventType::ClusterDeleted, arn)]);
}

#[test]
fn events_of_a_task_tell_of_its_statuses() {
    let mut world = blue();
    let id = task_of(&mut world, "web", "ecs-svc/1", 1, "PENDING");
    let arn = world.arn(&format!("task/blue/{id}"));
    told(&mut world);
    let mut submit = |status: &str| {
        world.pass(1);
        let input = json!({"cluster": "blue", "task": id, "status": status});
        world.ok(Operation::SubmitTaskStateChange, input);
        let last = world.events.last().map(|it| it.data["lastStatus"].clone());
        (told(&mut world), last)
    };
    let changed = (EventType::TaskStatusChanged, arn.clone());
    assert_eq!(submit("PENDING").0.len(), 0);
    assert_eq!(
        submit("RUNNING"),
        (
            vec![changed.clone(), (EventType::TaskStarted, arn.clone())],
            Some(json!("RUNNING"))
        )
    );
    assert_eq!(
        submit("STOPPING"),
        (vec![changed.clone()], Some(json!("STOPPING")))
    );
    assert_eq!(
        submit("STOPPED"),
        (
            vec![changed, (EventType::TaskStopped, arn)],
            Some(json!("STOPPED"))
        )
    );
}
