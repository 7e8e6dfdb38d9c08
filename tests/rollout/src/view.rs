//! A world as the scheduler sees it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kecs_core::key::Scope;
use kecs_core::placement::Fleet;
use kecs_core::record::{self, Rollout};
use kecs_core::scheduler::{Pace, ServiceView};
use kecs_model::Time;
use kecs_model::types::{
    self, DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentRolloutState, HealthStatus,
    LaunchType, ServiceDeploymentStatus, ServiceRevisionSummary, TaskStopCode, ThresholdConfiguration,
    ThresholdType,
};

use crate::world::{Breaker, Deployment, End, Health, Phase, State, Status, THRESHOLD, Task, Told, World};

/// The moment of every round: what is told of time is told by what is held and what is not.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// The world as the scheduler sees it.
pub(crate) fn view(world: &World) -> ServiceView {
    let scope = Scope::new("123456789012", "eu-west-1");
    let revisions = 1..=world.told.len();
    ServiceView {
        service: service(world, &scope),
        tasks: (0..)
            .zip(&world.tasks)
            .map(|(nth, it)| task(world, nth, it))
            .collect(),
        task_sets: Vec::new(),
        definitions: revisions
            .clone()
            .map(|nth| (definition_arn(nth), definition(nth)))
            .collect(),
        revisions: revisions.map(|nth| (revision_arn(nth), revision(nth))).collect(),
        deployments: (1..).zip(&world.told).map(|(nth, it)| told(nth, *it)).collect(),
        fleet: Fleet::default(),
        // Longer than what a round has not seen lies back.
        pace: Pace {
            throttle: SignedDuration::from_mins(1),
            ..Pace::default()
        },
        scope,
    }
}

fn service(world: &World, scope: &Scope) -> record::Service {
    let setup = world.setup;
    let breaker = |rollback| DeploymentCircuitBreaker {
        enable: Some(true),
        rollback: Some(rollback),
        threshold_configuration: Some(ThresholdConfiguration {
            r#type: Some(ThresholdType::Count),
            value: Some(i32::from(THRESHOLD)),
        }),
        ..DeploymentCircuitBreaker::default()
    };
    record::Service {
        service: types::Service {
            service_name: Some("web".to_owned()),
            cluster_arn: Some(scope.arn("cluster/blue")),
            status: Some("ACTIVE".to_owned()),
            desired_count: Some(i32::from(world.desired)),
            launch_type: Some(LaunchType::Fargate),
            deployment_configuration: Some(DeploymentConfiguration {
                minimum_healthy_percent: Some(i32::from(setup.minimum)),
                maximum_percent: Some(i32::from(setup.maximum)),
                deployment_circuit_breaker: match setup.breaker {
                    Breaker::Off => None,
                    Breaker::GivesUp => Some(breaker(false)),
                    Breaker::GoesBack => Some(breaker(true)),
                },
                ..DeploymentConfiguration::default()
            }),
            deployments: Some(
                (0..)
                    .zip(&world.deployments)
                    .map(|(nth, it)| deployment(nth, it))
                    .collect(),
            ),
            ..types::Service::default()
        },
        rollouts: world.deployments.iter().map(|it| rollout(world, it)).collect(),
        created_with: String::new(),
        created_launch_type: Some(LaunchType::Fargate),
    }
}

fn deployment(nth: usize, it: &Deployment) -> types::Deployment {
    types::Deployment {
        id: Some(id(it.id)),
        status: Some(if nth == 0 { "PRIMARY" } else { "ACTIVE" }.to_owned()),
        task_definition: Some(definition_arn(usize::from(it.revision))),
        launch_type: Some(LaunchType::Fargate),
        rollout_state: Some(match it.state {
            State::InProgress => DeploymentRolloutState::InProgress,
            State::Completed => DeploymentRolloutState::Completed,
            State::Failed => DeploymentRolloutState::Failed,
        }),
        ..types::Deployment::default()
    }
}

fn rollout(world: &World, it: &Deployment) -> Rollout {
    let marked = |is: fn(&Task) -> bool| {
        let all = (0..).zip(&world.tasks);
        let own = all.filter(|(_, task)| task.deployment == it.id && is(task));
        own.map(|(nth, _)| task_arn(nth)).collect()
    };
    Rollout {
        id: id(it.id),
        revision: revision_arn(usize::from(it.revision)),
        service_deployment: told_arn(usize::from(it.told)),
        consecutive_failures: u32::from(it.failures),
        setbacks: u32::from(it.setbacks),
        resume_at: it.held.then(|| NOW + SignedDuration::from_secs(1)),
        counted: marked(|task| task.counted),
        healthy: marked(|task| task.seen_healthy),
        completed: it.completed,
        is_rollback: it.goes_back,
    }
}

fn task(world: &World, nth: usize, it: &Task) -> record::Task {
    // What a round has seen lies behind what it has not.
    let at = |happening: u8| Time::from(NOW - SignedDuration::from_secs(10 - i64::from(happening)));
    let revision = world.deployments.iter().find(|of| of.id == it.deployment);
    let over = matches!(it.phase, Phase::NeverRan | Phase::Over);
    let ran = matches!(it.phase, Phase::Running | Phase::Over);
    let health = Some(match it.health {
        Health::Unknown => HealthStatus::Unknown,
        Health::Healthy => HealthStatus::Healthy,
        Health::Unhealthy => HealthStatus::Unhealthy,
    });
    record::Task {
        task: types::Task {
            task_arn: Some(task_arn(nth)),
            task_definition_arn: revision.map(|it| definition_arn(usize::from(it.revision))),
            started_by: Some(id(it.deployment)),
            desired_status: Some(if it.wanted { "RUNNING" } else { "STOPPED" }.to_owned()),
            last_status: Some(
                match it.phase {
                    Phase::Coming => "PENDING",
                    Phase::Running => "RUNNING",
                    Phase::NeverRan | Phase::Over => "STOPPED",
                }
                .to_owned(),
            ),
            started_at: ran.then(|| at(it.ran_at)),
            stopped_at: over.then(|| at(it.ended_at)),
            health_status: health,
            containers: Some(vec![types::Container {
                name: Some("app".to_owned()),
                health_status: health,
                ..types::Container::default()
            }]),
            stop_code: match it.end {
                End::None => None,
                End::FailedToStart => Some(TaskStopCode::TaskFailedToStart),
                End::Exited => Some(TaskStopCode::EssentialContainerExited),
                End::Sick | End::Scaled => Some(TaskStopCode::ServiceSchedulerInitiated),
            },
            stopped_reason: match it.end {
                End::None | End::FailedToStart | End::Exited => None,
                End::Sick => Some(kecs_core::task::UNHEALTHY.to_owned()),
                End::Scaled => Some("Scaling activity".to_owned()),
            },
            ..types::Task::default()
        },
        service: Some("web".to_owned()),
        essential: vec!["app".to_owned()],
        checked: world
            .setup
            .checked
            .then(|| "app".to_owned())
            .into_iter()
            .collect(),
        ..record::Task::default()
    }
}

fn told(nth: usize, it: Told) -> record::ServiceDeployment {
    let finished = i64::from(it.finished);
    record::ServiceDeployment {
        deployment: types::ServiceDeployment {
            service_deployment_arn: Some(told_arn(nth)),
            status: Some(match it.status {
                Status::Pending => ServiceDeploymentStatus::Pending,
                Status::InProgress => ServiceDeploymentStatus::InProgress,
                Status::StopRequested => ServiceDeploymentStatus::StopRequested,
                Status::RollbackRequested => ServiceDeploymentStatus::RollbackRequested,
                Status::RollbackInProgress => ServiceDeploymentStatus::RollbackInProgress,
                Status::Successful => ServiceDeploymentStatus::Successful,
                Status::Stopped => ServiceDeploymentStatus::Stopped,
                Status::RollbackSuccessful => ServiceDeploymentStatus::RollbackSuccessful,
                Status::RollbackFailed => ServiceDeploymentStatus::RollbackFailed,
            }),
            target_service_revision: Some(ServiceRevisionSummary {
                arn: Some(revision_arn(nth)),
                ..ServiceRevisionSummary::default()
            }),
            rollback: (it.back_to != 0).then(|| types::Rollback {
                service_revision_arn: Some(revision_arn(usize::from(it.back_to))),
                ..types::Rollback::default()
            }),
            // In the order in which they were finished, all of them before now.
            finished_at: (finished != 0)
                .then(|| Time::from(NOW - SignedDuration::from_secs(1000 - finished))),
            ..types::ServiceDeployment::default()
        },
        service: "web".to_owned(),
        cluster: "blue".to_owned(),
    }
}

fn definition(nth: usize) -> record::TaskDefinition {
    record::TaskDefinition {
        definition: types::TaskDefinition {
            task_definition_arn: Some(definition_arn(nth)),
            family: Some("web".to_owned()),
            ..types::TaskDefinition::default()
        },
        tags: Vec::new(),
    }
}

fn revision(nth: usize) -> record::ServiceRevision {
    record::ServiceRevision {
        revision: types::ServiceRevision {
            service_revision_arn: Some(revision_arn(nth)),
            task_definition: Some(definition_arn(nth)),
            launch_type: Some(LaunchType::Fargate),
            ..types::ServiceRevision::default()
        },
        service: "web".to_owned(),
        cluster: "blue".to_owned(),
    }
}

pub(crate) fn id(id: u8) -> String {
    format!("ecs-svc/{id}")
}

pub(crate) fn task_arn(nth: usize) -> String {
    format!("task/blue/{nth:02}")
}

fn definition_arn(nth: usize) -> String {
    format!("task-definition/web:{nth}")
}

fn revision_arn(nth: usize) -> String {
    format!("service-revision/blue/web/{nth}")
}

fn told_arn(nth: usize) -> String {
    format!("service-deployment/blue/web/{nth}")
}

/// The number at the end of an id or ARN that was made here.
pub(crate) fn number(text: &str) -> Option<u8> {
    text.rsplit(['/', ':']).next()?.parse().ok()
}

/// What was decided, kept: the view of the next round.
pub(crate) fn kept(view: &ServiceView, decision: &kecs_core::scheduler::Decision) -> ServiceView {
    let mut after = view.clone();
    after.service = decision.service.clone();
    let stops: BTreeMap<_, _> = decision.stops.iter().map(|it| (&it.task.task_arn, it)).collect();
    for task in &mut after.tasks {
        if let Some(stopped) = stops.get(&task.task.task_arn) {
            *task = (*stopped).clone();
        }
    }
    after
        .tasks
        .extend(decision.starts.iter().map(|it| it.task.clone()));
    for changed in &decision.deployments {
        let arn = &changed.deployment.service_deployment_arn;
        for known in &mut after.deployments {
            if known.deployment.service_deployment_arn == *arn {
                *known = changed.clone();
            }
        }
    }
    after
}
