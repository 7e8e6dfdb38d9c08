//! Services whose task sets somebody else makes.

use kecs_model::types::{
    DeploymentController, DeploymentControllerType, LaunchType, Scale, ScaleUnit, StabilityStatus, TaskSet,
};

use super::world::World;
use crate::record;
use crate::scheduler::computed_count;
use crate::task;

fn set(world: &World, id: &str, percent: f64, revision: i32) -> record::TaskSet {
    record::TaskSet {
        task_set: TaskSet {
            id: Some(format!("ecs-svc/{id}")),
            status: Some("ACTIVE".to_owned()),
            task_definition: Some(world.view.scope.arn(&format!("task-definition/web:{revision}"))),
            launch_type: Some(LaunchType::Fargate),
            scale: Some(Scale {
                value: Some(percent),
                unit: Some(ScaleUnit::Percent),
            }),
            ..TaskSet::default()
        },
        service: "web".to_owned(),
        cluster: "blue".to_owned(),
        ..record::TaskSet::default()
    }
}

fn external(desired: i32) -> World {
    let mut world = World::new(desired, 100, 200);
    let service = &mut world.view.service;
    service.service.deployment_controller = Some(DeploymentController {
        r#type: Some(DeploymentControllerType::External),
    });
    service.service.deployments = None;
    service.rollouts.clear();
    world.view.deployments.clear();
    world
}

/// Computed and running count and stability of each set.
fn shown(world: &World) -> Vec<(i32, usize, StabilityStatus)> {
    let all = world.view.task_sets.iter().map(|it| &it.task_set);
    all.map(|it| {
        let own = |task: &record::Task| task.task_set == it.id && task::is_healthy(task);
        (
            it.computed_desired_count.unwrap(),
            world.places(own).len(),
            it.stability_status.unwrap(),
        )
    })
    .collect()
}

#[test]
fn each_has_its_share() {
    let mut world = external(3);
    world.view.task_sets = vec![set(&world, "1", 50.0, 1), set(&world, "2", 100.0, 2)];
    let decision = world.round();
    assert_eq!(decision.starts.len(), 5);
    assert_eq!(
        shown(&world),
        [
            (2, 0, StabilityStatus::Stabilizing),
            (3, 0, StabilityStatus::Stabilizing)
        ]
    );
    world.settle();
    assert_eq!(
        shown(&world),
        [
            (2, 2, StabilityStatus::SteadyState),
            (3, 3, StabilityStatus::SteadyState)
        ]
    );
    let steady = "(service web, taskSet ecs-svc/1) has reached a steady state.";
    assert_eq!(world.messages().iter().filter(|it| *it == steady).count(), 1);
    assert!(world.round().is_nothing(&world.view));
    world.scale(1);
    world.round();
    assert_eq!(shown(&world)[1].2, StabilityStatus::Stabilizing);
    world.settle();
    assert_eq!(
        shown(&world),
        [
            (1, 1, StabilityStatus::SteadyState),
            (1, 1, StabilityStatus::SteadyState)
        ]
    );
    let started = world
        .view
        .tasks
        .iter()
        .find(|it| it.task_set.as_deref() == Some("ecs-svc/2"))
        .unwrap();
    assert_eq!(started.task.started_by.as_deref(), Some("ecs-svc/2"));
    assert_eq!(started.task.group.as_deref(), Some("service:web"));
}

#[test]
fn one_that_is_deleted_goes_with_its_last_task() {
    let mut world = external(2);
    world.view.task_sets = vec![set(&world, "1", 100.0, 1), set(&world, "2", 100.0, 2)];
    world.settle();
    world.view.task_sets[0].task_set.status = Some("DRAINING".to_owned());
    let decision = world.round();
    assert_eq!(decision.stops.len(), 2);
    assert_eq!(decision.removed_task_sets, Vec::<String>::new());
    for nth in world.leaving() {
        world.end(nth);
    }
    let decision = world.round();
    assert_eq!(decision.removed_task_sets, ["ecs-svc/1"]);
    assert_eq!(world.view.task_sets.len(), 1);
}

#[test]
fn shares_are_rounded_up() {
    let rows = [
        (3, 50.0, 2),
        (3, 0.0, 0),
        (0, 100.0, 0),
        (1, 0.1, 1),
        (1000, 1.1, 11),
        (3, 33.3, 1),
        (3, 33.4, 2),
        (7, 100.0, 7),
        (7, 250.0, 7),
        (7, -1.0, 0),
    ];
    for (desired, percent, count) in rows {
        assert_eq!(
            computed_count(desired, percent),
            count,
            "{percent} % of {desired}"
        );
    }
}
