//! Services whose tasks run on container instances.

use kecs_model::types::{ContainerInstance, HealthStatus, LaunchType, Resource};

use super::world::{SECOND, World};
use crate::placement::Fleet;
use crate::record;
use crate::task;

/// An instance with this much memory, in MiB, and plenty of CPU.
pub(super) fn instance(name: &str, memory: i32) -> record::ContainerInstance {
    let number = |name: &str, value| Resource {
        name: Some(name.to_owned()),
        integer_value: Some(value),
        ..Resource::default()
    };
    record::ContainerInstance {
        instance: ContainerInstance {
            container_instance_arn: Some(format!(
                "arn:aws:ecs:eu-west-1:123456789012:container-instance/blue/{name}"
            )),
            status: Some("ACTIVE".to_owned()),
            agent_connected: Some(true),
            registered_resources: Some(vec![number("CPU", 4096), number("MEMORY", memory)]),
            ..ContainerInstance::default()
        },
        cluster: "blue".to_owned(),
    }
}

/// The fleet of these instances with the tasks that are there.
pub(super) fn enter(world: &mut World, instances: &[record::ContainerInstance]) {
    let live = world
        .view
        .tasks
        .iter()
        .filter(|it| !task::is_over(it))
        .map(|it| (it, None));
    world.view.fleet = Fleet::new(instances, live);
}

/// With tasks that go to instances.
pub(super) fn on_instances(mut world: World) -> World {
    world.view.service.service.launch_type = Some(LaunchType::Ec2);
    world.view.service.service.deployments.as_mut().unwrap()[0].launch_type = Some(LaunchType::Ec2);
    world
}

#[test]
fn without_room_it_is_told_once_and_looked_for_again() {
    let mut world = on_instances(World::new(3, 100, 200));
    let decision = world.round();
    let none = "(service web) was unable to place a task because no container instance met all of its requirements. \
                Reason: No Container Instances were found in your cluster. For more information, see the \
                Troubleshooting section of the Amazon ECS Developer Guide.";
    assert_eq!(world.messages(), [none]);
    assert_eq!(
        decision
            .next_look
            .map(|at| at.duration_since(world.now).as_secs()),
        Some(10)
    );
    assert!(world.round().is_nothing(&world.view));
    enter(&mut world, &[instance("a", 1024)]);
    let decision = world.round();
    assert_eq!(decision.starts.len(), 2);
    let full = "(service web) was unable to place a task because no container instance met all of its requirements. \
                The closest matching (container-instance a) has insufficient memory available. For more \
                information, see the Troubleshooting section of the Amazon ECS Developer Guide.";
    assert!(
        world.messages().contains(&full.to_owned()),
        "{:?}",
        world.messages()
    );
    world.pass(SECOND * 6 * 3600);
    enter(&mut world, &[instance("a", 1024)]);
    world.round();
    assert_eq!(world.messages().iter().filter(|it| *it == full).count(), 2);
}

#[test]
fn where_there_is_no_room_for_both_old_tasks_make_way() {
    let mut world = on_instances(World::new(2, 50, 200));
    let instances = [instance("a", 1024)];
    enter(&mut world, &instances);
    world.settle();
    world.deploy(2);
    enter(&mut world, &instances);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 1));
    enter(&mut world, &instances);
    assert!(world.round().is_nothing(&world.view), "one leaves already");
}

#[test]
fn an_unhealthy_task_makes_room_where_no_instance_has_any() {
    let mut world = on_instances(World::new(1, 100, 200).with_checks());
    let instances = [instance("a", 512)];
    enter(&mut world, &instances);
    world.settle();
    let nth = world.running(1)[0];
    world.found(nth, HealthStatus::Unhealthy);
    enter(&mut world, &instances);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 1));
    world.end(nth);
    enter(&mut world, &instances);
    assert_eq!(world.round().starts.len(), 1);
}

#[test]
fn of_tasks_in_one_zone_those_on_the_fullest_instance_go() {
    let mut world = on_instances(World::new(4, 100, 200));
    enter(&mut world, &[instance("b", 4096)]);
    world.settle();
    world.pass(SECOND);
    world.scale(6);
    enter(&mut world, &[instance("a", 4096)]);
    world.settle();
    let on = |world: &World| -> String {
        let wanted = world.view.tasks.iter().filter(|it| task::is_wanted(it));
        let arns = wanted.map(|it| it.task.container_instance_arn.clone().unwrap());
        arns.map(|it| it.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(on(&world), "bbbbaa");
    for (desired, expected) in [(5, "bbbaa"), (4, "bbaa"), (3, "bba"), (2, "ba")] {
        world.scale(desired);
        world.round();
        assert_eq!(on(&world), expected, "of equals the youngest goes");
    }
}

#[test]
fn what_is_over_makes_no_room() {
    let mut world = on_instances(World::new(4, 50, 200));
    let instances = [instance("a", 1024)];
    enter(&mut world, &[instance("a", 2048)]);
    world.settle();
    world.scale(2);
    world.settle();
    world.deploy(2);
    enter(&mut world, &instances);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 1));
}
