//! `CreateService`.

use kecs_model::types::{
    self, CreateServiceRequest, DeploymentConfiguration, DeploymentController, DeploymentControllerType,
    PropagateTags, SchedulingStrategy, SettingName,
};
use kecs_model::{Refusal, refuse};

use super::made::{self, Launched};
use super::{MadeFrom, begin, fits, is, settings, with_counts};
use crate::api::{account_setting, name, tags, task_definition, task_set, token};
use crate::call::Call;
use crate::key::Scope;
use crate::record::{self, Service, status};
use crate::tx::Tx;

pub(in crate::api) fn create(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: CreateServiceRequest,
) -> Result<types::CreateServiceResponse, Refusal> {
    let (cluster, of_cluster) = name::active_cluster(tx, request.cluster.as_deref())?;
    let named = request.service_name.clone().unwrap_or_default();
    if !name::is_plain(&named) {
        return Err(refuse!(
            InvalidParameterException,
            "ServiceName must match ^[a-zA-Z0-9\\-_]{{1,255}}$, but was {value}",
            value = named
        ));
    }
    if let Some(known) = known(tx, &cluster, &named, &request)? {
        return answer(tx, &cluster, &known);
    }
    let strategy = request.scheduling_strategy.unwrap_or(SchedulingStrategy::Replica);
    let controller = request.deployment_controller.as_ref().and_then(|it| it.r#type);
    let controller = controller.unwrap_or(DeploymentControllerType::Ecs);
    let definition = request.task_definition.as_deref();
    let definition = definition
        .map(|named| task_definition::usable(tx, named))
        .transpose()?;
    fits::strategy(&request, &of_cluster, strategy, controller)?;
    let configuration = request.deployment_configuration.as_ref();
    let configuration = settings::configuration(None, configuration, strategy, controller)?;
    if request
        .gateway_connectors
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(fits::gateways());
    }
    let launched = match definition {
        Some(found) => Some(made::launched(tx, &of_cluster, &request, found.definition)?),
        None if controller == DeploymentControllerType::External => None,
        None => {
            return Err(refuse!(
                InvalidParameterException,
                "TaskDefinition can not be blank."
            ));
        }
    };
    let desired = fits::desired_count(&request, strategy)?;
    let mut service = new(tx, call, &request, &of_cluster, launched.as_ref(), configuration)?;
    service.service_arn = Some(arn(tx, call, &request, &cluster)?);
    service.desired_count = Some(desired);
    service.scheduling_strategy = Some(strategy);
    service.deployment_controller = Some(DeploymentController {
        r#type: Some(controller),
    });
    let rebalancing = fits::rebalancing(request.availability_zone_rebalancing, &service)?;
    service.availability_zone_rebalancing = Some(rebalancing);
    let created_launch_type = launched.as_ref().and_then(|it| it.launch.launch_type);
    let mut record = Service {
        service,
        rollouts: Vec::new(),
        created_with: token::fingerprint(&request)?,
        created_launch_type,
    };
    match (controller, launched) {
        (DeploymentControllerType::Ecs, Some(it)) => {
            begin(tx, call, &mut record, it.made, &it.definition);
            record.service.platform_version = it.launch.asked_version;
        }
        (DeploymentControllerType::CodeDeploy, Some(it)) => {
            task_set::first(tx, call, &cluster, &record, it.made);
        }
        (DeploymentControllerType::External, _) | (_, None) => {}
    }
    if let Some(token) = request.client_token.as_deref() {
        let made = record.service.service_arn.clone().into_iter().collect();
        token::keep(tx, &cluster, token, &request, made)?;
    }
    tx.put(tx.scope().service(&cluster, &named), record.clone());
    answer(tx, &cluster, &record)
}

fn answer(tx: &Tx<'_>, cluster: &str, record: &Service) -> Result<types::CreateServiceResponse, Refusal> {
    Ok(types::CreateServiceResponse {
        service: Some(with_counts(tx, cluster, record)?),
    })
}

/// The service that an identical request has made before, if it is there still.
fn known(
    tx: &Tx<'_>,
    cluster: &str,
    named: &str,
    request: &CreateServiceRequest,
) -> Result<Option<Service>, Refusal> {
    let not_idempotent = || {
        refuse!(
            InvalidParameterException,
            "Creation of service was not idempotent."
        )
    };
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
        return Err(refuse!(
            InvalidParameterException,
            "Unable to Start a service that is still Draining."
        ));
    }
    if there.created_with != token::fingerprint(request)? {
        return Err(not_idempotent());
    }
    Ok(Some(there))
}

/// A service as the request says, but for how it is scheduled and deployed.
fn new(
    tx: &Tx<'_>,
    call: &Call<'_>,
    request: &CreateServiceRequest,
    cluster: &record::Cluster,
    launched: Option<&Launched>,
    configuration: DeploymentConfiguration,
) -> Result<types::Service, Refusal> {
    let made = launched.map(|it| it.made.clone()).unwrap_or_default();
    Ok(types::Service {
        service_name: request.service_name.clone(),
        cluster_arn: cluster.cluster.cluster_arn.clone(),
        load_balancers: Some(request.load_balancers.clone().unwrap_or_default()),
        service_registries: Some(request.service_registries.clone().unwrap_or_default()),
        status: Some(status::ACTIVE.to_owned()),
        running_count: Some(0),
        pending_count: Some(0),
        role_arn: role(tx.scope(), request, &made),
        launch_type: made.launch_type,
        capacity_provider_strategy: made.capacity_provider_strategy,
        platform_version: launched.and_then(|it| it.launch.asked_version.clone()),
        platform_family: made.platform_family,
        task_definition: made.task_definition,
        deployment_configuration: Some(configuration),
        deployments: Some(Vec::new()),
        events: Some(Vec::new()),
        created_at: Some(call.time()),
        placement_constraints: Some(request.placement_constraints.clone().unwrap_or_default()),
        placement_strategy: Some(request.placement_strategy.clone().unwrap_or_default()),
        network_configuration: made.network_configuration,
        // Every service has a grace period, even if it is none.
        health_check_grace_period_seconds: request.health_check_grace_period_seconds.or(Some(0)),
        tags: tags::shown(tags::checked(request.tags.clone())?),
        created_by: Some(call.principal.to_owned()),
        enable_ecs_managed_tags: Some(request.enable_ecs_managed_tags.unwrap_or(false)),
        propagate_tags: Some(request.propagate_tags.unwrap_or(PropagateTags::None)),
        enable_execute_command: Some(request.enable_execute_command.unwrap_or(false)),
        resource_management_type: Some(types::ResourceManagementType::Customer),
        ..types::Service::default()
    })
}

/// The ARN of a new service: with the name of its cluster, unless the caller has opted out of that.
fn arn(
    tx: &Tx<'_>,
    call: &Call<'_>,
    request: &CreateServiceRequest,
    cluster: &str,
) -> Result<String, Refusal> {
    let name = request.service_name.as_deref().unwrap_or_default();
    if account_setting::is_long_arn(tx, call, SettingName::ServiceLongArnFormat)? {
        return Ok(super::arn(tx.scope(), cluster, name));
    }
    if request.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        return Err(refuse!(
            InvalidParameterException,
            "The new ARN and resource ID format must be enabled to add tags to the service. Opt in to the new \
             format and try again."
        ));
    }
    Ok(tx.scope().arn(&format!("service/{name}")))
}

/// Who acts on load balancers, network interfaces and registries for the service.
fn role(scope: &Scope, request: &CreateServiceRequest, made: &MadeFrom) -> Option<String> {
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
