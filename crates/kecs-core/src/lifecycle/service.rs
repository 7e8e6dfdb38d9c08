//! What becomes of a service.

use capt_core::machine::Move;

use super::{machine, signals, states};

states! {
    /// The status of a service.
    State {
        /// Its tasks are kept at their count.
        Active = "ACTIVE",
        /// It was deleted; its tasks are being stopped.
        Draining = "DRAINING",
        /// It was deleted and has no tasks; its name may be used again.
        Inactive = "INACTIVE",
    }
}

signals! {
    /// What can happen to a service.
    Signal {
        Created = "created": "it is created, or created once more",
        Updated = "updated": "something of it is changed",
        Deleted = "deleted": "it is deleted",
        Drained = "drained": "the last of its tasks is over",
    }
}

machine! {
    /// What becomes of a service.
    Lifecycle("Service"): State, Signal, next
}

const fn next(state: State, signal: Signal) -> Move<State> {
    match state {
        State::Active => match signal {
            Signal::Created | Signal::Updated | Signal::Drained => Move::Stay,
            Signal::Deleted => Move::To(State::Draining),
        },
        State::Draining => match signal {
            Signal::Deleted => Move::Stay,
            Signal::Drained => Move::To(State::Inactive),
            Signal::Created | Signal::Updated => Move::Illegal,
        },
        State::Inactive => match signal {
            Signal::Created => Move::To(State::Active),
            Signal::Drained => Move::Stay,
            Signal::Updated | Signal::Deleted => Move::Illegal,
        },
    }
}
