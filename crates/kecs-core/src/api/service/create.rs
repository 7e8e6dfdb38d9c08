//! `CreateService`.

use kecs_model::types::{
    self, AvailabilityZoneRebalancing, DeploymentController, DeploymentControllerType, LaunchType,
    NetworkMode, PropagateTags, SchedulingStrategy, SettingName, TaskDefinition,
};
use kecs_model::{ErrorCode, Refusal};

use super::{MadeFrom, begin, controller, is, rules, settings, with_counts};
use crate::api::launch::{self, Launch, Wanted};
use crate::api::{account_setting, name, tags, task_definition, token};
use crate::call::Call;
use crate::key::Scope;
use crate::record::{self, Service, status};
use crate::tx::Tx;

pub(in crate::api) fn create(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    mut request: types::CreateServiceRequest,
) -> Result<types::CreateServiceResponse, Refusal> {
    let (cluster, of_cluster) = name::active_cluster(tx, request.cluster.as_deref())?;
    let named = request.service_name.clone().unwrap_or_default();
    if !name::is_plain(&named) {
        return Err(Refusal::invalid(format!("Invalid service name: {named}")));
    }
    if let Some(known) = known(tx, &cluster, &named, &request)? {
        let service = with_counts(tx, &cluster, &known)?;
        return Ok(types::CreateServiceResponse {
            service: Some(service),
        });
    }
    let strategy = request.scheduling_strategy.unwrap_or(SchedulingStrategy::Replica);
    let asked = request.deployment_controller.as_ref().and_then(|it| it.r#type);
    let deployed_by = asked.unwrap_or(DeploymentControllerType::Ecs);
    fits_strategy(&request, &of_cluster, strategy, deployed_by)?;
    let tags = tags::checked(request.tags.clone())?;
    let configuration = request.deployment_configuration.as_ref();
    let configuration = settings::configuration(None, configuration, strategy, deployed_by)?;
    if request
        .gateway_connectors
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(gateways());
    }
    default_namespace(&mut request.service_connect_configuration, &of_cluster);
    let launched = match request.task_definition.as_deref() {
        Some(definition) => {
            let definition = task_definition::usable(tx, definition)?;
            let (made, launch) = launched(tx, &of_cluster, &request, &definition)?;
            Some((made, launch, definition.definition))
        }
        None if deployed_by == DeploymentControllerType::External => None,
        None => return Err(Refusal::invalid("TaskDefinition can not be blank.")),
    };
    let desired = desired_count(&request, strategy)?;
    let made = launched
        .as_ref()
        .map(|(made, _, _)| made.clone())
        .unwrap_or_default();
    let long = account_setting::is_long_arn(tx, call, SettingName::ServiceLongArnFormat)?;
    if !long && !tags.is_empty() {
        return Err(Refusal::invalid(
            "The new ARN and resource ID format must be enabled to add tags to the service. Opt in to the new format \
             and try again.",
        ));
    }
    let scope = tx.scope();
    let path = if long {
        format!("{cluster}/{named}")
    } else {
        named.clone()
    };
    let asked_version = launched
        .as_ref()
        .and_then(|(_, launch, _)| launch.asked_version.clone());
    let mut service = types::Service {
        service_arn: Some(scope.arn(&format!("service/{path}"))),
        service_name: Some(named.clone()),
        cluster_arn: of_cluster.cluster.cluster_arn.clone(),
        load_balancers: Some(request.load_balancers.clone().unwrap_or_default()),
        service_registries: Some(request.service_registries.clone().unwrap_or_default()),
        status: Some(status::ACTIVE.to_owned()),
        desired_count: Some(desired),
        running_count: Some(0),
        pending_count: Some(0),
        launch_type: made.launch_type,
        capacity_provider_strategy: made.capacity_provider_strategy.clone(),
        platform_version: asked_version.clone(),
        platform_family: made.platform_family.clone(),
        task_definition: made.task_definition.clone(),
        deployment_configuration: Some(configuration),
        deployments: Some(Vec::new()),
        role_arn: role(scope, &request, &made),
        events: Some(Vec::new()),
        created_at: Some(call.time()),
        placement_constraints: Some(request.placement_constraints.clone().unwrap_or_default()),
        placement_strategy: Some(request.placement_strategy.clone().unwrap_or_default()),
        network_configuration: made.network_configuration.clone(),
        health_check_grace_period_seconds: grace(&request),
        scheduling_strategy: Some(strategy),
        deployment_controller: Some(DeploymentController {
            r#type: Some(deployed_by),
        }),
        tags: tags::shown(tags),
        created_by: Some(call.principal.to_owned()),
        enable_ecs_managed_tags: Some(request.enable_ecs_managed_tags.unwrap_or(false)),
        propagate_tags: Some(request.propagate_tags.unwrap_or(PropagateTags::None)),
        enable_execute_command: Some(request.enable_execute_command.unwrap_or(false)),
        resource_management_type: Some(types::ResourceManagementType::Customer),
        ..types::Service::default()
    };
    let rebalancing = rebalancing(request.availability_zone_rebalancing, &service)?;
    service.availability_zone_rebalancing = Some(rebalancing);
    let mut record = Service {
        service,
        rollouts: Vec::new(),
        created_with: token::fingerprint(&request)?,
    };
    match (deployed_by, &launched) {
        (DeploymentControllerType::Ecs, Some((_, _, definition))) => {
            begin(tx, call, &mut record, made, definition);
            record.service.platform_version = asked_version;
        }
        (DeploymentControllerType::CodeDeploy, Some(_)) => {
            crate::api::task_set::first(tx, call, &cluster, &record, made);
        }
        (DeploymentControllerType::External, _) | (_, None) => {}
    }
    let key = scope.service(&cluster, &named);
    if let Some(token) = request.client_token.as_deref() {
        let made = record.service.service_arn.clone().into_iter().collect();
        token::keep(tx, &cluster, token, &request, made)?;
    }
    tx.put(key, record.clone());
    let service = with_counts(tx, &cluster, &record)?;
    Ok(types::CreateServiceResponse {
        service: Some(service),
    })
}

/// The service that an identical request has made before, if it is there still.
fn known(
    tx: &Tx<'_>,
    cluster: &str,
    named: &str,
    request: &types::CreateServiceRequest,
) -> Result<Option<Service>, Refusal> {
    let not_idempotent = || Refusal::invalid("Creation of service was not idempotent.");
    let there = tx.get::<Service>(&tx.scope().service(cluster, named))?;
    let there = there.filter(|it| !is(it, status::INACTIVE));
    if let Some(token) = request.client_token.as_deref() {
        match token::seen(tx, cluster, token, request)? {
            token::Seen::Other(made) => {
                for arn in made {
                    let other = super::find(tx, cluster, &arn)?;
                    if other.is_some_and(|(_, it)| !is(&it, status::INACTIVE)) {
                        return Err(not_idempotent());
                    }
                }
            }
            token::Seen::New | token::Seen::Same(_) => {}
        }
    }
    let Some(there) = there else {
        return Ok(None);
    };
    if is(&there, status::DRAINING) {
        return Err(Refusal::invalid(
            "Unable to Start a service that is still Draining.",
        ));
    }
    if there.created_with != token::fingerprint(request)? {
        return Err(not_idempotent());
    }
    Ok(Some(there))
}

/// What a scheduling strategy and a deployment controller do not go with.
fn fits_strategy(
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
                "The daemon scheduling strategy does not support the FARGATE launch type.",
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

/// What the tasks are made from, and on what they run: all that the definition has to do with.
fn launched(
    tx: &Tx<'_>,
    cluster: &record::Cluster,
    request: &types::CreateServiceRequest,
    definition: &record::TaskDefinition,
) -> Result<(MadeFrom, Launch), Refusal> {
    let definition = &definition.definition;
    let execute = request.enable_execute_command == Some(true);
    let wanted = Wanted {
        launch_type: request.launch_type,
        strategy: request.capacity_provider_strategy.as_deref(),
        platform_version: request.platform_version.as_deref(),
        execute,
    };
    let launch = launch::resolve(tx, cluster, definition, wanted)?;
    let made = MadeFrom {
        load_balancers: Some(request.load_balancers.clone().unwrap_or_default()),
        service_registries: Some(request.service_registries.clone().unwrap_or_default()),
        service_connect_configuration: request.service_connect_configuration.clone(),
        volume_configurations: request.volume_configurations.clone(),
        vpc_lattice_configurations: request.vpc_lattice_configurations.clone(),
        monitoring: request.monitoring.clone(),
        ..MadeFrom::default()
    };
    let network = request.network_configuration.as_ref();
    let made = complete(made, &launch, definition, network)?;
    let constraints = request.placement_constraints.as_deref().unwrap_or_default();
    let strategies = request.placement_strategy.as_deref().unwrap_or_default();
    launch::placement(definition, &launch, constraints, strategies)?;
    if execute && definition.task_role_arn.is_none() {
        return Err(Refusal::invalid(
            "The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid task role \
             in your task definition and try again.",
        ));
    }
    let checked = !made.load_balancers.as_deref().unwrap_or_default().is_empty()
        || made
            .vpc_lattice_configurations
            .as_ref()
            .is_some_and(|it| !it.is_empty())
        || has_health_check(definition);
    if request.health_check_grace_period_seconds.is_some() && !checked {
        return Err(no_health_checks());
    }
    if request.role.is_some() {
        if made.load_balancers.as_deref().unwrap_or_default().is_empty() {
            return Err(Refusal::invalid(
                "An IAM role can only be specified for a service with a load balancer.",
            ));
        }
        if definition.network_mode == Some(NetworkMode::Awsvpc) {
            return Err(Refusal::invalid(
                "You cannot specify an IAM role for services that require a service linked role.",
            ));
        }
    }
    Ok((made, launch))
}

/// A revision of `definition`, launched so: what else it names is in the definition.
pub(super) fn complete(
    made: MadeFrom,
    launch: &Launch,
    definition: &TaskDefinition,
    network: Option<&types::NetworkConfiguration>,
) -> Result<MadeFrom, Refusal> {
    let made = MadeFrom {
        task_definition: definition.task_definition_arn.clone(),
        launch_type: launch.launch_type,
        capacity_provider_strategy: launch.strategy.clone(),
        platform_version: launch.platform_version.clone(),
        platform_family: launch.platform_family.clone(),
        network_configuration: launch::network(definition, launch, network)?,
        ..made
    };
    rules::check(&made, definition, launch.runs_on)?;
    Ok(made)
}

pub(super) fn has_health_check(definition: &TaskDefinition) -> bool {
    let mut containers = definition.container_definitions.iter().flatten();
    containers.any(|container| container.health_check.is_some())
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

/// Service Connect without a namespace is in that of the cluster.
pub(super) fn default_namespace(
    connect: &mut Option<types::ServiceConnectConfiguration>,
    cluster: &record::Cluster,
) {
    let Some(connect) = connect.as_mut().filter(|it| it.enabled == Some(true)) else {
        return;
    };
    if connect.namespace.as_deref().is_none_or(str::is_empty) {
        let default = cluster.cluster.service_connect_defaults.as_ref();
        connect.namespace = default.and_then(|it| it.namespace.clone());
    }
}

fn desired_count(
    request: &types::CreateServiceRequest,
    strategy: SchedulingStrategy,
) -> Result<i32, Refusal> {
    match (strategy, request.desired_count) {
        (SchedulingStrategy::Daemon, Some(_)) => Err(daemon_desired_count()),
        (SchedulingStrategy::Daemon, None) => Ok(0),
        (SchedulingStrategy::Replica, Some(count)) if count >= 0 => Ok(count),
        (SchedulingStrategy::Replica, Some(_)) => Err(Refusal::invalid("desiredCount cannot be negative.")),
        (SchedulingStrategy::Replica, None) => Err(Refusal::invalid(
            "desiredCount is required for the REPLICA scheduling strategy.",
        )),
    }
}

pub(super) fn daemon_desired_count() -> Refusal {
    Refusal::invalid(
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value \
         and try again",
    )
}

/// Zones are balanced unless somebody says otherwise, where that is possible.
fn rebalancing(
    asked: Option<AvailabilityZoneRebalancing>,
    service: &types::Service,
) -> Result<AvailabilityZoneRebalancing, Refusal> {
    match asked {
        Some(AvailabilityZoneRebalancing::Enabled) if !can_rebalance(service) => Err(no_rebalancing()),
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

pub(super) fn no_rebalancing() -> Refusal {
    Refusal::invalid(
        "Availability Zone rebalancing is not supported for this service: it needs the REPLICA scheduling strategy, \
         the ECS deployment controller, a maximumPercent above 100, no Classic Load Balancer, and no placement that \
         goes against it.",
    )
}

/// A service with load balancers has a grace period, even if it is none.
fn grace(request: &types::CreateServiceRequest) -> Option<i32> {
    let balanced = request.load_balancers.as_ref().is_some_and(|it| !it.is_empty());
    request
        .health_check_grace_period_seconds
        .or(balanced.then_some(0))
}

/// Who acts on load balancers, network interfaces and registries for the service.
fn role(scope: &Scope, request: &types::CreateServiceRequest, made: &MadeFrom) -> Option<String> {
    let Scope {
        partition, account, ..
    } = scope;
    match request.role.as_deref() {
        Some(arn) if arn.starts_with("arn:") => Some(arn.to_owned()),
        Some(name) => Some(format!("arn:{partition}:iam::{account}:role/{name}")),
        None => {
            let there = |it: bool| it.then_some(());
            there(made.network_configuration.is_some())
                .or(there(
                    request.load_balancers.as_ref().is_some_and(|it| !it.is_empty()),
                ))
                .or(there(
                    request
                        .service_registries
                        .as_ref()
                        .is_some_and(|it| !it.is_empty()),
                ))
                .map(|()| {
                    format!(
                        "arn:{partition}:iam::{account}:role/aws-service-role/ecs.amazonaws.com/\
                         AWSServiceRoleForECS"
                    )
                })
        }
    }
}
