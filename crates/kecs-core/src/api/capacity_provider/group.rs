//! Auto Scaling groups of capacity providers.

use kecs_model::types::{
    AutoScalingGroupProvider, AutoScalingGroupProviderUpdate, ManagedDraining, ManagedScaling,
    ManagedScalingStatus, ManagedTerminationProtection,
};
use kecs_model::{Refusal, refuse};

use crate::tx::Tx;

/// No capacity provider has this group yet.
pub(super) fn is_free(tx: &Tx<'_>, group: Option<&str>) -> Result<(), Refusal> {
    let all = tx.scope().term("capacity-providers");
    let same = all.and("group", group.unwrap_or_default());
    if tx.guarded_count(&same)? > 0 {
        return Err(refuse!(
            ClientException,
            "The specified Auto Scaling group ARN is already being used by another capacity provider. Specify a \
             unique Auto Scaling group ARN and try again."
        ));
    }
    Ok(())
}

/// A group with all that a request may leave out. That it is there is not asked: groups are kept elsewhere.
pub(super) fn checked(group: AutoScalingGroupProvider) -> Result<AutoScalingGroupProvider, Refusal> {
    let arn = group.auto_scaling_group_arn.as_deref().unwrap_or_default();
    let mut parts = arn.splitn(6, ':');
    let is_group = parts.next() == Some("arn") && parts.nth(1) == Some("autoscaling");
    if !is_group || !arn.contains(":autoScalingGroup:") {
        return Err(refuse!(
            ClientException,
            "The specified Auto Scaling group ARN is invalid. Specify a valid Auto Scaling group ARN and try again."
        ));
    }
    let scaling = scaling(group.managed_scaling.unwrap_or_default())?;
    let protection = group.managed_termination_protection;
    let protection = protection.unwrap_or(ManagedTerminationProtection::Disabled);
    if protection == ManagedTerminationProtection::Enabled
        && scaling.status != Some(ManagedScalingStatus::Enabled)
    {
        return Err(refuse!(
            ClientException,
            "The managed termination protection setting for the capacity provider is invalid. To enable managed \
             termination protection for a capacity provider, managed scaling must be enabled."
        ));
    }
    Ok(AutoScalingGroupProvider {
        managed_scaling: Some(scaling),
        managed_termination_protection: Some(protection),
        managed_draining: Some(group.managed_draining.unwrap_or(ManagedDraining::Enabled)),
        ..group
    })
}

/// A group with what an update says of it.
pub(super) fn updated(
    group: AutoScalingGroupProvider,
    update: AutoScalingGroupProviderUpdate,
) -> Result<AutoScalingGroupProvider, Refusal> {
    let known = group.managed_scaling.unwrap_or_default();
    let new = update.managed_scaling.unwrap_or_default();
    checked(AutoScalingGroupProvider {
        managed_scaling: Some(ManagedScaling {
            status: new.status.or(known.status),
            target_capacity: new.target_capacity.or(known.target_capacity),
            minimum_scaling_step_size: new.minimum_scaling_step_size.or(known.minimum_scaling_step_size),
            maximum_scaling_step_size: new.maximum_scaling_step_size.or(known.maximum_scaling_step_size),
            instance_warmup_period: new.instance_warmup_period.or(known.instance_warmup_period),
        }),
        managed_termination_protection: update
            .managed_termination_protection
            .or(group.managed_termination_protection),
        managed_draining: update.managed_draining.or(group.managed_draining),
        auto_scaling_group_arn: group.auto_scaling_group_arn,
    })
}

/// Source of what holds where nothing is said: Amazon ECS API reference, `ManagedScaling`.
fn scaling(given: ManagedScaling) -> Result<ManagedScaling, Refusal> {
    let least = given.minimum_scaling_step_size.unwrap_or(1);
    let most = given.maximum_scaling_step_size.unwrap_or(10_000);
    if least > most {
        return Err(refuse!(
            ClientException,
            "The minimum or maximum scaling step size value is invalid. Specify a minimum scaling step size value \
             that is less than or equal to the maximum scaling step size value and try again."
        ));
    }
    Ok(ManagedScaling {
        status: Some(given.status.unwrap_or(ManagedScalingStatus::Disabled)),
        target_capacity: Some(given.target_capacity.unwrap_or(100)),
        minimum_scaling_step_size: Some(least),
        maximum_scaling_step_size: Some(most),
        instance_warmup_period: Some(given.instance_warmup_period.unwrap_or(300)),
    })
}
