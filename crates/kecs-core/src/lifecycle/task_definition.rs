//! What becomes of a revision of a task definition.

use capt_core::machine::Move;

use super::{machine, signals, states};

states! {
    /// The status of a task definition.
    State {
        /// Tasks and services can be made from it.
        Active = "ACTIVE",
        /// What was made from it goes on; nothing new is.
        Inactive = "INACTIVE",
        /// It goes for good once nothing is made from it.
        DeleteInProgress = "DELETE_IN_PROGRESS",
    }
}

signals! {
    /// What can happen to a task definition.
    Signal {
        Deregistered = "deregistered": "no new tasks and services are to be made from it",
        Deleted = "deleted": "it is to go for good",
    }
}

machine! {
    /// What becomes of a revision of a task definition.
    Lifecycle("Task definition"): State, Signal, next
}

const fn next(state: State, signal: Signal) -> Move<State> {
    match state {
        State::Active => match signal {
            Signal::Deregistered => Move::To(State::Inactive),
            // It has to be deregistered first.
            Signal::Deleted => Move::Illegal,
        },
        State::Inactive => match signal {
            Signal::Deregistered => Move::Stay,
            Signal::Deleted => Move::To(State::DeleteInProgress),
        },
        State::DeleteInProgress => match signal {
            Signal::Deregistered => Move::Illegal,
            Signal::Deleted => Move::Stay,
        },
    }
}
