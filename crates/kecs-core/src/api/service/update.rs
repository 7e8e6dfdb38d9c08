//! `UpdateService`.

use kecs_model::types::{
    self, AvailabilityZoneRebalancing, DeploymentControllerType, LaunchType, SchedulingStrategy,
};
use kecs_model::{Refusal, refuse, types::UpdateServiceRequest};

use super::fits::{can_rebalance, daemon_desired_count, gateways, no_health_checks, no_rebalancing};
use super::made::{complete, connect, has_health_check};
use super::{MadeFrom, active, begin, controller, settings, task_sets, with_counts};
use crate::api::launch::{self, Compute, Wanted};
use crate::api::{name, task_definition, task_set};
use crate::call::Call;
use crate::record::{self, Service, ServiceRevision};
use crate::tx::Tx;

pub(in crate::api) fn update(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: UpdateServiceRequest,
) -> Result<types::UpdateServiceResponse, Refusal> {
    let (cluster, of_cluster) = name::active_cluster(tx, request.cluster.as_deref())?;
    let (key, mut record) = active(tx, &cluster, request.service.as_deref().unwrap_or_default())?;
    let controller = controller(&record.service);
    let named = request.task_definition.as_deref();
    let named = named.filter(|_| controller == DeploymentControllerType::Ecs);
    let definition = named
        .map(|named| task_definition::usable(tx, named))
        .transpose()?;
    fits_controller(&request, controller)?;
    if request
        .gateway_connectors
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(gateways());
    }
    scale(call, &request, &mut record)?;
    if request.deployment_configuration.is_some() {
        let service = &record.service;
        let configuration = settings::configuration(
            service.deployment_configuration.as_ref(),
            request.deployment_configuration.as_ref(),
            service.scheduling_strategy.unwrap_or(SchedulingStrategy::Replica),
            controller,
        )?;
        record.service.deployment_configuration = Some(configuration);
    }
    plain_members(&request, &mut record.service)?;
    if controller == DeploymentControllerType::Ecs {
        redeploy(tx, call, &of_cluster, &request, definition, &mut record)?;
    } else {
        if let Some(seconds) = request.health_check_grace_period_seconds {
            record.service.health_check_grace_period_seconds = Some(seconds);
        }
        for (key, mut set) in task_sets(tx, &cluster, key.last())? {
            task_set::rescale(call, record.service.desired_count.unwrap_or(0), &mut set.task_set);
            tx.put(key, set);
        }
    }
    rebalance(&request, &mut record.service)?;
    tx.put(key, record.clone());
    let mut shown = with_counts(tx, &cluster, &record)?;
    shown.tags = None;
    Ok(types::UpdateServiceResponse { service: Some(shown) })
}

/// What only another controller may change.
fn fits_controller(
    request: &UpdateServiceRequest,
    controller: DeploymentControllerType,
) -> Result<(), Refusal> {
    let asked = request.deployment_controller.as_ref().and_then(|it| it.r#type);
    if asked.is_some_and(|asked| asked != controller) {
        return Err(refuse!(
            InvalidParameterException,
            "The deployment controller of the service is {controller} and cannot be changed."
        ));
    }
    let instead = match controller {
        DeploymentControllerType::Ecs => return Ok(()),
        DeploymentControllerType::CodeDeploy => "Use AWS CodeDeploy to trigger a new deployment.",
        DeploymentControllerType::External => "Create a task set to trigger a new deployment.",
    };
    if request.force_new_deployment == Some(true) {
        return Err(refuse!(
            InvalidParameterException,
            "Cannot force a new deployment on services with a {controller} deployment controller. {instead}"
        ));
    }
    let given = [
        ("task definition", request.task_definition.is_some()),
        ("network parameters", request.network_configuration.is_some()),
        ("platform version", request.platform_version.is_some()),
        ("load balancers", request.load_balancers.is_some()),
        ("service registries", request.service_registries.is_some()),
        (
            "capacity provider strategy",
            request.capacity_provider_strategy.is_some(),
        ),
        (
            "Service Connect configuration",
            request.service_connect_configuration.is_some(),
        ),
        ("volume configurations", request.volume_configurations.is_some()),
        (
            "VPC Lattice configurations",
            request.vpc_lattice_configurations.is_some(),
        ),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((what, _)) => Err(refuse!(
            InvalidParameterException,
            "Unable to update {what} on services with a {controller} deployment controller. {instead}"
        )),
        None => Ok(()),
    }
}

/// Another desired count is that of the newest deployment: it begins none.
fn scale(call: &Call<'_>, request: &UpdateServiceRequest, record: &mut Service) -> Result<(), Refusal> {
    let Some(count) = request.desired_count else {
        return Ok(());
    };
    let service = &mut record.service;
    if service.scheduling_strategy == Some(SchedulingStrategy::Daemon) {
        return Err(daemon_desired_count());
    }
    if count < 0 {
        return Err(refuse!(
            InvalidParameterException,
            "Task count can not be lesser than 0"
        ));
    }
    if service.desired_count == Some(count) {
        return Ok(());
    }
    service.desired_count = Some(count);
    if let Some(newest) = service.deployments.iter_mut().flatten().next() {
        newest.desired_count = Some(count);
        newest.updated_at = Some(call.time());
    }
    Ok(())
}

/// What changes the service, and no task that it has.
fn plain_members(request: &UpdateServiceRequest, service: &mut types::Service) -> Result<(), Refusal> {
    if request.enable_ecs_managed_tags.is_some() {
        service.enable_ecs_managed_tags = request.enable_ecs_managed_tags;
    }
    if request.propagate_tags.is_some() {
        service.propagate_tags = request.propagate_tags;
    }
    if request.enable_execute_command.is_some() {
        service.enable_execute_command = request.enable_execute_command;
    }
    if let Some(constraints) = &request.placement_constraints {
        service.placement_constraints = Some(constraints.clone());
    }
    if let Some(strategies) = &request.placement_strategy {
        if service.scheduling_strategy == Some(SchedulingStrategy::Daemon) && !strategies.is_empty() {
            return Err(refuse!(
                InvalidParameterException,
                "The daemon scheduling strategy does not support placement strategies. Remove the placement \
                 strategy and try again"
            ));
        }
        service.placement_strategy = Some(strategies.clone());
    }
    if let Some(asked) = request.availability_zone_rebalancing {
        service.availability_zone_rebalancing = Some(asked);
    }
    Ok(())
}

/// Zones are not balanced any more where that has become impossible; who asks for it then is refused.
fn rebalance(request: &UpdateServiceRequest, service: &mut types::Service) -> Result<(), Refusal> {
    if service.availability_zone_rebalancing != Some(AvailabilityZoneRebalancing::Enabled)
        || can_rebalance(service)
    {
        return Ok(());
    }
    if request.availability_zone_rebalancing.is_some() {
        let of_daemon = refuse!(
            InvalidParameterException,
            "The service couldn't be updated because Availability Zone Rebalancing does not support DAEMON as \
             scheduling strategy. Update scheduling strategy and try again."
        );
        return Err(no_rebalancing(service, of_daemon));
    }
    service.availability_zone_rebalancing = Some(AvailabilityZoneRebalancing::Disabled);
    Ok(())
}

/// Whether what is asked for makes other tasks of the service: if so, a deployment begins. `definition` is the task
/// definition that is asked for.
fn redeploy(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    of_cluster: &record::Cluster,
    request: &UpdateServiceRequest,
    definition: Option<record::TaskDefinition>,
    record: &mut Service,
) -> Result<(), Refusal> {
    let before = newest_revision(tx, record)?;
    let definition = if let Some(definition) = definition {
        definition
    } else {
        let kept = record.service.task_definition.as_deref().unwrap_or_default();
        let found = task_definition::resolve(tx, kept)?;
        found
            .ok_or_else(|| refuse!(ClientException, "TaskDefinition not found."))?
            .1
    };
    let definition = &definition.definition;
    let service = &record.service;
    let launch = launch(tx, of_cluster, request, record, definition)?;
    let made = MadeFrom {
        load_balancers: request.load_balancers.clone().or(before.load_balancers.clone()),
        service_registries: request
            .service_registries
            .clone()
            .or(before.service_registries.clone()),
        service_connect_configuration: connect(request.service_connect_configuration.as_ref(), of_cluster)
            .or(before.service_connect_configuration.clone()),
        volume_configurations: request
            .volume_configurations
            .clone()
            .or(before.volume_configurations.clone()),
        vpc_lattice_configurations: request
            .vpc_lattice_configurations
            .clone()
            .or(before.vpc_lattice_configurations.clone()),
        monitoring: request.monitoring.clone().or(before.monitoring.clone()),
        ..MadeFrom::default()
    };
    let network = request.network_configuration.as_ref();
    let made = complete(
        made,
        &launch,
        definition,
        network.or(before.network_configuration.as_ref()),
    )?;
    let constraints = service.placement_constraints.as_deref().unwrap_or_default();
    let strategies = service.placement_strategy.as_deref().unwrap_or_default();
    launch::placement(definition, &launch, constraints, strategies)?;
    if service.enable_execute_command == Some(true) && definition.task_role_arn.is_none() {
        return Err(refuse!(
            InvalidParameterException,
            "The service couldn't be updated because a valid taskRoleArn is not being used. Specify a valid task \
             role in your task definition and try again."
        ));
    }
    grace(request, &made, definition, &mut record.service)?;
    let forced = request.force_new_deployment == Some(true);
    let same = MadeFrom {
        service_revision_arn: None,
        service_arn: None,
        cluster_arn: None,
        created_at: None,
        guard_duty_enabled: None,
        container_images: None,
        ..before
    };
    // `LATEST` and the version that it means now are not the same thing to ask for.
    let asks_anew = launch.asked_version != record.service.platform_version;
    if made == same && !asks_anew && !forced {
        return Ok(());
    }
    let moved = made.capacity_provider_strategy != same.capacity_provider_strategy;
    if request.capacity_provider_strategy.is_some() && moved && !forced {
        return Err(refuse!(
            InvalidParameterException,
            "When switching from launch type to capacity provider strategy on an existing service, or making a change \
             to a capacity provider strategy on a service that is already using one, you must force a new deployment."
        ));
    }
    begin(tx, call, record, made, definition);
    record.service.platform_version = launch.asked_version;
    Ok(())
}

/// The revision that the newest deployment brings.
fn newest_revision(tx: &Tx<'_>, record: &Service) -> Result<MadeFrom, Refusal> {
    let newest = record.rollouts.first().map(|rollout| rollout.revision.as_str());
    let gone = || Refusal::server("the service has no revision");
    let arn = tx.scope().own(newest.ok_or_else(gone)?)?;
    let (_, names) = arn.split();
    let &[cluster, service, id] = names.as_slice() else {
        return Err(gone());
    };
    let key = tx.scope().service_revision(cluster, service, id);
    let revision = tx.get::<ServiceRevision>(&key)?.ok_or_else(gone)?;
    Ok(revision.revision)
}

/// On what the tasks run: as the request says, else as the service did.
fn launch(
    tx: &Tx<'_>,
    cluster: &record::Cluster,
    request: &UpdateServiceRequest,
    record: &Service,
    definition: &types::TaskDefinition,
) -> Result<Compute, Refusal> {
    let service = &record.service;
    let asked = request.capacity_provider_strategy.as_deref();
    if service.scheduling_strategy == Some(SchedulingStrategy::Daemon)
        && asked.is_some_and(|it| !it.is_empty())
    {
        return Err(refuse!(
            InvalidParameterException,
            "Specifying a capacity provider strategy is not supported for a service that uses the DAEMON scheduling \
             strategy."
        ));
    }
    let kept = service.capacity_provider_strategy.as_deref();
    let some = |strategy: &&[types::CapacityProviderStrategyItem]| !strategy.is_empty();
    let strategy = asked.or(kept).filter(some);
    // An empty strategy leads back to the launch type that the service was created with, else to the cluster's strategy.
    let launch_type = service.launch_type.or(record.created_launch_type);
    let default = cluster.cluster.default_capacity_provider_strategy.as_deref();
    if strategy.or(default.filter(some)).is_none() && launch_type.is_none() {
        return Err(refuse!(
            InvalidParameterException,
            "No launch type to fall back to for empty capacity provider strategy. Your service was not created with a \
             launch type."
        ));
    }
    let version = request.platform_version.as_deref();
    // A version that was asked for once stays on Fargate, and is of no use elsewhere.
    let to_fargate = match (strategy, launch_type) {
        (None, Some(launch_type)) => launch_type == LaunchType::Fargate,
        (strategy, _) => {
            let mut items = strategy.or(default).unwrap_or_default().iter();
            items.all(crate::api::strategy::is_fargate)
        }
    };
    let kept_version = service.platform_version.as_deref().filter(|_| to_fargate);
    let wanted = Wanted {
        launch_type: launch_type.filter(|_| strategy.is_none()),
        strategy,
        platform_version: version.or(kept_version),
        execute: service.enable_execute_command == Some(true),
    };
    launch::resolve(tx, cluster, definition, wanted)
}

fn grace(
    request: &UpdateServiceRequest,
    made: &MadeFrom,
    definition: &types::TaskDefinition,
    service: &mut types::Service,
) -> Result<(), Refusal> {
    if let Some(seconds) = request.health_check_grace_period_seconds {
        let balanced = made.load_balancers.as_ref().is_some_and(|it| !it.is_empty());
        let lattice = made.vpc_lattice_configurations.as_ref();
        if !balanced && lattice.is_none_or(Vec::is_empty) && !has_health_check(definition) {
            return Err(no_health_checks());
        }
        service.health_check_grace_period_seconds = Some(seconds);
    }
    Ok(())
}
