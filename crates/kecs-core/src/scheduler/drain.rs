//! A service that was deleted: its tasks are stopped, and then it is INACTIVE.

use super::message;
use super::replica::{carry_out, scaling};
use super::rollback::step;
use super::round::Round;
use crate::lifecycle::moved;
use crate::lifecycle::service::{Lifecycle, Signal, State};
use crate::lifecycle::service_deployment::{self, State as DeploymentState};
use crate::task;

/// Stops what is left of the service.
pub(super) fn drain(round: &mut Round<'_>) {
    let under_way: Vec<String> = round
        .deployments
        .iter()
        .filter(|it| {
            !it.deployment
                .status
                .is_some_and(|it| DeploymentState::from(it).is_over())
        })
        .filter_map(|it| it.deployment.service_deployment_arn.clone())
        .collect();
    for arn in under_way {
        let reason = "The service was deleted.";
        step(round, &arn, service_deployment::Signal::Superseded, reason);
    }
    let wanted = round.places(task::is_wanted);
    let by = |nth: &usize| round.tasks[*nth].task.started_by.clone().unwrap_or_default();
    let stops: Vec<(usize, String)> = wanted.iter().map(|nth| (*nth, scaling(&by(nth)))).collect();
    carry_out(round, stops);
    if round.tasks.iter().all(task::is_over) {
        end(round);
    }
}

/// The last task is over.
fn end(round: &mut Round<'_>) {
    if let Some(next) = moved::<Lifecycle>(State::Draining, Signal::Drained) {
        let sets = round.task_sets.iter().filter_map(|it| it.task_set.id.clone());
        round.removed_task_sets = sets.collect();
        round.service.rollouts.clear();
        let shown = &mut round.service.service;
        shown.status = Some(next.as_str().to_owned());
        shown.desired_count = Some(0);
        shown.deployments = Some(Vec::new());
        shown.current_service_revisions = Some(Vec::new());
        let message = message::steady(&round.name());
        round.tell_once(message);
    }
}
