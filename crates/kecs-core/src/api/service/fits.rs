//! What of a service does not go together, whatever its tasks are made from.

use kecs_model::types::{
    self, AvailabilityZoneRebalancing, DeploymentControllerType, LaunchType, SchedulingStrategy,
};
use kecs_model::{Refusal, refuse};

use super::controller;
use crate::record;

/// What a scheduling strategy and a deployment controller do not go with.
pub(super) fn strategy(
    request: &types::CreateServiceRequest,
    cluster: &record::Cluster,
    strategy: SchedulingStrategy,
    controller: DeploymentControllerType,
) -> Result<(), Refusal> {
    if strategy == SchedulingStrategy::Daemon {
        if controller != DeploymentControllerType::Ecs {
            return Err(refuse!(
                InvalidParameterException,
                "The daemon scheduling strategy does not support the {controller} deployment controller."
            ));
        }
        if request.launch_type == Some(LaunchType::Fargate) {
            return Err(refuse!(
                InvalidParameterException,
                "The daemon scheduling strategy does not support the FARGATE launch type. Change the launch type \
                 and try again"
            ));
        }
        let of_cluster = cluster.cluster.default_capacity_provider_strategy.as_deref();
        let default = request.launch_type.is_none() && !is_empty(of_cluster);
        if default || !is_empty(request.capacity_provider_strategy.as_deref()) {
            return Err(refuse!(
                InvalidParameterException,
                "Specifying a capacity provider strategy is not supported when you create a service using the \
                 DAEMON scheduling strategy."
            ));
        }
        if !is_empty(request.placement_strategy.as_deref()) {
            return Err(refuse!(
                InvalidParameterException,
                "The daemon scheduling strategy does not support placement strategies. Remove the placement \
                 strategy and try again"
            ));
        }
        if !is_empty(request.volume_configurations.as_deref()) {
            return Err(refuse!(
                InvalidParameterException,
                "The daemon scheduling strategy does not support volume configurations."
            ));
        }
    }
    if controller == DeploymentControllerType::External {
        if request.task_definition.is_some() {
            return Err(refuse!(
                InvalidParameterException,
                "TaskDefinition must be blank."
            ));
        }
        if request.network_configuration.is_some() {
            return Err(refuse!(
                InvalidParameterException,
                "NetworkConfiguration must be empty or null."
            ));
        }
        if request.platform_version.is_some() {
            return Err(refuse!(
                InvalidParameterException,
                "PlatformVersion must be blank."
            ));
        }
        if !is_empty(request.load_balancers.as_deref()) {
            return Err(refuse!(
                InvalidParameterException,
                "LoadBalancers must be empty or null."
            ));
        }
    }
    if controller == DeploymentControllerType::CodeDeploy
        && request.load_balancers.as_ref().map_or(0, Vec::len) != 1
    {
        return Err(refuse!(
            InvalidParameterException,
            "When specifying the CODE_DEPLOY deployment controller type, the service requires an Application Load \
             Balancer or Network Load Balancer."
        ));
    }
    Ok(())
}

fn is_empty<T>(list: Option<&[T]>) -> bool {
    list.is_none_or(<[T]>::is_empty)
}

/// How many tasks the service is to have; a daemon has as many as there are instances.
pub(super) fn desired_count(
    request: &types::CreateServiceRequest,
    strategy: SchedulingStrategy,
) -> Result<i32, Refusal> {
    match (strategy, request.desired_count) {
        (SchedulingStrategy::Daemon, Some(_)) => Err(daemon_desired_count()),
        (SchedulingStrategy::Daemon, None) => Ok(0),
        (SchedulingStrategy::Replica, Some(count)) if count >= 0 => Ok(count),
        (SchedulingStrategy::Replica, Some(_)) => Err(refuse!(
            InvalidParameterException,
            "DesiredCount can not be lesser than 0"
        )),
        (SchedulingStrategy::Replica, None) => {
            Err(refuse!(InvalidParameterException, "DesiredCount is missing"))
        }
    }
}

pub(super) fn daemon_desired_count() -> Refusal {
    refuse!(
        InvalidParameterException,
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count \
         value and try again"
    )
}

/// Zones are balanced unless somebody says otherwise, where that is possible.
pub(super) fn rebalancing(
    asked: Option<AvailabilityZoneRebalancing>,
    service: &types::Service,
) -> Result<AvailabilityZoneRebalancing, Refusal> {
    match asked {
        Some(AvailabilityZoneRebalancing::Enabled) if !can_rebalance(service) => {
            let of_daemon = refuse!(
                InvalidParameterException,
                "The service couldn't be created because Availability Zone Rebalancing does not support DAEMON as \
                 scheduling strategy. Update scheduling strategy and try again."
            );
            Err(no_rebalancing(service, of_daemon))
        }
        Some(asked) => Ok(asked),
        None if can_rebalance(service) => Ok(AvailabilityZoneRebalancing::Enabled),
        None => Ok(AvailabilityZoneRebalancing::Disabled),
    }
}

/// Whether the tasks of a service can be moved to even out its availability zones.
///
/// Source: Amazon ECS developer guide, "Balancing an Amazon ECS service across Availability Zones".
pub(super) fn can_rebalance(service: &types::Service) -> bool {
    const ZONE: &str = "attribute:ecs.availability-zone";
    let configuration = service.deployment_configuration.as_ref();
    let maximum = configuration.and_then(|it| it.maximum_percent);
    let classic = |it: &types::LoadBalancer| it.load_balancer_name.is_some();
    let first = service.placement_strategy.iter().flatten().next();
    let by_zone = |it: &types::PlacementStrategy| it.field.as_deref() == Some(ZONE);
    let names_zone =
        |it: &types::PlacementConstraint| it.expression.as_deref().is_some_and(|it| it.contains(ZONE));
    service.scheduling_strategy != Some(SchedulingStrategy::Daemon)
        && controller(service) == DeploymentControllerType::Ecs
        && service.launch_type != Some(LaunchType::External)
        && maximum.is_none_or(|maximum| maximum > 100)
        && !service.load_balancers.iter().flatten().any(classic)
        && first.is_none_or(by_zone)
        && !service.placement_constraints.iter().flatten().any(names_zone)
}

/// Why the zones of a service are not balanced; of a daemon that depends on what was asked for.
pub(super) fn no_rebalancing(service: &types::Service, of_daemon: Refusal) -> Refusal {
    if service.scheduling_strategy == Some(SchedulingStrategy::Daemon) {
        return of_daemon;
    }
    let configuration = service.deployment_configuration.as_ref();
    let maximum = configuration.and_then(|it| it.maximum_percent).unwrap_or(200);
    if maximum <= 100 {
        return refuse!(
            InvalidParameterException,
            "Availability Zone Rebalancing does not support maximumPercent <= 100 % as deployment configuration."
        );
    }
    refuse!(
        InvalidParameterException,
        "Availability Zone rebalancing is not supported for this service: it needs the ECS deployment controller, \
         no Classic Load Balancer, and no placement that goes against it."
    )
}

pub(super) fn no_health_checks() -> Refusal {
    refuse!(
        InvalidParameterException,
        "Health check grace period is only valid for services configured to use load balancers"
    )
}

pub(super) fn gateways() -> Refusal {
    refuse!(
        UnsupportedFeatureException,
        "Gateway connectors are not supported by KECS."
    )
}
