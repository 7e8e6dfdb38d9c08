//! What the tasks of a service are made from.

use kecs_model::types::{self, NetworkMode, TaskDefinition};
use kecs_model::{Refusal, refuse};

use super::{MadeFrom, fits, rules};
use crate::api::launch::{self, Compute, Wanted};
use crate::record;
use crate::tx::Tx;

/// What the tasks are made from, and on what they run.
pub(super) struct Launched {
    pub(super) made: MadeFrom,
    pub(super) launch: Compute,
    pub(super) definition: TaskDefinition,
}

/// What the tasks of a new service are made from, and on what they run: all that the definition has to do with.
pub(super) fn launched(
    tx: &Tx<'_>,
    cluster: &record::Cluster,
    request: &types::CreateServiceRequest,
    definition: TaskDefinition,
) -> Result<Launched, Refusal> {
    let execute = request.enable_execute_command == Some(true);
    let wanted = Wanted {
        launch_type: request.launch_type,
        strategy: request.capacity_provider_strategy.as_deref(),
        platform_version: request.platform_version.as_deref(),
        execute,
    };
    let launch = launch::resolve(tx, cluster, &definition, wanted)?;
    let made = MadeFrom {
        load_balancers: Some(request.load_balancers.clone().unwrap_or_default()),
        service_registries: Some(request.service_registries.clone().unwrap_or_default()),
        service_connect_configuration: connect(request.service_connect_configuration.as_ref(), cluster),
        volume_configurations: request.volume_configurations.clone(),
        vpc_lattice_configurations: request.vpc_lattice_configurations.clone(),
        monitoring: request.monitoring.clone(),
        ..MadeFrom::default()
    };
    let network = request.network_configuration.as_ref();
    let made = complete(made, &launch, &definition, network)?;
    let constraints = request.placement_constraints.as_deref().unwrap_or_default();
    let strategies = request.placement_strategy.as_deref().unwrap_or_default();
    launch::placement(&definition, &launch, constraints, strategies)?;
    if execute && definition.task_role_arn.is_none() {
        return Err(refuse!(
            InvalidParameterException,
            "The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid task \
             role in your task definition and try again."
        ));
    }
    let checked = !made.load_balancers.as_deref().unwrap_or_default().is_empty()
        || made
            .vpc_lattice_configurations
            .as_ref()
            .is_some_and(|it| !it.is_empty())
        || has_health_check(&definition);
    if request.health_check_grace_period_seconds.is_some() && !checked {
        return Err(fits::no_health_checks());
    }
    if request.role.is_some() {
        if made.load_balancers.as_deref().unwrap_or_default().is_empty() {
            return Err(refuse!(
                InvalidParameterException,
                "An IAM role can only be specified for a service with a load balancer."
            ));
        }
        if definition.network_mode == Some(NetworkMode::Awsvpc) {
            return Err(refuse!(
                InvalidParameterException,
                "You cannot specify an IAM role for services that require a service linked role."
            ));
        }
    }
    Ok(Launched {
        made,
        launch,
        definition,
    })
}

/// A revision of `definition`, launched so: what else it names is in the definition.
pub(super) fn complete(
    made: MadeFrom,
    launch: &Compute,
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

/// Service Connect as it is kept: without a namespace it is in that of the cluster.
pub(super) fn connect(
    wanted: Option<&types::ServiceConnectConfiguration>,
    cluster: &record::Cluster,
) -> Option<types::ServiceConnectConfiguration> {
    let mut connect = wanted?.clone();
    let named = connect.namespace.as_ref().is_some_and(|name| !name.is_empty());
    if connect.enabled == Some(true) && !named {
        let default = cluster.cluster.service_connect_defaults.as_ref();
        connect.namespace = default.and_then(|it| it.namespace.clone());
    }
    Some(connect)
}
