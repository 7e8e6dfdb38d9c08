//! What becomes of a task: its last status.
//!
//! Source: Amazon ECS developer guide, "Task lifecycle". A task goes forward only, and may pass over what it does not
//! need; what is reported late says nothing new.

use capt_core::machine::Move;

use super::{machine, signals};
use crate::plane::TaskStatus;

signals! {
    /// How far a task is seen to be.
    Signal {
        SeenStopped = "seen stopped": "it is over",
        SeenDeprovisioning = "seen deprovisioning": "what it needed before its containers is given back",
        SeenStopping = "seen stopping": "its containers are being stopped",
        SeenDeactivating = "seen deactivating": "it is taken out of load balancers and registries",
        SeenRunning = "seen running": "it runs",
        SeenActivating = "seen activating": "its containers run, and it is being entered",
        SeenPending = "seen pending": "it waits for its containers",
        SeenProvisioning = "seen provisioning": "what it needs before its containers is being made",
    }
}

type State = TaskStatus;

machine! {
    /// The last status of a task.
    Lifecycle("Task"): State, Signal, next
}

const fn next(state: TaskStatus, signal: Signal) -> Move<TaskStatus> {
    use Signal::{
        SeenActivating, SeenDeactivating, SeenDeprovisioning, SeenPending, SeenProvisioning, SeenRunning,
        SeenStopped, SeenStopping,
    };
    match state {
        TaskStatus::Provisioning => match signal {
            SeenProvisioning => Move::Stay,
            SeenPending => Move::To(TaskStatus::Pending),
            SeenActivating => Move::To(TaskStatus::Activating),
            SeenRunning => Move::To(TaskStatus::Running),
            SeenDeactivating => Move::To(TaskStatus::Deactivating),
            SeenStopping => Move::To(TaskStatus::Stopping),
            SeenDeprovisioning => Move::To(TaskStatus::Deprovisioning),
            SeenStopped => Move::To(TaskStatus::Stopped),
        },
        TaskStatus::Pending => match signal {
            SeenProvisioning | SeenPending => Move::Stay,
            SeenActivating => Move::To(TaskStatus::Activating),
            SeenRunning => Move::To(TaskStatus::Running),
            SeenDeactivating => Move::To(TaskStatus::Deactivating),
            SeenStopping => Move::To(TaskStatus::Stopping),
            SeenDeprovisioning => Move::To(TaskStatus::Deprovisioning),
            SeenStopped => Move::To(TaskStatus::Stopped),
        },
        TaskStatus::Activating => match signal {
            SeenProvisioning | SeenPending | SeenActivating => Move::Stay,
            SeenRunning => Move::To(TaskStatus::Running),
            SeenDeactivating => Move::To(TaskStatus::Deactivating),
            SeenStopping => Move::To(TaskStatus::Stopping),
            SeenDeprovisioning => Move::To(TaskStatus::Deprovisioning),
            SeenStopped => Move::To(TaskStatus::Stopped),
        },
        TaskStatus::Running => match signal {
            SeenProvisioning | SeenPending | SeenActivating | SeenRunning => Move::Stay,
            SeenDeactivating => Move::To(TaskStatus::Deactivating),
            SeenStopping => Move::To(TaskStatus::Stopping),
            SeenDeprovisioning => Move::To(TaskStatus::Deprovisioning),
            SeenStopped => Move::To(TaskStatus::Stopped),
        },
        TaskStatus::Deactivating => match signal {
            SeenProvisioning | SeenPending | SeenActivating | SeenRunning | SeenDeactivating => Move::Stay,
            SeenStopping => Move::To(TaskStatus::Stopping),
            SeenDeprovisioning => Move::To(TaskStatus::Deprovisioning),
            SeenStopped => Move::To(TaskStatus::Stopped),
        },
        TaskStatus::Stopping => match signal {
            SeenProvisioning | SeenPending | SeenActivating | SeenRunning | SeenDeactivating
            | SeenStopping => Move::Stay,
            SeenDeprovisioning => Move::To(TaskStatus::Deprovisioning),
            SeenStopped => Move::To(TaskStatus::Stopped),
        },
        TaskStatus::Deprovisioning => match signal {
            SeenProvisioning | SeenPending | SeenActivating | SeenRunning | SeenDeactivating
            | SeenStopping | SeenDeprovisioning => Move::Stay,
            SeenStopped => Move::To(TaskStatus::Stopped),
        },
        TaskStatus::Stopped => match signal {
            SeenProvisioning | SeenPending | SeenActivating | SeenRunning | SeenDeactivating
            | SeenStopping | SeenDeprovisioning | SeenStopped => Move::Stay,
        },
    }
}

impl TaskStatus {
    /// Every status, in their order.
    pub const ALL: &'static [Self] = &[
        Self::Provisioning,
        Self::Pending,
        Self::Activating,
        Self::Running,
        Self::Deactivating,
        Self::Stopping,
        Self::Deprovisioning,
        Self::Stopped,
    ];

    /// The word of the API for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }

    /// The status that the API calls so.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == word)
    }

    /// The signal that a report of this status is.
    pub const fn signal(self) -> Signal {
        match self {
            Self::Provisioning => Signal::SeenProvisioning,
            Self::Pending => Signal::SeenPending,
            Self::Activating => Signal::SeenActivating,
            Self::Running => Signal::SeenRunning,
            Self::Deactivating => Signal::SeenDeactivating,
            Self::Stopping => Signal::SeenStopping,
            Self::Deprovisioning => Signal::SeenDeprovisioning,
            Self::Stopped => Signal::SeenStopped,
        }
    }
}
