//! Instances that drain: what runs on them is replaced elsewhere.

use kecs_model::types::HealthStatus;

use super::fleet::{enter, instance, on_instances};
use super::sets;
use super::world::{SECOND, World};
use crate::record;
use crate::task;

fn draining(name: &str) -> record::ContainerInstance {
    let mut it = instance(name, 1024);
    it.instance.status = Some("DRAINING".to_owned());
    it
}

/// A service of two tasks, both running on `a`.
fn on_a(minimum: i32, maximum: i32) -> World {
    let mut world = on_instances(World::new(2, minimum, maximum));
    enter(&mut world, &[instance("a", 1024)]);
    world.settle();
    world
}

/// A round after `a` began to drain, with room for two tasks on `b`: how many it starts and stops.
fn round(world: &mut World) -> (usize, usize) {
    enter(world, &[draining("a"), instance("b", 1024)]);
    let decision = world.round();
    (decision.starts.len(), decision.stops.len())
}

fn run(world: &mut World) {
    for nth in world.coming(1) {
        world.run(nth);
    }
}

fn end(world: &mut World) {
    for nth in world.leaving() {
        world.end(nth);
    }
}

/// On which instances the tasks are that are to run.
fn places(world: &World) -> String {
    let wanted = world.view.tasks.iter().filter(|it| task::is_wanted(it));
    let arns = wanted.map(|it| it.task.container_instance_arn.as_deref().unwrap());
    arns.map(|it| it.rsplit('/').next().unwrap()).collect()
}

#[test]
fn where_there_may_be_more_replacements_come_first() {
    let mut world = on_a(100, 200);
    let before = world.messages().len();
    assert_eq!(round(&mut world), (2, 0));
    assert_eq!(places(&world), "aabb");
    assert_eq!(round(&mut world), (0, 0), "they do not run yet");
    let nth = world.coming(1)[0];
    world.run(nth);
    assert_eq!(round(&mut world), (0, 1));
    run(&mut world);
    assert_eq!(round(&mut world), (0, 1));
    assert_eq!(places(&world), "bb");
    let reasons = world
        .view
        .tasks
        .iter()
        .filter_map(|it| it.task.stopped_reason.as_deref());
    let id = world.view.service.service.deployments.as_ref().unwrap()[0]
        .id
        .as_deref()
        .unwrap();
    let scaling = format!("Scaling activity initiated by (deployment {id})");
    assert_eq!(reasons.collect::<Vec<_>>(), [scaling.as_str(), scaling.as_str()]);
    end(&mut world);
    assert_eq!(round(&mut world), (0, 0));
    let told = &world.messages()[before..];
    assert_eq!(told.len(), 4, "{told:#?}");
    assert_eq!(told[3], "(service web) has reached a steady state.");
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 2 COMPLETED failed 0"]
    );
    assert_eq!(round(&mut world), (0, 0));
}

#[test]
fn where_there_may_be_fewer_and_no_more_they_go_first() {
    let mut world = on_a(50, 100);
    assert_eq!(round(&mut world), (0, 1));
    assert_eq!(round(&mut world), (0, 0), "one leaves already");
    end(&mut world);
    assert_eq!(round(&mut world), (1, 0));
    run(&mut world);
    assert_eq!(round(&mut world), (0, 1));
    end(&mut world);
    assert_eq!(round(&mut world), (1, 0));
    run(&mut world);
    assert_eq!(round(&mut world), (0, 0));
    assert_eq!(places(&world), "bb");
}

#[test]
fn where_there_may_be_neither_fewer_nor_more_it_is_told_that_nothing_can_be_done() {
    let mut world = on_a(100, 100);
    assert_eq!(round(&mut world), (0, 0));
    assert_eq!(places(&world), "aa");
    let stuck = super::super::message::stuck("web");
    assert_eq!(world.messages().last(), Some(&stuck));
}

#[test]
fn what_does_not_run_yet_goes_at_once() {
    for percents in [(100, 200), (100, 100)] {
        let mut world = on_instances(World::new(2, percents.0, percents.1));
        enter(&mut world, &[instance("a", 1024)]);
        world.round();
        let (started, stopped) = round(&mut world);
        assert_eq!(stopped, 2, "{percents:?}");
        assert_eq!(started, if percents.1 == 200 { 2 } else { 0 });
        end(&mut world);
        round(&mut world);
        assert_eq!(places(&world), "bb");
    }
}

#[test]
fn a_deployment_is_not_complete_before_its_tasks_can_stay() {
    let mut world = on_instances(World::new(2, 100, 200).with_checks());
    enter(&mut world, &[instance("a", 1024)]);
    world.round();
    for nth in world.coming(1) {
        world.run(nth);
        world.found(nth, HealthStatus::Healthy);
    }
    assert_eq!(round(&mut world), (2, 0));
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 2 IN_PROGRESS failed 0"]
    );
    // An instance that is ACTIVE again keeps its tasks; those that came in their place are too many.
    enter(&mut world, &[instance("a", 1024), instance("b", 1024)]);
    world.settle();
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 2 COMPLETED failed 0"]
    );
    assert_eq!(places(&world).len(), 2);
}

#[test]
fn tasks_of_task_sets_leave_too() {
    for (percents, steps) in [
        ((100, 200), vec![(2, 0), (0, 2)]),
        ((50, 100), vec![(0, 1), (1, 0), (0, 1), (1, 0)]),
        ((100, 100), vec![(0, 0)]),
    ] {
        let mut world = sets::on_instances(2, percents);
        enter(&mut world, &[instance("a", 1024)]);
        world.settle();
        for step in &steps {
            assert_eq!(round(&mut world), *step, "{percents:?}");
            run(&mut world);
            end(&mut world);
            world.pass(SECOND);
        }
        assert_eq!(round(&mut world), (0, 0));
        assert_eq!(places(&world), if percents == (100, 100) { "aa" } else { "bb" });
    }
    let mut world = sets::on_instances(2, (100, 100));
    enter(&mut world, &[instance("a", 1024)]);
    world.round();
    assert_eq!(round(&mut world), (2, 2), "what does not run yet goes at once");
}
