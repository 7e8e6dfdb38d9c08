//! Of several faults at once one decides, and it is the one that is shown.

use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::{Signal, State};
use capt_core::object::Child;
use capt_core::progress::Progress;
use capt_core::record::{Run, RunOperation};
use capt_core::recovery::ActionKind;
use capt_core::workspace::{Command, RunEnd, RunSeen, Snapshot, assess, decide};
use capt_core::{control_plane, template_apply};

use crate::world::{NOW, child, control_plane, round_of_workspace, template_apply, workspace};

fn fault(class: FaultClass, code: &str) -> Fault {
    Fault::new(class, code, "words")
}

/// A workspace whose run has come so far.
fn with_run(end: Option<RunEnd>) -> Snapshot {
    let mut seen = workspace(State::Provisioning);
    seen.object.record.run = Some(Run {
        number: 1,
        operation: RunOperation::Apply,
        input: "one".to_owned(),
        opened: NOW,
    });
    seen.run = Some(RunSeen {
        number: 1,
        progress: Progress::default(),
        unlocked: None,
        changes: true,
        end,
    });
    seen
}

/// What only stops the work beside the run, against what ended the run.
#[test]
fn of_a_step_and_a_run_the_first_by_precedence_decides() {
    let stops = [
        FaultClass::Quota,
        FaultClass::Conflict,
        FaultClass::Invalid,
        FaultClass::Integrity,
    ];
    for of_step in stops {
        for &of_run in FaultClass::ALL {
            let mut seen = with_run(Some(RunEnd::Failed(fault(of_run, "Run"))));
            seen.object.faults = vec![fault(of_step, "Step")];
            let decision = decide(&seen, assess(&seen, NOW), NOW);
            let first = of_step.precedence() <= of_run.precedence();
            let (class, code) = if first { (of_step, "Step") } else { (of_run, "Run") };
            let shown = decision.record.fault.unwrap();
            assert_eq!((shown.class, &*shown.code), (class, code), "{of_step} {of_run}");
            let state = if class.is_terminal() {
                State::Failed
            } else {
                State::Recovering
            };
            assert_eq!(decision.record.state, state, "{of_step} {of_run}");
        }
    }
}

#[test]
fn of_several_steps_the_first_by_precedence_decides() {
    use FaultClass::{Credentials, Integrity, Invalid, Quota, Transient};
    let decided = |classes: [FaultClass; 2]| {
        let mut seen = with_run(None);
        seen.run = None;
        seen.object.faults = classes.map(|class| fault(class, class.name())).to_vec();
        assess(&seen, NOW).fault.map(|fault| fault.class)
    };
    for (classes, first) in [
        ([Quota, Invalid], Some(Invalid)),
        ([Invalid, Quota], Some(Invalid)),
        ([Credentials, Integrity], Some(Integrity)),
        ([Quota, Credentials], Some(Credentials)),
        ([Transient, Quota], Some(Quota)),
        ([Transient, Transient], None),
    ] {
        assert_eq!(decided(classes), first, "{classes:?}");
    }
}

/// A parent that has a fault of its own does not blame a child that only recovers.
#[test]
fn a_fault_of_ones_own_is_not_laid_on_a_child() {
    let recovering = Child {
        fault: Some(fault(FaultClass::Transient, "OfChild")),
        ..child(State::Recovering)
    };
    let own = vec![fault(FaultClass::Invalid, "Own")];
    for state in [State::Provisioning, State::Configuring] {
        let mut seen = template_apply(state);
        seen.workspace = Some(recovering.clone());
        let record = |seen: &template_apply::Snapshot| {
            let record = template_apply::decide(seen, template_apply::assess(seen, NOW), NOW).record;
            (record.state, record.fault.unwrap().code, record.blamed)
        };
        let blamed = Some("Child/demo".to_owned());
        assert_eq!(
            record(&seen),
            (State::Recovering, "OfChild".to_owned(), blamed.clone())
        );
        seen.object.faults.clone_from(&own);
        assert_eq!(record(&seen), (State::Failed, "Own".to_owned(), None), "{state}");
        // Nothing is believed as long as this is not over.
        seen.workspace = Some(Child {
            fault: Some(fault(FaultClass::Interrupted, "OfChild")),
            ..recovering.clone()
        });
        assert_eq!(
            record(&seen),
            (State::Recovering, "OfChild".to_owned(), blamed),
            "{state}"
        );
    }
    let mut seen = control_plane(State::Configuring);
    seen.kubeconfig = control_plane::Kubeconfig::Template {
        apply: Some(Child {
            name: "Kubeconfig/demo".to_owned(),
            ..recovering
        }),
        secret: control_plane::Secret::Unknown,
    };
    let blamed = |seen: &control_plane::Snapshot| {
        let assessment = control_plane::assess(seen, NOW);
        (assessment.blamed, assessment.fault.unwrap().code)
    };
    assert_eq!(
        blamed(&seen),
        (Some("Kubeconfig/demo".to_owned()), "OfChild".to_owned())
    );
    seen.object.faults = own;
    assert_eq!(blamed(&seen), (None, "Own".to_owned()));
}

/// Also where its owner has written what is tried about it.
#[test]
fn nothing_recovers_while_its_run_is_going_on() {
    for &class in FaultClass::ALL {
        let mut seen = with_run(None);
        seen.object.faults = vec![fault(class, "Step")];
        seen.object.policy.recovery.actions = vec![(ActionKind::RetryApply, None)];
        let assessment = assess(&seen, NOW);
        assert!(!assessment.signals.contains(&Signal::RetryableFault), "{class}");
        assert_eq!(assessment.fault, None, "{class}");
        round_of_workspace(&mut seen, NOW);
        assert_eq!(seen.object.record.state, State::Provisioning, "{class}");
    }
}

/// A state is protected once nothing can take the workspace away any more.
#[test]
fn of_two_finalizers_that_are_gone_that_of_the_object_comes_first() {
    let mut seen = with_run(Some(RunEnd::Succeeded));
    seen.object.record.state = State::Ready;
    seen.protected = false;
    assert_eq!(round_of_workspace(&mut seen, NOW), "protect-state");
    seen.object.finalized = false;
    let decision = decide(&seen, assess(&seen, NOW), NOW);
    let steps: Vec<_> = decision.plan.steps().iter().map(|step| &step.command).collect();
    assert_eq!(steps, [&Command::AddFinalizer]);
}
