//! The values of one run: what is asked for, how far it is, how it ended.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path};

use capt_core::fault::{Fault, FaultClass};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The identity of a workspace: the uid of the object that owns it. Also the name of its directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkspaceId(pub String);

/// The identity of one run of a workspace. Starting a run of the same id over the same
/// input again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl WorkspaceId {
    /// The workspace of this uid.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The uid.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RunId {
    /// The run of this name.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a run is to bring about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// Everything in the configuration exists as it says.
    Apply,
    /// Nothing that the state knows exists any more.
    Destroy,
}

/// Where the state is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backend {
    /// In Secrets of a Kubernetes cluster, locked by a Lease.
    Kubernetes {
        /// The namespace of the Secrets.
        namespace: String,
        /// The last part of their names: `tfstate-default-<suffix>`.
        secret_suffix: String,
        /// The kubeconfig file to reach the cluster with; absent means from inside the cluster.
        config_path: Option<String>,
    },
    /// In a file of the workspace's directory. It is gone when the workspace is forgotten.
    Local,
    /// Where the configuration itself says.
    AsConfigured,
}

/// Everything a run needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSpec {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The run.
    pub id: RunId,
    /// What to bring about.
    pub operation: Operation,
    /// The files of the root module by relative path: `main.tf`, `inputs.auto.tfvars.json`. They may hold
    /// secrets and are written for the owner alone.
    #[serde(skip)]
    pub files: BTreeMap<String, Vec<u8>>,
    /// The environment of the process, on top of what the engine gives every process.
    pub env: BTreeMap<String, String>,
    /// Where the state is kept.
    pub backend: Backend,
    /// A digest over everything that decides the outcome; a saved plan and a kept verdict are bound to it.
    pub input_digest: String,
    /// The workspace was applied before: an empty state then means that the state was lost, and the run fails
    /// with class [`FaultClass::Integrity`] before anything is planned.
    pub expect_state: bool,
    /// Resource types whose removal or replacement by an [`Operation::Apply`] needs an approval.
    pub protected: Vec<String>,
    /// The approval.
    pub approved: bool,
    /// More arguments of `init`.
    pub init_args: Vec<String>,
    /// More arguments of `plan`.
    pub plan_args: Vec<String>,
    /// More arguments of `apply`.
    pub apply_args: Vec<String>,
    /// The workspace's name for people.
    pub label: String,
    /// The id of a lock that a person says is nobody's any more: it is taken away if it stands in the way.
    #[serde(default)]
    pub unlock: Option<String>,
    /// Secret values, as they are: `(redacted)` takes their place in everything that the run says, if they are
    /// at least six bytes long. Like the environment, not kept longer than the run.
    #[serde(default)]
    pub redact: Vec<String>,
}

impl RunSpec {
    /// A run over `files` that keeps its state in a local file; everything else is empty or off.
    pub fn new(
        workspace: WorkspaceId,
        id: RunId,
        operation: Operation,
        files: BTreeMap<String, Vec<u8>>,
    ) -> Self {
        Self {
            label: workspace.0.clone(),
            workspace,
            id,
            operation,
            files,
            env: BTreeMap::new(),
            backend: Backend::Local,
            input_digest: String::new(),
            expect_state: false,
            protected: Vec::new(),
            approved: false,
            init_args: Vec::new(),
            plan_args: Vec::new(),
            apply_args: Vec::new(),
            unlock: None,
            redact: Vec::new(),
        }
    }

    /// Refuses what could leave the workspace's directory or cannot be a name in it.
    pub fn validate(&self) -> Result<(), Fault> {
        let invalid = |message: String| Fault::new(FaultClass::Invalid, "InvalidRun", message);
        if !is_file_name(&self.workspace.0) {
            return Err(invalid(format!(
                "workspace id {:?} is not a plain name",
                self.workspace.0
            )));
        }
        if !is_file_name(&self.id.0) {
            return Err(invalid(format!("run id {:?} is not a plain name", self.id.0)));
        }
        for path in self.files.keys() {
            let components = || Path::new(path).components();
            let inside = components().all(|part| matches!(part, Component::Normal(_)));
            if path.is_empty() || !inside || components().any(|part| part.as_os_str() == ".terraform") {
                return Err(invalid(format!(
                    "file {path:?} is not a relative path inside the module"
                )));
            }
        }
        Ok(())
    }
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// It waits for a place, or its files are being written.
    Preparing,
    /// Providers and modules are being installed.
    Initializing,
    /// What to do is being worked out.
    Planning,
    /// It is being done.
    Applying,
    /// The results are being read.
    ReadingOutputs,
    /// It is over; [`RunView::end`] says how.
    Ended,
}

impl Stage {
    /// Whether a run that is here may have changed something.
    pub const fn may_have_changed(self) -> bool {
        match self {
            Self::Preparing | Self::Initializing | Self::Planning => false,
            Self::Applying | Self::ReadingOutputs | Self::Ended => true,
        }
    }

    /// The stage as people see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preparing => "Preparing",
            Self::Initializing => "Initializing",
            Self::Planning => "Planning",
            Self::Applying => "Applying",
            Self::ReadingOutputs => "ReadingOutputs",
            Self::Ended => "Ended",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is happening to one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ResourceStatus {
    /// Its turn has not come.
    Pending,
    /// It is being created.
    Creating,
    /// It is being changed in place.
    Updating,
    /// It is being removed.
    Deleting,
    /// Its operation is done.
    Complete,
    /// Its operation failed.
    Errored,
}

/// One resource of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceState {
    /// The Terraform address.
    pub address: String,
    /// What is happening to it.
    pub status: ResourceStatus,
    /// Seconds since its operation began, as Terraform last said.
    pub elapsed: u64,
}

/// How far a run is, counted by what Terraform says and never by the clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProgress {
    /// Operations that are done.
    pub completed: u32,
    /// Operations of the plan: a replacement counts twice.
    pub total: u32,
    /// Weighted by how long each kind of resource is expected to take. Never goes back.
    pub percent: u8,
    /// The addresses that are being worked on.
    pub current: Vec<String>,
    /// The resources of the plan, at most fifty of them: first what failed or is being worked on.
    pub resources: Vec<ResourceState>,
}

/// How many operations of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Resources added; a replacement counts here and in `remove`.
    pub add: u32,
    /// Resources changed in place.
    pub change: u32,
    /// Resources removed.
    pub remove: u32,
}

impl Changes {
    /// All of them.
    pub const fn total(self) -> u32 {
        self.add.saturating_add(self.change).saturating_add(self.remove)
    }
}

/// One output value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Whether the module marks it as sensitive.
    pub sensitive: bool,
    /// The value, also of a sensitive output.
    pub value: serde_json::Value,
}

impl fmt::Debug for Output {
    /// Names the kind of the value only: outputs hold credentials, and debug text ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.sensitive {
            "(sensitive value)"
        } else {
            "(value)"
        };
        f.debug_struct("Output")
            .field("sensitive", &self.sensitive)
            .field("value", &value)
            .finish()
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunEnd {
    /// Everything asked for is so.
    Succeeded {
        /// The outputs of the root module. Empty after a destroy.
        outputs: BTreeMap<String, Output>,
        /// What was done.
        changes: Changes,
        /// When.
        finished_at: Timestamp,
    },
    /// It failed, or was stopped.
    Failed {
        /// Why; the first decides what to do next.
        faults: Vec<Fault>,
        /// When.
        finished_at: Timestamp,
    },
    /// The plan would remove or replace something protected, and nothing was done.
    NeedsApproval {
        /// What it would do, one sentence for each protected resource.
        changes: Vec<String>,
        /// When.
        finished_at: Timestamp,
    },
}

impl RunEnd {
    /// When the run ended.
    pub const fn finished_at(&self) -> Timestamp {
        match self {
            Self::Succeeded { finished_at, .. }
            | Self::Failed { finished_at, .. }
            | Self::NeedsApproval { finished_at, .. } => *finished_at,
        }
    }

    /// Whether everything asked for is so.
    pub const fn is_success(&self) -> bool {
        match self {
            Self::Succeeded { .. } => true,
            Self::Failed { .. } | Self::NeedsApproval { .. } => false,
        }
    }
}

/// A run as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunView {
    /// Which run.
    pub id: RunId,
    /// What it brings about.
    pub operation: Operation,
    /// Where it is.
    pub stage: Stage,
    /// How far.
    pub progress: RunProgress,
    /// When it was first started, also if another process has taken it over since.
    pub started_at: Timestamp,
    /// When it last said anything.
    pub last_activity: Timestamp,
    /// The lock that a dead process had left, and that was taken away, by its holder in words; and when.
    pub unlocked: Option<(Timestamp, String)>,
    /// How it ended, once it has.
    pub end: Option<RunEnd>,
}
