//! Lives of a workspace.

use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::record::{Record, RunOperation};
use capt_core::wait::Wait;
use capt_core::workspace;

use crate::life::{Life, failed, new_workspace, ready_workspace, run};

#[test]
fn a_run_that_has_changed_nothing_gives_way_to_a_newer_input() {
    let mut life = Life::new();
    let mut seen = ready_workspace(&mut life);
    life.say("the input changes");
    seen.object.input = "two".to_owned();
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(2, None).map(|run| workspace::RunSeen {
        changes: false,
        ..run
    });
    life.workspace(&mut seen);
    life.say("it changes again before the apply");
    seen.object.input = "three".to_owned();
    life.workspace(&mut seen);
    life.say("and back, which changes nothing about that");
    seen.object.input = "two".to_owned();
    life.workspace(&mut seen);
    seen.object.input = "three".to_owned();
    seen.run = run(2, failed(FaultClass::Interrupted));
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.fault, None);
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.run.as_ref().unwrap().number, 3);
    insta::assert_snapshot!(life.text);
}

/// A module that cannot be destroyed as it is (`prevent_destroy`, say) is mended by an edit, without waiting.
#[test]
fn a_destroy_that_failed_is_tried_again_at_once_when_the_input_changes() {
    let mut life = Life::new();
    let mut seen = ready_workspace(&mut life);
    seen.object.deleting = true;
    life.workspace(&mut seen);
    seen.run = run(2, failed(FaultClass::Invalid));
    life.workspace(&mut seen);
    let waiting = seen.object.record.run.clone();
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.run, waiting, "it waits");
    seen.object.input = "mended".to_owned();
    life.workspace(&mut seen);
    let opened = seen.object.record.run.clone().unwrap();
    assert_eq!((opened.number, opened.operation), (3, RunOperation::Destroy));
    seen.run = run(3, failed(FaultClass::Invalid));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(
        seen.object.record.run.as_ref(),
        Some(&opened),
        "once for each input"
    );
}

#[test]
fn a_workspace_is_created_updated_and_destroyed() {
    let mut life = Life::new();
    let mut seen = ready_workspace(&mut life);
    assert!(seen.object.record.ready);
    life.say("converged");
    life.workspace(&mut seen);
    life.say("the input changes");
    seen.object.input = "two".to_owned();
    life.workspace(&mut seen);
    assert!(seen.object.record.ready, "an update does not take Ready away");
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.say("it changes again while the run is going on");
    seen.run = run(2, None);
    seen.object.input = "three".to_owned();
    life.workspace(&mut seen);
    seen.run = run(2, Some(workspace::RunEnd::Succeeded));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(3, Some(workspace::RunEnd::Succeeded));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.applied.as_deref(), Some("three"));
    life.say("it is deleted");
    seen.object.deleting = true;
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(
        seen.object.record.run.as_ref().unwrap().operation,
        RunOperation::Destroy
    );
    seen.run = run(4, None);
    life.workspace(&mut seen);
    seen.run = run(4, failed(FaultClass::Dependency));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.pass(700);
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(5, Some(workspace::RunEnd::Succeeded));
    life.workspace(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_workspace_recovers_gives_up_and_is_mended() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.object.finalized = true;
    for number in 1..=3 {
        while seen
            .object
            .record
            .run
            .as_ref()
            .is_none_or(|run| run.number < number)
        {
            life.workspace(&mut seen);
            if seen.object.record.state == State::Recovering {
                life.pass(60);
            }
        }
        life.workspace(&mut seen);
        seen.run = run(number, failed(FaultClass::Transient));
        life.workspace(&mut seen);
    }
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.state, State::Failed);
    life.workspace(&mut seen);
    life.say("a person asks for a retry");
    seen.object.requested = Some("retry=1".to_owned());
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(4, failed(FaultClass::Invalid));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.say("the input is mended");
    seen.object.input = "two".to_owned();
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.state, State::Validating);
    let recovery = &seen.object.record.recovery;
    assert_eq!(recovery.attempts, 2);
    let outcomes = recovery.history.iter().map(|it| it.finished.unwrap().1.name());
    assert_eq!(outcomes.collect::<Vec<_>>(), ["Failed", "Failed", "Escalated"]);
    insta::assert_snapshot!(life.text);
}

#[test]
fn an_interrupted_run_is_taken_up_at_once_and_costs_no_attempt() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.object.finalized = true;
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(1, failed(FaultClass::Interrupted));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.recovery.ledger.attempts(), 0);
    assert_eq!(seen.object.record.run.as_ref().unwrap().number, 2);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_wait_that_lasts_too_long_shows_as_recovering_until_it_is_over() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.missing = vec![Wait::new(
        "Secret/credentials",
        "SecretMissing",
        "Secret credentials does not exist",
    )];
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    life.pass(300);
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.missing.clear();
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.state, State::Provisioning);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_workspace_that_never_ran_or_stays_behind_is_let_go() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.object.finalized = true;
    seen.object.deleting = true;
    life.workspace(&mut seen);
    let mut seen = ready_workspace(&mut life);
    seen.object.deleting = true;
    seen.deletion = workspace::Deletion::Orphan;
    life.workspace(&mut seen);
    life.say("delete while creating");
    let mut seen = new_workspace();
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.object.finalized = true;
    seen.object.deleting = true;
    seen.run = run(1, None);
    life.workspace(&mut seen);
    seen.run = run(1, failed(FaultClass::Interrupted));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_finalizer_that_somebody_took_is_put_back() {
    let mut life = Life::new();
    let mut seen = ready_workspace(&mut life);
    seen.object.finalized = false;
    let decision = workspace::decide(&seen, workspace::assess(&seen, life.now), life.now);
    assert_eq!(decision.plan.steps()[0].command, workspace::Command::AddFinalizer);
    assert_eq!(decision.record.state, State::Ready);
}

#[test]
fn outputs_that_were_lost_take_another_run_and_no_run_is_repeated_without_end() {
    let mut life = Life::new();
    let mut seen = ready_workspace(&mut life);
    seen.object.record.state = State::Configuring;
    seen.run = run(1, failed(FaultClass::Interrupted));
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    assert_eq!(seen.object.record.state, State::Provisioning);
    assert_eq!(seen.object.record.run.as_ref().unwrap().number, 2);
    seen.run = run(2, failed(FaultClass::Interrupted));
    life.workspace(&mut seen);
    assert!(
        seen.object.record.next_attempt.unwrap() > life.now,
        "the second interruption in a row waits"
    );
    assert_eq!(seen.object.record.recovery.ledger.attempts(), 1);
}

#[test]
fn what_an_unfinished_apply_made_is_kept_and_destroyed() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.object.finalized = true;
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.run = run(1, failed(FaultClass::Invalid));
    seen.has_state = true;
    life.workspace(&mut seen);
    let decision = workspace::decide(&seen, workspace::assess(&seen, life.now), life.now);
    assert_eq!(decision.plan.steps()[0].command, workspace::Command::ProtectState);
    life.say("its status is lost, and it is deleted");
    seen.object.record = Record::default();
    seen.object.deleting = true;
    life.workspace(&mut seen);
    assert_eq!(
        seen.object.record.run.as_ref().unwrap().operation,
        RunOperation::Destroy
    );
}

#[test]
fn a_refused_permission_is_shown_and_tried_again() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    life.workspace(&mut seen);
    life.workspace(&mut seen);
    seen.object.faults = vec![Fault::new(FaultClass::Permission, "Forbidden", "may not patch")];
    let decision = workspace::decide(&seen, workspace::assess(&seen, life.now), life.now);
    assert_eq!(decision.record.state, State::Provisioning);
    assert_eq!(decision.waits[0].reason, "Forbidden");
    assert!(!decision.plan.is_empty());
}

#[test]
fn nothing_happens_while_paused() {
    let mut life = Life::new();
    let mut seen = new_workspace();
    seen.object.paused = Some("Cluster/demo is paused".to_owned());
    life.workspace(&mut seen);
    seen.object.deleting = true;
    seen.object.finalized = true;
    life.workspace(&mut seen);
    assert_eq!(seen.object.record, Record::default());
    insta::assert_snapshot!(life.text);
}
