//! Machines that capacity providers manage.

use kecs_model::types::{
    AutoRepairActionsStatus, AutoRepairConfiguration, CapacityOptionType,
    CreateManagedInstancesProviderConfiguration, InstanceLaunchTemplate, InstanceLaunchTemplateUpdate,
    ManagedInstancesMonitoringOptions, ManagedInstancesProvider, PropagateMITags,
    UpdateManagedInstancesProviderConfiguration,
};
use kecs_model::{Refusal, refuse};

pub(super) fn created(
    given: CreateManagedInstancesProviderConfiguration,
) -> Result<ManagedInstancesProvider, Refusal> {
    role(given.infrastructure_role_arn.as_deref())?;
    let mut template = given.instance_launch_template.unwrap_or_default();
    template
        .monitoring
        .get_or_insert(ManagedInstancesMonitoringOptions::Basic);
    template
        .capacity_option_type
        .get_or_insert(CapacityOptionType::OnDemand);
    Ok(ManagedInstancesProvider {
        infrastructure_role_arn: given.infrastructure_role_arn,
        instance_launch_template: Some(checked(template)?),
        propagate_tags: Some(given.propagate_tags.unwrap_or(PropagateMITags::None)),
        infrastructure_optimization: given.infrastructure_optimization,
        auto_repair_configuration: Some(
            given
                .auto_repair_configuration
                .unwrap_or(AutoRepairConfiguration {
                    actions_status: Some(AutoRepairActionsStatus::Disabled),
                }),
        ),
    })
}

pub(super) fn updated(
    known: ManagedInstancesProvider,
    update: UpdateManagedInstancesProviderConfiguration,
) -> Result<ManagedInstancesProvider, Refusal> {
    role(update.infrastructure_role_arn.as_deref())?;
    let template = known.instance_launch_template.unwrap_or_default();
    let template = with(template, update.instance_launch_template.unwrap_or_default());
    Ok(ManagedInstancesProvider {
        infrastructure_role_arn: update.infrastructure_role_arn.or(known.infrastructure_role_arn),
        instance_launch_template: Some(checked(template)?),
        propagate_tags: update.propagate_tags.or(known.propagate_tags),
        infrastructure_optimization: update
            .infrastructure_optimization
            .or(known.infrastructure_optimization),
        auto_repair_configuration: update
            .auto_repair_configuration
            .or(known.auto_repair_configuration),
    })
}

fn with(known: InstanceLaunchTemplate, new: InstanceLaunchTemplateUpdate) -> InstanceLaunchTemplate {
    InstanceLaunchTemplate {
        ec2_instance_profile_arn: new.ec2_instance_profile_arn.or(known.ec2_instance_profile_arn),
        network_configuration: new.network_configuration.or(known.network_configuration),
        storage_configuration: new.storage_configuration.or(known.storage_configuration),
        instance_metadata_tags_propagation: new
            .instance_metadata_tags_propagation
            .or(known.instance_metadata_tags_propagation),
        local_storage_configuration: new
            .local_storage_configuration
            .or(known.local_storage_configuration),
        monitoring: new.monitoring.or(known.monitoring),
        instance_requirements: new.instance_requirements.or(known.instance_requirements),
        capacity_reservations: new.capacity_reservations.or(known.capacity_reservations),
        ..known
    }
}

fn role(arn: Option<&str>) -> Result<(), Refusal> {
    let is_role = arn.is_some_and(|arn| arn.starts_with("arn:") && arn.contains(":role/"));
    if is_role {
        return Ok(());
    }
    Err(refuse!(
        InvalidParameterException,
        "The specified infrastructure role ARN is invalid. Specify a valid role ARN and try again."
    ))
}

fn checked(template: InstanceLaunchTemplate) -> Result<InstanceLaunchTemplate, Refusal> {
    let network = template.network_configuration.as_ref();
    let subnets = network.and_then(|network| network.subnets.as_ref());
    if subnets.is_none_or(Vec::is_empty) {
        return Err(refuse!(InvalidParameterException, "subnets can not be empty."));
    }
    if let Some(wanted) = &template.instance_requirements {
        let cpus = wanted.vcpu_count.as_ref();
        let memory = wanted.memory_mib.as_ref();
        let crossed = cpus.is_some_and(|it| it.max.is_some_and(|max| it.min > Some(max)))
            || memory.is_some_and(|it| it.max.is_some_and(|max| it.min > Some(max)));
        if crossed {
            return Err(refuse!(
                InvalidParameterException,
                "The minimum of an instance requirement cannot be greater than its maximum."
            ));
        }
        if wanted.allowed_instance_types.is_some() && wanted.excluded_instance_types.is_some() {
            return Err(refuse!(
                InvalidParameterException,
                "allowedInstanceTypes and excludedInstanceTypes cannot be specified together."
            ));
        }
    }
    Ok(template)
}
