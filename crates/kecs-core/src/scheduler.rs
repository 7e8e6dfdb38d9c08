//! The service scheduler: what is to be started and stopped for a service.
//!
//! # Flow
//! A [`ServiceView`] holds all that is known of one service. [`decide`] makes a [`Decision`] of it: the service as it is
//! to be kept, tasks to start and to stop, what becomes of its deployments, and when to look again.
//!
//! # Guarantees
//! What it starts never lifts the tasks that are on their way or running above the maximum percent, and what it stops
//! never takes the healthy ones below the minimum percent. Decided once more on what it has made itself, it decides
//! nothing new.
//!
//! # Assumptions
//! The view is of one moment, and what is decided is kept in one commit that rests upon it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kecs_model::types::{DeploymentControllerType, SchedulingStrategy};

use crate::call::Ids;
use crate::key::Scope;
use crate::placement::Fleet;
use crate::plane::Order;
use crate::record::{self, status};

pub mod breaker;
mod choose;
mod daemon;
mod drain;
mod launch;
pub mod message;
mod replica;
mod rollback;
mod round;
mod sets;
mod settle;
mod store;
mod tally;
#[cfg(test)]
mod tests;

pub(crate) use sets::computed_count;
pub use store::{Outcome, run};

/// All that is known of one service.
#[derive(Debug, Clone)]
pub struct ServiceView {
    /// Whose it is.
    pub scope: Scope,
    /// The service.
    pub service: record::Service,
    /// Its tasks, those that are over included.
    pub tasks: Vec<record::Task>,
    /// Its task sets.
    pub task_sets: Vec<record::TaskSet>,
    /// The task definitions that its deployments and task sets name, by ARN.
    pub definitions: BTreeMap<String, record::TaskDefinition>,
    /// Its revisions, by ARN.
    pub revisions: BTreeMap<String, record::ServiceRevision>,
    /// Its service deployments.
    pub deployments: Vec<record::ServiceDeployment>,
    /// Where its tasks can be placed.
    pub fleet: Fleet,
    /// How fast it is worked at.
    pub pace: Pace,
}

/// How fast a service is worked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many tasks are started in one round at most.
    pub batch: u32,
    /// How long nothing is started after the second round of failures; it doubles with each one more.
    pub throttle: SignedDuration,
    /// The longest that nothing is started.
    pub throttle_limit: SignedDuration,
    /// After how many rounds of failures it is told that tasks cannot be started consistently.
    pub throttle_told: u32,
    /// When to look again for room that there was none of.
    pub placement: SignedDuration,
}

impl Default for Pace {
    /// A server for development: it tries again sooner than AWS would, up to the limit that AWS documents.
    ///
    /// Source of the limit: Amazon ECS developer guide, "Service throttle logic": 15 minutes.
    fn default() -> Self {
        Self {
            batch: 100,
            throttle: SignedDuration::from_secs(1),
            throttle_limit: SignedDuration::from_mins(15),
            throttle_told: 3,
            placement: SignedDuration::from_secs(10),
        }
    }
}

/// What is to be done for a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The service as it is to be kept: the same as before if there is nothing new.
    pub service: record::Service,
    /// The tasks to start.
    pub starts: Vec<Start>,
    /// The tasks to stop, asked to.
    pub stops: Vec<record::Task>,
    /// The service deployments that have changed.
    pub deployments: Vec<record::ServiceDeployment>,
    /// The task sets that have changed.
    pub task_sets: Vec<record::TaskSet>,
    /// The ids of the task sets that are gone.
    pub removed_task_sets: Vec<String>,
    /// When to decide again even if nothing happens.
    pub next_look: Option<Timestamp>,
}

/// A task to start.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// As it is to be kept.
    pub task: record::Task,
    /// What the data plane is told.
    pub order: Order,
}

impl Decision {
    /// Whether nothing is to be kept or done.
    pub fn is_nothing(&self, view: &ServiceView) -> bool {
        self.service == view.service
            && self.starts.is_empty()
            && self.stops.is_empty()
            && self.deployments.is_empty()
            && self.task_sets.is_empty()
            && self.removed_task_sets.is_empty()
    }
}

/// Decides what is to be done for a service.
pub fn decide(view: &ServiceView, now: Timestamp, ids: &Ids) -> Decision {
    let mut round = round::Round::new(view, now, ids);
    let shown = &view.service.service;
    match shown.status.as_deref() {
        Some(status::INACTIVE) => {}
        Some(status::DRAINING) => drain::drain(&mut round),
        Some(_) | None => match controller(view) {
            DeploymentControllerType::Ecs => {
                let is_daemon = match shown.scheduling_strategy {
                    Some(SchedulingStrategy::Daemon) => true,
                    Some(SchedulingStrategy::Replica) | None => false,
                };
                settle::begin(&mut round);
                let clear = if is_daemon {
                    daemon::clear_unhealthy
                } else {
                    replica::clear_unhealthy
                };
                let waited = replica::waits(&mut round);
                clear(&mut round);
                tally::tally(&mut round);
                if waited && !replica::waits(&mut round) {
                    // A task that came to run has ended the pause: what waited for that goes now, and is counted.
                    clear(&mut round);
                    tally::tally(&mut round);
                }
                rollback::answer_requests(&mut round);
                breaker::check(&mut round);
                if is_daemon {
                    daemon::plan(&mut round);
                } else {
                    replica::plan(&mut round);
                }
                settle::finish(&mut round);
            }
            DeploymentControllerType::CodeDeploy | DeploymentControllerType::External => {
                sets::plan(&mut round);
            }
        },
    }
    round.into_decision()
}

/// Who makes deployments of the service.
pub(crate) fn controller(view: &ServiceView) -> DeploymentControllerType {
    let controller = view.service.service.deployment_controller.as_ref();
    controller
        .and_then(|it| it.r#type)
        .unwrap_or(DeploymentControllerType::Ecs)
}
