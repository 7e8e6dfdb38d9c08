//! Mistakes that are planted on purpose: each shows the scheduler something else than there is, or spoils what it
//! decided.

use kecs_core::record::Rollout;
use kecs_core::scheduler::{Decision, ServiceView};
use kecs_core::task;
use kecs_model::types::{
    Deployment, DeploymentConfiguration, DeploymentRolloutState, HealthStatus, ServiceDeploymentStatus,
};

use crate::law::Law;
use crate::view::NOW;
use crate::world::{Breaker, Left, Setup};

/// What makes another revision of one.
const OTHER: char = '\'';

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mistake {
    /// The maximum percent is taken for more than it is.
    MaximumIgnored,
    /// Tasks that leave do not count against the maximum.
    LeavingForgotten,
    /// The minimum percent is taken for none.
    MinimumIgnored,
    /// Unhealthy tasks are taken for healthy ones.
    SickTakenForHealthy,
    /// Tasks on their way are taken for running ones.
    ComingTakenForRunning,
    /// The breaker trips one failure late.
    ThresholdLate,
    /// The breaker trips one failure early.
    ThresholdEarly,
    /// Failures are not remembered.
    FailuresForgotten,
    /// A task that fails is counted in every round.
    CountedAgain,
    /// A row of failures does not end with a task that runs.
    NeverReset,
    /// A task that runs ends every row of failures.
    AlwaysReset,
    /// What was given up goes on.
    FailedGoesOn,
    /// Nothing waits between tries.
    HoldIgnored,
    /// The revision that was complete first is gone back to.
    BackToTheFirst,
    /// What goes back is gone back from.
    BackAgain,
    /// A request to go back is not seen.
    RequestUnseen,
    /// A deployment is complete as soon as a task is healthy.
    CompleteEarly,
    /// A deployment is never complete.
    NeverComplete,
    /// Tasks of the newest deployment go in the stead of others.
    NewestGoes,
    /// Deployments without tasks stay.
    DrainedStays,
    /// Deployments that are replaced go before their tasks.
    ForgottenEarly,
    /// Nothing is stopped.
    NothingStops,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::MaximumIgnored,
        Self::LeavingForgotten,
        Self::MinimumIgnored,
        Self::SickTakenForHealthy,
        Self::ComingTakenForRunning,
        Self::ThresholdLate,
        Self::ThresholdEarly,
        Self::FailuresForgotten,
        Self::CountedAgain,
        Self::NeverReset,
        Self::AlwaysReset,
        Self::FailedGoesOn,
        Self::HoldIgnored,
        Self::BackToTheFirst,
        Self::BackAgain,
        Self::RequestUnseen,
        Self::CompleteEarly,
        Self::NeverComplete,
        Self::NewestGoes,
        Self::DrainedStays,
        Self::ForgottenEarly,
        Self::NothingStops,
    ];

    /// The laws one of which finds it.
    pub const fn breaks(self) -> &'static [Law] {
        match self {
            Self::MaximumIgnored | Self::LeavingForgotten => &[Law::Maximum],
            Self::MinimumIgnored | Self::ComingTakenForRunning => &[Law::Minimum, Law::Complete],
            Self::SickTakenForHealthy => &[Law::Complete, Law::Minimum],
            Self::ThresholdLate
            | Self::ThresholdEarly
            | Self::FailuresForgotten
            | Self::NeverReset
            | Self::AlwaysReset => &[Law::Breaker],
            Self::CountedAgain => &[Law::Breaker, Law::Once],
            Self::FailedGoesOn | Self::HoldIgnored => &[Law::Held],
            Self::BackToTheFirst | Self::BackAgain => &[Law::Back],
            Self::RequestUnseen => &[Law::Breaker, Law::Back],
            Self::CompleteEarly | Self::NeverComplete => &[Law::Complete],
            Self::NewestGoes => &[Law::Sound],
            Self::DrainedStays | Self::ForgottenEarly => &[Law::Kept],
            Self::NothingStops => &[Law::Rest, Law::Once],
        }
    }

    /// The service that it is looked for in, and what has to happen.
    pub const fn needs(self) -> (Setup, Left) {
        let plain = Setup {
            desired: 2,
            minimum: 100,
            maximum: 200,
            breaker: Breaker::GoesBack,
            checked: false,
        };
        let update = Left {
            updates: 1,
            ..Left::NOTHING
        };
        match self {
            Self::MaximumIgnored | Self::LeavingForgotten | Self::MinimumIgnored => (
                Setup {
                    minimum: 50,
                    maximum: 100,
                    ..plain
                },
                update,
            ),
            Self::SickTakenForHealthy => (
                Setup {
                    checked: true,
                    ..plain
                },
                Left {
                    sickens: 2,
                    ..Left::NOTHING
                },
            ),
            Self::ThresholdLate
            | Self::ThresholdEarly
            | Self::FailuresForgotten
            | Self::CountedAgain
            | Self::NeverReset
            | Self::AlwaysReset
            | Self::FailedGoesOn => (
                Setup {
                    breaker: Breaker::GivesUp,
                    ..plain
                },
                Left {
                    fails: 3,
                    ..Left::NOTHING
                },
            ),
            Self::HoldIgnored => (
                Setup {
                    breaker: Breaker::Off,
                    ..plain
                },
                Left {
                    fails: 3,
                    ..Left::NOTHING
                },
            ),
            Self::BackToTheFirst => (
                Setup { desired: 1, ..plain },
                Left {
                    fails: 2,
                    updates: 2,
                    ..Left::NOTHING
                },
            ),
            Self::BackAgain => (
                Setup { desired: 1, ..plain },
                Left {
                    fails: 4,
                    updates: 1,
                    ..Left::NOTHING
                },
            ),
            Self::RequestUnseen => (
                plain,
                Left {
                    updates: 1,
                    requests: 1,
                    ..Left::NOTHING
                },
            ),
            Self::ComingTakenForRunning
            | Self::CompleteEarly
            | Self::NeverComplete
            | Self::NewestGoes
            | Self::DrainedStays
            | Self::ForgottenEarly
            | Self::NothingStops => (plain, update),
        }
    }

    /// Shows the scheduler something else than there is.
    pub(crate) fn misleads(self, view: &mut ServiceView) {
        match self {
            Self::MaximumIgnored => configuration(view, |it| it.maximum_percent = Some(200)),
            Self::MinimumIgnored => configuration(view, |it| it.minimum_healthy_percent = Some(0)),
            Self::LeavingForgotten => view.tasks.retain(|it| task::is_wanted(it) || task::is_over(it)),
            Self::SickTakenForHealthy => {
                for it in &mut view.tasks {
                    let containers = it.task.containers.iter_mut().flatten();
                    let shown = containers.map(|it| &mut it.health_status);
                    for health in shown.chain([&mut it.task.health_status]) {
                        if *health == Some(HealthStatus::Unhealthy) {
                            *health = Some(HealthStatus::Healthy);
                        }
                    }
                }
            }
            Self::ComingTakenForRunning => {
                for it in &mut view.tasks {
                    if it.task.last_status.as_deref() == Some("PENDING") {
                        it.task.last_status = Some("RUNNING".to_owned());
                        it.task.started_at = Some(NOW.into());
                    }
                }
            }
            Self::ThresholdLate => threshold(view, 3),
            Self::ThresholdEarly => threshold(view, 1),
            Self::CountedAgain => rollouts(view, |it| it.counted.clear()),
            Self::NeverReset => configuration(view, |it| {
                if let Some(breaker) = &mut it.deployment_circuit_breaker {
                    breaker.reset_on_healthy_task = Some(false);
                }
            }),
            Self::FailedGoesOn => deployments(view, |it| {
                if it.rollout_state == Some(DeploymentRolloutState::Failed) {
                    it.rollout_state = Some(DeploymentRolloutState::InProgress);
                }
            }),
            Self::HoldIgnored => rollouts(view, |it| it.resume_at = None),
            Self::BackToTheFirst => {
                let done = |it: &kecs_core::record::ServiceDeployment| {
                    it.deployment.status == Some(ServiceDeploymentStatus::Successful)
                };
                let mut finished: Vec<_> = view.deployments.iter().filter(|it| done(it)).collect();
                finished.sort_by_key(|it| it.deployment.finished_at);
                let first = finished
                    .first()
                    .map(|it| it.deployment.service_deployment_arn.clone());
                let is_later = |it: &kecs_core::record::ServiceDeployment| {
                    done(it) && first.as_ref() != Some(&it.deployment.service_deployment_arn)
                };
                let later: Vec<_> = view
                    .deployments
                    .iter()
                    .filter(|it| is_later(it))
                    .cloned()
                    .collect();
                view.deployments.retain(|it| !later.contains(it));
            }
            Self::BackAgain => rollouts(view, |it| {
                if it.is_rollback {
                    it.is_rollback = false;
                    it.revision.push(OTHER);
                }
            }),
            Self::RequestUnseen => {
                for it in &mut view.deployments {
                    if it.deployment.status == Some(ServiceDeploymentStatus::RollbackRequested) {
                        it.deployment.status = Some(ServiceDeploymentStatus::InProgress);
                    }
                }
            }
            Self::FailuresForgotten
            | Self::AlwaysReset
            | Self::CompleteEarly
            | Self::NeverComplete
            | Self::NewestGoes
            | Self::DrainedStays
            | Self::ForgottenEarly
            | Self::NothingStops => {}
        }
    }

    /// Spoils what was decided.
    pub(crate) fn spoils(self, view: &ServiceView, decision: &mut Decision) {
        match self {
            Self::FailuresForgotten => {
                for it in &mut decision.service.rollouts {
                    it.consecutive_failures = 0;
                }
            }
            Self::AlwaysReset => {
                for it in &mut decision.service.rollouts {
                    it.healthy.clear();
                }
            }
            Self::CompleteEarly => {
                let healthy = |id: &Option<String>| {
                    let own =
                        |it: &kecs_core::record::Task| it.task.started_by == *id && task::is_healthy(it);
                    view.tasks.iter().any(own)
                };
                let newest = decision.service.service.deployments.iter_mut().flatten().next();
                if let Some(newest) = newest.filter(|it| healthy(&it.id)) {
                    newest.rollout_state = Some(DeploymentRolloutState::Completed);
                }
            }
            Self::BackAgain => {
                let goes_back = |id: &String| {
                    view.service
                        .rollouts
                        .iter()
                        .any(|it| it.id == *id && it.is_rollback)
                };
                for it in &mut decision.service.rollouts {
                    if it.revision.ends_with(OTHER) {
                        it.revision.pop();
                    }
                    it.is_rollback |= goes_back(&it.id);
                }
            }
            Self::NeverComplete => {
                for it in decision.service.service.deployments.iter_mut().flatten() {
                    if it.rollout_state == Some(DeploymentRolloutState::Completed) {
                        it.rollout_state = Some(DeploymentRolloutState::InProgress);
                    }
                }
            }
            Self::NewestGoes => {
                let newest = decision.service.rollouts.first().map(|it| it.id.clone());
                let others = |it: &kecs_core::record::Task| {
                    it.task.started_by == newest
                        && task::is_wanted(it)
                        && !decision
                            .stops
                            .iter()
                            .any(|stop| stop.task.task_arn == it.task.task_arn)
                };
                let instead = view.tasks.iter().find(|it| others(it)).cloned();
                if let (Some(stop), Some(mut task)) = (decision.stops.first_mut(), instead) {
                    task.task.desired_status = Some("STOPPED".to_owned());
                    *stop = task;
                }
            }
            Self::DrainedStays => {
                let (service, before) = (&mut decision.service, &view.service);
                let shown = service.service.deployments.get_or_insert_default();
                for (rollout, deployment) in before
                    .rollouts
                    .iter()
                    .zip(before.service.deployments.iter().flatten())
                {
                    if !service.rollouts.iter().any(|it| it.id == rollout.id) {
                        service.rollouts.push(rollout.clone());
                        shown.push(deployment.clone());
                    }
                }
            }
            Self::ForgottenEarly => {
                decision.service.rollouts.truncate(1);
                decision
                    .service
                    .service
                    .deployments
                    .get_or_insert_default()
                    .truncate(1);
            }
            Self::NothingStops => decision.stops.clear(),
            Self::MaximumIgnored
            | Self::LeavingForgotten
            | Self::MinimumIgnored
            | Self::SickTakenForHealthy
            | Self::ComingTakenForRunning
            | Self::ThresholdLate
            | Self::ThresholdEarly
            | Self::CountedAgain
            | Self::NeverReset
            | Self::FailedGoesOn
            | Self::HoldIgnored
            | Self::BackToTheFirst
            | Self::RequestUnseen => {}
        }
    }
}

fn configuration(view: &mut ServiceView, change: impl FnOnce(&mut DeploymentConfiguration)) {
    if let Some(configuration) = &mut view.service.service.deployment_configuration {
        change(configuration);
    }
}

fn threshold(view: &mut ServiceView, value: i32) {
    configuration(view, |it| {
        let breaker = it.deployment_circuit_breaker.as_mut();
        if let Some(threshold) = breaker.and_then(|it| it.threshold_configuration.as_mut()) {
            threshold.value = Some(value);
        }
    });
}

fn rollouts(view: &mut ServiceView, change: impl FnMut(&mut Rollout)) {
    view.service.rollouts.iter_mut().for_each(change);
}

fn deployments(view: &mut ServiceView, change: impl FnMut(&mut Deployment)) {
    view.service
        .service
        .deployments
        .iter_mut()
        .flatten()
        .for_each(change);
}
