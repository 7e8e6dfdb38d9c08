//! What the tasks of a service are made from, and what is told of them.

use kecs_model::types::{
    CapacityProviderStrategyItem, HealthStatus, LaunchType, PropagateTags, ServiceDeploymentStatus, Tag,
};

use super::counts::subnets;
use super::fleet::{enter, instance};
use super::world::{SECOND, World};
use crate::record;

fn item(name: &str, base: i32, weight: i32) -> CapacityProviderStrategyItem {
    CapacityProviderStrategyItem {
        capacity_provider: Some(name.to_owned()),
        base: Some(base),
        weight: Some(weight),
    }
}

/// A service with this strategy.
fn through(desired: i32, strategy: Vec<CapacityProviderStrategyItem>) -> World {
    let mut world = World::new(desired, 100, 200);
    let deployment = &mut world.view.service.service.deployments.as_mut().unwrap()[0];
    deployment.launch_type = None;
    deployment.capacity_provider_strategy = Some(strategy);
    world
}

/// The last letter of the provider of each task that is started.
fn providers(world: &mut World) -> String {
    let decision = world.round();
    let names = decision
        .starts
        .iter()
        .map(|it| it.task.task.capacity_provider_name.clone());
    names.map(|it| it.unwrap().pop().unwrap()).collect()
}

#[test]
fn providers_share_by_base_and_weight() {
    let rows = [
        // FARGATE first, then by weight; of equals the first.
        (
            vec![item("FARGATE", 1, 1), item("FARGATE_SPOT", 0, 3)],
            "ETTETTTET",
        ),
        (
            vec![item("FARGATE", 2, 1), item("FARGATE_SPOT", 0, 1)],
            "EEETETETE",
        ),
        (
            vec![item("FARGATE", 3, 0), item("FARGATE_SPOT", 0, 1)],
            "EEETTTTTT",
        ),
        (
            vec![item("FARGATE_SPOT", 0, 2), item("FARGATE", 0, 1)],
            "TTETTETTE",
        ),
        (
            vec![item("FARGATE", 0, 0), item("FARGATE_SPOT", 0, 0)],
            "EEEEEEEEE",
        ),
    ];
    for (strategy, expected) in rows {
        let mut world = through(9, strategy.clone());
        assert_eq!(providers(&mut world), expected, "{strategy:?}");
        // What is there counts as what comes.
        let mut world = through(4, strategy.clone());
        let first = providers(&mut world);
        world.scale(9);
        assert_eq!(first + &providers(&mut world), expected, "{strategy:?}");
    }
}

#[test]
fn a_provider_says_where_its_tasks_run() {
    let mut world = through(2, vec![item("FARGATE", 1, 0), item("blue", 0, 1)]);
    let mut other = instance("a", 1024);
    other.instance.capacity_provider_name = Some("green".to_owned());
    let mut own = instance("b", 1024);
    own.instance.capacity_provider_name = Some("blue".to_owned());
    enter(&mut world, &[other, own]);
    let decision = world.round();
    let shown = decision.starts.iter().map(|it| {
        let instance = it.task.task.container_instance_arn.as_deref();
        (
            it.task.task.launch_type.unwrap(),
            instance.and_then(|it| it.rsplit('/').next()),
        )
    });
    let shown: Vec<_> = shown.collect();
    assert_eq!(shown, [(LaunchType::Fargate, None), (LaunchType::Ec2, Some("b"))]);
}

#[test]
fn a_task_takes_over_what_its_service_and_its_deployment_say() {
    let mut world = World::new(2, 100, 200);
    subnets(&mut world, 2);
    let service = &mut world.view.service.service;
    service.propagate_tags = Some(PropagateTags::Service);
    service.enable_ecs_managed_tags = Some(true);
    service.enable_execute_command = Some(true);
    service.platform_version = Some("1.4.0".to_owned());
    service.tags = Some(vec![Tag {
        key: Some("team".to_owned()),
        value: Some("red".to_owned()),
    }]);
    let deployment = &mut service.deployments.as_mut().unwrap()[0];
    deployment.platform_version = Some("1.3.0".to_owned());
    let id = deployment.id.clone();
    // What was told of a service is nothing that its tasks are made from.
    world.view.service.service.events = Some(vec![kecs_model::types::ServiceEvent::default()]);
    let decision = world.round();
    for (start, subnet) in decision.starts.iter().zip(["subnet-0", "subnet-1"]) {
        let shown = &start.task.task;
        assert_eq!(
            shown.platform_version.as_deref(),
            Some("1.3.0"),
            "of the deployment"
        );
        assert_eq!(shown.started_by, id);
        assert_eq!(shown.enable_execute_command, Some(true));
        let tags = shown.tags.iter().flatten();
        let tags: Vec<_> = tags
            .map(|it| format!("{}={}", it.key.as_deref().unwrap(), it.value.as_deref().unwrap()))
            .collect();
        assert_eq!(
            tags,
            ["aws:ecs:clusterName=blue", "aws:ecs:serviceName=web", "team=red"]
        );
        let details = shown.attachments.as_ref().unwrap()[0].details.as_ref().unwrap();
        assert_eq!(details[0].value.as_deref(), Some(subnet));
        assert_eq!(start.order.task, *shown);
        let told = start.order.service.as_ref().unwrap();
        assert_eq!(told.service_name.as_deref(), Some("web"));
        assert_eq!(told.events, None);
    }
}

/// The ids of the tasks at these places, as messages have them.
fn named(world: &World, places: &[usize]) -> String {
    let id = |nth: &usize| {
        let arn = world.view.tasks[*nth].task.task_arn.clone().unwrap();
        format!(" (task {})", arn.rsplit('/').next().unwrap())
    };
    places.iter().map(id).collect()
}

#[test]
fn the_life_of_a_service_is_told() {
    let mut world = World::new(1, 100, 200).with_checks();
    world.settle();
    let first = world.view.service.rollouts[0].id.clone();
    let nth = world.running(1);
    world.found(nth[0], HealthStatus::Unhealthy);
    world.settle();
    let second = world.running(1);
    world.scale(0);
    world.settle();
    let told = [
        format!("(service web) has started 1 tasks:{}.", named(&world, &nth)),
        format!("(service web) (deployment {first}) deployment completed."),
        "(service web) has reached a steady state.".to_owned(),
        format!("(service web) has started 1 tasks:{}.", named(&world, &second)),
        format!(
            "(service web){} failed container health checks.",
            named(&world, &nth)
        ),
        format!(
            "(service web) has stopped 1 running tasks:{}.",
            named(&world, &nth)
        ),
        "(service web) has reached a steady state.".to_owned(),
        format!(
            "(service web) has stopped 1 running tasks:{}.",
            named(&world, &second)
        ),
        "(service web) has reached a steady state.".to_owned(),
    ];
    assert_eq!(world.messages(), told);
    world.deploy(2);
    let id = world.view.service.rollouts[0].id.clone();
    world.view.deployments[1].deployment.status = Some(ServiceDeploymentStatus::StopRequested);
    world.round();
    let halted = format!("(service web) (deployment {id}) deployment stopped: requested by user.");
    assert_eq!(world.messages()[told.len()..][0], halted);
}

#[test]
fn without_its_definition_nothing_is_started_and_that_is_told_once() {
    let mut world = World::new(1, 100, 200);
    world.view.definitions.clear();
    assert!(world.round().starts.is_empty());
    world.pass(SECOND);
    assert!(world.round().starts.is_empty());
    assert_eq!(
        world.messages(),
        [
            "(service web) was unable to place a task. Reason: Task definition \
             arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1 is not there."
        ]
    );
}

#[test]
fn each_part_of_a_decision_is_something() {
    let mut world = World::new(1, 100, 200);
    world.settle();
    let nothing = world.round();
    assert!(nothing.is_nothing(&world.view));
    let mut changed = nothing.clone();
    changed.service.service.desired_count = Some(7);
    let mut starts = nothing.clone();
    world.scale(2);
    starts.starts = world.round().starts;
    let mut stops = nothing.clone();
    stops.stops = world.view.tasks.clone();
    let mut deployments = nothing.clone();
    deployments.deployments = world.view.deployments.clone();
    let mut sets = nothing.clone();
    sets.task_sets = vec![record::TaskSet::default()];
    let mut removed = nothing.clone();
    removed.removed_task_sets = vec!["ecs-svc/1".to_owned()];
    let mut look = nothing.clone();
    look.next_look = Some(world.now);
    world.view.service = nothing.service.clone();
    for something in [changed, starts, stops, deployments, sets, removed] {
        assert!(!something.is_nothing(&world.view), "{something:?}");
    }
    assert!(
        look.is_nothing(&world.view),
        "to look again is not to do anything"
    );
}
