//! What each mistake does.

use capt_core::decision::Requeue;
use capt_core::fault::Fault;
use capt_core::lifecycle::{Signal, State};
use capt_core::record::{OperationKind, Record, RunOperation};
use capt_core::recovery::{Breaker, RecoveryMode};
use capt_core::{cluster, control_plane, workspace};

use super::{Mistake, Plant};
use crate::observe::Snapshot;
use crate::round::{Command, Decided};

impl Mistake {
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
            Self::AttemptNotCounted => Plant::Decision(|_, it| {
                if let Some(incident) = &mut it.record.recovery.ledger.incident {
                    incident.tried.clear();
                }
            }),
            Self::NeverGivesUp => Plant::Snapshot(|seen| {
                seen.object_mut().policy.recovery.retry.max_retries = u32::MAX;
            }),
            Self::ObserveActs => Plant::Snapshot(|seen| {
                seen.object_mut().policy.recovery.mode = RecoveryMode::Act;
            }),
            Self::OwnActionIgnored => Plant::Snapshot(|seen| {
                seen.object_mut().policy.recovery.actions.clear();
            }),
            Self::WindowIgnored => Plant::Snapshot(|seen| {
                seen.object_mut().policy.recovery.per_window = u32::MAX;
            }),
            Self::BreakerIgnored => Plant::Snapshot(|seen| {
                seen.object_mut().record.recovery.ledger.breaker = Breaker::default();
            }),
            Self::EscalationForgotten => Plant::Decision(|_, it| {
                if let Some(incident) = &mut it.record.recovery.ledger.incident {
                    incident.escalated = None;
                }
            }),
            Self::UnhealthyIgnored => Plant::Assessment(|seen, it| {
                if matches!(seen, Snapshot::ControlPlane(_)) && !it.checkup.summary().ready {
                    it.signals.remove(&Signal::Unhealthy);
                }
            }),
            Self::HealthyIgnored => Plant::Assessment(|seen, it| {
                let fault = seen.object().record.fault.as_ref();
                if fault.is_some_and(Fault::is_of_check) {
                    it.signals.remove(&Signal::Healthy);
                    it.signals.remove(&Signal::RetryRequested);
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
