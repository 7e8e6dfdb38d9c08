//! Deployments from their begin to their end.

use kecs_model::types::{DeploymentCircuitBreaker, HealthStatus, ThresholdConfiguration, ThresholdType};

use super::world::{SECOND, World};
use crate::scheduler::breaker;
use crate::task;

#[test]
fn a_service_gets_its_tasks_and_is_steady() {
    let mut world = World::new(3, 100, 200);
    let decision = world.round();
    assert_eq!(decision.starts.len(), 3);
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 3 IN_PROGRESS failed 0"]
    );
    assert_eq!(world.statuses(), ["IN_PROGRESS"]);
    let zones: Vec<_> = decision
        .starts
        .iter()
        .map(|it| it.task.task.availability_zone.clone().unwrap())
        .collect();
    assert_eq!(zones, ["eu-west-1a", "eu-west-1a", "eu-west-1a"]);
    world.settle();
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 3 COMPLETED failed 0"]
    );
    assert_eq!(world.statuses(), ["SUCCESSFUL"]);
    let messages = world.messages();
    let id = world.view.service.rollouts[0].id.clone();
    assert!(
        messages[0].starts_with("(service web) has started 3 tasks: (task "),
        "{messages:?}"
    );
    assert_eq!(
        messages[1..],
        [
            format!("(service web) (deployment {id}) deployment completed."),
            "(service web) has reached a steady state.".to_owned()
        ]
    );
}

#[test]
fn new_tasks_come_first_and_old_ones_go_as_they_are_replaced() {
    let mut world = World::new(4, 100, 200);
    world.settle();
    world.deploy(2);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (4, 0));
    let coming = world.coming(2);
    world.run(coming[0]);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 1));
    assert_eq!(
        decision.stops[0].task.stopped_reason.as_deref().unwrap(),
        format!(
            "Scaling activity initiated by (deployment {})",
            world.view.service.rollouts[0].id
        )
    );
    assert_eq!(
        world.deployments(),
        [
            "web:2 PRIMARY desired 4 IN_PROGRESS failed 0",
            "web:1 ACTIVE desired 3 COMPLETED failed 0"
        ]
    );
    world.settle();
    assert_eq!(
        world.deployments(),
        ["web:2 PRIMARY desired 4 COMPLETED failed 0"]
    );
    assert_eq!(world.statuses(), ["SUCCESSFUL", "SUCCESSFUL"]);
}

#[test]
fn without_room_above_old_tasks_go_first() {
    let mut world = World::new(4, 50, 100);
    world.settle();
    world.deploy(2);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 2));
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 0));
    for nth in world.leaving() {
        world.end(nth);
    }
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (2, 0));
    world.settle();
    assert_eq!(
        world.deployments(),
        ["web:2 PRIMARY desired 4 COMPLETED failed 0"]
    );
}

#[test]
fn percents_without_any_room_are_told_once() {
    let mut world = World::new(1, 100, 150);
    world.settle();
    world.deploy(2);
    world.round();
    world.pass(SECOND);
    world.round();
    let stuck = "(service web) was unable to stop or start tasks during a deployment because of the service \
                 deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";
    assert_eq!(world.messages().iter().filter(|it| *it == stuck).count(), 1);
    assert_eq!(world.running(1).len(), 1);
}

#[test]
fn the_breaker_goes_back_to_the_last_completed_revision() {
    let mut world = World::new(2, 100, 200).with_breaker(true);
    world.settle();
    world.deploy(2);
    let failed = world.view.service.rollouts[0].id.clone();
    let mut failures = 0;
    while world.view.service.rollouts[0].id == failed {
        world.round();
        let Some(nth) = world.coming(2).first().copied() else {
            world.pass(SECOND);
            continue;
        };
        world.fail(nth);
        failures += 1;
        assert!(failures <= 3);
        world.round();
    }
    assert_eq!(failures, 3);
    let back = world.view.service.rollouts[0].id.clone();
    assert_eq!(
        world.deployments()[..2],
        [
            "web:1 PRIMARY desired 2 IN_PROGRESS failed 0",
            "web:2 ACTIVE desired 0 FAILED failed 3"
        ]
    );
    let reasons: Vec<_> = world
        .view
        .service
        .service
        .deployments
        .iter()
        .flatten()
        .map(|it| it.rollout_state_reason.clone().unwrap())
        .collect();
    assert_eq!(
        reasons[..2],
        [
            format!("ECS deployment circuit breaker: rolling back to deploymentId {back}."),
            "ECS deployment circuit breaker: tasks failed to start.".to_owned()
        ]
    );
    assert_eq!(world.statuses(), ["SUCCESSFUL", "ROLLBACK_IN_PROGRESS"]);
    let messages = world.messages();
    let told = |text: String| messages.iter().position(|it| *it == text).unwrap();
    let first = told(format!(
        "(service web) (deployment {failed}) deployment failed: tasks failed to start."
    ));
    assert_eq!(
        told(format!("(service web) rolling back to deployment {back}.")),
        first + 1
    );
    world.settle();
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 2 COMPLETED failed 0"]
    );
    assert_eq!(world.statuses(), ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]);
    assert_eq!(
        world.view.service.service.task_definition.as_deref(),
        Some("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1")
    );
}

#[test]
fn thresholds() {
    let of = |desired, kind: Option<(ThresholdType, i32)>| {
        let mut world = World::new(desired, 100, 200);
        world.breaker(DeploymentCircuitBreaker {
            threshold_configuration: kind.map(|(kind, value)| ThresholdConfiguration {
                r#type: Some(kind),
                value: Some(value),
            }),
            ..DeploymentCircuitBreaker::default()
        });
        breaker::threshold(&world.view.service.service)
    };
    let default: Vec<u32> = [0, 1, 5, 6, 7, 25, 399, 400, 401, 1000]
        .into_iter()
        .map(|desired| of(desired, None))
        .collect();
    assert_eq!(default, [3, 3, 3, 3, 4, 13, 200, 200, 200, 200]);
    assert_eq!(of(100, Some((ThresholdType::Count, 1))), 1);
    assert_eq!(of(100, Some((ThresholdType::Count, 0))), 1);
    assert_eq!(of(1, Some((ThresholdType::Count, 500))), 500);
    assert_eq!(of(10, Some((ThresholdType::BoundedPercent, 10))), 3);
    assert_eq!(of(10, Some((ThresholdType::BoundedPercent, 31))), 4);
    assert_eq!(of(10, Some((ThresholdType::UnboundedPercent, 11))), 2);
    assert_eq!(of(1000, Some((ThresholdType::UnboundedPercent, 90))), 900);
    assert_eq!(of(0, Some((ThresholdType::UnboundedPercent, 50))), 1);
}

#[test]
fn an_unhealthy_task_is_replaced_before_it_goes() {
    let mut world = World::new(2, 100, 200).with_checks();
    world.settle();
    let first = world.running(1)[0];
    world.found(first, HealthStatus::Unhealthy);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (1, 0));
    let coming = world.coming(1);
    world.found(coming[0], HealthStatus::Healthy);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 1));
    assert_eq!(
        decision.stops[0].task.stopped_reason.as_deref(),
        Some("Task failed container health checks")
    );
}

#[test]
fn without_room_unhealthy_tasks_go_one_by_one() {
    let mut world = World::new(2, 50, 100).with_checks();
    world.settle();
    for nth in world.running(1) {
        world.found(nth, HealthStatus::Unhealthy);
    }
    assert_eq!(world.round().stops.len(), 1);
    assert_eq!(world.round().stops.len(), 0, "one leaves already");
    let leaving = world.leaving()[0];
    world.end(leaving);
    let decision = world.round();
    // The first is replaced, and the second goes.
    assert_eq!((decision.starts.len(), decision.stops.len()), (1, 1));
    world.settle();
    assert_eq!(world.running(1).len(), 2);
}

#[test]
fn a_deployment_that_shrinks_stops_no_more_than_it_has_to() {
    let mut world = World::new(3, 0, 100);
    world.settle();
    world.scale(4);
    world.round();
    world.deploy(2);
    world.scale(2);
    let old = world.coming(1);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 2));
    assert!(
        !task::is_wanted(&world.view.tasks[old[0]]),
        "what does not run goes first"
    );
    assert_eq!(world.running(1).len(), 2);
    assert_eq!(world.round().stops.len(), 0, "two leave already");
    for nth in world.leaving() {
        world.end(nth);
    }
    assert_eq!(world.round().stops.len(), 2, "the others make room");
}

#[test]
fn after_failures_nothing_starts_until_the_pause_is_over() {
    let mut world = World::new(1, 100, 200);
    for _ in 0..2 {
        world.round();
        let nth = world.coming(1)[0];
        world.fail(nth);
    }
    let failed = world.now;
    let decision = world.round();
    let resume = failed.checked_add(SECOND).unwrap();
    assert_eq!((decision.starts.len(), decision.next_look), (0, Some(resume)));
    world.now = resume.checked_sub(SECOND / 1000).unwrap();
    assert_eq!(world.round().starts.len(), 0);
    world.now = resume;
    assert_eq!(world.round().starts.len(), 1);
}

/// What the newest service deployment says of its target: requested, running and pending tasks; and its failures.
fn counts(world: &World) -> (i32, i32, i32, i32) {
    let shown = &world.view.deployments.last().unwrap().deployment;
    let target = shown.target_service_revision.as_ref().unwrap();
    (
        target.requested_task_count.unwrap(),
        target.running_task_count.unwrap(),
        target.pending_task_count.unwrap(),
        shown
            .deployment_circuit_breaker
            .as_ref()
            .unwrap()
            .failure_count
            .unwrap(),
    )
}

#[test]
fn a_service_deployment_counts_the_tasks_of_its_target() {
    let mut world = World::new(2, 100, 200).with_breaker(true);
    assert_eq!(counts(&world), (2, 0, 0, 0));
    world.round();
    assert_eq!(counts(&world), (2, 0, 2, 0));
    let coming = world.coming(1);
    world.run(coming[0]);
    world.round();
    assert_eq!(counts(&world), (2, 1, 1, 0));
    world.scale(3);
    world.fail(coming[1]);
    world.round();
    assert_eq!(counts(&world), (3, 1, 2, 1));
    world.settle();
    assert_eq!(counts(&world), (3, 3, 0, 0));
    // What is over is told no more: neither of the count nor of what happens to its tasks.
    world.scale(1);
    world.round();
    assert_eq!(counts(&world), (3, 3, 0, 0));
    world.settle();
    world.deploy(2);
    world.round();
    assert_eq!(
        counts(&world),
        (1, 0, 1, 0),
        "tasks of the revision before are not among them"
    );
    for _ in 0..3 {
        world.pass(SECOND * 10);
        world.round();
        let nth = world.coming(2)[0];
        world.fail(nth);
    }
    world.round();
    assert_eq!(world.statuses(), ["SUCCESSFUL", "ROLLBACK_IN_PROGRESS"]);
    assert_eq!(counts(&world).3, 3);
    world.settle();
    assert_eq!(
        counts(&world).3,
        3,
        "what ended it is still told once it is rolled back"
    );
}

#[test]
fn a_service_is_steady_once_all_run_and_what_leaves_has_left() {
    let steady = |world: &World| {
        let told = "(service web) has reached a steady state.";
        world.messages().iter().filter(|it| *it == told).count()
    };
    let mut world = World::new(2, 100, 200);
    world.round();
    let coming = world.coming(1);
    for (nth, told) in [(coming[0], 0), (coming[1], 1)] {
        world.run(nth);
        world.round();
        assert_eq!(steady(&world), told);
    }
    world.scale(1);
    world.round();
    world.round();
    assert_eq!(steady(&world), 1, "one leaves");
    let leaving = world.leaving()[0];
    world.end(leaving);
    world.round();
    assert_eq!(world.messages().len(), 5);
    world.round();
    assert_eq!(world.messages().len(), 5, "it is steady still");
}

#[test]
fn a_deployment_that_failed_goes_with_its_last_task_once_another_one_begins() {
    let mut world = World::new(1, 100, 200).with_breaker(false);
    world.settle();
    world.deploy(2);
    for _ in 0..3 {
        world.pass(SECOND * 10);
        world.round();
        let nth = world.coming(2)[0];
        world.fail(nth);
    }
    world.round();
    assert_eq!(
        world.deployments(),
        [
            "web:2 PRIMARY desired 1 FAILED failed 3",
            "web:1 ACTIVE desired 1 COMPLETED failed 0"
        ]
    );
    world.deploy(3);
    world.round();
    assert_eq!(
        world.deployments(),
        [
            "web:3 PRIMARY desired 1 IN_PROGRESS failed 0",
            "web:1 ACTIVE desired 1 COMPLETED failed 0"
        ]
    );
}

#[test]
fn where_there_is_room_old_tasks_stay_until_new_ones_run() {
    let mut world = World::new(4, 50, 200);
    world.settle();
    world.deploy(2);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (4, 0));
    assert_eq!(world.round().stops.len(), 0);
    let coming = world.coming(2);
    for nth in &coming[..3] {
        world.run(*nth);
    }
    assert_eq!(world.round().stops.len(), 3);
    // What was asked to stop and runs still is counted as running.
    let asked = task::request_stop(
        &world.view.tasks[coming[0]],
        "by hand",
        kecs_model::types::TaskStopCode::UserInitiated,
        world.now,
    );
    world.view.tasks[coming[0]] = asked.unwrap();
    world.round();
    assert_eq!(counts(&world), (4, 3, 1, 0));
}
