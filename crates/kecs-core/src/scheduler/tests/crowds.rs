//! Many tasks, of which some go, and daemons whose constraints look at their own tasks.

use std::cmp::Reverse;

use kecs_model::types::{PlacementConstraint, PlacementConstraintType, SchedulingStrategy};
use proptest::prelude::*;

use super::counts::{enter, instance, on_instances};
use super::world::{SECOND, World};
use crate::record;
use crate::task;

fn daemon(constraint: PlacementConstraint) -> World {
    let mut world = on_instances(World::new(0, 0, 100));
    let service = &mut world.view.service.service;
    service.scheduling_strategy = Some(SchedulingStrategy::Daemon);
    service.placement_constraints = Some(vec![constraint]);
    world
}

fn member_of(expression: &str) -> PlacementConstraint {
    PlacementConstraint {
        r#type: Some(PlacementConstraintType::MemberOf),
        expression: Some(expression.to_owned()),
    }
}

#[test]
fn a_daemon_keeps_its_tasks_whatever_its_constraints_say_of_tasks_beside_them() {
    let distinct = PlacementConstraint {
        r#type: Some(PlacementConstraintType::DistinctInstance),
        expression: None,
    };
    for constraint in [distinct, member_of("not(task:group == service:web)")] {
        let mut world = daemon(constraint.clone());
        let instances = [instance("a", 1024), instance("b", 1024)];
        enter(&mut world, &instances);
        assert_eq!(world.round().starts.len(), 2, "{constraint:?}");
        for nth in world.coming(1) {
            world.run(nth);
        }
        enter(&mut world, &instances);
        let decision = world.round();
        assert_eq!(
            (decision.starts.len(), decision.stops.len()),
            (0, 0),
            "{constraint:?}"
        );
        assert_eq!(
            world.deployments(),
            ["web:1 PRIMARY desired 2 COMPLETED failed 0"]
        );
        world.pass(SECOND);
        enter(&mut world, &instances);
        assert!(world.round().is_nothing(&world.view), "{constraint:?}");
    }
}

#[test]
fn a_daemon_leaves_an_instance_with_a_task_that_it_is_not_to_be_beside() {
    let mut world = daemon(member_of("not(task:group == family:batch)"));
    let instances = [instance("a", 4096), instance("b", 4096)];
    enter(&mut world, &instances);
    world.round();
    for nth in world.coming(1) {
        world.run(nth);
    }
    let mut other = world.view.tasks[0].clone();
    let on = other.task.container_instance_arn.clone();
    other.task.group = Some("family:batch".to_owned());
    let live = world.view.tasks.iter().chain([&other]).map(|it| (it, None));
    world.view.fleet = crate::placement::Fleet::new(&instances, live);
    let decision = world.round();
    let stopped: Vec<_> = decision
        .stops
        .iter()
        .map(|it| it.task.container_instance_arn.clone())
        .collect();
    assert_eq!(stopped, [on]);
    assert_eq!(world.view.service.service.desired_count, Some(1));
}

/// The tasks that go, found by looking at each for each.
fn one_by_one(tasks: &[record::Task], mut count: usize) -> Vec<String> {
    let mut left: Vec<&record::Task> = tasks.iter().collect();
    let mut gone = Vec::new();
    while count > 0 && !left.is_empty() {
        let crowd = |of: &dyn Fn(&record::Task) -> Option<String>, it: &record::Task| {
            Reverse(left.iter().filter(|other| of(other) == of(it)).count())
        };
        let best = (0..left.len()).min_by_key(|nth| {
            let it = left[*nth];
            (
                task::is_healthy(it),
                crowd(&|it| it.task.availability_zone.clone(), it),
                crowd(&|it| it.task.container_instance_arn.clone(), it),
                Reverse(it.task.created_at),
                it.task.task_arn.clone(),
            )
        });
        gone.push(left.remove(best.unwrap()).task.task_arn.clone().unwrap());
        count -= 1;
    }
    gone.sort();
    gone
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn of_many_tasks_those_go_that_a_look_at_each_would_choose(
        places in prop::collection::vec((0..3u8, 0..4u8, 0..5i64, any::<bool>()), 1..40),
        left in 0..40i32,
    ) {
        let count = i32::try_from(places.len()).unwrap();
        let mut world = World::new(count, 100, 200);
        world.settle();
        let now = world.now;
        for (it, (zone, host, age, runs)) in world.view.tasks.iter_mut().zip(&places) {
            it.task.availability_zone = Some(format!("eu-west-1{zone}"));
            it.task.container_instance_arn = Some(format!("instance/{host}"));
            it.task.created_at = Some(now.checked_sub(SECOND * i32::try_from(*age).unwrap()).unwrap().into());
            if !runs {
                it.task.last_status = Some("PENDING".to_owned());
            }
        }
        let left = left.min(count);
        let expected = one_by_one(&world.view.tasks, usize::try_from(count - left).unwrap());
        world.scale(left);
        let decision = world.round();
        let mut stopped: Vec<String> =
            decision.stops.iter().map(|it| it.task.task_arn.clone().unwrap()).collect();
        stopped.sort();
        prop_assert_eq!(stopped, expected);
    }
}
