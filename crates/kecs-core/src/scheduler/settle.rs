//! How deployments begin and end: what is new is taken up, what has no tasks any more goes, what is steady is complete.

use kecs_model::types::{DeploymentRolloutState, ServiceRevisionSummary};

use super::message;
use super::rollback::step;
use super::round::{Round, shown};
use crate::deployment;
use crate::lifecycle::deployment::{RolloutLifecycle, RolloutSignal, RolloutState};
use crate::lifecycle::moved;
use crate::lifecycle::service_deployment::{Signal, State};
use crate::plane::TaskStatus;
use crate::record;
use crate::task;

/// Takes the newest service deployment up, and ends those that it replaces.
pub(super) fn begin(round: &mut Round<'_>) {
    let newest = round
        .service
        .rollouts
        .first()
        .map(|it| it.service_deployment.clone());
    let arns: Vec<String> = round
        .deployments
        .iter()
        .filter(|it| !it.deployment.status.is_some_and(|it| State::from(it).is_over()))
        .filter_map(|it| it.deployment.service_deployment_arn.clone())
        .collect();
    for arn in arns {
        if Some(&arn) == newest.as_ref() {
            step(round, &arn, Signal::Begun, "");
        } else {
            let reason = "The deployment was replaced by a newer service deployment.";
            step(round, &arn, Signal::Superseded, reason);
        }
    }
    // Who changes the desired count leaves it to the scheduler to tell the deployment.
    let desired = round.service.service.desired_count;
    round.change_deployment(0, |it| it.desired_count = desired);
}

/// Takes down what the deployments have come to.
pub(super) fn finish(round: &mut Round<'_>) {
    remove_drained(round);
    share_desired(round);
    if is_steady(round) {
        complete(round);
        let message = message::steady(&round.name());
        let newest = round.service.service.events.iter().flatten().next();
        if newest.and_then(|it| it.message.as_ref()) != Some(&message) {
            round.tell(message);
        }
    }
    count_target(round);
    let revisions = deployment::current_revisions(&round.service);
    round.service.service.current_service_revisions = Some(revisions);
}

/// Deployments that are replaced and have no tasks any more go. One that failed is shown as long as the one that goes
/// back on it is under way.
fn remove_drained(round: &mut Round<'_>) {
    let goes_back = round.rollout_state() == Some(RolloutState::InProgress)
        && round.service.rollouts.first().is_some_and(|it| it.is_rollback)
        && !has_all(round);
    let is_drained = |id: Option<&str>| {
        let is_live = |it: &record::Task| it.task.started_by.as_deref() == id && !task::is_over(it);
        !round.tasks.iter().any(is_live)
    };
    let deployments = round.service.service.deployments.iter().flatten();
    let gone: Vec<String> = deployments
        .skip(1)
        .filter(|it| is_drained(it.id.as_deref()))
        .filter(|it| !goes_back || it.rollout_state != Some(DeploymentRolloutState::Failed))
        .filter_map(|it| it.id.clone())
        .collect();
    if gone.is_empty() {
        return;
    }
    if let Some(deployments) = &mut round.service.service.deployments {
        deployments.retain(|it| !it.id.as_ref().is_some_and(|it| gone.contains(it)));
    }
    round.service.rollouts.retain(|it| !gone.contains(&it.id));
}

/// A deployment that is replaced is to have what it still has.
fn share_desired(round: &mut Round<'_>) {
    let ids: Vec<Option<String>> = round
        .service
        .service
        .deployments
        .iter()
        .flatten()
        .map(|it| it.id.clone())
        .collect();
    for (nth, id) in ids.iter().enumerate().skip(1) {
        let kept = round
            .places(|it| it.task.started_by == *id && task::is_wanted(it))
            .len();
        round.change_deployment(nth, |it| it.desired_count = Some(shown(kept)));
    }
}

/// Whether the service has what it is to have: one deployment, all of its tasks healthy, and no others.
fn is_steady(round: &Round<'_>) -> bool {
    round.service.rollouts.len() == 1 && has_all(round)
}

/// Whether as many tasks of the newest deployment as desired are healthy where they can stay, and no others are left.
fn has_all(round: &Round<'_>) -> bool {
    let Some(primary) = round.primary() else {
        return false;
    };
    let is_own = |it: &record::Task| it.task.started_by == primary.id;
    let mut live = round.tasks.iter().filter(|it| !task::is_over(it));
    let healthy = live.clone().filter(|it| task::is_healthy(it)).count();
    round.starts.is_empty()
        && healthy == usize::try_from(round.desired()).unwrap_or(usize::MAX)
        && live.all(|it| is_own(it) && task::is_wanted(it) && !round.is_displaced(it))
}

/// The newest deployment is complete, if it was under way.
fn complete(round: &mut Round<'_>) {
    let Some(rollout) = round.service.rollouts.first().cloned() else {
        return;
    };
    if round.rollout_state() != Some(RolloutState::InProgress) {
        return;
    }
    round.change_deployment(0, |it| {
        let state = it.rollout_state.map(RolloutState::from);
        if let Some(next) = state.and_then(|it| moved::<RolloutLifecycle>(it, RolloutSignal::Steady)) {
            it.rollout_state = Some(next.into());
            it.rollout_state_reason = Some(format!("ECS deployment {} completed.", rollout.id));
        }
    });
    if let Some(first) = round.service.rollouts.first_mut() {
        first.completed = true;
    }
    step(round, &rollout.service_deployment, Signal::Steady, "");
    let message = message::completed(&round.name(), &rollout.id);
    round.tell(message);
}

/// Tells the newest service deployment how many tasks its target has, as long as it is under way.
fn count_target(round: &mut Round<'_>) {
    let Some(rollout) = round.service.rollouts.first().cloned() else {
        return;
    };
    let before = round.view.deployments.iter().find(|it| {
        it.deployment.service_deployment_arn.as_deref() == Some(rollout.service_deployment.as_str())
    });
    let was_over = before.is_some_and(|it| it.deployment.status.is_some_and(|it| State::from(it).is_over()));
    if was_over {
        return;
    }
    let own = |it: &&record::Task| it.task.started_by.as_deref() == Some(rollout.id.as_str());
    let last = |is: fn(TaskStatus) -> bool| {
        let tasks = round.tasks.iter().filter(own);
        shown(tasks.filter(|it| is(task::last_status(it))).count())
    };
    let running = last(|it| it == TaskStatus::Running);
    let pending = last(|it| it < TaskStatus::Running).saturating_add(shown(round.starts.len()));
    let desired = round.service.service.desired_count;
    let failures = shown(usize::try_from(rollout.consecutive_failures).unwrap_or(usize::MAX));
    round.change_service_deployment(&rollout.service_deployment, |it| {
        if let Some(monitor) = it
            .deployment_circuit_breaker
            .as_mut()
            .filter(|_| !rollout.is_rollback)
        {
            monitor.failure_count = Some(failures);
        }
        let target = it.target_service_revision.get_or_insert_default();
        let of_target = target.arn.as_deref() == Some(rollout.revision.as_str());
        if of_target {
            *target = ServiceRevisionSummary {
                requested_task_count: desired,
                running_task_count: Some(running),
                pending_task_count: Some(pending),
                ..std::mem::take(target)
            };
        }
    });
}
