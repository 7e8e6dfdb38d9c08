//! What becomes of a cluster.

use capt_core::machine::Move;

use super::{machine, signals, states};

states! {
    /// The status of a cluster.
    State {
        /// It takes services and tasks.
        Active = "ACTIVE",
        /// What its capacity providers need is being made.
        Provisioning = "PROVISIONING",
        /// What its capacity providers needed is being given back.
        Deprovisioning = "DEPROVISIONING",
        /// What its capacity providers need could not be made.
        Failed = "FAILED",
        /// It was deleted; its name may be used again.
        Inactive = "INACTIVE",
    }
}

signals! {
    /// What can happen to a cluster.
    Signal {
        Created = "created": "it is created, or created once more",
        ProvidersPut = "providers put": "its capacity providers are being changed",
        ProvidersReady = "providers ready": "what its capacity providers need is there",
        ProvidersFailed = "providers failed": "what its capacity providers need cannot be made",
        Deleted = "deleted": "it is deleted, and nothing has to be given back",
        DeletedWithProviders = "deleted with providers": "it is deleted, and capacity has to be given back first",
        GivenBack = "given back": "what its capacity providers needed is gone",
    }
}

machine! {
    /// What becomes of a cluster.
    Lifecycle("Cluster"): State, Signal, next
}

const fn next(state: State, signal: Signal) -> Move<State> {
    match state {
        State::Active => match signal {
            Signal::Created | Signal::ProvidersReady => Move::Stay,
            Signal::ProvidersPut => Move::To(State::Provisioning),
            Signal::Deleted => Move::To(State::Inactive),
            Signal::DeletedWithProviders => Move::To(State::Deprovisioning),
            Signal::ProvidersFailed | Signal::GivenBack => Move::Illegal,
        },
        State::Provisioning => match signal {
            Signal::Created | Signal::ProvidersPut => Move::Stay,
            Signal::ProvidersReady => Move::To(State::Active),
            Signal::ProvidersFailed => Move::To(State::Failed),
            // An update is in progress: the request is refused.
            Signal::Deleted | Signal::DeletedWithProviders | Signal::GivenBack => Move::Illegal,
        },
        State::Deprovisioning => match signal {
            Signal::Deleted | Signal::DeletedWithProviders => Move::Stay,
            Signal::GivenBack => Move::To(State::Inactive),
            Signal::Created | Signal::ProvidersPut | Signal::ProvidersReady | Signal::ProvidersFailed => {
                Move::Illegal
            }
        },
        State::Failed => match signal {
            Signal::Created | Signal::ProvidersFailed => Move::Stay,
            Signal::ProvidersPut => Move::To(State::Provisioning),
            Signal::Deleted => Move::To(State::Inactive),
            Signal::DeletedWithProviders => Move::To(State::Deprovisioning),
            Signal::ProvidersReady | Signal::GivenBack => Move::Illegal,
        },
        State::Inactive => match signal {
            Signal::Created => Move::To(State::Active),
            Signal::Deleted | Signal::DeletedWithProviders | Signal::GivenBack => Move::Stay,
            Signal::ProvidersPut | Signal::ProvidersReady | Signal::ProvidersFailed => Move::Illegal,
        },
    }
}
