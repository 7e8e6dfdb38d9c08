//! What an engine can do with one workspace.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use capt_core::fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::classify::LockInfo;
use crate::run::{Changes, Operation, Output, RunEnd, RunId, RunSpec, WorkspaceId};
use crate::runs::Clock;
use crate::stream::{Action, Event};

/// Which engine it is. Sticky for a workspace: a state written by one engine need not be readable by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EngineKind {
    /// `HashiCorp` Terraform.
    Terraform,
    /// `OpenTofu`.
    OpenTofu,
    /// The built-in simulation: nothing real is made.
    Simulated,
}

impl EngineKind {
    /// The word in configuration and status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::OpenTofu => "tofu",
            Self::Simulated => "simulated",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a step failed: at least one fault, the deciding one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The faults.
    pub faults: Vec<Fault>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { faults: vec![fault] }
    }
}

/// A step of a run that starts a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Step {
    /// Install providers and modules.
    Init,
    /// Work out what to do.
    Plan,
    /// Do it.
    Apply,
    /// Read the results.
    Outputs,
}

impl Step {
    /// The word in file names and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Outputs => "output",
        }
    }
}

/// One resource that a plan changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// The Terraform address.
    pub address: String,
    /// The resource type, `aws_eks_cluster`.
    pub resource_type: String,
    /// What is to happen.
    pub action: Action,
    /// Why, in Terraform's word (`tainted`, `cannot_update`), where it says so.
    pub reason: Option<String>,
}

/// A saved plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What it changes; resources without a change are left out.
    pub changes: Vec<PlannedChange>,
    /// Whether applying it would change anything: resources, or only outputs.
    pub applyable: bool,
}

/// What is left of a run from before this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumption {
    /// Which run.
    pub id: RunId,
    /// What it brings about.
    pub operation: Operation,
    /// When it was first started.
    pub started_at: Timestamp,
    /// What it has come to.
    pub at: ResumeAt,
}

/// How far a run from before this process had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResumeAt {
    /// To its end.
    Ended(RunEnd),
    /// To this step, whose process may still be running.
    Step {
        /// The last step that was begun.
        step: Step,
        /// Which attempt of it.
        attempt: u32,
        /// Whether its process is still there.
        alive: bool,
    },
}

/// Where the events of a step go.
pub type EventSink = Arc<dyn Fn(&Event) + Send + Sync>;

/// One run, as an engine sees it.
#[derive(Clone)]
pub struct Job {
    /// What is asked for.
    pub spec: Arc<RunSpec>,
    /// When the run was first started.
    pub started_at: Timestamp,
    /// Where events go.
    pub events: EventSink,
    /// Whether the run is to stop.
    pub cancelled: Cancelled,
    /// Tells the time.
    pub clock: Clock,
}

/// Tells a step that it is to stop.
#[derive(Debug, Clone)]
pub struct Cancelled(pub(crate) watch::Receiver<bool>);

impl Cancelled {
    /// Whether the run is to stop.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run is to stop; for ever if that never happens.
    pub async fn cancelled(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could ask for it.
            std::future::pending::<()>().await;
        }
    }
}

/// Knows how to do each step of a run.
///
/// # Guarantees
///
/// `apply` of one run and attempt is started at most once, also over restarts: called again, it follows what
/// was started before and gives its verdict. Dropping the future of a step leaves its process alone.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Which engine it is.
    fn kind(&self) -> EngineKind;

    /// The version of the engine, found by asking it.
    async fn version(&self) -> Result<String, Fault>;

    /// What is left in the workspace of a run from before this process.
    async fn resume(&self, workspace: &WorkspaceId) -> Result<Option<Resumption>, Fault>;

    /// The spec of the run that is recorded in the workspace, without its files.
    async fn recorded_spec(&self, workspace: &WorkspaceId) -> Result<Option<RunSpec>, Fault>;

    /// Waits until no process of an earlier run works in the workspace. One that stands in the way of a destroy, or
    /// of a job that is cancelled, is asked to stop.
    async fn settle(&self, job: &Job) -> Result<(), Failure>;

    /// Makes the workspace ready for `init`: files, backend, record.
    async fn prepare(&self, job: &Job) -> Result<(), Failure>;

    /// Installs providers and modules and connects the backend.
    async fn init(&self, job: &Job) -> Result<(), Failure>;

    /// Whether there is no state at all: nothing was ever stored, or it was lost. An empty state is one.
    async fn state_is_missing(&self, job: &Job) -> Result<bool, Failure>;

    /// Whether nothing was ever made, by the state alone: for a destroy whose configuration cannot be read. A state
    /// that must be there and is not is no proof.
    async fn has_nothing(&self, job: &Job) -> Result<bool, Failure>;

    /// Works out what to do for the job's operation and saves the plan.
    async fn plan(&self, job: &Job) -> Result<Planned, Failure>;

    /// Applies the saved plan. `attempt` counts from zero within the run.
    async fn apply(&self, job: &Job, attempt: u32) -> Result<Changes, Failure>;

    /// Reads the outputs from the state.
    async fn outputs(&self, job: &Job) -> Result<BTreeMap<String, Output>, Failure>;

    /// The lock that made a step fail, if it is proved that a process of an earlier step has left it and is dead, or
    /// if the job names it as one to take away. Absent for the lock of anybody else.
    async fn abandoned_lock(&self, job: &Job, failure: &Failure) -> Result<Option<LockInfo>, Fault>;

    /// Takes away a lock whose holder is known to be dead. Fails if the state is locked by another one by now.
    async fn unlock(&self, job: &Job, lock_id: &str) -> Result<(), Failure>;

    /// Keeps the verdict, so that a restart does not repeat the run.
    async fn conclude(&self, job: &Job, end: &RunEnd) -> Result<(), Fault>;

    /// Removes everything kept for the workspace. Refused while it holds a state that was never stored.
    fn forget(&self, workspace: &WorkspaceId) -> Result<(), Fault>;
}
