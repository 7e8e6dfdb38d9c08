//! What becomes of a container instance.

use capt_core::machine::Move;

use super::{machine, signals, states};

states! {
    /// The status of a container instance.
    State {
        /// It is being entered.
        Registering = "REGISTERING",
        /// It could not be entered.
        RegistrationFailed = "REGISTRATION_FAILED",
        /// It takes tasks.
        Active = "ACTIVE",
        /// It takes no tasks; those of services go.
        Draining = "DRAINING",
        /// It is being taken out.
        Deregistering = "DEREGISTERING",
        /// It was taken out.
        Inactive = "INACTIVE",
    }
}

signals! {
    /// What can happen to a container instance.
    Signal {
        Registered = "registered": "its agent enters it, or enters it once more",
        RegistrationFailed = "registration failed": "what it needs besides, such as network interfaces, cannot be had",
        Drain = "drain": "it is to take no tasks any more",
        Activate = "activate": "it is to take tasks again",
        Deregister = "deregister": "it is to be taken out, and something has to be given back first",
        Deregistered = "deregistered": "it is taken out",
    }
}

machine! {
    /// What becomes of a container instance.
    Lifecycle("Container instance"): State, Signal, next
}

const fn next(state: State, signal: Signal) -> Move<State> {
    match state {
        State::Registering => match signal {
            Signal::Registered => Move::To(State::Active),
            Signal::RegistrationFailed => Move::To(State::RegistrationFailed),
            Signal::Deregister => Move::To(State::Deregistering),
            Signal::Deregistered => Move::To(State::Inactive),
            Signal::Drain | Signal::Activate => Move::Illegal,
        },
        State::RegistrationFailed => match signal {
            Signal::Registered => Move::To(State::Active),
            Signal::RegistrationFailed => Move::Stay,
            Signal::Deregister => Move::To(State::Deregistering),
            Signal::Deregistered => Move::To(State::Inactive),
            Signal::Drain | Signal::Activate => Move::Illegal,
        },
        State::Active => match signal {
            Signal::Registered | Signal::Activate => Move::Stay,
            Signal::Drain => Move::To(State::Draining),
            Signal::Deregister => Move::To(State::Deregistering),
            Signal::Deregistered => Move::To(State::Inactive),
            Signal::RegistrationFailed => Move::Illegal,
        },
        State::Draining => match signal {
            Signal::Registered | Signal::Drain => Move::Stay,
            Signal::Activate => Move::To(State::Active),
            Signal::Deregister => Move::To(State::Deregistering),
            Signal::Deregistered => Move::To(State::Inactive),
            Signal::RegistrationFailed => Move::Illegal,
        },
        State::Deregistering => match signal {
            Signal::Deregister => Move::Stay,
            Signal::Deregistered => Move::To(State::Inactive),
            Signal::Registered | Signal::RegistrationFailed | Signal::Drain | Signal::Activate => {
                Move::Illegal
            }
        },
        State::Inactive => match signal {
            // The same machine, entered anew.
            Signal::Registered => Move::To(State::Active),
            Signal::Deregister | Signal::Deregistered => Move::Stay,
            Signal::RegistrationFailed | Signal::Drain | Signal::Activate => Move::Illegal,
        },
    }
}
