//! One round of the scheduler: what it works on, and what comes of it so far.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kecs_model::Time;
use kecs_model::types::{Deployment, ServiceEvent, TaskStopCode};

use super::{Decision, ServiceView, Start, message};
use crate::call::Ids;
use crate::deployment;
use crate::lifecycle::deployment::RolloutState;
use crate::placement::Fleet;
use crate::record;
use crate::task;

/// What a round works on.
pub(super) struct Round<'a> {
    pub(super) view: &'a ServiceView,
    pub(super) now: Timestamp,
    pub(super) ids: &'a Ids,
    /// The service as it will be kept.
    pub(super) service: record::Service,
    /// The tasks, those asked to stop in this round as they will be kept.
    pub(super) tasks: Vec<record::Task>,
    pub(super) task_sets: Vec<record::TaskSet>,
    pub(super) deployments: Vec<record::ServiceDeployment>,
    pub(super) fleet: Fleet,
    pub(super) starts: Vec<Start>,
    pub(super) removed_task_sets: Vec<String>,
    /// Whether the failures of the newest deployment reached the breaker's threshold.
    pub(super) tripped: bool,
    stopped: BTreeMap<String, usize>,
    next_look: Option<Timestamp>,
}

impl<'a> Round<'a> {
    pub(super) fn new(view: &'a ServiceView, now: Timestamp, ids: &'a Ids) -> Self {
        Self {
            view,
            now,
            ids,
            service: view.service.clone(),
            tasks: view.tasks.clone(),
            task_sets: view.task_sets.clone(),
            deployments: view.deployments.clone(),
            fleet: view.fleet.clone(),
            starts: Vec::new(),
            removed_task_sets: Vec::new(),
            tripped: false,
            stopped: BTreeMap::new(),
            next_look: None,
        }
    }

    /// The name of the service.
    pub(super) fn name(&self) -> String {
        self.service.service.service_name.clone().unwrap_or_default()
    }

    /// The name of its cluster.
    pub(super) fn cluster(&self) -> String {
        deployment::names(&self.service).0
    }

    /// How many tasks it is to have.
    pub(super) fn desired(&self) -> u32 {
        count(self.service.service.desired_count)
    }

    /// The newest deployment.
    pub(super) fn primary(&self) -> Option<&Deployment> {
        self.service.service.deployments.as_ref()?.first()
    }

    /// How far the rollout of the newest deployment is.
    pub(super) fn rollout_state(&self) -> Option<RolloutState> {
        self.primary()?.rollout_state.map(RolloutState::from)
    }

    /// The deployment at this place, changed; the time of its change is kept.
    pub(super) fn change_deployment(&mut self, nth: usize, change: impl FnOnce(&mut Deployment)) {
        let deployments = self.service.service.deployments.as_mut();
        if let Some(deployment) = deployments.and_then(|it| it.get_mut(nth)) {
            let before = deployment.clone();
            change(deployment);
            if *deployment != before {
                deployment.updated_at = Some(Time::from(self.now));
            }
        }
    }

    /// The service deployment with this ARN, changed; the time of its change is kept.
    pub(super) fn change_service_deployment(
        &mut self,
        arn: &str,
        change: impl FnOnce(&mut kecs_model::types::ServiceDeployment),
    ) {
        let mut all = self.deployments.iter_mut();
        let found = all.find(|it| it.deployment.service_deployment_arn.as_deref() == Some(arn));
        if let Some(found) = found {
            let before = found.deployment.clone();
            change(&mut found.deployment);
            if found.deployment != before {
                found.deployment.updated_at = Some(Time::from(self.now));
            }
        }
    }

    /// Tells something that was done.
    pub(super) fn tell(&mut self, message: String) {
        let event = ServiceEvent {
            id: Some(self.ids.uuid()),
            created_at: Some(Time::from(self.now)),
            message: Some(message),
        };
        let events = self.service.service.events.get_or_insert_default();
        events.insert(0, event);
        events.truncate(message::KEPT);
    }

    /// Tells something that lasts: not again before the service was steady in between or six hours have passed.
    pub(super) fn tell_once(&mut self, message: String) {
        let steady = message::steady(&self.name());
        let events = self.service.service.events.iter().flatten();
        let since = events.take_while(|it| it.message.as_ref() != Some(&steady) || message == steady);
        let mut same = since.filter(|it| it.message.as_ref() == Some(&message));
        let last = same.next().and_then(|it| it.created_at).map(Time::timestamp);
        let repeated = |last: Timestamp| self.now.duration_since(last) < message::REPEATED_AFTER;
        if !last.is_some_and(repeated) {
            self.tell(message);
        }
    }

    /// Looks again at this moment at the latest.
    pub(super) fn look_at(&mut self, at: Timestamp) {
        if at > self.now {
            self.next_look = Some(self.next_look.map_or(at, |next| next.min(at)));
        }
    }

    /// Looks again at once: there is more to do than a round does.
    pub(super) fn look_again(&mut self) {
        self.next_look = Some(self.now);
    }

    /// Asks the task at this place to stop.
    pub(super) fn stop(&mut self, nth: usize, reason: &str) {
        let code = TaskStopCode::ServiceSchedulerInitiated;
        let Some(task) = self.tasks.get(nth) else {
            return;
        };
        if let Some(stopping) = task::request_stop(task, reason, code, self.now) {
            self.stopped
                .insert(stopping.task.task_arn.clone().unwrap_or_default(), nth);
            self.tasks[nth] = stopping;
        }
    }

    /// Whether a task is to leave its instance, which drains: another takes its place within the percents of the service.
    ///
    /// Source: `UpdateContainerInstancesState` of the API reference.
    pub(super) fn is_displaced(&self, task: &record::Task) -> bool {
        let instance = task.task.container_instance_arn.as_deref();
        instance.is_some_and(|arn| self.fleet.is_draining(arn))
    }

    /// The places of the tasks that these conditions hold for.
    pub(super) fn places(&self, is: impl Fn(&record::Task) -> bool) -> Vec<usize> {
        let all = self.tasks.iter().enumerate();
        all.filter(|(_, task)| is(task)).map(|(nth, _)| nth).collect()
    }

    pub(super) fn into_decision(self) -> Decision {
        let Self {
            view,
            service,
            tasks,
            task_sets,
            deployments,
            starts,
            removed_task_sets,
            stopped,
            next_look,
            now: _,
            ids: _,
            fleet: _,
            tripped: _,
        } = self;
        let is_new_set = |it: &record::TaskSet| !view.task_sets.contains(it);
        let is_new = |it: &record::ServiceDeployment| !view.deployments.contains(it);
        Decision {
            service,
            starts,
            stops: stopped
                .into_values()
                .filter_map(|nth| tasks.get(nth).cloned())
                .collect(),
            deployments: deployments.into_iter().filter(is_new).collect(),
            task_sets: task_sets
                .into_iter()
                .filter(is_new_set)
                .filter(|it| {
                    let id = it.task_set.id.clone().unwrap_or_default();
                    !removed_task_sets.contains(&id)
                })
                .collect(),
            removed_task_sets,
            next_look,
        }
    }
}

/// A count of the API, none below zero.
pub(super) fn count(count: Option<i32>) -> u32 {
    u32::try_from(count.unwrap_or(0)).unwrap_or(0)
}

/// A count as the API has it.
pub(super) fn shown(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The id of a task: what stands behind the last slash of its ARN.
pub(super) fn id_of(task: &record::Task) -> &str {
    let arn = task.task.task_arn.as_deref().unwrap_or_default();
    arn.rsplit('/').next().unwrap_or_default()
}
