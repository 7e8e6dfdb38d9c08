//! Giving a deployment up, and going back to the revision before it.

use kecs_model::Time;
use kecs_model::types::{Rollback, ServiceDeploymentRollbackMonitorsStatus, ServiceDeploymentStatus};

use super::message;
use super::round::{Round, shown};
use crate::deployment;
use crate::lifecycle::deployment::{RolloutLifecycle, RolloutSignal};
use crate::lifecycle::service_deployment::{Lifecycle, Signal, State};
use crate::lifecycle::{self, moved};
use crate::record::{self, Rollout};

/// Does what somebody asked of the newest service deployment: to stop it where it is, or to go back.
pub(super) fn answer_requests(round: &mut Round<'_>) {
    let Some(rollout) = round.service.rollouts.first() else {
        return;
    };
    let arn = rollout.service_deployment.clone();
    let id = rollout.id.clone();
    let is_it = |it: &&record::ServiceDeployment| {
        it.deployment.service_deployment_arn.as_deref() == Some(arn.as_str())
    };
    let asked = round
        .deployments
        .iter()
        .find(is_it)
        .and_then(|it| it.deployment.status);
    let back = match asked {
        Some(ServiceDeploymentStatus::RollbackRequested) => true,
        Some(ServiceDeploymentStatus::StopRequested) => false,
        Some(
            ServiceDeploymentStatus::Pending
            | ServiceDeploymentStatus::Successful
            | ServiceDeploymentStatus::Stopped
            | ServiceDeploymentStatus::InProgress
            | ServiceDeploymentStatus::RollbackInProgress
            | ServiceDeploymentStatus::RollbackSuccessful
            | ServiceDeploymentStatus::RollbackFailed,
        )
        | None => return,
    };
    let message = message::halted(&round.name(), &id);
    round.tell(message);
    let reason = "ECS deployment stopped: requested by user.";
    give_up(round, RolloutSignal::StopAsked, reason, back);
}

/// Gives the newest deployment up; with `back`, begins one of the last revision that was completed.
pub(super) fn give_up(round: &mut Round<'_>, signal: RolloutSignal, reason: &str, back: bool) {
    let Some(failed) = round.service.rollouts.first().cloned() else {
        return;
    };
    round.change_deployment(0, |it| {
        let state = it.rollout_state.map(lifecycle::deployment::RolloutState::from);
        if let Some(next) = state.and_then(|it| moved::<RolloutLifecycle>(it, signal)) {
            it.rollout_state = Some(next.into());
            it.rollout_state_reason = Some(reason.to_owned());
        }
    });
    let tripped = signal == RolloutSignal::BreakerTripped;
    let failures = shown(usize::try_from(failed.consecutive_failures).unwrap_or(usize::MAX));
    let now = Time::from(round.now);
    round.change_service_deployment(&failed.service_deployment, |it| {
        if let Some(monitor) = it.deployment_circuit_breaker.as_mut().filter(|_| tripped) {
            monitor.status = Some(ServiceDeploymentRollbackMonitorsStatus::Triggered);
            monitor.failure_count = Some(failures);
        }
    });
    // What could not be gone back to is not gone back to once more.
    let target = last_completed(round, &failed).filter(|_| back && !failed.is_rollback);
    let Some(revision) = target else {
        let ends = if tripped { Signal::Failed } else { Signal::Stopped };
        step(round, &failed.service_deployment, ends, reason);
        return;
    };
    let arn = revision.revision.service_revision_arn.clone().unwrap_or_default();
    let rollout = Rollout {
        revision: arn.clone(),
        service_deployment: failed.service_deployment.clone(),
        is_rollback: true,
        ..Rollout::default()
    };
    let asked = round.service.service.platform_version.clone();
    let failed_version = round.primary().and_then(|it| it.platform_version.clone());
    let id = deployment::begin(
        &mut round.service,
        &revision.revision,
        rollout,
        round.ids,
        round.now,
    );
    // Where the version stays, the service goes on to show it as it was asked for: `LATEST` and no number.
    if revision.revision.platform_version == failed_version {
        round.service.service.platform_version = asked;
    }
    let cause = if tripped {
        "ECS deployment circuit breaker"
    } else {
        "ECS deployment stopped by user"
    };
    round.change_deployment(0, |it| {
        it.rollout_state_reason = Some(format!("{cause}: rolling back to deploymentId {id}."));
    });
    step(round, &failed.service_deployment, Signal::RollsBack, reason);
    round.change_service_deployment(&failed.service_deployment, |it| {
        it.rollback = Some(Rollback {
            reason: Some(reason.to_owned()),
            started_at: Some(now),
            service_revision_arn: Some(arn),
        });
    });
    let message = message::rolling_back(&round.name(), &id);
    round.tell(message);
}

/// Moves a service deployment along its table, and takes down why and when.
pub(super) fn step(round: &mut Round<'_>, arn: &str, signal: Signal, reason: &str) {
    let now = Time::from(round.now);
    round.change_service_deployment(arn, |it| {
        let state = it.status.map_or(State::Pending, State::from);
        let Some(next) = moved::<Lifecycle>(state, signal) else {
            return;
        };
        it.status = Some(next.into());
        it.status_reason = Some(reason.to_owned())
            .filter(|it| !it.is_empty())
            .or(it.status_reason.take());
        it.started_at.get_or_insert(now);
        if next == State::Stopped {
            it.stopped_at = Some(now);
        }
        if next.is_over() {
            it.finished_at = Some(now);
            if let Some(monitor) = it.deployment_circuit_breaker.as_mut() {
                use ServiceDeploymentRollbackMonitorsStatus::{Monitoring, MonitoringComplete};
                if monitor.status == Some(Monitoring) {
                    monitor.status = Some(MonitoringComplete);
                }
            }
        }
    });
}

/// The revision that was completed last, if it is another than that of the deployment that failed.
fn last_completed(round: &Round<'_>, failed: &Rollout) -> Option<record::ServiceRevision> {
    let completed = round.deployments.iter().filter_map(|it| {
        let shown = &it.deployment;
        let revision = match shown.status? {
            ServiceDeploymentStatus::Successful => shown.target_service_revision.as_ref()?.arn.clone(),
            ServiceDeploymentStatus::RollbackSuccessful => {
                shown.rollback.as_ref()?.service_revision_arn.clone()
            }
            ServiceDeploymentStatus::Pending
            | ServiceDeploymentStatus::Stopped
            | ServiceDeploymentStatus::StopRequested
            | ServiceDeploymentStatus::InProgress
            | ServiceDeploymentStatus::RollbackRequested
            | ServiceDeploymentStatus::RollbackInProgress
            | ServiceDeploymentStatus::RollbackFailed => return None,
        };
        Some((shown.finished_at?, revision?))
    });
    let (_, arn) = completed.max()?;
    let revision = round.view.revisions.get(&arn)?;
    (arn != failed.revision).then(|| revision.clone())
}
