//! What becomes of a service deployment, as `DescribeServiceDeployments` tells of it.

use capt_core::machine::Move;
use kecs_model::types::ServiceDeploymentStatus;

use super::{machine, signals, states};

states! {
    /// The status of a service deployment.
    State {
        /// It was asked for.
        Pending = "PENDING",
        /// Its tasks come.
        InProgress = "IN_PROGRESS",
        /// It reached its steady state.
        Successful = "SUCCESSFUL",
        /// It is to be stopped where it is.
        StopRequested = "STOP_REQUESTED",
        /// It was stopped, replaced, or failed with nothing to go back to.
        Stopped = "STOPPED",
        /// It is to go back to the revision before it.
        RollbackRequested = "ROLLBACK_REQUESTED",
        /// It goes back to the revision before it.
        RollbackInProgress = "ROLLBACK_IN_PROGRESS",
        /// It went back to the revision before it.
        RollbackSuccessful = "ROLLBACK_SUCCESSFUL",
        /// It could not go back either.
        RollbackFailed = "ROLLBACK_FAILED",
    }
}

signals! {
    /// What can happen to a service deployment.
    Signal {
        Superseded = "superseded": "a newer service deployment is begun, or the service is deleted",
        RollbackAsked = "rollback asked": "somebody asks for the revision before it",
        StopAsked = "stop asked": "somebody asks for it to be stopped where it is",
        Stopped = "stopped": "nothing more is started for it",
        Failed = "failed": "the breaker tripped, and there is nothing to go back to",
        RollsBack = "rolls back": "a deployment of the revision before it is begun",
        Steady = "steady": "the deployment that is under way is complete",
        Begun = "begun": "the scheduler sees to it for the first time",
    }
}

machine! {
    /// What becomes of a service deployment.
    Lifecycle("Service deployment"): State, Signal, next
}

const fn next(state: State, signal: Signal) -> Move<State> {
    match state {
        State::Pending => match signal {
            Signal::Superseded | Signal::Stopped | Signal::Failed => Move::To(State::Stopped),
            Signal::RollbackAsked => Move::To(State::RollbackRequested),
            Signal::StopAsked => Move::To(State::StopRequested),
            Signal::Begun => Move::To(State::InProgress),
            Signal::RollsBack | Signal::Steady => Move::Illegal,
        },
        State::InProgress => match signal {
            Signal::Superseded | Signal::Stopped | Signal::Failed => Move::To(State::Stopped),
            Signal::RollbackAsked => Move::To(State::RollbackRequested),
            Signal::StopAsked => Move::To(State::StopRequested),
            Signal::RollsBack => Move::To(State::RollbackInProgress),
            Signal::Steady => Move::To(State::Successful),
            Signal::Begun => Move::Stay,
        },
        State::StopRequested => match signal {
            Signal::Superseded | Signal::Stopped | Signal::Failed => Move::To(State::Stopped),
            Signal::StopAsked | Signal::Begun => Move::Stay,
            Signal::RollbackAsked | Signal::RollsBack | Signal::Steady => Move::Illegal,
        },
        State::RollbackRequested => match signal {
            Signal::RollsBack => Move::To(State::RollbackInProgress),
            // There is nothing to go back to.
            Signal::Superseded | Signal::Stopped | Signal::Failed => Move::To(State::Stopped),
            Signal::RollbackAsked | Signal::Begun => Move::Stay,
            Signal::StopAsked | Signal::Steady => Move::Illegal,
        },
        State::RollbackInProgress => match signal {
            Signal::Steady => Move::To(State::RollbackSuccessful),
            Signal::Superseded | Signal::Stopped | Signal::Failed => Move::To(State::RollbackFailed),
            Signal::RollsBack | Signal::Begun => Move::Stay,
            Signal::RollbackAsked | Signal::StopAsked => Move::Illegal,
        },
        State::Successful | State::Stopped | State::RollbackSuccessful | State::RollbackFailed => {
            match signal {
                Signal::Superseded
                | Signal::Stopped
                | Signal::Failed
                | Signal::RollsBack
                | Signal::Steady
                | Signal::Begun => Move::Stay,
                // Only what is under way can be stopped.
                Signal::RollbackAsked | Signal::StopAsked => Move::Illegal,
            }
        }
    }
}

impl State {
    /// Whether it is over.
    pub const fn is_over(self) -> bool {
        match self {
            Self::Pending
            | Self::InProgress
            | Self::StopRequested
            | Self::RollbackRequested
            | Self::RollbackInProgress => false,
            Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed => true,
        }
    }
}

impl From<ServiceDeploymentStatus> for State {
    fn from(status: ServiceDeploymentStatus) -> Self {
        match status {
            ServiceDeploymentStatus::Pending => Self::Pending,
            ServiceDeploymentStatus::InProgress => Self::InProgress,
            ServiceDeploymentStatus::Successful => Self::Successful,
            ServiceDeploymentStatus::StopRequested => Self::StopRequested,
            ServiceDeploymentStatus::Stopped => Self::Stopped,
            ServiceDeploymentStatus::RollbackRequested => Self::RollbackRequested,
            ServiceDeploymentStatus::RollbackInProgress => Self::RollbackInProgress,
            ServiceDeploymentStatus::RollbackSuccessful => Self::RollbackSuccessful,
            ServiceDeploymentStatus::RollbackFailed => Self::RollbackFailed,
        }
    }
}

impl From<State> for ServiceDeploymentStatus {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::InProgress => Self::InProgress,
            State::Successful => Self::Successful,
            State::StopRequested => Self::StopRequested,
            State::Stopped => Self::Stopped,
            State::RollbackRequested => Self::RollbackRequested,
            State::RollbackInProgress => Self::RollbackInProgress,
            State::RollbackSuccessful => Self::RollbackSuccessful,
            State::RollbackFailed => Self::RollbackFailed,
        }
    }
}
