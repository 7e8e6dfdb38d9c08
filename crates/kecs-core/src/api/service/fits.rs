//! What of a service does not go together, whatever its tasks are made from.

use kecs_model::types::{
    self, AvailabilityZoneRebalancing, DeploymentControllerType, LaunchType, SchedulingStrategy,
};
use kecs_model::{ErrorCode, Refusal};

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
            return Err(Refusal::invalid(format!(
                "The daemon scheduling strategy does not support the {controller} deployment controller."
            )));
        }
        if request.launch_type == Some(LaunchType::Fargate) {
            return Err(Refusal::invalid(
                "The daemon scheduling strategy does not support the FARGATE launch type. Change the launch type and try \
                 again",
            ));
        }
        let of_cluster = cluster.cluster.default_capacity_provider_strategy.as_deref();
        let default = request.launch_type.is_none() && of_cluster.is_some_and(|it| !it.is_empty());
        let own = request.capacity_provider_strategy.as_ref();
        if default || own.is_some_and(|it| !it.is_empty()) {
            return Err(Refusal::invalid(
                "Specifying a capacity provider strategy is not supported when you create a service using the DAEMON \
                 scheduling strategy.",
            ));
        }
        if request
            .placement_strategy
            .as_ref()
            .is_some_and(|it| !it.is_empty())
        {
            return Err(Refusal::invalid(
                "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy \
                 and try again",
            ));
        }
        if request
            .volume_configurations
            .as_ref()
            .is_some_and(|it| !it.is_empty())
        {
            return Err(Refusal::invalid(
                "The daemon scheduling strategy does not support volume configurations.",
            ));
        }
    }
    if controller == DeploymentControllerType::External {
        let given = [
            ("taskDefinition", request.task_definition.is_some()),
            ("networkConfiguration", request.network_configuration.is_some()),
            ("platformVersion", request.platform_version.is_some()),
            ("loadBalancers", request.load_balancers.is_some()),
        ];
        if let Some((member, _)) = given.iter().find(|(_, given)| *given) {
            return Err(Refusal::invalid(format!(
                "{member} cannot be specified for a service with an EXTERNAL deployment controller. Specify it for \
                 a task set."
            )));
        }
    }
    if controller == DeploymentControllerType::CodeDeploy
        && request.load_balancers.as_ref().map_or(0, Vec::len) != 1
    {
        return Err(Refusal::invalid(
            "A service with a CODE_DEPLOY deployment controller must have one load balancer.",
        ));
    }
    Ok(())
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
        (SchedulingStrategy::Replica, Some(_)) => {
            Err(Refusal::invalid("DesiredCount can not be lesser than 0"))
        }
        (SchedulingStrategy::Replica, None) => Err(Refusal::invalid("DesiredCount is missing")),
    }
}

pub(super) fn daemon_desired_count() -> Refusal {
    Refusal::invalid(
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value \
         and try again",
    )
}

/// Zones are balanced unless somebody says otherwise, where that is possible.
pub(super) fn rebalancing(
    asked: Option<AvailabilityZoneRebalancing>,
    service: &types::Service,
) -> Result<AvailabilityZoneRebalancing, Refusal> {
    match asked {
        Some(AvailabilityZoneRebalancing::Enabled) if !can_rebalance(service) => Err(no_rebalancing(service)),
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

pub(super) fn no_rebalancing(service: &types::Service) -> Refusal {
    let configuration = service.deployment_configuration.as_ref();
    let replica = service.scheduling_strategy != Some(SchedulingStrategy::Daemon);
    let maximum = configuration.and_then(|it| it.maximum_percent).unwrap_or(200);
    if replica && maximum <= 100 {
        return Refusal::invalid(
            "Availability Zone Rebalancing does not support maximumPercent <= 100 % as deployment configuration.",
        );
    }
    Refusal::invalid(
        "Availability Zone rebalancing is not supported for this service: it needs the REPLICA scheduling strategy, \
         the ECS deployment controller, a maximumPercent above 100, no Classic Load Balancer, and no placement that \
         goes against it.",
    )
}

pub(super) fn no_health_checks() -> Refusal {
    Refusal::invalid("Health check grace period is only valid for services configured to use load balancers")
}

pub(super) fn gateways() -> Refusal {
    Refusal::new(
        ErrorCode::UnsupportedFeatureException,
        "Gateway connectors are not supported by KECS.",
    )
}
