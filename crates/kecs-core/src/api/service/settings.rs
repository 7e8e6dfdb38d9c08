//! How a service is deployed: percentages, circuit breaker, strategy.

use kecs_model::types::{
    self, DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentControllerType, DeploymentStrategy,
    SchedulingStrategy, ThresholdType,
};
use kecs_model::{Refusal, refuse};

/// The configuration that a request asks for, over the one that there is, with what both leave out.
pub(super) fn configuration(
    before: Option<&DeploymentConfiguration>,
    wanted: Option<&DeploymentConfiguration>,
    strategy: SchedulingStrategy,
    controller: DeploymentControllerType,
) -> Result<DeploymentConfiguration, Refusal> {
    let daemon = strategy == SchedulingStrategy::Daemon;
    let (maximum, minimum) = if daemon { (100, 0) } else { (200, 100) };
    let was = before.cloned().unwrap_or_default();
    let is = wanted.cloned().unwrap_or_default();
    let breaker = breaker(is.deployment_circuit_breaker, was.deployment_circuit_breaker);
    let maximum = is.maximum_percent.or(was.maximum_percent).unwrap_or(maximum);
    let least = is.minimum_healthy_percent.or(was.minimum_healthy_percent);
    let minimum = least.unwrap_or(minimum);
    let configuration = DeploymentConfiguration {
        deployment_circuit_breaker: Some(breaker),
        maximum_percent: Some(maximum),
        minimum_healthy_percent: Some(minimum),
        alarms: is.alarms.or(was.alarms),
        strategy: is.strategy.or(was.strategy).or(Some(DeploymentStrategy::Rolling)),
        bake_time_in_minutes: is.bake_time_in_minutes.or(was.bake_time_in_minutes).or(Some(0)),
        lifecycle_hooks: is.lifecycle_hooks.or(was.lifecycle_hooks),
        linear_configuration: is.linear_configuration,
        canary_configuration: is.canary_configuration,
        early_success_criteria: is.early_success_criteria.or(was.early_success_criteria),
    };
    if wanted.is_some() {
        percents(maximum, minimum, daemon)?;
        breaks(&configuration, controller)?;
        supported(&configuration)?;
    }
    Ok(configuration)
}

/// The breaker member by member: what a request leaves out stays, and else is as AWS has it.
///
/// Source: Amazon ECS API reference, `DeploymentCircuitBreaker`.
fn breaker(
    wanted: Option<DeploymentCircuitBreaker>,
    before: Option<DeploymentCircuitBreaker>,
) -> DeploymentCircuitBreaker {
    let (is, was) = (wanted.unwrap_or_default(), before.unwrap_or_default());
    let threshold = is.threshold_configuration.or(was.threshold_configuration);
    DeploymentCircuitBreaker {
        enable: is.enable.or(was.enable).or(Some(false)),
        rollback: is.rollback.or(was.rollback).or(Some(false)),
        reset_on_healthy_task: is
            .reset_on_healthy_task
            .or(was.reset_on_healthy_task)
            .or(Some(true)),
        threshold_configuration: Some(threshold.unwrap_or(types::ThresholdConfiguration {
            r#type: Some(ThresholdType::BoundedPercent),
            value: Some(50),
        })),
    }
}

fn percents(maximum: i32, minimum: i32, daemon: bool) -> Result<(), Refusal> {
    if daemon && maximum > 100 {
        return Err(refuse!(
            InvalidParameterException,
            "The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment \
             configuration. Change the maximumPercent value to 100, and try again"
        ));
    }
    if maximum == 100 && minimum == 100 {
        return Err(refuse!(
            InvalidParameterException,
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
        ));
    }
    Ok(())
}

fn breaks(
    configuration: &DeploymentConfiguration,
    controller: DeploymentControllerType,
) -> Result<(), Refusal> {
    let rolling = controller == DeploymentControllerType::Ecs;
    let breaker = configuration.deployment_circuit_breaker.as_ref();
    if let Some(breaker) = breaker.filter(|breaker| breaker.enable == Some(true)) {
        if !rolling {
            return Err(refuse!(
                InvalidParameterException,
                "Deployment circuit breaker feature can be enabled only with ECS deployment controller."
            ));
        }
        if let Some(threshold) = &breaker.threshold_configuration {
            threshold_in_range(threshold)?;
        }
    }
    let Some(alarms) = configuration.alarms.as_ref().filter(|it| it.enable == Some(true)) else {
        return Ok(());
    };
    if !rolling {
        return Err(refuse!(
            InvalidParameterException,
            "Deployment alarms can be enabled only with ECS deployment controller."
        ));
    }
    if alarms.alarm_names.as_ref().is_none_or(Vec::is_empty) {
        return Err(refuse!(
            InvalidParameterException,
            "At least one alarm name must be specified when deployment alarms are enabled."
        ));
    }
    Ok(())
}

fn threshold_in_range(threshold: &types::ThresholdConfiguration) -> Result<(), Refusal> {
    let value = threshold.value.unwrap_or(0);
    let right = match threshold.r#type {
        Some(ThresholdType::BoundedPercent) => (1..=100).contains(&value),
        Some(ThresholdType::Count | ThresholdType::UnboundedPercent) | None => value >= 1,
    };
    if right {
        return Ok(());
    }
    Err(refuse!(
        InvalidParameterException,
        "Invalid threshold value for the deployment circuit breaker: {value}"
    ))
}

/// Traffic is not shifted here, so that only tasks can be replaced in turn.
fn supported(configuration: &DeploymentConfiguration) -> Result<(), Refusal> {
    match configuration.strategy {
        Some(
            strategy @ (DeploymentStrategy::BlueGreen
            | DeploymentStrategy::Linear
            | DeploymentStrategy::Canary),
        ) => {
            return Err(refuse!(
                UnsupportedFeatureException,
                "The deployment strategy {strategy} is not supported by KECS."
            ));
        }
        Some(DeploymentStrategy::Rolling) | None => {}
    }
    if configuration.linear_configuration.is_some() || configuration.canary_configuration.is_some() {
        return Err(refuse!(
            InvalidParameterException,
            "linearConfiguration and canaryConfiguration cannot be specified with the ROLLING deployment strategy."
        ));
    }
    if configuration
        .lifecycle_hooks
        .as_ref()
        .is_some_and(|hooks| !hooks.is_empty())
    {
        return Err(refuse!(
            UnsupportedFeatureException,
            "Deployment lifecycle hooks are not supported by KECS."
        ));
    }
    if configuration
        .bake_time_in_minutes
        .is_some_and(|minutes| !(0..=1440).contains(&minutes))
    {
        return Err(refuse!(
            InvalidParameterException,
            "bakeTimeInMinutes must be between 0 and 1440."
        ));
    }
    Ok(())
}
