//! How a workspace ends: its run is stopped, its resources are destroyed, and its state is let go.

use jiff::Timestamp;

use super::{Command, Deletion, RunEnd, RunSeen, Snapshot, checked, current_run, start};
use crate::absence::is_due;
use crate::advance::after;
use crate::decision::{Decision, Requeue};
use crate::object::Object;
use crate::plan::Plan;
use crate::record::{Record, RunOperation};
use crate::recovery::ActionKind;
use crate::retry::seed_of;
use crate::wait::{Notice, Wait};

pub(super) fn delete(snapshot: &Snapshot, now: Timestamp) -> Decision<Record, Command> {
    let Decision {
        record,
        notices,
        requeue,
        ..
    } = snapshot.object.deleting::<Command>(now, || goes(snapshot));
    let mut decision = next(snapshot, record, now);
    decision.requeue = decision.requeue.earliest(requeue);
    decision.notices.splice(0..0, notices);
    decision
}

/// What goes with the workspace.
fn goes(snapshot: &Snapshot) -> String {
    let made = snapshot.has_state || snapshot.object.record.run.is_some();
    let goes = match snapshot.deletion {
        Deletion::Destroy if made => "Terraform destroys what it made",
        Deletion::Destroy => "Terraform has made nothing yet",
        Deletion::Orphan => "what Terraform made stays, and so does its state",
    };
    goes.to_owned()
}

fn next(snapshot: &Snapshot, mut record: Record, now: Timestamp) -> Decision<Record, Command> {
    let object = &snapshot.object;
    if !object.finalized {
        return Decision::hold(record);
    }
    if !snapshot.dependents.is_empty() {
        let names = snapshot.dependents.join(", ");
        let wait = Wait::new(
            names.clone(),
            "WaitingForDependents",
            format!("{names} must be gone first"),
        );
        return Decision {
            waits: vec![wait],
            ..Decision::hold(record)
        };
    }
    let seen = current_run(snapshot);
    let last = record.run.as_ref().map(|run| run.operation);
    let active = seen.filter(|run| run.end.is_none());
    match (snapshot.deletion, last, active) {
        (_, Some(RunOperation::Apply), Some(_))
        | (Deletion::Orphan, Some(RunOperation::Destroy), Some(_)) => {
            let wait = Wait::new(
                object.name.clone(),
                "WaitingForRun",
                "the run that is going on is being stopped",
            );
            Decision {
                plan: Plan::single("cancel-run", Command::CancelRun),
                waits: vec![wait],
                ..Decision::hold(record)
            }
        }
        (Deletion::Orphan, _, _) => release(record, false),
        // A status can be lost; a state says that there is something to destroy all the same.
        (Deletion::Destroy, None, _) if !snapshot.has_state => release(record, false),
        (Deletion::Destroy, None | Some(RunOperation::Apply), _) => {
            record.recovery.ledger.close();
            open_destroy(object, record, now)
        }
        (Deletion::Destroy, Some(RunOperation::Destroy), _) => destroy(snapshot, seen, record, now),
    }
}

fn open_destroy(object: &Object, mut record: Record, now: Timestamp) -> Decision<Record, Command> {
    record.next_attempt = None;
    record.open_run(RunOperation::Destroy, &object.input, now);
    Decision {
        waits: vec![destroying(object)],
        ..Decision::hold(record)
    }
}

fn destroying(object: &Object) -> Wait {
    Wait::new(
        object.name.clone(),
        "Destroying",
        "Terraform destroys the resources",
    )
}

fn destroy(
    snapshot: &Snapshot,
    seen: Option<&RunSeen>,
    mut record: Record,
    now: Timestamp,
) -> Decision<Record, Command> {
    let object = &snapshot.object;
    match seen.map(|run| run.end.as_ref()) {
        None => {
            let plan = start(snapshot, &record);
            Decision {
                plan,
                waits: vec![destroying(object)],
                ..Decision::hold(record)
            }
        }
        Some(None) => Decision {
            waits: vec![destroying(object)],
            ..Decision::hold(record)
        },
        Some(Some(RunEnd::Succeeded)) => release(record, true),
        Some(Some(RunEnd::Failed(fault))) => {
            let asked = object.is_asked();
            let opened = record.run.as_ref().map_or(Timestamp::MIN, |run| run.opened);
            match record.next_attempt {
                None => {
                    // What was asked for before anybody knew of the failure is answered in the next round.
                    record.honoured.clone_from(&object.record.honoured);
                    let rules = &object.policy.recovery;
                    let ledger = &mut record.recovery.ledger;
                    ledger.begin(fault, ActionKind::RetryApply, rules, now);
                    let delay = rules
                        .retry
                        .for_class(fault.class)
                        .delay(ledger.attempts(), seed_of(&object.uid));
                    // A destroy is never given up: nobody else would do it. It only gets slower.
                    record.next_attempt = Some(after(now, delay.max(fault.retry_after.unwrap_or_default())));
                    record.fault = Some(fault.clone());
                    let notice = Notice::warning("DestroyFailed", fault.to_string());
                    let wait = Wait::new(object.name.clone(), fault.code.clone(), fault.to_string());
                    let requeue = record.next_attempt.map_or(Requeue::OnChange, Requeue::At);
                    Decision {
                        waits: vec![wait],
                        notices: vec![notice],
                        requeue,
                        ..Decision::hold(record)
                    }
                }
                // What failed is mended in the workspace itself; nobody waits then.
                Some(at) if !is_due(at, opened, now) && !asked && !is_mended(object, &record) => {
                    let wait = Wait::new(object.name.clone(), fault.code.clone(), fault.to_string());
                    Decision {
                        waits: vec![wait],
                        requeue: Requeue::At(at),
                        ..Decision::hold(record)
                    }
                }
                Some(_) => open_destroy(object, record, now),
            }
        }
    }
}

/// Whether the input is another one than that of the destroy that failed.
fn is_mended(object: &Object, record: &Record) -> bool {
    record.run.as_ref().is_some_and(|run| run.input != object.input)
}

fn release(record: Record, remove: bool) -> Decision<Record, Command> {
    let plan = Plan::draft()
        .step("release-state", Command::ReleaseState { remove })
        .step_after("forget-run", Command::ForgetRun, &["release-state"])
        .step_after("remove-finalizer", Command::RemoveFinalizer, &["forget-run"])
        .check();
    Decision {
        plan: checked(plan),
        ..Decision::hold(record)
    }
}
