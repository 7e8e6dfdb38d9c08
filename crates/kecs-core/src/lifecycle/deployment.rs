//! What becomes of a deployment within its service: its status, and how far its rollout is.

use capt_core::machine::Move;
use kecs_model::types::DeploymentRolloutState;

use super::{machine, signals, states};

states! {
    /// The status of a deployment.
    State {
        /// It is the newest.
        Primary = "PRIMARY",
        /// A newer one replaces its tasks.
        Active = "ACTIVE",
        /// It has no tasks any more, and is not shown.
        Inactive = "INACTIVE",
    }
}

signals! {
    /// What can happen to a deployment.
    Signal {
        Superseded = "superseded": "a newer deployment is begun",
        Drained = "drained": "the last of its tasks is over",
        ServiceGone = "service gone": "its service is INACTIVE",
    }
}

machine! {
    /// The status of a deployment.
    Lifecycle("Deployment"): State, Signal, next
}

const fn next(state: State, signal: Signal) -> Move<State> {
    match state {
        State::Primary => match signal {
            Signal::Superseded => Move::To(State::Active),
            // Scaled to zero, or not begun yet: it is still the one that counts.
            Signal::Drained => Move::Stay,
            Signal::ServiceGone => Move::To(State::Inactive),
        },
        State::Active => match signal {
            Signal::Superseded => Move::Stay,
            Signal::Drained | Signal::ServiceGone => Move::To(State::Inactive),
        },
        State::Inactive => match signal {
            Signal::Superseded | Signal::Drained | Signal::ServiceGone => Move::Stay,
        },
    }
}

states! {
    /// How far the rollout of a deployment is.
    RolloutState {
        /// Its tasks come, those of its predecessors go.
        InProgress = "IN_PROGRESS",
        /// It reached the desired count and is the only one.
        Completed = "COMPLETED",
        /// It was given up: nothing more is started for it.
        Failed = "FAILED",
    }
}

signals! {
    /// What can happen to the rollout of a deployment.
    RolloutSignal {
        BreakerTripped = "breaker tripped": "too many of its tasks failed one after the other",
        StopAsked = "stop asked": "somebody stops its service deployment",
        Steady = "steady": "as many tasks as desired are healthy, and no other deployment has any",
        Superseded = "superseded": "a newer deployment is begun",
    }
}

machine! {
    /// How far the rollout of a deployment is.
    RolloutLifecycle("Rollout of a deployment"): RolloutState, RolloutSignal, next_rollout
}

const fn next_rollout(state: RolloutState, signal: RolloutSignal) -> Move<RolloutState> {
    match state {
        RolloutState::InProgress => match signal {
            RolloutSignal::BreakerTripped | RolloutSignal::StopAsked => Move::To(RolloutState::Failed),
            RolloutSignal::Steady => Move::To(RolloutState::Completed),
            RolloutSignal::Superseded => Move::Stay,
        },
        // The breaker looks at deployments that are under way only.
        RolloutState::Completed => match signal {
            RolloutSignal::BreakerTripped
            | RolloutSignal::StopAsked
            | RolloutSignal::Steady
            | RolloutSignal::Superseded => Move::Stay,
        },
        RolloutState::Failed => match signal {
            RolloutSignal::BreakerTripped
            | RolloutSignal::StopAsked
            | RolloutSignal::Steady
            | RolloutSignal::Superseded => Move::Stay,
        },
    }
}

impl From<DeploymentRolloutState> for RolloutState {
    fn from(state: DeploymentRolloutState) -> Self {
        match state {
            DeploymentRolloutState::InProgress => Self::InProgress,
            DeploymentRolloutState::Completed => Self::Completed,
            DeploymentRolloutState::Failed => Self::Failed,
        }
    }
}

impl From<RolloutState> for DeploymentRolloutState {
    fn from(state: RolloutState) -> Self {
        match state {
            RolloutState::InProgress => Self::InProgress,
            RolloutState::Completed => Self::Completed,
            RolloutState::Failed => Self::Failed,
        }
    }
}
