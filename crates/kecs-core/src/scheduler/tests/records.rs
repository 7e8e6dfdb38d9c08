//! The times and reasons that are recorded, and the failures that count.

use kecs_model::Time;
use kecs_model::types::{ServiceDeployment, TaskStopCode};

use super::world::{SECOND, World};
use crate::plane::{Stop, TaskStatus};

/// Ends a task that runs, as its essential container does.
fn exit(world: &mut World, nth: usize) {
    let stop = Stop {
        code: TaskStopCode::EssentialContainerExited,
        reason: "Essential container in task exited".to_owned(),
    };
    world.report(nth, TaskStatus::Stopped, None, Some(stop));
}

fn last(world: &World) -> ServiceDeployment {
    world.view.deployments.last().unwrap().deployment.clone()
}

/// The status of the breaker.
fn breaker(world: &World) -> &'static str {
    let monitor = last(world).deployment_circuit_breaker.unwrap();
    monitor.status.unwrap().as_str()
}

#[test]
fn a_service_deployment_says_when_it_began_changed_and_ended() {
    let mut world = World::new(1, 100, 200).with_breaker(false);
    world.deploy(1);
    let created = Time::from(world.now);
    world.pass(SECOND);
    let started = Time::from(world.now);
    world.round();
    assert_eq!(
        (last(&world).created_at, last(&world).started_at),
        (Some(created), Some(started))
    );
    assert_eq!(last(&world).updated_at, Some(started));
    world.pass(SECOND);
    assert!(world.round().deployments.is_empty(), "nothing of it has changed");
    assert_eq!(breaker(&world), "MONITORING");
    let nth = world.coming(1)[0];
    world.run(nth);
    let finished = Time::from(world.now);
    world.round();
    let shown = last(&world);
    assert_eq!(
        (shown.started_at, shown.finished_at),
        (Some(started), Some(finished))
    );
    assert_eq!((shown.updated_at, shown.stopped_at), (Some(finished), None));
    assert_eq!(shown.status_reason, None);
    assert_eq!(breaker(&world), "MONITORING_COMPLETE");
    let deployment = world.view.service.service.deployments.as_ref().unwrap()[0].clone();
    assert_eq!(deployment.created_at, Some(created));
    assert_eq!(deployment.updated_at, Some(finished));
    world.pass(SECOND);
    world.scale(2);
    let scaled = Time::from(world.now);
    world.round();
    let deployment = world.view.service.service.deployments.as_ref().unwrap()[0].clone();
    assert_eq!(deployment.updated_at, Some(scaled));
}

#[test]
fn a_service_deployment_that_is_replaced_or_deleted_says_why() {
    let mut world = World::new(1, 100, 200).with_breaker(true);
    world.round();
    world.pass(SECOND);
    world.deploy(2);
    world.round();
    let first = &world.view.deployments[0].deployment;
    let now = Some(Time::from(world.now));
    assert_eq!(
        first.status_reason.as_deref(),
        Some("The deployment was replaced by a newer service deployment.")
    );
    assert_eq!((first.stopped_at, first.finished_at), (now, now));
    let deployments = world.view.service.service.deployments.as_ref().unwrap();
    assert_eq!(deployments[1].status.as_deref(), Some("ACTIVE"));
    assert_eq!(deployments[1].updated_at, now);
    world.view.service.service.status = Some("DRAINING".to_owned());
    world.round();
    let second = last(&world);
    assert_eq!(second.status.unwrap().as_str(), "STOPPED");
    assert_eq!(second.status_reason.as_deref(), Some("The service was deleted."));
    assert_eq!(breaker(&world), "MONITORING_COMPLETE");
}

#[test]
fn a_task_that_ran_and_ended_is_no_failure() {
    let mut world = World::new(1, 100, 200).with_breaker(false);
    for _ in 0..5 {
        world.round();
        let nth = world.coming(1)[0];
        world.run(nth);
        exit(&mut world, nth);
    }
    world.round();
    let rollout = &world.view.service.rollouts[0];
    assert_eq!((rollout.consecutive_failures, rollout.setbacks), (0, 0));
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 1 IN_PROGRESS failed 0"]
    );
}

#[test]
fn a_row_of_failures_trips_the_breaker_whatever_happens_after_it_in_the_same_round() {
    // What becomes of the tasks between two rounds: they fail or run.
    for (happenings, state, failed) in [
        ("fff", "FAILED", 3),
        ("fffr", "FAILED", 0),
        ("fffrf", "FAILED", 1),
        ("ffrf", "IN_PROGRESS", 1),
        ("rff", "IN_PROGRESS", 2),
    ] {
        let mut world = World::new(6, 100, 200).with_breaker(false);
        world.round();
        for (nth, happening) in world.coming(1).into_iter().zip(happenings.chars()) {
            if happening == 'f' {
                world.fail(nth);
            } else {
                world.run(nth);
            }
        }
        world.round();
        assert_eq!(
            world.deployments(),
            [format!("web:1 PRIMARY desired 6 {state} failed {failed}")],
            "{happenings}"
        );
    }
}

#[test]
fn a_task_that_comes_to_run_ends_the_pauses() {
    let mut world = World::new(1, 100, 200);
    let mut rounds = |happenings: &str| {
        for happening in happenings.chars() {
            world.pass(SECOND * 1000);
            world.round();
            let nth = world.coming(1)[0];
            if happening == 'f' {
                world.fail(nth);
            } else {
                world.run(nth);
                world.round();
                exit(&mut world, nth);
            }
        }
        world.round();
        let rollout = &world.view.service.rollouts[0];
        (rollout.setbacks, rollout.resume_at.is_some())
    };
    assert_eq!(rounds("ff"), (2, true));
    assert_eq!(rounds("r"), (0, false));
    assert_eq!(rounds("f"), (1, false));
    assert_eq!(rounds("f"), (2, true));
}

#[test]
fn a_service_says_which_revisions_its_tasks_are_made_from() {
    let mut world = World::new(3, 100, 200);
    let current = |world: &World| -> Vec<(Option<i32>, String)> {
        let shown = world
            .view
            .service
            .service
            .current_service_revisions
            .iter()
            .flatten();
        shown
            .map(|it| (it.requested_task_count, it.arn.clone().unwrap()))
            .collect()
    };
    let revision = |world: &World, nth: usize| world.view.service.rollouts[nth].revision.clone();
    assert_eq!(
        current(&world),
        [(Some(3), revision(&world, 0))],
        "from its beginning"
    );
    world.settle();
    world.deploy(2);
    assert_eq!(
        current(&world),
        [(Some(3), revision(&world, 0)), (Some(3), revision(&world, 1))]
    );
    assert_ne!(revision(&world, 0), revision(&world, 1));
    world.scale(2);
    world.round();
    assert_eq!(
        current(&world),
        [(Some(2), revision(&world, 0)), (Some(2), revision(&world, 1))]
    );
    world.settle();
    assert_eq!(current(&world), [(Some(2), revision(&world, 0))]);
}

#[test]
fn service_deployments_that_are_over_stay_as_they_ended() {
    let mut world = World::new(1, 100, 200);
    world.settle();
    world.deploy(2);
    world.settle();
    let over = world.view.deployments.clone();
    assert_eq!(world.statuses(), ["SUCCESSFUL", "SUCCESSFUL"]);
    world.pass(SECOND);
    world.scale(4);
    world.settle();
    assert_eq!(world.view.deployments, over);
    world.view.service.service.status = Some("DRAINING".to_owned());
    world.round();
    assert_eq!(world.view.deployments, over);
}
