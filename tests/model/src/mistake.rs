//! Mistakes that are planted on purpose, to show that the laws find them.

use capt_core::advance::Assessment;

use crate::law::Law;
use crate::manner::Manner;
use crate::observe::Snapshot;
use crate::round::Decided;
use crate::world::{Left, Thing};

mod plant;

/// A mistake in what is seen, in what it means, or in what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mistake {
    /// A new input is not noticed.
    InputChangeIgnored,
    /// `initialized` is reset when the input changes.
    InitializedReset,
    /// A control plane is Ready as soon as its workspace is applied.
    ReadyAtApplied,
    /// A control plane is Ready with the kubeconfig of an earlier apply.
    StaleKubeconfigAccepted,
    /// Provisioning leads to Ready directly.
    ConfiguringSkipped,
    /// A failed attempt is not counted.
    AttemptNotCounted,
    /// The budget is not looked at.
    NeverGivesUp,
    /// What may only be observed is done.
    ObserveActs,
    /// The actions that an owner has written are not read.
    OwnActionIgnored,
    /// The window of attempts is not looked at.
    WindowIgnored,
    /// The breaker never opens.
    BreakerIgnored,
    /// That a person was asked is forgotten.
    EscalationForgotten,
    /// A control plane that is ill goes for healthy.
    UnhealthyIgnored,
    /// One that is healthy again goes for ill.
    HealthyIgnored,
    /// A retry does not wait.
    RetryWithoutDelay,
    /// Failed is left without a reason.
    FailedLeftByItself,
    /// A failed apply is made again from where it failed.
    FailedResumed,
    /// A pause is not noticed.
    PauseIgnored,
    /// An object that nobody owns is worked on.
    OwnerIgnored,
    /// The finalizer of a workspace goes before the destroy.
    FinalizerRemovedEarly,
    /// The finalizer is not put on a parent before it makes its child.
    FinalizerForgotten,
    /// Another run is opened while one is going on.
    RunOpenedTwice,
    /// A round that moves also does something.
    DoneInTheMovingRound,
    /// An operation does not end at Ready.
    OperationNotEnded,
    /// The moment of the next attempt is not asked for.
    RequeueForgotten,
    /// A fault clears the endpoint.
    EndpointCleared,
    /// The network does not wait for what stands in it.
    NetworkDestroyedFirst,
    /// A control plane does not wait for its network.
    MissingIgnored,
    /// A child that is in order again is not noticed.
    RecoveryOfChildIgnored,
    /// A destroy that has failed is not tried again.
    DestroyGivenUp,
    /// The connection secret is not written.
    ConnectionNotWritten,
    /// A request is taken down and not honoured.
    RequestIgnored,
    /// A request that arrives with a failure is taken for answered.
    RequestLost,
    /// What was missing is forgotten once the inputs were checked.
    MissingForgotten,
    /// What is in order is written again in every round.
    WrittenForEver,
    /// The record changes in every round.
    RecordNotStable,
    /// What is waited for is not said.
    WaitNotSaid,
    /// A child that differs is not made what it should be.
    ChildNotCorrected,
    /// A workspace that failed and is deleted is left as it is.
    FailedNotDeleted,
}

/// Where a mistake is planted.
#[derive(Clone, Copy)]
pub(crate) enum Plant {
    /// In what is seen.
    Snapshot(fn(&mut Snapshot)),
    /// In what it means.
    Assessment(fn(&Snapshot, &mut Assessment)),
    /// In what is decided.
    Decision(fn(&Snapshot, &mut Decided)),
    /// In what is written.
    Written(fn(&mut Thing)),
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 39] = [
        Self::InputChangeIgnored,
        Self::InitializedReset,
        Self::ReadyAtApplied,
        Self::StaleKubeconfigAccepted,
        Self::ConfiguringSkipped,
        Self::AttemptNotCounted,
        Self::NeverGivesUp,
        Self::ObserveActs,
        Self::OwnActionIgnored,
        Self::WindowIgnored,
        Self::BreakerIgnored,
        Self::EscalationForgotten,
        Self::UnhealthyIgnored,
        Self::HealthyIgnored,
        Self::RetryWithoutDelay,
        Self::FailedLeftByItself,
        Self::FailedResumed,
        Self::PauseIgnored,
        Self::OwnerIgnored,
        Self::FinalizerRemovedEarly,
        Self::FinalizerForgotten,
        Self::RunOpenedTwice,
        Self::DoneInTheMovingRound,
        Self::OperationNotEnded,
        Self::RequeueForgotten,
        Self::EndpointCleared,
        Self::NetworkDestroyedFirst,
        Self::MissingIgnored,
        Self::RecoveryOfChildIgnored,
        Self::DestroyGivenUp,
        Self::ConnectionNotWritten,
        Self::RequestIgnored,
        Self::RequestLost,
        Self::MissingForgotten,
        Self::WrittenForEver,
        Self::RecordNotStable,
        Self::WaitNotSaid,
        Self::ChildNotCorrected,
        Self::FailedNotDeleted,
    ];

    /// The law that it breaks.
    pub const fn breaks(self) -> Law {
        match self {
            Self::EndpointCleared => Law::EndpointStays,
            Self::InitializedReset => Law::InitializedStays,
            Self::InputChangeIgnored | Self::ReadyAtApplied | Self::StaleKubeconfigAccepted => {
                Law::ReadyIsEarned
            }
            Self::ConfiguringSkipped | Self::FailedResumed => Law::Table,
            Self::AttemptNotCounted | Self::NeverGivesUp | Self::ObserveActs | Self::OwnActionIgnored => {
                Law::Budget
            }
            Self::RetryWithoutDelay | Self::WindowIgnored | Self::BreakerIgnored => Law::Patience,
            Self::FailedLeftByItself => Law::FailedIsLeft,
            Self::PauseIgnored | Self::OwnerIgnored => Law::HandsOff,
            Self::FinalizerRemovedEarly | Self::FinalizerForgotten => Law::NothingLeft,
            Self::RunOpenedTwice => Law::OneRun,
            Self::DoneInTheMovingRound => Law::Intent,
            Self::OperationNotEnded => Law::OperationEnds,
            Self::NetworkDestroyedFirst | Self::MissingIgnored | Self::MissingForgotten => Law::Ground,
            Self::RequestLost => Law::Answered,
            Self::WrittenForEver | Self::RecordNotStable => Law::Rest,
            Self::RequeueForgotten
            | Self::RecoveryOfChildIgnored
            | Self::ConnectionNotWritten
            | Self::EscalationForgotten
            | Self::UnhealthyIgnored
            | Self::WaitNotSaid => Law::Reason,
            Self::RequestIgnored | Self::HealthyIgnored | Self::ChildNotCorrected => Law::Mends,
            Self::DestroyGivenUp | Self::FailedNotDeleted => Law::Goes,
        }
    }

    /// How much has to happen until it shows.
    pub const fn needs(self) -> Left {
        match self {
            Self::AttemptNotCounted
            | Self::NeverGivesUp
            | Self::OwnActionIgnored
            | Self::WindowIgnored
            | Self::EscalationForgotten => Left {
                faults: 2,
                disturbances: 2,
                ..Left::NOTHING
            },
            Self::FailedNotDeleted | Self::DestroyGivenUp => Left {
                faults: 1,
                deletions: 2,
                disturbances: 3,
                ..Left::NOTHING
            },
            Self::ObserveActs | Self::BreakerIgnored => Left {
                faults: 1,
                disturbances: 1,
                ..Left::NOTHING
            },
            Self::RequestLost => Left {
                faults: 1,
                requests: 1,
                disturbances: 2,
                ..Left::NOTHING
            },
            Self::MissingForgotten | Self::UnhealthyIgnored | Self::HealthyIgnored => Left {
                losses: 1,
                disturbances: 1,
                ..Left::NOTHING
            },
            Self::RunOpenedTwice | Self::StaleKubeconfigAccepted => Left {
                changes: 1,
                disturbances: 1,
                ..Left::NOTHING
            },
            Self::EndpointCleared
            | Self::InputChangeIgnored
            | Self::InitializedReset
            | Self::ReadyAtApplied
            | Self::ConfiguringSkipped
            | Self::RetryWithoutDelay
            | Self::FailedLeftByItself
            | Self::FailedResumed
            | Self::PauseIgnored
            | Self::OwnerIgnored
            | Self::FinalizerRemovedEarly
            | Self::FinalizerForgotten
            | Self::DoneInTheMovingRound
            | Self::OperationNotEnded
            | Self::RequeueForgotten
            | Self::NetworkDestroyedFirst
            | Self::MissingIgnored
            | Self::RecoveryOfChildIgnored
            | Self::ConnectionNotWritten
            | Self::RequestIgnored
            | Self::WrittenForEver
            | Self::RecordNotStable
            | Self::WaitNotSaid
            | Self::ChildNotCorrected => Left::any(1),
        }
    }

    /// How patient everybody is where it shows.
    pub const fn manner(self) -> Manner {
        match self {
            Self::ObserveActs => Manner::Observe,
            Self::OwnActionIgnored => Manner::Written,
            Self::WindowIgnored => Manner::Window,
            Self::BreakerIgnored => Manner::Tripped,
            Self::InputChangeIgnored
            | Self::InitializedReset
            | Self::ReadyAtApplied
            | Self::StaleKubeconfigAccepted
            | Self::ConfiguringSkipped
            | Self::AttemptNotCounted
            | Self::NeverGivesUp
            | Self::EscalationForgotten
            | Self::UnhealthyIgnored
            | Self::HealthyIgnored
            | Self::RetryWithoutDelay
            | Self::FailedLeftByItself
            | Self::FailedResumed
            | Self::PauseIgnored
            | Self::OwnerIgnored
            | Self::FinalizerRemovedEarly
            | Self::FinalizerForgotten
            | Self::RunOpenedTwice
            | Self::DoneInTheMovingRound
            | Self::OperationNotEnded
            | Self::RequeueForgotten
            | Self::EndpointCleared
            | Self::NetworkDestroyedFirst
            | Self::MissingIgnored
            | Self::RecoveryOfChildIgnored
            | Self::DestroyGivenUp
            | Self::ConnectionNotWritten
            | Self::RequestIgnored
            | Self::RequestLost
            | Self::MissingForgotten
            | Self::WrittenForEver
            | Self::RecordNotStable
            | Self::WaitNotSaid
            | Self::ChildNotCorrected
            | Self::FailedNotDeleted => Manner::Act,
        }
    }
}
