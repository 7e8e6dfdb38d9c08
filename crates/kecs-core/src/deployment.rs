//! Deployments of a service: how one is begun, and what its tasks are made from.

use jiff::Timestamp;
use kecs_model::Time;
use kecs_model::types::{
    self, ContainerImage, Deployment, DeploymentRolloutState, ServiceCurrentRevisionSummary,
    ServiceDeploymentAlarms, ServiceDeploymentCircuitBreaker, ServiceDeploymentRollbackMonitorsStatus,
    ServiceDeploymentStatus, ServiceRevisionSummary,
};

use crate::call::Ids;
use crate::key::Scope;
use crate::lifecycle::{self, moved};
use crate::record::{self, Rollout};
use crate::scheduler::breaker;

/// What is to be kept of a deployment that was begun, beside its service.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// What its tasks are made from.
    pub revision: record::ServiceRevision,
    /// What is told of it.
    pub deployment: record::ServiceDeployment,
}

/// Begins a deployment of `content`: it is PRIMARY from now on, and the scheduler replaces the tasks of the others.
///
/// The service takes the content over. `definition` is the task definition that the content names.
pub fn open(
    scope: &Scope,
    service: &mut record::Service,
    content: types::ServiceRevision,
    definition: &types::TaskDefinition,
    ids: &Ids,
    now: Timestamp,
) -> Opened {
    let (cluster, name) = names(service);
    // A revision and the deployment that it came with have the same number.
    let number = ids.digits();
    let revision_arn = scope.arn(&format!("service-revision/{cluster}/{name}/{number}"));
    let deployment_arn = scope.arn(&format!(
        "service-deployment/{cluster}/{name}/{}",
        id_at(now, ids)
    ));
    let sources = summaries(service);
    let images = definition
        .container_definitions
        .iter()
        .flatten()
        .map(|it| ContainerImage {
            container_name: it.name.clone(),
            image: it.image.clone(),
            ..ContainerImage::default()
        });
    let revision = types::ServiceRevision {
        service_revision_arn: Some(revision_arn.clone()),
        service_arn: service.service.service_arn.clone(),
        cluster_arn: service.service.cluster_arn.clone(),
        container_images: Some(images.collect()),
        guard_duty_enabled: Some(false),
        created_at: Some(Time::from(now)),
        ..content
    };
    let rollout = Rollout {
        id: format!("{ID}{number}"),
        revision: revision_arn.clone(),
        service_deployment: deployment_arn.clone(),
        ..Rollout::default()
    };
    begin(service, &revision, rollout, ids, now);
    service.service.current_service_deployment = Some(deployment_arn.clone());
    let shown = &service.service;
    let deployment = types::ServiceDeployment {
        service_deployment_arn: Some(deployment_arn),
        service_arn: shown.service_arn.clone(),
        cluster_arn: shown.cluster_arn.clone(),
        created_at: Some(Time::from(now)),
        updated_at: Some(Time::from(now)),
        source_service_revisions: Some(sources),
        target_service_revision: Some(ServiceRevisionSummary {
            arn: Some(revision_arn),
            requested_task_count: shown.desired_count,
            running_task_count: Some(0),
            pending_task_count: Some(0),
            ..ServiceRevisionSummary::default()
        }),
        status: Some(ServiceDeploymentStatus::Pending),
        deployment_configuration: shown.deployment_configuration.clone(),
        deployment_circuit_breaker: Some(monitor(shown)),
        alarms: Some(alarms(shown)),
        ..types::ServiceDeployment::default()
    };
    Opened {
        revision: record::ServiceRevision {
            revision,
            service: name.clone(),
            cluster: cluster.clone(),
        },
        deployment: record::ServiceDeployment {
            deployment,
            service: name,
            cluster,
        },
    }
}

/// What the id of a deployment begins with.
const ID: &str = "ecs-svc/";

/// Begins a deployment of a revision, under the id that the rollout has, or else a new one, which it returns.
pub(crate) fn begin(
    service: &mut record::Service,
    revision: &types::ServiceRevision,
    rollout: Rollout,
    ids: &Ids,
    now: Timestamp,
) -> String {
    let id = if rollout.id.is_empty() {
        format!("{ID}{}", ids.digits())
    } else {
        rollout.id.clone()
    };
    let shown = &mut service.service;
    shown.task_definition.clone_from(&revision.task_definition);
    shown
        .capacity_provider_strategy
        .clone_from(&revision.capacity_provider_strategy);
    shown.launch_type = revision.launch_type;
    shown.platform_version.clone_from(&revision.platform_version);
    shown.platform_family.clone_from(&revision.platform_family);
    shown.load_balancers.clone_from(&revision.load_balancers);
    shown.service_registries.clone_from(&revision.service_registries);
    shown
        .network_configuration
        .clone_from(&revision.network_configuration);
    let desired_count = shown.desired_count;
    let deployments = shown.deployments.get_or_insert_default();
    for deployment in deployments.iter_mut() {
        let state = deployment
            .status
            .as_deref()
            .and_then(lifecycle::deployment::State::from_word);
        let signal = lifecycle::deployment::Signal::Superseded;
        if let Some(next) = state.and_then(|it| moved::<lifecycle::deployment::Lifecycle>(it, signal)) {
            deployment.status = Some(next.as_str().to_owned());
            deployment.updated_at = Some(Time::from(now));
        }
    }
    let deployment = Deployment {
        id: Some(id.clone()),
        status: Some(lifecycle::deployment::State::Primary.as_str().to_owned()),
        task_definition: revision.task_definition.clone(),
        desired_count,
        failed_tasks: Some(0),
        created_at: Some(Time::from(now)),
        updated_at: Some(Time::from(now)),
        capacity_provider_strategy: revision.capacity_provider_strategy.clone(),
        launch_type: revision.launch_type,
        platform_version: revision.platform_version.clone(),
        platform_family: revision.platform_family.clone(),
        network_configuration: revision.network_configuration.clone(),
        rollout_state: Some(DeploymentRolloutState::InProgress),
        rollout_state_reason: Some(format!("ECS deployment {id} in progress.")),
        service_connect_configuration: revision.service_connect_configuration.clone(),
        volume_configurations: revision.volume_configurations.clone(),
        fargate_ephemeral_storage: revision.fargate_ephemeral_storage.clone(),
        vpc_lattice_configurations: revision.vpc_lattice_configurations.clone(),
        ..Deployment::default()
    };
    deployments.insert(0, deployment);
    service.rollouts.insert(
        0,
        Rollout {
            id: id.clone(),
            ..rollout
        },
    );
    service.service.current_service_revisions = Some(current_revisions(service));
    id
}

/// The revisions that tasks of the service are made from, the newest first.
pub(crate) fn current_revisions(service: &record::Service) -> Vec<ServiceCurrentRevisionSummary> {
    let of = |summary: ServiceRevisionSummary| ServiceCurrentRevisionSummary {
        arn: summary.arn,
        requested_task_count: summary.requested_task_count,
        ..ServiceCurrentRevisionSummary::default()
    };
    summaries(service).into_iter().map(of).collect()
}

fn summaries(service: &record::Service) -> Vec<ServiceRevisionSummary> {
    let deployments = service.service.deployments.iter().flatten();
    let summary = |(rollout, deployment): (&Rollout, &Deployment)| ServiceRevisionSummary {
        arn: Some(rollout.revision.clone()),
        requested_task_count: deployment.desired_count,
        ..ServiceRevisionSummary::default()
    };
    service.rollouts.iter().zip(deployments).map(summary).collect()
}

/// The names of the cluster and of the service.
pub(crate) fn names(service: &record::Service) -> (String, String) {
    let cluster = service.service.cluster_arn.as_deref().unwrap_or_default();
    let cluster = cluster.rsplit('/').next().unwrap_or_default();
    let name = service.service.service_name.clone().unwrap_or_default();
    (cluster.to_owned(), name)
}

/// How a service deployment tells of the breaker when nothing has failed yet.
fn monitor(service: &types::Service) -> ServiceDeploymentCircuitBreaker {
    use ServiceDeploymentRollbackMonitorsStatus::{Disabled, Monitoring};
    let enabled = breaker::settings(service).is_some_and(|it| it.enable == Some(true));
    let threshold = breaker::threshold(service);
    ServiceDeploymentCircuitBreaker {
        status: Some(if enabled { Monitoring } else { Disabled }),
        failure_count: Some(0),
        threshold: Some(i32::try_from(threshold).unwrap_or(i32::MAX)),
    }
}

/// Alarms are kept and shown; nothing watches them.
fn alarms(service: &types::Service) -> ServiceDeploymentAlarms {
    let configuration = service.deployment_configuration.as_ref();
    let alarms = configuration.and_then(|it| it.alarms.as_ref());
    ServiceDeploymentAlarms {
        status: Some(ServiceDeploymentRollbackMonitorsStatus::Disabled),
        alarm_names: alarms.and_then(|it| it.alarm_names.clone()),
        triggered_alarm_names: None,
    }
}

/// An id of a service deployment: ids order as the times at which they were given.
fn id_at(now: Timestamp, ids: &Ids) -> String {
    format!(
        "{:011x}{:010x}",
        now.as_millisecond(),
        ids.number() & 0xFF_FFFF_FFFF
    )
}
