//! Mistakes that are planted on purpose, to show that the laws find them.

use capt_core::advance::Assessment;
use capt_core::decision::Requeue;
use capt_core::lifecycle::{Signal, State};
use capt_core::record::{OperationKind, Record, RunOperation};
use capt_core::{cluster, control_plane, workspace};

use crate::law::Law;
use crate::observe::Snapshot;
use crate::round::{Command, Decided};
use crate::world::{Left, Thing};

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
    pub const ALL: [Self; 32] = [
        Self::InputChangeIgnored,
        Self::InitializedReset,
        Self::ReadyAtApplied,
        Self::StaleKubeconfigAccepted,
        Self::ConfiguringSkipped,
        Self::AttemptNotCounted,
        Self::NeverGivesUp,
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
            Self::AttemptNotCounted | Self::NeverGivesUp => Law::Budget,
            Self::RetryWithoutDelay => Law::Patience,
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
            | Self::WaitNotSaid => Law::Reason,
            Self::RequestIgnored | Self::ChildNotCorrected => Law::Mends,
            Self::DestroyGivenUp | Self::FailedNotDeleted => Law::Goes,
        }
    }

    /// How much has to happen until it shows.
    pub const fn needs(self) -> Left {
        match self {
            Self::AttemptNotCounted | Self::NeverGivesUp => Left {
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
            Self::RequestLost => Left {
                faults: 1,
                requests: 1,
                disturbances: 2,
                ..Left::NOTHING
            },
            Self::MissingForgotten => Left {
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

    #[allow(clippy::too_many_lines, reason = "one mistake after the other")]
    pub(crate) fn plant(self) -> Plant {
        match self {
            Self::InputChangeIgnored => Plant::Assessment(|_, it| {
                it.signals.remove(&Signal::InputChanged);
            }),
            Self::InitializedReset => Plant::Decision(|seen, it| {
                it.record.initialized &= !moves(seen, it, State::Ready, State::Validating);
            }),
            Self::ReadyAtApplied => Plant::Assessment(|seen, it| {
                if matches!(seen, Snapshot::ControlPlane(_)) && it.signals.contains(&Signal::Applied) {
                    it.signals.insert(Signal::Configured);
                }
            }),
            Self::StaleKubeconfigAccepted => Plant::Snapshot(|seen| {
                if let Snapshot::ControlPlane(seen) = seen
                    && let control_plane::Kubeconfig::Output(secret) = &mut seen.kubeconfig
                {
                    *secret = control_plane::Secret::Current;
                }
            }),
            Self::ConfiguringSkipped => Plant::Decision(|seen, it| {
                if moves(seen, it, State::Provisioning, State::Configuring) {
                    it.record.state = State::Ready;
                }
            }),
            Self::AttemptNotCounted => Plant::Decision(|_, it| it.record.attempt = 0),
            Self::NeverGivesUp => Plant::Assessment(|seen, it| {
                let due = seen
                    .object()
                    .record
                    .next_attempt
                    .is_some_and(|at| at.as_second() <= 0);
                if it.signals.remove(&Signal::GaveUp) | it.signals.remove(&Signal::GaveUpAfterReady) && due {
                    it.signals.insert(Signal::Recovered);
                }
            }),
            Self::RetryWithoutDelay => Plant::Decision(|_, it| {
                if it.record.state == State::Recovering {
                    it.record.next_attempt = it.record.since;
                }
            }),
            Self::FailedLeftByItself => Plant::Assessment(|seen, it| {
                if seen.object().record.state == State::Failed {
                    it.signals.insert(Signal::RetryRequested);
                }
            }),
            Self::FailedResumed => Plant::Decision(|seen, it| {
                if moves(seen, it, State::Failed, State::Validating) {
                    it.record.state = State::Provisioning;
                }
            }),
            Self::PauseIgnored => Plant::Snapshot(|seen| seen.object_mut().paused = None),
            Self::OwnerIgnored => Plant::Snapshot(|seen| match seen {
                Snapshot::ControlPlane(seen) => seen.owned = true,
                Snapshot::Cluster(seen) => seen.owned = true,
                Snapshot::Workspace(_) => {}
            }),
            Self::FinalizerRemovedEarly => Plant::Decision(|seen, it| {
                if let Snapshot::Workspace(seen) = seen
                    && seen.object.deleting
                {
                    let remove = Command::Workspace(workspace::Command::RemoveFinalizer);
                    it.plan = vec![planned("remove-finalizer", remove)];
                    it.record = seen.object.record.clone();
                }
            }),
            Self::FinalizerForgotten => Plant::Decision(|seen, it| {
                let adds = [
                    Command::ControlPlane(control_plane::Command::AddFinalizer),
                    Command::Cluster(cluster::Command::AddFinalizer),
                ];
                if !matches!(seen, Snapshot::Workspace(_)) {
                    it.plan.retain(|step| !adds.contains(&step.command));
                    it.plan.iter_mut().for_each(|step| step.after.clear());
                }
            }),
            Self::RunOpenedTwice => Plant::Assessment(|seen, it| {
                let object = seen.object();
                if object
                    .record
                    .input
                    .as_deref()
                    .is_some_and(|input| input != object.input)
                {
                    it.signals.insert(Signal::InputChanged);
                }
            }),
            Self::DoneInTheMovingRound => Plant::Decision(|seen, it| {
                if let Snapshot::Workspace(seen) = seen
                    && it.record.state == State::Provisioning
                    && seen.object.record.state != State::Provisioning
                    && let Some(run) = &it.record.run
                {
                    let (number, operation) = (run.number, run.operation);
                    let start = workspace::Command::StartRun { number, operation };
                    it.plan = vec![planned("start-run", Command::Workspace(start))];
                }
            }),
            Self::OperationNotEnded => Plant::Decision(|seen, it| {
                if it.record.state == State::Ready {
                    it.record.operation.clone_from(&seen.object().record.operation);
                }
            }),
            Self::RequeueForgotten => Plant::Decision(|_, it| it.requeue = Requeue::OnChange),
            Self::EndpointCleared => Plant::Written(|thing| {
                thing.endpoint &= thing.memo.state != State::Failed && thing.memo.state != State::Recovering;
            }),
            Self::NetworkDestroyedFirst => Plant::Snapshot(|seen| match seen {
                Snapshot::Cluster(seen) => seen.dependents.clear(),
                Snapshot::Workspace(seen) => seen.dependents.clear(),
                Snapshot::ControlPlane(_) => {}
            }),
            Self::MissingIgnored => Plant::Snapshot(|seen| {
                if let Snapshot::ControlPlane(seen) = seen {
                    seen.missing.clear();
                }
            }),
            Self::RecoveryOfChildIgnored => Plant::Assessment(|seen, it| {
                let object = seen.object();
                if object.record.state == State::Recovering && object.record.blamed.is_some() {
                    it.signals.remove(&Signal::Recovered);
                }
            }),
            Self::DestroyGivenUp => Plant::Decision(|seen, it| {
                if let Snapshot::Workspace(seen) = seen
                    && destroys(&seen.object.record)
                    && destroys(&it.record)
                    && seen.object.record.next_attempt.is_some()
                {
                    it.record = seen.object.record.clone();
                }
            }),
            Self::ConnectionNotWritten => Plant::Decision(|_, it| {
                let write = Command::Workspace(workspace::Command::WriteConnection);
                it.plan.retain(|step| step.command != write);
            }),
            Self::RequestIgnored => Plant::Assessment(|seen, it| {
                if seen.object().is_asked() {
                    it.signals.remove(&Signal::RetryRequested);
                }
            }),
            Self::RequestLost => Plant::Decision(|seen, it| {
                if it.record.state != seen.object().record.state {
                    it.record.honoured.clone_from(&seen.object().requested);
                }
            }),
            Self::MissingForgotten => Plant::Snapshot(|seen| {
                if let Snapshot::ControlPlane(seen) = seen
                    && seen.object.record.state == State::Provisioning
                {
                    seen.missing.clear();
                }
            }),
            Self::WrittenForEver => Plant::Decision(|seen, it| {
                if let Snapshot::ControlPlane(seen) = seen
                    && seen.object.record.state == State::Ready
                    && it.record.state == State::Ready
                    && seen.object.paused.is_none()
                {
                    let write = Command::ControlPlane(control_plane::Command::WriteKubeconfig);
                    it.plan = vec![planned("write-kubeconfig", write)];
                }
            }),
            Self::RecordNotStable => Plant::Decision(|seen, it| {
                if seen.object().record.state == State::Ready && it.record.state == State::Ready {
                    it.record.gave_up = !seen.object().record.gave_up;
                }
            }),
            Self::WaitNotSaid => Plant::Decision(|_, it| it.waits.clear()),
            Self::ChildNotCorrected => Plant::Snapshot(|seen| match seen {
                Snapshot::ControlPlane(seen) => {
                    if let Some(child) = &mut seen.apply {
                        child.matches = true;
                        child.observed = false;
                    }
                }
                Snapshot::Cluster(_) | Snapshot::Workspace(_) => {}
            }),
            Self::FailedNotDeleted => Plant::Decision(|seen, it| {
                if let Snapshot::Workspace(seen) = seen
                    && seen.object.record.state == State::Failed
                    && seen.object.deleting
                {
                    it.record = seen.object.record.clone();
                    it.plan.clear();
                }
            }),
        }
    }
}

fn moves(seen: &Snapshot, decided: &Decided, from: State, to: State) -> bool {
    seen.object().record.state == from && decided.record.state == to
}

fn destroys(record: &Record) -> bool {
    let operation = record.operation.as_ref().map(|operation| operation.kind);
    let run = record.run.as_ref().map(|run| run.operation);
    operation == Some(OperationKind::Deleting) && run == Some(RunOperation::Destroy)
}

fn planned(id: &'static str, command: Command) -> crate::round::Planned {
    crate::round::Planned {
        id: capt_core::plan::StepId(id),
        after: Vec::new(),
        command,
    }
}
