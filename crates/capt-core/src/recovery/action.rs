//! The actions that can mend something, each with what it works on.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One thing to do about a failure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Action {
    /// Apply the same input again.
    RetryApply,
    /// Initialise a fresh working directory, plan and apply anew.
    Replan,
    /// Read what exists into the state, without changing anything.
    Refresh,
    /// Wait until something that is depended upon is ready.
    WaitForDependency {
        /// `Kind/name`.
        on: String,
    },
    /// Ask whoever keeps a failed dependency to try again.
    RepairDependency {
        /// `Kind/name`.
        on: String,
    },
    /// Take away the lock of a process that is proven dead.
    Unlock {
        /// The id of the lock; another lock is not touched.
        lock: String,
        /// What proves it.
        proof: Proof,
    },
    /// Keep a resource that a failed run marked for replacement and that is healthy.
    Untaint {
        /// Its address.
        address: String,
    },
    /// Take into the state what a run of ours created and did not record.
    Import {
        /// The address that our intent record names.
        address: String,
        /// The id of what exists.
        id: String,
    },
    /// Apply the last revision that was ready. Never lowers a version and never touches the spec.
    RollBack {
        /// The revision.
        revision: String,
    },
    /// Write a lost state anew from what is found in the live world. Creates nothing.
    Reconstruct,
    /// Destroy everything and build it again.
    RecreateWorkspace,
}

/// What proves that the holder of a lock is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Proof {
    /// Its run record is ours, and its process is gone from the machine that ran it.
    ProcessGone,
    /// The machine that ran it was started anew since.
    MachineRestarted,
    /// The Job or Pod that ran it has ended.
    PodGone,
}

/// The kinds of [`Action`], from the gentlest to the one that destroys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ActionKind {
    /// [`Action::RetryApply`].
    RetryApply,
    /// [`Action::Replan`].
    Replan,
    /// [`Action::Refresh`].
    Refresh,
    /// [`Action::WaitForDependency`].
    WaitForDependency,
    /// [`Action::RepairDependency`].
    RepairDependency,
    /// [`Action::Unlock`].
    Unlock,
    /// [`Action::Untaint`].
    Untaint,
    /// [`Action::Import`].
    Import,
    /// [`Action::RollBack`].
    RollBack,
    /// [`Action::Reconstruct`].
    Reconstruct,
    /// [`Action::RecreateWorkspace`].
    RecreateWorkspace,
}

/// The most that an action may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touches {
    /// Nothing.
    Nothing,
    /// The lock of the state.
    Lock,
    /// The state, and no resource.
    State,
    /// Another object that is kept by ourselves.
    Dependency,
    /// Resources, as the input says.
    Resources,
    /// All of them: they are destroyed first.
    Everything,
}

/// An action with its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// How long it may take.
    pub timeout: Duration,
    /// The most that it may change.
    pub touches: Touches,
}

impl Step {
    /// The action, to be done within `timeout`.
    pub fn new(action: Action, timeout: Duration) -> Self {
        let touches = action.kind().touches();
        Self {
            action,
            timeout,
            touches,
        }
    }
}

impl Action {
    /// What kind of action it is.
    pub const fn kind(&self) -> ActionKind {
        match self {
            Self::RetryApply => ActionKind::RetryApply,
            Self::Replan => ActionKind::Replan,
            Self::Refresh => ActionKind::Refresh,
            Self::WaitForDependency { .. } => ActionKind::WaitForDependency,
            Self::RepairDependency { .. } => ActionKind::RepairDependency,
            Self::Unlock { .. } => ActionKind::Unlock,
            Self::Untaint { .. } => ActionKind::Untaint,
            Self::Import { .. } => ActionKind::Import,
            Self::RollBack { .. } => ActionKind::RollBack,
            Self::Reconstruct => ActionKind::Reconstruct,
            Self::RecreateWorkspace => ActionKind::RecreateWorkspace,
        }
    }
}

/// What is done, in words for a person.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RetryApply => f.write_str("apply the same input again"),
            Self::Replan => f.write_str("initialise afresh, plan and apply"),
            Self::Refresh => f.write_str("read what exists into the state"),
            Self::WaitForDependency { on } => write!(f, "wait until {on} is ready"),
            Self::RepairDependency { on } => write!(f, "let {on} be tried again"),
            Self::Unlock { lock, proof } => write!(f, "take away the lock {lock}, because {proof}"),
            Self::Untaint { address } => write!(f, "keep {address}, which is healthy"),
            Self::Import { address, id } => write!(f, "take {id} into the state as {address}"),
            Self::RollBack { revision } => write!(f, "apply {revision}, which was ready"),
            Self::Reconstruct => f.write_str("write the lost state anew from what exists"),
            Self::RecreateWorkspace => f.write_str("destroy everything and build it again"),
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ProcessGone => "the process that held it is gone",
            Self::MachineRestarted => "the machine of its holder was started anew",
            Self::PodGone => "the Pod that held it has ended",
        })
    }
}

impl ActionKind {
    /// Every kind, in order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::RetryApply,
        Self::Replan,
        Self::Refresh,
        Self::WaitForDependency,
        Self::RepairDependency,
        Self::Unlock,
        Self::Untaint,
        Self::Import,
        Self::RollBack,
        Self::Reconstruct,
        Self::RecreateWorkspace,
    ];

    /// The name as people see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RetryApply => "RetryApply",
            Self::Replan => "Replan",
            Self::Refresh => "Refresh",
            Self::WaitForDependency => "WaitForDependency",
            Self::RepairDependency => "RepairDependency",
            Self::Unlock => "Unlock",
            Self::Untaint => "Untaint",
            Self::Import => "Import",
            Self::RollBack => "RollBack",
            Self::Reconstruct => "Reconstruct",
            Self::RecreateWorkspace => "RecreateWorkspace",
        }
    }

    /// How long it may take, unless the owner says otherwise. An action that runs Terraform is not stopped for
    /// that: it counts as overdue.
    pub const fn timeout(self) -> Duration {
        match self {
            Self::RetryApply
            | Self::Replan
            | Self::RollBack
            | Self::WaitForDependency
            | Self::RepairDependency => Duration::from_mins(30),
            Self::Refresh | Self::Import | Self::Reconstruct => Duration::from_mins(10),
            Self::Unlock | Self::Untaint => Duration::from_mins(1),
            Self::RecreateWorkspace => Duration::from_hours(1),
        }
    }

    /// The most that it may change.
    pub const fn touches(self) -> Touches {
        match self {
            Self::WaitForDependency => Touches::Nothing,
            Self::Unlock => Touches::Lock,
            Self::Refresh | Self::Untaint | Self::Import | Self::Reconstruct => Touches::State,
            Self::RepairDependency => Touches::Dependency,
            Self::RetryApply | Self::Replan | Self::RollBack => Touches::Resources,
            Self::RecreateWorkspace => Touches::Everything,
        }
    }
}

impl Touches {
    /// The most that changes, in words for a person.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Lock => "the lock",
            Self::State => "the state",
            Self::Dependency => "the dependency",
            Self::Resources => "resources, as the input says",
            Self::Everything => "everything: it is destroyed first",
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
