//! The deployment circuit breaker: when a deployment is given up.
//!
//! Source: Amazon ECS developer guide, "How the Amazon ECS deployment circuit breaker detects failures", and
//! `DeploymentCircuitBreaker` of the API reference.

use kecs_model::types::{DeploymentCircuitBreaker, Service, ThresholdType};

use super::message;
use super::rollback;
use super::round::{Round, count};
use crate::lifecycle::deployment::{RolloutSignal, RolloutState};

/// The default percent of the desired count.
const PERCENT: u64 = 50;
/// The least failures that a bounded threshold lets a deployment fail at.
const LEAST: u64 = 3;
/// The most.
const MOST: u64 = 200;

/// What the service has of a breaker.
pub fn settings(service: &Service) -> Option<&DeploymentCircuitBreaker> {
    service
        .deployment_configuration
        .as_ref()?
        .deployment_circuit_breaker
        .as_ref()
}

/// At how many failures one after the other a deployment of the service is given up; one at least.
pub fn threshold(service: &Service) -> u32 {
    let configuration = settings(service).and_then(|it| it.threshold_configuration.as_ref());
    let kind = configuration
        .and_then(|it| it.r#type)
        .unwrap_or(ThresholdType::BoundedPercent);
    let value = configuration.and_then(|it| it.value);
    let value = value.map_or(PERCENT, |it| u64::try_from(it).unwrap_or(0));
    let desired = u64::from(count(service.desired_count));
    let share = (desired * value).div_ceil(100);
    let threshold = match kind {
        ThresholdType::Count => value,
        ThresholdType::BoundedPercent => share.clamp(LEAST, MOST),
        ThresholdType::UnboundedPercent => share,
    };
    u32::try_from(threshold.max(1)).unwrap_or(u32::MAX)
}

/// Whether a task that comes to be healthy ends a row of failures.
pub fn resets_on_healthy_task(service: &Service) -> bool {
    settings(service)
        .and_then(|it| it.reset_on_healthy_task)
        .unwrap_or(true)
}

/// Gives the newest deployment up if its failures reached the threshold.
pub(super) fn check(round: &mut Round<'_>) {
    let Some(breaker) = settings(&round.service.service).cloned() else {
        return;
    };
    let is_under_way = round.rollout_state() == Some(RolloutState::InProgress);
    if breaker.enable != Some(true) || !round.tripped || !is_under_way {
        return;
    }
    let id = round.primary().and_then(|it| it.id.clone()).unwrap_or_default();
    let message = message::failed(&round.name(), &id);
    round.tell(message);
    rollback::give_up(
        round,
        RolloutSignal::BreakerTripped,
        "ECS deployment circuit breaker: tasks failed to start.",
        breaker.rollback == Some(true),
    );
}
