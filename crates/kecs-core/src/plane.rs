//! What runs the tasks: a trait, what it is told and what it reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use kecs_model::types;
use serde::{Deserialize, Serialize};

/// What runs tasks: pods, or a simulation of them.
///
/// Everything is told once more after a restart, so each call does nothing where it has been done already.
#[async_trait]
pub trait DataPlane: Send + Sync {
    /// Where reports go from now on, and the tasks that are not over. Whatever it runs besides is stopped; what it does
    /// not run any more is reported as stopped.
    async fn attach(&self, reports: Arc<dyn Reports>, live: Vec<Order>);

    /// Runs a task.
    async fn run(&self, order: Order) -> Result<(), PlaneFault>;

    /// Ends a task: asked to, and after its containers' stop timeouts made to.
    async fn stop(&self, task_arn: &str) -> Result<(), PlaneFault>;

    /// Opens a session in a container of a running task.
    async fn execute(&self, request: Execute) -> Result<types::Session, PlaneFault>;
}

/// Who hears of what becomes of tasks.
#[async_trait]
pub trait Reports: Send + Sync {
    /// Something has become of a task. Returns once that is kept.
    async fn report(&self, report: Report);
}

/// A task to run, with all that it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The task.
    pub task: types::Task,
    /// What it is made from.
    pub definition: types::TaskDefinition,
    /// The service it belongs to, with load balancers, registries and Service Connect, if it belongs to one; without its
    /// deployments and events.
    pub service: Option<types::Service>,
}

/// A command to run in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execute {
    /// The ARN of the task.
    pub task_arn: String,
    /// The name of the container.
    pub container: String,
    /// The command line.
    pub command: String,
}

/// How far a task is. In this order; a task that cannot start goes straight to its end.
///
/// Source: Amazon ECS developer guide, "Task lifecycle".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaskStatus {
    /// What it needs before its containers is made: network interfaces, a machine.
    Provisioning,
    /// It waits for its containers: images are pulled.
    Pending,
    /// Its containers run; it is entered with load balancers and registries.
    Activating,
    /// It runs.
    Running,
    /// It is taken out of load balancers and registries.
    Deactivating,
    /// Its containers are stopped.
    Stopping,
    /// What it needed before its containers is given back.
    Deprovisioning,
    /// It is over.
    Stopped,
}

/// What has become of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The ARN of the task.
    pub task_arn: String,
    /// When it was seen.
    pub at: Timestamp,
    /// How far it is.
    pub status: TaskStatus,
    /// Its containers by name, as far as anything is known of them.
    pub containers: BTreeMap<String, ContainerReport>,
    /// Its attachments, if they have changed.
    pub attachments: Option<Vec<types::Attachment>>,
    /// Why it stops or has stopped, if it was not asked to.
    pub stop: Option<Stop>,
}

/// Why a task ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// As the API classes it.
    pub code: types::TaskStopCode,
    /// In words: `Essential container in task exited`.
    pub reason: String,
}

/// What is known of a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerReport {
    /// `PENDING`, `RUNNING` or `STOPPED`.
    pub last_status: Option<String>,
    /// The id that its runtime gave it.
    pub runtime_id: Option<String>,
    /// The digest of its image.
    pub image_digest: Option<String>,
    /// What it exited with.
    pub exit_code: Option<i32>,
    /// Why it could not start or was ended: `CannotPullContainerError: ...`, `OutOfMemoryError: ...`.
    pub reason: Option<String>,
    /// What its health check says.
    pub health: Option<types::HealthStatus>,
    /// Its ports on the machine.
    pub network_bindings: Option<Vec<types::NetworkBinding>>,
    /// Its addresses.
    pub network_interfaces: Option<Vec<types::NetworkInterface>>,
}

/// A data plane could not do what it was told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaneFault {
    /// It cannot be reached for the moment.
    #[error("the data plane cannot be reached: {0}")]
    Unreachable(String),
    /// It does not know the task, or the task does not run.
    #[error("the task does not run: {0}")]
    NotRunning(String),
    /// It does not do this at all.
    #[error("the data plane does not support this: {0}")]
    Unsupported(String),
    /// It has no room for the task: the reason as `failures` tell it, such as `RESOURCE:MEMORY`.
    #[error("{0}")]
    NoRoom(String),
}
