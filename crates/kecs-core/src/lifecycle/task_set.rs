//! What becomes of a task set: its status, and whether it has its count.

use capt_core::machine::Move;
use kecs_model::types::StabilityStatus;

use super::{machine, signals, states};

states! {
    /// The status of a task set.
    State {
        /// It takes production traffic.
        Primary = "PRIMARY",
        /// It takes no production traffic.
        Active = "ACTIVE",
        /// It was deleted; its tasks are being stopped.
        Draining = "DRAINING",
    }
}

signals! {
    /// What can happen to a task set.
    Signal {
        MadePrimary = "made primary": "it is to take production traffic",
        Replaced = "replaced": "another one is to take production traffic",
        Deleted = "deleted": "it is deleted, or its service is",
    }
}

machine! {
    /// What becomes of a task set.
    Lifecycle("Task set"): State, Signal, next
}

const fn next(state: State, signal: Signal) -> Move<State> {
    match state {
        State::Primary => match signal {
            Signal::MadePrimary => Move::Stay,
            Signal::Replaced => Move::To(State::Active),
            Signal::Deleted => Move::To(State::Draining),
        },
        State::Active => match signal {
            Signal::MadePrimary => Move::To(State::Primary),
            Signal::Replaced => Move::Stay,
            Signal::Deleted => Move::To(State::Draining),
        },
        State::Draining => match signal {
            Signal::MadePrimary => Move::Illegal,
            Signal::Replaced | Signal::Deleted => Move::Stay,
        },
    }
}

states! {
    /// Whether a task set has its count.
    Stability {
        /// Its tasks come or go.
        Stabilizing = "STABILIZING",
        /// Its running count is its computed desired count, and nothing is pending.
        SteadyState = "STEADY_STATE",
    }
}

signals! {
    /// What can happen to the count of a task set.
    StabilitySignal {
        CountMissed = "count missed": "it has more or fewer tasks than it is to have, or some that do not run yet",
        CountMet = "count met": "as many tasks run as it is to have, and no others are left",
    }
}

machine! {
    /// Whether a task set has its count.
    StabilityLifecycle("Stability of a task set"): Stability, StabilitySignal, next_stability
}

const fn next_stability(state: Stability, signal: StabilitySignal) -> Move<Stability> {
    match state {
        Stability::Stabilizing => match signal {
            StabilitySignal::CountMissed => Move::Stay,
            StabilitySignal::CountMet => Move::To(Stability::SteadyState),
        },
        Stability::SteadyState => match signal {
            StabilitySignal::CountMissed => Move::To(Stability::Stabilizing),
            StabilitySignal::CountMet => Move::Stay,
        },
    }
}

impl From<StabilityStatus> for Stability {
    fn from(status: StabilityStatus) -> Self {
        match status {
            StabilityStatus::SteadyState => Self::SteadyState,
            StabilityStatus::Stabilizing => Self::Stabilizing,
        }
    }
}

impl From<Stability> for StabilityStatus {
    fn from(stability: Stability) -> Self {
        match stability {
            Stability::SteadyState => Self::SteadyState,
            Stability::Stabilizing => Self::Stabilizing,
        }
    }
}
