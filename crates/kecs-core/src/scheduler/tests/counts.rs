//! Counts that change, services that go, and where tasks come and go.

use kecs_model::types::{
    AwsVpcConfiguration, CapacityProviderStrategyItem, ContainerInstance, HealthStatus, LaunchType,
    NetworkConfiguration, Resource, SchedulingStrategy,
};

use super::world::{SECOND, World};
use crate::placement::Fleet;
use crate::record;
use crate::task;

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

pub(super) fn on_instances(mut world: World) -> World {
    world.view.service.service.launch_type = Some(LaunchType::Ec2);
    world.view.service.service.deployments.as_mut().unwrap()[0].launch_type = Some(LaunchType::Ec2);
    world
}

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

fn subnets(world: &mut World, count: usize) {
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
fn providers_share_by_base_and_weight() {
    let mut world = World::new(9, 100, 200);
    let item = |name: &str, base: i32, weight: i32| CapacityProviderStrategyItem {
        capacity_provider: Some(name.to_owned()),
        base: Some(base),
        weight: Some(weight),
    };
    let deployment = &mut world.view.service.service.deployments.as_mut().unwrap()[0];
    deployment.launch_type = None;
    deployment.capacity_provider_strategy = Some(vec![item("FARGATE", 1, 1), item("FARGATE_SPOT", 0, 3)]);
    let decision = world.round();
    let spot = decision
        .starts
        .iter()
        .filter(|it| it.task.task.capacity_provider_name.as_deref() == Some("FARGATE_SPOT"))
        .count();
    assert_eq!(spot, 6);
    assert_eq!(
        decision.starts[0].task.task.capacity_provider_name.as_deref(),
        Some("FARGATE")
    );
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
    world.view.service.service.deployments.as_mut().unwrap()[0].launch_type = Some(LaunchType::Ec2);
    enter(&mut world, &instances);
    let decision = world.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 1));
    enter(&mut world, &instances);
    assert!(world.round().is_nothing(&world.view), "one leaves already");
}

#[test]
fn a_daemon_has_one_task_on_each_instance_that_takes_it() {
    let mut world = on_instances(World::new(0, 0, 100));
    world.view.service.service.scheduling_strategy = Some(SchedulingStrategy::Daemon);
    let mut draining = instance("b", 1024);
    draining.instance.status = Some("DRAINING".to_owned());
    let mut instances = vec![
        instance("a", 1024),
        draining,
        instance("c", 100),
        instance("d", 1024),
    ];
    let settle = |world: &mut World, instances: &[record::ContainerInstance]| {
        for _ in 0..6 {
            enter(world, instances);
            world.round();
            for nth in world.leaving() {
                world.end(nth);
            }
            for nth in world.coming(1).into_iter().chain(world.coming(2)) {
                world.run(nth);
            }
        }
        let mut on: Vec<String> = world
            .view
            .tasks
            .iter()
            .filter(|it| task::is_wanted(it))
            .map(|it| {
                it.task
                    .container_instance_arn
                    .clone()
                    .unwrap()
                    .rsplit('/')
                    .next()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        on.sort();
        on.concat()
    };
    assert_eq!(settle(&mut world, &instances), "ad");
    assert_eq!(world.view.service.service.desired_count, Some(2));
    assert_eq!(
        world.deployments(),
        ["web:1 PRIMARY desired 2 COMPLETED failed 0"]
    );
    instances[1].instance.status = Some("ACTIVE".to_owned());
    instances[0].instance.status = Some("DRAINING".to_owned());
    assert_eq!(settle(&mut world, &instances), "bd");
    world.deploy(2);
    world.view.service.service.deployments.as_mut().unwrap()[0].launch_type = Some(LaunchType::Ec2);
    assert_eq!(settle(&mut world, &instances), "bd");
    assert_eq!(world.running(2).len(), 2);
    assert_eq!(
        world.deployments(),
        ["web:2 PRIMARY desired 2 COMPLETED failed 0"]
    );
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
