//! Counts that change, services that go, and the zones that tasks come to and go from.

use kecs_model::types::{AwsVpcConfiguration, NetworkConfiguration, TaskStopCode};

use super::world::{SECOND, World};
use crate::record;
use crate::task;

fn zones(world: &World) -> Vec<String> {
    let wanted = world.view.tasks.iter().filter(|it| task::is_wanted(it));
    let mut zones: Vec<String> = wanted
        .map(|it| {
            it.task
                .availability_zone
                .clone()
                .unwrap()
                .split_off("eu-west-1".len())
        })
        .collect();
    zones.sort();
    zones
}

/// The deployment's tasks go to so many subnets.
pub(super) fn subnets(world: &mut World, count: usize) {
    let network = NetworkConfiguration {
        awsvpc_configuration: Some(AwsVpcConfiguration {
            subnets: Some((0..count).map(|nth| format!("subnet-{nth}")).collect()),
            ..AwsVpcConfiguration::default()
        }),
    };
    world.view.service.service.deployments.as_mut().unwrap()[0].network_configuration = Some(network);
}

#[test]
fn tasks_are_spread_over_zones_and_go_from_the_fullest() {
    let mut world = World::new(7, 100, 200);
    subnets(&mut world, 5);
    world.settle();
    assert_eq!(zones(&world), ["a", "a", "a", "b", "b", "c", "c"]);
    world.scale(6);
    world.round();
    assert_eq!(zones(&world), ["a", "a", "b", "b", "c", "c"]);
    world.scale(3);
    world.round();
    assert_eq!(zones(&world), ["a", "b", "c"]);
}

#[test]
fn the_youngest_goes_and_what_does_not_run_goes_before() {
    let mut world = World::new(2, 100, 200);
    world.settle();
    world.pass(SECOND);
    world.scale(4);
    world.round();
    let coming = world.coming(1);
    assert_eq!(coming.len(), 2);
    world.run(coming[1]);
    world.scale(3);
    let decision = world.round();
    assert_eq!(
        decision.stops[0].task.task_arn,
        world.view.tasks[coming[0]].task.task_arn
    );
    world.scale(2);
    let decision = world.round();
    assert_eq!(
        decision.stops[0].task.task_arn,
        world.view.tasks[coming[1]].task.task_arn
    );
}

#[test]
fn a_change_of_the_count_is_no_deployment() {
    let mut world = World::new(2, 100, 200);
    world.settle();
    world.scale(0);
    let decision = world.round();
    assert_eq!(decision.stops.len(), 2);
    world.settle();
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 0 COMPLETED failed 0"]
    );
    world.scale(3);
    world.settle();
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 3 COMPLETED failed 0"]
    );
    assert_eq!(world.statuses(), ["SUCCESSFUL"]);
    let steady = "(service web) has reached a steady state.";
    assert_eq!(world.messages().iter().filter(|it| *it == steady).count(), 3);
    let completed = world
        .messages()
        .iter()
        .filter(|it| it.ends_with("deployment completed."))
        .count();
    assert_eq!(completed, 1);
}

#[test]
fn a_deleted_service_ends_with_its_last_task() {
    let mut world = World::new(2, 100, 200);
    world.settle();
    world.deploy(2);
    world.round();
    world.view.service.service.status = Some("DRAINING".to_owned());
    world.scale(0);
    let decision = world.round();
    assert_eq!(decision.stops.len(), 4);
    assert_eq!(world.statuses(), ["SUCCESSFUL", "STOPPED"]);
    let status = |world: &World| world.view.service.service.status.clone().unwrap();
    while let Some(nth) = world.leaving().first().copied() {
        assert_eq!(status(&world), "DRAINING");
        world.end(nth);
        world.round();
    }
    assert_eq!(status(&world), "INACTIVE");
    assert_eq!(world.deployments(), Vec::<String>::new());
    let service = &world.view.service;
    assert!(service.rollouts.is_empty(), "nothing is left to go back to");
    assert_eq!(service.service.current_service_revisions, Some(Vec::new()));
    assert!(world.round().is_nothing(&world.view));
}

#[test]
fn a_hundred_messages_are_kept() {
    let mut world = World::new(0, 100, 200);
    for nth in 0..60 {
        world.scale(nth % 2);
        world.settle();
    }
    assert_eq!(world.view.service.service.events.as_ref().unwrap().len(), 100);
}

#[test]
fn a_round_starts_no_more_than_a_batch() {
    let mut world = World::new(250, 100, 200);
    let counts: Vec<_> = (0..4)
        .map(|_| {
            let decision = world.round();
            (decision.starts.len(), decision.next_look == Some(world.now))
        })
        .collect();
    assert_eq!(counts, [(100, true), (100, true), (50, false), (0, false)]);
}

#[test]
fn what_lasts_is_told_again_once_the_service_was_steady_or_six_hours_have_passed() {
    let mut world = World::new(2, 100, 200);
    world.settle();
    let until = world.now.checked_add(SECOND * 36 * 3600).unwrap();
    for task in &mut world.view.tasks {
        task.protected_until = Some(until);
    }
    let told = |world: &World| {
        let told = "(service web) was unable to scale in due to 1 protected tasks.";
        world.messages().iter().filter(|it| *it == told).count()
    };
    world.scale(1);
    world.round();
    let first = world.now;
    assert_eq!(told(&world), 1);
    let hours = |count: i32| first.checked_add(SECOND * 3600 * count).unwrap();
    world.now = hours(6).checked_sub(SECOND / 1000).unwrap();
    world.round();
    assert_eq!(told(&world), 1);
    world.now = hours(6);
    world.round();
    assert_eq!(told(&world), 2);
    world.pass(SECOND);
    world.scale(2);
    world.round();
    assert_eq!(
        world.messages().last().unwrap(),
        "(service web) has reached a steady state."
    );
    world.scale(1);
    world.round();
    assert_eq!(told(&world), 3);
}

#[test]
fn protected_tasks_are_looked_at_again_only_where_one_of_them_was_to_go() {
    let mut world = World::new(3, 100, 200);
    world.settle();
    let until = |world: &World, minutes: i32| world.now.checked_add(SECOND * 60 * minutes).unwrap();
    let (first, second) = (until(&world, 9), until(&world, 5));
    world.view.tasks[0].protected_until = Some(first);
    world.view.tasks[1].protected_until = Some(second);
    world.scale(2);
    let decision = world.round();
    assert_eq!((decision.stops.len(), decision.next_look), (1, None));
    world.scale(0);
    let decision = world.round();
    assert_eq!((decision.stops.len(), decision.next_look), (0, Some(second)));
    let told = "(service web) was unable to scale in due to 2 protected tasks.";
    assert!(
        world.messages().contains(&told.to_owned()),
        "{:?}",
        world.messages()
    );
}

#[test]
fn what_is_there_counts_where_the_next_task_comes_and_what_leaves_does_not() {
    let mut world = World::new(1, 100, 200);
    subnets(&mut world, 2);
    world.settle();
    for desired in 2..=4 {
        world.scale(desired);
        world.settle();
    }
    assert_eq!(zones(&world), ["a", "a", "b", "b"]);
    let is_in_a = |it: &record::Task| it.task.availability_zone.as_deref() == Some("eu-west-1a");
    let nth = world.places(is_in_a)[0];
    let code = TaskStopCode::UserInitiated;
    world.view.tasks[nth] = task::request_stop(&world.view.tasks[nth], "by hand", code, world.now).unwrap();
    world.scale(2);
    world.round();
    assert_eq!(zones(&world), ["a", "b"]);
}
