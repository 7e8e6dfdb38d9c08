//! Lives of an apply, and of whoever follows a child.

use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::Child;
use capt_core::template_apply;

use crate::life::{Life, child, object};

#[test]
fn an_apply_mirrors_its_workspace() {
    let mut life = Life::new();
    let mut seen = template_apply::Snapshot {
        object: object("WorkspaceTemplateApply/demo"),
        missing: Vec::new(),
        invalid: None,
        workspace: None,
        retain: false,
    };
    life.apply(&mut seen);
    life.apply(&mut seen);
    life.apply(&mut seen);
    seen.object.finalized = true;
    for state in [
        State::Provisioning,
        State::Recovering,
        State::Recovering,
        State::Provisioning,
        State::Failed,
        State::Failed,
    ] {
        life.say(state.name());
        let fault = Fault::new(FaultClass::Transient, "Throttled", "too many requests");
        seen.workspace = Some(Child {
            fault: Some(fault),
            ..child("TerraformWorkspace/demo", state)
        });
        life.apply(&mut seen);
    }
    for state in [
        State::Validating,
        State::Validating,
        State::Provisioning,
        State::Ready,
        State::Ready,
        State::Ready,
    ] {
        life.say(state.name());
        seen.workspace = Some(child("TerraformWorkspace/demo", state));
        life.apply(&mut seen);
    }
    assert!(seen.object.record.ready);
    life.say("deleted, retained");
    seen.object.deleting = true;
    seen.retain = true;
    life.apply(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_foreign_child_is_never_touched() {
    let mut life = Life::new();
    let mut seen = template_apply::Snapshot {
        object: object("WorkspaceTemplateApply/demo"),
        missing: Vec::new(),
        invalid: None,
        workspace: Some(Child {
            foreign: Some(
                Fault::new(
                    FaultClass::Conflict,
                    "ForeignObject",
                    "it belongs to somebody else",
                )
                .on("TerraformWorkspace/demo"),
            ),
            ..child("TerraformWorkspace/demo", State::Ready)
        }),
        retain: false,
    };
    seen.object.finalized = true;
    for _ in 0..4 {
        life.apply(&mut seen);
    }
    assert_eq!(seen.object.record.state, State::Failed);
    seen.object.deleting = true;
    life.apply(&mut seen);
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_parent_that_follows_a_recovering_child_counts_and_plans_no_attempts() {
    let mut life = Life::new();
    let mut seen = template_apply::Snapshot {
        object: object("WorkspaceTemplateApply/demo-vpc"),
        missing: Vec::new(),
        invalid: None,
        workspace: Some(child("TerraformWorkspace/demo-vpc", State::Recovering)),
        retain: false,
    };
    seen.object.finalized = true;
    for _ in 0..6 {
        life.apply(&mut seen);
    }
    let record = &seen.object.record;
    assert_eq!(record.state, State::Recovering);
    assert_eq!(
        (record.next_attempt, record.recovery.ledger.attempts()),
        (None, 0)
    );
    if let Some(child) = &mut seen.workspace {
        child.matches = false;
    }
    life.apply(&mut seen);
    assert_eq!(
        seen.object.record.state,
        State::Provisioning,
        "to make it what it should be"
    );
}
