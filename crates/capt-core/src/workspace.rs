//! The subject `TerraformWorkspace`: one Terraform configuration, brought into being by runs.

use jiff::Timestamp;

use crate::advance::Assessment;
use crate::decision::{Decision, Requeue};
use crate::fault::{Fault, deciding};
use crate::lifecycle::{Signal, State};
use crate::object::{Object, is_retried};
use crate::plan::{Checked, Plan, PlanError};
use crate::progress::Progress;
use crate::record::{OperationKind, Record, RunOperation};
use crate::recovery::ActionKind;
use crate::wait::{Notice, Wait};

mod teardown;

/// Everything observed about one workspace at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What every object has.
    pub object: Object,
    /// What is not there yet (Secrets, `ConfigMap`s).
    pub missing: Vec<Wait>,
    /// What cannot work as it is written.
    pub invalid: Option<Fault>,
    /// The run that the runner knows, whatever became of it.
    pub run: Option<RunSeen>,
    /// The connection secret against the outputs of the last run.
    pub connection: Connection,
    /// Whether the state carries our finalizer, so that nobody loses it.
    pub protected: bool,
    /// Whether there is a state that can be lost.
    pub has_state: bool,
    /// What becomes of the resources when the workspace is deleted.
    pub deletion: Deletion,
    /// Who still needs this workspace, while it is being deleted.
    pub dependents: Vec<String>,
}

impl Snapshot {
    /// A workspace of which nothing is known but that it is there, and that is destroyed with its object.
    pub fn new(object: Object) -> Self {
        Self {
            object,
            missing: Vec::new(),
            invalid: None,
            run: None,
            connection: Connection::Unwanted,
            protected: false,
            has_state: false,
            deletion: Deletion::Destroy,
            dependents: Vec::new(),
        }
    }
}

/// What the runner says about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSeen {
    /// The number that the record gave it.
    pub number: u32,
    /// How far it is.
    pub progress: Progress,
    /// The holder of a lock that a dead process had left and that this run took away, and when it did so.
    pub unlocked: Option<(Timestamp, String)>,
    /// Whether it may have changed something already.
    pub changes: bool,
    /// How it ended, once it has.
    pub end: Option<RunEnd>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// As wanted; its outputs are at hand.
    Succeeded,
    /// With this fault, the one that decides.
    Failed(Fault),
}

/// The connection secret against what it should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Nobody wants one.
    Unwanted,
    /// It holds the outputs of the last run, or the outputs are not known and it is there.
    Current,
    /// It is missing or holds something else.
    Stale,
}

/// What becomes of the resources when the workspace is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// They are destroyed first.
    Destroy,
    /// They stay, and so does the Terraform state.
    Orphan,
}

/// One effect on or for a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Put our finalizer on the workspace.
    AddFinalizer,
    /// Start the run of this number, or take it up again where it is.
    StartRun {
        /// The number that the record gave it.
        number: u32,
        /// What it is to do.
        operation: RunOperation,
    },
    /// Stop the run that is going on, gently.
    CancelRun,
    /// Let the run that is going on end before it changes anything, if it has not begun to.
    WithdrawRun,
    /// Write the outputs into the connection secret.
    WriteConnection,
    /// Put our finalizer on the Terraform state.
    ProtectState,
    /// Take our finalizer from the Terraform state; where it was destroyed, remove state and lock.
    ReleaseState {
        /// Whether state and lock are removed.
        remove: bool,
    },
    /// Forget the run and its working directory.
    ForgetRun,
    /// Take our finalizer from the workspace.
    RemoveFinalizer,
}

/// What the snapshot means.
pub fn assess(snapshot: &Snapshot, now: Timestamp) -> Assessment {
    let object = &snapshot.object;
    let mut assessment = object.assess(now);
    let seen = current_run(snapshot);
    let active = seen.is_some_and(|run| run.end.is_none());
    if active {
        // A run that changes something is never stopped for a new input: it ends, and the new input is applied after
        // it. One that has changed nothing yet is withdrawn, and ends at once.
        if object.record.input.as_deref() != Some(object.input.as_str()) {
            let message = "the input has changed; it is applied after the run that is going on";
            assessment
                .waits
                .push(Wait::new(&*object.name, "WaitingForRun", message));
        }
        // Nor is it given up for a step beside it that could not be done: what failed is known once it has ended.
        assessment.signals.remove(&Signal::InputChanged);
        assessment.go_on();
    }
    match object.record.state {
        State::Pending => {
            assessment.signals.insert(Signal::Admitted);
        }
        State::Validating => {
            object.check_inputs(&snapshot.missing, snapshot.invalid.as_ref(), &mut assessment);
        }
        State::Recovering if object.record.origin == Some(State::Validating) => {
            object.check_inputs(&snapshot.missing, snapshot.invalid.as_ref(), &mut assessment);
        }
        // Nothing says what was begun: it is begun anew.
        State::Provisioning | State::Configuring if object.record.run.is_none() => {
            assessment.signals.insert(Signal::InputChanged);
        }
        State::Provisioning | State::Configuring => match seen.and_then(|run| run.end.as_ref()) {
            Some(RunEnd::Failed(fault)) => object.fail(fault.clone(), &mut assessment),
            Some(RunEnd::Succeeded) => {
                assessment.signals.insert(Signal::Applied);
                if snapshot.connection != Connection::Stale && snapshot.protected {
                    assessment.signals.insert(Signal::Configured);
                }
            }
            None => {
                // What keeps a run from starting and does not pass by itself is a fault of the run.
                let lasting = deciding(object.faults.iter().filter(|fault| !is_retried(fault)));
                if let Some(fault) = lasting.filter(|_| seen.is_none()) {
                    object.fail(fault.clone(), &mut assessment);
                }
            }
        },
        State::Ready => {
            if snapshot.connection == Connection::Stale {
                assessment.signals.insert(Signal::InputChanged);
            }
        }
        State::Degraded | State::Failed | State::Recovering => {}
    }
    assessment
}

/// What to do about it.
pub fn decide(snapshot: &Snapshot, assessment: Assessment, now: Timestamp) -> Decision<Record, Command> {
    let mut decision = next(snapshot, assessment, now);
    let unlocked = current_run(snapshot).and_then(|run| run.unlocked.as_ref());
    if let Some((at, holder)) = unlocked.filter(|_| snapshot.object.paused.is_none())
        && decision
            .record
            .note_mended("StateLocked", ActionKind::Unlock, *at)
    {
        let message =
            format!("the lock of {holder} was taken away: the process that took it is dead and has left it");
        decision.notices.push(Notice::warning("LockRemoved", message));
    }
    decision
}

fn next(snapshot: &Snapshot, assessment: Assessment, now: Timestamp) -> Decision<Record, Command> {
    let object = &snapshot.object;
    if object.deleting && object.paused.is_none() {
        return teardown::delete(snapshot, now);
    }
    let input = object.input.clone();
    object.decide(
        assessment,
        now,
        |record| {
            if record.origin == Some(State::Configuring) {
                // Outputs come from a run: whatever failed, it takes another run to get them.
                record.origin = Some(State::Provisioning);
            }
            if record.state == State::Provisioning {
                record.input = Some(input.clone());
                record.open_run(RunOperation::Apply, &input, now);
            }
        },
        |record| {
            if is_at_run(record) && current_run(snapshot).is_none() {
                // It may have failed before anybody asked, which is known once it is begun or taken up.
                record.honoured.clone_from(&object.record.honoured);
            }
            let plan = match record.state {
                State::Provisioning if is_superseded(snapshot) => {
                    Ok(Plan::single("withdraw-run", Command::WithdrawRun))
                }
                State::Provisioning => Ok(start(snapshot, record)),
                State::Configuring => configure(snapshot, record),
                State::Pending
                | State::Validating
                | State::Ready
                | State::Degraded
                | State::Failed
                | State::Recovering => Ok(keep(snapshot, record)),
            };
            (checked(plan), Requeue::OnChange)
        },
    )
}

/// Whether its run is going on, or what comes of it is being written.
const fn is_at_run(record: &Record) -> bool {
    match record.state {
        State::Provisioning | State::Configuring => true,
        State::Pending
        | State::Validating
        | State::Ready
        | State::Degraded
        | State::Failed
        | State::Recovering => false,
    }
}

/// The run of the record, as the runner sees it.
fn current_run(snapshot: &Snapshot) -> Option<&RunSeen> {
    let number = snapshot.object.record.run.as_ref()?.number;
    snapshot.run.as_ref().filter(|run| run.number == number)
}

/// Whether the run that is going on is for an input that nobody wants any more, and has changed nothing yet.
fn is_superseded(snapshot: &Snapshot) -> bool {
    let object = &snapshot.object;
    let active = current_run(snapshot).is_some_and(|run| run.end.is_none() && !run.changes);
    active && object.record.input.as_deref() != Some(object.input.as_str())
}

fn start(snapshot: &Snapshot, record: &Record) -> Plan<Command> {
    let Some(run) = record.run.as_ref().filter(|_| current_run(snapshot).is_none()) else {
        return Plan::empty();
    };
    let start = Command::StartRun {
        number: run.number,
        operation: run.operation,
    };
    snapshot.object.ensure("start-run", start, Command::AddFinalizer)
}

/// What keeps a workspace at which nothing is done from being lost: its finalizer, and that of its state. A state
/// is left alone while a run writes it.
fn keep(snapshot: &Snapshot, record: &Record) -> Plan<Command> {
    let plan = snapshot
        .object
        .restore_finalizer(record.run.is_some(), Command::AddFinalizer);
    if plan.is_empty() && snapshot.has_state && !snapshot.protected {
        return Plan::single("protect-state", Command::ProtectState);
    }
    plan
}

fn configure(snapshot: &Snapshot, record: &Record) -> Result<Plan<Command>, PlanError> {
    let Some(run) = current_run(snapshot) else {
        return Ok(start(snapshot, record));
    };
    if run.end.is_none() {
        // Its outputs are not known before its end, and its state is written by it.
        return Ok(Plan::empty());
    }
    let mut plan = Plan::draft();
    if snapshot.connection == Connection::Stale {
        plan = plan.step("write-connection", Command::WriteConnection);
    }
    if !snapshot.protected {
        plan = plan.step("protect-state", Command::ProtectState);
    }
    plan.check()
}

/// The plans of this module are written out above; one that is not well formed does nothing, and a test
/// walks through every one of them.
fn checked(plan: Result<Plan<Command, Checked>, PlanError>) -> Plan<Command, Checked> {
    debug_assert!(plan.is_ok(), "{plan:?}");
    plan.unwrap_or_else(|_| Plan::empty())
}

/// How far the workspace is, from 0 to 100 percent of its present operation.
pub fn progress(snapshot: &Snapshot, record: &Record) -> Progress {
    let before = record.percent;
    // How far the last apply was says nothing about a deletion.
    let wanted = match record.operation.as_ref().map(|operation| operation.kind) {
        Some(OperationKind::Deleting) => RunOperation::Destroy,
        Some(OperationKind::Creating | OperationKind::Updating) | None => RunOperation::Apply,
    };
    let run = record
        .run
        .as_ref()
        .filter(|run| run.operation == wanted)
        .map(|run| run.number);
    let seen = snapshot
        .run
        .as_ref()
        .filter(|seen| Some(seen.number) == run)
        .map(|seen| seen.progress.clone());
    if wanted == RunOperation::Destroy {
        // Where it was when it was deleted does not matter any more.
        return seen
            .unwrap_or_else(|| Progress::started("deleting"))
            .not_behind(before)
            .unfinished();
    }
    match (&record.operation, record.state) {
        (None, State::Ready) => Progress::finished(),
        (None, _) => Progress::default().not_behind(before),
        (Some(_), State::Recovering) if record.origin == Some(State::Validating) => {
            Progress::checking(&snapshot.missing)
                .not_behind(before)
                .unfinished()
        }
        (Some(_), State::Provisioning | State::Recovering) => seen
            .map_or_else(
                || Progress::started("waiting for Terraform"),
                |progress| progress.within(2, 96),
            )
            .not_behind(before)
            .unfinished(),
        (Some(_), State::Configuring) => Progress::started("writing outputs")
            .not_behind(before.max(97))
            .unfinished(),
        (Some(_), State::Pending | State::Validating) => Progress::checking(&snapshot.missing)
            .not_behind(before)
            .unfinished(),
        (Some(_), State::Ready | State::Degraded | State::Failed) => {
            Progress::default().not_behind(before).unfinished()
        }
    }
}
