//! A service, its tasks and what becomes of them, one step at a time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kecs_model::types::{
    self, ContainerDefinition, DeploymentCircuitBreaker, DeploymentConfiguration, HealthStatus, LaunchType,
    TaskStopCode,
};

use crate::call::Ids;
use crate::deployment;
use crate::key::Scope;
use crate::placement::Fleet;
use crate::plane::{ContainerReport, Report, Stop, TaskStatus};
use crate::record;
use crate::scheduler::{Decision, Pace, ServiceView, decide};
use crate::task;

/// A service and all around it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) view: ServiceView,
    pub(super) now: Timestamp,
    pub(super) ids: Ids,
}

/// A second.
pub(super) const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// A definition of one essential container, with a health check or without.
pub(super) fn definition(scope: &Scope, revision: i32, checked: bool) -> record::TaskDefinition {
    let health_check = checked.then(types::HealthCheck::default);
    record::TaskDefinition {
        definition: types::TaskDefinition {
            task_definition_arn: Some(scope.arn(&format!("task-definition/web:{revision}"))),
            family: Some("web".to_owned()),
            revision: Some(revision),
            cpu: Some("256".to_owned()),
            memory: Some("512".to_owned()),
            container_definitions: Some(vec![ContainerDefinition {
                name: Some("app".to_owned()),
                image: Some(format!("app:{revision}")),
                essential: Some(true),
                health_check,
                ..ContainerDefinition::default()
            }]),
            ..types::TaskDefinition::default()
        },
        tags: Vec::new(),
    }
}

impl World {
    /// A service on Fargate with this count and these percents, whose first deployment was just begun.
    pub(super) fn new(desired: i32, minimum: i32, maximum: i32) -> Self {
        let scope = Scope::new("123456789012", "eu-west-1");
        let ids = Ids::new(7);
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let service = record::Service {
            service: types::Service {
                service_arn: Some(scope.arn("service/blue/web")),
                service_name: Some("web".to_owned()),
                cluster_arn: Some(scope.arn("cluster/blue")),
                status: Some("ACTIVE".to_owned()),
                desired_count: Some(desired),
                launch_type: Some(LaunchType::Fargate),
                deployment_configuration: Some(DeploymentConfiguration {
                    minimum_healthy_percent: Some(minimum),
                    maximum_percent: Some(maximum),
                    ..DeploymentConfiguration::default()
                }),
                ..types::Service::default()
            },
            ..record::Service::default()
        };
        let definitions = (1..=9).map(|revision| {
            let it = definition(&scope, revision, false);
            (it.definition.task_definition_arn.clone().unwrap(), it)
        });
        let mut world = Self {
            view: ServiceView {
                definitions: definitions.collect(),
                scope,
                service,
                tasks: Vec::new(),
                task_sets: Vec::new(),
                revisions: BTreeMap::new(),
                deployments: Vec::new(),
                fleet: Fleet::default(),
                pace: Pace::default(),
            },
            now,
            ids,
        };
        world.deploy(1);
        world
    }

    /// With a breaker that rolls back or not.
    pub(super) fn with_breaker(mut self, rollback: bool) -> Self {
        self.breaker(DeploymentCircuitBreaker {
            enable: Some(true),
            rollback: Some(rollback),
            ..DeploymentCircuitBreaker::default()
        });
        self
    }

    pub(super) fn breaker(&mut self, breaker: DeploymentCircuitBreaker) {
        let configuration = self.view.service.service.deployment_configuration.as_mut();
        configuration.unwrap().deployment_circuit_breaker = Some(breaker);
    }

    /// With health checks in all of its definitions.
    pub(super) fn with_checks(mut self) -> Self {
        for (revision, it) in (1..).zip(self.view.definitions.values_mut()) {
            *it = definition(&self.view.scope, revision, true);
        }
        self
    }

    /// Begins a deployment of a revision of the definition.
    pub(super) fn deploy(&mut self, revision: i32) {
        let arn = self.view.scope.arn(&format!("task-definition/web:{revision}"));
        let content = types::ServiceRevision {
            task_definition: Some(arn.clone()),
            launch_type: self.view.service.service.launch_type,
            ..types::ServiceRevision::default()
        };
        let opened = deployment::open(
            &self.view.scope,
            &mut self.view.service,
            content,
            &self.view.definitions[&arn].definition,
            &self.ids,
            self.now,
        );
        let arn = opened.revision.revision.service_revision_arn.clone().unwrap();
        self.view.revisions.insert(arn, opened.revision);
        self.view.deployments.push(opened.deployment);
    }

    /// Changes the desired count.
    pub(super) fn scale(&mut self, desired: i32) {
        self.view.service.service.desired_count = Some(desired);
    }

    /// Decides and keeps what was decided.
    pub(super) fn round(&mut self) -> Decision {
        let decision = decide(&self.view, self.now, &self.ids);
        self.keep(&decision);
        decision
    }

    pub(super) fn keep(&mut self, decision: &Decision) {
        let view = &mut self.view;
        view.service = decision.service.clone();
        for stop in &decision.stops {
            let same = |it: &&mut record::Task| it.task.task_arn == stop.task.task_arn;
            *view.tasks.iter_mut().find(same).unwrap() = stop.clone();
        }
        view.tasks
            .extend(decision.starts.iter().map(|it| it.task.clone()));
        for changed in &decision.deployments {
            let arn = &changed.deployment.service_deployment_arn;
            let same = |it: &&mut record::ServiceDeployment| it.deployment.service_deployment_arn == *arn;
            *view.deployments.iter_mut().find(same).unwrap() = changed.clone();
        }
        for changed in &decision.task_sets {
            let same = |it: &&mut record::TaskSet| it.task_set.id == changed.task_set.id;
            *view.task_sets.iter_mut().find(same).unwrap() = changed.clone();
        }
        view.task_sets.retain(|it| {
            !decision
                .removed_task_sets
                .contains(it.task_set.id.as_ref().unwrap())
        });
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: SignedDuration) {
        self.now = self.now.checked_add(time).unwrap();
    }

    /// Reports something of a task. A report that says nothing new changes nothing.
    pub(super) fn report(
        &mut self,
        nth: usize,
        status: TaskStatus,
        health: Option<HealthStatus>,
        stop: Option<Stop>,
    ) {
        self.pass(SignedDuration::from_millis(1));
        let arn = self.view.tasks[nth].task.task_arn.clone().unwrap();
        let report = Report {
            task_arn: arn,
            at: self.now,
            status,
            containers: BTreeMap::from([(
                "app".to_owned(),
                ContainerReport {
                    health,
                    ..ContainerReport::default()
                },
            )]),
            attachments: None,
            stop,
        };
        if let Some(after) = task::apply(&self.view.tasks[nth], &report) {
            self.view.tasks[nth] = after;
        }
    }

    /// The task runs.
    pub(super) fn run(&mut self, nth: usize) {
        self.report(nth, TaskStatus::Running, None, None);
    }

    /// The task runs, and its health checks say this.
    pub(super) fn found(&mut self, nth: usize, health: HealthStatus) {
        self.report(nth, TaskStatus::Running, Some(health), None);
    }

    /// The task fails before it runs.
    pub(super) fn fail(&mut self, nth: usize) {
        let stop = Stop {
            code: TaskStopCode::TaskFailedToStart,
            reason: "CannotPullContainerError: no such image".to_owned(),
        };
        self.report(nth, TaskStatus::Stopped, None, Some(stop));
    }

    /// The task ends: as it was asked to, or by itself.
    pub(super) fn end(&mut self, nth: usize) {
        self.report(nth, TaskStatus::Stopped, None, None);
    }

    /// The places of the tasks of a revision of the definition for which this holds.
    pub(super) fn places(&self, is: impl Fn(&record::Task) -> bool) -> Vec<usize> {
        let all = self.view.tasks.iter().enumerate();
        all.filter(|(_, it)| is(it)).map(|(nth, _)| nth).collect()
    }

    /// Those of a revision that are to run and do not yet.
    pub(super) fn coming(&self, revision: i32) -> Vec<usize> {
        self.places(|it| {
            of(it, revision) && task::is_wanted(it) && task::last_status(it) < TaskStatus::Running
        })
    }

    /// Those of a revision that run and are to.
    pub(super) fn running(&self, revision: i32) -> Vec<usize> {
        self.places(|it| {
            of(it, revision) && task::is_wanted(it) && task::last_status(it) == TaskStatus::Running
        })
    }

    /// Those that are to stop and have not yet.
    pub(super) fn leaving(&self) -> Vec<usize> {
        self.places(|it| !task::is_wanted(it) && !task::is_over(it))
    }

    /// Lets everything that comes run and everything that leaves end, round by round, until nothing changes.
    pub(super) fn settle(&mut self) {
        for _ in 0..200 {
            let decision = self.round();
            let leaving = self.leaving();
            for nth in &leaving {
                self.end(*nth);
            }
            let coming = self.places(|it| task::is_wanted(it) && task::last_status(it) < TaskStatus::Running);
            for nth in &coming {
                self.run(*nth);
                if !self.view.tasks[*nth].checked.is_empty() {
                    self.found(*nth, HealthStatus::Healthy);
                }
            }
            if coming.is_empty() && leaving.is_empty() && decision.starts.is_empty() {
                return;
            }
            self.pass(SECOND);
        }
        panic!("it does not settle: {:#?}", self.messages());
    }

    /// What was told, the oldest first.
    pub(super) fn messages(&self) -> Vec<String> {
        let events = self.view.service.service.events.iter().flatten().rev();
        events.map(|it| it.message.clone().unwrap()).collect()
    }

    /// The deployments: revision, status, desired count, rollout state and failed tasks of each.
    pub(super) fn deployments(&self) -> Vec<String> {
        let all = self.view.service.service.deployments.iter().flatten();
        all.map(|it| {
            let revision = it.task_definition.as_deref().unwrap().rsplit(':').next().unwrap();
            let (status, state) = (it.status.as_deref().unwrap(), it.rollout_state.unwrap());
            let (desired, failed) = (it.desired_count.unwrap(), it.failed_tasks.unwrap());
            format!(
                "web:{revision} {status} desired {desired} {} failed {failed}",
                state.as_str()
            )
        })
        .collect()
    }

    /// The status of each service deployment, the oldest first.
    pub(super) fn statuses(&self) -> Vec<&'static str> {
        let all = self.view.deployments.iter();
        all.map(|it| it.deployment.status.unwrap().as_str()).collect()
    }
}

/// Whether a task is of this revision of the definition.
pub(super) fn of(task: &record::Task, revision: i32) -> bool {
    let arn = task.task.task_definition_arn.as_deref().unwrap();
    arn.ends_with(&format!("/web:{revision}"))
}
