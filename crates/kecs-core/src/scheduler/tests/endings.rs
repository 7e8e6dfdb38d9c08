//! Deployments that fail, are stopped, or are held up.

use jiff::SignedDuration;
use kecs_model::types::{DeploymentCircuitBreaker, HealthStatus, ServiceDeploymentStatus, TaskStopCode};

use super::world::{SECOND, World, of};
use crate::task;

/// Fails the tasks of a revision as they come, until this many have failed; time passes as it has to.
fn fail(world: &mut World, revision: i32, count: usize) {
    let mut failures = 0;
    while failures < count {
        world.round();
        match world.coming(revision).first().copied() {
            Some(nth) => {
                world.fail(nth);
                failures += 1;
            }
            None => world.pass(SECOND),
        }
    }
    world.round();
}

fn ask(world: &mut World, status: ServiceDeploymentStatus) {
    world.view.deployments.last_mut().unwrap().deployment.status = Some(status);
}

#[test]
fn the_breaker_trips_at_its_threshold_and_not_before() {
    for (desired, threshold) in [(1, 3), (6, 3), (7, 4), (10, 5)] {
        let mut world = World::new(desired, 100, 200).with_breaker(false);
        fail(&mut world, 1, threshold - 1);
        assert!(
            world.deployments()[0].contains("IN_PROGRESS"),
            "{desired}: {:?}",
            world.deployments()
        );
        fail(&mut world, 1, 1);
        assert_eq!(
            world.deployments(),
            [format!(
                "web:1 PRIMARY desired {desired} FAILED failed {threshold}"
            )]
        );
        assert_eq!(world.statuses(), ["STOPPED"]);
        let shown = &world.view.deployments[0].deployment;
        let monitor = shown.deployment_circuit_breaker.as_ref().unwrap();
        assert_eq!(monitor.status.unwrap().as_str(), "TRIGGERED");
        assert_eq!(monitor.failure_count, Some(i32::try_from(threshold).unwrap()));
        assert_eq!(
            shown.status_reason.as_deref(),
            Some("ECS deployment circuit breaker: tasks failed to start.")
        );
        assert!(shown.stopped_at.is_some() && shown.finished_at == shown.stopped_at);
        world.pass(SECOND * 3600);
        assert!(world.round().starts.is_empty(), "nothing more is started");
    }
}

#[test]
fn without_a_breaker_it_tries_for_ever() {
    let mut world = World::new(1, 100, 200);
    fail(&mut world, 1, 12);
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 1 IN_PROGRESS failed 12"]
    );
    assert_eq!(world.statuses(), ["IN_PROGRESS"]);
}

#[test]
fn a_task_that_comes_to_run_ends_a_row_of_failures() {
    let mut world = World::new(3, 100, 200).with_breaker(false);
    fail(&mut world, 1, 2);
    let nth = world.coming(1)[0];
    world.run(nth);
    world.round();
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 3 IN_PROGRESS failed 0"]
    );
    fail(&mut world, 1, 2);
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 3 IN_PROGRESS failed 2"]
    );
    fail(&mut world, 1, 1);
    assert_eq!(world.deployments(), ["web:1 PRIMARY desired 3 FAILED failed 3"]);
}

#[test]
fn a_row_goes_on_where_the_breaker_is_told_not_to_reset() {
    let mut world = World::new(3, 100, 200);
    world.breaker(DeploymentCircuitBreaker {
        enable: Some(true),
        rollback: Some(false),
        reset_on_healthy_task: Some(false),
        ..DeploymentCircuitBreaker::default()
    });
    fail(&mut world, 1, 2);
    let nth = world.coming(1)[0];
    world.run(nth);
    fail(&mut world, 1, 1);
    assert_eq!(world.deployments(), ["web:1 PRIMARY desired 3 FAILED failed 3"]);
}

#[test]
fn what_counts_as_a_failure() {
    let counted = |end: fn(&mut World, usize)| {
        let mut world = World::new(1, 100, 200);
        world.round();
        end(&mut world, 0);
        world.round();
        world.round();
        world.view.service.rollouts[0].consecutive_failures
    };
    assert_eq!(counted(World::fail), 1);
    assert_eq!(counted(World::end), 1, "it never ran");
    assert_eq!(
        counted(|world, nth| {
            world.run(nth);
            world.end(nth);
        }),
        0,
        "it ran"
    );
    assert_eq!(
        counted(|world, nth| {
            let asked = task::request_stop(
                &world.view.tasks[nth],
                "enough",
                TaskStopCode::UserInitiated,
                world.now,
            );
            world.view.tasks[nth] = asked.unwrap();
            world.end(nth);
        }),
        0,
        "somebody stopped it"
    );
}

#[test]
fn failing_health_checks_count_once_and_do_not_throttle() {
    let mut world = World::new(1, 100, 200).with_checks().with_breaker(false);
    let mut failed = Vec::new();
    for _ in 0..4 {
        world.round();
        let coming = world.coming(1)[0];
        world.found(coming, HealthStatus::Unhealthy);
        world.round();
        failed.push(world.view.service.rollouts[0].consecutive_failures);
        for nth in world.leaving() {
            world.end(nth);
        }
    }
    // The first stays until there are two of them: another one was started in its stead.
    assert_eq!(failed, [0, 1, 2, 3]);
    assert_eq!(world.deployments(), ["web:1 PRIMARY desired 1 FAILED failed 3"]);
    assert_eq!(world.view.service.rollouts[0].setbacks, 0);
    assert_eq!(world.view.service.rollouts[0].resume_at, None);
}

#[test]
fn the_pause_between_tries_doubles_up_to_its_limit() {
    let mut world = World::new(1, 100, 200);
    let mut pauses = Vec::new();
    for _ in 0..14 {
        let next = loop {
            let decision = world.round();
            match decision.next_look {
                Some(at) if decision.starts.is_empty() => world.now = at,
                _ => break world.coming(1)[0],
            }
        };
        world.fail(next);
        let failed = world.now;
        world.round();
        let resume = world.view.service.rollouts[0].resume_at;
        pauses.push(resume.map_or(0, |at| at.duration_since(failed).as_secs()));
    }
    assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    let told = "(service web) is unable to consistently start tasks successfully.";
    assert_eq!(world.messages().iter().filter(|it| *it == told).count(), 1);
    world.deploy(2);
    assert_eq!(world.round().starts.len(), 1, "another deployment is not held up");
}

#[test]
fn a_rollback_that_fails_is_not_rolled_back() {
    let mut world = World::new(2, 100, 200).with_breaker(true);
    world.settle();
    world.deploy(2);
    fail(&mut world, 2, 3);
    assert_eq!(world.statuses(), ["SUCCESSFUL", "ROLLBACK_IN_PROGRESS"]);
    fail(&mut world, 1, 3);
    assert_eq!(world.statuses(), ["SUCCESSFUL", "ROLLBACK_FAILED"]);
    let deployments = world.deployments();
    assert_eq!(deployments[0], "web:1 PRIMARY desired 2 FAILED failed 3");
    assert_eq!(world.running(1).len(), 2, "what ran goes on");
    world.pass(SECOND * 60);
    assert!(world.round().starts.is_empty());
}

#[test]
fn without_a_completed_revision_there_is_nothing_to_go_back_to() {
    let mut world = World::new(2, 100, 200).with_breaker(true);
    fail(&mut world, 1, 3);
    assert_eq!(world.deployments(), ["web:1 PRIMARY desired 2 FAILED failed 3"]);
    assert_eq!(world.statuses(), ["STOPPED"]);
}

#[test]
fn it_goes_back_to_the_revision_that_was_completed_last() {
    let mut world = World::new(2, 100, 200).with_breaker(true);
    world.settle();
    world.deploy(2);
    world.settle();
    world.deploy(3);
    fail(&mut world, 3, 3);
    assert!(
        world.deployments()[0].starts_with("web:2 PRIMARY"),
        "{:?}",
        world.deployments()
    );
    world.settle();
    world.deploy(4);
    fail(&mut world, 4, 3);
    assert!(
        world.deployments()[0].starts_with("web:2 PRIMARY"),
        "{:?}",
        world.deployments()
    );
    world.settle();
    assert_eq!(
        world.statuses(),
        [
            "SUCCESSFUL",
            "SUCCESSFUL",
            "ROLLBACK_SUCCESSFUL",
            "ROLLBACK_SUCCESSFUL"
        ]
    );
    let revision = |nth: usize| {
        world.view.deployments[nth]
            .deployment
            .target_service_revision
            .clone()
            .unwrap()
            .arn
    };
    let back = world.view.deployments[3]
        .deployment
        .rollback
        .clone()
        .unwrap()
        .service_revision_arn;
    assert_eq!(back, revision(1));
}

#[test]
fn somebody_stops_a_deployment_where_it_is() {
    let mut world = World::new(2, 100, 200);
    world.settle();
    world.deploy(2);
    world.round();
    let coming = world.coming(2)[0];
    world.run(coming);
    ask(&mut world, ServiceDeploymentStatus::StopRequested);
    let decision = world.round();
    assert!(decision.starts.is_empty());
    assert_eq!(world.statuses(), ["SUCCESSFUL", "STOPPED"]);
    assert!(world.deployments()[0].starts_with("web:2 PRIMARY desired 2 FAILED"));
    assert_eq!(world.running(1).len(), 2, "what ran goes on");
}

#[test]
fn somebody_asks_for_the_revision_before() {
    let mut world = World::new(2, 100, 200);
    world.settle();
    world.deploy(2);
    world.round();
    ask(&mut world, ServiceDeploymentStatus::RollbackRequested);
    world.round();
    assert_eq!(world.statuses(), ["SUCCESSFUL", "ROLLBACK_IN_PROGRESS"]);
    let id = &world.view.service.rollouts[0].id;
    let reason = world.view.service.service.deployments.as_ref().unwrap()[0]
        .rollout_state_reason
        .clone();
    assert_eq!(
        reason,
        Some(format!(
            "ECS deployment stopped by user: rolling back to deploymentId {id}."
        ))
    );
    world.settle();
    assert_eq!(world.statuses(), ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]);
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 2 COMPLETED failed 0"]
    );
}

#[test]
fn a_newer_deployment_replaces_one_that_is_under_way() {
    let mut world = World::new(2, 100, 200);
    world.settle();
    world.deploy(2);
    world.round();
    world.deploy(3);
    world.round();
    assert_eq!(world.statuses(), ["SUCCESSFUL", "STOPPED", "IN_PROGRESS"]);
    assert!(
        world
            .view
            .tasks
            .iter()
            .filter(|it| of(it, 2))
            .all(|it| !task::is_wanted(it))
    );
    world.settle();
    assert_eq!(
        world.deployments(),
        ["web:3 PRIMARY desired 2 COMPLETED failed 0"]
    );
}

#[test]
fn a_protected_task_is_let_be_until_its_time() {
    let mut world = World::new(2, 100, 200);
    world.settle();
    let until = world.now.checked_add(SignedDuration::from_mins(5)).unwrap();
    let nth = world.running(1)[0];
    world.view.tasks[nth].protected_until = Some(until);
    world.deploy(2);
    world.settle();
    assert_eq!(world.running(1), [nth]);
    assert!(world.deployments()[0].contains("IN_PROGRESS"));
    let told = "(service web) was unable to scale in due to 1 protected tasks.";
    assert_eq!(world.messages().iter().filter(|it| *it == told).count(), 1);
    assert_eq!(world.round().next_look, Some(until));
    world.now = until;
    assert_eq!(world.round().stops.len(), 1);
    world.settle();
    assert_eq!(
        world.deployments(),
        ["web:2 PRIMARY desired 2 COMPLETED failed 0"]
    );
}

#[test]
fn within_the_grace_period_an_unhealthy_task_stays() {
    let mut world = World::new(1, 100, 200).with_checks();
    world.view.service.service.health_check_grace_period_seconds = Some(60);
    world.settle();
    let nth = world.running(1)[0];
    let ends = task::grace_ends(&world.view.tasks[nth]).unwrap();
    world.found(nth, HealthStatus::Unhealthy);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 0));
    assert_eq!(decision.next_look, Some(ends));
    world.now = ends;
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.next_look), (1, None));
}
