//! The subject `WorkspaceTemplateApply`: a template, made into one workspace.

use jiff::Timestamp;

use crate::advance::Assessment;
use crate::decision::{Decision, Requeue};
use crate::fault::Fault;
use crate::lifecycle::{Signal, State};
use crate::loss::{Basis, Loss};
use crate::object::{Child, Object};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::record::Record;
use crate::wait::Wait;

/// Everything observed about one apply at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What every object has.
    pub object: Object,
    /// The template, Secrets and workspaces that are waited for.
    pub missing: Vec<Wait>,
    /// What cannot work as it is written: substitution, cycles, references.
    pub invalid: Option<Fault>,
    /// The workspace.
    pub workspace: Option<Child>,
    /// Whether the workspace outlives the apply.
    pub retain: bool,
}

impl Snapshot {
    /// An apply of which nothing is known but that it is there, and whose workspace goes with it.
    pub fn new(object: Object) -> Self {
        Self {
            object,
            missing: Vec::new(),
            invalid: None,
            workspace: None,
            retain: false,
        }
    }
}

/// One effect on or for an apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Put our finalizer on the apply.
    AddFinalizer,
    /// Make the workspace what it should be.
    EnsureWorkspace,
    /// Delete the workspace.
    DeleteWorkspace,
    /// Let the workspace go, so that it outlives the apply.
    ReleaseWorkspace,
    /// Take our finalizer from the apply.
    RemoveFinalizer,
}

const BASIS: Basis = Basis {
    name: "the workspace",
    gone: "WorkspaceGone",
};

/// How an apply that was in order has lost its workspace, if it has.
fn loss(snapshot: &Snapshot) -> Option<Loss> {
    snapshot.object.loss(BASIS, snapshot.workspace.as_ref())
}

/// What the snapshot means.
pub fn assess(snapshot: &Snapshot, now: Timestamp) -> Assessment {
    let object = &snapshot.object;
    let mut assessment = object.assess(now);
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
        State::Configuring => {
            object.follow(snapshot.workspace.as_ref(), &mut assessment);
            if snapshot.workspace.as_ref().is_some_and(Child::is_current) {
                assessment.signals.insert(Signal::Configured);
            }
        }
        State::Ready => {
            // It stays as it is, and will not follow changes until this is back.
            assessment.waits.extend(snapshot.missing.iter().cloned());
            object.follow(snapshot.workspace.as_ref(), &mut assessment);
        }
        State::Provisioning => {
            object.follow(snapshot.workspace.as_ref(), &mut assessment);
            if snapshot.workspace.is_none() {
                assessment.waits.extend(snapshot.missing.iter().cloned());
            }
        }
        State::Degraded | State::Failed | State::Recovering => {
            object.follow(snapshot.workspace.as_ref(), &mut assessment);
        }
    }
    object.lose(loss(snapshot), &mut assessment);
    assessment
}

/// What to do about it.
pub fn decide(snapshot: &Snapshot, assessment: Assessment, now: Timestamp) -> Decision<Record, Command> {
    let object = &snapshot.object;
    if object.deleting && object.paused.is_none() {
        return delete(snapshot, now);
    }
    let waits_for_deletion = snapshot.workspace.as_ref().is_some_and(|child| child.deleting);
    object.decide(
        assessment,
        now,
        |_| {},
        |record| {
            // What was there when the inputs were checked may have gone since: nothing new is begun without it.
            let may = snapshot.missing.is_empty() || snapshot.workspace.is_some();
            let wanted = record.state == State::Provisioning && !waits_for_deletion && may;
            let there = snapshot
                .workspace
                .as_ref()
                .is_some_and(|child| child.matches || child.foreign.is_some());
            let plan = if wanted && !there {
                object.ensure(
                    "ensure-workspace",
                    Command::EnsureWorkspace,
                    Command::AddFinalizer,
                )
            } else {
                let made = snapshot
                    .workspace
                    .as_ref()
                    .is_some_and(|child| child.foreign.is_none());
                object.restore_finalizer(made, Command::AddFinalizer)
            };
            (plan, Requeue::OnChange)
        },
    )
}

fn delete(snapshot: &Snapshot, now: Timestamp) -> Decision<Record, Command> {
    let object = &snapshot.object;
    let decision = object.deleting(now, || goes(snapshot));
    if !object.finalized {
        return decision;
    }
    match &snapshot.workspace {
        Some(child) if child.foreign.is_none() && snapshot.retain => Decision {
            plan: Plan::draft()
                .step("release-workspace", Command::ReleaseWorkspace)
                .step_after(
                    "remove-finalizer",
                    Command::RemoveFinalizer,
                    &["release-workspace"],
                )
                .check()
                .unwrap_or_else(|_| Plan::empty()),
            ..decision
        },
        Some(child) if child.foreign.is_none() => {
            let message = child.waits.first().map_or_else(
                || format!("{} is being deleted", child.name),
                |wait| wait.message.clone(),
            );
            let waits = vec![Wait::new(&*child.name, "WaitingForWorkspace", message)];
            let plan = if child.deleting {
                Plan::empty()
            } else {
                Plan::single("delete-workspace", Command::DeleteWorkspace)
            };
            Decision {
                plan,
                waits,
                ..decision
            }
        }
        Some(_) | None => Decision {
            plan: Plan::single("remove-finalizer", Command::RemoveFinalizer),
            ..decision
        },
    }
}

/// What goes with the apply.
fn goes(snapshot: &Snapshot) -> String {
    let ours = snapshot
        .workspace
        .as_ref()
        .filter(|child| child.foreign.is_none());
    match ours {
        None => "there is no workspace to delete".to_owned(),
        Some(child) if snapshot.retain => format!("{} stays, and so does what it made", child.name),
        Some(child) => format!("deleting {} and with it what it made", child.name),
    }
}

/// How far the apply is: as far as its workspace.
pub fn progress(snapshot: &Snapshot, record: &Record) -> Progress {
    follow_progress(snapshot.workspace.as_ref(), &snapshot.missing, record, 0, 100)
}

/// The progress of the present operation where it is that of one child, as a part of the whole. Before there is a
/// child, it is what is `missing`.
pub(crate) fn follow_progress(
    child: Option<&Child>,
    missing: &[Wait],
    record: &Record,
    from: u8,
    to: u8,
) -> Progress {
    let before = record.percent;
    if record.operation.is_none() {
        return match record.state {
            State::Ready => Progress::finished(),
            State::Pending
            | State::Validating
            | State::Provisioning
            | State::Configuring
            | State::Degraded
            | State::Failed
            | State::Recovering => Progress::default().not_behind(before),
        };
    }
    // What a child has reached in another operation says nothing about a deletion, nor the other way round.
    let deleting = record.is_deleting();
    let checks = match record.state {
        State::Pending | State::Validating => true,
        State::Recovering => record.origin == Some(State::Validating),
        State::Provisioning | State::Configuring | State::Ready | State::Degraded | State::Failed => false,
    };
    let progress = if checks && !deleting {
        Progress::checking(missing)
    } else {
        child
            .filter(|child| child.matches && child.observed && child.deleting == deleting)
            .map_or_else(
                || Progress::started("waiting for the workspace"),
                |child| child.progress.clone().within(from, to),
            )
    };
    progress.not_behind(before).unfinished()
}
