//! Services whose task sets somebody else makes.

use kecs_model::types::{
    AwsVpcConfiguration, DeploymentController, DeploymentControllerType, HealthStatus, LaunchType,
    LoadBalancer, NetworkConfiguration, Scale, ScaleUnit, ServiceRegistry, StabilityStatus, TaskSet,
    TaskStopCode,
};

use super::fleet::{enter, instance};
use super::world::{SECOND, World};
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

/// With one task set that has all of so many tasks, on instances, within these percents.
pub(super) fn on_instances(desired: i32, (minimum, maximum): (i32, i32)) -> World {
    let mut world = external(desired);
    let mut one = set(&world, "1", 100.0, 1);
    one.task_set.launch_type = Some(LaunchType::Ec2);
    world.view.task_sets = vec![one];
    let configuration = world
        .view
        .service
        .service
        .deployment_configuration
        .get_or_insert_default();
    configuration.minimum_healthy_percent = Some(minimum);
    configuration.maximum_percent = Some(maximum);
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

/// The ids of the tasks at these places, as messages have them.
fn named(world: &World, places: &[usize]) -> String {
    let id = |nth: &usize| {
        let arn = world.view.tasks[*nth].task.task_arn.clone().unwrap();
        format!(" (task {})", arn.rsplit('/').next().unwrap())
    };
    places.iter().map(id).collect()
}

#[test]
fn what_is_done_for_a_set_is_told() {
    let mut world = external(1).with_checks();
    world.view.task_sets = vec![set(&world, "1", 100.0, 1), set(&world, "2", 100.0, 2)];
    world.settle();
    let (first, second) = (world.running(1), world.running(2));
    world.found(first[0], HealthStatus::Unhealthy);
    let decision = world.round();
    assert_eq!(
        (decision.starts.len(), decision.stops.len()),
        (1, 1),
        "another one comes as it goes"
    );
    assert_eq!(
        decision.stops[0].task.stopped_reason.as_deref(),
        Some("Task failed container health checks")
    );
    assert_eq!(
        world.running(2),
        second,
        "the other set has nothing to do with it"
    );
    let third = world.coming(1);
    world.settle();
    world.scale(0);
    let decision = world.round();
    let reasons: Vec<_> = decision
        .stops
        .iter()
        .map(|it| it.task.stopped_reason.clone().unwrap())
        .collect();
    let scaling = |id: &str| format!("Scaling activity initiated by (taskSet ecs-svc/{id})");
    assert_eq!(reasons.len(), 2);
    assert!(
        reasons.contains(&scaling("1")) && reasons.contains(&scaling("2")),
        "{reasons:?}"
    );
    let of = |id: &str, what: &str| format!("(service web, taskSet ecs-svc/{id}) has {what}.");
    let (first, second, third) = (
        named(&world, &first),
        named(&world, &second),
        named(&world, &third),
    );
    let told = [
        of("1", &format!("started 1 tasks:{first}")),
        of("2", &format!("started 1 tasks:{second}")),
        of("1", "reached a steady state"),
        of("2", "reached a steady state"),
        format!("(service web){first} failed container health checks."),
        of("1", &format!("stopped 1 running tasks:{first}")),
        of("1", &format!("started 1 tasks:{third}")),
        of("1", "reached a steady state"),
        of("1", &format!("stopped 1 running tasks:{third}")),
        of("2", &format!("stopped 1 running tasks:{second}")),
    ];
    assert_eq!(world.messages(), told);
}

#[test]
fn a_set_whose_tasks_fail_pauses_as_a_deployment_does() {
    let mut world = external(1);
    world.view.task_sets = vec![set(&world, "1", 100.0, 1)];
    let mut pauses = Vec::new();
    let told = "(service web) is unable to consistently start tasks successfully.";
    for round in 1..=4 {
        world.round();
        let nth = world.coming(1)[0];
        world.fail(nth);
        let failed = world.now;
        let decision = world.round();
        let rollout = &world.view.task_sets[0].rollout;
        assert_eq!((rollout.setbacks, rollout.consecutive_failures), (round, round));
        assert_eq!(rollout.id, "ecs-svc/1");
        let messages = world.messages();
        assert_eq!(
            messages.iter().filter(|it| *it == told).count(),
            usize::from(round >= 3)
        );
        let Some(resume) = rollout.resume_at else {
            assert_eq!(decision.starts.len(), 1, "the first failure is no reason to wait");
            continue;
        };
        assert_eq!((decision.starts.len(), decision.next_look), (0, Some(resume)));
        pauses.push(resume.duration_since(failed).as_secs());
        world.now = resume.checked_sub(SECOND / 1000).unwrap();
        assert_eq!(world.round().starts.len(), 0);
        world.now = resume;
    }
    assert_eq!(pauses, [1, 2, 4]);
}

#[test]
fn a_round_starts_no_more_of_a_set_than_a_batch() {
    let mut world = external(250);
    world.view.task_sets = vec![set(&world, "1", 100.0, 1)];
    let counts: Vec<_> = (0..4)
        .map(|_| {
            let decision = world.round();
            (decision.starts.len(), decision.next_look == Some(world.now))
        })
        .collect();
    assert_eq!(counts, [(100, true), (100, true), (50, false), (0, false)]);
}

#[test]
fn a_task_is_made_as_its_set_says() {
    let mut world = external(1);
    let mut it = set(&world, "1", 100.0, 3);
    let balancers = vec![LoadBalancer {
        container_port: Some(80),
        ..LoadBalancer::default()
    }];
    let registries = vec![ServiceRegistry {
        port: Some(81),
        ..ServiceRegistry::default()
    }];
    it.task_set.platform_version = Some("1.3.0".to_owned());
    it.task_set.load_balancers = Some(balancers.clone());
    it.task_set.service_registries = Some(registries.clone());
    it.task_set.network_configuration = Some(NetworkConfiguration {
        awsvpc_configuration: Some(AwsVpcConfiguration {
            subnets: Some(vec!["subnet-9".to_owned()]),
            ..AwsVpcConfiguration::default()
        }),
    });
    world.view.task_sets = vec![it];
    let decision = world.round();
    let start = &decision.starts[0];
    let shown = &start.task.task;
    assert_eq!(shown.platform_version.as_deref(), Some("1.3.0"));
    assert_eq!(shown.cluster_arn, world.view.service.service.cluster_arn);
    let details = shown.attachments.as_ref().unwrap()[0].details.as_ref().unwrap();
    assert_eq!(details[0].value.as_deref(), Some("subnet-9"));
    assert_eq!(
        shown.containers.as_ref().unwrap()[0].image.as_deref(),
        Some("app:3")
    );
    assert_eq!(start.order.definition.revision, Some(3));
    let service = start.order.service.as_ref().unwrap();
    assert_eq!(service.load_balancers.as_ref(), Some(&balancers));
    assert_eq!(service.service_registries.as_ref(), Some(&registries));
    assert_eq!(start.task.service.as_deref(), Some("web"));
}

#[test]
fn a_set_is_not_steady_while_a_task_that_it_counts_leaves() {
    let mut world = external(1);
    let mut it = set(&world, "1", 100.0, 1);
    it.task_set.launch_type = Some(LaunchType::Ec2);
    world.view.task_sets = vec![it];
    let instances = [instance("a", 512)];
    enter(&mut world, &instances);
    world.settle();
    assert_eq!(shown(&world), [(1, 1, StabilityStatus::SteadyState)]);
    let steady = world.view.task_sets[0].task_set.stability_status_at;
    world.pass(SECOND);
    let code = TaskStopCode::UserInitiated;
    let leaving = task::request_stop(&world.view.tasks[0], "by hand", code, world.now).unwrap();
    world.view.tasks[0] = leaving;
    enter(&mut world, &instances);
    assert_eq!(world.round().starts.len(), 0, "there is no room for another one");
    assert_eq!(
        world.view.task_sets[0].task_set.stability_status,
        Some(StabilityStatus::Stabilizing)
    );
    let changed = &world.view.task_sets[0].task_set;
    assert_ne!(changed.stability_status_at, steady);
    assert_eq!(changed.updated_at, changed.stability_status_at);
    world.pass(SECOND);
    assert!(world.round().task_sets.is_empty(), "nothing of it has changed");
}

#[test]
fn protection_holds_a_set_that_is_scaled_in_and_not_one_that_is_deleted() {
    let mut world = external(2);
    world.view.task_sets = vec![set(&world, "1", 100.0, 1)];
    world.settle();
    let until = world.now.checked_add(SECOND * 60).unwrap();
    for task in &mut world.view.tasks {
        task.protected_until = Some(until);
    }
    world.scale(1);
    let decision = world.round();
    assert_eq!((decision.stops.len(), decision.next_look), (0, Some(until)));
    world.view.task_sets[0].task_set.status = Some("DRAINING".to_owned());
    assert_eq!(world.round().stops.len(), 2);
}

#[test]
fn a_deleted_service_takes_its_sets_with_it() {
    let mut world = external(2);
    for (id, percent) in [("one", 100.0), ("two", 50.0)] {
        let set = set(&world, id, percent, 1);
        world.view.task_sets.push(set);
    }
    world.settle();
    assert_eq!(world.places(task::is_healthy).len(), 3);
    world.view.service.service.status = Some("DRAINING".to_owned());
    let decision = world.round();
    assert_eq!((decision.stops.len(), decision.removed_task_sets.len()), (3, 0));
    for nth in world.leaving() {
        world.end(nth);
    }
    let decision = world.round();
    assert_eq!(decision.removed_task_sets, ["ecs-svc/one", "ecs-svc/two"]);
    assert_eq!(decision.service.service.status.as_deref(), Some("INACTIVE"));
}

#[test]
fn a_set_spreads_its_tasks_over_its_providers() {
    let mut world = external(4);
    let item = |name: &str, weight: i32| kecs_model::types::CapacityProviderStrategyItem {
        capacity_provider: Some(name.to_owned()),
        weight: Some(weight),
        base: Some(0),
    };
    let mut made = set(&world, "one", 100.0, 1);
    made.task_set.launch_type = None;
    made.task_set.capacity_provider_strategy = Some(vec![item("FARGATE", 1), item("FARGATE_SPOT", 3)]);
    world.view.task_sets.push(made);
    world.settle();
    let mut providers: Vec<String> = world
        .view
        .tasks
        .iter()
        .map(|it| it.task.capacity_provider_name.clone().unwrap_or_default())
        .collect();
    providers.sort();
    assert_eq!(
        providers,
        ["FARGATE", "FARGATE_SPOT", "FARGATE_SPOT", "FARGATE_SPOT"]
    );
}
