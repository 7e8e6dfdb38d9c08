//! The life of one simulated task, as a queue of what happens when.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kecs_core::plane::{ContainerReport, Order, Report, Stop, TaskStatus};
use kecs_model::types::{
    Attachment, ContainerCondition, ContainerDependency, HealthStatus, NetworkMode, PortMapping, TaskStopCode,
};

use crate::Durations;
use crate::attachment::{attached, binding, detached, interface};
use crate::script::{self, Script};

/// What a container that is asked to end exits with: it was ended by SIGTERM.
const TERMINATED: i32 = 128 + 15;

/// The life of one task. [`Run::next`] says when something happens, [`Run::advance`] lets it happen.
#[derive(Debug)]
pub struct Run {
    task_arn: String,
    network_mode: Option<NetworkMode>,
    /// As they were ordered.
    ordered: Option<Vec<Attachment>>,
    durations: Durations,
    began: Timestamp,
    queue: BTreeMap<(Duration, u32), Happening>,
    queued: u32,
    status: TaskStatus,
    // In boxes: a map has room for more than most tasks have.
    containers: BTreeMap<String, Box<Simulated>>,
    attachments: Option<Vec<Attachment>>,
    stop: Option<Stop>,
}

#[derive(Debug)]
struct Simulated {
    essential: bool,
    depends_on: Vec<ContainerDependency>,
    port_mappings: Vec<PortMapping>,
    script: Script,
    stage: Stage,
    told: ContainerReport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Pulled,
    Running,
    Over { code: i32 },
}

#[derive(Debug, Clone)]
enum Happening {
    Provisioned,
    Pulled(String),
    Activated,
    Looked(String, HealthStatus),
    Exited(String, i32),
    Deactivated,
    ContainersStopped,
    Released,
}

impl Run {
    /// A task that begins when it was created.
    pub fn new(order: Order, durations: Durations, now: Timestamp) -> Self {
        let began = order.task.created_at.map_or(now, Timestamp::from);
        let definitions = order.definition.container_definitions.unwrap_or_default();
        let containers = definitions.into_iter().map(|definition| {
            let simulated = Simulated {
                script: script::read(&definition),
                essential: definition.essential.unwrap_or(true),
                depends_on: definition.depends_on.unwrap_or_default(),
                port_mappings: definition.port_mappings.unwrap_or_default(),
                stage: Stage::Waiting,
                told: ContainerReport {
                    last_status: Some("PENDING".to_owned()),
                    health: definition.health_check.as_ref().map(|_| HealthStatus::Unknown),
                    ..ContainerReport::default()
                },
            };
            (definition.name.unwrap_or_default(), Box::new(simulated))
        });
        let mut run = Self {
            containers: containers.collect(),
            task_arn: order.task.task_arn.unwrap_or_default(),
            network_mode: order.definition.network_mode,
            ordered: order.task.attachments,
            durations,
            began,
            queue: BTreeMap::new(),
            queued: 0,
            status: TaskStatus::Provisioning,
            attachments: None,
            stop: None,
        };
        run.expect(durations.provisioning, Happening::Provisioned);
        run
    }

    /// When it began.
    pub const fn began(&self) -> Timestamp {
        self.began
    }

    /// When the next thing happens; `None` until it is asked to stop, or for ever if it is over.
    pub fn next(&self) -> Option<Timestamp> {
        self.queue.keys().next().map(|(offset, _)| self.at(*offset))
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.status == TaskStatus::Stopped
    }

    /// Lets the next thing happen and tells of it.
    pub fn advance(&mut self) -> Option<Report> {
        let ((offset, _), happening) = self.queue.pop_first()?;
        match happening {
            Happening::Provisioned => self.provisioned(offset),
            Happening::Pulled(name) => self.pulled(&name, offset),
            Happening::Activated => self.status = TaskStatus::Running,
            Happening::Looked(name, health) => {
                if let Some(container) = self.containers.get_mut(&name) {
                    container.told.health = Some(health);
                }
                self.start_what_may(offset);
            }
            Happening::Exited(name, code) => self.exited(&name, code, offset),
            Happening::Deactivated => {
                self.status = TaskStatus::Stopping;
                self.expect(offset + self.durations.stopping, Happening::ContainersStopped);
            }
            Happening::ContainersStopped => {
                for container in self.containers.values_mut() {
                    container.end(TERMINATED);
                }
                self.status = TaskStatus::Deprovisioning;
                self.expect(offset + self.durations.deprovisioning, Happening::Released);
            }
            Happening::Released => self.released(),
        }
        Some(self.report(offset))
    }

    /// Asks it to stop, and tells what comes of that at once.
    pub fn stop(&mut self, now: Timestamp) -> Option<Report> {
        if self.status >= TaskStatus::Deactivating {
            return None;
        }
        let offset = Duration::try_from(now.duration_since(self.began)).unwrap_or_default();
        self.end(None, offset);
        Some(self.report(offset))
    }

    fn provisioned(&mut self, offset: Duration) {
        self.status = TaskStatus::Pending;
        if let Some(ordered) = self.ordered.as_deref().filter(|all| !all.is_empty()) {
            let attached = ordered.iter().map(|it| attached(it, &self.task_arn));
            self.attachments = Some(attached.collect());
        }
        let names: Vec<String> = self.containers.keys().cloned().collect();
        for name in names {
            self.expect(offset + self.durations.pulling, Happening::Pulled(name));
        }
    }

    fn released(&mut self) {
        self.status = TaskStatus::Stopped;
        // What was never attached is given back as well.
        let attachments = self.attachments.as_deref().or(self.ordered.as_deref());
        self.attachments = attachments.map(|all| all.iter().map(detached).collect());
    }

    fn pulled(&mut self, name: &str, offset: Duration) {
        let Some(container) = self.containers.get_mut(name) else {
            return;
        };
        if let Some(error) = container.script.pull_error.clone() {
            let reason = format!("CannotPullContainerError: {error}");
            container.told.reason = Some(reason.clone());
            let stop = Stop {
                code: TaskStopCode::TaskFailedToStart,
                reason,
            };
            self.end(Some(stop), offset);
            return;
        }
        container.stage = Stage::Pulled;
        self.start_what_may(offset);
    }

    fn exited(&mut self, name: &str, code: i32, offset: Duration) {
        let Some(container) = self.containers.get_mut(name) else {
            return;
        };
        container.end(code);
        if container.essential {
            let stop = Stop {
                code: TaskStopCode::EssentialContainerExited,
                reason: "Essential container in task exited".to_owned(),
            };
            self.end(Some(stop), offset);
            return;
        }
        let waits = |it: &Simulated| {
            it.stage == Stage::Pulled
                && it
                    .conditions()
                    .any(|(on, how)| on == name && how == ContainerCondition::Success)
        };
        let in_vain = self
            .containers
            .iter()
            .find(|(_, it)| code != 0 && waits(it))
            .map(|(name, _)| name.clone());
        match in_vain {
            Some(waiting) => {
                let stop = Stop {
                    code: TaskStopCode::TaskFailedToStart,
                    reason: format!(
                        "Task failed to start: container {waiting} waits for {name}, which exited with {code}"
                    ),
                };
                self.end(Some(stop), offset);
            }
            None => self.start_what_may(offset),
        }
    }

    /// Starts the containers whose image is there and whose dependencies are met.
    fn start_what_may(&mut self, offset: Duration) {
        loop {
            let may = |it: &Simulated| {
                it.stage == Stage::Pulled
                    && it
                        .conditions()
                        .all(|(on, how)| self.containers.get(on).is_none_or(|on| on.meets(how)))
            };
            let next = self
                .containers
                .iter()
                .find(|(_, it)| may(it))
                .map(|(name, _)| name.clone());
            let Some(name) = next else { break };
            self.start(&name, offset);
        }
        let started = |it: &Simulated| matches!(it.stage, Stage::Running | Stage::Over { .. });
        if self.status == TaskStatus::Pending && self.containers.values().all(|it| started(it)) {
            self.status = TaskStatus::Activating;
            self.expect(offset + self.durations.activating, Happening::Activated);
        }
    }

    fn start(&mut self, name: &str, offset: Duration) {
        let arn = self.task_arn.clone();
        let mode = self.network_mode;
        let interfaces: Vec<_> = self
            .attachments
            .iter()
            .flatten()
            .map(|it| interface(it, &arn))
            .collect();
        let Some(container) = self.containers.get_mut(name) else {
            return;
        };
        container.stage = Stage::Running;
        let told = &mut container.told;
        told.last_status = Some("RUNNING".to_owned());
        let id = arn.rsplit('/').next().unwrap_or_default();
        told.runtime_id = Some(format!(
            "{id}-{:010}",
            capt_core::retry::seed_of(name) % 10_000_000_000
        ));
        if interfaces.is_empty() {
            let host_mode = mode == Some(NetworkMode::Host);
            let bindings = (0..)
                .zip(&container.port_mappings)
                .map(|(nth, it)| binding(it, &arn, nth, host_mode));
            told.network_bindings = Some(bindings.collect());
        } else {
            told.network_bindings = Some(Vec::new());
            told.network_interfaces = Some(interfaces);
        }
        let (exit, health) = (container.script.exit, container.script.health);
        if let Some((after, code)) = exit {
            self.expect(offset + after, Happening::Exited(name.to_owned(), code));
        }
        if let Some((later, found)) = health {
            let first = offset + self.durations.health;
            if later.is_zero() {
                self.expect(first, Happening::Looked(name.to_owned(), found));
            } else {
                self.expect(first, Happening::Looked(name.to_owned(), HealthStatus::Healthy));
                self.expect(
                    offset + later.max(self.durations.health),
                    Happening::Looked(name.to_owned(), found),
                );
            }
        }
    }

    /// Ends it; nothing of what was to happen happens any more.
    fn end(&mut self, stop: Option<Stop>, offset: Duration) {
        self.queue.clear();
        self.stop = stop;
        let begun = self.containers.values().any(|it| it.stage == Stage::Running);
        if self.status >= TaskStatus::Activating || begun {
            self.status = TaskStatus::Deactivating;
            self.expect(offset + self.durations.deactivating, Happening::Deactivated);
        } else {
            self.status = TaskStatus::Deprovisioning;
            for container in self.containers.values_mut() {
                container.told.last_status = Some("STOPPED".to_owned());
            }
            self.expect(offset + self.durations.deprovisioning, Happening::Released);
        }
    }

    fn expect(&mut self, offset: Duration, happening: Happening) {
        self.queued += 1;
        self.queue.insert((offset, self.queued), happening);
    }

    fn at(&self, offset: Duration) -> Timestamp {
        let offset = SignedDuration::try_from(offset).unwrap_or(SignedDuration::MAX);
        self.began.checked_add(offset).unwrap_or(Timestamp::MAX)
    }

    fn report(&self, offset: Duration) -> Report {
        Report {
            task_arn: self.task_arn.clone(),
            at: self.at(offset),
            status: self.status,
            containers: self
                .containers
                .iter()
                .map(|(name, it)| (name.clone(), it.told.clone()))
                .collect(),
            attachments: self.attachments.clone(),
            stop: self.stop.clone(),
        }
    }
}

impl Simulated {
    /// What it waits for: containers by name, and what is asked of each.
    fn conditions(&self) -> impl Iterator<Item = (&str, ContainerCondition)> {
        self.depends_on
            .iter()
            .filter_map(|it| Some((it.container_name.as_deref()?, it.condition?)))
    }

    /// Whether it is what others wait for.
    fn meets(&self, condition: ContainerCondition) -> bool {
        match condition {
            ContainerCondition::Start => {
                self.stage == Stage::Running || matches!(self.stage, Stage::Over { .. })
            }
            ContainerCondition::Complete => matches!(self.stage, Stage::Over { .. }),
            ContainerCondition::Success => self.stage == Stage::Over { code: 0 },
            ContainerCondition::Healthy => {
                self.stage == Stage::Running && self.told.health == Some(HealthStatus::Healthy)
            }
        }
    }

    fn end(&mut self, code: i32) {
        if self.stage == Stage::Running {
            self.told.exit_code = Some(code);
            self.stage = Stage::Over { code };
        }
        self.told.last_status = Some("STOPPED".to_owned());
    }
}
